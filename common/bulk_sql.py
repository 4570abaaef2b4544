"""SQL for many rows at once, the same on SQLite and PostgreSQL."""

import zlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from functools import cache
from itertools import islice
from typing import Any, TypeVar

from django.db import connection, models, transaction

T = TypeVar("T")

VALUES_A_QUERY = 900
"""So many values go into one statement: the limit of SQLite is far higher, but more only make it longer."""
_ROWS_A_STATEMENT = 500
FEWEST_COPIED = 500
"""Rows from which on PostgreSQL gets them by COPY."""
_EPOCH = datetime(1970, 1, 1)
_DAY_SECONDS = 86_400


def insert_rows(
    model: type[models.Model],
    fields: Sequence[str],
    rows: Sequence[tuple[Any, ...]],
    on_conflict: str,
) -> int:
    """Insert rows of values in the order of `fields`; return how many the conflict clause let in.

    The values are those of the database: times as `make_moment_converter` writes them. Unlike "INSERT OR IGNORE" a
    conflict clause passes over nothing but what it names: a broken check or a missing value still is an error.
    """
    if not rows:
        return 0
    columns = ", ".join(connection.ops.quote_name(_get_column(model, name)) for name in fields)
    table = connection.ops.quote_name(model._meta.db_table)
    head = f"INSERT INTO {table} ({columns}) "
    with connection.cursor() as cursor:
        if connection.vendor == "sqlite":
            return _insert_one_by_one(cursor, f"{head} VALUES ", len(fields), rows, on_conflict)
        types = [_get_type(model, name) for name in fields]
        # the values of JSON are text already, which COPY in binary would write as a text in JSON
        if len(rows) < FEWEST_COPIED or "jsonb" in types:
            return _insert_together(cursor, f"{head} VALUES ", len(fields), rows, on_conflict)
        return _insert_copied(cursor, head, columns, table, types, rows, on_conflict)


def update_rows(
    model: type[models.Model], fields: Sequence[str], rows: Sequence[tuple[Any, ...]]
) -> None:
    """Write values, in the order of `fields` and behind them the primary key, over rows that are there.

    One prepared statement for all rows, without the expression for each value that `bulk_update` builds.
    The values are those of the database, as in `insert_rows`.
    """
    if not rows:
        return
    quote = connection.ops.quote_name
    columns = ", ".join(f"{quote(_get_column(model, name))} = %s" for name in fields)
    pk = quote(_get_column(model, model._meta.pk.name))
    statement = f"UPDATE {quote(model._meta.db_table)} SET {columns} WHERE {pk} = %s"  # noqa: S608
    with connection.cursor() as cursor:
        cursor.executemany(statement, rows)


def load_ids(model: type[models.Model], field: str, values: Iterable[T]) -> dict[T, int]:
    """Return the primary key by the value of `field`; where rows share a value, the lowest."""
    ids: dict[T, int] = {}
    for batch in cut_chunks(set(values)):
        rows = model._default_manager.filter(**{f"{field}__in": batch}).order_by("-pk")
        ids.update(rows.values_list(field, "pk"))
    return ids


def cut_chunks(values: Iterable[T], size: int = VALUES_A_QUERY) -> Iterator[list[T]]:
    """Cut `values` into lists of at most `size`; without one, of what goes into one statement."""
    left = iter(values)
    while batch := list(islice(left, size)):
        yield batch


@contextmanager
def read_without_memory_map() -> Iterator[None]:
    """Read the SQLite file without mapping it into memory: a bulk write visits every page of it once."""
    if connection.vendor != "sqlite" or connection.is_in_memory_db():  # type: ignore[attr-defined]  # of SQLite
        yield
        return
    with connection.cursor() as cursor:
        before = cursor.execute("PRAGMA mmap_size").fetchone()[0]
        cursor.execute("PRAGMA mmap_size=0")
    try:
        yield
    finally:
        with connection.cursor() as cursor:
            cursor.execute(f"PRAGMA mmap_size={int(before)}")


def make_moment_converter() -> Callable[[int | None], Any]:
    """Return what turns Unix seconds into the database's times; in SQLite text, as Django writes it."""
    if connection.vendor == "sqlite":
        clocks = _list_clocks()
        days: dict[int, str] = {}

        def write_moment(seconds: int | None) -> str | None:
            if seconds is None:
                return None
            day, second = divmod(seconds, _DAY_SECONDS)
            if day not in days:
                days[day] = str((_EPOCH + timedelta(days=day)).date())
            return f"{days[day]} {clocks[second]}"

        return write_moment
    start = _EPOCH.replace(tzinfo=UTC)
    return lambda seconds: None if seconds is None else start + timedelta(seconds=seconds)


@cache
def _list_clocks() -> list[str]:
    """Return the time of each second of a day as SQLite's texts have it."""
    return [str((_EPOCH + timedelta(seconds=second)).time()) for second in range(_DAY_SECONDS)]


def _get_column(model: type[models.Model], name: str) -> str:
    field = model._meta.get_field(name)
    if not isinstance(field, models.Field) or field.column is None:
        raise ValueError(f"{model.__name__} has no column for {name!r}.")
    return field.column


def _get_type(model: type[models.Model], name: str) -> str:
    """Return the database's type of a field, without its length: `character varying`."""
    field = model._meta.get_field(name)
    if isinstance(field, models.ForeignKey):
        field = field.target_field
        return str(field.rel_db_type(connection))
    if not isinstance(field, models.Field):
        raise ValueError(f"{model.__name__} has no column for {name!r}.")
    return str(field.db_type(connection)).partition("(")[0]


def _insert_copied(
    cursor: Any,
    head: str,
    columns: str,
    table: str,
    types: Sequence[str],
    rows: Sequence[tuple[Any, ...]],
    on_conflict: str,
) -> int:
    """PostgreSQL: COPY in binary into a table of this transaction, and from there with the conflict clause.

    2.6 to 4 times as fast as statements of several hundred rows, and a tenth of this process' work. COPY itself
    has no conflict clause. The table stays with the connection, so that it is not made for each chunk.
    """
    arriving = connection.ops.quote_name(f"arriving_{zlib.crc32(head.encode()):08x}")
    with transaction.atomic():
        cursor.execute(
            f"CREATE TEMPORARY TABLE IF NOT EXISTS {arriving} ON COMMIT DELETE ROWS "  # noqa: S608
            f"AS SELECT {columns} FROM {table} WITH NO DATA"
        )
        cursor.execute(f"TRUNCATE {arriving}")
        # the driver's own COPY, whose errors Django would not turn into those of `django.db`
        with (
            connection.wrap_database_errors,
            cursor.copy(f"COPY {arriving} ({columns}) FROM STDIN (FORMAT BINARY)") as copy,
        ):
            copy.set_types(types)
            for row in rows:
                copy.write_row(row)
        cursor.execute(f"{head} SELECT {columns} FROM {arriving} {on_conflict}")  # noqa: S608
        return int(cursor.rowcount)


def _insert_one_by_one(
    cursor: Any, head: str, n_fields: int, rows: Sequence[tuple[Any, ...]], on_conflict: str
) -> int:
    """SQLite: one prepared statement, run again for each row, is the fastest."""
    statement = f"{head}({', '.join(['%s'] * n_fields)}) {on_conflict}"
    return int(cursor.executemany(statement, rows).rowcount)


def _insert_together(
    cursor: Any, head: str, n_fields: int, rows: Sequence[tuple[Any, ...]], on_conflict: str
) -> int:
    """PostgreSQL: several hundred rows a statement save the way there and back."""
    one = f"({', '.join(['%s'] * n_fields)})"
    n_inserted = 0
    for batch in cut_chunks(rows, _ROWS_A_STATEMENT):
        statement = f"{head}{', '.join([one] * len(batch))} {on_conflict}"
        cursor.execute(statement, [value for row in batch for value in row])
        n_inserted += cursor.rowcount
    return n_inserted
