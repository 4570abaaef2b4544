"""A listener's taste: what the recommender learned of it and what the listener set, and how they change it."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from django.db import transaction
from django.db.models import Count, Max, Q, Sum
from django.utils import timezone
from numpy.typing import NDArray

from accounts.models import User
from catalog.models import AUDIO_FEATURES, Artist, Genre, Interaction, Song
from recommendations.engine import clustering
from recommendations.models import ListenerControl, Taste
from recommendations.services.preferences import feature_chart, taste_parts
from recommendations.services.serving import history_loader, list_cache, list_request, recommend
from recommendations.services.serving.list_query import ListQuery, serve_list
from recommendations.services.serving.listener_context import ListenerContext, Moods, Picks
from recommendations.services.serving.served_list import Served

N_SHOWN = 4
N_PREVIEW = 12
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


def load_taste(listener: User) -> Taste:
    """Return the listener's taste; unsaved when they never set one."""
    return Taste.objects.filter(listener=listener).first() or Taste(listener=listener)


def clusters(
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
    songs_by_id = _known_songs([one.song_id for one in heard])
    heard = [one for one in heard if one.song_id in songs_by_id]
    if not heard:
        return []
    weights = np.array([one.weight for one in heard], dtype=np.float32)
    songs = [songs_by_id[one.song_id] for one in heard]
    artists = taste_parts.number_artists([song.artist for song in songs])
    vectors = (
        _vectors(songs, context)
        if _is_described(songs)
        else _vectors_by_artist(songs, artists, listener, context)
    )
    labels = taste_parts.cut_parts(vectors, weights, artists)
    moods = context.mood_by_song
    groups = [np.flatnonzero(labels == label) for label in range(labels.max() + 1)]
    everything = _Described.describe(heard, songs_by_id)
    unnamed = [
        _cluster([heard[row] for row in rows], vectors[rows], songs_by_id, everything, moods)
        for rows in groups
    ]
    n_named = Counter(cluster.name for cluster in unnamed)
    unnamed = [
        replace(cluster, shares_genre=bool(cluster.genres) and n_named[cluster.name] > 1)
        for cluster in unnamed
    ]
    if not with_songs:
        return unnamed
    shown = Song.objects.for_cards().in_bulk(
        [pk for cluster in unnamed for pk in cluster.song_ids[:N_SHOWN]]
    )
    return [
        replace(cluster, songs=tuple(shown[pk] for pk in cluster.song_ids[:N_SHOWN] if pk in shown))
        for cluster in unnamed
    ]


def _known_songs(song_ids: Sequence[int]) -> dict[int, _KnownSong]:
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


def _vectors_by_artist(
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
            learned = _vectors(songs, context)
    return taste_parts.build_artist_vectors(artists, days, learned)


def _vectors(songs: Sequence[_KnownSong], context: ListenerContext) -> NDArray[np.float32]:
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


def _cluster(
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
        artists=_telling(described.artists, everything.artists)[:3],
        genres=_name_genres(described, everything),
        means={name: _mean(mine, column) for column, name in enumerate(AUDIO_FEATURES)},
        mood=n_moods.most_common(1)[0][0],
    )


def _name_genres(here: _Described, everything: _Described) -> tuple[str, ...]:
    """Return the most telling genre, and a second one that is much of the part, too."""
    genres = _telling(here.genres, everything.genres)[:2]
    is_minor = len(genres) > 1 and here.genres[genres[1]] < _SECOND_GENRE * here.genres[genres[0]]
    return genres[:1] if is_minor else genres


def _telling(here: Counter[str], everywhere: Counter[str]) -> tuple[str, ...]:
    """Order names by how much they are of this part, and how much of them is in it: so parts get names of their own."""
    return tuple(
        sorted(here, key=lambda name: (-(here[name] ** 2) / max(everywhere[name], 1), name))
    )


def _mean(songs: Sequence[_KnownSong], feature: int) -> float | None:
    values = [value for song in songs if (value := song.features[feature]) is not None]
    return sum(values) / len(values) if values else None


# --- Changing it ------------------------------------------------------------------------------------------------------


def set_mood(listener: User, song_ids: Iterable[int], mood: str) -> None:
    """Mute or boost these songs of the history, say they weren't mine, or (with "") take either back."""
    if mood not in (NORMAL, *ListenerControl.MOODS):
        raise ValueError(f"{mood!r} is not a mood; they are {', '.join(ListenerControl.MOODS)}.")
    ids = list(song_ids)
    with transaction.atomic():
        list_cache.invalidate_lists([listener.pk])
        ListenerControl.objects.filter(
            listener=listener, song_id__in=ids, kind__in=ListenerControl.MOODS
        ).delete()
        if mood:
            ListenerControl.objects.bulk_create(
                [ListenerControl(listener=listener, song_id=pk, kind=mood) for pk in ids]
            )


def set_discovery(listener: User, discovery: float) -> float:
    """Store how adventurous lists shall be, 0 to 1; return what it was before."""
    if not 0 <= discovery <= 1:
        raise ValueError(f"Discovery is from 0 (familiar) to 1 (adventurous), not {discovery}.")
    with transaction.atomic():
        list_cache.invalidate_lists([listener.pk])
        taste, _is_new = Taste.objects.get_or_create(listener=listener)
        before, taste.discovery = taste.discovery, discovery
        taste.save(update_fields=["discovery"])
    return before


def set_rules(listener: User, values: Mapping[str, float | int | None]) -> None:
    """Store what the listener's lists have to keep; terms that are left out stay, None is as the operator sets it.

    Raises ValidationError of Django for a value out of range.
    """
    with transaction.atomic():
        list_cache.invalidate_lists([listener.pk])
        taste, _is_new = Taste.objects.get_or_create(listener=listener)
        for name, value in values.items():
            setattr(taste, name, value)
        taste.clean_fields(exclude=["listener"])
        taste.save(update_fields=list(values))


def set_picks(
    listener: User,
    *,
    songs: Iterable[Song] = (),
    artists: Iterable[Artist] = (),
    genres: Iterable[Genre] = (),
) -> Taste:
    """Store what somebody says they like, in place of what they said before. They are picks and no likes."""
    with transaction.atomic():
        taste = _mark_onboarded(listener)
        taste.songs.set(songs)
        taste.artists.set(artists)
        taste.genres.set(genres)
        list_cache.invalidate_lists([listener.pk])
    return taste


def like_artist(listener: User, artist: Artist) -> None:
    """Add an artist to what the listener says they like."""
    with transaction.atomic():
        Taste.objects.get_or_create(listener=listener)[0].artists.add(artist)
        list_cache.invalidate_lists([listener.pk])


def unlike_artist(listener: User, artist: Artist) -> None:
    """Take an artist out of what the listener says they like."""
    with transaction.atomic():
        Taste.objects.get_or_create(listener=listener)[0].artists.remove(artist)
        list_cache.invalidate_lists([listener.pk])


def likes_artist(listener: User, artist: Artist) -> bool:
    """Return whether the listener says they like an artist; one query."""
    return Taste.artists.through.objects.filter(taste_id=listener.pk, artist=artist).exists()


def skip_onboarding(listener: User) -> None:
    """Don't ask for picks again; those there are stay."""
    _mark_onboarded(listener)


def _mark_onboarded(listener: User) -> Taste:
    taste, _is_new = Taste.objects.get_or_create(listener=listener)
    taste.onboarded_at = timezone.now()
    taste.save(update_fields=["onboarded_at"])
    return taste


def preview(
    listener: User, discovery: float, moods: Mapping[int, str], picks: Picks | None = None
) -> Served:
    """Return the list as it would be; nothing is changed.

    `moods` by song id and `picks` replace all stored ones; without `picks` the stored ones count.
    """
    context = ListenerContext(listener)
    if picks is not None:
        context.picks = picks
        context.picked_song_ids = [song.pk for song in picks.songs]
    if context.serving is None:
        return recommend.recommend_songs(listener, discovery=discovery, context=context)
    version, recommender = context.serving
    n = list_request.limit_length(
        None
    )  # as on the home page: a shorter list is chosen for variety in another way
    history = history_loader.load_history(
        listener, recommender, _as_moods(listener, moods), context
    )
    varied = list_request.convert_discovery(discovery, recommender)
    query = ListQuery(
        version,
        recommender,
        n,
        lambda mask: recommender.recommend(history, n, exclude=mask, discovery=varied),
        exclude=list(moods),
    )
    return serve_list(query, context)


def _as_moods(listener: User, moods: Mapping[int, str]) -> Moods:
    ignored = ListenerControl.objects.filter(
        listener=listener, kind=ListenerControl.Kind.IGNORE_SONG
    )
    left_out = {
        song_id for song_id, mood in moods.items() if mood in ListenerControl.NOT_LEARNED_FROM
    }
    left_out |= set(ignored.values_list("song_id", flat=True))
    return frozenset(left_out), frozenset(
        s for s, mood in moods.items() if mood == ListenerControl.Kind.BOOST_SONG
    )


def count_knowledge(listener: User) -> dict[str, Any]:
    """Count what the recommender has to go by; one query."""
    kinds = Interaction.Kind
    return Interaction.objects.for_listener(listener).aggregate(
        plays=Sum("plays", filter=Q(kind=kinds.PLAY), default=0),
        likes=Count("pk", filter=Q(kind=kinds.LIKE)),
        dislikes=Count("pk", filter=Q(kind=kinds.DISLIKE)),
        skips=Count("pk", filter=Q(kind=kinds.SKIP)),
        songs=Count("song_id", distinct=True),
        latest=Max("occurred_at"),
    )
