"""The listeners whose histories are most like one listener's, counted from what they played and liked."""

from collections.abc import Collection
from dataclasses import dataclass
from math import sqrt

from django.db.models import Count, Q, QuerySet, Sum

from accounts.models import User
from catalog.models import Interaction, Song

N_SHOWN = 20
N_SHARED = 3
N_COMPARED_SONGS = 300
"""Songs of the listener that are looked for in others' histories, the most played first."""
N_CANDIDATES = 200
"""Listeners with the most songs in common whose whole histories are counted."""

_POSITIVE = Q(kind__in=[Interaction.Kind.PLAY, Interaction.Kind.LIKE])


@dataclass(frozen=True)
class Neighbour:
    """A listener beside another one; `likeness` is the cosine of their sets of songs, from 0 to 1."""

    user: User
    n_common: int
    n_songs: int
    likeness: float
    shared: list[Song]


def find_neighbours(listener: User, n: int = N_SHOWN) -> list[Neighbour]:
    """Return the listeners most like this one, the most alike first; five queries.

    The likeness of two listeners is the number of songs that both played or liked, divided by the root of the
    product of how many each did. Who has opted out of personalisation has none and is none. The second query reads
    every interaction with at most `N_COMPARED_SONGS` songs and finds whom to compare, the third counts all songs
    that these have in common with the listener.
    """
    own = list(_rank_songs(listener)) if listener.personalised else []
    compared = own[:N_COMPARED_SONGS]
    if not compared:
        return []
    candidates = (
        _select_positive()
        .filter(song__in=compared, listener__is_active=True, listener__personalised=True)
        .exclude(listener=listener)
        .values_list("listener_id")
        .annotate(n=Count("song_id", distinct=True))
        .order_by("-n", "listener_id")[:N_CANDIDATES]
    )
    common, totals = _count_songs([pk for pk, _n in candidates], listener)
    likeness = {pk: n_both / sqrt(len(own) * totals[pk]) for pk, n_both in common.items()}
    nearest = sorted(common, key=lambda pk: (-likeness[pk], pk))[:n]
    users = User.objects.in_bulk(nearest)
    shared = _load_shared(nearest, compared)
    return [
        Neighbour(users[pk], common[pk], totals[pk], likeness[pk], shared[pk])
        for pk in nearest
        if pk in users
    ]


def _select_positive() -> QuerySet[Interaction]:
    return Interaction.objects.filter(_POSITIVE).order_by()


def _rank_songs(listener: User) -> QuerySet[Interaction, int]:
    """Return the ids of all songs that the listener played or liked, the most played first."""
    songs = _select_positive().filter(listener=listener).values_list("song_id", flat=True)
    return (
        songs.annotate(n=Sum("plays")).order_by("-n", "song_id").values_list("song_id", flat=True)
    )


def _count_songs(
    listener_ids: Collection[int], listener: User
) -> tuple[dict[int, int], dict[int, int]]:
    """Return of each listener how many songs they share with `listener`, and how many they have."""
    heard = _select_positive().filter(listener=listener).values("song_id")
    rows = _select_positive().filter(listener__in=list(listener_ids)).values_list("listener_id")
    n_common = Count("song_id", distinct=True, filter=Q(song__in=heard))
    counts = list(rows.annotate(n_common=n_common, n_songs=Count("song_id", distinct=True)))
    return {pk: n for pk, n, _all in counts}, {pk: n for pk, _common, n in counts}


def _load_shared(listener_ids: Collection[int], own: list[int]) -> dict[int, list[Song]]:
    """Return for each listener the first of `own` that they played or liked, too."""
    ranks = {song_id: rank for rank, song_id in enumerate(own)}
    pairs = _select_positive().filter(listener__in=list(listener_ids), song__in=own)
    song_ids: dict[int, list[int]] = {pk: [] for pk in listener_ids}
    for listener_id, song_id in pairs.values_list("listener_id", "song_id").distinct():
        song_ids[listener_id].append(song_id)
    first = {pk: sorted(ids, key=ranks.__getitem__)[:N_SHARED] for pk, ids in song_ids.items()}
    songs = Song.objects.select_related("artist").in_bulk(
        {song_id for ids in first.values() for song_id in ids}
    )
    return {pk: [songs[song_id] for song_id in ids] for pk, ids in first.items()}
