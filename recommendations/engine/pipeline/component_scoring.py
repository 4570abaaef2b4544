"""Which components count for which listener, how much, and what they say of songs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from recommendations.engine.algorithms import Algorithm
from recommendations.engine.algorithms.popularity import Popularity
from recommendations.engine.core.arrays import count_per_row, take_rows
from recommendations.engine.core.config import SEGMENTS, RecommenderConfig
from recommendations.engine.pipeline.requests import ListenerBatch
from recommendations.engine.pipeline.scored_block import Scores
from recommendations.engine.ranking.ensemble import assign_weights
from recommendations.engine.ranking.tree_ranker import Ranker

OWN_PART = 1e-7
"""Of the weights of a listener who borrows those of a warm one."""


@dataclass(frozen=True)
class ComponentScoring:
    """The fitted components with the weights that a listener's segment gives them.

    Attributes
    ----------
    config
    algorithms
        The fitted components by name.
    ranker
        The learned second stage, if there is one.
    n_items
        Songs in the catalogue.
    """

    config: RecommenderConfig
    algorithms: Mapping[str, Algorithm]
    ranker: Ranker | None
    n_items: int

    def score_components(
        self,
        listeners: ListenerBatch,
        *,
        to_explain: bool = False,
        to_blend: bool = False,
        item_rows: NDArray[np.int32] | None = None,
    ) -> Scores:
        """Score with each component, for the listeners for whom it counts.

        Parameters
        ----------
        to_blend
            The blend is needed beside the ranker, too.
        item_rows
            The songs to score, int32 (n, m) with -1 for none; all of them by default.
        """
        scores: Scores = []
        needs = self.find_needed(listeners)
        if to_blend:
            needs |= assign_weights(listeners.segments, self.config) > 0
        for algorithm, needed in zip(self.algorithms.values(), needs.T, strict=True):
            if needed.any():
                scores.append(self._score(algorithm, listeners, needed, to_explain, item_rows))
            else:
                scores.append(None)
        self._score_for_unknown(listeners, scores, to_explain, item_rows)
        return scores

    def _score(
        self,
        algorithm: Algorithm,
        listeners: ListenerBatch,
        needed: NDArray[np.bool_],
        to_explain: bool,
        item_rows: NDArray[np.int32] | None,
    ) -> NDArray[np.float32]:
        """Return one component's scores for some of the listeners, NaN for the others."""
        histories = take_rows(listeners.histories, needed)
        if item_rows is None:
            scores = algorithm.score(histories, to_explain=to_explain)
            n_columns = self.n_items
        else:
            scores = algorithm.score_items(histories, item_rows[needed])
            n_columns = item_rows.shape[1]
        if needed.all():
            return scores
        all_scores = np.full((len(listeners), n_columns), np.nan, dtype=np.float32)
        all_scores[needed] = scores
        return all_scores

    def _score_for_unknown(
        self,
        listeners: ListenerBatch,
        scores: Scores,
        to_explain: bool,
        item_rows: NDArray[np.int32] | None,
    ) -> None:
        """Add, in place, the extra components of `weigh_components` for listeners whom no weighted one can score."""
        unknown = self._is_unknown(listeners, scores)
        if not unknown.any():
            return
        for component, (name, algorithm) in enumerate(self.algorithms.items()):
            if self.config.weights["warm"].get(name, 0) > 0 and self.is_personal[component]:
                extra = self._score(algorithm, listeners, unknown, to_explain, item_rows)
                component_scores = scores[component]
                if component_scores is not None:
                    extra[~unknown] = component_scores[~unknown]
                scores[component] = extra

    def weigh_components(self, listeners: ListenerBatch, scores: Scores) -> NDArray[np.float64]:
        """Return each listener's weights, (n, n_components).

        A listener for whom none of the segment's components can score (content, where songs have no audio
        features) gets the weights of a warm one; where these can't score either, popularity decides.
        """
        warm = np.full(len(listeners), SEGMENTS.index("warm"), dtype=np.int8)
        unknown = self._is_unknown(listeners, scores)[:, None]
        own = assign_weights(listeners.segments, self.config)
        borrowed = (1 - OWN_PART) * assign_weights(warm, self.config) + OWN_PART * own
        return np.where(unknown, borrowed, own)

    def find_needed(self, listeners: ListenerBatch) -> NDArray[np.bool_]:
        """Return which components each listener needs, bool (n, n_components)."""
        needed = assign_weights(listeners.segments, self.config) > 0
        if self.ranker is not None:
            is_read = np.array([name in self.ranker.components for name in self.algorithms])
            needed[self.find_ranked(listeners.segments)] = is_read
        return needed

    def find_proposing(self, listeners: ListenerBatch, to_blend: bool) -> NDArray[np.bool_]:
        """Return which components propose for each listener, bool (n, n_components).

        Those of the listener's lists, and those that take over where none of these can score (`weigh_components`).
        """
        needed = self.find_needed(listeners)
        if to_blend:
            needed |= assign_weights(listeners.segments, self.config) > 0
        warm = np.full(len(listeners), SEGMENTS.index("warm"), dtype=np.int8)
        return needed | ((assign_weights(warm, self.config) > 0) & self.is_personal)

    def find_ranked(self, segments: NDArray[np.int8]) -> NDArray[np.bool_]:
        """Return whose lists the ranker orders, bool (n,): cold ones only if it measured better than the blend."""
        if self.ranker is None:
            return np.zeros(len(segments), dtype=bool)
        return segments >= SEGMENTS.index("cold" if self.ranker.config.ranks_cold else "warm")

    def _is_unknown(self, listeners: ListenerBatch, scores: Scores) -> NDArray[np.bool_]:
        """Return the listeners with a history for whom no personal weighted component scores anything, bool (n,)."""
        counts = (assign_weights(listeners.segments, self.config) > 0) & self.is_personal
        is_known = np.zeros(len(listeners), dtype=bool)
        for component, component_scores in enumerate(scores):
            if component_scores is not None and counts[:, component].any():
                is_known |= counts[:, component] & np.isfinite(component_scores).any(axis=1)
        return (
            ~is_known
            & (count_per_row(listeners.histories) > 0)
            & ~self.find_ranked(listeners.segments)
        )

    @property
    def is_personal(self) -> NDArray[np.bool_]:
        """Return which components are personal, bool (n_components,); popularity is the same for everybody."""
        return np.array(
            [not isinstance(algorithm, Popularity) for algorithm in self.algorithms.values()]
        )
