"""What a list can reach, decided by counting: its longest length, songs of new artists, songs of the tail."""

from __future__ import annotations

from collections.abc import Sequence
from copy import copy
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from recommendations.engine.reranking.best_total import ArtistSongs, choose_best_total

TAIL_SONG, TIGHT_HEAD, LOOSE_HEAD = 0, 1, 2
"""A song of the head takes the place of a tail song of its artist (tight) or not (loose)."""


@dataclass(frozen=True)
class SongFacts:
    """What a contract looks at, of m candidates.

    Attributes
    ----------
    artists : int64 (m,)
        -1 unknown; such a song counts against no cap and is by no new artist.
    is_new : bool (m,)
        By an artist the listener never heard; the same for all songs of an artist.
    is_tail : bool (m,)
    genres : float32 (m, n_genres)
        Each song's genres, rows that sum to 1, or to 0 where none is known.
    own_genres : float64 (n_genres,)
        The listener's mix, sum 1; all 0 where none is known.
    """

    artists: NDArray[np.int64]
    is_new: NDArray[np.bool_]
    is_tail: NDArray[np.bool_]
    genres: NDArray[np.float32]
    own_genres: NDArray[np.float64]


@dataclass(frozen=True)
class Needs:
    """Counts that a list has to reach: its length, songs of new artists, songs of the tail."""

    length: int
    new: int
    tail: int

    def limit(self, wanted: Needs) -> Needs:
        """Return what is wanted, where it is more than this only this."""
        return Needs(
            min(wanted.length, self.length), min(wanted.new, self.new), min(wanted.tail, self.tail)
        )


class Capacity:
    """What is left to choose from, artist by artist; `take` chooses one song.

    Whether needs can be met is decided exactly. An artist gives at most `room` songs, of which at most `tail_room` are
    of the tail; tail songs are never worse for a need. With N songs of new artists r songs have at most
    min(N, tail room of new) + min(r - N, tail room of heard) tail songs, which is highest where N is nearest to the
    tail room of new artists. So all candidates of one of six kinds, by new artist or not and by what they take of the
    tail room, may be taken next or none of them may.

    Attributes
    ----------
    is_free : bool (m,)
        What may be taken by the caps.
    """

    def __init__(self, facts: SongFacts, is_song: NDArray[np.bool_], cap: int | None) -> None:
        m = len(facts.artists)
        # an unknown artist's song is its own artist
        ids = np.where(facts.artists >= 0, facts.artists, -1 - np.arange(m))
        _numbers, self._artist_of = np.unique(ids, return_inverse=True)
        n = int(self._artist_of.max(initial=-1)) + 1
        self._is_new = facts.is_new & (facts.artists >= 0)
        self._is_tail = facts.is_tail
        self.is_free = is_song.copy()
        self._cap = m if cap is None else cap
        n_tail = np.bincount(self._artist_of[is_song & facts.is_tail], minlength=n)
        self._n_taken, self._n_tail = [0] * n, n_tail.tolist()
        # the candidates by artist, and where each artist's begin
        self._by_artist = np.argsort(self._artist_of, kind="stable")
        self._begins = np.searchsorted(self._artist_of[self._by_artist], np.arange(n + 1)).tolist()
        n_songs = np.bincount(self._artist_of[is_song], minlength=n)
        is_new_artist = np.zeros(n, dtype=bool)
        is_new_artist[self._artist_of[self._is_new]] = True
        # by heard (0) and new (1) artists
        rooms = np.minimum(self._cap, n_songs), np.minimum(self._cap, n_tail)
        self._room, self._tail_room = (
            [int(room[~is_new_artist].sum()), int(room[is_new_artist].sum())] for room in rooms
        )
        is_tight = self._cap <= n_tail[self._artist_of]
        head = np.where(is_tight, TIGHT_HEAD, LOOSE_HEAD)
        self._kinds = 3 * self._is_new + np.where(self._is_tail, TAIL_SONG, head)

    def copy(self) -> Capacity:
        twin = copy(self)
        for name in ("is_free", "_n_taken", "_n_tail", "_room", "_tail_room", "_kinds"):
            setattr(twin, name, getattr(self, name).copy())
        return twin

    @property
    def longest(self) -> int:
        """The length of the longest list that the caps allow."""
        return sum(self._room)

    def find_most(self, wanted: Needs) -> Needs:
        """Return the longest list, the most songs of new artists in one as long as wanted, and the most of the tail.

        The last is of lists that have as many songs of new artists as are wanted, or the most there can be.
        """
        most_new = min(self._room[1], wanted.length)
        new = min(wanted.new, most_new)
        most_tail = _find_most_tail(wanted.length, new, self._room, self._tail_room)
        return Needs(self.longest, most_new, most_tail)

    def find_completable(self, needs: Needs) -> NDArray[np.bool_]:
        """Return which candidates may be taken next so that the needs can still be met, bool (m,)."""
        if needs.new <= 0 and needs.tail <= 0:
            return self.is_free
        takes = [self._is_completable(kind // 3, kind % 3, needs) for kind in range(6)]
        if all(takes):
            return self.is_free
        may_take = np.array(takes, dtype=bool)
        completable: NDArray[np.bool_] = self.is_free & may_take[self._kinds]
        return completable

    def _is_completable(self, is_new: int, kind: int, needs: Needs) -> bool:
        room, tail_room = list(self._room), list(self._tail_room)
        room[is_new] -= 1
        tail_room[is_new] -= kind != LOOSE_HEAD
        length, new = needs.length - 1, max(needs.new - is_new, 0)
        if new > min(room[1], length) or length > sum(room):
            return False
        return _find_most_tail(length, new, room, tail_room) >= needs.tail - (kind == TAIL_SONG)

    def take(self, position: int, needs: Needs) -> Needs:
        """Take a candidate; return what is needed of the rest."""
        artist = int(self._artist_of[position])
        is_new, kind = divmod(int(self._kinds[position]), 3)
        songs = self._by_artist[self._begins[artist] : self._begins[artist + 1]]
        self._room[is_new] -= 1
        self._tail_room[is_new] -= kind != LOOSE_HEAD
        self._n_taken[artist] += 1
        self._n_tail[artist] -= kind == TAIL_SONG
        self.is_free[position] = False
        left = self._cap - self._n_taken[artist]
        if left <= 0:
            self.is_free[songs] = False
        head = TIGHT_HEAD if left <= self._n_tail[artist] else LOOSE_HEAD
        self._kinds[songs[~self._is_tail[songs]]] = 3 * is_new + head
        return Needs(
            needs.length - 1,
            max(needs.new - is_new, 0),
            max(needs.tail - (kind == TAIL_SONG), 0),
        )

    def is_bound(self, chosen: NDArray[np.int32], needs: Needs) -> bool:
        """Return whether a list has a need just met: else the needs kept no song away."""
        n_new, n_tail = self._is_new[chosen].sum(), self._is_tail[chosen].sum()
        return bool(0 < needs.new == n_new or 0 < needs.tail == n_tail)

    def choose_best(self, values: NDArray[np.float64], needs: Needs) -> NDArray[np.int32]:
        """Return the list of the highest total value that meets the needs, exactly; nothing is taken of this yet.

        Of each kind of song only the best 2 * length can be in it: at most length - 1 of these are in the list
        themselves, and at most length - 1 are by an artist who has enough songs in the list.
        """
        n_left = [2 * needs.length] * 4
        groups: tuple[dict[int, ArtistSongs], ...] = ({}, {})
        positions = np.flatnonzero(self.is_free)
        positions = positions[np.argsort(-values[positions], kind="stable")]
        columns = (self._artist_of, self._is_new.astype(int), self._is_tail.astype(int))
        rows = zip(
            positions.tolist(), *(column[positions].tolist() for column in columns), strict=True
        )
        for position, artist, new, tail in rows:
            if not any(n_left):
                break
            own = groups[new].setdefault(artist, ArtistSongs([], []))
            songs = own.tail if tail else own.head
            kind = 2 * new + tail
            if n_left[kind] and len(songs) < min(self._cap, needs.length):
                songs.append(position)
                n_left[kind] -= 1
        heard, never_heard = (
            [one for one in group.values() if one.tail or one.head] for group in groups
        )
        return choose_best_total(
            values, heard, never_heard, self._cap, needs.length, needs.new, needs.tail
        )

    def find_swaps(self, chosen: NDArray[np.int32], needs: Needs) -> NDArray[np.bool_]:
        """Return which songs may take the place of which one of a list, bool (k, m); nothing is taken of this yet."""
        artist = self._artist_of
        own = artist[chosen]
        counts = np.bincount(own, minlength=len(self._n_taken))
        allowed: NDArray[np.bool_] = own[:, None] == artist[None, :]
        allowed |= (counts < self._cap)[artist]
        # a song of a needed kind can only be exchanged for another one where none is to spare
        for is_kind, least in ((self._is_new, needs.new), (self._is_tail, needs.tail)):
            is_own = is_kind[chosen]
            spare = int(is_own.sum()) - least
            if spare < 1:
                allowed[is_own] &= is_kind if spare == 0 else False
            if spare < 0:
                allowed[~is_own] &= is_kind if spare == -1 else False
        is_other = self.is_free.copy()
        is_other[chosen] = False
        allowed &= is_other
        return allowed


def _find_most_tail(length: int, new: int, room: Sequence[int], tail_room: Sequence[int]) -> int:
    """Return the most tail songs of `length` songs of which at least `new` are by new artists, where there are such.

    Rooms are of heard artists and of new ones.
    """
    fewest, most = max(new, length - room[0]), min(length, room[1])
    n_new = min(max(tail_room[1], fewest), most)
    return min(n_new, tail_room[1]) + min(length - n_new, tail_room[0])
