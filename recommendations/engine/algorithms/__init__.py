"""The algorithms, found by looking: a module here with an `Algorithm` in it is registered by that."""

from __future__ import annotations

import importlib
import inspect
import pkgutil
import re
from collections.abc import Iterable, Mapping
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


def _discover_algorithms() -> dict[str, type[Algorithm]]:
    modules = (
        importlib.import_module(f"{__name__}.{info.name}")
        for info in pkgutil.iter_modules(__path__)
    )
    classes = (
        value for module in modules for value in vars(module).values() if inspect.isclass(value)
    )
    return {
        class_.name: class_
        for class_ in classes
        if issubclass(class_, Algorithm) and not inspect.isabstract(class_)
    }


ALGORITHMS: Mapping[str, type[Algorithm]] = _discover_algorithms()
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
