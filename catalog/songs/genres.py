"""Genres of songs: by their names, and the most common ones."""

from typing import Any

from django.core.cache import cache
from django.db.models import Count, Max
from django.db.models.query import QuerySet

from catalog.songs.models import Genre, Song, build_visible
from catalog.songs.text import normalise
from common.bulk_sql import load_ids

GENRE_LENGTH = 100
MOST_LISTED = 200
CACHE_SECONDS = 60
_CACHE_KEY = "musicrec:common-genres"


def list_common_genres(listener: Any, n: int = MOST_LISTED) -> list[Genre]:
    """Return at most n genres of songs that `listener` may see, those of most songs first.

    What everybody sees is counted at most once a minute, and anew when songs got genres. One query, and two for
    the genres of songs that only this listener sees.
    """
    through = Song.genres.through.objects
    newest = through.aggregate(newest=Max("pk"))["newest"]
    kept = cache.get(_CACHE_KEY)
    if kept is None or kept[0] != newest:
        kept = newest, _count_songs(through.filter(song__brought_by=None))
        cache.set(_CACHE_KEY, kept, CACHE_SECONDS)
    common: list[Genre] = kept[1]
    if getattr(listener, "pk", None) is None:
        return common[:n]
    own = _count_songs(through.filter(song__brought_by=listener.pk)) if _has_own(listener) else []
    return [*common, *(genre for genre in own if genre not in common)][:n]


def _has_own(listener: Any) -> bool:
    return Song.objects.filter(brought_by=listener.pk).exists()


def _count_songs(links: QuerySet[Any]) -> list[Genre]:
    """Return the genres of most links, most first; one pass over the links, and one query for the genres."""
    counts = links.values_list("genre_id").annotate(n=Count("pk")).order_by("-n", "genre_id")
    ids = [genre_id for genre_id, _n_songs in counts[:MOST_LISTED]]
    genres = Genre.objects.in_bulk(ids)
    return [genres[id_] for id_ in ids if id_ in genres]


def select_seen_genres(listener: Any) -> QuerySet[Genre]:
    """Return the genres that have songs which `listener` may see."""
    return Genre.objects.filter(build_visible(listener, "songs__"), songs__isnull=False).distinct()


def add_genres(genres_by_song: dict[int, tuple[str, ...]], *, makes_new: bool) -> None:
    """Link songs to genres by their names; genres nobody named before are added only with `makes_new`."""
    names = {
        normalise(name)[:GENRE_LENGTH]: name[:GENRE_LENGTH]
        for genres in genres_by_song.values()
        for name in genres
    }
    names.pop("", None)
    if not names:
        return
    ids = load_ids(Genre, "search_text", names)
    new = [Genre(name=name, search_text=key) for key, name in names.items() if key not in ids]
    if new and makes_new:
        Genre.objects.bulk_create(new, ignore_conflicts=True)
        ids = load_ids(Genre, "search_text", names)
    through = Song.genres.through
    links = {
        (song_id, ids[key])
        for song_id, genres in genres_by_song.items()
        for name in genres
        if (key := normalise(name)[:GENRE_LENGTH]) in ids
    }
    through.objects.bulk_create(
        [through(song_id=song_id, genre_id=genre_id) for song_id, genre_id in sorted(links)],
        ignore_conflicts=True,
        batch_size=400,
    )
