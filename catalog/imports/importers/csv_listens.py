"""Listens as a CSV table with a header: who, which song, and, if it is known, when, how often and what."""

from collections.abc import Callable, Iterator, Mapping
from functools import lru_cache, partial
from typing import Any, TypeVar

from catalog.imports.importers.registry import register_importer
from catalog.imports.reading import values
from catalog.imports.reading.source_files import SourceFile
from catalog.imports.reading.tables import Table, open_table, require_columns
from catalog.records import DISLIKE, LIKE, PLAY, SKIP, ListenRecord, Outcome, SongRecord
from common.spreadsheets import restore_cell

COLUMNS = {
    "listener": ("listener", "listener_id", "user_id", "user", "username", "userid"),
    "song_id": ("song_id", "track_id", "item_id", "songid", "trackid", "song_key"),
    "title": ("title", "track_name", "song_name", "track", "song", "name"),
    "artist": ("artist", "artist_name"),
    "plays": ("plays", "play_count", "playcount", "count", "weight", "listen_count"),
    "time": ("time", "timestamp", "occurred_at", "listened_at", "played_at", "ts", "date"),
    "played_ms": ("played_ms", "ms_played"),
    "kind": ("kind", "event", "action"),
}
_KINDS = {
    "": PLAY,
    "play": PLAY,
    "listen": PLAY,
    "like": LIKE,
    "love": LIKE,
    "dislike": DISLIKE,
    "hate": DISLIKE,
    "skip": SKIP,
}

_CACHED_CELLS = 20_000
Cell = TypeVar("Cell")


@register_importer(
    "csv", "listens", "CSV table of listens", extensions=(".csv", ".tsv", ".txt", ".gz")
)
def read(opened: SourceFile, options: Mapping[str, Any]) -> Iterator[Outcome]:
    """Read listens; options: columns (name of each column)."""
    table = open_table(opened, COLUMNS, options.get("columns", {}))
    require_columns(table, "listener", aliases_by_column=COLUMNS)
    if not {"title", "artist"} <= table.columns.keys():
        require_columns(table, "song_id", aliases_by_column=COLUMNS)
    return _read_records(table)


def _read_records(table: Table) -> Iterator[Outcome]:
    make = _choose_reader(table.columns)
    return values.make_records(table.iterate_rows(), make)


class _Reader:
    """Reads rows with any of the columns. Cells that come again and again, such as names and ids, are read once."""

    def __init__(self, columns: Mapping[str, int]) -> None:
        self._columns = columns
        self._listener = columns["listener"]
        self._parse_listener = _cache(values.parse_listener)
        self._parse_key = _cache(_parse_song_key)
        self._parse_kind = _cache(_parse_kind)
        self._parse_plays = _cache(_parse_plays)

    def __call__(self, line: int, row: list[str]) -> ListenRecord:
        key = self._parse_key(self._read_cell(row, "song_id"))
        return ListenRecord(
            line,
            self._parse_listener(row[self._listener]),
            key,
            None if key else self._read_song(line, row),
            self._parse_kind(self._read_cell(row, "kind")),
            self._parse_plays(self._read_cell(row, "plays")),
            values.parse_whole_number(
                self._read_cell(row, "played_ms"), "played time", 0, values.LONGEST_MS
            ),
            values.parse_moment(self._read_cell(row, "time")),
        )

    def _read_cell(self, row: list[str], name: str) -> str:
        column = self._columns.get(name)
        return "" if column is None else restore_cell(row[column])

    def _read_song(self, line: int, row: list[str]) -> SongRecord:
        if "title" not in self._columns or "artist" not in self._columns:
            raise values.BadValue("the song id is empty")
        # line 0: the same song of another line is the same record
        return SongRecord(
            0,
            values.parse_name(self._read_cell(row, "title"), "title"),
            values.parse_name(self._read_cell(row, "artist"), "artist"),
        )


class _PlainReader:
    """The most frequent table, and the longest ones: only listener and song id."""

    def __init__(self, columns: Mapping[str, int]) -> None:
        self._listener = columns["listener"]
        self._song_column = columns["song_id"]
        self._parse_listener = _cache(values.parse_listener)
        self._parse_key = _cache(partial(values.parse_key, what="song id"))

    def __call__(self, line: int, row: list[str]) -> ListenRecord:
        return ListenRecord(
            line, self._parse_listener(row[self._listener]), self._parse_key(row[self._song_column])
        )


def _cache(parse: Callable[[str], Cell]) -> Callable[[str], Cell]:
    """Return `parse` with its latest values kept; what it cannot read is read, and told, every time."""
    return lru_cache(_CACHED_CELLS)(parse)


def _parse_song_key(cell: str) -> str:
    """Return the song's id; an empty one stays empty: title and artist may name the song."""
    return values.parse_key(cell, "song id") if cell.strip() else ""


def _parse_kind(cell: str) -> int:
    kind = _KINDS.get(cell.strip().casefold())
    if kind is None:
        raise values.BadValue(f"{cell[:20]!r} is not play, skip, like or dislike")
    return kind


def _parse_plays(cell: str) -> int:
    plays = values.parse_count(cell, "plays", values.MOST_PLAYS)
    return 1 if plays is None else plays


def _choose_reader(columns: Mapping[str, int]) -> "_Reader | _PlainReader":
    return _PlainReader(columns) if columns.keys() == {"listener", "song_id"} else _Reader(columns)
