"""What an algorithm may learn from, and how much of it there is."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix

from recommendations.engine.core.arrays import keep_positive
from recommendations.engine.data.interactions import Interactions
from recommendations.engine.data.item_features import ItemFeatures
from recommendations.engine.data.prior import Prior

Progress = Callable[[int, int], None]
"""Called with (done, total) after each step; an exception in it stops the fit and comes out unchanged."""


class NotEnoughData(ValueError):
    """There is nothing to learn from; the message says what is missing."""


@dataclass(frozen=True)
class DataSize:
    """How much there is to learn from: what estimates of memory rest on.

    Attributes
    ----------
    n_listeners, n_items, n_events
    n_pairs
        Listener and song pairs with a strength; at most the events.
    """

    n_listeners: int
    n_items: int
    n_pairs: int
    n_events: int


CAPPING_BYTES_A_PAIR = 13
"""What checking and capping the strengths takes before an algorithm begins, bytes."""


@dataclass(frozen=True)
class TrainingData:
    """What an algorithm may learn from.

    Attributes
    ----------
    strengths : float32 csr (n_listeners, n_items)
        Negative = disliked; no stored zeros.
    features : ItemFeatures, optional
    events : Interactions, optional
        The events behind `strengths`, for algorithms that need times.
    prior : Prior, optional
        What listeners elsewhere heard, over the same songs.
    """

    strengths: csr_matrix
    features: ItemFeatures | None = None
    events: Interactions | None = None
    prior: Prior | None = None

    def __post_init__(self) -> None:
        if self.features is not None and self.features.n_items != self.n_items:
            raise ValueError(
                f"There are features of {self.features.n_items} songs for {self.n_items} songs."
            )
        if self.prior is not None and len(self.prior) != self.n_items:
            raise ValueError(
                f"There is a prior of {len(self.prior)} songs for {self.n_items} songs."
            )

    @property
    def n_items(self) -> int:
        return self.strengths.shape[1]


def find_heard_songs(strengths: csr_matrix) -> NDArray[np.bool_]:
    """Return which songs somebody liked or played, bool (n_items,)."""
    return np.bincount(keep_positive(strengths).indices, minlength=strengths.shape[1]) > 0


def require_listens(strengths: csr_matrix) -> None:
    """Refuse data in which nobody liked or played anything.

    Raises
    ------
    NotEnoughData
    """
    if not (strengths.data > 0).any():
        raise NotEnoughData(
            "Nobody liked or played anything yet, so there is nothing to learn from."
        )
