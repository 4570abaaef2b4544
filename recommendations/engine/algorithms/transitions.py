"""Songs that are heard soon after the history's songs."""

from __future__ import annotations

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


class Transitions(SparseSimilarity):
    """A Markov chain over songs with skips: how often a song follows another one, near pairs counting more.

    A song j that is heard d places after i, d at most `window`, adds 1 / d to the link from i to j; a link is
    divided by the root of both songs' listeners. Where the order is unknown, each song of a listener follows each
    other one at distance 1.

    Parameters
    ----------
    window
        Places after a song that are looked at.
    history_decay
        What a song of the history counts for each step back, 1 = no decay.
    n_links
        Links kept from each song, the strongest.
    transform
        From strength to value, for the history.

    Notes
    -----
    Cost: the pairs within the window, n_listens * window.
    """

    name = "transitions"

    def __init__(
        self,
        window: int = 10,
        history_decay: float = 0.8,
        n_links: int = 300,
        transform: Transform = "binary",
    ) -> None:
        if window < 1 or n_links < 1:
            raise ValueError(f"window and n_links must be at least 1, not {window} and {n_links}.")
        self.window = window
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
        return 45.0 * min(self.window * size.n_pairs, size.n_items**2)

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
        scale = diags(1 / np.sqrt(np.maximum(n_listeners, 1)).astype(np.float32))
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
        for distance in range(1, min(self.window, len(songs) - 1) + 1):
            same = rows[distance:] == rows[:-distance]
            pairs = songs[:-distance][same], songs[distance:][same]
            counts = counts + csr_matrix(
                (np.full(same.sum(), 1 / distance, np.float32), pairs), shape=shape
            )
        return counts


def _count_together(strengths: csr_matrix) -> csr_matrix:
    liked = keep_positive(strengths)
    ones = csr_matrix((np.ones_like(liked.data), liked.indices, liked.indptr), shape=liked.shape)
    counts = csr_matrix(ones.T @ ones, dtype=np.float32)
    counts.setdiag(0)
    counts.eliminate_zeros()
    return counts


def _keep_strongest(links: csr_matrix, n: int) -> csr_matrix:
    """Return the n largest links from each song, columns ascending."""
    rows = list_entry_rows(links)
    order = np.lexsort((links.indices, -links.data, rows))
    rank = np.empty(links.nnz, dtype=np.int64)
    rank[order] = np.arange(links.nnz) - links.indptr[rows[order]]
    keep = rank < n
    kept = csr_matrix((links.data[keep], (rows[keep], links.indices[keep])), shape=links.shape)
    kept.sort_indices()
    return kept
