"""Who may work on a training run: claim it, keep it, lose it.

The database row is the job. A worker claims it with one compare-and-set UPDATE and then extends its lease; every
later write names owner and attempt, so that an owner that fell silent and comes back changes nothing.
"""

import logging
import os
import socket
import threading
import time
import uuid
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

from django.db import DatabaseError, connection
from django.db.models import F
from django.db.models.functions import Coalesce, Now
from django.utils import timezone

from recommendations.conf import conf
from recommendations.models import TrainingRun

log = logging.getLogger(__name__)


class LostLease(Exception):
    """Somebody else holds the run now: what this worker still does about it must not be written."""


@dataclass(frozen=True)
class Lease:
    """One claim of one run by one process."""

    run_id: int
    owner: str
    attempt: int

    def write(self, **fields: Any) -> None:
        """Change the run's row; raises LostLease when it is not ours any more."""
        if not TrainingRun.objects.filter(pk=self.run_id).held_by(self.owner, self.attempt).update(**fields):
            raise self.lost()

    def lost(self) -> LostLease:
        """Return what is raised when the run turns out to be somebody else's, whoever notices first."""
        return LostLease(
            f"Training #{self.run_id} was taken over; attempt {self.attempt} writes nothing more."
        )

    def renew(self) -> None:
        self.write(lease_until=lease_end())

    def finish(self, status: TrainingRun.Status, **fields: Any) -> None:
        """Write the last word about the run and give the lease back."""
        self.write(status=status, finished_at=timezone.now(), owner="", lease_until=None, **fields)


def lease_end():
    return timezone.now() + timedelta(seconds=conf.training_lease_seconds)


def owner_name() -> str:
    """Return a name that tells which process this is, also after its number was given to another one."""
    pid = os.getpid()
    return f"{socket.gethostname()[:40]}:{pid}:{_start_of(pid)}:{uuid.uuid4().hex[:12]}"


def claim(run_id: int, owner: str) -> Lease | None:
    """Take a queued run; None when another worker has it, or it is not queued any more."""
    taken = (
        TrainingRun.objects.filter(pk=run_id)
        .queued()
        .update(
            status=TrainingRun.Status.RUNNING,
            owner=owner,
            attempt=F("attempt") + 1,
            lease_until=lease_end(),
            started_at=Coalesce("started_at", Now()),
            stage="",
        )
    )
    if not taken:
        return None
    attempt = TrainingRun.objects.values_list("attempt", flat=True).get(pk=run_id, owner=owner)
    return Lease(run_id, owner, attempt)


class Heartbeat:
    """Extends a lease from a thread of its own, because one step of a fit may take longer than the lease.

    Inside a transaction nobody else sees the row, so there the thread would only wait for the database's lock.
    """

    def __init__(self, lease: Lease) -> None:
        self.lease = lease
        self.lost = False
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None

    def __enter__(self) -> "Heartbeat":
        if not connection.in_atomic_block:
            self._thread = threading.Thread(target=self._beat, name="training-heartbeat", daemon=True)
            self._thread.start()
        return self

    def __exit__(self, *exc_info: object) -> None:
        self.stop()

    def stop(self) -> None:
        """End the beats, so that none comes after the last word about the run."""
        self._stop.set()
        if self._thread is not None:
            self._thread.join()

    def _beat(self) -> None:
        try:
            while not self._stop.wait(conf.training_lease_seconds / 5):
                self._renew()
        except LostLease as error:
            self.lost = True
            log.warning("%s", error)
        finally:
            connection.close()

    def _renew(self) -> None:
        try:
            self.lease.renew()
        except DatabaseError as error:
            # The next beat tries again; if none succeeds the lease ends and another worker takes the run.
            log.warning("The lease of training #%s was not extended: %s", self.lease.run_id, error)
            connection.close()


# --- Runs whose owner fell silent -------------------------------------------------------------------------------------

# What this process saw ended, and since when by a clock that nobody can set.
_watched: dict[tuple[int, str, Any], float] = {}


def silent_runs(*, wait: bool = False) -> list[TrainingRun]:
    """Return the running runs whose owner is gone.

    A process of this machine that is not there any more is gone at once. Otherwise the lease must have ended and stay
    as it is for `sweep_patience_seconds`: after a jump of the clock a living owner extends it within that time (T28).
    With `wait` the call sits the time out, else a later call decides.
    """
    silent, watched = _sorted_out()
    if watched and wait:
        time.sleep(max(0.0, max(watched) + conf.sweep_patience_seconds - time.monotonic()) + 0.01)
        silent, _ = _sorted_out()
    return silent


def _sorted_out() -> tuple[list[TrainingRun], list[float]]:
    runs = list(TrainingRun.objects.running())
    ended = {(run.pk, run.owner, run.lease_until): run for run in runs if _lease_has_ended(run)}
    for key in set(_watched) - set(ended):
        del _watched[key]
    now = time.monotonic()
    seen = {key: _watched.setdefault(key, now) for key in ended}
    silent = [run for run in runs if owner_is_dead(run.owner)]
    silent += [
        run
        for key, run in ended.items()
        if run not in silent and now - seen[key] >= conf.sweep_patience_seconds
    ]
    return silent, [seen[key] for key, run in ended.items() if run not in silent]


def _lease_has_ended(run: TrainingRun) -> bool:
    """True for a lease in the past, and for one so far ahead that the clock must have been set back since."""
    if run.lease_until is None:
        return True
    left = (run.lease_until - timezone.now()).total_seconds()
    return left < 0 or left > 2 * conf.training_lease_seconds


def owner_is_dead(owner: str) -> bool:
    """True when the owner was a process of this machine that runs no more."""
    try:
        host, pid, start, _ = owner.rsplit(":", 3)
        return host == socket.gethostname()[:40] and start != "?" and _start_of(int(pid)) != start
    except ValueError:
        return False


def owner_is_child_of(owner: str, parent: int) -> bool:
    """True when the owner is a process that this machine's process `parent` started."""
    try:
        host, pid, start, _ = owner.rsplit(":", 3)
        stat = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except (ValueError, OSError):
        return False
    return host == socket.gethostname()[:40] and stat[19] == start and int(stat[1]) == parent


def _start_of(pid: int) -> str:
    """Return when a process started, in the kernel's ticks: with the number it names one process for ever."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except FileNotFoundError:
        return "gone" if Path("/proc/self/stat").exists() else "?"
    return "gone" if fields[0] in "ZX" else fields[19]
