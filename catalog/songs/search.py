"""Finding songs and artists: by words, genre, year and sound, the best match first."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from difflib import SequenceMatcher
from functools import reduce
from operator import and_
from typing import Any

from django.db import connection
from django.db.models import (
    Case,
    Count,
    Expression,
    F,
    IntegerField,
    OuterRef,
    Q,
    QuerySet,
    Subquery,
    TextField,
    Value,
    When,
)
from django.db.models.functions import Coalesce, Concat
from django.db.models.lookups import Contains

from catalog.names.text import MAX_QUERY_WORDS, list_query_words, normalise
from catalog.records import AUDIO_FEATURES
from catalog.songs import search_index
from catalog.songs.models import Artist, Song, build_visible

MAX_LENGTH = 200
_ALIKE = 0.72
"""How alike two words must be, as a share of their letters, for one to be meant by the other."""
_N_CANDIDATES = 200


@dataclass(frozen=True)
class SongSearch:
    """Search conditions; without any, all available songs match.

    `features` maps an audio feature to the lowest and highest value wanted; songs without that feature are not found
    by it.
    """

    words: str = ""
    genre_id: int | None = None
    year_from: int | None = None
    year_to: int | None = None
    features: Mapping[str, tuple[float, float]] = field(default_factory=dict)

    @property
    def is_empty(self) -> bool:
        return not (self.words or self.genre_id or self.year_from or self.year_to or self.features)


def search_songs(
    search: SongSearch,
    listener: Any,
    plays: QuerySet[Any] | None = None,
    popularity: QuerySet[Any] | Sequence[int] = (),
) -> QuerySet[Song]:
    """Return the songs offered to `listener` that match, ready for cards; evaluated lazily, so slice it.

    By words the best match comes first: the title itself, then names that begin with the words, then words that
    begin like them, then any. Among equals those of `plays` (rows of `song` with `n_plays`) come first that the
    listener played most, then those that most listeners played: `popularity` is rows, one a listener and song, or the
    most heard songs, the first ones first, of which only the order of size counts.
    """
    words = shorten_query(search.words)
    songs = match_songs(words, listener)
    if search.genre_id:
        songs = songs.filter(genres=search.genre_id)
    if search.year_from:
        songs = songs.filter(year__gte=search.year_from)
    if search.year_to:
        songs = songs.filter(year__lte=search.year_to)
    for name, (low, high) in search.features.items():
        if name not in AUDIO_FEATURES:
            raise ValueError(
                f"{name!r} is not an audio feature; they are {', '.join(AUDIO_FEATURES)}."
            )
        songs = songs.filter(**{f"{name}__range": (low, high)})
    if not words:
        return songs.order_by("id")
    ordered = songs.annotate(
        match=rate_match(normalise(words)),
        n_mine=Value(0) if plays is None else _count_mine(plays),
        n_listeners=(
            _count_rows(popularity, Count("pk"))
            if isinstance(popularity, QuerySet)
            else _rate_popularity(popularity)
        ),
    )
    return ordered.order_by("match", "-n_mine", "-n_listeners", "title", "id")


def match_songs(words: str, listener: Any) -> QuerySet[Song]:
    """Return the songs offered to `listener` whose title or artist contains every word, ready for cards."""
    return Song.objects.filter_offered(listener).matching(words).for_cards()


def find_similar_names(words: str, listener: Any, n: int = 8) -> list[Song]:
    """Return songs whose title or artist is written almost like the words, the most alike first.

    Needs the kept index; without it, nothing is found.
    """
    text = " ".join(list_query_words(shorten_query(words)))
    rated = [
        (_rate_likeness(text, song.search_text), song) for song in _find_candidates(text, listener)
    ]
    alike = sorted(
        (pair for pair in rated if pair[0] >= _ALIKE), key=lambda pair: (-pair[0], pair[1].pk)
    )
    return [song for _likeness, song in alike[:n]]


def search_artists(words: str, listener: Any, n: int = 12) -> list[Artist]:
    """Return artists whose name contains every word: the best match first, then those with most songs."""
    words = shorten_query(words)
    artists = Artist.objects.matching(words).annotate(match=rate_match(normalise(words)))
    counted = artists.annotate(n_songs=count_songs(listener)).filter(n_songs__gt=0)
    return list(counted.order_by("match", "-n_songs", "name")[:n])


def count_songs(listener: Any) -> Coalesce:
    """Return how many songs an artist has that `listener` may see, to annotate artists with."""
    of_artist = Song.objects.filter(build_visible(listener), artist=OuterRef("pk")).order_by()
    return Coalesce(Subquery(of_artist.values("artist").values(n=Count("pk"))), 0)


def shorten_query(words: str) -> str:
    """Return the query cut to the length and number of words that a search uses."""
    return " ".join(words[:MAX_LENGTH].replace("\x00", " ").split()[:MAX_QUERY_WORDS])


# --- Order ------------------------------------------------------------------------------------------------------------


def rate_match(text: str) -> Case:
    """Return 0 for a name that is the text or begins with it as a whole word, up to 4 for one that only contains it."""
    spaced = Concat(Value(" "), F("search_text"), output_field=TextField())
    words = [Q(Contains(spaced, f" {word}")) for word in list_query_words(text)]
    return Case(
        When(Q(search_text=text) | Q(search_text__startswith=f"{text} "), then=Value(0)),
        When(search_text__startswith=text, then=Value(1)),
        When(Q(Contains(spaced, f" {text}")), then=Value(2)),
        When(reduce(and_, words, Q()), then=Value(3)),
        default=Value(4),
        output_field=IntegerField(),
    )


def _count_mine(plays: QuerySet[Any]) -> Case:
    """Return the listener's plays as a column; only songs among them are looked up one by one."""
    number = _count_rows(plays, F("n_plays"))
    return Case(When(pk__in=plays.order_by().values("song"), then=number), default=Value(0))


def _count_rows(rows: QuerySet[Any], number: Expression | F) -> Coalesce:
    """Return what `rows` say about a song as a column; 0 where they say nothing."""
    of_song = rows.filter(song=OuterRef("pk")).order_by().values("song").annotate(number=number)
    return Coalesce(Subquery(of_song.values("number")[:1]), Value(0), output_field=IntegerField())


def _rate_popularity(most_heard: Sequence[int]) -> Case | Value:
    """Return a number that is higher for the first ten songs than for the first hundred, and so on."""
    if not most_heard:
        return Value(0)
    steps = [size for size in (10, 100, 1_000) if size < len(most_heard)] + [len(most_heard)]
    return Case(
        *(When(pk__in=most_heard[:size], then=Value(-size)) for size in steps),
        default=Value(-len(most_heard) - 1),
        output_field=IntegerField(),
    )


# --- Names written almost alike ---------------------------------------------------------------------------------------


def _find_candidates(text: str, listener: Any) -> list[Song]:
    """Return songs that share runs of three letters with the text, those with most of them first."""
    trigrams = search_index.list_trigrams(text)
    if not trigrams or not search_index.has_index():
        return []
    songs = Song.objects.filter_offered(listener).for_cards()
    if connection.vendor == "sqlite":
        matching = (
            "SELECT rowid FROM catalog_song_search WHERE catalog_song_search MATCH %s "
            "ORDER BY rank LIMIT %s"
        )
        values: list[Any] = [search_index.quote_for_match(trigrams, "OR"), _N_CANDIDATES]
    else:
        matching = (
            "SELECT id FROM catalog_song WHERE %s <%% search_text "
            "ORDER BY word_similarity(%s, search_text) DESC LIMIT %s"
        )
        values = [text, text, _N_CANDIDATES]
    with connection.cursor() as cursor:
        cursor.execute(matching, values)
        ids = [pk for (pk,) in cursor.fetchall()]
    return list(songs.filter(pk__in=ids))


def _rate_likeness(text: str, search_text: str) -> float:
    """Return how alike the least alike word of `text` is to a word of the other, 0 to 1."""
    words = search_text.split()
    return min(
        (max(SequenceMatcher(None, one, word).ratio() for word in words) for one in text.split()),
        default=0.0,
    )
