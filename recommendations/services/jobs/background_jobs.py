"""Rows of background jobs: asking for one, and taking up those whose worker is gone.

What the jobs do is in `background_work`.
"""

from django.db import IntegrityError, transaction
from django.db.models import F

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
    for _attempt in range(3):
        try:
            with transaction.atomic():
                return BackgroundJob.objects.create(kind=kind, version=version)
        except IntegrityError:
            active: BackgroundJob | None = (
                BackgroundJob.objects.active().filter(kind=kind, version=version).first()
            )
            if active is not None:
                return active
    raise RuntimeError(
        f"A job of {kind} could not be asked for: others kept beginning and ending one."
    )


def list_waiting(*kinds: Kind) -> list[int]:
    """Return the numbers of queued jobs of these kinds: the least tried first, then who waited longest."""
    waiting = BackgroundJob.objects.queued().filter(kind__in=kinds)
    in_turn = waiting.order_by("attempt", F("turn_at").asc(nulls_first=True), "pk")
    return list(in_turn.values_list("pk", flat=True))


def sweep(*, wait: bool = False) -> Swept:
    """Requeue jobs whose worker is gone, or give them up (see `common.jobs.sweep_jobs`)."""
    return jobs.sweep_jobs(BackgroundJob.objects.all(), wait=wait)
