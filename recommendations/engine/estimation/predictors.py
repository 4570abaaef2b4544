"""What a song's features are predicted from: its artist's, its genres', its neighbours', and its factors."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix

from recommendations.engine.core.arrays import make_empty_rows
from recommendations.engine.core.seeding import make_generator
from recommendations.engine.data.item_features import UNKNOWN_ARTIST, ItemFeatures
from recommendations.engine.estimation.song_factors import (
    LARGEST_POOL,
    compute_song_factors,
    find_neighbours,
)

SHRINKAGE = 2.0
"""A mean over few songs is drawn to what is broader as if by so many more songs."""
REGULARIZATION = 10.0
"""Of the ridge regression, whose columns have variance 1."""


@dataclass(frozen=True)
class Evidence:
    """What is known about the songs beside their features.

    Attributes
    ----------
    artists : float32 csr (n_artists, n_items)
        1 where the song is the artist's.
    genres : float32 csr (n_genres, n_items)
    neighbours : float32 csr (n_items, n_items)
        Weights of the nearest songs in the factors; no song is its own neighbour.
    factors : float32 (n_items, n_factors)
    """

    artists: csr_matrix
    genres: csr_matrix
    neighbours: csr_matrix
    factors: NDArray[np.float32]

    @classmethod
    def gather(cls, features: ItemFeatures, strengths: csr_matrix, *, seed: int = 0) -> Evidence:
        """Gather it from the songs and from who heard them, float32 csr (n_listeners, n_items)."""
        factors = compute_song_factors(strengths, seed=seed)
        pool = np.flatnonzero(np.isfinite(features.audio).any(axis=1))
        if len(pool) > LARGEST_POOL:
            rng = make_generator(seed, "pool of neighbours")
            pool = np.sort(rng.choice(pool, LARGEST_POOL, replace=False))
        return cls(
            _group_by_artist(features),
            _group_by_genre(features),
            find_neighbours(factors, pool),
            factors,
        )

    @property
    def n_items(self) -> int:
        return len(self.factors)


def predict_features(
    evidence: Evidence, audio: NDArray[np.float32], is_taught: NDArray[np.bool_]
) -> NDArray[np.float64]:
    """Predict all features of all songs from those values that are taught.

    The predictors of a taught song leave its own value out, so that the regression learns what they are worth for
    songs whose value is unknown.

    Parameters
    ----------
    audio
        float32 (n_items, n_features), NaN unknown.
    is_taught
        bool (n_items, n_features): the values that may be looked at; all of them are known.

    Returns
    -------
    float64 (n_items, n_features)
        NaN where nothing of a feature is taught.
    """
    values = np.where(is_taught, audio, 0).astype(np.float64)
    means = _average_without_own(evidence, values, is_taught)
    predictions = np.full(audio.shape, np.nan)
    for feature in range(audio.shape[1]):
        taught = is_taught[:, feature]
        if taught.any():
            columns = np.column_stack([*(one[:, feature] for one in means), evidence.factors])
            predictions[:, feature] = _regress(columns, values[:, feature], taught)
    return predictions


def count_evidence(evidence: Evidence, is_taught: NDArray[np.bool_]) -> NDArray[np.int8]:
    """Return how much a prediction rests on: 2 other songs of the artist, 1 neighbours, 0 the genres alone.

    Returns
    -------
    int8 (n_items, n_features)
    """
    taught = is_taught.astype(np.float64)
    by_artist = evidence.artists.T @ (evidence.artists @ taught) - taught * _has_group(
        evidence.artists
    )
    by_neighbours = evidence.neighbours @ taught
    return np.where(by_artist > 0.5, 2, np.where(by_neighbours > 0, 1, 0)).astype(np.int8)


def _average_without_own(
    evidence: Evidence, values: NDArray[np.float64], is_taught: NDArray[np.bool_]
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Return the means by artist, by genre and by neighbours, each (n_items, n_features)."""
    taught = is_taught.astype(np.float64)
    n_taught = np.maximum(taught.sum(axis=0), 1)
    overall = values.sum(axis=0) / n_taught
    # the mean over everything without the own value, drawn to the middle where there are few
    by_genre = _shrink(
        *_sum_groups(evidence.genres, values, taught), np.broadcast_to(overall, values.shape)
    )
    by_artist = _shrink(*_sum_groups(evidence.artists, values, taught), by_genre)
    sums, weights = evidence.neighbours @ values, evidence.neighbours @ taught
    return by_artist, by_genre, _shrink(sums, weights, by_artist)


def _sum_groups(
    groups: csr_matrix, values: NDArray[np.float64], taught: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return for each song the sum and the number of the taught values in its groups, its own left out."""
    own = _has_group(groups)
    members = groups.T.tocsr()
    return members @ (groups @ values) - own * values, members @ (groups @ taught) - own * taught


def _has_group(groups: csr_matrix) -> NDArray[np.float64]:
    """Return in how many groups each song is, (n_items, 1)."""
    return np.asarray(groups.sum(axis=0), dtype=np.float64).reshape(-1, 1)


def _shrink(
    sums: NDArray[np.float64], counts: NDArray[np.float64], towards: NDArray[np.float64]
) -> NDArray[np.float64]:
    shrunk: NDArray[np.float64] = (sums + SHRINKAGE * towards) / (counts + SHRINKAGE)
    return shrunk


def _regress(
    columns: NDArray[np.float64], values: NDArray[np.float64], taught: NDArray[np.bool_]
) -> NDArray[np.float64]:
    """Fit a ridge regression on the taught songs and return its predictions for all, (n_items,)."""
    training = columns[taught]
    centre, spread = training.mean(axis=0), training.std(axis=0)
    scale = np.where(
        spread > 1e-9, spread, np.inf
    )  # a column that is the same for all says nothing
    standard = (training - centre) / scale
    middle = values[taught].mean()
    square = standard.T @ standard + REGULARIZATION * np.eye(columns.shape[1])
    weights = np.linalg.solve(square, standard.T @ (values[taught] - middle))
    predictions: NDArray[np.float64] = middle + ((columns - centre) / scale) @ weights
    return predictions


def _group_by_artist(features: ItemFeatures) -> csr_matrix:
    credited = np.flatnonzero(features.artist != UNKNOWN_ARTIST)
    _, groups = np.unique(features.artist[credited], return_inverse=True)
    shape = (int(groups.max(initial=-1)) + 1, features.n_items)
    return csr_matrix((np.ones(len(credited), np.float32), (groups, credited)), shape=shape)


def _group_by_genre(features: ItemFeatures) -> csr_matrix:
    if features.genres is None:
        return make_empty_rows(0, features.n_items)
    return csr_matrix(features.genres, dtype=np.float32).T.tocsr()
