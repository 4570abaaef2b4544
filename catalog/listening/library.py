"""A listener's own library: opinions, history and taking things out of it."""

from collections.abc import Iterable, Mapping
from datetime import date, datetime, time, timedelta
from typing import Any

from django.apps import apps
from django.contrib.auth.models import AnonymousUser
from django.db import transaction
from django.db.models import QuerySet

from accounts.models import User
from accounts.time_zones import get_time_zone
from catalog.listening.changes import announce_change, delete_interactions
from catalog.listening.models import Interaction
from catalog.listening.outdated_months import mark_moments
from catalog.signals import interactions_restored
from catalog.songs.models import Song

LIKED, DISLIKED = "like", "dislike"
KEPT = ("song_id", "kind", "plays", "played_ms", "occurred_at", "source", "import_run_id")
_WORDS = {int(Interaction.Kind.LIKE): LIKED, int(Interaction.Kind.DISLIKE): DISLIKED}


def load_opinions(listener: User | AnonymousUser, songs: Iterable[Song]) -> dict[int, str]:
    """Return "like" or "dislike" by song id, for those of `songs` with an opinion; one query."""
    ids = {song.pk for song in songs}
    if not ids or not listener.is_authenticated:
        return {}
    rows = (
        Interaction.objects.for_listener(listener)
        .opinions()
        .filter(song_id__in=ids)
        .values_list("song_id", "kind")
    )
    return {song_id: _WORDS[kind] for song_id, kind in rows}


def list_opinions(listener: User, kind: Interaction.Kind) -> QuerySet[Interaction]:
    """Return the listener's likes or dislikes, newest first, ready for rows."""
    opinions = Interaction.objects.for_listener(listener).filter(kind=kind)
    return _select_songs(opinions).order_by("-occurred_at", "-pk")


def list_day(listener: User, day: date) -> QuerySet[Interaction]:
    """Return the plays and skips of one day in the listener's time zone."""
    zone = get_time_zone(listener)
    if not date.min < day < date.max - timedelta(days=1):  # its ends may not exist in UTC
        return Interaction.objects.none()
    start = datetime.combine(day, time.min, tzinfo=zone)
    end = datetime.combine(day + timedelta(days=1), time.min, tzinfo=zone)
    return (
        Interaction.objects.for_listener(listener)
        .plays_and_skips()
        .filter(occurred_at__gte=start, occurred_at__lt=end)
    )


def remove_listens(listener: User, listens: QuerySet[Interaction]) -> list[dict[str, Any]]:
    """Delete plays and skips of the listener; return them in a form that JSON can hold, for `restore_listens`."""
    with transaction.atomic():
        own = listens.filter(listener=listener)
        removed = list(own.values(*KEPT))
        delete_interactions(listener, own)
    return [
        row | {"occurred_at": row["occurred_at"] and row["occurred_at"].isoformat()}
        for row in removed
    ]


def restore_listens(listener: User, removed: Iterable[Mapping[str, Any]]) -> int:
    """Insert what `remove_listens` returned, except rows of deleted songs; return how many were inserted."""
    rows = [dict(row) for row in removed]
    songs = Song.objects.in_bulk({row["song_id"] for row in rows})
    import_runs = apps.get_model("catalog.ImportRun").objects
    runs = set(
        import_runs.filter(pk__in={row["import_run_id"] for row in rows}).values_list(
            "pk", flat=True
        )
    )
    again = []
    for row in rows:
        if row["song_id"] not in songs:
            continue
        row["occurred_at"] = row["occurred_at"] and datetime.fromisoformat(row["occurred_at"])
        row["import_run_id"] = row["import_run_id"] if row["import_run_id"] in runs else None
        again.append(Interaction(listener=listener, **row))
    with transaction.atomic():
        Interaction.objects.bulk_create(again, batch_size=500, ignore_conflicts=True)
        if again:
            plays = (row for row in again if row.kind == Interaction.Kind.PLAY)
            mark_moments(listener.pk, (row.occurred_at for row in plays))
            interactions_restored.send(
                sender=Interaction, listener_id=listener.pk, n_restored=len(again)
            )
            announce_change([listener.pk])
    return len(again)


def _select_songs(interactions: QuerySet[Interaction]) -> QuerySet[Interaction]:
    return interactions.select_related("song__artist", "song__album").prefetch_related(
        "song__genres"
    )
