"""What has to be known of all shards before any of them can be learned from, and what is only summed."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix

from recommendations.engine.algorithms.popularity import (
    find_ends,
    find_newest_by_listener,
    sum_trend,
)
from recommendations.engine.core.arrays import count_per_row, keep_positive
from recommendations.engine.core.weighting import (
    Weighting,
    apply_cap,
    compute_cap,
    measure_mean_sizes,
)
from recommendations.engine.data.interactions import Interactions
from recommendations.engine.tuning.crowd import ENOUGH_SONGS, Crowd


@dataclass(frozen=True)
class Survey:
    """What one shard holds, or all of them together.

    Attributes
    ----------
    n_events, n_pairs
    listener_ids : int64 (n_listeners,)
        Who has events.
    mean_sizes : float64
        Of each listener with a strength, the mean size of theirs: from all of them follows where strengths are cut.
    n_liked : int64 (n_items,)
        Listeners who like the song.
    n_liked_in_crowd : int64 (n_items,)
        Of them, those who are part of the crowd (`Crowd`).
    n_in_crowd
    n_who_like
        Listeners who like at least one song.
    window, ends : (first, last) or None
        Moments of all events, and of the newest plays and likes (`find_newest_by_listener`).
    digest
        sha256 of the events; of several shards that of their digests in order.
    """

    n_events: int
    n_pairs: int
    listener_ids: NDArray[np.int64]
    mean_sizes: NDArray[np.float64]
    n_liked: NDArray[np.int64]
    n_liked_in_crowd: NDArray[np.int64]
    n_in_crowd: int
    n_who_like: int
    window: tuple[int, int] | None
    ends: tuple[int, int] | None
    digest: str

    @classmethod
    def measure(cls, events: Interactions, weighting: Weighting) -> Survey:
        """Look at one shard."""
        strengths = events.to_matrix(weighting)
        liked = keep_positive(strengths)
        crowd = liked[count_per_row(liked) >= ENOUGH_SONGS]
        _, timestamps = find_newest_by_listener(events)
        return cls(
            n_events=events.n_events,
            n_pairs=int(strengths.nnz),
            listener_ids=events.listeners.ids.astype(np.int64),
            mean_sizes=measure_mean_sizes(strengths),
            n_liked=np.bincount(liked.indices, minlength=events.n_items),
            n_liked_in_crowd=np.bincount(crowd.indices, minlength=events.n_items),
            n_in_crowd=int(crowd.shape[0]),
            n_who_like=int((count_per_row(liked) > 0).sum()),
            window=find_ends(events.timestamps),
            ends=find_ends(timestamps),
            digest=events.compute_digest(),
        )

    @classmethod
    def join(cls, surveys: Sequence[Survey]) -> Survey:
        """Return the survey of all shards together; there is at least one."""
        together = hashlib.sha256("".join(survey.digest for survey in surveys).encode())
        return cls(
            n_events=sum(survey.n_events for survey in surveys),
            n_pairs=sum(survey.n_pairs for survey in surveys),
            listener_ids=np.concatenate([survey.listener_ids for survey in surveys]),
            mean_sizes=np.concatenate([survey.mean_sizes for survey in surveys]),
            n_liked=np.sum([survey.n_liked for survey in surveys], axis=0),
            n_liked_in_crowd=np.sum([survey.n_liked_in_crowd for survey in surveys], axis=0),
            n_in_crowd=sum(survey.n_in_crowd for survey in surveys),
            n_who_like=sum(survey.n_who_like for survey in surveys),
            window=_join_ends([survey.window for survey in surveys]),
            ends=_join_ends([survey.ends for survey in surveys]),
            digest=together.hexdigest(),
        )

    @property
    def n_items(self) -> int:
        return len(self.n_liked)

    @property
    def n_listeners(self) -> int:
        return len(self.listener_ids)

    def cap(self, strengths: csr_matrix) -> csr_matrix:
        """Return a shard's strengths as a fit of everybody would cut them."""
        limit = compute_cap(self.mean_sizes)
        return strengths if limit is None else apply_cap(strengths, limit)

    def count_shared(self, strengths: csr_matrix) -> float:
        """Return the sum over a shard's crowd of the share of their songs that another one of all likes, too."""
        liked = keep_positive(strengths)
        liked = liked[count_per_row(liked) >= ENOUGH_SONGS]
        if not liked.shape[0]:
            return 0.0
        is_shared = (self.n_liked_in_crowd > 1)[liked.indices]
        shared = np.add.reduceat(is_shared, liked.indptr[:-1], dtype=np.float64)
        return float((shared / count_per_row(liked)).sum())

    def describe_crowd(self, n_shared: float) -> dict[str, Any]:
        """Return the crowd of all shards from the sum of `count_shared`."""
        return Crowd(self.n_in_crowd, n_shared / max(self.n_in_crowd, 1)).to_dict()


@dataclass(frozen=True)
class Recency:
    """What the newest events of a shard's listeners, or of all, add to each song's trend: see `sum_trend`."""

    trend: NDArray[np.float64]
    n_recent: NDArray[np.int64]

    @classmethod
    def measure(cls, events: Interactions, ends: tuple[int, int], half_life_days: float) -> Recency:
        """Count the newest event of each listener and song; `ends` are the first and last second of all shards."""
        item_rows, timestamps = find_newest_by_listener(events)
        return cls(*sum_trend(item_rows, timestamps, ends, half_life_days, events.n_items))

    @classmethod
    def join(cls, recencies: Sequence[Recency]) -> Recency:
        """Add those of all shards: a listener is in one shard only."""
        return cls(
            np.sum([recency.trend for recency in recencies], axis=0),
            np.sum([recency.n_recent for recency in recencies], axis=0),
        )


def _join_ends(ends: Sequence[tuple[int, int] | None]) -> tuple[int, int] | None:
    joined = [each for each in ends if each is not None]
    if not joined:
        return None
    return min(first for first, _ in joined), max(last for _, last in joined)
