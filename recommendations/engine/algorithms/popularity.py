"""What many listen to: lately (trending) or ever (all time)."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix

from ..arrays import positive_part
from ..interactions import NO_TIME, Interactions, Kind
from .base import Algorithm, Progress, TrainingData

SECONDS_A_DAY = 86_400


class Popularity(Algorithm):
    """Trending: the sum over a song's plays and likes of 2 ** (-age / half_life).

    Age is measured from the newest event of the data, not from a clock, so the same data gives the same
    result. Each event counts once, however many plays it stands for: a thousand plays by one listener are
    one listener's taste. Without times it is the all-time count of listeners.

    Parameters
    ----------
    half_life_days
        After this many days an event counts half.

    Attributes
    ----------
    trend_ : float32 (n_items,)
        The score.
    n_listeners_ : int32 (n_items,)
        Listeners who played or liked the song: the all-time count.
    n_recent_ : int32 (n_items,)
        Plays and likes within two half-lives of the newest event.
    is_trending_ : bool (n_items,)
        Stands at least as high lately as it does all-time.
    """

    name = "popularity"
    item_arrays = ("trend", "n_listeners", "n_recent", "is_trending")

    def __init__(self, half_life_days: float = 14.0) -> None:
        if not half_life_days > 0:
            raise ValueError(f"half_life_days must be above 0, not {half_life_days}.")
        self.half_life_days = half_life_days

    def _fit(self, data: TrainingData, rng: np.random.Generator, on_progress: Progress) -> None:
        on_progress(0, 1)
        n_items = data.n_items
        liked = positive_part(data.strengths)
        self.n_listeners_ = np.bincount(liked.indices, minlength=n_items).astype(np.int32)
        self.n_recent_ = np.zeros(n_items, dtype=np.int32)
        self.is_trending_ = np.zeros(n_items, dtype=bool)
        self.trend_ = self.n_listeners_.astype(np.float32)
        if data.events is not None and (data.events.timestamps != NO_TIME).any():
            self._fit_trend(data.events)
        on_progress(1, 1)

    def _fit_trend(self, events: Interactions) -> None:
        counted = np.flatnonzero((events.kinds == Kind.PLAY) | (events.kinds == Kind.LIKE))
        items, times = events.item_rows[counted], events.timestamps[counted]
        known = times != NO_TIME
        if not known.any():
            return
        # an event at an unknown time is no newer than the oldest that we know
        times = np.where(known, times, times[known].min())
        half_lives = (times.max() - times) / (self.half_life_days * SECONDS_A_DAY)
        n_items = len(self.n_listeners_)
        self.trend_ = np.bincount(items, weights=2.0**-half_lives, minlength=n_items).astype(np.float32)
        self.n_recent_ = np.bincount(items[half_lives <= 2], minlength=n_items).astype(np.int32)
        higher_lately = _standing(self.trend_) <= _standing(self.n_listeners_)
        self.is_trending_ = higher_lately & (self.n_recent_ > 0)

    def _score(self, histories: csr_matrix) -> NDArray[np.float32]:
        return np.tile(self.trend_, (histories.shape[0], 1))

    def _score_items(self, histories: csr_matrix, item_rows: NDArray[np.int32]) -> NDArray[np.float32]:
        return self.trend_[item_rows]

    def _state(self) -> dict[str, NDArray]:
        return {
            "trend": self.trend_,
            "n_listeners": self.n_listeners_,
            "n_recent": self.n_recent_,
            "is_trending": self.is_trending_,
        }

    def _restore(self, state: dict[str, NDArray]) -> None:
        self.trend_ = state["trend"]
        self.n_listeners_ = state["n_listeners"]
        self.n_recent_ = state["n_recent"]
        self.is_trending_ = state["is_trending"]


def _standing(counts: NDArray) -> NDArray[np.intp]:
    """Return how many songs are above each one: 0 for the most popular."""
    ascending = np.sort(counts)
    return len(counts) - np.searchsorted(ascending, counts, side="right")
