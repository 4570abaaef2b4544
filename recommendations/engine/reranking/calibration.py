"""A list whose mix of genres is near to the listener's own (Steck 2018, "Calibrated recommendations").

The distance is Hellinger's: sqrt(1 - sum over genres of sqrt(own * list)), 0 for the same mix and 1 for no genre in
common. Unlike the Kullback-Leibler divergence of the paper it is symmetric, has an end, which makes a limit on it
readable, and needs no smoothing for genres that the list does not have.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from recommendations.engine.reranking.capacity import Capacity, Needs

STRENGTHS = (0.0, 0.5, 2.0, 10.0, 1000.0)
"""How much the distance counts beside the scores, tried one after the other until the list is near enough."""

MOST_SWAPS = 40


class GenreMix:
    """The genres of m candidates, float32 (m, n_genres), against a listener's own mix, float64 (n_genres,)."""

    def __init__(self, genres: NDArray[np.float32], own: NDArray[np.float64]) -> None:
        # genres that the listener does not have add nothing to the sum: only how much of the list they take
        kept = own > 0
        self._roots = np.sqrt(own[kept])
        self._genres = genres[:, kept].astype(np.float64)
        self._has_genre = (genres.sum(axis=1) > 0).astype(np.float64)
        # songs have few of all genres: distances change by these only
        rows, self._columns = np.nonzero(self._genres)
        self._shares = self._genres[rows, self._columns]
        self._weights = self._roots[self._columns]
        self._with_genres, self._starts = np.unique(rows, return_index=True)

    @property
    def is_known(self) -> bool:
        """Whether anything is known of the listener's mix."""
        return len(self._roots) > 0

    def measure(self, positions: NDArray[np.integer]) -> float:
        """Return the distance of a list; songs without a genre don't count, and 1 where none has one."""
        total, n = self._genres[positions].sum(axis=0), self._has_genre[positions].sum()
        return float(self._distance(total[None, :], np.array([n]))[0])

    def measure_next(self, positions: NDArray[np.integer]) -> NDArray[np.float64]:
        """Return the distance of the list with each candidate added, float64 (m,)."""
        total, n = self._genres[positions].sum(axis=0), self._has_genre[positions].sum()
        distances: NDArray[np.float64] = self._measure_added(total[None, :], np.array([n]))[0]
        return distances

    def measure_swaps(self, positions: NDArray[np.integer]) -> NDArray[np.float64]:
        """Return the distance of the list with each candidate in the place of each song, float64 (k, m)."""
        total, n = self._genres[positions].sum(axis=0), self._has_genre[positions].sum()
        return self._measure_added(total - self._genres[positions], n - self._has_genre[positions])

    def _measure_added(
        self, totals: NDArray[np.float64], n: NDArray[np.float64]
    ) -> NDArray[np.float64]:
        """Return the distance of each of k lists with each candidate added, float64 (k, m).

        `totals` are the sums of the lists' genres, (k, n_genres), of `n` songs with a genre, (k,).
        """
        totals = np.maximum(totals, 0)
        roots = np.sqrt(totals)
        gains = np.sqrt(totals[:, self._columns] + self._shares) - roots[:, self._columns]
        overlap = np.repeat((roots @ self._roots)[:, None], len(self._genres), axis=1)
        if len(self._with_genres):
            overlap[:, self._with_genres] += np.add.reduceat(
                gains * self._weights, self._starts, axis=1
            )
        overlap /= np.sqrt(np.maximum(n[:, None] + self._has_genre, 1))
        distances: NDArray[np.float64] = np.sqrt(np.maximum(1 - overlap, 0))
        return distances

    def _distance(self, totals: NDArray[np.float64], n: NDArray[np.float64]) -> NDArray[np.float64]:
        shares = np.maximum(totals, 0) / np.maximum(n, 1)[:, None]
        overlap = np.sqrt(shares) @ self._roots
        distances: NDArray[np.float64] = np.sqrt(np.maximum(1 - overlap, 0))
        return distances


def choose_calibrated(
    values: NDArray[np.float64],
    vectors: NDArray[np.float32],
    variety: float,
    mix: GenreMix | None,
    limit: float,
    capacity: Capacity,
    needs: Needs,
) -> NDArray[np.int32]:
    """Choose a list within the needs, at most `limit` from the listener's mix, or the nearest one that is found.

    First without regard to genres; then with the distance counting more and more (`STRENGTHS`), and at last by swapping
    songs of the nearest list as long as that brings it nearer. Costs k * m * (d + n_genres) a try.

    Parameters
    ----------
    values : (m,)
        What each song is worth before variety; -inf for none.
    variety
        What the cosine to the nearest chosen song costs.

    Returns
    -------
    int32 (n,)
        The places, ascending; none where no song is needed, as without candidates.
    """
    if not needs.length:
        return np.zeros(0, dtype=np.int32)
    tried = []
    for strength in STRENGTHS:
        chosen = _choose(values, vectors, variety, mix, strength, capacity, needs)
        if mix is None or mix.measure(chosen) <= limit:
            return chosen
        tried.append(chosen)
    if mix is None:
        raise AssertionError("A list without a mix of genres is returned at once.")
    return _swap_nearer(min(tried, key=mix.measure), mix, limit, capacity, needs)


def _choose(
    values: NDArray[np.float64],
    vectors: NDArray[np.float32],
    variety: float,
    mix: GenreMix | None,
    strength: float,
    capacity: Capacity,
    needs: Needs,
) -> NDArray[np.int32]:
    """Fill place after place with the song of the highest value less variety and distance.

    Where the needs may have kept a better song away, the list of the highest values that meets them is tried as well,
    and single songs of both are swapped as long as that gains something; the better one is returned.
    """
    left, needed = capacity.copy(), needs
    nearest = np.zeros(len(values), dtype=np.float32)
    chosen: list[int] = []
    while needed.length:
        worth = values - variety * nearest
        if mix is not None and strength:
            worth = worth - strength * mix.measure_next(np.array(chosen, dtype=np.int64))
        allowed = np.where(left.find_completable(needed), worth, -np.inf)
        pick = int(allowed.argmax())
        if not np.isfinite(allowed[pick]):
            raise AssertionError("The needs were reachable, so one candidate must complete them.")
        needed = left.take(pick, needed)
        chosen.append(pick)
        if variety:
            np.maximum(nearest, vectors @ vectors[pick], out=nearest)
    positions = np.array(chosen, dtype=np.int32)
    if not strength and capacity.is_bound(positions, needs):
        best = capacity.choose_best(values, needs)
        if not variety:
            return best
        tried = [
            _swap_better(start, values, vectors, variety, capacity, needs)
            for start in (positions, best)
        ]
        positions = max(tried, key=lambda one: _sum_worth(one, values, vectors, variety))
    return np.sort(positions)


def _sum_worth(
    chosen: NDArray[np.int32],
    values: NDArray[np.float64],
    vectors: NDArray[np.float32],
    variety: float,
) -> float:
    """Return the sum of a list's values less what the nearest other song costs each."""
    nearest = _find_nearest_without(vectors[chosen] @ vectors[chosen].T).diagonal()
    return float((values[chosen] - variety * nearest).sum())


def _swap_better(
    chosen: NDArray[np.int32],
    values: NDArray[np.float64],
    vectors: NDArray[np.float32],
    variety: float,
    capacity: Capacity,
    needs: Needs,
) -> NDArray[np.int32]:
    """Swap songs within the needs, the one that gains most first, until none gains anything."""
    slots = np.arange(len(chosen))
    cosines = vectors[chosen] @ vectors.T
    for _swap in range(MOST_SWAPS):
        gains = _find_nearest_without(cosines).astype(np.float64)
        gains *= -variety
        gains += values
        gains -= gains[slots, chosen][:, None]
        gains[~capacity.find_swaps(chosen, needs)] = -np.inf
        slot, other = divmod(int(gains.argmax()), gains.shape[1])
        if not gains[slot, other] > 1e-9:
            break
        chosen = chosen.copy()
        chosen[slot] = other
        cosines[slot] = vectors @ vectors[other]
    return chosen


def _find_nearest_without(cosines: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return each song's cosine to the nearest chosen one but the one of the row, at least 0: float32 (k, m).

    `cosines` are of the k chosen songs to all m.
    """
    everyone = np.arange(cosines.shape[1])
    first = cosines.argmax(axis=0)
    best = cosines[first, everyone]
    others = cosines.copy()
    others[first, everyone] = 0
    nearest = np.repeat(np.maximum(best, 0)[None, :], len(cosines), axis=0)
    nearest[first, everyone] = np.maximum(others.max(axis=0), 0)
    return nearest


def _swap_nearer(
    chosen: NDArray[np.int32],
    mix: GenreMix,
    limit: float,
    capacity: Capacity,
    needs: Needs,
) -> NDArray[np.int32]:
    """Swap songs, the one that brings most first, until the list is near enough or no swap brings it nearer."""
    distance = mix.measure(chosen)
    for _swap in range(MOST_SWAPS):
        if distance <= limit:
            break
        distances = np.where(capacity.find_swaps(chosen, needs), mix.measure_swaps(chosen), np.inf)
        slot, other = np.unravel_index(int(distances.argmin()), distances.shape)
        if not distances[slot, other] < distance - 1e-9:
            break
        chosen = chosen.copy()
        chosen[slot] = other
        distance = mix.measure(chosen)
    return np.sort(chosen)
