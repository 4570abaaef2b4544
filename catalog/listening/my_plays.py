"""How often a listener played given songs."""

from collections.abc import Iterable

from django.contrib.auth.models import AnonymousUser
from django.db.models import QuerySet, Sum

from accounts.models import User
from catalog.listening.models import Interaction
from catalog.songs.models import Artist, Song


def count_song_plays(listener: User | AnonymousUser, songs: Iterable[Song]) -> dict[int, int]:
    """Return the listener's plays by song id, for those of `songs` that were played; one query."""
    if not listener.is_authenticated:
        return {}
    return _count(listener, Song.objects.filter(pk__in=[song.pk for song in songs]))


def count_artist_plays(listener: User | AnonymousUser, artist: Artist) -> int:
    """Return how often the listener played songs that are by the artist alone or first; one query."""
    return sum(_count(listener, artist.songs.all()).values()) if listener.is_authenticated else 0


def _count(listener: User, songs: QuerySet[Song]) -> dict[int, int]:
    plays = Interaction.objects.for_listener(listener).filter(kind=Interaction.Kind.PLAY)
    counted = plays.filter(song__in=songs).order_by().values("song_id").annotate(n=Sum("plays"))
    return dict(counted.values_list("song_id", "n"))
