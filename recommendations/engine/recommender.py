"""The facade: fit, recommend, explain, similar songs, save, load."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping
from copy import copy
from dataclasses import replace
from pathlib import Path
from typing import Any, Self, cast

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.sparse import csr_matrix

from recommendations.engine.algorithms import (
    Algorithm,
    NotFitted,
    TrainingData,
    create_algorithm,
)
from recommendations.engine.algorithms.base import require_listens
from recommendations.engine.algorithms.content import Content
from recommendations.engine.artifacts import store
from recommendations.engine.artifacts.metadata import describe_training
from recommendations.engine.core.config import RankerConfig, RecommenderConfig
from recommendations.engine.core.idmap import UNKNOWN, IdMap
from recommendations.engine.core.ordered import count_steps_back
from recommendations.engine.core.presets import CLASSIC
from recommendations.engine.data.history import History
from recommendations.engine.data.interactions import Interactions
from recommendations.engine.data.item_features import ItemFeatures
from recommendations.engine.data.prior import Prior
from recommendations.engine.pipeline.block_pipeline import Pipeline, map_blocks
from recommendations.engine.pipeline.requests import (
    ListenerBatch,
    make_list_request,
    make_listener_batch,
)
from recommendations.engine.pipeline.results import (
    RecommendedBatch,
    RecommendedList,
)
from recommendations.engine.ranking.explanations import (
    FLIP_THRESHOLD,
    NO_SONG,
    Explanation,
)
from recommendations.engine.ranking.ranker_features import ItemTable
from recommendations.engine.ranking.sonic_path import PathRules, find_path, measure_steps
from recommendations.engine.ranking.tree_ranker import Ranker
from recommendations.engine.tuning.crowd import Crowd, fit_to_crowd
from recommendations.engine.tuning.tuner import Tuned, tune

OnProgress = Callable[[str, int, int], None]
"""Called with (stage, done, total); an exception in it stops the work and comes out unchanged."""


class Recommender:
    """Several algorithms, blended, filtered, re-ranked and explained.

    Parameters
    ----------
    config
        What to learn and how to combine it; `CLASSIC` by default.

    Examples
    --------
    >>> recommender = Recommender().fit(interactions, item_features)
    >>> history = recommender.history([12, 48, 7])
    >>> for song in recommender.recommend(history, k=10):
    ...     print(song.item_id, song.explanation.shares)
    """

    def __init__(self, config: RecommenderConfig = CLASSIC) -> None:
        self.algorithms: dict[str, Algorithm] = {}
        self._apply_config(config)
        self.metadata: dict[str, Any] = {}
        self.ranker: Ranker | None = None
        self.items = IdMap([])
        self._artists: NDArray[np.int32] | None = None
        self.flip_threshold = FLIP_THRESHOLD

    # -- learning -----------------------------------------------------------------------------------------

    def fit(
        self,
        interactions: Interactions,
        item_features: ItemFeatures | None = None,
        *,
        prior: Prior | None = None,
        ranker: Ranker | None = None,
        start: Recommender | None = None,
        seed: int = 0,
        on_progress: OnProgress | None = None,
    ) -> Self:
        """Learn; a second fit forgets the first.

        Parameters
        ----------
        prior
            What listeners elsewhere heard, over the same songs (`Prior.over`).
        ranker
            An order learned by another fit of `config`, on part of the same data: it is taken over, and only the
            components are fitted. Without it the configuration's ranker is trained here.
        start
            An earlier recommender; components that both have begin with what it learned where they can, and
            need fewer iterations then. The metadata says which ones did (`warm_started`).

        Raises
        ------
        NotEnoughData
            Nobody liked or played anything.
        ValueError
            The features are of another number of songs, or the ranker looks at other components.
        """
        strengths = interactions.to_matrix(self.config.weighting)
        require_listens(strengths)
        data = TrainingData(strengths, item_features, interactions, prior)
        config = fit_to_crowd(self.config, data, seed)
        search_result = _adopt_ranker(config, ranker) or tune(
            data, config, seed=seed, on_progress=on_progress
        )
        self._apply_config(search_result.config)
        warm_started = (
            [] if start is None else self._warm_start_components(start, interactions.items)
        )
        for name, algorithm in self.algorithms.items():
            algorithm.fit(data, seed=seed, on_progress=_bind_stage(on_progress, f"fit {name}"))
        self.items = interactions.items
        self.flip_threshold = FLIP_THRESHOLD
        self._artists = item_features.artist if item_features is not None else None
        # the trees were learned with part of the songs hidden; now they see all of them
        self.ranker = search_result.ranker and search_result.ranker.with_songs(
            ItemTable.learn(data)
        )
        self.metadata = describe_training(self.config, data, seed) | (
            {"tuning": search_result.log} if search_result.log else {}
        )
        self.metadata["crowd"] = Crowd.measure(strengths).to_dict()
        if start is not None and warm_started:
            self.metadata["warm_started"] = warm_started
            self.metadata["n_warm_starts"] = start.metadata.get("n_warm_starts", 0) + 1
        return self

    def _warm_start_components(self, start: Recommender, items: IdMap) -> list[str]:
        """Return which components will begin with what the other recommender learned."""
        rows = start.items.rows(items.ids)
        common = [name for name in self.algorithms if name in start.algorithms]
        return [
            name
            for name in common
            if self.algorithms[name].warm_start(start.algorithms[name], rows)
        ]

    def _apply_config(self, config: RecommenderConfig) -> None:
        self.config = config
        self.algorithms = {
            name: create_algorithm(name, options) for name, options in config.components.items()
        }

    def _list_vector_sources(self) -> Iterable[Algorithm]:
        return sorted(
            self.algorithms.values(), key=lambda algorithm: not isinstance(algorithm, Content)
        )

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
        )

    @property
    def is_fitted(self) -> bool:
        return len(self.items) > 0

    @property
    def n_items(self) -> int:
        return len(self.items)

    @property
    def item_ids(self) -> NDArray[Any]:
        """The ids of the songs in row order."""
        return self.items.ids

    @property
    def component_names(self) -> tuple[str, ...]:
        return tuple(self.algorithms)

    @property
    def similarity_vectors(self) -> NDArray[np.float32]:
        """The `item_vectors` of all songs, float32 (n_items, d); made anew each time."""
        return self.item_vectors(np.arange(self.n_items))

    def item_vectors(self, item_rows: NDArray[np.integer]) -> NDArray[np.float32]:
        """Return a vector of length 1 for each of the songs, as used for variety; zeros where nothing is known.

        Returns
        -------
        float32 (*item_rows.shape, d)
        """
        for algorithm in self._list_vector_sources():
            vectors = algorithm.item_vectors(item_rows)
            if vectors is not None:
                return vectors
        return np.zeros((*item_rows.shape, 1), dtype=np.float32)

    # -- histories ----------------------------------------------------------------------------------------

    def history(
        self,
        item_ids: ArrayLike,
        *,
        kinds: ArrayLike | None = None,
        plays: ArrayLike | None = None,
        played_share: ArrayLike | None = None,
        timestamps: ArrayLike | None = None,
        taste: ArrayLike = (),
    ) -> History:
        """Weigh one listener's events as in the training; songs that are not known here are counted out.

        Parameters
        ----------
        taste
            Ids of songs the listener named without having played them.
        """
        ids = (
            np.asarray(item_ids)
            if hasattr(item_ids, "__len__")
            else np.asarray(list(cast(Iterable[Any], item_ids)))
        )
        events = Interactions.from_ids(
            np.zeros(len(ids), dtype=np.int64),
            ids,
            kinds=kinds,
            plays=plays,
            played_share=played_share,
            timestamps=timestamps,
        )
        row = self.histories(events)
        taste_rows = np.unique(self.items.rows(taste))
        return History(
            item_rows=row.indices.astype(np.int32),
            values=row.data,
            n_unknown=int((self.items.rows(ids) == UNKNOWN).sum()),
            taste_rows=taste_rows[taste_rows != UNKNOWN].astype(np.int32),
            steps_back=count_steps_back(row),
        )

    def histories(self, interactions: Interactions) -> csr_matrix:
        """Weigh many listeners' events: float32 csr, one row a listener of `interactions.listeners`.

        It holds the order where the events have times or positions (`OrderedHistories`).
        """
        self._require_fitted()
        if interactions.items != self.items:
            interactions = interactions.over_items(self.items)
        return interactions.to_matrix(self.config.weighting)

    # -- recommending -------------------------------------------------------------------------------------

    def recommend(
        self,
        history: History,
        k: int = 10,
        *,
        exclude: ArrayLike | None = None,
        exclude_history: bool = True,
        discovery: float | None = None,
        artist_cap: int | None = None,
    ) -> RecommendedList:
        """Recommend at most k songs, best first.

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

        Raises
        ------
        ValueError
            k below 1.
        """
        return self.recommend_batch(
            history.to_csr(self.n_items),
            k,
            tastes=history.taste_csr(self.n_items),
            unavailable=exclude,
            exclude_history=exclude_history,
            discovery=discovery,
            artist_cap=artist_cap,
        )[0]

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
        """
        self._require_fitted()
        request = make_list_request(
            self.config, self.n_items, k, discovery, artist_cap, unavailable
        )
        listeners = make_listener_batch(
            self.config, self.n_items, histories, tastes, exclude, exclude_history=exclude_history
        )
        pipeline = self._pipeline
        blocks = map_blocks(
            lambda block: pipeline.make_lists(block, request),
            list(pipeline.cut_blocks(listeners)),
            n_threads or (os.cpu_count() or 1),
            _bind_stage(on_progress, "recommend"),
        )
        return RecommendedBatch(blocks, len(listeners), request.k)

    def rank_songs(
        self,
        histories: csr_matrix,
        k: int,
        *,
        n_threads: int | None = None,
        on_progress: Callable[[int, int], None] | None = None,
    ) -> dict[str, NDArray[np.int32]]:
        """Return the lists without explanations, and beside them each component's own best k songs.

        Returns
        -------
        dict
            `recommender` and the component names -> int32 (n, k), -1 where a list ends early.
        """
        self._require_fitted()
        request = make_list_request(self.config, self.n_items, k)
        listeners = make_listener_batch(self.config, self.n_items, histories)
        pipeline = self._pipeline
        blocks = list(pipeline.cut_blocks(listeners))
        ranked_blocks = map_blocks(
            lambda block: pipeline.rank_songs(block, request),
            blocks,
            n_threads or (os.cpu_count() or 1),
            on_progress,
        )
        lists = {
            name: np.full((len(listeners), request.k), NO_SONG, dtype=np.int32)
            for name in ranked_blocks[0]
        }
        for block, ranked in zip(blocks, ranked_blocks, strict=True):
            for name, rows in ranked.items():
                lists[name][block.positions, : rows.shape[1]] = rows
        return lists

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
        pipeline = self._pipeline
        blocks = list(pipeline.cut_blocks(replace(listeners, forbidden=(forbidden,))))
        results = map_blocks(
            lambda block: pipeline.find_ranks(block, rows[block.positions]),
            blocks,
            n_threads or (os.cpu_count() or 1),
            None,
        )
        scores, ranks = np.empty(len(rows), dtype=np.float32), np.empty(len(rows), dtype=np.int64)
        for block, (own, above) in zip(blocks, results, strict=True):
            scores[block.positions], ranks[block.positions] = own, above
        return scores, ranks

    # -- explaining ---------------------------------------------------------------------------------------

    def explain(self, history: History, item_row: int) -> Explanation:
        """Explain any song for a listener, whether it would be recommended or not."""
        self._require_fitted()
        self._require_row(item_row)
        block = self._pipeline.explain_song(self._listener(history), item_row)
        return RecommendedList.from_dict(block.pack(0)).items[0].explanation

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
        """Return the songs most like this one, by every component that can compare songs.

        The components keep the proportions they have for a well-known listener. The explanations compare
        with this song; they name no history.
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

    # -- forgetting listeners -----------------------------------------------------------------------------

    def stored_listener_ids(self) -> NDArray[Any]:
        """Return the distinct ids of listeners whose histories would be saved; -1 for histories without an id."""
        ids = [algorithm.stored_listener_ids() for algorithm in self.algorithms.values()]
        stored = [each for each in ids if len(each)]
        return np.unique(np.concatenate(stored)) if stored else np.zeros(0, dtype=np.int64)

    def without_listeners(self, listener_ids: ArrayLike) -> Recommender:
        """Return the same recommender without the stored histories of these listeners, to be saved anew.

        Histories without an id are removed, too: they could be anybody's. What was learned of all listeners
        together stays, so a list stays the same unless one of these listeners was a neighbour.
        """
        self._require_fitted()
        departed = np.asarray(listener_ids)
        remaining = copy(self)
        remaining.algorithms = {
            name: algorithm.without_listeners(departed)
            for name, algorithm in self.algorithms.items()
        }
        return remaining

    # -- saving -------------------------------------------------------------------------------------------

    def save(self, directory: Path) -> store.Manifest:
        """Write everything that was learned into a new folder, all or nothing."""
        self._require_fitted()
        arrays = {"items": self.items.ids}
        if self._artists is not None:
            arrays["artists"] = self._artists
        about: dict[str, Any] = {"config": self.config.to_dict(), "metadata": self.metadata}
        about["decisive_from"] = None if np.isinf(self.flip_threshold) else self.flip_threshold
        if self.ranker is not None:
            arrays |= {f"ranker.{key}": array for key, array in self.ranker.state().items()}
            about["ranker"] = list(self.ranker.components)
        for name, algorithm in self.algorithms.items():
            arrays |= {f"{name}.{key}": array for key, array in algorithm.state().items()}
        return store.save(directory, arrays, about)

    @classmethod
    def load(cls, directory: Path, *, verify: bool = True) -> Recommender:
        """Read a saved recommender; with `verify` every byte is checked first.

        Raises
        ------
        artifacts.ArtifactError
            The folder is damaged, incomplete, of another version or not an artifact.
        """
        arrays, about = store.load(directory, verify=verify)
        return store.restore(directory, lambda: cls._restore(arrays, about))

    @classmethod
    def _restore(cls, arrays: dict[str, NDArray[Any]], about: dict[str, Any]) -> Recommender:
        recommender = cls(RecommenderConfig.from_dict(about["config"]))
        recommender.metadata = about["metadata"]
        # an artifact of an older release has none
        flip_threshold = about.get("decisive_from", FLIP_THRESHOLD)
        recommender.flip_threshold = np.inf if flip_threshold is None else float(flip_threshold)
        recommender.items = IdMap(arrays["items"])
        recommender._artists = arrays.get("artists")
        for name, algorithm in recommender.algorithms.items():
            state = _select_state(arrays, name)
            recommender.algorithms[name] = type(algorithm).from_state(algorithm.options(), state)
            if recommender.algorithms[name].n_items_ != recommender.n_items:
                raise ValueError(f"{name} is over another number of songs than the catalogue")
        if "ranker" in about:
            config = recommender.config.ranker or RankerConfig()
            recommender.ranker = Ranker.from_state(
                config, about["ranker"], _select_state(arrays, "ranker")
            )
            if recommender.ranker.songs.n_items != recommender.n_items:
                raise ValueError("the ranker is over another number of songs than the catalogue")
        return recommender

    # -- checks and small parts ---------------------------------------------------------------------------

    def _require_fitted(self) -> None:
        if not self.is_fitted:
            raise NotFitted(
                "This recommender has not learned anything yet; call fit or load first."
            )

    def _require_row(self, item_row: int) -> None:
        if not 0 <= item_row < self.n_items:
            raise ValueError(
                f"There is no song in row {item_row}; rows are 0 to {self.n_items - 1}."
            )


def _select_state(arrays: Mapping[str, NDArray[Any]], name: str) -> dict[str, NDArray[Any]]:
    return {
        key.removeprefix(f"{name}."): array
        for key, array in arrays.items()
        if key.startswith(f"{name}.")
    }


def _adopt_ranker(config: RecommenderConfig, ranker: Ranker | None) -> Tuned | None:
    """Return the configuration with a ranker that was learned before; None without one."""
    if ranker is None:
        return None
    if config.search is not None or not set(ranker.components) <= set(config.components):
        raise ValueError("The ranker was learned over other components than the configuration has.")
    return Tuned(config, ranker)


def _bind_stage(on_progress: OnProgress | None, stage: str) -> Callable[[int, int], None] | None:
    if on_progress is None:
        return None
    return lambda done, total: on_progress(stage, done, total)
