"""The candidates that the components propose for each listener."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Self

import numpy as np
from numpy.typing import NDArray

from recommendations.engine.core.arrays import select_top_columns


@dataclass(frozen=True)
class CandidateBatch:
    """Candidates of a block of listeners, one listener after the other, in row order of the songs.

    Attributes
    ----------
    starts : int64 (n + 1,)
        Where each listener's candidates start.
    item_rows : int32 (m,)
    """

    starts: NDArray[np.int64]
    item_rows: NDArray[np.int32]

    @property
    def listener_rows(self) -> NDArray[np.int64]:
        return np.repeat(np.arange(len(self.starts) - 1), np.diff(self.starts))

    def __len__(self) -> int:
        return len(self.item_rows)

    def find_columns(self, columns: CandidateColumns) -> NDArray[np.int32]:
        """Return the column of each candidate, int32 (m,), where all of them have one."""
        positions = np.searchsorted(columns.keys, (self.listener_rows << 32) + self.item_rows)
        starts = self.listener_rows * columns.item_rows.shape[1]
        return np.asarray(positions - starts, dtype=np.int32)

    @classmethod
    def union(cls, lists: Sequence[NDArray[np.int32]]) -> Self:
        """Join lists of songs, int32 (n, any) with -1 for none, without repetition."""
        joined = np.sort(np.hstack(lists), axis=1)
        keep = joined >= 0
        keep[:, 1:] &= joined[:, 1:] != joined[:, :-1]
        return cls(
            np.concatenate([[0], np.cumsum(keep.sum(axis=1))]).astype(np.int64), joined[keep]
        )


@dataclass(frozen=True)
class CandidateColumns:
    """The song of each column of the scores, where only candidates are scored.

    Attributes
    ----------
    item_rows : int32 (n, m)
        Each listener's candidates in row order of the songs, -1 after the end.
    is_scale : bool (n, m)
        Those that the scale of a blend is made of.
    """

    item_rows: NDArray[np.int32]
    is_scale: NDArray[np.bool_]

    @classmethod
    def pack(cls, lists: Sequence[NDArray[np.int32]], scales: Sequence[NDArray[np.int32]]) -> Self:
        """Put lists of songs side by side, ascending and without repetition, and those of them that make the scale."""
        rows = np.full((len(lists), max(map(len, lists), default=0)), -1, dtype=np.int32)
        is_scale = np.zeros(rows.shape, dtype=bool)
        for row, (songs, scale) in enumerate(zip(lists, scales, strict=True)):
            rows[row, : len(songs)] = songs
            is_scale[row, : len(songs)] = True if songs is scale else np.isin(songs, scale)
        return cls(rows, is_scale)

    def take(self, rows: NDArray[np.bool_]) -> Self:
        """Return some of the listeners."""
        return type(self)(self.item_rows[rows], self.is_scale[rows])

    def list_songs(self, columns: NDArray[np.integer]) -> NDArray[np.int32]:
        """Return the songs of columns (n, k), -1 for the column -1."""
        if not self.item_rows.shape[1]:
            return np.full(columns.shape, -1, dtype=np.int32)
        songs = np.take_along_axis(self.item_rows, np.maximum(columns, 0), axis=1)
        return np.where(columns >= 0, songs, -1).astype(np.int32)

    @cached_property
    def keys(self) -> NDArray[np.int64]:
        """Listener's row * 2^32 + song of every column, ascending, int64 (n * m,)."""
        songs = np.where(self.item_rows < 0, _AFTER_ALL, self.item_rows)
        return (songs + self._offsets).ravel()

    @property
    def _offsets(self) -> NDArray[np.int64]:
        return np.arange(len(self.item_rows), dtype=np.int64)[:, None] << 32

    def find_columns(self, item_rows: NDArray[np.int32]) -> NDArray[np.int32]:
        """Return the columns of songs (n, k), -1 for those that are no candidates."""
        if not len(self.keys):
            return np.full(item_rows.shape, -1, dtype=np.int32)
        wanted = item_rows + self._offsets
        positions = np.minimum(np.searchsorted(self.keys, wanted), len(self.keys) - 1)
        is_candidate = (self.keys[positions] == wanted) & (item_rows >= 0)
        columns = positions % self.item_rows.shape[1]
        return np.where(is_candidate, columns, -1).astype(np.int32)


_AFTER_ALL = np.int64(2**31)


def select_candidates(
    scores: Sequence[NDArray[np.float32]],
    n: int,
    extra: Sequence[NDArray[np.int32]] = (),
    columns: CandidateColumns | None = None,
) -> CandidateBatch:
    """Return the union of each component's n best songs; NaN is never proposed.

    Parameters
    ----------
    columns
        The songs of the scores' columns, where these are not all songs in row order.
    """
    best = [select_top_columns(component, n) for component in scores]
    if columns is not None:
        best = [columns.list_songs(some) for some in best]
    return CandidateBatch.union([*best, *extra])
