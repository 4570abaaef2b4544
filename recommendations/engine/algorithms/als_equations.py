"""The normal equations of a listener's factors in ALS, and how they are solved."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class Shared:
    """S = Y'Y + regularization, float64 (n_factors, n_factors), and S^-1."""

    matrix: NDArray[np.float64]
    inverse: NDArray[np.float64]


class SharedPart:
    """Y'Y of all songs, and with each regularisation that was asked for last."""

    MOST_KEPT = 64

    def __init__(self, products: NDArray[np.float64]) -> None:
        self._products = products
        self._kept: dict[float, Shared] = {}

    def regularize(self, regularization: float) -> Shared:
        """Return the shared part with a regularisation: n_factors^3 operations, once for each."""
        shared = self._kept.get(regularization)
        if shared is None:
            matrix = np.array(self._products)
            matrix[np.diag_indices_from(matrix)] += regularization
            shared = Shared(matrix, np.asarray(np.linalg.inv(matrix), dtype=np.float64))
            if len(self._kept) >= self.MOST_KEPT:
                # another thread may do the same; what is kept is only a saving
                self._kept = {}
            self._kept[regularization] = shared
        return shared


@dataclass(frozen=True)
class Equations:
    """A x = Y'cp of some listeners, with A = Y'Y + Y'(C-1)Y + regularization.

    Attributes
    ----------
    songs : float64 (n, longest, n_factors)
        Factors y_j of each song of the history.
    solved : float64 (n, n_factors, longest)
        A^-1 y_j for each song of the history; factors and reasons both rest on it.
    liked : float64 (n, longest)
        c * p: the confidence of liked songs, 0 for disliked ones and in the padding.
    """

    songs: NDArray[np.float64]
    solved: NDArray[np.float64]
    liked: NDArray[np.float64]

    @property
    def longest(self) -> int:
        return int(self.songs.shape[1])

    @cached_property
    def solution(self) -> NDArray[np.float64]:
        """Return the factors: x = sum over j of c_j A^-1 y_j, (n, n_factors)."""
        return np.asarray(np.matmul(self.solved, self.liked[:, :, None])[:, :, 0], dtype=np.float64)

    def compute_pulls(self, factors: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return y_i' A^-1 y_j for songs i with the given factors (n, k, n_factors): (n, k, longest)."""
        products: NDArray[np.float64] = np.matmul(factors, self.solved)
        return products

    def compute_removal_effects(self) -> NDArray[np.float64]:
        """Return what a pull of 1 is worth if song j is taken out, (n, longest); 0 for disliked songs."""
        extra = np.maximum(self.liked - 1, 0)
        own_scores = np.matmul(self.songs, self.solution[:, :, None])[:, :, 0]
        own_pulls = np.einsum("nfh,nhf->nh", self.solved, self.songs)
        return np.where(
            self.liked > 0, (self.liked - extra * own_scores) / (1 - extra * own_pulls), 0
        )


@dataclass(frozen=True)
class HistoryGroup:
    """Listeners with histories of one length.

    Attributes
    ----------
    rows : int (n,)
    columns : int32 (n, length)
        The songs of each history.
    liked, extra : float64 (n, length)
        c * p, and c - 1.
    """

    rows: NDArray[np.intp]
    columns: NDArray[np.int32]
    liked: NDArray[np.float64]
    extra: NDArray[np.float64]

    @property
    def length(self) -> int:
        return int(self.columns.shape[1])


def build_system(
    songs: NDArray[np.float64], shared: NDArray[np.float64], extra: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Return A = S + Y' E Y, (n, d, d): songs Y (n, longest, d), shared S (d, d), extra E (n, longest), at least 0."""
    # a matrix times its own transpose takes BLAS half the work
    weighted = songs * np.sqrt(extra)[:, :, None]
    matrix = np.matmul(weighted.transpose(0, 2, 1), weighted)
    matrix += shared
    return np.asarray(matrix)


def solve(
    songs: NDArray[np.float64], shared: NDArray[np.float64], extra: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Return A^-1 Y', (n, d, longest), by the inverse where there are many more songs than factors: it is quicker."""
    system, right = build_system(songs, shared, extra), songs.transpose(0, 2, 1)
    _, longest, n_factors = songs.shape
    if longest < 2 * n_factors:
        return np.asarray(np.linalg.solve(system, right), dtype=np.float64)
    return np.asarray(np.matmul(np.linalg.inv(system), right), dtype=np.float64)


def build_small_system(
    songs: NDArray[np.float64], pre_solved: NDArray[np.float64], extra: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Return I + Y Z' E with Z = Y S^-1, both (n, longest, d): (n, longest, longest)."""
    system = np.matmul(songs, pre_solved.transpose(0, 2, 1))
    system *= extra[:, None, :]
    diagonal = np.arange(system.shape[1])
    system[:, diagonal, diagonal] += 1
    return np.asarray(system)


def solve_small(
    songs: NDArray[np.float64], pre_solved: NDArray[np.float64], extra: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Return A^-1 Y' by Woodbury's identity: Z' (I + E Y Z')^-1, a system of the size of the history.

    It is solved for its transpose, as Y Z' is symmetric.
    """
    system = build_small_system(songs, pre_solved, extra)
    return np.asarray(np.linalg.solve(system, pre_solved).transpose(0, 2, 1), dtype=np.float64)
