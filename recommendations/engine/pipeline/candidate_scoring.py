"""Candidates first: where there are too many songs to score, only what the components propose is scored."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from recommendations.engine.pipeline.candidate_search import CandidateSearch
from recommendations.engine.pipeline.component_scoring import ComponentScoring
from recommendations.engine.pipeline.requests import ListenerBatch, ListRequest
from recommendations.engine.pipeline.scored_block import ScoredBlock, Scores
from recommendations.engine.ranking.candidates import CandidateColumns

COMPACT_COLUMNS = 8_192
"""More than the candidates of a listener."""


@dataclass(frozen=True)
class CandidateScoring:
    """Scores what the components propose; a listener for whom that is too little gets the best of all songs."""

    components: ComponentScoring

    @property
    def n_columns(self) -> int:
        """About how many numbers of 4 bytes are kept of each listener and component."""
        # the ranker looks at a flag of every song
        return COMPACT_COLUMNS if self.components.ranker is None else self.components.n_items // 4

    @property
    def _search(self) -> CandidateSearch:
        components = self.components
        return CandidateSearch(components.algorithms, components.ranker, components.n_items)

    def score_block(
        self, listeners: ListenerBatch, request: ListRequest, *, to_explain: bool = False
    ) -> ScoredBlock:
        """Score with the components that the listeners' lists come from."""
        return self._score_candidates(listeners, request)

    def score_all_components(self, listeners: ListenerBatch, request: ListRequest) -> ScoredBlock:
        """Score with every component, whether it counts or not; each of them proposes."""
        return self._score_candidates(listeners, request, to_blend=True, all_components=True)

    def score_besides(
        self, listeners: ListenerBatch, request: ListRequest, item_row: int
    ) -> ScoredBlock:
        """Score the songs that are proposed, and one song besides, whether it may come or not."""
        return self._score_candidates(listeners, request, to_blend=True, also=item_row)

    def compare_songs(
        self, listeners: ListenerBatch, request: ListRequest, item_row: int
    ) -> ScoredBlock:
        """Score by how much songs are like one song."""
        n = request.n_candidates
        rows = self._search.list_similar(listeners, request.unavailable, item_row, n)
        scores: Scores = [
            algorithm.similar_items(item_row, rows)[None, :]
            for algorithm in self.components.algorithms.values()
        ]
        return ScoredBlock(scores, CandidateColumns.pack([rows], [rows]))

    def _score_candidates(
        self,
        listeners: ListenerBatch,
        request: ListRequest,
        *,
        to_blend: bool = False,
        all_components: bool = False,
        also: int | None = None,
    ) -> ScoredBlock:
        """List candidates, score them, and complete the lists that are too short.

        Parameters
        ----------
        to_blend
            The blend is needed beside the ranker, too.
        all_components
            Every component proposes and scores, whether it counts or not.
        also
            A song that is scored besides, whether it may come or not.
        """
        needed = self.components.find_proposing(listeners, to_blend) | all_components
        n = request.n_usual
        if self.components.ranker is not None:
            n = max(n, self.components.ranker.config.n_by_component)
        lists = self._list_candidates(listeners, request, needed, n)
        scored = self._score_lists(listeners, lists, lists, to_blend, all_components, also)
        short = self._find_short(listeners, request.unavailable, lists, scored, n)
        for row in short:
            exact = self._search.list_exactly(listeners, row, request.unavailable, needed[row], n)
            lists[row] = np.union1d(lists[row], exact).astype(np.int32)
        further = self._list_further(listeners, request, needed, lists)
        if not len(short) and further is lists:
            return scored
        return self._score_lists(listeners, further, lists, to_blend, all_components, also)

    def _list_candidates(
        self, listeners: ListenerBatch, request: ListRequest, needed: NDArray[np.bool_], n: int
    ) -> list[NDArray[np.int32]]:
        is_ranked = self.components.find_ranked(listeners.segments)
        return self._search.list_candidates(listeners, request.unavailable, needed, is_ranked, n)

    def _list_further(
        self,
        listeners: ListenerBatch,
        request: ListRequest,
        needed: NDArray[np.bool_],
        lists: list[NDArray[np.int32]],
    ) -> list[NDArray[np.int32]]:
        """Return the candidates with those that a contract looks at besides; the ranker's are the same with one."""
        n = request.n_candidates
        if n == request.n_usual or self.components.find_ranked(listeners.segments).all():
            return lists
        more = self._list_candidates(listeners, request, needed, n)
        return [
            np.union1d(usual, others).astype(np.int32)
            for usual, others in zip(lists, more, strict=True)
        ]

    def _score_lists(
        self,
        listeners: ListenerBatch,
        lists: list[NDArray[np.int32]],
        usual: list[NDArray[np.int32]],
        to_blend: bool,
        all_components: bool,
        also: int | None,
    ) -> ScoredBlock:
        """Score lists of songs; a blend's scale is made of the `usual` ones, so that a contract changes no score."""
        if also is not None:
            lists, usual = (
                [np.union1d(songs, also).astype(np.int32) for songs in some]
                for some in (lists, usual)
            )
        columns = CandidateColumns.pack(lists, usual)
        if all_components:
            scores: Scores = [
                algorithm.score_items(listeners.histories, columns.item_rows)
                for algorithm in self.components.algorithms.values()
            ]
        else:
            scores = self.components.score_components(
                listeners, to_explain=True, to_blend=to_blend, item_rows=columns.item_rows
            )
        return ScoredBlock(scores, columns)

    def _find_short(
        self,
        listeners: ListenerBatch,
        unavailable: NDArray[np.bool_] | None,
        lists: list[NDArray[np.int32]],
        scored: ScoredBlock,
        n: int,
    ) -> NDArray[np.intp]:
        """Return the listeners who have fewer scored candidates than wanted, though more songs may come."""
        is_scored = [np.isfinite(scores) for scores in scored.scores if scores is not None]
        n_scored = np.logical_or.reduce(is_scored).sum(axis=1)
        n_candidates = [len(songs) for songs in lists]
        return np.array(
            [
                row
                for row in np.flatnonzero(n_scored < n).tolist()
                if n_candidates[row] < self._search.count_allowed(listeners, row, unavailable)
            ],
            dtype=np.intp,
        )
