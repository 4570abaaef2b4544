"""Intervals by resampling listeners, and whether one system is better than another."""

from __future__ import annotations

from typing import Protocol, runtime_checkable

import numpy as np
from numpy.typing import ArrayLike, NDArray

from recommendations.engine.core.intervals import Interval, bootstrap_intervals

__all__ = ["Interval", "bootstrap_intervals", "bootstrap_pairs"]


@runtime_checkable
class ListenerValues(Protocol):
    """What a comparison reads of a report: who was measured, and one value each."""

    @property
    def listeners(self) -> NDArray[np.intp]:
        """Rows of the listeners, int (n,)."""

    def get_values(self, system: str, metric: str) -> NDArray[np.float64]:
        """Return one value a listener, float64 (n,)."""


def bootstrap_pairs(
    a: ListenerValues | ArrayLike,
    b: ListenerValues | ArrayLike,
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
    of_a, of_b = _extract_values(a, system, metric), _extract_values(b, system, metric)
    are_others = (
        isinstance(a, ListenerValues)
        and isinstance(b, ListenerValues)
        and not np.array_equal(a.listeners, b.listeners)
    )
    if of_a.shape != of_b.shape or are_others:
        raise ValueError(
            "The two were measured on different listeners; evaluate both on one split."
        )
    difference = bootstrap_intervals((of_a - of_b)[:, None], seed=seed)[0]
    if difference is None:
        raise ValueError(f"No listener has a value of {metric!r}.")
    return difference


def _extract_values(
    values: ListenerValues | ArrayLike, system: str, metric: str
) -> NDArray[np.float64]:
    if isinstance(values, ListenerValues):
        return values.get_values(system, metric)
    return np.asarray(values, dtype=np.float64)
