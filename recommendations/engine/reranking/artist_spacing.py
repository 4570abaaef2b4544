"""The order of a list in which songs of one artist are not neighbours."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray


def space_artists(artists: Sequence[int]) -> list[int]:
    """Return the positions of a list in an order in which no two songs of one artist are neighbours, if there is one.

    The first song stays first. Each next place goes to the first song that is left whose artist is not that of the
    song before it, unless more than half of the songs that are left are by one artist: then it is that artist's turn,
    because the others could not separate them any more. Where they cannot anyway, as few as possible are neighbours.
    Songs of one artist keep their order, and a list without neighbours stays as it is.

    Parameters
    ----------
    artists
        Of each song; below 0 unknown: such a song is of an artist of its own.

    Returns
    -------
    list of int
        The positions 0 to n - 1, each once. Costs n times the distance to the next song of another artist.
    """
    if not any(one == other and one >= 0 for one, other in pairwise(artists)):
        return list(range(len(artists)))
    n_left = Counter(artist for artist in artists if artist >= 0)
    remaining = list(range(1, len(artists)))
    order, last = [0], artists[0]
    n_left[last] -= 1
    most = max(n_left.values())
    while remaining:
        wanted = None
        if 2 * most > len(remaining):
            crowded, most = n_left.most_common(1)[0]
            wanted = crowded if 2 * most > len(remaining) and crowded != last else None
        index = _find_next(remaining, artists, last, wanted)
        position = remaining.pop(index)
        order.append(position)
        last = artists[position]
        n_left[last] -= 1
    return order


def _find_next(
    remaining: Sequence[int], artists: Sequence[int], last: int, wanted: int | None
) -> int:
    """Return which of the songs that are left comes next; the first one where all are by the artist of the last."""
    for index, position in enumerate(remaining):
        artist = artists[position]
        if (artist != last or artist < 0) if wanted is None else artist == wanted:
            return index
    return 0


def space_lists(positions: NDArray[np.int32], artists: NDArray[np.int32]) -> NDArray[np.int32]:
    """Return the places of several lists, int32 (n, k), -1 at the end, with each list in the order of `space_artists`.

    Parameters
    ----------
    artists : int32 (n, k)
        Of the song at each place, -1 unknown.
    """
    is_song = positions >= 0
    is_neighbour = (artists[:, 1:] == artists[:, :-1]) & (artists[:, 1:] >= 0) & is_song[:, 1:]
    spaced = positions.copy()
    for row in np.flatnonzero(is_neighbour.any(axis=1)):
        n = int(is_song[row].sum())
        spaced[row, :n] = positions[row, space_artists(artists[row, :n].tolist())]
    return spaced
