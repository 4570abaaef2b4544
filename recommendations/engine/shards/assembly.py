"""A recommender put together from what was learned in shards: the same that a fit in one process gives."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix

from recommendations.engine.algorithms import Algorithm, TrainingData, create_algorithm
from recommendations.engine.algorithms.als import ALS
from recommendations.engine.algorithms.content import Content
from recommendations.engine.algorithms.item_knn import ItemKNN
from recommendations.engine.algorithms.popularity import Popularity
from recommendations.engine.artifacts.metadata import list_library_versions
from recommendations.engine.core.arrays import make_empty_rows
from recommendations.engine.core.config import RecommenderConfig
from recommendations.engine.core.idmap import IdMap
from recommendations.engine.core.weighting import transform_values
from recommendations.engine.data.item_features import ItemFeatures
from recommendations.engine.recommender import Recommender
from recommendations.engine.shards.survey import Recency, Survey

SHARDABLE = (ALS, ItemKNN, Popularity, Content)


class CannotBeSharded(ValueError):
    """A configuration has something that is not learned in shards; the message says what."""


def require_shardable(config: RecommenderConfig) -> None:
    """Raise CannotBeSharded for what only a fit in one process learns."""
    if config.search is not None or config.ranker is not None or config.follows_crowd:
        raise CannotBeSharded(
            f"The preset {config.name} searches or learns an order, which a cluster can't; train large there."
        )
    for name, options in config.components.items():
        algorithm = create_algorithm(name, options)
        if not isinstance(algorithm, SHARDABLE):
            raise CannotBeSharded(
                f"{name} of the preset {config.name} can't be learned on a cluster; train large there."
            )
        if getattr(algorithm, "side_information", 0):
            raise CannotBeSharded(
                f"{name} with side_information can't be learned on a cluster; set it to 0."
            )
        if isinstance(algorithm, ItemKNN) and algorithm.similarity == "bm25":
            raise CannotBeSharded(
                f"{name} with BM25 can't be learned on a cluster; take tfidf or cosine."
            )


def transform_for_als(algorithm: ALS, strengths: csr_matrix) -> NDArray[np.float32]:
    """Return sign(r) * f(abs(r)) of a shard's capped strengths: what confidences are made of, but for alpha."""
    return transform_values(strengths.data, algorithm.transform)


def make_als(
    algorithm: ALS, item_factors: NDArray[np.float32], survey: Survey, seed: int
) -> Algorithm:
    """Return ALS with factors from elsewhere, float32 (n_items, n_factors)."""
    learned = survey.n_liked > 0
    state: dict[str, NDArray[Any]] = {
        "n_items": np.array([survey.n_items]),
        "item_factors": np.where(learned[:, None], item_factors, np.float32(0)),
        "learned": learned,
        "seed": np.array([seed], dtype=np.int64),
    }
    if algorithm.weighted_regularization:
        state["mean_length"] = np.array([survey.n_pairs / max(survey.n_listeners, 1)])
    return ALS.from_state(algorithm.options(), state)


def make_neighbours(algorithm: ItemKNN, links: csr_matrix, survey: Survey) -> Algorithm:
    """Return item neighbours with links from elsewhere (`join_links`)."""
    state = {
        "n_items": np.array([survey.n_items]),
        "learned": survey.n_liked > 0,
        "links": links.data,
        "targets": links.indices.astype(np.int32),
        "starts": links.indptr.astype(np.int64),
    }
    return ItemKNN.from_state(algorithm.options(), state)


def make_popularity(algorithm: Popularity, survey: Survey, recency: Recency | None) -> Popularity:
    """Return popularity from sums; without `recency` no time is known."""
    sums = None if recency is None else (recency.trend, recency.n_recent)
    return algorithm.learn_from_sums(survey.n_liked, sums)


def make_content(algorithm: Content, features: ItemFeatures | None, n_items: int) -> Algorithm:
    """Return content, which learns from the songs alone."""
    return algorithm.fit(TrainingData(make_empty_rows(0, n_items), features))


def assemble(
    config: RecommenderConfig,
    items: IdMap,
    features: ItemFeatures | None,
    algorithms: Mapping[str, Algorithm],
    metadata: dict[str, Any],
) -> Recommender:
    """Return the recommender whose components these are."""
    recommender = Recommender(config)
    recommender.algorithms = {name: algorithms[name] for name in config.components}
    recommender.items = items
    recommender._artists = features.artist if features is not None else None
    recommender.metadata = metadata
    return recommender


def describe_parts(
    config: RecommenderConfig, survey: Survey, crowd: dict[str, Any], seed: int
) -> dict[str, Any]:
    """Return what `describe_training` says of a fit in one process."""
    window = survey.window
    return {
        "preset": config.name,
        "seed": seed,
        "libraries": list_library_versions(),
        "n_listeners": survey.n_listeners,
        "n_items": survey.n_items,
        "n_pairs": survey.n_pairs,
        "n_events": survey.n_events,
        "data_window": None if window is None else {"first": window[0], "last": window[1]},
        "transforms": {
            name: options["transform"]
            for name, options in config.components.items()
            if "transform" in options
        },
        "scale": "min-max per listener and component over the songs that may be recommended",
        "device": "cluster",
        "crowd": crowd,
    }
