"""Locks that keep songs from being deleted while rows that refer to them are written.

On PostgreSQL a merge deletes a song while others like it. A writer of rows about songs takes a shared lock,
a merge takes an exclusive one, and each sees what the other did. SQLite has one writer at a time, so there
rows are only looked up.
"""

from collections.abc import Iterable

from django.db import connection
from django.http import Http404

from accounts.models import User
from catalog.songs.models import Song
from catalog.songs.visibility import get_bringer, publish_songs


class SongNotFound(Http404):
    """The song was merged into another or removed a moment ago."""


def hold_songs(song_ids: Iterable[int], listener: User | None) -> set[int]:
    """Keep songs from being merged or deleted until the transaction ends; return the ids of those that exist.

    Call it inside a transaction, before rows of `listener` about the songs are written (None: of several listeners,
    by an operator). Songs that were another listener's own are seen by everybody from then on. One query, two where
    there are such.
    """
    bringer = get_bringer(listener)
    bringer_by_song = _lock_songs(sorted(set(song_ids)))
    own_pk = bringer.pk if bringer else None
    theirs = [pk for pk, of in bringer_by_song.items() if of is not None and of != own_pk]
    if theirs:
        publish_songs(theirs, bringer)
    return set(bringer_by_song)


def _lock_songs(ids: list[int]) -> dict[int, int | None]:
    """Lock the songs that exist; return whose own each is."""
    if connection.vendor != "postgresql":
        return dict(Song.objects.filter(pk__in=ids).values_list("pk", "brought_by_id"))
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT id, brought_by_id FROM {Song._meta.db_table} "  # noqa: S608
            "WHERE id = ANY(%s) ORDER BY id FOR KEY SHARE",
            [ids],
        )
        return dict(cursor.fetchall())


def hold_song(song: Song, listener: User) -> None:
    """Hold one song for a row of `listener`; raises SongNotFound when it is not there any more."""
    if not hold_songs([song.pk], listener):
        raise SongNotFound(f"The song “{song.title}” was merged into another or removed.")
