"""Songs that fit the history by a linear model over songs, solved in closed form."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import lapack
from scipy.sparse import csr_matrix, diags
from threadpoolctl import threadpool_limits

from recommendations.engine.algorithms.ease_equations import EaseEquations, check_options
from recommendations.engine.algorithms.item_item import (
    join_columns,
    scatter_links,
    select_strongest_per_column,
)
from recommendations.engine.algorithms.low_rank_ease import LowRankEASE
from recommendations.engine.algorithms.sparse_similarity import SparseSimilarity
from recommendations.engine.algorithms.training_data import (
    DataSize,
    NotEnoughData,
    Progress,
    TrainingData,
    find_heard_songs,
    require_listens,
)
from recommendations.engine.core.arrays import (
    count_per_row,
    cut_blocks,
    keep_positive,
    sum_weighted_rows,
)
from recommendations.engine.core.machine import GB, compute_memory_budget_gb
from recommendations.engine.core.ordered import check_decay, decay_values
from recommendations.engine.core.weighting import Transform
from recommendations.engine.data.side_information import add_side_information

COLUMNS_AT_A_TIME = 512
N_THREADS = 2
COPIES = 1.4
"""Size of everything that a solve holds at once, in copies of its matrix."""
MEMORY_SHARE = 0.5
"""Part of the machine's free memory that a solve may take, unless `memory_gb` says otherwise."""
MOST_SOLVED = 24_000
"""Side of the largest matrix that is solved whatever the memory: it takes some minutes of two processors."""

LOW_RANK = "low_rank."
"""What names in the state begin with where the low-rank form was learned."""

log = logging.getLogger(__name__)

ColumnBlock = tuple[NDArray[Any], NDArray[Any], NDArray[Any]]


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
    history_decay
        What a song of the history counts for each step back when it scores, 1 = no decay.
    memory_gb
        The solve stays within this; None for half of what is free on the machine. If even the smaller side of W is
        too large, only the links between the most heard songs are exact, and all others are those of the low-rank
        form (`LowRankEASE`), which has every song; the log says how many that are and what this form leaves out.

    Attributes
    ----------
    low_rank_ : LowRankEASE or None
        What links the songs that are not in `learned_`, where the exact solve of all does not fit.
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
    ) -> None:
        check_options(regularization, denoising)
        if n_links < 1:
            raise ValueError(f"n_links must be at least 1, not {n_links}.")
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

    @property
    def largest_solve(self) -> int:
        """The side of the largest matrix whose solve stays within the memory."""
        memory_gb = (
            compute_memory_budget_gb(MEMORY_SHARE) if self.memory_gb is None else self.memory_gb
        )
        return min(max(int(np.sqrt(memory_gb * GB / (4 * COPIES))), 1), MOST_SOLVED)

    def _is_exact(self, n_listeners: int, n_songs: int) -> bool:
        return min(n_listeners, n_songs) <= self.largest_solve

    def _fit_bytes(self, size: DataSize) -> float:
        """The one big matrix, the blocks of columns that are worked on at once, and the links as they are joined."""
        if self._is_exact(size.n_listeners, size.n_items):
            return self._solve_bytes(size)
        low_rank = self.make_low_rank()
        solve = low_rank._learned_bytes(size) + self._solve_bytes(self._cut_size(size))
        return max(low_rank._fit_bytes(size), solve)

    def _solve_bytes(self, size: DataSize) -> float:
        side = min(size.n_listeners, size.n_items)
        block = 4.0 * COLUMNS_AT_A_TIME * size.n_items
        n_blocks = 10 if size.n_listeners < size.n_items else 6.3
        return 4.0 * COPIES * side**2 + n_blocks * block + 23.0 * self._n_links(size)

    def _learned_bytes(self, size: DataSize) -> float:
        if self._is_exact(size.n_listeners, size.n_items):
            return 18.0 * self._n_links(size)
        exact = 18.0 * self._n_links(self._cut_size(size))
        return exact + self.make_low_rank()._learned_bytes(size)

    def _cut_size(self, size: DataSize) -> DataSize:
        """Return the size with the songs of the exact solve only."""
        return replace(size, n_items=min(size.n_items, self.largest_solve))

    def _n_links(self, size: DataSize) -> int:
        return size.n_items * min(self.n_links, size.n_items)

    def _fit(self, data: TrainingData, rng: np.random.Generator, on_progress: Progress) -> None:
        require_listens(data.strengths)
        self.low_rank_ = None
        strengths = add_side_information(data.strengths, data.features, self.side_information)
        n_listeners = int((count_per_row(keep_positive(strengths)) > 0).sum())
        n_songs = int(find_heard_songs(strengths).sum())
        if self._is_exact(n_listeners, n_songs):
            super()._fit(data, rng, on_progress)
            return
        self.low_rank_ = self.make_low_rank()
        self.low_rank_.n_items_ = data.n_items
        on_progress(0, 3)
        self.low_rank_._fit(data, rng, lambda done, total: on_progress(done, 3 * total))
        counts = np.bincount(keep_positive(strengths).indices, minlength=data.n_items)
        self.learned_ = np.zeros(data.n_items, dtype=bool)
        self.learned_[np.argsort(-counts, kind="stable")[: self.largest_solve]] = True
        self.links_ = self._links(strengths, lambda done, total: on_progress(1 + done, 1 + total))
        log.warning(
            "EASE has memory to be exact between %d of %d songs. The others, %.1f %% of the listens, are linked by its "
            "low-rank form, which leaves out %.1f %% of the weighed listens' squares.",
            self.learned_.sum(),
            n_songs,
            100 * (1 - counts[self.learned_].sum() / counts.sum()),
            100 * (1 - self.low_rank_.kept_),
        )

    def make_low_rank(self) -> LowRankEASE:
        """Return the other form with the options that both have."""
        names = set(LowRankEASE.option_names()) & set(self.option_names())
        return LowRankEASE(**{name: getattr(self, name) for name in names})

    def _low_rank_form(self) -> LowRankEASE | None:
        """Return the other form with this decay, if it was learned."""
        return self.low_rank_ and self.low_rank_.with_decay(self.history_decay)

    @property
    def _scores_by_links(self) -> bool:
        return self.low_rank_ is None

    def _score(self, histories: csr_matrix) -> NDArray[np.float32]:
        low_rank = self._low_rank_form()
        if low_rank is None:
            return super()._score(histories)
        values = low_rank.weigh_history(histories)
        scores = low_rank.sum_values(histories, values)
        # between two songs of the exact solve its link is taken, and not that of the low-rank form
        others = np.where(self.learned_[histories.indices], np.float32(0), values)
        own = decay_values(histories, self.transform, self.history_decay)
        exact = sum_weighted_rows(histories, self.links_, own)
        exact += np.nan_to_num(low_rank.sum_values(histories, others))
        scores[:, self.learned_] = exact[:, self.learned_]
        scores[~low_rank.find_scored(histories, values)] = np.nan
        return scores

    def _contributions(
        self, histories: csr_matrix, item_rows: NDArray[np.int32]
    ) -> NDArray[np.float32]:
        low_rank = self._low_rank_form()
        amounts = super()._contributions(histories, item_rows)
        if low_rank is None:
            return amounts
        others = low_rank._contributions(histories, item_rows)
        for row, items in enumerate(item_rows):
            own = slice(histories.indptr[row], histories.indptr[row + 1])
            songs = histories.indices[own]
            is_exact = self.learned_[items][:, None] & self.learned_[songs]
            amounts[row, :, : len(songs)] = np.where(
                is_exact, amounts[row, :, : len(songs)], others[row, :, : len(songs)]
            )
        return amounts

    def _similar(self, item_row: int) -> NDArray[np.float32]:
        if self.low_rank_ is None:
            return super()._similar(item_row)
        scores = self.low_rank_._similar(item_row)
        if self.learned_[item_row]:
            scores[self.learned_] = super()._similar(item_row)[self.learned_]
        return scores

    def _state(self) -> dict[str, NDArray[Any]]:
        low_rank = {} if self.low_rank_ is None else self.low_rank_.state()
        return super()._state() | {f"{LOW_RANK}{name}": each for name, each in low_rank.items()}

    def _restore(self, state: dict[str, NDArray[Any]]) -> None:
        low_rank = {
            name.removeprefix(LOW_RANK): array
            for name, array in state.items()
            if name.startswith(LOW_RANK)
        }
        self.low_rank_ = (
            LowRankEASE.from_state(self.make_low_rank().options(), low_rank) if low_rank else None
        )
        super()._restore(
            {name: array for name, array in state.items() if not name.startswith(LOW_RANK)}
        )

    def _links(self, strengths: csr_matrix, on_progress: Progress) -> csr_matrix:
        on_progress(0, 2)
        kept = np.flatnonzero(self.learned_)
        equations = EaseEquations.build(strengths, kept, self)
        # a link from a song that many heard is in many scores, so more is lost with it
        self._use = np.sqrt(equations.n_listeners).astype(np.float32)
        on_progress(1, 2)
        n_listeners, n_songs = equations.weighted.shape
        blocks = (self._by_listeners if n_listeners < n_songs else self._by_songs)(equations)
        links = scatter_links(join_columns(blocks, len(kept)), kept, strengths.shape[1])
        on_progress(2, 2)
        return links

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
