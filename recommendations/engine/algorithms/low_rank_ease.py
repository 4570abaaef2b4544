"""EASE for catalogues whose exact equations no machine solves: the same model by its strongest directions."""

from __future__ import annotations

import logging
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix, diags
from threadpoolctl import threadpool_limits

from recommendations.engine.algorithms.ease_equations import EaseEquations, check_options
from recommendations.engine.algorithms.latent_factors import LatentFactors
from recommendations.engine.algorithms.training_data import (
    DataSize,
    Progress,
    TrainingData,
    find_heard_songs,
    require_listens,
)
from recommendations.engine.core.arrays import (
    count_per_row,
    list_entry_rows,
    pack_columns,
)
from recommendations.engine.core.ordered import check_decay, decay_values
from recommendations.engine.core.weighting import Transform
from recommendations.engine.data.side_information import add_side_information

OVERSAMPLING = 16
"""Directions that are followed beyond those that are kept, so that the last of these are found well."""

log = logging.getLogger(__name__)


class LowRankEASE(LatentFactors):
    """EASE over the strongest directions of the listens; memory and time grow with songs, not with their square.

    With W and D as in `EASE` and Z = W D^-1/2, the exact P = (W'W + D)^-1 is D^-1/2 (I + Z'Z)^-1 D^-1/2. Of Z the
    n_factors largest singular values s and vectors V are found by subspace iteration (Halko, Martinsson and Tropp,
    2011); the other directions are taken to hold their mean m of the squares that are left, as in probabilistic PCA
    (Tipping and Bishop, 1999). Then (I + Z'Z)^-1 = cI - F F' with c = 1 / (1 + m) and F = V sqrt(c - 1 / (1 + s^2)).
    So the link from song i to song j, -P_ij / P_jj, is a product of their factors, and the sum over a history
    costs n_factors for each song of the catalogue. With all directions it is the exact EASE. A song says nothing
    about itself, as in ELSA (Vancura et al., "Scalable linear shallow autoencoder", 2022), which learns such
    factors by gradient.

    A fit costs n_iterations * n_factors * (nnz + n_items * n_factors).

    Parameters
    ----------
    n_factors
        Directions that are kept; at most the smaller side of the listens.
    n_iterations
        Steps of the subspace iteration.
    regularization, transform, listener_weight, side_information, song_weight, denoising, popularity_discount
        As in `EASE`.
    history_decay
        What a song of the history counts for each step back when it scores, 1 = no decay.

    Attributes
    ----------
    incoming_, outgoing_ : float32 (n_items,)
        What a song's factors are multiplied by in a history, and as the song that is scored.
    kept_ : float
        Part of Z's squares that the kept directions hold, 0 to 1.
    """

    name = "low_rank_ease"
    has_products = False  # a score is not the product alone
    item_arrays = ("learned", "incoming", "outgoing")

    def __init__(
        self,
        n_factors: int = 384,
        n_iterations: int = 5,
        regularization: float | None = None,
        transform: Transform = "binary",
        listener_weight: float = 0.5,
        side_information: float = 0.0,
        song_weight: float = 0.5,
        denoising: float = 0.3,
        popularity_discount: float = 0.1,
        history_decay: float = 1.0,
    ) -> None:
        check_options(regularization, denoising)
        if n_factors < 1 or n_iterations < 1:
            raise ValueError(
                f"n_factors and n_iterations must be at least 1, not {n_factors} and {n_iterations}."
            )
        self.n_factors = n_factors
        self.n_iterations = n_iterations
        self.regularization = regularization
        self.transform = transform
        self.listener_weight = listener_weight
        self.side_information = side_information
        self.song_weight = song_weight
        self.denoising = denoising
        self.popularity_discount = popularity_discount
        self.history_decay = check_decay(history_decay)

    def _fit(self, data: TrainingData, rng: np.random.Generator, on_progress: Progress) -> None:
        require_listens(data.strengths)
        strengths = add_side_information(data.strengths, data.features, self.side_information)
        learned = find_heard_songs(strengths)
        kept = np.flatnonzero(learned)
        equations = EaseEquations.build(strengths, kept, self)
        roots = np.sqrt(equations.diagonal)
        scaled = csr_matrix(equations.weighted @ diags(1 / roots), dtype=np.float32)
        squares, directions = self._find_directions(scaled, rng, on_progress)
        total = float(np.square(scaled.data, dtype=np.float64).sum())
        left_out = max(total - float(squares.sum()), 0.0)
        self.kept_ = 1 - left_out / total
        rest = 1 / (1 + left_out / max(len(kept) - len(squares), 1))
        gains = np.maximum(rest - 1 / (1 + squares), 0)
        factors = directions * np.sqrt(gains).astype(np.float32)
        # D times the diagonal of P: what a song's own listens leave open
        own = np.float32(rest) - np.einsum("nd,nd->n", factors, factors)
        self.incoming_ = _scatter(equations.incoming / roots, kept, len(learned))
        self.outgoing_ = _scatter(equations.outgoing * roots / own, kept, len(learned))
        self._keep_factors(pack_columns(_scatter(factors, kept, len(learned))), learned)

    def _find_directions(
        self, scaled: csr_matrix, rng: np.random.Generator, on_progress: Progress
    ) -> tuple[NDArray[np.float64], NDArray[np.float32]]:
        """Return the largest squared singular values (d,) and their right vectors (n_songs, d)."""
        transposed = scaled.T.tocsr()
        n_kept = min(self.n_factors, *scaled.shape)
        n_followed = min(n_kept + OVERSAMPLING, *scaled.shape)
        basis = rng.standard_normal((scaled.shape[1], n_followed), dtype=np.float32)
        on_progress(0, self.n_iterations + 1)
        with threadpool_limits(1, "blas"):
            for iteration in range(self.n_iterations):
                basis, _ = np.linalg.qr(transposed @ (scaled @ basis))
                on_progress(iteration + 1, self.n_iterations + 1)
            image = scaled @ basis
            squares, turns = np.linalg.eigh((image.T @ image).astype(np.float64))
            del image
            vectors = basis @ turns[:, ::-1][:, :n_kept].astype(np.float32)
        on_progress(self.n_iterations + 1, self.n_iterations + 1)
        return np.maximum(squares[::-1][:n_kept], 0), vectors

    def _fit_bytes(self, size: DataSize) -> float:
        """The listens in a few forms, and matrices of directions: seven by songs and two by listeners."""
        n_followed = min(self.n_factors, size.n_listeners, size.n_items) + OVERSAMPLING
        directions = 4.0 * n_followed * (2 * size.n_listeners + 7 * size.n_items)
        return 52.0 * size.n_pairs + directions

    def _learned_bytes(self, size: DataSize) -> float:
        n_factors = min(self.n_factors, size.n_listeners, size.n_items)
        return (4.0 * n_factors + 13) * size.n_items

    def _score(self, histories: csr_matrix) -> NDArray[np.float32]:
        values = self.weigh_history(histories)
        scores = self.sum_values(histories, values)
        scores[~self.find_scored(histories, values)] = np.nan
        return scores

    def find_scored(self, histories: csr_matrix, values: NDArray[np.float32]) -> NDArray[np.bool_]:
        """Return which histories have a learned song that is liked, bool (n,): only these are scored."""
        is_liked = (values > 0) & self.learned_[histories.indices]
        rows = list_entry_rows(histories)[is_liked]
        return np.bincount(rows, minlength=histories.shape[0]) > 0

    def sum_values(self, histories: csr_matrix, values: NDArray[np.float32]) -> NDArray[np.float32]:
        """Sum value times link over the histories' entries, whose weighed values (nnz,) may be below 0.

        What `_contributions` divides by songs: one sum whatever the signs are.

        Returns
        -------
        float32 (n, n_items)
            0 for a row without a value; NaN for songs that nobody heard.
        """
        factors = np.zeros((histories.shape[0], len(self.factor_columns_)), dtype=np.float32)
        for row in range(histories.shape[0]):
            own = slice(histories.indptr[row], histories.indptr[row + 1])
            factors[row] = values[own] @ self._take_factors(histories.indices[own])
        scores = self._multiply_factors(factors)
        # a song says nothing about itself
        scores[list_entry_rows(histories), histories.indices] -= (
            values * self._lengths(histories.indices) ** 2
        )
        scores *= self.outgoing_
        return scores

    def _contributions(
        self, histories: csr_matrix, item_rows: NDArray[np.int32]
    ) -> NDArray[np.float32]:
        """Value times link, which is a product of factors: they add up to `sum_values`, so to the score exactly."""
        values = self.weigh_history(histories)
        amounts = np.zeros(
            (*item_rows.shape, int(count_per_row(histories).max())), dtype=np.float32
        )
        for row, items in enumerate(item_rows):
            own = slice(histories.indptr[row], histories.indptr[row + 1])
            songs = histories.indices[own]
            links = self._take_factors(items) @ self._take_factors(songs).T
            links[items[:, None] == songs] = 0
            amounts[row, :, : len(songs)] = links * values[own] * self.outgoing_[items][:, None]
        return amounts

    def _similar(self, item_row: int) -> NDArray[np.float32]:
        """Return the links from the song."""
        scores: NDArray[np.float32] = np.full(self.n_items_, np.nan, dtype=np.float32)
        if self.learned_[item_row]:
            song = self.incoming_[item_row] * self.factor_columns_[:, item_row]
            links = (song @ self.factor_columns_)[: self.n_items_] * self.outgoing_
            np.copyto(scores, links, where=self.learned_)
            scores[item_row] = np.nan
        return scores

    def weigh_history(self, histories: csr_matrix) -> NDArray[np.float32]:
        """Return what each entry's factors are multiplied by, signed, float32 (nnz,)."""
        values = decay_values(histories, self.transform, self.history_decay)
        weighed: NDArray[np.float32] = values * self.incoming_[histories.indices]
        return weighed

    def _lengths(self, item_rows: NDArray[np.integer]) -> NDArray[np.float32]:
        inverse = self.inverse_lengths_[item_rows]
        return np.asarray(
            np.divide(1, inverse, out=np.zeros_like(inverse), where=inverse > 0), dtype=np.float32
        )

    def _state(self) -> dict[str, NDArray[Any]]:
        return self._factor_state() | {
            "incoming": self.incoming_,
            "outgoing": self.outgoing_,
            "kept": np.array([self.kept_]),
        }

    def _restore(self, state: dict[str, NDArray[Any]]) -> None:
        self.incoming_ = np.asarray(state["incoming"])
        self.outgoing_ = np.asarray(state["outgoing"])
        self.kept_ = float(state["kept"][0])
        self._restore_factors(state, len(state["factor_columns"]))


def _scatter(rows: NDArray[Any], kept: NDArray[np.intp], n_items: int) -> NDArray[np.float32]:
    """Return one row a song of the catalogue, zeros where there is none of these, (n_items, ...)."""
    result = np.zeros((n_items, *rows.shape[1:]), dtype=np.float32)
    result[kept] = rows
    return result
