"""How the components' scores stand among a listener's candidates, and how far the components agree."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from recommendations.engine.ranking.candidates import CandidateBatch

PER_COMPONENT = ("z", "share", "rank")
"""Not the score itself: it grows with the history, which is shorter when the ranker is trained than when it serves."""
AMONG_LISTENERS = "share_among_listeners"
"""By how many deviations the share is above what the song has with other listeners (`ranking.score_scales`)."""
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


def compute_score_features(
    scores: NDArray[np.float32], candidates: CandidateBatch
) -> list[NDArray[Any]]:
    """Return z-score, share of the best and log rank of each candidate among its listener's."""
    rows, values = candidates.listener_rows, scores.astype(np.float64)
    is_scored = np.isfinite(values)
    filled = np.where(is_scored, values, 0)
    n = np.maximum(_sum_per_listener(is_scored.astype(np.float64), candidates), 1)
    mean = _sum_per_listener(filled, candidates) / n
    deviation = np.sqrt(np.maximum(_sum_per_listener(filled**2, candidates) / n - mean**2, 0))
    best = _find_best_per_listener(np.where(is_scored, values, -np.inf), candidates)
    z = (values - mean[rows]) / np.where(deviation > 0, deviation, 1)[rows]
    share = values / np.where(best > 0, best, 1)[rows]
    order = np.lexsort((-values, rows))
    rank = np.empty(len(values))
    rank[order] = np.arange(len(values)) - candidates.starts[rows[order]]
    return [z, share, np.where(np.isfinite(values), np.log1p(rank), np.nan)]


def compute_agreement(score_features: Sequence[NDArray[Any]]) -> list[NDArray[Any]]:
    """Return the agreement of the components, from the columns of `compute_score_features` of each."""
    z, ranks = np.stack(score_features[::3]), np.stack(score_features[2::3])
    is_known = np.isfinite(z) & np.isfinite(ranks)
    n = np.maximum(is_known.sum(axis=0), 1)
    filled, deep = np.where(is_known, z, 0), np.where(is_known, ranks, 0)
    mean = filled.sum(axis=0) / n
    spread = np.sqrt(np.where(is_known, (z - mean) ** 2, 0).sum(axis=0) / n)
    ranks_of_all = np.expm1(np.where(is_known, ranks, np.inf))
    columns = [
        mean,
        np.where(is_known, z, -np.inf).max(axis=0),
        np.where(is_known, z, np.inf).min(axis=0),
        spread,
        (1 / (ranks_of_all + 10)).sum(axis=0) / n,
        deep.sum(axis=0) / n,
        np.where(is_known, ranks, np.inf).min(axis=0),
        np.where(is_known, ranks, -np.inf).max(axis=0),
        (ranks_of_all < 9.5).sum(axis=0),
        (ranks_of_all < 49.5).sum(axis=0),
    ]
    return [np.where(is_known.any(axis=0), column, np.nan) for column in columns]


def _sum_per_listener(
    values: NDArray[np.float64], candidates: CandidateBatch
) -> NDArray[np.float64]:
    """Sum over each listener's candidates; the same however many listeners there are."""
    return _reduce(np.add, values, candidates, 0.0)


def _find_best_per_listener(
    values: NDArray[np.float64], candidates: CandidateBatch
) -> NDArray[np.float64]:
    return _reduce(np.maximum, values, candidates, 0.0)


def _reduce(
    reduce: np.ufunc, values: NDArray[np.float64], candidates: CandidateBatch, empty: float
) -> NDArray[np.float64]:
    result = np.full(len(candidates.starts) - 1, empty)
    has_candidates = np.diff(candidates.starts) > 0
    if has_candidates.any():
        result[has_candidates] = reduce.reduceat(values, candidates.starts[:-1][has_candidates])
    return result
