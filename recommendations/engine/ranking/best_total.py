"""The list of the highest total value that keeps counts: caps on artists, songs of new artists, songs of the tail."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class ArtistSongs:
    """What may be taken of one artist: places among the candidates, best value first, of the tail and of the head."""

    tail: list[int]
    head: list[int]


def choose_best_total(
    values: NDArray[np.float64],
    heard: Iterable[ArtistSongs],
    new: Iterable[ArtistSongs],
    cap: int,
    length: int,
    least_new: int,
    least_tail: int,
) -> NDArray[np.int32]:
    """Return the places of `length` songs with the highest total value, by dynamic programming over artists; exact.

    Parameters
    ----------
    values : (m,)
    heard, new
        The artists that the listener heard and those they never did.
    cap
        Most songs of an artist.

    Returns
    -------
    int32 (length,)
        Ascending. Costs length ** 2 for each way to take up to `cap` songs of each artist.

    Raises
    ------
    ValueError
        There is no such list.
    """
    tables = [_Table.fill(values, artists, cap, length) for artists in (heard, new)]
    best, ends = -np.inf, None
    for n_new in range(least_new, length + 1):
        old_row, new_row = tables[0].best[length - n_new], tables[1].best[n_new]
        totals = old_row[:, None] + new_row[None, :]
        tails = np.arange(length + 1)
        totals = np.where(tails[:, None] + tails[None, :] >= least_tail, totals, -np.inf)
        if totals.max() > best:
            best = totals.max()
            t_old, t_new = np.unravel_index(int(totals.argmax()), totals.shape)
            ends = ((length - n_new, int(t_old)), (n_new, int(t_new)))
    if ends is None:
        raise ValueError("No list keeps these counts.")
    songs = [song for table, end in zip(tables, ends, strict=True) for song in table.trace(*end)]
    return np.sort(np.array(songs, dtype=np.int32))


@dataclass(frozen=True)
class _Table:
    """The best totals of a group of artists.

    Attributes
    ----------
    best : float64 (length + 1, length + 1)
        By number of songs and of those of the tail; -inf where there is no such choice.
    options
        For each artist, the songs of each way to take some.
    ways : for each artist int16 (length + 1, length + 1), the way that led to the best total
    """

    best: NDArray[np.float64]
    options: list[list[tuple[list[int], int]]]
    ways: list[NDArray[np.int16]]

    @classmethod
    def fill(
        cls, values: NDArray[np.float64], artists: Iterable[ArtistSongs], cap: int, length: int
    ) -> _Table:
        best = np.full((length + 1, length + 1), -np.inf)
        best[0, 0] = 0
        options, ways = [], []
        for artist in artists:
            own = _list_options(artist, min(cap, length))
            after, way = best.copy(), np.zeros(best.shape, dtype=np.int16)
            for number, (songs, n_tail) in enumerate(own[1:], start=1):
                n, gain = len(songs), float(values[songs].sum())
                moved = best[: length + 1 - n, : length + 1 - n_tail] + gain
                target = after[n:, n_tail:]
                is_better = moved > target
                target[is_better] = moved[is_better]
                way[n:, n_tail:][is_better] = number
            options.append(own)
            ways.append(way)
            best = after
        return cls(best, options, ways)

    def trace(self, n: int, n_tail: int) -> list[int]:
        """Return the songs of the best choice of n songs, `n_tail` of them of the tail."""
        chosen: list[int] = []
        for own, way in zip(reversed(self.options), reversed(self.ways), strict=True):
            songs, tail = own[way[n, n_tail]]
            chosen += songs
            n, n_tail = n - len(songs), n_tail - tail
        return chosen


def _list_options(artist: ArtistSongs, cap: int) -> list[tuple[list[int], int]]:
    """Return each way to take up to `cap` songs, the best of each kind first, with how many are of the tail."""
    return [
        ([*artist.tail[:n_tail], *artist.head[:n_head]], n_tail)
        for n_tail in range(min(cap, len(artist.tail)) + 1)
        for n_head in range(min(cap - n_tail, len(artist.head)) + 1)
    ]
