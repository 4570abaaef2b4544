"""How listens, feedback and playlists look in ListenBrainz' answers."""

from datetime import UTC, datetime

from django.conf import settings

from accounts.models import User
from catalog.listenbrainz.service import msid_of
from catalog.models import Interaction, Playlist, Song
from catalog.services import jspf


def listen(interaction: Interaction, listener: User) -> dict:
    song = interaction.song
    listened_at = int(interaction.occurred_at.timestamp())
    return {
        "listened_at": listened_at,
        "inserted_at": listened_at,
        "recording_msid": str(msid_of(song)),
        "user_name": listener.username,
        "track_metadata": track_metadata(song, player=interaction.source.removeprefix("listenbrainz:")),
    }


def track_metadata(song: Song, player: str = "") -> dict:
    info: dict = {"recording_msid": str(msid_of(song))}
    optional = {
        "recording_mbid": str(song.mbid or ""),
        "isrc": song.isrc,
        "duration_ms": song.duration_ms,
        "submission_client": player,
    }
    info.update({name: value for name, value in optional.items() if value})
    metadata = {"artist_name": song.artist.name, "track_name": song.title, "additional_info": info}
    if song.album:
        metadata["release_name"] = song.album.title
    return metadata


def feedback(interaction: Interaction, listener: User, with_metadata: bool) -> dict:
    song = interaction.song
    moment = interaction.occurred_at or datetime.fromtimestamp(0, UTC)
    return {
        "created": int(moment.timestamp()),
        "recording_mbid": str(song.mbid) if song.mbid else None,
        "recording_msid": str(msid_of(song)),
        "score": 1 if interaction.kind == Interaction.Kind.LIKE else -1,
        "user_id": listener.username,
        "track_metadata": track_metadata(song) if with_metadata else None,
    }


def playlist(made: Playlist, with_tracks: bool = True) -> dict:
    return jspf.document(made, settings.SITE_URL, with_tracks=with_tracks)
