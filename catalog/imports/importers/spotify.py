"""Spotify's two exports: the extended streaming history, and the account data with likes and playlists.

Both tell when a play stopped; it started as long before as it was heard. What was heard for less than 30 seconds is no
play (`catalog.play_rules`): a skip where the listener ended it, left out where something else did. Plays of private
sessions, podcasts, audiobooks and videos are left out. Addresses, countries and devices in the file are never read.
"""

import re
from collections.abc import Iterator, Mapping
from typing import Any, BinaryIO
from urllib.parse import unquote_plus

from catalog.imports.importers.registry import register_importer
from catalog.imports.reading import values
from catalog.imports.reading.archives import list_member_names, read_entries
from catalog.imports.reading.json_files import (
    EACH,
    BrokenJson,
    has_entry,
    has_keys,
    read_array,
    read_values,
)
from catalog.imports.reading.source_files import SourceFile, split_member_path
from catalog.play_rules import LEAST_HEARD_MS
from catalog.records import (
    DISLIKE,
    LIKE,
    PLAY,
    SKIP,
    LeftOut,
    ListenRecord,
    Outcome,
    PlaylistRecord,
    RejectedRow,
    SongRecord,
    WrongFile,
)

EXTENDED_FILES = re.compile(
    r"^(?:Streaming_History_(?:Audio|Video)_.*|(?:endsong|endvideo)_?\d*(?: ?\(\d+\))?)\.json$",
    re.IGNORECASE,
)
ACCOUNT_FILES = re.compile(
    r"^(?:StreamingHistory(?:_(?:music|podcast|audiobook|video))?_?\d*|YourLibrary|Playlist\d*)(?: ?\(\d+\))?\.json$",
    re.IGNORECASE,
)
# a tuple and no set: an entry may hold anything, also what has no hash
_LISTENERS_CHOICE = (
    "fwdbtn",
    "backbtn",
    "clickrow",
    "click-row",
    "clickside",
    "endplay",
    "remote",
    "playbtn",
)
_LIBRARY_FILES = re.compile(r"^(?:YourLibrary|Playlist\d*)(?: ?\(\d+\))?\.json$", re.IGNORECASE)
_EXTENDED_AND_LIBRARY = re.compile(
    f"{EXTENDED_FILES.pattern}|{_LIBRARY_FILES.pattern}", re.IGNORECASE
)
_LIBRARY = {
    ("tracks", EACH): LIKE,
    ("bannedTracks", EACH): DISLIKE,
}
# what the account data call a song that is gone or was never named
_UNNAMED = ("Unknown Artist", "Unknown Track")
_LOCAL = "spotify:local:"
_PLAYLIST = ("playlists", EACH, "name")
_PLAYLIST_TEXT = ("playlists", EACH, "description")
_PLAYLIST_ITEM = ("playlists", EACH, "items", EACH)
_PLAYLIST_TRACK = ("playlists", EACH, "tracks", EACH)  # before 2020
_HISTORY_ENTRY = (EACH,)
_ACCOUNT_PATHS = (
    *_LIBRARY,
    _PLAYLIST,
    _PLAYLIST_TEXT,
    _PLAYLIST_ITEM,
    _PLAYLIST_TRACK,
    _HISTORY_ENTRY,
)


@register_importer(
    "spotify-extended",
    "history",
    "Spotify extended streaming history",
    extensions=(".zip", ".json"),
)
def read_extended_history(opened: SourceFile, options: Mapping[str, Any]) -> Iterator[Outcome]:
    """Read Streaming_History_Audio_*.json and endsong_*.json, zipped or one of them.

    A zip that holds the account data, too, gives its likes and playlists; its history is part of the extended one.
    """
    _check_source(opened, EXTENDED_FILES, {"ts", "ms_played"}, "Spotify extended streaming history")
    if opened.kind != "zip":
        return values.make_records(
            _read_named_entries(opened, EXTENDED_FILES, read_array), _build_extended_record
        )
    read_library_entry = _AccountReader()

    def make(number: int, named: Any) -> Outcome:
        _name, (path, entry) = named
        if path == _HISTORY_ENTRY:
            return _build_extended_record(number, (_name, entry))
        return read_library_entry(number, named)

    return values.make_records(
        _read_named_entries(opened, _EXTENDED_AND_LIBRARY, _read_account_entries), make
    )


@register_importer(
    "spotify-account", "history", "Spotify account data", extensions=(".zip", ".json")
)
def read_account_data(opened: SourceFile, options: Mapping[str, Any]) -> Iterator[Outcome]:
    """Read StreamingHistory_music_*.json, YourLibrary.json and Playlist*.json, zipped or one of them."""
    _check_source(opened, ACCOUNT_FILES, {"endTime", "msPlayed"}, "Spotify account export")
    return values.make_records(
        _read_named_entries(opened, ACCOUNT_FILES, _read_account_entries), _AccountReader()
    )


def _check_source(
    opened: SourceFile, pattern: re.Pattern[str], needed: set[str], title: str
) -> None:
    if opened.kind == "zip":
        if not list_member_names(opened, pattern):
            raise WrongFile(f"{opened.name} is not a {title}: it has no file of that name inside.")
        return
    if pattern is ACCOUNT_FILES and _is_library(opened):
        return
    try:
        is_history = has_entry(read_array(opened.open_head()), has_keys(*needed))
    except BrokenJson as error:
        raise WrongFile(f"{opened.name} is not a {title}: {error}.") from None
    if not is_history:
        raise WrongFile(
            f"{opened.name} is not a {title}: its entries have no {' and '.join(sorted(needed))}."
        )


def _is_library(opened: SourceFile) -> bool:
    """Whether a plain file is YourLibrary.json or a Playlist.json, by an entry in its head."""
    paths = [
        ("tracks", EACH, "track"),
        ("bannedTracks", EACH, "track"),
        ("playlists", EACH, "items"),
        ("playlists", EACH, "tracks"),
    ]
    try:
        return next(read_values(opened.open_head(), paths), None) is not None
    except BrokenJson:
        return False


def _read_named_entries(
    opened: SourceFile, pattern: re.Pattern[str], read: Any
) -> Iterator[tuple[int, Any]]:
    return read_entries(opened, pattern, read, with_name=True)


def _build_extended_record(number: int, named: Any) -> Outcome:
    name, entry = named
    if "video" in split_member_path(name)[-1].casefold():
        raise values.NotWanted(LeftOut.VIDEO)
    _require_object(entry)
    if entry.get("incognito_mode"):
        raise values.NotWanted(LeftOut.PRIVATE)
    title = entry.get("master_metadata_track_name")
    if not title:
        raise values.NotWanted(_classify_medium(entry))
    played_ms = _parse_played_ms(entry.get("ms_played"))
    if played_ms == 0 and entry.get("reason_end") != "fwdbtn":
        raise values.NotWanted(LeftOut.UNHEARD)
    song = SongRecord(
        0,
        values.parse_required_name(title, "title"),
        values.parse_required_name(entry.get("master_metadata_album_artist_name"), "artist"),
        album=values.parse_optional_name(entry.get("master_metadata_album_album_name")),
        spotify_id=values.parse_optional_spotify_id(entry.get("spotify_track_uri")),
    )
    start = _compute_end(entry) - played_ms // 1000
    # of 2015 and before, some say 0 and 1, and some nothing
    is_skipped = entry.get("reason_end") in _LISTENERS_CHOICE or entry.get("skipped") in (True, 1)
    is_short = played_ms < LEAST_HEARD_MS
    return ListenRecord(
        number,
        "",
        song=song,
        kind=SKIP if is_short and is_skipped else PLAY,
        played_ms=played_ms,
        occurred_at=start,
        is_broken_off=is_short and not is_skipped,
    )


class _AccountReader:
    """Makes records of plays, likes, dislikes and playlists; keeps the playlist that is being read."""

    def __init__(self) -> None:
        self._title = ""
        self._text = ""

    def __call__(self, number: int, named: Any) -> Outcome:
        _name, pair = named
        path, entry = pair
        if path in _LIBRARY:
            return ListenRecord(number, "", song=_build_library_song(entry), kind=_LIBRARY[path])
        if path == _PLAYLIST:
            self._title, self._text = values.parse_required_name(entry, "name of the playlist"), ""
            return PlaylistRecord(number, self._title)
        if path == _PLAYLIST_ITEM:
            return self._read_playlist_item(number, entry)
        if path == _PLAYLIST_TRACK:
            return self._read_playlist_item(number, {"track": entry})
        if path == _PLAYLIST_TEXT:
            return PlaylistRecord(
                number, self._title, description=values.parse_optional_name(entry)
            )
        return _build_account_play(number, entry)

    def _read_playlist_item(self, number: int, entry: Any) -> PlaylistRecord:
        _require_object(entry)
        if not self._title:
            raise values.BadValue("the playlist has no name")
        if entry.get("episode") or entry.get("audiobook"):
            raise values.NotWanted(LeftOut.PODCAST)
        track = entry.get("track") or _name_local_track(entry.get("localTrack"))
        if not isinstance(track, dict):
            raise values.NotWanted(LeftOut.UNTITLED)
        song = SongRecord(
            0,
            values.parse_required_name(track.get("trackName"), "title"),
            values.parse_required_name(track.get("artistName"), "artist"),
            album=values.parse_optional_name(track.get("albumName")),
            spotify_id=values.parse_optional_spotify_id(track.get("trackUri")),
        )
        return PlaylistRecord(number, self._title, song)


def _name_local_track(track: Any) -> Any:
    """Return a file of the listener's own as a song of Spotify.

    Its address has the names: "spotify:local:Artist:Album:Title:241".
    """
    address = track.get("uri") if isinstance(track, dict) else None
    if not isinstance(address, str) or not address.startswith(_LOCAL):
        return track
    artist, album, title = [*map(unquote_plus, address[len(_LOCAL) :].split(":")), "", "", ""][:3]
    return {"artistName": artist or None, "albumName": album, "trackName": title or None}


def _read_account_entries(stream: BinaryIO) -> Iterator[Any]:
    """Yield (path, entry) of a history, a library or playlists: each file of the account data is one of them."""
    for path, entry in read_values(stream, _ACCOUNT_PATHS):
        yield entry if isinstance(entry, RejectedRow) else (path, entry)


def _build_library_song(entry: Any) -> SongRecord:
    _require_object(entry)
    return SongRecord(
        0,
        values.parse_required_name(entry.get("track"), "title"),
        values.parse_required_name(entry.get("artist"), "artist"),
        album=values.parse_optional_name(entry.get("album")),
        spotify_id=values.parse_optional_spotify_id(entry.get("uri")),
    )


def _build_account_play(number: int, entry: Any) -> ListenRecord:
    _require_object(entry)
    if entry.get("podcastName") or entry.get("episodeName"):
        raise values.NotWanted(LeftOut.PODCAST)
    if any(name.startswith("audiobook") and value for name, value in entry.items()):
        raise values.NotWanted(LeftOut.AUDIOBOOK)
    if (entry.get("artistName"), entry.get("trackName")) == _UNNAMED:
        raise values.NotWanted(LeftOut.UNTITLED)
    played_ms = _parse_played_ms(entry.get("msPlayed"))
    song = SongRecord(
        0,
        values.parse_required_name(entry.get("trackName"), "title"),
        values.parse_required_name(entry.get("artistName"), "artist"),
    )
    start = _parse_moment(entry.get("endTime")) - played_ms // 1000
    return ListenRecord(number, "", song=song, played_ms=played_ms, occurred_at=start)


def _require_object(entry: Any) -> None:
    if not isinstance(entry, dict):
        raise values.BadValue("the entry is not an object")


def _classify_medium(entry: Mapping[str, Any]) -> LeftOut:
    if entry.get("episode_name") or entry.get("spotify_episode_uri"):
        return LeftOut.PODCAST
    if any(name.startswith("audiobook") and value for name, value in entry.items()):
        return LeftOut.AUDIOBOOK
    return LeftOut.UNTITLED


def _parse_played_ms(value: Any) -> int:
    played_ms = (
        None
        if isinstance(value, str)
        else values.parse_optional_number(value, 0, values.LONGEST_DURATION_MS)
    )
    if played_ms is None:
        raise values.BadValue("the played time is not a number of milliseconds")
    return played_ms


def _compute_end(entry: Mapping[str, Any]) -> int:
    """Return when a play stopped.

    A device whose clock was never set says 1970; what it noted offline is in another field.

    `offline_timestamp` is when such a play began, in seconds or milliseconds.
    """
    try:
        return _parse_moment(entry.get("ts"))
    except values.BadValue:
        began = entry.get("offline_timestamp")
        if not isinstance(entry.get("ts"), str) or not began or isinstance(began, bool):
            raise
        return values.parse_json_moment(began) + (_parse_played_ms(entry.get("ms_played")) // 1000)


def _parse_moment(value: Any) -> int:
    seconds = values.parse_moment(value) if isinstance(value, str) else None
    if seconds is None:
        raise values.BadValue("the time is missing")
    return seconds
