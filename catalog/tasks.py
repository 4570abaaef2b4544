"""Imports in the background: the row in the database is the job, a message only wakes a worker for it."""

from functools import partial

from celery import shared_task
from django.db import transaction

from catalog.models import ImportRun
from catalog.services import imports


def enqueue_import(run: ImportRun) -> None:
    """Wake a worker for a requested import, once the request's transaction is committed.

    Without a broker nothing is lost: the sweeper finds the row.
    """
    transaction.on_commit(partial(run_import.delay, run.pk), robust=True)


@shared_task
def run_import(run_id: int) -> None:
    """Run one requested import, if nobody has it yet."""
    imports.run_import(run_id)


@shared_task
def sweep_imports() -> None:
    """Take up imports whose message was lost or whose worker died."""
    for run_id in imports.sweep():
        run_import.delay(run_id)
