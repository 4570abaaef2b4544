"""The adaptive ensemble: component weights that depend on the length of the listener's history."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from recommendations.engine.core.arrays import NO_SONG, cut_blocks
from recommendations.engine.core.config import SEGMENTS, RecommenderConfig
from recommendations.engine.ranking.candidates import CandidateColumns

MILLION = 1_000_000

ROWS_AT_ONCE = 16

FAR_BELOW = np.float32(-1e30)
"""Below every score, and finite, so that it can be multiplied by 0."""


def assign_segments(n_positive: NDArray[np.int64], config: RecommenderConfig) -> NDArray[np.int8]:
    """Return each listener's place in `SEGMENTS` from the number of songs they liked, int8 (n,)."""
    limits = np.array([1, config.cold_below, config.hot_from])
    return np.searchsorted(limits, n_positive, side="right").astype(np.int8)


def assign_weights(segments: NDArray[np.int8], config: RecommenderConfig) -> NDArray[np.float64]:
    """Return the configured weights of each listener, float64 (n, n_components)."""
    table = [
        [config.weights[segment].get(name, 0.0) for name in config.components]
        for segment in SEGMENTS
    ]
    return np.array(table)[segments]


@dataclass(frozen=True)
class Blend:
    """Component scores of a block of listeners, on one scale, with their weights.

    A component's scores are brought to 0..1 for each listener: 0 is the worst and 1 the best among the songs
    that may be recommended. A song's score is the weighted sum, so every contribution is at least 0 and the
    contributions are the score. A component that cannot score a song adds 0 to it; one that cannot score any
    song of a listener hands its weight to the other personal ones, in proportion; only where there are none of
    these, to those that are the same for everybody.

    Attributes
    ----------
    scores
        One float32 (n, n_items) a component, None where no listener needs it; NaN where it cannot score and
        where the song must not be recommended.
    low, span : float64 (n, n_components)
        A score s is scaled to (s - low) / span.
    weights : float64 (n, n_components)
        As used; each row sums to 1, or to 0 if nothing can be scored.
    """

    scores: Sequence[NDArray[np.float32] | None]
    low: NDArray[np.float64]
    span: NDArray[np.float64]
    weights: NDArray[np.float64]

    @classmethod
    def from_scores(
        cls,
        scores: Sequence[NDArray[np.float32] | None],
        weights: NDArray[np.float64],
        is_personal: NDArray[np.bool_] | None = None,
    ) -> Blend:
        """Find the scale of each component for each listener, and the weights that follow from it.

        Parameters
        ----------
        is_personal
            Components whose scores depend on the listener, bool (n_components,); all by default.
        """
        low, high = np.full(weights.shape, np.nan), np.full(weights.shape, np.nan)
        for component, component_scores in enumerate(scores):
            if component_scores is not None and component_scores.size:
                low[:, component] = np.fmin.reduce(component_scores, axis=1)
                high[:, component] = np.fmax.reduce(component_scores, axis=1)
        # if all songs are equal to a component, each is its best
        is_flat = high == low
        return cls(
            scores=scores,
            low=np.where(is_flat, low - 1, low),
            span=np.where(is_flat, 1, high - low),
            weights=_pass_on_weights(weights, np.isfinite(low), is_personal),
        )

    def total(self) -> NDArray[np.float32]:
        """Return the score of every song, float32 (n, n_items); -inf where no component can score it."""
        factors = np.where(self.weights > 0, self.weights / self.span, 0)
        lows = np.where(self.weights > 0, self.low, 0) * factors
        counted = [
            (
                scores,
                lows[:, component, None].astype(np.float32),
                factors[:, component, None].astype(np.float32),
            )
            for component, scores in enumerate(self.scores)
            if scores is not None and factors[:, component].any()
        ]
        if not counted:
            return np.full(self._shape(), -np.inf, dtype=np.float32)
        total = np.empty(self._shape(), dtype=np.float32)
        low = np.sum([low for _, low, _ in counted], axis=0)
        # a few rows at a time, which the processor's cache holds
        for rows_now in cut_blocks(len(total), ROWS_AT_ONCE):
            block = np.multiply(
                counted[0][0][rows_now], counted[0][2][rows_now], out=total[rows_now]
            )
            for scores, _, factor in counted[1:]:
                block += scores[rows_now] * factor[rows_now]
            block -= low[rows_now]
        # few songs are unknown to some component: only those are looked at one by one
        unscored = np.flatnonzero(np.isnan(total))
        rows, columns = np.divmod(unscored, total.shape[1])
        sums, is_known = (
            np.zeros(len(unscored), dtype=np.float32),
            np.zeros(len(unscored), dtype=bool),
        )
        for scores, low, factor in counted:
            single = scores[rows, columns] * factor[rows, 0] - low[rows, 0]
            is_known |= ~np.isnan(single)
            sums += np.fmax(single, np.float32(0))
        total.ravel()[unscored] = np.where(is_known, sums, -np.inf)
        return total

    def take(self, rows: NDArray[np.bool_]) -> Blend:
        """Return some of the listeners."""
        if rows.all():
            return self
        scores = [
            None if component_scores is None else component_scores[rows]
            for component_scores in self.scores
        ]
        return Blend(scores, self.low[rows], self.span[rows], self.weights[rows])

    def list_songs(self, columns: NDArray[np.int32]) -> NDArray[np.int32]:
        """Return the songs of columns of the scores (n, k): of all songs' scores, the columns themselves."""
        return columns

    def find_ends(self, component: int) -> NDArray[np.int32]:
        """Return the best and the worst song of one component's scale, int32 (n, 2); -1 where there is none."""
        scores, low = self.scores[component], self.low[:, component]
        if scores is None:
            return np.full((len(low), 2), NO_SONG, dtype=np.int32)
        ends = []
        for value in (low + self.span[:, component], low):
            is_end = scores == value.astype(np.float32)[:, None]
            position = is_end.argmax(axis=1)
            ends.append(np.where(is_end[np.arange(len(position)), position], position, NO_SONG))
        return np.column_stack(ends).astype(np.int32)

    def compute_losses(
        self, component: int, songs: NDArray[np.int32], influences: NDArray[np.float32]
    ) -> NDArray[np.float32]:
        """Return what one component would add less to each song without each song of the history.

        Parameters
        ----------
        songs
            int32 (n, m), -1 for none, with the `ends` among them: where they lose, the scale shrinks.
        influences
            float32 (n, m, longest history): what the component's own scores of these songs would lose.

        Returns
        -------
        float32 (n, m, longest history)
        """
        scores = self.scores[component]
        if scores is None:
            return np.zeros_like(influences)
        own = scores[np.arange(len(songs))[:, None], songs]
        is_known = (songs >= 0) & np.isfinite(own)
        low, span = self.low[:, component, None], self.span[:, component, None]
        scaled = np.where(is_known, np.clip((own - low) / span, 0, 1), 0)
        after = np.where(is_known, own, FAR_BELOW)[:, :, None] - influences
        # a reduction with a mask is ten times slower, and mostly all are known
        worst = (
            after if is_known.all() else np.where(is_known[:, :, None], after, np.float32(np.inf))
        ).min(axis=1)
        new_low = np.minimum(worst, low).astype(np.float32)
        new_span = after.max(axis=1) - new_low
        # in place from here on: this is the largest array of a list's making
        after -= new_low[:, None, :]
        # before it grows: far below over a narrow span has no number
        np.maximum(after, 0, out=after)
        after *= np.where(new_span > 0, 1 / np.where(new_span > 0, new_span, 1), 0)[:, None, :]
        np.subtract(scaled.astype(np.float32)[:, :, None], after, out=after)
        after *= self.weights[:, component, None, None].astype(np.float32)
        return after

    def _shape(self) -> tuple[int, int]:
        widths = [scores.shape[1] for scores in self.scores if scores is not None]
        return len(self.weights), max(widths, default=0)

    def contributions(self, item_rows: NDArray[np.int32]) -> NDArray[np.int32]:
        """Return what each component adds for chosen songs, in millionths, int32 (n, k, n_components).

        Whole millionths make sums exact and equal however they are added. At least 0; a song outside the
        scale's range (one that may not be recommended) is cut to 0..weight.
        """
        rows = np.arange(len(item_rows))[:, None]
        result = np.zeros((*item_rows.shape, len(self.scores)), dtype=np.int32)
        for component, scores in enumerate(self.scores):
            if scores is not None:
                chosen = scores[rows, item_rows] - self.low[:, component, None]
                scaled = np.fmin(np.fmax(chosen / self.span[:, component, None], 0), 1)
                amounts = self.weights[:, component, None] * scaled
                result[:, :, component] = np.rint(amounts * MILLION)
        return result


@dataclass(frozen=True)
class CandidateBlend(Blend):
    """A blend of scores of candidates: the scale goes from the worst to the best of these.

    It is what the blend of all scores is where everything but the candidates is NaN, and takes and returns songs, not
    columns, as that does.

    Attributes
    ----------
    columns : CandidateColumns
        The song of each column of the scores.
    """

    columns: CandidateColumns

    @classmethod
    def wrap_blend(cls, blend: Blend, columns: CandidateColumns) -> CandidateBlend:
        return cls(blend.scores, blend.low, blend.span, blend.weights, columns)

    def take(self, rows: NDArray[np.bool_]) -> CandidateBlend:
        return CandidateBlend.wrap_blend(super().take(rows), self.columns.take(rows))

    def list_songs(self, columns: NDArray[np.int32]) -> NDArray[np.int32]:
        return self.columns.list_songs(columns)

    def find_ends(self, component: int) -> NDArray[np.int32]:
        return self.columns.list_songs(super().find_ends(component))

    def compute_losses(
        self, component: int, songs: NDArray[np.int32], influences: NDArray[np.float32]
    ) -> NDArray[np.float32]:
        columns = self.columns.find_columns(songs)
        return super().compute_losses(component, columns, influences)

    def contributions(self, item_rows: NDArray[np.int32]) -> NDArray[np.int32]:
        """As of any blend; 0 for a song that is no candidate."""
        columns = self.columns.find_columns(item_rows)
        amounts = super().contributions(np.maximum(columns, 0))
        amounts[columns < 0] = 0
        return amounts


def _pass_on_weights(
    weights: NDArray[np.float64],
    can_score: NDArray[np.bool_],
    is_personal: NDArray[np.bool_] | None,
) -> NDArray[np.float64]:
    """Return the weights, (n, n_components), of those that can score with what the others leave to them."""
    usable = np.where(can_score, weights, 0)
    released = (weights - usable).sum(axis=1, keepdims=True)
    heirs = usable if is_personal is None else np.where(is_personal, usable, 0)
    heirs = np.where(heirs.any(axis=1, keepdims=True), heirs, usable)
    total = heirs.sum(axis=1, keepdims=True)
    return np.where(released > 0, usable + released * heirs / np.where(total > 0, total, 1), usable)
