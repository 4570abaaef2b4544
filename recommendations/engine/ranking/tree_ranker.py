"""The learned ranker: gradient-boosted trees that order the components' candidates."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix

from recommendations.engine.algorithms import find_algorithm_name
from recommendations.engine.core.config import RankerConfig
from recommendations.engine.core.ordered import count_steps_back, keep_entries
from recommendations.engine.core.seeding import derive_seed
from recommendations.engine.ranking.candidates import CandidateBatch
from recommendations.engine.ranking.explanations import BASE
from recommendations.engine.ranking.linear_ranker import LinearOrder
from recommendations.engine.ranking.ranker_features import ItemTable
from recommendations.engine.ranking.score_features import TOGETHER_GROUP
from recommendations.engine.ranking.tree_tables import TreeTables

LINEAR_ARRAYS = ("weights", "means", "deviations")

MAX_BIN = 31
"""Steps of a feature: measured better than LightGBM's 255 on a world of 10,000 listeners, and quicker."""


@dataclass(frozen=True)
class Examples:
    """What the ranker learns from: described candidates of listeners and whether they took them.

    Attributes
    ----------
    candidates : CandidateBatch
    features : float32 (m, n_features)
    labels : bool (m,)
    """

    candidates: CandidateBatch
    features: NDArray[np.float32]
    labels: NDArray[np.bool_]

    @classmethod
    def empty(cls, n_listeners: int, n_features: int) -> Examples:
        """Return no candidates of so many listeners."""
        nothing = CandidateBatch(
            np.zeros(n_listeners + 1, dtype=np.int64), np.zeros(0, dtype=np.int32)
        )
        return cls(nothing, np.zeros((0, n_features), np.float32), np.zeros(0, dtype=bool))

    @classmethod
    def join(cls, blocks: Sequence[Examples]) -> Examples:
        """Put blocks of listeners one after the other."""
        lengths = np.concatenate([np.diff(block.candidates.starts) for block in blocks])
        starts = np.concatenate([[0], np.cumsum(lengths)])
        rows = np.concatenate([block.candidates.item_rows for block in blocks])
        features = np.vstack([block.features for block in blocks])
        return cls(
            CandidateBatch(starts, rows),
            features,
            np.concatenate([block.labels for block in blocks]),
        )

    @property
    def n_listeners(self) -> int:
        return len(self.candidates.starts) - 1

    def take(self, listeners: NDArray[np.bool_]) -> Examples:
        """Return the examples of some listeners."""
        keep = listeners[self.candidates.listener_rows]
        lengths = np.diff(self.candidates.starts)[listeners]
        starts = np.concatenate([[0], np.cumsum(lengths)])
        return Examples(
            CandidateBatch(starts, self.candidates.item_rows[keep]),
            self.features[keep],
            self.labels[keep],
        )


class Ranker:
    """LambdaRank (Burges, 2010) by LightGBM, with exact additive contributions (`tree_tables`).

    The score is (1 - s) * trees + s * linear order, s being `config.linear_share` and both of deviation 1.

    Parameters
    ----------
    model
        LightGBM's text format.
    components
        Whose scores it looks at, in order.
    linear
        The linear part; None without one.
    scales
        What a unit of the trees and of the linear part is worth in the score.
    """

    def __init__(
        self,
        config: RankerConfig,
        components: Sequence[str],
        songs: ItemTable,
        model: str,
        linear: LinearOrder | None = None,
        scales: tuple[float, float] = (1.0, 0.0),
    ) -> None:
        import lightgbm

        self.config = config
        self.components = tuple(components)
        self.songs = songs
        self.model = model
        self.linear = linear
        self.scales = scales
        self._booster = lightgbm.Booster(model_str=model)
        algorithms = tuple(dict.fromkeys(map(find_algorithm_name, components)))
        self.groups = (*algorithms, *_list_other_groups(algorithms), BASE)
        names = songs.feature_names(components)
        if self._booster.num_feature() != len(names):
            raise ValueError(
                f"The ranker knows {self._booster.num_feature()} features, not {len(names)}."
            )
        self._to_group = self._credits([group for group, _ in names])
        self._gain = self._booster.feature_importance("gain")

    @classmethod
    def train(
        cls,
        config: RankerConfig,
        components: Sequence[str],
        songs: ItemTable,
        examples: Examples,
        *,
        seed: int,
        n_threads: int = 1,
    ) -> Ranker:
        """Learn from examples; the same seed gives the same trees.

        Raises
        ------
        ValueError
            Nobody took any of the candidates.
        """
        import lightgbm

        features, labels, group = sample_examples(examples, config.negatives_share, seed)
        if not len(labels):
            raise ValueError(
                "No listener took any of the candidates, so there is no order to learn."
            )
        dataset = lightgbm.Dataset(
            features, labels.astype(np.int8), group=group, params={"verbose": -1}
        )
        booster = lightgbm.train(
            _make_parameters(config, seed, n_threads, len(labels)), dataset, config.n_trees
        )
        trees = cls(config, components, songs, booster.model_to_string())
        if not config.linear_share:
            return trees
        linear = LinearOrder.learn(features, labels, group)
        deviations = [float(np.std(order.score(features))) or 1.0 for order in (trees, linear)]
        return trees.mix(linear, deviations[0], deviations[1], config.linear_share)

    def mix(
        self, linear: LinearOrder, tree_deviation: float, linear_deviation: float, share: float
    ) -> Ranker:
        """Return these trees with a linear order beside them, each brought to deviation 1."""
        scales = (float((1 - share) / tree_deviation), float(share / linear_deviation))
        return Ranker(self.config, self.components, self.songs, self.model, linear, scales)

    def with_songs(self, songs: ItemTable) -> Ranker:
        """Return the same order over newer counts."""
        return Ranker(self.config, self.components, songs, self.model, self.linear, self.scales)

    def _credits(self, groups: Sequence[str]) -> NDArray[np.float64]:
        """Whom each feature's part is credited to, (n_features + 1, n_groups); the last is the trees' base."""
        credits = np.zeros((len(groups) + 1, len(self.groups)))
        algorithms = [self.groups.index(find_algorithm_name(name)) for name in self.components]
        for feature, group in enumerate((*groups, BASE)):
            owners = (
                algorithms
                if group == TOGETHER_GROUP
                else [self.groups.index(find_algorithm_name(group))]
            )
            np.add.at(credits[feature], owners, 1 / len(owners))
        return credits

    def score(self, features: NDArray[np.float32]) -> NDArray[np.float64]:
        """Return the score of each candidate, (m,)."""
        if not len(features):
            return np.zeros(0)
        trees = np.asarray(self._booster.predict(features, num_threads=1)) * self.scales[0]
        return (
            trees if self.linear is None else trees + self.linear.score(features) * self.scales[1]
        )

    def parts(
        self, features: NDArray[np.float32]
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Return the trees' and the linear order's scores of each candidate, (m,) each, of like deviation."""
        share = self.config.linear_share
        trees = np.asarray(self._booster.predict(features)) * self.scales[0] / (1 - share)
        if self.linear is None:
            return trees, np.zeros(len(features))
        return trees, self.linear.score(features) * self.scales[1] / share

    def contributions(self, features: NDArray[np.float32]) -> NDArray[np.float64]:
        """Return what each of `groups` adds to the score, (m, n_groups); a row sums to the score."""
        if not len(features):
            return np.zeros((0, len(self.groups)))
        amounts = self._tables.sum_contributions(features)
        amounts *= self.scales[0]
        if self.linear is not None:
            linear = self.linear.contributions(features) * self.scales[1]
            amounts += linear @ self._to_group[:-1]
        return amounts

    @cached_property
    def _tables(self) -> TreeTables:
        return TreeTables.make(self._booster.dump_model(), self._to_group)

    def importance(self) -> dict[str, float]:
        """Return the share of the trees' gain by group, without the base."""
        by_group = self._gain @ self._to_group[:-1]
        shown = {g: float(v) for g, v in zip(self.groups, by_group, strict=True) if g != BASE}
        total = sum(shown.values())
        return {group: value / total if total else 0.0 for group, value in shown.items()}

    def state(self) -> dict[str, NDArray[Any]]:
        """Return the trees (text as bytes) and the songs' numbers as plain arrays."""
        text = np.frombuffer(self.model.encode(), dtype=np.uint8)
        linear = (
            {} if self.linear is None else {f"linear.{n}": a for n, a in vars(self.linear).items()}
        )
        scales = {"scales": np.array(self.scales)}
        return (
            {"model": text}
            | linear
            | scales
            | {f"songs.{name}": array for name, array in self.songs.state().items()}
        )

    @classmethod
    def from_state(
        cls, config: RankerConfig, components: Sequence[str], state: dict[str, NDArray[Any]]
    ) -> Ranker:
        """Return the ranker whose `state()` this is.

        Raises
        ------
        ValueError
            The text is no LightGBM model.
        """
        import lightgbm

        songs = ItemTable.from_state(
            {
                name.removeprefix("songs."): a
                for name, a in state.items()
                if name.startswith("songs.")
            }
        )
        linear_arrays = [
            np.asarray(state[f"linear.{n}"]) for n in LINEAR_ARRAYS if f"linear.{n}" in state
        ]
        linear = LinearOrder(*linear_arrays) if linear_arrays else None
        scales = (float(state["scales"][0]), float(state["scales"][1]))
        try:
            return cls(
                config,
                components,
                songs,
                np.asarray(state["model"]).tobytes().decode(),
                linear,
                scales,
            )
        except lightgbm.basic.LightGBMError as error:
            raise ValueError(f"the ranker's trees cannot be read: {error}") from error


AT_LEAST = 5
"""A listener with fewer liked songs keeps all of them when songs are hidden."""


def hold_out(
    strengths: csr_matrix,
    share: float,
    seed: int,
    *,
    at_least: int = AT_LEAST,
    newest: bool = False,
) -> tuple[csr_matrix, csr_matrix]:
    """Hide part of what each listener liked: (what is left, what was hidden).

    A listener with fewer than `at_least` liked songs keeps all of them. Dislikes are never hidden. With `newest` the
    songs heard last are hidden where the order is known, else songs at random.
    """
    steps = count_steps_back(strengths) if newest else None
    rng = np.random.default_rng(derive_seed(seed, "holdout"))
    rows = np.repeat(np.arange(strengths.shape[0]), np.diff(strengths.indptr))
    liked = strengths.data > 0
    n_liked = np.bincount(rows[liked], minlength=strengths.shape[0])
    # shuffle, bring each listener's liked songs together, and hide the first share of them
    order = np.lexsort((rng.random(len(rows)) if steps is None else steps, ~liked, rows))
    rank = np.arange(len(rows)) - strengths.indptr[rows[order]]
    n_held_out = np.where(n_liked >= at_least, np.maximum(np.rint(n_liked * share), 1), 0)
    is_held_out = np.zeros(len(rows), dtype=bool)
    is_held_out[order] = rank < n_held_out[rows[order]]
    return keep_entries(strengths, ~is_held_out), keep_entries(strengths, is_held_out)


def _list_other_groups(components: Sequence[str]) -> tuple[str, ...]:
    return tuple(name for name in ("artist", "content", "popularity") if name not in components)


def sample_examples(
    examples: Examples, share: float, seed: int
) -> tuple[NDArray[np.float32], NDArray[np.bool_], NDArray[np.int64]]:
    """Keep what was taken and a share of the rest, of listeners who took something."""
    rng = np.random.default_rng(derive_seed(seed, "negatives"))
    rows = examples.candidates.listener_rows
    has_labels = np.bincount(rows[examples.labels], minlength=examples.n_listeners) > 0
    keep = has_labels[rows] & (examples.labels | (rng.random(len(rows)) < share))
    counts = np.bincount(rows[keep], minlength=examples.n_listeners)
    return examples.features[keep], examples.labels[keep], counts[counts > 0]


def _make_parameters(
    config: RankerConfig, seed: int, n_threads: int, n_rows: int
) -> dict[str, Any]:
    return {
        "objective": "lambdarank",
        "lambdarank_truncation_level": config.truncation,
        "num_leaves": config.n_leaves,
        "learning_rate": config.learning_rate,
        # a tiny data set has no hundred candidates to a leaf
        "min_data_in_leaf": max(min(config.min_leaf, n_rows // 50), 1),
        "lambda_l2": config.l2,
        "feature_fraction": 0.6,
        "max_bin": MAX_BIN,
        "seed": derive_seed(seed, "ranker"),
        "num_threads": n_threads,
        "deterministic": True,
        "force_row_wise": True,
        "verbose": -1,
    }
