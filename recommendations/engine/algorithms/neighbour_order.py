"""What nearest listeners heard after the songs of a history, and what they heard before these."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix

NO_SONG = -1


@dataclass(frozen=True)
class NeighbourSongs:
    """All songs of one listener's neighbours, one neighbour after the other, oldest first.

    A song's score is the sum over neighbours and the songs they share with the listener: the shared song's part in
    the similarity, times the neighbour's value for the song, times 1 where they heard it after the shared one and
    `before` where they heard it before. Near listens in sessions are weighed like that by STAN (Garg et al., 2019);
    the direction alone is what pays here.

    Attributes
    ----------
    songs, neighbours : int (n,)
        The song, and whose it is.
    values : float64 (n,)
    steps : int32 (n,)
        How far back the neighbour heard it.
    shared : float64 (n,)
        What the song adds to the similarity; 0 where it is not in the history.
    history_positions : int (n,)
        Its place in the history, `NO_SONG` where it is not.
    n_neighbours, n_history : int
    """

    songs: NDArray[np.integer]
    neighbours: NDArray[np.integer]
    values: NDArray[np.float64]
    steps: NDArray[np.int32]
    shared: NDArray[np.float64]
    history_positions: NDArray[np.integer]
    n_neighbours: int
    n_history: int

    @classmethod
    def gather(
        cls,
        values: csr_matrix,
        steps: NDArray[np.int32],
        idf: NDArray[np.float32],
        rows: NDArray[np.integer],
        history: NDArray[np.integer],
        history_values: NDArray[np.float32],
    ) -> Self:
        """Gather the songs of the neighbours in these rows.

        Parameters
        ----------
        values
            (n_listeners, n_items); `steps` belong to its entries.
        idf
            Weight of each song in a similarity, (n_items,).
        history, history_values
            The listener's songs, and their weighed values, of length 1 together.
        """
        starts = values.indptr[rows].astype(np.int64)
        lengths = values.indptr[rows + 1].astype(np.int64) - starts
        ends = np.cumsum(lengths)
        entries = np.repeat(starts - ends + lengths, lengths) + np.arange(lengths.sum())
        neighbours = np.repeat(np.arange(len(rows)), lengths)
        entries = entries[np.lexsort((-steps[entries], neighbours))]
        songs, own_values = values.indices[entries], values.data[entries].astype(np.float64)
        weighed = own_values * idf[songs]
        norms = np.sqrt(np.bincount(neighbours, weights=weighed**2, minlength=len(rows)))
        place_of_song = np.full(values.shape[1], NO_SONG, dtype=np.int32)
        place_of_song[history] = np.arange(len(history))
        history_positions = place_of_song[songs]
        is_shared = history_positions != NO_SONG
        shared = np.zeros(len(songs))
        shared[is_shared] = (history_values[history_positions] * weighed / norms[neighbours])[
            is_shared
        ]
        return cls(
            songs,
            neighbours,
            own_values,
            steps[entries],
            shared,
            history_positions,
            len(rows),
            len(history),
        )

    def score(self, before: float, n_items: int) -> NDArray[np.float64]:
        """Return the score of every song, (n_items,). Cost: linear in the neighbours' songs."""
        total = np.bincount(self.neighbours, weights=self.shared, minlength=self.n_neighbours)
        # of each neighbour: the similarity by what they heard up to a song, itself included
        running = np.cumsum(self.shared)
        ahead = np.concatenate([[0], np.cumsum(total)[:-1]])[self.neighbours]
        by_earlier = running - ahead
        weights = by_earlier + before * (total[self.neighbours] - by_earlier)
        scores: NDArray[np.float64] = np.bincount(
            self.songs, weights=weights * self.values, minlength=n_items
        ).astype(np.float64, copy=False)
        return scores

    def contribute(self, before: float, items: NDArray[np.int32]) -> NDArray[np.float64]:
        """Return what each song of the history adds to the scores of some items, (n_items, n_history)."""
        amounts = np.zeros((self.n_history, len(items)))
        is_shared = self.history_positions != NO_SONG
        owners, steps = self.neighbours[is_shared], self.steps[is_shared]
        for number, item in enumerate(items):
            is_item = self.songs == item
            value = np.zeros(self.n_neighbours)
            heard = np.zeros(self.n_neighbours, dtype=np.int32)
            value[self.neighbours[is_item]] = self.values[is_item]
            heard[self.neighbours[is_item]] = self.steps[is_item]
            weight = np.where(heard[owners] <= steps, 1.0, before)
            added = self.shared[is_shared] * value[owners] * weight
            amounts[:, number] = np.bincount(
                self.history_positions[is_shared], weights=added, minlength=self.n_history
            )
        return amounts.T
