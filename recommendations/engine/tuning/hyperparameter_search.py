"""Trying settings of the algorithms, each judged on the validation part."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import zip_longest
from typing import Any

from recommendations.engine.algorithms import (
    ALGORITHMS,
    Algorithm,
    TrainingData,
    create_algorithm,
    find_algorithm_name,
)
from recommendations.engine.algorithms.ease import EASE
from recommendations.engine.core.config import RankerConfig, SearchConfig
from recommendations.engine.data.side_information import has_side_information
from recommendations.engine.tuning.validation import Validation

EASE_PLUS = {"song_weight": 0.5, "denoising": 0.3, "popularity_discount": 0.1}
"""Denoising, songs weighed by their listeners, and a discount for popularity: what lifts EASE on most data."""

SPACE: Mapping[str, Sequence[Mapping[str, Any]]] = {
    "ease": (
        {**EASE_PLUS, "regularization": 100.0},
        {**EASE_PLUS, "regularization": 50.0, "transform": "log"},
        {"regularization": 100.0},
        {**EASE_PLUS, "regularization": 200.0},
        {**EASE_PLUS, "regularization": 20.0, "denoising": 0.5},
        {"regularization": 100.0, "transform": "log"},
    ),
    "ials": (
        {"n_factors": 128, "regularization": 60.0},
        {"n_factors": 256, "regularization": 40.0},
        {"n_factors": 64, "regularization": 90.0},
        {"n_factors": 384, "regularization": 40.0},
        {"n_factors": 128, "regularization": 90.0, "transform": "log", "alpha": 5.0},
        {"n_factors": 256, "regularization": 90.0},
    ),
    "als": (
        {"n_factors": 128, "regularization": 10.0, "alpha": 20.0, "transform": "binary"},
        {"n_factors": 64, "regularization": 90.0, "alpha": 20.0, "transform": "binary"},
        {"n_factors": 192, "regularization": 30.0, "alpha": 20.0, "transform": "binary"},
        {"n_factors": 64, "regularization": 90.0, "alpha": 5.0, "transform": "log"},
        {"n_factors": 384, "regularization": 30.0, "alpha": 20.0, "transform": "binary"},
        {"n_factors": 192, "regularization": 90.0, "alpha": 20.0, "transform": "binary"},
        {"n_factors": 32, "regularization": 90.0, "alpha": 20.0, "transform": "binary"},
        {"n_factors": 64, "regularization": 3.0, "alpha": 10.0, "transform": "binary"},
    ),
    "item_knn": (
        {"n_neighbours": 500, "similarity": "tfidf", "transform": "log"},
        {"n_neighbours": 400, "similarity": "bm25", "bm25_b": 0.45, "transform": "log"},
        {"n_neighbours": 500, "similarity": "cosine", "transform": "log"},
        {"n_neighbours": 100, "similarity": "bm25", "transform": "log"},
        {"n_neighbours": 100, "similarity": "tfidf", "transform": "binary"},
    ),
    "user_knn": (
        {"n_neighbours": 50, "idf_power": 1.0, "transform": "log"},
        {"n_neighbours": 100, "idf_power": 1.0, "transform": "log"},
        {"n_neighbours": 100, "idf_power": 0.5, "transform": "binary"},
        {"n_neighbours": 30, "idf_power": 1.5, "transform": "log"},
    ),
    "softmax": (
        {"n_factors": 192},
        {"n_factors": 192, "temperature": 0.1},
        {"n_factors": 192, "transform": "log"},
        {"n_factors": 96},
    ),
    "transitions": (
        {"transform": "binary"},
        {"transform": "binary", "window": 4},
    ),
    "content": (
        {"artist": 1.0, "genre": 0.5},
        {},
        {"artist": 1.0, "genre": 0.5, "transform": "binary"},
    ),
    "popularity": ({"half_life_days": 14.0}, {"half_life_days": 60.0}),
}
"""What is tried for each algorithm, the best guess first (measured on several kinds of listening data)."""

NEED_ORDER = frozenset({"transitions"})
"""Algorithms that are only tried where it is known what was heard before what."""

SCALE_FREE = frozenset({"ease", "item_knn", "softmax", "user_knn"})
"""Algorithms that find the same songs if all values are multiplied by one number."""

SIDE_INFORMATION_STRENGTH = 1.0
"""What an artist's or genre's knowing a song counts, where an algorithm is told it: as much as one play."""

DECAYS = (0.97, 0.9, 0.8, 0.65)
"""What a song of the history counts for each step back; 1, no decay, is tried first."""

TRIAL_GB = 0.36
"""Memory of EASE's quick trials: a side of about 8,000."""

OnProgress = Callable[[str, int, int], None]


@dataclass(frozen=True)
class Trial:
    """One fit of one component on the validation part."""

    component: str
    options: Mapping[str, Any]
    ndcg: float
    algorithm: Algorithm


def search_component(
    data: TrainingData,
    name: str,
    *,
    trials: int,
    seed: int,
    seconds: float | None = None,
    clock: Callable[[], float] = time.monotonic,
) -> tuple[dict[str, Any], list[Trial]]:
    """Find the best settings of one algorithm alone; what the comparison with single components uses.

    Without features in `data` it learns from the listens only.

    Raises
    ------
    NotEnoughData
        It cannot learn from this data.
    """
    validation = Validation.hold_out(
        data, RankerConfig().holdout_share, SearchConfig().max_listeners, seed
    )
    if not len(validation.validation_listeners):
        return dict(SPACE[name][0]), []
    search = SearchConfig(components=(name,), trials=trials, seconds=seconds)
    finished = run_trials(validation, search, seed, ignore_progress, clock)
    finished += run_side_information_trials(
        validation, select_best_trials(finished), search, seed, ignore_progress, clock
    )
    return select_best_trials(finished)[name].algorithm.options(), finished


def select_best_trials(trials: Sequence[Trial]) -> dict[str, Trial]:
    """Return each component's best trial, the first one where they are equal."""
    best: dict[str, Trial] = {}
    for trial in trials:
        if trial.component not in best or trial.ndcg > best[trial.component].ndcg:
            best[trial.component] = trial
    return best


def run_trials(
    validation: Validation,
    search: SearchConfig,
    seed: int,
    report: OnProgress,
    clock: Callable[[], float],
) -> list[Trial]:
    """Fit and judge the planned settings within the budget."""
    planned = list(
        _plan_trials(search, is_flat=_is_flat(validation), is_ordered=validation.is_ordered)
    )
    start = clock()
    finished: list[Trial] = []
    for done, (name, options) in enumerate(planned):
        out_of_time = search.seconds is not None and clock() - start > search.seconds
        if out_of_time and name in {trial.component for trial in finished}:
            continue
        report("search", done, len(planned))
        finished.append(_run_trial(validation, name, _make_cheap(name, options), seed))
        _reset_losers(finished)
    finished = _fit_in_full(validation, finished, seed)
    report("search", len(planned), len(planned))
    return finished


def _run_trial(validation: Validation, name: str, options: Mapping[str, Any], seed: int) -> Trial:
    algorithm = create_algorithm(name, options).fit(validation.data, seed=seed)
    return Trial(name, options, float(validation.cases().ndcg(algorithm).mean()), algorithm)


def _make_cheap(name: str, options: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return settings with which a first trial is quick: EASE solves for the most heard songs of large catalogues."""
    return {**options, "memory_gb": TRIAL_GB} if name == "ease" else options


def _fit_in_full(validation: Validation, trials: list[Trial], seed: int) -> list[Trial]:
    """Return the trials with the settings that were best in a quick one tried in full, if that differs."""
    trial = select_best_trials(trials).get("ease")
    if trial is None:
        return trials
    largest_solve = EASE(**trial.options).largest_solve
    if min(validation.data.strengths.shape) > largest_solve:
        return [*trials, _run_trial(validation, "ease", _without_limit(trial.options), seed)]
    for trial in trials:
        if trial.component == "ease":
            setattr(trial.algorithm, "memory_gb", None)  # noqa: B010  (an option of EASE)
    return [
        replace(trial, options=_without_limit(trial.options))
        if trial.component == "ease"
        else trial
        for trial in trials
    ]


def _without_limit(options: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in options.items() if name != "memory_gb"}


def run_side_information_trials(
    validation: Validation,
    best: Mapping[str, Trial],
    search: SearchConfig,
    seed: int,
    report: OnProgress,
    clock: Callable[[], float] = time.monotonic,
) -> list[Trial]:
    """Try the best settings of each algorithm once more with the songs' artists and genres told to it."""
    if not has_side_information(validation.data.features):
        return []
    start, finished = clock(), []
    tunable = [
        trial for trial in best.values() if "side_information" in trial.algorithm.option_names()
    ]
    for done, trial in enumerate(tunable):
        if search.seconds is not None and clock() - start > search.seconds / len(best):
            break
        report("search with artists and genres", done, len(tunable))
        options = {**trial.options, "side_information": SIDE_INFORMATION_STRENGTH}
        algorithm = create_algorithm(trial.component, options).fit(validation.data, seed=seed)
        finished.append(
            Trial(
                trial.component,
                options,
                float(validation.cases().ndcg(algorithm).mean()),
                algorithm,
            )
        )
    report("search with artists and genres", len(tunable), len(tunable))
    return finished


def run_decay_trials(
    validation: Validation, best: Mapping[str, Trial], report: OnProgress
) -> list[Trial]:
    """Try how much less songs of the history count the longer ago they were heard; nothing is fitted for that."""
    if not validation.is_ordered:
        return []
    finished = []
    tunable = [
        trial for trial in best.values() if "history_decay" in trial.algorithm.option_names()
    ]
    for done, trial in enumerate(tunable):
        report("search of the decay", done, len(tunable))
        for decay in DECAYS:
            if decay != trial.algorithm.options()["history_decay"]:
                algorithm = trial.algorithm.with_decay(decay)
                ndcg = float(validation.cases().ndcg(algorithm).mean())
                finished.append(Trial(trial.component, algorithm.options(), ndcg, algorithm))
    report("search of the decay", len(tunable), len(tunable))
    return finished


def _is_flat(validation: Validation) -> bool:
    """Say whether all strengths are equal, so that every transform gives the same."""
    values = validation.data.strengths.data
    return bool((values == values[0]).all()) if len(values) else True


def _plan_trials(
    search: SearchConfig, *, is_flat: bool, is_ordered: bool
) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Yield the first settings of every component, then the second ones and so on, as the budget allows."""
    components = [name for name in search.components if is_ordered or name not in NEED_ORDER]
    spaces = [
        [
            (name, options)
            for options in _put_last_first(name, search, _list_distinct(name, is_flat))
        ]
        for name in components or search.components
    ]
    order = [entry for entries in zip_longest(*spaces) for entry in entries if entry is not None]
    return iter(order[: max(search.trials, len(search.components))])


def _put_last_first(
    name: str, search: SearchConfig, space: list[Mapping[str, Any]]
) -> list[Mapping[str, Any]]:
    """Return the settings with those of the last search first; options that have gone since are left out of them."""
    if name not in search.first:
        return space
    option_names = ALGORITHMS[find_algorithm_name(name)].option_names()
    first = {
        option: value for option, value in search.first[name].items() if option in option_names
    }
    return [first, *(options for options in space if options != first)]


def _list_distinct(name: str, is_flat: bool) -> list[Mapping[str, Any]]:
    """The settings of an algorithm; where all values are equal, not twice what the transform alone tells apart."""
    if not is_flat or name not in SCALE_FREE:
        return list(SPACE[name])
    without = [
        {key: value for key, value in options.items() if key != "transform"}
        for options in SPACE[name]
    ]
    return [
        options
        for number, options in enumerate(SPACE[name])
        if without[number] not in without[:number]
    ]


def _reset_losers(trials: Sequence[Trial]) -> None:
    """Forget what losing trials learned, so that memory does not grow with the budget."""
    kept = select_best_trials(trials).values()
    for trial in trials:
        if not any(trial is one for one in kept):
            trial.algorithm.reset()


def ignore_progress(stage: str, done: int, total: int) -> None:
    """Progress that nobody asked for."""
