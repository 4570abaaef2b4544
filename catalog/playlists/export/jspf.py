"""Playlists as JSPF documents in ListenBrainz' dialect: what players fetch, and one of the files."""

from typing import Any

from django.db.models import QuerySet

from catalog.playlists.models import Playlist, PlaylistItem

PLAYLIST_EXTENSION = "https://musicbrainz.org/doc/jspf#playlist"
TRACK_EXTENSION = "https://musicbrainz.org/doc/jspf#track"
RECORDING = "https://musicbrainz.org/recording/"
ARTIST = "https://musicbrainz.org/artist/"
CREATOR = "Musicrec"


def build_document(
    playlist: Playlist, base_url: str, *, with_tracks: bool = True, with_reasons: bool = True
) -> dict[str, Any]:
    """Return the playlist as JSPF; the reason for a song is its track's annotation. One query for songs.

    `with_reasons` is for the listener: reasons, and what a generated playlist says of itself, speak to them.
    """
    is_made = playlist.kind != Playlist.Kind.OWN
    owner = playlist.owner.username
    extension: dict[str, Any] = {
        "public": playlist.is_public or (is_made and playlist.owner.shares_playlists),
        "creator": CREATOR if is_made else owner,
        "last_modified_at": playlist.updated_at.isoformat(),
    }
    if is_made:
        extension["created_for"] = owner
        extension["additional_metadata"] = {"algorithm_metadata": {"source_patch": playlist.kind}}
    return {
        "playlist": {
            "title": playlist.shown_title,
            "creator": CREATOR if is_made else owner,
            "identifier": f"{base_url}/playlist/{playlist.pk}",
            "date": playlist.created_at.isoformat(),
            "annotation": playlist.shown_description if with_reasons or not is_made else "",
            "extension": {PLAYLIST_EXTENSION: extension},
            "track": [build_track(item, owner, with_reasons) for item in list_items(playlist)]
            if with_tracks
            else [],
        }
    }


def list_items(playlist: Playlist) -> QuerySet[PlaylistItem]:
    """Return the entries in order with the song columns that a track shows; one query."""
    return playlist.listed_items.select_related("song__artist", "song__album")


def build_track(item: PlaylistItem, owner: str, with_reasons: bool = True) -> dict[str, Any]:
    """Return one song. Without a MusicBrainz id `identifier` is empty: clients read the id from its first entry."""
    song = item.song
    track: dict[str, Any] = {
        "identifier": [f"{RECORDING}{song.mbid}"] if song.mbid else [],
        "title": song.title,
        "creator": song.artist.name,
        "annotation": item.shown_reason if with_reasons else "",
        "extension": {TRACK_EXTENSION: {"added_by": owner, "added_at": item.added_at.isoformat()}},
    }
    if song.artist.mbid:
        artist = {"artist_identifiers": [f"{ARTIST}{song.artist.mbid}"]}
        track["extension"][TRACK_EXTENSION] |= artist
    if song.album:
        track["album"] = song.album.title
    if song.duration_ms:
        track["duration"] = song.duration_ms
    if song.audio_url:
        track["location"] = [song.audio_url]
    return track
