"""Item neighbours from shards: how often songs are heard together is a sum over listeners."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix

from recommendations.engine.algorithms.item_knn import ItemKNN
from recommendations.engine.core.arrays import count_per_row, keep_positive
from recommendations.engine.core.weighting import transform_histories

ROWS_TOGETHER = 1_024
"""Songs whose neighbours are found together: of 100,000 songs a block of sums takes at most 400 MB, usually a tenth."""
PRODUCTS_TOGETHER = 4_000_000
"""Pairs of songs of listeners that are multiplied at once, some 100 MB."""


@dataclass(frozen=True)
class PartialRows:
    """What some listeners add to the rows of `block`, which begin at song block * ROWS_TOGETHER: as a csr is stored."""

    block: int
    values: NDArray[np.float32]
    columns: NDArray[np.int32]
    starts: NDArray[np.int64]

    def to_matrix(self, n_items: int) -> csr_matrix:
        """Return the rows of the block, float32 csr (at most ROWS_TOGETHER, n_items)."""
        return csr_matrix(
            (self.values, self.columns, self.starts), shape=(len(self.starts) - 1, n_items)
        )


def count_together(algorithm: ItemKNN, strengths: csr_matrix) -> Iterator[PartialRows]:
    """Yield what a shard's listeners, capped as all are, add to the products of songs.

    The sum over all shards, divided by the roots of its diagonal, is the similarity that implicit computes: the
    weight of a listener follows from their own songs alone.

    Cost: the sum over listeners of the square of their songs, in blocks of PRODUCTS_TOGETHER.
    """
    weighted = _weigh(algorithm, strengths)
    n_songs = count_per_row(weighted)
    for rows in _cut_by_products(n_songs):
        some = weighted[rows]
        together = csr_matrix(some.T @ some)
        for start in range(0, together.shape[0], ROWS_TOGETHER):
            block_rows = together[start : start + ROWS_TOGETHER]
            if block_rows.nnz:
                yield PartialRows(
                    start // ROWS_TOGETHER,
                    block_rows.data.astype(np.float32),
                    block_rows.indices.astype(np.int32),
                    block_rows.indptr.astype(np.int64),
                )


def sum_squares(algorithm: ItemKNN, strengths: csr_matrix) -> NDArray[np.float64]:
    """Return what a shard's listeners add to the diagonal of the products, (n_items,)."""
    weighted = _weigh(algorithm, strengths)
    squares: NDArray[np.float64] = np.bincount(
        weighted.indices, weights=np.square(weighted.data), minlength=weighted.shape[1]
    ).astype(np.float64, copy=False)
    return squares


def _weigh(algorithm: ItemKNN, strengths: csr_matrix) -> csr_matrix:
    liked = transform_histories(keep_positive(strengths), algorithm.transform)
    weights = liked.data.astype(np.float64)
    if algorithm.similarity == "tfidf":
        # implicit takes songs for documents and listeners for words
        n_songs = count_per_row(liked)
        rarity = np.log(liked.shape[1]) - np.log1p(n_songs)
        weights = np.sqrt(weights) * np.repeat(rarity, n_songs)
    return csr_matrix((weights, liked.indices, liked.indptr), shape=liked.shape)


def _cut_by_products(n_songs: NDArray[np.int64]) -> Iterator[slice]:
    ends = np.cumsum(n_songs.astype(np.int64) ** 2)
    first = 0
    while first < len(n_songs):
        done = ends[first - 1] if first else 0
        last = int(np.searchsorted(ends, done + PRODUCTS_TOGETHER, side="right"))
        last = max(last, first + 1)
        yield slice(first, last)
        first = last


def select_neighbours(
    algorithm: ItemKNN,
    shares: Sequence[PartialRows],
    squares: NDArray[np.float64],
) -> PartialRows:
    """Sum the shares of one block up and keep each song's nearest.

    Parameters
    ----------
    shares
        All of one block; at least one.
    squares
        Of all shards, the sum of `sum_squares`, (n_items,).
    """
    n_items = len(squares)
    together = shares[0].to_matrix(n_items).astype(np.float64)
    for share in shares[1:]:
        together = together + share.to_matrix(n_items)
    first = shares[0].block * ROWS_TOGETHER
    lengths = np.sqrt(squares)
    inverse = np.divide(1, lengths, out=np.zeros_like(lengths), where=lengths > 0)
    together = csr_matrix(together)
    rows = np.repeat(np.arange(together.shape[0]), np.diff(together.indptr))
    values = together.data * inverse[rows + first] * inverse[together.indices]
    is_self = together.indices == rows + first
    kept = ~is_self & (values != 0)
    rows, columns, values = rows[kept], together.indices[kept], values[kept].astype(np.float32)
    order = np.lexsort((columns, -values, rows))
    counts = np.bincount(rows, minlength=together.shape[0])
    rank = np.arange(len(rows)) - np.repeat(np.cumsum(counts) - counts, counts)
    chosen = np.sort(order[rank < algorithm.n_neighbours])
    n_kept = np.minimum(counts, algorithm.n_neighbours)
    return PartialRows(
        shares[0].block,
        values[chosen],
        columns[chosen].astype(np.int32),
        np.concatenate([[0], np.cumsum(n_kept)]).astype(np.int64),
    )


def join_links(blocks: Sequence[PartialRows], n_items: int) -> csr_matrix:
    """Put the blocks of `select_neighbours` below one another: float32 csr (n_items, n_items), columns ascending."""
    counts = np.zeros(n_items, dtype=np.int64)
    ordered = sorted(blocks, key=lambda block: block.block)
    for block in ordered:
        first = block.block * ROWS_TOGETHER
        counts[first : first + len(block.starts) - 1] = np.diff(block.starts)
    values = np.concatenate([np.zeros(0, np.float32), *(block.values for block in ordered)])
    columns = np.concatenate([np.zeros(0, np.int32), *(block.columns for block in ordered)])
    links = csr_matrix(
        (values, columns, np.concatenate([[0], np.cumsum(counts)])), shape=(n_items, n_items)
    )
    links.sort_indices()
    return links
