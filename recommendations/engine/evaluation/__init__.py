"""How good a recommender is, measured on what was held back from it."""

from recommendations.engine.evaluation.comparison import (
    Interval,
    bootstrap,
    paired_bootstrap,
)
from recommendations.engine.evaluation.evaluate import EvaluationReport, evaluate
from recommendations.engine.evaluation.fidelity import (
    Fidelity,
    explanation_fidelity,
    falls_without_some_song,
)
from recommendations.engine.evaluation.splits import (
    Split,
    listener_split,
    random_split,
    temporal_split,
)

__all__ = [
    "EvaluationReport",
    "Fidelity",
    "Interval",
    "Split",
    "bootstrap",
    "evaluate",
    "explanation_fidelity",
    "falls_without_some_song",
    "listener_split",
    "paired_bootstrap",
    "random_split",
    "temporal_split",
]
