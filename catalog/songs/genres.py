"""Genres of songs: by their names, and the most common ones."""

from collections import Counter
from collections.abc import Iterable, Sequence
from itertools import islice
from typing import Any

from django.core.cache import cache
from django.db.models import Count, Exists, OuterRef, Value
from django.db.models.query import QuerySet

from catalog.names.text import normalise
from catalog.songs.kept_figures import Figure, read_figure
from catalog.songs.models import Genre, Song, build_visible
from common.bulk_sql import load_ids

GENRE_LENGTH = 100
MOST_LISTED = 200
MOST_OWN = 2_000
"""So many of the songs that a listener alone brought are counted."""
CACHE_SECONDS = 60
_CACHE_KEY = "musicrec:common-genres"


def list_common_genres(listener: Any, n: int = MOST_LISTED) -> list[Genre]:
    """Return at most n genres of songs that `listener` may see, those of most songs first.

    What everybody sees is counted at most once a minute, and anew when songs got genres. One query, and three
    for the genres of songs that only this listener sees.
    """
    through = Song.genres.through.objects
    key = getattr(listener, "pk", None)
    is_own = Exists(Song.objects.filter(brought_by=key)) if key else Value(False)
    links: QuerySet[Any] = through.order_by("-pk").annotate(has_own=is_own)
    newest, has_own = links.values_list("pk", "has_own").first() or (None, False)
    kept = cache.get(_CACHE_KEY)
    if kept is None or kept[0] != newest:
        kept = newest, _load_genres(read_figure(GENRE_SONGS).value or ())
        cache.set(_CACHE_KEY, kept, CACHE_SECONDS)
    common: list[Genre] = kept[1]
    if key is None or not has_own:
        return common[:n]
    own = _load_genres(_count_links(_select_own_links(key)))
    return [*common, *(genre for genre in own if genre not in common)][:n]


def count_songs(genres: Iterable[Genre], listener: Any) -> list[Genre]:
    """Set `n_songs` of each genre: everybody's songs, and those that the listener alone brought; at most three queries.

    On a large site everybody's are as many as a worker counted last.
    """
    counts = Counter({int(pk): n for pk, n in read_figure(GENRE_SONGS).value or ()})
    if getattr(listener, "pk", None):
        counts.update(dict(_count_links(_select_own_links(listener.pk))))
    counted = list(genres)
    for genre in counted:
        genre.n_songs = counts[genre.pk]  # type: ignore[attr-defined]  # what the serializer reads
    return counted


def _select_own_links(listener_id: int) -> QuerySet[Any]:
    """Return the links of the newest songs that a listener alone brought; one query for the songs."""
    own = Song.objects.filter(brought_by=listener_id).order_by("-pk")
    ids = list(own.values_list("pk", flat=True)[:MOST_OWN])
    return Song.genres.through.objects.filter(song__in=ids)


def _count_links(links: QuerySet[Any]) -> list[tuple[int, int]]:
    """Return genre ids with their number of links, most first."""
    counts = links.values_list("genre_id").annotate(n=Count("pk"))
    return list(counts.order_by("-n", "genre_id"))


def _count_for_everybody() -> list[tuple[int, int]]:
    """Count everybody's songs by genre; reads every song's genres."""
    return _count_links(Song.genres.through.objects.filter(song__brought_by=None))


GENRE_SONGS = Figure("genre_songs", _count_for_everybody)


def _load_genres(counts: Iterable[Sequence[int]]) -> list[Genre]:
    """Return the genres of most links, most first; one query where there are any."""
    ids = [genre_id for genre_id, _n_songs in islice(counts, MOST_LISTED)]
    genres = Genre.objects.in_bulk(ids) if ids else {}
    return [genres[id_] for id_ in ids if id_ in genres]


def select_seen_genres(listener: Any) -> QuerySet[Genre]:
    """Return the genres that have songs which `listener` may see."""
    songs = Song.genres.through.objects.filter(build_visible(listener, "song__"))
    return Genre.objects.filter(Exists(songs.filter(genre=OuterRef("pk"))))


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
