"""Hits of lists, and their normalised discounted cumulative gain (Järvelin and Kekäläinen, 2002).

Stated once, for evaluation, the search and the blend.
"""

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix

from recommendations.engine.core.arrays import list_entry_rows


def find_hits(lists: NDArray[np.int32], test: csr_matrix) -> NDArray[np.bool_]:
    """Return whether `test` (n, n_items) holds the song at each position of the lists, bool (n, depth)."""
    test = csr_matrix(test)
    width = np.int64(test.shape[1])
    held_out = list_entry_rows(test) * width + test.indices
    rows = np.arange(len(lists))[:, None] * width
    return np.isin(rows + lists, held_out) & (lists >= 0)


def compute_ndcg(
    hits: NDArray[np.bool_], n_wanted: NDArray[np.integer], k: int
) -> NDArray[np.float64]:
    """Return the NDCG@k of each list with binary relevance.

    Parameters
    ----------
    hits : (n, m)
        Whether each place holds a song that is wanted; places behind the k-th don't count.
    n_wanted : (n,)
        Songs that are wanted, at least 1; the ideal list has min(k, n_wanted) of them at its head.
    """
    discounts = 1 / np.log2(np.arange(2, k + 2))
    gains = (hits[:, :k] * discounts[: hits.shape[1]]).sum(axis=1)
    normalised: NDArray[np.float64] = gains / np.cumsum(discounts)[np.minimum(n_wanted, k) - 1]
    return normalised
