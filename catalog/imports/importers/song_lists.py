"""Lists of songs as CSV tables: Exportify, TuneMyMusic, Soundiiz, YouTube Music, iTunes, our own playlists, plain ones.

A row is a like where the table or its name says that these are favourites, else an entry of a playlist, which is
called as the row says or as the file is.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from catalog.imports.importers.registry import register_importer
from catalog.imports.reading import values
from catalog.imports.reading.column_names import OF_A_PLAY, normalise_column_name
from catalog.imports.reading.lines import read_numbered_lines, read_table_rows
from catalog.imports.reading.source_files import SourceFile
from catalog.imports.reading.tables import Table, open_table
from catalog.names.external_ids import clean_isrc
from catalog.records import (
    LIKE,
    LeftOut,
    ListenRecord,
    Outcome,
    PlaylistRecord,
    RejectedRow,
    SongRecord,
    WrongFile,
)
from common.spreadsheets import restore_cell

_FAVOURITES = re.compile(
    r"(?:^|[^a-z])(?:liked|likes|loved|favou?rites?|favorit\w*|lieblings\w*|my tracks|starred|coups? de c\w+|"
    r"lik[ée]s|aim[ée]s|te gustan|me gusta|curtidas|ti piacciono|mi piace|favoriete\w*|gillade|ulubione|любимые|"
    r"preferit[ei]|preferid[ao]s|beğen\w*|oblíbené|kedvenc\w*|suosikit|избранн\w*|お気に入り|いいね|收藏|喜欢|喜歡|최애|좋아요)"
    r"(?:[^a-z]|$)",
    re.IGNORECASE,
)
_GENERIC = re.compile(
    r"exportify|tunemymusic|tune my music|soundiiz|spotify|export|tracks|songs|csv|[\W\d_]+", re.I
)


_ADDED = re.compile(r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$")
# iTunes writes some thirty columns
_LEAST_OF_ITUNES = 20
_COMMA = re.compile(r"(?<=\D),(?=[^\s\d])")


@dataclass(frozen=True)
class _Kind:
    """A service's table: columns that it must have, and by which names each is known."""

    needed: tuple[frozenset[str], ...]  # one of these sets
    columns: Mapping[str, tuple[str, ...]]
    is_exportify: bool = False


_EXPORTIFY = _Kind(
    (
        *(
            frozenset({uri, "track name", artist})
            for uri in ("track uri", "spotify uri", "spotify id", "track id")
            for artist in ("artist name(s)", "artist name")
        ),
    ),
    {
        "title": ("track name",),
        "artist": ("artist name(s)", "artist name"),
        "album": ("album name",),
        "uri": ("track uri", "spotify uri", "spotify id", "track id"),
        "isrc": ("isrc",),
        "duration_ms": ("track duration (ms)", "duration (ms)"),
        "added": ("added at",),
        "playlist": ("playlist name", "playlist"),
    },
    is_exportify=True,
)
_TUNEMYMUSIC = _Kind(
    (
        frozenset({"track name", "artist name", "playlist name"}),
        frozenset({"track name", "artist name", "album", "isrc"}),
    ),
    {
        "title": ("track name",),
        "artist": ("artist name",),
        "album": ("album",),
        "playlist": ("playlist name",),
        "type": ("type",),
        "isrc": ("isrc",),
        "uri": ("spotify - id",),
    },
)
_SOUNDIIZ = _Kind(
    (frozenset({"title", "artist", "album", "isrc"}),),
    {
        "title": ("title",),
        "artist": ("artist",),
        "album": ("album",),
        "isrc": ("isrc",),
        "added": ("addeddate", "added at", "added_at", "date added"),
        "playlist": ("playlist", "playlist name"),
        "type": ("type",),
    },
)
_YOUTUBE_LIBRARY = _Kind(
    (
        frozenset({"song title", "album title", "artist names"}),
        frozenset({"song title", "album title", "artist name 1"}),
    ),
    {
        "title": ("song title",),
        "artist": ("artist names", "artist name 1"),
        "album": ("album title",),
    },
)
# a plain list says nothing else: not how often or in which year, which would make it another table
_BESIDE_A_SONG = frozenset(
    (
        "isrc", "spotify id", "track id", "id", "uri", "url", "link", "album artist", "track number", "#", "position",
        "duration", "length", "duration (ms)", "type", "playlist", "explicit", "genre", "",
    )
)  # fmt: skip
_MUSICREC = _Kind(
    (frozenset({"position", "song_id", "title", "artist", "reason"}),),
    {"title": ("title",), "artist": ("artist",), "album": ("album",)},
)


@register_importer(
    "exportify", "history", "Exportify (likes, playlists)", extensions=(".csv", ".gz")
)
def read_exportify(opened: SourceFile, options: Mapping[str, Any]) -> Iterator[Outcome]:
    """Read the liked songs or one playlist of Spotify."""
    return _read_list(opened, _find_translated_columns(opened) or _EXPORTIFY, "Exportify")


def _find_translated_columns(opened: SourceFile) -> _Kind | None:
    """Return the columns of a table whose header is in another language, by the kinds of its first row's addresses."""
    table = open_table(opened, {}, {})
    rows = read_table_rows(read_numbered_lines(opened.open_head()), table.delimiter)
    next(rows, None)
    _line, cells = next(rows, (0, RejectedRow(0, "")))
    if isinstance(cells, RejectedRow):
        return None
    kinds = [cell[:15] for cell in cells]
    of_songs = [at for at, kind in enumerate(kinds) if kind.startswith("spotify:track:")]
    of_artists = [at for at, kind in enumerate(kinds) if kind.startswith("spotify:artist:")]
    of_albums = [at for at, kind in enumerate(kinds) if kind.startswith("spotify:album:")]
    if of_songs[:1] != [0] or of_artists[:1] != [2] or len(kinds) > len(table.names):
        return None
    isrc = next((at for at, cell in enumerate(cells) if at and clean_isrc(cell)), None)
    added = next((at for at, cell in enumerate(cells) if _ADDED.match(cell)), None)
    album = of_albums[0] + 1 if of_albums else None
    positions = {"uri": 0, "title": 1, "artist": 3, "album": album, "isrc": isrc, "added": added}
    columns = {name: (table.names[at],) for name, at in positions.items() if at is not None}
    return _Kind((frozenset(),), columns, is_exportify=True)


@register_importer(
    "tunemymusic", "history", "TuneMyMusic (likes, playlists)", extensions=(".csv", ".gz")
)
def read_tunemymusic(opened: SourceFile, options: Mapping[str, Any]) -> Iterator[Outcome]:
    """Read favourites and playlists; each row says which."""
    return _read_list(opened, _TUNEMYMUSIC, "TuneMyMusic")


@register_importer("soundiiz", "history", "Soundiiz (likes, playlists)", extensions=(".csv", ".gz"))
def read_soundiiz(opened: SourceFile, options: Mapping[str, Any]) -> Iterator[Outcome]:
    """Read one playlist, or the favourites where the file is called so."""
    return _read_list(opened, _SOUNDIIZ, "Soundiiz")


@register_importer(
    "playlist-csv", "history", "Playlist (CSV of Musicrec)", extensions=(".csv", ".gz")
)
def read_own_playlist(opened: SourceFile, options: Mapping[str, Any]) -> Iterator[Outcome]:
    """Read a playlist as our own pages export it."""
    return _read_list(opened, _MUSICREC, "Musicrec")


@register_importer(
    "youtube-library", "history", "YouTube Music library (CSV)", extensions=(".csv", ".gz")
)
def read_youtube_library(opened: SourceFile, options: Mapping[str, Any]) -> Iterator[Outcome]:
    """Read music-library-songs.csv of Google Takeout as likes."""
    return _read_list(opened, _YOUTUBE_LIBRARY, "YouTube Music's library")


@register_importer(
    "itunes-text", "history", "Playlist of iTunes or Music (text)", extensions=(".txt", ".gz")
)
def read_itunes_text(opened: SourceFile, options: Mapping[str, Any]) -> Iterator[Outcome]:
    """Read a playlist that iTunes or Music exported as text: its columns have one order in every language."""
    table = open_table(opened, {}, {})
    columns = [normalise_column_name(name) for name in table.names]
    is_one = len(columns) > _LEAST_OF_ITUNES and table.delimiter == "\t"
    at = 3 if columns[3:4] and columns[3] in OF_A_PLAY["album"] else 2
    if not is_one or columns[at] not in OF_A_PLAY["album"] or columns[1] not in OF_A_PLAY["artist"]:
        raise WrongFile(f"{opened.name} is no playlist of iTunes.")
    names = {"title": table.names[0], "artist": table.names[1], "album": table.names[at]}
    of_itunes = _Kind((frozenset(),), {name: (column,) for name, column in names.items()})
    return _read_list(opened, of_itunes, "iTunes")


@register_importer(
    "song-list",
    "history",
    "List of songs (CSV)",
    extensions=(".csv", ".tsv", ".txt", ".gz"),
    is_last_resort=True,
)
def read_plain_list(opened: SourceFile, options: Mapping[str, Any]) -> Iterator[Outcome]:
    """Read artists and titles, as likes where the file is called so, else as a playlist of its name."""
    names = open_table(opened, {}, {}).names
    columns = {
        column: next((name for name in names if normalise_column_name(name) in known_names), "")
        for column, known_names in OF_A_PLAY.items()
    }
    plain: dict[str, tuple[str, ...]] = {
        column: (columns[column],) for column in ("title", "artist", "album") if columns[column]
    }
    others = set(names) - {name for (name,) in plain.values()}
    if not {"title", "artist"} <= plain.keys() or not others <= _BESIDE_A_SONG:
        raise WrongFile(f"{opened.name} is no list of artists and titles.")
    extra: dict[str, tuple[str, ...]] = {
        name: (name,) for name in ("isrc", "playlist", "type") if name in names
    }
    return _read_list(opened, _Kind((frozenset(),), plain | extra), "artists and titles")


def is_favourites(name: str) -> bool:
    """Whether a list of that name holds what a listener likes."""
    return bool(_FAVOURITES.search(name))


def _read_list(opened: SourceFile, kind: _Kind, service: str) -> Iterator[Outcome]:
    table = open_table(opened, kind.columns, {})
    if not any(needed <= set(table.names) for needed in kind.needed):
        raise WrongFile(f"{opened.name} is no table of {service}.")
    return values.make_records(table.iterate_rows(), _RecordMaker(table, opened, kind))


class _RecordMaker:
    def __init__(self, table: Table, opened: SourceFile, kind: _Kind) -> None:
        self._columns = table.columns
        self._title = opened.title
        self._is_favourites = (
            kind is _YOUTUBE_LIBRARY
            or is_favourites(opened.title)
            or (kind.is_exportify and not _GENERIC.sub("", opened.title))
        )

    def __call__(self, line: int, row: list[str]) -> Outcome:
        kind, playlist = self._read_cell(row, "type").casefold(), self._read_cell(row, "playlist")
        if kind in ("album", "artist"):
            raise values.NotWanted(LeftOut.UNREAD_KIND)
        song = self._make_song(row)
        if kind in ("favorite", "favourite", "liked", "like") or (
            kind in ("", "track") and (is_favourites(playlist) if playlist else self._is_favourites)
        ):
            return ListenRecord(
                line, "", song=song, kind=LIKE, occurred_at=self._parse_added_date(row)
            )
        return PlaylistRecord(line, playlist or self._title, song)

    def _make_song(self, row: list[str]) -> SongRecord:
        return SongRecord(
            0,
            values.parse_name(self._read_cell(row, "title"), "title"),
            _join_credit(values.parse_name(self._read_cell(row, "artist"), "artist")),
            album=values.parse_optional_name(self._read_cell(row, "album")),
            duration_ms=values.parse_duration_ms(milliseconds=self._read_cell(row, "duration_ms")),
            isrc=self._read_cell(row, "isrc")[:20],
            spotify_id=values.parse_optional_spotify_id(self._read_cell(row, "uri")),
        )

    def _parse_added_date(self, row: list[str]) -> int | None:
        """Return when the like was given; a time that is none is as good as missing."""
        try:
            return values.parse_day(self._read_cell(row, "added"))
        except values.BadValue:
            return None

    def _read_cell(self, row: list[str], name: str) -> str:
        column = self._columns.get(name)
        return "" if column is None else restore_cell(row[column]).strip()


def _join_credit(artists: str) -> str:
    """Return the credit as it is written; newer tables separate artists by semicolons, old ones by bare commas."""
    names = _COMMA.sub(", ", artists).split(";")
    return ", ".join(name.strip() for name in names if name.strip()) or artists
