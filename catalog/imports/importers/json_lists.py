"""Plain lists of plays as JSON: an array of objects, or one object a line, whose keys say what they are.

Many small exporters write such a list, each with keys of its own; they go by the names of columns that a table may
have, too.
"""

from collections.abc import Callable, Iterator, Mapping
from typing import Any, BinaryIO

from catalog.imports.importers import column_names, values
from catalog.imports.importers.archives import match_names, read_entries
from catalog.imports.importers.base import SourceFile
from catalog.imports.importers.json_files import BrokenJson, read_array, read_lines
from catalog.imports.importers.registry import register_importer
from catalog.records import ListenRecord, SongRecord, WrongFile

_BLANKS = b"\xef\xbb\xbf \t\r\n"


@register_importer(
    "json-list",
    "history",
    "List of plays (JSON)",
    extensions=(".json", ".jsonl", ".gz"),
    is_last_resort=True,
)
def read(opened: SourceFile, options: Mapping[str, Any]) -> Iterator[Any]:
    """Read plays with artist, title and time; the first entry has to have all three."""
    if opened.kind == "zip":
        raise WrongFile(f"{opened.name} is a zip file; a list of plays comes as JSON.")
    is_array = opened.read_head().lstrip(_BLANKS).startswith(b"[")
    read_all: Callable[[BinaryIO], Iterator[Any]] = read_array if is_array else read_lines
    try:
        _build_record(1, next(read_all(opened.open_head()), None))
    except (BrokenJson, values.BadValue) as error:
        raise WrongFile(f"{opened.name} is no list of plays: {error}.") from None
    return values.make_records(
        read_entries(opened, match_names([opened.name]), read_all), _build_record
    )


def _build_record(line: int, entry: Any) -> ListenRecord:
    if not isinstance(entry, dict):
        raise values.BadValue("the entry is not an object")
    columns = _find_values(entry)
    song = SongRecord(
        0,
        values.parse_required_name(columns.get("title"), "title"),
        values.parse_required_name(columns.get("artist"), "artist"),
        album=values.parse_optional_name(columns.get("album")),
        mbid=values.parse_optional_mbid(columns.get("mbid")),
    )
    return ListenRecord(
        line,
        "",
        song=song,
        occurred_at=values.parse_json_moment(columns.get("time")),
        played_ms=values.parse_optional_number(
            columns.get("played_ms"), 0, values.LONGEST_DURATION_MS
        ),
    )


def _find_values(entry: Mapping[str, Any]) -> dict[str, Any]:
    """Return what an entry says under the names that a table's columns may have."""
    named = {column_names.normalise_column_name(key): value for key, value in entry.items()}
    return {
        column: next(named[name] for name in names if name in named)
        for column, names in column_names.OF_A_PLAY.items()
        if any(name in named for name in names)
    }
