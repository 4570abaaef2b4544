"""Histories as JSON of other scrobblers: Last.fm's own answers, lastfmstats.com, Maloja, Koito, Pano Scrobbler.

Each source says at which paths its entries are and how one becomes a record.
"""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from catalog.imports.importers.record_tables import build_pano_record
from catalog.imports.importers.registry import register_importer
from catalog.imports.reading import values
from catalog.imports.reading.json_files import (
    EACH,
    ONE_OR_EACH,
    BrokenJson,
    Path,
    has_entry,
    has_keys,
    read_lines,
    read_values,
)
from catalog.imports.reading.source_files import SourceFile
from catalog.records import (
    LIKE,
    PLAY,
    LeftOut,
    ListenRecord,
    NearMiss,
    Outcome,
    RejectedRow,
    SongRecord,
    WrongFile,
)

Reader = Callable[[int, Any], Outcome]


def read_json_records(opened: SourceFile, paths: Sequence[Path], read: Reader) -> Iterator[Outcome]:
    """Return the records that `read` makes of the entries at `paths`."""
    return values.make_records(
        read_numbered_values(opened, paths), lambda line, pair: read(line, pair[1])
    )


def read_numbered_values(opened: SourceFile, paths: Sequence[Path]) -> Iterator[tuple[int, Any]]:
    """Yield (number, (path, value)); a RejectedRow for a value that cannot be read, and where the file breaks off."""
    number = 0
    try:
        with opened.stream() as stream:
            for path, value in read_values(stream, paths):
                number += 1
                is_bad = isinstance(value, RejectedRow)
                yield number, value._replace(line=number) if is_bad else (path, value)
    except BrokenJson as error:
        yield number + 1, RejectedRow(number + 1, f"the file cannot be read further: {error}")


def read_first_value(opened: SourceFile, paths: Sequence[Path]) -> Any:
    """Return the first of the values at `paths` in the file's head; None where there is none."""
    if opened.kind == "zip":
        return None
    try:
        return next((value for _path, value in read_values(opened.open_head(), paths)), None)
    except BrokenJson:
        return None


def require_object(entry: Any) -> Mapping[str, Any]:
    """Return the entry; BadValue where it is no object."""
    if not isinstance(entry, dict):
        raise values.BadValue("the entry is not an object")
    return entry


def _check_source(opened: SourceFile, paths: Sequence[Path], needed: set[str], source: str) -> None:
    if not _has_value(opened, paths, has_keys(*needed)):
        raise WrongFile(f"{opened.name} is no export of {source}.")


def _has_value(opened: SourceFile, paths: Sequence[Path], is_entry: Callable[[Any], bool]) -> bool:
    """Return whether one of the first values at `paths` is such an entry."""
    if opened.kind == "zip":
        return False
    try:
        entries = (value for _path, value in read_values(opened.open_head(), paths))
        return has_entry(entries, is_entry)
    except BrokenJson:
        return False


def _get_object(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}


# --- Last.fm ----------------------------------------------------------------------------------------------------------

# a page with one track has an object in place of the list
_LASTFM_PAGES = (
    (EACH, "track", ONE_OR_EACH),
    ("recenttracks", "track", ONE_OR_EACH),
    ("lovedtracks", "track", ONE_OR_EACH),
    (EACH, "recenttracks", "track", ONE_OR_EACH),
    (EACH, "lovedtracks", "track", ONE_OR_EACH),
)
_LASTFM_TRACKS = ((EACH,),)
_LASTFM_TRACK = {"artist", "name"}


@register_importer(
    "lastfm-json", "history", "Last.fm scrobbles or loved songs (JSON)", extensions=(".json", ".gz")
)
def read_lastfm(opened: SourceFile, options: Mapping[str, Any]) -> Iterator[Outcome]:
    """Read pages of Last.fm's API, as its export tools keep them: recent tracks, or loved tracks as likes."""
    is_flat = _has_value(opened, _LASTFM_TRACKS, _is_lastfm_track)
    paths = _LASTFM_TRACKS if is_flat else _LASTFM_PAGES
    _check_source(opened, paths, _LASTFM_TRACK, "Last.fm")
    pairs = read_numbered_values(opened, paths)
    return values.make_records(pairs, lambda line, pair: _build_lastfm_record(line, *pair))


def _is_lastfm_track(entry: Any) -> bool:
    return isinstance(entry, dict) and isinstance(entry.get("artist"), dict) and "name" in entry


def _build_lastfm_record(line: int, path: Path, entry: Any) -> list[Outcome]:
    track = require_object(entry)
    artist = _get_object(track.get("artist"))
    date = _get_object(track.get("date"))
    if _get_object(track.get("@attr")).get("nowplaying"):
        raise values.NotWanted(LeftOut.NOW_PLAYING)
    song = SongRecord(
        0,
        values.parse_required_name(track.get("name"), "title"),
        values.parse_required_name(artist.get("#text") or artist.get("name"), "artist"),
        album=values.parse_optional_name(_get_object(track.get("album")).get("#text")),
        mbid=values.parse_optional_mbid(track.get("mbid")),
    )
    # only recent tracks have an album, if an empty one, and only loved tracks an artist with a name and an address
    is_loved = "lovedtracks" in path or ("album" not in track and "#text" not in artist)
    at = values.parse_json_moment(date.get("uts") or date.get("#text"))
    record = ListenRecord(line, "", song=song, kind=LIKE if is_loved else PLAY, occurred_at=at)
    return values.add_like(record, track.get("loved"))


# --- lastfmstats.com --------------------------------------------------------------------------------------------------

_LASTFMSTATS = (("scrobbles", EACH),)


@register_importer("lastfmstats", "history", "lastfmstats.com (JSON)", extensions=(".json", ".gz"))
def read_lastfmstats(opened: SourceFile, options: Mapping[str, Any]) -> Iterator[Outcome]:
    """Read scrobbles with flat names; its CSV is read as Last.fm's."""
    _check_source(opened, _LASTFMSTATS, {"track", "artist", "date"}, "lastfmstats.com")
    return read_json_records(opened, _LASTFMSTATS, _build_lastfmstats_record)


def _build_lastfmstats_record(line: int, entry: Any) -> ListenRecord:
    scrobble = require_object(entry)
    song = SongRecord(
        0,
        values.parse_required_name(scrobble.get("track"), "title"),
        values.parse_required_name(scrobble.get("artist"), "artist"),
        album=values.parse_optional_name(scrobble.get("album")),
    )
    return ListenRecord(
        line, "", song=song, occurred_at=values.parse_json_moment(scrobble.get("date"))
    )


# --- Maloja -----------------------------------------------------------------------------------------------------------

_MALOJA = (("scrobbles", EACH), ("list", EACH))
_BULLET = " • "


@register_importer("maloja", "history", "Maloja export", extensions=(".json", ".gz"))
def read_maloja(opened: SourceFile, options: Mapping[str, Any]) -> Iterator[Outcome]:
    """Read the scrobbles; several artists of a song are joined by commas."""
    _check_source(opened, _MALOJA, {"time", "track"}, "Maloja")
    return read_json_records(opened, _MALOJA, _build_maloja_record)


def _build_maloja_record(line: int, entry: Any) -> ListenRecord:
    scrobble = require_object(entry)
    track = require_object(scrobble.get("track"))
    album = _get_object(track.get("album"))
    length = values.parse_duration_ms(seconds=track.get("length"))
    heard = values.parse_optional_number(
        scrobble.get("duration"), 0, values.LONGEST_DURATION_MS // 1000
    )
    song = SongRecord(
        0,
        values.parse_required_name(track.get("title"), "title"),
        values.parse_name(_join_names(_split_bullets(track.get("artists"))), "artist"),
        album=values.parse_optional_name(album.get("albumtitle") or album.get("name")),
        duration_ms=length,
    )
    at = values.parse_json_moment(scrobble.get("time"))
    return ListenRecord(
        line, "", song=song, occurred_at=at, played_ms=None if heard is None else 1000 * heard
    )


def _split_bullets(names: Any) -> Any:
    """Return the artists one by one: players tell Maloja ["Cy", "Bo • Cy"], where Bo is the first."""
    several = [one for one in names if isinstance(one, str)] if isinstance(names, list) else []
    joined = [one for one in several if _BULLET in one]
    if not joined:
        return names
    ordered = [name for one in (*joined, *several) for name in one.split(_BULLET)]
    return list(dict.fromkeys(name.strip() for name in ordered))


def _join_names(names: Any) -> str:
    if isinstance(names, str):
        return names
    several = names if isinstance(names, list) else []
    return ", ".join(
        name.strip() for name in several[:20] if isinstance(name, str) and name.strip()
    )


# --- Koito ------------------------------------------------------------------------------------------------------------

_KOITO = (("listens", EACH),)


@register_importer("koito", "history", "Koito export", extensions=(".json", ".gz"))
def read_koito(opened: SourceFile, options: Mapping[str, Any]) -> Iterator[Outcome]:
    """Read the listens; each name is the primary one of its aliases."""
    _check_source(opened, _KOITO, {"listened_at", "track", "artists"}, "Koito")
    return read_json_records(opened, _KOITO, _build_koito_record)


def _build_koito_record(line: int, entry: Any) -> ListenRecord:
    listen = require_object(entry)
    track = require_object(listen.get("track"))
    several = listen.get("artists")
    artists = several if isinstance(several, list) else []
    # the credited artist first
    ordered = sorted(artists[:20], key=lambda artist: not _get_object(artist).get("is_primary"))
    song = SongRecord(
        0,
        values.parse_required_name(_get_primary_alias(track), "title"),
        values.parse_name(
            _join_names([_get_primary_alias(artist) for artist in ordered]), "artist"
        ),
        album=values.parse_optional_name(_get_primary_alias(listen.get("album"))),
        duration_ms=values.parse_duration_ms(seconds=track.get("duration")),
        mbid=values.parse_optional_mbid(track.get("mbid")),
    )
    return ListenRecord(
        line, "", song=song, occurred_at=values.parse_json_moment(listen.get("listened_at"))
    )


def _get_primary_alias(entity: Any) -> Any:
    """Return the primary alias; the first where none is."""
    aliases = _get_object(entity).get("aliases")
    some = [_get_object(alias) for alias in aliases] if isinstance(aliases, list) else []
    primary = next((alias for alias in some if alias.get("is_primary")), some[0] if some else {})
    return primary.get("alias")


# --- Pano Scrobbler ---------------------------------------------------------------------------------------------------


@register_importer(
    "pano-json", "history", "Pano Scrobbler (JSON lines)", extensions=(".jsonl", ".json", ".gz")
)
def read_pano(opened: SourceFile, options: Mapping[str, Any]) -> Iterator[Outcome]:
    """Read scrobbles and loved songs, one a line."""
    is_pano = has_keys("timeMs", "artist", "track")
    if opened.kind == "zip" or not has_entry(read_lines(opened.open_head()), is_pano):
        raise WrongFile(f"{opened.name} is no export of Pano Scrobbler.")
    return values.make_records(_read_pano_lines(opened), _build_pano_record)


def _read_pano_lines(opened: SourceFile) -> Iterator[tuple[int, Any]]:
    with opened.stream() as stream:
        yield from enumerate(read_lines(stream), start=1)


def _build_pano_record(line: int, entry: Any) -> Outcome:
    cells = {key.casefold(): _format_cell(value) for key, value in require_object(entry).items()}
    return build_pano_record(line, {"track": "", "artist": "", "timems": "", **cells})


def _format_cell(value: Any) -> str:
    """Return a scalar as a table's cell would hold it."""
    if value is None or isinstance(value, bool | dict | list):
        return ""
    return value if isinstance(value, str) else json.dumps(value)[:40]


# --- Tautulli, for Plex -----------------------------------------------------------------------------------------------

_TAUTULLI = (("response", "data", "data", EACH), ("data", EACH), (EACH,))
_TAUTULLI_ENTRY = {"grandparent_title", "media_type", "started"}


@register_importer("tautulli", "history", "Plex, by Tautulli (JSON)", extensions=(".json", ".gz"))
def read_tautulli(opened: SourceFile, options: Mapping[str, Any]) -> Iterator[Outcome]:
    """Read the songs of what get_history answers for one user: films and episodes are left out."""
    is_play = has_keys(*_TAUTULLI_ENTRY)
    paths = [path for path in _TAUTULLI if _has_value(opened, [path], is_play)]
    if not paths:
        raise WrongFile(f"{opened.name} is no history of Tautulli.")
    users = {str(entry.get("user")) for entry in _list_head_entries(opened, paths[0])}
    if len(users) > 1:
        raise NearMiss(
            f"{opened.name} holds the history of {len(users)} users; export it for one user and bring that."
        )
    return read_json_records(opened, paths[:1], _build_tautulli_record)


def _list_head_entries(opened: SourceFile, path: Path) -> list[Mapping[str, Any]]:
    """Return the entries of the file's head; it may break off within one."""
    entries: list[Mapping[str, Any]] = []
    try:
        for _path, value in read_values(opened.open_head(), [path]):
            entries += [value] if isinstance(value, dict) else []
    except BrokenJson:
        pass
    return entries


def _build_tautulli_record(line: int, entry: Any) -> ListenRecord:
    play = require_object(entry)
    if play.get("media_type") != "track":
        raise values.NotWanted(LeftOut.NOT_MUSIC)
    # the artist of the album, beside which a song may have one of its own
    artist = play.get("original_title") or play.get("grandparent_title")
    song = SongRecord(
        0,
        values.parse_required_name(play.get("title"), "title"),
        values.parse_required_name(artist, "artist"),
        album=values.parse_optional_name(play.get("parent_title")),
    )
    seconds = play.get("play_duration", play.get("duration"))
    heard = values.parse_optional_number(seconds, 0, values.LONGEST_DURATION_MS // 1000)
    at = values.parse_json_moment(play.get("started"))
    return ListenRecord(
        line, "", song=song, occurred_at=at, played_ms=None if heard is None else 1000 * heard
    )
