"""Sonic path: songs that lead from one song to another in small, even steps."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

LONGEST_PATH = 100
"""Most songs of a path, its two ends included."""
CANDIDATES = 64
"""Songs near each point of the way that are considered."""
BEAM = 64
"""Beginnings of a path that are carried on from one song to the next."""
ARTIST_GAP = 2
"""Songs of others between two songs of one artist."""


class PathUnknown(ValueError):
    """Nothing is known of how one of the two songs sounds; `row` is its item row."""

    def __init__(self, row: int) -> None:
        super().__init__(f"Nothing is known of the sound of the song in row {row}.")
        self.row = row


@dataclass(frozen=True)
class PathRules:
    """What a path may not do.

    Attributes
    ----------
    exclude : bool (n_items,)
        Songs that must not be on the way; the two ends may be.
    artist : int (n_items,), -1 unknown
        Two songs of one artist have `artist_gap` others between them; the ends keep it towards the way, not
        towards each other.
    works : int (n_items,), -1 none
        Of songs with the same number a path has one only.
    """

    exclude: NDArray[np.bool_]
    artist: NDArray[np.int32] | None = None
    works: NDArray[np.int32] | None = None
    artist_gap: int = ARTIST_GAP


@dataclass(frozen=True)
class _Beam:
    """Beginnings of a path, most promising first: rows (b, length) and the sums of their squared steps (b,)."""

    rows: NDArray[np.int64]
    costs: NDArray[np.float64]


def find_path(
    vectors: NDArray[np.float32],
    start: int,
    end: int,
    n: int,
    rules: PathRules,
    *,
    candidates: int = CANDIDATES,
    beam: int = BEAM,
) -> NDArray[np.int64]:
    """Return the rows of at most n songs from `start` to `end`, both included.

    The path with the smallest sum of squared steps is looked for: with a given number of songs that sum is
    smallest when no step is longer than it must be. The songs of each place come from around the point that
    divides the arc between the ends evenly; a beam search picks among them by what a beginning cost and what
    the rest costs at least. With `candidates` of all songs and a `beam` of all beginnings the path is the
    best there is. A place for which the rules leave no song stays empty, so that a path may be shorter than n.

    Parameters
    ----------
    vectors
        float32 (n_items, d), of length 1; zeros where nothing is known, and such songs are not on the way.

    Raises
    ------
    PathUnknown
        One of the ends is of length 0.
    ValueError
        n is below 2 or above `LONGEST_PATH`, or both ends are the same song.

    Notes
    -----
    Costs n products of the catalogue's vectors with one vector, and n * beam * candidates distances.
    """
    _check_request(vectors, start, end, n)
    allowed = vectors.any(axis=1) & ~rules.exclude
    allowed[_find_same_work(rules, start)] = False
    allowed[_find_same_work(rules, end)] = False
    allowed[[start, end]] = False
    rows = np.flatnonzero(allowed)
    pool = vectors[rows]
    paths = _Beam(np.array([[start]]), np.zeros(1))
    for n_left, point in zip(
        range(n - 3, -1, -1), _divide_arc(vectors[start], vectors[end], n), strict=True
    ):
        near = rows[_find_nearest(pool @ point, candidates)]
        costs = paths.costs[:, None] + _square_distances(vectors[paths.rows[:, -1]], vectors[near])
        near_end = end if n_left < rules.artist_gap else -1
        costs[_find_forbidden(paths.rows, near, rules, near_end)] = np.inf
        rest = _bound_rest(vectors[near], vectors[end], n_left + 1)
        grown = _grow(paths, near, costs, rest, beam)
        paths = grown if len(grown.costs) else paths
    costs = paths.costs + _square_distances(vectors[paths.rows[:, -1]], vectors[end][None])[:, 0]
    return _end_path(paths.rows[int(np.argmin(costs))], end, rules)


def _end_path(rows: NDArray[np.int64], end: int, rules: PathRules) -> NDArray[np.int64]:
    """Add the last song; empty places may have moved songs of its artist near it, which then go."""
    if rules.artist is not None and rules.artist_gap and rules.artist[end] >= 0:
        is_near = np.arange(len(rows)) >= max(1, len(rows) - rules.artist_gap)
        rows = rows[~(is_near & (rules.artist[rows] == rules.artist[end]))]
    return np.append(rows, end)


def measure_steps(vectors: NDArray[np.float32], rows: NDArray[np.integer]) -> NDArray[np.float64]:
    """Return how far each song of a path is from the one before it, (len(rows) - 1,)."""
    between = np.diff(vectors[rows].astype(np.float64), axis=0)
    distances: NDArray[np.float64] = np.sqrt((between * between).sum(axis=1))
    return distances


def _check_request(vectors: NDArray[np.float32], start: int, end: int, n: int) -> None:
    if not 2 <= n <= LONGEST_PATH:
        raise ValueError(f"A path has 2 to {LONGEST_PATH} songs, not {n}.")
    if start == end:
        raise ValueError("A path needs two different songs.")
    for row in (start, end):
        if not vectors[row].any():
            raise PathUnknown(row)


def _divide_arc(
    start: NDArray[np.float32], end: NDArray[np.float32], n: int
) -> NDArray[np.float32]:
    """Return the n - 2 points that divide the arc between two vectors of length 1 evenly, (n - 2, d)."""
    shares = np.linspace(0, 1, n)[1:-1, None]
    angle = float(np.arccos(np.clip(start.astype(np.float64) @ end, -1, 1)))
    if (
        np.sin(angle) < 1e-6
    ):  # the same direction, or the opposite one, where no arc is shorter than another
        points = (1 - shares) * start + shares * end
    else:
        points = np.sin((1 - shares) * angle) * start + np.sin(shares * angle) * end
    return points.astype(np.float32)


def _find_nearest(scores: NDArray[np.float32], k: int) -> NDArray[np.int64]:
    """Return the places of the k highest scores in ascending order; ties by place."""
    if len(scores) <= k:
        return np.arange(len(scores))
    lowest = np.partition(scores, len(scores) - k)[len(scores) - k]
    above = np.flatnonzero(scores > lowest)
    tied = np.flatnonzero(scores == lowest)[: k - len(above)]
    return np.sort(np.concatenate([above, tied]))


def _grow(
    paths: _Beam,
    near: NDArray[np.int64],
    costs: NDArray[np.float64],
    rest: NDArray[np.float64],
    beam: int,
) -> _Beam:
    """Return the `beam` most promising beginnings that are one song longer.

    `costs` (b, len(near)) are theirs, inf where the rules forbid one; `rest` (len(near),) is what the way
    from each song to the end costs at least.
    """
    order = np.argsort(costs + rest, axis=None, kind="stable")[:beam]
    order = order[np.isfinite(costs.ravel()[order])]
    before, added = np.unravel_index(order, costs.shape)
    return _Beam(np.column_stack([paths.rows[before], near[added]]), costs.ravel()[order])


def _bound_rest(
    vectors: NDArray[np.float32], end: NDArray[np.float32], n_steps: int
) -> NDArray[np.float64]:
    """Return the smallest sum of `n_steps` squared steps from each vector to `end`: even ones along the arc."""
    angles = np.arccos(np.clip(vectors.astype(np.float64) @ end, -1, 1))
    return n_steps * (2 * np.sin(angles / (2 * n_steps))) ** 2


def _find_forbidden(
    paths: NDArray[np.int64], near: NDArray[np.int64], rules: PathRules, end: int
) -> NDArray[np.bool_]:
    """Return which songs may not follow which beginnings, bool (b, len(near))."""
    forbidden: NDArray[np.bool_] = (paths[:, :, None] == near).any(axis=1)
    if rules.works is not None:
        works = rules.works[near]
        forbidden |= ((rules.works[paths][:, :, None] == works) & (works >= 0)).any(axis=1)
    if rules.artist is not None and rules.artist_gap:
        artists = rules.artist[near]
        recent = rules.artist[paths[:, -rules.artist_gap :]]
        forbidden |= ((recent[:, :, None] == artists) & (artists >= 0)).any(axis=1)
        if end >= 0 and rules.artist[end] >= 0:
            forbidden |= artists == rules.artist[end]
    return forbidden


def _find_same_work(rules: PathRules, row: int) -> NDArray[np.int64]:
    if rules.works is None or rules.works[row] < 0:
        return np.zeros(0, dtype=np.int64)
    return np.flatnonzero(rules.works == rules.works[row])


def _square_distances(one: NDArray[np.float32], other: NDArray[np.float32]) -> NDArray[np.float64]:
    """Return the squared distances of vectors of length 1, float64 (len(one), len(other))."""
    return np.maximum(0.0, 2.0 - 2.0 * (one.astype(np.float64) @ other.T.astype(np.float64)))
