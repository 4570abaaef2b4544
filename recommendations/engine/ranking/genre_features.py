"""How a candidate's genres go with those of the history: with all of it, and with its nearest songs."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix

from recommendations.engine.core.arrays import count_per_row, gather_entries, sum_weighted_rows
from recommendations.engine.ranking.candidates import CandidateBatch

AFFINITY = ("genre_affinity",)
NEAREST = ("genre_nearest_song", "genre_nearest_three")
"""Who hears two kinds of music is not in the mean of both."""
N_NEAREST = 3


def compute_affinity(
    genres: csr_matrix, liked: csr_matrix, candidates: CandidateBatch
) -> list[NDArray[Any]]:
    """Return the cosine of each candidate's genres to the sum of the history's, (m,); NaN unknown.

    Parameters
    ----------
    genres
        float32 csr (n_items, n_genres), rows of length 1 or empty.
    liked
        csr (n, n_items), ones.
    """
    profiles = sum_weighted_rows(liked, genres)
    lengths = np.sqrt((profiles**2).sum(axis=1))
    rows = candidates.listener_rows
    columns, values, n_genres = gather_entries(genres, candidates.item_rows)
    candidate = np.repeat(np.arange(len(rows)), n_genres)
    fit = np.bincount(
        candidate, weights=values * profiles[rows[candidate], columns], minlength=len(rows)
    )
    is_known = (n_genres > 0) & (lengths[rows] > 0)
    return [np.where(is_known, fit / np.where(is_known, lengths[rows], 1), np.nan)]


def compute_nearest(
    genres: csr_matrix, liked: csr_matrix, candidates: CandidateBatch
) -> list[NDArray[Any]]:
    """Compare each candidate's genres with those of each song of the history.

    Cost: candidates * history for each listener.

    Returns
    -------
    list
        The largest cosine, and the mean of the three largest, (m,) each; NaN where the genres of the candidate, or of
        all of the history, are unknown.
    """
    columns = [np.full(len(candidates), np.nan, dtype=np.float32) for _ in NEAREST]
    is_known = count_per_row(genres) > 0
    for row in range(liked.shape[0]):
        own = slice(candidates.starts[row], candidates.starts[row + 1])
        history = liked.indices[liked.indptr[row] : liked.indptr[row + 1]]
        history = history[is_known[history]]
        songs = candidates.item_rows[own]
        if not len(history) or not len(songs):
            continue
        cosines = (genres[songs] @ genres[history].T).toarray()
        n = min(N_NEAREST, len(history))
        nearest = np.sort(np.partition(cosines, len(history) - n, axis=1)[:, -n:], axis=1)
        for column, values in zip(columns, (nearest[:, -1], nearest.mean(axis=1)), strict=True):
            column[own] = np.where(is_known[songs], values, np.nan)
    return columns
