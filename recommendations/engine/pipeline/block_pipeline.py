"""From listeners to explained lists, one block of listeners at a time: score, strike out, order, choose, explain."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from recommendations.engine.algorithms import Algorithm
from recommendations.engine.algorithms.popularity import Popularity
from recommendations.engine.core.arrays import (
    BLOCK_BYTES,
    count_per_row,
    cut_blocks,
    list_entry_rows,
    select_top_columns,
    sort_pairs,
    take_rows,
)
from recommendations.engine.core.config import SEGMENTS, RecommenderConfig
from recommendations.engine.core.idmap import IdMap
from recommendations.engine.pipeline.attribution import Attribution
from recommendations.engine.pipeline.requests import ListenerBatch, ListRequest, make_list_request
from recommendations.engine.pipeline.results import RecommendedBlock
from recommendations.engine.pipeline.song_trace import (
    FORBIDDEN,
    NO_SCORE,
    NOT_PROPOSED,
    OUTRANKED,
    SongTrace,
    trace_candidate,
)
from recommendations.engine.ranking.ensemble import MILLION, Blend, assign_weights
from recommendations.engine.ranking.explanations import NO_SONG, EvidenceArrays
from recommendations.engine.ranking.list_contract import (
    CONTRACT_CANDIDATES,
    Choice,
    choose_songs,
)
from recommendations.engine.ranking.mmr import Candidates, compute_margins, rerank
from recommendations.engine.ranking.second_stage import RankedCandidates
from recommendations.engine.ranking.tree_ranker import Ranker

BATCH_BLOCK = 256
"""Listeners that are worked on together."""

OWN_PART = 1e-7
"""Of the weights of a listener who borrows those of a warm one."""

N_BESIDE = 20
"""Length of the list that a single song is explained beside: the usual one."""

Scores = list[NDArray[np.float32] | None]
"""float32 (n, n_items) of each component, NaN where it cannot score; None where it counts for nobody."""


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
    """

    config: RecommenderConfig
    algorithms: Mapping[str, Algorithm]
    ranker: Ranker | None
    items: IdMap
    artists: NDArray[np.int32] | None
    item_vectors: Callable[[NDArray[np.integer]], NDArray[np.float32]]
    flip_threshold: float
    estimated: NDArray[np.float32] | None = None

    # -- what can be asked --------------------------------------------------------------------------------

    def make_lists(self, listeners: ListenerBatch, request: ListRequest) -> RecommendedBlock:
        """Candidates, rank, filter, re-rank, explain."""
        # every component scores the whole catalogue ...
        scores = self.score_components(listeners, to_explain=True)
        # ... what must not come is struck out ...
        mask_forbidden(scores, listeners, request.unavailable)
        # ... the rest is put in order, by the learned ranker or by a blend on one scale ...
        ordered = self.order_songs(listeners, scores)
        # ... the list is chosen for relevance and variety ...
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
        scores: Scores = [
            algorithm.score(listeners.histories) for algorithm in self.algorithms.values()
        ]
        mask_forbidden(scores, listeners, None)
        candidates = self._take_top_songs(self.order_songs(listeners, scores), request)
        chosen, _ = candidates.take(self._choose_songs(candidates, listeners, request).positions)
        alone = {
            name: select_top_columns(component_scores, request.k)
            for name, component_scores in zip(self.algorithms, scores, strict=True)
            if component_scores is not None
        }
        return {"recommender": chosen} | alone

    def find_ranks(
        self, listeners: ListenerBatch, songs: NDArray[np.int64]
    ) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
        """Return the final score, before variety, of one song a listener (n,), and how many songs score above it.

        The ranker orders what was proposed to it. All other songs come after these, in the order of the blend.
        """
        scores = self.score_components(listeners, to_blend=True)
        mask_forbidden(scores, listeners, None)
        totals = self._total_scores(listeners, scores)
        own = totals[np.arange(len(songs)), songs]
        return own, (totals > own[:, None]).sum(axis=1)

    def trace_song(
        self, listeners: ListenerBatch, request: ListRequest, item_row: int
    ) -> SongTrace:
        """Say at which step of `make_lists` a song falls out of the first listener's list.

        The same steps as the list takes, so about as long as a list without its reasons.
        """
        scores = self.score_components(listeners, to_explain=True)
        mask_forbidden(scores, listeners, request.unavailable)
        if _is_forbidden(listeners, request.unavailable, item_row):
            return SongTrace(FORBIDDEN)
        ordered = self.order_songs(listeners, scores)
        candidates = self._take_top_songs(ordered, request)
        chosen = self._choose_songs(candidates, listeners, request).positions
        usual, free = candidates, chosen
        without_contract = replace(request, contract=None)
        if request.contract is not None:
            # fewer songs are looked at where there is no contract
            usual = self._take_top_songs(ordered, without_contract)
            free = self._choose_songs(usual, listeners, without_contract).positions
        uncapped = replace(without_contract, artist_cap=None)
        without_cap = self._choose_songs(usual, listeners, uncapped).positions
        free_rows, uncapped_rows = (usual.take(one)[0][0] for one in (free, without_cap))
        traced = trace_candidate(candidates, item_row, chosen[0], free_rows, uncapped_rows)
        if traced is not None:
            return traced
        scores = self.score_components(listeners, to_explain=True, to_blend=True)
        mask_forbidden(scores, listeners, request.unavailable)
        totals = self._total_scores(listeners, scores)[0]
        if not np.isfinite(totals[item_row]):
            return SongTrace(NO_SCORE)
        rank = int((totals > totals[item_row]).sum()) + 1
        is_left_out = isinstance(ordered, RankedCandidates) and not ordered.is_candidate(item_row)
        return SongTrace(NOT_PROPOSED if is_left_out else OUTRANKED, rank)

    def explain_song(self, listeners: ListenerBatch, item_row: int) -> RecommendedBlock:
        """Explain one song to one listener, whether it would be recommended or not; it is the first of the block.

        The listener's list follows it: what a song would lose depends on what becomes of the best ones, and the
        reasons are to be those that the list has. A song that nobody proposed to the ranker is explained by the
        blend: the ranker has only learned to tell proposed songs apart.
        """
        scores = self.score_components(listeners, to_explain=True, to_blend=True)
        own = [
            None if component_scores is None else component_scores[:, item_row].copy()
            for component_scores in scores
        ]
        mask_forbidden(scores, listeners, None)
        for component_scores, own_scores in zip(scores, own, strict=True):
            if component_scores is not None and own_scores is not None:
                component_scores[:, item_row] = own_scores
        ordered = self.order_songs(listeners, scores)
        if isinstance(ordered, RankedCandidates) and not ordered.is_candidate(item_row):
            ordered = self._blend(listeners, scores)
        request = make_list_request(self.config, len(self.items), N_BESIDE)
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
        scores: Scores = [
            algorithm.similar(item_row)[None, :] for algorithm in self.algorithms.values()
        ]
        mask_forbidden(scores, listeners, request.unavailable)
        blend = Blend.from_scores(
            scores, assign_weights(np.array([SEGMENTS.index("hot")]), self.config)
        )
        best = _select_best(blend, request.k)
        block = self.attribution.explain_songs(listeners, blend, best.item_rows, best.margins)
        return replace(
            block,
            evidence=EvidenceArrays.none(*best.item_rows.shape),
            margin_ratios=np.zeros(best.item_rows.shape, dtype=np.float32),
        )

    @property
    def attribution(self) -> Attribution:
        return Attribution(
            self.algorithms, self.items, self.artists, self.flip_threshold, self.estimated
        )

    # -- the steps ----------------------------------------------------------------------------------------

    def score_components(
        self, listeners: ListenerBatch, *, to_explain: bool = False, to_blend: bool = False
    ) -> Scores:
        """Score with each component, for the listeners for whom it counts.

        Parameters
        ----------
        to_blend
            The blend is needed beside the ranker, too.
        """
        scores: Scores = []
        needs = self._find_needed(listeners)
        if to_blend:
            needs |= assign_weights(listeners.segments, self.config) > 0
        for algorithm, needed in zip(self.algorithms.values(), needs.T, strict=True):
            if needed.all():
                scores.append(algorithm.score(listeners.histories, to_explain=to_explain))
            elif needed.any():
                component_scores = np.full(
                    (len(listeners), len(self.items)), np.nan, dtype=np.float32
                )
                component_scores[needed] = algorithm.score(
                    take_rows(listeners.histories, needed), to_explain=to_explain
                )
                scores.append(component_scores)
            else:
                scores.append(None)
        self._score_for_unknown(listeners, scores, to_explain)
        return scores

    def _score_for_unknown(
        self, listeners: ListenerBatch, scores: Scores, to_explain: bool
    ) -> None:
        """Score the extra components of `_weights` for listeners whom no weighted component can score; in place."""
        unknown = self._is_unknown(listeners, scores)
        if not unknown.any():
            return
        histories = take_rows(listeners.histories, unknown)
        for component, (name, algorithm) in enumerate(self.algorithms.items()):
            if self.config.weights["warm"].get(name, 0) > 0 and self._is_personal[component]:
                component_scores = scores[component]
                if component_scores is None:
                    component_scores = np.full(
                        (len(listeners), len(self.items)), np.nan, dtype=np.float32
                    )
                component_scores[unknown] = algorithm.score(histories, to_explain=to_explain)
                scores[component] = component_scores

    @property
    def _is_personal(self) -> NDArray[np.bool_]:
        """Return which components are personal, bool (n_components,); popularity is the same for everybody."""
        return np.array(
            [not isinstance(algorithm, Popularity) for algorithm in self.algorithms.values()]
        )

    def _is_unknown(self, listeners: ListenerBatch, scores: Scores) -> NDArray[np.bool_]:
        """Return the listeners with a history for whom no personal weighted component scores anything, bool (n,)."""
        counts = (assign_weights(listeners.segments, self.config) > 0) & self._is_personal
        is_known = np.zeros(len(listeners), dtype=bool)
        for component, component_scores in enumerate(scores):
            if component_scores is not None and counts[:, component].any():
                is_known |= counts[:, component] & np.isfinite(component_scores).any(axis=1)
        return (
            ~is_known
            & (count_per_row(listeners.histories) > 0)
            & ~self._find_ranked(listeners.segments)
        )

    def _weights(self, listeners: ListenerBatch, scores: Scores) -> NDArray[np.float64]:
        """Return each listener's weights, (n, n_components).

        A listener for whom none of the segment's components can score (content, where songs have no audio
        features) gets the weights of a warm one; where these can't score either, popularity decides.
        """
        warm = np.full(len(listeners), SEGMENTS.index("warm"), dtype=np.int8)
        unknown = self._is_unknown(listeners, scores)[:, None]
        own = assign_weights(listeners.segments, self.config)
        borrowed = (1 - OWN_PART) * assign_weights(warm, self.config) + OWN_PART * own
        return np.where(unknown, borrowed, own)

    def _find_needed(self, listeners: ListenerBatch) -> NDArray[np.bool_]:
        """Return which components each listener needs, bool (n, n_components)."""
        needed = assign_weights(listeners.segments, self.config) > 0
        if self.ranker is not None:
            is_read = np.array([name in self.ranker.components for name in self.algorithms])
            needed[self._find_ranked(listeners.segments)] = is_read
        return needed

    def _find_ranked(self, segments: NDArray[np.int8]) -> NDArray[np.bool_]:
        """Return whose lists the ranker orders, bool (n,): cold ones only if it measured better than the blend."""
        if self.ranker is None:
            return np.zeros(len(segments), dtype=bool)
        return segments >= SEGMENTS.index("cold" if self.ranker.config.ranks_cold else "warm")

    def order_songs(self, listeners: ListenerBatch, scores: Scores) -> Blend | RankedCandidates:
        """Put the songs in order; the listeners are all ranked or all blended (see `cut_blocks`)."""
        if self.ranker is None or not self._find_ranked(listeners.segments).all():
            return self._blend(listeners, scores)
        by_name = dict(zip(self.algorithms, scores, strict=True))
        ranker_scores = [
            component_scores
            for name in self.ranker.components
            if (component_scores := by_name[name]) is not None
        ]
        return RankedCandidates.from_scores(self.ranker, listeners.histories, ranker_scores)

    def _blend(self, listeners: ListenerBatch, scores: Scores) -> Blend:
        return Blend.from_scores(scores, self._weights(listeners, scores), self._is_personal)

    def _total_scores(self, listeners: ListenerBatch, scores: Scores) -> NDArray[np.float32]:
        """Return the score of every song, (n, n_items); -inf where no component can score it."""
        ordered = self.order_songs(listeners, scores)
        totals = ordered.total()
        if isinstance(ordered, Blend):
            return totals
        # a blend is from 0 to 1, so 2 below the worst proposed song is below all of them
        is_candidate = np.isfinite(totals)
        worst = np.where(is_candidate, totals, np.inf).min(axis=1, keepdims=True)
        worst = np.where(np.isfinite(worst), worst, 0)
        return np.where(is_candidate, totals, worst - 2 + self._blend(listeners, scores).total())

    def _take_top_songs(
        self, ordered: Blend | RankedCandidates, request: ListRequest
    ) -> Candidates:
        """Return the best songs, on the scale of those that a list without a contract is chosen from."""
        n_usual = max(self.config.n_candidates, 5 * request.k)
        n = n_usual if request.contract is None else max(n_usual, CONTRACT_CANDIDATES)
        if isinstance(ordered, RankedCandidates):
            return ordered.best(n, n_usual)
        return _select_best(ordered, n)

    def _choose_songs(
        self, candidates: Candidates, listeners: ListenerBatch, request: ListRequest
    ) -> Choice:
        """Return the chosen ones' places among the candidates, int32 (n, k), -1 where a list ends early."""
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

    def cut_blocks(self, listeners: ListenerBatch) -> Iterable[ListenerBatch]:
        """Cut into blocks of listeners with histories of about equal length, small enough for the cache."""
        size = min(BATCH_BLOCK, max(BLOCK_BYTES // (4 * len(self.items)), 1))
        # the longest first: a long block begun last would keep one processor busy after the others are done
        order = np.argsort(-count_per_row(listeners.histories), kind="stable")
        ranked = self._find_ranked(listeners.segments[order])
        # ranked and blended listeners never share a block: they take different ways through the pipeline
        for group in (order[~ranked], order[ranked]):
            yield from (listeners.take(group[rows]) for rows in cut_blocks(len(group), size))


def _is_forbidden(
    listeners: ListenerBatch, unavailable: NDArray[np.bool_] | None, item_row: int
) -> bool:
    """Return whether a song must not come for the first listener."""
    if unavailable is not None and unavailable[item_row]:
        return True
    return any((matrix[0].indices == item_row).any() for matrix in listeners.forbidden)


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


def _select_best(blend: Blend, n: int) -> Candidates:
    """Return the n best songs, ties in row order."""
    columns = select_top_columns(blend.total(), n)
    millionths = blend.contributions(np.maximum(columns, 0)).sum(axis=2, dtype=np.int64)
    millionths[columns < 0] = -1
    falling, item_rows = sort_pairs(-millionths, np.maximum(columns, 0))
    is_none = falling > 0
    item_rows[is_none] = NO_SONG
    totals = np.where(is_none, -np.inf, -falling / MILLION)
    return Candidates(item_rows, totals, compute_margins(totals))
