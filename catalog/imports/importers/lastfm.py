"""Last.fm scrobbles as CSV, in the layouts that the known export tools write, with a header or without."""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from catalog.imports.importers.registry import register_importer
from catalog.imports.reading import column_names, values
from catalog.imports.reading.column_names import normalise_column_name
from catalog.imports.reading.lines import (
    drop_surplus_cells,
    read_numbered_lines,
    read_table_rows,
)
from catalog.imports.reading.scrobble_layout import (
    Layout,
    Row,
    find_layout,
    get_time_cell,
    read_first_rows,
)
from catalog.imports.reading.source_files import SourceFile
from catalog.records import (
    LIKE,
    LeftOut,
    ListenRecord,
    Outcome,
    RejectedRow,
    SongRecord,
    WrongFile,
)

_LOVED_HEADER = {"uts", "utc time", "artist", "artist mbid", "track", "track mbid"}
_LOVED_NAME = re.compile(r"(?:^|[^a-z])(?:loved|lovedtracks)(?:[^a-z]|$)", re.IGNORECASE)


@register_importer(
    "lastfm", "history", "Last.fm scrobbles (CSV)", extensions=(".csv", ".tsv", ".txt", ".gz")
)
def read(opened: SourceFile, options: Mapping[str, Any]) -> Iterator[Outcome]:
    """Read scrobbles; the layout is found out from the first rows."""
    layout = find_layout(opened)
    if _holds_loved_songs(opened, layout):
        raise WrongFile(f"{opened.name} holds loved songs, not scrobbles.")
    return values.make_records(_read_rows(opened, layout), _RecordMaker(layout))


@register_importer(
    "lastfm-loved",
    "history",
    "Last.fm loved songs (CSV)",
    extensions=(".csv", ".tsv", ".txt", ".gz"),
)
def read_loved_songs(opened: SourceFile, options: Mapping[str, Any]) -> Iterator[Outcome]:
    """Read loved songs as likes: the table has no album, or its name says what it is."""
    layout = find_layout(opened)
    if not _holds_loved_songs(opened, layout):
        raise WrongFile(f"{opened.name} is no list of loved songs of Last.fm.")
    return values.make_records(_read_rows(opened, layout), _RecordMaker(layout, LIKE))


def _holds_loved_songs(opened: SourceFile, layout: Layout) -> bool:
    if _LOVED_NAME.search(opened.name):
        return "loved" not in layout.columns  # else each row says whether it is
    if not layout.header_line:
        return False
    rows = dict(read_first_rows(opened, layout.delimiter))
    return {normalise_column_name(name) for name in rows[layout.header_line]} == _LOVED_HEADER


def _read_rows(opened: SourceFile, layout: Layout) -> Iterator[tuple[int, Any]]:
    """Yield the numbered rows; what does not fit the layout is rejected."""
    with opened.stream() as stream:
        for line, row in read_table_rows(read_numbered_lines(stream), layout.delimiter):
            if line == layout.header_line:
                continue
            if isinstance(row, RejectedRow):
                yield line, row
            elif line < layout.header_line:
                yield line, RejectedRow(line, "it stands above the names of the columns")
            elif len(cells := drop_surplus_cells(row, layout.n_columns)) == layout.n_columns:
                yield line, cells
            else:
                yield (
                    line,
                    RejectedRow(
                        line, f"it has {len(row)} cells where {layout.n_columns} are expected"
                    ),
                )


class _RecordMaker:
    def __init__(self, layout: Layout, kind: int = 0) -> None:
        self._columns = layout.columns
        self._day_first = layout.day_first
        self._kind = kind

    def __call__(self, line: int, row: Row) -> list[Outcome]:
        medium = row[self._columns["medium"]].strip() if "medium" in self._columns else ""
        if medium and normalise_column_name(medium) not in column_names.MUSIC:
            raise values.NotWanted(LeftOut.NOT_MUSIC)
        if self._kind == LIKE:
            moment = values.parse_day(get_time_cell(row, self._columns), self._day_first)
        else:
            moment = values.parse_moment(get_time_cell(row, self._columns), self._day_first)
            if moment is None:
                raise values.BadValue("the time is missing")
        record = ListenRecord(
            line,
            "",
            song=self._make_song(row),
            kind=self._kind,
            occurred_at=moment,
            played_ms=self._parse_played_ms(row),
        )
        loved = row[self._columns["loved"]] if "loved" in self._columns else ""
        return values.add_like(record, loved)

    def _parse_played_ms(self, row: Row) -> int | None:
        """Return how long the song was heard, where a column says it."""
        milliseconds, seconds = (
            row[self._columns[name]].strip() if name in self._columns else None
            for name in ("played_ms", "played_seconds")
        )
        return values.parse_played_ms(milliseconds, seconds)

    def _make_song(self, row: Row) -> SongRecord:
        album = row[self._columns["album"]] if "album" in self._columns else ""
        mbid = row[self._columns["mbid"]] if "mbid" in self._columns else ""
        return SongRecord(
            0,
            values.parse_name(row[self._columns["title"]], "title"),
            values.parse_name(row[self._columns["artist"]], "artist"),
            album=values.parse_optional_name(album),
            mbid=values.parse_optional_mbid(mbid),
        )
