"""Estimates of features that nobody measured, each with an interval that holds the truth in nine cases of ten.

Known values are predicted without themselves, fold by fold; how far off that was gives the intervals
(`estimation.conformal`). How often intervals really hold is measured on a fifth of the songs, of which neither the
predictions nor the widths saw a value.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix

from recommendations.engine.core.seeding import make_generator
from recommendations.engine.data.item_features import AUDIO_FEATURES, ItemFeatures
from recommendations.engine.estimation.conformal import compute_widths
from recommendations.engine.estimation.predictors import (
    Evidence,
    count_evidence,
    predict_features,
)

FEWEST_KNOWN = 100
"""With fewer known values of a feature, nothing is estimated of it."""
N_FOLDS = 5
TESTED_SHARE = 0.2
NO_SOURCE, NO_GENRE = -2, -2
"""Numbers of a song without one; -1 stands for all (`conformal.ANY`)."""
FASTEST = 400.0
N_STEPS = N_FOLDS + 2
"""Evidence, a prediction of each fold by the others, and the prediction by all."""

Progress = Callable[[int, int], None]
Step = Callable[[], None]


@dataclass(frozen=True)
class Estimate:
    """One feature of one song; tempo in beats per minute, the others 0 to 1."""

    value: float
    low: float
    high: float


@dataclass(frozen=True)
class FeatureEstimates:
    """Estimates of what is unknown.

    Attributes
    ----------
    values, low, high : float32 (n_items, 8)
        In the order and units of `ItemFeatures.audio`; NaN where the feature is known or can't be estimated.
    """

    values: NDArray[np.float32]
    low: NDArray[np.float32]
    high: NDArray[np.float32]

    @property
    def n_items(self) -> int:
        return len(self.values)

    def describe(self, item_row: int) -> dict[str, Estimate]:
        """Return a song's estimates by feature."""
        return {
            AUDIO_FEATURES[feature]: Estimate(
                *(float(array[item_row, feature]) for array in (self.values, self.low, self.high))
            )
            for feature in np.flatnonzero(np.isfinite(self.values[item_row]))
        }

    def fill(self, features: ItemFeatures) -> ItemFeatures:
        """Return the features with the estimates where nothing is known."""
        audio = np.where(np.isnan(features.audio), self.values, features.audio)
        return ItemFeatures(audio, features.artist, features.genres, features.year)

    def state(self) -> dict[str, NDArray[Any]]:
        """Return the arrays that are saved."""
        return {"values": self.values, "low": self.low, "high": self.high}

    @classmethod
    def from_state(cls, state: Mapping[str, NDArray[Any]]) -> FeatureEstimates:
        """Return what was saved; raise ValueError or KeyError when it is something else."""
        estimates = cls(state["values"], state["low"], state["high"])
        shape = (estimates.n_items, len(AUDIO_FEATURES))
        if {array.shape for array in (estimates.values, estimates.low, estimates.high)} != {shape}:
            raise ValueError("the estimates are of different numbers of songs or features")
        return estimates


@dataclass(frozen=True)
class CoverageCount:
    """How many known values were hidden, and how many of them the intervals held."""

    n_tested: int
    n_held: int

    @property
    def share(self) -> float | None:
        return self.n_held / self.n_tested if self.n_tested else None


@dataclass(frozen=True)
class CoverageReport:
    """What hiding known values showed.

    Attributes
    ----------
    overall
    by_feature
        Feature -> count.
    by_source, by_genre
        Number of the source or genre -> count; songs without one are under `NO_SOURCE`, `NO_GENRE`.
    errors, plain_errors
        Feature -> mean absolute error of the estimates, and of the mean of all known values in their place.
    """

    overall: CoverageCount
    by_feature: Mapping[str, CoverageCount]
    by_source: Mapping[int, CoverageCount]
    by_genre: Mapping[int, CoverageCount]
    errors: Mapping[str, float]
    plain_errors: Mapping[str, float]


def can_estimate(features: ItemFeatures) -> bool:
    """Say whether something is unknown, and enough is known to estimate it from."""
    is_known = np.isfinite(features.audio)
    n_known = is_known.sum(axis=0)
    return bool(((n_known >= FEWEST_KNOWN) & (n_known < features.n_items)).any())


def estimate_features(
    features: ItemFeatures,
    sources: NDArray[np.int32],
    strengths: csr_matrix,
    *,
    seed: int = 0,
    on_progress: Progress | None = None,
) -> FeatureEstimates:
    """Estimate what is unknown of the songs.

    Costs about seven times the sum of the known values and the entries of the evidence, and once
    n_items * 4096 * 32 for the neighbours.

    Parameters
    ----------
    sources
        int32 (n_items, 8): a number for where each known value comes from; ignored where it is unknown.
    strengths
        float32 csr (n_listeners, n_items), for the factors of the songs.
    on_progress
        Called with (done, total) after each step; an exception in it ends the work and comes out unchanged.
    """
    step = _count_steps(on_progress)
    evidence = Evidence.gather(features, strengths, seed=seed)
    step()
    is_taught = np.isfinite(features.audio)
    is_wanted = ~is_taught
    return _estimate(features, sources, evidence, is_taught, is_wanted, seed, step)


def measure_coverage(
    features: ItemFeatures,
    sources: NDArray[np.int32],
    strengths: csr_matrix,
    *,
    seed: int = 0,
    on_progress: Progress | None = None,
) -> CoverageReport:
    """Hide a fifth of the songs that have features, estimate them from the rest, and count how often intervals hold.

    Parameters are those of `estimate_features`.
    """
    step = _count_steps(on_progress)
    is_known = np.isfinite(features.audio)
    rng = make_generator(seed, "songs whose features are hidden")
    is_tested = is_known & (rng.random(features.n_items) < TESTED_SHARE)[:, None]
    is_taught = is_known & ~is_tested
    hidden = ItemFeatures(
        np.where(is_taught, features.audio, np.float32(np.nan)), features.artist, features.genres
    )
    evidence = Evidence.gather(hidden, strengths, seed=seed)
    step()
    estimates = _estimate(features, sources, evidence, is_taught, is_tested, seed, step)
    is_tested &= np.isfinite(estimates.values)
    holds = (features.audio >= estimates.low) & (features.audio <= estimates.high)
    genres = np.broadcast_to(
        _choose_genres(features.genres, features.n_items)[:, None], holds.shape
    )
    return CoverageReport(
        overall=CoverageCount(int(is_tested.sum()), int((holds & is_tested).sum())),
        by_feature={
            name: CoverageCount(int(tested.sum()), int(held.sum()))
            for name, tested, held in zip(
                AUDIO_FEATURES, is_tested.T, (holds & is_tested).T, strict=True
            )
        },
        by_source=_count_by_group(sources[is_tested], holds[is_tested]),
        by_genre=_count_by_group(genres[is_tested], holds[is_tested]),
        errors=_measure_errors(estimates.values, features.audio, is_tested),
        plain_errors=_measure_errors(
            np.broadcast_to(_average(features.audio, is_taught), holds.shape),
            features.audio,
            is_tested,
        ),
    )


def _count_steps(on_progress: Progress | None) -> Step:
    """Return what says after each step how many are done; it says at once that none is."""
    report = on_progress or _ignore_progress
    done = -1

    def step() -> None:
        nonlocal done
        done += 1
        report(done, N_STEPS)

    step()
    return step


def _ignore_progress(done: int, total: int) -> None:
    """Progress that nobody asked for."""


def _estimate(
    features: ItemFeatures,
    sources: NDArray[np.int32],
    evidence: Evidence,
    is_taught: NDArray[np.bool_],
    is_wanted: NDArray[np.bool_],
    seed: int,
    step: Step,
) -> FeatureEstimates:
    """Estimate the wanted values from the taught ones, with intervals."""
    out_of_fold = _predict_out_of_fold(features.audio, evidence, is_taught, seed, step)
    predictions = predict_features(evidence, features.audio, is_taught)
    step()
    rests_on = count_evidence(evidence, is_taught)
    genres = _choose_genres(features.genres, features.n_items)
    shape = features.audio.shape
    values, low, high = (np.full(shape, np.nan, dtype=np.float32) for _ in range(3))
    for feature in range(shape[1]):
        taught = np.flatnonzero(is_taught[:, feature] & np.isfinite(out_of_fold[:, feature]))
        wanted = np.flatnonzero(is_wanted[:, feature])
        if len(taught) < FEWEST_KNOWN or not len(wanted):
            continue
        stated = features.audio[taught, feature].astype(np.float64)
        errors = np.abs(stated - out_of_fold[taught, feature])
        difficulty = _measure_difficulty(errors, rests_on[taught, feature])
        widths = compute_widths(
            errors / difficulty[rests_on[taught, feature]], sources[taught, feature], genres[taught]
        )
        # an unknown value has no source of its own: it is estimated as the commonest source would have told it
        # (known values that are hidden keep their own source)
        commonest = _find_commonest(sources[taught, feature])
        is_known = np.isfinite(features.audio[wanted, feature])
        of = np.where(is_known, sources[wanted, feature], commonest)
        half = widths.look_up(of.astype(np.int32), genres[wanted])
        half *= difficulty[rests_on[wanted, feature]]
        lowest, highest = (1e-3, FASTEST) if AUDIO_FEATURES[feature] == "tempo" else (0.0, 1.0)
        predicted = np.clip(predictions[wanted, feature], stated.min(), stated.max())
        values[wanted, feature] = predicted
        low[wanted, feature] = np.clip(predicted - half, lowest, highest)
        high[wanted, feature] = np.clip(predicted + half, lowest, highest)
    return FeatureEstimates(values, low, high)


def _predict_out_of_fold(
    audio: NDArray[np.float32],
    evidence: Evidence,
    is_taught: NDArray[np.bool_],
    seed: int,
    step: Step,
) -> NDArray[np.float64]:
    """Predict each taught value from songs of the other folds; NaN elsewhere."""
    folds = make_generator(seed, "folds of estimates").integers(N_FOLDS, size=len(audio))
    predictions = np.full(audio.shape, np.nan)
    for fold in range(N_FOLDS):
        own = folds == fold
        if (is_taught & own[:, None]).any():
            from_others = predict_features(evidence, audio, is_taught & ~own[:, None])
            predictions[own] = from_others[own]
        step()
    return np.where(is_taught, predictions, np.nan)


def _measure_difficulty(
    errors: NDArray[np.float64], rests_on: NDArray[np.int8]
) -> NDArray[np.float64]:
    """Return the mean error by what a prediction rests on, (3,); that of all where few rest on it."""
    overall = max(float(errors.mean()), 1e-9)
    means = np.full(3, overall)
    for kind in range(3):
        of_kind = errors[rests_on == kind]
        if len(of_kind) >= FEWEST_KNOWN:
            means[kind] = max(float(of_kind.mean()), 1e-9)
    return means


def _choose_genres(genres: csr_matrix | None, n_items: int) -> NDArray[np.int32]:
    """Return the commonest genre of each song, int32 (n_items,); `NO_GENRE` for none."""
    chosen = np.full(n_items, NO_GENRE, dtype=np.int32)
    if genres is None or not genres.nnz:
        return chosen
    of_song = csr_matrix(genres)
    n_songs = np.bincount(of_song.indices, minlength=of_song.shape[1])
    rows = np.repeat(np.arange(n_items), np.diff(of_song.indptr))
    # rarest first, so that the commonest is written last
    order = np.lexsort((-of_song.indices, n_songs[of_song.indices]))
    chosen[rows[order]] = of_song.indices[order]
    return chosen


def _find_commonest(numbers: NDArray[np.int32]) -> int:
    values, counts = np.unique(numbers, return_counts=True)
    return int(values[counts.argmax()])


def _count_by_group(
    groups: NDArray[np.int32], holds: NDArray[np.bool_]
) -> dict[int, CoverageCount]:
    return {
        int(group): CoverageCount(int((groups == group).sum()), int(holds[groups == group].sum()))
        for group in np.unique(groups)
    }


def _average(audio: NDArray[np.float32], is_taught: NDArray[np.bool_]) -> NDArray[np.float64]:
    sums = np.where(is_taught, audio, 0).sum(axis=0, dtype=np.float64)
    return np.asarray(sums / np.maximum(is_taught.sum(axis=0), 1))


def _measure_errors(
    values: NDArray[Any], truth: NDArray[np.float32], is_tested: NDArray[np.bool_]
) -> dict[str, float]:
    return {
        name: float(np.abs(values[tested, feature] - truth[tested, feature]).mean())
        for feature, (name, tested) in enumerate(zip(AUDIO_FEATURES, is_tested.T, strict=True))
        if tested.any()
    }
