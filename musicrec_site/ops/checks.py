"""What is wrong or risky about the installation, told at start by `manage.py check` and `manage.py doctor`."""

import sqlite3
import stat
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Error, Tags, Warning, register
from django.db import connection
from django.utils.translation import gettext as _

# Those tagged `installation` cost next to nothing: the operator's dashboard runs them each time it is opened.
WAL_BUG_FROM, WAL_BUG_TO = (3, 7, 0), (3, 51, 2)


@register("installation")
def check_sqlite_version(app_configs: Any, **options: Any) -> list[CheckMessage]:
    """Warn of the SQLite versions whose write-ahead log can, rarely, damage a database."""
    if (
        connection.vendor != "sqlite"
        or not WAL_BUG_FROM <= sqlite3.sqlite_version_info <= WAL_BUG_TO
    ):
        return []
    return [
        Warning(
            _(
                "SQLite %(version)s has the WAL-reset bug (3.7.0 to 3.51.2): when several processes write, it can in "
                "rare cases damage the database."
            )
            % {"version": sqlite3.sqlite_version},
            hint=_(
                "Update SQLite to 3.51.3 or newer, or give this site one of its own (`pip install pysqlite3`), or use "
                "PostgreSQL: `python manage.py move_database --to URL`. Until then keep backups: "
                "`python manage.py backup`."
            ),
            id="musicrec.W001",
        )
    ]


@register("installation")
def check_data_folder_is_private(app_configs: Any, **options: Any) -> list[CheckMessage]:
    """Warn when others on the machine may read listening histories."""
    mode = stat.S_IMODE(settings.DATA_DIR.stat().st_mode)
    if not mode & 0o077:
        return []
    return [
        Warning(
            _(
                "Others on this machine may look into %(folder)s (mode %(mode)s); it holds listening histories."
            )
            % {"folder": settings.DATA_DIR, "mode": f"{mode:o}"},
            hint=f"chmod 700 {settings.DATA_DIR}",
            id="musicrec.W002",
        )
    ]


@register("installation")
def check_folders_are_writable(app_configs: Any, **options: Any) -> list[CheckMessage]:
    """Refuse folders that nothing can be written to."""
    return [
        Error(
            _("%(folder)s cannot be written to: %(reason)s.") % {"folder": folder, "reason": error},
            hint=_(
                "Give it to the user that runs Musicrec (chown), or point DATA_DIR and ARTIFACTS_DIR elsewhere."
            ),
            id="musicrec.E001",
        )
        for folder in (settings.DATA_DIR, settings.ARTIFACTS_DIR)
        if (error := _find_write_error(folder))
    ]


def _find_write_error(folder: Path) -> str:
    probe = folder / ".can-write"
    try:
        probe.write_bytes(b"")
        probe.unlink()
    except OSError as error:
        return error.strerror or str(error)
    return ""


@register(Tags.security, deploy=True)
def check_public_site(app_configs: Any, **options: Any) -> list[CheckMessage]:
    """What a site on the internet must not have. Part of `check --deploy`."""
    messages: list[CheckMessage] = []
    if not settings.HTTPS:
        messages.append(
            Warning(
                f"SITE_URL is {settings.SITE_URL}, so passwords travel unencrypted.",
                hint="Put a proxy with a certificate in front and set SITE_URL=https://…",
                id="musicrec.W003",
            )
        )
    if "*" in settings.ALLOWED_HOSTS:
        messages.append(
            Error(
                "ALLOWED_HOSTS is *, so anybody may name the site.",
                hint="List its names.",
                id="musicrec.E002",
            )
        )
    if settings.METRICS and 0 < len(settings.METRICS_TOKEN) < 16:
        messages.append(
            Warning(
                "METRICS_TOKEN is shorter than 16 characters.",
                hint="Use `openssl rand -hex 32`, or leave it empty: staff can always look.",
                id="musicrec.W004",
            )
        )
    return messages
