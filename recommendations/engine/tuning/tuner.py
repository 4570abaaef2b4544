"""Finding the mixture: settings, weights and the ranker, on a validation part of the training data.

Part of each listener's songs is hidden, everything is judged by finding them again, and nothing that the
caller holds back is ever seen. With a budget of trials the same data and seed give the same result on a machine with
the same free memory, which decides how many factors are tried and what EASE solves exactly; the log has what was left
out for it.
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
)
from recommendations.engine.core.config import (
    RankerConfig,
    RecommenderConfig,
    SearchConfig,
)
from recommendations.engine.ranking.tree_ranker import Ranker
from recommendations.engine.tuning.blend_weights import ensure_weight, judge_blend, search_blend
from recommendations.engine.tuning.component_selection import build_dataset, drop_idle_components
from recommendations.engine.tuning.crowd import MANY_LISTENERS_TO_RANK
from recommendations.engine.tuning.hyperparameter_search import (
    LeftOut,
    OnProgress,
    Trial,
    ignore_progress,
    run_decay_trials,
    run_side_information_trials,
    run_trials,
    select_best_trials,
)
from recommendations.engine.tuning.order_value import choose_decays
from recommendations.engine.tuning.ranker_training import RankerDataset
from recommendations.engine.tuning.search_log import describe_validation, make_log, round_values
from recommendations.engine.tuning.system_comparison import Comparison
from recommendations.engine.tuning.validation import MIN_LISTENERS, Validation


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
    config
        What its order is learned for is decided (`order_value.decide_order`); left open it is any song that belongs.
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
        data, ranker_config.holdout_share, max_listeners, seed, newest=config.learns_newest
    )
    if len(validation.validation_listeners) < MIN_LISTENERS:
        return _keep_config(config, len(validation.validation_listeners))
    report = on_progress or ignore_progress
    if config.search is None:
        return _rank_given_settings(validation, config, ranker_config, seed, report)
    return _search(validation, config, config.search, ranker_config, seed, report, clock)


def _keep_config(config: RecommenderConfig, n_listeners: int) -> Tuned:
    reason = (
        f"Nothing was searched: it takes {MIN_LISTENERS} listeners who know enough songs to judge by, and this site "
        f"has {n_listeners}."
    )
    return Tuned(
        replace(config, ranker=None, search=None), None, {"chosen": "blend", "reason": reason}
    )


# -- given settings -----------------------------------------------------------------------------------------


def _rank_given_settings(
    validation: Validation,
    config: RecommenderConfig,
    ranker_config: RankerConfig,
    seed: int,
    report: OnProgress,
) -> Tuned:
    """Train the ranker on the components as they are set; where few listeners judge, the blend may beat it."""
    fitted = choose_decays(validation, _fit_components(validation, config, seed, report), report)
    config = _keep_decays(config, fitted)
    dataset = build_dataset(validation, fitted, ranker_config, config.cold_below, seed, report)
    if dataset.n_known < MANY_LISTENERS_TO_RANK:
        comparison = _compare_with_blend(validation, fitted, config, dataset, seed)
        if not comparison.is_better:
            log = {
                "validation": describe_validation(validation),
                "chosen": "blend",
                "comparisons": [comparison.to_dict()],
            }
            return Tuned(replace(config, ranker=None), None, log)
    return _train_ranker(config, dataset, validation)


def _fit_components(
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


def _keep_decays(config: RecommenderConfig, fitted: Mapping[str, Algorithm]) -> RecommenderConfig:
    """Return the configuration with the decays that were chosen for its components."""
    components = {name: dict(options) for name, options in config.components.items()}
    for name, algorithm in fitted.items():
        decay = algorithm.options().get("history_decay", 1.0)
        if decay != create_algorithm(name, components[name]).options().get("history_decay", 1.0):
            components[name]["history_decay"] = decay
    return replace(config, components=components)


def _compare_with_blend(
    validation: Validation,
    fitted: Mapping[str, Algorithm],
    config: RecommenderConfig,
    dataset: RankerDataset,
    seed: int,
) -> Comparison:
    """Compare the ranker with the blend whose weights are given, on the songs hidden from few listeners."""
    everything = {**fitted, **_fit_helpers(validation, config, seed)}
    blend = judge_blend(everything, validation.cases(), config)
    return Comparison.compare("ranker", dataset.cross_validate().ndcg, "blend", blend, seed)


def _train_ranker(
    config: RecommenderConfig, dataset: RankerDataset, validation: Validation
) -> Tuned:
    if not dataset.is_new.any():
        # so few listeners that none were kept out as new ones: of short histories the order has seen nothing
        dataset = replace(dataset, config=replace(dataset.config, ranks_cold=False))
    ranker = dataset.train()
    if ranker is None:
        return Tuned(replace(config, ranker=None))
    config = replace(config, ranker=dataset.config)
    log = {
        "validation": describe_validation(validation),
        "chosen": "ranker",
        "importance": ranker.importance(),
    }
    return Tuned(config, ranker, log)


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
    tried = _try_settings(validation, config, search, seed, report, clock)
    fitted = tried.fitted
    cases = validation.cases()
    new = validation.new_cases(1, max(config.cold_below - 1, 1), seed)
    alone = {name: cases.ndcg(algorithm) for name, algorithm in fitted.items()}
    new_alone = {name: new.ndcg(algorithm) for name, algorithm in fitted.items()}
    protected = {_find_best(alone), _find_best(new_alone)} if len(new) else {_find_best(alone)}
    fitted, comparisons = drop_idle_components(
        validation, fitted, protected, config, ranker_config, seed, report
    )
    helpers = _fit_helpers(validation, config, seed)
    report("weights", 0, 1)
    blend = search_blend({**fitted, **helpers}, cases, new, config, seed)
    alone |= {name: cases.ndcg(algorithm) for name, algorithm in helpers.items()}
    new_alone |= {name: new.ndcg(algorithm) for name, algorithm in helpers.items()}
    report("weights", 1, 1)
    dataset = build_dataset(validation, fitted, ranker_config, config.cold_below, seed, report)
    names = (*fitted, *helpers)
    order = _choose_order(
        dataset,
        blend.weights,
        {"blend": blend.ndcg, **{name: alone[name] for name in names}},
        {"blend": blend.new_ndcg, **{name: new_alone[name] for name in names}},
        n_new=len(new),
        seed=seed,
    )
    report("ranker", 1, 1)
    components = {name: algorithm.options() for name, algorithm in {**fitted, **helpers}.items()}
    result = replace(
        config,
        components=components,
        weights=order.weights,
        ranker=order.ranker_config,
        search=None,
    )
    log = make_log(
        validation,
        search,
        tried.trials,
        tried.left_out,
        tried.ndcg | order.ndcg,
        order.chosen,
        order.weights,
        order.ranker,
        seed,
    )
    log["comparisons"] = [one.to_dict() for one in (*comparisons, *order.comparisons)]
    if len(new):
        new_ndcg = round_values(order.new_ndcg)
        log |= {"n_new_listeners": len(new), "ndcg@10 of new listeners": new_ndcg}
    return Tuned(result, order.ranker, log)


@dataclass(frozen=True)
class _TriedSettings:
    """The settings that were tried, the mean NDCG@10 of the best ones, and the best ones' fits by component."""

    trials: list[Trial]
    left_out: list[LeftOut]
    ndcg: dict[str, float]
    fitted: dict[str, Algorithm]


def _try_settings(
    validation: Validation,
    config: RecommenderConfig,
    search: SearchConfig,
    seed: int,
    report: OnProgress,
    clock: Callable[[], float],
) -> _TriedSettings:
    """Try settings of each component, then side information and decays for the best of them."""
    finished = run_trials(validation, search, seed, report, clock)
    trials = finished.trials
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
    return _TriedSettings(trials, finished.left_out, ndcg, fitted)


@dataclass(frozen=True)
class _Order:
    """Which system orders the songs, the weights where the blend does, and what was compared to choose it.

    Attributes
    ----------
    chosen
        "ranker", "blend" or the name of a component.
    ranker, ranker_config
        None where the ranker is not the best.
    ndcg, new_ndcg
        Mean NDCG@10 by system, of listeners with songs held out and of new listeners.
    """

    chosen: str
    weights: dict[str, dict[str, float]]
    ranker: Ranker | None
    ranker_config: RankerConfig | None
    comparisons: list[Comparison]
    ndcg: dict[str, float]
    new_ndcg: dict[str, float]


def _choose_order(
    dataset: RankerDataset,
    weights: Mapping[str, dict[str, float]],
    baselines: Mapping[str, NDArray[np.float64]],
    new_baselines: Mapping[str, NDArray[np.float64]],
    *,
    n_new: int,
    seed: int,
) -> _Order:
    """Compare the ranker with the best of the baselines, the blend and each component, and train it if it wins.

    `baselines` and `new_baselines` have NDCG@10 by listener; neither they nor the ranker were trained on the
    listeners by whom they are compared, and those are the same ones.
    """
    measured = dataset.cross_validate()
    best = _find_best(baselines)
    warm = Comparison.compare("ranker", measured.ndcg, best, baselines[best], seed)
    comparisons = [warm]
    weights = _use_single_component(weights, best, ("warm", "hot"))
    ranks_cold = False
    if n_new >= MIN_LISTENERS:
        new_best = _find_best(new_baselines)
        cold = Comparison.compare(
            "ranker", measured.new_ndcg, new_best, new_baselines[new_best], seed, "new listeners"
        )
        comparisons.append(cold)
        weights = _use_single_component(weights, new_best, ("none", "cold"))
        ranks_cold = cold.is_better
    final = replace(dataset.config, linear_share=measured.linear_share, ranks_cold=ranks_cold)
    ranker = replace(dataset, config=final).train() if warm.is_better else None
    return _Order(
        chosen="ranker" if warm.is_better else best,
        weights=weights,
        ranker=ranker,
        ranker_config=final if ranker else None,
        comparisons=comparisons,
        ndcg=_compute_mean_by_system(baselines) | {"ranker": float(measured.ndcg.mean())},
        new_ndcg=(
            _compute_mean_by_system(new_baselines) | {"ranker": float(measured.new_ndcg.mean())}
            if n_new
            else {}
        ),
    )


def _compute_mean_by_system(ndcg: Mapping[str, NDArray[np.float64]]) -> dict[str, float]:
    return {name: float(values.mean()) for name, values in ndcg.items()}


def _find_best(ndcg: Mapping[str, NDArray[np.float64]]) -> str:
    """Return the name of the highest mean, the first one where they are equal."""
    return max(ndcg, key=lambda name: float(ndcg[name].mean()))


def _use_single_component(
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


def _fit_helpers(
    validation: Validation, config: RecommenderConfig, seed: int
) -> dict[str, Algorithm]:
    """Content and popularity, which serve cold listeners."""
    return {
        name: create_algorithm(name, config.components.get(name, {})).fit(
            validation.data, seed=seed
        )
        for name in ("content", "popularity")
    }
