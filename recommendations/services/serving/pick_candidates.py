"""Candidates for somebody without a history: songs similar to what they picked.

The recommender orders them, with popularity as one of its components; without this the same few popular songs
came first whatever was picked.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from catalog.models import Song
from catalog.songs.models import SongQuerySet
from common.bulk_sql import cut_chunks
from recommendations.engine import Popularity, Recommender
from recommendations.services.lists.list_query import Mask
from recommendations.services.lists.listener_context import Picks

N_OF_ARTIST, N_OF_GENRE = 3, 8
MOST_SEEDS = 40
MOST_COMPARED = 8
"""So many seeds are compared with the whole catalogue: each costs as much as a list of similar songs."""
WIDTH = 3
"""The candidates are this many times as many as the songs of the list."""
_LOOKED_AT = 5_000


def choose_seeds(picks: Picks, recommender: Recommender, listener: Any = None) -> list[int]:
    """Return ids of the picked songs and of the best-known songs of each picked artist and genre.

    Only what `listener` may see; None is somebody without an account.
    """
    offered = Song.objects.filter_offered(listener)
    seeds = [song.pk for song in picks.songs]
    for artist in picks.artists:
        seeds += _list_best_known(offered.filter(artist=artist), recommender, N_OF_ARTIST)
    for genre in picks.genres:
        seeds += _list_best_known(offered.filter(genres=genre), recommender, N_OF_GENRE)
    return list(dict.fromkeys(seeds))[:MOST_SEEDS]


def find_candidates(
    picks: Picks, seeds: Sequence[int], n: int, recommender: Recommender, exclude: NDArray[np.bool_]
) -> NDArray[np.bool_]:
    """Return which songs are like the picks, bool (n_items,): at least n where there are so many.

    Songs similar to the seeds, and of those the ones that share a genre with the picks if they are enough.

    Parameters
    ----------
    exclude
        bool (n_items,), what must not come.
    """
    rows = [row for row in recommender.items.rows(np.array(seeds, dtype=np.int64)) if row >= 0]
    compared = rows[:: max(1, len(rows) // MOST_COMPARED)][:MOST_COMPARED]
    allowed = np.zeros(recommender.n_items, dtype=bool)
    if not compared:
        return allowed
    each = max(n, -(-WIDTH * n // len(compared)))
    similar = [recommender.similar(int(row), each, exclude=exclude) for row in compared]
    similar_ids = list(dict.fromkeys(int(item.item_id) for one in similar for item in one))
    genre_ids = _find_genres(picks)
    sharing = _find_sharing(similar_ids, genre_ids)
    if genre_ids and len(sharing) < n:
        more = Song.objects.filter(genres__in=genre_ids).distinct()
        model_ids = [
            pk for pk in _list_best_known(more, recommender, WIDTH * n) if pk not in sharing
        ]
        sharing += [
            pk
            for pk, row in zip(model_ids, _list_rows(model_ids, recommender), strict=True)
            if not exclude[row]
        ]
    chosen = sharing if len(sharing) >= n else [*sharing, *similar_ids]
    allowed[_list_rows(list(dict.fromkeys(chosen)), recommender)] = True
    return allowed & ~exclude


def _list_best_known(songs: SongQuerySet, recommender: Recommender, n: int) -> list[int]:
    """Return the ids of the available songs of the model that most listeners heard; one query."""
    ids = np.array(
        songs.available().order_by("pk").values_list("pk", flat=True)[:_LOOKED_AT], np.int64
    )
    rows = recommender.items.rows(ids) if len(ids) else ids
    ids, rows = ids[rows >= 0], rows[rows >= 0]
    popularity = recommender.algorithms.get("popularity")
    if not isinstance(popularity, Popularity) or not len(rows):
        return [int(pk) for pk in ids[:n]]
    order = np.lexsort((ids, -popularity.n_listeners_[rows]))
    return [int(pk) for pk in ids[order[:n]]]


def _find_genres(picks: Picks) -> set[int]:
    """Return the genres that were picked, and those of the picked songs and artists' songs."""
    genre_ids = {genre.pk for genre in picks.genres}
    through = Song.genres.through.objects
    genre_ids |= set(
        through.filter(song__in=[song.pk for song in picks.songs]).values_list(
            "genre_id", flat=True
        )
    )
    for artist in picks.artists:
        names = through.filter(song__artist=artist).values_list("genre_id", flat=True)[:_LOOKED_AT]
        genre_ids |= {pk for pk, _n in Counter(names).most_common(2)}
    return genre_ids


def _find_sharing(song_ids: Sequence[int], genre_ids: Iterable[int]) -> list[int]:
    through = Song.genres.through.objects.filter(genre__in=genre_ids)
    shared: set[int] = set()
    for some_ids in cut_chunks(song_ids):
        shared |= set(through.filter(song__in=some_ids).values_list("song_id", flat=True))
    return [pk for pk in song_ids if pk in shared]


def _list_rows(song_ids: Sequence[int], recommender: Recommender) -> NDArray[np.integer]:
    return recommender.items.rows(np.array(song_ids, dtype=np.int64))


def narrow_to_picks(
    picks: Picks, n: int, recommender: Recommender, listener: Any = None
) -> Callable[[Mask], Mask]:
    """Return a function that excludes all songs unlike the picks; it excludes none where no song is like them."""

    def narrow(mask: Mask) -> Mask:
        if not picks:
            return mask
        seeds = choose_seeds(picks, recommender, listener)
        allowed = find_candidates(picks, seeds, n, recommender, mask)
        return ~allowed if allowed.any() else mask

    return narrow
