"""Intervals by resampling listeners, and whether one system is better than another."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike, NDArray

if TYPE_CHECKING:
    from .evaluate import EvaluationReport

N_RESAMPLES = 500
CONFIDENCE = 0.95


@dataclass(frozen=True)
class Interval:
    """A mean over listeners with its 95 % bootstrap interval."""

    mean: float
    low: float
    high: float

    @property
    def is_above_zero(self) -> bool:
        return self.low > 0

    @property
    def is_below_zero(self) -> bool:
        return self.high < 0

    def to_dict(self) -> dict[str, float]:
        return asdict(self)


def bootstrap(values: NDArray[np.float64], *, seed: int = 0) -> list[Interval | None]:
    """Return the interval of each column's mean over the listeners.

    Parameters
    ----------
    values
        (n_listeners, n_columns); NaN = this listener has no value, and is left out of that column.

    Returns
    -------
    list
        None for a column without values.
    """
    if not len(values):
        return [None] * values.shape[1]
    known = np.isfinite(values)
    filled = np.where(known, values, 0)
    draws = _draws(len(values), seed)
    sizes = draws @ known
    means = np.divide(draws @ filled, sizes, out=np.full(sizes.shape, np.nan), where=sizes > 0)
    return [
        _interval(filled[:, column].sum() / known[:, column].sum(), means[:, column])
        if known[:, column].any()
        else None
        for column in range(values.shape[1])
    ]


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


def _draws(n: int, seed: int) -> NDArray[np.float64]:
    """How often each listener is drawn in each resample, (N_RESAMPLES, n)."""
    drawn = np.random.default_rng(seed).integers(n, size=(N_RESAMPLES, n))
    places = drawn + np.arange(N_RESAMPLES)[:, None] * n
    counts = np.bincount(places.ravel(), minlength=N_RESAMPLES * n)
    return counts.reshape(N_RESAMPLES, n).astype(np.float64)


def _interval(mean: float, means: NDArray[np.float64]) -> Interval:
    tail = (1 - CONFIDENCE) / 2
    low, high = np.nanquantile(means, [tail, 1 - tail])
    return Interval(float(mean), float(low), float(high))
