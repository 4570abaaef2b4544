"""What the search tries: settings of each algorithm, variations of the best, and cheap forms for a first look."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import islice, zip_longest
from typing import Any

import numpy as np

from recommendations.engine.algorithms import (
    ALGORITHMS,
    Algorithm,
    create_algorithm,
    find_algorithm_name,
)
from recommendations.engine.algorithms.ease import EASE
from recommendations.engine.core.config import SearchConfig
from recommendations.engine.core.seeding import make_generator

Options = Mapping[str, Any]

EASE_PLUS: Options = {
    "regularization": None,
    "song_weight": 0.5,
    "denoising": 0.3,
    "popularity_discount": 0.1,
}
"""Denoising, songs weighed by their listeners, and a discount for popularity: what lifts EASE on most data."""
NEAR: Options = {**EASE_PLUS, "n_neighbours": 100}
"""The same with each song learned from those that it is heard with most."""

SPACE: Mapping[str, Sequence[Options]] = {
    "ease": (
        {**NEAR},
        {**EASE_PLUS},
        {**NEAR, "n_neighbours": 50, "song_weight": 0.3},
        {**NEAR, "regularization": 50.0, "transform": "log"},
        {**NEAR, "n_neighbours": 200, "denoising": 0.5},
        {**EASE_PLUS, "song_weight": 0.6, "denoising": 0.5, "popularity_discount": 0.2},
        {**EASE_PLUS, "song_weight": 0.4, "denoising": 0.1, "popularity_discount": 0.2},
        {"regularization": 100.0},
        {**NEAR, "n_neighbours": 50, "transform": "log"},
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
        {
            "n_neighbours": 100,
            "length_power": 0.6,
            "similarity_power": 2.0,
            "before": 0.4,
            "distance_power": 0.5,
        },
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
        {
            "transform": "binary",
            "direction": "both",
            "window": 20,
            "popularity_exponent": 0.4,
            "history_decay": 1.0,
        },
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

DOUBLED = frozenset({"als", "ials"})
"""Algorithms of which twice the factors are tried where the most that were tried are the best."""
MOST_FACTORS = 1024
"""No more factors are tried."""

NEED_ORDER = frozenset({"transitions"})
"""Algorithms that are only tried where it is known what was heard before what."""

SCALE_FREE = frozenset({"ease", "item_knn", "softmax", "user_knn"})
"""Algorithms that find the same songs if all values are multiplied by one number."""

VARIED: Mapping[str, tuple[float, float]] = {
    "regularization": (1.0, 2000.0),
    "alpha": (1.0, 100.0),
    "n_neighbours": (20, 1000),
    "idf_power": (0.2, 2.5),
    "length_power": (0.3, 1.2),
    "similarity_power": (1.0, 4.0),
    "distance_power": (0.1, 1.5),
    "bm25_b": (0.1, 0.95),
    "song_weight": (0.1, 0.8),
    "denoising": (0.05, 0.6),
    "popularity_discount": (0.02, 0.3),
    "temperature": (0.05, 0.3),
}
"""Options that variations of a setting change, and between which values."""
VARIATION = 0.4
"""Deviation of a varied option's logarithm."""

ITERATIONS = ("n_iterations", "n_epochs")
FEWEST_ITERATIONS = 3
CHEAP_NEIGHBOURS = 200
"""An exact EASE is tried with this times the share of the iterations as its neighbours first."""


def plan_trials(
    search: SearchConfig, *, is_flat: bool, is_ordered: bool, seed: int
) -> list[tuple[str, Options]]:
    """Return (component, settings) in the order in which they are tried, as many as the budget of trials allows.

    The first settings of every component come first, then the second ones and so on; what is left of the budget
    goes to variations of each component's first settings, which are those of the last search where there was one.
    """
    names = [name for name in search.components if is_ordered or name not in NEED_ORDER]
    names = names or list(search.components)
    spaces = {name: _put_last_first(name, search, _list_distinct(name, is_flat)) for name in names}
    rows = zip_longest(*([(name, each) for each in spaces[name]] for name in names))
    planned = [entry for row in rows for entry in row if entry is not None]
    n_trials = max(search.trials, len(names))
    n_more = max(n_trials - len(planned), 0)
    variations = [_vary(name, spaces[name][0], seed) for name in names]
    # a component without options to vary has no variation
    varied = [each for row in zip_longest(*(islice(v, n_more) for v in variations)) for each in row]
    return [*planned, *(each for each in varied if each is not None)][:n_trials]


def list_settings(config_options: Options, component: str) -> list[Options]:
    """Return everything that may be tried of a component, variations left out."""
    return [*SPACE.get(find_algorithm_name(component), ()), config_options]


def make_cheap(name: str, options: Options, share: float) -> Algorithm:
    """Return an algorithm that orders settings about as the one with these options does, and costs less.

    An exact EASE learns each song from few others; what iterates makes `share` of its iterations. The neighbours,
    which are quick, are what they are. With a share of 1 it is the algorithm itself.
    """
    algorithm = create_algorithm(name, options)
    if share >= 1:
        return algorithm
    if isinstance(algorithm, EASE) and algorithm.n_neighbours is None:
        return create_algorithm(name, {**options, "n_neighbours": round(share * CHEAP_NEIGHBOURS)})
    fewer = {
        option: max(round(share * value), min(FEWEST_ITERATIONS, value))
        for option, value in algorithm.options().items()
        if option in ITERATIONS
    }
    return create_algorithm(name, {**options, **fewer}) if fewer else algorithm


def extend(tried: Sequence[Options], best: Options) -> Options | None:
    """Return the best settings with twice the factors where these are the most that were tried; else None."""
    most = max((options.get("n_factors") or 0 for options in tried), default=0)
    if not 0 < most < MOST_FACTORS or best.get("n_factors") != most:
        return None
    return {**best, "n_factors": min(2 * most, MOST_FACTORS)}


def _vary(name: str, options: Options, seed: int) -> Iterator[tuple[str, Options]]:
    """Yield settings near these, without end; nothing where no option can vary."""
    defaults = create_algorithm(name, options).options()
    varied = [option for option in VARIED if defaults.get(option)]
    rng = make_generator(seed, f"variations of {name}")
    while varied:
        changed = {
            option: _vary_value(option, defaults[option], rng)
            for option in varied
            if rng.random() < 0.5
        }
        if changed:
            yield name, {**options, **changed}


def _vary_value(option: str, value: float, rng: np.random.Generator) -> float:
    low, high = VARIED[option]
    result = float(np.clip(value * np.exp(rng.normal(0, VARIATION)), low, high))
    return round(result) if isinstance(value, int) else float(f"{result:.3g}")


def _put_last_first(name: str, search: SearchConfig, space: list[Options]) -> list[Options]:
    """Return the settings with those of the last search first; options that have gone since are left out of them."""
    if name not in search.first:
        return space
    option_names = ALGORITHMS[find_algorithm_name(name)].option_names()
    first = {
        option: value for option, value in search.first[name].items() if option in option_names
    }
    return [first, *(options for options in space if options != first)]


def _list_distinct(name: str, is_flat: bool) -> list[Options]:
    """The settings of an algorithm; where all values are equal, not twice what the transform alone tells apart."""
    settings = SPACE[find_algorithm_name(name)]
    if not is_flat or name not in SCALE_FREE:
        return list(settings)
    without = [
        {key: value for key, value in options.items() if key != "transform"} for options in settings
    ]
    return [
        options
        for number, options in enumerate(settings)
        if without[number] not in without[:number]
    ]
