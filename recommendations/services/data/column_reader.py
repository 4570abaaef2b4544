"""Rows of the database as numpy arrays, without a Python object a value where it can be helped.

PostgreSQL is read by ADBC in one snapshot. SQLite is read through Django's own connection: ADBC brings a second copy of
the SQLite library into the process, and closing its file drops the locks that the first copy holds (POSIX locks belong
to the process), which ends in "disk I/O error" at best and in a damaged database at worst.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from itertools import chain
from typing import Any, Protocol
from urllib.parse import quote

import numpy as np
from django.conf import settings
from django.db import connection
from numpy.typing import NDArray

Columns = dict[str, NDArray[Any]]
Types = Mapping[str, Any]


class Reader(Protocol):
    """Runs one SELECT of columns with the given types; none may be NULL, what is unknown gets a number in SQL."""

    def select(self, sql: str, types: Types) -> Columns: ...


class _Adbc:
    def __init__(self, adbc_connection: Any) -> None:
        self._connection = adbc_connection

    def select(self, sql: str, types: Types) -> Columns:
        with self._connection.cursor() as cursor:
            cursor.execute(sql)
            table = cursor.fetch_arrow_table()
        return {
            name: table.column(index).to_numpy().astype(type_, copy=False)
            for index, (name, type_) in enumerate(types.items())
        }


class _Cursor:
    """Any database through Django's connection; sees what this transaction has written, too."""

    def select(self, sql: str, types: Types) -> Columns:
        with connection.cursor() as cursor, connection.wrap_database_errors:
            cursor.execute(sql)
            # one kind of number for all columns, and the rows straight from the driver: that takes a quarter less
            is_whole = all(np.issubdtype(type_, np.integer) for type_ in types.values())
            values = np.fromiter(
                chain.from_iterable(cursor.cursor), dtype=np.int64 if is_whole else np.float64
            )
        columns = values.reshape(-1, len(types)).T
        return {
            name: column.astype(type_)
            for (name, type_), column in zip(types.items(), columns, strict=True)
        }


@contextmanager
def make_reader() -> Iterator[Reader]:
    """Yield the quickest reader that sees the rows this process sees (ADBC sees committed rows only)."""
    if connection.vendor == "postgresql" and not connection.in_atomic_block:
        with _connect_to_postgresql() as adbc:
            yield _Adbc(adbc)
    else:
        yield _Cursor()


@contextmanager
def _connect_to_postgresql() -> Iterator[Any]:
    """One read-only snapshot for everything that is read: rows written meanwhile are not seen."""
    from adbc_driver_postgresql import dbapi

    with dbapi.connect(_build_postgresql_uri()) as adbc:
        with adbc.cursor() as cursor:
            cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY")
        yield adbc
        adbc.rollback()


def _build_postgresql_uri() -> str:
    values = {**settings.DATABASES["default"], **connection.settings_dict}
    parameters = {
        "user": values.get("USER"),
        "password": values.get("PASSWORD"),
        "host": values.get("HOST"),
    }
    parameters |= {"port": values.get("PORT"), "dbname": values["NAME"]}
    for option in ("sslmode", "sslrootcert", "sslcert", "sslkey"):
        parameters[option] = values.get("OPTIONS", {}).get(option)
    query = "&".join(
        f"{name}={quote(str(value), safe='')}" for name, value in parameters.items() if value
    )
    return f"postgresql:///?{query}"
