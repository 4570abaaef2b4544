"""Matrices of links from song to song, made block by block so that they are never whole in memory."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csc_matrix, csr_matrix

from recommendations.engine.core.arrays import list_entry_rows

ColumnBlock = tuple[NDArray[Any], NDArray[Any], NDArray[Any]]
"""Values, rows and entries a column of a block of columns."""


def select_strongest_per_column(
    columns: NDArray[np.float32], n: int, row_weights: NDArray[np.float32] | None = None
) -> tuple[NDArray[Any], NDArray[Any], NDArray[Any]]:
    """Return (values, rows, entries a column) of the n entries of largest size in each column.

    Parameters
    ----------
    columns
        (n_rows, n_columns). Zeros are never kept; where sizes tie at the end a few more are.
    row_weights
        What the size of each row's entries is multiplied by for the choice, (n_rows,).
    """
    by_column = np.ascontiguousarray(columns.T)
    size = np.abs(by_column)
    if row_weights is not None:
        size *= row_weights
    keep = size > 0
    if n < size.shape[1]:
        keep &= size >= np.partition(size, size.shape[1] - n, axis=1)[:, size.shape[1] - n, None]
    return by_column[keep], np.nonzero(keep)[1].astype(np.int32), keep.sum(axis=1)


def join_columns(
    blocks: Iterable[tuple[NDArray[Any], NDArray[Any], NDArray[Any]]], n_items: int
) -> csr_matrix:
    """Put blocks of columns together into float32 csr (n_items, n_items)."""
    values, rows, counts = (np.concatenate(arrays) for arrays in zip(*blocks, strict=True))
    indptr = np.concatenate([[0], np.cumsum(counts)]).astype(np.int64)
    links = csc_matrix((values.astype(np.float32), rows, indptr), shape=(n_items, n_items)).tocsr()
    links.sort_indices()
    return links


def scatter_links(links: csr_matrix, kept: NDArray[np.intp], n_items: int) -> csr_matrix:
    """Return links between the kept songs as links over the whole catalogue."""
    rows = kept[list_entry_rows(links)]
    return csr_matrix(
        (links.data, (rows, kept[links.indices])), shape=(n_items, n_items), dtype=np.float32
    )
