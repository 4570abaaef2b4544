"""What a request needs to know before it makes lists: the listener and the serving model, each read at most once."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Any, NamedTuple

from django.db.models import Count, Max, Q, Sum

from catalog.models import Artist, ArtistCredit, Genre, Interaction, Song
from recommendations.engine import History, Recommender
from recommendations.models import ListenerControl, ListenerState, ModelVersion, Taste
from recommendations.services.versions import registry

# Which songs count differently: (not learned from, counted more).
Moods = tuple[frozenset[int], frozenset[int]]


class HistoryRow(NamedTuple):
    """One row of a history."""

    song_id: int
    kind: int
    plays: int
    played_ms: int | None
    duration_ms: int | None
    occurred_at: object


class HeardSong(NamedTuple):
    """What a listener did with one song: `opinion` is "like", "dislike" or empty."""

    artist_id: int
    n_plays: int
    opinion: str
    opinion_at: datetime | None
    last_played: datetime | None

    @property
    def is_positive(self) -> bool:
        return self.n_plays > 0 or self.opinion == "like"

    @property
    def last_positive(self) -> datetime | None:
        """When it was last played or liked, as far as that is known."""
        liked = self.opinion_at if self.opinion == "like" else None
        return max((at for at in (self.last_played, liked) if at is not None), default=None)


@dataclass(frozen=True)
class Unwanted:
    """What one listener disliked, hid or does not want to be learned from, and may not see.

    Songs that another listener's plays alone brought are not allowed; `listener_id` says whose own ones are.
    """

    song_ids: frozenset[int] = frozenset()
    artist_ids: frozenset[int] = frozenset()
    listener_id: int | None = None

    def allows(self, song: Song) -> bool:
        return (
            song.pk not in self.song_ids
            and song.artist_id not in self.artist_ids
            and song.brought_by_id in (None, self.listener_id)
        )


@dataclass(frozen=True)
class Picks:
    """What somebody without a history says they like."""

    songs: Sequence[Song] = ()
    artists: Sequence[Artist] = ()
    genres: Sequence[Genre] = ()

    def __bool__(self) -> bool:
        return bool(self.songs or self.artists or self.genres)


class ListenerContext:
    """Reads on demand and remembers; it is made for one request and thrown away with it.

    `in_rows` is the history as recommenders want it, by recommender: a page of several lists makes it once.
    """

    def __init__(self, listener: Any = None) -> None:
        """Make the context of a listener; None is somebody without an account."""
        self.listener = self._listener = listener
        self.in_rows: dict[Recommender, History] = {}

    @classmethod
    def about_music(cls, listener: Any) -> "ListenerContext":
        """Return the context of what is about a song or an artist: dislikes don't matter, only what one may see."""
        context = cls(listener if getattr(listener, "pk", None) else None)
        context.unwanted = Unwanted(listener_id=context.listener_id)
        return context

    @property
    def listener_id(self) -> int | None:
        return None if self._listener is None else self._listener.pk

    def without_listener(self) -> "ListenerContext":
        """Return the context of nobody in particular, for what is the same for everybody."""
        nobody = ListenerContext()
        if "serving" in vars(self):
            nobody.serving = self.serving
        return nobody

    @cached_property
    def serving(self) -> tuple[ModelVersion, Recommender] | None:
        """The version that serves, loaded; one query."""
        return registry.load_serving_recommender()

    @cached_property
    def generation(self) -> int:
        """How often the listener's history or controls have changed; one query."""
        states = ListenerState.objects.filter(listener_id=self._listener.pk)
        return states.values_list("generation", flat=True).first() or 0

    @cached_property
    def taste(self) -> Taste | None:
        """The taste as the listener set it, None when they never did; one query."""
        return Taste.objects.filter(listener=self._listener).first()

    @cached_property
    def _controls(self) -> list[tuple[int | None, int | None, str]]:
        if self._listener is None:
            return []
        controls = ListenerControl.objects.filter(listener=self._listener)
        return list(controls.values_list("song_id", "artist_id", "kind"))

    @cached_property
    def history(self) -> list[HistoryRow]:
        """Everything the listener did; one query."""
        columns = ("song_id", "kind", "plays", "played_ms", "song__duration_ms", "occurred_at")
        return [
            HistoryRow(*row)
            for row in Interaction.objects.for_listener(self._listener).values_list(*columns)
        ]

    @cached_property
    def heard(self) -> dict[int, HeardSong]:
        """What the listener did, summed up by song; one query, much shorter than the history."""
        kinds = Interaction.Kind
        rows = (
            Interaction.objects.for_listener(self._listener)
            .order_by()
            .values_list("song_id", "song__artist_id")
            .annotate(
                n_plays=Sum("plays", filter=Q(kind=kinds.PLAY), default=0),
                n_likes=Count("pk", filter=Q(kind=kinds.LIKE)),
                n_dislikes=Count("pk", filter=Q(kind=kinds.DISLIKE)),
                opinion_at=Max("occurred_at", filter=Q(kind__in=[kinds.LIKE, kinds.DISLIKE])),
                last_played=Max("occurred_at", filter=Q(kind=kinds.PLAY)),
            )
        )
        return {
            song_id: HeardSong(
                artist_id,
                n_plays,
                "like" if likes else "dislike" if dislikes else "",
                opinion_at,
                last,
            )
            for song_id, artist_id, n_plays, likes, dislikes, opinion_at, last in rows
        }

    @cached_property
    def picks(self) -> Picks:
        """Return what the listener picked at the start or since; five queries, one where there is nothing."""
        taste = self.taste
        if taste is None:
            return Picks()
        songs = taste.songs.filter_offered(self._listener).for_cards()
        return Picks(tuple(songs), tuple(taste.artists.all()), tuple(taste.genres.all()))

    @cached_property
    def picked_song_ids(self) -> list[int]:
        """Return the ids of the picked songs; one query."""
        if "taste" in vars(self) and self.taste is None:
            return []
        return list(
            Taste.songs.through.objects.filter(taste=self._listener.pk).values_list(
                "song_id", flat=True
            )
        )

    @cached_property
    def unwanted(self) -> Unwanted:
        """What must not be recommended; the dislikes are taken from the history when that was read already."""
        controls = [
            (song, artist)
            for song, artist, kind in self._controls
            if kind in ListenerControl.NOT_OFFERED
        ]
        artist_ids = frozenset(artist for _, artist in controls if artist)
        return Unwanted(
            song_ids=frozenset(self._list_disliked())
            | {song for song, _ in controls if song}
            | _find_credited_songs(artist_ids),
            artist_ids=artist_ids,
            listener_id=self.listener_id,
        )

    @cached_property
    def moods(self) -> Moods:
        """Which songs the listener wants left out and which counted more."""
        boosted = frozenset(
            song
            for song, _, kind in self._controls
            if song and kind == ListenerControl.Kind.BOOST_SONG
        )
        left_out = frozenset(
            song
            for song, _, kind in self._controls
            if song and kind in ListenerControl.NOT_LEARNED_FROM
        )
        return left_out, boosted

    @cached_property
    def mood_by_song(self) -> dict[int, str]:
        """How the listener wants each song of a part of their taste to count."""
        return {
            song: kind for song, _, kind in self._controls if song and kind in ListenerControl.MOODS
        }

    def _list_disliked(self) -> list[int]:
        if self._listener is None:
            return []
        if "heard" in vars(self):
            return [song_id for song_id, one in self.heard.items() if one.opinion == "dislike"]
        if "history" in vars(self):
            return [fact.song_id for fact in self.history if fact.kind == Interaction.Kind.DISLIKE]
        return list(
            Interaction.objects.for_listener(self._listener)
            .dislikes()
            .values_list("song_id", flat=True)
        )


def _find_credited_songs(artist_ids: frozenset[int]) -> frozenset[int]:
    """Return the songs that name one of the artists beside their main one; no query without artists."""
    if not artist_ids:
        return frozenset()
    credits = ArtistCredit.objects.filter(artist__in=artist_ids)
    return frozenset(credits.values_list("song_id", flat=True))
