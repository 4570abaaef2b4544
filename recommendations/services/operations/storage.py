"""How large every table and folder is, and what bounds it."""

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from django.conf import settings
from django.core.cache import cache
from django.db import connection
from django.utils.translation import get_language
from django.utils.translation import gettext as _

from accounts.conf import account_conf
from catalog.conf import catalog_conf
from common import log_file
from common.templatetags.numbers import format_count
from recommendations.conf import conf
from recommendations.services.surfaces import generated_playlists

CACHE_SECONDS = 3600
LARGEST_COUNTED_BYTES = 2 * 10**9
"""SQLite finds out how large a table is by reading the file; a larger file is not read for it."""


@dataclass(frozen=True)
class Size:
    """A group of tables, or a folder. `n_bytes` is None where it was not looked at. `bound` says what limits it."""

    name: str
    n_bytes: int | None
    bound: str


def list_sizes() -> list[Size]:
    """Return the tables by purpose, then the folders; at most an hour old."""
    return cache.get_or_set(
        _make_key(get_language()),
        lambda: [*_measure_tables(), *_measure_folders()],
        CACHE_SECONDS,
    )  # type: ignore[return-value]  # never None: the list is made where it is missing


def clear_cached_sizes() -> None:
    """Have the sizes measured anew, in every process of this cache."""
    cache.delete_many([_make_key(code) for code, _name in settings.LANGUAGES])


def _make_key(language: str) -> str:
    return f"storage:sizes:{language}"


# --- Tables -----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Group:
    """Tables of one purpose; a name that ends in * is a beginning."""

    name: Callable[[], str]
    tables: tuple[str, ...]
    bound: Callable[[], str]

    def holds(self, table: str) -> bool:
        return any(
            table.startswith(name.removesuffix("*")) if name.endswith("*") else table == name
            for name in self.tables
        )


def _list_days(n_days: float) -> str:
    return _("%(n)d days") % {"n": n_days}


GROUPS = (
    _Group(
        lambda: _("Accounts"),
        ("accounts_user*", "auth_*", "catalog_nowplaying", "catalog_latestimport"),
        lambda: _("a few rows per account; they go with it"),
    ),
    _Group(
        lambda: _("Tokens, sessions, attempts"),
        ("accounts_apitoken", "accounts_attemptcount", "accounts_session"),
        lambda: (
            _("until they expire; tokens %(time)s longer")
            % {"time": _list_days(account_conf.expired_tokens_days)}
        ),
    ),
    _Group(
        lambda: _("Listens and opinions"),
        ("catalog_interaction",),
        lambda: (
            _(
                "one row per play, as long as the account; %(files)d files a day of %(rows)s rows each"
            )
            % {
                "files": catalog_conf.import_files_a_day,
                "rows": format_count(catalog_conf.import_rows),
            }
        ),
    ),
    _Group(
        lambda: _("Notes for the columnar copy"),
        ("recommendations_changedlistener", "recommendations_columncopystate"),
        lambda: _("until the next training"),
    ),
    _Group(
        lambda: _("Statistics of listeners"),
        (
            "catalog_songmonth",
            "catalog_songtotal",
            "catalog_daytotal",
            "catalog_sourcemonth",
            "catalog_entitytotal",
            "catalog_regroupedsong",
            "catalog_listeningsums",
            "catalog_outdatedmonth",
            "catalog_sharedreview",
        ),
        lambda: _("counted from the listens; go with them"),
    ),
    _Group(
        lambda: _("Songs, artists, albums"),
        (
            "catalog_song*",
            "catalog_artist*",
            "catalog_album*",
            "catalog_genre",
            "catalog_recordingmsid",
        ),
        lambda: _(
            "what was imported or heard; songs that one listener brought go with the account"
        ),
    ),
    _Group(
        lambda: _("Music folders"),
        (
            "catalog_musicfolder",
            "catalog_folderscan",
            "catalog_musicfile",
            "catalog_analysisrun",
        ),
        lambda: _("one row per file; the last 20 scans of each folder"),
    ),
    _Group(
        lambda: _("Music servers"),
        (
            "catalog_musicserver",
            "catalog_server*",
            "catalog_rejectedserversong",
            "catalog_writtenplaylist",
        ),
        lambda: _(
            "one row per song of each server and per account that plays it; the last 20 syncs of each server"
        ),
    ),
    _Group(
        lambda: _("Playlists"),
        ("catalog_playlist*", "recommendations_blend*"),
        lambda: (
            _("listeners' own as long as the account; generated ones %(time)s")
            % {"time": _list_days(max(generated_playlists.KEPT_DAYS.values()))}
        ),
    ),
    _Group(
        lambda: _("Imports"),
        ("catalog_importrun", "catalog_rejectedimportrow", "catalog_submission"),
        lambda: (
            _("rejected rows %(rows)s; imports without effect %(runs)s")
            % {
                "rows": _list_days(catalog_conf.rejected_rows_days),
                "runs": _list_days(catalog_conf.import_runs_days),
            }
        ),
    ),
    _Group(
        lambda: _("Lists shown, and what became of them"),
        (
            "recommendations_impression",
            "recommendations_outcome",
            "recommendations_interleaveddraft",
        ),
        lambda: _list_days(conf.events_days),
    ),
    _Group(
        lambda: _("Served lists, to be replayed"),
        ("recommendations_servedrecord",),
        lambda: (
            _("%(n)s lists, %(time)s")
            % {
                "n": format_count(conf.recorded_lists),
                "time": _list_days(conf.recorded_lists_days),
            }
        ),
    ),
    _Group(
        lambda: _("Receipts of deletions"),
        ("recommendations_forgettingreceipt",),
        lambda: (
            _("%(time)s after the first training without the data")
            % {"time": _list_days(conf.trainings_days)}
        ),
    ),
    _Group(
        lambda: _("Precomputed lists"),
        ("recommendations_recommendationlist",),
        lambda: (
            _("one per kept version for each listener who was active within %(time)s")
            % {"time": _list_days(conf.lists_active_days)}
            if conf.lists_active_days
            else _("one per kept version for each listener")
        ),
    ),
    _Group(
        lambda: _("Tastes and controls"),
        (
            "recommendations_taste*",
            "recommendations_wish",
            "recommendations_listenerstate",
            "recommendations_sitecontract",
        ),
        lambda: _("what listeners set; goes with the account"),
    ),
    _Group(
        lambda: _("Trainings, versions, experiments"),
        (
            "recommendations_trainingrun",
            "recommendations_modelversion",
            "recommendations_activation",
            "recommendations_backgroundjob",
            "recommendations_experiment",
            "recommendations_arm",
            "recommendations_trends",
            "recommendations_workerheartbeat",
        ),
        lambda: (
            _("one row per training; logs %(logs)s, trainings without a version %(runs)s")
            % {"logs": _list_days(conf.training_logs_days), "runs": _list_days(conf.trainings_days)}
        ),
    ),
    _Group(
        lambda: _("Admin log"),
        ("django_admin_log",),
        lambda: _list_days(account_conf.admin_log_days),
    ),
    _Group(
        lambda: _("Schedule, migrations, figures of the site"),
        (
            "django_celery_beat_*",
            "django_content_type",
            "django_migrations",
            "catalog_keptfigure",
        ),
        lambda: _("does not grow"),
    ),
)


def _measure_tables() -> list[Size]:
    sizes = _measure_bytes_by_table()
    return [
        Size(
            group.name(),
            None if sizes is None else sum(n for table, n in sizes.items() if group.holds(table)),
            group.bound(),
        )
        for group in GROUPS
    ]


def _measure_bytes_by_table() -> dict[str, int] | None:
    """Return the size of each table with its indexes; None where finding out would take long or can't be done."""
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT relname, pg_total_relation_size(oid) FROM pg_class "
                "WHERE relkind = 'r' AND relnamespace = current_schema()::regnamespace"
            )
            return {name: int(n_bytes) for name, n_bytes in cursor.fetchall()}
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM pragma_module_list WHERE name = 'dbstat'")
        can_count = cursor.fetchone()[0]
        cursor.execute("SELECT page_count * page_size FROM pragma_page_count(), pragma_page_size()")
        if not can_count or cursor.fetchone()[0] > LARGEST_COUNTED_BYTES:
            return None
        cursor.execute(
            "SELECT schema.tbl_name, sum(stat.pgsize) FROM dbstat AS stat "
            "JOIN sqlite_schema AS schema ON schema.name = stat.name WHERE stat.aggregate = TRUE GROUP BY 1"
        )
        return dict(cursor.fetchall())


# --- Folders ----------------------------------------------------------------------------------------------------------


def _measure_folders() -> list[Size]:
    quota = catalog_conf.import_waiting_mb
    return [
        Size(
            _("Folder artifacts"),
            _measure_folder(settings.ARTIFACTS_DIR),
            _("%(n)d versions, and those that serve") % {"n": conf.versions_kept},
        ),
        Size(
            _("Folder uploads"),
            _measure_folder(settings.UPLOADS_DIR) + _measure_folder(settings.INCOMING_DIR),
            _("%(size)s MB per listener, until an import is over") % {"size": format_count(quota)},
        ),
        Size(
            _("Folder interactions"),
            _measure_folder(settings.INTERACTIONS_DIR),
            _("the columnar copy that trainings read"),
        ),
        Size(
            _("Folder broker"),
            _measure_folder(settings.BROKER_DIR),
            _("messages of %(time)s") % {"time": _list_days(3)},
        ),
        Size(
            _("Folder log"),
            _measure_folder(settings.KEPT_LOG.parent),
            _("the latest warnings and errors, twice %(size)d MB")
            % {"size": log_file.LARGEST_BYTES // 10**6},
        ),
        Size(
            _("Log on standard error"),
            None,
            _("failed requests and jobs; whatever collects it limits it (compose.yaml: 5 × 10 MB)"),
        ),
    ]


def _measure_folder(folder: Path) -> int:
    """Return the size of all files below a folder; those that vanish meanwhile are left out."""
    n_bytes = 0
    for path, _folders, names in os.walk(folder):
        for name in names:
            try:
                n_bytes += os.stat(os.path.join(path, name)).st_size  # noqa: PTH116, PTH118 (many files)
            except OSError:
                continue
    return n_bytes
