"""Playlists as files of players: M3U and M3U8, JSPF, XSPF. Each becomes one playlist of the listener.

Songs are known by their artist and title; a MusicBrainz recording id beside them helps. Where a song of an M3U has no
#EXTINF line, its path says both, as in Artist/Album/01 Title.flac.
"""

import re
from collections.abc import Iterator, Mapping
from typing import Any
from xml.parsers import expat

from catalog.imports.importers.registry import register_importer
from catalog.imports.reading import values
from catalog.imports.reading.json_files import EACH, BrokenJson, read_values
from catalog.imports.reading.lines import find_old_encoding, read_numbered_lines
from catalog.imports.reading.song_paths import (
    COMPILATIONS,
    DASH,
    find_artist_folder,
    find_title,
    parse_path,
)
from catalog.imports.reading.source_files import SourceFile
from catalog.names.text import normalise
from catalog.records import Outcome, PlaylistRecord, RejectedRow, SongRecord, WrongFile

_EXTINF = re.compile(r'^#EXTINF:\s*(-?\d+(?:\.\d+)?)?(?:[^,"]|"[^"]*")*,(.*)$')
_EXTART, _EXTALB = "#EXTART:", "#EXTALB:"
_RECORDING = re.compile(
    r"^(?:https?://(?:www\.)?musicbrainz\.org/recording/|mbid:)?([0-9a-fA-F-]{36})/?$"
)
_DECLARES_UTF16 = re.compile(
    rb"""^\s*(?:\xef\xbb\xbf)?<\?xml[^>]*encoding=["']utf-16""", re.IGNORECASE
)
_XSPF_ROOT = re.compile(rb"<(?:\w+:)?playlist\b")
_LONGEST_TEXT = 4_000
_TITLE, _TEXT = ("playlist", "title"), ("playlist", "annotation")
_TRACK = ("playlist", "track", EACH)
_BLOCK = 2**16


@register_importer("m3u", "history", "Playlist (M3U, M3U8)", extensions=(".m3u8", ".m3u"))
def read_m3u(opened: SourceFile, options: Mapping[str, Any]) -> Iterator[Outcome]:
    """Read #EXTINF lines and paths."""
    first = next((line for _number, line in read_numbered_lines(opened.open_head())), "")
    is_named = (
        opened.name.casefold().endswith((".m3u", ".m3u8")) and b"\0" not in opened.read_head()
    )
    if not (isinstance(first, str) and first.startswith("#EXTM3U")) and not is_named:
        raise WrongFile(f"{opened.name} is no M3U playlist: it does not begin with #EXTM3U.")
    old_encoding = find_old_encoding(opened.read_head(), opened.name)
    return _read_m3u_records(opened, old_encoding, _has_titles_first(opened, old_encoding))


@register_importer("jspf", "history", "Playlist (JSPF)", extensions=(".jspf", ".json"))
def read_jspf(opened: SourceFile, options: Mapping[str, Any]) -> Iterator[Outcome]:
    """Read a JSPF document, as ListenBrainz and our own pages write it."""
    try:
        is_jspf = (
            next(read_values(opened.open_head(), [("playlist", "track"), _TRACK]), None) is not None
        )
    except BrokenJson:
        is_jspf = False
    if not is_jspf:
        raise WrongFile(f"{opened.name} is no JSPF playlist: it has no playlist with tracks.")
    return _read_jspf_records(opened)


@register_importer("xspf", "history", "Playlist (XSPF)", extensions=(".xspf", ".xml"))
def read_xspf(opened: SourceFile, options: Mapping[str, Any]) -> Iterator[Outcome]:
    """Read an XSPF document; one with a document type is refused, as it may grow without end."""
    head = opened.read_head()
    is_named = b"xspf.org/ns" in head[:4096] or b"<trackList" in head[:65_536]
    if not is_named or not _XSPF_ROOT.search(head[:4096]):
        raise WrongFile(f"{opened.name} is no XSPF playlist.")
    return _read_xspf_records(opened)


# --- M3U --------------------------------------------------------------------------------------------------------------


def _has_titles_first(opened: SourceFile, old_encoding: str) -> bool:
    """Whether #EXTINF says "Title - Artist", as iTunes and Music write it; the paths show which is the artist."""
    n_first = n_last = 0
    named = ""
    for _line, text in read_numbered_lines(opened.open_head(), fallback=old_encoding):
        if not isinstance(text, str):
            continue
        if match := _EXTINF.match(text):
            named = match[2].strip()
        elif not text.startswith("#") and (pair := _split_at_dash(named)):
            artist = find_artist_folder(text)
            n_first += artist == normalise(pair[0]) != normalise(pair[1])
            last = normalise(DASH.split(named)[-1])
            of_several = artist == COMPILATIONS and normalise(pair[0]) == find_title(text)
            n_last += artist == last != normalise(pair[0]) or of_several
            named = ""
    return n_last > n_first


def _read_m3u_records(
    opened: SourceFile, old_encoding: str, has_titles_first: bool
) -> Iterator[Outcome]:
    """Yield an entry a path; the comment lines before it name its song, or the playlist."""
    title, named, seconds = opened.title, "", None
    artist = album = ""
    with opened.stream() as stream:
        for line, text in read_numbered_lines(stream, fallback=old_encoding):
            if isinstance(text, RejectedRow):
                yield text
            elif text.startswith("#PLAYLIST:"):
                title = values.parse_optional_name(text.removeprefix("#PLAYLIST:")) or title
            elif match := _EXTINF.match(text):
                seconds, named = match[1], match[2].strip()
            elif text.startswith(_EXTART):
                artist = text.removeprefix(_EXTART).strip()
            elif text.startswith(_EXTALB):
                album = text.removeprefix(_EXTALB).strip()
            elif text.strip() and not text.startswith("#"):
                if has_titles_first:
                    named = _put_artist_first(named, text)
                try:
                    song = _build_m3u_song(text.strip(), named, seconds, artist, album)
                    yield PlaylistRecord(line, title, song)
                except values.BadValue as error:
                    yield RejectedRow(line, str(error))
                named, seconds, artist, album = "", None, "", ""


def _build_m3u_song(
    path: str, named: str, seconds: str | None, artist: str = "", album: str = ""
) -> SongRecord:
    """Return the song of an entry: by #EXTART and #EXTINF, by #EXTINF alone, else by the path."""
    if artist and named:
        title = _cut_artist(named, artist)
    elif (pair := _split_at_dash(named)) is not None:
        artist, title = pair
    else:
        artist, path_album, title = parse_path(path, named.strip())
        album = album or path_album
    return SongRecord(
        0,
        values.parse_name(title, "title"),
        values.parse_name(artist, "artist"),
        album=values.parse_optional_name(album),
        duration_ms=values.parse_duration_ms(seconds=seconds),
    )


def _split_at_dash(named: str) -> tuple[str, str] | None:
    """Return (artist, title) of "Artist - Title"; None where one of them is missing."""
    dash = DASH.search(named)
    artist, title = (named[: dash.start()], named[dash.end() :]) if dash else ("", "")
    return (artist, title) if artist.strip() and title.strip() else None


def _put_artist_first(named: str, path: str) -> str:
    """Return "Artist - Title" for "Title - Artist"; a name whose path has its beginning for an artist stays."""
    dashes = list(DASH.finditer(named))
    if not dashes or find_artist_folder(path) == normalise(named[: dashes[0].start()]):
        return named
    return f"{named[dashes[-1].end() :].strip()} - {named[: dashes[-1].start()].strip()}"


def _cut_artist(named: str, artist: str) -> str:
    """Return a title without its artist before it: both lines may name the artist."""
    pair = _split_at_dash(named)
    return pair[1] if pair and pair[0].strip().casefold() == artist.casefold() else named


# --- JSPF -------------------------------------------------------------------------------------------------------------


def _read_jspf_records(opened: SourceFile) -> Iterator[Outcome]:
    title, text = _read_jspf_names(opened)
    yield PlaylistRecord(0, title, description=text)

    def make(line: int, track: Any) -> Outcome:
        return PlaylistRecord(line, title, _build_jspf_song(track))

    yield from values.make_records(_read_jspf_tracks(opened), make)


def _read_jspf_names(opened: SourceFile) -> tuple[str, str]:
    """Return title and annotation, which may follow the tracks."""
    names: dict[Any, str] = {}
    try:
        with opened.stream() as stream:
            for path, value in read_values(stream, [_TITLE, _TEXT]):
                names[path] = values.parse_optional_name(value)
    except BrokenJson:  # said again, and with the row, by the tracks
        pass
    return names.get(_TITLE) or opened.title, names.get(_TEXT, "")


def _read_jspf_tracks(opened: SourceFile) -> Iterator[tuple[int, Any]]:
    number = 0
    try:
        with opened.stream() as stream:
            for _path, track in read_values(stream, [_TRACK]):
                number += 1
                yield (
                    number,
                    track._replace(line=number) if isinstance(track, RejectedRow) else track,
                )
    except BrokenJson as error:
        yield number + 1, RejectedRow(number + 1, f"the file cannot be read further: {error}")


def _build_jspf_song(track: Any) -> SongRecord:
    if not isinstance(track, dict):
        raise values.BadValue("the entry is not an object")
    identifiers = track.get("identifier")
    return SongRecord(
        0,
        values.parse_required_name(track.get("title"), "title"),
        values.parse_required_name(track.get("creator"), "artist"),
        album=values.parse_optional_name(track.get("album")),
        duration_ms=values.parse_duration_ms(milliseconds=track.get("duration")),
        mbid=_find_mbid(identifiers if isinstance(identifiers, list) else [identifiers]),
    )


def _find_mbid(identifiers: list[Any]) -> str:
    matches = (_RECORDING.match(one.strip()) for one in identifiers if isinstance(one, str))
    return next((values.parse_optional_mbid(one[1]) for one in matches if one), "")


# --- XSPF -------------------------------------------------------------------------------------------------------------


def _read_xspf_records(opened: SourceFile) -> Iterator[Outcome]:
    reader = _XspfReader(opened.title, _DECLARES_UTF16.search(opened.read_head()[:200]) is not None)
    with opened.stream() as stream:
        try:
            while block := stream.read(_BLOCK):
                reader.parse(block)
                yield from reader.pop_records()
            reader.parse(b"", is_last=True)
        except expat.ExpatError as error:
            yield from reader.pop_records()
            line = reader.n_tracks + 1
            yield RejectedRow(
                line, f"the file cannot be read further: {expat.errors.messages[error.code]}"
            )
    yield from reader.pop_records()


class _XspfReader:
    """Gathers the texts of one track at a time from expat's events."""

    _OF_TRACK = ("title", "creator", "album", "duration", "identifier", "location")

    def __init__(self, title: str, was_utf16: bool = False) -> None:
        self.n_tracks = 0
        self._title = title
        self._path: list[str] = []
        self._text = ""
        self._track: dict[str, str] = {}
        self._records: list[Outcome] = []
        self._parser = expat.ParserCreate("utf-8" if was_utf16 else None)
        self._parser.buffer_text = True
        self._parser.StartElementHandler = self._start
        self._parser.EndElementHandler = self._end
        self._parser.CharacterDataHandler = self._add_text
        self._parser.StartDoctypeDeclHandler = self._refuse

    def parse(self, block: bytes, is_last: bool = False) -> None:
        self._parser.Parse(block, is_last)

    def pop_records(self) -> list[Outcome]:
        """Return the records since the last call."""
        records, self._records = self._records, []
        return records

    def _start(self, name: str, _attributes: dict[str, str]) -> None:
        if len(self._path) > 50:
            raise WrongFile("The playlist is nested too deeply.")
        self._path.append(name.rpartition(":")[2])
        self._text = ""
        if self._path[-1] == "track":
            self._track = {}

    def _end(self, _name: str) -> None:
        name = self._path.pop()
        parent = self._path[-1] if self._path else ""
        if parent == "track" and name in self._OF_TRACK:
            self._track.setdefault(name, self._text)
        elif parent == "playlist" and name == "title":
            self._title = values.parse_optional_name(self._text) or self._title
        elif name == "track":
            self.n_tracks += 1
            self._records += values.make_records([(self.n_tracks, self._track)], self._record)
        self._text = ""

    def _add_text(self, text: str) -> None:
        if len(self._text) < _LONGEST_TEXT:
            self._text += text[:_LONGEST_TEXT]

    def _record(self, line: int, track: Mapping[str, str]) -> Outcome:
        if not track.get("title") and track.get("location"):
            return PlaylistRecord(
                line, self._title, _build_m3u_song(track["location"].strip(), "", None)
            )
        song = SongRecord(
            0,
            values.parse_name(track.get("title", ""), "title"),
            values.parse_name(track.get("creator", ""), "artist"),
            album=values.parse_optional_name(track.get("album", "")),
            duration_ms=values.parse_duration_ms(milliseconds=track.get("duration", "").strip()),
            mbid=_find_mbid([track.get("identifier", "")]),
        )
        return PlaylistRecord(line, self._title, song)

    def _refuse(self, *_document_type: Any) -> None:
        raise WrongFile(
            "The playlist has a document type, which no player writes; it was not read."
        )
