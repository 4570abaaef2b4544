"""The parts of a listener's taste: songs of the history that belong together, found and named."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from django.db.models import Count, Q, Sum
from numpy.typing import NDArray

from accounts.models import User
from catalog.models import AUDIO_FEATURES, Interaction, Song
from recommendations.engine import clustering
from recommendations.services.lists.listener_context import ListenerContext
from recommendations.services.preferences import feature_chart, taste_parts

N_SHOWN = 4

_N_LOOKED_AT = 12
"""So many of the first songs of a part are looked at for their pictures: those of one album share one."""

NORMAL = ""

_SONGS_A_QUERY = 5000

_LATEST_PLAYS = 20_000

_DESCRIBED = 0.5
"""With genres or audio features of fewer of the songs, artists that are played together make the parts."""

_CROWD = 0.2
"""From this much of a crowd on, what a model learned from listeners says which artists belong together."""

_SECOND_GENRE = 0.25
"""A part is named by a second genre that is so much of the first."""


@dataclass(frozen=True)
class Cluster:
    """A part of a listener's history. `key` is the id of its most typical song; `share` is of all plays.

    `shares_genre`: another part has the same genres, so the name says an artist, too.
    """

    key: int
    song_ids: tuple[int, ...]
    share: float
    artists: tuple[str, ...]
    genres: tuple[str, ...]
    means: Mapping[str, float | None]
    mood: str
    songs: tuple[Song, ...] = ()
    shares_genre: bool = False

    @property
    def percent(self) -> int:
        return round(100 * self.share)

    @property
    def name(self) -> str:
        if self.shares_genre:
            return " · ".join((*self.genres[:1], *self.artists[:1]))
        return " · ".join(self.genres[:2] or self.artists[:2])

    @property
    def chart(self) -> feature_chart.Chart | None:
        return feature_chart.chart_means(self.means)


@dataclass(frozen=True)
class _Described:
    """How much of a history each artist and each genre is."""

    weight: float
    artists: Counter[str]
    genres: Counter[str]

    @classmethod
    def describe(cls, heard: Sequence["_Heard"], songs: Mapping[int, "_KnownSong"]) -> "_Described":
        artists: Counter[str] = Counter()
        genres: Counter[str] = Counter()
        for one in heard:
            artists[songs[one.song_id].artist] += round(one.weight)
            genres.update(dict.fromkeys(songs[one.song_id].genres, round(one.weight)))
        return cls(sum(one.weight for one in heard), artists, genres)


@dataclass(frozen=True)
class _KnownSong:
    """What clustering needs of a song."""

    pk: int
    artist: str
    features: list[float | None]
    genres: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class _Heard:
    """One song of the history with its weight: plays, and a like counts as some more."""

    song_id: int
    weight: float


def find_clusters(
    listener: User,
    until: Any = None,
    context: ListenerContext | None = None,
    *,
    with_songs: bool = True,
) -> list[Cluster]:
    """Group what the listener played and liked (before `until`), largest group first.

    Six queries, less what `context` holds already; without `songs` two less.
    """
    context = context or ListenerContext(listener)
    heard = _load_heard_songs(listener, until)
    songs_by_id = _read_songs([one.song_id for one in heard])
    heard = [one for one in heard if one.song_id in songs_by_id]
    if not heard:
        return []
    weights = np.array([one.weight for one in heard], dtype=np.float32)
    songs = [songs_by_id[one.song_id] for one in heard]
    artists = taste_parts.number_artists([song.artist for song in songs])
    vectors = (
        _build_vectors(songs, context)
        if _is_described(songs)
        else _build_artist_vectors(songs, artists, listener, context)
    )
    labels = taste_parts.cut_parts(vectors, weights, artists)
    moods = context.mood_by_song
    groups = [np.flatnonzero(labels == label) for label in range(labels.max() + 1)]
    everything = _Described.describe(heard, songs_by_id)
    unnamed = [
        _describe_cluster(
            [heard[row] for row in rows], vectors[rows], songs_by_id, everything, moods
        )
        for rows in groups
    ]
    n_named = Counter(cluster.name for cluster in unnamed)
    unnamed = [
        replace(cluster, shares_genre=bool(cluster.genres) and n_named[cluster.name] > 1)
        for cluster in unnamed
    ]
    if not with_songs:
        return unnamed
    first_ids = [cluster.song_ids[:_N_LOOKED_AT] for cluster in unnamed]
    shown = Song.objects.for_cards().in_bulk([pk for ids in first_ids for pk in ids])
    firsts = _choose_pictures([[shown[pk] for pk in ids if pk in shown] for ids in first_ids])
    return [
        replace(cluster, songs=tuple(songs)) for cluster, songs in zip(unnamed, firsts, strict=True)
    ]


def _choose_pictures(groups: Sequence[Sequence[Song]]) -> list[list[Song]]:
    """Return up to four songs of each group that look different: of artists that it has not shown yet first.

    Before that come pictures that no group before has.
    """
    chosen: list[list[Song]] = []
    used: set[object] = set()
    for songs in groups:
        artists: dict[int, Song] = {}
        for song in songs:
            artists.setdefault(song.artist_id, song)
        by_look: dict[object, Song] = {}
        for song in [*artists.values(), *songs]:
            by_look.setdefault(_get_look(song), song)
        looks = sorted(by_look, key=used.__contains__)[:N_SHOWN]
        used.update(looks)
        chosen.append([by_look[look] for look in looks])
    return chosen


def _get_look(song: Song) -> object:
    """Return what songs have in common whose pictures look the same: drawn ones differ little by the sound."""
    return song.cover_tag or (song.artist_id, song.album_id or song.title)


def _read_songs(song_ids: Sequence[int]) -> dict[int, _KnownSong]:
    """Read what clustering needs of the songs, without making a model of each; two queries for every 5,000 songs."""
    songs: dict[int, _KnownSong] = {}
    for start in range(0, len(song_ids), _SONGS_A_QUERY):
        batch = song_ids[start : start + _SONGS_A_QUERY]
        rows = Song.objects.filter(pk__in=batch).values_list("pk", "artist__name", *AUDIO_FEATURES)
        songs |= {pk: _KnownSong(pk, artist, features) for pk, artist, *features in rows}
        for song_id, genre in Song.genres.through.objects.filter(song__in=batch).values_list(
            "song_id", "genre__name"
        ):
            songs[song_id].genres.append(genre)
    return songs


def _load_heard_songs(listener: User, until: Any) -> list[_Heard]:
    events = Interaction.objects.for_listener(listener).filter(
        kind__in=[Interaction.Kind.PLAY, Interaction.Kind.LIKE]
    )
    if until is not None:
        events = events.filter(Q(occurred_at__lt=until) | Q(occurred_at=None))
    rows = events.values("song_id").annotate(
        n=Sum("plays", filter=Q(kind=Interaction.Kind.PLAY), default=0),
        liked=Count("pk", filter=Q(kind=Interaction.Kind.LIKE)),
    )
    return [
        _Heard(row["song_id"], float(row["n"] + 3 * row["liked"]))
        for row in rows.order_by("song_id")
    ]


def _is_described(songs: Sequence[_KnownSong]) -> bool:
    """Return whether most songs have a genre or an audio feature."""
    n_described = sum(
        bool(song.genres) or any(value is not None for value in song.features) for song in songs
    )
    return n_described >= _DESCRIBED * len(songs)


def _build_artist_vectors(
    songs: Sequence[_KnownSong],
    artists: NDArray[np.intp],
    listener: User,
    context: ListenerContext,
) -> NDArray[np.float32]:
    """Return what the songs' artists are played with: by the listener day by day, and by a crowd; one query."""
    number = dict(zip((song.pk for song in songs), artists.tolist(), strict=True))
    plays = Interaction.objects.for_listener(listener).filter(
        kind=Interaction.Kind.PLAY, occurred_at__isnull=False
    )
    latest = plays.order_by("-occurred_at").values_list("song_id", "occurred_at")[:_LATEST_PLAYS]
    days = [(number[pk], moment.toordinal()) for pk, moment in latest if moment and pk in number]
    learned = np.zeros((len(songs), 0), dtype=np.float32)
    if context.serving is not None:
        crowd = context.serving[1].metadata.get("crowd", {})
        if crowd.get("say", 0) >= _CROWD:
            learned = _build_vectors(songs, context)
    return taste_parts.build_artist_vectors(artists, days, learned)


def _build_vectors(songs: Sequence[_KnownSong], context: ListenerContext) -> NDArray[np.float32]:
    """Return what the model learned about the songs, or their audio features where there is no model."""
    if context.serving is not None:
        _version, recommender = context.serving
        rows = recommender.items.rows(np.array([song.pk for song in songs], dtype=np.int64))
        vector_rows = np.where(rows >= 0, rows, 0)
        return np.where((rows >= 0)[:, None], recommender.item_vectors(vector_rows), 0).astype(
            np.float32
        )
    return np.array(
        [
            [
                feature_chart.scale_feature(*pair) - 0.5
                for pair in zip(AUDIO_FEATURES, song.features, strict=True)
            ]
            for song in songs
        ],
        dtype=np.float32,
    )


def _describe_cluster(
    heard: list[_Heard],
    vectors: NDArray[np.float32],
    songs: Mapping[int, _KnownSong],
    everything: _Described,
    moods: Mapping[int, str],
) -> Cluster:
    weights = np.array([one.weight for one in heard], dtype=np.float32)
    ordered = [heard[row].song_id for row in np.argsort(-weights, kind="stable")]
    mine = [songs[song_id] for song_id in ordered]
    n_moods = Counter(moods.get(song_id, NORMAL) for song_id in ordered)
    described = _Described.describe(heard, songs)
    return Cluster(
        key=heard[clustering.find_medoid(vectors, weights)].song_id,
        song_ids=tuple(ordered),
        share=described.weight / max(everything.weight, 1e-9),
        artists=_order_telling(described.artists, everything.artists)[:3],
        genres=_name_genres(described, everything),
        means={name: _average_feature(mine, column) for column, name in enumerate(AUDIO_FEATURES)},
        mood=n_moods.most_common(1)[0][0],
    )


def _name_genres(here: _Described, everything: _Described) -> tuple[str, ...]:
    """Return the most telling genre, and a second one that is much of the part, too."""
    genres = _order_telling(here.genres, everything.genres)[:2]
    is_minor = len(genres) > 1 and here.genres[genres[1]] < _SECOND_GENRE * here.genres[genres[0]]
    return genres[:1] if is_minor else genres


def _order_telling(here: Counter[str], everywhere: Counter[str]) -> tuple[str, ...]:
    """Order names by how much they are of this part, and how much of them is in it: so parts get names of their own."""
    return tuple(
        sorted(here, key=lambda name: (-(here[name] ** 2) / max(everywhere[name], 1), name))
    )


def _average_feature(songs: Sequence[_KnownSong], feature: int) -> float | None:
    values = [value for song in songs if (value := song.features[feature]) is not None]
    return sum(values) / len(values) if values else None
