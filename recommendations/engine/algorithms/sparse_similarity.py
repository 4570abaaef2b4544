"""Base of algorithms that learn links from song to song: scoring, explaining and saving by links."""

from __future__ import annotations

from abc import abstractmethod
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix

from recommendations.engine.algorithms.base import Algorithm
from recommendations.engine.algorithms.training_data import (
    Progress,
    TrainingData,
    find_heard_songs,
    require_listens,
)
from recommendations.engine.core.arrays import (
    gather_entries,
    list_entry_rows,
    pad_rows,
    sum_weighted_rows,
    take_pairs,
)
from recommendations.engine.core.ordered import decay_values
from recommendations.engine.core.weighting import Transform
from recommendations.engine.data.side_information import add_side_information


class SparseSimilarity(Algorithm):
    """A song's score is the sum over the history of value times link.

    Attributes
    ----------
    links_ : float32 csr (n_items, n_items)
        Row: the song of the history; column: the song that is scored. Columns ascend in each row.
    learned_ : bool (n_items,)
        Songs that somebody heard in the training data, or that side information names; others cannot be scored.
    """

    names_songs = True

    transform: Transform
    side_information: float
    history_decay: float = 1.0

    def _fit(self, data: TrainingData, rng: np.random.Generator, on_progress: Progress) -> None:
        require_listens(data.strengths)
        strengths = add_side_information(data.strengths, data.features, self.side_information)
        self.learned_ = find_heard_songs(strengths)
        self.links_ = self._links(strengths, on_progress)

    @abstractmethod
    def _links(self, strengths: csr_matrix, on_progress: Progress) -> csr_matrix:
        """Learn the links; songs of `learned_` that get none may be taken out of it."""

    def _score(self, histories: csr_matrix) -> NDArray[np.float32]:
        """Cost: the number of links of the histories' songs."""
        values = decay_values(histories, self.transform, self.history_decay)
        scores = sum_weighted_rows(histories, self.links_, values)
        scores[:, ~self.learned_] = np.nan
        is_known = (values > 0) & self.learned_[histories.indices]
        scores[np.bincount(list_entry_rows(histories)[is_known], minlength=len(scores)) == 0] = (
            np.nan
        )
        return scores

    def _propose(
        self, histories: csr_matrix, counts: NDArray[np.integer]
    ) -> list[NDArray[np.int32]]:
        """The linked songs alone. Cost: the number of links of the histories' songs."""
        if not self._scores_by_links:
            return super()._propose(histories, counts)
        values = decay_values(histories, self.transform, self.history_decay)
        return [
            self._select_linked(*self._sum_links(histories, values, row), int(n))
            for row, n in enumerate(counts)
        ]

    def _score_items(
        self, histories: csr_matrix, item_rows: NDArray[np.int32]
    ) -> NDArray[np.float32]:
        if not self._scores_by_links:
            return super()._score_items(histories, item_rows)
        values = decay_values(histories, self.transform, self.history_decay)
        is_known = (values > 0) & self.learned_[histories.indices]
        n_known = np.bincount(list_entry_rows(histories)[is_known], minlength=len(item_rows))
        scores = np.full(item_rows.shape, np.nan, dtype=np.float32)
        for row in np.flatnonzero(n_known):
            columns, sums = self._sum_links(histories, values, int(row))
            scores[row] = self._look_up(columns, sums, item_rows[row])
        return scores

    def _sum_links(
        self, histories: csr_matrix, values: NDArray[np.float32], row: int
    ) -> tuple[NDArray[np.int32], NDArray[np.float32]]:
        """Return the songs that one history's songs link to, ascending, and their scores."""
        own = slice(histories.indptr[row], histories.indptr[row + 1])
        columns, links, lengths = gather_entries(self.links_, histories.indices[own])
        linked, positions = np.unique(columns, return_inverse=True)
        sums = np.bincount(
            positions, weights=links * np.repeat(values[own], lengths), minlength=len(linked)
        )
        return linked, sums.astype(np.float32)

    def _select_linked(
        self, columns: NDArray[np.int32], sums: NDArray[np.float32], n: int
    ) -> NDArray[np.int32]:
        can_score = self.learned_[columns] & (sums > 0)
        columns, sums = columns[can_score], sums[can_score]
        return columns[np.argsort(-sums, kind="stable")[:n]].astype(np.int32)

    def _look_up(
        self,
        columns: NDArray[np.int32],
        sums: NDArray[np.float32],
        item_rows: NDArray[np.int32],
    ) -> NDArray[np.float32]:
        """Return the scores of chosen songs: 0 without a link, NaN where nothing was learned."""
        scores = np.zeros(len(item_rows), dtype=np.float32)
        if len(columns):
            positions = np.minimum(np.searchsorted(columns, item_rows), len(columns) - 1)
            is_linked = columns[positions] == item_rows
            scores[is_linked] = sums[positions[is_linked]]
        scores[~self.learned_[item_rows]] = np.nan
        return scores

    def _contributions(
        self, histories: csr_matrix, item_rows: NDArray[np.int32]
    ) -> NDArray[np.float32]:
        """Value times link: they sum to the score exactly."""
        values = decay_values(histories, self.transform, self.history_decay)
        history = pad_rows(histories, values)
        return take_pairs(self.links_, history.columns, item_rows) * history.values[:, None, :]

    def _similar(self, item_row: int) -> NDArray[np.float32]:
        scores = np.full(len(self.learned_), np.nan, dtype=np.float32)
        if self.learned_[item_row]:
            scores[self.learned_] = self.links_[[item_row]].toarray()[0][self.learned_]
            scores[item_row] = np.nan
        return scores

    @property
    def _scores_by_links(self) -> bool:
        """Whether the links are all that scores come from."""
        return True

    def _propose_similar(self, item_row: int, n: int) -> NDArray[np.int32]:
        if not self._scores_by_links:
            return super()._propose_similar(item_row, n)
        return self._select_linked(*self._list_links(item_row), n)

    def _similar_items(self, item_row: int, item_rows: NDArray[np.int32]) -> NDArray[np.float32]:
        if not self._scores_by_links:
            return super()._similar_items(item_row, item_rows)
        if not self.learned_[item_row]:
            return np.full(len(item_rows), np.nan, dtype=np.float32)
        scores = self._look_up(*self._list_links(item_row), item_rows)
        scores[item_rows == item_row] = np.nan
        return scores

    def _list_links(self, item_row: int) -> tuple[NDArray[np.int32], NDArray[np.float32]]:
        own = slice(self.links_.indptr[item_row], self.links_.indptr[item_row + 1])
        return self.links_.indices[own], self.links_.data[own]

    def _state(self) -> dict[str, NDArray[Any]]:
        return {
            "learned": self.learned_,
            "links": self.links_.data.astype(np.float32, copy=False),
            "targets": self.links_.indices.astype(np.int32, copy=False),
            "starts": self.links_.indptr.astype(np.int64, copy=False),
        }

    def _restore(self, state: dict[str, NDArray[Any]]) -> None:
        n_items = len(state["starts"]) - 1
        links = csr_matrix(
            (state["links"], state["targets"], state["starts"]), shape=(n_items, n_items)
        )
        links.check_format(full_check=True)
        self.links_ = links
        self.learned_ = np.asarray(state["learned"])
