"""Transactions that wait for one another, and that begin again when another was in the way."""

import random
import time
from collections.abc import Callable, Iterable
from functools import wraps
from typing import Any, ParamSpec, TypeVar

from django.db import (
    DatabaseError,
    IntegrityError,
    connection,
    models,
    transaction,
)

ATTEMPTS = 5
# A row that points at one which was deleted meanwhile.
_GONE_ROW = "23503"
# Deadlock, and a transaction that can't be put in order.
_PASSING = {"40P01", "40001", _GONE_ROW}

P = ParamSpec("P")
R = TypeVar("R")


def lock_rows(rows: Iterable[models.Model]) -> set[int]:
    """Lock rows of one table for this transaction alone; return the ids of those that still exist."""
    rows = list(rows)
    if not rows:
        return set()
    ids = sorted({row.pk for row in rows if row.pk is not None})
    locked = type(rows[0])._base_manager.select_for_update().filter(pk__in=ids).order_by("pk")
    return set(locked.values_list("pk", flat=True))


def delete_row(row: models.Model) -> bool:
    """Delete a row with everything that belongs to it; return whether it was there.

    Who writes rows that point at it is waited for, and who begins to finds no such row: on PostgreSQL a row that came
    between the reading of the others and their deletion would else keep all of them.
    """
    with transaction.atomic():
        if not lock_rows([row]):
            return False
        # an object of its own: deleting takes its id, and a second attempt needs it again
        type(row)._base_manager.get(pk=row.pk).delete()
    return True


def retry_conflicts(action: Callable[P, R]) -> Callable[P, R]:
    """Repeat an action in a new transaction when a transient conflict with another one stopped it.

    Inside a transaction it runs once: only the code that opened the transaction can repeat it.
    """

    @wraps(action)
    def run_with_retries(*args: P.args, **kwargs: P.kwargs) -> R:
        if connection.in_atomic_block:
            return action(*args, **kwargs)
        for attempt in range(1, ATTEMPTS):
            try:
                return action(*args, **kwargs)
            except DatabaseError as error:
                if not is_transient(error):
                    raise
                time.sleep(random.uniform(0, 0.02 * 2**attempt))  # noqa: S311
        return action(*args, **kwargs)

    return run_with_retries


def is_transient(error: Any) -> bool:
    """Return whether a database error is one that the same action may not meet again."""
    return getattr(error.__cause__, "sqlstate", None) in _PASSING or _is_about_deleted_row(error)


def _is_about_deleted_row(error: Any) -> bool:
    """Whether a row was to be saved that another transaction has deleted since it was read; Django says so in words."""
    return isinstance(error, DatabaseError) and "did not affect any rows" in str(error)


def is_about_gone_row(error: Any) -> bool:
    """Return whether a row, or one that it points at, was deleted before it could be written."""
    if _is_about_deleted_row(error):
        return True
    if not isinstance(error, IntegrityError):
        return False
    is_on_postgresql = getattr(error.__cause__, "sqlstate", None) == _GONE_ROW
    return is_on_postgresql or "FOREIGN KEY constraint failed" in str(error)
