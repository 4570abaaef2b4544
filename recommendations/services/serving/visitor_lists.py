"""Recommend to a visitor, from what they picked; and explain a song of such a list."""

from collections.abc import Sequence
from dataclasses import replace

from catalog.models import Song
from recommendations.engine import Explanation
from recommendations.services.lists import cold_items
from recommendations.services.lists.fallback import Fallback
from recommendations.services.lists.list_query import (
    ListQuery,
    serve_list,
)
from recommendations.services.lists.list_request import limit_length
from recommendations.services.lists.listener_context import ListenerContext, Picks, Unwanted
from recommendations.services.lists.served_list import (
    Served,
)
from recommendations.services.serving import pick_candidates, popularity_fallback


def recommend_from_songs(songs: Sequence[Song], n: int | None = None) -> Served:
    """Recommend to a visitor from some songs they like; it needs no account."""
    return recommend_from_picks(Picks(tuple(songs)), n)


def recommend_from_picks(picks: Picks, n: int | None = None) -> Served:
    """Recommend to somebody who picked songs, artists and genres and has no history."""
    n = limit_length(n)
    context = ListenerContext()
    named = [song.pk for song in picks.songs]
    if context.serving is None:
        return popularity_fallback.serve_without_model(n, Unwanted(song_ids=frozenset(named)))
    version, recommender = context.serving
    seeds = pick_candidates.choose_seeds(picks, recommender)
    history = recommender.history(
        [], taste=[*seeds, *cold_items.find_proxy_songs(named, recommender)]
    )
    step, fallback = (
        ("cold", Fallback.NONE)
        if len(history.taste_rows)
        else ("popular", Fallback.NEWER_THAN_MODEL)
    )
    query = ListQuery(
        version,
        recommender,
        n,
        lambda mask: recommender.recommend(history, n, exclude=mask),
        exclude=named,
        narrow=pick_candidates.narrow_to_picks(picks, n, recommender),
        step=step,
        fallback=fallback,
    )
    return replace(serve_list(query, context), picks=picks)


def explain_for_picks(picks: Picks, song: Song) -> Explanation | None:
    """Explain a song for somebody who picked songs, artists and genres; None where the model can't say anything."""
    context = ListenerContext()
    if context.serving is None:
        return None
    _version, recommender = context.serving
    row = recommender.items.row(song.pk)
    seeds = pick_candidates.choose_seeds(picks, recommender)
    seeds += cold_items.find_proxy_songs([one.pk for one in picks.songs], recommender)
    history = recommender.history([], taste=seeds)
    return recommender.explain(history, row) if row >= 0 and len(history.taste_rows) else None
