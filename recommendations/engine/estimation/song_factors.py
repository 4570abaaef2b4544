"""What listens alone say of the songs: factors, and the neighbours that these give."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix

from recommendations.engine.core.arrays import cut_blocks, make_empty_rows, normalise_rows
from recommendations.engine.core.seeding import make_generator

N_FACTORS = 32
N_NEIGHBOURS = 20
MOST_LISTENERS = 20_000
"""A sample of so many says as much about the songs as a million, in a bounded time."""
LARGEST_POOL = 4_096
"""Neighbours are looked for among at most so many songs with known features."""
_ROUNDS = 4
_SPARE = 8
_SONGS_AT_A_TIME = 512


def compute_song_factors(strengths: csr_matrix, *, seed: int = 0) -> NDArray[np.float32]:
    """Compute a truncated singular value decomposition of who heard what (Halko et al., 2011).

    Entries are log(1 + strength), divided by the lengths of their row and column, so that neither a listener who hears
    everything nor a song that everybody hears decides alone. Costs some passes over the entries of at most
    `MOST_LISTENERS` listeners.

    Parameters
    ----------
    strengths
        float32 csr (n_listeners, n_items); dislikes, below 0, are left out.

    Returns
    -------
    float32 (n_items, at most N_FACTORS)
        Rows of length 1; zeros for songs that nobody heard.
    """
    rng = make_generator(seed, "song factors")
    weights = _weigh_entries(_sample_listeners(strengths, rng))
    n_listeners, n_items = weights.shape
    n_factors = min(N_FACTORS, n_listeners, n_items)
    if not n_factors or not weights.nnz:
        return np.zeros((n_items, 0), dtype=np.float32)
    width = min(n_factors + _SPARE, n_items)
    basis = rng.standard_normal((n_items, width)).astype(np.float32)
    transposed = weights.T.tocsr()
    for _round in range(_ROUNDS):
        basis = np.linalg.qr(transposed @ (weights @ basis))[0]
    _left, sizes, rotation = np.linalg.svd(weights @ basis, full_matrices=False)
    n_factors = min(n_factors, len(sizes))
    factors = (basis @ rotation.T[:, :n_factors]) * sizes[:n_factors]
    heard = np.bincount(weights.indices, minlength=n_items) > 0
    return normalise_rows(np.where(heard[:, None], factors, 0))


def find_neighbours(factors: NDArray[np.float32], pool: NDArray[np.intp]) -> csr_matrix:
    """Find for each song the `N_NEIGHBOURS` nearest songs of a pool, never itself.

    Costs n_items * len(pool) * n_factors.

    Parameters
    ----------
    factors
        float32 (n_items, n_factors), rows of length 1 or 0.
    pool
        Ascending rows of songs, (n_pool,).

    Returns
    -------
    float32 csr (n_items, n_items)
        Cosines above 0; a row without factors is empty.
    """
    n_items = len(factors)
    pool = pool[factors[pool].any(axis=1)] if factors.shape[1] else pool[:0]
    n_kept = min(N_NEIGHBOURS, len(pool))
    if not n_kept:
        return make_empty_rows(n_items, n_items)
    place_in_pool = np.full(n_items, -1)
    place_in_pool[pool] = np.arange(len(pool))
    columns = np.empty((n_items, n_kept), dtype=np.int64)
    cosines = np.empty((n_items, n_kept), dtype=np.float32)
    for block in cut_blocks(n_items, _SONGS_AT_A_TIME):
        near = factors[block] @ factors[pool].T
        own = place_in_pool[block]
        is_in_pool = np.flatnonzero(own >= 0)
        near[is_in_pool, own[is_in_pool]] = 0
        nearest = np.argpartition(-near, n_kept - 1, axis=1)[:, :n_kept]
        columns[block] = pool[nearest]
        cosines[block] = np.take_along_axis(near, nearest, axis=1)
    rows = np.repeat(np.arange(n_items), n_kept)
    is_near = cosines.ravel() > 0
    entries = (cosines.ravel()[is_near], (rows[is_near], columns.ravel()[is_near]))
    return csr_matrix(entries, shape=(n_items, n_items))


def _sample_listeners(strengths: csr_matrix, rng: np.random.Generator) -> csr_matrix:
    n_listeners = strengths.shape[0]
    if n_listeners <= MOST_LISTENERS:
        return csr_matrix(strengths)
    return csr_matrix(strengths)[np.sort(rng.choice(n_listeners, MOST_LISTENERS, replace=False))]


def _weigh_entries(strengths: csr_matrix) -> csr_matrix:
    weights = csr_matrix(strengths, dtype=np.float32, copy=True)
    weights.data = np.log1p(np.maximum(weights.data, 0))
    weights.eliminate_zeros()
    by_listener = np.sqrt(np.asarray(weights.multiply(weights).sum(axis=1)).ravel())
    weights.data /= np.repeat(np.where(by_listener > 0, by_listener, 1), np.diff(weights.indptr))
    by_song = np.sqrt(np.bincount(weights.indices, weights.data**2, minlength=weights.shape[1]))
    weights.data /= by_song[weights.indices].astype(np.float32)
    return weights
