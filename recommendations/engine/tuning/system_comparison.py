"""Two systems on the same listeners: which one is better, and how sure that is."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from recommendations.engine.core.intervals import Interval, bootstrap_difference
from recommendations.engine.core.seeding import derive_seed


@dataclass(frozen=True)
class Comparison:
    """Two systems on the same listeners: the difference of their NDCG, with its 95 % bootstrap interval."""

    system: str
    baseline: str
    listeners: str
    n_listeners: int
    difference: Interval

    @classmethod
    def compare(
        cls,
        system: str,
        ndcg: NDArray[np.float64],
        baseline: str,
        baseline_ndcg: NDArray[np.float64],
        seed: int,
        listeners: str = "validation",
    ) -> Comparison:
        """Compare two systems by one value a listener each, (n,)."""
        interval = bootstrap_difference(ndcg, baseline_ndcg, seed=derive_seed(seed, "comparison"))
        return cls(system, baseline, listeners, len(ndcg), interval)

    @property
    def is_better(self) -> bool:
        """Whether the system has the higher mean; the interval says how sure that is."""
        return self.difference.mean > 0

    def to_dict(self) -> dict[str, Any]:
        """Return plain JSON types."""
        interval = {name: round(value, 5) for name, value in self.difference.to_dict().items()}
        return {
            "system": self.system,
            "baseline": self.baseline,
            "listeners": self.listeners,
            "n_listeners": self.n_listeners,
            "difference": interval,
        }
