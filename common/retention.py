"""Rows and files that are not kept for ever: deleted in small steps, so that nothing waits for a long transaction."""

import shutil
import time
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from django.db import models, transaction
from django.utils import timezone

from common.transactions import retry_conflicts

DELETED_TOGETHER = 5_000
DAY_SECONDS = 86_400
INCOMING_DAYS = 1 / 24
"""A request's body that came only half stays so long after its last byte."""


def compute_cutoff(days: float) -> datetime:
    """Return the moment so many days ago."""
    return timezone.now() - timedelta(days=days)


def delete_in_steps(rows: models.QuerySet[Any]) -> int:
    """Delete rows, with what refers to them; a transaction for each few thousand. Return how many rows of `rows`.

    A row that is none of `rows` any more when its turn comes stays: a listener kept it meanwhile.
    """
    n_deleted = 0
    while keys := list(rows.order_by().values_list("pk", flat=True)[:DELETED_TOGETHER]):
        n_deleted += _delete_together(rows, keys)
    return n_deleted


@retry_conflicts
def _delete_together(rows: models.QuerySet[Any], keys: list[Any]) -> int:
    with transaction.atomic():
        still_over = list(rows.order_by().filter(pk__in=keys).values_list("pk", flat=True))
        rows.model._default_manager.filter(pk__in=still_over).delete()
    return len(still_over)


def delete_old_files(
    folder: Path, days: float, *, pattern: str = "*", kept: frozenset[str] = frozenset()
) -> int:
    """Delete files in a folder that were not changed for so many days, except those named in `kept`."""
    oldest, n_deleted = time.time() - days * DAY_SECONDS, 0
    for file in folder.glob(pattern):
        try:
            if file.is_file() and file.name not in kept and file.stat().st_mtime < oldest:
                file.unlink()
                n_deleted += 1
        except FileNotFoundError:
            continue  # a worker took it meanwhile
    return n_deleted


def delete_old_folders(folder: Path, days: float, pattern: str) -> int:
    """Delete folders of work whose process was killed: in which nothing was written for so many days."""
    oldest, n_deleted = time.time() - days * DAY_SECONDS, 0
    for path in folder.glob(pattern):
        if path.is_dir() and not path.is_symlink() and _find_last_change(path) < oldest:
            shutil.rmtree(path, ignore_errors=True)
            n_deleted += 1
    return n_deleted


def _find_last_change(folder: Path) -> float:
    changes = [0.0]
    for path in (folder, *folder.rglob("*")):
        try:
            changes.append(path.lstat().st_mtime)
        except FileNotFoundError:  # its process works on
            return time.time()
    return max(changes)
