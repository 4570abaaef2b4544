"""Exact copies of the database: taken while others write, checked before they replace anything.

SQLite is copied with its own backup interface and PostgreSQL with pg_dump, both of one moment, and the rows of every
table are counted at that same moment.
"""

import os
import shutil
import sqlite3
import subprocess
from collections.abc import Iterable
from contextlib import closing
from pathlib import Path
from typing import Any

from django.apps import apps
from django.db import connection, connections, transaction


class SnapshotError(Exception):
    """A copy could not be made, or is not what it should be; the message says what and why."""


Counts = dict[str, int]


def list_tables() -> list[str]:
    """Return the tables of all models, many-to-many ones included, and the log of migrations."""
    models = apps.get_models(include_auto_created=True)
    return sorted(
        {model._meta.db_table for model in models if model._meta.managed} | {"django_migrations"}
    )


def get_file_name() -> str:
    return "database.sqlite3" if connection.vendor == "sqlite" else "database.pgdump"


def take_snapshot(target: Path) -> Counts:
    """Copy the database of this moment to `target` and return the rows of each table in the copy."""
    if connection.vendor == "sqlite":
        return _take_sqlite(target)
    if connection.vendor == "postgresql":
        return _take_postgresql(target)
    raise SnapshotError(
        f"Databases of the kind {connection.vendor} are not backed up; use their own tools."
    )


def restore_snapshot(source: Path, counts: Counts) -> None:
    """Replace the whole database by a copy that `take` made. All or nothing."""
    connections.close_all()
    if connection.vendor == "sqlite":
        _restore_sqlite(source, counts)
    else:
        _restore_postgresql(source, counts)


def check_snapshot(source: Path, counts: Counts) -> None:
    """Raise SnapshotError when a copy is damaged or does not hold `counts` rows."""
    if source.name.endswith(".pgdump"):
        _run_command(["pg_restore", "--list", str(source)], {})
        return
    with closing(sqlite3.connect(f"file:{source}?mode=ro", uri=True)) as copy:
        _check_sqlite(copy, counts)


# --- SQLite -----------------------------------------------------------------------------------------------------------


def _take_sqlite(target: Path) -> Counts:
    with closing(_open_sqlite()) as source, closing(sqlite3.connect(target)) as copy:
        # One step: a copy in several would start again with every write in between.
        source.backup(copy)
        copy.execute("PRAGMA journal_mode=DELETE")
        counts = _count_sqlite_rows(copy, list_tables())
        _check_sqlite(copy, counts)
    return counts


def _restore_sqlite(source: Path, counts: Counts) -> None:
    """Write the copy through SQLite's own locks, so that a process that still has the file open is not fooled."""
    with (
        closing(sqlite3.connect(f"file:{source}?mode=ro", uri=True)) as copy,
        closing(_open_sqlite()) as target,
    ):
        target.execute("PRAGMA journal_mode=DELETE")
        copy.backup(target)
        target.execute("PRAGMA journal_mode=WAL")
        _check_sqlite(target, counts)


def _open_sqlite() -> sqlite3.Connection:
    name = connection.settings_dict["NAME"]
    return sqlite3.connect(name, timeout=20, uri=str(name).startswith("file:"))


def _check_sqlite(copy: sqlite3.Connection, counts: Counts) -> None:
    problems = [row[0] for row in copy.execute("PRAGMA integrity_check") if row[0] != "ok"]
    problems += [
        f"{row[0]} row {row[1]} refers to nothing in {row[2]}"
        for row in copy.execute("PRAGMA foreign_key_check")
    ]
    if problems:
        raise SnapshotError(f"The copy of the database is damaged: {problems[0]}.")
    _compare_counts(counts, _count_sqlite_rows(copy, counts))


def _count_sqlite_rows(database: sqlite3.Connection, names: Iterable[str]) -> Counts:
    counts = {}
    for name in names:
        query = f'SELECT COUNT(*) FROM "{name}"'  # noqa: S608
        counts[name] = database.execute(query).fetchone()[0]
    return counts


# --- PostgreSQL -------------------------------------------------------------------------------------------------------


def _take_postgresql(target: Path) -> Counts:
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
        cursor.execute("SELECT pg_export_snapshot()")
        snapshot = cursor.fetchone()[0]
        counts = _count_postgresql_rows(cursor, list_tables())
        _run_command(
            [
                "pg_dump",
                "--format=custom",
                "--no-owner",
                f"--snapshot={snapshot}",
                f"--file={target}",
            ],
            _build_pg_environment(),
        )
    return counts


def _restore_postgresql(source: Path, counts: Counts) -> None:
    options = ["--clean", "--if-exists", "--no-owner", "--single-transaction", "--exit-on-error"]
    environment = _build_pg_environment()
    _run_command(
        ["pg_restore", *options, f"--dbname={environment['PGDATABASE']}", str(source)], environment
    )
    with connection.cursor() as cursor:
        _compare_counts(counts, _count_postgresql_rows(cursor, counts))


def _count_postgresql_rows(cursor: Any, names: Iterable[str]) -> Counts:
    counts = {}
    for name in names:
        cursor.execute(f'SELECT COUNT(*) FROM "{name}"')  # noqa: S608
        counts[name] = cursor.fetchone()[0]
    return counts


def _build_pg_environment() -> dict[str, str]:
    """Return what libpq reads; a password on the command line could be seen by others on the machine."""
    values = connection.settings_dict
    names = {
        "PGHOST": "HOST",
        "PGPORT": "PORT",
        "PGUSER": "USER",
        "PGPASSWORD": "PASSWORD",
        "PGDATABASE": "NAME",
    }
    return {variable: str(values[name]) for variable, name in names.items() if values.get(name)}


def _run_command(command: list[str], environment: dict[str, str]) -> None:
    if shutil.which(command[0]) is None:
        raise SnapshotError(
            f"{command[0]} is not installed; on Debian and Ubuntu: sudo apt-get install postgresql-client"
        )
    done = subprocess.run(
        command, env=os.environ | environment, capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise SnapshotError(
            f"{command[0]} failed: {done.stderr.strip().splitlines()[-1] if done.stderr else done.returncode}"
        )


# --- Both -------------------------------------------------------------------------------------------------------------


def _compare_counts(wanted: Counts, copied: Counts) -> None:
    for name, n_rows in wanted.items():
        if copied[name] != n_rows:
            raise SnapshotError(
                f"{name} has {copied[name]:,} rows in the copy instead of {n_rows:,}."
            )
