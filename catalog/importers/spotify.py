"""Spotify's two exports: the extended streaming history, and the last year of the account data.

Both tell when a play stopped; it started as long before as it was heard. A song that was passed on within 30
seconds is a skip. Plays of private sessions, podcasts and audiobooks are left out. Addresses, countries and devices
in the file are never read.
"""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from catalog.importers import values
from catalog.importers.archives import entries, member_names
from catalog.importers.base import Opened
from catalog.importers.json_files import BrokenJson, array_entries
from catalog.importers.registry import importer
from catalog.records import PLAY, SKIP, ListenRecord, Outcome, SongRecord, WrongFile

EXTENDED_FILES = re.compile(r"^(?:Streaming_History_Audio_.*|endsong_?\d*)\.json$", re.IGNORECASE)
ACCOUNT_FILES = re.compile(r"^StreamingHistory(?:_music_)?_?\d*\.json$", re.IGNORECASE)
SKIP_BEFORE_MS = 30_000
_TRACK_URI = "spotify:track:"


@importer("spotify-extended", "history", "Spotify extended streaming history", extensions=(".zip", ".json"))
def read_extended(opened: Opened, options: Mapping[str, Any]) -> Iterator[Outcome]:
    """Read Streaming_History_Audio_*.json and endsong_*.json, zipped or one of them."""
    _check(opened, EXTENDED_FILES, {"ts", "ms_played"}, "Spotify extended streaming history")
    return _records(opened, EXTENDED_FILES, _extended)


@importer("spotify-account", "history", "Spotify account data", extensions=(".zip", ".json"))
def read_account(opened: Opened, options: Mapping[str, Any]) -> Iterator[Outcome]:
    """Read StreamingHistory_music_*.json, zipped or one of them."""
    _check(opened, ACCOUNT_FILES, {"endTime", "trackName"}, "Spotify account export")
    return _records(opened, ACCOUNT_FILES, _account)


def _check(opened: Opened, pattern: re.Pattern[str], needed: set[str], title: str) -> None:
    if opened.kind == "zip":
        if not member_names(opened, pattern):
            raise WrongFile(f"{opened.name} is not a {title}: it has no file of that name inside.")
        return
    try:
        with opened.stream() as stream:
            first = next(array_entries(stream), None)
    except BrokenJson as error:
        raise WrongFile(f"{opened.name} is not a {title}: {error}.") from None
    if not isinstance(first, dict) or not needed <= first.keys():
        raise WrongFile(
            f"{opened.name} is not a {title}: its entries have no {' and '.join(sorted(needed))}."
        )


def _records(opened: Opened, pattern: re.Pattern[str], make: Any) -> Iterator[Outcome]:
    return values.records_of(entries(opened, pattern, array_entries), make)


def _extended(number: int, entry: Any) -> Outcome:
    _need_object(entry)
    if entry.get("incognito_mode"):
        raise values.BadValue("left out: it was played in a private session")
    title = entry.get("master_metadata_track_name")
    if not title:
        raise values.BadValue(f"left out: it is {_other_medium(entry)}")
    played_ms = _played_ms(entry.get("ms_played"))
    song = SongRecord(
        0,
        _text(title, "title"),
        _text(entry.get("master_metadata_album_artist_name"), "artist"),
        album=values.optional_name(entry.get("master_metadata_album_album_name")),
        spotify_id=_spotify_id(entry.get("spotify_track_uri")),
    )
    skipped = played_ms < SKIP_BEFORE_MS and (
        entry.get("reason_end") == "fwdbtn" or entry.get("skipped") is True
    )
    start = _moment(entry.get("ts")) - played_ms // 1000
    return ListenRecord(
        number, "", song=song, kind=SKIP if skipped else PLAY, played_ms=played_ms, occurred_at=start
    )


def _account(number: int, entry: Any) -> Outcome:
    _need_object(entry)
    played_ms = _played_ms(entry.get("msPlayed"))
    song = SongRecord(0, _text(entry.get("trackName"), "title"), _text(entry.get("artistName"), "artist"))
    start = _moment(entry.get("endTime")) - played_ms // 1000
    return ListenRecord(number, "", song=song, played_ms=played_ms, occurred_at=start)


def _need_object(entry: Any) -> None:
    if not isinstance(entry, dict):
        raise values.BadValue("the entry is not an object")


def _other_medium(entry: Mapping[str, Any]) -> str:
    if entry.get("episode_name") or entry.get("spotify_episode_uri"):
        return "a podcast episode"
    if any(name.startswith("audiobook") and value for name, value in entry.items()):
        return "an audiobook"
    return "without a title"


def _text(value: Any, what: str) -> str:
    if not isinstance(value, str):
        raise values.BadValue(f"the {what} is missing")
    return values.name(value, what)


def _played_ms(value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= values.LONGEST_MS:
        raise values.BadValue("the played time is not a number of milliseconds")
    return int(value)


def _moment(value: Any) -> int:
    seconds = values.moment(value) if isinstance(value, str) else None
    if seconds is None:
        raise values.BadValue("the time is missing")
    return seconds


def _spotify_id(uri: Any) -> str:
    found = uri.removeprefix(_TRACK_URI) if isinstance(uri, str) and uri.startswith(_TRACK_URI) else ""
    return found if values.is_spotify_id(found) else ""
