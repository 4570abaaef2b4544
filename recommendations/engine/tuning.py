"""Finding the mixture: settings, weights and the ranker, on a validation part of the training data.

Part of each listener's songs is hidden, everything is judged by finding them again, and nothing that the
caller holds back is ever seen. With a budget of trials the same data and seed give the same result.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from .algorithms import Algorithm, TrainingData, create
from .config import RankerConfig, RecommenderConfig, SearchConfig
from .lessons import Lesson
from .mixing import best_blend
from .ranker import Ranker
from .searching import OnProgress, Trial, best_trials, run_trials, silent, told_trials
from .seeding import derived_seed
from .validation import MIN_LISTENERS, Validation, ndcg_of

COMPARED_ON = 1500
"""Listeners on whom rankers with and without a component are compared."""

FEWEST_COMPONENTS = 2
AS_GOOD = 0.99
"""A component is left out if the ranker keeps at least this part of its NDCG without it: it costs every request."""

BLEND_BETTER = 1.03
"""The blend is taken instead of the ranker where something else measures better by this factor."""


@dataclass(frozen=True)
class Tuned:
    """What to fit on all of the data: settings without a search, the ranker, and how they were found."""

    config: RecommenderConfig
    ranker: Ranker | None = None
    log: dict[str, Any] = field(default_factory=dict)


def tune(
    data: TrainingData,
    config: RecommenderConfig,
    *,
    seed: int,
    on_progress: OnProgress | None = None,
    clock: Callable[[], float] = time.monotonic,
) -> Tuned:
    """Search as `config.search` says and train the ranker that `config.ranker` describes.

    Parameters
    ----------
    clock
        Only for a budget in seconds.

    Returns
    -------
    Tuned
        A configuration without a search, ready to be fitted on all of the data. With too little data to judge
        by it is the given one without a ranker.
    """
    if config.ranker is None and config.search is None:
        return Tuned(config)
    ranker_config = config.ranker or RankerConfig()
    max_judges = config.search.max_listeners if config.search else SearchConfig().max_listeners
    validation = Validation.of(data, ranker_config.holdout_share, max_judges, seed)
    if len(validation.judges) < MIN_LISTENERS:
        return _as_it_stands(config, len(validation.judges))
    report = on_progress or silent
    if config.search is None:
        fitted = _fit_known(validation, config, seed, report)
        return _refitted(config, _taught(validation, fitted, ranker_config, seed, report))
    return _searched(validation, config, config.search, ranker_config, seed, report, clock)


def _as_it_stands(config: RecommenderConfig, n_judges: int) -> Tuned:
    reason = (
        f"Only {n_judges} listeners know enough songs to judge by (at least {MIN_LISTENERS} are needed), "
        "so nothing was searched."
    )
    return Tuned(replace(config, ranker=None, search=None), None, {"chosen": "blend", "reason": reason})


# -- known settings -----------------------------------------------------------------------------------------


def _fit_known(
    validation: Validation, config: RecommenderConfig, seed: int, report: OnProgress
) -> dict[str, Algorithm]:
    """Fit the components that the ranker looks at, on the validation part."""
    fitted = {}
    for done, (name, options) in enumerate(config.components.items()):
        report("fit for the ranker", done, len(config.components))
        if name not in ("content", "popularity"):
            fitted[name] = create(name, options).fit(validation.data, seed=seed)
    report("fit for the ranker", len(config.components), len(config.components))
    return fitted


def _refitted(config: RecommenderConfig, lesson: Lesson) -> Tuned:
    ranker = lesson.learned()
    if ranker is None:
        return Tuned(replace(config, ranker=None))
    return Tuned(config, ranker, {"chosen": "ranker", "importance": ranker.importance()})


# -- searching ----------------------------------------------------------------------------------------------


def _searched(
    validation: Validation,
    config: RecommenderConfig,
    search: SearchConfig,
    ranker_config: RankerConfig,
    seed: int,
    report: OnProgress,
    clock: Callable[[], float],
) -> Tuned:
    trials = run_trials(validation, search, seed, report, clock)
    ndcg = {name: trial.ndcg for name, trial in best_trials(trials).items()}
    told = told_trials(validation, best_trials(trials), search, seed, report, clock)
    ndcg |= {f"{trial.component} told artists and genres": trial.ndcg for trial in told}
    trials += told
    fitted = {name: trial.algorithm for name, trial in best_trials(trials).items()}
    fitted, compared = _without_idle(validation, fitted, ranker_config, seed, report)
    ndcg |= compared
    helpers = _helpers(validation, config, seed)
    report("weights", 0, 1)
    weights, ndcg["blend"] = best_blend(validation, {**fitted, **helpers}, config, seed)
    ndcg |= {name: ndcg_of(algorithm, validation) for name, algorithm in helpers.items()}
    report("weights", 1, 1)
    lesson, ndcg["ranker"] = _with_share(_taught(validation, fitted, ranker_config, seed, report))
    # each is measured on some hundred listeners, so what only seems a little better is not
    chosen = "ranker" if ndcg["ranker"] * BLEND_BETTER >= max(ndcg.values()) else "blend"
    ranker = lesson.learned() if chosen == "ranker" else None
    report("ranker", 1, 1)
    components = {name: algorithm.options() for name, algorithm in {**fitted, **helpers}.items()}
    result = replace(
        config,
        components=components,
        weights=weights,
        ranker=lesson.config if ranker else None,
        search=None,
    )
    return Tuned(result, ranker, _log(validation, trials, ndcg, chosen, weights, ranker))


def _without_idle(
    validation: Validation, fitted: dict[str, Algorithm], config: RankerConfig, seed: int, report: OnProgress
) -> tuple[dict[str, Algorithm], dict[str, float]]:
    """Leave out components that the ranker does as well without, the least important first.

    Each costs time at every request. Some of the listeners are enough to compare.
    """
    quick = replace(config, max_listeners=min(config.max_listeners, COMPARED_ON))
    measured: dict[str, float] = {}
    if len(fitted) <= FEWEST_COMPONENTS:
        return fitted, measured
    lesson, best = _with_share(Lesson.of(validation, fitted, quick, seed, report))
    measured["ranker over all, some listeners"] = best
    while len(fitted) > FEWEST_COMPONENTS and (ranker := lesson.learned()) is not None:
        importance = ranker.importance()
        idle = min(fitted, key=lambda name: importance[name])
        fewer = {name: algorithm for name, algorithm in fitted.items() if name != idle}
        lesson, ndcg = _with_share(Lesson.of(validation, fewer, quick, seed, report))
        measured[f"ranker without {idle}, some listeners"] = ndcg
        if ndcg < best * AS_GOOD:
            break
        fitted, best = fewer, max(best, ndcg)
    return fitted, measured


def _taught(
    validation: Validation,
    fitted: Mapping[str, Algorithm],
    config: RankerConfig,
    seed: int,
    report: OnProgress,
) -> Lesson:
    """The lesson over these components; where listeners are few, other songs of theirs are hidden, too."""
    lesson = Lesson.of(validation, fitted, config, seed, report)
    n_listeners = max(len(lesson.listeners), 1)
    for holdout in range(1, min(config.max_holdouts, config.max_listeners // n_listeners)):
        other = validation.again(config.holdout_share, derived_seed(seed, f"holdout {holdout}"))
        learned = {
            name: create(name, algorithm.options()).fit(other.data, seed=seed)
            for name, algorithm in fitted.items()
        }
        lesson = lesson.with_more(Lesson.of(other, learned, config, seed, report))
    return lesson


def _with_share(lesson: Lesson) -> tuple[Lesson, float]:
    """The lesson with the share of the linear order that measures best, and its NDCG."""
    measured = lesson.measured()
    share = max(measured, key=lambda share: measured[share])
    return replace(lesson, config=replace(lesson.config, linear_share=share)), measured[share]


def _helpers(validation: Validation, config: RecommenderConfig, seed: int) -> dict[str, Algorithm]:
    """Content and popularity, which serve cold listeners."""
    return {
        name: create(name, config.components.get(name, {})).fit(validation.data, seed=seed)
        for name in ("content", "popularity")
    }


# -- small parts --------------------------------------------------------------------------------------------


def _log(
    validation: Validation,
    trials: Sequence[Trial],
    ndcg: Mapping[str, float],
    chosen: str,
    weights: Mapping[str, Mapping[str, float]],
    ranker: Ranker | None,
) -> dict[str, Any]:
    """Plain JSON types: what was tried, what was chosen, and what it gains over each component."""
    ours = ndcg[chosen]
    return {
        "n_judges": len(validation.judges),
        "n_hidden": int(validation.hidden.nnz),
        "trials": [
            {"component": t.component, "options": dict(t.options), "ndcg@10": round(t.ndcg, 5)}
            for t in trials
        ],
        "ndcg@10": {name: round(value, 5) for name, value in ndcg.items()},
        "chosen": chosen,
        "gain_over": {
            name: round(ours / value, 4) for name, value in ndcg.items() if name != chosen and value > 0
        },
        "weights": {segment: dict(values) for segment, values in weights.items()},
        "importance": ranker.importance() if ranker else {},
        "linear_share": ranker.config.linear_share if ranker else 0.0,
    }
