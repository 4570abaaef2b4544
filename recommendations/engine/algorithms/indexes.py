"""The indexes of an algorithm: what is kept of them, and how they are saved and read."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from recommendations.engine.core.vector_index import (
    LEAST_RECALL,
    N_QUERIES,
    Recall,
    VectorIndex,
    is_index_installed,
)

logger = logging.getLogger(__name__)

COSINE, PRODUCT = "cosine", "product"

PREFIX = "index_"
EXPANSION = "_expansion"


def draw_rows(rows: NDArray[np.int32], rng: np.random.Generator) -> NDArray[np.int32]:
    """Return the songs that an index is measured with, ascending, int32 (at most `N_QUERIES`,)."""
    return np.sort(rng.choice(rows, min(N_QUERIES, len(rows)), replace=False))


def drop_weak(
    built: Mapping[str, tuple[VectorIndex, Recall]],
) -> tuple[dict[str, VectorIndex], dict[str, dict[str, Any]]]:
    """Return the indexes that find enough, and what is to be said of all of them."""
    about = {
        name: recall.to_dict()
        | {
            "expansion": index.expansion,
            "n_bytes": int(index.graph.nbytes),
            "n_vectors": len(index),
            "used": recall.is_enough,
        }
        for name, (index, recall) in built.items()
    }
    for name, (_, recall) in built.items():
        if not recall.is_enough:
            logger.warning(
                "The index %s finds %.3f of the ten exact songs, less than %.2f, and is not used.",
                name,
                recall.at_10,
                LEAST_RECALL,
            )
    return {name: index for name, (index, recall) in built.items() if recall.is_enough}, about


def index_state(indexes: Mapping[str, VectorIndex]) -> dict[str, NDArray[Any]]:
    """Return the indexes as plain arrays."""
    graphs = {f"{PREFIX}{name}": index.graph for name, index in indexes.items()}
    expansions = {
        f"{PREFIX}{name}{EXPANSION}": np.array([index.expansion], dtype=np.int64)
        for name, index in indexes.items()
    }
    return graphs | expansions


def restore_indexes(
    algorithm: str, state: Mapping[str, NDArray[Any]], n_dimensions: Mapping[str, int]
) -> dict[str, VectorIndex]:
    """Return the indexes that were saved; none where usearch is not installed or another one wrote them.

    Everything that an index does is done without it, too, more slowly, so none of that is an error.
    """
    saved = {name: n for name, n in n_dimensions.items() if f"{PREFIX}{name}" in state}
    if not saved:
        return {}
    if not is_index_installed():
        logger.warning(
            "The model has an index for %s, but usearch is not installed: songs are compared one by one, "
            "which is exact and slower (pip install -r requirements-index.lock).",
            algorithm,
        )
        return {}
    indexes = {}
    for name, n in saved.items():
        expansion = int(state[f"{PREFIX}{name}{EXPANSION}"][0])
        try:
            indexes[name] = VectorIndex(state[f"{PREFIX}{name}"], n, expansion)
        except ValueError as error:
            logger.warning("The index %s of %s is not used: %s.", name, algorithm, error)
    return indexes
