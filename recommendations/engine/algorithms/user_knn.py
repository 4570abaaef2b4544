"""Songs of the listeners whose histories are nearest."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix, diags

from recommendations.engine.algorithms.base import (
    Algorithm,
    Progress,
    TrainingData,
    require_listens,
)
from recommendations.engine.core.arrays import (
    BLOCK_BYTES,
    blocks,
    dense_part,
    n_per_row,
    positive_part,
    row_numbers,
    top_columns,
    weighted_sums,
)
from recommendations.engine.core.block_cache import LastBlock
from recommendations.engine.core.weighting import Transform, signed


class UserKNN(Algorithm):
    """User-user nearest neighbours (Resnick et al., 1994) over TF-IDF weighted histories.

    The similarity of two listeners is the cosine of their histories, each song weighed by
    log(n_listeners / (1 + its listeners))^idf_power: a song that few know says more. A song's score is the
    sum of the similarities of the `n_neighbours` nearest listeners who have it, times their strength for it.
    The training's histories are part of what is saved, without the listeners' ids.

    Parameters
    ----------
    n_neighbours
        Nearest listeners who are asked.
    idf_power
        0 = plain cosine, 1 = TF-IDF.
    transform
        From strength to value.

    Attributes
    ----------
    values_ : float32 csr (n_listeners, n_items)
        What the training's listeners liked.
    units_ : float32 csr (n_listeners, n_items)
        The same weighed and brought to length 1.
    """

    name = "user_knn"
    names_songs = True

    def __init__(
        self, n_neighbours: int = 50, idf_power: float = 1.0, transform: Transform = "binary"
    ) -> None:
        if n_neighbours < 1:
            raise ValueError(f"n_neighbours must be at least 1, not {n_neighbours}.")
        self.n_neighbours = n_neighbours
        self.idf_power = idf_power
        self.transform = transform
        self._last: LastBlock[tuple[slice, csr_matrix, csr_matrix]] = LastBlock()

    def _fit(self, data: TrainingData, rng: np.random.Generator, on_progress: Progress) -> None:
        require_listens(data.strengths)
        on_progress(0, 1)
        values = signed(positive_part(data.strengths), self.transform)
        self._learn(csr_matrix(values[n_per_row(values) > 0]))
        on_progress(1, 1)

    def _learn(self, values: csr_matrix) -> None:
        self._last = LastBlock()
        self.values_ = values
        n_listeners = np.bincount(values.indices, minlength=values.shape[1])
        self.learned_ = n_listeners > 0
        # a song that all know still says a little, or a tiny data set would have no neighbours
        idf = np.log1p(values.shape[0] / (1.0 + n_listeners)) ** self.idf_power
        self.idf_ = diags(np.where(self.learned_, idf, 0).astype(np.float32))
        self.units_ = self._units(values)
        self.by_song_ = self.units_.T.tocsr()

    def _units(self, values: csr_matrix) -> csr_matrix:
        weighted = csr_matrix(values @ self.idf_, dtype=np.float32)
        squares = np.bincount(
            row_numbers(weighted), weights=weighted.data.astype(np.float64) ** 2, minlength=values.shape[0]
        )
        weighted.data /= np.sqrt(np.repeat(np.where(squares > 0, squares, 1), n_per_row(weighted)))
        return weighted

    def _neighbours(self, units: csr_matrix) -> csr_matrix:
        """Return the similarities of the nearest listeners, float32 csr (n, n_listeners)."""
        near = weighted_sums(units, self.by_song_)
        near[near <= 0] = -np.inf
        columns = top_columns(near, self.n_neighbours)
        found = columns >= 0
        rows = np.broadcast_to(np.arange(len(columns))[:, None], columns.shape)[found]
        return csr_matrix((near[rows, columns[found]], (rows, columns[found])), shape=near.shape)

    def _blocks(self, histories: csr_matrix) -> Iterable[tuple[slice, csr_matrix, csr_matrix]]:
        """Return (rows, units, neighbours) of listeners whose similarities fit into one block."""
        return self._last.of(histories, self._made)

    def _made(self, histories: csr_matrix) -> Iterator[tuple[slice, csr_matrix, csr_matrix]]:
        signed_values = signed(histories, self.transform)
        for rows in blocks(histories.shape[0], BLOCK_BYTES // (4 * self.values_.shape[0])):
            units = self._units(signed_values[rows])
            yield rows, units, self._neighbours(units)

    def _score(self, histories: csr_matrix) -> NDArray[np.float32]:
        scores = np.empty(histories.shape, dtype=np.float32)
        for rows, _, near in self._blocks(histories):
            scores[rows] = weighted_sums(near, self.values_)
            scores[rows][n_per_row(near) == 0] = np.nan
        scores[:, ~self.learned_] = np.nan
        return scores

    def _contributions(self, histories: csr_matrix, item_rows: NDArray[np.int32]) -> NDArray[np.float32]:
        """Each song's part in the similarities to the neighbours who have the item; they sum to the score."""
        amounts = np.zeros((*item_rows.shape, int(n_per_row(histories).max())), dtype=np.float32)
        for rows, units, near in self._blocks(histories):
            for place in range(units.shape[0]):
                own, others = units[place], near[place]
                have = dense_part(self.values_, others.indices, item_rows[rows.start + place])
                shared = dense_part(self.by_song_, own.indices, others.indices) * own.data[:, None]
                amounts[rows.start + place, :, : len(own.data)] = (shared @ have).T
        return amounts

    def _similar(self, item_row: int) -> NDArray[np.float32]:
        """Return the cosine of the songs' listeners."""
        if not self.learned_[item_row]:
            return np.full(self.n_items_, np.nan, dtype=np.float32)
        together = (self.values_.T @ self.values_[:, [item_row]]).toarray()[:, 0]
        size = np.sqrt(self.values_.multiply(self.values_).sum(axis=0)).A1
        scores = together / np.where(self.learned_, size * size[item_row], np.nan)
        scores[item_row] = np.nan
        return scores.astype(np.float32)

    def _state(self) -> dict[str, NDArray]:
        return {
            "values": self.values_.data.astype(np.float32),
            "columns": self.values_.indices.astype(np.int32),
            "starts": self.values_.indptr.astype(np.int64),
            "width": np.array([self.values_.shape[1]], dtype=np.int64),
        }

    def _restore(self, state: dict[str, NDArray]) -> None:
        shape = (len(state["starts"]) - 1, int(state["width"][0]))
        values = csr_matrix((state["values"], state["columns"], state["starts"]), shape=shape)
        values.check_format(full_check=True)
        self._learn(values)
