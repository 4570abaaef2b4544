"""Songs that go with a song, an album or an artist, for a player: without what its listener does not want."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from accounts.models import User
from catalog.models import Artist, Song
from recommendations.conf import conf
from recommendations.services.lists.artist_order import space_songs
from recommendations.services.lists.exclusions import load_unwanted
from recommendations.services.lists.list_query import ListQuery, serve_list
from recommendations.services.lists.listener_context import ListenerContext
from recommendations.services.lists.served_list import ServedSong
from recommendations.services.serving import similar_songs
from recommendations.services.surfaces import related_artists
from recommendations.services.surfaces.artist_variety import limit_artists

_SPARE = 4
"""Songs asked for, for each that is wanted, so that versions and too many of one artist can go."""


def list_similar(
    song: Song,
    n: int,
    *,
    listener: User | None = None,
    only: NDArray[np.int64] | None = None,
    varied: bool = True,
) -> list[Song]:
    """Return the songs most like this one; `varied`: one version of each and few of one artist."""
    asked = min(n * _SPARE, conf.longest_list) if varied else n
    served = similar_songs.find_similar(song, asked, context=ListenerContext(listener), only=only)
    return _vary(served.items, n, [song]) if varied else served.songs[:n]


def list_fitting(
    seeds: Sequence[Song],
    n: int,
    *,
    listener: User | None = None,
    only: NDArray[np.int64] | None = None,
) -> list[Song]:
    """Return songs that go with all of these, without themselves; none without a model or seeds."""
    context = ListenerContext(listener)
    if context.serving is None or not seeds:
        return []
    version, recommender = context.serving
    ids = [song.pk for song in seeds]
    asked = min(n * _SPARE, conf.longest_list)
    history = recommender.history(ids)
    query = ListQuery(
        version,
        recommender,
        asked,
        lambda mask: recommender.recommend(history, asked, exclude=mask),
        exclude=ids,
        only=only,
    )
    served = serve_list(query, context)
    return _vary(served.items, n, seeds)


def list_artist_radio(
    artist: Artist, n: int, *, listener: User | None = None, only: NDArray[np.int64] | None = None
) -> list[Song]:
    """Return songs of an artist and of what goes with them, in turns."""
    own = list_top_songs(artist, max(1, n // 3), listener=listener, only=only)
    others = list_fitting(
        own or related_artists.list_best_known(artist, listener), n, listener=listener, only=only
    )
    mixed: list[Song] = []
    for index, song in enumerate(others):
        if index % 2 == 0 and own:
            mixed.append(own.pop(0))
        mixed.append(song)
    return space_songs([*mixed, *own][:n], lambda song: song)


def list_top_songs(
    artist: Artist, n: int, *, listener: User | None = None, only: NDArray[np.int64] | None = None
) -> list[Song]:
    """Return the songs of an artist that are most heard here, without what the listener does not want."""
    unwanted = load_unwanted(listener)
    songs = related_artists.list_best_known(artist, listener, n * _SPARE)
    allowed = set(only.tolist()) if only is not None else None
    return [
        song for song in songs if unwanted.allows(song) and (allowed is None or song.pk in allowed)
    ][:n]


def list_similar_artists(artist: Artist, n: int, *, listener: User | None = None) -> list[Artist]:
    """Return artists whose songs are most like the best-known ones of this one."""
    unwanted = load_unwanted(listener)
    near = related_artists.find_similar_artists(artist, listener, n + len(unwanted.artist_ids))
    return [one for one in near if one.pk not in unwanted.artist_ids][:n]


def _vary(items: Sequence[ServedSong], n: int, seeds: Sequence[Song]) -> list[Song]:
    works = {song.work_key for song in seeds}
    first = []
    for item in items:
        if item.song.work_key not in works or not item.song.work_key:
            works.add(item.song.work_key)
            first.append(item)
    return [item.song for item in limit_artists(first, n)]
