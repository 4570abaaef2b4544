"""The facade: fit, recommend, explain, similar songs, save, load."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from copy import copy
from pathlib import Path
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.sparse import csr_matrix

from recommendations.engine.algorithms import (
    TrainingData,
)
from recommendations.engine.algorithms.training_data import require_listens
from recommendations.engine.artifacts import store
from recommendations.engine.artifacts.metadata import describe_training
from recommendations.engine.core.config import RankerConfig, RecommenderConfig
from recommendations.engine.core.idmap import IdMap
from recommendations.engine.core.vector_index import is_index_installed
from recommendations.engine.data.interactions import Interactions
from recommendations.engine.data.item_features import ItemFeatures
from recommendations.engine.data.prior import Prior
from recommendations.engine.estimation.feature_estimates import FeatureEstimates
from recommendations.engine.fitted_recommender import FittedRecommender, OnProgress, bind_stage
from recommendations.engine.ranking.explanations import (
    FLIP_THRESHOLD,
)
from recommendations.engine.ranking.ranker_features import ItemTable
from recommendations.engine.ranking.tree_ranker import Ranker
from recommendations.engine.tuning.crowd import Crowd, fit_to_crowd
from recommendations.engine.tuning.order_value import decide_order
from recommendations.engine.tuning.tuner import Tuned, tune

logger = logging.getLogger(__name__)


class Recommender(FittedRecommender):
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
        config = fit_to_crowd(decide_order(self.config, data, seed), data, seed)
        search_result = _adopt_ranker(config, ranker) or tune(
            data, config, seed=seed, on_progress=on_progress
        )
        self._apply_config(search_result.config)
        warm_started = (
            [] if start is None else self._warm_start_components(start, interactions.items)
        )
        for name, algorithm in self.algorithms.items():
            algorithm.fit(data, seed=seed, on_progress=bind_stage(on_progress, f"fit {name}"))
        self.items = interactions.items
        self.flip_threshold = FLIP_THRESHOLD
        self.estimates = None
        self._artists = item_features.artist if item_features is not None else None
        self.ranker = search_result.ranker and self._adapt_ranker(search_result.ranker, data, seed)
        self.metadata = describe_training(self.config, data, seed) | (
            {"tuning": search_result.log} if search_result.log else {}
        )
        self.metadata["crowd"] = Crowd.measure(strengths).to_dict()
        if start is not None and warm_started:
            self.metadata["warm_started"] = warm_started
            self.metadata["n_warm_starts"] = start.metadata.get("n_warm_starts", 0) + 1
        return self

    def _adapt_ranker(self, ranker: Ranker, data: TrainingData, seed: int) -> Ranker:
        """Return the order over the songs as they are now: it was learned with part of them hidden."""
        fitted = {name: self.algorithms[name] for name in ranker.components}
        return ranker.with_songs(ItemTable.learn(data, fitted, seed))

    def _warm_start_components(self, start: Recommender, items: IdMap) -> list[str]:
        """Return which components will begin with what the other recommender learned."""
        rows = start.items.rows(items.ids)
        common = [name for name in self.algorithms if name in start.algorithms]
        return [
            name
            for name in common
            if self.algorithms[name].warm_start(start.algorithms[name], rows)
        ]

    def build_indexes(
        self,
        histories: csr_matrix | None = None,
        *,
        seed: int = 0,
        on_progress: OnProgress | None = None,
    ) -> dict[str, Any]:
        """Build what finds candidates in a large catalogue, and measure how much of the exact answer it finds.

        Below `exact_below` songs nothing is built: every song is scored there. The indexes are part of what `save`
        writes. An index that finds less than 95 of 100 exact neighbours is not kept, and nothing is built without
        usearch; candidates are then found by scoring all songs, which is exact and slower.

        Parameters
        ----------
        histories
            Float32 (n, n_items), listeners whose songs are looked for when that is measured; some hundred are
            enough. None: listeners made up of songs that are alike.

        Returns
        -------
        dict
            What the metadata says from now on, as `indexes`: `installed`, and for each component and index
            (`cosine` or `product`) `recall_at_10`, `recall_at_100`, `n_queries`, `expansion`, `n_bytes`, `n_vectors`
            and `used`. Empty below `exact_below`.
        """
        self._require_fitted()
        self.metadata.pop("indexes", None)
        if self.n_items < self.exact_below:
            return {}
        is_installed = is_index_installed()
        about: dict[str, Any] = {"installed": is_installed}
        if is_installed:
            about["components"] = self._build_indexes(histories, seed, on_progress)
        else:
            logger.warning(
                "usearch is not installed: similar songs and lists are found by scoring all %s songs, which is exact "
                "and slower (pip install -r requirements-index.lock).",
                f"{self.n_items:,}",
            )
        self.metadata["indexes"] = about
        return about

    def _build_indexes(
        self, histories: csr_matrix | None, seed: int, on_progress: OnProgress | None
    ) -> dict[str, Any]:
        built = {}
        for name, algorithm in self.algorithms.items():
            report = bind_stage(on_progress, f"index {name}") or _ignore_progress
            about = algorithm.build_indexes(histories, np.random.default_rng(seed), report)
            if about:
                built[name] = about
        return built

    def drop_indexes(self) -> None:
        """Free the indexes where they have served: a fit that begins with this one does not need them."""
        for algorithm in self.algorithms.values():
            algorithm.drop_indexes()

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
        if self.estimates is not None:
            arrays |= {f"estimates.{key}": one for key, one in self.estimates.state().items()}
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
        if estimates := _select_state(arrays, "estimates"):
            recommender.estimates = FeatureEstimates.from_state(estimates)
            if recommender.estimates.n_items != recommender.n_items:
                raise ValueError("the estimates are over another number of songs")
        if "ranker" in about:
            config = recommender.config.ranker or RankerConfig()
            recommender.ranker = Ranker.from_state(
                config, about["ranker"], _select_state(arrays, "ranker")
            )
            if recommender.ranker.songs.n_items != recommender.n_items:
                raise ValueError("the ranker is over another number of songs than the catalogue")
        return recommender


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


def _ignore_progress(done: int, total: int) -> None:
    """Progress that nobody asked for."""
