"""Contributions of the ranker's trees by look-up are Shapley values."""

import lightgbm
import numpy as np
import pytest

from recommendations.engine.ranking.tree_tables import TreeTables

N_FEATURES = 5
EACH_ITS_OWN = np.eye(N_FEATURES + 1)


def draw_features(n, seed=0):
    """A tenth unknown, some equal to each other: splits lie between values that occur."""
    rng = np.random.default_rng(seed)
    features = np.round(rng.normal(size=(n, N_FEATURES)), 1).astype(np.float32)
    features[rng.random(features.shape) < 0.1] = np.nan
    features[:, 4] = np.nan_to_num(
        features[:, 4]
    )  # always known: LightGBM marks its splits otherwise
    return features


def train(n_leaves, n_trees=12, seed=0):
    features = draw_features(800, seed)
    filled = np.nan_to_num(features)
    wanted = filled[:, 0] * filled[:, 1] + np.abs(filled[:, 2]) + filled[:, 4] + filled[:, 0]
    parameters = {
        "num_leaves": n_leaves, "min_data_in_leaf": 5, "max_bin": 31, "verbose": -1,
        "num_threads": 1,
    }  # fmt: skip
    return lightgbm.train(parameters, lightgbm.Dataset(features, wanted), n_trees)


@pytest.mark.parametrize("n_leaves", [2, 3, 8, 9])
def test_every_feature_adds_what_treeshap_says(n_leaves):
    booster = train(n_leaves)
    tables = TreeTables.make(booster.dump_model(), EACH_ITS_OWN)
    features = draw_features(1500, seed=1)
    contributions = tables.sum_contributions(features)
    np.testing.assert_allclose(
        contributions, booster.predict(features, pred_contrib=True), atol=1e-12
    )
    np.testing.assert_allclose(contributions.sum(axis=1), booster.predict(features), atol=1e-12)


def test_a_tree_of_one_split_by_hand():
    """60 rows go left and get 1, 40 go right and get 6: the mean is .6 * 1 + .4 * 6 = 3."""
    leaf = {"leaf_count": 60, "leaf_value": 1.0}, {"leaf_count": 40, "leaf_value": 6.0}
    split = {
        "split_index": 0, "split_feature": 3, "threshold": 0.5, "decision_type": "<=",
        "missing_type": "NaN", "default_left": False, "internal_count": 100,
        "left_child": leaf[0], "right_child": leaf[1],
    }  # fmt: skip
    model = {"tree_info": [{"tree_structure": split}]}
    tables = TreeTables.make(model, EACH_ITS_OWN)
    features = np.zeros((3, N_FEATURES), dtype=np.float32)
    features[:, 3] = 0.5, 0.6, np.nan
    contributions = tables.sum_contributions(features)
    assert contributions[:, 3].tolist() == pytest.approx([1 - 3, 6 - 3, 6 - 3])
    assert contributions[:, -1].tolist() == pytest.approx([3, 3, 3])
    assert not contributions[:, [0, 1, 2, 4]].any()


def test_a_group_gets_the_sum_of_its_features():
    booster = train(8)
    to_group = np.array([[1, 0, 0], [0.5, 0.5, 0], [0, 1, 0], [0, 1, 0], [1, 0, 0], [0, 0, 1]])
    features = draw_features(50, seed=2)
    each = TreeTables.make(booster.dump_model(), EACH_ITS_OWN).sum_contributions(features)
    grouped = TreeTables.make(booster.dump_model(), to_group).sum_contributions(features)
    np.testing.assert_allclose(grouped, each @ to_group, atol=1e-12)


def test_a_row_does_not_depend_on_the_others():
    tables = TreeTables.make(train(8).dump_model(), EACH_ITS_OWN)
    features = draw_features(1100, seed=3)
    together = tables.sum_contributions(features)
    for row in (0, 511, 1099):
        assert (tables.sum_contributions(features[row : row + 1])[0] == together[row]).all()


def test_a_model_without_a_split_adds_its_mean_alone():
    model = {"tree_info": [{"tree_structure": {"leaf_value": 0.25}}]}
    contributions = TreeTables.make(model, EACH_ITS_OWN).sum_contributions(draw_features(2))
    assert contributions.tolist() == [[0, 0, 0, 0, 0, 0.25]] * 2


def test_larger_trees_are_refused():
    with pytest.raises(ValueError, match="more than 9 leaves"):
        TreeTables.make(train(12).dump_model(), EACH_ITS_OWN)
