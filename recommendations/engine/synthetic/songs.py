"""The music of a synthetic world: genres, scenes within them, artists of a scene and their songs."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix

from recommendations.engine.core.seeding import make_generator
from recommendations.engine.data.item_features import AUDIO_FEATURES, ItemFeatures
from recommendations.engine.synthetic.names import (
    make_album_titles,
    make_artist_names,
    make_song_titles,
)

# name: share of all songs; acousticness, danceability, energy, instrumentalness, liveness, speechiness, valence, BPM
GENRES: dict[str, tuple[float, ...]] = {
    "Pop": (12, 0.20, 0.67, 0.66, 0.02, 0.17, 0.07, 0.55, 118),
    "Rock": (12, 0.15, 0.51, 0.77, 0.08, 0.20, 0.06, 0.51, 126),
    "Hip Hop": (10, 0.18, 0.74, 0.65, 0.02, 0.20, 0.25, 0.50, 108),
    "Indie": (8, 0.30, 0.55, 0.60, 0.12, 0.17, 0.05, 0.47, 121),
    "Electronic": (7, 0.09, 0.66, 0.75, 0.45, 0.16, 0.07, 0.42, 124),
    "R&B": (6, 0.32, 0.66, 0.52, 0.03, 0.15, 0.12, 0.47, 104),
    "Latin": (6, 0.25, 0.73, 0.70, 0.02, 0.17, 0.09, 0.68, 106),
    "Metal": (5, 0.03, 0.40, 0.91, 0.22, 0.22, 0.10, 0.32, 132),
    "Country": (5, 0.36, 0.57, 0.61, 0.01, 0.19, 0.04, 0.58, 120),
    "House": (4, 0.05, 0.76, 0.81, 0.50, 0.17, 0.06, 0.50, 125),
    "Jazz": (4, 0.72, 0.52, 0.32, 0.40, 0.16, 0.06, 0.48, 112),
    "Classical": (4, 0.95, 0.28, 0.14, 0.84, 0.13, 0.04, 0.19, 98),
    "Folk": (4, 0.74, 0.49, 0.34, 0.09, 0.15, 0.04, 0.42, 114),
    "Punk": (3, 0.05, 0.46, 0.90, 0.06, 0.24, 0.08, 0.56, 142),
    "Soul": (3, 0.44, 0.61, 0.52, 0.04, 0.19, 0.06, 0.64, 108),
    "Reggae": (3, 0.21, 0.75, 0.58, 0.03, 0.16, 0.12, 0.72, 104),
    "Ambient": (2, 0.85, 0.27, 0.19, 0.87, 0.12, 0.04, 0.13, 92),
    "Blues": (2, 0.51, 0.54, 0.47, 0.09, 0.22, 0.05, 0.57, 113),
    "Disco": (2, 0.14, 0.74, 0.78, 0.08, 0.17, 0.05, 0.80, 119),
    "Techno": (2, 0.04, 0.72, 0.84, 0.78, 0.14, 0.06, 0.25, 131),
}
_SPREAD = np.array([0.16, 0.10, 0.13, 0.15, 0.09, 0.05, 0.16, 15.0])
"""Standard deviation within a genre, in the units of the features."""

SONGS_PER_SCENE = 36
SONGS_PER_ARTIST = 9
SONGS_PER_ALBUM = 10
SECOND_GENRE = 0.2
"""Share of artists who play in a second genre, too."""


@dataclass(frozen=True)
class Songs:
    """The songs of a world; row i is song_{i + 1}.

    Attributes
    ----------
    audio : float32 (n, 8)
    artist, scene, album : int32 (n,)
    genres : bool csr (n, n_genres)
        One or two a song.
    year : int32 (n,)
    duration_ms : int32 (n,)
    popularity_then, popularity_now : float64 (n,)
        Relative frequency of being heard at the start and at the end of the world's time.
    """

    audio: NDArray[np.float32]
    artist: NDArray[np.int32]
    scene: NDArray[np.int32]
    album: NDArray[np.int32]
    genres: csr_matrix
    year: NDArray[np.int32]
    duration_ms: NDArray[np.int32]
    popularity_then: NDArray[np.float64]
    popularity_now: NDArray[np.float64]
    scene_genre: NDArray[np.int32]
    artist_scene: NDArray[np.int32]
    seed: int

    @property
    def n(self) -> int:
        return len(self.artist)

    @cached_property
    def ids(self) -> NDArray[np.str_]:
        """song_00001 and on, str (n,)."""
        return number_ids("song", self.n)

    @cached_property
    def genre_names(self) -> tuple[str, ...]:
        return tuple(GENRES)

    @cached_property
    def artist_names(self) -> list[str]:
        return make_artist_names(len(self.artist_scene), make_generator(self.seed, "artist names"))

    @cached_property
    def titles(self) -> list[str]:
        return make_song_titles(self.artist, make_generator(self.seed, "titles"))

    @cached_property
    def album_titles(self) -> list[str]:
        return make_album_titles(
            int(self.album.max(initial=-1)) + 1, make_generator(self.seed, "album titles")
        )

    def features(self) -> ItemFeatures:
        return ItemFeatures(
            audio=self.audio,
            artist=self.artist,
            genres=self.genres,
            year=self.year.astype(np.float32),
        )


def number_ids(word: str, n: int, start: int = 0) -> NDArray[np.str_]:
    """Return word_00001, word_00002 … for the places from `start`, str (n,)."""
    return np.array([f"{word}_{i:05d}" for i in range(start + 1, start + n + 1)], dtype="U")


def make_songs(n_songs: int, seed: int, last_year: int) -> Songs:
    """Make `n_songs` songs up to the year `last_year`; linear in n_songs."""
    rng = make_generator(seed, "songs")
    scene_genre = _make_scenes(n_songs, rng)
    artist_scene, artist_fame = _make_artists(n_songs, len(scene_genre), rng)
    artist = rng.choice(len(artist_scene), n_songs, p=_compute_shares(artist_fame**0.4)).astype(
        np.int32
    )
    popularity = (artist_fame[artist] ** 0.6) * _draw_power_law(n_songs, rng)
    trend = rng.normal(0, 0.5, n_songs)
    year, is_new = _draw_years(artist, len(artist_scene), last_year, rng)
    return Songs(
        audio=_draw_audio(artist, artist_scene, scene_genre, rng),
        artist=artist,
        scene=artist_scene[artist],
        album=_number_albums(artist),
        genres=_draw_genres(artist, artist_scene, scene_genre, rng),
        year=year,
        duration_ms=np.clip(rng.lognormal(np.log(215_000), 0.25, n_songs), 60_000, 900_000).astype(
            np.int32
        ),
        popularity_then=popularity * np.where(is_new, 1e-3, np.exp(-trend)),
        popularity_now=popularity * np.where(is_new, 2.0, np.exp(trend)),
        scene_genre=scene_genre,
        artist_scene=artist_scene,
        seed=seed,
    )


def _make_scenes(n_songs: int, rng: np.random.Generator) -> NDArray[np.int32]:
    """Return the genre of each scene; larger genres have more of them."""
    n_scenes = max(2, round(n_songs / SONGS_PER_SCENE))
    size = np.array([row[0] for row in GENRES.values()])
    return rng.choice(len(GENRES), n_scenes, p=_compute_shares(size)).astype(np.int32)


def _make_artists(
    n_songs: int, n_scenes: int, rng: np.random.Generator
) -> tuple[NDArray[np.int32], NDArray[Any]]:
    n_artists = max(n_scenes, round(n_songs / SONGS_PER_ARTIST))
    scene = np.arange(n_artists, dtype=np.int32) % n_scenes
    return scene, _draw_power_law(n_artists, rng)


def _draw_power_law(n: int, rng: np.random.Generator) -> NDArray[np.float64]:
    """Return rank**-0.8 in random order: few are heard by many, many by few."""
    return (rng.permutation(n).astype(np.float64) + 1) ** -0.8


def _compute_shares(weights: NDArray[Any]) -> NDArray[np.float64]:
    shares: NDArray[np.float64] = weights / weights.sum()
    return shares


def _draw_audio(
    artist: NDArray[np.int32],
    artist_scene: NDArray[np.int32],
    scene_genre: NDArray[np.int32],
    rng: np.random.Generator,
) -> NDArray[np.float32]:
    """Draw features: typical of the genre, shifted by the scene, then by the artist, then by the song."""
    typical = np.array([row[1:] for row in GENRES.values()])
    of_scene = typical[scene_genre] + rng.normal(0, 0.55, (len(scene_genre), 8)) * _SPREAD
    of_artist = of_scene[artist_scene] + rng.normal(0, 0.45, (len(artist_scene), 8)) * _SPREAD
    of_song = of_artist[artist] + rng.normal(0, 0.6, (len(artist), 8)) * _SPREAD
    bpm = AUDIO_FEATURES.index("tempo")
    of_song[:, bpm] = np.clip(of_song[:, bpm], 55, 205)
    of_song[:, :bpm] = np.clip(of_song[:, :bpm], 0.001, 0.995)
    rounded: NDArray[np.float32] = of_song.round(3).astype(np.float32)
    return rounded


def _draw_genres(
    artist: NDArray[np.int32],
    artist_scene: NDArray[np.int32],
    scene_genre: NDArray[np.int32],
    rng: np.random.Generator,
) -> csr_matrix:
    first = scene_genre[artist_scene]
    second = rng.integers(0, len(GENRES), len(first))
    has_second = (rng.random(len(first)) < SECOND_GENRE) & (second != first)
    rows = np.arange(len(artist))
    more = rows[has_second[artist]]
    entries = (np.concatenate([rows, more]), np.concatenate([first[artist], second[artist[more]]]))
    return csr_matrix(
        (np.ones(len(entries[0]), dtype=bool), entries), shape=(len(artist), len(GENRES))
    )


def _number_albums(artist: NDArray[np.int32]) -> NDArray[np.int32]:
    """Put each artist's songs on albums of ten, numbered over all artists."""
    order = np.argsort(artist, kind="stable")
    starts = np.searchsorted(artist[order], artist[order])
    number_of_artist = (np.arange(len(artist)) - starts) // SONGS_PER_ALBUM
    is_first = np.ones(len(artist), dtype=bool)
    is_first[1:] = (np.diff(artist[order]) != 0) | (np.diff(number_of_artist) != 0)
    album = np.empty(len(artist), dtype=np.int32)
    album[order] = np.cumsum(is_first) - 1
    return album


def _draw_years(
    artist: NDArray[np.int32], n_artists: int, last_year: int, rng: np.random.Generator
) -> tuple[NDArray[np.int32], NDArray[np.bool_]]:
    """Return years around each artist's best time, and which songs came out while the world was listening."""
    peak = last_year - rng.gamma(1.6, 9, n_artists)
    year = np.clip(peak[artist] + rng.normal(0, 4, len(artist)), last_year - 70, last_year).astype(
        np.int32
    )
    is_new = (year == last_year) & (rng.random(len(artist)) < 0.5)
    return year, is_new
