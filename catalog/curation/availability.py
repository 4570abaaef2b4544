"""Songs withdrawn from the catalog and offered again."""

from collections.abc import Sequence

from django.db import transaction
from django.db.models import QuerySet

from catalog.signals import songs_changed
from catalog.songs.models import Song


def withdraw_songs(songs: QuerySet[Song]) -> int:
    """Take songs out of every list at once; likes and history stay. Returns how many were offered before."""
    return _set_availability(songs.filter(is_available=True), is_available=False)


def offer_songs(songs: QuerySet[Song]) -> int:
    """Offer withdrawn songs again; returns how many."""
    return _set_availability(songs.filter(is_available=False), is_available=True)


def announce_availability(song_ids: Sequence[int]) -> None:
    """Say, once the transaction is committed, that the availability of songs changed."""
    transaction.on_commit(lambda: songs_changed.send_robust(sender=Song, song_ids=list(song_ids)))


def _set_availability(songs: QuerySet[Song], *, is_available: bool) -> int:
    song_ids = list(songs.values_list("pk", flat=True))
    for start in range(0, len(song_ids), 500):
        Song.objects.filter(pk__in=song_ids[start : start + 500]).update(is_available=is_available)
    announce_availability(song_ids)
    return len(song_ids)
