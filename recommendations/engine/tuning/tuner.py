"""Finding the mixture: settings, weights and the ranker, on a validation part of the training data.

Part of each listener's songs is hidden, everything is judged by finding them again, and nothing that the
caller holds back is ever seen. With a budget of trials the same data and seed give the same result.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from recommendations.engine.algorithms import (
    Algorithm,
    TrainingData,
    create_algorithm,
    find_algorithm_name,
)
from recommendations.engine.core.config import (
    RankerConfig,
    RecommenderConfig,
    SearchConfig,
)
from recommendations.engine.core.intervals import Interval, bootstrap_difference
from recommendations.engine.core.seeding import derive_seed
from recommendations.engine.ranking.tree_ranker import Ranker
from recommendations.engine.tuning.blend_weights import ensure_weight, search_blend
from recommendations.engine.tuning.hyperparameter_search import (
    OnProgress,
    Trial,
    ignore_progress,
    run_decay_trials,
    run_side_information_trials,
    run_trials,
    select_best_trials,
)
from recommendations.engine.tuning.ranker_training import RankerDataset
from recommendations.engine.tuning.validation import MIN_LISTENERS, Validation

COMPARED_ON = 1500
"""Listeners on whom rankers with and without a component are compared."""

FEWEST_COMPONENTS = 2
MOST_LOST = 0.005
"""A component is left out if the ranker surely loses less than this part of its NDCG: it costs every request."""


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
    max_listeners = config.search.max_listeners if config.search else SearchConfig().max_listeners
    validation = Validation.hold_out(
        data, ranker_config.holdout_share, max_listeners, seed, newest=ranker_config.newest_held_out
    )
    if len(validation.validation_listeners) < MIN_LISTENERS:
        return _as_it_stands(config, len(validation.validation_listeners))
    report = on_progress or ignore_progress
    if config.search is None:
        fitted = _fit_known(validation, config, seed, report)
        return _refit(
            config,
            _build_dataset(validation, fitted, ranker_config, config.cold_below, seed, report),
        )
    return _search(validation, config, config.search, ranker_config, seed, report, clock)


def _as_it_stands(config: RecommenderConfig, n_listeners: int) -> Tuned:
    reason = (
        f"Only {n_listeners} listeners know enough songs to judge by (at least {MIN_LISTENERS} are needed), "
        "so nothing was searched."
    )
    return Tuned(
        replace(config, ranker=None, search=None), None, {"chosen": "blend", "reason": reason}
    )


# -- known settings -----------------------------------------------------------------------------------------


def _fit_known(
    validation: Validation, config: RecommenderConfig, seed: int, report: OnProgress
) -> dict[str, Algorithm]:
    """Fit the components that the ranker looks at, on the validation part."""
    fitted = {}
    for done, (name, options) in enumerate(config.components.items()):
        report("fit for the ranker", done, len(config.components))
        if name not in ("content", "popularity"):
            fitted[name] = create_algorithm(name, options).fit(validation.data, seed=seed)
    report("fit for the ranker", len(config.components), len(config.components))
    return fitted


def _refit(config: RecommenderConfig, dataset: RankerDataset) -> Tuned:
    if not dataset.is_new.any():
        # so few listeners that none were kept out as new ones: of short histories the order has seen nothing
        dataset = replace(dataset, config=replace(dataset.config, ranks_cold=False))
    ranker = dataset.train()
    if ranker is None:
        return Tuned(replace(config, ranker=None))
    config = replace(config, ranker=dataset.config)
    return Tuned(config, ranker, {"chosen": "ranker", "importance": ranker.importance()})


# -- searching ----------------------------------------------------------------------------------------------


def _search(
    validation: Validation,
    config: RecommenderConfig,
    search: SearchConfig,
    ranker_config: RankerConfig,
    seed: int,
    report: OnProgress,
    clock: Callable[[], float],
) -> Tuned:
    trials = run_trials(validation, search, seed, report, clock)
    ndcg = {name: trial.ndcg for name, trial in select_best_trials(trials).items()}
    informed_trials = run_side_information_trials(
        validation, select_best_trials(trials), search, seed, report, clock
    )
    ndcg |= {f"{trial.component} told artists and genres": trial.ndcg for trial in informed_trials}
    trials += informed_trials
    trials += run_decay_trials(validation, select_best_trials(trials), report)
    fitted = {name: trial.algorithm for name, trial in select_best_trials(trials).items()}
    if "prior" in config.components:
        fitted["prior"] = create_algorithm("prior", config.components["prior"]).fit(
            validation.data, seed=seed
        )
    cases = validation.cases()
    new = validation.new_cases(1, max(config.cold_below - 1, 1), seed)
    alone = {name: cases.ndcg(algorithm) for name, algorithm in fitted.items()}
    new_alone = {name: new.ndcg(algorithm) for name, algorithm in fitted.items()}
    protected = {_best(alone), _best(new_alone)} if len(new) else {_best(alone)}
    fitted, comparisons = _drop_idle(
        validation, fitted, protected, config, ranker_config, seed, report
    )
    helpers = _helpers(validation, config, seed)
    report("weights", 0, 1)
    blend = search_blend({**fitted, **helpers}, cases, new, config, seed)
    alone |= {name: cases.ndcg(algorithm) for name, algorithm in helpers.items()}
    new_alone |= {name: new.ndcg(algorithm) for name, algorithm in helpers.items()}
    report("weights", 1, 1)
    dataset = _build_dataset(validation, fitted, ranker_config, config.cold_below, seed, report)
    measured = dataset.cross_validate()
    # both by listeners neither was trained on, and by the same ones
    blended = {"blend": blend.ndcg, **{name: alone[name] for name in (*fitted, *helpers)}}
    new_blended = {
        "blend": blend.new_ndcg,
        **{name: new_alone[name] for name in (*fitted, *helpers)},
    }
    warm = Comparison.compare(
        "ranker", measured.ndcg, _best(blended), blended[_best(blended)], seed
    )
    comparisons.append(warm)
    weights = _with_single(blend.weights, _best(blended), ("warm", "hot"))
    ranks_cold = False
    if len(new) >= MIN_LISTENERS:
        baseline = _best(new_blended)
        cold = Comparison.compare(
            "ranker", measured.new_ndcg, baseline, new_blended[baseline], seed, "new listeners"
        )
        comparisons.append(cold)
        weights = _with_single(weights, baseline, ("none", "cold"))
        ranks_cold = cold.is_better
    ndcg |= {name: float(values.mean()) for name, values in blended.items()}
    ndcg["ranker"] = float(measured.ndcg.mean())
    chosen = "ranker" if warm.is_better else _best(blended)
    final = replace(dataset.config, linear_share=measured.linear_share, ranks_cold=ranks_cold)
    ranker = replace(dataset, config=final).train() if warm.is_better else None
    report("ranker", 1, 1)
    components = {name: algorithm.options() for name, algorithm in {**fitted, **helpers}.items()}
    result = replace(
        config,
        components=components,
        weights=weights,
        ranker=final if ranker else None,
        search=None,
    )
    log = _log(validation, trials, ndcg, chosen, weights, ranker)
    log["comparisons"] = [comparison.to_dict() for comparison in comparisons]
    if len(new):
        new_ndcg = {name: float(values.mean()) for name, values in new_blended.items()}
        new_ndcg["ranker"] = float(measured.new_ndcg.mean())
        log |= {"n_new_listeners": len(new), "ndcg@10 of new listeners": _round_values(new_ndcg)}
    return Tuned(result, ranker, log)


@dataclass(frozen=True)
class Comparison:
    """Two systems on the same listeners: the difference of their NDCG, with its 95 % bootstrap interval."""

    system: str
    rival: str
    listeners: str
    n_listeners: int
    difference: Interval

    @classmethod
    def compare(
        cls,
        system: str,
        ndcg: NDArray[np.float64],
        baseline: str,
        baseline_ndcg: NDArray[np.float64],
        seed: int,
        listeners: str = "validation",
    ) -> Comparison:
        """Compare two systems by one value a listener each, (n,)."""
        interval = bootstrap_difference(ndcg, baseline_ndcg, seed=derive_seed(seed, "comparison"))
        return cls(system, baseline, listeners, len(ndcg), interval)

    @property
    def is_better(self) -> bool:
        """Whether the system has the higher mean; the interval says how sure that is."""
        return self.difference.mean > 0

    def to_dict(self) -> dict[str, Any]:
        """Return plain JSON types."""
        interval = {name: round(value, 5) for name, value in self.difference.to_dict().items()}
        return {
            "system": self.system,
            "rival": self.rival,
            "listeners": self.listeners,
            "n_listeners": self.n_listeners,
            "difference": interval,
        }


def _best(ndcg: Mapping[str, NDArray[np.float64]]) -> str:
    """Return the name of the highest mean, the first one where they are equal."""
    return max(ndcg, key=lambda name: float(ndcg[name].mean()))


def _with_single(
    weights: Mapping[str, dict[str, float]], best: str, segments: Sequence[str]
) -> dict[str, dict[str, float]]:
    """Return the weights with everything on one component in these segments, unless the blend itself is best."""
    if best == "blend":
        return dict(weights)
    single = {name: float(name == best) for name in weights[segments[0]]}
    # popularity keeps its small part where a history can be empty
    return {
        **weights,
        **{
            s: ensure_weight(single, "popularity", 0.02) if s in ("none", "cold") else single
            for s in segments
        },
    }


def _drop_idle(
    validation: Validation,
    fitted: dict[str, Algorithm],
    protected: set[str],
    config: RecommenderConfig,
    ranker_config: RankerConfig,
    seed: int,
    report: OnProgress,
) -> tuple[dict[str, Algorithm], list[Comparison]]:
    """Leave out components that the ranker surely does as well without, the least important first.

    Each costs time at every request. Some of the listeners are enough to compare; the best single components
    stay in any case, because the blend and cold listeners need them.
    """
    quick = replace(ranker_config, max_listeners=min(ranker_config.max_listeners, COMPARED_ON))
    comparisons: list[Comparison] = []
    if len(fitted) <= FEWEST_COMPONENTS:
        return fitted, comparisons
    dataset = RankerDataset.build(validation, fitted, quick, config.cold_below, seed, report)
    full_ndcg = dataset.cross_validate().ndcg
    while len(fitted) > FEWEST_COMPONENTS and (ranker := dataset.train()) is not None:
        importance = ranker.importance()
        droppable = [name for name in fitted if name not in protected]
        if not droppable:
            break
        idle = min(droppable, key=lambda name: importance[find_algorithm_name(name)])
        fewer = {name: algorithm for name, algorithm in fitted.items() if name != idle}
        dataset = RankerDataset.build(validation, fewer, quick, config.cold_below, seed, report)
        ndcg = dataset.cross_validate().ndcg
        comparison = Comparison.compare(
            f"ranker without {idle}", ndcg, "ranker over all", full_ndcg, seed
        )
        comparisons.append(comparison)
        if comparison.difference.low < -MOST_LOST * full_ndcg.mean():
            break
        fitted = fewer
    return fitted, comparisons


def _build_dataset(
    validation: Validation,
    fitted: Mapping[str, Algorithm],
    config: RankerConfig,
    cold_below: int,
    seed: int,
    report: OnProgress,
) -> RankerDataset:
    """Return the lesson over these components; where listeners are few, other songs of theirs are hidden, too."""
    dataset = RankerDataset.build(validation, fitted, config, cold_below, seed, report)
    n_listeners = max(dataset.n_known, 1)
    # there is only one end of a history
    n_holdouts = 1 if validation.is_ordered else config.max_holdouts
    for holdout in range(1, min(n_holdouts, config.max_listeners // n_listeners)):
        other = validation.resample(config.holdout_share, derive_seed(seed, f"holdout {holdout}"))
        learned = {
            name: create_algorithm(name, algorithm.options()).fit(other.data, seed=seed)
            for name, algorithm in fitted.items()
        }
        more = RankerDataset.build(
            other, learned, config, cold_below, derive_seed(seed, f"given {holdout}"), report
        )
        dataset = dataset.add_examples(more)
    return dataset


def _helpers(validation: Validation, config: RecommenderConfig, seed: int) -> dict[str, Algorithm]:
    """Content and popularity, which serve cold listeners."""
    return {
        name: create_algorithm(name, config.components.get(name, {})).fit(
            validation.data, seed=seed
        )
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
        "n_judges": len(validation.validation_listeners),
        "n_hidden": int(validation.held_out.nnz),
        "trials": [
            {"component": t.component, "options": dict(t.options), "ndcg@10": round(t.ndcg, 5)}
            for t in trials
        ],
        "ndcg@10": _round_values(ndcg),
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


def _round_values(ndcg: Mapping[str, float]) -> dict[str, float]:
    return {name: round(value, 5) for name, value in ndcg.items()}
