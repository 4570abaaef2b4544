"""Move everything to another database, usually from SQLite to PostgreSQL, and prove that nothing was lost."""

import hashlib
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from datetime import datetime
from itertools import islice
from typing import Any

import environ
from django.apps import apps
from django.core.exceptions import ImproperlyConfigured
from django.core.management import call_command
from django.core.management.color import no_style
from django.db import DatabaseError, connections, models, transaction

from accounts.models import User
from catalog.models import Song
from catalog.names.text import fit_key
from recommendations.services.operations import health_checks

SOURCE, TARGET = "default", "move-target"
BATCH = 2000
ADDRESSES = ("postgres://", "postgresql://", "sqlite://")

OnTable = Callable[[str, int], None]


class TransferError(Exception):
    """The move was refused or did not arrive whole; the message says why. The source is never changed."""


def transfer_database(url: str, *, on_table: OnTable | None = None) -> int:
    """Copy all rows of all tables to the empty database at `url`; return how many.

    Nothing can be written to the source meanwhile. The target gets everything or nothing: it is filled in one
    transaction, which ends only when every table's rows and their digest are the same on both sides.
    """
    if health_checks.check_migrations().status != "ok":
        raise TransferError(
            "The old database misses migrations; run `python manage.py migrate` first."
        )
    with _add_target(url):
        _make_tables()
        with transaction.atomic(SOURCE), transaction.atomic(TARGET):
            _refuse_used_target()
            n_rows = _copy_everything(on_table or _ignore_table)
            _set_sequences()
        return n_rows


@contextmanager
def _add_target(url: str) -> Iterator[None]:
    """Add the database at `url` under its own alias for as long as the block lasts."""
    if not url.startswith(ADDRESSES):
        raise TransferError("The address must begin like postgres:// or sqlite:///.")
    try:
        values = environ.Env.db_url_config(url)
    except (ImproperlyConfigured, ValueError) as error:
        raise TransferError(f"{url.split('@')[-1]} is no database address: {error}.") from error
    connections.settings[TARGET] = _fill_defaults(values)
    try:
        yield
    except DatabaseError as error:
        raise TransferError(
            f"The database refused: {str(error).strip().splitlines()[0]}."
        ) from error
    finally:
        connections[TARGET].close()
        del connections[TARGET]
        del connections.settings[TARGET]


def _fill_defaults(values: dict[str, Any]) -> dict[str, Any]:
    settings = connections.settings[SOURCE] | {
        "OPTIONS": {},
        "PASSWORD": "",
        "USER": "",
        "HOST": "",
        "PORT": "",
    }
    filled: dict[str, Any] = settings | values
    return filled


def _make_tables() -> None:
    call_command("migrate", database=TARGET, verbosity=0, interactive=False)


def _refuse_used_target() -> None:
    for model in (User, Song):
        if model._base_manager.using(TARGET).exists():
            raise TransferError(
                f"The target already has {model._meta.verbose_name_plural}; give an empty database."
            )


def _list_models() -> list[type[models.Model]]:
    return [
        model
        for model in apps.get_models(include_auto_created=True)
        if model._meta.managed and not model._meta.proxy
    ]


def _copy_everything(on_table: OnTable) -> int:
    _clear_target()
    n_rows = 0
    for model in _list_models():
        n_copied = _copy_table(model)
        on_table(model._meta.db_table, n_copied)
        n_rows += n_copied
    return n_rows


def _clear_target() -> None:
    """Remove what migrations put there (content types, permissions, schedules): the source has its own."""
    with connections[TARGET].cursor() as cursor:
        for model in reversed(_list_models()):
            cursor.execute(f"DELETE FROM {_quote_name(model._meta.db_table)}")  # noqa: S608


def _copy_table(model: type[models.Model]) -> int:
    """Copy one table and compare both sides. Rows go past save() and auto_now, which would change them."""
    fields = model._meta.concrete_fields
    columns = ", ".join(_quote_name(field.column or "") for field in fields)
    placeholders = ", ".join(["%s"] * len(fields))
    sql = f"INSERT INTO {_quote_name(model._meta.db_table)} ({columns}) VALUES ({placeholders})"  # noqa: S608
    target = connections[TARGET]
    sent = Digest()
    with target.cursor() as cursor:
        for batch in _read_batches(_read_rows(model, SOURCE)):
            batch = list(_fit_rows(model, batch))
            sent.add(batch)
            cursor.executemany(sql, [_prepare_row(fields, row, target) for row in batch])
    arrived = Digest()
    for batch in _read_batches(_read_rows(model, TARGET)):
        arrived.add(batch)
    if sent != arrived:
        raise TransferError(
            f"{model._meta.db_table} did not arrive as it was sent ({arrived.n_rows} of {sent.n_rows} rows)."
        )
    return sent.n_rows


def _fit_rows(
    model: type[models.Model], rows: Iterable[tuple[Any, ...]]
) -> Iterator[tuple[Any, ...]]:
    """Yield rows as a stricter database takes them.

    SQLite keeps texts beyond their column. What is derived is cut.
    """
    fields = model._meta.concrete_fields
    derived = [
        column
        for column, field in enumerate(fields)
        if isinstance(field, models.CharField) and not field.editable and field.max_length
    ]
    for row in rows:
        values = list(row)
        for column in derived:
            if isinstance(values[column], str):
                values[column] = fit_key(values[column])[: fields[column].max_length]
        yield tuple(values)


def _read_rows(model: type[models.Model], alias: str) -> Iterator[tuple[Any, ...]]:
    names = [field.attname for field in model._meta.concrete_fields]
    return iter(
        model._base_manager.using(alias).order_by().values_list(*names).iterator(chunk_size=BATCH)
    )


def _prepare_row(
    fields: "Iterable[models.Field[Any, Any]]", row: tuple[Any, ...], target: Any
) -> tuple[Any, ...]:
    return tuple(
        field.get_db_prep_save(value, target) for field, value in zip(fields, row, strict=True)
    )


def _read_batches(rows: Iterator[tuple[Any, ...]]) -> Iterator[list[tuple[Any, ...]]]:
    while batch := list(islice(rows, BATCH)):
        yield batch


class Digest:
    """What a set of rows adds up to, whatever their order: databases sort texts differently."""

    def __init__(self) -> None:
        self.n_rows = 0
        self.sum = 0

    def add(self, rows: Iterable[tuple[Any, ...]]) -> None:
        for row in rows:
            written = repr([_simplify_value(value) for value in row]).encode()
            self.sum += int.from_bytes(hashlib.sha256(written).digest())
            self.n_rows += 1

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Digest) and (self.n_rows, self.sum) == (other.n_rows, other.sum)


def _simplify_value(value: Any) -> Any:
    """Return a value as both databases mean it: a moment without its zone object, a dict whatever its key order."""
    if isinstance(value, datetime):
        return value.timestamp()
    if isinstance(value, dict):
        return sorted((key, _simplify_value(item)) for key, item in value.items())
    if isinstance(value, list):
        return [_simplify_value(item) for item in value]
    return bytes(value) if isinstance(value, memoryview) else value


def _set_sequences() -> None:
    """Let new rows be numbered after the copied ones."""
    target = connections[TARGET]
    with target.cursor() as cursor:
        for statement in target.ops.sequence_reset_sql(no_style(), _list_models()):
            cursor.execute(statement)


def _quote_name(name: str) -> str:
    return connections[TARGET].ops.quote_name(name)


def _ignore_table(table: str, n_rows: int) -> None:
    """Do nothing: the default of `on_table`."""
