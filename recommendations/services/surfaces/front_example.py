"""One recommendation for the front page: from two well-known songs to a third, with its real reasons."""

from dataclasses import dataclass, replace
from itertools import pairwise
from operator import itemgetter

from django.core.cache import cache

from catalog.models import Song
from recommendations.services.lists.listener_context import ListenerContext, Picks
from recommendations.services.lists.served_list import Served, ServedSong
from recommendations.services.reasons import explanation_text
from recommendations.services.reasons.share_text import OTHER
from recommendations.services.serving import visitor_lists
from recommendations.services.surfaces import starting_points

N_SONGS = 6
N_LOOKED_AT = 12
LEAST_NAMED = 50
"""An example of whose score less can be named, in percent, explains nothing and is not shown."""
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
        ids = _choose_example()
        cache.set(key, ids, _KEPT_SECONDS)
    songs = Song.objects.filter_offered(None).for_cards().in_bulk(ids[:2])
    if len(songs) < 2:
        return None
    picks = Picks(tuple(songs[pk] for pk in ids[:2]))
    served = visitor_lists.recommend_from_picks(picks, N_LOOKED_AT)
    items = [item for item in served.items if item.song.pk == ids[2]]
    if served.step != "cold" or not items:
        return None
    return FrontExample(picks, replace(served, items=items))


def _choose_example() -> list[int]:
    """Return two songs and the recommendation from them that tells most, of equal ones the first; or nothing."""
    songs = starting_points.choose_starting_points(N_SONGS)
    best: list[int] = []
    most = 0
    for one, other in pairwise(songs):
        served = visitor_lists.recommend_from_picks(Picks((one, other)), N_LOOKED_AT)
        score, item = max(
            _rate_items(served, {one.artist_id, other.artist_id}),
            key=itemgetter(0),
            default=(0, None),
        )
        if item is not None and score > most:
            best, most = [one.pk, other.pk, item.song.pk], score
    return best


def _rate_items(served: Served, picked_artists: set[int]) -> list[tuple[int, ServedSong]]:
    """Return (how much it tells, song) of the songs most of whose score can be named.

    A song tells more where it is by another artist than the picks, names a song as its cause, and has several reasons.
    """
    texts = explanation_text.describe_served(served, None)
    rated = []
    for item, text in zip(served.items, texts, strict=True):
        named = [share.percent for share in text.shares if share.kind != OTHER]
        is_by_another = item.song.artist_id not in picked_artists
        score = 1 + 2 * is_by_another + bool(item.explanation.because) + (len(named) > 1)
        if sum(named) >= LEAST_NAMED:
            rated.append((score, item))
    return rated
