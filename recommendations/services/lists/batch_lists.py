"""Lists of many listeners at once, without two versions of one song; no database, so that a cluster makes them, too."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix

from recommendations.engine import (
    IdMap,
    Interactions,
    Kind,
    RecommendedBatch,
    Recommender,
    make_empty_rows,
)

ATTEMPTS = 4

OnBatch = Callable[[str, int, int], None]


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
            return make_empty_rows(*heard.shape)
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
        for _attempt in range(ATTEMPTS):
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


def make_batch_lists(
    recommender: Recommender,
    histories: csr_matrix,
    exclude: csr_matrix,
    unavailable: NDArray[np.bool_] | None,
    versions: WorkVersions,
    length: int,
    on_progress: OnBatch | None = None,
) -> BatchWithoutRepeats:
    """Make the lists of listeners with these histories, float32 csr (n, n_items).

    Parameters
    ----------
    exclude
        (n, n_items), stored where a song must not come for that listener; versions of what they heard are left
        out, too.
    unavailable
        bool (n_items,), what must not come for anybody.
    """

    def recommend(positions: NDArray[np.intp], excluded: csr_matrix) -> RecommendedBatch:
        is_first = len(positions) == histories.shape[0]
        return recommender.recommend_batch(
            histories if is_first else histories[positions],
            length,
            exclude=excluded,
            unavailable=unavailable,
            on_progress=on_progress if is_first else None,
        )

    return BatchWithoutRepeats(versions, recommend, exclude + versions.mark_versions(histories))


def select_events(listener_ids: NDArray[np.int64], events: Interactions) -> Interactions:
    """Return the events of these listeners only."""
    wanted = np.isin(events.listeners.ids, listener_ids)
    if wanted.all():
        return events
    kept = events.take(wanted[events.listener_rows])
    listeners = IdMap(events.listeners.ids[wanted])
    rows = listeners.rows(events.listeners.ids)[kept.listener_rows]
    return replace(kept, listener_rows=rows, listeners=listeners)


def mark_dislikes(events: Interactions, recommender: Recommender) -> csr_matrix:
    """Return a matrix of ones at what each listener disliked, (n_listeners, n_items) of the recommender."""
    is_dislike = events.kinds == Kind.DISLIKE
    items = recommender.items.rows(events.items.ids)[events.item_rows[is_dislike]]
    return mark_songs(
        events.listener_rows[is_dislike], items, (events.n_listeners, recommender.n_items)
    )


def mark_songs(
    rows: NDArray[np.integer], items: NDArray[np.integer], shape: tuple[int, int]
) -> csr_matrix:
    """Return a matrix of ones at these places; songs that the recommender does not know are left out."""
    is_known = items >= 0
    return csr_matrix(
        (np.ones(is_known.sum(), dtype=np.float32), (rows[is_known], items[is_known])), shape=shape
    )


def mark_hidden(
    pairs: NDArray[np.int64], listener_ids: NDArray[np.int64], recommender: Recommender
) -> csr_matrix:
    """Return a matrix of ones at what each of these listeners hid.

    Parameters
    ----------
    pairs
        Listener and song ids, int64 (m, 2), of these and of other listeners.
    listener_ids
        Ascending, at least one.
    """
    shape = (len(listener_ids), recommender.n_items)
    rows = np.searchsorted(listener_ids, pairs[:, 0]).clip(max=len(listener_ids) - 1)
    asked = listener_ids[rows] == pairs[:, 0]
    return mark_songs(rows[asked], recommender.items.rows(pairs[asked, 1]), shape)
