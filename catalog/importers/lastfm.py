"""Last.fm scrobbles as CSV, in the layouts that the known export tools write, with a header or without."""

from collections.abc import Iterator, Mapping, Sequence
from itertools import islice
from typing import Any

from catalog.importers import values
from catalog.importers.base import Opened
from catalog.importers.lines import check_text, delimiter_of, numbered_lines, table_rows
from catalog.importers.registry import importer
from catalog.records import ListenRecord, Outcome, RejectedRow, SongRecord, WrongFile

_NAMES = {
    "time": (
        "uts",
        "timestamp",
        "date_uts",
        "utc_time",
        "date",
        "time",
        "datetime",
        "scrobbled_at",
        "played_at",
    ),
    "artist": ("artist", "artist_name", "artist name"),
    "album": ("album", "album_name", "release", "album name"),
    "title": ("track", "track_name", "title", "song", "name", "track name"),
    "mbid": ("track_mbid", "recording_mbid", "mbid"),
}
_WITHOUT_HEADER: tuple[tuple[str, ...], ...] = (
    ("artist", "album", "title", "time"),
    ("time", "artist", "album", "title"),
    ("time", "title", "artist", "album"),
    ("time", "", "artist", "", "album", "", "title", "mbid"),
)
_LOOKED_AT = 20


@importer("lastfm", "history", "Last.fm scrobbles (CSV)", extensions=(".csv", ".tsv", ".txt", ".gz"))
def read(opened: Opened, options: Mapping[str, Any]) -> Iterator[Outcome]:
    """Read scrobbles; the layout is found out from the first rows."""
    if opened.kind == "zip":
        raise WrongFile(f"{opened.name} is a zip file; Last.fm scrobbles come as a CSV file.")
    check_text(opened.head(), opened.name)
    layout = _layout(opened)
    if layout is None:
        raise WrongFile(
            f"{opened.name} is not a Last.fm export: it has no columns with artist, track and time "
            "(such as artist,album,track,date)."
        )
    return _records(opened, *layout)


def _layout(opened: Opened) -> tuple[dict[str, int], int, str] | None:
    """Return the place of each column, the number of columns and the delimiter."""
    with opened.stream() as stream:
        _, first = next(numbered_lines(stream), (0, ""))
    if not isinstance(first, str):
        return None
    delimiter = delimiter_of(first)
    with opened.stream() as stream:
        rows = [row for _, row in islice(table_rows(numbered_lines(stream), delimiter), _LOOKED_AT)]
    cells = [row for row in rows if not isinstance(row, RejectedRow)]
    if not cells:
        return None
    columns = _of_header(cells[0]) or _of_content(cells)
    return (columns, len(cells[0]), delimiter) if columns else None


def _of_header(row: Sequence[str]) -> dict[str, int] | None:
    places = {name.strip().casefold(): place for place, name in reversed(list(enumerate(row)))}
    columns = {
        column: next((places[name] for name in names if name in places), -1)
        for column, names in _NAMES.items()
    }
    found = {column: place for column, place in columns.items() if place >= 0}
    return found if {"time", "artist", "title"} <= found.keys() else None


def _of_content(rows: Sequence[Sequence[str]]) -> dict[str, int] | None:
    """Choose the layout whose time column holds times."""
    for layout in _WITHOUT_HEADER:
        place = layout.index("time")
        if all(len(row) == len(layout) and _is_moment(row[place]) for row in rows):
            return {column: at for at, column in enumerate(layout) if column}
    return None


def _is_moment(cell: str) -> bool:
    try:
        return values.moment(cell) is not None or not cell.strip()
    except values.BadValue:
        return False


def _records(opened: Opened, columns: Mapping[str, int], n_columns: int, delimiter: str) -> Iterator[Outcome]:
    with opened.stream() as stream:
        for line, row in table_rows(numbered_lines(stream), delimiter):
            if isinstance(row, RejectedRow):
                yield row
            elif line == 1 and _of_header(row):
                continue
            elif len(row) != n_columns:
                yield RejectedRow(line, f"it has {len(row)} cells where the first row has {n_columns}")
            else:
                yield _listen(line, row, columns)


def _listen(line: int, row: Sequence[str], columns: Mapping[str, int]) -> Outcome:
    try:
        moment = values.moment(row[columns["time"]])
        if moment is None:
            raise values.BadValue("the time is missing")
        return ListenRecord(line, "", song=_song(row, columns), occurred_at=moment)
    except values.BadValue as error:
        return RejectedRow(line, str(error))


def _song(row: Sequence[str], columns: Mapping[str, int]) -> SongRecord:
    album = row[columns["album"]] if "album" in columns else ""
    mbid = row[columns["mbid"]] if "mbid" in columns else ""
    return SongRecord(
        0,
        values.name(row[columns["title"]], "title"),
        values.name(row[columns["artist"]], "artist"),
        album=values.optional_name(album),
        mbid=values.mbid(mbid),
    )
