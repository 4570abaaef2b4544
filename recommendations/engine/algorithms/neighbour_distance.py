"""How near the songs of other listeners were heard to what they share with a history."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix

from recommendations.engine.core.arrays import gather_entries

NOT_HEARD = -1
"""Stands for how far back a song was heard that was not."""


def weigh_by_distance(
    values: csr_matrix,
    steps: csr_matrix,
    neighbours: NDArray[np.integer],
    heard_back: NDArray[np.int32],
    *,
    before: float,
    distance_power: float,
) -> csr_matrix:
    """Return what some listeners heard, each song counting less the further it is from the song they share.

    Of the songs that a neighbour shares with the history, the one that the history's listener heard last is where
    the two meet. A song that the neighbour heard d places after it counts d^-distance_power of its value, and one d
    places before it `before` times that. Neighbours' songs are weighed like that, by another curve, by STAN (Garg et
    al. 2019).

    Parameters
    ----------
    values : csr (n_listeners, n_items)
        What everybody heard.
    steps : csr (n_listeners, n_items)
        Of the same entries: how far back each was heard, 0 = last. Zeros are stored.
    neighbours : int (n,)
        Rows of `values`; each shares a song with the history.
    heard_back : int32 (n_items,)
        How far back the history has each song, `NOT_HEARD` for the others.

    Returns
    -------
    float32 csr (n, n_items)
        In the order of the neighbours' entries. Cost: linear in them.
    """
    songs, amounts, lengths = gather_entries(values, neighbours)
    back = gather_entries(steps, neighbours)[1]
    owners = np.repeat(np.arange(len(neighbours)), lengths)
    own_back = heard_back[songs]
    shared = np.flatnonzero(own_back != NOT_HEARD)
    # oldest first: of several songs of one neighbour the last one assigned stays
    shared = shared[np.argsort(-own_back[shared], kind="stable")]
    meeting = np.zeros(len(neighbours), dtype=back.dtype)
    meeting[owners[shared]] = back[shared]
    n_after = meeting[owners] - back
    furthest = int(np.abs(n_after).max(initial=0))
    distances = np.arange(-furthest, furthest + 1)
    curve = np.maximum(np.abs(distances), 1).astype(np.float32) ** np.float32(-distance_power)
    curve[:furthest] *= np.float32(before)
    weights = curve[n_after + furthest]
    starts = np.concatenate([[0], np.cumsum(lengths)])
    return csr_matrix((amounts * weights, songs, starts), shape=(len(neighbours), values.shape[1]))
