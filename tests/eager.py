"""Tasks run where they are asked for, as by a worker that is always free."""

from collections.abc import Iterator
from contextlib import contextmanager

from musicrec_site.celery import app


@contextmanager
def eager_tasks() -> Iterator[None]:
    before = app.conf.task_always_eager
    app.conf.task_always_eager = True
    try:
        yield
    finally:
        app.conf.task_always_eager = before
