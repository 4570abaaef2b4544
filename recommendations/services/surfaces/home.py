"""The shelves of the home page. Each is a short list with its own reason to be there."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import numpy as np
from django.core.cache import cache
from django.db.models import Max, Q, Sum
from django.utils import timezone

from accounts.models import User
from accounts.time_zones import get_local_day
from catalog.models import Interaction, Song
from recommendations.engine import RecommendedList, Recommender, rerank
from recommendations.models import ModelVersion
from recommendations.services.serving import (
    exclusions,
    popularity_fallback,
    recommend,
)
from recommendations.services.serving.exclusions import Unwanted
from recommendations.services.serving.explanation_facts import LEAST_CROWD
from recommendations.services.serving.listener_context import ListenerContext
from recommendations.services.serving.recommend import Served, ServedSong
from recommendations.services.surfaces.artist_variety import limit_artists
from recommendations.services.versions import registry

LENGTH = 12
ADVENTUROUS = 0.9
N_ADVENTUROUS = 36
N_SEEDS = 10
N_FAVOURITES = 200
OFTEN, LONG_DAYS = 3, 14
TRENDING_SECONDS = 600
FAMILIARITY = (
    0.3  # of the first questions: how far being well known counts, against being unlike the others
)
N_TRENDING = 30


@dataclass(frozen=True)
class Home:
    """Everything a listener's home page shows but the mixes."""

    made_for_you: Served
    because: "Because | None" = None
    new_to_you: list[ServedSong] = field(default_factory=list)
    trending: list[ServedSong] = field(default_factory=list)
    favourites: list[Song] = field(default_factory=list)


@dataclass(frozen=True)
class Because:
    """Songs like one that the listener liked."""

    liked: Song
    items: list[ServedSong]


def home(listener: User, context: ListenerContext) -> Home:
    """Fill the shelves for a listener; no song stands in two of the recommended ones."""
    made = recommend.recommend_for(listener, recommend.length(None), context=context)
    unwanted = context.unwanted
    if not listener.personalised:
        return Home(made)
    seen = {item.song.pk for item in made.items}
    because = because_you_liked(listener, unwanted, seen)
    seen |= {item.song.pk for item in because.items} if because else set()
    new = new_to_you(listener, context, seen)
    seen |= {item.song.pk for item in new}
    return Home(made, because, new, trending(unwanted, seen), favourites(listener, unwanted))


def because_you_liked(
    listener: User, unwanted: Unwanted, seen: Iterable[int] = ()
) -> Because | None:
    """Return songs like one of the latest liked ones, another one each day."""
    likes = Interaction.objects.for_listener(listener).likes().order_by("-occurred_at", "-pk")
    ids = list(likes.values_list("song_id", flat=True)[:N_SEEDS])
    if not ids:
        return None
    liked = Song.objects.select_related("artist").get(
        pk=ids[get_local_day(listener).toordinal() % len(ids)]
    )
    similar = recommend.similar_songs(liked, 2 * LENGTH)
    known = set(
        Interaction.objects.for_listener(listener)
        .filter(song__in=similar.songs)
        .values_list("song_id", flat=True)
    )
    items = _first(similar.items, lambda song: unwanted.allows(song) and song.pk not in known, seen)
    return Because(liked, items) if items else None


def new_to_you(
    listener: User, context: ListenerContext, seen: Iterable[int] = ()
) -> list[ServedSong]:
    """Return recommended songs by artists that the listener has nothing of."""
    served = recommend.recommend_for(
        listener, N_ADVENTUROUS, discovery=ADVENTUROUS, context=context
    )
    if served.step not in ("live", "precomputed"):
        return []
    artists = {item.song.artist_id for item in served.items}
    heard = Interaction.objects.for_listener(listener).filter(song__artist_id__in=artists)
    known = set(heard.values_list("song__artist_id", flat=True).distinct())
    new = _first(served.items, lambda song: song.artist_id not in known, seen, n=N_ADVENTUROUS)
    return limit_artists(new, LENGTH)


def trending(unwanted: Unwanted, seen: Iterable[int] = ()) -> list[ServedSong]:
    """Return what is played most at the moment, the same for everybody but for what they don't want."""
    found = registry.serving_recommender()
    if found is None:
        return []
    version, recommender = found
    key = f"musicrec:trending:{version.pk}"
    packed = cache.get(key)
    if packed is None:
        packed = _trending(version, recommender)
        cache.set(key, packed, TRENDING_SECONDS)
    rows = RecommendedList.from_dict(packed).items
    songs = Song.objects.available().for_cards().in_bulk([row.item_id for row in rows])
    items = [
        ServedSong(songs[row.item_id], row.score, row.explanation, place)
        for place, row in enumerate(rows, start=1)
        if row.item_id in songs
    ]
    # A few listeners are no crowd: what only they play is not popular.
    popular = [
        item
        for item in items
        if (note := item.explanation.popularity) and note.count >= LEAST_CROWD
    ]
    return _first(popular, unwanted.allows, seen)


def _trending(version: ModelVersion, recommender: Recommender) -> Mapping[str, Any]:
    mask = exclusions.build_mask(version, recommender, exclusions.NOTHING_UNWANTED)
    return recommender.recommend(recommender.history([]), N_TRENDING, exclude=mask).to_dict()


def favourites(listener: User, unwanted: Unwanted) -> list[Song]:
    """Return songs the listener played at least three times and not for two weeks, longest ago first."""
    positive = Interaction.objects.for_listener(listener).filter(
        kind__in=[Interaction.Kind.PLAY, Interaction.Kind.LIKE]
    )
    liked = Sum("plays", filter=Q(kind=Interaction.Kind.PLAY), default=0)
    best = (
        positive.values("song_id")
        .annotate(n=liked, last=Max("occurred_at"))
        .order_by("-n", "song_id")
    )
    long_ago = timezone.now() - timedelta(days=LONG_DAYS)
    rows = [
        row
        for row in best[:N_FAVOURITES]
        if row["n"] >= OFTEN and row["last"] is not None and row["last"] < long_ago
    ]
    rows.sort(key=lambda row: row["last"])
    songs = (
        Song.objects.available().for_cards().in_bulk([row["song_id"] for row in rows[: 2 * LENGTH]])
    )
    ordered = [songs[row["song_id"]] for row in rows if row["song_id"] in songs]
    return [song for song in ordered if unwanted.allows(song)][:LENGTH]


def starting_points(n: int) -> list[Song]:
    """Return songs, one an artist, to choose from before anything is known about somebody.

    They are well known, so that most people have an answer, and unlike each other, so that every answer tells
    something that the others did not.
    """
    counted = popularity_fallback.list_most_played(
        recommend.length(200), exclusions.NOTHING_UNWANTED
    )
    known = [song for song, _count in counted]
    if not known:
        known = popularity_fallback.unheard(n * 4, exclusions.NOTHING_UNWANTED)
    by_artist: dict[int, Song] = {}
    for song in known:
        by_artist.setdefault(song.artist_id, song)
    songs = list(by_artist.values())
    return unlike_each_other(songs, n) or spread_over_genres(songs, n)


def unlike_each_other(songs: list[Song], n: int) -> list[Song]:
    """Take n of `songs`, best known first, that the model finds least alike; none without a model."""
    found = registry.serving_recommender()
    if found is None or not songs:
        return []
    rows = found[1].items.rows([song.pk for song in songs])
    known = [song for song, row in zip(songs, rows, strict=True) if row >= 0]
    vectors = found[1].item_vectors(rows[rows >= 0])
    scores = np.linspace(1.0, 0.0, len(known))
    places = rerank(scores[None], vectors[None], None, n, relevance=FAMILIARITY, artist_cap=None)[0]
    return [known[place] for place in places if place >= 0]


def spread_over_genres(songs: list[Song], n: int) -> list[Song]:
    """Take songs from one genre after the other, so that few answers tell much."""
    by_genre: dict[str, list[Song]] = {}
    for song in songs:
        genres = sorted(genre.name for genre in song.genres.all())
        by_genre.setdefault(genres[0] if genres else "", []).append(song)
    chosen: list[Song] = []
    while len(chosen) < n and any(by_genre.values()):
        for waiting in by_genre.values():
            if waiting and len(chosen) < n:
                chosen.append(waiting.pop(0))
    return chosen


def _first(
    items: Iterable[ServedSong],
    is_wanted: Callable[[Song], bool],
    seen: Iterable[int],
    n: int = LENGTH,
) -> list[ServedSong]:
    left_out = set(seen)
    return [item for item in items if item.song.pk not in left_out and is_wanted(item.song)][:n]
