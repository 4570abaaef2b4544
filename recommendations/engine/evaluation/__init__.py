"""How good a recommender is, measured on what was held back from it."""

from recommendations.engine.evaluation.comparison import (
    Interval,
    bootstrap_intervals,
    paired_bootstrap,
)
from recommendations.engine.evaluation.evaluate import EvaluationReport, Heard, evaluate
from recommendations.engine.evaluation.fidelity import (
    Fidelity,
    measure_fidelity,
    measure_fidelity_bound,
)
from recommendations.engine.evaluation.splits import (
    Split,
    hold_out_songs,
    listener_split,
    newest_split,
    random_split,
    sample_split,
    temporal_split,
)

__all__ = [
    "EvaluationReport",
    "Fidelity",
    "Heard",
    "Interval",
    "Split",
    "bootstrap_intervals",
    "evaluate",
    "hold_out_songs",
    "listener_split",
    "measure_fidelity",
    "measure_fidelity_bound",
    "newest_split",
    "paired_bootstrap",
    "random_split",
    "sample_split",
    "temporal_split",
]
