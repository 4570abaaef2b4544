"""Plain lists of plays as JSON: an array of objects, also within an object, or one object a line.

Many small exporters write such a list, each with keys of its own; they go by the names of columns that a table may
have, too. Names may be objects with a name, and artists a list of these, as the APIs of services answer.
"""

from collections.abc import Callable, Iterator, Mapping
from typing import Any, BinaryIO

from catalog.imports.importers.registry import register_importer
from catalog.imports.reading import column_names, values
from catalog.imports.reading.archives import match_names, read_entries
from catalog.imports.reading.json_files import (
    EACH,
    BrokenJson,
    has_entry,
    read_array,
    read_lines,
    read_values,
)
from catalog.imports.reading.source_files import SourceFile
from catalog.names.text import normalise
from catalog.records import LeftOut, ListenRecord, Outcome, SongRecord, WrongFile

_LISTS = ("items", "plays", "listens", "history", "scrobbles", "tracks", "data", "results")
_INNER_ARRAYS = (
    *((key, EACH) for key in _LISTS),
    *((outer, key, EACH) for outer in ("data", "response", "result", "payload") for key in _LISTS),
)
_NAMES_OF_AN_OBJECT = ("name", "title", "#text")
# what holds the song, or all that is said of a play
_OBJECTS_OF_A_PLAY = ("track", "song", "data", "item", "recording", "track metadata")
_MOST_ARTISTS = 20
_DEEPEST = 3


@register_importer(
    "json-list",
    "history",
    "List of plays (JSON)",
    extensions=(".json", ".jsonl", ".gz"),
    is_last_resort=True,
)
def read(opened: SourceFile, options: Mapping[str, Any]) -> Iterator[Any]:
    """Read plays with artist, title and time; one of the first entries has to have all three."""
    if opened.kind == "zip":
        raise WrongFile(f"{opened.name} is a zip file; a list of plays comes as JSON.")
    for read_all in (_read_plain_array, read_lines, _read_inner_array):
        if (reason := _find_fault(opened, read_all)) is None:
            rows = read_entries(opened, match_names([opened.name]), read_all)
            return values.make_records(rows, _build_record)
    raise WrongFile(f"{opened.name} is no list of plays: {reason}.")


def _read_plain_array(stream: BinaryIO) -> Iterator[Any]:
    return read_array(stream)


def _read_inner_array(stream: BinaryIO) -> Iterator[Any]:
    return (entry for _path, entry in read_values(stream, _INNER_ARRAYS))


def _find_fault(opened: SourceFile, read_all: Callable[[BinaryIO], Iterator[Any]]) -> str | None:
    """Return why no one of the first entries, read in this way, is a play; None where one is."""
    reasons: list[str] = []

    def is_play(entry: Any) -> bool:
        try:
            _build_record(1, entry)
        except values.BadValue as error:
            reasons.append(str(error))
            return False
        except values.NotWanted:
            return False
        return True

    try:
        if has_entry(read_all(opened.open_head()), is_play):
            return None
    except BrokenJson as error:
        reasons.append(str(error))
    return reasons[0] if reasons else "it has no entries"


def _build_record(line: int, entry: Any) -> list[Outcome]:
    if not isinstance(entry, dict):
        raise values.BadValue("the entry is not an object")
    columns = _find_values(entry)
    medium = columns.get("medium")
    if isinstance(medium, str) and normalise(medium) not in column_names.MUSIC:
        raise values.NotWanted(LeftOut.NOT_MUSIC)
    song = SongRecord(
        0,
        values.parse_required_name(columns.get("title"), "title"),
        values.parse_required_name(columns.get("artist"), "artist"),
        album=values.parse_optional_name(columns.get("album")),
        mbid=values.parse_optional_mbid(columns.get("mbid")),
    )
    record = ListenRecord(
        line,
        "",
        song=song,
        occurred_at=values.parse_json_moment(columns.get("time")),
        played_ms=values.parse_played_ms(columns.get("played_ms"), columns.get("played_seconds")),
    )
    return values.add_like(record, columns.get("loved"))


def _find_values(entry: Mapping[str, Any]) -> dict[str, Any]:
    """Return what an entry says under the names that a table's columns may have."""
    named = _flatten_entry(entry)
    return {
        column: next(named[name] for name in names if name in named)
        for column, names in column_names.OF_A_PLAY.items()
        if any(name in named for name in names)
    }


def _flatten_entry(entry: Mapping[str, Any], depth: int = 0) -> dict[str, Any]:
    """Return the values of an entry by the names of their keys; an object gives its name and, behind these, its own."""
    named: dict[str, Any] = {}
    inner: dict[str, Any] = {}
    for key, value in entry.items():
        name = column_names.normalise_column_name(key)
        if isinstance(value, dict):
            named[name] = _find_name(value)
            if depth < _DEEPEST and name in _OBJECTS_OF_A_PLAY:
                inner |= _flatten_entry(value, depth + 1)
        elif isinstance(value, list):
            several = (one if isinstance(one, str) else _find_name(one) for one in value)
            named[name] = ", ".join([one for one in several if one][:_MOST_ARTISTS])
        else:
            named[name] = value
    return inner | {name: value for name, value in named.items() if value not in (None, "")}


def _find_name(value: Any) -> str:
    """Return the name of an object such as {"name": "Ana Lima"}; "" where it has none.

    MongoDB writes a moment as {"$date": "…"}, also as {"$date": {"$numberLong": "…"}}.
    """
    if not isinstance(value, dict):
        return ""
    if "$date" in value:
        moment = value["$date"]
        moment = moment.get("$numberLong") if isinstance(moment, dict) else moment
        return moment if isinstance(moment, str) else str(moment or "")
    names = (value.get(key) for key in _NAMES_OF_AN_OBJECT)
    return next((name for name in names if isinstance(name, str) and name), "")
