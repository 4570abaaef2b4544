"""A listener's own library: opinions, history and taking things out of it."""

from collections.abc import Iterable
from datetime import date, datetime, time, timedelta
from functools import partial

from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone

from accounts.models import User
from catalog.models import Interaction, Song
from catalog.signals import listening_changed

LIKED, DISLIKED = "like", "dislike"
_WORDS = {int(Interaction.Kind.LIKE): LIKED, int(Interaction.Kind.DISLIKE): DISLIKED}


def opinions_of(listener: User, songs: Iterable[Song]) -> dict[int, str]:
    """Return "like" or "dislike" by song id, for those of `songs` with an opinion; one query."""
    ids = {song.pk for song in songs}
    if not ids or not listener.is_authenticated:
        return {}
    rows = Interaction.objects.by(listener).opinions().filter(song_id__in=ids).values_list("song_id", "kind")
    return {song_id: _WORDS[kind] for song_id, kind in rows}


def opinions(listener: User, kind: Interaction.Kind) -> QuerySet[Interaction]:
    """Return the listener's likes or dislikes, newest first, ready for rows."""
    found = Interaction.objects.by(listener).filter(kind=kind)
    return _with_songs(found).order_by("-occurred_at", "-pk")


def history(listener: User) -> QuerySet[Interaction]:
    """Return plays and skips, newest first; what has no time comes last."""
    return _with_songs(Interaction.objects.by(listener).heard()).order_by("-occurred_at", "-pk")


def forget_day(listener: User, day: date) -> int:
    """Delete all plays and skips of one day in the site's time zone; return how many."""
    zone = timezone.get_current_timezone()
    start = datetime.combine(day, time.min, tzinfo=zone)
    end = datetime.combine(day + timedelta(days=1), time.min, tzinfo=zone)
    heard = Interaction.objects.by(listener).heard().filter(occurred_at__gte=start, occurred_at__lt=end)
    with transaction.atomic():
        n_deleted, _by_table = heard.delete()
        if n_deleted:
            transaction.on_commit(
                partial(listening_changed.send_robust, sender=Interaction, listener_id=listener.pk)
            )
    return n_deleted


def _with_songs(interactions: QuerySet[Interaction]) -> QuerySet[Interaction]:
    return interactions.select_related("song__artist", "song__album").prefetch_related("song__genres")
