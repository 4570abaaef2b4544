"""Songs as a CSV table with a header; only title and artist must be there."""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from catalog.imports.importers.registry import register_importer
from catalog.imports.reading import values
from catalog.imports.reading.source_files import SourceFile
from catalog.imports.reading.tables import Table, open_table, require_columns
from catalog.records import AUDIO_FEATURES, Outcome, SongRecord
from common.spreadsheets import restore_cell

COLUMNS = {
    "song_id": ("song_id", "id", "key", "track_id"),
    "title": ("title", "name", "song", "track", "song_name", "track_name"),
    "artist": ("artist", "artist_name", "artists", "artist_names"),
    "album": ("album", "album_name", "release"),
    "album_artist": ("album_artist", "album artist", "albumartist", "album_artist_name"),
    "track_number": ("track_number", "track number", "tracknumber", "track_no", "track_nr"),
    "disc_number": ("disc_number", "disc number", "discnumber", "disc_no", "disc"),
    "genres": ("genres", "genre", "tags", "track_genre", "artist_genres"),
    "year": ("year", "release_year", "release_date", "album_release_date"),
    "duration_ms": ("duration_ms", "length_ms", "track_duration_ms"),
    "duration": ("duration", "duration_s", "length", "seconds"),
    "mbid": ("mbid", "recording_mbid", "musicbrainz_id"),
    "isrc": ("isrc",),
    "spotify_id": ("spotify_id", "spotify_track_id", "spotify_uri"),
    "audio_url": ("audio_url", "preview_url"),
    **{feature: (feature,) for feature in AUDIO_FEATURES},
}
_GENRE_SIGNS = re.compile(r"[;|]")
_COMMA_NUMBER = re.compile(r"^\s*(-?\d+),(\d+)\s*$")
_POSITION = re.compile(r"^0{0,3}([1-9]\d{0,2})\s*(?:/|$)")
_MOST_GENRES = 20
_LONGEST_MS = 24 * 3600 * 1000


@register_importer("csv", "songs", "CSV table of songs", extensions=(".csv", ".tsv", ".txt", ".gz"))
def read(opened: SourceFile, options: Mapping[str, Any]) -> Iterator[Outcome]:
    """Read songs; options: columns (name of each column), spotify_ids (the ids are Spotify's), features_source."""
    table = open_table(opened, COLUMNS, options.get("columns", {}))
    require_columns(table, "title", "artist", aliases_by_column=COLUMNS)
    return _read_records(table, options)


def _read_records(table: Table, options: Mapping[str, Any]) -> Iterator[Outcome]:
    make = _SongReader(table.columns, options)
    # where semicolons cut the cells, a comma is the decimal sign
    read_row = _DecimalCommas(make, table.columns) if table.delimiter == ";" else make
    return values.make_records(table.iterate_rows(), read_row)


class _DecimalCommas:
    """Reads the rows of a table as spreadsheets of many countries write it: a tempo of 120,523 is 120.523."""

    def __init__(self, make: "_SongReader", columns: Mapping[str, int]) -> None:
        self._make = make
        self._columns = {columns[name] for name in (*AUDIO_FEATURES, "duration") if name in columns}

    def __call__(self, line: int, row: list[str]) -> SongRecord:
        cells = [
            _COMMA_NUMBER.sub(r"\1.\2", cell) if i in self._columns else cell
            for i, cell in enumerate(row)
        ]
        return self._make(line, cells)


class _SongReader:
    """Makes a record of a row's cells."""

    def __init__(self, columns: Mapping[str, int], options: Mapping[str, Any]) -> None:
        self._columns = columns
        self._features = [(feature, columns.get(feature)) for feature in AUDIO_FEATURES]
        self._spotify_ids = bool(options.get("spotify_ids"))
        self._features_source = str(options.get("features_source", "file"))[:64]

    def __call__(self, line: int, row: list[str]) -> SongRecord:
        key = self._read_cell(row, "song_id")
        return SongRecord(
            line=line,
            title=values.parse_name(self._read_cell(row, "title"), "title"),
            artist=values.parse_name(self._read_cell(row, "artist"), "artist"),
            key=values.parse_key(key, "song id") if key.strip() else "",
            album=self._read_name(row, "album"),
            album_artist=self._read_name(row, "album_artist"),
            track_number=self._read_position(row, "track_number"),
            disc_number=self._read_position(row, "disc_number"),
            genres=self._read_genres(row),
            year=values.parse_year(self._read_cell(row, "year")),
            duration_ms=self._read_duration(row),
            features=tuple(
                self._read_feature(row, name, column) for name, column in self._features
            ),
            features_source=self._features_source,
            mbid=values.parse_mbid(self._read_cell(row, "mbid")),
            isrc=self._read_cell(row, "isrc").strip(),
            spotify_id=self._read_spotify_id(row, key.strip()),
            audio_url=self._read_url(row),
        )

    def _read_cell(self, row: list[str], name: str) -> str:
        column = self._columns.get(name)
        return "" if column is None else restore_cell(row[column])

    def _read_name(self, row: list[str], name: str) -> str:
        text = self._read_cell(row, name)
        return values.parse_name(text, name.replace("_", " ")) if text.strip() else ""

    def _read_position(self, row: list[str], name: str) -> int | None:
        """Return the number on the album: 3 of "3", "03" and "3/12"; that of a side of vinyl ("A1") says no order."""
        match = _POSITION.match(self._read_cell(row, name).strip())
        return int(match[1]) if match else None

    def _read_feature(self, row: list[str], name: str, column: int | None) -> float | None:
        if column is None:
            return None
        return (
            values.parse_tempo(row[column])
            if name == "tempo"
            else values.parse_share(row[column], name)
        )

    def _read_genres(self, row: list[str]) -> tuple[str, ...]:
        genres = _GENRE_SIGNS.split(self._read_cell(row, "genres"))
        return tuple(cleaned[:100] for genre in genres[:_MOST_GENRES] if (cleaned := genre.strip()))

    def _read_duration(self, row: list[str]) -> int | None:
        ms = values.parse_whole_number(
            self._read_cell(row, "duration_ms"), "duration", 0, _LONGEST_MS
        )
        if (
            ms is None
            and (seconds := values.parse_number(self._read_cell(row, "duration"), "duration"))
            is not None
        ):
            ms = values.parse_whole_number(str(seconds * 1000), "duration", 0, _LONGEST_MS)
        return ms or None

    def _read_spotify_id(self, row: list[str], key: str) -> str:
        own = self._read_cell(row, "spotify_id").strip().removeprefix("spotify:track:")
        if not own and self._spotify_ids:
            own = key.removeprefix("spotify:track:")
        if own and not values.is_spotify_id(own):
            raise values.BadValue(f"the Spotify id {own[:30]!r} is none")
        return own

    def _read_url(self, row: list[str]) -> str:
        url = self._read_cell(row, "audio_url").strip()
        return (
            url
            if url.startswith(("https://", "http://")) and len(url) <= 500 and url.isprintable()
            else ""
        )
