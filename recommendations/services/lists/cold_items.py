"""Songs newer than the active version: similar songs of the version are used in their place."""

from collections.abc import Sequence
from functools import reduce
from operator import add
from typing import Any

from django.db.models import F, FloatField, QuerySet
from django.db.models.functions import Abs

from catalog.models import AUDIO_FEATURES, Song
from recommendations.engine import FASTEST_BPM, SLOWEST_BPM, Recommender
from recommendations.services.seeds import seed_packs

N_PROXIES = 5
N_COLD_ITEMS = 20
# Tempo is in beats a minute; by this it weighs as much as the other features.
_TEMPO_SPAN = FASTEST_BPM - SLOWEST_BPM


def find_proxy_songs(
    song_ids: Sequence[int], recommender: Recommender, listener: Any = None
) -> list[int]:
    """Return ids of songs of the model, seen by `listener`, most like those of `song_ids` that are not in it.

    These are songs heard together with them by listeners elsewhere, where a seed pack has such; else songs of the
    same artist, else of the same genre, else of a similar sound. At most four queries a song, for the last twenty.
    """
    wanted = [pk for pk in song_ids if recommender.items.row(pk) < 0][-N_COLD_ITEMS:]
    proxies: dict[int, None] = {}
    for song in Song.objects.filter(pk__in=wanted).prefetch_related("genres"):
        proxies.update(dict.fromkeys(_find_alike(song, recommender, listener)))
    return list(proxies)


def _find_alike(song: Song, recommender: Recommender, listener: Any) -> list[int]:
    elsewhere = seed_packs.find_neighbours(song, 10 * N_PROXIES, listener)
    if model_ids := [pk for pk in elsewhere if recommender.items.row(pk) >= 0]:
        return model_ids[:N_PROXIES]
    others = Song.objects.filter_offered(listener).exclude(pk=song.pk)
    for candidates in (
        others.filter(artist_id=song.artist_id).order_by("pk"),
        others.filter(genres__in=song.genres.all()).order_by("pk").distinct(),
        _find_by_sound(others, song),
    ):
        model_ids = [pk for pk in _list_ids(candidates) if recommender.items.row(pk) >= 0]
        if model_ids:
            return model_ids[:N_PROXIES]
    return []


def _list_ids(songs: QuerySet[Song]) -> list[int]:
    return list(songs.values_list("pk", flat=True)[: 10 * N_PROXIES])


def _find_by_sound(songs: QuerySet[Song], like: Song) -> QuerySet[Song]:
    """Order songs by how near their audio features are to those of `like`; none when it has no features."""
    features = {name: value for name, value in like.audio_features.items() if value is not None}
    if not features:
        return songs.none()
    complete = songs.filter(**{f"{name}__isnull": False for name in features})
    distances = [
        Abs(F(name) - value, output_field=FloatField())
        / (_TEMPO_SPAN if name == AUDIO_FEATURES[-1] else 1.0)
        for name, value in features.items()
    ]
    return complete.order_by(reduce(add, distances), "pk")
