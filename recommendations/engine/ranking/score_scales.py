"""How a component scores each song for listeners in general: the scale on which one listener's score says more."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix

from recommendations.engine.algorithms.base import Algorithm
from recommendations.engine.core.arrays import (
    count_per_row,
    cut_blocks,
    keep_positive,
    list_entry_rows,
)
from recommendations.engine.core.seeding import make_generator

MOST_LISTENERS = 300
"""So many listeners are scored."""
FEWEST_LISTENERS = 50
MOST_SCORES = 5e7
"""Of each component; in a large catalogue fewer listeners are scored, but at least `FEWEST_LISTENERS`."""
BLOCK_SCORES = 4_000_000
LEAST_DEVIATION = 0.1
"""Of the mean deviation of all songs: a song whose scores are all about the same is no surprise by a hair."""


@dataclass(frozen=True)
class ScoreScales:
    """Mean and deviation of each song's share of the listener's best score, over listeners who do not have it.

    A song that a component gives to everybody is no sign of this listener's taste, one that it gives to few is.
    Shares, because the scores themselves grow with the history.

    Attributes
    ----------
    means, deviations : float32 (n_components, n_items)
        Deviations are above 0. No rows: nothing was measured.
    """

    means: NDArray[np.float32]
    deviations: NDArray[np.float32]

    @classmethod
    def empty(cls, n_items: int) -> Self:
        """Return scales of no component."""
        nothing = np.zeros((0, n_items), dtype=np.float32)
        return cls(nothing, nothing)

    @classmethod
    def measure(cls, fitted: Mapping[str, Algorithm], strengths: csr_matrix, seed: int) -> Self:
        """Score some listeners by each component; the same listeners for all of them.

        Parameters
        ----------
        strengths
            (n_listeners, n_items), what the components were fitted with.
        """
        heard = np.flatnonzero(count_per_row(keep_positive(strengths)))
        if not fitted or not len(heard):
            return cls.empty(strengths.shape[1])
        n_items = strengths.shape[1]
        n = int(np.clip(MOST_SCORES / n_items, FEWEST_LISTENERS, MOST_LISTENERS))
        rng = make_generator(seed, "score scales")
        histories = strengths[np.sort(rng.permutation(heard)[:n])]
        measured = [_measure_component(algorithm, histories) for algorithm in fitted.values()]
        means, deviations = (np.stack(values) for values in zip(*measured, strict=True))
        return cls(means, deviations)

    @property
    def is_measured(self) -> bool:
        return len(self.means) > 0

    def compare(
        self, component: int, shares: NDArray[Any], item_rows: NDArray[np.int32]
    ) -> NDArray[Any]:
        """Return by how many deviations each share, (m,), is above the mean of its song."""
        off = shares - self.means[component][item_rows]
        return np.asarray(off / self.deviations[component][item_rows])


def _measure_component(
    algorithm: Algorithm, histories: csr_matrix
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    n_items = histories.shape[1]
    n, total, squares = (np.zeros(n_items) for _ in range(3))
    for rows in cut_blocks(histories.shape[0], max(BLOCK_SCORES // n_items, 1)):
        block = histories[rows]
        scores = algorithm.score(block)
        scores[list_entry_rows(block), block.indices] = np.nan
        is_scored = np.isfinite(scores)
        filled = np.where(is_scored, scores, 0)
        best = filled.max(axis=1, keepdims=True)
        shares = (filled / np.where(best > 0, best, 1)).astype(np.float64)
        n += is_scored.sum(axis=0)
        total += shares.sum(axis=0)
        squares += np.einsum("ij,ij->j", shares, shares)
    counts = np.maximum(n, 1)
    means = total / counts
    deviations = np.sqrt(np.maximum(squares / counts - means**2, 0))
    typical = float(deviations[n > 0].mean()) if n.any() else 0.0
    least = LEAST_DEVIATION * typical or 1.0
    return means.astype(np.float32), np.maximum(deviations, least).astype(np.float32)
