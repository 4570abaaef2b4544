"""What the statements about a list are checked against, read from the database before anything is said."""

from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from django.db.models import Count, Q, QuerySet

from catalog.models import Genre, Interaction, Song
from recommendations.engine import Content, Explanation
from recommendations.services.lists.listener_context import ListenerContext, Picks

LEAST_CROWD = 3
"""Fewer listeners than these are never called popular, trending or alike."""
AUDIO, ARTIST, GENRE = "audio", "artist", "genre"
N_COMPARED_LISTENERS = 2000
"""So many listeners of a song are looked at for what else they play: bounds the query for a hit."""

# Components whose share claims something about artist, genre or sound.
_LIKENESS = {"content", "artist", "genre", "audio"}


class Explained(NamedTuple):
    """A song with its explanation, where it is not part of a served list."""

    song: Song
    explanation: Explanation


@dataclass(frozen=True)
class Facts:
    """What is true for one listener and the songs of some lists.

    Attributes
    ----------
    named
        The songs that explanations name, by id.
    artist_ids, genre_ids
        Artists and genres of songs that the listener played or liked; a genre with how many of these songs.
    artist_songs, artist_played
        How many songs of each of these artists the listener played or liked, and how many of them they played.
    played_genre_ids
        Those of `genre_ids` of which something was played.
    picked_artist_ids, picked_genre_ids
        What a listener without a history, or a visitor, picked.
    picked_song_ids
        Songs that a visitor picked; None for a listener, whose history holds every named song.
    content
        What the model's content component compares: of audio, artist and genre.
    n_others
        How many other listeners played or liked a song, for songs that neighbours spoke for.
    n_shared
        How many listeners played or liked both a song and the one it is compared with.
    """

    named: Mapping[Any, Song] = field(default_factory=dict)
    artist_ids: Collection[int] = frozenset()
    artist_songs: Mapping[int, int] = field(default_factory=dict)
    genre_ids: Mapping[int, int] = field(default_factory=dict)
    artist_played: Mapping[int, int] = field(default_factory=dict)
    played_genre_ids: Collection[int] = frozenset()
    picked_artist_ids: Collection[int] = frozenset()
    picked_genre_ids: Collection[int] = frozenset()
    artist_ids_of_picks: Collection[int] = frozenset()
    genre_ids_of_picks: Collection[int] = frozenset()
    picked_song_ids: Collection[int] | None = None
    content: Collection[str] = frozenset()
    n_others: Mapping[int, int] = field(default_factory=dict)
    n_shared: Mapping[int, int] = field(default_factory=dict)

    def find_shared_genre(self, song: Song) -> Genre | None:
        """Return the genre of `song` that the listener plays most, or that was picked."""
        genres = list(song.genres.all())
        played = [genre for genre in genres if genre.pk in self.genre_ids]
        if played:
            return max(played, key=lambda genre: (self.genre_ids[genre.pk], -genre.pk))
        picked = (self.picked_genre_ids, self.genre_ids_of_picks)
        return next((genre for ids in picked for genre in genres if genre.pk in ids), None)

    def is_known_artist(self, song: Song) -> bool:
        ids_by_origin = (self.artist_ids, self.picked_artist_ids, self.artist_ids_of_picks)
        return any(song.artist_id in ids for ids in ids_by_origin)


def read_facts(
    listener: Any,
    items: Iterable[Any],
    *,
    about: Song | None = None,
    context: ListenerContext | None = None,
    songs: Mapping[int, Song] | None = None,
) -> Facts:
    """Read what statements about served songs need; at most seven queries, fewer where nothing is claimed.

    Parameters
    ----------
    items
        Anything with a `song`, whose genres are prefetched, and an `explanation`.
    about
        The song that all of them are compared with.
    context
        What was read of the listener already.
    songs
        Every song that the explanations name, where the caller has read them.
    """
    items = list(items)
    context = context or ListenerContext(listener)
    explanations = [item.explanation for item in items]
    named = load_named_songs(explanations) if songs is None else songs
    claims_likeness = any(_LIKENESS & set(one.shares) for one in explanations)
    facts: dict[str, Any] = {
        "named": named,
        "content": read_content_parts(context) if claims_likeness else frozenset(),
    }
    if about is not None:
        return Facts(**facts, n_shared=count_shared(about.pk, [item.song.pk for item in items]))
    if getattr(listener, "personalised", False) and any(one.shares for one in explanations):
        facts |= _read_taste(context, [item.song for item in items])
        facts["n_others"] = _count_others(listener, items)
    return Facts(**facts)


def read_facts_of_picks(items: Iterable[Any], picks: Picks) -> Facts:
    """Read the facts for a visitor, who has picks and no history; two queries."""
    return Facts(
        named=load_named_songs(item.explanation for item in items),
        picked_artist_ids={artist.pk for artist in picks.artists},
        picked_genre_ids={genre.pk for genre in picks.genres},
        artist_ids_of_picks={song.artist_id for song in picks.songs},
        genre_ids_of_picks={genre.pk for song in picks.songs for genre in song.genres.all()},
        picked_song_ids={song.pk for song in picks.songs},
        content=read_content_parts(ListenerContext()),
    )


def load_named_songs(explanations: Iterable[Explanation]) -> dict[int, Song]:
    """Return every song that the explanations name, by id, with its artist; one query."""
    ids = {evidence.item_id for explanation in explanations for evidence in explanation.named}
    return Song.objects.select_related("artist").in_bulk(ids) if ids else {}


def read_content_parts(context: ListenerContext) -> frozenset[str]:
    """Return what the serving model's content component compares."""
    serving = context.serving
    content = serving[1].algorithms.get("content") if serving else None
    if not isinstance(content, Content):
        return frozenset({AUDIO, ARTIST, GENRE})
    is_compared = {AUDIO: content.has_audio_, ARTIST: content.artist > 0, GENRE: content.genre > 0}
    return frozenset(name for name, is_used in is_compared.items() if is_used)


def _read_taste(context: ListenerContext, songs: Iterable[Song]) -> dict[str, Any]:
    """Return which artists and genres of the songs the listener plays, or picked while they play none."""
    artist_ids = {song.artist_id for song in songs}
    genre_ids = {genre.pk for song in songs for genre in song.genres.all()}
    heard = Interaction.objects.for_listener(context.listener).filter(
        kind__in=[Interaction.Kind.PLAY, Interaction.Kind.LIKE]
    )
    counts, played = _count_artist_songs(context, heard, artist_ids)
    facts: dict[str, Any] = {
        "artist_ids": set(counts),
        "artist_songs": counts,
        "artist_played": played,
    }
    if genre_ids:
        by_genre = heard.filter(song__genres__in=genre_ids).values_list("song__genres")
        rows = list(by_genre.annotate(**_N_SONGS))
        facts["genre_ids"] = {genre_id: n for genre_id, n, _n_played in rows}
        facts["played_genre_ids"] = {genre_id for genre_id, _n, n_played in rows if n_played}
    if not facts["artist_ids"] and not facts.get("genre_ids") and not heard.exists():
        taste = context.taste
        if taste is not None:
            facts["picked_artist_ids"] = set(taste.artists.values_list("pk", flat=True))
            facts["picked_genre_ids"] = set(taste.genres.values_list("pk", flat=True))
            facts["picked_song_ids"] = set(taste.songs.values_list("pk", flat=True))
            songs = taste.songs.prefetch_related("genres")
            facts["artist_ids_of_picks"] = {song.artist_id for song in songs}
            facts["genre_ids_of_picks"] = {
                genre.pk for song in songs for genre in song.genres.all()
            }
    return facts


_N_SONGS = {
    "n": Count("song_id", distinct=True),
    "n_played": Count("song_id", distinct=True, filter=Q(kind=Interaction.Kind.PLAY)),
}
"""How many songs were played or liked, and how many played."""


def _count_artist_songs(
    context: ListenerContext, heard: Any, artist_ids: Collection[int]
) -> tuple[dict[int, int], dict[int, int]]:
    """Count the songs of these artists that the listener played or liked, and those they played.

    No query where the page has read what was heard.
    """
    if "heard" in vars(context):
        mine = [one for one in context.heard.values() if one.artist_id in artist_ids]
        return (
            dict(Counter(one.artist_id for one in mine if one.is_positive)),
            dict(Counter(one.artist_id for one in mine if one.n_plays > 0)),
        )
    rows = heard.filter(song__artist_id__in=artist_ids).order_by().values_list("song__artist_id")
    counted = list(rows.annotate(**_N_SONGS))
    return (
        {artist_id: n for artist_id, n, _n_played in counted},
        {artist_id: n_played for artist_id, _n, n_played in counted if n_played},
    )


def _count_others(listener: Any, items: Iterable[Any]) -> dict[int, int]:
    """Count who else played or liked the songs that neighbours spoke for; popular ones are not counted again."""
    counts, unknown = {}, []
    for item in items:
        if "user_knn" in item.explanation.shares:
            note = item.explanation.popularity
            if note is not None and note.count > LEAST_CROWD:
                counts[item.song.pk] = note.count - 1
            else:
                unknown.append(item.song.pk)
    if unknown:
        rows = _keep_positive(unknown).exclude(listener=listener).values_list("song_id")
        counts |= dict(rows.annotate(n=Count("listener_id", distinct=True)))
    return counts


def count_shared(about_id: int, song_ids: Collection[int]) -> dict[int, int]:
    """Count the listeners of each song among at most 2,000 listeners of the song `about_id`; one query."""
    if not song_ids:
        return {}
    listeners = _keep_positive([about_id]).values_list("listener_id", flat=True).distinct()
    pairs = (
        _keep_positive({about_id, *song_ids})
        .filter(listener_id__in=listeners[:N_COMPARED_LISTENERS])
        .values_list("song_id", "listener_id")
        .distinct()
    )
    counts = Counter(song_id for song_id, _listener_id in pairs)
    if counts[about_id] < LEAST_CROWD:
        return {}
    return {song_id: counts[song_id] for song_id in song_ids if song_id in counts}


def _keep_positive(song_ids: Iterable[int]) -> QuerySet[Interaction]:
    return Interaction.objects.filter(
        song_id__in=song_ids, kind__in=[Interaction.Kind.PLAY, Interaction.Kind.LIKE]
    )
