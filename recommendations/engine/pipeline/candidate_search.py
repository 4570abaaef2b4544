"""Candidates first: what a large catalogue's components propose for each listener, so that only that is scored."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from recommendations.engine.algorithms import Algorithm
from recommendations.engine.core.arrays import select_top_columns, take_rows
from recommendations.engine.pipeline.requests import ListenerBatch
from recommendations.engine.ranking.tree_ranker import Ranker

N_SPREAD = 256
"""Songs spread evenly over the catalogue that are candidates for everybody, as the few worst ones of a component are.

A blend brings scores to a scale from the worst song to the best: without some of the middle and the end of the
catalogue the worst would be one of the best, and the components would not keep their weights.
"""

FEW_SONGS = 4_096
"""Where no more songs may come, all of them are candidates."""

TIMES_MORE = 4
"""How many times more a component is asked for where too many of its proposals must not come."""

LARGEST_PART = 8
"""A component that would be asked for more than this part of the catalogue, one in so many, scores all songs."""


@dataclass(frozen=True)
class CandidateSearch:
    """Asks the components for proposals, and more of them until enough may come.

    Attributes
    ----------
    algorithms
        The fitted components by name.
    ranker
        The learned second stage, if there is one: it is shown songs of the artists heard, too.
    n_items
        Songs in the catalogue.
    """

    algorithms: Mapping[str, Algorithm]
    ranker: Ranker | None
    n_items: int

    def list_candidates(
        self,
        listeners: ListenerBatch,
        unavailable: NDArray[np.bool_] | None,
        needed: NDArray[np.bool_],
        is_ranked: NDArray[np.bool_],
        n: int,
    ) -> list[NDArray[np.int32]]:
        """Return each listener's candidates that may come, ascending rows of songs.

        At least n from every component that has so many, and the songs spread over the catalogue; all songs that may
        come where they are few. A listener's candidates do not depend on the others.

        Parameters
        ----------
        unavailable
            bool (n_items,), songs that must not come for anybody.
        needed
            bool (n, n_components), the components that each listener's lists come from.
        is_ranked
            bool (n,), whose lists the ranker orders.
        n
            Songs wanted of each component.
        """
        allowed = [AllowedSongs(listeners, row, unavailable) for row in range(len(listeners))]
        if unavailable is not None and self.n_items - np.count_nonzero(unavailable) <= FEW_SONGS:
            rest = np.flatnonzero(~unavailable).astype(np.int32)
            return [songs.keep(rest) for songs in allowed]
        spread = np.linspace(0, self.n_items - 1, N_SPREAD).astype(np.int32)
        lists = [[songs.keep(spread)] for songs in allowed]
        for algorithm, needing in zip(self.algorithms.values(), needed.T, strict=True):
            rows = np.flatnonzero(needing)
            for row, songs in self._propose(algorithm, listeners, allowed, rows, n):
                lists[row].append(songs)
            worst = algorithm.propose_worst(take_rows(listeners.histories, rows))
            for row, songs in zip(rows.tolist(), worst, strict=True):
                lists[row].append(allowed[row].keep(songs))
        for ranked in np.flatnonzero(is_ranked).tolist():
            lists[ranked] += self._list_artist_songs(listeners, ranked, allowed[ranked])
        return [np.unique(np.concatenate(songs)).astype(np.int32) for songs in lists]

    def _propose(
        self,
        algorithm: Algorithm,
        listeners: ListenerBatch,
        allowed: list[AllowedSongs],
        rows: NDArray[np.intp],
        n: int,
    ) -> Iterable[tuple[int, NDArray[np.int32]]]:
        """Yield (row, songs that may come) of one component for some of the listeners."""
        counts = np.array([n + allowed[row].n_forbidden for row in rows], dtype=np.int64)
        while len(rows):
            counts = np.minimum(counts, self.n_items)
            proposals = algorithm.propose(take_rows(listeners.histories, rows), counts)
            is_short = np.zeros(len(rows), dtype=bool)
            for position, proposed in enumerate(proposals):
                row = int(rows[position])
                songs = allowed[row].keep(proposed)
                is_short[position] = len(songs) < n and len(proposed) >= counts[position]
                if not is_short[position]:
                    yield row, songs[:n]
            rows, counts = rows[is_short], TIMES_MORE * counts[is_short]
            is_most = counts > self.n_items // LARGEST_PART
            for row in rows[is_most].tolist():
                yield row, self._list_exactly(algorithm, listeners, allowed[row], row, n)
            rows, counts = rows[~is_most], counts[~is_most]

    def count_allowed(
        self, listeners: ListenerBatch, row: int, unavailable: NDArray[np.bool_] | None
    ) -> int:
        """Return how many songs may come for one listener; cost: one pass over a mask."""
        mask = AllowedSongs(listeners, row, unavailable).mask(self.n_items)
        return int(np.count_nonzero(mask))

    def list_exactly(
        self,
        listeners: ListenerBatch,
        row: int,
        unavailable: NDArray[np.bool_] | None,
        needed: NDArray[np.bool_],
        n: int,
    ) -> NDArray[np.int32]:
        """Return the n best songs by each needed component, (n_components,), that may come for one listener.

        Cost: every song is scored.
        """
        allowed = AllowedSongs(listeners, row, unavailable)
        lists = [
            self._list_exactly(algorithm, listeners, allowed, row, n)
            for algorithm, is_needed in zip(self.algorithms.values(), needed, strict=True)
            if is_needed
        ]
        return np.unique(np.concatenate([np.zeros(0, dtype=np.int32), *lists])).astype(np.int32)

    def _list_exactly(
        self,
        algorithm: Algorithm,
        listeners: ListenerBatch,
        allowed: AllowedSongs,
        row: int,
        n: int,
    ) -> NDArray[np.int32]:
        scores = algorithm.score(take_rows(listeners.histories, np.array([row])))
        scores[:, ~allowed.mask(self.n_items)] = np.nan
        return _select_best(scores, n)

    def _list_artist_songs(
        self, listeners: ListenerBatch, row: int, allowed: AllowedSongs
    ) -> list[NDArray[np.int32]]:
        """Return the songs of artists heard that the ranker is shown; cost: one pass over a mask."""
        if self.ranker is None:
            return []
        songs = self.ranker.songs.list_artist_candidates(
            take_rows(listeners.histories, np.array([row])),
            allowed.mask(self.n_items)[None, :],
            self.ranker.config.n_by_artist,
        )
        return [rows[rows >= 0] for rows in (each[0] for each in songs)]

    def list_similar(
        self, listeners: ListenerBatch, unavailable: NDArray[np.bool_] | None, item_row: int, n: int
    ) -> NDArray[np.int32]:
        """Return the songs that components propose as like one song and that may come, ascending rows."""
        allowed = AllowedSongs(listeners, 0, unavailable)
        if unavailable is not None and self.n_items - np.count_nonzero(unavailable) <= FEW_SONGS:
            return allowed.keep(np.flatnonzero(~unavailable).astype(np.int32))
        lists = [allowed.keep(np.linspace(0, self.n_items - 1, N_SPREAD).astype(np.int32))]
        lists += [
            self._propose_similar(algorithm, allowed, item_row, n)
            for algorithm in self.algorithms.values()
        ]
        lists += [
            allowed.keep(algorithm.propose_least_similar(item_row))
            for algorithm in self.algorithms.values()
        ]
        return np.unique(np.concatenate(lists)).astype(np.int32)

    def _propose_similar(
        self, algorithm: Algorithm, allowed: AllowedSongs, item_row: int, n: int
    ) -> NDArray[np.int32]:
        count = n + allowed.n_forbidden
        while count <= self.n_items // LARGEST_PART:
            proposed = algorithm.propose_similar(item_row, count)
            songs = allowed.keep(proposed)
            # the song itself is left out
            if len(songs) >= n or len(proposed) < count - 1:
                return songs[:n]
            count *= TIMES_MORE
        scores = algorithm.similar(item_row)[None, :].copy()
        scores[:, ~allowed.mask(self.n_items)] = np.nan
        return _select_best(scores, n)


def _select_best(scores: NDArray[np.float32], n: int) -> NDArray[np.int32]:
    """Return the n songs of highest score in a single row, best first."""
    best = select_top_columns(scores, n)[0]
    songs: NDArray[np.int32] = best[best >= 0]
    return songs


class AllowedSongs:
    """What may come for one listener.

    Attributes
    ----------
    n_forbidden
        Songs that must not come for this listener alone.
    """

    def __init__(
        self, listeners: ListenerBatch, row: int, unavailable: NDArray[np.bool_] | None
    ) -> None:
        own = [
            matrix.indices[matrix.indptr[row] : matrix.indptr[row + 1]]
            for matrix in listeners.forbidden
        ]
        self._forbidden = np.unique(np.concatenate([np.zeros(0, dtype=np.int32), *own]))
        self._unavailable = unavailable
        self.n_forbidden = len(self._forbidden)

    def keep(self, item_rows: NDArray[np.int32]) -> NDArray[np.int32]:
        """Return the songs that may come, in the same order."""
        may_come = ~np.isin(item_rows, self._forbidden)
        if self._unavailable is not None:
            may_come &= ~self._unavailable[item_rows]
        return item_rows[may_come]

    def mask(self, n_items: int) -> NDArray[np.bool_]:
        """Return which of all songs may come, bool (n_items,)."""
        may_come = np.ones(n_items, dtype=bool) if self._unavailable is None else ~self._unavailable
        may_come[self._forbidden] = False
        return may_come
