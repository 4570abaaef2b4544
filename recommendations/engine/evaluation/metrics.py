"""How good a list is. Every function takes all listeners at once and gives one value a listener.

`hits` is bool (n, depth): whether the song at each position of a list was held out for that listener.
`n_test` is int (n,): how many were held out. `lists` is int32 (n, depth) of item rows, -1 after the end.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from recommendations.engine.core.ndcg import compute_ndcg

Values = NDArray[np.float64]


def precision(hits: NDArray[np.bool_], k: int) -> Values:
    """Share of the first k positions that are hits; a list that ends early counts as missing there."""
    return np.asarray(hits[:, :k].sum(axis=1) / k, dtype=np.float64)


def recall(hits: NDArray[np.bool_], n_test: NDArray[np.int64], k: int) -> Values:
    """Share of the held-out songs that are in the first k positions."""
    return np.asarray(hits[:, :k].sum(axis=1) / n_test, dtype=np.float64)


def hit_rate(hits: NDArray[np.bool_], k: int) -> Values:
    """1 where at least one of the first k positions is a hit."""
    return np.asarray(hits[:, :k].any(axis=1), dtype=np.float64)


def ndcg(hits: NDArray[np.bool_], n_test: NDArray[np.int64], k: int) -> Values:
    """Normalised discounted cumulative gain with binary relevance; the ideal has min(k, n_test) hits."""
    return compute_ndcg(hits, n_test, k)


def average_precision(hits: NDArray[np.bool_], n_test: NDArray[np.int64], k: int) -> Values:
    """Mean over min(k, n_test) of the precision at each hit; its mean over listeners is MAP."""
    first = hits[:, :k]
    at_each = np.cumsum(first, axis=1) / np.arange(1, first.shape[1] + 1)
    precision: Values = (at_each * first).sum(axis=1) / np.minimum(n_test, k)
    return precision


def coverage(lists: NDArray[np.int32], n_items: int, k: int) -> float:
    """Share of the catalogue that is in the first k positions of at least one list."""
    shown = lists[:, :k]
    return len(np.unique(shown[shown >= 0])) / n_items


def novelty(
    lists: NDArray[np.int32], n_heard: NDArray[np.int64], n_listeners: int, k: int
) -> Values:
    """Mean self-information -log2(share of the listeners who heard the song), NaN for an empty list.

    A song that nobody heard counts as if one listener had.
    """
    information = -np.log2(np.maximum(n_heard, 1) / max(n_listeners, 1))
    return _average_over_list(information, lists[:, :k])


def popularity_bias(lists: NDArray[np.int32], n_heard: NDArray[np.int64], k: int) -> Values:
    """Mean popularity percentile: share of the catalogue that fewer heard, ties counted half. Chance is 0.5."""
    ascending = np.sort(n_heard)
    below = np.searchsorted(ascending, n_heard, side="left")
    up_to = np.searchsorted(ascending, n_heard, side="right")
    return _average_over_list((below + up_to) / 2 / len(n_heard), lists[:, :k])


def diversity(lists: NDArray[np.int32], vectors: NDArray[np.float32], k: int) -> Values:
    """One minus the mean cosine between the songs of a list, NaN below two songs.

    With vectors of length 1 the sum over all pairs is (|sum of vectors|^2 - n) / 2.
    """
    shown = lists[:, :k]
    is_song = shown >= 0
    n = is_song.sum(axis=1)
    songs = vectors[np.maximum(shown, 0)] * is_song[:, :, None]
    total = (songs.sum(axis=1, dtype=np.float64) ** 2).sum(axis=1)
    own = (songs.astype(np.float64) ** 2).sum(axis=(1, 2))
    pairs = n * (n - 1)
    return np.where(pairs > 0, 1 - (total - own) / np.maximum(pairs, 1), np.nan)


def _average_over_list(values: Values, shown: NDArray[np.int32]) -> Values:
    is_song = shown >= 0
    n = is_song.sum(axis=1)
    total = np.where(is_song, values[np.maximum(shown, 0)], 0).sum(axis=1)
    return np.where(n > 0, total / np.maximum(n, 1), np.nan)
