"""The validation part of the training data: songs that are hidden, and how well they are found again."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix

from recommendations.engine.algorithms import Algorithm, TrainingData
from recommendations.engine.core.arrays import (
    count_per_row,
    cut_blocks,
    keep_positive,
    list_entry_rows,
    select_top_columns,
)
from recommendations.engine.core.ndcg import compute_ndcg, find_hits
from recommendations.engine.core.ordered import count_steps_back, keep_entries
from recommendations.engine.core.seeding import make_generator
from recommendations.engine.data.interactions import Interactions
from recommendations.engine.ranking.tree_ranker import AT_LEAST, hold_out

K = 10
"""Everything is judged by NDCG at this length."""

MIN_LISTENERS = 30
"""With fewer listeners to judge by, nothing is searched: their noise would choose."""

BLOCK = 256

MOST_NEW_LISTENERS = 400
NEW_LISTENER_SHARE = 0.1
"""Part of the listeners that components are fitted without, so that they can be asked as new ones."""
LARGEST_NEW_SHARE = 0.25
"""Of few listeners a larger part is kept out, if that makes `MIN_LISTENERS` of them."""


@dataclass(frozen=True)
class Cases:
    """Listeners to judge by: what is given of each, and what is to be found.

    Attributes
    ----------
    histories : float32 csr (n, n_items)
        Given; these songs are no candidates.
    labels : float32 csr (n, n_items)
        Stored where a song is a hit; at least one a listener.
    """

    histories: csr_matrix
    labels: csr_matrix

    def __len__(self) -> int:
        return self.histories.shape[0]

    def take(self, rows: NDArray[Any] | slice) -> Cases:
        """Return some of the listeners."""
        return Cases(self.histories[rows], self.labels[rows])

    def blocks(self) -> Iterator[tuple[slice, Cases]]:
        """Yield blocks of listeners that are scored together."""
        for rows in cut_blocks(len(self), BLOCK):
            yield rows, self.take(rows)

    def scores(self, algorithm: Algorithm) -> NDArray[np.float32]:
        """Return an algorithm's scores (n, n_items), NaN for what is given."""
        scores = algorithm.score(self.histories)
        scores[list_entry_rows(self.histories), self.histories.indices] = np.nan
        return scores

    def ndcg(self, algorithm: Algorithm) -> NDArray[np.float64]:
        """Return the NDCG of each listener, (n,)."""
        values = [
            measure_ndcg(select_top_columns(block.scores(algorithm), K), block.labels)
            for _, block in self.blocks()
        ]
        return np.concatenate([np.zeros(0), *values])


@dataclass(frozen=True)
class Validation:
    """The training data without the held-out songs, and the listeners that trials are validated on.

    New listeners are kept out of `data` entirely: a component that was fitted with the other songs of a
    listener would rank these first, and they would count as misses.

    Attributes
    ----------
    whole : TrainingData
        With the hidden songs.
    data : TrainingData
        Without the hidden songs and their events.
    held_out : float32 csr (n_listeners, n_items)
    validation_listeners : int (n,)
        Listeners on whom trials are measured.
    new_listeners : int (m,)
        Listeners without anything in `data`; none where listeners are too few.
    is_ordered
        The hidden songs are those heard last.
    """

    whole: TrainingData
    data: TrainingData
    held_out: csr_matrix
    validation_listeners: NDArray[np.intp]
    new_listeners: NDArray[np.intp]
    is_ordered: bool = False

    @classmethod
    def hold_out(
        cls,
        data: TrainingData,
        share: float,
        max_listeners: int,
        seed: int,
        new_listeners: NDArray[np.intp] | None = None,
        newest: bool = True,
    ) -> Self:
        """Keep new listeners out, and hide a share of the others' songs.

        With `newest` it is the songs heard last that are hidden where the order is known, else songs at random.
        """
        if new_listeners is None:
            new_listeners = _draw_new_listeners(data.strengths, seed)
        others = _drop_rows(data.strengths, new_listeners)
        kept, held_out = hold_out(others, share, seed, newest=newest)
        validation_listeners = np.flatnonzero(count_per_row(held_out))
        if len(validation_listeners) > max_listeners:
            validation_listeners = np.sort(
                make_generator(seed, "judges").choice(
                    validation_listeners, max_listeners, replace=False
                )
            )
        events = data.events
        if events is not None:
            events = _drop_pairs(events, held_out)
            events = events.take(~np.isin(events.listener_rows, new_listeners))
        is_ordered = newest and count_steps_back(data.strengths) is not None
        training = replace(data, strengths=kept, events=events)
        return cls(data, training, held_out, validation_listeners, new_listeners, is_ordered)

    def resample(self, share: float, seed: int) -> Self:
        """Hide other songs of the same listeners; new listeners stay the same."""
        return self.hold_out(
            self.whole,
            share,
            len(self.validation_listeners),
            seed,
            self.new_listeners,
            self.is_ordered,
        )

    def cases(self, rows: NDArray[np.intp] | None = None) -> Cases:
        """Return listeners whose hidden songs are to be found; the judges by default."""
        rows = self.validation_listeners if rows is None else rows
        return Cases(self.data.strengths[rows], self.held_out[rows])

    def new_cases(self, fewest: int, most: int, seed: int) -> Cases:
        """Return the new listeners with `fewest` to `most` songs of theirs given, all others to be found.

        These are random ones, or where the order is known the first ones. One song at least is left to be found.
        """
        histories = self.whole.strengths[self.new_listeners]
        liked = keep_entries(histories, histories.data > 0)
        rng = make_generator(seed, "new listeners", fewest)
        rows = list_entry_rows(liked)
        steps = count_steps_back(liked) if self.is_ordered else None
        order = np.lexsort((rng.random(len(rows)) if steps is None else -steps, rows))
        position = np.arange(len(rows)) - liked.indptr[rows[order]]
        n_given = rng.integers(fewest, most + 1, liked.shape[0])
        n_given = np.minimum(n_given, count_per_row(liked) - 1)
        is_given = np.zeros(len(rows), dtype=bool)
        is_given[order] = position < n_given[rows[order]]
        return Cases(keep_entries(liked, is_given), keep_entries(liked, ~is_given))


def _draw_new_listeners(strengths: csr_matrix, seed: int) -> NDArray[np.intp]:
    """Draw listeners with enough songs to give some and look for others."""
    n_liked = count_per_row(keep_positive(strengths))
    eligible = np.flatnonzero(n_liked >= AT_LEAST)
    wanted = max(int(NEW_LISTENER_SHARE * len(eligible)), MIN_LISTENERS)
    if wanted > LARGEST_NEW_SHARE * len(eligible):
        return np.zeros(0, dtype=np.intp)
    new_listeners = make_generator(seed, "new listeners").choice(
        eligible, min(wanted, MOST_NEW_LISTENERS), replace=False
    )
    return np.sort(new_listeners)


def _drop_rows(matrix: csr_matrix, rows: NDArray[np.intp]) -> csr_matrix:
    keep = np.ones(matrix.shape[0], dtype=bool)
    keep[rows] = False
    return keep_entries(matrix, keep[list_entry_rows(matrix)])


def measure_ndcg(lists: NDArray[np.int32], held_out: csr_matrix) -> NDArray[np.float64]:
    """NDCG with binary relevance of each listener, the ideal over min(K, hidden songs)."""
    return compute_ndcg(find_hits(lists, held_out), count_per_row(held_out), K)


def _drop_pairs(events: Interactions, removed: csr_matrix) -> Interactions:
    keys = events.listener_rows.astype(np.int64) * removed.shape[1] + events.item_rows
    removed_keys = list_entry_rows(removed) * np.int64(removed.shape[1]) + removed.indices
    return events.take(~np.isin(keys, removed_keys))
