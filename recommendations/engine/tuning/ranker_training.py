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
from recommendations.engine.tuning.validation import Cases, K, Validation, measure_ndcg

LINEAR_SHARES = (0.0, 0.25, 0.5, 0.75)
"""Parts of the linear order in the score that are tried."""

N_THREADS = 2

ENOUGH_HIDDEN = 12_000
"""Songs to be found that the trees learn enough from."""
MOST_LISTENERS = 4
"""Of short histories so many times `max_listeners` are trained on at most."""

SHORT_HISTORIES = 3
"""New listeners teach the ranker twice: with less than `cold_below` songs given, and with up to this times as many."""


@dataclass(frozen=True)
class Measurement:
    """NDCG of each listener by rankers that were not trained on them.

    Attributes
    ----------
    linear_share
        Share of the linear order that measured best on the validation listeners.
    ndcg : float64 (n,)
        Of the validation listeners, in their order.
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
        Whose candidates they are, in the order of the ranker's features.
    songs : ItemTable
    examples : Examples
        One listener after the other: those with hidden songs, then the new ones.
    labels : float32 csr (n, n_items)
        What each of them was to find.
    is_validation : bool (n,)
    is_new : bool (n,)
    extra_examples : tuple of Examples
        Of the same listeners, with other songs hidden or given.
    """

    config: RankerConfig
    seed: int
    components: tuple[str, ...]
    songs: ItemTable
    examples: Examples
    labels: csr_matrix
    is_validation: NDArray[np.bool_]
    is_new: NDArray[np.bool_]
    extra_examples: tuple[Examples, ...] = ()

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
        """Describe the candidates of the fitted components; cost linear in listeners times components."""
        songs = ItemTable.learn(validation.data, fitted, seed)
        listeners = _choose_training_listeners(validation, config, seed)
        new = validation.new_cases(1, max(cold_below - 1, 1), seed)
        short = validation.new_cases(cold_below, SHORT_HISTORIES * cold_below, seed)
        known_cases = validation.cases(listeners)

        def describe(cases: Cases) -> Examples:
            scores = [cases.scores(algorithm) for algorithm in fitted.values()]
            return make_examples(config, songs, cases.histories, scores, cases.labels)

        example_groups, done, total = [], 0, len(known_cases) + 2 * len(new)
        # numpy lets go of the GIL, so blocks of listeners are described side by side
        with threadpool_limits(1, "blas"), ThreadPoolExecutor(N_THREADS) as pool:
            for group in (known_cases, new, short):
                group_examples = []
                for examples in pool.map(describe, [cases for _, cases in group.blocks()]):
                    report("examples", done, total)
                    group_examples.append(examples)
                    done += examples.n_listeners
                example_groups.append(group_examples)
        report("examples", total, total)
        width = len(songs.feature_names(tuple(fitted)))
        extra = [Examples.empty(len(known_cases), width), *example_groups[2]]
        return cls(
            config=config,
            seed=seed,
            components=tuple(fitted),
            songs=songs,
            examples=Examples.join([*example_groups[0], *example_groups[1]]),
            labels=csr_matrix(vstack([known_cases.labels, new.labels]))
            if len(new)
            else known_cases.labels,
            is_validation=np.append(
                np.isin(listeners, validation.validation_listeners), np.zeros(len(new), dtype=bool)
            ),
            is_new=np.append(np.zeros(len(known_cases), dtype=bool), np.ones(len(new), dtype=bool)),
            extra_examples=(Examples.join(extra),) if len(new) else (),
        )

    @property
    def n_known(self) -> int:
        """Listeners with hidden songs."""
        return int((~self.is_new).sum())

    def add_examples(self, other: RankerDataset) -> RankerDataset:
        """Return these data with further examples of the same listeners."""
        return replace(
            self, extra_examples=(*self.extra_examples, other.examples, *other.extra_examples)
        )

    def train(self, listeners: NDArray[np.bool_] | None = None) -> Ranker | None:
        """Train on some or all of the listeners; None where nobody took anything that was proposed."""
        datasets = (self.examples, *self.extra_examples)
        examples = Examples.join(
            datasets if listeners is None else [dataset.take(listeners) for dataset in datasets]
        )
        if not examples.labels.any():
            return None
        return Ranker.train(self.config, self.components, self.songs, examples, seed=self.seed)

    def cross_validate(self) -> Measurement:
        """Measure each listener by a ranker that was trained on the other half of the listeners."""
        fold = make_generator(self.seed, "folds").permutation(self.examples.n_listeners) % 2
        values = {share: np.zeros(self.examples.n_listeners) for share in LINEAR_SHARES}
        for half in (0, 1):
            ranker = replace(self, config=replace(self.config, linear_share=0.5)).train(
                fold != half
            )
            if ranker is None:
                continue
            held_out, labels = self.examples.take(fold == half), self.labels[fold == half]
            trees, linear = ranker.parts(held_out.features)
            for share, ndcg in values.items():
                lists = _rank_candidates(held_out, (1 - share) * trees + share * linear)
                ndcg[fold == half] = measure_ndcg(lists, labels)
        best = max(values, key=lambda share: values[share][self.is_validation].mean())
        return Measurement(best, values[best][self.is_validation], values[best][self.is_new])


def _choose_training_listeners(
    validation: Validation, config: RankerConfig, seed: int
) -> NDArray[np.intp]:
    """Return the listeners with held-out songs: the validation listeners and as many others as may be trained on.

    Where histories are short these are more: enough that `ENOUGH_HIDDEN` songs are to be found, at most
    `MOST_LISTENERS` times `max_listeners`.
    """
    n_hidden = count_per_row(validation.held_out)
    listeners = np.flatnonzero(n_hidden)
    wanted = round(ENOUGH_HIDDEN / max(float(n_hidden[listeners].mean()), 1.0))
    n_most = max(config.max_listeners, min(wanted, MOST_LISTENERS * config.max_listeners))
    if len(listeners) <= n_most:
        return listeners
    others = np.setdiff1d(listeners, validation.validation_listeners)
    n_others = max(n_most - len(validation.validation_listeners), 0)
    chosen = make_generator(seed, "ranker listeners").permutation(others)[:n_others]
    return np.sort(np.concatenate([validation.validation_listeners, chosen]))


def _rank_candidates(examples: Examples, scores: NDArray[np.float64]) -> NDArray[np.int32]:
    candidates = examples.candidates
    order = np.lexsort((candidates.item_rows, -scores, candidates.listener_rows))
    positions = candidates.starts[:-1, None] + np.arange(K)
    is_inside = positions < candidates.starts[1:, None]
    rows = candidates.item_rows[order[np.minimum(positions, len(order) - 1)]]
    return np.where(is_inside, rows, -1).astype(np.int32)
