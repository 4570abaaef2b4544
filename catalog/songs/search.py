"""Finding songs and artists: by words, genre, year and sound."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from django.db.models import Count, QuerySet

from catalog.songs.models import AUDIO_FEATURES, Artist, Genre, Song

MAX_WORDS = 8
MAX_LENGTH = 200


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


def search_songs(search: SongSearch) -> QuerySet[Song]:
    """Return the available songs that match, ready for cards; evaluated lazily, so slice it."""
    songs = Song.objects.available().matching(shorten_query(search.words))
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
    return (
        songs.for_cards().order_by("title", "id")
        if search.words
        else songs.for_cards().order_by("id")
    )


def search_artists(words: str, n: int = 12) -> list[Artist]:
    """Return artists whose name contains every word, those with most songs first."""
    artists = Artist.objects.matching(shorten_query(words))
    return list(
        artists.annotate(n_songs=Count("songs"))
        .filter(n_songs__gt=0)
        .order_by("-n_songs", "name")[:n]
    )


def find_used_genres() -> list[Genre]:
    """Return the genres that have songs, by name; one query."""
    return list(Genre.objects.filter(songs__isnull=False).distinct().order_by("name")[:200])


def shorten_query(words: str) -> str:
    """Return the query cut to the length and number of words that a search uses."""
    return " ".join(words[:MAX_LENGTH].replace("\x00", " ").split()[:MAX_WORDS])
