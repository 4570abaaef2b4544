"""Where the columns of a table of plays are, found out from its header or from its first rows.

What a file is and what its columns are is decided by most of its first rows, not by the first one: an odd row costs
itself, wherever it is.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import islice

from catalog.imports.reading import column_names, values
from catalog.imports.reading.column_names import normalise_column_name
from catalog.imports.reading.dates import TwoReadings, find_day_order, has_two_readings
from catalog.imports.reading.lines import (
    DELIMITERS,
    check_text,
    read_numbered_lines,
    read_table_rows,
)
from catalog.imports.reading.source_files import SourceFile
from catalog.records import NearMiss, RejectedRow, WrongFile

_WITHOUT_HEADER: tuple[tuple[str, ...], ...] = (
    ("artist", "album", "title", "time"),
    ("artist", "title", "album", "time"),
    ("artist", "title", "time"),
    ("title", "artist", "time"),
    ("time", "artist", "album", "title"),
    ("time", "title", "artist", "album"),
    ("time", "artist", "title", "album"),
    ("time", "", "artist", "", "album", "", "title", "mbid"),
    ("time", "title", "artist", "album", "mbid", "", ""),
    # Universal Scrobbler: the album's artist and the length stand last
    ("artist", "title", "album", "time", "", ""),
    # IFTTT's sheet of what Spotify played: its id and its address stand last
    ("time", "title", "artist", "", "url"),
)
_LOOKED_AT = 200
_CLOCK = re.compile(r"^\d{1,2}:\d\d(?::\d\d)?(?:\s?[ap]\.?m\.?)?$", re.IGNORECASE)
_HEADERS_LOOKED_AT = 5
Row = Sequence[str]


@dataclass(frozen=True)
class Layout:
    """Where the columns are; the rows up to `header_line` are no scrobbles."""

    columns: Mapping[str, int]
    n_columns: int
    delimiter: str
    header_line: int = 0
    day_first: bool | None = None


def find_layout(opened: SourceFile) -> Layout:
    """Return the layout; WrongFile when the file is no table of scrobbles, or could be read in two ways."""
    if opened.kind == "zip":
        raise WrongFile(f"{opened.name} is a zip file; Last.fm scrobbles come as a CSV file.")
    check_text(opened.read_head(), opened.name)
    tables = [(delimiter, read_first_rows(opened, delimiter)) for delimiter in DELIMITERS]
    for delimiter, rows in tables:
        if layout := _find_layout_by_header(rows, delimiter):
            _check_users(opened.name, rows, layout)
            return _check_times(opened, rows, layout)
    for delimiter, rows in tables:
        header = _find_unread_header(rows)
        if header and (layout := _complete_header(opened.name, rows, delimiter, header)):
            _check_users(opened.name, rows, layout)
            return _check_times(opened, rows, layout)
    layouts = [
        layout
        for delimiter, rows in tables
        if (layout := _find_layout_by_content(opened, rows, delimiter))
    ]
    if not layouts:
        for _delimiter, rows in tables:
            _check_counts(opened.name, [row for _line, row in rows])
            _check_header_of_counts(opened.name, rows)
        raise WrongFile(
            f"{opened.name} is not a Last.fm export: it has no columns with artist, track and time "
            "(such as artist,album,track,date with times after September 2002)."
        )
    return layouts[0]


def read_first_rows(
    opened: SourceFile, delimiter: str, n_rows: int | None = _LOOKED_AT
) -> list[tuple[int, Row]]:
    """Return the numbered rows of the file's head, or so many of them."""
    rows = islice(read_table_rows(read_numbered_lines(opened.open_head()), delimiter), n_rows)
    return [(line, row) for line, row in rows if not isinstance(row, RejectedRow)]


def _find_layout_by_header(rows: Sequence[tuple[int, Row]], delimiter: str) -> Layout | None:
    """Find the header: the first row that names artist, track and time."""
    for line, row in rows:
        columns = _read_header(row)
        if {"time", "artist", "title"} <= columns.keys():
            below = [row for at, row in rows if at > line]
            columns |= _find_day_and_clock(_list_positions(row), below)
            return _shift_columns(Layout(columns, len(row), delimiter, line), rows)
    return None


def _list_positions(header: Row) -> dict[str, int]:
    """Return where each name of a header stands first."""
    return {normalise_column_name(name): at for at, name in reversed(list(enumerate(header)))}


def _read_header(row: Row) -> dict[str, int]:
    """Return the columns of a play that a row names."""
    positions = _list_positions(row)
    columns = {
        column: next((positions[name] for name in names if name in positions), -1)
        for column, names in column_names.OF_A_PLAY.items()
    }
    return {column: index for column, index in columns.items() if index >= 0}


def _find_unread_header(rows: Sequence[tuple[int, Row]]) -> tuple[int, Row] | None:
    """Return a first row that names the artist or the title, but not all that a play needs, and holds no moment."""
    for line, row in rows[:_HEADERS_LOOKED_AT]:
        is_named = len(row) > 2 and not {"artist", "title", "album"}.isdisjoint(_read_header(row))
        if is_named and not any(map(_has_digits, row)):
            return line, row
    return None


def _has_digits(cell: str) -> bool:
    return any(character.isdecimal() for character in cell)


def _complete_header(
    name: str, rows: Sequence[tuple[int, Row]], delimiter: str, header: tuple[int, Row]
) -> Layout | None:
    """Return the layout of a table whose header calls the time by a name of its own; None where no column has moments.

    Raises NearMiss for another table with moments, which is never read as one without a header: what its columns are
    called says that they are something else.
    """
    line, names = header
    columns = _read_header(names)
    below = [row for at, row in rows if at > line and len(row) == len(names)]
    moments = [
        at for at in range(len(names)) if 2 * sum(_is_moment(row[at]) for row in below) > len(below)
    ]
    if not moments:
        return None
    _check_header_of_counts(name, [header])
    times = [at for at in moments if at not in columns.values() and _may_be_of_a_play(names[at])]
    if not {"artist", "title"} <= columns.keys() or len(times) != 1:
        raise NearMiss(
            f"{name} is no list of scrobbles: its columns are called {_quote_names(names)}. Where they are artist, "
            "title and the time of a play, call them artist, track and date."
        )
    return Layout(columns | {"time": times[0]}, len(names), delimiter, line)


def _may_be_of_a_play(column: str) -> bool:
    """Whether the name of a column of moments says nothing else, such as "Date Added"."""
    name = normalise_column_name(column)
    is_other = any(word in name for word in column_names.OF_ANOTHER_MOMENT_INSIDE)
    return not is_other and column_names.OF_ANOTHER_MOMENT.isdisjoint(name.split())


def _quote_names(names: Row) -> str:
    return repr(", ".join(cell.strip() for cell in names)[:100])


def _find_day_and_clock(positions: Mapping[str, int], rows: Sequence[Row]) -> dict[str, int]:
    """Return the columns of the day ("time") and of the time of day ("clock"), where a table has two for a moment."""
    indices = [positions[name] for name in column_names.OF_A_PLAY["time"] if name in positions]
    clocks = [at for at in indices if any(_has_clock_alone(row, at) for row in rows[:_LOOKED_AT])]
    days = [at for at in indices if at not in clocks]
    return {"time": days[0], "clock": clocks[0]} if days and clocks else {}


def _has_clock_alone(row: Row, at: int) -> bool:
    return at < len(row) and _CLOCK.match(row[at].strip()) is not None


def get_time_cell(row: Row, columns: Mapping[str, int]) -> str:
    """Return what a row says of its time, with the time of day from a column of its own."""
    clock = f" {row[columns['clock']].strip()}" if "clock" in columns else ""
    return f"{row[columns['time']]}{clock}"


def _shift_columns(layout: Layout, rows: Sequence[tuple[int, Row]]) -> Layout:
    """Return the layout one column further right where most rows begin with a number that the header does not name.

    R writes its tables so.
    """
    below = [row for line, row in rows if line > layout.header_line]
    numbered = [
        row for row in below if len(row) == layout.n_columns + 1 and row[0].strip().isdecimal()
    ]
    if 2 * len(numbered) <= len(below):
        return layout
    columns = {name: index + 1 for name, index in layout.columns.items()}
    return replace(layout, columns=columns, n_columns=layout.n_columns + 1)


def _check_times(opened: SourceFile, rows: Sequence[tuple[int, Row]], layout: Layout) -> Layout:
    """Return the layout with the order of its dates.

    Raises NearMiss when the column that should hold times holds none (years, counts, days), or dates with two readings.
    """
    times = _list_times(rows, layout)
    if layout.header_line == max(line for line, _row in rows):
        raise NearMiss(f"{opened.name} has the names of its columns and no row below them.")
    try:
        day_first = find_day_order(times)
        if day_first is None and any(map(has_two_readings, times)):
            every_row = read_first_rows(opened, layout.delimiter, None)
            day_first = find_day_order(_list_times(every_row, layout))
    except TwoReadings:
        raise NearMiss(
            f"{opened.name} writes the day first in some dates and the month in others; write the year first in all."
        ) from None
    readings = [_read_time(time, day_first) for time in times]
    if times and not any(isinstance(reading, int) for reading in readings):
        unsure = next((text for text in times if has_two_readings(text)), "")
        is_day = "day without" in str(readings[0])
        if is_day or values.is_spreadsheet_day(times[0].strip()):
            raise NearMiss(f"{opened.name} is no list of scrobbles: {readings[0]}.")
        raise NearMiss(
            f"{opened.name} writes dates such as {unsure.strip()[:30]!r}, which can be read in two ways; write the "
            "year first, then month and day."
            if unsure
            else f"{opened.name} is no list of scrobbles: in its column for the time, {times[0].strip()[:30]!r} is "
            "no moment after September 2002."
        )
    return replace(layout, day_first=day_first)


def _check_users(name: str, rows: Sequence[tuple[int, Row]], layout: Layout) -> None:
    """Raise NearMiss when the rows are of several users: nobody's plays become another one's."""
    at = layout.columns.get("user", layout.n_columns)
    below = [row for line, row in rows if line > layout.header_line and len(row) > at]
    users = {row[at].strip() for row in below if row[at].strip()} if below else set()
    if len(users) > 1:
        raise NearMiss(
            f"{name} holds the history of {len(users)} users; export it for one user and bring that."
        )


def _list_times(rows: Sequence[tuple[int, Row]], layout: Layout) -> list[str]:
    """Return the cells of the time's column below the header."""
    return [
        get_time_cell(row, layout.columns)
        for line, row in rows
        if line > layout.header_line and len(row) >= layout.n_columns
    ]


def _read_time(cell: str, day_first: bool | None) -> int | str:
    """Return the moment of a cell, else why it is none."""
    try:
        return values.parse_moment(cell, day_first) or ""
    except values.BadValue as error:
        return str(error)


def _check_counts(name: str, rows: Sequence[Row]) -> None:
    """Raise NearMiss when most rows are names and one whole number that is no time: a list of counts or years."""
    numbers = [
        row[-1].strip()
        for row in rows
        if len(row) in (3, 4)
        and row[-1].strip().isdecimal()
        and all(cell.strip() for cell in row[:2])
    ]
    if rows and 2 * len(numbers) > len(rows):
        raise NearMiss(
            f"{name} is no list of scrobbles: {numbers[0][:30]!r} in its last column is a count or a year, not a "
            "time after September 2002. Export the scrobbles themselves, each with its time."
        )


def _check_header_of_counts(name: str, rows: Sequence[tuple[int, Row]]) -> None:
    """Raise NearMiss when the first row names an artist, a title and a count of plays."""
    header = {normalise_column_name(cell) for cell in rows[0][1]} if rows else set()
    is_named = all(
        not header.isdisjoint(column_names.OF_A_PLAY[column]) for column in ("artist", "title")
    )
    if is_named and not header.isdisjoint(column_names.COUNTS):
        raise NearMiss(
            f"{name} is a list of play counts, not of plays with their times. Export the scrobbles themselves."
        )


def _find_layout_by_content(
    opened: SourceFile, rows: Sequence[tuple[int, Row]], delimiter: str
) -> Layout | None:
    """Return the layout that more than half of the rows fit; WrongFile when two different columns could be the time."""
    fitting = [
        layout
        for layout in _WITHOUT_HEADER
        if 2 * sum(_fits_layout(row, layout) for _line, row in rows) > len(rows)
    ]
    if not fitting:
        return None
    if len({layout.index("time") for layout in fitting}) > 1:
        raise NearMiss(
            f"{opened.name} could be read in two ways: both its first and its last column look like times. "
            "Put the line artist,album,track,date on top, in the order of its columns."
        )
    chosen = _choose_likeliest_layout(fitting, [row for _line, row in rows])
    columns = {column: at for at, column in enumerate(chosen) if column}
    return _check_times(opened, rows, Layout(columns, len(chosen), delimiter))


def _choose_likeliest_layout(
    fitting: Sequence[tuple[str, ...]], rows: Sequence[Row]
) -> tuple[str, ...]:
    """Of layouts with the same time column, return the first whose titles vary most: an album has several."""

    def count_titles(layout: tuple[str, ...]) -> int:
        titles = (row[layout.index("title")] for row in rows if len(row) == len(layout))
        return len(set(titles))

    return max(fitting, key=count_titles)


def _fits_layout(row: Row, layout: tuple[str, ...]) -> bool:
    return (
        len(row) == len(layout)
        and _is_moment(row[layout.index("time")])
        and all(row[layout.index(column)].strip() for column in ("artist", "title"))
        and ("url" not in layout or row[layout.index("url")].strip().startswith("http"))
    )


def _is_moment(cell: str) -> bool:
    """Whether a cell is a moment with the day first or the month first; which it is, the whole file says."""
    return any(isinstance(_read_time(cell, day_first), int) for day_first in (True, False))
