"""A linear order of candidates: the smooth part of the learned ranker, beside its trees."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

MOST_STEPS = 60
PENALTY = 1e-3
LOWEST = np.float32(-1.0)
"""What an unknown feature counts as, in deviations from its mean: rather bad, as a song nobody could judge is."""


@dataclass(frozen=True)
class LinearOrder:
    """The sum of weight * (feature - mean) / deviation; the weights maximise the chance of what was taken.

    The chance of a candidate is the softmax over its listener's candidates (conditional logit, McFadden 1974).

    Attributes
    ----------
    weights, means, deviations : float64 (n_features,)
    """

    weights: NDArray[np.float64]
    means: NDArray[np.float64]
    deviations: NDArray[np.float64]

    @classmethod
    def learn(
        cls, features: NDArray[np.float32], labels: NDArray[np.bool_], group: NDArray[np.int64]
    ) -> Self:
        """Learn from candidates, one listener after the other.

        Parameters
        ----------
        features
            (m, n_features), NaN unknown.
        labels
            (m,); every listener took something.
        group
            (n_listeners,) candidates of each.
        """
        is_known = np.isfinite(features)
        n = np.maximum(is_known.sum(axis=0), 1)
        means = np.where(is_known, features, 0).sum(axis=0, dtype=np.float64) / n
        squares = np.where(is_known, features - means.astype(np.float32), 0) ** 2
        deviations = np.sqrt(squares.sum(axis=0, dtype=np.float64) / n)
        order = cls(np.zeros(len(means)), means, np.where(deviations > 0, deviations, 1))
        return cls(
            _learn_weights(order._standard(features), labels, group), order.means, order.deviations
        )

    def _standard(self, features: NDArray[np.float32]) -> NDArray[np.float32]:
        scaled = (features - self.means.astype(np.float32)) / self.deviations.astype(np.float32)
        return np.where(np.isfinite(scaled), scaled, LOWEST)

    def contributions(self, features: NDArray[np.float32]) -> NDArray[np.float64]:
        """Return what each feature adds to the score, (m, n_features)."""
        return self._standard(features) * self.weights

    def score(self, features: NDArray[np.float32]) -> NDArray[np.float64]:
        """Return the score of each candidate, (m,); it does not depend on the other candidates."""
        return np.asarray(self.contributions(features).sum(axis=1))


def _learn_weights(
    standard: NDArray[np.float32], labels: NDArray[np.bool_], group: NDArray[np.int64]
) -> NDArray[np.float64]:
    from scipy.optimize import minimize  # a tenth of the time in which a process starts

    starts = np.concatenate([[0], np.cumsum(group)[:-1]])
    listener = np.repeat(np.arange(len(group)), group)
    share = labels / np.add.reduceat(labels.astype(np.float64), starts)[listener]

    def compute_loss(weights: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
        score = standard @ weights.astype(np.float32)
        score -= np.maximum.reduceat(score, starts)[listener]
        size = np.exp(score)
        total = np.add.reduceat(size, starts)
        chance = size / total[listener]
        value = -(share * (score - np.log(total)[listener])).sum() / len(group)
        slope = standard.T @ (chance - share).astype(np.float32) / len(group)
        return float(value + PENALTY * weights @ weights), slope.astype(
            np.float64
        ) + 2 * PENALTY * weights

    start = np.zeros(standard.shape[1])
    return np.asarray(
        minimize(
            compute_loss, start, jac=True, method="L-BFGS-B", options={"maxiter": MOST_STEPS}
        ).x,
        dtype=np.float64,
    )
