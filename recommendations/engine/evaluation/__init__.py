"""How good a recommender is, measured on what was held back from it."""

from .comparison import Interval, bootstrap, paired_bootstrap
from .evaluate import EvaluationReport, evaluate
from .fidelity import Fidelity, explanation_fidelity
from .splits import Split, listener_split, random_split, temporal_split

__all__ = [
    "EvaluationReport",
    "Fidelity",
    "Interval",
    "Split",
    "bootstrap",
    "evaluate",
    "explanation_fidelity",
    "listener_split",
    "paired_bootstrap",
    "random_split",
    "temporal_split",
]
