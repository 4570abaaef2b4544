"""Extends a lease while a job runs, because one of its steps may take longer than the lease."""

import logging
import threading

from django.db import DatabaseError, connection

from common.jobs.conf import job_conf
from common.jobs.leases import Lease, LostLease

log = logging.getLogger(__name__)


class Heartbeat:
    """Extend a lease from a thread of its own.

    Inside a transaction nobody else sees the row, so there the thread would only wait for the
    database's lock; none is started.
    """

    def __init__(self, lease: Lease) -> None:
        self.lease = lease
        self.lost = False
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None

    def __enter__(self) -> "Heartbeat":
        if not connection.in_atomic_block:
            self._thread = threading.Thread(target=self._run, name="job-heartbeat", daemon=True)
            self._thread.start()
        return self

    def __exit__(self, *exc_info: object) -> None:
        self.stop()

    def stop(self) -> None:
        """End the thread, so that no renewal follows the last write about the job."""
        self._stop.set()
        if self._thread is not None:
            self._thread.join()

    def _run(self) -> None:
        try:
            while not self._stop.wait(job_conf.job_lease_seconds / 5):
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
            # The next beat tries again; if none succeeds the lease ends and another worker takes the job.
            name = self.lease.model._meta.verbose_name
            log.warning("The lease of %s #%s was not extended: %s", name, self.lease.job_id, error)
            connection.close()
