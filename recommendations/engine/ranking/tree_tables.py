"""Small boosted trees as tables: exact contributions by look-up."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import chain
from math import comb
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from recommendations.engine.core.arrays import cut_blocks
from recommendations.engine.core.config import MOST_LEAVES

N_SPLITS = MOST_LEAVES - 1
N_ANSWERS = 2**N_SPLITS
ROWS_AT_A_TIME = 1024


@dataclass(frozen=True)
class Split:
    """A question of a tree: is the feature at most the threshold? Yes goes to the left.

    Attributes
    ----------
    number
        Of the tree's splits, from 0.
    feature, threshold
    left_if_unknown
        Where a feature that is NaN goes.
    left_share
        Part of the training rows that came here and went to the left.
    """

    number: int
    feature: int
    threshold: float
    left_if_unknown: bool
    left_share: float


@dataclass(frozen=True)
class Leaf:
    """What a tree adds to the score of who comes here, and the splits on the way with the direction taken."""

    value: float
    path: tuple[tuple[Split, bool], ...]


@dataclass(frozen=True)
class TreeTables:
    """What each group adds in trees of at most 9 leaves.

    What a feature adds for a row depends only on the answers to a tree's splits. For each of the at most 256
    combinations of answers the Shapley values are worked out once, by their definition over all sets of the tree's
    features (Lundberg, Erion and Lee 2018, path-dependent: a split on a feature that is left out goes both ways, in
    the proportion of the training rows). A look-up a tree then takes the place of the recursion of TreeSHAP.

    Attributes
    ----------
    columns : int64 (n_trees * 8,)
        The feature of each split; trees of fewer splits have some that no row is below.
    thresholds : float32 (n_trees * 8,)
        Rows of at most this go to the left.
    unknown_left : int64
        Positions of the splits where NaN goes to the left.
    amounts : float64 (n_trees, 256, n_groups)
    """

    columns: NDArray[np.intp]
    thresholds: NDArray[np.float32]
    unknown_left: NDArray[np.intp]
    amounts: NDArray[np.float64]

    @classmethod
    def make(cls, model: dict[str, Any], to_group: NDArray[np.float64]) -> Self:
        """Work out the tables; 1 ms a tree.

        Parameters
        ----------
        model
            LightGBM's `dump_model()`.
        to_group
            (n_features + 1, n_groups), whom each feature is credited to; the last row is for the mean of the trees.

        Raises
        ------
        ValueError
            A tree has more than 9 leaves, or splits by something else than a threshold.
        """
        trees = [list(_list_leaves(tree["tree_structure"])) for tree in model["tree_info"]]
        columns = np.zeros(len(trees) * N_SPLITS, dtype=np.intp)
        thresholds = np.full(len(columns), -np.inf)
        is_left = np.zeros(len(columns), dtype=bool)
        amounts = np.zeros((len(trees), N_ANSWERS, to_group.shape[1]))
        for tree, leaves in enumerate(trees):
            for split in _list_splits(leaves):
                position = tree * N_SPLITS + split.number
                columns[position], thresholds[position] = split.feature, split.threshold
                is_left[position] = split.left_if_unknown
            features, values, mean = _compute_shapley_values(leaves)
            amounts[tree, : len(values)] = values @ to_group[features] + mean * to_group[-1]
        return cls(columns, _round_down(thresholds), np.flatnonzero(is_left), amounts)

    def sum_contributions(self, features: NDArray[np.float32]) -> NDArray[np.float64]:
        """Return what each group adds to the trees' score of each row, (m, n_groups).

        A row's result does not depend on the others. Cost: 8 comparisons and a look-up a tree.
        """
        sums = np.zeros((len(features), self.amounts.shape[2]))
        for rows in cut_blocks(len(features), ROWS_AT_A_TIME):
            answers = self._answer_splits(features[rows])
            for tree, amounts in enumerate(self.amounts):
                sums[rows] += amounts.take(answers[:, tree], axis=0)
        return sums

    def _answer_splits(self, features: NDArray[np.float32]) -> NDArray[np.uint8]:
        """Return the answers to each tree's splits as bits of one byte, (m, n_trees)."""
        values = features.take(self.columns, axis=1)
        answers = values <= self.thresholds
        answers[:, self.unknown_left] |= np.isnan(values[:, self.unknown_left])
        bits = answers.reshape(len(features), len(self.amounts), N_SPLITS)
        return np.packbits(bits, axis=2, bitorder="little")[:, :, 0]


def _round_down(values: NDArray[np.float64]) -> NDArray[np.float32]:
    """Return the largest float32 of at most each value: the same float32 are at most both."""
    rounded = values.astype(np.float32)
    return np.where(rounded > values, np.nextafter(rounded, np.float32(-np.inf)), rounded)


def _list_leaves(node: dict[str, Any], path: tuple[tuple[Split, bool], ...] = ()) -> Iterator[Leaf]:
    if "split_feature" not in node:
        yield Leaf(float(node["leaf_value"]), path)
        return
    if node["decision_type"] != "<=" or node["missing_type"] == "Zero":
        raise ValueError("the ranker's trees have splits that are no thresholds")
    if node["split_index"] >= N_SPLITS:
        raise ValueError(f"a tree of the ranker has more than {MOST_LEAVES} leaves")
    threshold = float(node["threshold"])
    # where nothing was unknown in training, LightGBM takes an unknown feature for 0
    is_left = node["default_left"] if node["missing_type"] == "NaN" else threshold >= 0
    n_left, n_right = (_count_rows(node[f"{side}_child"]) for side in ("left", "right"))
    split = Split(
        node["split_index"],
        node["split_feature"],
        threshold,
        bool(is_left),
        n_left / (n_left + n_right),
    )
    yield from _list_leaves(node["left_child"], (*path, (split, True)))
    yield from _list_leaves(node["right_child"], (*path, (split, False)))


def _count_rows(node: dict[str, Any]) -> int:
    return int(node["internal_count"] if "split_feature" in node else node["leaf_count"])


def _list_splits(leaves: list[Leaf]) -> list[Split]:
    splits = {split.number: split for split, _ in chain.from_iterable(one.path for one in leaves)}
    return [splits[number] for number in sorted(splits)]


def _list_answers(leaves: list[Leaf]) -> NDArray[np.bool_]:
    """Return all combinations of answers, (2 ^ splits, splits)."""
    n_splits = len(leaves) - 1
    return (np.arange(2**n_splits)[:, None] >> np.arange(n_splits) & 1).astype(bool)


def _compute_shapley_values(
    leaves: list[Leaf],
) -> tuple[NDArray[np.intp], NDArray[np.float64], float]:
    """Return the features of a tree, what each adds for each combination of answers, and the tree's mean value."""
    answers = _list_answers(leaves)
    features = np.unique(np.array([split.feature for split in _list_splits(leaves)], dtype=np.intp))
    n = len(features)
    in_set = (np.arange(2**n)[:, None] >> np.arange(n) & 1).astype(bool)
    expected = np.zeros((len(answers), len(in_set)))
    for leaf in leaves:
        chance = np.full(expected.shape, leaf.value)
        for split, left in leaf.path:
            share = split.left_share if left else 1 - split.left_share
            agrees = answers[:, split.number] == left
            is_asked = in_set[:, np.searchsorted(features, split.feature)]
            chance *= np.where(is_asked, agrees[:, None], share)
        expected += chance
    sizes = in_set.sum(axis=1)
    amounts = np.zeros((len(answers), n))
    for feature in range(n):
        without = np.flatnonzero(~in_set[:, feature])
        weights = np.array([1 / (n * comb(n - 1, int(size))) for size in sizes[without]])
        gain = expected[:, without | (1 << feature)] - expected[:, without]
        amounts[:, feature] = gain @ weights
    return features, amounts, float(expected[0, 0])
