"""Where a recommender comes from: what is written into its manifest."""

from __future__ import annotations

import platform
from importlib.metadata import PackageNotFoundError, version
from typing import Any

from recommendations.engine.algorithms.training_data import TrainingData
from recommendations.engine.core.config import RecommenderConfig
from recommendations.engine.data.interactions import NO_TIME, Interactions

LIBRARIES = ("implicit", "numpy", "scipy", "pandas", "lightgbm")


def describe_training(config: RecommenderConfig, data: TrainingData, seed: int) -> dict[str, Any]:
    """Return plain JSON types: seed, versions, sizes, the data's window, and how values were treated."""
    return {
        "preset": config.name,
        "seed": seed,
        "libraries": list_library_versions(),
        "n_listeners": data.strengths.shape[0],
        "n_items": data.n_items,
        "n_pairs": int(data.strengths.nnz),
        "n_events": data.events.n_events if data.events is not None else int(data.strengths.nnz),
        "data_window": find_data_window(data.events),
        "transforms": {
            name: options["transform"]
            for name, options in config.components.items()
            if "transform" in options
        },
        "scale": "min-max per listener and component over the songs that may be recommended",
        "device": "cpu",
    }


def list_library_versions() -> dict[str, str]:
    """Return the versions of what computes, and of Python."""
    versions = {"python": platform.python_version()}
    for library in LIBRARIES:
        try:
            versions[library] = version(library)
        except PackageNotFoundError:
            continue
    return versions


def find_data_window(events: Interactions | None) -> dict[str, int] | None:
    """Return the first and last known moment of the events in unix seconds, None without times."""
    if events is None or not (events.timestamps != NO_TIME).any():
        return None
    times = events.timestamps[events.timestamps != NO_TIME]
    return {"first": int(times.min()), "last": int(times.max())}
