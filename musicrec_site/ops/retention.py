"""The nightly cleaning: every app deletes what is over, and the queue's folder what nobody reads."""

import logging
from pathlib import Path

from django.conf import settings

from accounts import retention as accounts_retention
from catalog.imports import retention as catalog_retention
from common.retention import delete_old_files, delete_old_folders
from recommendations.services.operations import retention as recommendations_retention

log = logging.getLogger(__name__)

MESSAGES_DAYS = 3
"""Wake-ups older than that were repeated many times; a link in a mail would have run out."""

UNFINISHED_DAYS = 1
"""A backup or a restore that was killed leaves a copy of the database; it stays so long after its last byte."""


def delete_expired() -> dict[str, int]:
    """Delete everything that is over; return how many of each. Takes seconds, and as long as there is to delete."""
    deleted = accounts_retention.delete_expired()
    deleted |= catalog_retention.delete_expired()
    deleted |= recommendations_retention.delete_expired()
    deleted["messages"] = _delete_old_messages()
    deleted["unfinished backups"] = _delete_unfinished_backups()
    summary = ", ".join(f"{n:,} {name}" for name, n in deleted.items() if n)
    if summary:
        log.info("Deleted what is over: %s", summary)
    return deleted


def _delete_old_messages() -> int:
    """Delete messages of the embedded queue that no worker took, and those put aside."""
    if not settings.CELERY_BROKER_URL.startswith("filesystem://"):
        return 0
    return delete_old_files(Path(settings.BROKER_DIR) / "messages", MESSAGES_DAYS)


def _delete_unfinished_backups() -> int:
    data = Path(settings.DATA_DIR)
    return delete_old_folders(data / "backups", UNFINISHED_DAYS, ".backup-*") + delete_old_folders(
        data, UNFINISHED_DAYS, ".restore-*"
    )
