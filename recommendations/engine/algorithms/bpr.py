"""Songs ranked by factors that were trained to put heard songs above unheard ones."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix
from threadpoolctl import threadpool_limits

from recommendations.engine.algorithms.base import (
    Progress,
    TrainingData,
    require_listens,
    songs_heard,
)
from recommendations.engine.algorithms.latent_factors import Factorised
from recommendations.engine.core.arrays import (
    padded,
    positive_part,
    rows_times,
    side_by_side,
)
from recommendations.engine.core.weighting import signed


class BPR(Factorised):
    """Bayesian personalised ranking of Rendle et al. (2009), fitted by implicit on one thread.

    Only the songs' factors are kept. A listener's factors are the least-squares fit of their history,
    x = (Y'Y + fold_in_regularization * mean diagonal * I)^-1 Y'r, so new and known listeners take one path and
    each song's part of a score is exact. (implicit's training on several threads gives another result each
    time.)

    Parameters
    ----------
    n_factors, n_iterations, learning_rate, regularization
        As in the paper.
    fold_in_regularization
        Relative to the mean of the diagonal of Y'Y.

    Attributes
    ----------
    item_factors_ : float32 (n_items, n_factors + 1)
        The last column is the song's bias.
    """

    name = "bpr"

    def __init__(
        self,
        n_factors: int = 64,
        n_iterations: int = 100,
        learning_rate: float = 0.05,
        regularization: float = 0.01,
        fold_in_regularization: float = 1.0,
    ) -> None:
        self.n_factors = n_factors
        self.n_iterations = n_iterations
        self.learning_rate = learning_rate
        self.regularization = regularization
        self.fold_in_regularization = fold_in_regularization

    def _fit(self, data: TrainingData, rng: np.random.Generator, on_progress: Progress) -> None:
        from implicit.cpu.bpr import BayesianPersonalizedRanking

        require_listens(data.strengths)
        self.learned_ = songs_heard(data.strengths)
        on_progress(0, self.n_iterations)
        with threadpool_limits(1, "blas"):
            model = BayesianPersonalizedRanking(
                factors=self.n_factors,
                iterations=self.n_iterations,
                learning_rate=self.learning_rate,
                regularization=self.regularization,
                num_threads=1,
                random_state=int(rng.integers(2**31)),
            )
            model.fit(
                signed(positive_part(data.strengths), "binary"),
                show_progress=False,
                callback=lambda iteration, *_: on_progress(iteration + 1, self.n_iterations),
            )
        self.item_factors_ = np.where(self.learned_[:, None], model.item_factors, 0).astype(np.float32)
        self._prepare()

    def _prepare(self) -> None:
        self.columns_ = side_by_side(self.item_factors_)
        factors = self.item_factors_.astype(np.float64)
        shared = factors.T @ factors
        ridge = self.fold_in_regularization * shared.trace() / len(shared) + 1e-9
        # what a song of the history adds to the listener's factors
        self.pulls_ = np.linalg.solve(shared + ridge * np.eye(len(shared)), factors.T).T

    def _score(self, histories: csr_matrix) -> NDArray[np.float32]:
        values = signed(histories, "binary")
        listeners = (values.astype(np.float64) @ self.pulls_).astype(np.float32)
        scores = rows_times(listeners, self.columns_, self.n_items_)
        scores[:, ~self.learned_] = np.nan
        scores[positive_part(values) @ self.learned_.astype(np.float32) == 0] = np.nan
        return scores

    def _contributions(self, histories: csr_matrix, item_rows: NDArray[np.int32]) -> NDArray[np.float32]:
        history = padded(signed(histories, "binary"))
        pulls = self.pulls_[history.columns] * history.values[:, :, None]
        songs = self.item_factors_[item_rows].astype(np.float64)
        return np.matmul(songs, pulls.transpose(0, 2, 1)).astype(np.float32)

    def _state(self) -> dict[str, NDArray]:
        return {"item_factors": self.item_factors_, "learned": self.learned_}

    def _restore(self, state: dict[str, NDArray]) -> None:
        self.item_factors_ = state["item_factors"]
        self.learned_ = np.asarray(state["learned"])
        self._prepare()
