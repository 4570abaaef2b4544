"""Team-draft interleaving: one list from the lists of two recommenders (Radlinski, Kurup and Joachims, 2008).

In each round both teams pick the best song of their own list that is still free; a coin says who picks first. What a
list must keep is kept by the joint list: a song or another version of it that one team took is gone for both, artists
are counted over both teams, and no song is more alike to another than its team's own list lets two songs be.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

FIRST, SECOND = 0, 1
UNCONTESTED = -1
"""The team of a position that one team filled because the other had nothing left; it counts for neither."""

TOLERANCE = 1e-4
"""Cosines are compared up to this: float32 sums depend on their order."""


@dataclass(frozen=True)
class Team:
    """One recommender's list of m songs, best first.

    Attributes
    ----------
    works
        What no list has twice: one key a song and all its versions.
    artists
        One key a song.
    vectors : float32 (m, d)
        Of length 1 or 0, by this team's own measure of what is alike.
    vectors_of_other : float32 (m_other, d)
        The other team's songs by the same measure; zeros for songs that it does not have.
    """

    works: Sequence[Hashable]
    artists: Sequence[Hashable]
    vectors: NDArray[np.float32]
    vectors_of_other: NDArray[np.float32]

    def __len__(self) -> int:
        return len(self.works)


@dataclass(frozen=True)
class Slot:
    """One position of the joint list: the list its song is from, the position there, and the credited team."""

    source: int
    position: int
    team: int


def draft_teams(teams: tuple[Team, Team], n: int, *, artist_cap: int, seed: int) -> list[Slot]:
    """Return at most n slots of the joint list of two teams.

    Songs that break a rule (`artist_cap` songs of an artist, too alike) are picked only after all that keep them; a
    song or version that is in the list is never picked again. Where both teams have the same list, the joint list is
    that list with the songs above the cap at its end. Costs n * (m + m_other) * d.

    Parameters
    ----------
    seed
        Of the coins; the same seed gives the same list.
    """
    draft = _Draft(teams, artist_cap)
    rng = np.random.default_rng(seed)
    slots: list[Slot] = []
    for keeps_rules in (True, False):
        while len(slots) < n:
            starter = int(rng.integers(2))
            picks = draft.play_round((starter, 1 - starter), keeps_rules)
            if not picks:
                break
            is_contested = len(picks) == 2
            slots += [
                Slot(team, position, team if is_contested else UNCONTESTED)
                for team, position in picks
            ]
    return slots[:n]


class _Draft:
    """The state of a draft: what is taken, and how near each free song is to the nearest taken one."""

    def __init__(self, teams: tuple[Team, Team], artist_cap: int) -> None:
        self._teams = teams
        self._artist_cap = artist_cap
        self._taken: set[Hashable] = set()
        self._n_of_artist: Counter[Hashable] = Counter()
        self._nearest = [np.zeros(len(team), dtype=np.float32) for team in teams]
        self._limits = [_find_alikeness(team.vectors) + TOLERANCE for team in teams]

    def play_round(self, order: tuple[int, int], keeps_rules: bool) -> list[tuple[int, int]]:
        """Let both teams pick; return (team, position) of each pick, one less for a team that has nothing left."""
        picks = []
        for team in order:
            position = self._find_best(team, keeps_rules)
            if position is not None:
                self._take(team, position)
                picks.append((team, position))
        return picks

    def _find_best(self, team: int, keeps_rules: bool) -> int | None:
        own = self._teams[team]
        for position in range(len(own)):
            if own.works[position] in self._taken:
                continue
            if not keeps_rules or self._fits(team, position):
                return position
        return None

    def _fits(self, team: int, position: int) -> bool:
        is_rare = self._n_of_artist[self._teams[team].artists[position]] < self._artist_cap
        return is_rare and bool(self._nearest[team][position] <= self._limits[team])

    def _take(self, team: int, position: int) -> None:
        own, other = self._teams[team], self._teams[1 - team]
        self._taken.add(own.works[position])
        self._n_of_artist[own.artists[position]] += 1
        for index, vectors, picked in (
            (team, own.vectors, own.vectors[position]),
            (1 - team, other.vectors, other.vectors_of_other[position]),
        ):
            np.maximum(self._nearest[index], vectors @ picked, out=self._nearest[index])


def _find_alikeness(vectors: NDArray[np.float32]) -> float:
    """Return the largest cosine between two songs of a list; 1 where there are not two."""
    if len(vectors) < 2:
        return 1.0
    cosines = vectors @ vectors.T
    np.fill_diagonal(cosines, -1)
    return float(cosines.max())
