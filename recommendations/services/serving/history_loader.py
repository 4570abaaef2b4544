"""A listener's history up to now, as the engine's `History`."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

import numpy as np
from numpy.typing import NDArray

from accounts.models import User
from catalog.models import Interaction
from recommendations.engine import History, Recommender
from recommendations.services.data.stored_events import measure_played_share
from recommendations.services.lists import cold_items
from recommendations.services.lists.listener_context import HistoryRow, ListenerContext, Moods
from recommendations.services.serving import pick_candidates

BOOST = np.float32(2)
"""How much more a song of a boosted part of the history counts."""


def load_history(
    listener: User,
    recommender: Recommender,
    moods: Moods | None = None,
    context: ListenerContext | None = None,
) -> History:
    """Read a listener's whole history and picked songs; while nothing in it is positive, their other picks, too.

    The history of who switched personalisation off is empty: nothing of it counts.

    `moods` replaces the stored ones, for a preview. `context` is what was read of the listener already.
    """
    context = context or ListenerContext(listener)
    if not listener.personalised:
        return recommender.history([])
    if moods is not None:
        return _build_history(listener, recommender, moods, context)
    if recommender not in context.in_rows:
        context.in_rows[recommender] = _build_history(listener, recommender, context.moods, context)
    return context.in_rows[recommender]


def _build_history(
    listener: User, recommender: Recommender, moods: Moods, context: ListenerContext
) -> History:
    left_out, boosted = moods
    events = _list_events(context.history, left_out)
    if events["item_ids"]:
        events = _add_picks(events, context.picked_song_ids, left_out)
    history = _boost_songs(recommender.history(**events), recommender, boosted)
    if history.n_positive:
        return history
    taste = pick_candidates.choose_seeds(context.picks, recommender, listener)
    picked = [song.pk for song in context.picks.songs]
    taste += cold_items.find_proxy_songs(picked, recommender, listener)
    if history.n_unknown:
        taste += cold_items.find_proxy_songs(_list_wanted_song_ids(events), recommender, listener)
    return recommender.history(**events, taste=taste)


def _add_picks(
    events: dict[str, Any], song_ids: Sequence[int], left_out: frozenset[int]
) -> dict[str, Any]:
    """Add the picked songs, each as one like at an unknown time; what was disliked since is not added."""
    kinds, ids = events["kinds"], events["item_ids"]
    disliked = {pk for pk, kind in zip(ids, kinds, strict=True) if kind == Interaction.Kind.DISLIKE}
    added = [pk for pk in song_ids if pk not in left_out and pk not in disliked]
    n = len(added)
    return {
        "item_ids": [*ids, *added],
        "kinds": [*kinds, *([Interaction.Kind.LIKE] * n)],
        "plays": [*events["plays"], *([1] * n)],
        "played_share": np.concatenate([events["played_share"], np.full(n, np.nan, np.float32)]),
        "timestamps": [*events["timestamps"], *([-1] * n)],
    }


def _list_wanted_song_ids(events: dict[str, Any]) -> list[int]:
    """Return the songs that were played or liked."""
    wanted = (Interaction.Kind.PLAY, Interaction.Kind.LIKE)
    return [
        pk for pk, kind in zip(events["item_ids"], events["kinds"], strict=True) if kind in wanted
    ]


def _boost_songs(history: History, recommender: Recommender, song_ids: frozenset[int]) -> History:
    if not song_ids:
        return history
    more = np.isin(history.item_rows, recommender.items.rows(np.fromiter(song_ids, dtype=np.int64)))
    values = np.where(more & (history.values > 0), history.values * BOOST, history.values)
    return replace(history, values=values.astype(np.float32))


def _list_events(history: Sequence[HistoryRow], left_out: frozenset[int]) -> dict[str, Any]:
    """Return the arguments of `Recommender.history`: everything the listener did, but for songs to be left out."""
    rows = [fact for fact in history if fact.song_id not in left_out]
    if not rows:
        return {"item_ids": []}
    song_ids, kinds, plays, played_ms, duration_ms, moments = zip(*rows, strict=True)
    return {
        "item_ids": song_ids,
        "kinds": kinds,
        "plays": plays,
        "played_share": compute_played_share(played_ms, duration_ms),
        "timestamps": [convert_to_unix(moment) for moment in moments],
    }


def compute_played_share(
    played_ms: Iterable[int | None], duration_ms: Iterable[int | None]
) -> NDArray[np.float32]:
    """Return the share of each song that was heard by the rule of trainings; None is unknown."""
    played = np.array([-1 if value is None else value for value in played_ms], dtype=np.int32)
    durations = np.array([value or -1 for value in duration_ms], dtype=np.int64)
    return measure_played_share(played, durations)


def convert_to_unix(moment: datetime | None) -> int:
    return -1 if moment is None else int(moment.timestamp())
