"""Songs of one artist are no neighbours: the order of lists that are made of more than one answer of the engine.

The engine's own lists are in this order already (`engine/reranking/artist_spacing.py`, which owns the rule).
"""

from collections.abc import Callable, Sequence
from operator import attrgetter
from typing import Any, TypeVar

from catalog.models import Song
from recommendations.engine import space_artists

Entry = TypeVar("Entry")


def space_songs(
    entries: Sequence[Entry], get_song: Callable[[Any], Song] = attrgetter("song")
) -> list[Entry]:
    """Return the entries of a list in the order in which no two by one artist are neighbours, where there is one."""
    order = space_artists([get_song(entry).artist_id for entry in entries])
    return [entries[position] for position in order]
