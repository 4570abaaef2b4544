"""Matrix factorisation whose regularisation grows with how often a listener or song occurs."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix

from recommendations.engine.algorithms.als_sweeps import (
    count_entries,
    draw_factors,
    solve_in_turn,
    weigh_regularization,
)
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
from recommendations.engine.core.ordered import check_decay, compute_decays
from recommendations.engine.core.weighting import (
    Transform,
    compute_confidence_matrix,
    compute_confidences,
)
from recommendations.engine.data.side_information import add_side_information

MOST_CACHED = 64 * 2**20
"""Bytes of solved histories that are kept from the scores to their reasons."""


class Solved(NamedTuple):
    """Histories of one length, solved: `scaled`' @ `inverse` is A^-1 c_j y_j in column j.

    Attributes
    ----------
    rows : int64 (n,)
    scaled : float64 (n, side, n_factors)
        D^-1 y_j of each song of the history; the unit matrix where there are more songs than factors.
    inverse : float64 (n, side, length)
        (I + E Y D^-1 Y')^-1, else A^-1 Y', with column j times c_j. `side` is the smaller one of length and n_factors.
    """

    rows: NDArray[np.intp]
    scaled: NDArray[np.float64]
    inverse: NDArray[np.float64]


class IALS(LatentFactors):
    """Implicit ALS with frequency-scaled regularisation (Rendle et al., "Revisiting iALS", 2021, equation 3).

    Minimises sum c_ui (p_ui - x_u . y_i)^2 + sum_u reg_u |x_u|^2 + sum_i reg_i |y_i|^2 with c = 1 + alpha * f(r),
    p = 1 where liked, and reg_u = regularization * (n_u + N / alpha) / mean of that, N being all songs: who occurs
    often is held back more, so many factors pay. The inner solver is implicit's conjugate gradient, warm-started,
    for groups of rows of about equal regularisation; an iteration costs nnz * n_factors + (n_listeners +
    n_items) * n_factors^2.

    The songs' factors are turned so that Y'Y is diagonal. A listener's factors are then the exact solution for
    their history by Woodbury's identity, a system of the size of the history or of n_factors, whichever is smaller,
    whatever their regularisation is.

    Parameters
    ----------
    n_factors
        None: from the data, an eighth of the smaller side, 32 to 256.
    n_iterations, regularization, alpha
        As above; the regularization of a row of mean frequency.
    transform
        f: identity, log or binary.
    side_information
        Strength with which each artist and genre, as one more listener, likes its songs; 0 = listens only.

    history_decay
        What the confidence in a song of the history is multiplied by for each step back, 1 = no decay.

    Attributes
    ----------
    gram_ : float64 (n_factors,)
        The diagonal of Y'Y.
    scale_ : float64 (2,)
        What is added to a listener's frequency, and what regularization is multiplied by a frequency.
    """

    name = "ials"

    def __init__(
        self,
        n_factors: int | None = None,
        n_iterations: int = 12,
        regularization: float = 30.0,
        alpha: float = 20.0,
        transform: Transform = "binary",
        side_information: float = 0.0,
        history_decay: float = 1.0,
    ) -> None:
        if n_factors is not None and n_factors < 1:
            raise ValueError(f"n_factors must be at least 1, not {n_factors}.")
        if regularization <= 0 or alpha <= 0:
            raise ValueError(
                f"regularization and alpha must be above 0, not {regularization} and {alpha}."
            )
        self.n_factors = n_factors  # type: ignore[assignment]  # None: from the data
        self.n_iterations = n_iterations
        self.regularization = regularization
        self.alpha = alpha
        self.transform = transform
        self.side_information = side_information
        self.history_decay = check_decay(history_decay)
        self._last: BlockCache[Solved] = BlockCache()

    def _fit(self, data: TrainingData, rng: np.random.Generator, on_progress: Progress) -> None:
        require_listens(data.strengths)
        strengths = add_side_information(data.strengths, data.features, self.side_information)
        cells = compute_confidence_matrix(strengths, alpha=self.alpha, transform=self.transform)
        n_factors = self._choose_n_factors(*cells.shape)
        listeners, items = (draw_factors(rng, n, n_factors) for n in cells.shape)
        added = cells.shape[1] / self.alpha
        by_listener, by_item = count_entries(cells)
        listener_reg, unit = weigh_regularization(by_listener, self.regularization, added)
        item_reg, _ = weigh_regularization(
            by_item, self.regularization, cells.shape[0] / self.alpha
        )
        self.scale_ = np.array([added, unit])
        solve_in_turn(
            cells, (listeners, items), (listener_reg, item_reg), self.n_iterations, on_progress
        )
        learned = find_heard_songs(cells)
        self._rotate_factors(np.where(learned[:, None], items, 0), learned)

    def _rotate_factors(self, factors: NDArray[np.float32], learned: NDArray[np.bool_]) -> None:
        """Turn the songs' factors so that Y'Y is diagonal; scores stay what they are."""
        doubles = factors.astype(np.float64)
        values, vectors = np.linalg.eigh(doubles.T @ doubles)
        self._last = BlockCache()
        self.gram_ = np.maximum(values, 0)
        self._keep_factors(pack_columns((doubles @ vectors).astype(np.float32)), learned)

    def _fit_bytes(self, size: DataSize) -> float:
        """The confidences by both sides, a group's rows of them, both sides' factors and their turning."""
        n_factors = self._choose_n_factors(size.n_listeners, size.n_items)
        factors = 4.0 * n_factors * (size.n_listeners + size.n_items)
        group = 4.0 * n_factors * max(size.n_listeners, size.n_items)
        return 32.0 * size.n_pairs + factors + max(group, 20.0 * n_factors * size.n_items)

    def _learned_bytes(self, size: DataSize) -> float:
        n_factors = self._choose_n_factors(size.n_listeners, size.n_items)
        return (4.0 * n_factors + 5) * size.n_items + self._index_bytes(size, n_factors)

    def _choose_n_factors(self, n_listeners: int, n_items: int) -> int:
        return self.n_factors or int(np.clip(min(n_listeners, n_items) // 8, 32, 256))

    def _load_solutions(self, histories: csr_matrix) -> Iterable[Solved]:
        """Return what `_solve_histories` yields, worked out once for scores and reasons."""
        lengths = count_per_row(histories)
        n_factors = len(self.gram_)
        sides = np.minimum(lengths, n_factors)
        if 8 * int((sides * (lengths + n_factors)).sum()) > MOST_CACHED:
            return self._solve_histories(histories)
        return self._last.get_or_compute(histories, self._solve_histories)

    def _solve_histories(self, histories: csr_matrix) -> Iterator[Solved]:
        """Solve the histories of one length together; a listener's solution does not depend on the others.

        A^-1 Y' = D^-1 Y' (I + E Y D^-1 Y')^-1, D being what the factors are held back by, E the confidence above 1:
        a system of the size of the history. Of more songs than factors, A itself is the smaller one.
        """
        added, unit = self.scale_
        values = compute_confidences(
            histories.data.astype(np.float64), alpha=self.alpha, transform=self.transform
        )
        extra = np.where(values != 0, np.abs(values) - 1, 0) * compute_decays(
            histories, self.history_decay
        )
        values *= compute_decays(histories, self.history_decay)
        liked = np.maximum(values, 0) * self.learned_[histories.indices]
        likes = np.bincount(
            list_entry_rows(histories), weights=liked, minlength=len(histories.indptr) - 1
        )
        lengths = np.where(likes > 0, count_per_row(histories), 0)
        for length in np.unique(lengths[lengths > 0]):
            rows = np.flatnonzero(lengths == length)
            for some in cut_blocks(len(rows), BLOCK_BYTES // (8 * int(length) * len(self.gram_))):
                entries = histories.indptr[rows[some], None] + np.arange(length)
                songs = self._take_factors(histories.indices[entries]).astype(np.float64)
                held_back = self.gram_ + (length + added) * unit
                if length > len(self.gram_):
                    yield _solve_by_factors(
                        rows[some], songs, held_back, extra[entries], liked[entries]
                    )
                    continue
                scaled = songs / held_back
                systems = extra[entries][:, :, None] * (scaled @ songs.transpose(0, 2, 1))
                systems[:, np.arange(length), np.arange(length)] += 1
                yield Solved(
                    rows[some], scaled, np.linalg.inv(systems) * liked[entries][:, None, :]
                )

    def _listener_factors(self, histories: csr_matrix) -> NDArray[np.float32]:
        factors = np.full((histories.shape[0], len(self.factor_columns_)), np.nan, dtype=np.float32)
        for solved in self._load_solutions(histories):
            sums = solved.inverse.sum(axis=2)
            factors[solved.rows] = (sums[:, None, :] @ solved.scaled)[:, 0]
        return factors

    def _score(self, histories: csr_matrix) -> NDArray[np.float32]:
        return self._multiply_factors(self._listener_factors(histories))

    def _contributions(
        self, histories: csr_matrix, item_rows: NDArray[np.int32]
    ) -> NDArray[np.float32]:
        """The exact decomposition of the score: y_i' A^-1 (c_j p_j y_j) for each song j of the history."""
        amounts = np.zeros(
            (*item_rows.shape, int(count_per_row(histories).max())), dtype=np.float32
        )
        for solved in self._load_solutions(histories):
            songs = self._take_factors(item_rows[solved.rows]).astype(np.float64)
            products = songs @ solved.scaled.transpose(0, 2, 1)
            amounts[solved.rows, :, : solved.inverse.shape[2]] = products @ solved.inverse
        return amounts

    def _state(self) -> dict[str, NDArray[Any]]:
        return self._factor_state() | {"gram": self.gram_, "scale": self.scale_}

    def _restore(self, state: dict[str, NDArray[Any]]) -> None:
        self._last = BlockCache()
        self.gram_ = np.asarray(state["gram"])
        self.scale_ = np.asarray(state["scale"])
        self._restore_factors(state, len(self.gram_))


def _solve_by_factors(
    rows: NDArray[np.intp],
    songs: NDArray[np.float64],
    held_back: NDArray[np.float64],
    extra: NDArray[np.float32],
    liked: NDArray[np.float64],
) -> Solved:
    """Solve histories of one length by A = D + Y' E Y, which costs length * n_factors^2 each.

    Parameters
    ----------
    songs : float64 (n, length, n_factors)
    held_back : float64 (n_factors,)
        The diagonal of D.
    extra : float32 (n, length)
    liked : float64 (n, length)
    """
    n_factors = len(held_back)
    systems = songs.transpose(0, 2, 1) @ (extra[:, :, None] * songs)
    systems[:, np.arange(n_factors), np.arange(n_factors)] += held_back
    inverse = np.linalg.solve(systems, songs.transpose(0, 2, 1)) * liked[:, None, :]
    unit = np.broadcast_to(np.eye(n_factors), (len(rows), n_factors, n_factors))
    return Solved(rows, unit, inverse)
