"""Albums as pages show them: songs in order, albums of an artist, search, and each one's picture."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from django.db.models import Count, F, Min, Q, QuerySet

from catalog.names.text import normalise
from catalog.songs.models import Album, Artist, Song, build_visible
from catalog.songs.search import rate_match, shorten_query

MOST_ALBUMS = 60


@dataclass(frozen=True)
class ShownAlbum:
    """An album with the song whose picture is shown for it."""

    album: Album
    song: Song
    n_songs: int
    year: int | None


def list_album_songs(album: Album, listener: Any) -> QuerySet[Song]:
    """Return the songs of an album that are offered to `listener` in its order; those without a number come last."""
    return (
        Song.objects.filter_offered(listener)
        .filter(album=album)
        .for_cards()
        .order_by(
            F("disc_number").asc(nulls_first=True),
            F("track_number").asc(nulls_last=True),
            "title",
            "pk",
        )
    )


def list_artist_albums(artist: Artist, listener: Any, n: int = MOST_ALBUMS) -> list[ShownAlbum]:
    """Return the albums that are the artist's or hold songs of theirs, newest first; four queries."""
    own = Album.objects.filter(artist=artist).order_by().values_list("pk")
    songs = Song.objects.filter(artist=artist, album__isnull=False).order_by()
    return _show(
        Album.objects.filter(pk__in=[pk for (pk,) in own.union(songs.values_list("album"))]),
        listener,
        n,
    )


def search_albums(words: str, listener: Any, n: int = 12) -> list[ShownAlbum]:
    """Return albums whose title or artist contains every word: the best match of the title first."""
    text = normalise(shorten_query(words))
    matching_ids = Album.objects.matching(text).order_by().values("pk")
    return _show(
        Album.objects.filter(pk__in=matching_ids).annotate(match=rate_match(text)),
        listener,
        n,
        "match",
    )


def _show(albums: QuerySet[Album], listener: Any, n: int, *order: str) -> list[ShownAlbum]:
    available = Q(songs__is_available=True) & build_visible(listener, "songs__")
    counted = (
        albums.annotate(
            n_songs=Count("songs", filter=available),
            first_year=Min("songs__year", filter=available),
            first_song=Min("songs__pk", filter=available),
        )
        .filter(n_songs__gt=0)
        .select_related("artist")
        .order_by(*order, F("first_year").desc(nulls_last=True), "title", "pk")[:n]
    )
    shown = list(counted)
    songs = _load_cover_songs(album.first_song for album in shown)
    return [
        ShownAlbum(album, songs[album.first_song], album.n_songs, album.year or album.first_year)
        for album in shown
        if album.first_song in songs
    ]


def _load_cover_songs(song_ids: Iterable[int]) -> dict[int, Song]:
    return Song.objects.for_cards().in_bulk(list(song_ids))
