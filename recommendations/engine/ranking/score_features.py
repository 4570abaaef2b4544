"""How the components' scores stand among a listener's candidates, and how far the components agree."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from recommendations.engine.ranking.candidates import Proposals

PER_COMPONENT = ("z", "share", "rank")
"""Not the score itself: it grows with the history, which is shorter when the ranker is trained than when it serves."""
TOGETHER = (
    "mean_z",
    "best_z",
    "worst_z",
    "spread_z",
    "mean_near_top",
    "mean_rank",
    "best_rank",
    "worst_rank",
    "n_top_10",
    "n_top_50",
)
"""What the components say together; credited to them in equal parts."""
TOGETHER_GROUP = "together"


def compute_score_features(scores: NDArray[np.float32], proposals: Proposals) -> list[NDArray[Any]]:
    """Return z-score, share of the best and log rank of each candidate among its listener's."""
    rows, values = proposals.listener_rows, scores.astype(np.float64)
    usable = np.isfinite(values)
    known = np.where(usable, values, 0)
    n = np.maximum(_sums(usable.astype(np.float64), proposals), 1)
    mean = _sums(known, proposals) / n
    deviation = np.sqrt(np.maximum(_sums(known**2, proposals) / n - mean**2, 0))
    best = _bests(np.where(usable, values, -np.inf), proposals)
    z = (values - mean[rows]) / np.where(deviation > 0, deviation, 1)[rows]
    share = values / np.where(best > 0, best, 1)[rows]
    order = np.lexsort((-values, rows))
    rank = np.empty(len(values))
    rank[order] = np.arange(len(values)) - proposals.starts[rows[order]]
    return [z, share, np.where(np.isfinite(values), np.log1p(rank), np.nan)]


def compute_agreement(standing: Sequence[NDArray[Any]]) -> list[NDArray[Any]]:
    """Return the agreement of the components, from the columns of `compute_score_features` of each."""
    z, ranks = np.stack(standing[::3]), np.stack(standing[2::3])
    known = np.isfinite(z) & np.isfinite(ranks)
    n = np.maximum(known.sum(axis=0), 1)
    filled, deep = np.where(known, z, 0), np.where(known, ranks, 0)
    mean = filled.sum(axis=0) / n
    spread = np.sqrt(np.where(known, (z - mean) ** 2, 0).sum(axis=0) / n)
    place = np.expm1(np.where(known, ranks, np.inf))
    found = [
        mean,
        np.where(known, z, -np.inf).max(axis=0),
        np.where(known, z, np.inf).min(axis=0),
        spread,
        (1 / (place + 10)).sum(axis=0) / n,
        deep.sum(axis=0) / n,
        np.where(known, ranks, np.inf).min(axis=0),
        np.where(known, ranks, -np.inf).max(axis=0),
        (place < 9.5).sum(axis=0),
        (place < 49.5).sum(axis=0),
    ]
    return [np.where(known.any(axis=0), column, np.nan) for column in found]


def _sums(values: NDArray[np.float64], proposals: Proposals) -> NDArray[np.float64]:
    """Sum over each listener's candidates; the same however many listeners there are."""
    return _reduce(np.add, values, proposals, 0.0)


def _bests(values: NDArray[np.float64], proposals: Proposals) -> NDArray[np.float64]:
    return _reduce(np.maximum, values, proposals, 0.0)


def _reduce(
    reduce: np.ufunc, values: NDArray[np.float64], proposals: Proposals, empty: float
) -> NDArray[np.float64]:
    result = np.full(len(proposals.starts) - 1, empty)
    some = np.diff(proposals.starts) > 0
    if some.any():
        result[some] = reduce.reduceat(values, proposals.starts[:-1][some])
    return result
