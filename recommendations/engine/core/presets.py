"""The ready-made recommenders."""

from __future__ import annotations

from recommendations.engine.core.config import (
    RankerConfig,
    RecommenderConfig,
    SearchConfig,
)

CLASSIC = RecommenderConfig(
    name="classic",
    components={
        "als": {
            "n_factors": 64,
            "n_iterations": 15,
            "regularization": 0.01,
            "alpha": 40.0,
            "transform": "identity",
        },
        "content": {},
        "popularity": {"half_life_days": 14.0},
    },
    weights={
        "none": {"content": 0.7, "popularity": 0.3},
        "cold": {"content": 0.5, "popularity": 0.5},
        "warm": {"als": 0.6, "content": 0.3, "popularity": 0.1},
        "hot": {"als": 0.6, "content": 0.3, "popularity": 0.1},
    },
    cold_below=5,
    relevance=0.7,
    about="The first model of this project: ALS, sound and popularity with fixed weights, for comparison. "
    "It takes some seconds and 0.6 GB for 10,000 listeners and 5,000 songs.",
)
"""The customer's numbers, kept exactly."""

STANDARD = RecommenderConfig(
    name="standard",
    components={
        "ease": {
            "regularization": None,
            "song_weight": 0.5,
            "denoising": 0.3,
            "popularity_discount": 0.1,
            "side_information": 1.0,
            "n_neighbours": 100,
        },
        "ials": {"regularization": 60.0, "n_iterations": 5, "side_information": 1.0},
        "item_knn": {"transform": "log"},
        "content": {"artist": 1.0, "genre": 0.5},
        "popularity": {"half_life_days": 14.0},
    },
    weights={
        "none": {"ease": 0.4, "item_knn": 0.2, "content": 0.2, "popularity": 0.2},
        "cold": {"ials": 0.4, "ease": 0.2, "content": 0.1, "popularity": 0.3},
        "warm": {"ease": 0.7, "item_knn": 0.2, "content": 0.1},
        "hot": {"ease": 0.7, "item_knn": 0.2, "content": 0.1},
    },
    relevance=0.9,
    artist_cap=None,
    ranker=RankerConfig(
        n_by_component=60,
        n_by_artist=30,
        n_trees=60,
        negatives_share=0.25,
        max_listeners=3000,
        max_holdouts=1,
        linear_share=0.25,
        ranks_cold=True,
    ),
    follows_crowd=True,
    listens_alone={"softmax": {"n_factors": 64, "n_epochs": 4}},
    where_ordered={
        "transitions": {
            "direction": "both",
            "window": 20,
            "popularity_exponent": 0.4,
            "history_decay": 1.0,
        }
    },
    where_next={
        "user_knn": {
            "n_neighbours": 100,
            "history_decay": 0.8,
            "length_power": 0.6,
            "similarity_power": 2.0,
            "before": 0.4,
            "distance_power": 0.5,
        }
    },
    about="The default: several algorithms, ordered by a ranker that learns on this library, without a search. "
    "It takes less than half a minute and 1 GB for 10,000 listeners and 5,000 songs.",
)
"""The default: no search, settings from the data's shape."""

TUNED = RecommenderConfig(
    name="tuned",
    components={
        "item_knn": {"transform": "log"},
        "content": {"artist": 1.0, "genre": 0.5},
        "popularity": {"half_life_days": 14.0},
    },
    weights={
        "none": {"item_knn": 0.6, "content": 0.2, "popularity": 0.2},
        "cold": {"item_knn": 0.6, "content": 0.2, "popularity": 0.2},
        "warm": {"item_knn": 0.8, "content": 0.1, "popularity": 0.1},
        "hot": {"item_knn": 0.8, "content": 0.1, "popularity": 0.1},
    },
    relevance=0.9,
    artist_cap=None,
    ranker=RankerConfig(),
    search=SearchConfig(),
    about="The best lists: searches the settings of every algorithm on this library, then does what the default does. "
    "It takes a few minutes and up to 3 GB for 10,000 listeners and 5,000 songs.",
    follows_crowd=True,
)
"""Finds components, settings, weights and the ranker on the data itself; what stands here is for data sets that
are too small to measure anything on."""

LARGE = RecommenderConfig(
    name="large",
    components={
        "als": {
            "n_factors": 64,
            "n_iterations": 15,
            "regularization": 20.0,
            "alpha": 20.0,
            "transform": "binary",
            "weighted_regularization": True,
        },
        "item_knn": {"n_neighbours": 100, "transform": "log"},
        "content": {"artist": 1.0, "genre": 0.5},
        "popularity": {"half_life_days": 14.0},
    },
    weights={
        "none": {"content": 0.6, "popularity": 0.4},
        "cold": {"item_knn": 0.5, "content": 0.2, "popularity": 0.3},
        "warm": {"als": 0.6, "item_knn": 0.25, "content": 0.15},
        "hot": {"als": 0.6, "item_knn": 0.25, "content": 0.15},
    },
    relevance=0.9,
    artist_cap=5,
    learns_weights=True,
    about="For large sites: only what grows no faster than the listens, and begins each night with the factors of the "
    "night before. It takes about a quarter of an hour and 6 GB for a million listeners and 100,000 songs.",
)
"""For beyond some 20,000 songs or 100,000 listeners, where EASE's square matrix ends."""

PRESETS = {preset.name: preset for preset in (STANDARD, TUNED, LARGE, CLASSIC)}
