"""A list that keeps what was agreed about it: artists never heard, songs an artist, the tail, the mix of genres.

Which counts can be reached is decided by counting, exactly. Within them each place goes to the candidate with the
highest marginal relevance (`reranking/mmr.py`) that leaves the rest of the list completable.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from recommendations.engine.reranking.calibration import GenreMix, choose_calibrated
from recommendations.engine.reranking.capacity import Capacity, Needs, SongFacts

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
