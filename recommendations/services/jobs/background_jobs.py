"""Rows of background jobs: asking for one, and taking up those whose worker is gone.

What the jobs do is in `background_work`.
"""

from common import jobs
from common.jobs import Swept
from recommendations.models import BackgroundJob, ModelVersion

Kind = BackgroundJob.Kind


def request_lists(version: ModelVersion) -> BackgroundJob:
    """Ask for everybody's list under a version; return the job, which may be under way already."""
    return _request(Kind.LISTS, version)


def request_playlists() -> BackgroundJob:
    """Ask for the generated playlists that are missing; return the job, which may be under way already."""
    return _request(Kind.PLAYLISTS, None)


def request_trends() -> BackgroundJob:
    """Ask for a new count of what is trending; return the job, which may be under way already."""
    return _request(Kind.TRENDS, None)


def request_backup() -> BackgroundJob:
    """Ask for a backup into the data folder; return the job, which may be under way already."""
    return _request(Kind.BACKUP, None)


def request_demo_removal() -> BackgroundJob:
    """Ask for the demo to be removed; return the job, which may be under way already."""
    return _request(Kind.DEMO, None)


def find_latest(kind: Kind) -> BackgroundJob | None:
    """Return the newest job of a kind; None when there was none, or it is over for long."""
    return BackgroundJob.objects.filter(kind=kind).first()


def _request(kind: Kind, version: ModelVersion | None) -> BackgroundJob:
    return jobs.request_job(BackgroundJob, {"kind": kind, "version": version})


def sweep(*, wait: bool = False) -> Swept:
    """Requeue jobs whose worker is gone, or give them up (see `common.jobs.sweep_jobs`)."""
    return jobs.sweep_jobs(BackgroundJob.objects.all(), wait=wait)
