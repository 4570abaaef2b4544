"""Which components the ranker needs: those that it surely does as well without are dropped."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from recommendations.engine.algorithms import (
    Algorithm,
    create_algorithm,
    find_algorithm_name,
)
from recommendations.engine.core.config import (
    RankerConfig,
    RecommenderConfig,
)
from recommendations.engine.core.seeding import derive_seed
from recommendations.engine.tuning.hyperparameter_search import (
    OnProgress,
)
from recommendations.engine.tuning.ranker_training import RankerDataset
from recommendations.engine.tuning.system_comparison import Comparison
from recommendations.engine.tuning.validation import Validation

COMPARED_ON = 1500
"""Listeners on whom rankers with and without a component are compared."""
FEWEST_COMPONENTS = 2
MOST_LOST = 0.005
"""A component is left out if the ranker surely loses less than this part of its NDCG: it costs every request."""


def drop_idle_components(
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


def build_dataset(
    validation: Validation,
    fitted: Mapping[str, Algorithm],
    config: RankerConfig,
    cold_below: int,
    seed: int,
    report: OnProgress,
) -> RankerDataset:
    """Build the ranker's data over these components; for few listeners also from other held-out songs of theirs."""
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
