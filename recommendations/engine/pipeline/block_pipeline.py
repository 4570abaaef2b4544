"""From listeners to explained lists, one block of listeners at a time: score, strike out, order, choose, explain."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from recommendations.engine.algorithms import Algorithm
from recommendations.engine.core.arrays import BLOCK_BYTES, count_per_row, cut_blocks
from recommendations.engine.core.config import SEGMENTS, RecommenderConfig
from recommendations.engine.core.idmap import IdMap
from recommendations.engine.core.vector_index import EXACT_BELOW
from recommendations.engine.pipeline.attribution import Attribution
from recommendations.engine.pipeline.candidate_scoring import CandidateScoring
from recommendations.engine.pipeline.component_scoring import ComponentScoring
from recommendations.engine.pipeline.exact_scoring import ExactScoring
from recommendations.engine.pipeline.packed_lists import RecommendedBlock
from recommendations.engine.pipeline.requests import ListenerBatch, ListRequest, make_list_request
from recommendations.engine.pipeline.scored_block import (
    ScoredBlock,
    Scores,
    is_forbidden,
    list_best,
    make_blend,
    mask_forbidden,
    select_best,
)
from recommendations.engine.pipeline.song_trace import (
    ARTIST_CAP,
    FORBIDDEN,
    NO_SCORE,
    NOT_PROPOSED,
    OUTRANKED,
    SongTrace,
    trace_candidate,
)
from recommendations.engine.ranking.ensemble import Blend, assign_weights
from recommendations.engine.ranking.explanations import EvidenceArrays
from recommendations.engine.ranking.second_stage import RankedCandidates
from recommendations.engine.ranking.tree_ranker import Ranker
from recommendations.engine.reranking.artist_spacing import space_lists
from recommendations.engine.reranking.list_contract import Choice, choose_songs
from recommendations.engine.reranking.mmr import (
    Candidates,
    find_one_sided,
    rerank,
    spread_artists,
)

BATCH_BLOCK = 256
"""Listeners that are worked on together."""

WIDER = 20
"""So many times as many candidates are looked at where the best ones are by too few artists."""

N_BESIDE = 20
"""Length of the list that a single song is explained beside: the usual one."""


@dataclass(frozen=True)
class Pipeline:
    """The steps of a fitted recommender from a block of listeners to their lists.

    Attributes
    ----------
    config
    algorithms
        The fitted components by name.
    ranker
        The learned second stage, if there is one.
    items
        The catalogue.
    artists : int32 (n_items,) or None
        -1 unknown.
    item_vectors
        From item rows, int (n, m), to a vector of length 1 each, float32 (n, m, d); near vectors are alike.
    flip_threshold
        A named song that adds this many times the distance to the next song decides the rank.
    estimated : float32 (n_items, 8) or None
        Audio features that nobody measured, NaN for all others.
    exact_below
        Songs from which on only candidates are scored.
    """

    config: RecommenderConfig
    algorithms: Mapping[str, Algorithm]
    ranker: Ranker | None
    items: IdMap
    artists: NDArray[np.int32] | None
    item_vectors: Callable[[NDArray[np.integer]], NDArray[np.float32]]
    flip_threshold: float
    estimated: NDArray[np.float32] | None = None
    exact_below: int = EXACT_BELOW

    # -- what can be asked --------------------------------------------------------------------------------

    def make_lists(self, listeners: ListenerBatch, request: ListRequest) -> RecommendedBlock:
        """Candidates, rank, filter, re-rank, explain."""
        # every component scores the whole catalogue, or what all of them propose; what must not come is struck out ...
        scored = self.scoring.score_block(listeners, request, to_explain=True)
        # ... the rest is put in order, by the learned ranker or by a blend on one scale ...
        ordered = self.order_songs(listeners, scored)
        # ... the list is chosen for relevance and variety, and no artist's songs are left side by side ...
        candidates = self._take_top_songs(ordered, request)
        choice = self._choose_songs(candidates, listeners, request)
        item_rows, margins = candidates.take(choice.positions)
        # ... and every song says why it is there
        block = self.attribution.explain_songs(listeners, ordered, item_rows, margins)
        return replace(
            block,
            contract=choice.reports,
            candidates=candidates if request.keeps_candidates else None,
        )

    def rank_songs(
        self, listeners: ListenerBatch, request: ListRequest
    ) -> dict[str, NDArray[np.int32]]:
        """Return the lists without reasons and each component's own best songs, int32 (n, k) by name."""
        scored = self.scoring.score_all_components(listeners, request)
        ordered = self.order_songs(listeners, scored)
        candidates = self._take_top_songs(ordered, request)
        chosen, _ = candidates.take(self._choose_songs(candidates, listeners, request).positions)
        alone = {
            name: list_best(component_scores, scored.columns, request.k)
            for name, component_scores in zip(self.algorithms, scored.scores, strict=True)
            if component_scores is not None
        }
        return {"recommender": chosen} | alone

    def find_ranks(
        self, listeners: ListenerBatch, songs: NDArray[np.int64]
    ) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
        """Return the final score, before variety, of one song a listener (n,), and how many songs score above it.

        The ranker orders what was proposed to it. All other songs come after these, in the order of the blend.
        """
        scores = self.components.score_components(listeners, to_blend=True)
        mask_forbidden(scores, listeners, None)
        totals = self._total_scores(listeners, scores)
        own = totals[np.arange(len(songs)), songs]
        return own, (totals > own[:, None]).sum(axis=1)

    def trace_song(
        self, listeners: ListenerBatch, request: ListRequest, item_row: int
    ) -> SongTrace:
        """Say at which step of `make_lists` a song falls out of the first listener's list.

        The same steps as the list takes, so about as long as a list without its reasons; over a large catalogue every
        song is scored where the song is none of the candidates.
        """
        scored = self.scoring.score_block(listeners, request, to_explain=True)
        if is_forbidden(listeners, request.unavailable, item_row):
            return SongTrace(FORBIDDEN)
        ordered = self.order_songs(listeners, scored)
        candidates = self._take_top_songs(ordered, request)
        chosen = self._choose_songs(candidates, listeners, request).positions
        usual, free = candidates, chosen
        without_contract = replace(request, contract=None)
        if request.contract is not None:
            # fewer songs are looked at where there is no contract
            usual = self._take_top_songs(ordered, without_contract)
            free = self._choose_songs(usual, listeners, without_contract).positions
        uncapped = replace(without_contract, artist_cap=None)
        best = self._take_top_songs(ordered, uncapped)
        without_cap = self._choose_songs(best, listeners, uncapped).positions
        free_rows, uncapped_rows = usual.take(free)[0][0], best.take(without_cap)[0][0]
        traced = trace_candidate(candidates, item_row, chosen[0], free_rows, uncapped_rows)
        if traced is not None:
            return traced
        scores = self.components.score_components(listeners, to_explain=True, to_blend=True)
        mask_forbidden(scores, listeners, request.unavailable)
        totals = self._total_scores(listeners, scores)[0]
        if not np.isfinite(totals[item_row]):
            return SongTrace(NO_SCORE)
        rank = int((totals > totals[item_row]).sum()) + 1
        listed = candidates.take(chosen)[0][0]
        if isinstance(ordered, Blend) and (totals[listed[listed >= 0]] < totals[item_row]).any():
            # only a song of an artist who has enough of them gives way to a worse one before the list is chosen
            return SongTrace(ARTIST_CAP, rank)
        is_left_out = isinstance(ordered, RankedCandidates) and not ordered.is_candidate(item_row)
        if scored.columns is not None:
            is_left_out |= not (scored.columns.item_rows[0] == item_row).any()
        return SongTrace(NOT_PROPOSED if is_left_out else OUTRANKED, rank)

    def explain_song(self, listeners: ListenerBatch, item_row: int) -> RecommendedBlock:
        """Explain one song to one listener, whether it would be recommended or not; it is the first of the block.

        The listener's list follows it: what a song would lose depends on what becomes of the best ones, and the
        reasons are to be those that the list has. A song that nobody proposed to the ranker is explained by the
        blend: the ranker has only learned to tell proposed songs apart.
        """
        request = make_list_request(self.config, len(self.items), N_BESIDE)
        scored = self.scoring.score_besides(listeners, request, item_row)
        ordered = self.order_songs(listeners, scored)
        if isinstance(ordered, RankedCandidates) and not ordered.is_candidate(item_row):
            ordered = self._blend(listeners, scored)
        candidates = self._take_top_songs(ordered, request)
        positions = self._choose_songs(candidates, listeners, request).positions[0]
        matches = np.flatnonzero(candidates.item_rows[0] == item_row)
        first = matches[0] if len(matches) else -1
        others = positions[(positions >= 0) & (positions != first)]
        item_rows, margins = candidates.take(np.array([[first, *others]]))
        item_rows[0, 0] = item_row
        return self.attribution.explain_songs(listeners, ordered, item_rows, margins)

    def similar(
        self, listeners: ListenerBatch, item_row: int, request: ListRequest
    ) -> RecommendedBlock:
        """Compare one song, the only one of the listener, with all others; the reasons name no history."""
        scored = self.scoring.compare_songs(listeners, request, item_row)
        weights = assign_weights(np.array([SEGMENTS.index("hot")]), self.config)
        blend = make_blend(scored, weights)
        best = self._space_artists(select_best(blend, request.k))
        block = self.attribution.explain_songs(listeners, blend, best.item_rows, best.margins)
        return replace(
            block,
            evidence=EvidenceArrays.none(*best.item_rows.shape),
            margin_ratios=np.zeros(best.item_rows.shape, dtype=np.float32),
        )

    @property
    def components(self) -> ComponentScoring:
        return ComponentScoring(self.config, self.algorithms, self.ranker, len(self.items))

    @property
    def scoring(self) -> ExactScoring | CandidateScoring:
        """How songs are scored: all of them, or only candidates where there are too many."""
        if len(self.items) < self.exact_below:
            return ExactScoring(self.components)
        return CandidateScoring(self.components)

    @property
    def attribution(self) -> Attribution:
        return Attribution(
            self.algorithms, self.items, self.artists, self.flip_threshold, self.estimated
        )

    # -- the steps ----------------------------------------------------------------------------------------

    def order_songs(
        self, listeners: ListenerBatch, scored: ScoredBlock
    ) -> Blend | RankedCandidates:
        """Put the songs in order; the listeners are all ranked or all blended (see `cut_blocks`)."""
        if self.ranker is None or not self.components.find_ranked(listeners.segments).all():
            return self._blend(listeners, scored)
        by_name = dict(zip(self.algorithms, scored.scores, strict=True))
        ranker_scores = [
            component_scores
            for name in self.ranker.components
            if (component_scores := by_name[name]) is not None
        ]
        return RankedCandidates.from_scores(
            self.ranker, listeners.histories, ranker_scores, scored.columns
        )

    def _blend(self, listeners: ListenerBatch, scored: ScoredBlock) -> Blend:
        weights = self.components.weigh_components(listeners, scored.scores)
        return make_blend(scored, weights, self.components.is_personal)

    def _total_scores(self, listeners: ListenerBatch, scores: Scores) -> NDArray[np.float32]:
        """Return the score of every song, (n, n_items); -inf where no component can score it."""
        scored = ScoredBlock(scores)
        ordered = self.order_songs(listeners, scored)
        totals = ordered.total()
        if isinstance(ordered, Blend):
            return totals
        # a blend is from 0 to 1, so 2 below the worst proposed song is below all of them
        is_candidate = np.isfinite(totals)
        worst = np.where(is_candidate, totals, np.inf).min(axis=1, keepdims=True)
        worst = np.where(np.isfinite(worst), worst, 0)
        return np.where(is_candidate, totals, worst - 2 + self._blend(listeners, scored).total())

    def _take_top_songs(
        self, ordered: Blend | RankedCandidates, request: ListRequest
    ) -> Candidates:
        """Return the best songs, on the scale of those that a list without a contract is chosen from."""
        n, n_usual = request.n_candidates, request.n_usual
        if isinstance(ordered, RankedCandidates):
            return ordered.best(n, n_usual)
        best = select_best(ordered, n)
        if self.artists is None or request.artist_cap is None or request.contract is not None:
            return best
        # where the best songs are by too few artists for the list, it is chosen from the best of more of them
        is_short = find_one_sided(best.item_rows, self.artists, request.k, request.artist_cap)
        if not is_short.any():
            return best
        more = select_best(ordered.take(is_short), WIDER * n)
        return best.replace_rows(
            is_short, spread_artists(more, self.artists, n, request.artist_cap)
        )

    def _choose_songs(
        self, candidates: Candidates, listeners: ListenerBatch, request: ListRequest
    ) -> Choice:
        """Return the chosen ones' places among the candidates, int32 (n, k), -1 where a list ends early.

        Best score first, but for songs of one artist, which are no neighbours where others can be put between them.
        """
        choice = self._choose_best(candidates, listeners, request)
        if self.artists is None:
            return choice
        item_rows, _margins = candidates.take(choice.positions)
        return replace(choice, positions=space_lists(choice.positions, self.artists[item_rows]))

    def _choose_best(
        self, candidates: Candidates, listeners: ListenerBatch, request: ListRequest
    ) -> Choice:
        """Return the chosen ones' places, ascending (so best score first)."""
        is_stranger = count_per_row(listeners.histories) == 0
        relevance = np.where(is_stranger, request.cold_relevance, request.relevance)
        vectors = self.item_vectors(candidates.item_rows)
        if request.contract is not None:
            choice = choose_songs(
                candidates.totals[0],
                vectors[0],
                request.contract.describe(candidates.item_rows[0]),
                request.contract.terms,
                request.k,
                relevance=float(relevance[0]),
                usual_cap=request.artist_cap,
            )
            return replace(choice, positions=choice.positions[None, :])
        positions = rerank(
            candidates.totals,
            vectors,
            None if self.artists is None else self.artists[candidates.item_rows],
            request.k,
            relevance=relevance,
            artist_cap=request.artist_cap,
        )
        return Choice(positions, ())

    def _space_artists(self, best: Candidates) -> Candidates:
        """Return candidates, (n, k), in the order in which a list of all of them is shown."""
        if self.artists is None:
            return best
        positions = np.where(best.item_rows >= 0, np.arange(best.item_rows.shape[1]), -1)
        spaced = space_lists(positions.astype(np.int32), self.artists[best.item_rows])
        item_rows, margins = best.take(spaced)
        totals = np.take_along_axis(best.totals, np.maximum(spaced, 0), axis=1)
        return Candidates(item_rows, np.where(spaced >= 0, totals, -np.inf), margins)

    def cut_blocks(self, listeners: ListenerBatch) -> Iterable[ListenerBatch]:
        """Cut into blocks of listeners with histories of about equal length, small enough for the cache."""
        size = min(BATCH_BLOCK, max(BLOCK_BYTES // (4 * self.scoring.n_columns), 1))
        # the longest first: a long block begun last would keep one processor busy after the others are done
        order = np.argsort(-count_per_row(listeners.histories), kind="stable")
        ranked = self.components.find_ranked(listeners.segments[order])
        # ranked and blended listeners never share a block: they take different ways through the pipeline
        for group in (order[~ranked], order[ranked]):
            yield from (listeners.take(group[rows]) for rows in cut_blocks(len(group), size))
