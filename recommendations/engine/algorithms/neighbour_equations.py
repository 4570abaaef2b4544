"""EASE's equations of each song solved among the songs that it is heard with most."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix
from threadpoolctl import threadpool_limits

from recommendations.engine.algorithms.ease_equations import EaseEquations
from recommendations.engine.algorithms.item_item import ColumnBlock
from recommendations.engine.core.arrays import cut_blocks

SONGS_AT_A_TIME = 256
SYSTEM_BYTES = 4e6
"""Systems that are solved in one call stay within this, so that they stay in the processor's cache."""
N_THREADS = 2


class NeighbourEquations:
    """The equations of EASE, column by column, with a few songs in each.

    The links to song j minimise what `EASE` minimises for j, where only the songs S that j is heard with most may
    have one: b = (G_SS + D_S)^-1 G_Sj with G = W'W. So j is learned from S alone, as in SLIM with chosen features
    (Ning and Karypis, "SLIM: Sparse linear methods for top-n recommender systems", 2011, fsSLIM), without that
    model's penalty of absolute values. With S = all other songs it is the exact EASE.

    S are the songs i with the largest G_ij / root(G_ii + D_i).

    Cost: finding S takes the pairs of listens in one history, the systems n * n_neighbours^3 / 3.

    Parameters
    ----------
    equations
    n_neighbours
        Size of S, at least 1.
    is_dense
        Hold G whole, n^2 floats; else what is needed of it is computed for each song.
    """

    def __init__(self, equations: EaseEquations, n_neighbours: int, *, is_dense: bool) -> None:
        self._equations = equations
        self._n_neighbours = n_neighbours
        self._by_song = equations.weighted.T.tocsr()
        self._by_song.sort_indices()
        self._squares = np.asarray(
            self._by_song.multiply(self._by_song).sum(axis=1), dtype=np.float32
        ).ravel()
        self._roots = np.sqrt(self._squares + equations.diagonal)
        self._gram = _compute_dense_gram(self._by_song, equations.weighted) if is_dense else None

    def solve(self) -> list[ColumnBlock]:
        """Return the links to each song, blocks of songs in their order; some blocks are solved at once."""
        with threadpool_limits(1, "blas"), ThreadPoolExecutor(N_THREADS) as pool:
            return list(pool.map(self._solve_block, cut_blocks(len(self._roots), SONGS_AT_A_TIME)))

    def _solve_block(self, songs: slice) -> ColumnBlock:
        together = self._by_song[songs] @ self._equations.weighted
        neighbours, products = [], []
        for row, song in enumerate(range(songs.start, songs.stop)):
            own = slice(together.indptr[row], together.indptr[row + 1])
            chosen, values = self._choose(song, together.indices[own], together.data[own])
            neighbours.append(chosen)
            products.append(values)
        counts = np.array([len(chosen) for chosen in neighbours])
        links = [np.zeros(0, dtype=np.float32)] * len(neighbours)
        # systems of one size are solved in one call
        for size in np.unique(counts[counts > 0]):
            rows = np.flatnonzero(counts == size)
            at_a_time = max(int(SYSTEM_BYTES / (4 * size**2)), 1)
            for some in np.split(rows, range(at_a_time, len(rows), at_a_time)):
                members = np.stack([neighbours[row] for row in some])
                sides = np.stack([products[row] for row in some])
                for row, solved in zip(some, self._solve_systems(members, sides), strict=True):
                    links[row] = solved
        outgoing = np.repeat(self._equations.outgoing[songs], counts)
        rows = np.concatenate(neighbours).astype(np.int32)
        return np.concatenate(links) * self._equations.incoming[rows] * outgoing, rows, counts

    def _choose(
        self, song: int, together: NDArray[np.int32], values: NDArray[np.float32]
    ) -> tuple[NDArray[np.int32], NDArray[np.float32]]:
        """Return the songs that a song is heard with most, ascending, and their products with it."""
        others = (together != song) & (values > 0)
        together, values = together[others], values[others]
        if len(together) > self._n_neighbours:
            closeness = values / self._roots[together]
            nearest = np.argpartition(-closeness, self._n_neighbours)[: self._n_neighbours]
            together, values = together[nearest], values[nearest]
        order = np.argsort(together)
        return together[order], values[order]

    def _solve_systems(
        self, members: NDArray[np.int32], sides: NDArray[np.float32]
    ) -> NDArray[np.float32]:
        """Solve the systems of the members (n, size) for the right sides (n, size)."""
        systems = self._take_systems(members)
        diagonal = np.arange(members.shape[1])
        systems[:, diagonal, diagonal] += self._equations.diagonal[members]
        return np.linalg.solve(systems, sides[:, :, None])[:, :, 0]

    def _take_systems(self, members: NDArray[np.int32]) -> NDArray[np.float32]:
        """Return G_SS of each set of members, (n, size, size)."""
        if self._gram is not None:
            positions = members[:, :, None] * np.int64(len(self._gram)) + members[:, None, :]
            return self._gram.ravel().take(positions)
        return np.stack([self._multiply_members(songs) for songs in members])

    def _multiply_members(self, songs: NDArray[np.int32]) -> NDArray[np.float32]:
        rows = self._by_song[songs]
        # only those listeners who heard one of them, so that nothing is as long as all listeners are
        listeners, positions = np.unique(rows.indices, return_inverse=True)
        shape = (len(songs), len(listeners))
        few = csr_matrix((rows.data, positions.astype(np.int32), rows.indptr), shape=shape)
        return np.asarray((few @ few.T).toarray(), dtype=np.float32)


def _compute_dense_gram(by_song: csr_matrix, weighted: csr_matrix) -> NDArray[np.float32]:
    gram = np.empty((by_song.shape[0], by_song.shape[0]), dtype=np.float32)
    for some in cut_blocks(len(gram), SONGS_AT_A_TIME):
        gram[some] = (by_song[some] @ weighted).toarray()
    return gram
