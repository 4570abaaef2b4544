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
    tails = np.arange(length + 1)
    is_short = tails[:, None] + tails[None, :] < least_tail
    for n_new in range(least_new, length + 1):
        totals = tables[0].best[length - n_new][:, None] + tables[1].best[n_new][None, :]
        totals[is_short] = -np.inf
        index = int(totals.argmax())
        if totals.flat[index] > best:
            best = totals.flat[index]
            t_old, t_new = divmod(index, length + 1)
            ends = ((length - n_new, t_old), (n_new, t_new))
    if ends is None:
        raise ValueError("No list keeps these counts.")
    songs = [song for table, end in zip(tables, ends, strict=True) for song in table.trace(*end)]
    return np.sort(np.array(songs, dtype=np.int32))


@dataclass(frozen=True)
class _Table:
    """The best totals of a group of artists.

    Songs that compete with none of their artist's, because all of these may be taken or all are of one kind, are two
    pools, of the tail and of the head, of which the best are taken; only the other artists need a step each.

    Attributes
    ----------
    best : float64 (length + 1, length + 1)
        By number of songs and of those of the tail; -inf where there is no such choice.
    pools
        The songs of the pools, best first: of the tail, of the head.
    options
        For each other artist, the songs of each way to take some.
    ways : for each of them int16 (length + 1, length + 1), the way that led to the best total
    """

    best: NDArray[np.float64]
    pools: tuple[list[int], list[int]]
    options: list[list[tuple[list[int], int]]]
    ways: list[NDArray[np.int16]]

    @classmethod
    def fill(
        cls, values: NDArray[np.float64], artists: Iterable[ArtistSongs], cap: int, length: int
    ) -> _Table:
        worth = values.tolist()
        pools, mixed = _split_pools(artists, worth, cap, length)
        best = _sum_pools(pools, worth, length)
        options, ways = [], []
        for artist in mixed:
            own = _list_options(artist, min(cap, length))
            after, way = best.copy(), np.zeros(best.shape, dtype=np.int16)
            for number, (songs, n_tail) in enumerate(own[1:], start=1):
                n, gain = len(songs), sum(worth[song] for song in songs)
                moved = best[: length + 1 - n, : length + 1 - n_tail] + gain
                target = after[n:, n_tail:]
                is_better = moved > target
                np.copyto(target, moved, where=is_better)
                np.copyto(way[n:, n_tail:], number, where=is_better)
            options.append(own)
            ways.append(way)
            best = after
        return cls(best, pools, options, ways)

    def trace(self, n: int, n_tail: int) -> list[int]:
        """Return the songs of the best choice of n songs, `n_tail` of them of the tail."""
        chosen: list[int] = []
        for own, way in zip(reversed(self.options), reversed(self.ways), strict=True):
            songs, tail = own[way[n, n_tail]]
            chosen += songs
            n, n_tail = n - len(songs), n_tail - tail
        tail_pool, head_pool = self.pools
        return chosen + tail_pool[:n_tail] + head_pool[: n - n_tail]


def _split_pools(
    artists: Iterable[ArtistSongs], worth: list[float], cap: int, length: int
) -> tuple[tuple[list[int], list[int]], list[ArtistSongs]]:
    """Return the songs that compete with none of their artist's, best first, and the artists of the others."""
    tail_pool: list[int] = []
    head_pool: list[int] = []
    mixed = []
    for artist in artists:
        n_songs = len(artist.tail) + len(artist.head)
        if artist.tail and artist.head and n_songs > cap:
            mixed.append(artist)
        else:
            tail_pool += artist.tail[:cap]
            head_pool += artist.head[:cap]
    pools = [
        sorted(pool, key=lambda song: -worth[song])[:length] for pool in (tail_pool, head_pool)
    ]
    return (pools[0], pools[1]), mixed


def _sum_pools(
    pools: tuple[list[int], list[int]], worth: list[float], length: int
) -> NDArray[np.float64]:
    """Return the best totals by number of songs and of those of the tail, float64 (length + 1, length + 1)."""
    tail, head = (
        np.cumsum([0.0, *(worth[song] for song in pool), *[-np.inf] * (length - len(pool))])
        for pool in pools
    )
    n_head = np.arange(length + 1)[:, None] - np.arange(length + 1)[None, :]
    totals: NDArray[np.float64] = np.where(n_head >= 0, head[n_head] + tail[None, :], -np.inf)
    return totals


def _list_options(artist: ArtistSongs, cap: int) -> list[tuple[list[int], int]]:
    """Return each way to take up to `cap` songs, the best of each kind first, with how many are of the tail."""
    return [
        ([*artist.tail[:n_tail], *artist.head[:n_head]], n_tail)
        for n_tail in range(min(cap, len(artist.tail)) + 1)
        for n_head in range(min(cap - n_tail, len(artist.head)) + 1)
    ]
