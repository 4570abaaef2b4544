"""Whether what listeners heard last tells what they hear next, and how fast it fades."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from recommendations.engine.algorithms import Algorithm, TrainingData, create_algorithm
from recommendations.engine.core.config import RecommenderConfig
from recommendations.engine.core.intervals import bootstrap_intervals
from recommendations.engine.core.ordered import count_steps_back
from recommendations.engine.core.seeding import derive_seed
from recommendations.engine.data.interactions import NO_TIME
from recommendations.engine.tuning.hyperparameter_search import (
    OnProgress,
    Trial,
    run_decay_trials,
    select_best_trials,
)
from recommendations.engine.tuning.validation import MIN_LISTENERS, Validation

DECAY = 0.9
"""What a song counts for each step back where it is tried whether the order tells anything."""
MOST_JUDGES = 1000


def decide_order(config: RecommenderConfig, data: TrainingData, seed: int) -> RecommenderConfig:
    """Return the configuration with its ranker's `newest_held_out` decided by the data where it is left open.

    The order is learned for the songs that are heard next where times are known and the songs heard last surely tell
    more of them than the whole history does (`is_next_told`); else for the songs that belong to a history, at random.
    """
    if config.ranker is None or not config.leaves_target_open:
        return config
    is_newest = is_next_told(data, config.ranker.holdout_share, seed)
    return replace(config, ranker=replace(config.ranker, newest_held_out=is_newest))


def is_next_told(data: TrainingData, share: float, seed: int) -> bool:
    """Return whether listeners' newest songs are found better when the songs heard before count the more the later.

    It is measured with item kNN, which is quickly learned, on up to `MOST_JUDGES` listeners: the 95 % interval of the
    difference lies above 0. Without times, or with too few listeners to judge by, the answer is no.
    """
    events = data.events
    if events is None or not (events.timestamps != NO_TIME).any():
        return False
    if count_steps_back(data.strengths) is None:
        return False
    validation = Validation.hold_out(data, share, MOST_JUDGES, derive_seed(seed, "order"))
    if len(validation.validation_listeners) < MIN_LISTENERS:
        return False
    neighbours = create_algorithm("item_knn", {"transform": "log"}).fit(validation.data, seed=seed)
    cases = validation.cases()
    fading, whole = (cases.ndcg(neighbours.with_decay(decay)) for decay in (DECAY, 1.0))
    difference = bootstrap_intervals((fading - whole)[:, None], seed=seed)[0]
    return difference is not None and difference.is_above_zero


def choose_decays(
    validation: Validation, fitted: Mapping[str, Algorithm], report: OnProgress
) -> dict[str, Algorithm]:
    """Return each fitted component with the decay of the history that finds most of the newest songs.

    Nothing is fitted for it; without an order the components are returned as they are.
    """
    cases = validation.cases() if validation.is_ordered else None
    if cases is None:
        return dict(fitted)
    trials = []
    for name, algorithm in fitted.items():
        values = cases.ndcg(algorithm)
        trials.append(
            Trial(name, algorithm.options(), float(values.mean()), algorithm, per_listener=values)
        )
    trials += run_decay_trials(validation, select_best_trials(trials), report)
    return {name: trial.algorithm for name, trial in select_best_trials(trials).items()}
