"""Artists and genres that songs share, and how much alike that makes a song and a history."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix, hstack

from recommendations.engine.core.arrays import count_per_row, gather_entries, make_empty_rows
from recommendations.engine.data.item_features import ItemFeatures, weigh_genres

MOST_POSTINGS = 20_000
"""Songs of the artists and genres of a history that are looked at for proposals, of the rarest groups first."""


class SongGroups:
    """The groups of every song, artists and genres side by side.

    Attributes
    ----------
    by_item : float32 csr (n_items, n_groups)
    by_group : float32 csr (n_groups, n_items)
        The same the other way round.
    is_grouped : bool (n_items,)
        Whether anything is known of a song.
    """

    def __init__(self, by_item: csr_matrix) -> None:
        self.by_item = by_item
        self.by_group = by_item.T.tocsr()
        self.is_grouped = count_per_row(by_item) > 0

    def __bool__(self) -> bool:
        return bool(self.by_item.shape[1])

    def add_alike(self, scores: NDArray[np.float32], shares: csr_matrix) -> NDArray[np.float32]:
        """Add to the cosines, (n, n_items), what is alike in artist and genre to songs with these shares, csr."""
        is_scored = np.isfinite(scores)
        similarity = (shares @ self.by_item @ self.by_group).toarray()
        # a song of which only artist or genre is known is compared by these alone
        is_scored |= self.is_grouped & (shares @ self.is_grouped > 0)[:, None]
        scores[~np.isfinite(scores)] = 0
        return np.where(is_scored, scores + similarity, np.float32(np.nan))

    def add_chosen_alike(
        self,
        cosines: NDArray[np.float32],
        shares: csr_matrix,
        row: int,
        item_rows: NDArray[np.int32],
    ) -> NDArray[np.float32]:
        """Add to the cosines of chosen songs what is alike to the songs of one row of `shares`.

        The values are those of `add_alike`; only the chosen songs are looked at.

        Parameters
        ----------
        cosines
            float32 (m,), NaN where there is none.
        shares
            csr (n, n_items), of which `row` counts.
        item_rows
            int32 (m,).

        Returns
        -------
        float32 (m,)
            NaN where neither the cosine nor artist or genre can say anything.
        """
        own = slice(shares.indptr[row], shares.indptr[row + 1])
        songs, weights = shares.indices[own], shares.data[own]
        columns, values, lengths = gather_entries(self.by_item, songs)
        groups, positions = np.unique(columns, return_inverse=True)
        taste = np.bincount(positions, weights=values * np.repeat(weights, lengths))
        alike = np.zeros(len(item_rows), dtype=np.float32)
        if len(groups):
            columns, values, lengths = gather_entries(self.by_item, item_rows)
            positions = np.minimum(np.searchsorted(groups, columns), len(groups) - 1)
            products = np.where(groups[positions] == columns, values * taste[positions], 0)
            rows = np.repeat(np.arange(len(item_rows)), lengths)
            alike = np.bincount(rows, weights=products, minlength=len(item_rows)).astype(np.float32)
        is_scored = np.isfinite(cosines)
        if (weights @ self.is_grouped[songs]) > 0:
            is_scored |= self.is_grouped[item_rows]
        scores: NDArray[np.float32] = np.where(
            is_scored, np.nan_to_num(cosines) + alike, np.float32(np.nan)
        )
        return scores

    def list_songs(self, shares: csr_matrix) -> NDArray[np.int32]:
        """Return the songs of a history's artists and genres, the rarest groups first, at most `MOST_POSTINGS`.

        int32 (m,); a song of several of these groups comes once for each.
        """
        groups = np.unique(gather_entries(self.by_item, shares.indices)[0])
        sizes = self.by_group.indptr[groups + 1] - self.by_group.indptr[groups]
        order = np.argsort(sizes, kind="stable")
        n_taken = int(np.searchsorted(np.cumsum(sizes[order]), MOST_POSTINGS, side="right"))
        return gather_entries(self.by_group, groups[order[:n_taken]])[0]


def build_groups(
    features: ItemFeatures | None, n_items: int, *, artist: float, genre: float
) -> csr_matrix:
    """Return artists and genres side by side, float32 csr (n_items, n_groups).

    A known artist has the length sqrt(artist), the known genres of a song together sqrt(genre), a genre that
    few songs have counting more: the product of two songs' rows is at most artist + genre.
    """
    blocks = [make_empty_rows(n_items, 0)]
    if features is not None and artist and (features.artist >= 0).any():
        known_rows = np.flatnonzero(features.artist >= 0)
        numbers, columns = np.unique(features.artist[known_rows], return_inverse=True)
        values = np.full(len(known_rows), np.sqrt(artist), dtype=np.float32)
        blocks.append(csr_matrix((values, (known_rows, columns)), shape=(n_items, len(numbers))))
    if features is not None and genre:
        blocks.append(weigh_genres(features.genres, n_items) * np.float32(np.sqrt(genre)))
    return csr_matrix(hstack(blocks), dtype=np.float32)
