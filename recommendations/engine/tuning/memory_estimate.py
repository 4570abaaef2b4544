"""Estimate how much memory a fit takes from the size of the data, before anything is allocated."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from recommendations.engine.algorithms import (
    Algorithm,
    DataSize,
    create_algorithm,
)
from recommendations.engine.core.config import RankerConfig, RecommenderConfig, SearchConfig
from recommendations.engine.tuning.search_space import list_settings

EVENT_BYTES = 25
"""Of one event in `Interactions`."""
PAIR_BYTES = 16
"""Of one pair in the matrix of strengths, and once more while what one listener may decide is capped."""
FEATURES_OF_CANDIDATE = 60
"""About how many numbers the ranker reads of a candidate, in single precision."""


def estimate_fit_bytes(
    config: RecommenderConfig,
    *,
    n_listeners: int,
    n_items: int,
    n_events: int,
    n_pairs: int | None = None,
) -> int:
    """Estimate the peak of the memory that `Recommender.fit` takes, its data included.

    A search fits everything that it tries on a part of the data, of which it keeps the best of each component,
    and then all components on the whole.

    Parameters
    ----------
    n_pairs
        Listener and song pairs; as many as events where that is not known, which is never too few.
    """
    size = DataSize(n_listeners, n_items, n_events if n_pairs is None else n_pairs, n_events)
    data = _estimate_data_bytes(size)
    components = config.possible_components
    peak = _estimate_turns_bytes(
        [create_algorithm(name, options) for name, options in components.items()], size
    )
    if config.search is not None or config.ranker is not None:
        peak = max(peak, data + _estimate_search_bytes(config, size))
    return int(data + peak)


def _estimate_data_bytes(size: DataSize) -> int:
    return EVENT_BYTES * size.n_events + PAIR_BYTES * (size.n_pairs + size.n_listeners)


def _estimate_turns_bytes(algorithms: list[Algorithm], size: DataSize) -> int:
    """Estimate the peak of fits one after the other, while what was learned before stays."""
    kept, peak = 0, 0
    for algorithm in algorithms:
        peak = max(peak, kept + algorithm.fit_bytes(size))
        kept += algorithm.learned_bytes(size)
    return peak


def _estimate_search_bytes(config: RecommenderConfig, size: DataSize) -> int:
    """Estimate the largest fit of a search beside the best of each component, and what the ranker learns from."""
    algorithms_by_name = [
        [create_algorithm(name, options) for options in all_options]
        for name, all_options in _list_tried(config)
    ]
    kept = sum(max(one.learned_bytes(size) for one in trials) for trials in algorithms_by_name)
    largest_fit = max(one.fit_bytes(size) for trials in algorithms_by_name for one in trials)
    ranker = config.ranker or RankerConfig()
    candidates = min(
        size.n_items, ranker.n_by_component * len(algorithms_by_name) + ranker.n_by_artist
    )
    listeners = min(size.n_listeners, ranker.max_listeners)
    examples = 4 * FEATURES_OF_CANDIDATE * listeners * candidates
    # the examples of all blocks, and these joined
    return int(kept + max(largest_fit, 2 * examples))


def _list_tried(config: RecommenderConfig) -> Iterator[tuple[str, list[Mapping[str, Any]]]]:
    components = config.possible_components
    names = (
        config.search.components if isinstance(config.search, SearchConfig) else tuple(components)
    )
    for name in names:
        yield name, list_settings(components.get(name, {}), name)
