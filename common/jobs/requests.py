"""Asking for a job, stopping it, and deleting the old ones."""

from collections.abc import Callable, Mapping
from typing import Any, TypeVar, cast

from django.core.exceptions import ObjectDoesNotExist
from django.db import IntegrityError, models, transaction
from django.utils import timezone

from common.jobs.models import JobQuerySet, JobRow

Status = JobRow.Status
Job = TypeVar("Job", bound=JobRow)
Row = TypeVar("Row", bound=models.Model)
_ATTEMPTS = 3


class NotRequested(RuntimeError):
    """A job could not be asked for: others began and ended one, or what it is about is gone."""


def request_job(model: type[Job], which: Mapping[str, Any], **fields: Any) -> Job:
    """Return the job of `which` that waits or runs, or a new one with `fields`, too.

    A constraint of the table lets one of each be active. The caller wakes a worker after the commit.
    """
    jobs: JobQuerySet = model._default_manager.filter(**which)
    for _attempt in range(_ATTEMPTS):
        active: Job | None = jobs.active().first()
        if active is not None:
            return active
        try:
            with transaction.atomic():
                return cast("Job", model._default_manager.create(**which, **fields))
        except IntegrityError:  # another request asked at the same moment
            continue
    raise NotRequested(
        f"A {model._meta.verbose_name} could not be asked for: others kept beginning and ending one."
    )


def request_unless_gone(row: Row, request: Callable[[Row], Job]) -> list[Job]:
    """Ask for a job about a row that was read before; for a row that was deleted since then, none."""
    try:
        return [request(row)]
    except (ObjectDoesNotExist, IntegrityError, NotRequested):
        if type(row)._default_manager.filter(pk=row.pk).exists():
            raise
        return []


def cancel_job(job: JobRow) -> bool:
    """Stop a job; return False when it is over already. What it wrote stays.

    A job that waits is cancelled at once, and so is a running one of a kind with `cancels_at_once`: its worker
    notices at its next write that the lease is gone. Other kinds are asked, and end at their next step.
    """
    row: JobQuerySet = type(job)._default_manager.filter(pk=job.pk)
    stopped = cancel_jobs(row if job.cancels_at_once else row.queued())
    asked = 0 if stopped else row.running().update(cancel_requested=True)
    job.refresh_from_db()
    return bool(stopped or asked)


def cancel_jobs(jobs: JobQuerySet) -> int:
    """Cancel at once those of the jobs that wait or run; return how many."""
    return jobs.active().update(
        status=Status.CANCELLED,
        finished_at=timezone.now(),
        cancel_requested=True,
        owner="",
        lease_until=None,
    )


def delete_old_jobs(jobs: JobQuerySet, n_kept: int) -> None:
    """Delete the jobs that are over, except for the last `n_kept`."""
    kept = list(jobs.order_by("-pk").values_list("pk", flat=True)[:n_kept])
    jobs.exclude(pk__in=kept).exclude(status__in=JobRow.ACTIVE).delete()
