"""The kept index of songs' names by three letters, so that a part of a name is found without reading every song.

SQLite keeps it as an FTS5 table of its own that triggers fill; PostgreSQL as an index of `pg_trgm`. Both find the same:
every word anywhere in title and artist, also in scripts without spaces, and names that are written almost like it.
Where a database has neither, searches read every song and find no names that are only alike.
"""

from collections.abc import Iterator

from django.db import DatabaseError, connections, transaction
from django.db.backends.base.base import BaseDatabaseWrapper

INDEX = "catalog_song_search"
LEAST_LETTERS = 3
# ruff: noqa: S608  (only names of our own tables)
_COLUMNS = {
    "insert": f"INSERT INTO {INDEX}(rowid, search_text) VALUES (new.id, new.search_text);",
    "delete": (
        f"INSERT INTO {INDEX}({INDEX}, rowid, search_text) VALUES ('delete', old.id, old.search_text);"
    ),
}


def build_index(alias: str = "default") -> None:
    """Create what is missing of the index; a table that was made anew has lost its triggers, so fill it again."""
    connection = connections[alias]
    if "catalog_song" not in connection.introspection.table_names():
        return  # nothing is migrated yet
    if connection.vendor == "sqlite":
        _build_sqlite(connection)
    elif connection.vendor == "postgresql":
        _build_postgresql(connection)


def has_index(alias: str = "default") -> bool:
    """Say whether searches can use the index; one statement."""
    connection = connections[alias]
    if connection.vendor == "sqlite":
        query = "SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = %s"
    else:
        query = "SELECT 1 FROM pg_indexes WHERE indexname = %s"
    with connection.cursor() as cursor:
        cursor.execute(query, [INDEX])
        return cursor.fetchone() is not None


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


def _build_sqlite(connection: BaseDatabaseWrapper) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT name FROM sqlite_master WHERE name LIKE %s", [f"{INDEX}%"])
        names = {name for (name,) in cursor.fetchall()}
        wanted = {f"{INDEX}_insert", f"{INDEX}_delete", f"{INDEX}_update"}
        if {INDEX, *wanted} <= names:
            return
        try:
            cursor.execute(
                f"CREATE VIRTUAL TABLE IF NOT EXISTS {INDEX} USING fts5("
                "search_text, content='catalog_song', content_rowid='id', tokenize='trigram')"
            )
        except DatabaseError:  # a SQLite without FTS5, or older than 3.34
            return
        # Only where the text itself changes: plays and features are written to songs all the time.
        for name, event, statements in (
            ("insert", "AFTER INSERT", _COLUMNS["insert"]),
            ("delete", "AFTER DELETE", _COLUMNS["delete"]),
            ("update", "AFTER UPDATE OF search_text", _COLUMNS["delete"] + _COLUMNS["insert"]),
        ):
            cursor.execute(
                f"CREATE TRIGGER IF NOT EXISTS {INDEX}_{name} {event} ON catalog_song "
                f"BEGIN {statements} END"
            )
        cursor.execute(f"INSERT INTO {INDEX}({INDEX}) VALUES ('rebuild')")


def _build_postgresql(connection: BaseDatabaseWrapper) -> None:
    try:
        with transaction.atomic(using=connection.alias), connection.cursor() as cursor:
            cursor.execute("CREATE EXTENSION IF NOT EXISTS pg_trgm")
            cursor.execute(
                f"CREATE INDEX IF NOT EXISTS {INDEX} ON catalog_song USING gin (search_text gin_trgm_ops)"
            )
    except DatabaseError:  # the role may not create extensions: searches read every song
        return
