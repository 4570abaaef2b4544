"""What goes into a recommender: what one listener did."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix

from recommendations.engine.core.ordered import OrderedHistories


@dataclass(frozen=True)
class History:
    """What one listener did, in rows of a recommender's catalogue.

    Attributes
    ----------
    item_rows : int32 (n,)
    values : float32 (n,)
        Strengths; negative = disliked.
    n_unknown : int
        Events left out because the recommender does not know their song.
    taste_rows : int32 (m,)
        Songs the listener named as theirs without having played them here (onboarding, or no account). They
        count only while there is nothing positive in the history.
    steps_back : int32 (n,), optional
        0 = heard last, 1 = before that, and so on; None where the order is unknown.
    """

    item_rows: NDArray[np.int32]
    values: NDArray[np.float32]
    n_unknown: int = 0
    taste_rows: NDArray[np.int32] = field(default_factory=lambda: np.zeros(0, dtype=np.int32))
    steps_back: NDArray[np.int32] | None = None

    @property
    def n_positive(self) -> int:
        """Songs the listener liked or played: what decides the segment."""
        return int((self.values > 0).sum())

    def to_csr(self, n_items: int) -> csr_matrix:
        """Return the history as a float32 (1, n_items) matrix."""
        row = _make_row(self.item_rows, self.values, n_items)
        if self.steps_back is None:
            return row
        return OrderedHistories.from_recency(
            row, -self.steps_back[np.argsort(self.item_rows, kind="stable")]
        )

    def taste_csr(self, n_items: int) -> csr_matrix | None:
        """Return the named songs as a float32 (1, n_items) matrix of ones, None without any."""
        if not len(self.taste_rows):
            return None
        return _make_row(self.taste_rows, np.ones(len(self.taste_rows)), n_items)

    def without(self, item_row: int) -> History:
        """Return the history as if this song had never been heard."""
        keep = self.item_rows != item_row
        tastes = self.taste_rows[self.taste_rows != item_row]
        steps = None if self.steps_back is None else self.steps_back[keep]
        return History(self.item_rows[keep], self.values[keep], self.n_unknown, tastes, steps)


def _make_row(columns: NDArray[np.int32], values: NDArray[Any], n_columns: int) -> csr_matrix:
    order = np.argsort(columns, kind="stable")
    data, indices = values[order].astype(np.float32), columns[order].astype(np.int32)
    return csr_matrix(
        (data, indices, np.array([0, len(columns)], dtype=np.int32)), shape=(1, n_columns)
    )
