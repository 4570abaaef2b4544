"""Finding what a request names, among what its caller may see: anything else is not there."""

from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from rest_framework.exceptions import NotFound, ValidationError
from rest_framework.request import Request
from rest_framework.serializers import Serializer

from accounts.models import User
from catalog.models import Artist, Playlist, Song
from catalog.songs.aliases import find_songs_by_key
from catalog.songs.former_artists import find_artist_by_number
from catalog.songs.models import ArtistQuerySet

EARLIEST = datetime(1970, 1, 1, tzinfo=UTC)


def get_song(key: str, user: Any) -> Song:
    """Return the song with this id, or into which the song of this id was merged; raises NotFound."""
    song = find_songs_by_key(Song.objects.filter_visible(user).for_cards(), {key}).get(key)
    if song is None:
        raise NotFound(f"There is no song {key[:64]!r}.")
    return song


def get_artist(artists: ArtistQuerySet, pk: int) -> Artist:
    """Return the artist with this id, or into which the artist of this id was merged; raises NotFound."""
    artist = find_artist_by_number(artists, pk)
    if artist is None:
        raise NotFound(f"There is no artist {pk}.")
    return artist


def get_own_playlist(user: User, pk: UUID) -> Playlist:
    mine = Playlist.objects.filter(owner=user).select_related("owner").count_songs()
    playlist = mine.filter(pk=pk).first()
    if playlist is None:
        raise NotFound("You have no such playlist.")
    return playlist


def validate_body(serializer: type[Serializer[Any]], request: Request) -> dict[str, Any]:
    """Return the body's fields, or raise the 400 that names those at fault."""
    bound = serializer(data=request.data)
    bound.is_valid(raise_exception=True)
    fields: dict[str, Any] = bound.validated_data
    return fields


def get_songs(keys: list[str], user: Any, field: str = "songs") -> list[Song]:
    """Return the songs in this order; unknown ones are named in a 400. One query, two where one was merged."""
    songs = find_songs_by_key(Song.objects.filter_visible(user), set(keys))
    unknown = [key for key in keys if key not in songs]
    if unknown:
        raise ValidationError({field: [f"There is no song {key[:64]!r}." for key in unknown[:10]]})
    return [songs[key] for key in keys]
