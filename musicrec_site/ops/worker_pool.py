"""A pool of worker processes that ends at once when nothing is done in it.

Celery asks its processes to end and waits: each sleeps for a second after it was asked, one that still loads the site
loads it to the end first, and a thread that watches them looks up every 0.8 s only. A process that has no task has
nothing to lose, so here it is killed. Where a task runs, the pool ends as Celery's does: it waits for the task, which
gives its job back (`musicrec_site.celery.release_jobs`).

A worker without a task has nothing to wait for but its queue, which may be frozen or gone, also while the worker is
still connecting to it: from the moment it is asked to end it takes leave for GOODBYE_SECONDS at most.
"""

import contextlib
import faulthandler
import logging
import os
import signal
import threading
import time
from typing import Any

from billiard import active_children
from billiard.pool import RUN, TERMINATE
from celery.concurrency import prefork
from celery.signals import worker_shutting_down
from celery.worker import state

log = logging.getLogger(__name__)

GOODBYE_SECONDS = 8.0
LOOK_SECONDS = 0.5
LEAVING = "leave"


class TaskPool(prefork.TaskPool):
    """The pool that CELERY_WORKER_POOL names."""

    _pool: Any

    def on_close(self) -> None:
        """Called when the worker takes no further message: end the pool if it is idle, else let it finish."""
        if self._pool is not None and self._pool._state == RUN and not self._pool._cache:
            self._kill_idle_processes()
        else:
            super().on_close()

    def _kill_idle_processes(self) -> None:
        pool, self._pool = self._pool, None
        pool._state = TERMINATE
        pool._worker_handler.terminate()  # it starts no process in the place of a dead one
        pool._terminate.cancel()  # what would wait for its threads when the program ends
        processes = [process for process in list(pool._pool) if process._popen is not None]
        for process in processes:
            with contextlib.suppress(ProcessLookupError):
                os.kill(process.pid, signal.SIGKILL)
        _start_leaving()
        for process in processes:
            process.join()


def _start_leaving(**kwargs: Any) -> None:
    """Watch from now on that the program ends; once, however often it is asked to."""
    if not any(thread.name == LEAVING for thread in threading.enumerate()):
        threading.Thread(target=_leave_in_time, name=LEAVING, daemon=True).start()


worker_shutting_down.connect(_start_leaving)


def _leave_in_time() -> None:
    """End the program where its own end does not come: a queue that does not answer is waited for without a limit."""
    idle_since = time.monotonic()
    while time.monotonic() - idle_since < GOODBYE_SECONDS:
        time.sleep(LOOK_SECONDS)
        if state.active_requests:
            idle_since = time.monotonic()
    log.error(
        "The queue has not answered for %.0f s: this worker ends without taking leave of it.",
        GOODBYE_SECONDS,
    )
    faulthandler.dump_traceback()
    from recommendations.services.operations.workers import stop_heartbeats

    # a thread of its own: the database may be what does not answer
    last = threading.Thread(target=stop_heartbeats, daemon=True)
    last.start()
    last.join(GOODBYE_SECONDS)
    for process in active_children():
        with contextlib.suppress(ProcessLookupError):
            os.kill(process.pid, signal.SIGKILL)
    os._exit(0)
