"""The recommender engine: arrays in, arrays out. It needs no settings, database or clock.

>>> from recommendations.engine import Interactions, Recommender
>>> recommender = Recommender().fit(Interactions.from_ids(listener_ids, song_ids))
>>> recommender.recommend(recommender.history([12, 48]), k=10)
"""

from .algorithms import ALGORITHMS, Algorithm, NotEnoughData, NotFitted, TrainingData
from .artifacts import (
    ArtifactError,
    CorruptArtifact,
    Manifest,
    MissingArtifact,
    UnsupportedArtifact,
    sweep_unfinished,
)
from .config import SEGMENTS, RecommenderConfig
from .explanations import Evidence, Explanation, FeatureMatch, PopularityNote
from .features import AUDIO_FEATURES, ItemFeatures
from .history import History
from .idmap import IdMap
from .interactions import Interactions, Kind
from .lists import RecommendedBatch, RecommendedItem, RecommendedList
from .presets import CLASSIC, PRESETS
from .recommender import Recommender
from .weighting import Weighting

__all__ = [
    "ALGORITHMS",
    "AUDIO_FEATURES",
    "CLASSIC",
    "PRESETS",
    "SEGMENTS",
    "Algorithm",
    "ArtifactError",
    "CorruptArtifact",
    "Evidence",
    "Explanation",
    "FeatureMatch",
    "History",
    "IdMap",
    "Interactions",
    "ItemFeatures",
    "Kind",
    "Manifest",
    "MissingArtifact",
    "NotEnoughData",
    "NotFitted",
    "PopularityNote",
    "RecommendedBatch",
    "RecommendedItem",
    "RecommendedList",
    "Recommender",
    "RecommenderConfig",
    "TrainingData",
    "UnsupportedArtifact",
    "Weighting",
    "sweep_unfinished",
]
