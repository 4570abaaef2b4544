"""The Celery application. Every message is a wake-up; the job itself is a row in the database."""

import atexit
import logging
import os
import sys
import threading
import warnings
from pathlib import Path
from typing import Any

from billiard.util import _run_finalizers as run_finalizers
from celery import Celery, signals
from celery.apps import worker as worker_program
from celery.platforms import SecurityWarning
from django.conf import settings

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "musicrec_site.settings")

app = Celery("musicrec_site")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()

# It is about messages that run code when they are read, which root should not accept; ours are JSON.
warnings.filterwarnings("ignore", category=SecurityWarning)
# The supervisor says once that the site stops; the workers need not repeat it.
worker_program.safe_say = lambda *_: None

log = logging.getLogger(__name__)


@signals.setup_logging.connect
def keep_log_settings(**_: Any) -> None:
    """Leave logging to LOG_LEVEL and LOG_FORMAT; Celery's own set-up would raise the level of every logger."""


@signals.worker_ready.connect
def start_worker(sender: Any, **_: Any) -> None:
    """Say that this worker lives, and take up what another one left."""
    from recommendations.services.operations.workers import start_heartbeat

    start_heartbeat(sender.hostname, sorted(sender.app.amqp.queues.consume_from))
    threading.Thread(
        target=_run_in_thread, args=(_sweep_all,), name="first-sweep", daemon=True
    ).start()


@signals.heartbeat_sent.connect
def touch_alive_file(**_: Any) -> None:
    """Touch the file whose age tells a container's health check that the worker's loop turns."""
    if path := settings.WORKER_ALIVE_FILE:
        Path(path).touch()


def _sweep_all() -> None:
    """Requeue jobs of every kind whose worker is gone, and count what pages of a large site wait for."""
    from catalog import tasks as catalog_tasks
    from recommendations import tasks

    tasks.sweep_and_wake()
    tasks.sweep_background_jobs()
    tasks.count_missing_figures()
    catalog_tasks.sweep_and_wake()


@signals.worker_shutting_down.connect
def release_jobs(**_: Any) -> None:
    """Give the jobs of this worker's children back to the queue, so that stopping does not wait for their end."""
    from musicrec_site.ops.broker import Transport

    Transport.is_stopping = True
    # Apart: this is called in the middle of a signal, where the main thread's connection may be in use.
    threading.Thread(
        target=_run_in_thread, args=(_release_all, os.getpid()), name="release"
    ).start()


def _release_all(parent: int) -> None:
    from common.jobs import list_job_models, release_jobs_of_worker

    for model in list_job_models():
        if n_jobs := release_jobs_of_worker(model, parent):
            log.warning(
                "Back into the queue at this worker's end: %d %s", n_jobs, model._meta.verbose_name
            )


@signals.worker_shutdown.connect
def stop_worker(sender: Any, **_: Any) -> None:
    """Take back the sign of life, and leave the program without taking it to pieces first, which takes a second.

    What is registered last is called first, when the threads that matter have ended.
    """
    from recommendations.services.operations.workers import stop_heartbeats

    stop_heartbeats()
    atexit.register(_leave, int(sender.exitcode or 0))


def _leave(exit_code: int) -> None:
    run_finalizers(0)  # billiard's, which give back the semaphores of the pool
    logging.shutdown()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(exit_code)


def _run_in_thread(work: Any, *args: Any) -> None:
    """Work in a thread with a database connection of its own."""
    from django.db import connection

    try:
        work(*args)
    finally:
        connection.close()
