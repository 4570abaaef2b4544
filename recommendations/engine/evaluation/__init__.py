"""How good a recommender is, measured on what was held back from it."""

from recommendations.engine.evaluation.comparison import (
    Interval,
    bootstrap_intervals,
    bootstrap_pairs,
)
from recommendations.engine.evaluation.evaluate import SYSTEM, EvaluationReport, Heard, evaluate
from recommendations.engine.evaluation.fidelity import (
    Fidelity,
    measure_fidelity,
    measure_fidelity_bound,
)
from recommendations.engine.evaluation.learned_weights import learn_weights
from recommendations.engine.evaluation.splits import (
    Split,
    hold_out_songs,
    sample_split,
    split_by_listener,
    split_by_time,
    split_newest,
    split_randomly,
)

__all__ = [
    "SYSTEM",
    "EvaluationReport",
    "Fidelity",
    "Heard",
    "Interval",
    "Split",
    "bootstrap_intervals",
    "bootstrap_pairs",
    "evaluate",
    "hold_out_songs",
    "learn_weights",
    "measure_fidelity",
    "measure_fidelity_bound",
    "sample_split",
    "split_by_listener",
    "split_by_time",
    "split_newest",
    "split_randomly",
]
