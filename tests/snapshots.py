"""Worlds that many tests begin with: built by the real code once a process, and laid back row by row for each test.

What is restored is what building left behind in the database and in the folder of artifacts. Each test still runs in a
transaction of its own, which is rolled back.
"""

import shutil
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from django.apps import apps
from django.core.management.color import no_style
from django.db import connection, models, transaction
from django.db.models.sql import InsertQuery, UpdateQuery


@dataclass
class Snapshot:
    """What building a world left behind, and what the builder returned."""

    result: Any
    statements: list[tuple[str, tuple[Any, ...]]] = field(default_factory=list)
    tables: list[type[models.Model]] = field(default_factory=list)
    artifacts: Path | None = None

    def restore(self, folder: Path | None) -> None:
        with transaction.atomic(), connection.cursor() as cursor:
            for statement, values in self.statements:
                cursor.execute(statement, values)
            # rows with ids of their own move no sequence of PostgreSQL
            for statement in connection.ops.sequence_reset_sql(no_style(), self.tables):
                cursor.execute(statement)
        if self.artifacts is not None and folder is not None:
            shutil.copytree(self.artifacts, folder, dirs_exist_ok=True)


_snapshots: dict[str, Snapshot] = {}


def restore_or_build(
    name: str, build: Callable[[], Any], keep_in: Path, artifacts: Path | None = None
) -> Any:
    """Lay back the world of this name; the first time build it.

    The database holds what it held when the world was built, and nothing else: rows come back with their ids.

    Parameters
    ----------
    keep_in
        A folder for this process, where the artifacts of the world are kept.
    artifacts
        The test's own folder of artifacts.
    """
    if name in _snapshots:
        _snapshots[name].restore(artifacts)
        return _snapshots[name].result
    before = {model: _read_rows(model) for model in _list_tables()}
    snapshot = Snapshot(build())
    for model, known_rows in before.items():
        rows = list(model._base_manager.order_by("pk"))
        added = [row for row in rows if row.pk not in known_rows]
        if added:
            snapshot.statements += _write_insertions(model, added)
            snapshot.tables.append(model)
        values = {} if len(added) == len(rows) else _read_rows(model)
        snapshot.statements += [
            _write_update(row)
            for row in rows
            if row.pk in known_rows and values[row.pk] != known_rows[row.pk]
        ]
    if artifacts is not None:
        snapshot.artifacts = keep_in / name
        shutil.copytree(artifacts, snapshot.artifacts)
    _snapshots[name] = snapshot
    return snapshot.result


def _list_tables() -> list[type[models.Model]]:
    return [
        model
        for model in apps.get_models(include_auto_created=True)
        if model._meta.managed and not model._meta.proxy
    ]


def _read_rows(model: type[models.Model]) -> dict[Any, dict[str, Any]]:
    """Return the rows of a table by their keys."""
    key = model._meta.pk.attname
    return {row[key]: row for row in model._base_manager.values(*_name_columns(model))}


def _name_columns(model: type[models.Model]) -> list[str]:
    return [field.attname for field in model._meta.concrete_fields]


def _write_insertions(
    model: type[models.Model], rows: list[models.Model]
) -> list[tuple[str, tuple[Any, ...]]]:
    """Return statements that insert whole rows, ids and times included."""
    columns = list(model._meta.concrete_fields)
    size = connection.ops.bulk_batch_size(columns, rows)
    statements = []
    for start in range(0, len(rows), size):
        query = InsertQuery(model)
        query.insert_values(columns, rows[start : start + size], raw=True)
        statements += query.get_compiler(connection=connection).as_sql()
    return statements


def _write_update(row: models.Model) -> tuple[str, tuple[Any, ...]]:
    """Return a statement that gives a row that is there these values."""
    query = type(row)._base_manager.filter(pk=row.pk).query.chain(UpdateQuery)
    query.add_update_fields(
        [
            (field, None, getattr(row, field.attname))
            for field in row._meta.concrete_fields
            if not field.primary_key
        ]
    )
    return query.get_compiler(connection=connection).as_sql()
