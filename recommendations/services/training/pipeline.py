"""A training from the request to the active version.

rows → arrays → fit → evaluate → save → register → gate → activate → precompute. The state machine is drawn at
`JobRow`; who may work on a run is in `common.jobs`.
"""

import errno
import logging
import time
from collections.abc import Callable

from django.conf import settings
from structlog.contextvars import bound_contextvars

from common import jobs
from common.jobs import Cancelled, LostLease
from recommendations import telemetry
from recommendations.engine import (
    ArtifactError,
    NotEnoughData,
)
from recommendations.models import Activation, BackgroundJob, ModelVersion, TrainingRun
from recommendations.services.data import beyond_index
from recommendations.services.data.training_rows import TrainingRows
from recommendations.services.jobs import background_jobs
from recommendations.services.serving import precompute
from recommendations.services.training import memory_check
from recommendations.services.training.new_version import train_version
from recommendations.services.training.progress import Reporter
from recommendations.services.training.training_requests import TrainingRefused
from recommendations.services.versions import registry
from recommendations.services.workloads.background_work import Turn

log = logging.getLogger(__name__)

Status = TrainingRun.Status


NO_SPACE = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


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
        _end(reporter, Status.FAILED, _describe_disk_error(error), started)
        if error.errno not in NO_SPACE:
            raise
    except BaseException as error:
        _end(reporter, Status.FAILED, f"{type(error).__name__}: {error}".rstrip(": "), started)
        raise
    else:
        _end(reporter, Status.SUCCEEDED, "", started)


def _describe_disk_error(error: OSError) -> str:
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
        version, rows = train_version(run, reporter)
    if not version.gate_reason and run.options.get("activate", True):
        reporter.enter("activating")
        registry.activate(version, by=run.requested_by, reason=Activation.Reason.TRAINED)
        reporter.say(f"{version.name} is active.")
        _precompute(version, rows, run, reporter)
    beyond_index.rebuild_index()
    pruned = registry.prune()
    if pruned:
        reporter.say(f"The files of {', '.join(v.name for v in pruned)} were removed.")


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
