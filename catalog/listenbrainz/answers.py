"""Write listens, feedback, statistics and playlists as ListenBrainz answers them."""

from datetime import UTC, datetime
from typing import Any, cast

from django.conf import settings

from accounts.languages import activate_language
from accounts.models import User
from accounts.time_zones import get_time_zone
from catalog.listenbrainz import stats
from catalog.listenbrainz.payloads import Feedback, Listen
from catalog.listenbrainz.service import compute_song_msid
from catalog.listening.periods import Period
from catalog.models import Interaction, Playlist, Song
from catalog.playlists.export import jspf
from catalog.records import PLAYER_PREFIX


def build_listen(interaction: Interaction, listener: User) -> dict[str, Any]:
    song = interaction.song
    listened_at = int(cast(datetime, interaction.occurred_at).timestamp())
    return {
        "listened_at": listened_at,
        "inserted_at": listened_at,
        "recording_msid": str(compute_song_msid(song)),
        "user_name": listener.username,
        "track_metadata": build_track_metadata(
            song, player=interaction.source.removeprefix(PLAYER_PREFIX)
        ),
    }


def build_playing_now(listen: Listen) -> dict[str, Any]:
    """Return the track_metadata of what a player announced."""
    song = listen.song
    optional: dict[str, Any] = {
        "recording_mbid": song.mbid,
        "isrc": song.isrc,
        "duration_ms": song.duration_ms,
        "submission_client": listen.player,
    }
    info: dict[str, Any] = {"recording_msid": str(listen.msid)}
    info.update({name: value for name, value in optional.items() if value})
    metadata: dict[str, Any] = {
        "artist_name": song.artist,
        "track_name": song.title,
        "additional_info": info,
    }
    if song.album:
        metadata["release_name"] = song.album
    return metadata


def build_track_metadata(song: Song, player: str = "") -> dict[str, Any]:
    info: dict[str, Any] = {"recording_msid": str(compute_song_msid(song))}
    optional = {
        "recording_mbid": str(song.mbid or ""),
        "isrc": song.isrc,
        "duration_ms": song.duration_ms,
        "submission_client": player,
    }
    info.update({name: value for name, value in optional.items() if value})
    metadata = {
        "artist_name": song.artist_credit,
        "track_name": song.title,
        "additional_info": info,
    }
    if song.album:
        metadata["release_name"] = song.album.title
    return metadata


def build_feedback(interaction: Interaction, listener: User, with_metadata: bool) -> dict[str, Any]:
    song = interaction.song
    moment = interaction.occurred_at or datetime.fromtimestamp(0, UTC)
    return {
        "created": int(moment.timestamp()),
        "recording_mbid": str(song.mbid) if song.mbid else None,
        "recording_msid": str(compute_song_msid(song)),
        "score": 1 if interaction.kind == Interaction.Kind.LIKE else -1,
        "user_id": listener.username,
        "track_metadata": build_track_metadata(song) if with_metadata else None,
    }


def build_score(feedback: Feedback, song: Song | None, listener: User) -> dict[str, Any]:
    """Return the score of one recording that was asked about by either of its ids."""
    mbid = feedback.mbid or (song.mbid if song else None)
    msid = feedback.msid or (compute_song_msid(song) if song else None)
    return {
        "created": None,
        "recording_mbid": str(mbid) if mbid else None,
        "recording_msid": str(msid) if msid else None,
        "score": feedback.score,
        "user_id": listener.username,
        "track_metadata": None,
    }


def build_statistic(entity: str, row: dict[str, Any]) -> dict[str, Any]:
    """Return one row of an artists, recordings or releases statistic."""
    fields = {name: row[column] for name, column in stats.GROUPINGS[entity].columns.items()}
    fields = {
        name: str(value) if name.endswith("mbid") and value else value
        for name, value in fields.items()
    }
    if entity != "artists":
        mbid = fields.pop("artist_mbid")
        fields["artist_mbids"] = [mbid] if mbid else []
    return {**fields, "listen_count": row["listen_count"]}


def build_activity(period: Period, name: str, n_plays: int, listener: User) -> dict[str, Any]:
    """Return a day, month or year of the listening activity, by the listener's clock."""
    begin, end = cast(tuple[datetime, datetime], period.get_moments(get_time_zone(listener)))
    return {
        "from_ts": int(begin.timestamp()),
        "to_ts": int(end.timestamp()) - 1,
        "time_range": name,
        "listen_count": n_plays,
    }


def build_lookup(song: Song) -> dict[str, Any]:
    """Return what metadata/lookup says of a recording."""
    metadata: dict[str, Any] = {
        "artist_credit_name": song.artist_credit,
        "artist_mbids": [str(song.artist.mbid)] if song.artist.mbid else [],
        "recording_mbid": str(song.mbid),
        "recording_name": song.title,
    }
    if song.album:
        metadata["release_name"] = song.album.title
        metadata["release_mbid"] = str(song.album.mbid) if song.album.mbid else None
    return metadata


def build_playlist(
    playlist: Playlist, with_tracks: bool = True, *, with_reasons: bool = True
) -> dict[str, Any]:
    """Return a playlist in its owner's language: it is their player that reads it, `with_reasons`."""
    with activate_language(playlist.owner):
        return jspf.build_document(
            playlist, settings.SITE_URL, with_tracks=with_tracks, with_reasons=with_reasons
        )
