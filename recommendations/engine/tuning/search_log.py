"""The log of a search as plain JSON types: how it was validated, what was tried, chosen, and why."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from recommendations.engine.core.config import SearchConfig
from recommendations.engine.core.intervals import bootstrap_intervals
from recommendations.engine.core.seeding import derive_seed
from recommendations.engine.ranking.tree_ranker import Ranker
from recommendations.engine.tuning.hyperparameter_search import (
    RUNGS,
    LeftOut,
    Trial,
    select_best_trials,
)
from recommendations.engine.tuning.system_comparison import Comparison
from recommendations.engine.tuning.validation import Validation

LAST_SONGS, RANDOM_SONGS = "last songs", "random songs"


def describe_validation(validation: Validation) -> dict[str, Any]:
    """Say which songs were held out of how many listeners."""
    return {
        "held_out": LAST_SONGS if validation.is_ordered else RANDOM_SONGS,
        "n_listeners": len(validation.validation_listeners),
        "n_songs": int(validation.held_out.nnz),
    }


def make_log(
    validation: Validation,
    search: SearchConfig,
    trials: Sequence[Trial],
    left_out: Sequence[LeftOut],
    ndcg: Mapping[str, float],
    chosen: str,
    weights: Mapping[str, Mapping[str, float]],
    ranker: Ranker | None,
    seed: int,
) -> dict[str, Any]:
    """Return what was tried, what was chosen, and what it gains over each component.

    `choices` has for each component the settings with the highest mean of the last round, and by how much the next
    best ones of that round differ: the interval says whether that could be chance. `left_out_for_memory` has what was
    not tried because too little memory was free: with more of it the search may find something else.
    """
    ours = ndcg[chosen]
    return {
        "validation": describe_validation(validation),
        "n_judges": len(validation.validation_listeners),
        "n_hidden": int(validation.held_out.nnz),
        "began_with": {name: dict(options) for name, options in search.first.items()},
        "trials": [_describe_trial(trial, seed) for trial in trials],
        "left_out_for_memory": [_describe_left_out(one) for one in left_out],
        "choices": {
            name: _describe_choice(best, trials, seed)
            for name, best in select_best_trials(trials).items()
        },
        "ndcg@10": round_values(ndcg),
        "chosen": chosen,
        "gain_over": {
            name: round(ours / value, 4)
            for name, value in ndcg.items()
            if name != chosen and value > 0
        },
        "weights": {segment: dict(values) for segment, values in weights.items()},
        "importance": ranker.importance() if ranker else {},
        "linear_share": ranker.config.linear_share if ranker else 0.0,
    }


def round_values(values: Mapping[str, float]) -> dict[str, float]:
    return {name: round(value, 5) for name, value in values.items()}


def _describe_trial(trial: Trial, seed: int) -> dict[str, Any]:
    return {
        "component": trial.component,
        "options": dict(trial.options),
        "round": trial.rung,
        "n_listeners": len(trial.per_listener),
        "ndcg@10": round(trial.ndcg, 5),
        "interval": _compute_interval(trial.per_listener, seed),
    }


def _describe_left_out(left_out: LeftOut) -> dict[str, Any]:
    return {
        "component": left_out.component,
        "options": dict(left_out.options),
        "round": left_out.rung,
        "needed_gb": round(left_out.needed_gb, 3),
        "free_gb": round(left_out.free_gb, 3),
    }


def _describe_choice(best: Trial, trials: Sequence[Trial], seed: int) -> dict[str, Any]:
    tried = [trial for trial in trials if trial.component == best.component]
    others = [trial for trial in tried if trial.rung == RUNGS[-1].name and trial is not best]
    second = max(others, key=lambda trial: trial.ndcg, default=None)
    distinct = {repr(sorted(trial.options.items(), key=str)) for trial in tried}
    return {
        "options": dict(best.options),
        "ndcg@10": round(best.ndcg, 5),
        "interval": _compute_interval(best.per_listener, seed),
        "n_tried": len(distinct),
        "next_best": None
        if second is None
        else {
            "options": dict(second.options),
            "difference": Comparison.compare(
                best.component, best.per_listener, "the next best", second.per_listener, seed
            ).to_dict()["difference"],
        },
    }


def _compute_interval(values: NDArray[np.float64], seed: int) -> list[float]:
    interval = bootstrap_intervals(values[:, None], seed=derive_seed(seed, "interval"))[0]
    return [] if interval is None else [round(interval.low, 5), round(interval.high, 5)]
