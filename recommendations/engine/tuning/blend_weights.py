"""Finding the weights of the linear blend for cold, warm and hot listeners."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix

from recommendations.engine.algorithms import Algorithm
from recommendations.engine.core.arrays import (
    count_per_row,
    cut_blocks,
    keep_positive,
    select_top_columns,
)
from recommendations.engine.core.config import SEGMENTS, RecommenderConfig
from recommendations.engine.core.seeding import make_generator
from recommendations.engine.ranking.ensemble import Blend, assign_segments
from recommendations.engine.tuning.validation import (
    MIN_LISTENERS,
    Cases,
    K,
    measure_ndcg,
)

N_BLENDS = 24
"""Random mixtures that are tried for a segment."""
N_NEAR = 16
"""Mixtures near the best one that are tried after that."""
N_SAMPLE = 300
"""Listeners of each half of a segment on whom its weights are found; the other half judges them."""
N_CANDIDATES = 100
"""Best songs of each component that `find_better_weights` looks at: a song in none of them is in no list of ten."""
CELLS = 10_000_000
"""Scores of a component that are in memory at once while the candidates are found."""


@dataclass(frozen=True)
class BlendSearch:
    """The weights that were found, and how good they are for listeners they were not found on.

    Attributes
    ----------
    weights
        Segment -> component -> weight.
    ndcg : float64 (n,)
        Of each listener of the validation part.
    new_ndcg : float64 (m,)
        Of each new listener.
    """

    weights: dict[str, dict[str, float]]
    ndcg: NDArray[np.float64]
    new_ndcg: NDArray[np.float64]


def search_blend(
    fitted: Mapping[str, Algorithm], cases: Cases, new: Cases, config: RecommenderConfig, seed: int
) -> BlendSearch:
    """Find the weights of each segment; each half of its listeners is judged by weights found on the other.

    Cold weights are found on new listeners, whose listens the components have not seen.

    Parameters
    ----------
    cases
        Listeners whose other songs the components were fitted with; some songs are held out.
    new
        New listeners with less than `config.cold_below` songs given.
    """
    rng = make_generator(seed, "weights")
    segments = assign_segments(count_per_row(keep_positive(cases.histories)), config)
    weights_by_segment: dict[str, dict[str, float]] = {}
    ndcg, new_ndcg = np.full(len(cases), np.nan), np.full(len(new), np.nan)
    if len(new) >= MIN_LISTENERS:
        weights_by_segment["cold"], new_ndcg = _fit_crosswise(fitted, new, rng)
    for segment in ("warm", "hot"):
        rows = np.flatnonzero(segments == SEGMENTS.index(segment))
        if len(rows) >= MIN_LISTENERS:
            weights_by_segment[segment], ndcg[rows] = _fit_crosswise(fitted, cases.take(rows), rng)
    weights = _complete_weights(weights_by_segment, tuple(fitted))
    for segment_code, segment in enumerate(SEGMENTS):
        rows = np.flatnonzero((segments == segment_code) & np.isnan(ndcg))
        if len(rows):
            ndcg[rows] = _measure_mixture(
                fitted, cases.take(rows), _make_weights_row(weights[segment], fitted)
            )
    return BlendSearch(weights, ndcg, np.nan_to_num(new_ndcg))


@dataclass(frozen=True)
class ImprovedWeights:
    """Weights beside those that were given, both judged by listeners they were not found on.

    Attributes
    ----------
    weights
        Segment -> component -> weight; a segment keeps its own where no others measured better.
    n_listeners
        Who judged.
    ndcg, given_ndcg
        Their mean by the new weights and by the given ones, on each component's best songs.
    """

    weights: dict[str, dict[str, float]]
    n_listeners: int
    ndcg: float
    given_ndcg: float

    def to_dict(self) -> dict[str, Any]:
        """Return plain JSON types, for a training's metadata."""
        return {
            "n_listeners": self.n_listeners,
            "ndcg@10": round(self.ndcg, 4),
            "ndcg@10 by the given weights": round(self.given_ndcg, 4),
            "weights": self.weights,
        }


def find_better_weights(
    fitted: Mapping[str, Algorithm], cases: Cases, config: RecommenderConfig, seed: int
) -> ImprovedWeights:
    """Find weights for warm and hot listeners that are better than the configured ones.

    Each half of a segment's listeners is judged by weights found on the other half, and by the configured ones. Cost:
    one scoring of the listeners by each component; memory is bounded whatever the size of the catalogue.

    Parameters
    ----------
    fitted
        All components of the configuration, in its order.
    cases
        Listeners whose other songs the components were fitted with; some songs are held out.
    """
    rng = make_generator(seed, "weights")
    segments = assign_segments(count_per_row(keep_positive(cases.histories)), config)
    weights = {segment: dict(config.weights[segment]) for segment in SEGMENTS}
    new, given = np.zeros(0), np.zeros(0)
    for segment in ("warm", "hot"):
        rows = np.flatnonzero(segments == SEGMENTS.index(segment))
        if len(rows) < 2 * MIN_LISTENERS:
            continue
        configured = _make_weights_row(config.weights[segment], fitted)
        halves = [
            _ScaledScores.scale_candidates(fitted, cases.take(half[:N_SAMPLE]))
            for half in np.array_split(rng.permutation(rows), 2)
        ]
        mixtures = [_search_weights(half, rng, configured) for half in halves]
        searched = np.concatenate(
            [half.ndcg(mixture) for half, mixture in zip(halves, mixtures[::-1], strict=True)]
        )
        kept = np.concatenate([half.ndcg(configured) for half in halves])
        given = np.append(given, kept)
        if searched.mean() > kept.mean():
            weights[segment] = _name_weights(np.mean(mixtures, axis=0), fitted)
            new = np.append(new, searched)
        else:
            new = np.append(new, kept)
    means = (float(ndcg.mean()) if len(ndcg) else 0.0 for ndcg in (new, given))
    return ImprovedWeights(weights, len(given), *means)


def judge_blend(
    fitted: Mapping[str, Algorithm], cases: Cases, config: RecommenderConfig
) -> NDArray[np.float64]:
    """Return each listener's NDCG, (n,), by the weights of the configuration; all its components are fitted."""
    segments = assign_segments(count_per_row(keep_positive(cases.histories)), config)
    ndcg = np.zeros(len(cases))
    for index, segment in enumerate(SEGMENTS):
        rows = np.flatnonzero(segments == index)
        if len(rows):
            ndcg[rows] = _measure_mixture(
                fitted, cases.take(rows), _make_weights_row(config.weights[segment], fitted)
            )
    return ndcg


def _fit_crosswise(
    fitted: Mapping[str, Algorithm], cases: Cases, rng: np.random.Generator
) -> tuple[dict[str, float], NDArray[np.float64]]:
    """Return the mean of the weights found on two halves, and each listener's NDCG by those of the other half."""
    halves = np.array_split(rng.permutation(len(cases)), 2)
    mixtures = [
        _search_weights(_ScaledScores.scale_scores(fitted, cases.take(half[:N_SAMPLE])), rng)
        for half in halves
    ]
    ndcg = np.zeros(len(cases))
    for half, mixture in zip(halves, reversed(mixtures), strict=True):
        ndcg[half] = _measure_mixture(fitted, cases.take(half), mixture)
    return _name_weights(np.mean(mixtures, axis=0), fitted), ndcg


def _name_weights(
    mixture: NDArray[np.float64], fitted: Mapping[str, Algorithm]
) -> dict[str, float]:
    """Return component -> share, in thousandths that sum to 1."""
    rounded = np.round(mixture / mixture.sum(), 3)
    shares = rounded / rounded.sum()
    return {name: float(share) for name, share in zip(fitted, shares, strict=True)}


def _measure_mixture(
    fitted: Mapping[str, Algorithm], cases: Cases, mixture: NDArray[np.float64]
) -> NDArray[np.float64]:
    used = {name: fitted[name] for name, weight in zip(fitted, mixture, strict=True) if weight}
    return np.concatenate(
        [
            _ScaledScores.scale_scores(used, block).ndcg(mixture[mixture > 0])
            for _, block in cases.blocks()
        ]
    )


def _make_weights_row(
    weights: Mapping[str, float], fitted: Mapping[str, Algorithm]
) -> NDArray[np.float64]:
    return np.array([weights.get(name, 0.0) for name in fitted])


def _complete_weights(
    searched: Mapping[str, dict[str, float]], names: Sequence[str]
) -> dict[str, dict[str, float]]:
    """Fill in the segments that could not be judged; popularity always has a part, for who has no history."""
    default = next(iter(searched.values()), {name: 1 / len(names) for name in names})
    weights = {segment: dict(searched.get(segment, default)) for segment in SEGMENTS}
    weights["none"] = dict(weights["cold"])
    for name in ("none", "cold"):
        weights[name] = ensure_weight(weights[name], "popularity", 0.02)
    return weights


def ensure_weight(weights: Mapping[str, float], name: str, least: float) -> dict[str, float]:
    """Raise one weight to `least` where it is below, then scale all to a sum of 1."""
    raised = {**weights, name: max(weights.get(name, 0), least)}
    total = sum(raised.values())
    return {key: value / total for key, value in raised.items()}


@dataclass(frozen=True)
class _ScaledScores:
    """Each component's scores on the scale of the blend.

    Attributes
    ----------
    components
        One float32 (n, n_items) a component; 0 where it cannot score.
    impossible : bool (n, n_items)
        Songs that no component can score, the histories' own among them.
    labels : float32 csr (n, n_items)
    columns : int32 (n, m)
        Which songs the columns of the arrays above are where they are candidates only; None for all.
    """

    components: Sequence[NDArray[np.float32]]
    impossible: NDArray[np.bool_]
    labels: csr_matrix
    columns: NDArray[np.int32] | None = None

    @classmethod
    def scale_scores(cls, fitted: Mapping[str, Algorithm], cases: Cases) -> _ScaledScores:
        scores = [cases.scores(algorithm) for algorithm in fitted.values()]
        impossible = np.logical_and.reduce([np.isnan(component) for component in scores])
        scale = Blend.from_scores(scores, np.ones((len(cases), len(scores))))
        for number, component in enumerate(scores):
            component -= scale.low[:, number, None].astype(np.float32)
            component /= scale.span[:, number, None].astype(np.float32)
            np.nan_to_num(component, copy=False, nan=0.0)
        return cls(scores, impossible, cases.labels)

    @classmethod
    def scale_candidates(cls, fitted: Mapping[str, Algorithm], cases: Cases) -> _ScaledScores:
        """Return the scores of each component's best songs, a few listeners at a time."""
        n_items = cases.histories.shape[1]
        blocks = [
            cls.scale_scores(fitted, cases.take(rows))._keep_candidates()
            for rows in cut_blocks(len(cases), CELLS // max(n_items, 1))
        ]
        return cls(
            [
                np.concatenate([block.components[number] for block in blocks])
                for number in range(len(fitted))
            ],
            np.concatenate([block.impossible for block in blocks]),
            cases.labels,
            np.concatenate([block.columns for block in blocks if block.columns is not None]),
        )

    def _keep_candidates(self) -> _ScaledScores:
        proposed = [
            select_top_columns(
                np.where(self.impossible, np.float32(-np.inf), component), N_CANDIDATES
            )
            for component in self.components
        ]
        columns = np.sort(np.hstack(proposed), axis=1)
        is_repeated = np.zeros(columns.shape, dtype=bool)
        is_repeated[:, 1:] = columns[:, 1:] == columns[:, :-1]
        songs = np.maximum(columns, 0)
        return _ScaledScores(
            [np.take_along_axis(component, songs, axis=1) for component in self.components],
            is_repeated | (columns < 0),
            self.labels,
            columns,
        )

    def ndcg(self, mixture: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return each listener's NDCG, (n,), by a blend with these weights, (n_components,)."""
        total = np.zeros(self.impossible.shape, dtype=np.float32)
        for weight, component_scores in zip(mixture, self.components, strict=True):
            if weight:
                total += np.float32(weight) * component_scores
        total[self.impossible] = -np.inf
        lists = select_top_columns(total, K)
        if self.columns is not None:
            songs = np.take_along_axis(self.columns, np.maximum(lists, 0), axis=1)
            lists = np.where(lists < 0, np.int32(-1), songs)
        return measure_ndcg(lists, self.labels)


def _search_weights(
    scaled: _ScaledScores, rng: np.random.Generator, *first: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Try some, each component alone, random mixtures and some near the best; return the best, (n_components,)."""
    n = len(scaled.components)
    mixtures = [*first, *np.eye(n), *rng.dirichlet(np.full(n, 0.5), N_BLENDS)]
    trials = [(scaled.ndcg(mixture).mean(), mixture) for mixture in mixtures]
    for _ in range(N_NEAR):
        _, best = max(trials, key=lambda one: one[0])
        near = (best + 0.02) * np.exp(rng.normal(0, 0.7, n))
        near /= near.sum()
        trials.append((scaled.ndcg(near).mean(), near))
    best_weights: NDArray[np.float64] = max(trials, key=lambda one: one[0])[1]
    return best_weights
