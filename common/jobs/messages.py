"""Wake-ups: a message tells a worker that a row waits; without it the next sweep does."""

import logging
from functools import partial
from typing import Any

from celery import Task, shared_task
from kombu.exceptions import KombuError

from common.jobs.conf import job_conf

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
