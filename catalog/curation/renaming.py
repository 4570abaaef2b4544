"""Other names for songs and artists: an operator's, who wins over every source.

What they were called stays: the next listen under the old name means them still.
"""

from django.db import models, transaction

from catalog.names.artist_keys import build_lookup_key
from catalog.songs import aliases, former_artists
from catalog.songs.models import Artist, Song


def save_song(song: Song) -> None:
    """Write a song that an operator changed; its former names lead to it."""
    with transaction.atomic():
        before = Song.objects.select_related("artist", "album").filter(pk=song.pk).first()
        song.save()
        if before is not None and before.match_key != song.match_key:
            former = aliases.describe_song(before)
            aliases.store_former_name(song.pk, before.match_key, former)


def save_artist(artist: Artist) -> None:
    """Write an artist that an operator changed, and the new name into its songs; the former name leads to it."""
    with transaction.atomic():
        before = Artist.objects.filter(pk=artist.pk).first()
        artist.save()
        if before is None or before.name == artist.name:
            return
        rename_in_credits(Song.objects.filter(artist=artist), before.name, artist.name)
        refresh_search_columns(artist)
        if before.lookup_key != artist.lookup_key:
            former_artists.store_former_name(artist, before.name)


def rename_in_credits(songs: models.QuerySet[Song], old: str, new: str) -> None:
    """Write an artist's new name into the credits of its songs, as songs without a credit of their own have it."""
    names = {build_lookup_key(old): new}
    credited = list(songs.exclude(credit=""))
    for song in credited:
        song.credit = former_artists.rename_in_credit(song.credit, names)
    Song.objects.bulk_update(credited, ["credit"], batch_size=500)


def refresh_search_columns(artist: Artist) -> None:
    """Recompute the search columns of an artist's songs from the artist's present name."""
    songs = list(Song.objects.filter(artist=artist))
    for song in songs:
        song.artist = artist
        song.update_derived()
    Song.objects.bulk_update(songs, ["search_text", "match_key", "work_key"], batch_size=500)
