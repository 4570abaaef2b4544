"""Versions of one song: who heard one is not offered another, and no list has two of them.

Songs are versions of one another when they share `Song.work_key`: studio, concert, remix, demo. Read with the mask of
unavailable songs and kept as long; a catalog without versions costs nothing.
"""

from collections.abc import Callable

import numpy as np
from django.db.models import Count
from numpy.typing import NDArray

from catalog.models import Song
from catalog.songs.kept_figures import Figure, read_figure
from recommendations.engine import RecommendedList, Recommender
from recommendations.services.lists.batch_lists import ATTEMPTS, WorkVersions

_MOST_VERSIONS = 200
"""Songs of one work that are compared with each other; a key that more share is a name that says nothing."""


def read_versions(recommender: Recommender) -> WorkVersions:
    """Read which songs are versions of one another; on a large site those that a worker found last."""
    shared = read_figure(SHARED_WORKS).value or []
    pairs = np.array(shared, dtype=np.int64).reshape(-1, 2)
    works = np.full(recommender.n_items, -1, dtype=np.int32)
    rows = recommender.items.rows(pairs[:, 0])
    is_modelled = rows >= 0
    works[rows[is_modelled]] = np.unique(pairs[is_modelled, 1], return_inverse=True)[1]
    return WorkVersions(works)


def _list_shared_works() -> list[tuple[int, int]]:
    """Return each song whose work other songs share, with the number of its work; one query over the keys."""
    counts = Song.objects.order_by().values("work_key").annotate(n=Count("pk")).exclude(work_key="")
    shared = counts.filter(n__gt=1, n__lte=_MOST_VERSIONS).values("work_key")
    songs = Song.objects.filter(work_key__in=shared).order_by().values_list("pk", "work_key")
    numbers: dict[str, int] = {}
    return [(pk, numbers.setdefault(key, len(numbers))) for pk, key in songs]


SHARED_WORKS = Figure("shared_works", _list_shared_works)


def recommend_without_repeats(
    versions: WorkVersions,
    mask: NDArray[np.bool_],
    recommend: Callable[[NDArray[np.bool_]], RecommendedList],
    recommender: Recommender,
) -> tuple[RecommendedList, NDArray[np.bool_]]:
    """Return what `recommend` gives for `mask`, asked again without a song whose other version stands above it.

    The second is the mask that the list was made with.
    """
    recommended = recommend(mask)
    for _attempt in range(ATTEMPTS):
        ids = np.array([item.item_id for item in recommended.items], dtype=np.int64)
        repeats = versions.find_repeats(recommender.items.rows(ids))
        if not len(repeats):
            break
        mask = mask.copy()
        mask[repeats] = True
        recommended = recommend(mask)
    return recommended, mask
