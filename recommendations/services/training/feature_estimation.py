"""Estimates of missing audio features in a training: made, measured, and used in lists only where they earn it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import cached_property, partial
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
    bootstrap_pairs,
    can_estimate,
    estimate_features,
    evaluate,
    measure_coverage,
)
from recommendations.services.data.feature_sources import FeatureSources, read_feature_sources
from recommendations.services.data.training_rows import TrainingRows
from recommendations.services.training.evaluation_result import FEW_LISTENERS
from recommendations.services.training.offline_evaluation import (
    METRIC,
    OnProgress,
    choose_split,
    make_split,
)
from recommendations.services.training.progress import Reporter

CONTENT = "content"


STAGE = "estimating"


@dataclass(frozen=True)
class Estimation:
    """What came of the missing features.

    `rows` have the estimates in the place of unknown features where these make lists better, and are as they were
    otherwise. `record` is what a version keeps: plain JSON types, empty where nothing was estimated.
    """

    rows: TrainingRows
    estimates: FeatureEstimates | None
    record: dict[str, Any]
    _make_measured_rows: Callable[[], TrainingRows]

    @cached_property
    def measured_rows(self) -> TrainingRows:
        """Return the rows for an evaluation on the split of this training.

        Where `rows` have estimates, these have those made from the split's training part alone, so that nothing of
        the held-out songs' listens is in them. They are made when they are first asked for, unless they were already
        made to measure what estimates are worth.
        """
        return self._make_measured_rows()


@dataclass(frozen=True)
class Use:
    """NDCG@10 of the sound component alone with and without estimates, and the interval of the paired difference.

    `features` are those that were measured: with estimates from the training part of the split.
    """

    filled: float
    bare: float
    difference: Interval
    features: ItemFeatures

    def to_dict(self) -> dict[str, float]:
        return {
            "filled": self.filled,
            "bare": self.bare,
            "low": self.difference.low,
            "high": self.difference.high,
        }


def estimate(
    rows: TrainingRows,
    config: RecommenderConfig,
    options: Mapping[str, Any],
    reporter: Reporter,
    before: Mapping[str, Any] | None = None,
) -> Estimation:
    """Estimate missing features; measure how often their intervals hold, and what the estimates are worth in lists.

    Lists use them when the sound component alone, fitted on a part of what was heard, finds the rest better with them
    than without, surely (the 95 % interval of the difference is above 0). An unmeasured training does not use them,
    unless it goes on with what another version learned: `before` is the record of that one, whose decision stays.
    """
    if not can_estimate(rows.features):
        reporter.leave_out(STAGE)
        return Estimation(rows, None, {}, lambda: rows)
    on_progress = reporter.enter(STAGE)
    seed = int(options.get("seed", 0))
    sources = read_feature_sources(rows.interactions.items.ids)
    strengths = rows.interactions.to_matrix(config.weighting)
    coverage = measure_coverage(
        rows.features,
        sources.numbers,
        strengths,
        seed=seed,
        on_progress=partial(on_progress, "intervals"),
    )
    estimates = estimate_features(
        rows.features,
        sources.numbers,
        strengths,
        seed=seed,
        on_progress=partial(on_progress, "values"),
    )
    use = None
    if before is None and options.get("evaluate", True) and CONTENT in config.components:
        use = measure_use(rows, sources, config, seed=seed, on_progress=on_progress)
    decision = _decide(use) if before is None else _keep_decision(before)
    record = _describe(rows, estimates, coverage, sources) | decision
    _tell(record, reporter, is_kept=before is not None)
    if not record["used"]:
        return Estimation(rows, estimates, record, lambda: rows)

    def make_measured_rows() -> TrainingRows:
        features = use.features if use else _estimate_from_split(rows, sources, config, seed)
        return replace(rows, features=features)

    filled = replace(rows, features=estimates.fill(rows.features))
    return Estimation(filled, estimates, record, make_measured_rows)


def _estimate_from_split(
    rows: TrainingRows, sources: FeatureSources, config: RecommenderConfig, seed: int
) -> ItemFeatures:
    """Return the features with estimates from the training part of the split of this training."""
    split = make_split(rows, choose_split(rows, config), seed)
    strengths = split.train.to_matrix(config.weighting)
    return estimate_features(rows.features, sources.numbers, strengths, seed=seed).fill(
        rows.features
    )


def _decide(use: Use | None) -> dict[str, Any]:
    return {
        "used": use is not None and use.difference.is_above_zero,
        "use": None if use is None else use.to_dict(),
    }


def _keep_decision(before: Mapping[str, Any]) -> dict[str, Any]:
    """Return what an earlier record says; of one that estimated nothing, that nothing is used."""
    return {"used": bool(before.get("used")), "use": before.get("use")}


def measure_use(
    rows: TrainingRows,
    sources: FeatureSources,
    config: RecommenderConfig,
    *,
    seed: int,
    on_progress: OnProgress | None = None,
) -> Use | None:
    """Measure on a split what estimates are worth; None where too few listeners can be measured.

    The split is that of the evaluation. The estimates are made from its training part alone, so that nothing of the
    rest is in them. Few listeners cost nothing but the split.
    """
    split = make_split(rows, choose_split(rows, config), seed)
    n_with_test = int(np.count_nonzero(np.diff(split.test.indptr)))
    if min(n_with_test, int(conf.evaluation_listeners)) < FEW_LISTENERS:
        return None
    strengths = split.train.to_matrix(config.weighting)
    if not strengths.nnz:
        return None
    report = on_progress or _ignore_progress
    estimates = estimate_features(
        rows.features,
        sources.numbers,
        strengths,
        seed=seed,
        on_progress=partial(report, "values of the training part"),
    )
    alone, features = _isolate_content(config), estimates.fill(rows.features)
    filled = _measure(alone, split, features, seed, partial(report, "lists with estimates"))
    bare = _measure(alone, split, rows.features, seed, partial(report, "lists without"))
    difference = bootstrap_pairs(filled, bare, metric=METRIC, seed=seed)
    return Use(filled.mean(METRIC), bare.mean(METRIC), difference, features)


def _ignore_progress(stage: str, done: int, total: int) -> None:
    """Progress that nobody asked for."""


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
    config: RecommenderConfig,
    split: Split,
    features: ItemFeatures,
    seed: int,
    on_progress: Callable[[int, int], None],
) -> EvaluationReport:
    def report(_stage: str, done: int, total: int) -> None:
        on_progress(done, total)

    return evaluate(
        Recommender(config).fit(split.train, features, seed=seed, on_progress=report),
        split,
        item_features=features,
        max_listeners=conf.evaluation_listeners,
        seed=seed,
        on_progress=report,
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


def _tell(record: Mapping[str, Any], reporter: Reporter, *, is_kept: bool) -> None:
    coverage = record["coverage"]
    reporter.say(
        f"Estimated missing audio features of {record['n_songs']:,} songs"
        + (
            f"; the intervals hold {coverage:.1%} of {record['n_tested']:,} known values that were hidden."
            if coverage is not None
            else "."
        )
    )
    if is_kept:
        reporter.say(
            "Lists use the estimates, as those of the version before."
            if record["used"]
            else "Lists do not use the estimates, as those of the version before."
        )
        return
    use = record["use"]
    if use is None:
        reporter.say("Lists don't use the estimates: what they are worth was not measured.")
        return
    reporter.say(
        f"Lists {'use' if record['used'] else 'do not use'} the estimates: by sound alone, NDCG@10 is "
        f"{use['filled']:.4f} with them and {use['bare']:.4f} without "
        f"(difference {use['low']:+.4f} to {use['high']:+.4f})."
    )
