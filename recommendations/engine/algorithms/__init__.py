"""The algorithms, found by looking: a module here with an `Algorithm` in it is registered by that."""

from __future__ import annotations

import importlib
import inspect
import pkgutil
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from recommendations.engine.algorithms.base import Algorithm, NotFitted
from recommendations.engine.algorithms.training_data import (
    DataSize,
    NotEnoughData,
    Progress,
    TrainingData,
)

__all__ = [
    "ALGORITHMS",
    "Algorithm",
    "DataSize",
    "NotEnoughData",
    "NotFitted",
    "Progress",
    "TrainingData",
    "create_algorithm",
    "find_algorithm_name",
    "keeps_histories",
]


def collect_algorithms(classes: Iterable[type]) -> dict[str, type[Algorithm]]:
    """Return the algorithms among some classes by name: those that have a name of their own.

    Raises
    ------
    TypeError
        One has a name and lacks what every algorithm must say.
    """
    named = [one for one in classes if issubclass(one, Algorithm) and "name" in vars(one)]
    for one in named:
        if inspect.isabstract(one):
            lacks = ", ".join(sorted(one.__abstractmethods__))
            raise TypeError(f"The algorithm {one.__name__} lacks {lacks}.")
    return {one.name: one for one in named}


def _list_classes() -> Iterator[type]:
    for info in pkgutil.iter_modules(__path__):
        module = importlib.import_module(f"{__name__}.{info.name}")
        yield from filter(inspect.isclass, vars(module).values())


ALGORITHMS: Mapping[str, type[Algorithm]] = collect_algorithms(_list_classes())
"""Name -> class."""


def find_algorithm_name(component: str) -> str:
    """Return the algorithm of a component: `als` of `als` and of `als_2`, which is ALS with other settings."""
    return component if component in ALGORITHMS else re.sub(r"_\d+$", "", component)


def keeps_histories(components: Iterable[str]) -> bool:
    """Return whether any of these components keeps listeners' histories in what it saves."""
    algorithms = (ALGORITHMS.get(find_algorithm_name(component)) for component in components)
    return any(algorithm is not None and algorithm.keeps_histories for algorithm in algorithms)


def create_algorithm(name: str, options: Mapping[str, Any]) -> Algorithm:
    """Return a new algorithm by its name, or by a component's (see `find_algorithm_name`).

    Raises
    ------
    ValueError
        An unknown name or hyperparameter.
    """
    name = find_algorithm_name(name)
    if name not in ALGORITHMS:
        raise ValueError(f"Unknown algorithm {name!r}; there are {', '.join(sorted(ALGORITHMS))}.")
    class_ = ALGORITHMS[name]
    if unknown := set(options) - set(class_.option_names()):
        raise ValueError(
            f"The algorithm {name!r} has no option {sorted(unknown)[0]!r}; "
            f"it has {', '.join(class_.option_names()) or 'none'}."
        )
    return class_(**options)
