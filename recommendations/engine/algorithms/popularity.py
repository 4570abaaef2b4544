"""What many listen to: lately (trending) or ever (all time)."""

from __future__ import annotations

from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix

from recommendations.engine.algorithms.base import Algorithm
from recommendations.engine.algorithms.training_data import DataSize, Progress, TrainingData
from recommendations.engine.core.arrays import keep_positive, select_top_columns
from recommendations.engine.data.interactions import NO_TIME, Interactions, Kind

SECONDS_A_DAY = 86_400

N_LISTED = 2_000
"""Most popular songs that are kept in order; more are looked for when they are asked for."""


class Popularity(Algorithm):
    """Trending: the sum over a song's listeners of 2 ** (-age of their newest play or like / half_life).

    Age is measured from the newest event of the data, not from a clock, so the same data gives the same
    result. A listener counts at most once a song, however often they played it: a thousand plays by one
    account move a song as far as one play does. Without times it is the all-time count of listeners.

    Parameters
    ----------
    half_life_days
        A listener whose newest play or like is this many days old counts half.

    Attributes
    ----------
    trend_ : float32 (n_items,)
        The score.
    n_listeners_ : int32 (n_items,)
        Listeners who played or liked the song: the all-time count.
    n_recent_ : int32 (n_items,)
        Listeners who played or liked the song within two half-lives of the newest event.
    is_trending_ : bool (n_items,)
        Ranks at least as high lately as it does all-time.
    best_ : int32 (some,)
        The rows of the most popular songs, best first; made when it is first asked for.
    """

    name = "popularity"
    item_arrays = ("trend", "n_listeners", "n_recent", "is_trending")

    def __init__(self, half_life_days: float = 14.0) -> None:
        if not half_life_days > 0:
            raise ValueError(f"half_life_days must be above 0, not {half_life_days}.")
        self.half_life_days = half_life_days

    def _fit(self, data: TrainingData, rng: np.random.Generator, on_progress: Progress) -> None:
        on_progress(0, 1)
        liked = keep_positive(data.strengths)
        self._keep_counts(np.bincount(liked.indices, minlength=data.n_items))
        if data.events is not None and (data.events.timestamps != NO_TIME).any():
            self._fit_trend(data.events)
        on_progress(1, 1)

    def _fit_bytes(self, size: DataSize) -> float:
        """The events sorted by pair and moment."""
        return 52.0 * size.n_events + 30 * size.n_items

    def _learned_bytes(self, size: DataSize) -> float:
        return 13 * size.n_items

    def _fit_trend(self, events: Interactions) -> None:
        item_rows, timestamps = find_newest_by_listener(events)
        ends = find_ends(timestamps)
        if ends is None:
            return
        self._keep_trend(
            *sum_trend(item_rows, timestamps, ends, self.half_life_days, len(self.n_listeners_))
        )

    def _keep_counts(self, n_listeners: NDArray[np.int64]) -> None:
        """Take the all-time counts (n_items,) as the score: what there is without times."""
        self.n_listeners_ = n_listeners.astype(np.int32)
        self.n_recent_ = np.zeros(len(n_listeners), dtype=np.int32)
        self.is_trending_ = np.zeros(len(n_listeners), dtype=bool)
        self.trend_ = self.n_listeners_.astype(np.float32)

    def _keep_trend(self, trend: NDArray[np.float64], n_recent: NDArray[np.int64]) -> None:
        self.trend_ = trend.astype(np.float32)
        self.n_recent_ = n_recent.astype(np.int32)
        ranks_higher_lately = rank_descending(self.trend_) <= rank_descending(self.n_listeners_)
        self.is_trending_ = ranks_higher_lately & (self.n_recent_ > 0)

    def learn_from_sums(
        self,
        n_listeners: NDArray[np.int64],
        sums: tuple[NDArray[np.float64], NDArray[np.int64]] | None,
    ) -> Self:
        """Learn from what was summed elsewhere: the all-time counts, and `sum_trend` where times are known."""
        self.reset()
        self._keep_counts(n_listeners)
        if sums is not None:
            self._keep_trend(*sums)
        self.n_items_ = len(n_listeners)
        return self

    def _score(self, histories: csr_matrix) -> NDArray[np.float32]:
        return np.tile(self.trend_, (histories.shape[0], 1))

    def _score_items(
        self, histories: csr_matrix, item_rows: NDArray[np.int32]
    ) -> NDArray[np.float32]:
        return self.trend_[item_rows]

    def _propose(
        self, histories: csr_matrix, counts: NDArray[np.integer]
    ) -> list[NDArray[np.int32]]:
        """The first ones of a list that all share. Cost: one pass over the songs for the first request."""
        best = self._list_best(int(counts.max()))
        return [best[:n] for n in counts]

    def _propose_worst(self, histories: csr_matrix) -> list[NDArray[np.int32]]:
        least = np.array([self.trend_.argmin()], dtype=np.int32)
        return [least] * histories.shape[0]

    def _propose_similar(self, item_row: int, n: int) -> NDArray[np.int32]:
        return np.zeros(0, dtype=np.int32)

    def _similar_items(self, item_row: int, item_rows: NDArray[np.int32]) -> NDArray[np.float32]:
        return np.full(len(item_rows), np.nan, dtype=np.float32)

    def _list_best(self, n: int) -> NDArray[np.int32]:
        best: NDArray[np.int32] | None = getattr(self, "best_", None)
        if best is None or len(best) < min(n, len(self.trend_)):
            best = select_top_columns(self.trend_[None, :], max(2 * n, N_LISTED))[0]
            self.best_ = best
        return best

    def _state(self) -> dict[str, NDArray[Any]]:
        return {
            "trend": self.trend_,
            "n_listeners": self.n_listeners_,
            "n_recent": self.n_recent_,
            "is_trending": self.is_trending_,
        }

    def _restore(self, state: dict[str, NDArray[Any]]) -> None:
        self.trend_ = state["trend"]
        self.n_listeners_ = state["n_listeners"]
        self.n_recent_ = state["n_recent"]
        self.is_trending_ = state["is_trending"]


def find_ends(timestamps: NDArray[np.int64]) -> tuple[int, int] | None:
    """Return the first and the last known moment; None where none is known."""
    times = timestamps[timestamps != NO_TIME]
    return (int(times.min()), int(times.max())) if len(times) else None


def sum_trend(
    item_rows: NDArray[np.int32],
    timestamps: NDArray[np.int64],
    ends: tuple[int, int],
    half_life_days: float,
    n_items: int,
) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Sum up what the newest events of listeners say about each song; sums of parts add up to that of the whole.

    Parameters
    ----------
    item_rows, timestamps
        As `find_newest_by_listener` returns them, of all listeners or of some.
    ends
        First and last moment of all of them (`find_ends`).

    Returns
    -------
    float64 (n_items,), int64 (n_items,)
        The trend, and how many listeners heard the song within two half-lives of the last moment.
    """
    first, last = ends
    # an event at an unknown time is no newer than the oldest that has one
    timestamps = np.where(timestamps == NO_TIME, first, timestamps)
    half_lives = (last - timestamps) / (half_life_days * SECONDS_A_DAY)
    weights = 2.0**-half_lives
    trend: NDArray[np.float64] = np.bincount(item_rows, weights=weights, minlength=n_items).astype(
        np.float64, copy=False
    )
    n_recent = np.bincount(item_rows[half_lives <= 2], minlength=n_items)
    return trend, n_recent


def find_newest_by_listener(events: Interactions) -> tuple[NDArray[np.int32], NDArray[np.int64]]:
    """Return the newest play or like of each (listener, song) pair.

    Returns
    -------
    int32 (n_pairs,), int64 (n_pairs,)
        The song's row, and the moment in unix seconds, `NO_TIME` where no event of the pair has one.
        Cost: one sort of the events, block by block.
    """
    blocks = [_find_newest_of_block(block) for block in events.cut_by_listener()]
    if len(blocks) == 1:
        return blocks[0]
    item_rows, timestamps = zip(*blocks, strict=True)
    return np.concatenate(item_rows), np.concatenate(timestamps)


def _find_newest_of_block(events: Interactions) -> tuple[NDArray[np.int32], NDArray[np.int64]]:
    is_positive = (events.kinds == Kind.PLAY) | (events.kinds == Kind.LIKE)
    pairs, timestamps = events.pairs()[is_positive], events.timestamps[is_positive]
    order = np.lexsort((timestamps, pairs))
    pairs, timestamps = pairs[order], timestamps[order]
    is_newest = np.append(pairs[1:] != pairs[:-1], True)[: len(pairs)]
    return (pairs[is_newest] % max(events.n_items, 1)).astype(np.int32), timestamps[is_newest]


def rank_descending(counts: NDArray[Any]) -> NDArray[np.intp]:
    """Return how many songs have a higher count than each one: 0 for the most popular."""
    ascending = np.sort(counts)
    return len(counts) - np.searchsorted(ascending, counts, side="right")
