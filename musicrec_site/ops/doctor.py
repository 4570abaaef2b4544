"""Look at the whole installation and say what to do about what is wrong."""

import os
import platform
import shutil
import sqlite3
from collections.abc import Callable, Iterator
from pathlib import Path

from django.conf import settings
from django.core import checks
from django.core.cache import cache
from django.db import DatabaseError, connection
from kombu.connection import Connection
from kombu.exceptions import KombuError

from accounts.models import User
from catalog.models import Song
from catalog.statistics import sums
from recommendations.services.operations import copy_check, health_checks
from recommendations.services.operations.health_checks import Finding
from recommendations.services.versions import registry
from recommendations.services.versions.registry import RegistryError

MEGABYTE = 1_000_000


def examine_installation() -> Iterator[Finding]:
    """Yield one finding after the other; what needs a database is skipped when there is none."""
    for look in (_check_python, _check_disk, _run_system_checks, _check_broker, _check_cache):
        yield from look()
    database = _check_database()
    yield database
    if database.status != "failed":
        for look in _NEEDING_A_DATABASE:
            yield from look()


def _check_python() -> Iterator[Finding]:
    yield Finding(
        "program", "ok", f"Python {platform.python_version()}, {os.cpu_count()} processors"
    )


def _check_disk() -> Iterator[Finding]:
    yield health_checks.check_disk()


def _run_system_checks() -> Iterator[Finding]:
    messages = checks.run_checks(include_deployment_checks=not settings.DEBUG and settings.HTTPS)
    for message in messages:
        yield health_checks.make_finding(f"check {message.id}", message)
    if not messages:
        yield Finding("system checks", "ok")


def _check_broker() -> Iterator[Finding]:
    url = settings.CELERY_BROKER_URL
    options = getattr(settings, "CELERY_BROKER_TRANSPORT_OPTIONS", {})
    transport = getattr(settings, "CELERY_BROKER_TRANSPORT", None)
    shown = Connection(url).as_uri()
    try:
        with Connection(
            url, transport=transport, transport_options=options, connect_timeout=2
        ) as broker:
            broker.ensure_connection(max_retries=1, timeout=3)
    except (OSError, KombuError) as error:
        cure = "Start it, or correct CELERY_BROKER_URL. Trainings wait meanwhile; pages and likes work."
        yield Finding("message queue", "failed", f"{shown}: {error}", cure)
    else:
        yield Finding("message queue", "ok", shown)


def _check_cache() -> Iterator[Finding]:
    backend = settings.CACHES["default"]["BACKEND"].rsplit(".", 1)[-1]
    try:
        cache.set("doctor", 1, 10)
        works = cache.get("doctor") == 1
    except Exception as error:  # noqa: BLE001  (each backend has its own family of errors)
        yield Finding("cache", "failed", f"{backend}: {error}", "Start it, or correct CACHE_URL.")
        return
    yield (
        Finding("cache", "ok", backend)
        if works
        else Finding("cache", "degraded", f"{backend} forgets", "See CACHE_URL.")
    )


def _check_database() -> Finding:
    try:
        health_checks.check_database()
    except (DatabaseError, OSError) as error:
        return Finding("database", "failed", str(error).strip(), _suggest_cure(error))
    return Finding("database", "ok", f"{connection.display_name} {_get_database_version()}")


def _suggest_cure(error: Exception) -> str:
    if "full" in str(error) or _is_out_of_room():
        return (
            "Make room on its disk; what was stored is not damaged, and nothing else is to be done."
        )
    return "Start the database server, or correct DATABASE_URL. For a new SQLite file: python manage.py migrate"


def _is_out_of_room() -> bool:
    """Say whether a SQLite file's disk is full, which SQLite itself may call an I/O error."""
    if connection.vendor != "sqlite":
        return False
    folder = Path(connection.settings_dict["NAME"]).parent
    return folder.is_dir() and shutil.disk_usage(folder).free < MEGABYTE


def _get_database_version() -> str:
    if connection.vendor == "sqlite":
        return sqlite3.sqlite_version
    major, minor = divmod(connection.pg_version, 10_000)  # type: ignore[attr-defined]  # of PostgreSQL
    return f"{major}.{minor}"


def _check_migrations() -> Iterator[Finding]:
    yield health_checks.check_migrations()


def _check_integrity() -> Iterator[Finding]:
    if connection.vendor != "sqlite":
        return
    with connection.cursor() as cursor:
        cursor.execute("PRAGMA quick_check")
        problem = cursor.fetchone()[0]
    if problem == "ok":
        yield Finding("database file", "ok", "sound")
    else:
        yield Finding(
            "database file", "failed", problem, "Restore a backup: python manage.py restore FILE"
        )


def _check_backup_tools() -> Iterator[Finding]:
    if connection.vendor == "postgresql" and shutil.which("pg_dump") is None:
        yield Finding(
            "backup", "degraded", "pg_dump is missing", "sudo apt-get install postgresql-client"
        )


def _check_catalog() -> Iterator[Finding]:
    if Song.objects.exists():
        yield Finding("catalog", "ok", f"{Song.objects.count():,} songs")
    else:
        yield Finding(
            "catalog",
            "degraded",
            "no songs yet",
            "python manage.py seed_demo_data, or import your own files.",
        )


def _check_sums() -> Iterator[Finding]:
    wrong = [one.listener.username for one in sums.find_differences(User.objects.all())]
    if wrong:
        names = ", ".join(wrong[:5])
        yield Finding(
            "statistics",
            "degraded",
            f"the sums of {len(wrong):,} listeners differ from their history: {names}",
            "python manage.py rebuild_statistics",
        )
    else:
        yield Finding("statistics", "ok", "the sums agree with the history")


def _check_model() -> Iterator[Finding]:
    active = registry.get_active_version()
    if active is not None:
        try:
            registry.load_recommender(active)
        except RegistryError as error:
            yield Finding(
                "model", "failed", str(error), "python manage.py rollback_model, or train_model"
            )
            return
    yield health_checks.check_model()
    if (index := health_checks.check_index()) is not None:
        yield index


def _check_columnar_copy() -> Iterator[Finding]:
    state = copy_check.compare_with_table()
    if state.problem:
        cure = "Nothing is to be done: the next training brings it up to date, or builds it anew."
        yield Finding("columnar copy", "degraded", state.problem, cure)
    else:
        waiting = (
            f", {state.n_waiting:,} listeners wait for the next training" if state.n_waiting else ""
        )
        yield Finding("columnar copy", "ok", f"{state.n_rows:,} interactions{waiting}")


def _check_worker() -> Iterator[Finding]:
    yield health_checks.check_worker()


_NEEDING_A_DATABASE: tuple[Callable[[], Iterator[Finding]], ...] = (
    _check_migrations,
    _check_integrity,
    _check_backup_tools,
    _check_catalog,
    _check_sums,
    _check_model,
    _check_columnar_copy,
    _check_worker,
)
