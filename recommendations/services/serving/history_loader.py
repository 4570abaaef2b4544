"""What a listener has done up to now, as the engine wants it."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

import numpy as np

from catalog.models import Interaction, Song
from recommendations.engine import History, Recommender
from recommendations.models import Taste
from recommendations.services.data.training_rows import USUAL_DURATION_MS
from recommendations.services.serving import cold_items
from recommendations.services.serving.listener_context import Fact, Moods, Told

_NAMED_SONGS = 30
BOOST = np.float32(2)
"""How much more a song of a boosted part of the history counts."""


def history_of(
    listener, recommender: Recommender, moods: Moods | None = None, told: Told | None = None
) -> History:
    """Read a listener's whole history, and while it says nothing yet what they named at onboarding.

    `moods` stands for what the listener said about parts of their history, as a preview wants it; by default what is
    stored. `told` is what was read of the listener already.
    """
    told = told or Told(listener)
    if moods is not None:
        return _made(listener, recommender, moods, told)
    if recommender not in told.in_rows:
        told.in_rows[recommender] = _made(listener, recommender, told.moods, told)
    return told.in_rows[recommender]


def _made(listener, recommender: Recommender, moods: Moods, told: Told) -> History:
    left_out, boosted = moods
    events = _events_of(told.history, left_out)
    history = _boosted(recommender.history(**events), recommender, boosted)
    if history.n_positive:
        return history
    taste = named_song_ids(listener)
    if history.n_unknown:
        taste += cold_items.stand_ins(_wanted_song_ids(events), recommender)
    return recommender.history(**events, taste=taste)


def _wanted_song_ids(events: dict[str, Any]) -> list[int]:
    """Return the songs that were played or liked."""
    wanted = (Interaction.Kind.PLAY, Interaction.Kind.LIKE)
    return [pk for pk, kind in zip(events["item_ids"], events["kinds"], strict=True) if kind in wanted]


def _boosted(history: History, recommender: Recommender, song_ids: frozenset[int]) -> History:
    if not song_ids:
        return history
    more = np.isin(history.item_rows, recommender.items.rows(np.fromiter(song_ids, dtype=np.int64)))
    values = np.where(more & (history.values > 0), history.values * BOOST, history.values)
    return replace(history, values=values.astype(np.float32))


def _events_of(history: Sequence[Fact], left_out: frozenset[int]) -> dict[str, Any]:
    """Return the arguments of `Recommender.history`: everything the listener did, but for songs to be left out."""
    rows = [fact for fact in history if fact.song_id not in left_out]
    if not rows:
        return {"item_ids": []}
    song_ids, kinds, plays, played_ms, duration_ms, moments = zip(*rows, strict=True)
    return {
        "item_ids": song_ids,
        "kinds": kinds,
        "plays": plays,
        "played_share": played_share(played_ms, duration_ms),
        "timestamps": [unix(moment) for moment in moments],
    }


def played_share(played_ms, duration_ms) -> np.ndarray:
    """Return the share of each song that was heard, NaN where nobody told how long."""
    played = np.array([np.nan if value is None else value for value in played_ms], dtype=np.float32)
    duration = np.array([value or USUAL_DURATION_MS for value in duration_ms], dtype=np.float32)
    return played / duration


def unix(moment: datetime | None) -> int:
    return -1 if moment is None else int(moment.timestamp())


def named_song_ids(listener) -> list[int]:
    """Return songs that stand for the artists and genres a listener chose, the most played of them first."""
    taste = Taste.objects.filter(listener=listener).first()
    if taste is None:
        return []
    songs = Song.objects.available().filter(artist__in=taste.artists.all())
    named = list(songs.order_by("pk").values_list("pk", flat=True)[:_NAMED_SONGS])
    if len(named) < _NAMED_SONGS:
        of_genres = Song.objects.available().filter(genres__in=taste.genres.all()).exclude(pk__in=named)
        named += of_genres.order_by("pk").distinct().values_list("pk", flat=True)[: _NAMED_SONGS - len(named)]
    return named
