"""How different songs sound, from 0 (the same) to 1 (the opposite)."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from catalog.models import Song
from recommendations.services.lists import exclusions
from recommendations.services.versions import registry

UNKNOWN = 1.0
"""The distance of a song of which nothing is known."""


def measure_distances(song: Song, others: Sequence[Song]) -> dict[int, float]:
    """Return the distance of each song from one, by song id."""
    serving = registry.load_serving_recommender()
    if serving is None:
        return dict.fromkeys((other.pk for other in others), UNKNOWN)
    _version, recommender = serving
    ids = np.array([song.pk, *(other.pk for other in others)], dtype=np.int64)
    rows = recommender.items.rows(ids)
    distances = _measure(recommender.item_vectors(np.maximum(rows, 0)), rows)
    return dict(zip(ids[1:].tolist(), distances[1:].tolist(), strict=True))


def find_farthest(song: Song, only: NDArray[np.int64]) -> tuple[float, Song | None]:
    """Return the song of `only` that sounds least like one, with its distance; 0 and None where nothing is known."""
    serving = registry.load_serving_recommender()
    if serving is None:
        return 0.0, None
    version, recommender = serving
    row = recommender.items.row(song.pk)
    if row < 0:
        return 0.0, None
    mask = exclusions.build_mask(version, recommender, exclusions.NOTHING_UNWANTED, only=only)
    rows = np.append(row, np.flatnonzero(~mask))
    vectors = recommender.item_vectors(rows)
    if not vectors[0].any():
        return 0.0, None
    distances = _measure(vectors, rows)
    distances[~vectors.any(axis=1)] = 0.0
    best = int(np.argmax(distances))
    farthest = Song.objects.filter(pk=int(recommender.item_ids[rows[best]])).first()
    return float(distances[best]), farthest


def _measure(vectors: NDArray[np.float32], rows: NDArray[np.integer]) -> NDArray[np.float64]:
    """Return the distance of each vector from the first; `UNKNOWN` where one is of length 0 or has no row."""
    is_known = vectors.any(axis=1) & (rows >= 0)
    between = vectors.astype(np.float64) - vectors[0]
    distances = np.sqrt((between * between).sum(axis=1)) / 2
    distances[~is_known] = UNKNOWN
    return distances if is_known[0] else np.full(len(rows), UNKNOWN)
