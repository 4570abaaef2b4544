"""Exactly: every component that counts scores every song of the catalogue."""

from __future__ import annotations

from dataclasses import dataclass

from recommendations.engine.pipeline.component_scoring import ComponentScoring
from recommendations.engine.pipeline.requests import ListenerBatch, ListRequest
from recommendations.engine.pipeline.scored_block import ScoredBlock, Scores, mask_forbidden


@dataclass(frozen=True)
class ExactScoring:
    """Scores all songs and strikes out what must not come."""

    components: ComponentScoring

    @property
    def n_columns(self) -> int:
        """About how many numbers of 4 bytes are kept of each listener and component."""
        return self.components.n_items

    def score_block(
        self, listeners: ListenerBatch, request: ListRequest, *, to_explain: bool = False
    ) -> ScoredBlock:
        """Score with the components that the listeners' lists come from."""
        scores = self.components.score_components(listeners, to_explain=to_explain)
        mask_forbidden(scores, listeners, request.unavailable)
        return ScoredBlock(scores)

    def score_all_components(self, listeners: ListenerBatch, request: ListRequest) -> ScoredBlock:
        """Score with every component, whether it counts or not."""
        scores: Scores = [
            algorithm.score(listeners.histories)
            for algorithm in self.components.algorithms.values()
        ]
        mask_forbidden(scores, listeners, request.unavailable)
        return ScoredBlock(scores)

    def score_besides(
        self, listeners: ListenerBatch, request: ListRequest, item_row: int
    ) -> ScoredBlock:
        """Score the songs that may come, and one song besides."""
        scores = self.components.score_components(listeners, to_explain=True, to_blend=True)
        own = [
            None if component_scores is None else component_scores[:, item_row].copy()
            for component_scores in scores
        ]
        mask_forbidden(scores, listeners, request.unavailable)
        for component_scores, own_scores in zip(scores, own, strict=True):
            if component_scores is not None and own_scores is not None:
                component_scores[:, item_row] = own_scores
        return ScoredBlock(scores)

    def compare_songs(
        self, listeners: ListenerBatch, request: ListRequest, item_row: int
    ) -> ScoredBlock:
        """Score by how much songs are like one song."""
        scores: Scores = [
            algorithm.similar(item_row)[None, :]
            for algorithm in self.components.algorithms.values()
        ]
        mask_forbidden(scores, listeners, request.unavailable)
        return ScoredBlock(scores)
