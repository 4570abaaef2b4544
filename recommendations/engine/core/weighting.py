"""From what a listener did with a song to one number, and from that number to a confidence."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix

Transform = Literal["identity", "log", "binary"]
TRANSFORMS: tuple[Transform, ...] = ("identity", "log", "binary")

CAP_RATIO = 3.0
"""A strength that others learn from is at most this many times a typical listener's mean strength."""


@dataclass(frozen=True)
class Weighting:
    """How much each kind of event says about a listener and a song.

    The *strength* of a pair is the sum over its events. Above zero it was liked, below zero it was not, and
    its size is how much we know. A pair whose events cancel out is left out, as if never heard.

    Parameters
    ----------
    play
        For one play heard to the end; a play heard in part counts by the share that was heard.
    like
        Added once when the listener's last opinion of the song is a like.
    dislike
        When the last opinion is a dislike the strength is minus this, whatever was played.
    early_skip
        Taken off for each skip before `early_skip_share` of the song; a later skip says nothing.
    early_skip_share
        Share of the duration, 0 to 1, before which a skip is early. A skip at an unknown moment is early.
    """

    play: float = 1.0
    like: float = 3.0
    dislike: float = 1.0
    early_skip: float = 0.5
    early_skip_share: float = 0.3

    def to_dict(self) -> dict[str, Any]:
        return asdict(self)


def cap_strengths(strengths: csr_matrix) -> csr_matrix:
    """Limit how much one listener's strength for one song can say to others.

    Without a limit an account that plays one song ten thousand times pulls the song's neighbours and factors
    as far as thousands of listeners. The limit is `CAP_RATIO` times the median over listeners of each
    listener's mean strength: it follows the scale of the data, and only half of all accounts together could
    move it.

    Parameters
    ----------
    strengths
        float32 (n_listeners, n_items); negative = disliked. Not changed.

    Returns
    -------
    csr_matrix
        float32 of the same shape, every value between minus the limit and the limit; the input itself where
        nothing is above it. Cost: a few passes over the stored values.
    """
    limit = compute_cap(measure_mean_sizes(strengths))
    return strengths if limit is None else apply_cap(strengths, limit)


def measure_mean_sizes(strengths: csr_matrix) -> NDArray[np.float64]:
    """Return the mean size of each listener's strengths, listeners without any left out."""
    sizes = np.abs(strengths.data)
    starts = strengths.indptr[:-1][np.diff(strengths.indptr) > 0]
    if not len(starts):
        return np.zeros(0)
    means: NDArray[np.float64] = np.add.reduceat(sizes, starts, dtype=np.float64) / np.diff(
        np.append(starts, len(sizes))
    )
    return means


def compute_cap(mean_sizes: NDArray[np.float64]) -> np.float32 | None:
    """Return the most that one listener's strength may say, from `measure_mean_sizes` of all; None of nobody."""
    return np.float32(CAP_RATIO * np.median(mean_sizes)) if len(mean_sizes) else None


def apply_cap(strengths: csr_matrix, limit: np.float32) -> csr_matrix:
    """Return the strengths between minus the limit and the limit; the input itself where none is beyond."""
    if not strengths.nnz or np.abs(strengths.data).max() <= limit:
        return strengths
    capped = np.clip(strengths.data, -limit, limit)
    return csr_matrix((capped, strengths.indices, strengths.indptr), strengths.shape)


def apply_transform(strengths: NDArray[np.float32], transform: Transform) -> NDArray[np.float32]:
    """Return f(abs(strength)): the value itself, log(1 + value), or 1."""
    size = np.abs(strengths)
    if transform == "identity":
        return size
    if transform == "log":
        return np.log1p(size)
    if transform == "binary":
        return np.ones_like(size)
    raise ValueError(f"Unknown transform {transform!r}; choose one of {', '.join(TRANSFORMS)}.")


def transform_values(strengths: NDArray[np.float32], transform: Transform) -> NDArray[np.float32]:
    """Return sign(r) * f(abs(r)): a dislike counts against what is like it."""
    return (np.sign(strengths) * apply_transform(strengths, transform)).astype(np.float32)


def transform_histories(histories: csr_matrix, transform: Transform) -> csr_matrix:
    """Return `transform_values` of the histories, with their pattern."""
    values = transform_values(histories.data, transform)
    return csr_matrix((values, histories.indices, histories.indptr), histories.shape)


def compute_confidences(
    strengths: NDArray[Any], *, alpha: float, transform: Transform
) -> NDArray[Any]:
    """Return sign(r) * (1 + alpha * f(r)) of each strength; 0 stays 0."""
    weights: NDArray[Any] = np.sign(strengths) * (1 + alpha * apply_transform(strengths, transform))
    return weights


def compute_confidence_matrix(
    strengths: csr_matrix, *, alpha: float, transform: Transform = "identity"
) -> csr_matrix:
    """Return the confidences of Hu, Koren and Volinsky (2008): 1 + alpha * f(r), negative where disliked.

    Parameters
    ----------
    strengths
        float32 (n_listeners, n_items); negative where the song was disliked. Not changed.
    alpha
        How fast confidence grows with strength.
    transform
        f; `identity` is the paper's.

    Returns
    -------
    csr_matrix
        float32, same shape and pattern, without stored zeros.
    """
    data = compute_confidences(strengths.data, alpha=alpha, transform=transform).astype(np.float32)
    result = csr_matrix(
        (data, strengths.indices.copy(), strengths.indptr.copy()), shape=strengths.shape
    )
    result.eliminate_zeros()
    return result
