"""A list that keeps what was agreed about it: artists never heard, songs an artist, the tail, the mix of genres.

Which counts can be reached is decided by counting, exactly. Within them each place goes to the candidate with the
highest marginal relevance (`ranking/mmr.py`) that leaves the rest of the list completable.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from copy import copy
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from recommendations.engine.ranking.best_total import ArtistSongs, choose_best_total
from recommendations.engine.ranking.calibration import GenreMix, choose_calibrated

CONTRACT_CANDIDATES = 500
"""Songs that a list with a contract is chosen from."""

NEW_ARTISTS, ARTIST_CAP, TAIL, GENRES = "new_artists", "artist_cap", "tail", "genres"


@dataclass(frozen=True)
class ContractTerms:
    """What a list has to keep.

    Attributes
    ----------
    new_artist_share
        At least this share of the songs is by artists the listener never heard, 0 to 1.
    artist_cap
        At most so many songs of one artist; None as the model is configured.
    genre_distance
        The list's mix of genres is at most this far from the listener's own (Hellinger distance, 0 to 1); None: any.
    tail_share
        At least this share of the songs is not popular, 0 to 1.

    Raises
    ------
    ValueError
        A share or distance outside 0 to 1, or a cap below 1.
    """

    new_artist_share: float = 0.0
    artist_cap: int | None = None
    genre_distance: float | None = None
    tail_share: float = 0.0

    def __post_init__(self) -> None:
        for name in ("new_artist_share", "tail_share", "genre_distance"):
            value = getattr(self, name)
            if value is not None and not 0 <= value <= 1:
                raise ValueError(f"{name} must be from 0 to 1, not {value}.")
        if self.artist_cap is not None and self.artist_cap < 1:
            raise ValueError(f"artist_cap must be at least 1, not {self.artist_cap}.")


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
class ListContract:
    """A contract for one listener: its terms, and what reads the facts of songs by their item rows, int32 (m,)."""

    terms: ContractTerms
    describe: Callable[[NDArray[np.int32]], SongFacts]


@dataclass(frozen=True)
class TermReport:
    """How a list keeps one term.

    Attributes
    ----------
    term
        `new_artists` and `tail` count songs, `artist_cap` the most songs of one artist, `genres` is a distance.
    wanted
        At least so many songs; at most so many of an artist; at most so far.
    listed
        What the list has.
    possible
        What the candidates allow with the terms before it kept, in the order above: exact for counts. For `artist_cap`
        it is the length of the longest list that keeps it, for `genres` the nearest mix that was found. None for
        `genres` where nothing is known of the listener's.
    """

    term: str
    wanted: float
    listed: float
    possible: float | None

    @property
    def is_kept(self) -> bool:
        if self.term in (NEW_ARTISTS, TAIL):
            return self.listed >= self.wanted
        return self.possible is not None and self.listed <= self.wanted

    def to_list(self) -> list[str | float | None]:
        return [self.term, self.wanted, self.listed, self.possible]


@dataclass(frozen=True)
class Choice:
    """The places of the chosen candidates, int32 (n,), best score first, and a report of each term asked for.

    For several listeners the places are int32 (n_listeners, n), -1 where a list ends early.
    """

    positions: NDArray[np.int32]
    reports: tuple[TermReport, ...]


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


def choose_songs(
    scores: NDArray[np.float64],
    vectors: NDArray[np.float32],
    facts: SongFacts,
    terms: ContractTerms,
    k: int,
    *,
    relevance: float,
    usual_cap: int | None = None,
) -> Choice:
    """Choose k candidates that keep the terms, or as much of each as can be, in the order of `TermReport`.

    Without variety (relevance 1) and a mix of genres the list has the highest total score of all that keep the counts.
    20 of 300 songs take two to ten milliseconds, with a mix of genres twenty.

    Parameters
    ----------
    scores : (m,)
        Best first, 0 to 1, or less for songs that only a contract looks at; -inf where there is none.
    vectors : (m, d)
        Of length 1 or 0.
    relevance
        Share of the score against variety, 0 to 1.
    usual_cap
        The cap on songs of an artist without a term for it; it gives way to the terms.
    """
    is_song = np.isfinite(scores)
    capacity = Capacity(facts, is_song, terms.artist_cap or usual_cap)
    wanted = _count_wanted(terms, min(k, capacity.longest))
    most = capacity.find_most(wanted)
    if terms.artist_cap is None and (wanted.length < k or most.limit(wanted) != wanted):
        capacity = Capacity(facts, is_song, None)
        wanted = _count_wanted(terms, min(k, capacity.longest))
        most = capacity.find_most(wanted)
    needs = most.limit(wanted)
    values = np.where(is_song, relevance * np.where(is_song, scores, 0), -np.inf)
    mix = GenreMix(facts.genres, facts.own_genres)
    limit = terms.genre_distance
    is_measured = limit is not None and mix.is_known
    positions = choose_calibrated(
        values,
        vectors,
        1 - relevance,
        mix if is_measured else None,
        1.0 if limit is None else limit,
        capacity,
        needs,
    )
    reports = _report(facts, terms, most, positions, mix if is_measured else None)
    return Choice(positions, reports)


def judge_list(facts: SongFacts, terms: ContractTerms) -> tuple[TermReport, ...]:
    """Return how a list, whose songs the facts are of, keeps the terms; what is possible is what it has."""
    n = len(facts.artists)
    mix = None if terms.genre_distance is None else GenreMix(facts.genres, facts.own_genres)
    most = Needs(n, int(facts.is_new.sum()), int(facts.is_tail.sum()))
    return _report(
        facts, terms, most, np.arange(n, dtype=np.int32), mix if mix and mix.is_known else None
    )


def _count_wanted(terms: ContractTerms, length: int) -> Needs:
    new, tail = (
        math.ceil(share * length - 1e-9) for share in (terms.new_artist_share, terms.tail_share)
    )
    return Needs(length, new, tail)


def _report(
    facts: SongFacts,
    terms: ContractTerms,
    most: Needs,
    positions: NDArray[np.int32],
    mix: GenreMix | None,
) -> tuple[TermReport, ...]:
    reports = []
    wanted = _count_wanted(terms, len(positions))
    if terms.artist_cap is not None:
        artists = facts.artists[positions]
        most_of_one = int(np.unique(artists[artists >= 0], return_counts=True)[1].max(initial=0))
        reports.append(TermReport(ARTIST_CAP, terms.artist_cap, most_of_one, most.length))
    if terms.new_artist_share:
        listed = int(facts.is_new[positions].sum())
        reports.append(TermReport(NEW_ARTISTS, wanted.new, listed, most.new))
    if terms.tail_share:
        listed = int(facts.is_tail[positions].sum())
        reports.append(TermReport(TAIL, wanted.tail, listed, most.tail))
    if terms.genre_distance is not None:
        distance = None if mix is None else round(mix.measure(positions), 4)
        reports.append(
            TermReport(
                GENRES, terms.genre_distance, 1.0 if distance is None else distance, distance
            )
        )
    return tuple(reports)


# --- What can be reached ----------------------------------------------------------------------------------------------

TAIL_SONG, TIGHT_HEAD, LOOSE_HEAD = 0, 1, 2
"""A song of the head takes the place of a tail song of its artist (tight) or not (loose)."""


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
