"""What the songs themselves are like: audio features, artist, genres, year."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.sparse import csr_matrix

from recommendations.engine.core.arrays import make_empty_rows

AUDIO_FEATURES = (
    "acousticness",
    "danceability",
    "energy",
    "instrumentalness",
    "liveness",
    "speechiness",
    "valence",
    "tempo",
)
"""Column order of every audio array. All are 0 to 1 but tempo, which is in beats per minute."""

SLOWEST_BPM, FASTEST_BPM = 60.0, 180.0
UNKNOWN_ARTIST = -1


@dataclass(frozen=True)
class ItemFeatures:
    """One row a song, in the row order of the interactions' `items`.

    Attributes
    ----------
    audio : float32 (n_items, 8)
        In the order of `AUDIO_FEATURES`; NaN where unknown, never an invented value.
    artist : int32 (n_items,)
        Any number that is the same for songs of one artist; -1 unknown.
    genres : bool csr (n_items, n_genres), optional
    year : float32 (n_items,), optional
    """

    audio: NDArray[np.float32]
    artist: NDArray[np.int32]
    genres: csr_matrix | None = None
    year: NDArray[np.float32] | None = None

    def __post_init__(self) -> None:
        n = len(self.audio)
        if self.audio.shape != (n, len(AUDIO_FEATURES)):
            raise ValueError(
                f"audio must be (n_items, {len(AUDIO_FEATURES)}), not {self.audio.shape}."
            )
        if np.isinf(self.audio).any():
            raise ValueError("audio holds an infinite value; use NaN where a feature is unknown.")
        for name, rows in (("artist", self.artist), ("genres", self.genres), ("year", self.year)):
            if rows is not None and rows.shape[0] != n:
                raise ValueError(f"{name} has {rows.shape[0]} rows for {n} songs.")

    @classmethod
    def build(
        cls,
        audio: ArrayLike | None = None,
        artist: ArrayLike | None = None,
        *,
        n_items: int | None = None,
        genres: csr_matrix | None = None,
        year: ArrayLike | None = None,
    ) -> ItemFeatures:
        """Build from whatever is known; what is left out is unknown for every song."""
        given = [column for column in (audio, artist, genres, year) if column is not None]
        n = n_items if n_items is not None else (np.shape(given[0])[0] if given else 0)
        return cls(
            audio=_fill_array((n, len(AUDIO_FEATURES)), np.nan, np.float32, audio),
            artist=_fill_array((n,), UNKNOWN_ARTIST, np.int32, artist),
            genres=genres,
            year=None if year is None else np.asarray(year, dtype=np.float32),
        )

    @property
    def n_items(self) -> int:
        return len(self.audio)

    def take(self, rows: NDArray[np.integer]) -> ItemFeatures:
        """Return the features of some songs, in the order of `rows`."""
        genres = None if self.genres is None else csr_matrix(self.genres)[rows]
        year = None if self.year is None else self.year[rows]
        return ItemFeatures(self.audio[rows], self.artist[rows], genres, year)

    @cached_property
    def scaled(self) -> NDArray[np.float32]:
        """float32 (n_items, 8), all 0 to 1, NaN unknown: tempo from 60 to 180 BPM, faster or slower cut."""
        return scale_audio(self.audio)

    @property
    def has_audio(self) -> bool:
        return bool(np.isfinite(self.audio).any())


def scale_audio(audio: NDArray[np.float32]) -> NDArray[np.float32]:
    """Bring raw audio features (n, 8) to 0..1; NaN stays NaN."""
    scaled = np.array(audio, dtype=np.float32)
    tempo = AUDIO_FEATURES.index("tempo")
    scaled[:, tempo] = (scaled[:, tempo] - SLOWEST_BPM) / (FASTEST_BPM - SLOWEST_BPM)
    return np.clip(scaled, 0, 1, out=scaled)


def weigh_genres(genres: csr_matrix | None, n_items: int) -> csr_matrix:
    """Return genres weighed by rarity, rows brought to length 1: float32 csr (n_items, n_genres), or no columns."""
    if genres is None or not genres.nnz:
        return make_empty_rows(n_items, 0)
    units = csr_matrix(genres, dtype=np.float32)
    # a genre that all songs have says nothing
    rarity = np.log1p(n_items / np.maximum(np.bincount(units.indices, minlength=units.shape[1]), 1))
    units.data = (np.abs(units.data) * rarity[units.indices]).astype(np.float32)
    squares = np.asarray(units.multiply(units).sum(axis=1)).ravel()
    units.data /= np.repeat(np.sqrt(np.where(squares > 0, squares, 1)), np.diff(units.indptr))
    return units


def _fill_array(
    shape: tuple[int, ...], unknown: float, dtype: type, values: ArrayLike | None
) -> NDArray[Any]:
    return np.full(shape, unknown, dtype=dtype) if values is None else np.array(values, dtype=dtype)
