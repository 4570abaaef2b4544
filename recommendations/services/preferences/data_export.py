"""All of a listener's data, as they may ask for it."""

import json
from collections.abc import Iterator
from typing import Any

from django.utils import timezone

from accounts import tokens
from accounts.models import User
from catalog.imports import import_requests
from catalog.models import (
    ImportRun,
    Interaction,
    LatestImport,
    NowPlaying,
    Playlist,
    ServerAccount,
    SharedReview,
    Song,
    Submission,
)
from recommendations.models import (
    BlendMember,
    Impression,
    InterleavedDraft,
    ListenerControl,
    RecommendationList,
    ServedRecord,
    Taste,
)
from recommendations.services.preferences.taste import load_taste
from recommendations.services.serving import recorder
from recommendations.services.versions import deletion_receipts

FORMAT = "musicrec-my-data-1"


def export_data(listener: User) -> dict[str, Any]:
    """Return everything that is stored about a listener, in JSON types."""
    return {
        "format": FORMAT,
        "exported_at": timezone.now().isoformat(),
        "account": _describe_account(listener),
        "taste": _describe_taste(load_taste(listener)),
        "controls": _list_controls(listener),
        "own_songs": _list_own_songs(listener),
        "history": list(_list_history(listener)),
        "playlists": [
            _describe_playlist(playlist) for playlist in Playlist.objects.filter(owner=listener)
        ],
        "recommendation_lists": _list_precomputed(listener),
        "served_lists": _list_served(listener),
        "shown_lists": _list_impressions(listener),
        "interleaved_drafts": _list_drafts(listener),
        "shared_years": _list_shared_years(listener),
        "blends": _list_blends(listener),
        "imports": [_describe_import(run) for run in import_requests.list_imports(listener)],
        "recent_submissions": _list_submissions(listener),
        "now_playing": _list_playing(listener),
        "latest_imports": _list_latest_imports(listener),
        "server_accounts": _list_server_accounts(listener),
        "receipts_of_deletions": _list_receipts(listener),
        "access_tokens": _list_tokens(listener),
    }


def _describe_account(listener: User) -> dict[str, Any]:
    return {
        "name": listener.username,
        "email": listener.email,
        "first_name": listener.first_name,
        "last_name": listener.last_name,
        "joined_at": _format_moment(listener.date_joined),
        "last_sign_in_at": _format_moment(listener.last_login),
        "language": listener.language,
        "theme": listener.theme,
        "time_zone": listener.time_zone,
        "personalised": listener.personalised,
        "shares_playlists": listener.shares_playlists,
    }


def _describe_taste(taste: Taste) -> dict[str, Any]:
    is_stored = taste.pk is not None
    songs = taste.songs.select_related("artist", "album") if is_stored else ()
    return {
        "discovery": taste.discovery,
        "picked_songs": [_describe_song(song) for song in songs],
        "artists": [artist.name for artist in taste.artists.all()] if is_stored else [],
        "genres": [genre.name for genre in taste.genres.all()] if is_stored else [],
        "onboarded_at": _format_moment(taste.onboarded_at),
        "rules": {
            name: value for name in Taste.TERMS if (value := getattr(taste, name)) is not None
        },
    }


def _list_controls(listener: User) -> list[dict[str, Any]]:
    return [
        _describe_control(control)
        for control in ListenerControl.objects.filter(listener=listener).select_related(
            "song__artist", "song__album", "artist"
        )
    ]


def _list_own_songs(listener: User) -> list[dict[str, Any]]:
    return [
        _describe_song(song)
        for song in Song.objects.filter(brought_by=listener)
        .select_related("artist", "album")
        .order_by("pk")
    ]


def _list_precomputed(listener: User) -> list[dict[str, Any]]:
    return [
        {
            "version": kept.version_id,
            "computed_at": _format_moment(kept.computed_at),
            "songs": kept.items,
        }
        for kept in RecommendationList.objects.filter(listener=listener)
    ]


def _list_served(listener: User) -> list[dict[str, Any]]:
    return [
        {
            "id": str(one.pk),
            "served_at": _format_moment(one.served_at),
            "data": _read_record(one),
        }
        for one in ServedRecord.objects.filter(listener=listener).order_by("served_at")
    ]


def _list_shared_years(listener: User) -> list[dict[str, Any]]:
    return [
        {"year": one.year, "shared_at": _format_moment(one.created_at)}
        for one in SharedReview.objects.filter(listener=listener).order_by("year")
    ]


def _list_blends(listener: User) -> list[dict[str, Any]]:
    return [
        {"title": one.blend.title, "joined_at": _format_moment(one.joined_at)}
        for one in BlendMember.objects.filter(listener=listener).select_related("blend")
    ]


def _list_submissions(listener: User) -> list[dict[str, Any]]:
    return [
        {
            "idempotency_key": one.key,
            "sent_at": _format_moment(one.created_at),
            "answer": one.answer,
        }
        for one in Submission.objects.filter(listener=listener).order_by("pk")
    ]


def _list_playing(listener: User) -> list[dict[str, Any]]:
    return [
        {"song": one.song, "player": one.player, "ends_at": _format_moment(one.ends_at)}
        for one in NowPlaying.objects.filter(listener=listener)
    ]


def _list_latest_imports(listener: User) -> list[dict[str, Any]]:
    return [
        {"service": one.service, "up_to": _format_moment(one.listened_at)}
        for one in LatestImport.objects.filter(listener=listener).order_by("service")
    ]


def _list_server_accounts(listener: User) -> list[dict[str, Any]]:
    return [
        {
            "server": one.server.name,
            "account": one.account_name,
            "joined_at": _format_moment(one.joined_at),
            "star_back": one.star_back,
            "last_read_at": _format_moment(one.last_pull_at),
        }
        for one in ServerAccount.objects.filter(user=listener).select_related("server")
    ]


def _list_receipts(listener: User) -> list[dict[str, Any]]:
    return [
        {
            "id": str(one.receipt.pk),
            "what": one.receipt.get_kind_display(),
            "plays_and_opinions": one.receipt.n_interactions,
            "deleted_at": _format_moment(one.receipt.requested_at),
            "unlearned_at": _format_moment(one.receipt.confirmed_at),
        }
        for one in deletion_receipts.list_receipts(listener)
    ]


def _list_tokens(listener: User) -> list[dict[str, Any]]:
    return [
        {
            "name": token.name,
            "created_at": _format_moment(token.created),
            "expires_at": _format_moment(token.expiry),
        }
        for token in tokens.list_tokens(listener)
    ]


def _list_history(listener: User) -> Iterator[dict[str, Any]]:
    rows = (
        Interaction.objects.for_listener(listener)
        .select_related("song__artist", "song__album")
        .order_by("occurred_at", "pk")
    )
    for row in rows.iterator(chunk_size=2000):
        yield {
            "kind": Interaction.Kind(row.kind).name.lower(),
            **_describe_song(row.song),
            "plays": row.plays,
            "played_ms": row.played_ms,
            "occurred_at": _format_moment(row.occurred_at),
            "source": row.source,
        }


def _describe_playlist(playlist: Playlist) -> dict[str, Any]:
    items = playlist.items.select_related("song__artist", "song__album")
    return {
        "title": playlist.shown_title,
        "description": playlist.shown_description,
        "kind": playlist.kind,
        "public": playlist.is_public,
        "created_at": _format_moment(playlist.created_at),
        "changed_at": _format_moment(playlist.updated_at),
        "songs": [
            _describe_song(item.song)
            | {"added_at": _format_moment(item.added_at), "reason": item.shown_reason}
            for item in items
        ],
    }


def _list_impressions(listener: User) -> list[dict[str, Any]]:
    """Return the lists that the listener saw and what they did with them."""
    seen = list(
        Impression.objects.filter(listener=listener)
        .prefetch_related("outcomes")
        .order_by("shown_at")
    )
    keys = Song.objects.in_bulk({song_id for one in seen for song_id in one.song_ids})
    return [
        {
            "surface": one.surface,
            "step": one.step,
            "version": one.version_id,
            "experiment_arm": one.arm,
            "shown_at": _format_moment(one.shown_at),
            "songs": [keys[song_id].key for song_id in one.song_ids if song_id in keys],
            "outcomes": [
                {"kind": what.kind, "position": what.position, "at": _format_moment(what.at)}
                for what in one.outcomes.all()
            ],
        }
        for one in seen
    ]


def _list_drafts(listener: User) -> list[dict[str, Any]]:
    """Return the days on which lists took turns between two versions, and what counted for each."""
    drafts = list(InterleavedDraft.objects.filter(listener=listener).order_by("shown_at"))
    keys = Song.objects.in_bulk({int(song_id) for one in drafts for song_id in one.teams})
    return [
        {
            "experiment": one.experiment_id,
            "day": one.day.isoformat(),
            "shown_at": _format_moment(one.shown_at),
            "teams": {
                keys[int(song_id)].key: team
                for song_id, team in one.teams.items()
                if int(song_id) in keys
            },
            "counted_for_first": one.n_first,
            "counted_for_second": one.n_second,
        }
        for one in drafts
    ]


def _describe_import(run: ImportRun) -> dict[str, Any]:
    return {
        "file": run.file_name,
        "format": run.format,
        "status": run.status,
        "created_at": _format_moment(run.created_at),
        "read": run.n_read,
        "added": run.n_added,
        "known": run.n_known,
        "rejected": run.n_rejected,
        "kinds": run.kinds,
        "left_out": run.left_out,
    }


def _describe_control(control: ListenerControl) -> dict[str, Any]:
    what = (
        _describe_song(control.song)
        if control.song
        else {"artist": control.artist.name if control.artist else ""}
    )
    return {"kind": control.kind, **what, "since": _format_moment(control.created_at)}


def _describe_song(song: Song) -> dict[str, Any]:
    """Return what another Musicrec recognises the song by."""
    fields: dict[str, Any] = {
        "song_id": song.key,
        "title": song.title,
        "artist": song.artist_credit,
    }
    more = {
        "album": song.album.title if song.album else "",
        "duration_ms": song.duration_ms,
        "mbid": str(song.mbid or ""),
        "isrc": song.isrc,
        "spotify_id": song.spotify_id,
    }
    return fields | {name: value for name, value in more.items() if value}


def _read_record(record: ServedRecord) -> Any:
    """Return what was recorded; None where it is damaged, so that everything else still comes."""
    try:
        return json.loads(recorder.decode(record))
    except recorder.RecordBroken:
        return None


def _format_moment(moment: Any) -> str | None:
    return moment.isoformat() if moment else None
