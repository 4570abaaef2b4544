"""Intervals of means over listeners, by resampling the listeners."""

from __future__ import annotations

from dataclasses import asdict, dataclass

import numpy as np
from numpy.typing import NDArray

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


def bootstrap_intervals(values: NDArray[np.float64], *, seed: int = 0) -> list[Interval | None]:
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
    is_known = np.isfinite(values)
    filled = np.where(is_known, values, 0)
    draws = _draw_resamples(len(values), seed)
    sizes = draws @ is_known
    means = np.divide(draws @ filled, sizes, out=np.full(sizes.shape, np.nan), where=sizes > 0)
    return [
        _make_interval(filled[:, column].sum() / is_known[:, column].sum(), means[:, column])
        if is_known[:, column].any()
        else None
        for column in range(values.shape[1])
    ]


def bootstrap_difference(
    a: NDArray[np.float64], b: NDArray[np.float64], *, seed: int = 0
) -> Interval:
    """Return the interval of the mean of a minus b, one value a listener each, (n,), over the same listeners.

    Raises
    ------
    ValueError
        They are about different numbers of listeners, or about none.
    """
    if a.shape != b.shape or not len(a):
        raise ValueError(f"Listeners must be the same and at least one, not {len(a)} and {len(b)}.")
    difference = (a - b)[:, None]
    means = _draw_resamples(len(a), seed) @ difference / len(a)
    return _make_interval(float(difference.mean()), means[:, 0])


def _draw_resamples(n: int, seed: int) -> NDArray[np.float64]:
    """How often each listener is drawn in each resample, (N_RESAMPLES, n)."""
    drawn = np.random.default_rng(seed).integers(n, size=(N_RESAMPLES, n))
    cells = drawn + np.arange(N_RESAMPLES)[:, None] * n
    counts = np.bincount(cells.ravel(), minlength=N_RESAMPLES * n)
    return counts.reshape(N_RESAMPLES, n).astype(np.float64)


def _make_interval(mean: float, means: NDArray[np.float64]) -> Interval:
    tail = (1 - CONFIDENCE) / 2
    low, high = np.nanquantile(means, [tail, 1 - tail])
    return Interval(float(mean), float(low), float(high))


def compute_share_interval(n_hits: int, n: int) -> Interval:
    """Return found / n with its 95 % interval (Wilson, 1927), which holds for few cases, too; n above 0."""
    z = 1.959964
    share = n_hits / n
    centre = (share + z**2 / (2 * n)) / (1 + z**2 / n)
    spread = z / (1 + z**2 / n) * float(np.sqrt(share * (1 - share) / n + z**2 / (4 * n**2)))
    return Interval(share, max(centre - spread, 0.0), min(centre + spread, 1.0))
