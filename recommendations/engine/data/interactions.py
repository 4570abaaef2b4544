"""What listeners did with songs, event by event, and the matrix that the algorithms learn from."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass, replace
from enum import IntEnum
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.sparse import coo_matrix, csr_matrix

from recommendations.engine.core.idmap import UNKNOWN, IdMap, convert_ids
from recommendations.engine.core.ordered import OrderedHistories, count_steps_back
from recommendations.engine.core.weighting import Weighting

EVENTS_TOGETHER = 2_000_000
"""Events whose strengths are computed together: sorting them takes some 100 bytes each for a moment."""

NO_TIME = -1
"""Timestamp of an event whose moment is unknown."""


class Kind(IntEnum):
    """What happened; the catalog stores the same small integers."""

    PLAY = 0
    LIKE = 1
    DISLIKE = 2
    SKIP = 3


@dataclass(frozen=True)
class Interactions:
    """Events as parallel arrays of n entries.

    Attributes
    ----------
    listener_rows, item_rows : int32 (n,)
    kinds : int8 (n,)
        Values of `Kind`.
    plays : int32 (n,)
        How many plays the entry counts, at least 1.
    played_share : float32 (n,)
        Share of the song's duration that was heard, 0 to 1; NaN unknown.
    timestamps : int64 (n,)
        Unix seconds; -1 unknown.
    listeners, items : IdMap
        The ids of the rows.
    positions : int32 (n,), optional
        Order of a listener's events where times are unknown or equal; larger = later.
    n_unknown_items : int
        Events left out because their song is not in the catalogue that was given.
    """

    listener_rows: NDArray[np.int32]
    item_rows: NDArray[np.int32]
    kinds: NDArray[np.int8]
    plays: NDArray[np.int32]
    played_share: NDArray[np.float32]
    timestamps: NDArray[np.int64]
    listeners: IdMap
    items: IdMap
    n_unknown_items: int = 0
    positions: NDArray[np.int32] | None = None

    @classmethod
    def from_ids(
        cls,
        listener_ids: ArrayLike,
        item_ids: ArrayLike,
        *,
        kinds: ArrayLike | None = None,
        plays: ArrayLike | None = None,
        played_share: ArrayLike | None = None,
        timestamps: ArrayLike | None = None,
        positions: ArrayLike | None = None,
        all_item_ids: ArrayLike | None = None,
    ) -> Interactions:
        """Build from database ids; what is left out is a full play, once, at an unknown time.

        Parameters
        ----------
        all_item_ids
            The whole catalogue in row order, with songs that nobody heard. Events of other songs are left
            out and counted. Without it the catalogue is the songs that occur.
        """
        listener_ids, item_ids = convert_ids(listener_ids), convert_ids(item_ids)
        n = len(listener_ids)
        listeners = IdMap.from_values(listener_ids)
        items = IdMap.from_values(item_ids) if all_item_ids is None else IdMap(all_item_ids)
        events = cls(
            listener_rows=listeners.rows(listener_ids),
            item_rows=items.rows(item_ids),
            kinds=_fill_column(kinds, n, Kind.PLAY, np.int8, "kinds"),
            plays=_fill_column(plays, n, 1, np.int32, "plays"),
            played_share=_fill_column(played_share, n, np.nan, np.float32, "played_share"),
            timestamps=_fill_column(timestamps, n, NO_TIME, np.int64, "timestamps"),
            listeners=listeners,
            items=items,
            positions=None
            if positions is None
            else _fill_column(positions, n, 0, np.int32, "positions"),
        )
        return events._validate()._without_unknown_items()

    @classmethod
    def from_matrix(
        cls,
        matrix: csr_matrix,
        order: csr_matrix | None = None,
        times: csr_matrix | None = None,
    ) -> Interactions:
        """Build from a (n_listeners, n_items) matrix of play counts; negative entries are dislikes.

        A fraction of a play is a song heard in part; a fractional dislike is rounded up.
        The ids are the row and column numbers. `order` has the place of each entry in its listener's order, of a
        playlist say, from 1; `times` the second in which it was heard, or any number that grows with it, from 1.
        """
        coo = coo_matrix(matrix)
        if not np.isfinite(coo.data).all():
            raise ValueError(
                "The matrix holds NaN or infinite values; take them out or set them to 0."
            )
        keep = coo.data != 0
        values = np.abs(coo.data[keep]).astype(np.float64)
        plays = np.maximum(np.ceil(values), 1)
        n = len(values)
        return cls(
            listener_rows=coo.row[keep].astype(np.int32),
            item_rows=coo.col[keep].astype(np.int32),
            kinds=np.where(coo.data[keep] < 0, Kind.DISLIKE, Kind.PLAY).astype(np.int8),
            plays=plays.astype(np.int32),
            played_share=(values / plays).astype(np.float32),
            timestamps=np.full(n, NO_TIME, dtype=np.int64)
            if times is None
            else _look_up(times, coo.row[keep], coo.col[keep]).astype(np.int64),
            listeners=IdMap(np.arange(coo.shape[0])),
            items=IdMap(np.arange(coo.shape[1])),
            positions=None
            if order is None
            else _look_up(order, coo.row[keep], coo.col[keep]).astype(np.int32),
        )

    @property
    def n_events(self) -> int:
        return len(self.item_rows)

    @property
    def n_listeners(self) -> int:
        return len(self.listeners)

    @property
    def n_items(self) -> int:
        return len(self.items)

    def take(self, which: NDArray[Any] | slice) -> Interactions:
        """Return the chosen events (mask, positions or range) over the same listeners and songs."""
        return replace(
            self,
            listener_rows=self.listener_rows[which],
            item_rows=self.item_rows[which],
            kinds=self.kinds[which],
            plays=self.plays[which],
            played_share=self.played_share[which],
            timestamps=self.timestamps[which],
            positions=None if self.positions is None else self.positions[which],
        )

    def over_items(self, items: IdMap) -> Interactions:
        """Return the same events over another catalogue; events of songs it does not hold are counted out."""
        moved = replace(self, item_rows=items.rows(self.items.ids)[self.item_rows], items=items)
        return moved._without_unknown_items()

    def pairs(self) -> NDArray[np.int64]:
        """Return listener_row * n_items + item_row of each event: one number a (listener, song) pair."""
        return self.listener_rows.astype(np.int64) * self.n_items + self.item_rows

    def compute_digest(self) -> str:
        """Return the sha256 of what is learned from, without the ids of listeners: equal data, equal digest.

        Reads 25 bytes an event.
        """
        digest = hashlib.sha256(np.ascontiguousarray(self.items.ids).tobytes())
        columns = [
            self.listener_rows,
            self.item_rows,
            self.kinds,
            self.plays,
            self.played_share,
            self.timestamps,
        ]
        if self.positions is not None:
            columns.append(self.positions)
        for column in columns:
            digest.update(np.ascontiguousarray(column).tobytes())
        return digest.hexdigest()

    def to_matrix(self, weighting: Weighting) -> csr_matrix:
        """Return the strength of each pair, float32 (n_listeners, n_items); negative = disliked.

        It is remembered, because fitting, measuring and listing ask for the same one: its values can't be written.
        """
        if weighting not in self._matrices:
            strengths = self._compute_strengths(weighting)
            strengths.data.flags.writeable = False
            self._matrices[weighting] = strengths
        return self._matrices[weighting]

    @cached_property
    def _matrices(self) -> dict[Weighting, csr_matrix]:
        return {}

    def _compute_strengths(self, weighting: Weighting) -> csr_matrix:
        """Compute the strengths of all pairs, block by block: a sort of all events at once takes 100 bytes each."""
        has_order = self.has_order
        blocks = [
            block._compute_strengths_at_once(weighting, has_order)
            for block in self.cut_by_listener()
        ]
        if len(blocks) == 1:
            return blocks[0]
        matrix = _stack_rows(blocks)
        if not has_order:
            return matrix
        steps = [
            block_steps for block in blocks if (block_steps := count_steps_back(block)) is not None
        ]
        return OrderedHistories.with_steps(matrix, np.concatenate(steps))

    def cut_by_listener(self) -> Iterator[Interactions]:
        """Yield blocks of whole listeners with about EVENTS_TOGETHER events each, as views of the arrays.

        The rows of a block's listeners begin at 0. Few events, or events that are not grouped by listener, are
        one block.
        """
        if self.n_events <= EVENTS_TOGETHER or not self._is_grouped():
            yield self
            return
        ends = np.cumsum(np.bincount(self.listener_rows, minlength=self.n_listeners))
        first, start = 0, 0
        while first < self.n_listeners:
            last = int(np.searchsorted(ends, start + EVENTS_TOGETHER, side="right"))
            last = min(max(last, first + 1), self.n_listeners)
            end = int(ends[last - 1])
            block = self.take(slice(start, end))
            rows = block.listener_rows - np.int32(first)
            yield replace(block, listener_rows=rows, listeners=IdMap(np.arange(last - first)))
            first, start = last, end

    def _is_grouped(self) -> bool:
        """Return whether the events of each listener lie together, the listeners in order of their rows."""
        return bool((self.listener_rows[1:] >= self.listener_rows[:-1]).all())

    def _compute_strengths_at_once(self, weighting: Weighting, has_order: bool) -> csr_matrix:
        strengths = _compute_event_strengths(self, weighting)
        opinion = np.flatnonzero((self.kinds == Kind.LIKE) | (self.kinds == Kind.DISLIKE))
        if len(opinion):
            strengths = _apply_last_opinions(self, weighting, strengths, opinion)
        matrix = csr_matrix(
            (strengths, (self.listener_rows, self.item_rows)),
            shape=(self.n_listeners, self.n_items),
        )
        matrix.sum_duplicates()
        matrix.eliminate_zeros()
        return (
            OrderedHistories.from_recency(matrix, self._last_heard(matrix)) if has_order else matrix
        )

    @property
    def has_order(self) -> bool:
        """Whether it is known what was heard before what."""
        return self.positions is not None or bool((self.timestamps != NO_TIME).any())

    def _last_heard(self, matrix: csr_matrix) -> NDArray[np.int64]:
        """Return a number for each stored pair, larger the later its last event was, int64 (nnz,)."""
        events = np.arange(self.n_events)
        positions = events if self.positions is None else self.positions
        order = np.lexsort((events, positions, self.timestamps))
        pairs = self.pairs()[order]
        rows = np.repeat(np.arange(matrix.shape[0]), np.diff(matrix.indptr))
        stored = rows * np.int64(matrix.shape[1]) + matrix.indices
        # the last event of a pair comes last, so it is the first one from the end
        unique, first = np.unique(pairs[::-1], return_index=True)
        return len(pairs) - first[np.searchsorted(unique, stored)]

    def _validate(self) -> Interactions:
        if len(self.listener_rows) != len(self.item_rows):
            raise ValueError(
                f"There are {len(self.listener_rows)} listener ids and {len(self.item_rows)} song ids; "
                "they must be equally many."
            )
        wrong = (self.kinds < min(Kind)) | (self.kinds > max(Kind))
        if wrong.any():
            raise ValueError(
                f"Unknown kind {self.kinds[wrong][0]}; use the values of Kind (0 to 3)."
            )
        if (self.plays < 1).any():
            raise ValueError(f"plays must be at least 1, not {self.plays.min()}.")
        return self

    def _without_unknown_items(self) -> Interactions:
        is_known = self.item_rows != UNKNOWN
        if is_known.all():
            return self
        return replace(
            self.take(is_known), n_unknown_items=self.n_unknown_items + int((~is_known).sum())
        )


def _stack_rows(blocks: list[csr_matrix]) -> csr_matrix:
    """Put matrices below one another; scipy's own way makes a third copy."""
    starts = np.cumsum([0, *(block.nnz for block in blocks)])
    indptr = np.concatenate(
        [[0], *(block.indptr[1:] + start for block, start in zip(blocks, starts, strict=False))]
    )
    shape = (len(indptr) - 1, blocks[0].shape[1])
    data, indices = (
        np.concatenate([getattr(block, name) for block in blocks]) for name in ("data", "indices")
    )
    return csr_matrix((data, indices, indptr), shape=shape)


def _look_up(matrix: csr_matrix, rows: NDArray[Any], columns: NDArray[Any]) -> NDArray[Any]:
    return np.asarray(csr_matrix(matrix)[rows, columns]).ravel()


def _fill_column(
    values: ArrayLike | None, n: int, default: float, dtype: type, name: str
) -> NDArray[Any]:
    if values is None:
        return np.full(n, default, dtype=dtype)
    column: NDArray[Any] = np.asarray(values, dtype=dtype)
    if column.shape != (n,):
        raise ValueError(f"{name} has {column.size} entries for {n} events; give one for each.")
    return column


def _compute_event_strengths(events: Interactions, weighting: Weighting) -> NDArray[np.float32]:
    """Strength of each event on its own; opinions are 0 here."""
    heard = np.where(np.isnan(events.played_share), 1, np.clip(events.played_share, 0, 1))
    # a skip at an unknown moment is early: NaN is not >= anything
    early = ~(events.played_share >= weighting.early_skip_share)
    strengths = np.zeros(events.n_events, dtype=np.float32)
    is_play = events.kinds == Kind.PLAY
    strengths[is_play] = (weighting.play * events.plays * heard)[is_play]
    is_early_skip = (events.kinds == Kind.SKIP) & early
    strengths[is_early_skip] = -weighting.early_skip * events.plays[is_early_skip]
    return strengths


def _apply_last_opinions(
    events: Interactions,
    weighting: Weighting,
    strengths: NDArray[np.float32],
    opinion: NDArray[np.intp],
) -> NDArray[np.float32]:
    """Give each pair's last opinion its strength; a dislike silences everything else about the pair."""
    pairs = events.pairs()
    order = opinion[np.lexsort((opinion, events.timestamps[opinion], pairs[opinion]))]
    is_last = np.append(pairs[order][1:] != pairs[order][:-1], True)
    last = order[is_last]
    disliked = last[events.kinds[last] == Kind.DISLIKE]
    liked = last[events.kinds[last] == Kind.LIKE]
    strengths[np.isin(pairs, pairs[disliked])] = 0
    strengths[disliked] = -weighting.dislike * events.plays[disliked]
    strengths[liked] = weighting.like * events.plays[liked]
    return strengths
