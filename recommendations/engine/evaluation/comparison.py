"""Intervals by resampling listeners, and whether one system is better than another."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike, NDArray

from recommendations.engine.intervals import Interval, bootstrap

if TYPE_CHECKING:
    from recommendations.engine.evaluation.evaluate import EvaluationReport

__all__ = ["Interval", "bootstrap", "paired_bootstrap"]


def paired_bootstrap(
    a: EvaluationReport | ArrayLike,
    b: EvaluationReport | ArrayLike,
    *,
    metric: str = "ndcg@10",
    system: str = "recommender",
    seed: int = 0,
) -> Interval:
    """Return the interval of a minus b over the same listeners: above 0 means that a is better.

    Parameters
    ----------
    a, b
        Reports on the same split, or one value a listener each.

    Raises
    ------
    ValueError
        They are about different listeners.
    """
    of_a, of_b = _per_listener(a, system, metric), _per_listener(b, system, metric)
    same = of_a.shape == of_b.shape and (
        isinstance(a, np.ndarray)
        or not (hasattr(a, "listeners") and hasattr(b, "listeners"))
        or np.array_equal(a.listeners, b.listeners)
    )
    if not same:
        raise ValueError("The two were measured on different listeners; evaluate both on one split.")
    difference = bootstrap((of_a - of_b)[:, None], seed=seed)[0]
    if difference is None:
        raise ValueError(f"No listener has a value of {metric!r}.")
    return difference


def _per_listener(values: EvaluationReport | ArrayLike, system: str, metric: str) -> NDArray[np.float64]:
    if hasattr(values, "values_of"):
        return values.values_of(system, metric)
    return np.asarray(values, dtype=np.float64)
