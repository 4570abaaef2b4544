"""The second stage: the components' candidates, ordered by the learned ranker."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix

from recommendations.engine.core.arrays import NO_SONG
from recommendations.engine.core.config import RankerConfig
from recommendations.engine.ranking.candidates import (
    CandidateBatch,
    CandidateColumns,
    select_candidates,
)
from recommendations.engine.ranking.ensemble import MILLION
from recommendations.engine.ranking.explanations import BASE
from recommendations.engine.ranking.ranker_features import ItemTable
from recommendations.engine.ranking.tree_ranker import Examples, Ranker
from recommendations.engine.reranking.mmr import Candidates, compute_margins


@dataclass(frozen=True)
class RankedCandidates:
    """Ranked candidates of a block of listeners.

    Attributes
    ----------
    ranker : Ranker
    candidates : CandidateBatch
    features : float32 (m, n_features)
    totals : float64 (m,)
        The ranker's scores.
    n_items : int
    scores
        float32 (m,) of each of the ranker's components.
    """

    ranker: Ranker
    candidates: CandidateBatch
    features: NDArray[np.float32]
    totals: NDArray[np.float64]
    n_items: int
    scores: Sequence[NDArray[np.float32]]

    @classmethod
    def from_scores(
        cls,
        ranker: Ranker,
        histories: csr_matrix,
        scores: Sequence[NDArray[np.float32]],
        columns: CandidateColumns | None = None,
    ) -> RankedCandidates:
        """Propose, describe and score.

        Parameters
        ----------
        scores
            float32 (n, n_items) of each of the ranker's components; NaN where a song must not come.
        columns
            The songs of the scores' columns, where only some songs are scored.
        """
        described = describe_candidates(ranker.config, ranker.songs, histories, scores, columns)
        totals = ranker.score(described.features)
        return cls(
            ranker,
            described.candidates,
            described.features,
            totals,
            histories.shape[1],
            described.scores,
        )

    @property
    def names(self) -> tuple[str, ...]:
        return self.ranker.groups

    def is_candidate(self, item_row: int) -> bool:
        """Return whether the song is among the first listener's candidates."""
        own = self.candidates.item_rows[: self.candidates.starts[1]]
        return bool((own == item_row).any())

    @property
    def weights(self) -> NDArray[np.float64]:
        """The part of each group in the trees' gain, the same for every listener."""
        shares = self.ranker.importance()
        row = np.array([shares.get(name, 0.0) for name in self.names])
        return np.tile(row, (len(self.candidates.starts) - 1, 1))

    def best(self, n: int, n_scaled: int | None = None) -> Candidates:
        """Return the n best songs.

        The best of them has the total 1 and the last of the first `n_scaled`, None for all, 0: a song has the same
        total however many are taken behind these, which are below 0.
        """
        positions = self._best_places(n)
        is_song = positions >= 0
        rows = np.full(positions.shape, NO_SONG, dtype=np.int32)
        rows[is_song] = self.candidates.item_rows[positions[is_song]]
        totals = np.full(positions.shape, np.nan)
        totals[is_song] = self.totals[positions[is_song]]
        best = totals[:, :1]
        span = best - np.fmin.reduce(totals[:, :n_scaled], axis=1)[:, None]
        scaled = np.where(span > 0, 1 - (best - totals) / np.where(span > 0, span, 1), 1.0)
        return Candidates(rows, np.where(is_song, scaled, -np.inf), compute_margins(totals))

    def _best_places(self, n: int) -> NDArray[np.int64]:
        """Places among the candidates, (n_listeners, at most n), -1 at the end; ties in row order."""
        starts, rows = self.candidates.starts, self.candidates.listener_rows
        lengths = np.diff(starts)
        n = max(min(n, int(lengths.max(initial=0))), 1)
        if not len(rows):
            return np.full((len(lengths), n), -1, dtype=np.int64)
        order = np.lexsort((self.candidates.item_rows, -self._millionths, rows))
        positions = starts[:-1, None] + np.arange(n)
        return np.where(
            np.arange(n) < lengths[:, None], order[np.minimum(positions, len(rows) - 1)], -1
        )

    @property
    def _millionths(self) -> NDArray[np.int64]:
        return np.rint(self.totals * MILLION).astype(np.int64)

    def spread(self, name: str) -> NDArray[np.float64]:
        """Return the deviation of one component's scores over each listener's candidates, (n,); 1 where it is 0."""
        rows = self.candidates.listener_rows
        values = self.scores[self.ranker.components.index(name)].astype(np.float64)
        n_listeners, is_scored = len(self.candidates.starts) - 1, np.isfinite(values)
        n = np.maximum(np.bincount(rows[is_scored], minlength=n_listeners), 1)
        mean = np.bincount(rows[is_scored], weights=values[is_scored], minlength=n_listeners) / n
        squares = (values[is_scored] - mean[rows[is_scored]]) ** 2
        deviation = np.sqrt(
            np.bincount(rows[is_scored], weights=squares, minlength=n_listeners) / n
        )
        return np.where(deviation > 0, deviation, 1)

    def contributions(self, item_rows: NDArray[np.int32]) -> NDArray[np.int32]:
        """Return what each group adds for chosen songs, in millionths, int32 (n, k, n_groups).

        Rounding goes to the base, so that a row is the score to the last digit. All zero where the song is
        not among the candidates.
        """
        wanted = np.arange(len(item_rows))[:, None] * np.int64(self.n_items) + item_rows
        keys = self.candidates.listener_rows * np.int64(self.n_items) + self.candidates.item_rows
        result = np.zeros((*item_rows.shape, len(self.names)), dtype=np.int32)
        if not len(keys):
            return result
        positions = np.minimum(np.searchsorted(keys, wanted), len(keys) - 1)
        is_candidate = keys[positions] == wanted
        amounts = np.rint(
            self.ranker.contributions(self.features[positions[is_candidate]]) * MILLION
        ).astype(np.int64)
        base = self.names.index(BASE)
        amounts[:, base] += self._millionths[positions[is_candidate]] - amounts.sum(axis=1)
        result[is_candidate] = amounts
        return result

    def total(self) -> NDArray[np.float32]:
        """Return the score of every song, float32 (n, n_items); -inf where it was not proposed."""
        scores = np.full((len(self.candidates.starts) - 1, self.n_items), -np.inf, dtype=np.float32)
        scores[self.candidates.listener_rows, self.candidates.item_rows] = self.totals
        return scores


@dataclass(frozen=True)
class DescribedCandidates:
    """Candidates with what the ranker reads of them.

    Attributes
    ----------
    candidates : CandidateBatch
    features : float32 (m, n_features)
    scores
        float32 (m,) of each of the ranker's components.
    """

    candidates: CandidateBatch
    features: NDArray[np.float32]
    scores: list[NDArray[np.float32]]


def describe_candidates(
    config: RankerConfig,
    songs: ItemTable,
    histories: csr_matrix,
    scores: Sequence[NDArray[np.float32]],
    columns: CandidateColumns | None = None,
) -> DescribedCandidates:
    """Choose the candidates for each listener among the scored songs, and describe them."""
    may_come = np.logical_or.reduce([np.isfinite(component) for component in scores])
    if columns is not None:
        may_come = _spread_over_songs(may_come, columns, songs.n_items)
    candidates = select_candidates(
        scores,
        config.n_by_component,
        songs.list_artist_candidates(histories, may_come, config.n_by_artist),
        columns,
    )
    rows, positions = candidates.listener_rows, candidates.item_rows
    if columns is not None:
        positions = candidates.find_columns(columns)
    chosen = [component[rows, positions] for component in scores]
    return DescribedCandidates(candidates, songs.describe(histories, candidates, chosen), chosen)


def _spread_over_songs(
    flags: NDArray[np.bool_], columns: CandidateColumns, n_items: int
) -> NDArray[np.bool_]:
    """Return flags of columns (n, m) as flags of songs (n, n_items)."""
    spread = np.zeros((len(flags), n_items), dtype=bool)
    rows, positions = np.nonzero(flags & (columns.item_rows >= 0))
    spread[rows, columns.item_rows[rows, positions]] = True
    return spread


def make_examples(
    config: RankerConfig,
    songs: ItemTable,
    histories: csr_matrix,
    scores: Sequence[NDArray[np.float32]],
    held_out: csr_matrix,
) -> Examples:
    """Return the described candidates and which of them were taken (stored in `held_out`)."""
    described = describe_candidates(config, songs, histories, scores)
    candidates, rows = described.candidates, described.candidates.listener_rows
    keys = rows * np.int64(held_out.shape[1]) + candidates.item_rows
    row_offsets = np.repeat(np.arange(held_out.shape[0]), np.diff(held_out.indptr)) * np.int64(
        held_out.shape[1]
    )
    return Examples(candidates, described.features, np.isin(keys, row_offsets + held_out.indices))


def share_credit(
    losses: dict[int, NDArray[np.float32]], contributions: NDArray[np.int32]
) -> dict[int, NDArray[np.float32]]:
    """Divide what the groups added among the songs of the history, in proportion to what each would be missed.

    Parameters
    ----------
    losses
        Group -> (n, k, longest history): about how far the score would fall, against the other songs of the list,
        without each song of the history.
    contributions
        int32 (n, k, n_groups), millionths.
    """
    positive = {group: np.fmax(loss, 0) for group, loss in losses.items()}
    # in double precision, or the sum would depend on the padding and so on the other listeners
    total = np.sum([loss.sum(axis=2, dtype=np.float64) for loss in positive.values()], axis=0)
    added = np.maximum(contributions[:, :, list(losses)], 0).sum(axis=2) / MILLION
    per_loss = (added / np.where(total > 0, total, 1))[:, :, None]
    return {group: (loss * per_loss).astype(np.float32) for group, loss in positive.items()}
