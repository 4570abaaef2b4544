"""What failed lately, of all kinds of jobs: what an operator would otherwise look for in the log."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

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
    return [Failure(_name(job), job.error, job.finished_at) for job in newest]


def _name(job: Any) -> str:
    if isinstance(job, BackgroundJob):
        return f"{job.get_kind_display()} #{job.pk}".capitalize()
    return str(job.job_name)
