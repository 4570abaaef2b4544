"""Who works on an import: a lease on its row, taken by compare-and-set and kept by every chunk that is written."""

import os
import socket
import uuid
from pathlib import Path

from django.db.models import Q
from django.utils import timezone

from catalog.models import ImportRun
from catalog.services.ingest import LEASE, LeaseLost

Status = ImportRun.Status


def new_owner() -> str:
    """Return a name for this process' work that no other work ever had."""
    return f"{socket.gethostname()[:40]}:{os.getpid()}:{uuid.uuid4().hex[:12]}"


def claim(run_id: int, owner: str) -> ImportRun | None:
    """Take a waiting run, or one whose owner fell silent or died; None when it is somebody else's or done."""
    run = ImportRun.objects.filter(pk=run_id).first()
    if run is None:
        return None
    now = timezone.now()
    free = Q(status=Status.QUEUED) | Q(status=Status.RUNNING, lease_until__lt=now)
    if run.status == Status.RUNNING and _is_dead(run.owner):
        free |= Q(status=Status.RUNNING, owner=run.owner)
    taken = (
        ImportRun.objects.filter(pk=run_id)
        .filter(free)
        .update(status=Status.RUNNING, owner=owner, lease_until=now + LEASE, error="")
    )
    if not taken:
        return None
    ImportRun.objects.filter(pk=run_id, started_at=None).update(started_at=now)
    run.refresh_from_db()
    return run


def finish(run: ImportRun, status: Status, error: str = "") -> None:
    """End the run, if it is still this owner's."""
    progress = {"progress": 1.0} if status == Status.SUCCEEDED else {}
    ended = ImportRun.objects.filter(pk=run.pk, owner=run.owner, status=Status.RUNNING).update(
        status=status, error=error, finished_at=timezone.now(), lease_until=None, **progress
    )
    if not ended:
        raise LeaseLost(f"The import of {run.file_name} was taken over or cancelled; this process stops.")
    run.refresh_from_db()


def is_live(run: ImportRun) -> bool:
    """Whether somebody works on the run right now."""
    if run.status != Status.RUNNING or run.lease_until is None:
        return False
    return run.lease_until >= timezone.now() and not _is_dead(run.owner)


def _is_dead(owner: str) -> bool:
    """Whether the owner was a process of this machine that is gone; True is certain, False is not."""
    host, _, rest = owner.partition(":")
    pid = rest.partition(":")[0]
    if host != socket.gethostname()[:40] or not pid.isdecimal():
        return False
    return Path("/proc").is_dir() and not Path(f"/proc/{pid}").exists()
