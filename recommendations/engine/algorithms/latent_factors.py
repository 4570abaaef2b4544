"""Base of algorithms that learn a vector of factors for each song."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from recommendations.engine.algorithms.base import Algorithm, DataSize
from recommendations.engine.core.arrays import multiply_rows, pack_columns


class LatentFactors(Algorithm):
    """Songs with near factors are alike.

    The factors are kept in the one layout that serving needs, as it lies in the artifact, and are mapped from
    there: nothing that grows with songs times factors is in a process's own memory.

    Attributes
    ----------
    factor_columns_ : float32 (d, n_items rounded up to 16)
        A column a song; 0 where nothing was learned.
    inverse_lengths_ : float32 (n_items,)
        1 / length of each song's factors, 0 where nothing was learned.
    learned_ : bool (n_items,)
        Songs that somebody heard in the training data, or that side information names; others cannot be scored.
    """

    names_songs = True
    item_arrays: ClassVar[tuple[str, ...]] = ("learned",)

    n_factors: int
    factor_columns_: NDArray[np.float32]
    inverse_lengths_: NDArray[np.float32]
    learned_: NDArray[np.bool_]

    @property
    def item_factors_(self) -> NDArray[np.float32]:
        """The factors as a view, float32 (n_items, d)."""
        return self.factor_columns_[:, : len(self.learned_)].T

    def _keep_factors(self, columns: NDArray[np.float32], learned: NDArray[np.bool_]) -> None:
        self.factor_columns_ = columns
        self.learned_ = learned
        squares = np.einsum("dn,dn->n", columns, columns)[: len(learned)]
        self.inverse_lengths_ = np.zeros(len(learned), dtype=np.float32)
        np.divide(1, np.sqrt(squares), out=self.inverse_lengths_, where=squares > 0)

    def _take_factors(self, item_rows: NDArray[np.integer]) -> NDArray[np.float32]:
        """Return the factors of chosen songs, float32 (*item_rows.shape, d)."""
        columns = self.factor_columns_[:, item_rows.ravel()]
        return np.ascontiguousarray(columns.T).reshape(*item_rows.shape, len(columns))

    def _multiply_factors(self, factors: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return the scores by the listeners' factors (n, d), float32 (n, n_items); NaN where nothing was learned.

        A row of NaN, a listener of whom nothing is known, is NaN throughout.
        """
        scores = multiply_rows(factors, self.factor_columns_, self.n_items_)
        if not self.learned_.all():
            scores[:, ~self.learned_] = np.nan
        return scores

    def _similar(self, item_row: int) -> NDArray[np.float32]:
        """Return the cosines of the factors. Cost: one pass over the factors."""
        scores = np.full(self.n_items_, np.nan, dtype=np.float32)
        if self.learned_[item_row]:
            direction = self.factor_columns_[:, item_row] * self.inverse_lengths_[item_row]
            cosines = (direction @ self.factor_columns_)[: self.n_items_] * self.inverse_lengths_
            np.copyto(scores, cosines, where=self.learned_)
        return scores

    def item_vectors(self, item_rows: NDArray[np.integer]) -> NDArray[np.float32] | None:
        vectors = self._take_factors(item_rows)
        vectors *= self.inverse_lengths_[item_rows][..., None]
        return vectors

    def _learned_bytes(self, size: DataSize) -> float:
        return (4.0 * self.n_factors + 5) * size.n_items

    def _factor_state(self) -> dict[str, NDArray[Any]]:
        return {"factor_columns": self.factor_columns_, "learned": self.learned_}

    def _restore_factors(self, state: dict[str, NDArray[Any]], n_factors: int) -> None:
        """Take over what was saved.

        Raises
        ------
        ValueError
            The factors are of another number of songs or factors.
        """
        learned = np.asarray(state["learned"])
        # an artifact of an older release has a row a song
        is_old = "factor_columns" not in state
        columns = pack_columns(state["item_factors"]) if is_old else state["factor_columns"]
        n_columns = -(-len(learned) // 16) * 16
        if columns.shape != (n_factors, n_columns):
            raise ValueError(
                f"{self.name}.factor_columns has the shape {columns.shape}, not {(n_factors, n_columns)}"
            )
        self._keep_factors(columns, learned)
