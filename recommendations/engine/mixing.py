"""Finding the weights of the linear blend for cold, warm and hot listeners."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix

from .algorithms import Algorithm
from .arrays import n_per_row, positive_part, row_numbers, top_columns
from .config import SEGMENTS, RecommenderConfig
from .ensemble import Blend, segments_of
from .seeding import generator
from .validation import MIN_LISTENERS, K, Validation, ndcg_of_lists

N_BLENDS = 24
"""Random mixtures that are tried for a segment."""
N_NEAR = 16
"""Mixtures near the best one that are tried after that."""
N_SAMPLE = 400
"""Listeners whom the weights of a segment are found on; others judge them."""


def best_blend(
    validation: Validation, fitted: Mapping[str, Algorithm], config: RecommenderConfig, seed: int
) -> tuple[dict[str, dict[str, float]], float]:
    """Find the weights of each segment, and the blend's NDCG for listeners they were not found on.

    Cold listeners are few in most data, so others' histories cut to their first songs stand for them.
    """
    names = tuple(fitted)
    rng = generator(seed, "weights")
    segments = segments_of(n_per_row(positive_part(validation.data.strengths)), config)[validation.judges]
    found: dict[str, dict[str, float]] = {}
    seen: list[tuple[float, int]] = []
    for place, segment in enumerate(SEGMENTS):
        rows = validation.judges[segments == place] if place > 1 else validation.judges
        order = rng.permutation(rows)
        sample, others = order[:N_SAMPLE], order[N_SAMPLE : 2 * N_SAMPLE]
        if place == 0 or len(sample) < MIN_LISTENERS:
            continue
        histories = validation.data.strengths[sample]
        if segment == "cold":
            histories = _cut(histories, config.cold_below - 1, rng)
        weights, ndcg = _best_weights(_Parts.of(fitted, histories), validation.hidden[sample], names, rng)
        found[segment] = weights
        if place > 1:
            if len(others) >= MIN_LISTENERS:
                judged = _Parts.of(fitted, validation.data.strengths[others])
                ndcg = judged.ndcg(np.array([weights[name] for name in names]), validation.hidden[others])
            seen.append((ndcg, len(rows)))
    return _completed(found, names), _mean(seen)


def _completed(found: Mapping[str, dict[str, float]], names: Sequence[str]) -> dict[str, dict[str, float]]:
    """Fill in the segments that could not be judged; popularity always has a part, for who has no history."""
    known = next(iter(found.values()), {name: 1 / len(names) for name in names})
    weights = {segment: dict(found.get(segment, known)) for segment in SEGMENTS}
    weights["none"] = dict(weights["cold"])
    for name in ("none", "cold"):
        weights[name] = _with_some(weights[name], "popularity", 0.02)
    return weights


def _with_some(weights: Mapping[str, float], name: str, least: float) -> dict[str, float]:
    raised = {**weights, name: max(weights.get(name, 0), least)}
    total = sum(raised.values())
    return {key: value / total for key, value in raised.items()}


def _mean(values: Sequence[tuple[float, int]]) -> float:
    total = sum(n for _, n in values)
    return sum(value * n for value, n in values) / total if total else 0.0


def _cut(histories: csr_matrix, most: int, rng: np.random.Generator) -> csr_matrix:
    """Keep 1 to `most` random liked songs of each history."""
    liked = positive_part(histories)
    rows = row_numbers(liked)
    order = np.lexsort((rng.random(len(rows)), rows))
    place = np.arange(len(rows)) - liked.indptr[rows[order]]
    keep = np.zeros(len(rows), dtype=bool)
    keep[order] = place < rng.integers(1, most + 1, liked.shape[0])[rows[order]]
    result = liked.copy()
    result.data = np.where(keep, liked.data, 0).astype(np.float32)
    result.eliminate_zeros()
    return result


@dataclass(frozen=True)
class _Parts:
    """Each component's scores on the scale of the blend.

    Attributes
    ----------
    parts
        One float32 (n, n_items) a component; 0 where it cannot score.
    impossible : bool (n, n_items)
        Songs that no component can score, the histories' own among them.
    """

    parts: Sequence[NDArray[np.float32]]
    impossible: NDArray[np.bool_]

    @classmethod
    def of(cls, fitted: Mapping[str, Algorithm], histories: csr_matrix) -> _Parts:
        scores = [algorithm.score(histories) for algorithm in fitted.values()]
        for component in scores:
            component[row_numbers(histories), histories.indices] = np.nan
        impossible = np.logical_and.reduce([np.isnan(component) for component in scores])
        scale = Blend.of(scores, np.ones((histories.shape[0], len(scores))))
        for place, component in enumerate(scores):
            component -= scale.low[:, place, None].astype(np.float32)
            component /= scale.span[:, place, None].astype(np.float32)
            np.nan_to_num(component, copy=False, nan=0.0)
        return cls(scores, impossible)

    def ndcg(self, mixture: NDArray[np.float64], hidden: csr_matrix) -> float:
        """Return the NDCG of a blend with these weights, (n_components,)."""
        total = np.zeros(self.impossible.shape, dtype=np.float32)
        for weight, part in zip(mixture, self.parts, strict=True):
            if weight:
                total += np.float32(weight) * part
        total[self.impossible] = -np.inf
        return float(ndcg_of_lists(top_columns(total, K), hidden).mean())


def _best_weights(
    parts: _Parts, hidden: csr_matrix, names: Sequence[str], rng: np.random.Generator
) -> tuple[dict[str, float], float]:
    """Try each component alone, random mixtures and some near the best; return the best and its NDCG."""
    mixtures = [*np.eye(len(names)), *rng.dirichlet(np.full(len(names), 0.5), N_BLENDS)]
    tried = [(parts.ndcg(mixture, hidden), mixture) for mixture in mixtures]
    for _ in range(N_NEAR):
        _, best = max(tried, key=lambda one: one[0])
        near = (best + 0.02) * np.exp(rng.normal(0, 0.7, len(names)))
        near /= near.sum()
        tried.append((parts.ndcg(near, hidden), near))
    ndcg, best = max(tried, key=lambda one: one[0])
    rounded = np.round(best / best.sum(), 3)
    shares = rounded / rounded.sum()
    return {name: float(share) for name, share in zip(names, shares, strict=True)}, ndcg
