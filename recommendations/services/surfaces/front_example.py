"""One recommendation for the front page: from two well-known songs to a third, with its real reasons."""

from dataclasses import dataclass
from itertools import pairwise

from django.core.cache import cache

from catalog.models import Song
from recommendations.services.lists.listener_context import ListenerContext, Picks
from recommendations.services.lists.served_list import Served
from recommendations.services.serving import visitor_lists
from recommendations.services.surfaces import starting_points

N_SONGS = 6
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
    served = visitor_lists.recommend_from_picks(picks, 1)
    return FrontExample(picks, served) if served.step == "cold" and served.items else None


def _choose_picks() -> list[int]:
    """Return two songs whose first recommendation has several reasons; of many pairs the first such."""
    songs = starting_points.choose_starting_points(N_SONGS)
    for one, other in pairwise(songs):
        served = visitor_lists.recommend_from_picks(Picks((one, other)), 1)
        if served.items and len(served.items[0].explanation.shares) > 1:
            return [one.pk, other.pk]
    return [song.pk for song in songs[:2]]
