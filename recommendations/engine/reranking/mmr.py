"""From the best candidates to a list with variety: maximal marginal relevance and a cap on artists."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from recommendations.engine.core.arrays import NO_SONG

MOST_RERANKED = 100
"""Places that are chosen for variety; a longer list goes on by score alone."""

MOST_PAIRED = 200
"""Candidates of which all pairs are compared at once; more are compared as they are needed."""


@dataclass(frozen=True)
class Candidates:
    """The best songs of each listener before variety, best first.

    Attributes
    ----------
    item_rows : int32 (n, m)
        -1 after the end.
    totals : float64 (n, m)
        Brought to 0..1, below 0 for songs that only a contract looks at; -inf after the end.
    margins : float64 (n, m)
        How far each stands above the next one, in units of the score; inf for the last.
    """

    item_rows: NDArray[np.int32]
    totals: NDArray[np.float64]
    margins: NDArray[np.float64]

    def replace_rows(self, rows: NDArray[np.bool_], others: Candidates) -> Candidates:
        """Return the candidates with those of some listeners, bool (n,), replaced; at most m of each."""
        item_rows, totals, margins = self.item_rows.copy(), self.totals.copy(), self.margins.copy()
        item_rows[rows], totals[rows], margins[rows] = NO_SONG, -np.inf, np.inf
        n = others.item_rows.shape[1]
        item_rows[rows, :n] = others.item_rows
        totals[rows, :n] = others.totals
        margins[rows, :n] = others.margins
        return Candidates(item_rows, totals, margins)

    def take(self, positions: NDArray[np.int32]) -> tuple[NDArray[np.int32], NDArray[np.float64]]:
        """Return songs and margins at these places (n, k); for the place -1 they are -1 and inf."""
        is_song, positions = positions >= 0, np.maximum(positions, 0)
        item_rows = np.where(
            is_song, np.take_along_axis(self.item_rows, positions, axis=1), NO_SONG
        )
        margins = np.where(is_song, np.take_along_axis(self.margins, positions, axis=1), np.inf)
        return item_rows.astype(np.int32), margins


def find_one_sided(
    item_rows: NDArray[np.int32], artists: NDArray[np.int32], k: int, artist_cap: int
) -> NDArray[np.bool_]:
    """Return the listeners whose candidates (n, m) cannot fill k places with at most `artist_cap` of an artist."""
    within = count_before(artists[np.maximum(item_rows, 0)]) < artist_cap
    return np.asarray(((item_rows >= 0) & within).sum(axis=1) < k)


def spread_artists(
    candidates: Candidates, artists: NDArray[np.int32], n: int, artist_cap: int
) -> Candidates:
    """Return n candidates: of each artist the best `artist_cap`, then as many of the next ones; still best first.

    Parameters
    ----------
    artists : int32 (n_items,)
        -1 unknown: such a song is of an artist of its own.
    """
    is_song = candidates.item_rows >= 0
    layers = count_before(artists[np.maximum(candidates.item_rows, 0)]) // artist_cap
    layers = np.where(is_song, layers, candidates.item_rows.shape[1])
    kept = np.sort(np.argsort(layers, axis=1, kind="stable")[:, :n], axis=1)
    return Candidates(
        np.take_along_axis(candidates.item_rows, kept, axis=1),
        np.take_along_axis(candidates.totals, kept, axis=1),
        np.take_along_axis(candidates.margins, kept, axis=1),
    )


def count_before(artists: NDArray[np.int32]) -> NDArray[np.int64]:
    """Return how many songs of the same artist stand before each one of its row, int64 (n, m); -1 counts none."""
    order = np.argsort(artists, axis=1, kind="stable")
    ordered = np.take_along_axis(artists, order, axis=1)
    columns = np.broadcast_to(np.arange(artists.shape[1]), artists.shape)
    is_first = np.ones(artists.shape, dtype=bool)
    is_first[:, 1:] = ordered[:, 1:] != ordered[:, :-1]
    is_first |= ordered < 0
    first = np.maximum.accumulate(np.where(is_first, columns, 0), axis=1)
    counts = np.empty(artists.shape, dtype=np.int64)
    np.put_along_axis(counts, order, columns - first, axis=1)
    return counts


def compute_margins(totals: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return how far each total (n, m), best first, is above the next one; inf where there is none (not finite)."""
    with np.errstate(invalid="ignore"):
        steps = totals[:, :-1] - totals[:, 1:]
    last = np.full((len(totals), min(1, totals.shape[1])), np.inf)
    return np.hstack([np.where(np.isfinite(steps), steps, np.inf), last])


def rerank(
    scores: NDArray[np.float64],
    vectors: NDArray[np.float32],
    artists: NDArray[np.int32] | None,
    k: int,
    *,
    relevance: float | NDArray[np.float64],
    artist_cap: int | None,
) -> NDArray[np.int32]:
    """Choose k candidates by maximal marginal relevance (Carbonell and Goldstein, 1998).

    Each place goes to the candidate with the highest
    relevance * score - (1 - relevance) * (cosine to the nearest song chosen so far, at least 0).
    A song of an artist who is in the list `artist_cap` times already comes only after all others.
    The chosen songs are returned best score first.

    Parameters
    ----------
    scores
        (n, n_candidates), best first, 0 to 1; -inf where there is none.
    vectors
        (n, n_candidates, d), each of length 1 or 0.
    artists
        (n, n_candidates), -1 unknown.
    relevance
        0 to 1, one for all or (n,).

    Returns
    -------
    int32 (n, min(k, n_candidates))
        Places among the candidates, ascending (so best first), -1 at the end where there are fewer.
        Costs n * k * n_candidates * d.
    """
    n, n_candidates = scores.shape
    k = min(k, n_candidates)
    n_chosen = min(k, MOST_RERANKED)
    everyone = np.arange(n)
    weight = np.broadcast_to(np.asarray(relevance, dtype=np.float32), (n,))[:, None]
    is_song = np.isfinite(scores)
    values = np.where(is_song, weight * np.where(is_song, scores, 0), -np.inf).astype(np.float32)
    cosines_to = _compute_cosines(vectors)
    nearest = np.zeros(scores.shape, dtype=np.float32)
    n_of_artist = np.zeros(scores.shape, dtype=np.int16)
    chosen = np.zeros(scores.shape, dtype=bool)
    current = values.copy()
    for _ in range(n_chosen):
        pick = current.argmax(axis=1)
        chosen[everyone, pick] |= values[everyone, pick] > -np.inf
        values[everyone, pick] = -np.inf
        if artists is not None and artist_cap is not None:
            picked = artists[everyone, pick][:, None]
            is_same = artists == picked
            n_of_artist += is_same
            is_full = np.flatnonzero(
                (n_of_artist[everyone, pick] % artist_cap == 0) & (picked[:, 0] >= 0)
            )
            # values span at most 1, so 2 puts a song behind every song of a rarer artist
            values[is_full] -= np.float32(2) * is_same[is_full]
        np.maximum(nearest, cosines_to(pick), out=nearest)
        np.multiply(nearest, 1 - weight, out=current)
        np.subtract(values, current, out=current)
    return _list_positions(chosen, values > -np.inf, n_chosen, k)


def _compute_cosines(
    vectors: NDArray[np.float32],
) -> Callable[[NDArray[np.intp]], NDArray[np.float32]]:
    """Return a function from one place a list to the cosines of its vector to all, (n, n_candidates)."""
    n, n_candidates, _ = vectors.shape
    everyone = np.arange(n)
    if n_candidates > MOST_PAIRED:
        return lambda pick: np.matmul(vectors, vectors[everyone, pick][:, :, None])[:, :, 0]
    all_pairs = np.matmul(vectors, vectors.transpose(0, 2, 1)).reshape(
        n * n_candidates, n_candidates
    )
    return lambda pick: all_pairs[everyone * n_candidates + pick]


def _list_positions(
    chosen: NDArray[np.bool_], is_free: NDArray[np.bool_], n_chosen: int, k: int
) -> NDArray[np.int32]:
    """Return the chosen places and, for lists longer than the re-ranked part, the best of the rest."""
    if k > n_chosen:
        order = np.cumsum(is_free, axis=1)
        chosen = chosen | (is_free & (order <= k - n_chosen))
    positions = np.sort(np.where(chosen, np.arange(chosen.shape[1]), chosen.shape[1]), axis=1)[
        :, :k
    ]
    return np.where(positions < chosen.shape[1], positions, -1).astype(np.int32)
