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
)
"""The customer's numbers, kept exactly."""

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
)
"""Finds components, settings, weights and the ranker on the data itself; what stands here is for data sets that
are too small to measure anything on."""

PRESETS = {preset.name: preset for preset in (CLASSIC, TUNED)}
