"""How a candidate's genres go with those of the history: with all of it, and with its nearest songs."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix

from recommendations.engine.core.arrays import (
    BLOCK_BYTES,
    count_per_row,
    cut_blocks,
    gather_entries,
    list_entry_rows,
    pad_rows,
    sum_weighted_rows,
)
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
    is_known = count_per_row(genres) > 0
    # a copy, for zeros are taken out in place
    history = csr_matrix(
        (is_known[liked.indices].astype(np.float32), liked.indices, liked.indptr),
        shape=liked.shape,
        copy=True,
    )
    history.eliminate_zeros()
    n_compared = np.minimum(count_per_row(history), N_NEAREST)[candidates.listener_rows]
    nearest = _find_nearest(genres, history, candidates)
    can_compare = is_known[candidates.item_rows] & (n_compared > 0)
    mean = nearest.sum(axis=1) / np.maximum(n_compared, 1)
    return [np.where(can_compare, column, np.nan) for column in (nearest[:, 0], mean)]


def _find_nearest(
    genres: csr_matrix, history: csr_matrix, candidates: CandidateBatch
) -> NDArray[np.float32]:
    """Return the largest cosines of each candidate to songs of its listener's history, float32 (m, 3), 0 for none."""
    nearest = np.zeros((len(candidates), N_NEAREST), dtype=np.float32)
    n_most = int(np.diff(candidates.starts).max(initial=0))
    longest = int(count_per_row(history).max(initial=0))
    for rows in cut_blocks(history.shape[0], BLOCK_BYTES // (8 * max(n_most * longest, 1))):
        own = slice(candidates.starts[rows.start], candidates.starts[rows.stop])
        listeners = candidates.listener_rows[own] - rows.start
        cosines = _compute_cosines(genres, history[rows], candidates.item_rows[own], listeners)
        values = pad_rows(cosines).values
        n = min(N_NEAREST, values.shape[1])
        if n:
            largest = np.partition(values, values.shape[1] - n, axis=1)[:, values.shape[1] - n :]
            nearest[own, :n] = -np.sort(-largest, axis=1)
    return nearest


def _compute_cosines(
    genres: csr_matrix,
    history: csr_matrix,
    item_rows: NDArray[np.int32],
    listener_rows: NDArray[np.int64],
) -> csr_matrix:
    """Return the cosines of candidates to all songs of the histories, (m, songs); only to their listener's own."""
    # each listener has columns of their own, so one product compares nobody with another's history
    width = genres.shape[1] * history.shape[0]
    songs = _shift_columns(genres, item_rows, listener_rows, width)
    others = _shift_columns(genres, history.indices, list_entry_rows(history), width)
    return csr_matrix(songs @ others.T)


def _shift_columns(
    genres: csr_matrix,
    item_rows: NDArray[np.int32],
    listener_rows: NDArray[np.int64],
    width: int,
) -> csr_matrix:
    """Return the genres of songs, (m, width), in the columns of their listeners."""
    columns, values, lengths = gather_entries(genres, item_rows)
    offsets = np.repeat(listener_rows * genres.shape[1], lengths)
    starts = np.concatenate([[0], np.cumsum(lengths)])
    return csr_matrix((values, columns + offsets, starts), shape=(len(item_rows), width))
