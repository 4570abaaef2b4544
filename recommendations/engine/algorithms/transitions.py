"""Songs that are heard soon after, or near, the history's songs."""

from __future__ import annotations

from typing import Literal, get_args

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix, diags

from recommendations.engine.algorithms.sparse_similarity import SparseSimilarity
from recommendations.engine.algorithms.training_data import (
    DataSize,
    Progress,
    TrainingData,
    find_heard_songs,
    require_listens,
)
from recommendations.engine.core.arrays import keep_positive, list_entry_rows
from recommendations.engine.core.ordered import check_decay, count_steps_back
from recommendations.engine.core.weighting import Transform

PAIRS_TOGETHER = 5_000_000
"""So many pairs of songs are counted at once: a matrix a distance takes longer, one of all of them more memory."""

Direction = Literal["next", "both"]


class Transitions(SparseSimilarity):
    """A Markov chain over songs with skips: how often a song follows another one, near pairs counting more.

    A song j that is heard d places after i, d at most `window`, adds 1 / d to the link from i to j; a link is
    divided by a power of both songs' listeners. Where the order is unknown, each song of a listener follows each
    other one at distance 1.

    Parameters
    ----------
    window
        Places after a song that are looked at.
    direction
        "next" links a song to what follows it, for what to play now; "both" also to what comes before it, for songs
        that belong together in a listener's order.
    popularity_exponent
        Power of a song's listeners by which its links are divided, 0 to 1.
    history_decay
        What a song of the history counts for each step back, 1 = no decay.
    n_links
        Links kept from each song, the strongest.
    transform
        From strength to value, for the history.

    Notes
    -----
    Counts that fall with the distance are those of GloVe (Pennington et al. 2014). Cost: the pairs within the
    window, n_listens * window.
    """

    name = "transitions"

    def __init__(
        self,
        window: int = 10,
        direction: Direction = "next",
        popularity_exponent: float = 0.5,
        history_decay: float = 0.8,
        n_links: int = 300,
        transform: Transform = "binary",
    ) -> None:
        if window < 1 or n_links < 1:
            raise ValueError(f"window and n_links must be at least 1, not {window} and {n_links}.")
        if direction not in get_args(Direction):
            raise ValueError(f"direction must be next or both, not {direction!r}.")
        if not 0 <= popularity_exponent <= 1:
            raise ValueError(f"popularity_exponent must be from 0 to 1, not {popularity_exponent}.")
        self.window = window
        self.direction = direction
        self.popularity_exponent = popularity_exponent
        self.history_decay = check_decay(history_decay)
        self.n_links = n_links
        self.transform = transform
        self.side_information = 0.0

    def _fit(self, data: TrainingData, rng: np.random.Generator, on_progress: Progress) -> None:
        require_listens(data.strengths)
        self.learned_ = find_heard_songs(data.strengths)
        self.links_ = self._links(data.strengths, on_progress)

    def _fit_bytes(self, size: DataSize) -> float:
        """The pairs within the window, while those of one more distance are added and the strongest chosen."""
        return 30.0 * min(self.window * size.n_pairs, size.n_items**2)

    def _learned_bytes(self, size: DataSize) -> float:
        return 8.0 * min(size.n_items * min(self.n_links, size.n_items), self.window * size.n_pairs)

    def _links(self, strengths: csr_matrix, on_progress: Progress) -> csr_matrix:
        on_progress(0, 2)
        steps = count_steps_back(strengths)
        counts = (
            _count_together(strengths) if steps is None else self._count_following(strengths, steps)
        )
        on_progress(1, 2)
        n_listeners = np.bincount(keep_positive(strengths).indices, minlength=strengths.shape[1])
        powers = np.maximum(n_listeners, 1) ** -self.popularity_exponent
        scale = diags(powers.astype(np.float32))
        links = _keep_strongest(csr_matrix(scale @ counts @ scale, dtype=np.float32), self.n_links)
        on_progress(2, 2)
        return links

    def _count_following(self, strengths: csr_matrix, steps: NDArray[np.int32]) -> csr_matrix:
        liked = np.flatnonzero(strengths.data > 0)
        rows = list_entry_rows(strengths)[liked]
        # oldest first within each listener
        order = np.lexsort((-steps[liked], rows))
        rows, songs = rows[order], strengths.indices[liked][order]
        shape = (strengths.shape[1], strengths.shape[1])
        none = np.zeros(0, dtype=np.int32)
        counts = csr_matrix((np.zeros(0, dtype=np.float32), (none, none)), shape=shape)
        window = min(self.window, len(songs) - 1)
        n_together = max(PAIRS_TOGETHER // max(len(songs), 1), 1)
        for first in range(1, window + 1, n_together):
            distances = range(first, min(first + n_together, window + 1))
            same = [rows[distance:] == rows[:-distance] for distance in distances]
            pairs = list(zip(distances, same, strict=True))
            before = np.concatenate([songs[:-distance][flags] for distance, flags in pairs])
            after = np.concatenate([songs[distance:][flags] for distance, flags in pairs])
            amounts = np.repeat(
                np.array([1 / distance for distance in distances], dtype=np.float32),
                [np.count_nonzero(flags) for flags in same],
            )
            counts = counts + csr_matrix((amounts, (before, after)), shape=shape)
        return csr_matrix(counts + counts.T) if self.direction == "both" else counts


def _count_together(strengths: csr_matrix) -> csr_matrix:
    liked = keep_positive(strengths)
    ones = csr_matrix((np.ones_like(liked.data), liked.indices, liked.indptr), shape=liked.shape)
    counts = csr_matrix(ones.T @ ones, dtype=np.float32)
    counts.setdiag(0)
    counts.eliminate_zeros()
    return counts


def _keep_strongest(links: csr_matrix, n: int) -> csr_matrix:
    """Return the n largest links from each song, columns ascending; of equal ones those of the first songs."""
    links.sort_indices()
    keep = np.ones(links.nnz, dtype=bool)
    # a row at a time: a sort of all entries at once takes longer than everything else
    for row in np.flatnonzero(np.diff(links.indptr) > n):
        own = slice(links.indptr[row], links.indptr[row + 1])
        values = links.data[own]
        least = np.partition(values, len(values) - n)[len(values) - n]
        keep[own] = values > least
        tied = np.flatnonzero(values == least)[: n - np.count_nonzero(keep[own])]
        keep[links.indptr[row] + tied] = True
    starts = np.concatenate([[0], np.cumsum(keep)])[links.indptr]
    return csr_matrix((links.data[keep], links.indices[keep], starts), shape=links.shape)
