"""Songs withdrawn from the catalog and offered again."""

from collections.abc import Sequence

from django.db import transaction
from django.db.models import QuerySet

from catalog.signals import songs_changed
from catalog.songs.models import Song


def withdraw_songs(songs: QuerySet[Song]) -> int:
    """Exclude songs from every list; likes and history stay. Return how many were available before."""
    return _set_availability(songs.filter(is_available=True), is_available=False)


def offer_songs(songs: QuerySet[Song]) -> int:
    """Make withdrawn songs available again; return how many."""
    return _set_availability(songs.filter(is_available=False), is_available=True)


def announce_availability(song_ids: Sequence[int]) -> None:
    """Send `songs_changed` for these songs once the transaction is committed."""
    transaction.on_commit(lambda: songs_changed.send_robust(sender=Song, song_ids=list(song_ids)))


def _set_availability(songs: QuerySet[Song], *, is_available: bool) -> int:
    song_ids = list(songs.values_list("pk", flat=True))
    for start in range(0, len(song_ids), 500):
        Song.objects.filter(pk__in=song_ids[start : start + 500]).update(is_available=is_available)
    announce_availability(song_ids)
    return len(song_ids)
