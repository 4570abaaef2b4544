"""Songs linked to songs by weights: what item kNN and EASE learn, and how such links score and explain."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csc_matrix, csr_matrix

from .arrays import dense_part, n_per_row, positive_part, row_numbers, weighted_sums
from .weighting import Transform, transformed


def signed(histories: csr_matrix, transform: Transform) -> csr_matrix:
    """Return sign(r) * f(abs(r)) with the pattern of the histories: a dislike counts against what is like it."""
    values = np.sign(histories.data) * transformed(histories.data, transform)
    return csr_matrix((values.astype(np.float32), histories.indices, histories.indptr), histories.shape)


def linked_scores(values: csr_matrix, links: csr_matrix, learned: NDArray[np.bool_]) -> NDArray[np.float32]:
    """Return values @ links as a dense array, float32 (n, n_items).

    NaN for songs nobody was heard with, and for a listener none of whose liked songs was learned.
    Cost: the number of links of the histories' songs.
    """
    scores = weighted_sums(values, links)
    scores[:, ~learned] = np.nan
    knows = positive_part(values) @ learned.astype(np.float32) > 0
    scores[~knows] = np.nan
    return scores


def linked_contributions(
    values: csr_matrix, links: csr_matrix, item_rows: NDArray[np.int32]
) -> NDArray[np.float32]:
    """Return value * link for each song of the history and each item row: they sum to the score exactly.

    float32 (n, k, longest history), in the order of `padded(values)`.
    """
    amounts = np.zeros((*item_rows.shape, int(n_per_row(values).max(initial=0))), dtype=np.float32)
    for row, items in enumerate(item_rows):
        own = slice(values.indptr[row], values.indptr[row + 1])
        found = dense_part(links, values.indices[own], items)
        amounts[row, :, : len(found)] = (found * values.data[own, None]).T
    return amounts


def similar_by_links(links: csr_matrix, item_row: int, learned: NDArray[np.bool_]) -> NDArray[np.float32]:
    """Return one song's links as scores, float32 (n_items,); NaN where nothing was learned."""
    scores = np.full(links.shape[0], np.nan, dtype=np.float32)
    if learned[item_row]:
        scores[learned] = links[[item_row]].toarray()[0][learned]
        scores[item_row] = np.nan
    return scores


def strongest_per_column(columns: NDArray[np.float32], n: int) -> tuple[NDArray, NDArray, NDArray]:
    """Return (values, rows, entries a column) of the n entries of largest size in each column.

    Parameters
    ----------
    columns
        (n_rows, n_columns). Zeros are never kept; where sizes tie at the end a few more are.
    """
    by_column = np.ascontiguousarray(columns.T)
    size = np.abs(by_column)
    keep = size > 0
    if n < size.shape[1]:
        keep &= size >= np.partition(size, size.shape[1] - n, axis=1)[:, size.shape[1] - n, None]
    return by_column[keep], np.nonzero(keep)[1].astype(np.int32), keep.sum(axis=1)


def joined(parts: Iterable[tuple[NDArray, NDArray, NDArray]], n_items: int) -> csr_matrix:
    """Put blocks of columns together into float32 csr (n_items, n_items)."""
    values, rows, counts = (np.concatenate(found) for found in zip(*parts, strict=True))
    indptr = np.concatenate([[0], np.cumsum(counts)]).astype(np.int64)
    links = csc_matrix((values.astype(np.float32), rows, indptr), shape=(n_items, n_items)).tocsr()
    links.sort_indices()
    return links


def scattered(links: csr_matrix, kept: NDArray[np.intp], n_items: int) -> csr_matrix:
    """Return links between the kept songs as links over the whole catalogue."""
    rows = kept[row_numbers(links)]
    return csr_matrix((links.data, (rows, kept[links.indices])), shape=(n_items, n_items), dtype=np.float32)


def links_state(links: csr_matrix) -> dict[str, NDArray]:
    """Return the links as plain arrays."""
    return {
        "links": links.data.astype(np.float32),
        "targets": links.indices.astype(np.int32),
        "starts": links.indptr.astype(np.int64),
    }


def links_from(state: dict[str, NDArray]) -> csr_matrix:
    """Return the links that `links_state` wrote down.

    Raises
    ------
    ValueError
        The arrays do not belong together.
    """
    n_items = len(state["starts"]) - 1
    links = csr_matrix((state["links"], state["targets"], state["starts"]), shape=(n_items, n_items))
    links.check_format(full_check=True)
    return links


def heard(strengths: csr_matrix) -> NDArray[np.bool_]:
    """Return which songs somebody liked or played, bool (n_items,)."""
    return np.bincount(positive_part(strengths).indices, minlength=strengths.shape[1]) > 0


def mean_length(matrix: csr_matrix) -> float:
    """Return the mean number of songs of the listeners who have any, at least 1."""
    lengths = n_per_row(matrix)
    return float(lengths[lengths > 0].mean()) if lengths.any() else 1.0
