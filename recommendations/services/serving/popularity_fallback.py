"""What most listeners played, straight from the database: the answer while there is no model."""

from django.core.cache import cache
from django.db.models import Count, Q

from catalog.models import Interaction, Song
from recommendations.conf import conf
from recommendations.engine import Explanation, PopularityNote
from recommendations.services.serving.fallback import Fallback
from recommendations.services.serving.listener_context import Unwanted
from recommendations.services.serving.served_list import Served, ServedSong

_CACHE_KEY = "musicrec:most-played"


def list_most_played(n: int, unwanted: Unwanted) -> list[tuple[Song, int]]:
    """Return at most n available songs and how many listeners played or liked each, most first."""
    counted = cache.get_or_set(_CACHE_KEY, _count, timeout=conf.popular_cache_seconds) or []
    counts = {
        song_id: count
        for song_id, count, bringer in counted
        if bringer in (None, unwanted.listener_id)
    }
    songs = Song.objects.available().for_cards().in_bulk(list(counts))
    wanted = [
        (songs[id_], count)
        for id_, count in counts.items()
        if id_ in songs and unwanted.allows(songs[id_])
    ]
    return wanted[:n]


def _count() -> list[tuple[int, int, int | None]]:
    """Count listeners a song over the whole table, then keep twice the longest list; (song, listeners, whose own).

    As many of the songs that only one listener sees come after it, for a site that has no others.
    """
    heard = Interaction.objects.filter(kind__in=[Interaction.Kind.PLAY, Interaction.Kind.LIKE])
    counts = (
        heard.values("song_id", "song__brought_by_id")
        .annotate(n=Count("listener_id", distinct=True))
        .order_by("-n", "song_id")
        .values_list("song_id", "n", "song__brought_by_id")
    )
    n_kept = 2 * conf.longest_list
    own = counts.filter(song__brought_by__isnull=False)
    return [*counts.filter(song__brought_by=None)[:n_kept], *own[:n_kept]]


def unheard(n: int, unwanted: Unwanted) -> list[Song]:
    """Return at most n songs of a catalog in which nobody has heard anything yet."""
    own = Q(brought_by=None) | Q(brought_by=unwanted.listener_id)
    songs = Song.objects.available().filter(own).for_cards().exclude(pk__in=unwanted.song_ids)
    return list(songs.exclude(artist_id__in=unwanted.artist_ids).order_by("pk")[:n])


def explanation(count: int) -> Explanation:
    """Say that a song is here because so many listeners played it."""
    return Explanation(
        {"popularity": float(count)},
        {"popularity": 1.0},
        popularity=PopularityNote("all_time", count),
    )


def serve_without_model(n: int, unwanted: Unwanted) -> Served:
    played = list_most_played(n, unwanted)
    if played:
        items = [
            ServedSong(song, float(count), explanation(count), position)
            for position, (song, count) in enumerate(played, start=1)
        ]
        return Served(items, "popular", fallback=Fallback.NO_MODEL)
    songs = unheard(n, unwanted)
    items = [
        ServedSong(song, 0.0, Explanation({}, {}), position)
        for position, song in enumerate(songs, start=1)
    ]
    return Served(
        items,
        "popular" if items else "empty",
        fallback=Fallback.NOBODY_PLAYED if items else Fallback.NO_SONGS,
    )
