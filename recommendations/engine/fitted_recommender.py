"""What a fitted recommender answers: lists, ranks, explanations, similar songs and paths."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.sparse import csr_matrix

from recommendations.engine.core.vector_index import EXACT_BELOW
from recommendations.engine.data.history import History
from recommendations.engine.fitted_components import FittedComponents
from recommendations.engine.pipeline.batches import find_batch_ranks, make_batch, rank_batch
from recommendations.engine.pipeline.block_pipeline import Pipeline
from recommendations.engine.pipeline.packed_lists import RecommendedBatch
from recommendations.engine.pipeline.requests import (
    ListenerBatch,
    make_list_request,
    make_listener_batch,
)
from recommendations.engine.pipeline.results import RecommendedList
from recommendations.engine.pipeline.song_trace import SongTrace
from recommendations.engine.ranking.explanations import (
    Explanation,
)
from recommendations.engine.reranking.list_contract import ListContract
from recommendations.engine.reranking.sonic_path import PathRules, find_path, measure_steps

OnProgress = Callable[[str, int, int], None]
"""Called with (stage, done, total); an exception in it stops the work and comes out unchanged."""


class FittedRecommender(FittedComponents):
    """Fitted components, and what they answer.

    Parameters
    ----------
    config
        What was learned and how it is combined; `CLASSIC` by default.

    Attributes
    ----------
    exact_below : int
        Songs from which on components propose candidates and only these are scored; not saved.
    """

    exact_below = EXACT_BELOW

    @property
    def _pipeline(self) -> Pipeline:
        return Pipeline(
            self.config,
            self.algorithms,
            self.ranker,
            self.items,
            self._artists,
            self.item_vectors,
            self.flip_threshold,
            None if self.estimates is None else self.estimates.values,
            self.exact_below,
        )

    def recommend(
        self,
        history: History,
        k: int = 10,
        *,
        exclude: ArrayLike | None = None,
        exclude_history: bool = True,
        discovery: float | None = None,
        artist_cap: int | None = None,
        contract: ListContract | None = None,
        keeps_candidates: bool = False,
    ) -> RecommendedList:
        """Recommend at most k songs, best first but for an order that keeps artists apart (`space_artists`).

        Parameters
        ----------
        exclude
            Songs that must not come: a bool mask (n_items,) or item rows.
        exclude_history
            Leave out what is in the history and the named songs.
        discovery
            0 = only what fits best, 1 = as varied as possible; None = as configured.
        artist_cap
            Most songs of one artist; None = as configured.
        contract
            What the list has to keep; it says how it does.
        keeps_candidates
            Whether the list also says what it was chosen from.

        Raises
        ------
        NotFitted
            Before `fit` or `load`.
        ValueError
            k or `artist_cap` below 1, discovery outside 0 to 1, or a mask over other songs.
        """
        self._require_fitted()
        request = make_list_request(self.config, self.n_items, k, discovery, artist_cap, exclude)
        request = replace(request, contract=contract, keeps_candidates=keeps_candidates)
        listener = make_listener_batch(
            self.config,
            self.n_items,
            history.to_csr(self.n_items),
            history.taste_csr(self.n_items),
            exclude_history=exclude_history,
        )
        return make_batch(self._pipeline, listener, request, None, None)[0]

    def recommend_batch(
        self,
        histories: csr_matrix,
        k: int = 10,
        *,
        tastes: csr_matrix | None = None,
        exclude: csr_matrix | None = None,
        unavailable: ArrayLike | None = None,
        exclude_history: bool = True,
        discovery: float | None = None,
        artist_cap: int | None = None,
        n_threads: int | None = None,
        on_progress: OnProgress | None = None,
    ) -> RecommendedBatch:
        """Recommend for many listeners; each list is what `recommend` gives for that listener.

        Parameters
        ----------
        histories
            float32 (n, n_items).
        tastes
            (n, n_items), above 0 for the songs each listener named.
        exclude
            (n, n_items), stored where a song must not come for that listener.
        unavailable
            A bool mask (n_items,) or item rows that must not come for anybody.
        n_threads
            Blocks of listeners worked on at once; by default one a processor.

        Raises
        ------
        NotFitted, ValueError
            As `recommend`.
        """
        self._require_fitted()
        request = make_list_request(
            self.config, self.n_items, k, discovery, artist_cap, unavailable
        )
        listeners = make_listener_batch(
            self.config, self.n_items, histories, tastes, exclude, exclude_history=exclude_history
        )
        on_block = bind_stage(on_progress, "recommend")
        return make_batch(self._pipeline, listeners, request, n_threads, on_block)

    def trace_song(
        self,
        history: History,
        item_row: int,
        k: int = 10,
        *,
        exclude: ArrayLike | None = None,
        discovery: float | None = None,
        contract: ListContract | None = None,
    ) -> SongTrace:
        """Say at which step a song falls out of the list that `recommend` makes of the same arguments.

        Costs about as much as that list.

        Raises
        ------
        NotFitted, ValueError
            As `recommend`; also where there is no such row.
        """
        self._require_fitted()
        self._require_row(item_row)
        request = make_list_request(self.config, self.n_items, k, discovery, unavailable=exclude)
        request = replace(request, contract=contract)
        return self._pipeline.trace_song(self._listener(history), request, item_row)

    def rank_songs(
        self,
        histories: csr_matrix,
        k: int,
        *,
        n_threads: int | None = None,
        on_progress: Callable[[int, int], None] | None = None,
    ) -> dict[str, NDArray[np.int32]]:
        """Return the lists without explanations, and beside them each component's own best k songs.

        Parameters
        ----------
        histories
            float32 (n, n_items).

        Returns
        -------
        dict
            `recommender` and the component names -> int32 (n, k), -1 where a list ends early.
        """
        self._require_fitted()
        request = make_list_request(self.config, self.n_items, k)
        listeners = make_listener_batch(self.config, self.n_items, histories)
        return rank_batch(self._pipeline, listeners, request, n_threads, on_progress)

    def find_ranks(
        self,
        histories: csr_matrix,
        songs: ArrayLike,
        *,
        forbidden: csr_matrix,
        n_threads: int | None = None,
    ) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
        """Return the score and rank of one song a listener, before the list is chosen for variety.

        Parameters
        ----------
        histories
            float32 (n, n_items).
        songs
            Their rows, int (n,).
        forbidden
            (n, n_items), stored where a song does not count; the histories' own do unless they are in here.

        Returns
        -------
        float32 (n,), int64 (n,)
            The final score, -inf where there is none, and how many songs score above it.
        """
        self._require_fitted()
        rows = np.asarray(songs, dtype=np.int64)
        listeners = make_listener_batch(self.config, self.n_items, histories, exclude_history=False)
        listeners = replace(listeners, forbidden=(forbidden,))
        return find_batch_ranks(self._pipeline, listeners, rows, n_threads)

    def explain(self, history: History, item_row: int) -> Explanation:
        """Explain any song for a listener, whether it would be recommended or not.

        The contributions add up to the score that ranks the song for this history.

        Raises
        ------
        NotFitted
            Before `fit` or `load`.
        ValueError
            There is no such row.
        """
        self._require_fitted()
        self._require_row(item_row)
        block = self._pipeline.explain_song(self._listener(history), item_row)
        return RecommendedList.from_dict(block.pack(0)).items[0].explanation

    def find_artists(self, item_rows: NDArray[np.integer]) -> NDArray[np.int32]:
        """Return numbers that are the same for songs of one artist, int32 of the shape of `item_rows`.

        -1 where the artist is unknown, and for rows of -1.
        """
        if self._artists is None:
            return np.full(len(item_rows), -1, dtype=np.int32)
        artists = self._artists[np.maximum(item_rows, 0)]
        return np.where(item_rows >= 0, artists, -1).astype(np.int32)

    def describe_sound(self, history: History) -> dict[str, float]:
        """Return the mean of each audio feature over what a listener likes, by name; the unknown are left out."""
        self._require_fitted()
        return self._pipeline.attribution.describe_sound(self._listener(history).histories)

    def _listener(self, history: History) -> ListenerBatch:
        return make_listener_batch(
            self.config, self.n_items, history.to_csr(self.n_items), history.taste_csr(self.n_items)
        )

    def similar(
        self, item_row: int, k: int = 10, *, exclude: ArrayLike | None = None
    ) -> RecommendedList:
        """Return the songs most like this one, by every component that can compare songs; artists apart as in any list.

        The components keep the proportions they have for a well-known listener. The explanations compare
        with this song; they name no history.

        Parameters
        ----------
        exclude
            Songs that must not come: a bool mask (n_items,) or item rows; the song itself never does.

        Raises
        ------
        NotFitted, ValueError
            As `recommend`; also where there is no such row.
        """
        self._require_fitted()
        self._require_row(item_row)
        request = make_list_request(self.config, self.n_items, k, unavailable=exclude)
        alone = History(np.array([item_row], dtype=np.int32), np.ones(1, dtype=np.float32))
        block = self._pipeline.similar(self._listener(alone), item_row, request)
        return RecommendedList.from_dict(block.pack(0))

    def find_path(
        self,
        start: int,
        end: int,
        n: int,
        *,
        exclude: NDArray[np.bool_] | None = None,
        works: NDArray[np.int32] | None = None,
    ) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
        """Find songs that lead from one song to another in small, even steps (`ranking.sonic_path`).

        Parameters
        ----------
        start, end
            Item rows.
        n
            Most songs of the path, both ends included.
        exclude
            bool (n_items,), songs that must not be on the way.
        works
            int (n_items,), -1 none: of songs with the same number only one is on the way.

        Returns
        -------
        int64 (m,), float64 (m - 1,)
            The item rows in order, and the length of each step: 0 for the same sound, 2 for the opposite.

        Raises
        ------
        PathUnknown
            Nothing is known of the sound of one of the two songs.
        ValueError
            A row or n is out of range, or both songs are one.
        """
        self._require_fitted()
        self._require_row(start)
        self._require_row(end)
        mask = np.zeros(self.n_items, dtype=bool) if exclude is None else exclude
        vectors = self.similarity_vectors
        rows = find_path(vectors, start, end, n, PathRules(mask, self._artists, works))
        return rows, measure_steps(vectors, rows)


def bind_stage(on_progress: OnProgress | None, stage: str) -> Callable[[int, int], None] | None:
    """Return a callback for the progress of one stage; None where nobody asked for progress."""
    if on_progress is None:
        return None
    return lambda done, total: on_progress(stage, done, total)
