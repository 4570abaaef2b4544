"""The lease of a job: claim it, renew it, release it, finish it, lose it.

The database row is the job. A worker claims it with one compare-and-set UPDATE and then extends its
lease; every later write names owner and attempt, so that an owner that fell silent and comes back
changes nothing.
"""

import os
import socket
import uuid
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from django.db.models import F, Q
from django.db.models.functions import Coalesce, Now
from django.utils import timezone

from common.jobs.conf import job_conf
from common.jobs.models import JobQuerySet, JobRow

Status = JobRow.Status


class LostLease(Exception):
    """Another worker holds the job now, or it was cancelled or deleted: write nothing more."""


@dataclass(frozen=True)
class Lease:
    """One claim of one job by one process."""

    model: type[JobRow]
    job_id: int
    owner: str
    attempt: int

    def query(self) -> JobQuerySet:
        """Return the job's row as a query; empty when the lease is lost."""
        return self.model._default_manager.filter(pk=self.job_id).holding_lease(
            self.owner, self.attempt
        )

    def write(self, **fields: Any) -> None:
        """Update the job's row; raise LostLease when another worker holds it."""
        if not self.query().update(**fields):
            raise self.make_lost_error()

    def make_lost_error(self) -> LostLease:
        """Return the error of a worker whose job is somebody else's, cancelled or deleted."""
        name = self.model._meta.verbose_name
        return LostLease(
            f"{name} #{self.job_id} was taken over, cancelled or deleted; "
            f"attempt {self.attempt} writes nothing more.".capitalize()
        )

    def renew(self) -> None:
        """Extend the lease; raise LostLease."""
        self.write(lease_until=compute_lease_end())

    def lock(self) -> None:
        """Take the row's lock in the caller's transaction; raise LostLease.

        Until that transaction ends nobody can cancel, delete or take over the job: what it writes
        belongs to a job that still exists.
        """
        self.renew()

    def release(self, **fields: Any) -> None:
        """Give the job back to the queue, and the attempt with it; raise LostLease."""
        self.write(
            status=Status.QUEUED,
            owner="",
            lease_until=None,
            **({"attempt": self.attempt - 1} | fields),
        )

    def finish(self, status: str, **fields: Any) -> None:
        """Write how the job ended and give the lease back; raise LostLease."""
        self.write(status=status, finished_at=timezone.now(), owner="", lease_until=None, **fields)


def compute_lease_end() -> datetime:
    """Return the moment at which a lease taken now ends."""
    return timezone.now() + timedelta(seconds=job_conf.job_lease_seconds)


def claim_job(
    model: type[JobRow], job_id: int, owner: str = "", *, take_over: bool = False, **fields: Any
) -> Lease | None:
    """Take a queued job; return None when another worker has it, or it is not queued any more.

    `fields` are written with the claim. With `take_over` a running job is taken, too, when its lease
    has ended or its owner is a dead process of this machine.
    """
    owner = owner or get_owner_name()
    jobs: JobQuerySet = model._default_manager.filter(pk=job_id)
    free = Q(status=Status.QUEUED)
    if take_over:
        free |= Q(status=Status.RUNNING, lease_until__lt=timezone.now())
        job = jobs.running().first()
        if job is not None and is_owner_dead(job.owner):
            free |= Q(status=Status.RUNNING, owner=job.owner)
    n_claimed = jobs.filter(free).update(
        status=Status.RUNNING,
        owner=owner,
        attempt=F("attempt") + 1,
        lease_until=compute_lease_end(),
        started_at=Coalesce("started_at", Now()),
        **fields,
    )
    if not n_claimed:
        return None
    attempt = jobs.filter(owner=owner).values_list("attempt", flat=True).first()
    return None if attempt is None else Lease(model, job_id, owner, attempt)


def get_owner_name() -> str:
    """Return a name for this process that stays its own after the kernel reuses its number."""
    pid = os.getpid()
    return f"{socket.gethostname()[:40]}:{pid}:{_read_process_start(pid)}:{uuid.uuid4().hex[:12]}"


def is_owner_dead(owner: str) -> bool:
    """Return True when the owner was a process of this machine that runs no more."""
    try:
        host, pid, start, _ = owner.rsplit(":", 3)
        return (
            host == socket.gethostname()[:40]
            and start != "?"
            and _read_process_start(int(pid)) != start
        )
    except ValueError:
        return False


def is_owner_child(owner: str, parent: int) -> bool:
    """Return True when this machine's process `parent` started the owner."""
    try:
        host, pid, start, _ = owner.rsplit(":", 3)
        stat = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except (ValueError, OSError):
        return False
    return host == socket.gethostname()[:40] and stat[19] == start and int(stat[1]) == parent


def _read_process_start(pid: int) -> str:
    """Return when a process started, in the kernel's ticks: with the number it names one process for ever."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except FileNotFoundError:
        return "gone" if Path("/proc/self/stat").exists() else "?"
    return "gone" if fields[0] in "ZX" else fields[19]
