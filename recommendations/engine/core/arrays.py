"""Small array operations that several parts of the engine share."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix

BLOCK_BYTES = 8 * 2**20
"""Size of the arrays that a pass works on: small enough for the processor's cache, large enough for BLAS."""

CACHE_BYTES = 2**18
"""Size of a table that is read and written at random: small enough for the cache of one core."""

SAMPLED_ONE_IN = 8
"""Part of the scores that is looked at to guess where the best ones begin."""

NO_SONG = -1
"""The item row where there is none: a list that ends early, a reason that names no song."""

FEWEST_TOGETHER = 4
"""Rows below which choosing one after the other is quicker."""


def normalise_csr(matrix: csr_matrix, *, n_columns: int | None = None) -> csr_matrix:
    """Return a float32 csr_matrix of finite values without stored zeros; the input is not changed.

    Raises
    ------
    ValueError
        A value is NaN or infinite, or the matrix has another width. implicit would read foreign memory.
    """
    if n_columns is not None and matrix.shape[1] != n_columns:
        raise ValueError(
            f"The histories are over {matrix.shape[1]} songs, the model over {n_columns}."
        )
    csr = matrix
    if not (isinstance(matrix, csr_matrix) and matrix.dtype == np.float32):
        csr = csr_matrix(matrix, dtype=np.float32)
    if not np.isfinite(csr.data).all():
        raise ValueError("The matrix holds NaN or infinite values; take them out first.")
    if not (csr.data.all() and csr.has_canonical_format):
        csr = csr.copy()
        csr.sum_duplicates()
        csr.eliminate_zeros()
    return csr


def keep_positive(matrix: csr_matrix) -> csr_matrix:
    """Return the matrix with its negative entries (dislikes, early skips) left out."""
    if not (matrix.data < 0).any():
        return matrix
    positive = matrix.copy()
    positive.data = np.maximum(positive.data, 0)
    positive.eliminate_zeros()
    return positive


def count_per_row(matrix: csr_matrix) -> NDArray[np.int64]:
    """Return how many entries each row stores, int64 (n_rows,)."""
    return np.diff(matrix.indptr).astype(np.int64)


def list_entry_rows(matrix: csr_matrix) -> NDArray[np.int64]:
    """Return the row of each stored entry, int64 (nnz,)."""
    return np.repeat(np.arange(matrix.shape[0]), count_per_row(matrix))


def cut_blocks(n: int, size: int) -> Iterator[slice]:
    """Cut range(n) into consecutive slices of at most `size`, and of at least one where `size` is less."""
    size = max(size, 1)
    return (slice(start, min(start + size, n)) for start in range(0, n, size))


def normalise_rows(vectors: NDArray[Any]) -> NDArray[np.float32]:
    """Return rows of length 1; a row of zeros stays zeros."""
    norms = np.sqrt(np.einsum("ij,ij->i", vectors, vectors, dtype=np.float64))
    return (vectors / np.where(norms > 0, norms, 1)[:, None]).astype(np.float32)


def take_rows(matrix: csr_matrix, rows: NDArray[Any]) -> csr_matrix:
    """Return the chosen rows (mask or ascending positions); the matrix itself if they are all of them."""
    is_all = rows.all() if rows.dtype == bool else len(rows) == matrix.shape[0] == 1
    return matrix if is_all else matrix[rows]


def pack_columns(vectors: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return vectors (n, d) as the columns of a (d, n rounded up to 16) array for `multiply_rows`."""
    n, d = vectors.shape
    columns = np.zeros((d, -(-n // 16) * 16), dtype=np.float32)
    columns[:, :n] = vectors.T
    return columns


def multiply_rows(
    left: NDArray[np.float32], columns: NDArray[np.float32], n: int
) -> NDArray[np.float32]:
    """Return the products of each row with the first n columns, (n_rows, n).

    A row's result hardly depends on how many rows came with it: BLAS adds in another order for a single row and
    at the edge of a matrix that does not fill its blocks of columns. On some processors the last bit still does.
    """
    if len(left) == 1:
        return (np.repeat(left, 2, axis=0) @ columns)[:1, :n]
    return (left @ columns)[:, :n]


def gather_entries(
    matrix: csr_matrix, rows: NDArray[np.integer]
) -> tuple[NDArray[np.int32], NDArray[np.float32], NDArray[np.int64]]:
    """Return (columns, values, entries a row) of the chosen rows, without the cost of making a matrix of them."""
    starts = matrix.indptr[rows].astype(np.int64)
    lengths = matrix.indptr[rows + 1].astype(np.int64) - starts
    ends = np.cumsum(lengths)
    positions = np.repeat(starts - ends + lengths, lengths) + np.arange(
        ends[-1] if len(ends) else 0
    )
    return matrix.indices[positions], matrix.data[positions], lengths


def sum_weighted_rows(
    left: csr_matrix, matrix: csr_matrix, values: NDArray[np.float32] | None = None
) -> NDArray[np.float32]:
    """Return left @ matrix as a dense array, float32 (n, n_columns); quicker than scipy.

    A row's result does not depend on the others: it is added up in double precision in the order of its entries.
    Cost: the entries of the rows of `matrix` that `left` names.

    Parameters
    ----------
    values
        Used instead of the values that `left` stores.
    """
    values = left.data if values is None else values
    sums = np.empty((left.shape[0], matrix.shape[1]), dtype=np.float32)
    n, width = sums.shape
    for rows in cut_blocks(n, CACHE_BYTES // (8 * max(width, 1))):
        own = slice(left.indptr[rows.start], left.indptr[rows.stop])
        columns, products, lengths = gather_entries(matrix, left.indices[own])
        products = products * np.repeat(values[own], lengths)
        starts = np.repeat(np.arange(rows.stop - rows.start) * width, count_per_row(left)[rows])
        keys = columns + np.repeat(starts, lengths)
        added = np.bincount(keys, weights=products, minlength=(rows.stop - rows.start) * width)
        sums[rows] = added.reshape(rows.stop - rows.start, width)
    return sums


def take_pairs(
    matrix: csr_matrix, rows: NDArray[np.integer], columns: NDArray[np.integer]
) -> NDArray[np.float32]:
    """Return what each of a listener's rows (n, m) holds in each of their columns (n, k), float32 (n, k, m).

    Cost: a binary search for each, and a copy of the rows.
    """
    distinct, positions = np.unique(rows, return_inverse=True)
    named = matrix[distinct]
    positions = positions.reshape(rows.shape)
    values = np.empty((*columns.shape, rows.shape[1]), dtype=np.float32)
    for block in cut_blocks(len(rows), BLOCK_BYTES // (8 * max(values[:1].size, 1))):
        pairs = np.broadcast_arrays(positions[block, None, :], columns[block, :, None])
        read = named[pairs[0].ravel(), pairs[1].ravel()]
        values[block] = np.asarray(read).reshape(pairs[0].shape)
    return values


def take_dense(
    matrix: csr_matrix, rows: NDArray[np.integer], columns: NDArray[np.integer]
) -> NDArray[np.float32]:
    """Return the chosen rows and columns as a dense array, float32 (n_rows, n_columns).

    Columns may repeat. Cost: the entries of the rows and one pass over the width.
    """
    wanted, inverse = np.unique(columns, return_inverse=True)
    position_of_column = np.full(matrix.shape[1], -1, dtype=np.int32)
    position_of_column[wanted] = np.arange(len(wanted))
    entry_columns, values, lengths = gather_entries(matrix, rows)
    positions = position_of_column[entry_columns]
    inside = positions >= 0
    dense = np.zeros((len(rows), len(wanted)), dtype=np.float32)
    dense[np.repeat(np.arange(len(rows)), lengths)[inside], positions[inside]] = values[inside]
    return dense[:, inverse]


@dataclass(frozen=True)
class PaddedRows:
    """Rows of a csr matrix brought to one length.

    Attributes
    ----------
    columns : int32 (n, length)
        Column of each entry; 0 in the padding.
    values : float32 (n, length)
        0 in the padding.
    """

    columns: NDArray[np.int32]
    values: NDArray[np.float32]


def pad_rows(matrix: csr_matrix, entries: NDArray[np.float32] | None = None) -> PaddedRows:
    """Bring the rows to the length of the longest; memory n_rows * longest * 8 bytes.

    Parameters
    ----------
    entries
        Used instead of the values that `matrix` stores.
    """
    lengths = count_per_row(matrix)
    is_entry = np.arange(lengths.max(initial=0)) < lengths[:, None]
    columns = np.zeros(is_entry.shape, dtype=np.int32)
    values = np.zeros(is_entry.shape, dtype=np.float32)
    columns[is_entry] = matrix.indices
    values[is_entry] = matrix.data if entries is None else entries
    return PaddedRows(columns, values)


def select_top_columns(scores: NDArray[np.float32], k: int) -> NDArray[np.int32]:
    """Return the k columns of highest score in each row, best first, equal scores in column order.

    Parameters
    ----------
    scores
        (n, n_columns); -inf and NaN are never chosen.

    Returns
    -------
    int32 (n, k)
        -1 where a row has fewer than k scores. Linear in scores.size.
    """
    n, width = scores.shape
    k = min(k, width)
    chosen = np.full((n, k), -1, dtype=np.int32)
    if not k:
        return chosen
    rest = _select_top_together(scores, k, chosen) if n >= FEWEST_TOGETHER else range(n)
    for row in rest:
        columns = _select_best_columns(scores[row], k)
        chosen[row, : len(columns)] = columns
    return chosen


def _select_top_together(
    scores: NDArray[np.float32], k: int, chosen: NDArray[np.int32]
) -> NDArray[np.intp] | range:
    """Fill in the rows of which a sample tells where the k-th score lies; return the other rows.

    The same as `_select_best_columns` of each row, but without holding up the other threads.
    """
    sample = scores[:, ::SAMPLED_ONE_IN]
    position = sample.shape[1] - _estimate_sample_depth(k)
    if position <= 0:
        return range(len(scores))
    guess = np.partition(np.where(np.isnan(sample), -np.inf, sample), position, axis=1)[:, position]
    above = np.flatnonzero(scores > guess[:, None])
    counts = np.diff(np.searchsorted(above, np.arange(len(scores) + 1) * scores.shape[1]))
    is_decided = (counts >= k) & (counts <= SAMPLED_ONE_IN * k)
    if not is_decided.any():
        return range(len(scores))
    above = above[np.repeat(is_decided, counts)]
    is_entry = np.arange(counts[is_decided].max()) < counts[is_decided][:, None]
    columns = np.zeros(is_entry.shape, dtype=np.int32)
    entry_rows, entry_columns = np.divmod(above, scores.shape[1])
    columns[is_entry] = entry_columns
    values = np.full(is_entry.shape, -np.inf, dtype=np.float32)
    # not ravel(): the scores may be a part of a wider array, which it would copy
    values[is_entry] = scores[entry_rows, entry_columns]
    _, best_first = sort_pairs(_make_descending_keys(values), columns)
    chosen[is_decided] = best_first[:, :k]
    return np.flatnonzero(~is_decided)


def _make_descending_keys(scores: NDArray[np.float32]) -> NDArray[np.int64]:
    """Return a whole number of 32 bits for each score: the higher the score, the smaller; no NaN."""
    # as whole numbers the bits of floats above 0 are in order, and those of floats below 0 the other way round
    bits = (scores + np.float32(0)).view(np.int32)
    return (~(bits ^ ((bits >> 31) & 0x7FFFFFFF))).astype(np.int64)


def sort_pairs(
    keys: NDArray[np.int64], columns: NDArray[np.int32]
) -> tuple[NDArray[np.int64], NDArray[np.int32]]:
    """Sort the columns of each row by their keys, equal keys by column: (n, m) each, keys of 32 bits, columns >= 0.

    Both are sorted as one number, which takes a quarter of a stable sort's time.
    """
    both = np.sort((keys << 32) | columns, axis=1)
    return both >> 32, (both & 0xFFFFFFFF).astype(np.int32)


def _estimate_sample_depth(k: int) -> int:
    """Return the position from the top of a sample at which about the 2k-th best score of all lies."""
    return 2 * k // SAMPLED_ONE_IN + 4


def _select_best_columns(scores: NDArray[np.float32], k: int) -> NDArray[np.intp]:
    """Return the places of the k highest scores (n_columns,), best first, equal ones in order."""
    columns = _find_contenders(scores, k)
    values = scores[columns]
    if len(values) > SAMPLED_ONE_IN * k:
        is_near = values >= np.partition(values, len(values) - k)[len(values) - k]
        columns, values = columns[is_near], values[is_near]
    return columns[np.argsort(-values, kind="stable")[:k]]


def _find_contenders(scores: NDArray[np.float32], k: int) -> NDArray[np.intp]:
    """Return places among which the k highest scores are, equal ones in order.

    A sample tells about where the k-th score lies, which spares most of the work of a selection among all: that is
    slow where many scores are equal, as the zeros of songs without a link are.
    """
    sample = scores[::SAMPLED_ONE_IN]
    sample = sample[sample > -np.inf]
    position = len(sample) - _estimate_sample_depth(k)
    if position > 0:
        guess = np.partition(sample, position)[position]
        above = np.flatnonzero(scores > guess)
        if len(above) >= k:
            return above
        equal = np.flatnonzero(scores == guess)[: k - len(above)]
        if len(above) + len(equal) == k:
            return np.concatenate([above, equal])
    return np.flatnonzero(scores > -np.inf)


def make_empty_rows(n_rows: int, n_columns: int) -> csr_matrix:
    """Return a float32 csr matrix (n_rows, n_columns) without an entry."""
    starts = np.zeros(n_rows + 1, dtype=np.int32)
    nothing = np.empty(0, dtype=np.float32), np.empty(0, dtype=np.int32), starts
    return csr_matrix(nothing, shape=(n_rows, n_columns))


def keep_songs(item_rows: NDArray[np.int32]) -> NDArray[np.int32]:
    """Return the rows of a list that has -1 after its end."""
    return item_rows[item_rows >= 0]
