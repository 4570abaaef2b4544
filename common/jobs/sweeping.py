"""Jobs whose worker fell silent: back into the queue, or given up after `job_attempts`."""

import time
from dataclasses import dataclass, field
from typing import Any

from django.utils import timezone

from common.jobs.conf import job_conf
from common.jobs.leases import is_owner_child, is_owner_dead
from common.jobs.models import JobQuerySet, JobRow

Status = JobRow.Status

REQUEUED_STAGE = "waiting again: the worker stopped without a word"
RELEASED_STAGE = "waiting again: the worker was stopped"

# What this process saw ended, and since when by a clock that nobody can set.
_watched: dict[tuple[str, int, str, Any], float] = {}


@dataclass(frozen=True)
class Swept:
    """What a sweep found: jobs that wait again, jobs given up, and jobs that wait for a wake-up."""

    requeued: list[Any] = field(default_factory=list)
    failed: list[Any] = field(default_factory=list)
    waiting: list[Any] = field(default_factory=list)


def sweep_jobs(jobs: JobQuerySet, *, wait: bool = False) -> Swept:
    """Requeue the silent ones of `jobs`, or give them up after `job_attempts`.

    With `wait` a doubtful lease is watched for a few seconds; without, a later sweep decides.
    """
    swept = Swept()
    for job in find_silent_jobs(jobs, wait=wait):
        if job.cancel_requested:
            take_job(job, status=Status.CANCELLED, finished_at=timezone.now())
        elif job.attempt >= job_conf.job_attempts:
            error = job.describe_giving_up()
            if take_job(job, status=Status.FAILED, finished_at=timezone.now(), error=error):
                swept.failed.append(job)
        elif take_job(job, status=Status.QUEUED, **_build_stage_field(job, REQUEUED_STAGE)):
            swept.requeued.append(job)
    swept.waiting.extend(jobs.queued())
    return swept


def release_jobs_of_worker(model: type[JobRow], parent: int) -> int:
    """Give the jobs of a worker that is shutting down back to the queue; its children stop at their next write.

    The attempt is given back, too: being stopped on purpose is no failure.
    """
    jobs: JobQuerySet = model._default_manager.all()
    held = [job for job in jobs.running() if is_owner_child(job.owner, parent)]
    return sum(
        take_job(
            job,
            status=Status.QUEUED,
            attempt=job.attempt - 1,
            **_build_stage_field(job, RELEASED_STAGE),
        )
        for job in held
    )


def take_job(job: JobRow, **fields: Any) -> int:
    """Take the job from its owner, unless that one has extended its lease since `job` was read."""
    jobs: JobQuerySet = type(job)._default_manager.filter(pk=job.pk, lease_until=job.lease_until)
    return jobs.holding_lease(job.owner, job.attempt).update(owner="", lease_until=None, **fields)


def find_silent_jobs(jobs: JobQuerySet, *, wait: bool = False) -> list[Any]:
    """Return the running jobs whose owner is gone.

    A process of this machine that is not there any more is gone at once. Otherwise the lease must have
    ended and stay as it is for `sweep_patience_seconds`: after a jump of the clock a living owner
    extends it within that time. With `wait` the call sits the time out, else a later call decides.
    """
    silent, since = _separate_silent(jobs)
    if since and wait:
        time.sleep(max(0.0, max(since) + job_conf.sweep_patience_seconds - time.monotonic()) + 0.01)
        silent, _ = _separate_silent(jobs)
    return silent


def _separate_silent(jobs: JobQuerySet) -> tuple[list[Any], list[float]]:
    """Return the silent jobs, and since when each doubtful one is watched."""
    table = jobs.model._meta.db_table
    running = list(jobs.running())
    ended = {
        (table, job.pk, job.owner, job.lease_until): job for job in running if _is_lease_over(job)
    }
    for key in [key for key in _watched if key[0] == table and key not in ended]:
        del _watched[key]
    now = time.monotonic()
    seen = {key: _watched.setdefault(key, now) for key in ended}
    silent = [job for job in running if is_owner_dead(job.owner)]
    silent += [
        job
        for key, job in ended.items()
        if job not in silent and now - seen[key] >= job_conf.sweep_patience_seconds
    ]
    return silent, [seen[key] for key, job in ended.items() if job not in silent]


def _is_lease_over(job: JobRow) -> bool:
    """Return True for a lease in the past, and for one so far ahead that the clock was set back since."""
    if job.lease_until is None:
        return True
    left = (job.lease_until - timezone.now()).total_seconds()
    return left < 0 or left > 2 * job_conf.job_lease_seconds


def _build_stage_field(job: JobRow, stage: str) -> dict[str, str]:
    """Return the field that shows the stage, for jobs that have one."""
    return {"stage": stage} if hasattr(job, "stage") else {}
