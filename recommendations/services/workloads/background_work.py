"""What background jobs do, in turns: each ends after a while and goes on where it was."""

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from django.db import transaction
from django.db.models import F
from django.utils import timezone
from structlog.contextvars import bound_contextvars

from common import jobs
from common.jobs import Cancelled, JobFailed, JobReporter, Lease, LostLease, job_conf
from recommendations.models import BackgroundJob, ModelVersion
from recommendations.services.data import training_rows
from recommendations.services.jobs import background_jobs
from recommendations.services.serving import precompute
from recommendations.services.surfaces import generated_playlists
from recommendations.services.versions import registry, trends
from recommendations.services.workloads import demo_removal
from recommendations.signals import backup_wanted

log = logging.getLogger(__name__)

Kind = BackgroundJob.Kind
Status = BackgroundJob.Status


@dataclass
class Turn:
    """One turn at a job: what is done is kept in the row, and after `max_seconds` the turn is over."""

    job: BackgroundJob
    lease: Lease
    max_seconds: float | None = None
    started: float = field(default_factory=time.monotonic)
    was_ended: bool = False

    def keep(self, last_listener_id: int, n_done: int) -> None:
        """Move the cursor, in the caller's transaction; raise LostLease, which takes back what it wrote."""
        self.lease.write(
            cursor=last_listener_id,
            n_done=F("n_done") + n_done,
            lease_until=jobs.leases.compute_lease_end(),
        )

    def is_over(self) -> bool:
        """Return whether others should have their turn now; who asks then stops."""
        self.was_ended = (
            self.max_seconds is not None and time.monotonic() - self.started >= self.max_seconds
        )
        return self.was_ended


def run_next(*kinds: Kind) -> BackgroundJob | None:
    """Give one queued job of these kinds a turn of `job_slice_seconds` and return it; None when none waits."""
    for job_id in background_jobs.list_waiting(*kinds):
        job = run(job_id, max_seconds=job_conf.job_slice_seconds)
        if job is not None:
            return job
    return None


def run(job_id: int, owner: str = "", *, max_seconds: float | None = None) -> BackgroundJob | None:
    """Claim a queued job and do it; None when somebody else has it.

    With `max_seconds` it is queued again when it takes longer. What goes wrong is written to the row; what
    nobody foresaw is raised after that.
    """
    lease = jobs.claim_job(BackgroundJob, job_id, owner, turn_at=timezone.now(), error="")
    if lease is None:
        return None
    job: BackgroundJob = BackgroundJob.objects.select_related("version").get(pk=job_id)
    turn = Turn(job, lease, max_seconds)
    with bound_contextvars(background_job=job_id), jobs.Heartbeat(lease) as heartbeat:
        try:
            _work(turn, JobReporter(lease, heartbeat))
        except LostLease as error:
            log.warning("%s", error)
    job.refresh_from_db()
    return job


def _work(turn: Turn, reporter: JobReporter) -> None:
    """Do the job, and write how the turn ended."""
    try:
        _WORK[Kind(turn.job.kind)](turn, reporter)
    except LostLease:
        raise
    except Cancelled:
        turn.lease.finish(Status.CANCELLED)
    except (registry.RegistryError, JobFailed) as error:
        turn.lease.finish(Status.FAILED, error=str(error))
    except Exception as error:
        described = f"{type(error).__name__}: {error}"
        if turn.lease.attempt >= job_conf.job_attempts:
            turn.lease.finish(Status.FAILED, error=described)
        else:
            turn.lease.release(attempt=turn.lease.attempt, error=described)
        raise
    else:
        if turn.was_ended:
            turn.lease.release(attempt=0)
        else:
            turn.lease.finish(Status.SUCCEEDED, progress=1.0)


def _compute_lists(turn: Turn, reporter: JobReporter) -> None:
    """Compute the lists that are missing or outdated: after a training it has made nearly all of them."""
    version = turn.job.version
    if version is None or version.state != ModelVersion.State.READY:
        raise registry.RegistryError("The version whose lists were asked for can't serve any more.")
    already = turn.job.n_done
    precompute.precompute(
        version,
        after=turn.job.cursor,
        on_progress=lambda _stage, done, total: reporter.report(
            (already + done) / max(already + total, 1)
        ),
        keep=turn.keep,
        is_turn_over=turn.is_over,
        only_outdated=True,
    )


def _make_playlists(turn: Turn, reporter: JobReporter) -> None:
    already = turn.job.n_done
    generated_playlists.make_due(
        after=turn.job.cursor,
        on_progress=lambda done, total: reporter.report((already + done) / max(already + total, 1)),
        keep=turn.keep,
        is_turn_over=turn.is_over,
    )


def _count_trends(turn: Turn, reporter: JobReporter) -> None:
    """Count anew what is trending, when something was heard since the active version was trained."""
    found = registry.serving_recommender()
    if found is None or not training_rows.is_newer_than(registry.active_version()):
        return
    rows = training_rows.read(lambda done, total: reporter.report(done / max(total, 1)))
    with transaction.atomic():
        turn.lease.lock()
        trends.count(*found, rows.interactions)


def _back_up(turn: Turn, reporter: JobReporter) -> None:
    """Have a backup made; one that is under way can't be paused."""
    reporter.report(0.0)
    backup_wanted.send(sender=BackgroundJob)


def _remove_demo(turn: Turn, reporter: JobReporter) -> None:
    for done in demo_removal.remove_demo():
        reporter.report(done)
        if turn.is_over():
            return


_WORK: dict[Kind, Callable[[Turn, JobReporter], None]] = {
    Kind.LISTS: _compute_lists,
    Kind.PLAYLISTS: _make_playlists,
    Kind.TRENDS: _count_trends,
    Kind.BACKUP: _back_up,
    Kind.DEMO: _remove_demo,
}
