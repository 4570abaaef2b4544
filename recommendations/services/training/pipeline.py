"""A training from the request to the active version.

rows → arrays → fit → evaluate → save → register → gate → activate → precompute. The state machine is drawn at
`JobRow`; who may work on a run is in `common.jobs`.
"""

import errno
import logging
import time
import uuid
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from django.conf import settings
from django.db import IntegrityError, transaction
from django.utils import timezone
from django.utils.translation import gettext as _
from structlog.contextvars import bound_contextvars

from common import jobs
from common.jobs import Cancelled, LostLease, Swept
from recommendations import telemetry
from recommendations.conf import conf
from recommendations.engine import (
    PRESETS,
    ArtifactError,
    NotEnoughData,
    Ranker,
    Recommender,
    RecommenderConfig,
)
from recommendations.models import Activation, BackgroundJob, ModelVersion, TrainingRun
from recommendations.services.data import beyond_index, training_rows
from recommendations.services.data.training_rows import TrainingRows
from recommendations.services.jobs import background_jobs
from recommendations.services.serving import precompute
from recommendations.services.training import gate, memory_check
from recommendations.services.training.offline_evaluation import (
    Evaluation,
    measure,
)
from recommendations.services.training.progress import Reporter
from recommendations.services.versions import forgetting, registry, stored_histories
from recommendations.services.workloads.background_work import Turn

log = logging.getLogger(__name__)

Status = TrainingRun.Status

_BY_ITSELF = (TrainingRun.Trigger.SCHEDULE, TrainingRun.Trigger.NEW_LISTENS)

NO_SPACE = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


class TrainingRefused(Exception):
    """A training cannot be asked for; the message says why in one sentence."""


class TrainingAlreadyActive(TrainingRefused):
    """Another training is queued or running."""


class UnknownPreset(TrainingRefused):
    """No recommender goes by that name."""


# --- Asking for one ---------------------------------------------------------------------------------------------------


def request_training(
    *,
    preset: str | None = None,
    requested_by: Any = None,
    trigger: str = TrainingRun.Trigger.ADMIN,
    options: dict[str, Any] | None = None,
) -> TrainingRun:
    """Queue a training; the caller sends the wake-up (`tasks.enqueue_training`).

    Raises TrainingAlreadyActive when one is queued or running, UnknownPreset for an unknown name.
    """
    load_config(preset or conf.preset, options or {})
    try:
        with transaction.atomic():
            return TrainingRun.objects.create(
                preset=preset or conf.preset,
                requested_by=requested_by,
                trigger=trigger,
                options=options or {},
            )
    except IntegrityError:
        raise TrainingAlreadyActive(_already_active()) from None


def find_interrupted_run(preset: str | None, options: dict[str, Any]) -> TrainingRun | None:
    """Return the queued run of a command that was killed, when it asked for the same: it may be taken up."""
    run = TrainingRun.objects.queued().filter(trigger=TrainingRun.Trigger.COMMAND).first()
    return run if run and (run.preset, run.options) == (preset or conf.preset, options) else None


def _already_active() -> str:
    run = TrainingRun.objects.active().first()
    if run is None:
        return _("Another training has just ended; ask again.")
    return _("Training #%(number)d is %(status)s; it has to end or be cancelled first.") % {
        "number": run.pk,
        "status": run.get_status_display(),
    }


def load_config(preset: str, options: dict[str, Any]) -> RecommenderConfig:
    """Return the configuration of a preset; `options["config"]` may replace parts of it."""
    if preset not in PRESETS:
        raise UnknownPreset(
            f"There is no preset {preset!r}; there are: {', '.join(sorted(PRESETS))}."
        )
    changes = options.get("config")
    if not changes:
        return PRESETS[preset]
    try:
        return RecommenderConfig.from_dict(PRESETS[preset].to_dict() | changes)
    except (ValueError, TypeError) as error:
        raise TrainingRefused(f"The configuration is not usable: {error}") from error


def cancel(run: TrainingRun) -> TrainingRun:
    """Stop a run: at once while it waits, within one iteration while it runs. An ended run stays as it is."""
    queued = TrainingRun.objects.filter(pk=run.pk).queued()
    if not queued.update(
        status=Status.CANCELLED, finished_at=timezone.now(), cancel_requested=True
    ):
        TrainingRun.objects.filter(pk=run.pk).running().update(cancel_requested=True)
    run.refresh_from_db()
    return run


# --- Looking after those whose worker is gone -------------------------------------------------------------------------


def sweep(*, wait: bool = False) -> Swept:
    """Requeue runs whose worker fell silent, or give them up after `job_attempts` (see `common.jobs.sweep_jobs`)."""
    swept = jobs.sweep_jobs(TrainingRun.objects.all(), wait=wait)
    for _run in swept.failed:
        telemetry.count_training(Status.FAILED)
    return swept


# --- Doing it ---------------------------------------------------------------------------------------------------------


def run_training(
    run_id: int,
    owner: str | None = None,
    *,
    on_progress: Callable[[str, float], None] | None = None,
) -> TrainingRun:
    """Claim a queued run and see it through; a run that somebody else has is returned as it is.

    `on_progress(stage, fraction)` gets what is written to the row. What goes wrong is written to the row; only what
    nobody foresaw is raised again after that.
    """
    lease = jobs.claim_job(TrainingRun, run_id, owner or "", stage="")
    if lease is None:
        return TrainingRun.objects.get(pk=run_id)
    started = time.monotonic()
    run = TrainingRun.objects.get(pk=run_id)
    reporter = Reporter(lease, run.log, on_progress, skipped=_list_skipped_parts(run))
    with bound_contextvars(training_run=run_id), jobs.Heartbeat(lease) as heartbeat:
        reporter.heartbeat = heartbeat
        _train_and_record(run, reporter, started)
    run.refresh_from_db()
    return run


def _list_skipped_parts(run: TrainingRun) -> set[str]:
    """Return the parts that this run leaves out."""
    parts = {"evaluate": "evaluating", "precompute": "precomputing"}
    return {part for option, part in parts.items() if not run.options.get(option, True)}


def _train_and_record(run: TrainingRun, reporter: Reporter, started: float) -> None:
    """Train, and write how it ended."""
    try:
        _train(run, reporter)
    except LostLease as error:
        log.warning("%s", error)
    except Cancelled:
        _end(reporter, Status.CANCELLED, "Cancelled.", started)
    except (
        NotEnoughData,
        memory_check.NotEnoughMemory,
        TrainingRefused,
        registry.RegistryError,
        ArtifactError,
    ) as error:
        _end(reporter, Status.FAILED, str(error), started)
    except MemoryError:
        _end(reporter, Status.FAILED, f"The memory ran out at “{reporter.stage}”.", started)
    except OSError as error:
        _end(reporter, Status.FAILED, _of_the_disk(error), started)
        if error.errno not in NO_SPACE:
            raise
    except BaseException as error:
        _end(reporter, Status.FAILED, f"{type(error).__name__}: {error}".rstrip(": "), started)
        raise
    else:
        _end(reporter, Status.SUCCEEDED, "", started)


def _of_the_disk(error: OSError) -> str:
    if error.errno in NO_SPACE:
        return f"No space left on the disk of {settings.ARTIFACTS_DIR}; the version that serves is not touched."
    return f"{error.strerror or error}: {error.filename or settings.ARTIFACTS_DIR}"


def _end(reporter: Reporter, status: TrainingRun.Status, error: str, started: float) -> None:
    if error:
        reporter.say(error)
    if reporter.heartbeat is not None:
        reporter.heartbeat.stop()
    done = {"progress": 1.0} if status == Status.SUCCEEDED else {}
    try:
        reporter.lease.finish(
            status, error=error if status == Status.FAILED else "", log=reporter.log, **done
        )
    except LostLease as lost:
        log.warning("%s", lost)
        return
    log.info("Training #%d %s%s", reporter.lease.job_id, status, f": {error}" if error else "")
    telemetry.count_training(status, time.monotonic() - started)


def _train(run: TrainingRun, reporter: Reporter) -> None:
    """The whole pipeline. A run taken up again after its version was registered goes on from there."""
    version, rows = ModelVersion.objects.filter(training_run=run).first(), None
    if version is None:
        version, rows = _new_version(run, reporter)
    if not version.gate_reason and run.options.get("activate", True):
        reporter.enter("activating")
        registry.activate(version, by=run.requested_by, reason=Activation.Reason.TRAINED)
        reporter.say(f"{version.name} is active.")
        _precompute(version, rows, run, reporter)
    beyond_index.rebuild_index()
    pruned = registry.prune()
    if pruned:
        reporter.say(f"The files of {', '.join(v.name for v in pruned)} were removed.")


def _new_version(run: TrainingRun, reporter: Reporter) -> tuple[ModelVersion, TrainingRows]:
    open_receipts = forgetting.list_open()
    config = load_config(run.preset, run.options)
    if not open_receipts:
        # settings that a search found with data that is gone would bear its traces
        config = _warm_started(config)
    seed = int(run.options.get("seed", 0))
    memory_check.check(*training_rows.count_rows(), config)
    read_at = time.time()
    rows = _read(reporter)
    # factors learned with data that is gone would bear its traces, too
    start = None if open_receipts else _find_warm_start(run, config, reporter)
    evaluation = None if start else _evaluate(rows, config, seed, run, reporter)
    if evaluation is None:
        recommender, fit_seconds = _fit(rows, config, None, start, seed, reporter)
    else:
        # what was measured will serve: no second search, and no second learning of the order
        recommender, fit_seconds = _fit(
            rows, evaluation.config, evaluation.ranker, evaluation.fitted, seed, reporter
        )
        # the count of nights since something was measured begins anew
        recommender.metadata.pop("n_warm_starts", None)
    recommender.metadata["read_at"] = read_at
    recommender.metadata["open_receipts"] = open_receipts
    recommender.metadata["data_sha256"] = rows.interactions.compute_digest()
    if evaluation and evaluation.tuning:
        recommender.metadata["tuning"] = evaluation.tuning
    if evaluation and evaluation.fidelity:
        recommender.flip_threshold = evaluation.fidelity.flip_threshold
    return _register_version(run, rows, recommender, fit_seconds, evaluation, reporter), rows


def _warm_started(config: RecommenderConfig) -> RecommenderConfig:
    """Return the configuration whose search begins with what the active version's search found."""
    active = registry.active_version()
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
    active = registry.active_version()
    if active is None or run.trigger not in _BY_ITSELF or config.search is not None:
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
    of = f"{events.n_listeners:,} listeners and {events.n_items:,} songs"
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
    reporter.say(evaluation.sentence if evaluation else "Not measured: no listener has two songs.")
    return evaluation


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
    return recommender, seconds


def _register_version(
    run: TrainingRun,
    rows: TrainingRows,
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
            manifest_sha256=registry.manifest_digest(folder),
            size_bytes=registry.measure_size(folder),
            config=recommender.config.to_dict(),
            metadata=recommender.metadata | {"last_interaction_id": rows.last_interaction_id},
            metrics=evaluation.metrics if evaluation else {},
            gate_reason=gate.gate_verdict(evaluation),
            n_listeners=rows.interactions.n_listeners,
            n_songs=rows.interactions.n_items,
            n_interactions=rows.interactions.n_events,
            data_from=_moment(window.get("first")),
            data_until=_moment(window.get("last")),
            fit_seconds=fit_seconds,
        )
    if stored_histories.remove_departed_histories([version]):
        reporter.say("Listeners who went meanwhile were taken out.")
    reporter.say(f"Registered {version.name} ({version.size_bytes / 1e6:.1f} MB).")
    if version.gate_reason:
        reporter.say(f"Not activated: {version.gate_reason}")
    return version


def _moment(unix: int | None) -> datetime | None:
    return None if unix is None else datetime.fromtimestamp(unix, tz=UTC)


def _precompute(
    version: ModelVersion, rows: TrainingRows | None, run: TrainingRun, reporter: Reporter
) -> None:
    """Compute lists ahead of time. Cancelling here keeps the version: lists are then made live."""
    if not run.options.get("precompute", True):
        return
    on_progress = reporter.enter("precomputing")
    job = background_jobs.request_lists(version)
    lease = jobs.claim_job(BackgroundJob, job.pk)
    if lease is None:
        reporter.say(f"Its lists are being computed by job #{job.pk}.")
        return
    # A row of its own: when this process is killed, any worker goes on behind the last list that is written.
    turn = Turn(job, lease)
    with jobs.Heartbeat(lease):
        try:
            n_lists = precompute.precompute(
                version, rows=rows, on_progress=on_progress, after=job.cursor, keep=turn.keep
            )
        except Cancelled:
            lease.finish(Status.CANCELLED)
            reporter.say("Precomputing was stopped; lists are made when somebody asks.")
        except LostLease:
            reporter.say(f"Its lists are being computed by job #{job.pk}.")
        else:
            lease.finish(Status.SUCCEEDED, progress=1.0)
            reporter.say(f"Precomputed {n_lists:,} lists.")
