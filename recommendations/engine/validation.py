"""The validation part of the training data: songs that are hidden, and how well they are found again."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix

from .algorithms import Algorithm, TrainingData
from .arrays import blocks, n_per_row, row_numbers, top_columns
from .interactions import Interactions
from .ranker import held_out
from .seeding import generator

K = 10
"""Everything is judged by NDCG at this length."""

MIN_LISTENERS = 30
"""With fewer listeners to judge by, nothing is searched: their noise would choose."""

BLOCK = 256


@dataclass(frozen=True)
class Validation:
    """The training data with songs hidden, and who is asked.

    Attributes
    ----------
    whole : TrainingData
        With the hidden songs.
    data : TrainingData
        Without the hidden songs and their events.
    hidden : float32 csr (n_listeners, n_items)
    judges : int (n,)
        Listeners by whom trials are judged.
    """

    whole: TrainingData
    data: TrainingData
    hidden: csr_matrix
    judges: NDArray[np.intp]

    @classmethod
    def of(cls, data: TrainingData, share: float, max_judges: int, seed: int) -> Self:
        """Hide a share of each listener's songs."""
        kept, hidden = held_out(data.strengths, share, seed)
        judges = np.flatnonzero(n_per_row(hidden))
        if len(judges) > max_judges:
            judges = np.sort(generator(seed, "judges").choice(judges, max_judges, replace=False))
        events = None if data.events is None else _without(data.events, hidden)
        return cls(data, TrainingData(kept, data.features, events), hidden, judges)

    def again(self, share: float, seed: int) -> Self:
        """Hide other songs of the same listeners."""
        return self.of(self.whole, share, len(self.judges), seed)


def ndcg_of(algorithm: Algorithm, validation: Validation) -> float:
    values = [
        ndcg_of_lists(top_columns(scores_of(algorithm, validation, rows), K), validation.hidden[rows])
        for rows in listener_blocks(validation.judges)
    ]
    return float(np.concatenate(values).mean())


def scores_of(algorithm: Algorithm, validation: Validation, rows: NDArray[np.intp]) -> NDArray[np.float32]:
    histories = validation.data.strengths[rows]
    scores = algorithm.score(histories)
    scores[row_numbers(histories), histories.indices] = np.nan
    return scores


def ndcg_of_lists(lists: NDArray[np.int32], hidden: csr_matrix) -> NDArray[np.float64]:
    """NDCG with binary relevance of each listener, the ideal over min(K, hidden songs)."""
    rows = np.arange(len(lists))[:, None] * np.int64(hidden.shape[1])
    wanted = row_numbers(hidden) * np.int64(hidden.shape[1]) + hidden.indices
    hits = np.isin(rows + lists, wanted) & (lists >= 0)
    gains = 1 / np.log2(np.arange(2, K + 2))
    ideal = np.cumsum(gains)[np.minimum(n_per_row(hidden), K) - 1]
    return (hits * gains[: lists.shape[1]]).sum(axis=1) / ideal


def listener_blocks(rows: NDArray[np.intp]) -> list[NDArray[np.intp]]:
    return [rows[some] for some in blocks(len(rows), BLOCK)]


def _without(events: Interactions, hidden: csr_matrix) -> Interactions:
    keys = events.listener_rows.astype(np.int64) * hidden.shape[1] + events.item_rows
    gone = row_numbers(hidden) * np.int64(hidden.shape[1]) + hidden.indices
    return events.take(~np.isin(keys, gone))
