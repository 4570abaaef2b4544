"""Measure a recommender on a split: the lists that listeners would see, with its components beside."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix

from recommendations.engine.algorithms import Algorithm, TrainingData
from recommendations.engine.core.arrays import (
    count_per_row,
    keep_positive,
    normalise_rows,
    select_top_columns,
)
from recommendations.engine.core.config import SEGMENTS
from recommendations.engine.core.ndcg import find_hits
from recommendations.engine.core.presets import CLASSIC
from recommendations.engine.core.weighting import Weighting
from recommendations.engine.data.interactions import Interactions
from recommendations.engine.data.item_features import ItemFeatures
from recommendations.engine.evaluation import metrics
from recommendations.engine.evaluation.comparison import Interval, bootstrap_intervals
from recommendations.engine.evaluation.splits import Split
from recommendations.engine.fitted_recommender import OnProgress
from recommendations.engine.ranking.ensemble import assign_segments
from recommendations.engine.recommender import Recommender

SYSTEM = "recommender"
"""What a report calls the recommender itself, beside the baselines."""
STAGE = "evaluate"
BLOCK = 256


@dataclass(frozen=True)
class EvaluationReport:
    """What was measured, one value a listener, system and metric.

    Attributes
    ----------
    split, seed
        How the test part was chosen.
    metrics : tuple of str
        `precision@5` and so on.
    listeners : int (n,)
        Rows of the listeners who were measured.
    segments : int8 (n,)
        Places in `SEGMENTS`.
    values
        System -> float64 (n, n_metrics).
    coverage
        System -> share of the catalogue in at least one list.
    """

    split: str
    seed: int | None
    metrics: tuple[str, ...]
    listeners: NDArray[np.intp]
    segments: NDArray[np.int8]
    values: Mapping[str, NDArray[np.float64]]
    coverage: Mapping[str, float]
    coverage_name: str

    @property
    def systems(self) -> tuple[str, ...]:
        return tuple(self.values)

    def get_values(self, system: str, metric: str) -> NDArray[np.float64]:
        """Return one value a listener, float64 (n,)."""
        return self.values[system][:, self._column(metric)]

    def mean(self, metric: str, system: str = SYSTEM) -> float:
        """Return the mean over all listeners."""
        return float(np.nanmean(self.get_values(system, metric)))

    def interval(
        self, metric: str, system: str = SYSTEM, *, segment: str | None = None
    ) -> Interval | None:
        """Return the mean with its bootstrap interval, None where no listener has a value."""
        self._column(metric)
        return self._intervals((system,), segment)[system][metric]

    def to_dict(self) -> dict[str, Any]:
        """Return plain JSON types: means and intervals overall and by segment."""
        n_by_segment = {
            name: int((self.segments == segment_code).sum())
            for segment_code, name in enumerate(SEGMENTS)
        }
        overall = self._intervals(self.systems, None)
        present = [name for name, n in n_by_segment.items() if n]
        by_segment = {name: self._intervals(self.systems, name) for name in present}
        return {
            "split": self.split,
            "seed": self.seed,
            "n_listeners": len(self.listeners),
            "n_by_segment": n_by_segment,
            "systems": {
                system: {
                    "overall": _convert_intervals(overall[system])
                    | {self.coverage_name: self.coverage[system]},
                    "segments": {
                        name: _convert_intervals(by_segment[name][system]) for name in present
                    },
                }
                for system in self.systems
            },
        }

    def table(self) -> str:
        """Return the main figures as text, one line a system."""
        header = ["", *self.metrics, self.coverage_name]
        lines = [
            [
                system,
                *(_format_value(value) for value in self._means(system)),
                _format_value(self.coverage[system]),
            ]
            for system in self.systems
        ]
        widths = [
            max(len(line[column]) for line in [header, *lines]) for column in range(len(header))
        ]
        return "\n".join(
            "  ".join(
                [
                    line[0].ljust(widths[0]),
                    *(c.rjust(w) for c, w in zip(line[1:], widths[1:], strict=True)),
                ]
            )
            for line in [header, *lines]
        )

    def _means(self, system: str) -> list[float]:
        values = self.values[system]
        n = np.isfinite(values).sum(axis=0)
        means: list[float] = (np.nansum(values, axis=0) / np.where(n > 0, n, np.nan)).tolist()
        return means

    def _intervals(
        self, systems: Sequence[str], segment: str | None
    ) -> dict[str, dict[str, Interval | None]]:
        """Return system -> metric -> interval; all systems are drawn together, so it costs one resampling."""
        chosen = slice(None) if segment is None else self.segments == SEGMENTS.index(segment)
        columns = np.hstack([self.values[system][chosen] for system in systems])
        intervals = iter(bootstrap_intervals(columns, seed=self.seed or 0))
        return {system: {metric: next(intervals) for metric in self.metrics} for system in systems}

    def _column(self, metric: str) -> int:
        if metric not in self.metrics:
            raise ValueError(f"There is no metric {metric!r}; there are {', '.join(self.metrics)}.")
        return self.metrics.index(metric)


def evaluate(
    recommender: Recommender | Algorithm,
    split: Split,
    *,
    item_features: ItemFeatures | None = None,
    ks: Sequence[int] = (5, 10, 20),
    max_listeners: int | None = 2000,
    seed: int = 0,
    heard: Heard | None = None,
    on_progress: OnProgress | None = None,
) -> EvaluationReport:
    """Recommend from the given histories and look for what was held back.

    All songs are ranked, those of the history excluded; nothing is compared with a sample of songs. The lists
    are the ones that listeners would see, after the re-ranking.

    Parameters
    ----------
    recommender
        Fitted on `split.train`; if it is not fitted it will be, with `item_features` and `seed`.
    ks
        Precision at each; NDCG, MAP, hit rate, coverage, novelty, diversity and popularity bias at the
        middle one, recall at the last.
    max_listeners
        A random part of the listeners is measured when there are more; None for all.
    heard
        How much of each song everybody heard, where `split.train` holds only the listeners that are measured.

    Raises
    ------
    ValueError
        Nothing was held back for anybody.
    """
    ks = tuple(sorted(ks))
    fitted = _ensure_fitted(recommender, split, item_features, seed, on_progress)
    listeners = choose_listeners(split, max_listeners, seed)
    config = fitted.config if isinstance(fitted, Recommender) else CLASSIC
    histories = _build_histories(fitted, split, config.weighting)[listeners]
    lists = _make_lists(fitted, histories, max(ks), on_progress)
    measure = _Measure(
        ks,
        split.test[listeners],
        heard or Heard.count(split.train, config.weighting),
        _find_vectors(fitted, item_features),
    )
    return EvaluationReport(
        split=split.name,
        seed=split.seed,
        metrics=measure.names,
        listeners=listeners,
        segments=assign_segments(count_per_row(keep_positive(histories)), config),
        values={system: measure.values(system_lists) for system, system_lists in lists.items()},
        coverage={system: measure.coverage(system_lists) for system, system_lists in lists.items()},
        coverage_name=f"coverage@{measure.k}",
    )


@dataclass(frozen=True)
class Heard:
    """What was heard in the training part: `n_heard` listeners of each song, int64 (n_items,), of `n_listeners`."""

    n_heard: NDArray[np.int64]
    n_listeners: int

    @classmethod
    def count(cls, events: Interactions, weighting: Weighting) -> Heard:
        """Count plays and likes; cost: one pass over the pairs."""
        heard = keep_positive(events.to_matrix(weighting))
        n_heard = np.bincount(heard.indices, minlength=heard.shape[1])
        return cls(n_heard, int((count_per_row(heard) > 0).sum()))


@dataclass(frozen=True)
class _Measure:
    """All metrics of one set of lists."""

    ks: tuple[int, ...]
    test: csr_matrix
    heard: Heard
    vectors: NDArray[np.float32]

    @property
    def k(self) -> int:
        return self.ks[len(self.ks) // 2]

    @property
    def names(self) -> tuple[str, ...]:
        at = [f"{name}@{self.k}" for name in ("ndcg", "map", "hit_rate")]
        about = [f"{name}@{self.k}" for name in ("novelty", "diversity", "popularity_bias")]
        return (*(f"precision@{k}" for k in self.ks[:-1]), *at, f"recall@{self.ks[-1]}", *about)

    def values(self, lists: NDArray[np.int32]) -> NDArray[np.float64]:
        k = self.k
        hits = find_hits(lists, self.test)
        n_test = count_per_row(self.test)
        return np.column_stack(
            [
                *(metrics.precision(hits, each) for each in self.ks[:-1]),
                metrics.ndcg(hits, n_test, k),
                metrics.average_precision(hits, n_test, k),
                metrics.hit_rate(hits, k),
                metrics.recall(hits, n_test, self.ks[-1]),
                metrics.novelty(lists, self.heard.n_heard, self.heard.n_listeners, k),
                metrics.diversity(lists, self.vectors, k),
                metrics.popularity_bias(lists, self.heard.n_heard, k),
            ]
        )

    def coverage(self, lists: NDArray[np.int32]) -> float:
        return metrics.coverage(lists, len(self.heard.n_heard), self.k)


def _ensure_fitted(
    recommender: Recommender | Algorithm,
    split: Split,
    item_features: ItemFeatures | None,
    seed: int,
    on_progress: OnProgress | None,
) -> Recommender | Algorithm:
    if recommender.is_fitted:
        return recommender
    if isinstance(recommender, Recommender):
        return recommender.fit(split.train, item_features, seed=seed, on_progress=on_progress)
    strengths = split.train.to_matrix(CLASSIC.weighting)
    return recommender.fit(TrainingData(strengths, item_features, split.train), seed=seed)


def _build_histories(
    fitted: Recommender | Algorithm, split: Split, weighting: Weighting
) -> csr_matrix:
    given: Interactions = split.given
    return (
        fitted.histories(given) if isinstance(fitted, Recommender) else given.to_matrix(weighting)
    )


def choose_listeners(split: Split, max_listeners: int | None, seed: int) -> NDArray[np.intp]:
    """Return the rows of the listeners that are measured: all with held-out songs, or some drawn at random.

    Raises
    ------
    ValueError
        Nothing was held back for anybody.
    """
    listeners = np.flatnonzero(count_per_row(split.test))
    if not len(listeners):
        raise ValueError(
            "No song was held back for any listener; there is too little data to evaluate."
        )
    if max_listeners is None or len(listeners) <= max_listeners:
        return listeners
    return np.sort(np.random.default_rng(seed).choice(listeners, max_listeners, replace=False))


def _make_lists(
    fitted: Recommender | Algorithm,
    histories: csr_matrix,
    depth: int,
    on_progress: OnProgress | None,
) -> dict[str, NDArray[np.int32]]:
    """Return each system's lists, int32 (n, depth), -1 after the end."""
    if isinstance(fitted, Recommender):
        lists = fitted.rank_songs(histories, depth, on_progress=_bind_stage(STAGE, on_progress))
    else:
        lists = {fitted.name: _rank_songs(fitted, histories, depth)}
    return {system: _pad_lists(system_lists, depth) for system, system_lists in lists.items()}


def _rank_songs(algorithm: Algorithm, histories: csr_matrix, depth: int) -> NDArray[np.int32]:
    blocks = []
    for start in range(0, histories.shape[0], BLOCK):
        block = histories[start : start + BLOCK]
        scores = algorithm.score(block)
        scores[np.repeat(np.arange(block.shape[0]), count_per_row(block)), block.indices] = np.nan
        blocks.append(select_top_columns(scores, depth))
    return np.concatenate(blocks)


def _pad_lists(lists: NDArray[np.int32], depth: int) -> NDArray[np.int32]:
    missing = depth - lists.shape[1]
    return np.pad(lists, ((0, 0), (0, missing)), constant_values=-1) if missing > 0 else lists


def _find_vectors(
    fitted: Recommender | Algorithm, item_features: ItemFeatures | None
) -> NDArray[np.float32]:
    """Vectors that diversity is measured with: the recommender's, else centred audio features, else none."""
    if isinstance(fitted, Recommender):
        return fitted.similarity_vectors
    if item_features is None or not item_features.has_audio:
        return np.zeros((fitted.n_items_, 1), dtype=np.float32)
    centred = item_features.scaled - np.nanmean(item_features.scaled, axis=0)
    return normalise_rows(np.nan_to_num(centred))


def _bind_stage(stage: str, on_progress: OnProgress | None) -> Callable[[int, int], None] | None:
    return None if on_progress is None else lambda done, total: on_progress(stage, done, total)


def _convert_intervals(intervals: Mapping[str, Interval | None]) -> dict[str, Any]:
    return {
        metric: interval.to_dict() if interval else None for metric, interval in intervals.items()
    }


def _format_value(value: float) -> str:
    return "-" if not np.isfinite(value) else f"{value:.4f}"
