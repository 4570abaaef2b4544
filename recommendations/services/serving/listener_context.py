"""What one listener did and wishes, read for one list: each table at most once, and only if it is asked for."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

from catalog.models import Artist, ArtistCredit, Genre, Interaction, Song
from recommendations.engine import History, Recommender
from recommendations.models import ListenerControl, Taste

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


@dataclass(frozen=True)
class Unwanted:
    """What one listener disliked, hid or does not want to be learned from."""

    song_ids: frozenset[int] = frozenset()
    artist_ids: frozenset[int] = frozenset()

    def allows(self, song: Song) -> bool:
        return song.pk not in self.song_ids and song.artist_id not in self.artist_ids


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

    def __init__(self, listener) -> None:
        self._listener = listener
        self.in_rows: dict[Recommender, History] = {}

    @cached_property
    def _wishes(self) -> list[tuple[int | None, int | None, str]]:
        wishes = ListenerControl.objects.filter(listener=self._listener)
        return list(wishes.values_list("song_id", "artist_id", "kind"))

    @cached_property
    def history(self) -> list[HistoryRow]:
        """Everything the listener did; one query."""
        columns = ("song_id", "kind", "plays", "played_ms", "song__duration_ms", "occurred_at")
        return [
            HistoryRow(*row)
            for row in Interaction.objects.for_listener(self._listener).values_list(*columns)
        ]

    @cached_property
    def picks(self) -> Picks:
        """Return what the listener picked at the start or since; five queries, one where there is nothing."""
        taste = Taste.objects.filter(listener=self._listener).first()
        if taste is None:
            return Picks()
        songs = taste.songs.available().for_cards()
        return Picks(tuple(songs), tuple(taste.artists.all()), tuple(taste.genres.all()))

    @cached_property
    def picked_song_ids(self) -> list[int]:
        """Return the ids of the picked songs; one query."""
        return list(
            Taste.songs.through.objects.filter(taste=self._listener.pk).values_list(
                "song_id", flat=True
            )
        )

    @cached_property
    def unwanted(self) -> Unwanted:
        """What must not be recommended; the dislikes are taken from the history when that was read already."""
        # A song not learned from is out of the history, so it would come back as if it were new.
        wishes = [
            (song, artist)
            for song, artist, kind in self._wishes
            if kind != ListenerControl.Kind.BOOST_SONG
        ]
        artist_ids = frozenset(artist for _, artist in wishes if artist)
        return Unwanted(
            song_ids=frozenset(self._disliked())
            | {song for song, _ in wishes if song}
            | _find_credited_songs(artist_ids),
            artist_ids=artist_ids,
        )

    @cached_property
    def moods(self) -> Moods:
        """Which songs the listener wants left out and which counted more."""
        boosted = frozenset(
            song
            for song, _, kind in self._wishes
            if song and kind == ListenerControl.Kind.BOOST_SONG
        )
        left_out = frozenset(
            song
            for song, _, kind in self._wishes
            if song and kind in ListenerControl.NOT_LEARNED_FROM
        )
        return left_out, boosted

    def _disliked(self) -> list[int]:
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
