"""Locks that keep songs from being deleted while rows that refer to them are written.

On PostgreSQL a merge deletes a song while others like it. A writer of rows about songs takes a shared lock,
a merge takes an exclusive one, and each sees what the other did. SQLite has one writer at a time, so there
rows are only looked up.
"""

from collections.abc import Iterable

from django.db import connection
from django.http import Http404

from catalog.songs.models import Song


class SongNotFound(Http404):
    """The song was merged into another or removed a moment ago."""


def hold_songs(song_ids: Iterable[int]) -> set[int]:
    """Keep songs from being merged or deleted until the transaction ends; return the ids of those that exist.

    Call it inside a transaction, before anything about the songs is written. One query.
    """
    ids = sorted(set(song_ids))
    if connection.vendor != "postgresql":
        return set(Song.objects.filter(pk__in=ids).values_list("pk", flat=True))
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT id FROM {Song._meta.db_table} WHERE id = ANY(%s) ORDER BY id FOR KEY SHARE",  # noqa: S608
            [ids],
        )
        return {song_id for (song_id,) in cursor.fetchall()}


def hold_song(song: Song) -> None:
    """Hold one song; raises SongNotFound when it is not there any more."""
    if not hold_songs([song.pk]):
        raise SongNotFound(f"The song “{song.title}” was merged into another or removed.")
