"""Covers for songs that have none: drawn from names, genre and sound, the same every time.

A picture is named by a short code that holds all that is drawn, so that serving one needs no database and any cache may
keep it for ever. The genre gives the hue and which families of patterns come into question
(`catalog.songs.cover_patterns`), the artist chooses among them and the harmony of colours, the album throws the dice of
the composition, and the sound moves it: energy, acousticness and tempo how it swings, valence how light it is.
"""

import base64
import binascii
from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import blake2s

from catalog.records import AUDIO_FEATURES
from catalog.songs.cover_patterns import FAMILIES, SIZE, SLEEVES, Dice, Sketch, draw_sleeve
from catalog.songs.models import Song

STEPS = 31
UNKNOWN = 255
VERSION = 3
N_FEATURES = 8
_ACOUSTIC, _ENERGY, _VALENCE, _TEMPO = 0, 2, 6, 7
SLOWEST, FASTEST = 60.0, 180.0
_HARMONIES = (
    (0, 24, 48, -24),
    (0, 180, 24, 204),
    (0, 120, 240, 30),
    (0, 150, 210, 180),
    (0, 8, 16, 184),
)
"""How far the colours lie from the hue: neighbours, opposites, a triangle, a split, one and its opposite."""
_HUES = (0, 20, 38, 54, 90, 150, 178, 200, 222, 250, 280, 312, 338, 360)
"""Hues that look equally far apart: of 360 degrees the eye sees a third as greens."""
_PLAIN = ((0.5, 1.0, 46, 46), (0.03, 0.45, 93, 15), (0.8, 1.0, 42, 36), (0.3, 0.9, 62, 56))
"""What the plain part of a layout is painted in: its turn from the hue, its share of the saturation, and its lightness
beside a dark and beside a light ground."""
_FAMILIES_OF_A_GENRE = 6
_ARTIST_BYTES, _ALBUM_BYTES = 5, 2


class InvalidCoverCode(ValueError):
    """The code was not made by `encode_cover`."""


@dataclass(frozen=True)
class CoverTraits:
    """All that a cover shows: a byte of the genre, five of the artist, two of the album, and the sound."""

    genre: int | None
    features: tuple[float | None, ...]
    artist: bytes
    album: bytes

    def get_feature(self, number: int, otherwise: float = 0.5) -> float:
        value = self.features[number]
        return otherwise if value is None else value


def name_drawn_cover(song: Song) -> str:
    """Return the name of a song's drawn picture; no query when artist, album and genres are there already."""
    genres = sorted(genre.name for genre in song.genres.all())
    features = [getattr(song, name) for name in AUDIO_FEATURES]
    album = song.album.title if song.album_id and song.album else song.title
    return encode_cover(features, genres[0] if genres else "", song.artist.name, album)


def encode_cover(features: Sequence[float | None], genre: str, artist: str, album: str) -> str:
    """Return the name of a picture. `features` in the order of AUDIO_FEATURES, tempo in BPM."""
    scaled = [*features[:_TEMPO], _scale_tempo(features[_TEMPO])]
    levels = [
        UNKNOWN if value is None else round(min(max(value, 0), 1) * STEPS) for value in scaled
    ]
    hue = _pack(genre, 1)[0] % UNKNOWN if genre else UNKNOWN
    packed = (
        bytes([VERSION, hue, *levels]) + _pack(artist, _ARTIST_BYTES) + _pack(album, _ALBUM_BYTES)
    )
    return base64.b32encode(packed).decode().rstrip("=").lower()


def decode_cover(code: str) -> CoverTraits:
    """Return what `encode_cover` packed, or raise InvalidCoverCode."""
    try:
        packed = base64.b32decode(code.upper() + "=" * (-len(code) % 8))
    except (binascii.Error, ValueError):
        raise InvalidCoverCode(f"{code!r} is not the name of a cover.") from None
    levels = packed[2 : 2 + N_FEATURES]
    if (
        len(packed) != 2 + N_FEATURES + _ARTIST_BYTES + _ALBUM_BYTES
        or packed[0] != VERSION
        or any(STEPS < x < UNKNOWN for x in levels)
    ):
        raise InvalidCoverCode(f"{code!r} is not the name of a cover.")
    return CoverTraits(
        genre=None if packed[1] == UNKNOWN else packed[1],
        features=tuple(None if level == UNKNOWN else level / STEPS for level in levels),
        artist=packed[-_ARTIST_BYTES - _ALBUM_BYTES : -_ALBUM_BYTES],
        album=packed[-_ALBUM_BYTES:],
    )


def draw_cover(code: str) -> str:
    """Draw the cover of that name."""
    traits = decode_cover(code)
    dice = Dice(traits.artist + traits.album)
    colours = _mix_colours(traits, dice)
    sketch = Sketch(
        colours[:-1],
        dice,
        traits.get_feature(_ENERGY),
        traits.get_feature(_ACOUSTIC),
        traits.get_feature(_TEMPO),
    )
    shapes = FAMILIES[_choose_family(traits)](sketch)
    sleeve = draw_sleeve(_choose_layout(traits), colours[-1])
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {SIZE} {SIZE}" width="{SIZE}" height="{SIZE}">'
        f'<rect width="{SIZE}" height="{SIZE}" fill="{colours[0]}"/>'
        + "".join([*shapes, *sleeve])
        + "</svg>"
    )


def _choose_family(traits: CoverTraits) -> int:
    """Return one of the families that fit the genre, by the artist."""
    genre = traits.artist[0] if traits.genre is None else traits.genre
    return (genre + 3 * (traits.artist[0] % _FAMILIES_OF_A_GENRE)) % len(FAMILIES)


def _choose_layout(traits: CoverTraits) -> int:
    return traits.artist[1] % len(SLEEVES)


def _choose_plain(traits: CoverTraits) -> int:
    return traits.artist[1] // len(SLEEVES) % len(_PLAIN)


def _mix_colours(traits: CoverTraits, dice: Dice) -> tuple[str, ...]:
    """Return the ground, three colours and that of the plain part: around the genre's hue, in the artist's harmony.

    A cheerful song is lighter.
    """
    genre = traits.artist[2] if traits.genre is None else traits.genre
    hue = genre / UNKNOWN + (traits.artist[2] / UNKNOWN - 0.5) * 0.4 + dice.throw(-0.03, 0.03)
    saturation = 78 - 34 * traits.get_feature(_ACOUSTIC) - 14 * (traits.artist[3] % 3 == 2)
    light = 40 + 18 * traits.get_feature(_VALENCE)
    is_dark = traits.artist[4] % 5 < 3
    steps = (-24, 0, 16, 30) if is_dark else (38, 0, -14, 12)
    harmony = _HARMONIES[traits.artist[3] // 3 % len(_HARMONIES)]
    colours = [
        _format_colour(hue + turn / 360, saturation, light + step)
        for turn, step in zip(harmony, steps, strict=True)
    ]
    turn, share, by_dark, by_light = _PLAIN[_choose_plain(traits)]
    plain = _format_colour(hue + turn, saturation * share, by_dark if is_dark else by_light)
    return (*colours, plain)


def _format_colour(turn: float, saturation: float, light: float) -> str:
    """Return the colour at that part of a turn around the wheel of seen hues; loud greens are toned down."""
    step, between = divmod(turn % 1 * (len(_HUES) - 1), 1)
    low, high = _HUES[int(step)], _HUES[int(step) + 1]
    hue = low + between * (high - low)
    toned = saturation * (0.66 if 75 < hue < 170 else 1)
    return f"hsl({hue % 360:.0f},{toned:.0f}%,{min(max(light, 10), 92):.0f}%)"


def _scale_tempo(bpm: float | None) -> float | None:
    return (
        None if bpm is None else (min(max(bpm, SLOWEST), FASTEST) - SLOWEST) / (FASTEST - SLOWEST)
    )


def _pack(text: str, n_bytes: int) -> bytes:
    return blake2s(text.encode("utf-8", "surrogatepass"), digest_size=n_bytes).digest()
