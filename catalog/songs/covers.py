"""Covers for songs that have none: drawn from audio features and genre, the same every time.

A song's picture is named by a short code that holds all that is drawn, so that serving one needs no database, any cache
may keep it for ever, and songs that sound alike look related: the genre gives the colour, energy and tempo the waves,
valence the sun, danceability the dots, acousticness how muted all of it is.
"""

import base64
import binascii
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from hashlib import blake2s

SIZE = 300
STEPS = 31
UNKNOWN = 255
VERSION = 1
N_FEATURES = 8
_ACOUSTIC, _DANCE, _ENERGY, _INSTRUMENTAL, _LIVE, _SPEECH, _VALENCE, _TEMPO = range(N_FEATURES)
SLOWEST, FASTEST = 60.0, 180.0


class InvalidCoverCode(ValueError):
    """The code was not made by `encode_cover`."""


@dataclass(frozen=True)
class CoverTraits:
    """All that a cover shows: numbers of 0 to 1, None where the song's feature is unknown."""

    hue: float | None
    features: tuple[float | None, ...]
    artist: int
    title: int

    def feature(self, number: int, otherwise: float = 0.5) -> float:
        value = self.features[number]
        return otherwise if value is None else value


def encode_cover(features: Sequence[float | None], genre: str, artist: str, title: str) -> str:
    """Return the name of a song's picture. `features` in the order of AUDIO_FEATURES, tempo in BPM."""
    scaled = [*features[:_TEMPO], _scale_tempo(features[_TEMPO])]
    levels = [
        UNKNOWN if value is None else round(min(max(value, 0), 1) * STEPS) for value in scaled
    ]
    hue = _pack_byte(genre) % UNKNOWN if genre else UNKNOWN
    packed = bytes([VERSION, hue, *levels, _pack_byte(artist), _pack_byte(title)])
    return base64.b32encode(packed).decode().rstrip("=").lower()


def decode_cover(code: str) -> CoverTraits:
    """Return what `encode_cover` packed, or raise InvalidCoverCode."""
    try:
        packed = base64.b32decode(code.upper() + "=" * (-len(code) % 8))
    except (binascii.Error, ValueError):
        raise InvalidCoverCode(f"{code!r} is not the name of a cover.") from None
    levels = packed[2 : 2 + N_FEATURES]
    if (
        len(packed) != N_FEATURES + 4
        or packed[0] != VERSION
        or any(STEPS < x < UNKNOWN for x in levels)
    ):
        raise InvalidCoverCode(f"{code!r} is not the name of a cover.")
    return CoverTraits(
        hue=None if packed[1] == UNKNOWN else packed[1] / UNKNOWN,
        features=tuple(None if level == UNKNOWN else level / STEPS for level in levels),
        artist=packed[-2],
        title=packed[-1],
    )


def draw_cover(code: str) -> str:
    """Draw the cover of that name."""
    look = decode_cover(code)
    palette = Palette.for_traits(look)
    shapes = [*_draw_sky(look, palette), *_draw_waves(look, palette), *_draw_dots(look)]
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {SIZE} {SIZE}" width="{SIZE}" height="{SIZE}">'
        + "".join(shapes)
        + "</svg>"
    )


@dataclass(frozen=True)
class Palette:
    """Colours of one cover: one hue, its neighbour, and how strong they are."""

    hue: float
    other: float
    saturation: float
    light: float

    @classmethod
    def for_traits(cls, look: CoverTraits) -> "Palette":
        # Without a genre the sound chooses the colour, widely spread, because most songs lie close to the middle.
        sound = 0.6 + 1.3 * (look.feature(_VALENCE) - 0.5) + 0.9 * (look.feature(_ENERGY) - 0.6)
        base, spread = (look.hue, 36) if look.hue is not None else (sound, 80)
        hue = 360 * base + (look.artist / 255 - 0.5) * spread
        return cls(
            hue=hue % 360,
            other=(hue + 40 + 70 * look.feature(_VALENCE)) % 360,
            saturation=78 - 42 * look.feature(_ACOUSTIC),
            light=34 + 18 * look.feature(_VALENCE),
        )

    def format_colour(self, hue: float, lightness: float) -> str:
        return f"hsl({hue:.0f},{self.saturation:.0f}%,{min(max(lightness, 6), 94):.0f}%)"


def _draw_sky(look: CoverTraits, palette: Palette) -> Iterator[str]:
    top, bottom = (
        palette.format_colour(palette.hue, palette.light),
        palette.format_colour(palette.other, palette.light + 26),
    )
    yield (
        '<defs><linearGradient id="g" x1="0" y1="0" x2="0.35" y2="1">'
        f'<stop offset="0" stop-color="{top}"/><stop offset="1" stop-color="{bottom}"/></linearGradient></defs>'
        f'<rect width="{SIZE}" height="{SIZE}" fill="url(#g)"/>'
    )
    x = SIZE * (0.2 + 0.6 * look.title / 255)
    y = SIZE * (0.5 - 0.26 * look.feature(_VALENCE))
    radius = SIZE * (0.11 + 0.13 * look.feature(_VALENCE))
    sun = palette.format_colour(palette.other, 88)
    n_rings = 1 + round(3 * look.feature(_INSTRUMENTAL, 0.2))
    for ring in range(n_rings, 0, -1):
        yield (
            f'<circle cx="{x:.1f}" cy="{y:.1f}" r="{radius * (0.55 + 0.45 * ring):.1f}" fill="{sun}" '
            f'fill-opacity="{0.8 / ring:.2f}"/>'
        )


def _draw_waves(look: CoverTraits, palette: Palette) -> Iterator[str]:
    energy, tempo = look.feature(_ENERGY), look.feature(_TEMPO)
    n_layers = 3 + round(2 * look.feature(_LIVE, 0.3))
    for layer in range(n_layers):
        depth = (layer + 1) / n_layers
        height = SIZE * (0.52 + 0.38 * layer / n_layers)
        swing = SIZE * (0.02 + 0.11 * energy) * (1.1 - 0.5 * depth)
        path = _draw_wave(
            height, swing, 0.8 + 2.6 * tempo + 0.5 * layer, look.title / 40 + layer * 1.9, energy
        )
        fill = palette.format_colour(
            palette.hue + 14 * layer, palette.light * (1.05 - 0.75 * depth)
        )
        yield f'<path d="{path}" fill="{fill}" fill-opacity="{0.62 + 0.3 * depth:.2f}"/>'


def _draw_wave(height: float, swing: float, turns: float, phase: float, sharpness: float) -> str:
    """A hill line across the picture, closed at the bottom; the sharper, the more of its second overtone."""
    points = []
    for step in range(31):
        x = SIZE * step / 30
        angle = 2 * math.pi * turns * step / 30 + phase
        y = height + swing * (math.sin(angle) + 0.45 * sharpness * math.sin(2.7 * angle + phase))
        points.append(f"{x:.0f},{y:.1f}")
    return f"M{' L'.join(points)} L{SIZE},{SIZE} L0,{SIZE}Z"


def _draw_dots(look: CoverTraits) -> Iterator[str]:
    """The more danceable, the more lights in a row along the lower edge."""
    n = round(10 * look.feature(_DANCE, 0.0))
    for dot in range(n):
        x = SIZE * (dot + 1) / (n + 1)
        radius = 2.2 + 2.4 * abs(math.sin(look.title + dot * 1.3))
        yield f'<circle cx="{x:.1f}" cy="{SIZE * 0.93:.1f}" r="{radius:.1f}" fill="#fff" fill-opacity="0.75"/>'


def _scale_tempo(bpm: float | None) -> float | None:
    return (
        None if bpm is None else (min(max(bpm, SLOWEST), FASTEST) - SLOWEST) / (FASTEST - SLOWEST)
    )


def _pack_byte(text: str) -> int:
    return blake2s(text.encode("utf-8", "surrogatepass"), digest_size=1).digest()[0]
