"""Train the ranker on held-out songs; cross-validate over listeners."""

from __future__ import annotations

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix, vstack
from threadpoolctl import threadpool_limits

from recommendations.engine.algorithms import Algorithm
from recommendations.engine.core.arrays import count_per_row
from recommendations.engine.core.config import RankerConfig
from recommendations.engine.core.seeding import make_generator
from recommendations.engine.ranking.ranker_features import ItemTable
from recommendations.engine.ranking.second_stage import make_examples
from recommendations.engine.ranking.tree_ranker import Examples, Ranker
from recommendations.engine.tuning.hyperparameter_search import OnProgress
from recommendations.engine.tuning.validation import Cases, K, Validation, compute_ndcg

LINEAR_SHARES = (0.0, 0.25, 0.5, 0.75)
"""Parts of the linear order in the score that are tried."""

N_THREADS = 2

SHORT_HISTORIES = 3
"""New listeners teach the ranker twice: with less than `cold_below` songs given, and with up to this times as many."""


@dataclass(frozen=True)
class Measurement:
    """NDCG of each listener by rankers that were not trained on them.

    Attributes
    ----------
    linear_share
        Part of the linear order that measured best on the judges.
    ndcg : float64 (n,)
        Of the judges, in their order.
    new_ndcg : float64 (m,)
        Of the new listeners.
    """

    linear_share: float
    ndcg: NDArray[np.float64]
    new_ndcg: NDArray[np.float64]


@dataclass(frozen=True)
class RankerDataset:
    """What the components proposed to the listeners of the validation part, and what those took.

    Attributes
    ----------
    components : tuple of str
        Whose proposals they are, in the order of the ranker's features.
    songs : ItemTable
    found : Examples
        One listener after the other: those with hidden songs, then the new ones.
    labels : float32 csr (n, n_items)
        What each of them was to find.
    is_judge : bool (n,)
    is_new : bool (n,)
    more : tuple of Examples
        Of the same listeners, with other songs hidden or given.
    """

    config: RankerConfig
    seed: int
    components: tuple[str, ...]
    songs: ItemTable
    found: Examples
    labels: csr_matrix
    is_judge: NDArray[np.bool_]
    is_new: NDArray[np.bool_]
    more: tuple[Examples, ...] = ()

    @classmethod
    def build(
        cls,
        validation: Validation,
        fitted: Mapping[str, Algorithm],
        config: RankerConfig,
        cold_below: int,
        seed: int,
        report: OnProgress,
    ) -> RankerDataset:
        """Describe the proposals of the fitted components; cost linear in listeners times components."""
        songs = ItemTable.learn(validation.data)
        listeners = _choose_training_listeners(validation, config, seed)
        new = validation.new_cases(1, max(cold_below - 1, 1), seed)
        short = validation.new_cases(cold_below, SHORT_HISTORIES * cold_below, seed)
        known = validation.cases(listeners)

        def describe(cases: Cases) -> Examples:
            scores = [cases.scores(algorithm) for algorithm in fitted.values()]
            return make_examples(config, songs, cases.histories, scores, cases.labels)

        parts, done, total = [], 0, len(known) + 2 * len(new)
        # numpy lets go of the GIL, so blocks of listeners are described side by side
        with threadpool_limits(1, "blas"), ThreadPoolExecutor(N_THREADS) as pool:
            for group in (known, new, short):
                described = []
                for examples in pool.map(describe, [cases for _, cases in group.blocks()]):
                    report("examples", done, total)
                    described.append(examples)
                    done += examples.n_listeners
                parts.append(described)
        report("examples", total, total)
        width = len(songs.feature_names(tuple(fitted)))
        more = [Examples.empty(len(known), width), *parts[2]]
        return cls(
            config=config,
            seed=seed,
            components=tuple(fitted),
            songs=songs,
            found=Examples.join([*parts[0], *parts[1]]),
            labels=csr_matrix(vstack([known.labels, new.labels])) if len(new) else known.labels,
            is_judge=np.append(
                np.isin(listeners, validation.validation_listeners), np.zeros(len(new), dtype=bool)
            ),
            is_new=np.append(np.zeros(len(known), dtype=bool), np.ones(len(new), dtype=bool)),
            more=(Examples.join(more),) if len(new) else (),
        )

    @property
    def n_known(self) -> int:
        """Listeners with hidden songs."""
        return int((~self.is_new).sum())

    def with_more(self, other: RankerDataset) -> RankerDataset:
        """Return the lesson with another one about the same listeners."""
        return replace(self, more=(*self.more, other.found, *other.more))

    def train(self, listeners: NDArray[np.bool_] | None = None) -> Ranker | None:
        """Train on some or all of the listeners; None where nobody took anything that was proposed."""
        parts = (self.found, *self.more)
        found = Examples.join(
            parts if listeners is None else [part.take(listeners) for part in parts]
        )
        if not found.taken.any():
            return None
        return Ranker.train(self.config, self.components, self.songs, found, seed=self.seed)

    def cross_validate(self) -> Measurement:
        """Measure each listener by a ranker that was trained on the other half of the listeners."""
        fold = make_generator(self.seed, "folds").permutation(self.found.n_listeners) % 2
        values = {share: np.zeros(self.found.n_listeners) for share in LINEAR_SHARES}
        for part in (0, 1):
            ranker = replace(self, config=replace(self.config, linear_share=0.5)).train(
                fold != part
            )
            if ranker is None:
                continue
            judged, labels = self.found.take(fold == part), self.labels[fold == part]
            trees, linear = ranker.parts(judged.features)
            for share, ndcg in values.items():
                lists = _ranked_lists(judged, (1 - share) * trees + share * linear)
                ndcg[fold == part] = compute_ndcg(lists, labels)
        best = max(values, key=lambda share: values[share][self.is_judge].mean())
        return Measurement(best, values[best][self.is_judge], values[best][self.is_new])


def _choose_training_listeners(
    validation: Validation, config: RankerConfig, seed: int
) -> NDArray[np.intp]:
    """Return the listeners with hidden songs, or the judges and as many others as may be trained on."""
    listeners = np.flatnonzero(count_per_row(validation.hidden))
    if len(listeners) <= config.max_listeners:
        return listeners
    others = np.setdiff1d(listeners, validation.validation_listeners)
    n_others = max(config.max_listeners - len(validation.validation_listeners), 0)
    chosen = make_generator(seed, "ranker listeners").permutation(others)[:n_others]
    return np.sort(np.concatenate([validation.validation_listeners, chosen]))


def _ranked_lists(found: Examples, scores: NDArray[np.float64]) -> NDArray[np.int32]:
    proposals = found.proposals
    order = np.lexsort((proposals.item_rows, -scores, proposals.listener_rows))
    places = proposals.starts[:-1, None] + np.arange(K)
    inside = places < proposals.starts[1:, None]
    rows = proposals.item_rows[order[np.minimum(places, len(order) - 1)]]
    return np.where(inside, rows, -1).astype(np.int32)
