"""The linear part of the ranker: a conditional logit over each listener's candidates."""

import numpy as np
import pytest
from scipy.optimize import approx_fprime

from recommendations.engine.ranking.linear_ranker import LOWEST, LinearOrder


@pytest.fixture
def candidates():
    """Of 200 listeners' ten candidates the one with the highest first feature was taken; the second is noise."""
    rng = np.random.default_rng(5)
    features = rng.normal(size=(2000, 2)).astype(np.float32) * [3, 1] + [10, 0]
    best = features[:, 0].reshape(200, 10).argmax(axis=1)
    is_best = np.zeros(2000, dtype=bool)
    is_best[np.arange(200) * 10 + best] = True
    return features.astype(np.float32), is_best, np.full(200, 10)


def test_the_feature_that_decides_gets_the_weight(candidates):
    order = LinearOrder.learn(*candidates)
    assert order.means == pytest.approx([10, 0], abs=0.3)
    assert order.deviations == pytest.approx([3, 1], abs=0.1)
    assert order.weights[0] > 10 * abs(order.weights[1])


def test_what_features_add_sums_to_the_score_and_an_unknown_one_counts_as_rather_bad(candidates):
    features = candidates[0][:5].copy()
    features[2, 0] = np.nan
    order = LinearOrder.learn(*candidates)
    contributions = order.contributions(features)
    assert contributions.sum(axis=1) == pytest.approx(order.score(features))
    assert contributions[2, 0] == pytest.approx(LOWEST * order.weights[0])
    assert np.isfinite(contributions).all()


def test_the_weights_are_where_the_chance_of_what_was_taken_is_highest(candidates):
    features, is_best, group = candidates
    order = LinearOrder.learn(features, is_best, group)
    standard = (features - order.means) / order.deviations

    def loss(weights):
        score = (standard @ weights).reshape(200, 10)
        chosen = score[is_best.reshape(200, 10)]
        likelihood = chosen - np.log(np.exp(score).sum(axis=1))
        return -likelihood.mean() + 1e-3 * weights @ weights

    assert np.abs(approx_fprime(order.weights, loss, 1e-5)).max() < 0.01


def test_a_feature_that_never_varies_adds_nothing(candidates):
    features, is_best, group = candidates
    order = LinearOrder.learn(
        np.column_stack([features, np.full(2000, 7.0)]).astype(np.float32), is_best, group
    )
    assert order.weights[2] == 0
