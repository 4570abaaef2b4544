"""Songs that listeners elsewhere heard together with those of the history."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix

from recommendations.engine.algorithms.sparse_similarity import SparseSimilarity
from recommendations.engine.algorithms.training_data import DataSize, Progress, TrainingData
from recommendations.engine.core.arrays import count_per_row, list_entry_rows, make_empty_rows
from recommendations.engine.core.weighting import Transform
from recommendations.engine.data.prior import MOST_NEIGHBOURS


class ListenersElsewhere(SparseSimilarity):
    """Item-item neighbours whose counts come from another site or a public listening history.

    A link is the listeners elsewhere who heard both songs, by the geometric mean of the listeners of each
    (their cosine), and by a power of the sum of the history song's links: a song that is like many others says
    less. A listener without a history gets what most listeners elsewhere heard.

    Parameters
    ----------
    transform
        From strength to value.
    evenness
        The power, 0 to 1: with 0 a song says as much as its cosines are large, with 1 all songs say as much.

    Attributes
    ----------
    log_listeners_ : float32 (n_items,)
        log(1 + listeners elsewhere).
    """

    name = "prior"
    item_arrays = ("learned", "log_listeners")

    def __init__(self, transform: Transform = "binary", evenness: float = 0.5) -> None:
        if not 0 <= evenness <= 1:
            raise ValueError(f"evenness must be from 0 to 1, not {evenness}.")
        self.transform = transform
        self.evenness = evenness

    def _fit(self, data: TrainingData, rng: np.random.Generator, on_progress: Progress) -> None:
        on_progress(0, 1)
        n_items = data.n_items
        n_listeners = np.zeros(n_items) if data.prior is None else data.prior.n_listeners
        self.log_listeners_ = np.log1p(n_listeners).astype(np.float32)
        self.learned_ = n_listeners > 0
        self.links_ = make_empty_rows(n_items, n_items)
        if data.prior is not None:
            self.links_ = self._links(data.prior.together, on_progress)
        on_progress(1, 1)

    def _links(self, strengths: csr_matrix, on_progress: Progress) -> csr_matrix:
        links = csr_matrix(strengths.maximum(strengths.T), dtype=np.float32)
        n_listeners = np.maximum(np.expm1(self.log_listeners_), 1)
        links.data /= np.sqrt(n_listeners[list_entry_rows(links)] * n_listeners[links.indices])
        sums = np.asarray(links.sum(axis=1)).ravel()
        scale = np.where(sums > 0, sums, 1) ** -self.evenness
        links.data = (links.data * scale[list_entry_rows(links)]).astype(np.float32)
        links.sort_indices()
        return links

    def _fit_bytes(self, size: DataSize) -> float:
        return 24.0 * size.n_items * self._most_links(size)

    def _learned_bytes(self, size: DataSize) -> float:
        return 8.0 * size.n_items * self._most_links(size) + 5 * size.n_items

    def _most_links(self, size: DataSize) -> int:
        return min(2 * MOST_NEIGHBOURS, size.n_items)

    def _score(self, histories: csr_matrix) -> NDArray[np.float32]:
        scores = super()._score(histories)
        is_empty = count_per_row(histories) == 0
        scores[is_empty] = np.where(self.learned_, self.log_listeners_, np.float32(np.nan))
        return scores

    @property
    def _scores_by_links(self) -> bool:
        return False

    def _state(self) -> dict[str, NDArray[Any]]:
        return super()._state() | {"log_listeners": self.log_listeners_}

    def _restore(self, state: dict[str, NDArray[Any]]) -> None:
        super()._restore(state)
        self.log_listeners_ = np.asarray(state["log_listeners"])
