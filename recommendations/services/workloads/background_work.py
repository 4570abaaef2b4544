"""What background jobs do, in turns: each ends after a while and goes on where it was."""

import logging
from collections.abc import Callable, Collection
from functools import partial

from django.db import transaction
from django.db.models import F

from common import jobs
from common.jobs import Lease
from common.jobs.models import JobQuerySet
from recommendations.models import BackgroundJob, ModelVersion
from recommendations.services.data import training_rows
from recommendations.services.serving import precompute
from recommendations.services.surfaces import generated_playlists
from recommendations.services.versions import registry, trends
from recommendations.services.workloads import demo_removal
from recommendations.signals import backup_wanted

log = logging.getLogger(__name__)

Kind = BackgroundJob.Kind
Turn = jobs.Turn[BackgroundJob]


def keep(lease: Lease, last_listener_id: int, n_done: int) -> None:
    """Move the cursor, in the caller's transaction; raise LostLease, which takes back what it wrote."""
    lease.write(
        cursor=last_listener_id,
        n_done=F("n_done") + n_done,
        lease_until=jobs.leases.compute_lease_end(),
    )


def run_next(*kinds: Kind) -> BackgroundJob | None:
    """Give one queued job of these kinds a turn of `job_slice_seconds` and return it; None when none waits."""
    return jobs.run_next(_BackgroundKind(kinds))


def run(job_id: int, owner: str = "", *, max_seconds: float | None = None) -> BackgroundJob | None:
    """Claim a queued job and do it; None when somebody else has it (see `common.jobs.run_job`)."""
    return jobs.run_job(_BackgroundKind(), job_id, owner, max_seconds=max_seconds)


class _BackgroundKind(jobs.JobKind[BackgroundJob]):
    model = BackgroundJob
    log_name = "background_job"
    related = ("version",)
    final_errors = (registry.RegistryError,)
    passing_errors = (Exception,)

    def __init__(self, kinds: Collection[Kind] = ()) -> None:
        self._kinds = kinds

    def list_waiting(self) -> JobQuerySet:
        waiting: JobQuerySet = super().list_waiting().filter(kind__in=self._kinds)
        return waiting

    def work(self, turn: Turn) -> bool:
        _WORK[Kind(turn.job.kind)](turn)
        return not turn.was_ended


def _compute_lists(turn: Turn) -> None:
    """Compute the lists that are missing or outdated: after a training it has made nearly all of them."""
    version = turn.job.version
    if version is None or version.state != ModelVersion.State.READY:
        raise registry.RegistryError("The version whose lists were asked for can't serve any more.")
    already = turn.job.n_done
    precompute.precompute(
        version,
        after=turn.job.cursor,
        on_progress=lambda _stage, done, total: turn.reporter.report(
            (already + done) / max(already + total, 1)
        ),
        keep=partial(keep, turn.lease),
        is_turn_over=turn.is_over,
        only_outdated=True,
    )


def _make_playlists(turn: Turn) -> None:
    already = turn.job.n_done
    generated_playlists.make_due(
        after=turn.job.cursor,
        on_progress=lambda done, total: turn.reporter.report(
            (already + done) / max(already + total, 1)
        ),
        keep=partial(keep, turn.lease),
        is_turn_over=turn.is_over,
    )


def _count_trends(turn: Turn) -> None:
    """Count anew what is trending, when something was heard since the active version was trained.

    In shards, each read twice; a worker that is killed has lost some seconds of counting, and nothing of the copy.
    """
    serving = registry.load_serving_recommender()
    if serving is None or not training_rows.is_newer_than(registry.get_active_version()):
        return
    version, recommender = serving
    measured = training_rows.read_shards(
        partial(trends.measure, recommender),
        lambda done, total: turn.reporter.report(done / max(total, 1)),
    )
    if measured is None:
        return
    with transaction.atomic():
        turn.lease.lock()
        trends.keep(version, recommender, measured)


def _back_up(turn: Turn) -> None:
    """Have a backup made; one that is under way can't be paused."""
    turn.reporter.report(0.0)
    backup_wanted.send(sender=BackgroundJob)


def _remove_demo(turn: Turn) -> None:
    for done in demo_removal.remove_demo():
        turn.reporter.report(done)
        if turn.is_over():
            return


_WORK: dict[Kind, Callable[[Turn], None]] = {
    Kind.LISTS: _compute_lists,
    Kind.PLAYLISTS: _make_playlists,
    Kind.TRENDS: _count_trends,
    Kind.BACKUP: _back_up,
    Kind.DEMO: _remove_demo,
}
