"""Jobs of all kinds in one list: what runs and waits, what came of the latest, and why some failed."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.utils.text import capfirst

from common import jobs
from common.jobs.models import JobRow
from recommendations.models import BackgroundJob

N_SHOWN = 20


@dataclass(frozen=True)
class Failure:
    """A job that failed: what it was and why, in its own words."""

    name: str
    error: str
    at: datetime


@dataclass(frozen=True)
class JobLine:
    """One job; `address` names the admin's page of it."""

    name: str
    address: str
    row: Any

    @property
    def seconds(self) -> float | None:
        """How long it took, from its first start to its end."""
        if self.row.started_at is None or self.row.finished_at is None:
            return None
        return float((self.row.finished_at - self.row.started_at).total_seconds())


def list_jobs(n: int = N_SHOWN) -> list[JobLine]:
    """Return the newest jobs, those that run and wait first; two queries a table of jobs."""
    newest = [
        job
        for model in jobs.list_job_models()
        for rows in (
            model._default_manager.filter(status__in=JobRow.ACTIVE),
            model._default_manager.exclude(status__in=JobRow.ACTIVE),
        )
        for job in rows.order_by("-pk")[:n]
    ]
    newest.sort(key=lambda job: (job.is_active, job.created_at), reverse=True)
    return [
        JobLine(_get_name(job), f"admin:{job._meta.app_label}_{job._meta.model_name}_change", job)
        for job in newest[:n]
    ]


def list_failures(n: int = N_SHOWN) -> list[Failure]:
    """Return the newest failures, newest first; one query a table of jobs."""
    failed = [
        job
        for model in jobs.list_job_models()
        for job in model._default_manager.filter(
            status=JobRow.Status.FAILED, finished_at__isnull=False
        ).order_by("-finished_at")[:n]
    ]
    newest = sorted(failed, key=lambda job: job.finished_at, reverse=True)[:n]
    return [Failure(_get_name(job), job.error, job.finished_at) for job in newest]


def _get_name(job: Any) -> str:
    if isinstance(job, BackgroundJob):
        return capfirst(f"{job.get_kind_display()} #{job.pk}")
    return str(job.job_name)
