"""Base of algorithms that learn a vector of factors for each song."""

from __future__ import annotations

from abc import abstractmethod
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix

from recommendations.engine.algorithms.base import N_WORST, Algorithm
from recommendations.engine.algorithms.indexes import (
    COSINE,
    PRODUCT,
    draw_rows,
    drop_weak,
    index_state,
    restore_indexes,
)
from recommendations.engine.algorithms.training_data import DataSize, Progress
from recommendations.engine.core.arrays import (
    cut_blocks,
    keep_songs,
    multiply_rows,
    pack_columns,
    select_top_columns,
)
from recommendations.engine.core.vector_index import (
    EXACT_BELOW,
    GRAPH_BYTES,
    N_COMPARED,
    N_QUERIES,
    Recall,
    VectorIndex,
    iterate_blocks,
)

SONGS_AT_A_TIME = 65_536
"""Songs whose products are made together where there is no index."""

N_ALIKE = 20
"""Songs of a listener who is made up to measure an index."""


class LatentFactors(Algorithm):
    """Songs with near factors are alike.

    The factors are kept in the one layout that serving needs, as it lies in the artifact, and are mapped from
    there: nothing that grows with songs times factors is in a process's own memory.

    Over many songs two indexes propose: one by the cosines of the factors, for similar songs, and one by the products
    with a listener's factors, which one added dimension turns into cosines (Bachrach et al., 2014): with M the length
    of the longest factors, y becomes (y, sqrt(M^2 - |y|^2)) / M, and the products with (x, 0) keep their order.

    Attributes
    ----------
    factor_columns_ : float32 (d, n_items rounded up to 16)
        A column a song; 0 where nothing was learned.
    inverse_lengths_ : float32 (n_items,)
        1 / length of each song's factors, 0 where nothing was learned.
    learned_ : bool (n_items,)
        Songs that somebody heard in the training data, or that side information names; others cannot be scored.
    indexes_ : dict
        `cosine` and `product` -> VectorIndex, where they were built; empty otherwise.
    """

    names_songs = True
    item_arrays: ClassVar[tuple[str, ...]] = ("learned",)

    n_factors: int
    factor_columns_: NDArray[np.float32]
    inverse_lengths_: NDArray[np.float32]
    learned_: NDArray[np.bool_]
    indexes_: dict[str, VectorIndex]

    @abstractmethod
    def _listener_factors(self, histories: csr_matrix) -> NDArray[np.float32]:
        """Return the factors whose products with the songs' are the scores, float32 (n, d); NaN where unknown."""

    @property
    def item_factors_(self) -> NDArray[np.float32]:
        """The factors as a view, float32 (n_items, d)."""
        return self.factor_columns_[:, : len(self.learned_)].T

    def _keep_factors(self, columns: NDArray[np.float32], learned: NDArray[np.bool_]) -> None:
        self.factor_columns_ = columns
        self.learned_ = learned
        self.indexes_ = {}
        squares = np.einsum("dn,dn->n", columns, columns)[: len(learned)]
        self.inverse_lengths_ = np.zeros(len(learned), dtype=np.float32)
        np.divide(1, np.sqrt(squares), out=self.inverse_lengths_, where=squares > 0)

    def _take_factors(self, item_rows: NDArray[np.integer]) -> NDArray[np.float32]:
        """Return the factors of chosen songs, float32 (*item_rows.shape, d)."""
        columns = self.factor_columns_[:, item_rows.ravel()]
        return np.ascontiguousarray(columns.T).reshape(*item_rows.shape, len(columns))

    def _multiply_factors(self, factors: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return the scores by the listeners' factors (n, d), float32 (n, n_items); NaN where nothing was learned.

        A row of NaN (nothing is known about the listener) is NaN throughout.
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

    # -- a part of the songs ------------------------------------------------------------------------------

    def _propose(
        self, histories: csr_matrix, counts: NDArray[np.integer]
    ) -> list[NDArray[np.int32]]:
        """By the index of products, or block by block without one: no array over all songs is made."""
        factors = self._listener_factors(histories)
        return [
            self._find_products(own, int(n))
            if np.isfinite(own).all()
            else np.zeros(0, dtype=np.int32)
            for own, n in zip(factors, counts, strict=True)
        ]

    def _propose_worst(self, histories: csr_matrix) -> list[NDArray[np.int32]]:
        """The best songs of the opposite listener, where there is an index."""
        index = self.indexes_.get(PRODUCT)
        if index is None:
            return super()._propose_worst(histories)
        return [
            index.search(_add_zero(-own), N_WORST)
            if np.isfinite(own).all()
            else np.zeros(0, dtype=np.int32)
            for own in self._listener_factors(histories)
        ]

    def _propose_least_similar(self, item_row: int) -> NDArray[np.int32]:
        index = self.indexes_.get(COSINE)
        if index is None or not self.learned_[item_row]:
            return super()._propose_least_similar(item_row)
        direction = self.factor_columns_[:, item_row] * self.inverse_lengths_[item_row]
        return index.search(-direction, N_WORST)

    def _find_products(self, factors: NDArray[np.float32], n: int) -> NDArray[np.int32]:
        index = self.indexes_.get(PRODUCT)
        if index is not None:
            return index.search(_add_zero(factors), n)
        return self._find_exactly(factors, n)

    def _find_exactly(
        self,
        direction: NDArray[np.float32],
        n: int,
        lengths: NDArray[np.float32] | None = None,
    ) -> NDArray[np.int32]:
        """Return the n songs of largest product times `lengths`, (n_items,), which are 1 by default; best first."""
        best_rows, best = np.zeros(0, dtype=np.int32), np.zeros(0, dtype=np.float32)
        for block in cut_blocks(self.n_items_, SONGS_AT_A_TIME):
            products = direction @ self.factor_columns_[:, block]
            if lengths is not None:
                products *= lengths[block]
            products[~self.learned_[block]] = np.nan
            rows = keep_songs(select_top_columns(products[None, :], n)[0])
            best_rows = np.concatenate([best_rows, rows + np.int32(block.start)])
            best = np.concatenate([best, products[rows]])
            keep = np.argsort(-best, kind="stable")[:n]
            best_rows, best = best_rows[keep], best[keep]
        return best_rows

    def _score_items(
        self, histories: csr_matrix, item_rows: NDArray[np.int32]
    ) -> NDArray[np.float32]:
        scores = np.empty(item_rows.shape, dtype=np.float32)
        for row, factors in enumerate(self._listener_factors(histories)):
            scores[row] = self._take_factors(item_rows[row]) @ factors
        scores[~self.learned_[item_rows]] = np.nan
        return scores

    def _propose_similar(self, item_row: int, n: int) -> NDArray[np.int32]:
        if not self.learned_[item_row]:
            return np.zeros(0, dtype=np.int32)
        direction = self.factor_columns_[:, item_row] * self.inverse_lengths_[item_row]
        index = self.indexes_.get(COSINE)
        if index is not None:
            return index.search(direction, n + 1)
        return self._find_exactly(direction, n + 1, self.inverse_lengths_)

    def _similar_items(self, item_row: int, item_rows: NDArray[np.int32]) -> NDArray[np.float32]:
        if not self.learned_[item_row]:
            return np.full(len(item_rows), np.nan, dtype=np.float32)
        direction = self.factor_columns_[:, item_row] * self.inverse_lengths_[item_row]
        cosines = (self._take_factors(item_rows) @ direction) * self.inverse_lengths_[item_rows]
        return np.where(self.learned_[item_rows], cosines, np.float32(np.nan))

    # -- indexes ------------------------------------------------------------------------------------------

    def drop_indexes(self) -> None:
        self.indexes_ = {}

    def build_indexes(
        self, histories: csr_matrix | None, rng: np.random.Generator, on_progress: Progress
    ) -> dict[str, dict[str, Any]]:
        learned = np.flatnonzero(self.learned_ & (self.inverse_lengths_ > 0)).astype(np.int32)
        total = 2 * len(learned)
        self.drop_indexes()
        on_progress(0, total)
        cosine = VectorIndex.build(
            iterate_blocks(learned, self._list_directions),
            len(self.factor_columns_),
            lambda done: on_progress(done, total),
        )
        # the longest first: they are near everything, so the others find their links among them. It took the recall of
        # a hundred songs from .83 to .97 (200,000 songs)
        longest_first = learned[np.argsort(self.inverse_lengths_[learned], kind="stable")]
        product = VectorIndex.build(
            iterate_blocks(longest_first, self._add_dimension),
            len(self.factor_columns_) + 1,
            lambda done: on_progress(len(learned) + done, total),
        )
        built = {
            COSINE: (cosine, self._measure_cosine(cosine, draw_rows(learned, rng))),
            PRODUCT: (product, self._measure_product(product, histories, learned, rng)),
        }
        self.indexes_, about = drop_weak(built)
        return about

    def _measure_cosine(self, index: VectorIndex, rows: NDArray[np.int32]) -> Recall:
        directions = self._list_directions(rows)
        exact = [
            self._find_exactly(one, N_COMPARED + 1, self.inverse_lengths_) for one in directions
        ]
        others = [songs[songs != row] for row, songs in zip(rows, exact, strict=True)]
        return index.tune(directions, others, own=rows)

    def _measure_product(
        self,
        index: VectorIndex,
        histories: csr_matrix | None,
        learned: NDArray[np.int32],
        rng: np.random.Generator,
    ) -> Recall:
        if histories is None:
            histories = self._make_up_histories(draw_rows(learned, rng))
        factors = self._listener_factors(histories[:N_QUERIES])
        factors = factors[np.isfinite(factors).all(axis=1)]
        exact = [self._find_exactly(one, N_COMPARED) for one in factors]
        return index.tune(np.array([_add_zero(one) for one in factors]), exact)

    def _make_up_histories(self, rows: NDArray[np.int32]) -> csr_matrix:
        """Return listeners who heard a song and those most like it once each, float32 csr (n, n_items)."""
        heard = [np.sort(np.append(self._propose_similar(row, N_ALIKE), row)) for row in rows]
        heard = [np.unique(songs) for songs in heard]
        starts = np.cumsum([0, *map(len, heard)])
        columns = np.concatenate([np.zeros(0, dtype=np.int32), *heard])
        ones = np.ones(len(columns), dtype=np.float32)
        return csr_matrix((ones, columns, starts), shape=(len(heard), self.n_items_))

    def _add_dimension(self, item_rows: NDArray[np.integer]) -> NDArray[np.float32]:
        """Return the factors with the dimension that makes all of one length, which is 1, float32 (n, d + 1)."""
        longest = 1 / self.inverse_lengths_[self.inverse_lengths_ > 0].min()
        vectors = self._take_factors(item_rows) / longest
        rest = 1 - np.einsum("nd,nd->n", vectors, vectors)
        return np.column_stack([vectors, np.sqrt(np.maximum(rest, 0))]).astype(np.float32)

    def item_vectors(self, item_rows: NDArray[np.integer]) -> NDArray[np.float32] | None:
        return self._list_directions(item_rows)

    def _list_directions(self, item_rows: NDArray[np.integer]) -> NDArray[np.float32]:
        """Return the factors of chosen songs at length 1, float32 (*item_rows.shape, d)."""
        vectors = self._take_factors(item_rows)
        vectors *= self.inverse_lengths_[item_rows][..., None]
        return vectors

    def _learned_bytes(self, size: DataSize) -> float:
        return (4.0 * self.n_factors + 5) * size.n_items + self._index_bytes(size, self.n_factors)

    def _index_bytes(self, size: DataSize, n_factors: int) -> float:
        """Estimate the memory of both indexes, and of one once more while it is written down."""
        if size.n_items < EXACT_BELOW:
            return 0
        return 3.0 * (2 * (n_factors + 1) + GRAPH_BYTES) * size.n_items

    def _factor_state(self) -> dict[str, NDArray[Any]]:
        own = {"factor_columns": self.factor_columns_, "learned": self.learned_}
        return own | index_state(self.indexes_)

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
        dimensions = {COSINE: n_factors, PRODUCT: n_factors + 1}
        self.indexes_ = restore_indexes(self.name, state, dimensions)


def _add_zero(factors: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return a listener's factors as a query of the index of products: at length 1, in the added dimension 0."""
    length = float(np.linalg.norm(factors)) or 1.0
    return np.append(factors / np.float32(length), np.float32(0)).astype(np.float32)
