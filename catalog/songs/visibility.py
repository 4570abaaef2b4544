"""Whose songs are seen by whom: the only owner of `Song.brought_by`.

    brought by one listener's plays ──another's row, or an operator──▶ seen by all

There is no way back: a song that was seen by all stays so. The condition for queries is
`catalog.songs.models.build_visible`.
"""

from collections.abc import Iterable

from accounts.models import User
from catalog.songs.models import Song
from common.bulk_sql import cut_chunks


def get_bringer(listener: User | None) -> User | None:
    """Return whose own the new songs of `listener` are; None for an operator, whose songs are seen by all."""
    return None if listener is None or listener.is_staff else listener


def is_visible(song: Song, listener: object) -> bool:
    """Whether `listener` may see a song; None is somebody without an account."""
    return song.brought_by_id in (None, getattr(listener, "pk", None))


def publish_songs(song_ids: Iterable[int], bringer: User | None) -> None:
    """Let everybody see those of the songs that were another listener's own; one statement for each 900.

    What an operator brings (`bringer` None) is not of the listener's import any more, and does not go with it.
    """
    changes: dict[str, None] = {"brought_by": None}
    if bringer is None:
        changes["import_run"] = None
    for some_ids in cut_chunks(set(song_ids)):
        theirs = Song.objects.filter(pk__in=some_ids, brought_by__isnull=False)
        if bringer is not None:
            theirs = theirs.exclude(brought_by=bringer)
        theirs.update(**changes)
