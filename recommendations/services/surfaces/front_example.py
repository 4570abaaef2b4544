"""One recommendation for the front page: from two well-known songs to a third, with its real reasons."""

from dataclasses import dataclass, replace
from itertools import pairwise

from django.core.cache import cache

from catalog.models import Song
from recommendations.services.lists.listener_context import ListenerContext, Picks
from recommendations.services.lists.served_list import Served, ServedSong
from recommendations.services.serving import visitor_lists
from recommendations.services.surfaces import starting_points

N_SONGS = 6
N_LOOKED_AT = 12
"""So many recommendations of a pair are looked at for the one that is shown."""
_KEPT_SECONDS = 300


@dataclass(frozen=True)
class FrontExample:
    """Two songs that somebody might pick, and what they would get."""

    picks: Picks
    served: Served


def load_example() -> FrontExample | None:
    """Return the example; None on a site without a model or with too few songs to compare."""
    serving = ListenerContext().serving
    if serving is None:
        return None
    key = f"musicrec:front-example:{serving[0].artifact}"
    ids = cache.get(key)
    if ids is None:
        ids = _choose_picks()
        cache.set(key, ids, _KEPT_SECONDS)
    songs = Song.objects.filter_offered(None).for_cards().in_bulk(ids)
    if len(songs) < 2:
        return None
    picks = Picks(tuple(songs[pk] for pk in ids))
    served = visitor_lists.recommend_from_picks(picks, N_LOOKED_AT)
    if served.step != "cold" or not served.items:
        return None
    return FrontExample(picks, replace(served, items=[_find_telling(picks, served)[1]]))


def _choose_picks() -> list[int]:
    """Return two songs whose recommendations hold one that tells most; of equal pairs the first."""
    songs = starting_points.choose_starting_points(N_SONGS)
    best, most = [song.pk for song in songs[:2]], 0
    for one, other in pairwise(songs):
        picks = Picks((one, other))
        served = visitor_lists.recommend_from_picks(picks, N_LOOKED_AT)
        if served.items and (score := _find_telling(picks, served)[0]) > most:
            best, most = [one.pk, other.pk], score
    return best


def _find_telling(picks: Picks, served: Served) -> tuple[int, ServedSong]:
    """Return (how much it tells, song) of the first song that tells most.

    It tells more where it is by another artist than the picks, names a song as its cause, and has several reasons.
    """
    picked_artists = {song.artist_id for song in picks.songs}
    scores = [
        2 * (item.song.artist_id not in picked_artists)
        + bool(item.explanation.because)
        + (len(item.explanation.shares) > 1)
        for item in served.items
    ]
    position = scores.index(max(scores))
    return scores[position], served.items[position]
