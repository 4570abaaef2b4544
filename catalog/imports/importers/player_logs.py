"""Logs that players and servers write: .scrobbler.log of Rockbox and others, Jellyfin's Playback Reporting."""

import re
from collections.abc import Iterator, Mapping
from datetime import timedelta
from typing import Any

from catalog.imports.importers.registry import register_importer
from catalog.imports.reading import values
from catalog.imports.reading.lines import find_old_encoding, read_numbered_lines
from catalog.imports.reading.source_files import SourceFile
from catalog.records import (
    PLAY,
    SKIP,
    LeftOut,
    ListenRecord,
    NearMiss,
    Outcome,
    RejectedRow,
    SongRecord,
    WrongFile,
)

# --- .scrobbler.log ---------------------------------------------------------------------------------------------------

_LOG_VERSION = re.compile(r"^#AUDIOSCROBBLER/(\d+\.\d+)", re.IGNORECASE)
_LOG_ZONE = re.compile(r"^#TZ/(?:UTC|GMT)?([+-]\d{1,2})?(?::?(\d{2}))?", re.IGNORECASE)
# some players leave the rating of a play empty
_RATINGS = {"L": PLAY, "": PLAY, "S": SKIP}
# what Rockbox and Playback Reporting write where a file has no tag
_UNTAGGED = ("<untagged>", "not known")
_LOG_COLUMNS = 7


@register_importer(
    "audioscrobbler", "history", "Player's log (.scrobbler.log)", extensions=(".log", ".txt", ".gz")
)
def read_log(opened: SourceFile, options: Mapping[str, Any]) -> Iterator[Outcome]:
    """Read a log of version 1.0, 1.1 or another: L is a play, S a skip."""
    first = next((line for _number, line in read_numbered_lines(opened.open_head())), "")
    if not isinstance(first, str) or not _LOG_VERSION.match(first):
        raise WrongFile(
            f"{opened.name} is no .scrobbler.log: it does not begin with #AUDIOSCROBBLER."
        )
    return _read_log_records(opened, find_old_encoding(opened.read_head(), opened.name))


def _read_log_records(opened: SourceFile, old_encoding: str) -> Iterator[Outcome]:
    """Yield a record a line. Players without a time zone log the local time; it is taken for UTC."""
    ahead = 0
    with opened.stream() as stream:
        for line, text in read_numbered_lines(stream, fallback=old_encoding):
            if isinstance(text, RejectedRow):
                yield text
            elif text.startswith("#"):
                ahead = _parse_zone_offset(text) if text.upper().startswith("#TZ/") else ahead
            else:
                yield from values.make_records([(line, (text, ahead))], _build_log_record)


def _parse_zone_offset(text: str) -> int:
    """Return by how much the log's times are ahead of UTC."""
    match = _LOG_ZONE.match(text)
    if match is None or not match[1]:
        return 0
    hours, minutes = int(match[1]), int(match[2] or 0)
    return int(timedelta(hours=hours, minutes=-minutes if hours < 0 else minutes).total_seconds())


def _build_log_record(line: int, entry: tuple[str, int]) -> ListenRecord:
    text, ahead = entry
    cells = text.split("\t")
    if len(cells) < _LOG_COLUMNS:
        raise values.BadValue(
            f"it has {len(cells)} cells where at least {_LOG_COLUMNS} are expected"
        )
    artist, album, title, _position, seconds, rating, moment, *ids = cells
    if artist.strip().casefold() in _UNTAGGED:
        raise values.NotWanted(LeftOut.UNTITLED)
    kind = _RATINGS.get(rating.strip().upper())
    if kind is None:
        raise values.BadValue(f"the rating {rating[:10]!r} is neither L nor S")
    at = values.parse_moment(moment)
    if at is None:
        raise values.BadValue("the time is missing")
    song = SongRecord(
        0,
        values.parse_name(title, "title"),
        values.parse_name(artist, "artist"),
        album=values.parse_optional_name(album),
        duration_ms=values.parse_duration_ms(seconds=seconds.strip()),
        mbid=values.parse_optional_mbid(ids[0] if ids else ""),
    )
    return ListenRecord(line, "", song=song, kind=kind, occurred_at=at - ahead)


# --- Jellyfin and Emby ------------------------------------------------------------------------------------------------

_REPORT_DATE = re.compile(r"^\d{4}-\d\d-\d\d[ T]\d\d:\d\d:\d\d")
_REPORT_COLUMNS = 9
_LOOKED_AT = 2_000


@register_importer(
    "jellyfin",
    "history",
    "Jellyfin or Emby Playback Reporting (TSV)",
    extensions=(".tsv", ".txt", ".gz"),
)
def read_jellyfin(opened: SourceFile, options: Mapping[str, Any]) -> Iterator[Outcome]:
    """Read the backup of one user's playback: songs only, films and episodes are left out."""
    rows = [_split_report_line(line) for _number, line in read_numbered_lines(opened.open_head())][
        :_LOOKED_AT
    ]
    good = [row for row in rows if row]
    if opened.kind == "zip" or not rows or 2 * len(good) <= len(rows):
        raise WrongFile(f"{opened.name} is no backup of Playback Reporting.")
    users = {row[1] for row in good}
    if len(users) > 1:
        raise NearMiss(
            f"{opened.name} holds the playback of {len(users)} users; keep the lines of one user and bring these."
        )
    return _read_report_records(opened, good[0][1])


def _split_report_line(line: str | RejectedRow) -> list[str]:
    """Return the cells of a line of the report; empty where it is none."""
    cells = line.split("\t") if isinstance(line, str) else []
    return cells if len(cells) >= _REPORT_COLUMNS and _REPORT_DATE.match(cells[0]) else []


def _read_report_records(opened: SourceFile, user: str) -> Iterator[Outcome]:
    def make(line: int, text: str) -> Outcome:
        return _build_report_record(line, text, user)

    with opened.stream() as stream:
        yield from values.make_records(read_numbered_lines(stream), make)


def _build_report_record(line: int, text: str, user: str) -> ListenRecord:
    cells = _split_report_line(text)
    if not cells:
        raise values.BadValue("it is no line of Playback Reporting")
    moment, of_user, _item, kind, name, _method, _client, _device, seconds = cells[:_REPORT_COLUMNS]
    if kind.casefold() != "audio":
        raise values.NotWanted(LeftOut.NOT_MUSIC)
    if of_user != user:
        raise values.NotWanted(LeftOut.OTHER_USER)
    artist, separator, rest = name.partition(" - ")
    if not separator:
        raise values.BadValue("the song is not named as “Artist - Title (Album)”")
    if artist.strip().casefold() in _UNTAGGED:
        raise values.NotWanted(LeftOut.UNTITLED)
    title, album = _cut_album(rest)
    album = "" if album.casefold() in _UNTAGGED else album
    song = SongRecord(
        0,
        values.parse_name(title, "title"),
        values.parse_name(artist, "artist"),
        album=values.parse_optional_name(album),
    )
    heard = values.parse_optional_number(seconds.strip(), 0, values.LONGEST_DURATION_MS // 1000)
    played_ms = None if heard is None else 1000 * heard
    return ListenRecord(
        line, "", song=song, occurred_at=values.parse_moment(moment), played_ms=played_ms
    )


def _cut_album(text: str) -> tuple[str, str]:
    """Cut off the album, which is in brackets at the end and may contain brackets itself."""
    depth = 0
    for start in range(len(text) - 1, 0, -1):
        depth += (text[start] == ")") - (text[start] == "(")
        if depth == 0:
            break
    else:
        return text, ""
    is_album = text.endswith(")") and text[start - 1] == " " and text[:start].strip()
    return (text[:start].rstrip(), text[start + 1 : -1]) if is_album else (text, "")
