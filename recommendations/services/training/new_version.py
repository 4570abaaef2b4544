"""A new version of the model: read, evaluate, fit, save, register."""

import time
import uuid
from dataclasses import replace
from datetime import UTC, datetime

from django.conf import settings
from django.db import transaction
from django.template.defaultfilters import pluralize

from recommendations.conf import conf
from recommendations.engine import (
    NotEnoughData,
    Ranker,
    Recommender,
    RecommenderConfig,
)
from recommendations.models import ModelVersion, TrainingRun
from recommendations.services.data import training_rows
from recommendations.services.data.training_rows import TrainingRows
from recommendations.services.training import feature_estimation, gate, memory_check
from recommendations.services.training.blend_weights import describe_weights
from recommendations.services.training.evaluation_result import Evaluation
from recommendations.services.training.index_building import build_indexes
from recommendations.services.training.offline_evaluation import decide_target, measure
from recommendations.services.training.progress import Reporter
from recommendations.services.training.training_requests import load_config
from recommendations.services.versions import deletion_receipts, registry, stored_histories

_SCHEDULED = (TrainingRun.Trigger.SCHEDULE, TrainingRun.Trigger.NEW_LISTENS)


def train_version(run: TrainingRun, reporter: Reporter) -> tuple[ModelVersion, TrainingRows]:
    """Train in this process, and return what was read, too."""
    open_receipts = deletion_receipts.list_open()
    config = load_config(run.preset, run.options)
    if not open_receipts:
        # settings that a search found with data that is gone would bear its traces
        config = _add_found_settings(config)
    seed = int(run.options.get("seed", 0))
    memory_check.check(*training_rows.count_rows(), config)
    read_at = time.time()
    rows = _read(reporter)
    is_open = config.leaves_target_open
    config = decide_target(rows, config, seed=seed)
    if is_open and config.learns_newest:
        reporter.say("The order is learned for what is heard next: the songs heard last tell it.")
    # factors learned with data that is gone would bear its traces, too
    start = None if open_receipts else _find_warm_start(run, config, reporter)
    if start is not None and config.learns_weights:
        config = replace(config, weights=start.config.weights)
    estimation = feature_estimation.estimate(
        rows,
        config,
        run.options,
        reporter,
        before=None if start is None else start.metadata.get("estimates", {}),
    )
    rows = estimation.rows
    evaluation = None
    if start is None:
        evaluation = _evaluate(estimation.measured_rows, config, seed, run, reporter)
    if evaluation is None:
        recommender, fit_seconds = _fit(rows, config, None, start, seed, reporter)
    else:
        # what was measured will serve: no second search, and no second learning of the order
        recommender, fit_seconds = _fit(
            rows, evaluation.config, evaluation.ranker, evaluation.fitted, seed, reporter
        )
        # the count of nights since something was measured begins anew
        recommender.metadata.pop("n_warm_starts", None)
    recommender.estimates = estimation.estimates
    if estimation.record:
        recommender.metadata["estimates"] = estimation.record
    recommender.metadata["read_at"] = read_at
    recommender.metadata["open_receipts"] = open_receipts
    recommender.metadata["data_sha256"] = rows.interactions.compute_digest()
    if evaluation and evaluation.tuning:
        recommender.metadata["tuning"] = evaluation.tuning
    keep_measured(recommender, evaluation)
    version = register_version(
        run, rows.last_interaction_id, recommender, fit_seconds, evaluation, reporter
    )
    return version, rows


def keep_measured(recommender: Recommender, evaluation: Evaluation | None) -> None:
    """Let what was fitted on everything serve as it was measured: by the weights and the certainty that were found."""
    if evaluation and evaluation.weights:
        recommender.use_weights(evaluation.config.weights)
        recommender.metadata["found_weights"] = evaluation.weights.to_dict()
    if evaluation and evaluation.fidelity:
        recommender.flip_threshold = evaluation.fidelity.flip_threshold


def _add_found_settings(config: RecommenderConfig) -> RecommenderConfig:
    """Return the configuration whose search begins with what the active version's search found."""
    active = registry.get_active_version()
    if active is None or config.search is None:
        return config
    return config.warm_started(RecommenderConfig.from_dict(active.config))


def _find_warm_start(
    run: TrainingRun, config: RecommenderConfig, reporter: Reporter
) -> Recommender | None:
    """Return the active version's recommender for a training by schedule of many listeners to begin with.

    Such a training is not measured: its factors have seen what would be held out. Every `warm_starts` nights, and
    whenever somebody asks for a training, everything is learned anew and measured.
    """
    active = registry.get_active_version()
    if active is None or run.trigger not in _SCHEDULED or config.search is not None:
        return None
    is_small = active.n_listeners < conf.sample_listeners_from
    n_before = active.metadata.get("n_warm_starts", 0)
    if is_small or n_before >= conf.warm_starts or active.config["name"] != config.name:
        return None
    if active.config["components"] != config.to_dict()["components"] or config.ranker is not None:
        return None
    reporter.say(f"Begins with what {active.name} learned, and is not measured.")
    return registry.load_recommender(active)


def _read(reporter: Reporter) -> TrainingRows:
    on_read = reporter.enter("reading")
    rows = training_rows.read(lambda done, total: on_read("reading", done, total))
    events = rows.interactions
    if events.n_events < conf.minimum_interactions:
        raise NotEnoughData(
            "Nobody liked or played anything yet, so there is nothing to learn from."
        )
    left_out = (
        f" ({rows.n_left_out:,} left out at their listeners' wish)" if rows.n_left_out else ""
    )
    of = f"{events.n_listeners:,} listener{pluralize(events.n_listeners)} and {events.n_items:,} songs"
    reporter.say(f"Read {events.n_events:,} interactions of {of}{left_out}.")
    return rows


def _evaluate(
    rows: TrainingRows, config: RecommenderConfig, seed: int, run: TrainingRun, reporter: Reporter
) -> Evaluation | None:
    """Measure the configuration on a part held out, beside the active version's configuration where it differs."""
    if not run.options.get("evaluate", True):
        return None
    evaluation = measure(
        rows,
        config,
        gate.find_champion_config(config),
        seed=seed,
        on_progress=reporter.enter("evaluating"),
    )
    say_measured(evaluation, reporter)
    return evaluation


def say_measured(evaluation: Evaluation | None, reporter: Reporter) -> None:
    """Write what was measured into the training's log."""
    if evaluation and evaluation.weights:
        reporter.say(describe_weights(evaluation.weights))
    reporter.say(evaluation.sentence if evaluation else "Not measured: no listener has two songs.")


def _fit(
    rows: TrainingRows,
    config: RecommenderConfig,
    ranker: Ranker | None,
    start: Recommender | None,
    seed: int,
    reporter: Reporter,
) -> tuple[Recommender, float]:
    started = time.perf_counter()
    on_progress = reporter.enter("fitting")
    recommender = Recommender(config).fit(
        rows.interactions,
        rows.features,
        prior=rows.prior,
        ranker=ranker,
        start=start,
        seed=seed,
        on_progress=on_progress,
    )
    seconds = time.perf_counter() - started
    reporter.say(f"Fitted {config.name} in {seconds:.1f} s.")
    for sentence in build_indexes(recommender, rows.interactions, seed, reporter.enter("fitting")):
        reporter.say(sentence)
    return recommender, seconds


def register_version(
    run: TrainingRun,
    last_interaction_id: int,
    recommender: Recommender,
    fit_seconds: float,
    evaluation: Evaluation | None,
    reporter: Reporter,
) -> ModelVersion:
    """Write the artifact, then the row that names it; there is never a row without files."""
    reporter.enter("saving")
    name = f"run-{run.pk}-{reporter.lease.attempt}-{uuid.uuid4().hex[:8]}"
    folder = settings.ARTIFACTS_DIR / name
    recommender.save(folder)
    window = recommender.metadata.get("data_window") or {}
    with transaction.atomic():
        reporter.lease.renew()
        version = ModelVersion.objects.create(
            training_run=run,
            preset=run.preset,
            artifact=name,
            manifest_sha256=registry.compute_manifest_digest(folder),
            size_bytes=registry.measure_size(folder),
            config=recommender.config.to_dict(),
            metadata=recommender.metadata | {"last_interaction_id": last_interaction_id},
            metrics=evaluation.metrics if evaluation else {},
            gate_reason=gate.decide_gate(evaluation),
            n_listeners=recommender.metadata["n_listeners"],
            n_songs=recommender.n_items,
            n_interactions=recommender.metadata["n_events"],
            data_from=_convert_moment(window.get("first")),
            data_until=_convert_moment(window.get("last")),
            fit_seconds=fit_seconds,
        )
    if stored_histories.remove_departed_histories([version]):
        reporter.say("Listeners who went meanwhile were taken out.")
    reporter.say(f"Registered {version.name} ({version.size_bytes / 1e6:.1f} MB).")
    if version.gate_reason:
        reporter.say(f"Not activated: {version.gate_reason}")
    return version


def _convert_moment(unix: int | None) -> datetime | None:
    return None if unix is None else datetime.fromtimestamp(unix, tz=UTC)
