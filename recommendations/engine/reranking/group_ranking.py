"""One list for several listeners: least misery over calibrated scores (O'Connor et al. 2001; Masthoff 2015)."""

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray


class GroupRanking(NamedTuple):
    """Songs for a group, the best first.

    Attributes
    ----------
    songs
        Columns of the scores, int (k,).
    shares
        float (n_members, k): the share of the other songs that each member likes less, 0 to 1.
    """

    songs: NDArray[np.intp]
    shares: NDArray[np.float64]


def calibrate_scores(scores: ArrayLike) -> NDArray[np.float64]:
    """Return for each member and song the share of the other songs that the member likes less.

    Scores of different listeners are not comparable; their orders are. Equal songs count half of each other. A song
    without a score (NaN) is liked less than every song with one.

    Parameters
    ----------
    scores
        float (n_members, n_songs).

    Returns
    -------
    float (n_members, n_songs), 0 for the least liked song and 1 for the most liked one.
    """
    filled = np.nan_to_num(
        np.asarray(scores, dtype=np.float64), nan=-np.inf, posinf=np.inf, neginf=-np.inf
    )
    n_songs = filled.shape[1]
    if n_songs < 2:
        return np.where(np.isneginf(filled), 0.0, 1.0)
    shares = np.empty_like(filled)
    for member, row in enumerate(filled):
        ordered = np.sort(row)
        below = np.searchsorted(ordered, row, side="left")
        equal = np.searchsorted(ordered, row, side="right") - below - 1
        shares[member] = (below + equal / 2) / (n_songs - 1)
        shares[member][np.isneginf(row)] = 0.0
    return shares


def rank_for_group(scores: ArrayLike, k: int) -> GroupRanking:
    """Return the k songs whose least content member is most content.

    Equals are ordered by what all members think on average, then by column. A song that is some member's least liked
    one, or has no score for them, never comes, so that there may be fewer than k.

    Raises
    ------
    ValueError
        k below 1.
    """
    if k < 1:
        raise ValueError(f"A list has at least 1 song; {k} were asked for.")
    shares = calibrate_scores(scores)
    if not shares.size:
        return GroupRanking(np.empty(0, dtype=np.intp), shares[:, :0])
    least, mean = shares.min(axis=0), shares.mean(axis=0)
    order = np.lexsort((np.arange(shares.shape[1]), -mean, -least))
    chosen = order[least[order] > 0][:k]
    return GroupRanking(chosen, shares[:, chosen])
