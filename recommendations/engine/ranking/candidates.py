"""The candidates that the components propose for each listener."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
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

    @classmethod
    def union(cls, lists: Sequence[NDArray[np.int32]]) -> Self:
        """Join lists of songs, int32 (n, any) with -1 for none, without repetition."""
        joined = np.sort(np.hstack(lists), axis=1)
        keep = joined >= 0
        keep[:, 1:] &= joined[:, 1:] != joined[:, :-1]
        return cls(
            np.concatenate([[0], np.cumsum(keep.sum(axis=1))]).astype(np.int64), joined[keep]
        )


def select_candidates(
    scores: Sequence[NDArray[np.float32]], n: int, extra: Sequence[NDArray[np.int32]] = ()
) -> CandidateBatch:
    """Return the union of each component's n best songs; NaN is never proposed."""
    return CandidateBatch.union(
        [*(select_top_columns(component, n) for component in scores), *extra]
    )
