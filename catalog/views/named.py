"""What the address of a page names: a song or an artist, by its number of today or by one from before a merge."""

from typing import Any

from django.http import Http404

from catalog.models import Artist, Song
from catalog.songs import aliases, former_artists


def get_song_or_404(listener: Any, number: int, *, for_card: bool = False) -> Song:
    """Return the song of a number that `listener` may see; with all that a card shows, in one query more."""
    songs = Song.objects.filter_visible(listener).select_related("artist")
    if for_card:
        songs = songs.for_cards()
    song = aliases.find_song_by_number(songs, number)
    if song is None:
        raise Http404
    return song


def get_artist_or_404(listener: Any, number: int) -> Artist:
    artist = former_artists.find_artist_by_number(Artist.objects.filter_visible(listener), number)
    if artist is None:
        raise Http404
    return artist
