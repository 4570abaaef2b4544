"""Who is at work: each worker says every few seconds that it lives."""

import logging
import socket
import threading

from django.db import DatabaseError, connection
from django.db.models import QuerySet
from django.utils import timezone

from common.jobs import job_conf
from common.retention import compute_cutoff
from recommendations.models import WorkerHeartbeat

log = logging.getLogger(__name__)

SILENT_DAYS = 1
"""Rows of workers that have been silent for longer are deleted."""


def touch(worker: str, queues: list[str]) -> None:
    """Store a worker's sign of life."""
    now = timezone.now()
    WorkerHeartbeat.objects.update_or_create(
        worker=worker[:200],
        defaults={"queues": queues, "seen_at": now},
        create_defaults={"queues": queues, "seen_at": now, "started_at": now},
    )


def remove_worker(worker: str) -> None:
    """Delete the row of a worker that ends, and those of workers that ended without a word."""
    WorkerHeartbeat.objects.filter(worker=worker[:200]).delete()
    select_silent().delete()


def select_silent() -> QuerySet[WorkerHeartbeat]:
    """Return the rows of workers that ended without a word."""
    return WorkerHeartbeat.objects.filter(seen_at__lt=compute_cutoff(SILENT_DAYS))


def find_silence_seconds(queue: str | None = None) -> float | None:
    """Return how long ago a worker of a queue, or any, was last heard of; None when there is none."""
    heartbeats = [
        heartbeat.seen_at
        for heartbeat in WorkerHeartbeat.objects.all()
        if queue is None or queue in heartbeat.queues
    ]
    return max(0.0, (timezone.now() - max(heartbeats)).total_seconds()) if heartbeats else None


def is_alive(silence: float | None) -> bool:
    """Return whether a worker that was last heard of `silence` seconds ago counts as living.

    The one place that decides it: by WORKER_SILENT_SECONDS, but never within two heartbeats.
    """
    longest = max(job_conf.worker_silent_seconds, 2 * job_conf.worker_heartbeat_seconds)
    return silence is not None and silence <= longest


def has_worker(queue: str | None = None) -> bool:
    """Return whether a living worker takes up jobs of this queue, or of any."""
    return is_alive(find_silence_seconds(queue))


class Heartbeat(threading.Thread):
    """Beats for one worker from a thread of its parent process, also while its children train."""

    def __init__(self, worker: str, queues: list[str]) -> None:
        super().__init__(name="worker-heartbeat", daemon=True)
        self.worker = f"{worker} ({socket.gethostname()})" if "@" not in worker else worker
        self.queues = queues
        self._stop_asked = threading.Event()

    def run(self) -> None:
        self._beat()
        while not self._stop_asked.wait(job_conf.worker_heartbeat_seconds):
            self._beat()
        connection.close()

    def stop(self) -> None:
        self._stop_asked.set()
        self.join(timeout=5)
        remove_worker(self.worker)

    def _beat(self) -> None:
        try:
            touch(self.worker, self.queues)
        except DatabaseError as error:
            # The row only gets older, which is what the admin page is to show.
            log.warning("The worker's heartbeat was not written: %s", error)
            connection.close()


_heartbeats: list[Heartbeat] = []


def start_heartbeat(worker: str, queues: list[str]) -> None:
    """Start the heartbeat of this process's worker."""
    heartbeat = Heartbeat(worker, queues)
    heartbeat.start()
    _heartbeats.append(heartbeat)


def stop_heartbeats() -> None:
    """Stop the heartbeats of this process and delete their rows."""
    while _heartbeats:
        _heartbeats.pop().stop()
