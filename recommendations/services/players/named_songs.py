"""Which song, album or artist a player means: by the media server's id, by MusicBrainz id, by names."""

from typing import NamedTuple

from accounts.models import User
from catalog.models import Album, Artist, Song
from catalog.names.external_ids import parse_uuid
from catalog.records import SongRecord
from catalog.songs import resolver
from catalog.songs.former_artists import find_artist_by_former_name
from recommendations.services.players.server_library import ServerLibrary, find_library


class Named(NamedTuple):
    """What a player says of a song, an album or an artist; empty where it does not say."""

    item_id: str = ""
    name: str = ""
    artist: str = ""
    mbid: str = ""
    isrc: str = ""


def find_named_song(
    named: Named, library: ServerLibrary | None, listener: User | None
) -> Song | None:
    """Return the song that a player names, or None where the catalog has none like it."""
    song = library.find_song(named.item_id) if library and named.item_id else None
    if song is not None:
        return song
    if not named.mbid and not named.isrc and not (named.name and named.artist):
        return None
    return resolver.find_song(
        SongRecord(line=0, title=named.name, artist=named.artist, mbid=named.mbid, isrc=named.isrc),
        listener,
    )


def list_named_album(
    named: Named, library: ServerLibrary | None, listener: User | None
) -> list[Song]:
    """Return the songs of the album that a player names."""
    songs = library.list_album(named.item_id) if library and named.item_id else []
    if songs:
        return songs
    mbid = parse_uuid(named.mbid)
    album = Album.objects.filter(mbid=mbid).order_by("pk").first() if mbid else None
    if album is None and named.name:
        albums = Album.objects.filter(title__iexact=named.name)
        if named.artist:
            albums = albums.filter(artist__name__iexact=named.artist)
        album = albums.order_by("pk").first()
    return (
        list(album.songs.filter_offered(listener).select_related("artist")[:200]) if album else []
    )


def find_named_artist(
    named: Named, library: ServerLibrary | None, listener: User | None
) -> Artist | None:
    """Return the artist that a player names; one whom only another listener's own songs name is none."""
    artist = library.find_artist(named.item_id) if library and named.item_id else None
    seen = Artist.objects.filter_visible(listener).order_by("pk")
    mbid = parse_uuid(named.mbid)
    if artist is None and mbid:
        artist = seen.filter(mbid=mbid).first()
    if artist is None and named.name:
        artist = seen.filter(name__iexact=named.name).first()
    if artist is None and (mbid or named.name):
        artist = find_artist_by_former_name(seen, mbid=mbid, name=named.name)
    return artist


def find_listener_library(named: Named, listener: User | None) -> ServerLibrary | None:
    """Return the server that a player speaks of."""
    return find_library(named.item_id, of=listener)
