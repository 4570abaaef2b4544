"""Songs of the listeners whose histories are nearest."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix

from recommendations.engine.algorithms.base import Algorithm
from recommendations.engine.algorithms.neighbour_distance import NOT_HEARD, weigh_by_distance
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
NEGLIGIBLE = 1e-4
"""A song of the history that counts less than this is left out: with a decay of .8 one heard 41 songs ago."""
NO_STEPS = np.zeros(0, dtype=np.int32)
"""Where the order in which neighbours heard their songs says nothing."""


@dataclass(frozen=True)
class _Block:
    """Some histories and the listeners nearest to them.

    Attributes
    ----------
    rows
        Of the histories.
    units : float32 csr (n, n_items)
        The histories, weighed and brought to length 1, without what is negligible.
    positions : int (nnz of units,)
        Where each entry stands among its history's.
    near : float32 csr (n, n_listeners)
        Similarities.
    steps : int32 (nnz of units,) or None
        How far back each entry was heard; None where distances do not count.
    """

    rows: slice
    units: csr_matrix
    positions: NDArray[np.intp]
    near: csr_matrix
    steps: NDArray[np.int32] | None


class UserKNN(Algorithm):
    """User-user nearest neighbours (Resnick et al., 1994) over TF-IDF weighted histories.

    The similarity of two listeners is the cosine of their histories, each song weighed by
    log(n_listeners / (1 + its listeners))^idf_power: a song that few know says more. A song's score is the
    sum over the `n_neighbours` nearest listeners who have it of their similarity, to the power of
    `similarity_power` (Breese et al., 1998), times their strength for it, times what is left of it by its distance
    (`weigh_by_distance`) where the order is known.

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
    length_power
        Power of a neighbour's length by which the similarity is divided, 1 = cosine; less favours long histories.
    similarity_power
        Of a similarity when it counts: above 1 the nearest neighbours say more than the others.
    before
        What a neighbour's song counts that they heard before the song where the two listeners meet, 0 to 1, beside
        one that they heard after it.
    distance_power
        How fast a neighbour's song counts less with its distance from there; 0 = not at all. With 0, and 1 for
        `before`, the order says nothing.

    Attributes
    ----------
    listener_ids_ : int64 or unicode (n_listeners,)
        `NO_ID` where the training gave none.
    values_ : float32 csr (n_listeners, n_items)
        What the training's listeners liked.
    by_song_ : float32 csr (n_items, n_listeners)
        The same weighed and divided by each listener's length to the power of `length_power`, by song.
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
        length_power: float = 1.0,
        similarity_power: float = 1.0,
        before: float = 1.0,
        distance_power: float = 0.0,
    ) -> None:
        if n_neighbours < 1:
            raise ValueError(f"n_neighbours must be at least 1, not {n_neighbours}.")
        if not 0 <= before <= 1:
            raise ValueError(f"before must be from 0 to 1, not {before}.")
        for name, power in {
            "length_power": length_power,
            "similarity_power": similarity_power,
            "distance_power": distance_power,
        }.items():
            if power < 0:
                raise ValueError(f"{name} must be at least 0, not {power}.")
        self.n_neighbours = n_neighbours
        self.idf_power = idf_power
        self.transform = transform
        self.history_decay = check_decay(history_decay)
        self.length_power = length_power
        self.similarity_power = similarity_power
        self.before = before
        self.distance_power = distance_power
        self._last: BlockCache[_Block] = BlockCache()

    @property
    def _asks_order(self) -> bool:
        return self.before < 1 or self.distance_power > 0

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
        steps = count_steps_back(liked) if self._asks_order else None
        return NO_STEPS if steps is None else steps

    def _fit_bytes(self, size: DataSize) -> float:
        """Both layouts of the histories, and double precision while they are weighed."""
        return 33.5 * size.n_pairs

    def _learned_bytes(self, size: DataSize) -> float:
        steps = 4 if self._asks_order else 0
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
        by_song = self._weigh(values, self.length_power).T.tocsr()
        self._keep(values, by_song, listener_ids, steps)

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
        if len(steps):
            self._steps_by_listener = csr_matrix(
                (steps, values.indices, values.indptr), shape=values.shape
            )
        self.learned_ = self.idf_ > 0

    def _weigh(self, values: csr_matrix, length_power: float = 1.0) -> csr_matrix:
        """Return histories with each song weighed, divided by a power of each row's length, float32 csr."""
        weights = values.data * self.idf_[values.indices]
        squares = np.bincount(
            list_entry_rows(values),
            weights=np.square(weights, dtype=np.float64),
            minlength=values.shape[0],
        )
        lengths = np.sqrt(np.where(squares > 0, squares, 1)) ** length_power
        weights /= np.repeat(lengths, count_per_row(values))
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

    def _blocks(self, histories: csr_matrix) -> Iterable[_Block]:
        """Return listeners whose similarities fit into one block at a time."""
        return self._last.get_or_compute(histories, self._compute_blocks)

    def _compute_blocks(self, histories: csr_matrix) -> Iterator[_Block]:
        values = decay_values(histories, self.transform, self.history_decay)
        entries = np.flatnonzero(np.abs(values) >= NEGLIGIBLE)
        starts = np.searchsorted(entries, histories.indptr)
        recent = csr_matrix(
            (values[entries], histories.indices[entries], starts), shape=histories.shape
        )
        positions = entries - histories.indptr[list_entry_rows(recent)]
        steps = count_steps_back(histories) if len(self.steps_) else None
        for rows in cut_blocks(
            histories.shape[0], BLOCK_BYTES // (4 * max(self.values_.shape[0], 1))
        ):
            own = slice(starts[rows.start], starts[rows.stop])
            units = self._weigh(recent[rows])
            yield _Block(
                rows,
                units,
                positions[own],
                self._neighbours(units),
                None if steps is None else steps[entries[own]],
            )

    def _score(self, histories: csr_matrix) -> NDArray[np.float32]:
        scores = np.empty(histories.shape, dtype=np.float32)
        for block in self._blocks(histories):
            says = np.power(block.near.data, np.float32(self.similarity_power))
            scores[block.rows] = (
                sum_weighted_rows(block.near, self.values_, says)
                if block.steps is None
                else self._score_by_distance(block, says)
            )
            scores[block.rows][count_per_row(block.near) == 0] = np.nan
        scores[:, ~self.learned_] = np.nan
        return scores

    def _score_by_distance(self, block: _Block, says: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return the scores of a block, float32 (n, n_items), where the order counts."""
        scores = np.empty(block.units.shape, dtype=np.float32)
        for row in range(block.units.shape[0]):
            near = self._list_near_songs(block, row)
            own = slice(block.near.indptr[row], block.near.indptr[row + 1])
            weights = np.repeat(says[own], count_per_row(near))
            scores[row] = np.bincount(
                near.indices, weights=near.data * weights, minlength=self.n_items_
            )
        return scores

    def _list_near_songs(self, block: _Block, row: int) -> csr_matrix:
        """Return the values of one history's neighbours, less by distance where that counts, csr (n, n_items)."""
        neighbours = block.near.indices[block.near.indptr[row] : block.near.indptr[row + 1]]
        if block.steps is None:
            return self.values_[neighbours]
        own = slice(block.units.indptr[row], block.units.indptr[row + 1])
        is_liked = block.units.data[own] > 0
        heard_back = np.full(self.n_items_, NOT_HEARD, dtype=np.int32)
        heard_back[block.units.indices[own][is_liked]] = block.steps[own][is_liked]
        return weigh_by_distance(
            self.values_,
            self._steps_by_listener,
            neighbours,
            heard_back,
            before=self.before,
            distance_power=self.distance_power,
        )

    def _contributions(
        self, histories: csr_matrix, item_rows: NDArray[np.int32]
    ) -> NDArray[np.float32]:
        """Each song's part in the similarities to the neighbours who have the item; they sum to the score."""
        amounts = np.zeros(
            (*item_rows.shape, int(count_per_row(histories).max())), dtype=np.float32
        )
        for block in self._blocks(histories):
            for position in range(block.units.shape[0]):
                own, others = block.units[position], block.near[position]
                items = item_rows[block.rows.start + position]
                values = take_dense(
                    self._list_near_songs(block, position), np.arange(len(others.data)), items
                )
                says = np.power(others.data, np.float32(self.similarity_power - 1))
                shared = take_dense(self.by_song_, own.indices, others.indices) * own.data[:, None]
                positions = block.positions[
                    block.units.indptr[position] : block.units.indptr[position + 1]
                ]
                amounts[block.rows.start + position][:, positions] = ((shared * says) @ values).T
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
