"""The recommender engine: arrays in, arrays out. It needs no settings, database or clock.

>>> from recommendations.engine import Interactions, Recommender
>>> recommender = Recommender().fit(Interactions.from_ids(listener_ids, song_ids))
>>> recommender.recommend(recommender.history([12, 48]), k=10)
"""

from recommendations.engine.algorithms import (
    ALGORITHMS,
    Algorithm,
    NotEnoughData,
    NotFitted,
    TrainingData,
)
from recommendations.engine.artifacts.store import (
    ArtifactError,
    CorruptArtifact,
    Manifest,
    MissingArtifact,
    UnsupportedArtifact,
    sweep_unfinished,
)
from recommendations.engine.core.config import SEGMENTS, RecommenderConfig
from recommendations.engine.ranking.explanations import (
    Evidence,
    Explanation,
    FeatureMatch,
    PopularityNote,
)
from recommendations.engine.data.item_features import AUDIO_FEATURES, ItemFeatures
from recommendations.engine.data.history import History
from recommendations.engine.core.idmap import IdMap
from recommendations.engine.data.interactions import Interactions, Kind
from recommendations.engine.pipeline.results import (
    RecommendedBatch,
    RecommendedItem,
    RecommendedList,
)
from recommendations.engine.core.presets import CLASSIC, PRESETS
from recommendations.engine.recommender import Recommender
from recommendations.engine.core.weighting import Weighting
from recommendations.engine.evaluation import EvaluationReport, Fidelity, Interval, Split, evaluate, explanation_fidelity, listener_split, paired_bootstrap, random_split, temporal_split
from recommendations.engine.synthetic.world import World
from recommendations.engine.core.bucketing import bucket, pick
from recommendations.engine.data.item_features import FASTEST_BPM, SLOWEST_BPM
from recommendations.engine.core import clustering
from recommendations.engine.core.arrays import blocks
from recommendations.engine.ranking.mmr import rerank
from recommendations.engine.algorithms.ease import COPIES, EASE
from recommendations.engine.machine import available_bytes
from recommendations.engine.algorithms.popularity import Popularity

__all__ = [
    "COPIES",
    "EASE",
    "EvaluationReport",
    "FASTEST_BPM",
    "Fidelity",
    "Interval",
    "Popularity",
    "SLOWEST_BPM",
    "Split",
    "World",
    "available_bytes",
    "blocks",
    "bucket",
    "clustering",
    "evaluate",
    "explanation_fidelity",
    "listener_split",
    "paired_bootstrap",
    "pick",
    "random_split",
    "rerank",
    "temporal_split",
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
