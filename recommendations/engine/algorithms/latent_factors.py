"""What algorithms share that learn a vector of factors for each song."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from recommendations.engine.algorithms.base import Algorithm
from recommendations.engine.core.arrays import unit_rows


class Factorised(Algorithm):
    """Songs with near factors are alike.

    Attributes
    ----------
    item_factors_ : float32 (n_items, d)
        0 where nothing was learned.
    learned_ : bool (n_items,)
        Songs that somebody heard in the training data, or side information knows; others cannot be scored.
    """

    names_songs = True
    item_arrays = ("item_factors", "learned")

    item_factors_: NDArray[np.float32]
    learned_: NDArray[np.bool_]

    def _similar(self, item_row: int) -> NDArray[np.float32]:
        if not self.learned_[item_row]:
            return np.full(self.n_items_, np.nan, dtype=np.float32)
        units = unit_rows(self.item_factors_)
        return np.where(self.learned_, units @ units[item_row], np.float32(np.nan))

    def item_vectors(self) -> NDArray[np.float32] | None:
        return unit_rows(self.item_factors_)
