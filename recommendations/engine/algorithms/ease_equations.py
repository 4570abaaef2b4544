"""The linear system of EASE: listens weighed by listeners and songs, and what is added to the diagonal."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix, diags

from recommendations.engine.core.arrays import count_per_row, keep_positive
from recommendations.engine.core.weighting import Transform, apply_transform

A_ROOT_LISTEN = 25.0
"""Regularisation by the data's shape: what measured best on four sets of 4 to 64 listens a song."""


class EaseOptions(Protocol):
    """The options, explained at `EASE`, that listens are weighed by."""

    regularization: float | None
    transform: Transform
    listener_weight: float
    song_weight: float
    denoising: float
    popularity_discount: float


@dataclass(frozen=True)
class EaseEquations:
    """The linear system of EASE over n songs, all of which somebody heard.

    Attributes
    ----------
    weighted : float32 csr (n_listeners, n)
        W: the listens, each value weighed by its listener's and its song's size; mean square about 1.
    diagonal : float32 (n,)
        D, which is added to the diagonal of W'W: regularisation and denoising.
    incoming : float32 (n,)
        What a song's value in a history is multiplied by.
    outgoing : float32 (n,)
        What a song's score is multiplied by: it is weighed back, and less where many heard it.
    n_listeners : float64 (n,)
        Of each song, in parts of the mean.
    """

    weighted: csr_matrix
    diagonal: NDArray[np.float32]
    incoming: NDArray[np.float32]
    outgoing: NDArray[np.float32]
    n_listeners: NDArray[np.float64]

    @classmethod
    def build(
        cls, strengths: csr_matrix, kept: NDArray[np.intp], options: EaseOptions
    ) -> EaseEquations:
        """Weigh the positive listens, of csr (n_listeners, n_items), of the kept songs, each with at least one."""
        liked = keep_positive(strengths)[:, kept]
        liked = liked[count_per_row(liked) > 0]
        n_songs = liked.shape[1]
        n_listeners = np.bincount(liked.indices, minlength=n_songs) / (liked.nnz / n_songs)
        incoming = (n_listeners ** (-options.song_weight / 2)).astype(np.float32)
        weighted = _weigh_listens(liked, incoming, options.transform, options.listener_weight)
        squares = np.asarray(weighted.multiply(weighted).sum(axis=0)).ravel()
        least = options.regularization or A_ROOT_LISTEN * np.sqrt(liked.nnz / n_songs)
        diagonal = least + options.denoising / (1 - options.denoising) * squares
        outgoing = (n_listeners ** (-options.popularity_discount)).astype(np.float32) / incoming
        return cls(weighted, diagonal.astype(np.float32), incoming, outgoing, n_listeners)


def check_options(regularization: float | None, denoising: float) -> None:
    """Raise ValueError where EASE cannot be solved with these."""
    if regularization is not None and not regularization > 0:
        raise ValueError(f"regularization must be above 0, not {regularization}.")
    if not 0 <= denoising < 1:
        raise ValueError(f"denoising must be at least 0 and below 1, not {denoising}.")


def _weigh_listens(
    liked: csr_matrix,
    songs: NDArray[np.float32],
    transform: Transform,
    listener_weight: float,
) -> csr_matrix:
    """Return W, float32; values of mean square 1, so that regularization means the same for every transform."""
    lengths = count_per_row(liked)
    sizes = apply_transform(liked.data, transform)
    sizes = sizes / sizes.mean() * songs[liked.indices]
    sizes = sizes / (np.sqrt(np.mean(songs[liked.indices] ** 2)) or 1)
    values = csr_matrix((sizes, liked.indices, liked.indptr), liked.shape)
    mean_length = lengths[lengths > 0].mean()
    weights = (np.maximum(lengths, 1) / mean_length) ** (-listener_weight / 2)
    return csr_matrix(diags(weights.astype(np.float32)) @ values, dtype=np.float32)
