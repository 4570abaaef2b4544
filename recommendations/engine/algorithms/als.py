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
    Shared,
    SharedPart,
    build_small_system,
    build_system,
    solve,
    solve_small,
)
from recommendations.engine.algorithms.als_sweeps import (
    count_entries,
    draw_factors,
    solve_in_turn,
    weigh_regularization,
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
    A disliked song has p = 0 like an unknown one, but with its confidence. With `weighted_regularization` each row's
    regularization is multiplied by its entries over the mean of its side (Zhou et al. 2008, as in Spark's MLlib): who
    occurs often is held back more.

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
    weighted_regularization
        Whether regularization follows frequency; then `regularization` is that of a row of mean frequency.
    device
        `cpu`, or `gpu` to fit on a CUDA device; never chosen by what is installed. Serving needs no GPU either way.

    Attributes
    ----------
    shared_ : SharedPart
        The part of the equations that all listeners with histories of one length share.
    mean_length_ : float
        Mean entries of a listener of the training data.
    seed_ : int
        What the random state was made from.
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
        weighted_regularization: bool = False,
        device: Literal["cpu", "gpu"] = "cpu",
    ) -> None:
        if device not in ("cpu", "gpu"):
            raise ValueError(f"device must be cpu or gpu, not {device!r}.")
        if weighted_regularization and device == "gpu":
            raise ValueError("weighted_regularization needs the device cpu.")
        if weighted_regularization and regularization <= 0:
            raise ValueError(f"regularization must be above 0, not {regularization}.")
        self.device = device
        self.n_factors = n_factors
        self.n_iterations = n_iterations
        self.regularization = regularization
        self.alpha = alpha
        self.transform = transform
        self.side_information = side_information
        self.weighted_regularization = weighted_regularization
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
        self.mean_length_ = measure_mean_length(confidences)
        factorise = self._sweep if self.weighted_regularization else self._factorise
        item_factors = factorise(confidences, on_progress)
        learned = find_heard_songs(confidences)
        item_factors[~learned] = 0
        self._keep_factors(pack_columns(item_factors), learned)
        self._prepare()

    def _prepare(self) -> None:
        self._last = BlockCache()
        products = np.zeros((self.n_factors, self.n_factors))
        for columns in cut_blocks(self.factor_columns_.shape[1], COLUMNS_AT_A_TIME):
            factors = self.factor_columns_[:, columns].astype(np.float64)
            products += factors @ factors.T
        self.shared_ = SharedPart(products)

    def _share(self, length: int) -> Shared:
        """Return the shared part of the equations of histories of a length."""
        reg = self.regularization
        if self.weighted_regularization:
            reg *= length / self.mean_length_
        return self.shared_.regularize(reg)

    def _take_start(self) -> tuple[NDArray[np.float32] | None, int]:
        """Return the factors to begin with, if there are any, and how many iterations are made."""
        start, self._start = self._start, None
        if start is None:
            return None, self.n_iterations
        return start, min(WARM_ITERATIONS, self.n_iterations)

    def _sweep(self, confidences: csr_matrix, on_progress: Progress) -> NDArray[np.float32]:
        """Fit with a regularisation of each row's own."""
        start, n_iterations = self._take_start()
        rng = np.random.default_rng(self.seed_)
        listeners, items = (draw_factors(rng, n, self.n_factors) for n in confidences.shape)
        if start is not None:
            items = np.where(np.isnan(start), items, start)
        listener_reg, item_reg = (
            weigh_regularization(counts, self.regularization)[0]
            for counts in count_entries(confidences)
        )
        solve_in_turn(
            confidences, (listeners, items), (listener_reg, item_reg), n_iterations, on_progress
        )
        return items

    def _factorise(self, confidences: csr_matrix, on_progress: Progress) -> NDArray[np.float32]:
        start, n_iterations = self._take_start()
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
        if self.weighted_regularization:
            group = 4.0 * self.n_factors * max(size.n_listeners, size.n_items)
            return 32.0 * size.n_pairs + factors + group
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
            yield group.rows, self._solve_group(group, self._share(group.length))

    def _solve_group(self, group: HistoryGroup, shared: Shared) -> Equations:
        songs = self._take_doubles(group.columns)
        if self._is_small(songs):
            solved = solve_small(songs, np.matmul(songs, shared.inverse), group.extra)
        else:
            solved = solve(songs, shared.matrix, group.extra)
        return Equations(songs, solved, group.liked)

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

    def _is_small(self, songs: NDArray[np.float64]) -> bool:
        """Return whether the system of the size of the history is the smaller one."""
        return bool(songs.shape[1] < self.n_factors)

    def _solution(self, group: HistoryGroup) -> NDArray[np.float64]:
        """Return x alone, (n, n_factors): one right side instead of one a song of the history."""
        songs, liked = self._take_doubles(group.columns), group.liked[:, :, None]
        shared = self._share(group.length)
        if not self._is_small(songs):
            right_side = np.matmul(songs.transpose(0, 2, 1), liked)
            solution = np.linalg.solve(build_system(songs, shared.matrix, group.extra), right_side)
        else:
            pre_solved = np.matmul(songs, shared.inverse)
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

        By Sherman and Morrison that is y_i' A^-1 y_j * (c - (c - 1) y_j'x) / (1 - (c - 1) y_j' A^-1 y_j). Where
        regularization follows frequency, A is that of a history with one song less, and the score's change from
        that alone comes on top.
        """
        amounts = np.zeros(
            (*item_rows.shape, int(count_per_row(histories).max())), dtype=np.float32
        )
        if not self.weighted_regularization:
            for rows, equations in self._equations(histories):
                pulls = equations.compute_pulls(self._take_doubles(item_rows[rows]))
                amounts[rows, :, : equations.longest] = (
                    pulls * equations.compute_removal_effects()[:, None, :]
                )
            return amounts
        for group in self._groups(histories):
            items = self._take_doubles(item_rows[group.rows])
            full = self._solution(group)
            shorter = self._solve_group(group, self._share(max(group.length - 1, 1)))
            relaxed = np.matmul(items, (full - shorter.solution)[:, :, None])
            removed = shorter.compute_removal_effects()[:, None, :]
            effects = shorter.compute_pulls(items) * removed + relaxed
            # a disliked song is not what a score comes from
            effects *= (group.liked > 0)[:, None, :]
            amounts[group.rows, :, : group.length] = effects
        return amounts

    def _state(self) -> dict[str, NDArray[Any]]:
        state = self._factor_state() | {"seed": np.array([self.seed_], dtype=np.int64)}
        if self.weighted_regularization:
            state["mean_length"] = np.array([self.mean_length_])
        return state

    def _restore(self, state: dict[str, NDArray[Any]]) -> None:
        self._restore_factors(state, self.n_factors)
        self.seed_ = int(state["seed"][0])
        self.mean_length_ = float(state["mean_length"][0]) if "mean_length" in state else 1.0
        self._prepare()


def measure_mean_length(cells: csr_matrix) -> float:
    """Return the mean number of entries of the rows that have any."""
    lengths = count_per_row(cells)
    return float(lengths[lengths > 0].mean())


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
