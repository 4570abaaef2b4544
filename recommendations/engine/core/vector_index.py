"""Approximate nearest neighbours among unit vectors: a graph that is built once, saved, and mapped when loaded."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from recommendations.engine.core.arrays import cut_blocks

EXACT_BELOW = 200_000
"""Songs below which every song is scored: that is as quick, and exact."""

LEAST_RECALL = 0.95
"""An index that finds a smaller part of the ten exact neighbours is not used."""

WANTED_AT_10, WANTED_AT_100 = 0.98, 0.95
"""The expansion of a search grows until so much of ten and of a hundred neighbours is found, or to its largest."""

N_QUERIES = 200
"""Queries that the recall is measured with."""

N_COMPARED = 100
"""Exact neighbours of each that are looked for."""

CONNECTIVITY = 16
"""Links of a vector in each layer of the graph, twice as many in the lowest: M of Malkov and Yashunin."""

EXPANSION_BUILD = 128
"""Vectors that are kept in sight while a link is looked for (efConstruction)."""

EXPANSIONS = (64, 128, 256, 512, 1024, 2048)
"""Vectors that are kept in sight in a search (ef): the first that finds enough is taken."""

VECTORS_AT_A_TIME = 16_384

HALF_PRECISION_FROM = 32
"""Dimensions from which on vectors are kept in half precision; with fewer, too many are too near one another for it."""

GRAPH_BYTES = 150
"""Links and key of a vector in the graph."""


@dataclass(frozen=True)
class Recall:
    """How many of the exact neighbours an index finds.

    Attributes
    ----------
    at_10, at_100
        Mean part of the exact 10 and 100 best that is among as many of the index, 0 to 1.
    n_queries
    """

    at_10: float
    at_100: float
    n_queries: int

    @property
    def is_enough(self) -> bool:
        return self.at_10 >= LEAST_RECALL

    def to_dict(self) -> dict[str, float | int]:
        return {
            "recall_at_10": round(self.at_10, 4),
            "recall_at_100": round(self.at_100, 4),
            "n_queries": self.n_queries,
        }


class VectorIndex:
    """A hierarchical navigable small world graph (Malkov and Yashunin, 2018), by usearch.

    Vectors are of length 1, so that the largest product is the nearest, and in half precision where they are long. A
    search costs about `expansion` times the links of a vector, and the logarithm of their number. The graph is built
    by several threads, so two builds differ; a saved one always gives the same answer.

    Parameters
    ----------
    graph : uint8 (n_bytes,)
        As usearch writes it; searched where it lies, a mapped file included.
    n_dimensions
        Of a vector.
    expansion
        One of `EXPANSIONS`.

    Raises
    ------
    ImportError
        usearch is not installed.
    ValueError
        This is no graph of such vectors.
    """

    def __init__(self, graph: NDArray[np.uint8], n_dimensions: int, expansion: int) -> None:
        self.graph = graph
        self.n_dimensions = n_dimensions
        self.expansion = expansion
        self._index = _make_graph(n_dimensions)
        try:
            self._index.view(graph)
        except RuntimeError as error:
            raise ValueError(f"the index cannot be read: {error}") from error
        if self._index.ndim != n_dimensions:
            raise ValueError(
                f"the index has {self._index.ndim} dimensions, its vectors {n_dimensions}"
            )
        # a search works in memory of the index, and lets go of Python's lock
        self._lock = threading.Lock()

    @classmethod
    def build(
        cls,
        blocks: Iterator[tuple[NDArray[np.integer], NDArray[np.float32]]],
        n_dimensions: int,
        on_block: Callable[[int], None] = lambda done: None,
    ) -> VectorIndex:
        """Build the graph of (numbers, unit vectors (m, n_dimensions)), a block after the other.

        Cost: about 0.1 ms of a processor a vector and for each doubling of their number some more; all processors
        are used. Memory: the vectors and `GRAPH_BYTES` each, twice while it is written down.

        Parameters
        ----------
        on_block
            Called with the vectors done so far; an exception in it stops the work.
        """
        index, done = _make_graph(n_dimensions), 0
        for numbers, vectors in blocks:
            if len(numbers):
                keys = numbers.astype(np.uint64)
                index.add(keys, np.ascontiguousarray(vectors), threads=os.cpu_count() or 1)
            done += len(numbers)
            on_block(done)
        return cls(np.frombuffer(index.save(), dtype=np.uint8), n_dimensions, EXPANSIONS[0])

    def __len__(self) -> int:
        return len(self._index)

    def search(self, query: NDArray[np.float32], n: int) -> NDArray[np.int32]:
        """Return the numbers of about the n vectors of largest product with the query, best first, int32 (at most n,).

        Equal products come in the order of their numbers.
        """
        if not len(self) or n < 1:
            return np.zeros(0, dtype=np.int32)
        with self._lock:
            self._index.expansion_search = max(self.expansion, n)
            matches = self._index.search(query, min(n, len(self)), threads=1)
        order = np.lexsort((matches.keys, matches.distances))
        return np.asarray(matches.keys[order], dtype=np.int32)

    def tune(
        self,
        queries: NDArray[np.float32],
        exact: Sequence[NDArray[np.integer]],
        own: NDArray[np.integer] | None = None,
    ) -> Recall:
        """Take the smallest expansion that finds what is wanted of the exact neighbours; return what it finds.

        Parameters
        ----------
        queries
            float32 (n, n_dimensions).
        exact
            The numbers of the 100 exact neighbours of each, best first.
        own
            The number of the query itself, which is no neighbour, int (n,).
        """
        recall = Recall(0.0, 0.0, len(queries))
        for expansion in EXPANSIONS:
            self.expansion = expansion
            answers = [self.search(query, N_COMPARED + 1) for query in queries]
            if own is not None:
                answers = [rows[rows != row] for rows, row in zip(answers, own, strict=True)]
            at_10, at_100 = (_compute_share(answers, exact, n) for n in (10, 100))
            recall = Recall(at_10, at_100, len(queries))
            if recall.at_10 >= WANTED_AT_10 and recall.at_100 >= WANTED_AT_100:
                break
        return recall


def is_index_installed() -> bool:
    """Return whether an index can be built and searched here."""
    try:
        import usearch.index  # noqa: F401
    except ImportError:
        return False
    return True


def iterate_blocks(
    numbers: NDArray[np.integer],
    take_vectors: Callable[[NDArray[np.integer]], NDArray[np.float32]],
) -> Iterator[tuple[NDArray[np.integer], NDArray[np.float32]]]:
    """Yield (numbers, vectors) of some vectors at a time, for `VectorIndex.build`."""
    for rows in cut_blocks(len(numbers), VECTORS_AT_A_TIME):
        yield numbers[rows], take_vectors(numbers[rows])


def _make_graph(n_dimensions: int) -> Any:
    from usearch.index import Index

    return Index(
        ndim=n_dimensions,
        metric="ip",
        dtype="f16" if n_dimensions >= HALF_PRECISION_FROM else "f32",
        connectivity=CONNECTIVITY,
        expansion_add=EXPANSION_BUILD,
        enable_key_lookups=False,
    )


def _compute_share(
    answers: Sequence[NDArray[np.integer]], exact: Sequence[NDArray[np.integer]], n: int
) -> float:
    """Return the mean part of the first n exact ones that is among the first n of the answers; 1 without any."""
    shares = [
        np.isin(right[:n], own[:n]).mean()
        for own, right in zip(answers, exact, strict=True)
        if len(right)
    ]
    return float(np.mean(shares)) if shares else 1.0
