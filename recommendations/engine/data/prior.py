"""What listeners elsewhere heard together: counts of listeners, never a listener."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix, tril

from recommendations.engine.core.idmap import UNKNOWN, IdMap

FEWEST_LISTENERS = 10
"""A pair of songs that fewer listeners share is never part of a pack: it could point at one of them."""
MOST_NEIGHBOURS = 100
"""Neighbours kept for each song."""


@dataclass(frozen=True)
class Prior:
    """Pairs of songs with the number of listeners elsewhere who heard both.

    Attributes
    ----------
    keys : unicode (n,)
        What the songs go by: a MusicBrainz recording id, or another key that both sides know.
    n_listeners : int32 (n,)
        Listeners elsewhere who heard the song.
    together : float32 csr (n, n)
        Listeners elsewhere who heard both; no diagonal. A row holds the nearest neighbours only.
    """

    keys: NDArray[Any]
    n_listeners: NDArray[np.int32]
    together: csr_matrix

    def __post_init__(self) -> None:
        if (
            not len(self.keys)
            == len(self.n_listeners)
            == self.together.shape[0]
            == self.together.shape[1]
        ):
            raise ValueError(
                "The keys, listeners and pairs of a prior must be about equally many songs."
            )

    def __len__(self) -> int:
        return len(self.keys)

    @classmethod
    def count(
        cls,
        heard: csr_matrix,
        keys: NDArray[Any],
        *,
        fewest_listeners: int = FEWEST_LISTENERS,
        most_neighbours: int = MOST_NEIGHBOURS,
        artist: NDArray[np.int32] | None = None,
    ) -> Prior:
        """Count who heard what together.

        Parameters
        ----------
        heard
            (n_listeners, n_songs), stored where a listener heard a song.
        fewest_listeners
            Pairs that fewer listeners share are left out, and so are songs of fewer listeners.
        most_neighbours
            The nearest ones by cosine, for each song.
        artist
            int (n_songs,), -1 unknown: pairs of one artist are left out, as no news to anybody.

        Raises
        ------
        ValueError
            `fewest_listeners` is below 2: a pair of one listener is that listener's history.
        """
        if fewest_listeners < 2:
            raise ValueError(
                f"A pair must be shared by at least 2 listeners, not {fewest_listeners}."
            )
        ones = csr_matrix(
            (np.ones(heard.nnz, np.float32), heard.indices, heard.indptr), shape=heard.shape
        )
        ones.sum_duplicates()
        ones.data[:] = 1
        n_listeners = np.bincount(ones.indices, minlength=heard.shape[1]).astype(np.int32)
        by_song = ones.T.tocsr()
        blocks = []
        for start in range(0, heard.shape[1], _SONGS_AT_A_TIME):
            block = csr_matrix(by_song[start : start + _SONGS_AT_A_TIME] @ ones)
            pairs = _select_pairs(block, start, fewest_listeners, artist)
            blocks.append(keep_nearest(*pairs, n_listeners, most_neighbours))
        rows, columns, counts = (np.concatenate(arrays) for arrays in zip(*blocks, strict=True))
        together = csr_matrix(
            (counts, (rows, columns)), shape=(heard.shape[1],) * 2, dtype=np.float32
        )
        keep = np.flatnonzero(n_listeners >= fewest_listeners)
        return cls(np.asarray(keys)[keep], n_listeners[keep], csr_matrix(together[keep][:, keep]))

    def over(self, keys: NDArray[Any]) -> Prior:
        """Return the same counts over other songs, in the order of their keys; "" is a song without a key."""
        rows = IdMap(self.keys).rows(np.asarray(keys, dtype=str))
        known_rows = np.flatnonzero(rows != UNKNOWN)
        shape = (len(known_rows), len(self))
        chosen = csr_matrix(
            (np.ones(len(known_rows), np.float32), (np.arange(len(known_rows)), rows[known_rows])),
            shape,
        )
        small = (chosen @ self.together @ chosen.T).tocoo()
        n_listeners = np.zeros(len(keys), dtype=np.int32)
        n_listeners[known_rows] = self.n_listeners[rows[known_rows]]
        together = csr_matrix(
            (small.data, (known_rows[small.row], known_rows[small.col])),
            shape=(len(keys),) * 2,
            dtype=np.float32,
        )
        # two songs of one key are no pair
        together.setdiag(0)
        together.eliminate_zeros()
        return Prior(np.asarray(keys, dtype=str), n_listeners, together)

    def fewest(self) -> int:
        """Return the smallest number of listeners that any pair has; 0 without pairs."""
        return int(self.together.data.min()) if self.together.nnz else 0

    def summarise(self) -> dict[str, Any]:
        """Return how much it holds, in plain JSON types."""
        n_pairs = int(tril(self.together).nnz)
        return {"n_songs": len(self), "n_pairs": n_pairs, "fewest_listeners": self.fewest()}


_SONGS_AT_A_TIME = 1024


def _select_pairs(
    block: csr_matrix, start: int, fewest_listeners: int, artist: NDArray[np.int32] | None
) -> tuple[NDArray[np.int64], NDArray[np.int32], NDArray[np.float32]]:
    """Return (rows, columns, counts) of a block of songs, (m, n_songs), that may be in a pack."""
    rows = np.repeat(np.arange(block.shape[0]), np.diff(block.indptr)) + start
    columns, counts = block.indices, block.data
    keep = (counts >= fewest_listeners) & (rows != columns)
    if artist is not None:
        keep &= (artist[rows] != artist[columns]) | (artist[rows] < 0)
    return rows[keep], columns[keep], counts[keep]


def keep_nearest(
    rows: NDArray[Any],
    columns: NDArray[Any],
    counts: NDArray[Any],
    n_listeners: NDArray[np.int32],
    most_neighbours: int,
) -> tuple[NDArray[Any], NDArray[Any], NDArray[Any]]:
    """Return the pairs of each row's nearest columns by cosine, ties by column number.

    Parameters
    ----------
    rows, columns, counts
        (n_pairs,) each: listeners who heard both songs. A pair is listed in both directions where both are needed.
    n_listeners
        (n_songs,) listeners of each song.

    Notes
    -----
    Sorts the pairs once: O(n log n) time, some 40 bytes a pair.
    """
    cosine = counts / np.sqrt(n_listeners[rows].astype(np.float64) * n_listeners[columns])
    order = np.lexsort((columns, -cosine, rows))
    rows, columns, counts = rows[order], columns[order], counts[order]
    rank_in_row = np.arange(len(rows)) - np.searchsorted(rows, rows)
    is_near = rank_in_row < most_neighbours
    return rows[is_near], columns[is_near], counts[is_near]
