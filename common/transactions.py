"""Transactions that wait for one another, and that begin again when another was in the way."""

import random
import time
from collections.abc import Callable, Iterable
from functools import wraps
from typing import Any, ParamSpec, TypeVar

from django.db import IntegrityError, OperationalError, connection, models

ATTEMPTS = 5
# Deadlock, a transaction that can't be put in order, and a row that points at one which was deleted meanwhile.
_PASSING = {"40P01", "40001", "23503"}

P = ParamSpec("P")
R = TypeVar("R")


def lock_rows(rows: Iterable[models.Model]) -> set[int]:
    """Lock rows of one table for this transaction alone; return the ids of those that still exist."""
    rows = list(rows)
    ids = sorted({row.pk for row in rows if row.pk is not None})
    locked = type(rows[0])._base_manager.select_for_update().filter(pk__in=ids).order_by("pk")
    return set(locked.values_list("pk", flat=True))


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
            except (OperationalError, IntegrityError) as error:
                if not is_transient(error):
                    raise
                time.sleep(random.uniform(0, 0.02 * 2**attempt))  # noqa: S311
        return action(*args, **kwargs)

    return run_with_retries


def is_transient(error: Any) -> bool:
    """Return whether a database error is one that the same action may not meet again."""
    return getattr(error.__cause__, "sqlstate", None) in _PASSING
