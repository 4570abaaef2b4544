"""Songs that listeners elsewhere heard together with those of the history."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix

from recommendations.engine.algorithms.sparse_similarity import SparseSimilarity
from recommendations.engine.algorithms.training_data import DataSize, Progress, TrainingData
from recommendations.engine.core.arrays import (
    count_per_row,
    list_entry_rows,
    make_empty_rows,
    pad_rows,
)
from recommendations.engine.core.weighting import Transform
from recommendations.engine.data.prior import MOST_NEIGHBOURS

HALF_A_HISTORY = 5.0
"""With so many songs the candidate's discount is halfway from `short_discount` to `long_discount`."""


class ListenersElsewhere(SparseSimilarity):
    """Item-item neighbours whose counts come from another site or a public listening history.

    A link is the listeners elsewhere who heard both songs, by the geometric mean of the listeners of each
    (their cosine), and by a power of the sum of the history song's links: a song that is like many others says
    less. A score is the sum of the history's links, by a power of the sum of the candidate's own links, which rises
    with the history: of one song most follows what is heard with much else, of many what is heard with little else.
    A listener without a history gets what most listeners elsewhere heard.

    Parameters
    ----------
    transform
        From strength to value.
    evenness
        The history song's power, 0 to 1: with 0 a song says as much as its cosines are large, with 1 all say as much.
    short_discount, long_discount
        The candidate's power for a history of hardly any songs and of very many, -1 to 1: below 0 songs with many
        links gain, above 0 they lose.

    Attributes
    ----------
    log_listeners_ : float32 (n_items,)
        log(1 + listeners elsewhere).
    log_sums_ : float32 (n_items,)
        log of the sum of the song's cosines; 0 without any.
    """

    name = "prior"
    item_arrays = ("learned", "log_listeners")

    def __init__(
        self,
        transform: Transform = "binary",
        evenness: float = 0.35,
        short_discount: float = -0.3,
        long_discount: float = 0.4,
    ) -> None:
        if not 0 <= evenness <= 1:
            raise ValueError(f"evenness must be from 0 to 1, not {evenness}.")
        if not max(abs(short_discount), abs(long_discount)) <= 1:
            raise ValueError("short_discount and long_discount must be from -1 to 1.")
        self.transform = transform
        self.evenness = evenness
        self.short_discount = short_discount
        self.long_discount = long_discount

    def _fit(self, data: TrainingData, rng: np.random.Generator, on_progress: Progress) -> None:
        on_progress(0, 1)
        n_items = data.n_items
        n_listeners = np.zeros(n_items) if data.prior is None else data.prior.n_listeners
        self.log_listeners_ = np.log1p(n_listeners).astype(np.float32)
        self.log_sums_ = np.zeros(n_items, dtype=np.float32)
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
        sums = np.where(sums > 0, sums, 1)
        self.log_sums_ = np.log(sums).astype(np.float32)
        scale = sums**-self.evenness
        links.data = (links.data * scale[list_entry_rows(links)]).astype(np.float32)
        links.sort_indices()
        return links

    def _fit_bytes(self, size: DataSize) -> float:
        return 24.0 * size.n_items * self._most_links(size)

    def _learned_bytes(self, size: DataSize) -> float:
        return 8.0 * size.n_items * self._most_links(size) + 9 * size.n_items

    def _most_links(self, size: DataSize) -> int:
        return min(2 * MOST_NEIGHBOURS, size.n_items)

    def _score(self, histories: csr_matrix) -> NDArray[np.float32]:
        scores = super()._score(histories)
        powers = self._choose_powers(self._count_liked(histories))
        scores *= np.exp(np.outer(-powers, self.log_sums_))
        is_empty = count_per_row(histories) == 0
        scores[is_empty] = np.where(self.learned_, self.log_listeners_, np.float32(np.nan))
        return scores

    def _contributions(
        self, histories: csr_matrix, item_rows: NDArray[np.int32]
    ) -> NDArray[np.float32]:
        amounts = super()._contributions(histories, item_rows)
        powers = self._choose_powers(self._count_liked(histories))[:, None]
        amounts *= np.exp(-powers * self.log_sums_[item_rows])[:, :, None]
        return amounts

    def _influences(
        self, histories: csr_matrix, item_rows: NDArray[np.int32]
    ) -> NDArray[np.float32]:
        """Return the score less that of the history without the song, for which the power is another one."""
        amounts = super()._contributions(histories, item_rows)
        total = amounts.sum(axis=2, keepdims=True)
        log_sums = self.log_sums_[item_rows][:, :, None]
        n_liked = self._count_liked(histories)[:, None]
        is_liked = pad_rows(histories, self._find_liked(histories).astype(np.float32)).values
        with_song = np.exp(-self._choose_powers(n_liked)[:, None] * log_sums)
        without_song = np.exp(-self._choose_powers(n_liked - is_liked)[:, None] * log_sums)
        influences: NDArray[np.float32] = total * with_song - (total - amounts) * without_song
        return influences

    def _find_liked(self, histories: csr_matrix) -> NDArray[np.bool_]:
        """Return which entries of the histories are liked songs that listeners elsewhere heard, bool (nnz,)."""
        is_liked: NDArray[np.bool_] = (histories.data > 0) & self.learned_[histories.indices]
        return is_liked

    def _count_liked(self, histories: csr_matrix) -> NDArray[np.float32]:
        rows = list_entry_rows(histories)[self._find_liked(histories)]
        return np.bincount(rows, minlength=histories.shape[0]).astype(np.float32)

    def _choose_powers(self, n_liked: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return the candidate's power for histories of so many songs, in their shape."""
        total = self.long_discount * n_liked + self.short_discount * HALF_A_HISTORY
        return np.asarray(total / (n_liked + HALF_A_HISTORY), dtype=np.float32)

    @property
    def _scores_by_links(self) -> bool:
        return False

    def _state(self) -> dict[str, NDArray[Any]]:
        return super()._state() | {
            "log_listeners": self.log_listeners_,
            "log_sums": self.log_sums_,
        }

    def _restore(self, state: dict[str, NDArray[Any]]) -> None:
        super()._restore(state)
        self.log_listeners_ = np.asarray(state["log_listeners"])
        # an artifact of an older release has none, and no discount
        none = np.zeros(len(self.log_listeners_), dtype=np.float32)
        self.log_sums_ = np.asarray(state.get("log_sums", none))
        if self.log_sums_.shape != self.log_listeners_.shape:
            raise ValueError("prior.log_sums is of another number of songs")
