"""Histories that hold the order in which their songs were heard."""

from __future__ import annotations

from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix

from recommendations.engine.core.weighting import Transform, transform_values


class OrderedHistories(csr_matrix):
    """A csr matrix of histories, and how far back each song was heard last.

    Rows keep their order when they are taken by number, mask or slice; other operations of scipy give matrices
    without an order, as a plain csr matrix has none.

    Attributes
    ----------
    steps_back : int32 (nnz,) or None
        0 = the song that the listener heard last, 1 = the one before, and so on.
    """

    steps_back: NDArray[np.int32] | None = None

    @classmethod
    def from_recency(cls, matrix: csr_matrix, recency: NDArray[Any]) -> Self:
        """Return the matrix with the order in which its entries, (nnz,), have falling `recency`."""
        rows = np.repeat(np.arange(matrix.shape[0]), np.diff(matrix.indptr))
        order = np.lexsort((-np.asarray(recency), rows))
        result = cls((matrix.data, matrix.indices, matrix.indptr), shape=matrix.shape)
        result.steps_back = np.empty(len(rows), dtype=np.int32)
        result.steps_back[order] = np.arange(len(rows)) - matrix.indptr[rows[order]]
        return result

    @classmethod
    def with_steps(cls, matrix: csr_matrix, steps_back: NDArray[np.int32]) -> Self:
        """Return the matrix with the order that these steps of its entries, (nnz,), tell."""
        result = cls((matrix.data, matrix.indices, matrix.indptr), shape=matrix.shape)
        result.steps_back = steps_back
        return result

    def __getitem__(self, key: Any) -> Any:
        selected = super().__getitem__(key)
        if self.steps_back is None or isinstance(key, tuple):
            return selected
        steps = csr_matrix((self.steps_back + 1, self.indices, self.indptr), shape=self.shape)[key]
        result = type(self)(
            (selected.data, selected.indices, selected.indptr), shape=selected.shape
        )
        result.steps_back = steps.data.astype(np.int32) - 1
        return result


def count_steps_back(histories: csr_matrix) -> NDArray[np.int32] | None:
    """Return how far back each entry was heard, int32 (nnz,); None where the order is unknown."""
    steps = getattr(histories, "steps_back", None)
    return steps if steps is not None and len(steps) == histories.nnz else None


def keep_entries(matrix: csr_matrix, keep: NDArray[np.bool_]) -> csr_matrix:
    """Return the matrix with the flagged ones of its stored entries (nnz,) only, in their order where it has one."""
    kept, steps = keep & (matrix.data != 0), count_steps_back(matrix)
    if kept.all():
        result = csr_matrix(
            (matrix.data.astype(np.float32), matrix.indices, matrix.indptr), matrix.shape
        )
        return result if steps is None else OrderedHistories.with_steps(result, steps)
    starts = np.concatenate([[0], np.cumsum(kept)])[matrix.indptr].astype(matrix.indptr.dtype)
    data = matrix.data[kept].astype(np.float32)
    result = csr_matrix((data, matrix.indices[kept], starts), shape=matrix.shape)
    return result if steps is None else OrderedHistories.from_recency(result, -steps[kept])


def compute_decays(histories: csr_matrix, decay: float) -> NDArray[np.float32] | np.float32:
    """Return what each entry counts: decay^steps back; 1 where the order is unknown."""
    steps = count_steps_back(histories)
    if decay == 1 or steps is None:
        return np.float32(1)
    return np.float32(decay) ** steps.astype(np.float32)


def decay_values(histories: csr_matrix, transform: Transform, decay: float) -> NDArray[np.float32]:
    """Return the transformed strengths, signed, less the longer ago a song was heard, float32 (nnz,)."""
    return np.asarray(
        transform_values(histories.data, transform) * compute_decays(histories, decay),
        dtype=np.float32,
    )


def check_decay(decay: float) -> float:
    """Return the decay if it is above 0 and at most 1; raises ValueError."""
    if not 0 < decay <= 1:
        raise ValueError(f"history_decay must be above 0 and at most 1, not {decay}.")
    return decay
