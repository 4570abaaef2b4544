"""Songs that listeners with a like taste played: matrix factorisation of implicit feedback."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, Literal, cast

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix
from threadpoolctl import threadpool_limits

from recommendations.engine.algorithms.als_equations import (
    Equations,
    HistoryGroup,
    build_small_system,
    build_system,
    solve,
    solve_small,
)
from recommendations.engine.algorithms.base import Algorithm
from recommendations.engine.algorithms.latent_factors import LatentFactors
from recommendations.engine.algorithms.training_data import (
    DataSize,
    Progress,
    TrainingData,
    find_heard_songs,
    require_listens,
)
from recommendations.engine.core.arrays import (
    BLOCK_BYTES,
    count_per_row,
    cut_blocks,
    list_entry_rows,
    pack_columns,
)
from recommendations.engine.core.block_cache import BlockCache
from recommendations.engine.core.weighting import (
    Transform,
    compute_confidence_matrix,
    compute_confidences,
)
from recommendations.engine.data.side_information import add_side_information

WARM_ITERATIONS = 3
"""After so many a fit that begins with the factors of the night before is as good as a whole one."""

COLUMNS_AT_A_TIME = 8_192
"""Songs whose factors are brought to double precision together."""


class ALS(LatentFactors):
    """Alternating least squares of Hu, Koren and Volinsky (2008), fitted by implicit.

    Minimises sum c_ui (p_ui - x_u . y_i)^2 + regularization * (|x_u|^2 + |y_i|^2) with c = 1 + alpha * f(r).
    A disliked song has p = 0 like an unknown one, but with its confidence.

    Only the songs' factors are kept. A listener's factors are the exact solution for their history,
    x = (Y'Y + Y'(C-1)Y + regularization)^-1 Y'Cp, in double precision: n_factors^2 * length of the history
    + n_factors^3 / 3 operations, and for histories shorter than n_factors that of the small system that
    Woodbury's identity leaves. (implicit's own fold-in is the same equation in single precision, and its
    threads must not meet a fork of a serving process.)

    Parameters
    ----------
    n_factors, n_iterations, regularization, alpha
        As in the paper.
    transform
        f: identity, log or binary.
    side_information
        Strength with which each artist and genre, as one more listener, likes its songs; 0 = listens only.
    device
        `cpu`, or `gpu` to fit on a CUDA device; never chosen by what is installed. Serving needs no GPU either way.

    Attributes
    ----------
    shared_ : float64 (n_factors, n_factors)
        S = Y'Y + regularization, the part of the equations that all listeners share.
    inverse_shared_ : float64 (n_factors, n_factors)
        S^-1.
    seed_ : int
        What implicit's random state was made from.
    """

    name = "als"

    def __init__(
        self,
        n_factors: int = 64,
        n_iterations: int = 15,
        regularization: float = 0.01,
        alpha: float = 40.0,
        transform: Transform = "identity",
        side_information: float = 0.0,
        device: Literal["cpu", "gpu"] = "cpu",
    ) -> None:
        if device not in ("cpu", "gpu"):
            raise ValueError(f"device must be cpu or gpu, not {device!r}.")
        self.device = device
        self.n_factors = n_factors
        self.n_iterations = n_iterations
        self.regularization = regularization
        self.alpha = alpha
        self.transform = transform
        self.side_information = side_information
        self._last: BlockCache[tuple[NDArray[np.intp], Equations]] = BlockCache()
        self._start: NDArray[np.float32] | None = None

    def warm_start(self, other: Algorithm, rows: NDArray[np.int32]) -> bool:
        """Begin with the other's factors of the songs; new songs begin at random, as all do in a first fit.

        A fit that begins so makes WARM_ITERATIONS at most. Listeners' factors are no part of what is learned:
        the first half of an iteration solves them from the songs'.
        """
        if not isinstance(other, ALS) or other.n_factors != self.n_factors or not other.is_fitted:
            return False
        start = other._take_factors(np.maximum(rows, 0))
        start[(rows < 0) | ~other.learned_[np.maximum(rows, 0)]] = np.nan
        self._start = start
        return True

    def _fit(self, data: TrainingData, rng: np.random.Generator, on_progress: Progress) -> None:
        require_listens(data.strengths)
        strengths = add_side_information(data.strengths, data.features, self.side_information)
        confidences = compute_confidence_matrix(
            strengths, alpha=self.alpha, transform=self.transform
        )
        self.seed_ = int(rng.integers(2**31))
        item_factors = self._factorise(confidences, on_progress)
        learned = find_heard_songs(confidences)
        item_factors[~learned] = 0
        self._keep_factors(pack_columns(item_factors), learned)
        self._prepare()

    def _prepare(self) -> None:
        self._last = BlockCache()
        self.shared_ = self.regularization * np.eye(self.n_factors)
        for columns in cut_blocks(self.factor_columns_.shape[1], COLUMNS_AT_A_TIME):
            factors = self.factor_columns_[:, columns].astype(np.float64)
            self.shared_ += factors @ factors.T
        self.inverse_shared_ = np.linalg.inv(self.shared_)

    def _factorise(self, confidences: csr_matrix, on_progress: Progress) -> NDArray[np.float32]:
        start, self._start = self._start, None
        n_iterations = (
            self.n_iterations if start is None else min(WARM_ITERATIONS, self.n_iterations)
        )
        on_progress(0, n_iterations)
        # a new object each time: a refit of the old one with more listeners gives NaN
        with threadpool_limits(1, "blas"):
            model = _solve_least_squares(self.device)(
                factors=self.n_factors,
                iterations=n_iterations,
                regularization=self.regularization,
                alpha=1.0,
                random_state=self.seed_,
            )
            if start is not None:
                self._set_start(model, start, confidences.shape[0])
            model.fit(
                confidences,
                show_progress=False,
                callback=lambda iteration, seconds, loss: on_progress(iteration + 1, n_iterations),
            )
        factors: NDArray[np.float32] = (
            model.item_factors if self.device == "cpu" else model.item_factors.to_numpy()
        )
        return factors

    def _set_start(self, model: Any, start: NDArray[np.float32], n_listeners: int) -> None:
        """Give implicit the factors to begin with, in its own kind of array."""
        is_new = np.isnan(start[:, 0])
        rng = np.random.default_rng(self.seed_)
        start[is_new] = 0.01 * rng.random((int(is_new.sum()), self.n_factors), dtype=np.float32)
        listeners = np.zeros((n_listeners, self.n_factors), dtype=np.float32)
        if self.device == "gpu":
            from implicit.gpu import Matrix

            model.item_factors, model.user_factors = Matrix(start), Matrix(listeners)
        else:
            model.item_factors, model.user_factors = start, listeners

    def _fit_bytes(self, size: DataSize) -> float:
        """The confidences and their transpose, and both sides' factors while they are drawn."""
        factors = 4.0 * self.n_factors * (size.n_listeners + size.n_items)
        return 22.0 * size.n_pairs + 1.8 * factors

    def fold_in(self, histories: csr_matrix) -> NDArray[np.float32]:
        """Return the listeners' factors, float32 (n, n_factors); NaN where nothing liked is known to us."""
        histories = self._check_histories(histories)
        solutions = ((group.rows, self._solution(group)) for group in self._groups(histories))
        return self._factors(histories, solutions)

    def _factors(
        self,
        histories: csr_matrix,
        solutions: Iterable[tuple[NDArray[np.intp], NDArray[np.float64]]],
    ) -> NDArray[np.float32]:
        factors = np.full((histories.shape[0], self.n_factors), np.nan, dtype=np.float32)
        for rows, solution in solutions:
            factors[rows] = solution
        factors[~self._can_fold_in(histories)] = np.nan
        return factors

    def _can_fold_in(self, histories: csr_matrix) -> NDArray[np.bool_]:
        is_known = (histories.data > 0) & self.learned_[histories.indices]
        return np.bincount(list_entry_rows(histories)[is_known], minlength=histories.shape[0]) > 0

    def _equations(self, histories: csr_matrix) -> Iterable[tuple[NDArray[np.intp], Equations]]:
        """Return (rows, equations) of listeners with histories of about equal length."""
        return self._last.get_or_compute(histories, self._build_equations)

    def _build_equations(
        self, histories: csr_matrix
    ) -> Iterator[tuple[NDArray[np.intp], Equations]]:
        for group in self._groups(histories):
            songs = self._take_doubles(group.columns)
            pre_solved = self._pre_solve(songs)
            if pre_solved is None:
                solved = solve(songs, self.shared_, group.extra)
            else:
                solved = solve_small(songs, pre_solved, group.extra)
            yield group.rows, Equations(songs, solved, group.liked)

    def _groups(self, histories: csr_matrix) -> Iterator[HistoryGroup]:
        lengths = count_per_row(histories)
        for rows in self._group_by_length(lengths):
            positions = histories.indptr[rows][:, None] + np.arange(lengths[rows[0]])
            strengths = histories.data[positions].astype(np.float64)
            values = compute_confidences(strengths, alpha=self.alpha, transform=self.transform)
            extra = np.where(values != 0, np.abs(values) - 1, 0)
            yield HistoryGroup(rows, histories.indices[positions], np.maximum(values, 0), extra)

    def _take_doubles(self, item_rows: NDArray[np.integer]) -> NDArray[np.float64]:
        return self._take_factors(item_rows).astype(np.float64)

    def _pre_solve(self, songs: NDArray[np.float64]) -> NDArray[np.float64] | None:
        """Return S^-1 y of the songs (n, longest, d) where that makes the smaller system, else None."""
        if songs.shape[1] >= self.n_factors:
            return None
        return np.asarray(np.matmul(songs, self.inverse_shared_))

    def _solution(self, group: HistoryGroup) -> NDArray[np.float64]:
        """Return x alone, (n, n_factors): one right side instead of one a song of the history."""
        songs, liked = self._take_doubles(group.columns), group.liked[:, :, None]
        pre_solved = self._pre_solve(songs)
        if pre_solved is None:
            right_side = np.matmul(songs.transpose(0, 2, 1), liked)
            solution = np.linalg.solve(build_system(songs, self.shared_, group.extra), right_side)
        else:
            system = build_small_system(songs, pre_solved, group.extra)
            coefficients = np.linalg.solve(system.transpose(0, 2, 1), liked)
            solution = np.matmul(pre_solved.transpose(0, 2, 1), coefficients)
        return np.asarray(solution[:, :, 0], dtype=np.float64)

    def _group_by_length(self, lengths: NDArray[np.int64]) -> Iterator[NDArray[np.intp]]:
        """Yield groups of rows of one length, each within the block size.

        One length a group: BLAS adds in another order when zeros are padded to the end, and a listener's
        score must not depend on who else is in the block.
        """
        order = np.argsort(lengths, kind="stable")
        for same in np.split(order, np.flatnonzero(np.diff(lengths[order])) + 1):
            if len(same):
                row_bytes = 8 * self.n_factors * max(int(lengths[same[0]]), self.n_factors)
                yield from (same[rows] for rows in cut_blocks(len(same), BLOCK_BYTES // row_bytes))

    def _listener_factors(self, histories: csr_matrix) -> NDArray[np.float32]:
        """The factors that the reasons rest on, worked out once for proposals, scores and reasons."""
        solutions = ((rows, equations.solution) for rows, equations in self._equations(histories))
        return self._factors(histories, solutions)

    def _score(self, histories: csr_matrix) -> NDArray[np.float32]:
        return self._multiply_factors(self.fold_in(histories))

    def _score_to_explain(self, histories: csr_matrix) -> NDArray[np.float32]:
        return self._multiply_factors(self._listener_factors(histories))

    def _contributions(
        self, histories: csr_matrix, item_rows: NDArray[np.int32]
    ) -> NDArray[np.float32]:
        """The exact decomposition of the score: y_i' A^-1 (c_j p_j y_j) for each song j (section 5)."""
        amounts = np.zeros(
            (*item_rows.shape, int(count_per_row(histories).max())), dtype=np.float32
        )
        for rows, equations in self._equations(histories):
            pulls = equations.compute_pulls(self._take_doubles(item_rows[rows]))
            amounts[rows, :, : equations.longest] = pulls * equations.liked[:, None, :]
        return amounts

    def _influences(
        self, histories: csr_matrix, item_rows: NDArray[np.int32]
    ) -> NDArray[np.float32]:
        """What the score loses if song j is taken out of the history and x solved anew, exactly.

        By Sherman and Morrison that is y_i' A^-1 y_j * (c - (c - 1) y_j'x) / (1 - (c - 1) y_j' A^-1 y_j).
        """
        amounts = np.zeros(
            (*item_rows.shape, int(count_per_row(histories).max())), dtype=np.float32
        )
        for rows, equations in self._equations(histories):
            pulls = equations.compute_pulls(self._take_doubles(item_rows[rows]))
            amounts[rows, :, : equations.longest] = (
                pulls * equations.compute_removal_effects()[:, None, :]
            )
        return amounts

    def _state(self) -> dict[str, NDArray[Any]]:
        return self._factor_state() | {"seed": np.array([self.seed_], dtype=np.int64)}

    def _restore(self, state: dict[str, NDArray[Any]]) -> None:
        self._restore_factors(state, self.n_factors)
        self.seed_ = int(state["seed"][0])
        self._prepare()


def _solve_least_squares(device: str) -> type:
    """Return implicit's class by its full name: `implicit.als` would choose a GPU by what is installed.

    Imported here so that a process that only serves does not load it.
    """
    if device == "cpu":
        from implicit.cpu.als import AlternatingLeastSquares

        return cast(type, AlternatingLeastSquares)
    import implicit.gpu

    if not implicit.gpu.HAS_CUDA:
        raise ValueError("device is gpu, but implicit finds no CUDA device here; set it to cpu.")
    from implicit.gpu.als import AlternatingLeastSquares as OnGpu

    return cast(type, OnGpu)
