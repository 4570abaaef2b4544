"""Histories as JSON of other scrobblers: Last.fm's own answers, lastfmstats.com, Maloja, Koito, Pano Scrobbler.

Each source says at which paths its entries are and how one becomes a record.
"""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from catalog.imports.importers import values
from catalog.imports.importers.base import Opened
from catalog.imports.importers.json_files import (
    EACH,
    BrokenJson,
    Path,
    line_entries,
    values_at,
)
from catalog.imports.importers.record_tables import pano_record
from catalog.imports.importers.registry import importer
from catalog.records import LIKE, LeftOut, ListenRecord, Outcome, RejectedRow, SongRecord, WrongFile

Reader = Callable[[int, Any], Outcome]


def json_records(opened: Opened, paths: Sequence[Path], read: Reader) -> Iterator[Outcome]:
    """Return the records that `read` makes of the entries at `paths`."""
    return values.records_of(numbered_values(opened, paths), lambda line, pair: read(line, pair[1]))


def numbered_values(opened: Opened, paths: Sequence[Path]) -> Iterator[tuple[int, Any]]:
    """Yield (number, (path, value)); a RejectedRow for a value that cannot be read, and where the file breaks off."""
    number = 0
    try:
        with opened.stream() as stream:
            for path, value in values_at(stream, paths):
                number += 1
                is_bad = isinstance(value, RejectedRow)
                yield number, value._replace(line=number) if is_bad else (path, value)
    except BrokenJson as error:
        yield number + 1, RejectedRow(number + 1, f"the file cannot be read further: {error}")


def first_value(opened: Opened, paths: Sequence[Path]) -> Any:
    """Return the first of the values at `paths` in the file's head; None where there is none."""
    if opened.kind == "zip":
        return None
    try:
        return next((value for _path, value in values_at(opened.head_stream(), paths)), None)
    except BrokenJson:
        return None


def need_object(entry: Any) -> Mapping[str, Any]:
    """Return the entry; BadValue where it is no object."""
    if not isinstance(entry, dict):
        raise values.BadValue("the entry is not an object")
    return entry


def _check(opened: Opened, paths: Sequence[Path], needed: set[str], source: str) -> None:
    first = first_value(opened, paths)
    if not isinstance(first, dict) or not needed <= first.keys():
        raise WrongFile(f"{opened.name} is no export of {source}.")


def _object(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}


# --- Last.fm ----------------------------------------------------------------------------------------------------------

_LASTFM_PAGES = (
    (EACH, "track", EACH),
    ("recenttracks", "track", EACH),
    ("lovedtracks", "track", EACH),
    (EACH, "recenttracks", "track", EACH),
    (EACH, "lovedtracks", "track", EACH),
)
_LASTFM_TRACK = {"artist", "name"}


@importer("lastfm-json", "history", "Last.fm scrobbles or loved songs (JSON)", extensions=(".json", ".gz"))
def read_lastfm(opened: Opened, options: Mapping[str, Any]) -> Iterator[Outcome]:
    """Read pages of Last.fm's API, as its export tools keep them: recent tracks, or loved tracks as likes."""
    _check(opened, _LASTFM_PAGES, _LASTFM_TRACK, "Last.fm")
    pairs = numbered_values(opened, _LASTFM_PAGES)
    return values.records_of(pairs, lambda line, pair: _lastfm_track(line, *pair))


def _lastfm_track(line: int, path: Path, entry: Any) -> ListenRecord:
    track = need_object(entry)
    artist = _object(track.get("artist"))
    if _object(track.get("@attr")).get("nowplaying"):
        raise values.NotWanted(LeftOut.NOW_PLAYING)
    song = SongRecord(
        0,
        values.required_name(track.get("name"), "title"),
        values.required_name(artist.get("#text") or artist.get("name"), "artist"),
        album=values.optional_name(_object(track.get("album")).get("#text")),
        mbid=values.optional_mbid(track.get("mbid")),
    )
    # only recent tracks have an album, if an empty one, and only loved tracks an artist with a name and an address
    is_loved = "lovedtracks" in path or ("album" not in track and "#text" not in artist)
    at = values.json_moment(_object(track.get("date")).get("uts"))
    return ListenRecord(line, "", song=song, kind=LIKE if is_loved else 0, occurred_at=at)


# --- lastfmstats.com --------------------------------------------------------------------------------------------------

_LASTFMSTATS = (("scrobbles", EACH),)


@importer("lastfmstats", "history", "lastfmstats.com (JSON)", extensions=(".json", ".gz"))
def read_lastfmstats(opened: Opened, options: Mapping[str, Any]) -> Iterator[Outcome]:
    """Read scrobbles with flat names; its CSV is read as Last.fm's."""
    _check(opened, _LASTFMSTATS, {"track", "artist", "date"}, "lastfmstats.com")
    return json_records(opened, _LASTFMSTATS, _lastfmstats_scrobble)


def _lastfmstats_scrobble(line: int, entry: Any) -> ListenRecord:
    scrobble = need_object(entry)
    song = SongRecord(
        0,
        values.required_name(scrobble.get("track"), "title"),
        values.required_name(scrobble.get("artist"), "artist"),
        album=values.optional_name(scrobble.get("album")),
    )
    return ListenRecord(line, "", song=song, occurred_at=values.json_moment(scrobble.get("date")))


# --- Maloja -----------------------------------------------------------------------------------------------------------

_MALOJA = (("scrobbles", EACH), ("list", EACH))


@importer("maloja", "history", "Maloja export", extensions=(".json", ".gz"))
def read_maloja(opened: Opened, options: Mapping[str, Any]) -> Iterator[Outcome]:
    """Read the scrobbles; several artists of a song are joined by commas."""
    _check(opened, _MALOJA, {"time", "track"}, "Maloja")
    return json_records(opened, _MALOJA, _maloja_scrobble)


def _maloja_scrobble(line: int, entry: Any) -> ListenRecord:
    scrobble = need_object(entry)
    track = need_object(scrobble.get("track"))
    length = values.duration_ms(seconds=track.get("length"))
    heard = values.optional_number(scrobble.get("duration"), 0, values.LONGEST_DURATION_MS // 1000)
    song = SongRecord(
        0,
        values.required_name(track.get("title"), "title"),
        values.name(_joined(track.get("artists")), "artist"),
        album=values.optional_name(_object(track.get("album")).get("albumtitle")),
        duration_ms=length,
    )
    at = values.json_moment(scrobble.get("time"))
    return ListenRecord(
        line, "", song=song, occurred_at=at, played_ms=None if heard is None else 1000 * heard
    )


def _joined(names: Any) -> str:
    if isinstance(names, str):
        return names
    several = names if isinstance(names, list) else []
    return ", ".join(name.strip() for name in several[:20] if isinstance(name, str) and name.strip())


# --- Koito ------------------------------------------------------------------------------------------------------------

_KOITO = (("listens", EACH),)


@importer("koito", "history", "Koito export", extensions=(".json", ".gz"))
def read_koito(opened: Opened, options: Mapping[str, Any]) -> Iterator[Outcome]:
    """Read the listens; each name is the primary one of its aliases."""
    _check(opened, _KOITO, {"listened_at", "track", "artists"}, "Koito")
    return json_records(opened, _KOITO, _koito_listen)


def _koito_listen(line: int, entry: Any) -> ListenRecord:
    listen = need_object(entry)
    track = need_object(listen.get("track"))
    several = listen.get("artists")
    artists = several if isinstance(several, list) else []
    # the credited artist first
    ordered = sorted(artists[:20], key=lambda artist: not _object(artist).get("is_primary"))
    song = SongRecord(
        0,
        values.required_name(_alias(track), "title"),
        values.name(_joined([_alias(artist) for artist in ordered]), "artist"),
        album=values.optional_name(_alias(listen.get("album"))),
        duration_ms=values.duration_ms(seconds=track.get("duration")),
        mbid=values.optional_mbid(track.get("mbid")),
    )
    return ListenRecord(line, "", song=song, occurred_at=values.json_moment(listen.get("listened_at")))


def _alias(thing: Any) -> Any:
    """Return the primary alias; the first where none is."""
    aliases = _object(thing).get("aliases")
    some = [_object(alias) for alias in aliases] if isinstance(aliases, list) else []
    primary = next((alias for alias in some if alias.get("is_primary")), some[0] if some else {})
    return primary.get("alias")


# --- Pano Scrobbler ---------------------------------------------------------------------------------------------------


@importer("pano-json", "history", "Pano Scrobbler (JSON lines)", extensions=(".jsonl", ".json", ".gz"))
def read_pano(opened: Opened, options: Mapping[str, Any]) -> Iterator[Outcome]:
    """Read scrobbles and loved songs, one a line."""
    first = next(line_entries(opened.head_stream()), None) if opened.kind != "zip" else None
    if not isinstance(first, dict) or not {"timeMs", "artist", "track"} <= first.keys():
        raise WrongFile(f"{opened.name} is no export of Pano Scrobbler.")
    return values.records_of(_pano_lines(opened), _pano_line)


def _pano_lines(opened: Opened) -> Iterator[tuple[int, Any]]:
    with opened.stream() as stream:
        yield from enumerate(line_entries(stream), start=1)


def _pano_line(line: int, entry: Any) -> Outcome:
    cells = {key.casefold(): _cell(value) for key, value in need_object(entry).items()}
    return pano_record(line, {"track": "", "artist": "", "timems": "", **cells})


def _cell(value: Any) -> str:
    """Return a scalar as a table's cell would hold it."""
    if value is None or isinstance(value, bool | dict | list):
        return ""
    return value if isinstance(value, str) else json.dumps(value)[:40]
