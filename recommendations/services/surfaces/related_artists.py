"""Which artists resemble one another, concluded from their songs."""

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any

from catalog.models import Artist, Interaction, Song
from catalog.songs.models import build_visible
from recommendations.services.lists.listener_context import ListenerContext
from recommendations.services.serving import similar_songs

N_ARTISTS = 6
N_SONGS = 3
N_SIMILAR = 30


def rank_related_artists(songs: Iterable[Song], artist_id: int, n: int = N_ARTISTS) -> list[Artist]:
    """Return the artists of these songs, most frequent first, without the one asked about."""
    artists = [song.artist for song in songs if song.artist_id != artist_id]
    counts = Counter(artist.pk for artist in artists)
    by_id = {artist.pk: artist for artist in artists}
    return [by_id[pk] for pk, _count in counts.most_common(n)]


def rank_with_songs(songs: Sequence[Song], artist_id: int) -> list[tuple[Artist, Song]]:
    """Return the artists of these songs, most frequent first, each with their first one; no query."""
    firsts = {song.artist_id: song for song in reversed(songs)}
    return [(artist, firsts[artist.pk]) for artist in rank_related_artists(songs, artist_id)]


def find_similar_artists(artist: Artist, listener: Any, n: int = N_ARTISTS) -> list[Artist]:
    """Return artists whose songs are most like the best-known songs of `artist`."""
    context = ListenerContext.about_music(listener)
    similar = [
        similar_song
        for song in list_best_known(artist, listener)
        for similar_song in similar_songs.find_similar(song, N_SIMILAR, context=context).songs
    ]
    return rank_related_artists(similar, artist.pk, n)


def list_best_known(artist: Artist, listener: Any, n: int = N_SONGS) -> list[Song]:
    """Return the artist's songs with most interactions, of those offered to `listener`."""
    ids = list_best_known_ids(artist, listener, n)
    songs = Song.objects.available().select_related("artist").in_bulk(ids)
    return [songs[pk] for pk in ids if pk in songs]


def list_best_known_ids(artist: Artist, listener: Any, n: int = N_SONGS) -> list[int]:
    """Return the ids of the artist's songs with most interactions, of those offered to `listener`.

    One or two queries.
    """
    heard = Interaction.objects.filter(
        build_visible(listener, "song__"), song__artist=artist, song__is_available=True
    )
    ids = Counter(heard.values_list("song_id", flat=True)[:20_000]).most_common(n)
    return [pk for pk, _count in ids] or list(
        artist.songs.filter_offered(listener).values_list("pk", flat=True)[:n]
    )
