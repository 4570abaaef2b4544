"""Songs of the listeners whose histories are nearest."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix

from recommendations.engine.algorithms.base import Algorithm
from recommendations.engine.algorithms.neighbour_order import NeighbourSongs
from recommendations.engine.algorithms.training_data import (
    DataSize,
    Progress,
    TrainingData,
    require_listens,
)
from recommendations.engine.core.arrays import (
    BLOCK_BYTES,
    count_per_row,
    cut_blocks,
    list_entry_rows,
    select_top_columns,
    sum_weighted_rows,
    take_dense,
)
from recommendations.engine.core.block_cache import BlockCache
from recommendations.engine.core.ordered import (
    check_decay,
    count_steps_back,
    decay_values,
    keep_entries,
)
from recommendations.engine.core.weighting import Transform, transform_histories

NO_ID = -1
"""Stands for the id of a listener of whom none was given."""
NO_STEPS = np.zeros(0, dtype=np.int32)
"""Where the order in which neighbours heard their songs says nothing."""


class UserKNN(Algorithm):
    """User-user nearest neighbours (Resnick et al., 1994) over TF-IDF weighted histories.

    The similarity of two listeners is the cosine of their histories, each song weighed by
    log(n_listeners / (1 + its listeners))^idf_power: a song that few know says more. A song's score is the
    sum of the similarities of the `n_neighbours` nearest listeners who have it, times their strength for it.

    This is the one algorithm that keeps histories. They are saved with the listeners' ids, so that
    `without_listeners` can take out those of a listener who goes.

    Parameters
    ----------
    n_neighbours
        Nearest listeners who are asked.
    idf_power
        0 = plain cosine, 1 = TF-IDF.
    transform
        From strength to value.
    history_decay
        What a song of the history counts for each step back when it scores, 1 = no decay.
    before
        What a neighbour's song counts for a song of the history that they heard after it, where the order is known;
        a song heard after that one counts 1. With 1 the order says nothing.

    Attributes
    ----------
    listener_ids_ : int64 or unicode (n_listeners,)
        `NO_ID` where the training gave none.
    values_ : float32 csr (n_listeners, n_items)
        What the training's listeners liked.
    by_song_ : float32 csr (n_items, n_listeners)
        The same weighed and brought to length 1 for each listener, by song.
    idf_ : float32 (n_items,)
        Weight of each song as of the training; 0 where nobody heard it.
    lengths_ : float32 (n_items,)
        Length of each song's column of `values_` as of the training.
    steps_ : int32 (n_values,)
        How far back each entry of `values_` was heard; empty where the order is unknown or says nothing.
    """

    name = "user_knn"
    names_songs = True
    keeps_histories = True
    item_arrays = ("idf", "lengths")

    def __init__(
        self,
        n_neighbours: int = 50,
        idf_power: float = 1.0,
        transform: Transform = "binary",
        history_decay: float = 1.0,
        before: float = 1.0,
    ) -> None:
        if n_neighbours < 1:
            raise ValueError(f"n_neighbours must be at least 1, not {n_neighbours}.")
        if not 0 <= before <= 1:
            raise ValueError(f"before must be from 0 to 1, not {before}.")
        self.n_neighbours = n_neighbours
        self.idf_power = idf_power
        self.transform = transform
        self.history_decay = check_decay(history_decay)
        self.before = before
        self._last: BlockCache[tuple[slice, csr_matrix, csr_matrix]] = BlockCache()

    def _fit(self, data: TrainingData, rng: np.random.Generator, on_progress: Progress) -> None:
        require_listens(data.strengths)
        on_progress(0, 1)
        liked = keep_entries(data.strengths, data.strengths.data > 0)
        steps = self._list_steps(liked)
        values = transform_histories(liked, self.transform)
        del liked  # what is not needed any longer is not kept beside the two layouts
        has_liked = count_per_row(values) > 0
        # without the empty rows the entries are the same, in the same order
        values = csr_matrix(values[has_liked])
        self._learn(values, _list_row_ids(data)[has_liked], steps)
        on_progress(1, 1)

    def _list_steps(self, liked: csr_matrix) -> NDArray[np.int32]:
        steps = count_steps_back(liked) if self.before < 1 else None
        return NO_STEPS if steps is None else steps

    def _fit_bytes(self, size: DataSize) -> float:
        """Both layouts of the histories, and double precision while they are weighed."""
        return 33.5 * size.n_pairs

    def _learned_bytes(self, size: DataSize) -> float:
        steps = 4 if self.before < 1 else 0
        return (16.4 + steps) * size.n_pairs + 16 * size.n_listeners + 16 * size.n_items

    def _learn(
        self, values: csr_matrix, listener_ids: NDArray[Any], steps: NDArray[np.int32]
    ) -> None:
        n_listeners = np.bincount(values.indices, minlength=values.shape[1])
        # a song that all know still says a little, or a tiny data set would have no neighbours
        idf = np.log1p(values.shape[0] / (1.0 + n_listeners)) ** self.idf_power
        self.idf_ = np.where(n_listeners > 0, idf, 0).astype(np.float32)
        squares = np.bincount(values.indices, weights=values.data**2, minlength=values.shape[1])
        self.lengths_ = np.sqrt(squares).astype(np.float32)
        self._keep(values, self._weigh(values).T.tocsr(), listener_ids, steps)

    def _keep(
        self,
        values: csr_matrix,
        by_song: csr_matrix,
        listener_ids: NDArray[Any],
        steps: NDArray[np.int32],
    ) -> None:
        self._last = BlockCache()
        self.steps_ = steps
        self.values_, self.by_song_, self.listener_ids_ = values, by_song, listener_ids
        self.learned_ = self.idf_ > 0

    def _weigh(self, values: csr_matrix) -> csr_matrix:
        """Return histories with each song weighed, each row of length 1, float32 csr."""
        weights = values.data * self.idf_[values.indices]
        squares = np.bincount(
            list_entry_rows(values),
            weights=np.square(weights, dtype=np.float64),
            minlength=values.shape[0],
        )
        weights /= np.sqrt(np.repeat(np.where(squares > 0, squares, 1), count_per_row(values)))
        return csr_matrix((weights, values.indices, values.indptr), values.shape)

    def stored_listener_ids(self) -> NDArray[Any]:
        return np.asarray(self.listener_ids_)

    def without_listeners(self, listener_ids: NDArray[Any]) -> Self:
        """Return the algorithm without the histories of these listeners, and of those without an id.

        The weights of songs, which come from all listeners together, stay as they were: a list in which none
        of these listeners was a neighbour stays the same to the last bit.
        """
        self._require_fitted()
        keep = ~np.isin(self.listener_ids_, [*listener_ids.tolist(), NO_ID])
        remaining = type(self)(**self.options())
        remaining.idf_, remaining.lengths_, remaining.n_items_ = (
            self.idf_,
            self.lengths_,
            self.n_items_,
        )
        by_song = csr_matrix(self.by_song_[:, keep])
        is_kept = np.repeat(keep, count_per_row(self.values_))
        remaining._keep(
            csr_matrix(self.values_[keep]),
            by_song,
            np.asarray(self.listener_ids_)[keep],
            self.steps_[is_kept] if len(self.steps_) else NO_STEPS,
        )
        return remaining

    def _neighbours(self, units: csr_matrix) -> csr_matrix:
        """Return the similarities of the nearest listeners, float32 csr (n, n_listeners)."""
        near = sum_weighted_rows(units, self.by_song_)
        near[near <= 0] = -np.inf
        columns = select_top_columns(near, self.n_neighbours)
        is_neighbour = columns >= 0
        rows = np.broadcast_to(np.arange(len(columns))[:, None], columns.shape)[is_neighbour]
        return csr_matrix(
            (near[rows, columns[is_neighbour]], (rows, columns[is_neighbour])), shape=near.shape
        )

    def _blocks(self, histories: csr_matrix) -> Iterable[tuple[slice, csr_matrix, csr_matrix]]:
        """Return (rows, units, neighbours) of listeners whose similarities fit into one block."""
        return self._last.get_or_compute(histories, self._compute_blocks)

    def _compute_blocks(
        self, histories: csr_matrix
    ) -> Iterator[tuple[slice, csr_matrix, csr_matrix]]:
        values = decay_values(histories, self.transform, self.history_decay)
        signed_values = csr_matrix((values, histories.indices, histories.indptr), histories.shape)
        for rows in cut_blocks(
            histories.shape[0], BLOCK_BYTES // (4 * max(self.values_.shape[0], 1))
        ):
            units = self._weigh(signed_values[rows])
            yield rows, units, self._neighbours(units)

    def _score(self, histories: csr_matrix) -> NDArray[np.float32]:
        scores = np.empty(histories.shape, dtype=np.float32)
        for rows, units, near in self._blocks(histories):
            scores[rows] = (
                self._score_in_order(units, near)
                if len(self.steps_)
                else sum_weighted_rows(near, self.values_)
            )
            scores[rows][count_per_row(near) == 0] = np.nan
        scores[:, ~self.learned_] = np.nan
        return scores

    def _score_in_order(self, units: csr_matrix, near: csr_matrix) -> NDArray[np.float32]:
        """Return the scores of some listeners, float32 (n, n_items), where the order counts."""
        scores = np.empty(units.shape, dtype=np.float32)
        for row in range(units.shape[0]):
            songs = self._gather_neighbours(units[row], near[row])
            scores[row] = songs.score(self.before, self.n_items_)
        return scores

    def _gather_neighbours(self, own: csr_matrix, others: csr_matrix) -> NeighbourSongs:
        return NeighbourSongs.gather(
            self.values_, self.steps_, self.idf_, others.indices, own.indices, own.data
        )

    def _contributions(
        self, histories: csr_matrix, item_rows: NDArray[np.int32]
    ) -> NDArray[np.float32]:
        """Each song's part in the similarities to the neighbours who have the item; they sum to the score."""
        amounts = np.zeros(
            (*item_rows.shape, int(count_per_row(histories).max())), dtype=np.float32
        )
        for rows, units, near in self._blocks(histories):
            for position in range(units.shape[0]):
                own, others = units[position], near[position]
                if len(self.steps_):
                    songs = self._gather_neighbours(own, others)
                    contributed = songs.contribute(self.before, item_rows[rows.start + position])
                    amounts[rows.start + position, :, : len(own.data)] = contributed
                    continue
                neighbour_values = take_dense(
                    self.values_, others.indices, item_rows[rows.start + position]
                )
                shared = take_dense(self.by_song_, own.indices, others.indices) * own.data[:, None]
                amounts[rows.start + position, :, : len(own.data)] = (shared @ neighbour_values).T
        return amounts

    def _similar(self, item_row: int) -> NDArray[np.float32]:
        """Return the cosine of the songs' listeners. Cost: the histories of the song's listeners."""
        scores = np.full(self.n_items_, np.nan, dtype=np.float32)
        if not self.learned_[item_row]:
            return scores
        listeners = self.by_song_.indices[
            self.by_song_.indptr[item_row] : self.by_song_.indptr[item_row + 1]
        ]
        strengths = take_dense(self.values_, listeners, np.array([item_row]))[:, 0]
        row = csr_matrix(
            (strengths, listeners, np.array([0, len(listeners)])), shape=(1, self.values_.shape[0])
        )
        together = sum_weighted_rows(row, self.values_)[0]
        lengths = self.lengths_ * self.lengths_[item_row]
        np.divide(together, lengths, out=scores, where=self.learned_)
        scores[item_row] = np.nan
        return scores

    def _state(self) -> dict[str, NDArray[Any]]:
        by_listener, by_song = self.values_, self.by_song_
        return {
            "listeners": np.asarray(self.listener_ids_),
            "values": by_listener.data.astype(np.float32, copy=False),
            "columns": by_listener.indices.astype(np.int32, copy=False),
            "starts": by_listener.indptr.astype(np.int64, copy=False),
            "song_values": by_song.data.astype(np.float32, copy=False),
            "song_listeners": by_song.indices.astype(np.int32, copy=False),
            "song_starts": by_song.indptr.astype(np.int64, copy=False),
            "idf": self.idf_,
            "lengths": self.lengths_,
            "steps": self.steps_,
        }

    @classmethod
    def from_state(cls, options: dict[str, Any], state: dict[str, NDArray[Any]]) -> Self:
        if "idf" in state:
            return super().from_state(options, state)
        # an artifact of an older release has neither the layout by song nor the listeners' ids
        algorithm = cls(**options)
        shape = (len(state["starts"]) - 1, int(state["width"][0]))
        algorithm._learn(
            _build_csr(state["values"], state["columns"], state["starts"], shape),
            np.full(shape[0], NO_ID),
            NO_STEPS,
        )
        algorithm.n_items_ = int(state["n_items"][0])
        return algorithm

    def _restore(self, state: dict[str, NDArray[Any]]) -> None:
        n_listeners, n_items = len(state["listeners"]), len(state["idf"])
        self.idf_, self.lengths_ = state["idf"], state["lengths"]
        values = _build_csr(
            state["values"], state["columns"], state["starts"], (n_listeners, n_items)
        )
        by_song = _build_csr(
            state["song_values"],
            state["song_listeners"],
            state["song_starts"],
            (n_items, n_listeners),
        )
        # an artifact of an older release has no order
        steps = np.asarray(state.get("steps", NO_STEPS))
        if len(steps) not in (0, values.nnz):
            raise ValueError(
                f"user_knn.steps has {len(steps)} entries for {values.nnz} listened songs"
            )
        self._keep(values, by_song, state["listeners"], steps)


def _list_row_ids(data: TrainingData) -> NDArray[Any]:
    """Return the listener id of each row of the strengths, `NO_ID` where the training gives none."""
    n_listeners = data.strengths.shape[0]
    if data.events is None or data.events.n_listeners != n_listeners:
        return np.full(n_listeners, NO_ID, dtype=np.int64)
    return data.events.listeners.ids


def _build_csr(
    values: NDArray[Any], columns: NDArray[Any], starts: NDArray[Any], shape: tuple[int, int]
) -> csr_matrix:
    """Return a matrix over the arrays as they are, mapped ones included.

    Raises
    ------
    ValueError
        They do not belong together.
    """
    matrix = csr_matrix((values, columns, starts), shape=shape)
    matrix.check_format(full_check=True)
    return matrix
