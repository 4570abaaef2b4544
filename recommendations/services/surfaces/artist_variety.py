"""A section of a page shows a few songs of an artist, not twelve: the others come after those of other artists."""

from collections import Counter
from collections.abc import Sequence

from recommendations.services.lists.artist_order import space_songs
from recommendations.services.lists.joint_list import MOST_OF_ARTIST
from recommendations.services.lists.served_list import ServedSong


def limit_artists(items: Sequence[ServedSong], n: int) -> list[ServedSong]:
    """Return n items, at most three of an artist unless there are too few others, and no artist's side by side."""
    counts: Counter[int] = Counter()
    first: list[ServedSong] = []
    later: list[ServedSong] = []
    for item in items:
        counts[item.song.artist_id] += 1
        (first if counts[item.song.artist_id] <= MOST_OF_ARTIST else later).append(item)
    return space_songs([*first, *later][:n])
