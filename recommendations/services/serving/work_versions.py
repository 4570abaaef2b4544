"""Versions of one song: who heard one is not offered another, and no list has two of them.

Songs are versions of one another when they share `Song.work_key`: studio, concert, remix, demo. Read with the mask of
unavailable songs and kept as long; a catalog without versions costs nothing.
"""

from collections.abc import Callable

import numpy as np
from django.db.models import Count
from numpy.typing import NDArray
from scipy.sparse import csr_matrix

from catalog.models import Song
from recommendations.engine import RecommendedBatch, RecommendedList, Recommender, empty_rows

_ATTEMPTS = 4
_MOST_VERSIONS = 200
"""Songs of one work that are compared with each other; a key that more share is a name that says nothing."""


class WorkVersions:
    """The versions of each song, by item row.

    Attributes
    ----------
    works : int32 (n_items,), the number of the work of each song; -1 for songs without another version
    """

    def __init__(self, works: NDArray[np.int32]) -> None:
        self.works = works
        self._rows = np.flatnonzero(works >= 0).astype(np.int32)
        order = np.argsort(works[self._rows], kind="stable")
        self._by_work = self._rows[order]
        self._starts = np.searchsorted(works[self._by_work], np.arange(works.max(initial=-1) + 2))

    def find_versions(self, rows: NDArray[np.integer]) -> NDArray[np.int32]:
        """Return the rows of all versions of the songs `rows`, themselves included."""
        works = np.unique(self.works[rows])
        works = works[works >= 0]
        if not len(works):
            return np.empty(0, dtype=np.int32)
        return np.concatenate([self._by_work[self._starts[w] : self._starts[w + 1]] for w in works])

    def mark_versions(self, histories: csr_matrix) -> csr_matrix:
        """Return a matrix like `histories` of ones at every version of what each listener heard."""
        heard = histories.tocsr()
        if not len(self._rows):
            return empty_rows(*heard.shape)
        version_rows = [
            self.find_versions(heard.indices[heard.indptr[row] : heard.indptr[row + 1]])
            for row in range(heard.shape[0])
        ]
        return _mark(version_rows, heard.shape)

    def find_repeats(self, rows: NDArray[np.integer]) -> NDArray[np.int32]:
        """Return the songs of a list, best first, of which a better place has another version."""
        rows = rows[rows >= 0]
        works = self.works[rows]
        has_work = np.flatnonzero(works >= 0)
        _, first = np.unique(works[has_work], return_index=True)
        return np.delete(rows[has_work], first).astype(np.int32)


def read_versions(recommender: Recommender) -> WorkVersions:
    """Read which songs are versions of one another; one query over the keys that several songs share."""
    counts = Song.objects.order_by().values("work_key").annotate(n=Count("pk")).exclude(work_key="")
    shared = counts.filter(n__gt=1, n__lte=_MOST_VERSIONS).values("work_key")
    songs = list(Song.objects.filter(work_key__in=shared).order_by().values_list("pk", "work_key"))
    works = np.full(recommender.n_items, -1, dtype=np.int32)
    rows = recommender.items.rows(
        np.fromiter((pk for pk, _ in songs), dtype=np.int64, count=len(songs))
    )
    numbers: dict[str, int] = {}
    for row, (_, key) in zip(rows.tolist(), songs, strict=True):
        if row >= 0:
            works[row] = numbers.setdefault(key, len(numbers))
    return WorkVersions(works)


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
    for _attempt in range(_ATTEMPTS):
        ids = np.array([item.item_id for item in recommended.items], dtype=np.int64)
        repeats = versions.find_repeats(recommender.items.rows(ids))
        if not len(repeats):
            break
        mask = mask.copy()
        mask[repeats] = True
        recommended = recommend(mask)
    return recommended, mask


class BatchWithoutRepeats:
    """Lists of many listeners; those that had two versions of a song are made again without the later one.

    `recommend` takes the places of the listeners and what must not come for each of them, (n, n_items).
    """

    def __init__(
        self,
        versions: WorkVersions,
        recommend: Callable[[NDArray[np.intp], csr_matrix], RecommendedBatch],
        exclude: csr_matrix,
    ) -> None:
        everybody = np.arange(exclude.shape[0])
        self._first = recommend(everybody, exclude)
        self._again: dict[int, tuple[RecommendedBatch, int]] = {}
        positions, batch = everybody, self._first
        for _attempt in range(_ATTEMPTS):
            repeats = [versions.find_repeats(rows) for rows in batch.item_rows]
            wrong = np.flatnonzero([len(rows) > 0 for rows in repeats])
            if not len(wrong):
                break
            marked = _mark(
                [repeats[position] for position in wrong], (len(wrong), exclude.shape[1])
            )
            exclude = (exclude[wrong] + marked).tocsr()
            positions = positions[wrong]
            batch = recommend(positions, exclude)
            self._again |= {
                int(position): (batch, index) for index, position in enumerate(positions)
            }

    def pack_json(self, position: int) -> str:
        """Return one list as JSON for storing."""
        batch, index = self._again.get(position, (self._first, position))
        return batch.pack_json(index)

    def segment(self, position: int) -> str:
        """Return how a listener was treated."""
        batch, index = self._again.get(position, (self._first, position))
        return batch.segment(index)


def _mark(rows_by_listener: list[NDArray[np.int32]], shape: tuple[int, int]) -> csr_matrix:
    indptr = np.concatenate([[0], np.cumsum([len(rows) for rows in rows_by_listener])])
    indices = np.concatenate([*rows_by_listener, np.empty(0, dtype=np.int32)])
    return csr_matrix((np.ones(len(indices), dtype=np.float32), indices, indptr), shape=shape)
