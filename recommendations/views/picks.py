"""What a form or an address names as liked: songs, artists and genres."""

from typing import Any

from django.db import models
from django.utils.datastructures import MultiValueDict

from catalog.models import Artist, ArtistAlias, Genre, Song
from catalog.songs.aliases import find_songs_by_number
from recommendations.services.lists.listener_context import Picks

MOST_PICKED = 20
MOST_GENRES = 40


def read_picks(data: "MultiValueDict[str, str]", listener: Any) -> Picks:
    """Return what a form names of what `listener` may see: at most 20 songs, 20 artists and 40 genres."""
    numbers = _read_numbers(data, "genre", MOST_GENRES)
    genres = tuple(Genre.objects.filter(pk__in=numbers)) if numbers else ()
    return Picks(tuple(_get_songs(data, listener)), tuple(_get_artists(data, listener)), genres)


def _get_songs(data: "MultiValueDict[str, str]", listener: Any) -> list[Song]:
    numbers = _read_numbers(data, "song")
    offered = Song.objects.filter_offered(listener).for_cards()
    return find_songs_by_number(offered, numbers)


def _get_artists(data: "MultiValueDict[str, str]", listener: Any) -> list[Artist]:
    numbers = _read_numbers(data, "artist")
    if not numbers:
        return []
    merged = ArtistAlias.objects.filter(number__in=numbers).values("artist")
    named = models.Q(pk__in=numbers) | models.Q(pk__in=merged)
    return list(Artist.objects.filter_visible(listener).filter(named))


def _read_numbers(
    data: "MultiValueDict[str, str]", name: str, most: int = MOST_PICKED
) -> list[int]:
    """Return the first whole numbers given under a name, in order, each once; what is none is left out."""
    texts = [text for text in data.getlist(name)[:most] if text.isascii() and text.isdecimal()]
    return list(dict.fromkeys(int(text) for text in texts if len(text) < 16))
