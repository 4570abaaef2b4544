"""What the site does when an app below asks for it."""

import sqlite3
from typing import Any

from django.dispatch import receiver
from django.utils.translation import gettext as _

from common.jobs import JobFailed
from recommendations.signals import backup_wanted


@receiver(backup_wanted)
def make_backup(sender: Any, **_kwargs: Any) -> None:
    """Write a new backup into the data folder; raise JobFailed, which says why, when it can't be written."""
    from musicrec_site.ops import backup

    try:
        backup.make_backup(backup.build_default_path())
    except (backup.BackupError, OSError, sqlite3.Error) as error:
        raise JobFailed(_("No backup was made. %(error)s") % {"error": error}) from error
