"""The catalog as a CSV file: safe to open in a spreadsheet, and imported again without a change."""

import csv
from collections.abc import Iterator
from typing import Any

from django.db.models import QuerySet

from catalog.records import AUDIO_FEATURES
from catalog.songs.models import Song
from common.spreadsheets import neutralise_cell

COLUMNS = (
    "song_id", "title", "artist", "album", "genres", "year", "duration_ms", "mbid", "isrc", "spotify_id", "audio_url",
    *AUDIO_FEATURES,
)  # fmt: skip
_AT_ONCE = 1000


class _Line:
    """Takes what the csv writer writes and hands it on."""

    def write(self, text: str) -> str:
        return text


def write_songs_csv(songs: QuerySet[Song]) -> Iterator[str]:
    """Yield the songs line by line, the header first; memory does not grow with their number."""
    writer = csv.writer(_Line())
    yield writer.writerow(COLUMNS)
    ready = songs.select_related("artist", "album").prefetch_related("genres").order_by("pk")
    for song in ready.iterator(chunk_size=_AT_ONCE):
        yield writer.writerow([neutralise_cell(str(cell)) for cell in _build_cells(song)])


def _build_cells(song: Song) -> list[Any]:
    values = (
        song.key,
        song.title,
        song.artist.name,
        song.album.title if song.album else None,
        ";".join(genre.name for genre in song.genres.all()),
        song.year,
        song.duration_ms,
        song.mbid,
        song.isrc,
        song.spotify_id,
        song.audio_url,
        *(getattr(song, name) for name in AUDIO_FEATURES),
    )
    return ["" if value is None else value for value in values]
