"""Estimates of missing audio features in a training: made, measured, and used in lists only where they earn it."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from catalog.models import Genre
from recommendations.conf import conf
from recommendations.engine import (
    SEGMENTS,
    CoverageReport,
    EvaluationReport,
    FeatureEstimates,
    Interval,
    ItemFeatures,
    Recommender,
    RecommenderConfig,
    Split,
    can_estimate,
    estimate_features,
    evaluate,
    measure_coverage,
    paired_bootstrap,
)
from recommendations.services.data.feature_sources import FeatureSources, read_feature_sources
from recommendations.services.data.training_rows import TrainingRows
from recommendations.services.training.offline_evaluation import (
    FEW_LISTENERS,
    METRIC,
    choose_split,
    make_split,
)
from recommendations.services.training.progress import Reporter

CONTENT = "content"


@dataclass(frozen=True)
class Estimation:
    """What came of the missing features.

    `rows` have the estimates in the place of unknown features where these make lists better, and are as they were
    otherwise. `record` is what a version keeps: plain JSON types, empty where nothing was estimated.
    """

    rows: TrainingRows
    estimates: FeatureEstimates | None
    record: dict[str, Any]


def estimate(
    rows: TrainingRows, config: RecommenderConfig, options: Mapping[str, Any], reporter: Reporter
) -> Estimation:
    """Estimate missing features; measure how often their intervals hold, and what the estimates are worth in lists.

    Lists use them when the sound component alone, fitted on a part of what was heard, finds the rest better with them
    than without, surely (the 95 % interval of the difference is above 0). An unmeasured training does not use them.
    """
    if not can_estimate(rows.features):
        return Estimation(rows, None, {})
    seed = int(options.get("seed", 0))
    sources = read_feature_sources(rows.interactions.items.ids)
    strengths = rows.interactions.to_matrix(config.weighting)
    coverage = measure_coverage(rows.features, sources.numbers, strengths, seed=seed)
    estimates = estimate_features(rows.features, sources.numbers, strengths, seed=seed)
    use = None
    if options.get("evaluate", True) and CONTENT in config.components:
        use = measure_use(rows, sources, config, seed=seed)
    is_used = use is not None and use.difference.is_above_zero
    record = _describe(rows, estimates, coverage, sources) | {
        "used": is_used,
        "use": None if use is None else use.to_dict(),
    }
    _tell(record, reporter)
    if is_used:
        rows = replace(rows, features=estimates.fill(rows.features))
    return Estimation(rows, estimates, record)


@dataclass(frozen=True)
class Use:
    """NDCG@10 of the sound component alone with and without estimates, and the interval of the paired difference."""

    filled: float
    bare: float
    difference: Interval

    def to_dict(self) -> dict[str, float]:
        return {
            "filled": self.filled,
            "bare": self.bare,
            "low": self.difference.low,
            "high": self.difference.high,
        }


def measure_use(
    rows: TrainingRows, sources: FeatureSources, config: RecommenderConfig, *, seed: int
) -> Use | None:
    """Measure on a split what estimates are worth; None where too few listeners can be measured.

    The estimates are made from the training part alone, so that nothing of the rest is in them.
    """
    split = make_split(rows, choose_split(rows), seed)
    strengths = split.train.to_matrix(config.weighting)
    if not split.test.nnz or not strengths.nnz:
        return None
    estimates = estimate_features(rows.features, sources.numbers, strengths, seed=seed)
    alone = _isolate_content(config)
    filled = _measure(alone, split, estimates.fill(rows.features), seed)
    bare = _measure(alone, split, rows.features, seed)
    if len(filled.listeners) < FEW_LISTENERS:
        return None
    difference = paired_bootstrap(filled, bare, metric=METRIC, seed=seed)
    return Use(filled.mean(METRIC), bare.mean(METRIC), difference)


def _isolate_content(config: RecommenderConfig) -> RecommenderConfig:
    """Return a configuration whose only component is the sound, with its settings."""
    return RecommenderConfig(
        name=CONTENT,
        components={CONTENT: config.components[CONTENT]},
        weights={segment: {CONTENT: 1.0} for segment in SEGMENTS},
        weighting=config.weighting,
        relevance=1.0,
        artist_cap=None,
    )


def _measure(
    config: RecommenderConfig, split: Split, features: ItemFeatures, seed: int
) -> EvaluationReport:
    return evaluate(
        Recommender(config).fit(split.train, features, seed=seed),
        split,
        item_features=features,
        max_listeners=conf.evaluation_listeners,
        seed=seed,
    )


def _describe(
    rows: TrainingRows,
    estimates: FeatureEstimates,
    coverage: CoverageReport,
    sources: FeatureSources,
) -> dict[str, Any]:
    is_estimated = np.isfinite(estimates.values)
    n_estimated = dict(zip(coverage.by_feature, is_estimated.sum(axis=0).tolist(), strict=True))
    genre_ids = [] if rows.genre_ids is None else rows.genre_ids.tolist()
    names = dict(Genre.objects.filter(pk__in=genre_ids).values_list("pk", "name"))
    return {
        "n_songs": int(is_estimated.any(axis=1).sum()),
        "n_tested": coverage.overall.n_tested,
        "coverage": coverage.overall.share,
        "features": [
            {
                "name": name,
                "n_estimated": n_estimated[name],
                "n_tested": count.n_tested,
                "coverage": count.share,
                "error": coverage.errors[name],
                "plain_error": coverage.plain_errors[name],
            }
            for name, count in coverage.by_feature.items()
            if count.n_tested
        ],
        "sources": [
            {
                "name": sources.names[number] if number >= 0 else "",
                "n_tested": count.n_tested,
                "coverage": count.share,
            }
            for number, count in coverage.by_source.items()
        ],
        "genres": [
            {
                "name": names.get(genre_ids[number], "") if number >= 0 else "",
                "n_tested": count.n_tested,
                "coverage": count.share,
            }
            for number, count in coverage.by_genre.items()
        ],
    }


def _tell(record: Mapping[str, Any], reporter: Reporter) -> None:
    coverage = record["coverage"]
    reporter.say(
        f"Estimated missing audio features of {record['n_songs']:,} songs"
        + (
            f"; the intervals hold {coverage:.1%} of {record['n_tested']:,} known values that were hidden."
            if coverage is not None
            else "."
        )
    )
    use = record["use"]
    if use is None:
        reporter.say("Lists don't use the estimates: what they are worth was not measured.")
        return
    reporter.say(
        f"Lists {'use' if record['used'] else 'do not use'} the estimates: by sound alone, NDCG@10 is "
        f"{use['filled']:.4f} with them and {use['bare']:.4f} without "
        f"(difference {use['low']:+.4f} to {use['high']:+.4f})."
    )
