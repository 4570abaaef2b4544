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
from recommendations.engine.core.vector_index import EXACT_BELOW
from recommendations.engine.pipeline.attribution import Attribution
from recommendations.engine.pipeline.candidate_search import CandidateSearch
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
from recommendations.engine.ranking.candidates import CandidateColumns
from recommendations.engine.ranking.ensemble import MILLION, Blend, CandidateBlend, assign_weights
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

COMPACT_COLUMNS = 8_192
"""More than the candidates of a listener."""

N_BESIDE = 20
"""Length of the list that a single song is explained beside: the usual one."""

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
        scored = self.score_block(listeners, request, to_explain=True)
        # ... the rest is put in order, by the learned ranker or by a blend on one scale ...
        ordered = self.order_songs(listeners, scored.scores, scored.columns)
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
        if self.is_exact:
            scored = ScoredBlock(
                [algorithm.score(listeners.histories) for algorithm in self.algorithms.values()]
            )
            mask_forbidden(scored.scores, listeners, None)
        else:
            scored = self._score_candidates(listeners, request, to_blend=True, all_components=True)
        ordered = self.order_songs(listeners, scored.scores, scored.columns)
        candidates = self._take_top_songs(ordered, request)
        chosen, _ = candidates.take(self._choose_songs(candidates, listeners, request).positions)
        alone = {
            name: _list_best(component_scores, scored.columns, request.k)
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
        scores = self.score_components(listeners, to_blend=True)
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
        scored = self.score_block(listeners, request, to_explain=True)
        if _is_forbidden(listeners, request.unavailable, item_row):
            return SongTrace(FORBIDDEN)
        ordered = self.order_songs(listeners, scored.scores, scored.columns)
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
        scored = self._score_for_one(listeners, request, item_row)
        ordered = self.order_songs(listeners, scored.scores, scored.columns)
        if isinstance(ordered, RankedCandidates) and not ordered.is_candidate(item_row):
            ordered = self._blend(listeners, scored.scores, scored.columns)
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
        scored = self._compare_songs(listeners, item_row, request)
        weights = assign_weights(np.array([SEGMENTS.index("hot")]), self.config)
        blend = _make_blend(scored, weights)
        best = _select_best(blend, request.k)
        block = self.attribution.explain_songs(listeners, blend, best.item_rows, best.margins)
        return replace(
            block,
            evidence=EvidenceArrays.none(*best.item_rows.shape),
            margin_ratios=np.zeros(best.item_rows.shape, dtype=np.float32),
        )

    def _compare_songs(
        self, listeners: ListenerBatch, item_row: int, request: ListRequest
    ) -> ScoredBlock:
        """Score by how much songs are like one song: all of them, or what the components propose."""
        if self.is_exact:
            scored = ScoredBlock(
                [algorithm.similar(item_row)[None, :] for algorithm in self.algorithms.values()]
            )
            mask_forbidden(scored.scores, listeners, request.unavailable)
            return scored
        n = self._count_candidates(request)
        rows = self._search.list_similar(listeners, request.unavailable, item_row, n)
        scores: Scores = [
            algorithm.similar_items(item_row, rows)[None, :]
            for algorithm in self.algorithms.values()
        ]
        return ScoredBlock(scores, CandidateColumns.pack([rows], [rows]))

    @property
    def attribution(self) -> Attribution:
        return Attribution(
            self.algorithms, self.items, self.artists, self.flip_threshold, self.estimated
        )

    # -- the steps ----------------------------------------------------------------------------------------

    @property
    def is_exact(self) -> bool:
        """Whether every song is scored, and not candidates alone."""
        return len(self.items) < self.exact_below

    @property
    def _search(self) -> CandidateSearch:
        return CandidateSearch(self.algorithms, self.ranker, len(self.items))

    def score_block(
        self, listeners: ListenerBatch, request: ListRequest, *, to_explain: bool = False
    ) -> ScoredBlock:
        """Score all songs, or the candidates of a large catalogue, and strike out what must not come."""
        if not self.is_exact:
            return self._score_candidates(listeners, request)
        scores = self.score_components(listeners, to_explain=to_explain)
        mask_forbidden(scores, listeners, request.unavailable)
        return ScoredBlock(scores)

    def _score_candidates(
        self,
        listeners: ListenerBatch,
        request: ListRequest,
        *,
        to_blend: bool = False,
        all_components: bool = False,
        also: int | None = None,
    ) -> ScoredBlock:
        """Score what the components propose; a listener for whom that is too little gets the best of all songs.

        Parameters
        ----------
        to_blend
            The blend is needed beside the ranker, too.
        all_components
            Every component proposes and scores, whether it counts or not.
        also
            A song that is scored besides, whether it may come or not.
        """
        needed = self._find_proposing(listeners, to_blend) | all_components
        n = self._count_usual(request)
        if self.ranker is not None:
            n = max(n, self.ranker.config.n_by_component)
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
        is_ranked = self._find_ranked(listeners.segments)
        return self._search.list_candidates(listeners, request.unavailable, needed, is_ranked, n)

    def _list_further(
        self,
        listeners: ListenerBatch,
        request: ListRequest,
        needed: NDArray[np.bool_],
        lists: list[NDArray[np.int32]],
    ) -> list[NDArray[np.int32]]:
        """Return the candidates with those that a contract looks at besides; the ranker's are the same with one."""
        n = self._count_candidates(request)
        if n == self._count_usual(request) or self._find_ranked(listeners.segments).all():
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
                for algorithm in self.algorithms.values()
            ]
        else:
            scores = self.score_components(
                listeners, to_explain=True, to_blend=to_blend, item_rows=columns.item_rows
            )
        return ScoredBlock(scores, columns)

    def _find_proposing(self, listeners: ListenerBatch, to_blend: bool) -> NDArray[np.bool_]:
        """Return which components propose for each listener, bool (n, n_components).

        Those of the listener's lists, and those that take over where none of these can score (`_weights`).
        """
        needed = self._find_needed(listeners)
        if to_blend:
            needed |= assign_weights(listeners.segments, self.config) > 0
        warm = np.full(len(listeners), SEGMENTS.index("warm"), dtype=np.int8)
        return needed | ((assign_weights(warm, self.config) > 0) & self._is_personal)

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

    def _score_for_one(
        self, listeners: ListenerBatch, request: ListRequest, item_row: int
    ) -> ScoredBlock:
        """Score the songs that may come, and one song besides."""
        if not self.is_exact:
            return self._score_candidates(listeners, request, to_blend=True, also=item_row)
        scores = self.score_components(listeners, to_explain=True, to_blend=True)
        own = [
            None if component_scores is None else component_scores[:, item_row].copy()
            for component_scores in scores
        ]
        mask_forbidden(scores, listeners, None)
        for component_scores, own_scores in zip(scores, own, strict=True):
            if component_scores is not None and own_scores is not None:
                component_scores[:, item_row] = own_scores
        return ScoredBlock(scores)

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
        needs = self._find_needed(listeners)
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
            n_columns = len(self.items)
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
        """Score the extra components of `_weights` for listeners whom no weighted component can score; in place."""
        unknown = self._is_unknown(listeners, scores)
        if not unknown.any():
            return
        for component, (name, algorithm) in enumerate(self.algorithms.items()):
            if self.config.weights["warm"].get(name, 0) > 0 and self._is_personal[component]:
                extra = self._score(algorithm, listeners, unknown, to_explain, item_rows)
                component_scores = scores[component]
                if component_scores is not None:
                    extra[~unknown] = component_scores[~unknown]
                scores[component] = extra

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

    def order_songs(
        self,
        listeners: ListenerBatch,
        scores: Scores,
        columns: CandidateColumns | None = None,
    ) -> Blend | RankedCandidates:
        """Put the songs in order; the listeners are all ranked or all blended (see `cut_blocks`)."""
        if self.ranker is None or not self._find_ranked(listeners.segments).all():
            return self._blend(listeners, scores, columns)
        by_name = dict(zip(self.algorithms, scores, strict=True))
        ranker_scores = [
            component_scores
            for name in self.ranker.components
            if (component_scores := by_name[name]) is not None
        ]
        return RankedCandidates.from_scores(
            self.ranker, listeners.histories, ranker_scores, columns
        )

    def _blend(
        self,
        listeners: ListenerBatch,
        scores: Scores,
        columns: CandidateColumns | None = None,
    ) -> Blend:
        weights = self._weights(listeners, scores)
        return _make_blend(ScoredBlock(scores, columns), weights, self._is_personal)

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
        n, n_usual = self._count_candidates(request), self._count_usual(request)
        if isinstance(ordered, RankedCandidates):
            return ordered.best(n, n_usual)
        return _select_best(ordered, n)

    def _count_columns(self) -> int:
        """Return about how many numbers of 4 bytes the pipeline keeps of each listener and component."""
        if self.is_exact:
            return len(self.items)
        # the ranker looks at a flag of every song
        return COMPACT_COLUMNS if self.ranker is None else len(self.items) // 4

    def _count_candidates(self, request: ListRequest) -> int:
        """Return how many of the best songs a list is chosen from."""
        n = self._count_usual(request)
        return n if request.contract is None else max(n, CONTRACT_CANDIDATES)

    def _count_usual(self, request: ListRequest) -> int:
        """Return how many that are where there is no contract: the scale of the scores is made of them."""
        return max(self.config.n_candidates, 5 * request.k)

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
        size = min(BATCH_BLOCK, max(BLOCK_BYTES // (4 * self._count_columns()), 1))
        # the longest first: a long block begun last would keep one processor busy after the others are done
        order = np.argsort(-count_per_row(listeners.histories), kind="stable")
        ranked = self._find_ranked(listeners.segments[order])
        # ranked and blended listeners never share a block: they take different ways through the pipeline
        for group in (order[~ranked], order[ranked]):
            yield from (listeners.take(group[rows]) for rows in cut_blocks(len(group), size))


def _make_blend(
    scored: ScoredBlock,
    weights: NDArray[np.float64],
    is_personal: NDArray[np.bool_] | None = None,
) -> Blend:
    columns = scored.columns
    if columns is None:
        return Blend.from_scores(scored.scores, weights, is_personal)
    on_scale = [
        None if scores is None else np.where(columns.is_scale, scores, np.float32(np.nan))
        for scores in scored.scores
    ]
    blend = Blend.from_scores(on_scale, weights, is_personal)
    return CandidateBlend.wrap_blend(replace(blend, scores=scored.scores), columns)


def _list_best(
    scores: NDArray[np.float32], columns: CandidateColumns | None, k: int
) -> NDArray[np.int32]:
    """Return the k best songs of one component, int32 (n, k), -1 where there are no more."""
    best = select_top_columns(scores, k)
    return best if columns is None else columns.list_songs(best)


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
    songs = blend.list_songs(select_top_columns(blend.total(), n))
    millionths = blend.contributions(np.maximum(songs, 0)).sum(axis=2, dtype=np.int64)
    millionths[songs < 0] = -1
    falling, item_rows = sort_pairs(-millionths, np.maximum(songs, 0))
    is_none = falling > 0
    item_rows[is_none] = NO_SONG
    totals = np.where(is_none, -np.inf, -falling / MILLION)
    return Candidates(item_rows, totals, compute_margins(totals))
