"""Discover beyond the library: songs and artists to look for, from what listeners elsewhere played with a history."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from accounts.models import User
from catalog.models import Artist, Interaction, Song
from catalog.songs import matching
from recommendations.services.data import beyond_index
from recommendations.services.data.beyond_index import Neighbours
from recommendations.services.serving.listener_context import ListenerContext

SONGS_AN_ARTIST = 3
N_SONGS, N_ARTISTS = 30, 20
EVENNESS = 0.5
"""A song that was played with many others says less: its links are divided by this power of their sum."""


@dataclass(frozen=True)
class ToLookFor:
    """A song or artist that the library lacks.

    Attributes
    ----------
    because
        The song or artist of the listener's history that counts most for it.
    n_listeners
        Listeners elsewhere who played both in one session.
    """

    mbid: str
    title: str
    artist_name: str
    artist_mbid: str
    n_listeners: int
    because: Song | Artist


@dataclass(frozen=True)
class Beyond:
    """What to look for, and what the data says about itself; `about` is empty where there is no seed pack."""

    songs: list[ToLookFor] = field(default_factory=list)
    artists: list[ToLookFor] = field(default_factory=list)
    about: Mapping[str, str] = field(default_factory=dict)
    has_index: bool = False


def has_index() -> bool:
    """Return whether anything beyond the library is known; reads no table."""
    return beyond_index.load_index() is not None


def find_beyond_library(
    listener: User, *, n_songs: int = N_SONGS, n_artists: int = N_ARTISTS
) -> Beyond:
    """Return what a listener could look for, best first; four queries.

    A listener who switched personalisation off gets nothing.
    """
    index = beyond_index.load_index()
    if index is None:
        return Beyond()
    if not listener.personalised:
        return Beyond(about=index.about, has_index=True)
    context = ListenerContext(listener)
    strengths = _weigh_history(context)
    artist_of = dict(Song.objects.filter(pk__in=list(strengths)).values_list("pk", "artist_id"))
    of_artists: dict[int, float] = {}
    for song_id, strength in strengths.items():
        if song_id in artist_of:
            of_artists[artist_of[song_id]] = of_artists.get(artist_of[song_id], 0.0) + strength
    hidden = _read_hidden_names(context)
    songs = _rank(index.songs, strengths, n_songs, hidden, most_of_artist=SONGS_AN_ARTIST)
    artists = _rank(index.artists, of_artists, n_artists, hidden, most_of_artist=1)
    named_songs = Song.objects.select_related("artist").in_bulk([own for _, own, _ in songs])
    named_artists = Artist.objects.in_bulk([own for _, own, _ in artists])
    return Beyond(
        [_describe(index.songs, column, n, named_songs[own]) for column, own, n in songs],
        [_describe(index.artists, column, n, named_artists[own]) for column, own, n in artists],
        index.about,
        has_index=True,
    )


def _weigh_history(context: ListenerContext) -> dict[int, float]:
    """Return how much each liked, played or picked song says, by song id."""
    strengths: dict[int, float] = {}
    disliked: set[int] = set()
    for row in context.history:
        if row.kind == Interaction.Kind.DISLIKE:
            disliked.add(row.song_id)
        elif row.kind == Interaction.Kind.LIKE:
            strengths[row.song_id] = strengths.get(row.song_id, 0.0) + 2.0
        elif row.kind == Interaction.Kind.PLAY:
            strengths[row.song_id] = strengths.get(row.song_id, 0.0) + float(np.log1p(row.plays))
    for song_id in context.picked_song_ids:
        strengths.setdefault(song_id, 1.0)
    left_out = disliked | set(context.moods[0])
    return {song_id: value for song_id, value in strengths.items() if song_id not in left_out}


def _read_hidden_names(context: ListenerContext) -> set[str]:
    names = Artist.objects.filter(pk__in=context.unwanted.artist_ids).values_list("name", flat=True)
    return {matching.build_artist_key(name) for name in names}


def _rank(
    neighbours: Neighbours,
    strengths: Mapping[int, float],
    n: int,
    hidden: set[str],
    *,
    most_of_artist: int,
) -> list[tuple[int, int, int]]:
    """Return (column, own id that counts most, listeners of both) of the best columns."""
    weights = _weigh_own(neighbours.own_ids, strengths)
    if not weights.any():
        return []
    sums = np.asarray(neighbours.cosine.sum(axis=1)).ravel()
    weights = weights * np.where(sums > 0, sums, 1) ** -EVENNESS
    scores = neighbours.cosine.T @ weights
    by_column = neighbours.cosine.tocsc()
    counts = neighbours.together.tocsc()
    ranked: list[tuple[int, int, int]] = []
    of_artist: dict[str, int] = {}
    for column in np.argsort(-scores, kind="stable").tolist():
        if len(ranked) == n or scores[column] <= 0:
            break
        artist = matching.build_artist_key(neighbours.labels[column][2])
        if artist in hidden or of_artist.get(artist, 0) == most_of_artist:
            continue
        of_artist[artist] = of_artist.get(artist, 0) + 1
        entries = slice(by_column.indptr[column], by_column.indptr[column + 1])
        rows = by_column.indices[entries]
        most = int(np.argmax(by_column.data[entries] * weights[rows]))
        ranked.append(
            (column, int(neighbours.own_ids[rows[most]]), int(counts.data[entries][most]))
        )
    return ranked


def _weigh_own(own_ids: NDArray[np.int64], strengths: Mapping[int, float]) -> NDArray[np.float64]:
    weights = np.zeros(len(own_ids))
    if not strengths or not len(own_ids):
        return weights
    ids = np.fromiter(strengths, dtype=np.int64)
    spots = np.minimum(np.searchsorted(own_ids, ids), len(own_ids) - 1)
    is_known = own_ids[spots] == ids
    weights[spots[is_known]] = np.fromiter(strengths.values(), dtype=np.float64)[is_known]
    return weights


def _describe(neighbours: Neighbours, column: int, n: int, because: Song | Artist) -> ToLookFor:
    mbid, title, artist_name, artist_mbid = neighbours.labels[column]
    return ToLookFor(mbid, title, artist_name, artist_mbid, n, because)
