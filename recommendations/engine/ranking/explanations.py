"""Why a song is in a list, in numbers; the words are made where the page is."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from recommendations.engine.algorithms.content import Content
from recommendations.engine.algorithms.popularity import Popularity
from recommendations.engine.core.arrays import NO_SONG
from recommendations.engine.data.item_features import (
    AUDIO_FEATURES,
    FASTEST_BPM,
    SLOWEST_BPM,
)

BASE = "base"
"""What a learned ranker adds to every song of a listener: its mean, and what the length of the history adds."""

N_EVIDENCE = 3
N_FEATURES = 3
LEAST_AMOUNT = 1e-6
"""In units of the score: what is less is rounding, no reason."""
AGREES_WITHIN = 0.5
"""Two values of a feature agree if they differ by less than this part of its spread over the catalogue."""

FLIP_THRESHOLD = 5.0
"""A named song that adds this many times the distance to the next song decides the rank, until a training finds how
many times it takes: in the four trials of docs/evaluation.md the rank then fell without it in nine cases of ten."""

NO_FEATURE = -1
NO_COMPONENT = -1
NO_NOTE, ALL_TIME, TRENDING = -1, 0, 1


@dataclass(frozen=True)
class Evidence:
    """A song of the listener's history that raised the recommended song's score.

    `amount` is in units of the score; `component` is the one through which it counted most.
    """

    item_id: int | str
    amount: float
    component: str


@dataclass(frozen=True)
class FeatureMatch:
    """An audio feature in which the song and the listener's mean agree; tempo in beats per minute."""

    name: str
    song_value: float
    listener_value: float


@dataclass(frozen=True)
class PopularityNote:
    """`count` listeners played or liked it: lately (`trending`) or ever (`all_time`)."""

    kind: Literal["trending", "all_time"]
    count: int


@dataclass(frozen=True)
class Explanation:
    """Why one song was recommended.

    Attributes
    ----------
    contributions
        Component -> what it added; they sum to the score exactly.
    shares
        Component -> its part of the positive contributions; they sum to 1.
    because
        The song of the history without which this one would rank lower, estimated from what it adds and from the
        margin to the next song; none where that is sure of none. `evaluation.fidelity` measures how often it is true.
    goes_with
        The other songs of the history that counted most, largest first.
    features
        Audio features that agree, closest first.
    popularity
        How popular the song is, if that counted.
    scored_by
        `ranker`: the learned second stage; `blend`: the weighted components, as for cold listeners and for songs
        that no component proposed to the ranker.
    """

    contributions: Mapping[str, float]
    shares: Mapping[str, float]
    because: tuple[Evidence, ...] = ()
    goes_with: tuple[Evidence, ...] = ()
    features: tuple[FeatureMatch, ...] = ()
    popularity: PopularityNote | None = None
    scored_by: Literal["ranker", "blend"] = "blend"

    @property
    def named(self) -> tuple[Evidence, ...]:
        """All songs of the history that are named, largest first."""
        return self.because + self.goes_with

    def to_dict(self) -> dict[str, Any]:
        """Return compact JSON types; empty parts are left out."""
        result: dict[str, Any] = {
            "contributions": dict(self.contributions),
            "shares": dict(self.shares),
        }
        for key, songs in (("because", self.because), ("goes_with", self.goes_with)):
            if songs:
                result[key] = [[e.item_id, e.amount, e.component] for e in songs]
        if self.features:
            result["features"] = [[f.name, f.song_value, f.listener_value] for f in self.features]
        if self.popularity:
            result["popularity"] = [self.popularity.kind, self.popularity.count]
        return result


def compute_shares(
    contributions: Mapping[str, float], weights: Mapping[str, float]
) -> dict[str, float]:
    """Bring the positive contributions to a sum of 1.

    A song to which nothing was added (the last one by every component) gets the weights instead.
    """
    positive = {
        name: amount for name, amount in contributions.items() if amount > 0 and name != BASE
    }
    positive = positive or dict(weights)
    total = sum(positive.values())
    return {name: amount / total for name, amount in positive.items()}


@dataclass(frozen=True)
class EvidenceArrays:
    """The strongest songs of the history for each recommended song, strongest first.

    Attributes
    ----------
    item_rows : int32 (n, k, N_EVIDENCE)
        -1 for none.
    amounts : float32 (n, k, N_EVIDENCE)
        In units of the score.
    components : int8 (n, k, N_EVIDENCE)
        -1 for none.
    """

    item_rows: NDArray[np.int32]
    amounts: NDArray[np.float32]
    components: NDArray[np.int8]

    @classmethod
    def none(cls, n: int, k: int) -> EvidenceArrays:
        """Name no songs."""
        shape = (n, k, N_EVIDENCE)
        return cls(
            np.full(shape, NO_SONG, np.int32),
            np.zeros(shape, np.float32),
            np.full(shape, NO_COMPONENT, np.int8),
        )

    def margin_ratios(self, margins: NDArray[np.float64]) -> NDArray[np.float32]:
        """Return what the song named first adds in distances to the next song (n, k); 0 where none is named."""
        added = np.where(self.item_rows[:, :, 0] == NO_SONG, 0, self.amounts[:, :, 0])
        # as near as rounding tells: a tie is left by any loss
        return (added / np.maximum(margins, LEAST_AMOUNT)).astype(np.float32)


def find_strongest(
    history_rows: NDArray[np.int32], losses: Mapping[int, NDArray[np.float32]]
) -> EvidenceArrays:
    """Find the songs of the history that count most, over all components.

    Parameters
    ----------
    history_rows
        int32 (n, longest), padded.
    losses
        Component -> (n, k, longest), in units of the score.
    """
    first, *others = losses.values()
    total = first.copy()
    for component_losses in others:
        total += component_losses
    n, k, longest = total.shape
    evidence = EvidenceArrays.none(n, k)
    n_shown = min(N_EVIDENCE, longest)
    positions, amounts = _find_largest(total, n_shown)
    through = np.stack(
        [
            np.take_along_axis(component_losses, positions, axis=2)
            for component_losses in losses.values()
        ]
    ).argmax(axis=0)
    rows = history_rows[np.arange(n)[:, None, None], positions]
    counts = amounts >= LEAST_AMOUNT
    evidence.item_rows[:, :, :n_shown] = np.where(counts, rows, NO_SONG)
    evidence.amounts[:, :, :n_shown] = np.where(counts, amounts, 0)
    named = np.array(list(losses), dtype=np.int8)[through]
    evidence.components[:, :, :n_shown] = np.where(counts, named, NO_COMPONENT)
    return evidence


def _find_largest(
    values: NDArray[np.float32], n: int
) -> tuple[NDArray[np.intp], NDArray[np.float32]]:
    """Return the places of the n largest along the last axis, largest first, ties in order, and these values.

    The array is used up.
    """
    positions = np.empty((*values.shape[:2], n), dtype=np.intp)
    largest = np.empty(positions.shape, dtype=values.dtype)
    for rank in range(n):
        position = values.argmax(axis=2)[:, :, None]
        positions[:, :, rank, None] = position
        largest[:, :, rank, None] = np.take_along_axis(values, position, axis=2)
        np.put_along_axis(values, position, -np.inf, axis=2)
    return positions, largest


@dataclass(frozen=True)
class FeatureArrays:
    """Audio features in which songs and listeners agree, closest first.

    Attributes
    ----------
    which : int8 (n, k, N_FEATURES)
        Column of `AUDIO_FEATURES`, -1 for none.
    values : float32 (n, k, N_FEATURES)
        The song's, in the unit people know: tempo in BPM, the others 0 to 1.
    means : float32 (n, 8)
        The listeners', in the same unit; 0 where unknown.
    """

    which: NDArray[np.int8]
    values: NDArray[np.float32]
    means: NDArray[np.float32]

    @classmethod
    def none(cls, n: int, k: int) -> FeatureArrays:
        """Name no features."""
        shape = (n, k, N_FEATURES)
        means = np.zeros((n, len(AUDIO_FEATURES)), np.float32)
        return cls(np.full(shape, NO_FEATURE, np.int8), np.zeros(shape, np.float32), means)


def find_agreeing(
    content: Content,
    profiles: NDArray[np.float32],
    item_rows: NDArray[np.int32],
    estimated: NDArray[np.float32] | None = None,
) -> FeatureArrays:
    """Find the features in which the songs (n, k) are closest to the profiles (n, 8).

    A value that was only estimated, finite in `estimated` (n_items, 8), is no reason.
    """
    rows = np.maximum(item_rows, 0)
    songs = content.audio_[rows]
    if estimated is not None:
        songs = np.where(np.isfinite(estimated[rows]), np.float32(np.nan), songs)
    distance = np.abs(songs - profiles[:, None, :])
    distance /= content.spread_
    # unknown is NaN, which sorts last
    which = np.argsort(distance, axis=2, kind="stable")[:, :, :N_FEATURES]
    is_close = np.take_along_axis(distance, which, axis=2) <= AGREES_WITHIN
    values = _convert_to_units(which, np.take_along_axis(songs, which, axis=2))
    return FeatureArrays(
        which=np.where(is_close, which, NO_FEATURE).astype(np.int8),
        values=np.where(is_close, values, 0),
        means=np.nan_to_num(_convert_to_units(np.arange(profiles.shape[1]), profiles)),
    )


def name_features(profile: NDArray[np.float32]) -> dict[str, float]:
    """Return a profile's known features by name, in the unit people know, from float32 (8,)."""
    values = _convert_to_units(np.arange(len(profile)), profile)
    return {
        AUDIO_FEATURES[feature]: float(values[feature])
        for feature in np.flatnonzero(np.isfinite(profile))
    }


def _convert_to_units(which: NDArray[np.intp], scaled: NDArray[np.float32]) -> NDArray[np.float32]:
    is_tempo = which == AUDIO_FEATURES.index("tempo")
    values = np.where(is_tempo, SLOWEST_BPM + scaled * (FASTEST_BPM - SLOWEST_BPM), scaled)
    return values.astype(np.float32, copy=False)


def make_popularity_notes(
    popularity: Popularity, item_rows: NDArray[np.int32]
) -> NDArray[np.int32]:
    """Return (kind, count) of each song by the count that says more, int32 (n, k, 2)."""
    rows = np.maximum(item_rows, 0)
    trending = popularity.is_trending_[rows]
    count = np.where(trending, popularity.n_recent_[rows], popularity.n_listeners_[rows])
    return np.stack([np.where(trending, TRENDING, ALL_TIME), count], axis=2).astype(np.int32)
