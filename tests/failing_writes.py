"""A database that stops taking changes in the middle of something."""

from collections.abc import Callable
from typing import Any

from django.db import OperationalError


def fail_after(n_writes: int) -> Callable[..., Any]:
    """Return a wrapper of statements that lets so many rows' changes through and refuses the next ones."""
    left = n_writes

    def execute(run, sql, params, many, context):
        nonlocal left
        if sql.startswith(("INSERT", "UPDATE", "DELETE")):
            left -= 1
            if left < 0:
                raise OperationalError("the disk is full")
        return run(sql, params, many, context)

    return execute
