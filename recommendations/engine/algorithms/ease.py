"""Songs that fit the history by a linear model over songs, solved in closed form."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import lapack
from scipy.sparse import csr_matrix, diags
from threadpoolctl import threadpool_limits

from ..arrays import blocks, n_per_row, positive_part
from ..links import joined, scattered, strongest_per_column
from ..weighting import Transform, transformed
from .base import NotEnoughData, Progress
from .linked import Linked

COLUMNS_AT_A_TIME = 512


class EASE(Linked):
    """The linear autoencoder of Steck, "Embarrassingly Shallow Autoencoders" (2019), equations 5 to 8.

    B = I - P diag(1 / diag P) with P = (X'X + regularization I)^-1 minimises |X - XB|^2 + regularization |B|^2
    with diag B = 0. Where there are fewer listeners than songs, the same P comes from a solve over listeners,
    P = (I - X'(XX' + regularization I)^-1 X) / regularization (Woodbury): the one big solve costs
    min(n_listeners, n_items)^3 and B is written block by block, never whole.

    Parameters
    ----------
    regularization
        Added to the diagonal of X'X.
    transform
        From strength to X.
    side_information
        Strength with which each artist and genre, as one more listener, likes its songs; 0 = listens only.
    listener_weight
        Each listener counts (length / mean length)^-listener_weight: at 0.5 long histories, which say less
        about which songs belong together, count less.
    n_links
        Links kept for each song, the strongest by size.
    memory_gb
        The solve stays within this. If even the smaller side of X is too large, the songs with the fewest
        listeners are left out (they cannot be scored).
    """

    name = "ease"

    def __init__(
        self,
        regularization: float = 100.0,
        transform: Transform = "binary",
        listener_weight: float = 0.5,
        n_links: int = 300,
        memory_gb: float = 1.0,
        side_information: float = 0.0,
    ) -> None:
        if not regularization > 0:
            raise ValueError(f"regularization must be above 0, not {regularization}.")
        if n_links < 1:
            raise ValueError(f"n_links must be at least 1, not {n_links}.")
        self.regularization = regularization
        self.transform = transform
        self.listener_weight = listener_weight
        self.n_links = n_links
        self.memory_gb = memory_gb
        self.side_information = side_information

    @property
    def largest_solve(self) -> int:
        """The side of the largest matrix whose solve stays within the memory: three float32 copies."""
        return max(int(np.sqrt(self.memory_gb * 2**30 / 12)), 1)

    def _links(self, strengths: csr_matrix, on_progress: Progress) -> csr_matrix:
        on_progress(0, 2)
        self._cut_off(strengths)
        kept = np.flatnonzero(self.learned_)
        weighted = self._weighted(positive_part(strengths)[:, kept])
        on_progress(1, 2)
        by_listener = weighted.shape[0] < weighted.shape[1]
        parts = self._by_listeners(weighted) if by_listener else self._by_songs(weighted)
        links = scattered(joined(parts, len(kept)), kept, strengths.shape[1])
        on_progress(2, 2)
        return links

    def _cut_off(self, strengths: csr_matrix) -> None:
        n_listeners, limit = strengths.shape[0], self.largest_solve
        if min(n_listeners, int(self.learned_.sum())) > limit:
            counts = np.bincount(positive_part(strengths).indices, minlength=len(self.learned_))
            self.learned_[np.argsort(-counts, kind="stable")[limit:]] = False

    def _weighted(self, liked: csr_matrix) -> csr_matrix:
        """Return X with each listener's row weighed, float32; values of mean 1, so that regularization means
        the same for every transform."""
        lengths = n_per_row(liked)
        sizes = transformed(liked.data, self.transform)
        values = csr_matrix((sizes / sizes.mean(), liked.indices, liked.indptr), liked.shape)
        mean_length = lengths[lengths > 0].mean()
        weights = (np.maximum(lengths, 1) / mean_length) ** (-self.listener_weight / 2)
        return csr_matrix(diags(weights.astype(np.float32)) @ values, dtype=np.float32)

    def _by_songs(self, weighted: csr_matrix) -> Iterator[tuple[NDArray, NDArray, NDArray]]:
        inverse = _inverse((weighted.T @ weighted).toarray(), self.regularization)
        scale = (-1 / inverse.diagonal()).astype(np.float32)
        for columns in blocks(len(inverse), COLUMNS_AT_A_TIME):
            yield self._strongest(inverse[:, columns] * scale[columns], columns)

    def _by_listeners(self, weighted: csr_matrix) -> Iterator[tuple[NDArray, NDArray, NDArray]]:
        inverse = _inverse((weighted @ weighted.T).toarray(), self.regularization)
        songs = weighted.T.tocsr()
        for columns in blocks(songs.shape[0], COLUMNS_AT_A_TIME):
            # the inverse is symmetric, so this is its product with the block's columns of X
            solved = np.ascontiguousarray((songs[columns] @ inverse).T)
            explained = songs @ solved
            own = explained[np.arange(columns.start, columns.stop), np.arange(explained.shape[1])]
            yield self._strongest(explained / (1 - own), columns)

    def _strongest(self, block: NDArray[np.float32], columns: slice) -> tuple[NDArray, NDArray, NDArray]:
        block[np.arange(columns.start, columns.stop), np.arange(block.shape[1])] = 0
        return strongest_per_column(block, self.n_links)


def _inverse(gram: NDArray[np.float32], regularization: float) -> NDArray[np.float32]:
    """Return (gram + regularization I)^-1 of a symmetric matrix, in place where LAPACK can (Cholesky)."""
    gram = np.ascontiguousarray(gram, dtype=np.float32)
    gram[np.diag_indices(len(gram))] += np.float32(regularization)
    # the one place where several BLAS threads pay
    with threadpool_limits(2, "blas"):
        factor, failed = lapack.spotrf(gram.T, lower=1, overwrite_a=1)
        inverse, _ = lapack.spotri(factor, lower=1, overwrite_c=1)
    if failed:
        raise NotEnoughData("The songs' equations cannot be solved; choose a larger regularization.")
    lower = np.tril(inverse)
    lower += np.tril(lower, -1).T
    return np.ascontiguousarray(lower)
