"""Progress reports of a running job, and the check whether it must stop."""

import time
from typing import Any

from common.jobs.heartbeat import Heartbeat
from common.jobs.leases import Lease

WRITE_EVERY = 1.0
LOOK_EVERY = 0.2
"""A cancellation is looked for at every iteration, but not more often than this."""


class Cancelled(Exception):
    """Somebody asked to stop; raised through the progress callback, it ends the work at once."""


class JobReporter:
    """Write a job's progress at most once a second; raise Cancelled or LostLease where it must stop."""

    def __init__(self, lease: Lease, heartbeat: Heartbeat | None = None) -> None:
        self.lease = lease
        self.heartbeat = heartbeat
        self._written = self._looked = 0.0

    def report(self, progress: float) -> None:
        """Write how much is done, 0 to 1, unless that was written within the last second."""
        self.stop_if_asked()
        if time.monotonic() - self._written >= WRITE_EVERY:
            self.write(progress=progress)

    def write(self, **fields: Any) -> None:
        """Write fields of the job's row now."""
        self.stop_if_asked(now=True)
        self.lease.write(**fields)
        self._written = time.monotonic()

    def stop_if_asked(self, *, now: bool = False) -> None:
        """Raise Cancelled when that was requested, LostLease when another worker holds the job."""
        if self.heartbeat is not None and self.heartbeat.lost:
            raise self.lease.make_lost_error()
        if not now and time.monotonic() - self._looked < LOOK_EVERY:
            return
        self._looked = time.monotonic()
        cancel_requested = self.lease.query().values_list("cancel_requested", flat=True).first()
        if cancel_requested is None:
            raise self.lease.make_lost_error()
        if cancel_requested:
            raise Cancelled
