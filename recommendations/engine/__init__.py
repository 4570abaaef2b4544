"""The recommender engine: arrays in, arrays out. It needs no settings, database or clock.

>>> from recommendations.engine import Interactions, Recommender
>>> recommender = Recommender().fit(Interactions.from_ids(listener_ids, song_ids))
>>> recommender.recommend(recommender.history([12, 48]), k=10)
"""

from recommendations.engine import shards
from recommendations.engine.algorithms import (
    ALGORITHMS,
    Algorithm,
    DataSize,
    NotEnoughData,
    NotFitted,
    TrainingData,
    keeps_histories,
)
from recommendations.engine.algorithms.content import Content
from recommendations.engine.algorithms.ease import COPIES, EASE
from recommendations.engine.algorithms.popularity import Popularity
from recommendations.engine.artifacts.seed_pack import (
    ArtistPrior,
    ForeignPack,
    Labels,
    SeedPack,
    load_pack,
    save_pack,
)
from recommendations.engine.artifacts.store import (
    ArtifactError,
    CorruptArtifact,
    Manifest,
    MissingArtifact,
    UnsupportedArtifact,
)
from recommendations.engine.core import clustering
from recommendations.engine.core.arrays import cut_blocks, make_empty_rows, normalise_rows
from recommendations.engine.core.bucketing import assign_bucket, pick_share
from recommendations.engine.core.config import SEGMENTS, RecommenderConfig
from recommendations.engine.core.idmap import IdMap
from recommendations.engine.core.intervals import compute_share_interval
from recommendations.engine.core.machine import read_available_bytes
from recommendations.engine.core.presets import CLASSIC, PRESETS
from recommendations.engine.core.vector_index import LEAST_RECALL, is_index_installed
from recommendations.engine.core.weighting import Weighting
from recommendations.engine.data.history import History
from recommendations.engine.data.interactions import Interactions, Kind
from recommendations.engine.data.item_features import (
    AUDIO_FEATURES,
    FASTEST_BPM,
    SLOWEST_BPM,
    ItemFeatures,
)
from recommendations.engine.data.prior import FEWEST_LISTENERS, MOST_NEIGHBOURS, Prior, keep_nearest
from recommendations.engine.estimation.feature_estimates import (
    NO_GENRE,
    NO_SOURCE,
    CoverageReport,
    Estimate,
    FeatureEstimates,
    can_estimate,
    estimate_features,
    measure_coverage,
)
from recommendations.engine.evaluation import (
    SYSTEM,
    EvaluationReport,
    Fidelity,
    Heard,
    Interval,
    Split,
    bootstrap_pairs,
    evaluate,
    hold_out_songs,
    learn_weights,
    measure_fidelity,
    sample_split,
    split_by_listener,
    split_by_time,
    split_newest,
    split_randomly,
)
from recommendations.engine.evaluation.sequential import (
    ALPHA,
    Standing,
    compute_mean_e_values,
    compute_win_e_values,
    count_drafts_needed,
    judge_winners,
)
from recommendations.engine.pipeline.packed_lists import RecommendedBatch
from recommendations.engine.pipeline.results import RecommendedItem, RecommendedList
from recommendations.engine.pipeline.song_trace import SongTrace
from recommendations.engine.ranking.explanations import (
    Evidence,
    Explanation,
    FeatureMatch,
    PopularityNote,
)
from recommendations.engine.ranking.repeat_decay import fit_decay
from recommendations.engine.ranking.repeats import LEAST_PLAYS, LONG_AGO, Repeats, mix_heads
from recommendations.engine.ranking.tree_ranker import Ranker
from recommendations.engine.recommender import Recommender
from recommendations.engine.reranking.artist_spacing import space_artists
from recommendations.engine.reranking.capacity import SongFacts
from recommendations.engine.reranking.group_ranking import (
    GroupRanking,
    calibrate_scores,
    rank_for_group,
)
from recommendations.engine.reranking.list_contract import (
    ContractTerms,
    ListContract,
    TermReport,
    judge_list,
)
from recommendations.engine.reranking.mmr import rerank
from recommendations.engine.reranking.sonic_path import LONGEST_PATH, PathUnknown
from recommendations.engine.reranking.team_draft import FIRST, SECOND, Slot, Team, draft_teams
from recommendations.engine.synthetic.world import World
from recommendations.engine.tuning.blend_weights import ImprovedWeights
from recommendations.engine.tuning.memory_estimate import estimate_fit_bytes
from recommendations.engine.tuning.order_value import decide_order

__all__ = [
    "ALGORITHMS",
    "ALPHA",
    "AUDIO_FEATURES",
    "CLASSIC",
    "COPIES",
    "EASE",
    "FASTEST_BPM",
    "FEWEST_LISTENERS",
    "FIRST",
    "LEAST_PLAYS",
    "LEAST_RECALL",
    "LONGEST_PATH",
    "LONG_AGO",
    "MOST_NEIGHBOURS",
    "NO_GENRE",
    "NO_SOURCE",
    "PRESETS",
    "SECOND",
    "SEGMENTS",
    "SLOWEST_BPM",
    "SYSTEM",
    "Algorithm",
    "ArtifactError",
    "ArtistPrior",
    "Content",
    "ContractTerms",
    "CorruptArtifact",
    "CoverageReport",
    "DataSize",
    "Estimate",
    "EvaluationReport",
    "Evidence",
    "Explanation",
    "FeatureEstimates",
    "FeatureMatch",
    "Fidelity",
    "ForeignPack",
    "GroupRanking",
    "Heard",
    "History",
    "IdMap",
    "ImprovedWeights",
    "Interactions",
    "Interval",
    "ItemFeatures",
    "Kind",
    "Labels",
    "ListContract",
    "Manifest",
    "MissingArtifact",
    "NotEnoughData",
    "NotFitted",
    "PathUnknown",
    "Popularity",
    "PopularityNote",
    "Prior",
    "Ranker",
    "RecommendedBatch",
    "RecommendedItem",
    "RecommendedList",
    "Recommender",
    "RecommenderConfig",
    "Repeats",
    "SeedPack",
    "Slot",
    "SongFacts",
    "SongTrace",
    "Split",
    "Standing",
    "Team",
    "TermReport",
    "TrainingData",
    "UnsupportedArtifact",
    "Weighting",
    "World",
    "assign_bucket",
    "bootstrap_pairs",
    "calibrate_scores",
    "can_estimate",
    "clustering",
    "compute_mean_e_values",
    "compute_share_interval",
    "compute_win_e_values",
    "count_drafts_needed",
    "cut_blocks",
    "decide_order",
    "draft_teams",
    "estimate_features",
    "estimate_fit_bytes",
    "evaluate",
    "fit_decay",
    "hold_out_songs",
    "is_index_installed",
    "judge_list",
    "judge_winners",
    "keep_nearest",
    "keeps_histories",
    "learn_weights",
    "load_pack",
    "make_empty_rows",
    "measure_coverage",
    "measure_fidelity",
    "mix_heads",
    "normalise_rows",
    "pick_share",
    "rank_for_group",
    "read_available_bytes",
    "rerank",
    "sample_split",
    "save_pack",
    "shards",
    "space_artists",
    "split_by_listener",
    "split_by_time",
    "split_newest",
    "split_randomly",
]
