"""Groups of songs that lie close together: the parts of one listener's taste.

Not by scipy.cluster: its k-means has no weights for songs, and its hierarchical clustering takes 8 bytes for each
pair of a listener's songs.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from recommendations.engine.core.arrays import normalise_rows

N_ITERATIONS = 25


def cluster_songs(
    vectors: NDArray[np.float32], weights: NDArray[np.float32], n_clusters: int
) -> NDArray[np.intp]:
    """Group songs by direction (spherical k-means); the same input gives the same groups.

    Parameters
    ----------
    vectors
        float32 (n, d); a zero row goes to the first cluster.
    weights
        float32 (n,), at least 0: how much each song pulls its cluster's centre.
    n_clusters
        At most this many; fewer come back when songs coincide.

    Returns
    -------
    int (n,)
        The cluster of each song, numbered from 0 by falling weight. Cost O(iterations * n * n_clusters * d).
    """
    if not len(vectors):
        return np.zeros(0, dtype=np.intp)
    directions = normalise_rows(np.asarray(vectors, dtype=np.float32))
    centres = directions[_choose_centres(directions, weights, min(n_clusters, len(vectors)))]
    labels = np.full(len(vectors), -1, dtype=np.intp)
    for _ in range(N_ITERATIONS):
        nearest = (directions @ centres.T).argmax(axis=1)
        if (nearest == labels).all():
            break
        labels = nearest
        sums = np.zeros_like(centres)
        np.add.at(sums, labels, directions * weights[:, None])
        centres = normalise_rows(sums)
    return number_by_weight(labels, weights)


def find_medoid(vectors: NDArray[np.float32], weights: NDArray[np.float32]) -> int:
    """Return the row nearest to the weighted centre of all: the most typical song of its cluster."""
    directions = normalise_rows(np.asarray(vectors, dtype=np.float32))
    return int((directions @ (directions * weights[:, None]).sum(axis=0)).argmax())


def _choose_centres(
    directions: NDArray[np.float32], weights: NDArray[np.float32], n: int
) -> NDArray[np.intp]:
    """Choose first centres: the heaviest song, then each time the heavy song farthest from those chosen."""
    chosen = [int(np.argmax(weights))]
    closeness = directions @ directions[chosen[0]]
    for _ in range(n - 1):
        distance = (1 - closeness) * np.sqrt(weights)
        farthest = int(distance.argmax())
        if closeness[farthest] > 1 - 1e-6:
            break
        chosen.append(farthest)
        closeness = np.maximum(closeness, directions @ directions[farthest])
    return np.array(chosen, dtype=np.intp)


def number_by_weight(labels: NDArray[np.intp], weights: NDArray[np.float32]) -> NDArray[np.intp]:
    """Number the clusters that have songs by falling weight, int (n,)."""
    used, compact = np.unique(labels, return_inverse=True)
    totals = np.bincount(compact, weights=weights, minlength=len(used))
    rank = np.empty(len(used), dtype=np.intp)
    rank[np.argsort(-totals, kind="stable")] = np.arange(len(used))
    return rank[compact]
