"""Rows of the interactions table as columns, read in ranges of ids or for chosen listeners."""

import sqlite3
from collections.abc import Iterable

import numpy as np
from django.db import connection

from catalog.models import Interaction
from recommendations.services.data.column_reader import Columns, Reader
from recommendations.services.data.column_store import SCHEMA


def find_last_id(source: Reader) -> int:
    columns = source.select(f"SELECT COALESCE(MAX(id), 0) FROM {_name_table()}", {"last": np.int64})  # noqa: S608
    return int(columns["last"][0])


def select_range(source: Reader, after: int, last: int) -> Columns:
    """Return the rows with ids above `after` up to `last`; one short statement."""
    return _select(source, f"id > {after:d} AND id <= {last:d}")


def select_listeners(source: Reader, listener_ids: Iterable[int], last: int) -> Columns:
    """Return what these listeners did, up to an id; name a few hundred at most."""
    wanted = ", ".join(f"{listener_id:d}" for listener_id in listener_ids)
    return _select(source, f"listener_id IN ({wanted or 'NULL'}) AND id <= {last:d}")


def select_listener_range(source: Reader, first_listener: int, last_listener: int) -> Columns:
    return _select(source, f"listener_id BETWEEN {first_listener:d} AND {last_listener:d}")


def _select(source: Reader, which: str) -> Columns:
    return source.select(
        f"SELECT id, listener_id, song_id, kind, plays, COALESCE(played_ms, -1), {_convert_to_seconds('occurred_at')} "  # noqa: S608
        f"FROM {_name_table()} WHERE {which}",
        SCHEMA,
    )


def _name_table() -> str:
    return connection.ops.quote_name(Interaction._meta.db_table)


def _convert_to_seconds(column: str) -> str:
    """Return SQL for a moment in unix seconds, -1 where it is unknown."""
    if connection.vendor == "postgresql":
        return f"COALESCE(CAST(FLOOR(EXTRACT(EPOCH FROM {column})) AS BIGINT), -1)"
    # unixepoch is twice as quick and came with SQLite 3.38
    has_unixepoch = sqlite3.sqlite_version_info >= (3, 38)
    seconds = f"unixepoch({column})" if has_unixepoch else f"strftime('%s', {column})"
    return f"COALESCE(CAST({seconds} AS INTEGER), -1)"
