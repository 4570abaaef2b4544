"""Wake-ups: a message tells a worker that a row waits; without it the next sweep does."""

import logging
from collections.abc import Iterable
from functools import partial
from typing import Any

from celery import Task, shared_task
from django.db import transaction
from kombu.exceptions import KombuError

from common.jobs.conf import job_conf
from common.jobs.models import JobRow

log = logging.getLogger(__name__)

UNREACHABLE = (OSError, KombuError)


short_task = partial(shared_task, time_limit=job_conf.task_time_limit)
"""The decorator of tasks that take seconds: one that hangs is killed. Of long jobs the lease decides."""

REPEATED_AFTER_SECONDS = 120
"""A wake-up that nobody took within this time was repeated by a sweep."""


def send_wake_up(task: Task, *args: Any) -> bool:
    """Send a wake-up; return False when the queue can't be reached, which must not break the request that asked."""
    try:
        task.apply_async(args=args, expires=REPEATED_AFTER_SECONDS)
    except UNREACHABLE as error:
        log.warning(
            "The message queue can't be reached, %s%r was not sent: %s", task.name, args, error
        )
        return False
    return True


def wake_after_commit(task: Task, job: JobRow) -> None:
    """Wake a worker for a requested job, once the request's transaction is committed.

    Without a broker nothing is lost: the sweep finds the row.
    """
    transaction.on_commit(partial(send_wake_up, task, job.pk), robust=True)


def wake_all(task: Task, jobs: Iterable[JobRow]) -> None:
    """Wake a worker for each job that a sweep found waiting."""
    for job in jobs:
        send_wake_up(task, job.pk)
