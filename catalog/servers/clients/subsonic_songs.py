"""Reads the songs of a Subsonic answer, one by one, so that an odd one costs none of the others."""

from typing import Any

from django.utils.translation import gettext as _

from catalog.servers.clients.base import RejectedItem, ServerItem, SongPage, reject_unnamed
from catalog.servers.clients.values import (
    LATEST_YEAR,
    read_dict,
    read_genres,
    read_id,
    read_list,
    read_number,
    read_text,
    read_time,
)

_NO_SONGS = {"podcast", "audiobook", "video"}
_LONGEST_SECONDS = 14 * 24 * 3600


def read_songs(entries: list[Any]) -> SongPage:
    """Return the songs among `entries` and what could not be read, without a cursor."""
    return SongPage.gather([read_song(entry) for entry in entries])


def read_song(entry: Any) -> ServerItem | RejectedItem:
    """Return the song that an entry describes, or why it is none."""
    if not isinstance(entry, dict):
        return RejectedItem("", _("The entry is no song."))
    item_id = read_id(entry.get("id"))
    title = read_text(entry.get("title"))
    artist = read_text(entry.get("artist")) or read_text(entry.get("displayArtist"))
    artist = artist or read_text(entry.get("displayAlbumArtist"))
    if (
        entry.get("isDir") is True
        or entry.get("isVideo") is True
        or entry.get("type") in _list_no_songs(entry)
    ):
        return RejectedItem(item_id, _("“%(title)s” is no music.") % {"title": title[:100]})
    return reject_unnamed(item_id, title, artist) or _build_item(entry, item_id, title, artist)


def _list_no_songs(entry: dict[str, Any]) -> set[str]:
    return _NO_SONGS if isinstance(entry.get("type"), str) else set()


def _build_item(entry: dict[str, Any], item_id: str, title: str, artist: str) -> ServerItem:
    seconds = read_number(entry.get("duration"), 1, _LONGEST_SECONDS)
    tempo = read_number(entry.get("bpm"), 20, 400)
    genres = [read_dict(genre).get("name") for genre in read_list(entry.get("genres"))] or [
        entry.get("genre")
    ]
    isrcs = [read_text(isrc, 20) for isrc in read_list(entry.get("isrc"))]
    return ServerItem(
        item_id=item_id,
        title=title,
        artist=artist,
        album=read_text(entry.get("album")),
        album_artist=read_text(entry.get("displayAlbumArtist"))
        or read_text(entry.get("albumArtist")),
        album_item_id=read_id(entry.get("albumId")),
        artist_item_id=read_id(entry.get("artistId")),
        cover_id=read_id(entry.get("coverArt")),
        year=read_number(entry.get("year"), 1000, LATEST_YEAR),
        duration_ms=seconds * 1000 if seconds else None,
        disc_number=read_number(entry.get("discNumber"), 1, 10_000),
        track_number=read_number(entry.get("track"), 1, 100_000),
        genres=read_genres(genres),
        tempo=float(tempo) if tempo else None,
        mbid=read_text(entry.get("musicBrainzId"), 36),
        isrc=next(filter(None, isrcs), ""),
        credit=_read_credit(entry),
        path=read_text(entry.get("path"), 4000),
        suffix=read_text(entry.get("suffix"), 20),
        content_type=read_text(entry.get("contentType"), 100),
        n_bytes=read_number(entry.get("size"), 1, 2**62),
        is_starred=bool(entry.get("starred")),
        starred_at=read_time(entry.get("starred")),
        rating=read_number(entry.get("userRating"), 1, 5),
        play_count=read_number(entry.get("playCount"), 0, 1_000_000) or 0,
        played_at=read_time(entry.get("played")),
    )


def _read_credit(entry: dict[str, Any]) -> tuple[tuple[str, str], ...]:
    """Return the artists of a joint work, as the server splits them; without their ids, which are its own."""
    names = [
        read_text(read_dict(artist).get("name")) for artist in read_list(entry.get("artists"))[:20]
    ]
    names = [name for name in names if name]
    return tuple((name, "") for name in names) if len(names) > 1 else ()
