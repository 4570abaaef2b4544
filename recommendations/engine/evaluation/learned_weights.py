"""Weights of a blend, found on listeners who have songs held out and are not measured."""

from __future__ import annotations

import numpy as np

from recommendations.engine.evaluation.evaluate import choose_listeners
from recommendations.engine.evaluation.splits import Split
from recommendations.engine.recommender import Recommender
from recommendations.engine.tuning.blend_weights import (
    N_SAMPLE,
    ImprovedWeights,
    find_better_weights,
)
from recommendations.engine.tuning.validation import MIN_LISTENERS, Cases

MOST_LISTENERS = 4 * N_SAMPLE
"""Two segments, each in two halves."""


def learn_weights(
    fitted: Recommender, split: Split, *, max_listeners: int, seed: int
) -> ImprovedWeights | None:
    """Find better weights for a fitted recommender's warm and hot listeners; it is not changed.

    They are found on listeners that `evaluate` leaves out with the same split, `max_listeners` and seed, so what it
    measures by them is measured on others.

    Parameters
    ----------
    fitted
        On `split.train`.

    Returns
    -------
    ImprovedWeights
        None where too few listeners with held-out songs are left over, or a ranker orders the lists.
    """
    measured = choose_listeners(split, max_listeners, seed)
    others = np.setdiff1d(np.flatnonzero(np.diff(split.test.indptr)), measured)
    if fitted.ranker is not None or len(others) < 2 * MIN_LISTENERS:
        return None
    if len(others) > MOST_LISTENERS:
        others = np.sort(np.random.default_rng(seed).choice(others, MOST_LISTENERS, replace=False))
    cases = Cases(
        fitted.histories(split.given)[others], split.test[others].astype(np.float32).tocsr()
    )
    return find_better_weights(fitted.algorithms, cases, fitted.config, seed)
