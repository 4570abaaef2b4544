"""The indexes of a large catalogue: built for a version and for what is evaluated, measured on its own listeners."""

from collections.abc import Callable
from typing import Any

import numpy as np

from recommendations.engine import Interactions, Recommender

N_LISTENERS = 200
"""Whose lists the recall is measured on."""


def build_indexes(
    recommender: Recommender,
    interactions: Interactions | None,
    seed: int,
    on_progress: Callable[[str, int, int], None] | None = None,
) -> list[str]:
    """Build and measure the indexes of a recommender where its catalogue is large; return what became of them.

    Without interactions the recall is measured on listeners made up of songs that are alike. The answer is empty
    for a small catalogue, which has none.
    """
    if recommender.n_items < recommender.exact_below:
        return []
    histories = None
    if interactions is not None:
        strengths = interactions.to_matrix(recommender.config.weighting)
        n = min(N_LISTENERS, strengths.shape[0])
        rows = np.random.default_rng(seed).choice(strengths.shape[0], n, replace=False)
        histories = strengths[np.sort(rows)]
    return describe_indexes(
        recommender.build_indexes(histories, seed=seed, on_progress=on_progress)
    )


def describe_indexes(about: dict[str, Any]) -> list[str]:
    """Return what became of the indexes, a sentence each."""
    if not about["installed"]:
        return [
            "usearch is not installed, so there is no index: similar songs and lists are exact, and slower "
            "(pip install -r requirements-index.lock)."
        ]
    sentences = []
    for component, indexes in about["components"].items():
        for name, index in indexes.items():
            verdict = "" if index["used"] else ", which is too little: it is not used"
            sentences.append(
                f"The index {name} of {component} finds {index['recall_at_10']:.1%} of the ten exact songs{verdict}."
            )
    return sentences or ["No component has an index."]
