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
from django.db.models.sql import InsertQuery


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
    """Lay back the world of this name into the empty database of a test; the first time build it.

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
    before = {model: set(_list_keys(model)) for model in _list_tables()}
    snapshot = Snapshot(build())
    for model, keys in before.items():
        rows = [row for row in model._base_manager.order_by("pk") if row.pk not in keys]
        if rows:
            snapshot.statements += _write_statements(model, rows)
            snapshot.tables.append(model)
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


def _list_keys(model: type[models.Model]) -> Any:
    return model._base_manager.values_list("pk", flat=True)


def _write_statements(
    model: type[models.Model], rows: list[models.Model]
) -> list[tuple[str, tuple[Any, ...]]]:
    """Return the insertions of whole rows, ids and times included."""
    columns = list(model._meta.concrete_fields)
    size = connection.ops.bulk_batch_size(columns, rows)
    statements = []
    for start in range(0, len(rows), size):
        query = InsertQuery(model)
        query.insert_values(columns, rows[start : start + size], raw=True)
        statements += query.get_compiler(connection=connection).as_sql()
    return statements
