"""Discover beyond the library: what to look for, from what listeners elsewhere played with a history."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from accounts.models import User
from catalog.models import Artist, Interaction, Song
from catalog.names.artist_keys import build_artist_key
from recommendations.services.lists.listener_context import ListenerContext
from recommendations.services.seeds import beyond_index
from recommendations.services.seeds.beyond_index import Albums, Neighbours

SONGS_AN_ARTIST, ALBUMS_AN_ARTIST = 3, 2
N_SONGS, N_ARTISTS, N_ALBUMS = 30, 20, 20
STRONGEST_SONGS = 30
"""An album is named for several of its songs, or for a single one that is among so many best ones."""
EVENNESS = 0.5
"""A song that was played with many others says less: its links are divided by this power of their sum."""


@dataclass(frozen=True)
class ToLookFor:
    """A song, album or artist that the library lacks.

    Attributes
    ----------
    because
        The song or artist of the listener's history that counts most for it; of an album, for its best song.
    n_listeners
        Listeners elsewhere who played both in one session; of an album, `because` and its best song.
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
    albums: list[ToLookFor] = field(default_factory=list)


def has_index() -> bool:
    """Return whether anything beyond the library is known; reads no table."""
    return beyond_index.load_index() is not None


def find_beyond_library(
    listener: User,
    *,
    n_songs: int = N_SONGS,
    n_artists: int = N_ARTISTS,
    n_albums: int = N_ALBUMS,
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
    hidden = _read_hidden_names(context)
    weights = _weigh_own(index.songs, strengths)
    song_scores = index.songs.cosine.T @ weights
    songs = _rank(index.songs.labels, song_scores, n_songs, hidden, SONGS_AN_ARTIST)
    album_scores, best_songs = _score_albums(index.albums, song_scores)
    albums = _rank(index.albums.labels, album_scores, n_albums, hidden, ALBUMS_AN_ARTIST)
    song_reasons = _find_reasons(
        index.songs, weights, [*songs, *(int(best_songs[album]) for album in albums)]
    )
    artist_weights = _weigh_own(index.artists, _weigh_artists(strengths))
    artist_scores = index.artists.cosine.T @ artist_weights
    artists = _rank(index.artists.labels, artist_scores, n_artists, hidden, 1)
    artist_reasons = _find_reasons(index.artists, artist_weights, artists)
    named_songs = Song.objects.select_related("artist").in_bulk([own for own, _ in song_reasons])
    named_artists = Artist.objects.in_bulk([own for own, _ in artist_reasons])
    because_songs = [(named_songs[own], n) for own, n in song_reasons]
    because_artists = [(named_artists[own], n) for own, n in artist_reasons]
    return Beyond(
        _describe(index.songs.labels, songs, because_songs[: len(songs)]),
        _describe(index.artists.labels, artists, because_artists),
        index.about,
        has_index=True,
        albums=_describe(index.albums.labels, albums, because_songs[len(songs) :]),
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


def _weigh_artists(strengths: Mapping[int, float]) -> dict[int, float]:
    """Return how much each artist's songs say, by artist id."""
    artist_of = dict(Song.objects.filter(pk__in=list(strengths)).values_list("pk", "artist_id"))
    of_artists: dict[int, float] = {}
    for song_id, strength in strengths.items():
        if song_id in artist_of:
            of_artists[artist_of[song_id]] = of_artists.get(artist_of[song_id], 0.0) + strength
    return of_artists


def _read_hidden_names(context: ListenerContext) -> set[str]:
    names = Artist.objects.filter(pk__in=context.unwanted.artist_ids).values_list("name", flat=True)
    return {build_artist_key(name) for name in names}


def _weigh_own(neighbours: Neighbours, strengths: Mapping[int, float]) -> NDArray[np.float64]:
    """Return how much each own song or artist says, (n_own,); one that was played with many others says less."""
    own_ids = neighbours.own_ids
    weights = np.zeros(len(own_ids))
    if not strengths or not len(own_ids):
        return weights
    ids = np.fromiter(strengths, dtype=np.int64)
    spots = np.minimum(np.searchsorted(own_ids, ids), len(own_ids) - 1)
    is_known = own_ids[spots] == ids
    weights[spots[is_known]] = np.fromiter(strengths.values(), dtype=np.float64)[is_known]
    sums = np.asarray(neighbours.cosine.sum(axis=1)).ravel()
    return weights * np.where(sums > 0, sums, 1) ** -EVENNESS


def _score_albums(
    albums: Albums, song_scores: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Return each album's score, 0 where too little speaks for it, and the column of its best song, (n_albums,) each.

    The score is the sum of its songs'.
    """
    n = len(albums.labels)
    columns = np.flatnonzero((albums.of_song >= 0) & (song_scores > 0))
    of_song = albums.of_song[columns]
    scores = np.bincount(of_song, weights=song_scores[columns], minlength=n)
    best_songs = np.zeros(n, dtype=np.int64)
    worst_first = np.argsort(song_scores[columns], kind="stable")
    best_songs[of_song[worst_first]] = columns[worst_first]
    is_strong = np.zeros(n, dtype=bool)
    strongest = np.argsort(-song_scores, kind="stable")[:STRONGEST_SONGS]
    is_strong[albums.of_song[strongest[albums.of_song[strongest] >= 0]]] = True
    has_several = np.bincount(of_song, minlength=n) > 1
    return np.where(is_strong | has_several, scores, 0.0), best_songs


def _rank(
    labels: Sequence[Sequence[str]],
    scores: NDArray[np.float64],
    n: int,
    hidden: set[str],
    most_of_artist: int,
) -> list[int]:
    """Return the best columns above 0, without those of hidden artists and not too many of one."""
    ranked: list[int] = []
    of_artist: dict[str, int] = {}
    for column in np.argsort(-scores, kind="stable").tolist():
        if len(ranked) == n or scores[column] <= 0:
            break
        artist = build_artist_key(labels[column][2])
        if artist in hidden or of_artist.get(artist, 0) == most_of_artist:
            continue
        of_artist[artist] = of_artist.get(artist, 0) + 1
        ranked.append(column)
    return ranked


def _find_reasons(
    neighbours: Neighbours, weights: NDArray[np.float64], columns: list[int]
) -> list[tuple[int, int]]:
    """Return (own id that counts most, listeners of both) of each column."""
    by_column = neighbours.cosine.tocsc()
    counts = neighbours.together.tocsc()
    reasons: list[tuple[int, int]] = []
    for column in columns:
        entries = slice(by_column.indptr[column], by_column.indptr[column + 1])
        rows = by_column.indices[entries]
        most = int(np.argmax(by_column.data[entries] * weights[rows]))
        reasons.append((int(neighbours.own_ids[rows[most]]), int(counts.data[entries][most])))
    return reasons


def _describe(
    labels: Sequence[Sequence[str]],
    columns: list[int],
    reasons: Sequence[tuple[Song | Artist, int]],
) -> list[ToLookFor]:
    described = []
    for column, (because, n) in zip(columns, reasons, strict=True):
        mbid, title, artist_name, artist_mbid = labels[column]
        described.append(ToLookFor(mbid, title, artist_name, artist_mbid, n, because))
    return described
