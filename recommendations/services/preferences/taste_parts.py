"""Cutting a history into parts that a listener would recognise: neither one lump of everything nor a dozen of three."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import NDArray

from recommendations.engine import clustering, normalise_rows

FIRST_PARTS, MOST_PARTS = 6, 8
"""Found at first, and after lumps are cut."""
SONGS_A_PART = 8
LEAST_SONGS = 5
"""A smaller part joins the one that is nearest."""
LARGEST_SHARE = 0.5
"""A part with more of the songs is cut in two, as long as there may be more parts."""
SEVERAL_PARTS_FROM = 2 * SONGS_A_PART
N_DIRECTIONS = 128
"""Length of the vectors that stand for days."""


def cut_parts(
    vectors: NDArray[np.float32], weights: NDArray[np.float32], artists: NDArray[np.intp]
) -> NDArray[np.intp]:
    """Return the part of each song, int (n,), numbered from 0 by falling weight.

    Songs of one artist stay together where vectors can't tell them apart. Heavy songs pull by the root of their
    weight, so that one that was played a thousand times makes no part of its own.

    Parameters
    ----------
    vectors
        float32 (n, d); near ones are alike, zeros where nothing is known.
    weights
        float32 (n,), how much each song was played.
    artists
        int (n,): a number for each artist.
    """
    n = len(vectors)
    if not n:
        return np.zeros(0, dtype=np.intp)
    pulls = np.sqrt(np.maximum(weights, 0)).astype(np.float32)
    most = max(1, min(MOST_PARTS, n // SONGS_A_PART))
    labels = clustering.cluster_songs(vectors, pulls, min(most, FIRST_PARTS))
    labels = _split_lumps(labels, vectors, pulls, artists, most)
    labels = _join_small(labels, vectors, pulls)
    return clustering.number_by_weight(labels, weights)


def _split_lumps(
    labels: NDArray[np.intp],
    vectors: NDArray[np.float32],
    pulls: NDArray[np.float32],
    artists: NDArray[np.intp],
    most: int,
) -> NDArray[np.intp]:
    """Cut each part that holds more than `LARGEST_SHARE` of the songs in two, until there are `most` parts."""
    labels = labels.copy()
    while labels.max() + 1 < most or (labels.max() == 0 and len(labels) >= SEVERAL_PARTS_FROM):
        sizes = np.bincount(labels)
        lump = int(sizes.argmax())
        if sizes[lump] <= LARGEST_SHARE * len(labels):
            break
        rows = np.flatnonzero(labels == lump)
        halves = clustering.cluster_songs(vectors[rows], pulls[rows], 2)
        if min(np.bincount(halves, minlength=2)) < LEAST_SONGS:
            halves = _halve_by_artist(artists[rows], pulls[rows])
        if min(np.bincount(halves, minlength=2)) < LEAST_SONGS:
            break
        labels[rows[halves == 1]] = labels.max() + 1
    return labels


def _halve_by_artist(artists: NDArray[np.intp], pulls: NDArray[np.float32]) -> NDArray[np.intp]:
    """Deal artists out to two halves of about equal weight, the heaviest first; int (n,) of 0 and 1."""
    names, numbers = np.unique(artists, return_inverse=True)
    totals = np.bincount(numbers, weights=pulls, minlength=len(names))
    halves, weight = np.zeros(len(names), dtype=np.intp), [0.0, 0.0]
    for artist in np.argsort(-totals, kind="stable"):
        half = int(weight[1] < weight[0])
        halves[artist] = half
        weight[half] += totals[artist]
    return halves[numbers]


def _join_small(
    labels: NDArray[np.intp], vectors: NDArray[np.float32], pulls: NDArray[np.float32]
) -> NDArray[np.intp]:
    """Join each part of fewer than `LEAST_SONGS` songs to the part whose centre is nearest."""
    labels = labels.copy()
    while True:
        names, sizes = np.unique(labels, return_counts=True)
        if len(names) < 2 or sizes.min() >= LEAST_SONGS:
            return labels
        small = names[sizes.argmin()]
        centres = np.stack(
            [(vectors * pulls[:, None])[labels == name].sum(axis=0) for name in names]
        )
        centres = normalise_rows(centres)
        nearness = centres @ centres[names == small][0]
        nearness[names == small] = -np.inf
        labels[labels == small] = names[nearness.argmax()]


def build_artist_vectors(
    artists: NDArray[np.intp], plays: Iterable[tuple[int, int]], learned: NDArray[np.float32]
) -> NDArray[np.float32]:
    """Describe songs by what their artist is played with: for catalogs without genres and audio features.

    Parameters
    ----------
    artists
        int (n,): the artist's number of each song.
    plays
        (artist number, day) of plays; artists of one day are alike.
    learned
        float32 (n, d): what a model of several listeners learned, zeros or of width 0 where there is none.

    Returns
    -------
    float32 (n, d + 128), the same for all songs of an artist
    """
    n_artists = int(artists.max(initial=-1)) + 1
    by_day = np.zeros((n_artists, N_DIRECTIONS), dtype=np.float32)
    pairs = np.unique(np.array(list(plays), dtype=np.int64).reshape(-1, 2), axis=0)
    days, numbers = np.unique(pairs[:, 1], return_inverse=True)
    directions = np.random.default_rng(0).standard_normal((len(days), N_DIRECTIONS))
    np.add.at(by_day, pairs[:, 0], directions[numbers].astype(np.float32))
    by_crowd = np.zeros((n_artists, learned.shape[1]), dtype=np.float32)
    np.add.at(by_crowd, artists, learned)
    return np.hstack([normalise_rows(by_day), normalise_rows(by_crowd)])[artists]


def number_artists(names: Sequence[str]) -> NDArray[np.intp]:
    """Return a number for each artist's name, int (n,)."""
    return np.unique(np.array(names, dtype=object), return_inverse=True)[1].astype(np.intp)
