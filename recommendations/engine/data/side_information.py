"""Artists and genres of songs as side information for algorithms that learn from listens."""

from __future__ import annotations

import numpy as np
from scipy.sparse import csr_matrix, vstack

from recommendations.engine.data.item_features import UNKNOWN_ARTIST, ItemFeatures

MOST_SONGS = 2000
"""An artist or genre with more songs says too little about which of them belong together."""


def add_side_information(
    strengths: csr_matrix, features: ItemFeatures | None, strength: float
) -> csr_matrix:
    """Return the strengths with each artist and each genre as one more listener, who likes all of its songs.

    Songs that are rarely or never heard so find their place beside songs of the same artist or genre (the
    simplest form of collective matrix factorisation, Singh and Gordon, 2008).

    Parameters
    ----------
    strengths
        float32 csr (n_listeners, n_items).
    strength
        Of these likes; 0 leaves the listens alone.

    Returns
    -------
    float32 csr (n_listeners + n_groups, n_items)
    """
    if strength == 0 or features is None or not has_side_information(features):
        return strengths
    return csr_matrix(
        vstack([strengths, _build_groups(features) * np.float32(strength)]), dtype=np.float32
    )


def has_side_information(features: ItemFeatures | None) -> bool:
    """Say whether any two songs are known to share an artist or genre."""
    return features is not None and _build_groups(features).nnz > 0


def _build_groups(features: ItemFeatures) -> csr_matrix:
    """Artists and genres of at least two songs: 1 where the song is in the group, (n_groups, n_items)."""
    known_rows = np.flatnonzero(features.artist != UNKNOWN_ARTIST)
    _, artist = np.unique(features.artist[known_rows], return_inverse=True)
    shape = (int(artist.max(initial=-1)) + 1, features.n_items)
    blocks = [csr_matrix((np.ones(len(known_rows), np.float32), (artist, known_rows)), shape=shape)]
    if features.genres is not None and features.genres.nnz:
        genres = csr_matrix(features.genres, dtype=np.float32).T.tocsr()
        blocks.append(
            csr_matrix((np.ones_like(genres.data), genres.indices, genres.indptr), genres.shape)
        )
    groups = csr_matrix(vstack(blocks))
    n_songs = np.diff(groups.indptr)
    return groups[(n_songs >= 2) & (n_songs <= MOST_SONGS)]
