"""How good a configuration is: fitted on a part of what was heard, measured on the rest."""

import logging
from collections.abc import Callable
from dataclasses import replace

import numpy as np

from recommendations.conf import conf
from recommendations.engine import (
    CLASSIC,
    SYSTEM,
    EvaluationReport,
    Fidelity,
    Heard,
    Interval,
    Recommender,
    RecommenderConfig,
    Split,
    TrainingData,
    bootstrap_pairs,
    decide_order,
    evaluate,
    measure_fidelity,
    sample_split,
    split_by_listener,
    split_by_time,
    split_newest,
    split_randomly,
)
from recommendations.services.cluster.fit_jobs import SAMPLED_FOR_ONE
from recommendations.services.data.training_rows import TrainingRows
from recommendations.services.training.blend_weights import find_weights
from recommendations.services.training.evaluation_result import (
    COMPARED,
    FEW_LISTENERS,
    LONGEST,
    Evaluation,
    PairedComparison,
)
from recommendations.services.training.index_building import build_indexes

log = logging.getLogger(__name__)

OnProgress = Callable[[str, int, int], None]

METRIC = "ndcg@10"
SPLITS = ("random", "sample", "temporal", "newest", "listener")


def make_split(rows: TrainingRows, name: str, seed: int) -> Split:
    """Hold something back; `name` is one of `SPLITS`, or ValueError is raised."""
    share = conf.evaluation_share
    if name == "random":
        return split_randomly(rows.interactions, seed=seed, test_share=share)
    if name == "sample":
        n_listeners = SAMPLED_FOR_ONE * conf.evaluation_listeners
        return sample_split(rows.interactions, n_listeners=n_listeners, seed=seed, test_share=share)
    if name == "temporal":
        return split_by_time(rows.interactions, test_share=share)
    if name == "newest":
        return split_newest(rows.interactions, test_share=share)
    if name == "listener":
        return split_by_listener(rows.interactions, seed=seed, test_share=share)
    raise ValueError(f"There is no split {name!r}; there are: {', '.join(SPLITS)}.")


def evaluate_config(
    rows: TrainingRows,
    config: RecommenderConfig,
    split: Split,
    *,
    seed: int,
    on_progress: OnProgress | None = None,
) -> EvaluationReport:
    """Fit on the split's training part and measure, for at most `evaluation_listeners` listeners."""
    fitted = _fit(rows, config, split, seed, on_progress)
    return _evaluate_fitted(rows, fitted, split, seed, on_progress)


def _fit(
    rows: TrainingRows,
    config: RecommenderConfig,
    split: Split,
    seed: int,
    on_progress: OnProgress | None,
) -> Recommender:
    """Fit on the training part, with the indexes that a version of it would be served through."""
    fitted = Recommender(config).fit(
        split.train, rows.features, prior=rows.prior, seed=seed, on_progress=on_progress
    )
    build_indexes(fitted, split.train, seed, on_progress)
    return fitted


def _evaluate_fitted(
    rows: TrainingRows, fitted: Recommender, split: Split, seed: int, on_progress: OnProgress | None
) -> EvaluationReport:
    return evaluate(
        fitted,
        split,
        item_features=rows.features,
        max_listeners=conf.evaluation_listeners,
        seed=seed,
        on_progress=on_progress,
    )


def compare_reports(
    ours: EvaluationReport, theirs: EvaluationReport, *, seed: int
) -> dict[str, Interval]:
    """Return by metric the interval of ours minus theirs, paired by listener; both must be on one split."""
    return {metric: bootstrap_pairs(ours, theirs, metric=metric, seed=seed) for metric in COMPARED}


def measure(
    rows: TrainingRows,
    config: RecommenderConfig,
    champion: RecommenderConfig | None,
    *,
    seed: int,
    on_progress: OnProgress | None = None,
) -> Evaluation | None:
    """Measure a configuration, paired with a champion's on the same split; None with too little data.

    The split is that of `choose_split`. Where it is random and one of the two learns for the songs that are heard next,
    both are compared on these as well.

    Of many listeners only a sample has songs held out: what was fitted for it has seen nearly everything, and is
    returned for the final fit to begin with. Where the configuration learns its weights they are found on the listeners
    of the split who are not measured. On the same split `measure_fidelity` finds out whether the reasons are true.
    """
    split = make_split(rows, choose_split(rows, config), seed)
    if not split.test.nnz:
        return None
    fitted = _fit(rows, config, split, seed, on_progress)
    weights = find_weights(fitted, split, seed)
    ours = _add_classic(
        _evaluate_fitted(rows, fitted, split, seed, on_progress), rows, config, split, seed
    )
    interval = ours.interval(METRIC)
    evaluation = Evaluation(
        fitted.config,
        fitted.metadata.get("tuning"),
        ours,
        ours.mean(METRIC),
        (interval.low, interval.high) if interval else (0.0, 1.0),
        listener_ids=tuple(rows.interactions.listeners.ids[ours.listeners].tolist()),
        fidelity=_measure_fidelity(fitted, split, seed),
        ranker=fitted.ranker,
        newest=_count_newest(ours, split),
        fitted=fitted if split.name == "sample" else None,
        weights=weights,
    )
    fitted.drop_indexes()
    del fitted
    if champion is None:
        return evaluation
    theirs = evaluate_config(rows, champion, split, seed=seed, on_progress=on_progress)
    difference = bootstrap_pairs(ours, theirs, metric=METRIC, seed=seed)
    evaluation = replace(
        evaluation, champion_ndcg=theirs.mean(METRIC), difference=(difference.low, difference.high)
    )
    if split.name != "random" or not (rows.interactions.timestamps >= 0).any():
        return evaluation
    if not (config.learns_newest or champion.learns_newest):
        return evaluation
    comparison = _compare_newest(rows, evaluation.config, champion, seed, on_progress)
    return replace(evaluation, newest_comparison=comparison)


def _compare_newest(
    rows: TrainingRows,
    config: RecommenderConfig,
    champion: RecommenderConfig,
    seed: int,
    on_progress: OnProgress | None,
) -> PairedComparison:
    """Compare two configurations without a search on the songs that each listener heard last; a fit of each."""
    split = make_split(rows, "newest", seed)
    ours, theirs = (
        evaluate_config(rows, one, split, seed=seed, on_progress=on_progress)
        for one in (config, champion)
    )
    difference = bootstrap_pairs(ours, theirs, metric=METRIC, seed=seed)
    return PairedComparison(
        ours.mean(METRIC), theirs.mean(METRIC), (difference.low, difference.high)
    )


def measure_sample(
    fitted: Recommender, split: Split, heard: Heard, *, seed: int, on_progress: OnProgress | None
) -> Evaluation | None:
    """Measure what a cluster fitted on everything but the held-out songs; None where none were.

    `split` has only the listeners who had songs held out, `heard` counts what everybody heard. Nothing is compared
    with the champion's configuration: that would be a second fit of everything.
    """
    if not split.test.nnz:
        return None
    weights = find_weights(fitted, split, seed)
    report = evaluate(
        fitted,
        split,
        max_listeners=conf.evaluation_listeners,
        seed=seed,
        heard=heard,
        on_progress=on_progress,
    )
    interval = report.interval(METRIC)
    return Evaluation(
        fitted.config,
        None,
        report,
        report.mean(METRIC),
        (interval.low, interval.high) if interval else (0.0, 1.0),
        listener_ids=tuple(split.given.listeners.ids[report.listeners].tolist()),
        fidelity=_measure_fidelity(fitted, split, seed),
        weights=weights,
    )


def choose_split(rows: TrainingRows, config: RecommenderConfig) -> str:
    """Return the split of a training: the songs heard last, or random ones; of many listeners, of a sample.

    What was heard last is held out where times are known, and listeners are few or the configuration learns for that.
    """
    events = rows.interactions
    if events.n_listeners >= conf.sample_listeners_from:
        return "sample"
    is_few = len(np.unique(events.listener_rows)) < FEW_LISTENERS
    has_times = bool((events.timestamps >= 0).any())
    return "newest" if has_times and (is_few or config.learns_newest) else "random"


def decide_target(rows: TrainingRows, config: RecommenderConfig, *, seed: int) -> RecommenderConfig:
    """Return the configuration with what its order is learned for decided: the songs heard next, or any that belong.

    Of so many listeners that only a sample is measured, random songs are looked for.
    """
    if config.ranker is None or not config.leaves_target_open:
        return config
    if rows.interactions.n_listeners >= conf.sample_listeners_from:
        return replace(config, ranker=replace(config.ranker, newest_held_out=False))
    strengths = rows.interactions.to_matrix(config.weighting)
    data = TrainingData(strengths, rows.features, rows.interactions)
    return decide_order(config, data, seed)


def _count_newest(report: EvaluationReport, split: Split) -> tuple[int, int] | None:
    """Return how many of the newest songs were found, and of how many; None for another split."""
    if split.name != "newest":
        return None
    n_test = np.diff(split.test.indptr)[report.listeners]
    n_found = np.nansum(report.get_values(SYSTEM, f"recall@{LONGEST}") * n_test)
    return round(float(n_found)), int(n_test.sum())


def _add_classic(
    ours: EvaluationReport, rows: TrainingRows, config: RecommenderConfig, split: Split, seed: int
) -> EvaluationReport:
    """Return the report with the first model as one more system: what everything else has to be better than.

    Not with many listeners, where it is one more long fit.
    """
    if config.name == CLASSIC.name or split.name == "sample":
        return ours
    classic = evaluate_config(rows, CLASSIC, split, seed=seed)
    return replace(
        ours,
        values={**ours.values, CLASSIC.name: classic.values[SYSTEM]},
        coverage={**ours.coverage, CLASSIC.name: classic.coverage[SYSTEM]},
    )


def _measure_fidelity(fitted: Recommender, split: Split, seed: int) -> Fidelity | None:
    """Say how often the reasons are true, for a sample; None where no listener's history is long enough."""
    try:
        return measure_fidelity(
            fitted, fitted.histories(split.given), n_cases=conf.fidelity_cases, seed=seed
        )
    except ValueError as error:
        log.info("The reasons were not measured: %s", error)
        return None
