"""How long songs last together."""

from collections.abc import Iterable

from catalog.songs.models import Song


def sum_lengths(songs: Iterable[Song]) -> int:
    """Return the length of all songs in milliseconds, 0 where that of one is unknown: a part is no sum."""
    lengths = [song.duration_ms for song in songs]
    return sum(length for length in lengths if length) if all(lengths) else 0
