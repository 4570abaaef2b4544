"""Playlists as files that players and spreadsheets open: the same on the page, in the API and in the feeds."""

import csv
import io
import json

from django.utils.http import content_disposition_header
from django.utils.text import slugify

from catalog.playlists.export import jspf
from catalog.playlists.models import Playlist
from common.spreadsheets import neutralise_cell

CONTENT_TYPES = {"jspf": "application/jspf+json", "m3u8": "audio/mpegurl", "csv": "text/csv"}
_COLUMNS = ("position", "song_id", "title", "artist", "album", "year", "reason")


def render_playlist(
    playlist: Playlist, file_format: str, base_url: str, *, with_reasons: bool = True
) -> str:
    """Return the text of a file, UTF-8 once it is written; `file_format` is a key of `CONTENT_TYPES`.

    Without `with_reasons` it is for others than its listener, to whom the reasons speak.
    """
    if file_format == "jspf":
        document = jspf.build_document(playlist, base_url, with_reasons=with_reasons)
        return json.dumps(document, ensure_ascii=False, indent=1)
    return _render_m3u8(playlist) if file_format == "m3u8" else _render_csv(playlist, with_reasons)


def build_attachment_header(playlist: Playlist, file_format: str) -> str:
    """Return the Content-Disposition header: to be saved under the playlist's title."""
    name = slugify(playlist.shown_title) or "playlist"
    return content_disposition_header(True, f"{name}.{file_format}") or ""


def get_content_type(file_format: str) -> str:
    return f"{CONTENT_TYPES[file_format]}; charset=utf-8"


def _render_m3u8(playlist: Playlist) -> str:
    """Extended M3U of the songs that have audio; of the others there is a comment, for no player plays a page."""
    lines = ["#EXTM3U", f"#PLAYLIST:{_join_lines(playlist.shown_title)}"]
    for item in jspf.list_items(playlist):
        song = item.song
        name = f"{_join_lines(song.artist.name)} - {_join_lines(song.title)}"
        if song.audio_url:
            seconds = round(song.duration_ms / 1000) if song.duration_ms else -1
            lines += [f"#EXTINF:{seconds},{name}", song.audio_url]
        else:
            lines.append(f"# Without audio here: {name}")
    return "\n".join(lines) + "\n"


def _render_csv(playlist: Playlist, with_reasons: bool) -> str:
    """A table; cells that a spreadsheet would run are made text."""
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow(_COLUMNS)
    for position, item in enumerate(jspf.list_items(playlist), start=1):
        song = item.song
        album = song.album.title if song.album else ""
        year, reason = str(song.year or ""), item.shown_reason if with_reasons else ""
        texts = [song.key, song.title, song.artist.name, album, year, reason]
        writer.writerow([position, *(neutralise_cell(text) for text in texts)])
    return out.getvalue()


def _join_lines(text: str) -> str:
    return " ".join(text.split())
