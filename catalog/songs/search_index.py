"""The kept index of names of songs, artists and albums by three letters: parts of them are found by it.

SQLite keeps it as an FTS5 table for each, which triggers fill; PostgreSQL as indexes of `pg_trgm`. Both find the same:
every word anywhere in title and artist, also in scripts without spaces, and names that are written almost like it.
Where a database has neither, searches read every name and find none that are only alike.
"""

import sys
from collections.abc import Iterator

from django.db import DatabaseError, connections, transaction
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models import Q
from django.db.models.expressions import RawSQL

INDEX = "catalog_song_search"
ARTIST_INDEX = "catalog_artist_search"
ALBUM_INDEX = "catalog_album_search"
TABLES = {INDEX: "catalog_song", ARTIST_INDEX: "catalog_artist", ALBUM_INDEX: "catalog_album"}
LEAST_LETTERS = 3
# ruff: noqa: S608  (only names of our own tables)


def build_index(alias: str = "default") -> None:
    """Create what is missing of the index; a table that was made anew has lost its triggers, so fill it again."""
    connection = connections[alias]
    tables = set(connection.introspection.table_names())
    for index, table in TABLES.items():
        if table not in tables:
            continue  # nothing is migrated yet
        if connection.vendor == "sqlite":
            _build_sqlite(connection, index, table)
        elif connection.vendor == "postgresql":
            _build_postgresql(connection, index, table)


def has_index(alias: str = "default", index: str = INDEX) -> bool:
    """Say whether searches can use the index; one statement."""
    connection = connections[alias]
    if connection.vendor == "sqlite":
        query = "SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = %s"
    else:
        query = "SELECT 1 FROM pg_indexes WHERE indexname = %s"
    with connection.cursor() as cursor:
        cursor.execute(query, [index])
        return cursor.fetchone() is not None


def build_condition(index: str, words: str) -> Q:
    """Return the condition that SQLite's index of names finds `words`; empty where it is of no use.

    PostgreSQL finds its own index by the conditions on the names themselves.
    """
    long_words = [word for word in words.split() if len(word) >= LEAST_LETTERS]
    if not long_words or connections["default"].vendor != "sqlite" or not has_index(index=index):
        return Q()
    query = quote_for_match(long_words, "AND")
    return Q(pk__in=RawSQL(f"SELECT rowid FROM {index} WHERE {index} MATCH %s", [query]))  # noqa: S611


def build_beginning(column: str, text: str) -> Q:
    """Return the condition that a column begins with `text`, in the form that the column's index serves."""
    if connections["default"].vendor != "sqlite":
        return Q(**{f"{column}__startswith": text})
    return Q(**{f"{column}__gte": text, f"{column}__lt": text + chr(sys.maxunicode)})


def list_trigrams(words: str) -> list[str]:
    """Return the runs of three letters of a search's words, each once."""
    return list(dict.fromkeys(_iterate_trigrams(words)))


def quote_for_match(pieces: list[str], joined_by: str) -> str:
    """Return an FTS5 query for texts that hold all or any of `pieces`."""
    return f" {joined_by} ".join('"' + piece.replace('"', '""') + '"' for piece in pieces)


def _iterate_trigrams(words: str) -> Iterator[str]:
    for word in words.split():
        for start in range(len(word) - LEAST_LETTERS + 1):
            yield word[start : start + LEAST_LETTERS]


def _build_sqlite(connection: BaseDatabaseWrapper, index: str, table: str) -> None:
    insert = f"INSERT INTO {index}(rowid, search_text) VALUES (new.id, new.search_text);"
    delete = (
        f"INSERT INTO {index}({index}, rowid, search_text) "
        "VALUES ('delete', old.id, old.search_text);"
    )
    with connection.cursor() as cursor:
        cursor.execute("SELECT name FROM sqlite_master WHERE name LIKE %s", [f"{index}%"])
        names = {name for (name,) in cursor.fetchall()}
        wanted = {f"{index}_insert", f"{index}_delete", f"{index}_update"}
        if {index, *wanted} <= names:
            return
        try:
            cursor.execute(
                f"CREATE VIRTUAL TABLE IF NOT EXISTS {index} USING fts5("
                f"search_text, content='{table}', content_rowid='id', tokenize='trigram')"
            )
        except DatabaseError:  # a SQLite without FTS5, or older than 3.34
            return
        # Only where the text itself changes: plays and features are written to songs all the time.
        for name, event, statements in (
            ("insert", "AFTER INSERT", insert),
            ("delete", "AFTER DELETE", delete),
            ("update", "AFTER UPDATE OF search_text", delete + insert),
        ):
            cursor.execute(
                f"CREATE TRIGGER IF NOT EXISTS {index}_{name} {event} ON {table} "
                f"BEGIN {statements} END"
            )
        cursor.execute(f"INSERT INTO {index}({index}) VALUES ('rebuild')")


def _build_postgresql(connection: BaseDatabaseWrapper, index: str, table: str) -> None:
    try:
        with transaction.atomic(using=connection.alias), connection.cursor() as cursor:
            cursor.execute("CREATE EXTENSION IF NOT EXISTS pg_trgm")
            cursor.execute(
                f"CREATE INDEX IF NOT EXISTS {index} ON {table} USING gin (search_text gin_trgm_ops)"
            )
    except DatabaseError:  # the role may not create extensions: searches read every song
        return
