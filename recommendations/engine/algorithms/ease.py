"""Songs that fit the history by a linear model over songs, solved in closed form."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import lapack
from scipy.sparse import csr_matrix, diags
from threadpoolctl import threadpool_limits

from recommendations.engine.algorithms.ease_equations import EaseEquations, check_options
from recommendations.engine.algorithms.item_item import (
    ColumnBlock,
    join_columns,
    scatter_links,
    select_strongest_per_column,
)
from recommendations.engine.algorithms.neighbour_equations import NeighbourEquations
from recommendations.engine.algorithms.sparse_similarity import SparseSimilarity
from recommendations.engine.algorithms.training_data import (
    DataSize,
    NotEnoughData,
    Progress,
)
from recommendations.engine.core.arrays import cut_blocks
from recommendations.engine.core.machine import GB, compute_memory_budget_gb
from recommendations.engine.core.ordered import check_decay
from recommendations.engine.core.weighting import Transform

COLUMNS_AT_A_TIME = 512
N_THREADS = 2
COPIES = 1.4
"""Size of everything that an exact solve holds at once, in copies of its matrix."""
MEMORY_SHARE = 0.5
"""Part of the machine's free memory that a solve may take, unless `memory_gb` says otherwise."""
MOST_SOLVED = 24_000
"""Side of the largest matrix that is solved whatever the memory: it takes some minutes of two processors."""
MOST_DENSE = 15_000
"""Of no more songs all products of two are held in memory: twice as quick, and 900 MB."""
NEIGHBOURS_BEYOND = 200
"""Songs that each song is learned from where the equations of all together are too many."""

NEIGHBOUR_BLOCKS = 28e6
"""Bytes of the systems that are solved at once where each song is learned from its neighbours."""

LOW_RANK = "low_rank."
"""What names of arrays begin with that versions before 0.6.0 stored for the songs beyond their memory."""

log = logging.getLogger(__name__)


class EASE(SparseSimilarity):
    """The linear autoencoder of Steck, with denoising and with listeners and songs weighed by their size.

    With W the listens, each value weighed by its listener's and its song's size, and a diagonal
    D = regularization + denoising / (1 - denoising) * diag(W'W), the matrix B = I - P diag(1 / diag P) with
    P = (W'W + D)^-1 minimises |W - WB|^2 + |sqrt(D) B|^2 with diag B = 0 (Steck, "Embarrassingly Shallow
    Autoencoders", 2019, equations 5 to 8; "Autoencoders that don't overfit towards the Identity", 2020, for the
    diagonal of denoising). Songs are weighed back when they score, and the score of a song with n listeners is
    divided by n^popularity_discount. All of that stays one link from song to song, so reasons are exact.

    Where there are fewer listeners than songs, the same P comes from a solve over listeners,
    P = D^-1 - D^-1 W'(I + W D^-1 W')^-1 W D^-1 (Woodbury): the one big solve costs min(n_listeners, n_items)^3
    and B is written block by block, never whole.

    Parameters
    ----------
    regularization
        Added to the diagonal of W'W; None: 25 times the root of the listens a song has on average.
    transform
        From strength to value.
    side_information
        Strength with which each artist and genre, as one more listener, likes its songs; 0 = listens only.
    listener_weight
        Each listener counts (length / mean length)^-listener_weight: at 0.5 long histories, which say less
        about which songs belong together, count less.
    song_weight
        Each song counts (listeners / mean)^-song_weight.
    denoising
        Chance, 0 to below 1, with which a heard song is dropped while the others are learned to predict it.
    popularity_discount
        Power of a song's listeners that its score is divided by.
    n_links
        Links kept for each song, the strongest by size.
    n_neighbours
        Songs that each song is learned from, those it is heard with most (`NeighbourEquations`): quicker than all of
        them, in less memory, and on most data no worse. None: all songs, in one solve.
    history_decay
        What a song of the history counts for each step back when it scores, 1 = no decay.
    memory_gb
        The solve of all songs stays within this; None for half of what is free on the machine. If even the smaller
        side of W is too large, each song is learned from 200 neighbours, and the log says so.
    """

    name = "ease"

    def __init__(
        self,
        regularization: float | None = 100.0,
        transform: Transform = "binary",
        listener_weight: float = 0.5,
        n_links: int = 300,
        memory_gb: float | None = None,
        side_information: float = 0.0,
        song_weight: float = 0.0,
        denoising: float = 0.0,
        popularity_discount: float = 0.0,
        history_decay: float = 1.0,
        n_neighbours: int | None = None,
    ) -> None:
        check_options(regularization, denoising)
        if n_links < 1:
            raise ValueError(f"n_links must be at least 1, not {n_links}.")
        if n_neighbours is not None and n_neighbours < 1:
            raise ValueError(f"n_neighbours must be at least 1 or None, not {n_neighbours}.")
        self.regularization = regularization
        self.transform = transform
        self.listener_weight = listener_weight
        self.n_links = n_links
        self.memory_gb = memory_gb
        self.side_information = side_information
        self.song_weight = song_weight
        self.denoising = denoising
        self.popularity_discount = popularity_discount
        self.history_decay = check_decay(history_decay)
        self.n_neighbours = n_neighbours

    @property
    def largest_solve(self) -> int:
        """The side of the largest matrix whose solve stays within the memory."""
        return min(max(int(np.sqrt(self._memory_gb() * GB / (4 * COPIES))), 1), MOST_SOLVED)

    def _memory_gb(self) -> float:
        return compute_memory_budget_gb(MEMORY_SHARE) if self.memory_gb is None else self.memory_gb

    def count_neighbours(self, n_listeners: int, n_songs: int) -> int | None:
        """Return how many songs each one is learned from; None: from all of them in one solve."""
        if self.n_neighbours is None and min(n_listeners, n_songs) <= self.largest_solve:
            return None
        return min(self.n_neighbours or NEIGHBOURS_BEYOND, self.n_links)

    def _is_dense(self, n_songs: int) -> bool:
        return n_songs <= MOST_DENSE and 4 * n_songs**2 <= self._memory_gb() * GB

    def _fit_bytes(self, size: DataSize) -> float:
        """The one big matrix, the blocks of columns that are worked on at once, and the links as they are joined.

        With neighbours the products, the listens in a few forms and the links so far; or the links as they are joined.
        """
        n_neighbours = self.count_neighbours(size.n_listeners, size.n_items)
        if n_neighbours is not None:
            gram = 4.0 * size.n_items**2 if self._is_dense(size.n_items) else 0.0
            n_links = self._n_links(size)
            solve = NEIGHBOUR_BLOCKS + gram + 60.0 * size.n_pairs + 8.0 * n_links
            return max(solve, 52.0 * n_links)
        side = min(size.n_listeners, size.n_items)
        block = 4.0 * COLUMNS_AT_A_TIME * size.n_items
        n_blocks = 10 if size.n_listeners < size.n_items else 6.3
        return 4.0 * COPIES * side**2 + n_blocks * block + 23.0 * self._n_links(size)

    def _learned_bytes(self, size: DataSize) -> float:
        return 18.0 * self._n_links(size)

    def _n_links(self, size: DataSize) -> int:
        n_neighbours = self.count_neighbours(size.n_listeners, size.n_items) or size.n_items
        return size.n_items * min(self.n_links, n_neighbours, size.n_items)

    def _restore(self, state: dict[str, NDArray[Any]]) -> None:
        own = {name: array for name, array in state.items() if not name.startswith(LOW_RANK)}
        super()._restore(own)
        if len(own) < len(state):
            log.warning(
                "This version was learned before 0.6.0, with an approximate form for %d of its songs; EASE leaves "
                "these out until the next training.",
                np.count_nonzero(~self.learned_),
            )

    def _links(self, strengths: csr_matrix, on_progress: Progress) -> csr_matrix:
        on_progress(0, 2)
        kept = np.flatnonzero(self.learned_)
        equations = EaseEquations.build(strengths, kept, self)
        # a link from a song that many heard is in many scores, so more is lost with it
        self._use = np.sqrt(equations.n_listeners).astype(np.float32)
        on_progress(1, 2)
        links = scatter_links(
            join_columns(self._solve(equations), len(kept)), kept, strengths.shape[1]
        )
        on_progress(2, 2)
        return links

    def _solve(self, equations: EaseEquations) -> Sequence[ColumnBlock]:
        n_listeners, n_songs = equations.weighted.shape
        n_neighbours = self.count_neighbours(n_listeners, n_songs)
        if n_neighbours is None:
            return (self._by_listeners if n_listeners < n_songs else self._by_songs)(equations)
        if self.n_neighbours is None:
            log.warning(
                "EASE has no memory to solve for %d songs at once; each is learned from the %d songs it is heard with "
                "most.",
                n_songs,
                n_neighbours,
            )
        is_dense = self._is_dense(n_songs)
        return NeighbourEquations(equations, n_neighbours, is_dense=is_dense).solve()

    def _by_songs(self, equations: EaseEquations) -> Sequence[ColumnBlock]:
        gram = _compute_gram(equations.weighted.T.tocsr(), None)
        inverse = _invert(gram, equations.diagonal)
        incoming = equations.incoming[:, None]
        scale = (-1 / inverse.diagonal()).astype(np.float32) * equations.outgoing

        def solve(columns: slice) -> ColumnBlock:
            return self._keep_strongest(inverse[columns].T * incoming * scale[columns], columns)

        return _run_in_threads(solve, len(inverse))

    def _by_listeners(self, equations: EaseEquations) -> Sequence[ColumnBlock]:
        weighted, diagonal = equations.weighted, equations.diagonal
        inverse = _invert(
            _compute_gram(weighted, (1 / diagonal).astype(np.float32)),
            np.ones(weighted.shape[0], dtype=np.float32),
        )
        by_song = weighted.T.tocsr()
        incoming = (equations.incoming / diagonal)[:, None]

        def solve(columns: slice) -> ColumnBlock:
            # the inverse is symmetric, so this is its product with the block's columns of W
            solved = np.ascontiguousarray((by_song[columns] @ inverse).T)
            explained = by_song @ solved
            own = explained[np.arange(columns.start, columns.stop), np.arange(explained.shape[1])]
            explained *= incoming
            return self._keep_strongest(
                explained * (equations.outgoing[columns] / (1 - own / diagonal[columns])), columns
            )

        return _run_in_threads(solve, by_song.shape[0])

    def _keep_strongest(self, block: NDArray[np.float32], columns: slice) -> ColumnBlock:
        block[np.arange(columns.start, columns.stop), np.arange(block.shape[1])] = 0
        return select_strongest_per_column(block, self.n_links, self._use)


def _run_in_threads(solve: Callable[[slice], ColumnBlock], n: int) -> Sequence[ColumnBlock]:
    """Work on blocks of columns, some at once: scipy lets go of the GIL."""
    with threadpool_limits(1, "blas"), ThreadPoolExecutor(N_THREADS) as pool:
        return list(pool.map(solve, cut_blocks(n, COLUMNS_AT_A_TIME)))


def _compute_gram(rows: csr_matrix, scale: NDArray[np.float32] | None) -> NDArray[np.float32]:
    """Return rows @ diag(scale) @ rows' as a dense array, made block by block: (n_rows, n_rows)."""
    other = rows if scale is None else csr_matrix(rows @ diags(scale.astype(np.float32)))
    columns = other.T.tocsr()
    gram = np.empty((rows.shape[0], rows.shape[0]), dtype=np.float32)
    for some in _cut_slices(rows.shape[0]):
        gram[some] = (rows[some] @ columns).toarray()
    return gram


def _cut_slices(n: int) -> Iterator[slice]:
    return cut_blocks(n, COLUMNS_AT_A_TIME)


def _invert(gram: NDArray[np.float32], diagonal: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return (gram + diag(diagonal))^-1 of a symmetric matrix, in its own memory (Cholesky)."""
    gram[np.diag_indices(len(gram))] += diagonal
    # LAPACK wants columns; the transpose of a symmetric matrix is itself. The one place where several threads pay
    with threadpool_limits(N_THREADS, "blas"):
        factor, failed = lapack.spotrf(gram.T, lower=1, overwrite_a=1, clean=0)
        if failed:
            raise NotEnoughData(
                "The songs' equations cannot be solved; choose a larger regularization."
            )
        inverse, _ = lapack.spotri(factor, lower=1, overwrite_c=1)
    for some in _cut_slices(len(inverse)):
        rest = slice(some.stop, len(inverse))
        inverse[some, rest] = inverse[rest, some].T
        corner = np.tril(inverse[some, some])
        inverse[some, some] = corner + np.tril(corner, -1).T
    return np.asarray(inverse.T)
