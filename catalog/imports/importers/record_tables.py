"""Histories as tables with a fixed header: Deezer, Tidal, Apple Music, Pano Scrobbler. One reader for each."""

import re
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from itertools import islice
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from catalog.imports.importers.registry import register_importer
from catalog.imports.reading import dates, values
from catalog.imports.reading.source_files import SourceFile
from catalog.imports.reading.tables import open_table
from catalog.play_rules import LEAST_HEARD_MS
from catalog.records import (
    DISLIKE,
    LIKE,
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

Cells = Mapping[str, str]
Reader = Callable[[int, Cells], Outcome]
# one row in this many shows how a table's dates with slashes are read
_LOOKED_AT = 2_000


def _read_records(
    opened: SourceFile, needed: tuple[str, ...], service: str, read: Reader
) -> Iterator[Outcome]:
    """Return the records of a table that has the columns `needed`; the reader gets cells by column name."""
    table = open_table(opened, {name: (name,) for name in needed}, {})
    if len(table.columns) < len(needed):
        raise WrongFile(f"{opened.name} is no table of {service}.")
    names = table.names

    def make(line: int, row: list[str]) -> Outcome:
        return read(line, {name: cell.strip() for name, cell in zip(names, row, strict=True)})

    return values.make_records(table.iterate_rows(), make)


def _parse_moment(text: str, *, day_first: bool | None = None) -> int:
    seconds = values.parse_moment(text, day_first)
    if seconds is None:
        raise values.BadValue("the time is missing")
    return seconds


def _build_listen(line: int, song: SongRecord, at: int | None, **more: Any) -> ListenRecord:
    return ListenRecord(line, "", song=song, occurred_at=at, **more)


# --- Deezer -----------------------------------------------------------------------------------------------------------

_DEEZER = ("song title", "artist", "listening time", "date")


@register_importer(
    "deezer", "history", "Deezer listening history (CSV)", extensions=(".csv", ".gz")
)
def read_deezer(opened: SourceFile, options: Mapping[str, Any]) -> Iterator[Outcome]:
    """Read the sheet of listening history, saved as CSV; addresses and devices in it are never read."""
    day_first = _find_day_order(opened, _DEEZER, "date")
    return _read_records(
        opened,
        _DEEZER,
        "Deezer",
        lambda line, cells: _build_deezer_record(line, cells, day_first=day_first),
    )


def _find_day_order(opened: SourceFile, needed: tuple[str, ...], column: str) -> bool | None:
    """Return whether the day stands first in a column's dates with slashes, as a spreadsheet's language writes them."""
    table = open_table(opened, {name: (name,) for name in needed}, {})
    if column not in table.columns:
        return None
    rows = islice(table.iterate_rows(), _LOOKED_AT)
    cells = [row[table.columns[column]] for _line, row in rows if not isinstance(row, RejectedRow)]
    try:
        return dates.find_day_order(cells)
    except dates.TwoReadings:
        return None


def _build_deezer_record(line: int, cells: Cells, *, day_first: bool | None) -> Outcome:
    song = SongRecord(
        0,
        values.parse_name(cells["song title"], "title"),
        values.parse_name(cells["artist"], "artist"),
        album=values.parse_optional_name(cells.get("album title", "")),
        isrc=cells.get("isrc", "")[:20],
    )
    return _build_listen(
        line,
        song,
        _parse_moment(cells["date"], day_first=day_first),
        played_ms=_parse_seconds_to_ms(cells["listening time"]),
    )


def _parse_seconds_to_ms(text: str) -> int | None:
    """Return how long a song was heard, in milliseconds; what is no number is not said."""
    seconds = values.parse_optional_number(text, 0, values.LONGEST_DURATION_MS // 1000)
    return None if seconds is None else 1000 * seconds


# --- Tidal ------------------------------------------------------------------------------------------------------------

_TIDAL = ("artist_name", "track_title", "entry_date")
_OTHER_PRODUCTS = ("ALBUM", "ARTIST", "LIVE_STREAM", "MIX", "PLAYLIST", "VIDEO")


@register_importer("tidal", "history", "Tidal streaming history (CSV)", extensions=(".csv", ".gz"))
def read_tidal(opened: SourceFile, options: Mapping[str, Any]) -> Iterator[Outcome]:
    """Read the streams of songs, in the time zone that each row names."""
    return _read_records(opened, _TIDAL, "Tidal", _build_tidal_record)


def _build_tidal_record(line: int, cells: Cells) -> Outcome:
    if cells.get("product_type", "").upper() in _OTHER_PRODUCTS:
        raise values.NotWanted(LeftOut.NOT_MUSIC)
    song = SongRecord(
        0,
        values.parse_name(cells["track_title"], "title"),
        values.parse_name(cells["artist_name"], "artist"),
    )
    text = cells["entry_date"]
    at = _parse_moment(text, day_first=True)
    heard = values.parse_optional_number(
        cells.get("stream_duration_ms", ""), 0, values.LONGEST_DURATION_MS
    )
    if heard is None:
        heard = _parse_seconds_to_ms(cells.get("duration_s", ""))
    offset = _compute_offset(at, text, cells.get("time_zone", ""))
    return _build_listen(line, song, at - offset, played_ms=heard)


def _compute_offset(at: int, text: str, zone: str) -> int:
    """Return by how many seconds a local time of that zone is ahead of UTC; 0 where the time says its own zone."""
    if not zone or re.search(r"(?:Z|UTC|[+-]\d{2}:?\d{2})$", text):
        return 0
    local = datetime.fromtimestamp(at, UTC).replace(tzinfo=None)
    try:
        offset = local.replace(tzinfo=ZoneInfo(zone)).utcoffset()
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return 0
    return int((offset or timedelta()).total_seconds())


# --- Apple Music ------------------------------------------------------------------------------------------------------

_APPLE_DAILY = (
    "date played",
    "track description",
    "play duration milliseconds",
    "play count",
    "skip count",
)
_APPLE_TRACKS = ("track name", "last played date")
_APPLE_ACTIVITY = ("event end timestamp", "play duration milliseconds", "end reason type")


@register_importer(
    "apple-daily",
    "history",
    "Apple Music: Play History Daily Tracks (CSV)",
    extensions=(".csv", ".gz"),
)
def read_apple_daily(opened: SourceFile, options: Mapping[str, Any]) -> Iterator[Outcome]:
    """Read how often each song was played or skipped in an hour of a day."""
    return _read_records(
        opened, _APPLE_DAILY, "Apple Music's daily tracks", _build_apple_daily_record
    )


@register_importer(
    "apple-tracks", "history", "Apple Music: Track Play History (CSV)", extensions=(".csv", ".gz")
)
def read_apple_tracks(opened: SourceFile, options: Mapping[str, Any]) -> Iterator[Outcome]:
    """Read the last play of each song; the file tells of no other."""
    return _read_records(
        opened, _APPLE_TRACKS, "Apple Music's play history", _build_apple_track_record
    )


@register_importer(
    "apple-activity", "history", "Apple Music: Play Activity (CSV)", extensions=(".csv", ".gz")
)
def read_apple_activity(opened: SourceFile, options: Mapping[str, Any]) -> Iterator[Outcome]:
    """Read the plays; newer files name no artist and are refused with the file that does."""
    records = _read_records(
        opened, _APPLE_ACTIVITY, "Apple Music's play activity", _build_apple_activity_record
    )
    names = open_table(opened, {"artist": ("artist name",), "title": ("song name",)}, {}).columns
    if len(names) < 2:
        raise NearMiss(
            f"{opened.name} is Apple Music's Play Activity without the artists' names; the file "
            "“Apple Music - Play History Daily Tracks.csv” of the same export has them: bring that one."
        )
    return records


def _build_apple_daily_record(line: int, cells: Cells) -> Outcome:
    if cells.get("media type", "AUDIO").upper() not in ("AUDIO", ""):
        raise values.NotWanted(LeftOut.NOT_MUSIC)
    if cells.get("ignore for recommendations", "").casefold() in ("1", "true", "yes"):
        raise values.NotWanted(LeftOut.UNWANTED)
    n_plays = (
        values.parse_whole_number(cells["play count"], "play count", 0, values.MOST_PLAYS) or 0
    )
    n_skips = (
        values.parse_whole_number(cells["skip count"], "skip count", 0, values.MOST_PLAYS) or 0
    )
    if not n_plays and not n_skips:
        raise values.NotWanted(LeftOut.UNHEARD)
    n, kind = (n_plays, PLAY) if n_plays else (n_skips, SKIP)
    played_ms = values.parse_optional_number(
        cells["play duration milliseconds"], 0, values.LONGEST_MS
    )
    at = _parse_apple_hour(cells["date played"], cells.get("hours", ""))
    each = None if played_ms is None else min(played_ms // n, values.LONGEST_DURATION_MS)
    return _build_listen(
        line,
        _split_artist_and_title(cells["track description"]),
        at,
        kind=kind,
        plays=n,
        played_ms=each,
    )


def _parse_apple_hour(day: str, hours: str) -> int:
    """Return the first hour of a day in which a song was played; Apple gives no minutes, and UTC."""
    start = values.parse_day(day)
    if start is None:
        raise values.BadValue("the day is missing")
    return start + 3600 * (
        values.parse_optional_number(hours.partition(",")[0].strip(), 0, 23) or 0
    )


def _build_apple_track_record(line: int, cells: Cells) -> Outcome:
    if not cells["last played date"]:
        raise values.NotWanted(LeftOut.UNHEARD)
    return _build_listen(
        line, _split_artist_and_title(cells["track name"]), _parse_moment(cells["last played date"])
    )


def _build_apple_activity_record(line: int, cells: Cells) -> Outcome:
    if cells.get("event type", "PLAY_END").upper() not in ("PLAY_END", ""):
        raise values.NotWanted(LeftOut.NO_PLAY)
    if cells.get("media type", "AUDIO").upper() not in ("AUDIO", ""):
        raise values.NotWanted(LeftOut.NOT_MUSIC)
    played_ms = values.parse_optional_number(
        cells["play duration milliseconds"], 0, values.LONGEST_DURATION_MS
    )
    song = SongRecord(
        0,
        values.parse_name(cells["song name"], "title"),
        values.parse_name(cells["artist name"], "artist"),
        album=values.parse_optional_name(
            cells.get("album name") or cells.get("container name", "")
        ),
        duration_ms=values.parse_duration_ms(
            milliseconds=cells.get("media duration in milliseconds")
        ),
    )
    started = cells.get("event start timestamp") or ""
    at = (
        _parse_moment(started)
        if started
        else _parse_moment(cells["event end timestamp"]) - (played_ms or 0) // 1000
    )
    is_skip = (
        "SKIPPED" in cells["end reason type"].upper()
        or "MANUALLY" in cells["end reason type"].upper()
    )
    is_short = played_ms is not None and played_ms < LEAST_HEARD_MS
    return _build_listen(
        line, song, at, played_ms=played_ms, is_broken_off=is_short and not is_skip
    )


_APPLE_FAVORITES = ("favorite type", "item description", "preference")
_PREFERENCES = {"": LIKE, "like": LIKE, "love": LIKE, "favorite": LIKE, "dislike": DISLIKE}


@register_importer(
    "apple-favorites", "history", "Apple Music: Favorites (CSV)", extensions=(".csv", ".gz")
)
def read_apple_favorites(opened: SourceFile, options: Mapping[str, Any]) -> Iterator[Outcome]:
    """Read the songs that were marked as liked or disliked; albums, artists and stations are left out."""
    return _read_records(
        opened, _APPLE_FAVORITES, "Apple Music's favorites", _build_apple_favorite_record
    )


def _build_apple_favorite_record(line: int, cells: Cells) -> Outcome:
    kind = _PREFERENCES.get(cells["preference"].casefold())
    if cells["favorite type"].casefold() not in ("song", "track") or kind is None:
        raise values.NotWanted(LeftOut.UNREAD_KIND)
    song = _split_artist_and_title(cells["item description"])
    return _build_listen(line, song, values.parse_day(cells.get("last modified", "")), kind=kind)


def _split_artist_and_title(text: str) -> SongRecord:
    """Return the song of "Artist - Title"; what follows the first dash is the title."""
    artist, separator, title = text.partition(" - ")
    if not separator:
        raise values.BadValue("the song is not named as “Artist - Title”")
    return SongRecord(0, values.parse_name(title, "title"), values.parse_name(artist, "artist"))


# --- Pano Scrobbler ---------------------------------------------------------------------------------------------------

_PANO = ("timems", "artist", "track")
_PANO_EVENTS = {"": PLAY, "scrobble": PLAY, "love": LIKE, "unlove": None, "hate": DISLIKE}


@register_importer("pano", "history", "Pano Scrobbler (CSV)", extensions=(".csv", ".gz"))
def read_pano(opened: SourceFile, options: Mapping[str, Any]) -> Iterator[Outcome]:
    """Read scrobbles and loved songs."""
    return _read_records(opened, _PANO, "Pano Scrobbler", build_pano_record)


def build_pano_record(line: int, cells: Cells) -> Outcome:
    """Return the record of a row of Pano Scrobbler's CSV, or of a line of its JSON with the keys in lower case."""
    kind = _PANO_EVENTS.get(cells.get("event", "").casefold())
    if kind is None:
        raise values.NotWanted(LeftOut.NO_PLAY)
    song = SongRecord(
        0,
        values.parse_name(cells["track"], "title"),
        values.parse_name(cells["artist"], "artist"),
        album=values.parse_optional_name(cells.get("album", "")),
        duration_ms=values.parse_duration_ms(milliseconds=cells.get("durationms")),
    )
    return _build_listen(line, song, _parse_moment(cells["timems"]), kind=kind)
