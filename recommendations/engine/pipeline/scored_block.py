"""What the components say of a block of listeners, and what follows from that alone."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from recommendations.engine.core.arrays import (
    NO_SONG,
    list_entry_rows,
    select_top_columns,
    sort_pairs,
)
from recommendations.engine.pipeline.requests import ListenerBatch
from recommendations.engine.ranking.candidates import CandidateColumns
from recommendations.engine.ranking.ensemble import MILLION, Blend, CandidateBlend
from recommendations.engine.reranking.mmr import Candidates, compute_margins

Scores = list[NDArray[np.float32] | None]
"""float32 (n, n_items) of each component, NaN where it cannot score; None where it counts for nobody.

Where only candidates are scored, (n, m): a column is the song that `CandidateColumns` says."""


@dataclass(frozen=True)
class ScoredBlock:
    """What the components say of a block of listeners, with NaN where a song must not come.

    Attributes
    ----------
    scores
    columns
        The songs of the scores' columns; None where all songs are scored.
    """

    scores: Scores
    columns: CandidateColumns | None = None


def mask_forbidden(
    scores: Scores, listeners: ListenerBatch, unavailable: NDArray[np.bool_] | None
) -> None:
    """Strike out what must not come, in place: NaN is never recommended."""
    entries = [(list_entry_rows(matrix), matrix.indices) for matrix in listeners.forbidden]
    for component_scores in scores:
        if component_scores is not None:
            for entry in entries:
                component_scores[entry] = np.nan
            if unavailable is not None:
                component_scores[:, unavailable] = np.nan


def is_forbidden(
    listeners: ListenerBatch, unavailable: NDArray[np.bool_] | None, item_row: int
) -> bool:
    """Return whether a song must not come for the first listener."""
    if unavailable is not None and unavailable[item_row]:
        return True
    return any((matrix[0].indices == item_row).any() for matrix in listeners.forbidden)


def make_blend(
    scored: ScoredBlock,
    weights: NDArray[np.float64],
    is_personal: NDArray[np.bool_] | None = None,
) -> Blend:
    """Return the weighted sum of a block's scores; of candidates, on the scale that all songs would give.

    Parameters
    ----------
    weights
        float64 (n_listeners, n_components).
    is_personal
        As of `Blend.from_scores`.
    """
    columns = scored.columns
    if columns is None:
        return Blend.from_scores(scored.scores, weights, is_personal)
    on_scale = [
        None if scores is None else np.where(columns.is_scale, scores, np.float32(np.nan))
        for scores in scored.scores
    ]
    blend = Blend.from_scores(on_scale, weights, is_personal)
    return CandidateBlend.wrap_blend(replace(blend, scores=scored.scores), columns)


def list_best(
    scores: NDArray[np.float32], columns: CandidateColumns | None, k: int
) -> NDArray[np.int32]:
    """Return the k best songs of one component, int32 (n, k), -1 where there are no more."""
    best = select_top_columns(scores, k)
    return best if columns is None else columns.list_songs(best)


def select_best(blend: Blend, n: int) -> Candidates:
    """Return the n best songs, ties in row order."""
    songs = blend.list_songs(select_top_columns(blend.total(), n))
    millionths = blend.contributions(np.maximum(songs, 0)).sum(axis=2, dtype=np.int64)
    millionths[songs < 0] = -1
    falling, item_rows = sort_pairs(-millionths, np.maximum(songs, 0))
    is_none = falling > 0
    item_rows[is_none] = NO_SONG
    totals = np.where(is_none, -np.inf, -falling / MILLION)
    return Candidates(item_rows, totals, compute_margins(totals))
