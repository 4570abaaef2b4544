"""Weights of a blend that are found on a site's own listeners instead of being fixed."""

from dataclasses import replace

import numpy as np
import pytest

from recommendations.engine import (
    PRESETS,
    SEGMENTS,
    Recommender,
    RecommenderConfig,
    Split,
    evaluate,
    learn_weights,
    sample_split,
)
from recommendations.engine.core.config import RankerConfig
from recommendations.engine.tuning.blend_weights import find_better_weights, judge_blend
from recommendations.engine.tuning.validation import Cases
from tests.engine.worlds import taste_world

N_MEASURED = 150
POPULAR = {"popularity": 1.0}
CONFIG = RecommenderConfig(
    name="popular songs",
    components={"item_knn": {}, "popularity": {}},
    weights=dict.fromkeys(SEGMENTS, POPULAR),
    learns_weights=True,
)


@pytest.fixture(scope="module")
def split() -> Split:
    events, _ = taste_world(n_listeners=900)
    return sample_split(events, n_listeners=600, seed=4)


@pytest.fixture
def recommender(split) -> Recommender:
    return Recommender(CONFIG).fit(split.train, seed=4)


def test_what_finds_more_gets_the_most_and_those_without_songs_keep_theirs(recommender, split):
    """Everybody here has a taste, so what similar listeners heard says more than what is popular."""
    improved = learn_weights(recommender, split, max_listeners=N_MEASURED, seed=4)
    assert improved.weights["warm"]["item_knn"] > 0.5 and improved.weights["hot"]["item_knn"] > 0.5
    assert improved.weights["none"] == improved.weights["cold"] == POPULAR
    assert all(abs(sum(weights.values()) - 1) < 1e-9 for weights in improved.weights.values())
    assert improved.ndcg > improved.given_ndcg
    assert recommender.config == CONFIG  # it is the caller who uses them


def test_those_who_are_measured_get_better_lists_and_had_no_say(recommender, split):
    before = evaluate(recommender, split, max_listeners=N_MEASURED, seed=4)
    improved = learn_weights(recommender, split, max_listeners=N_MEASURED, seed=4)
    recommender.use_weights(improved.weights)
    after = evaluate(recommender, split, max_listeners=N_MEASURED, seed=4)
    assert after.mean("ndcg@10") > 1.2 * before.mean("ndcg@10")
    assert after.values["item_knn"].tolist() == before.values["item_knn"].tolist()

    # what is held out of the measured listeners is another song now, and the same weights are found
    other = split.test.tolil()
    for row in after.listeners:
        other[row, :] = False
        other[row, 0] = True
    again = Recommender(CONFIG).fit(split.train, seed=4)
    changed = learn_weights(
        again, replace(split, test=other.tocsr()), max_listeners=N_MEASURED, seed=4
    )
    assert changed == improved


def test_weights_stay_where_no_others_measure_better(split):
    """Of one component every mixture is the same."""
    alone = replace(
        CONFIG,
        components={"item_knn": {}},
        weights={segment: {"item_knn": 1.0} for segment in SEGMENTS},
    )
    recommender = Recommender(alone).fit(split.train, seed=4)
    improved = learn_weights(recommender, split, max_listeners=N_MEASURED, seed=4)
    assert improved.weights == alone.weights
    assert improved.ndcg == improved.given_ndcg > 0


def test_the_best_songs_of_each_component_decide_as_all_songs_do(recommender, split):
    """120 songs: the hundred best of each component leave out none that could be among ten."""
    rows = np.flatnonzero(np.diff(split.test.indptr))[:300]
    histories = recommender.histories(split.given)[rows]
    cases = Cases(histories, split.test[rows].astype(np.float32).tocsr())
    both = {"item_knn": 0.6, "popularity": 0.4}
    mixed = replace(CONFIG, weights=dict.fromkeys(SEGMENTS, both))
    whole = judge_blend(recommender.algorithms, cases, mixed)
    n_heard = np.diff(histories.indptr)
    # of so few hot listeners nothing is learned
    is_warm = (n_heard >= CONFIG.cold_below) & (n_heard < CONFIG.hot_from)
    improved = find_better_weights(recommender.algorithms, cases, mixed, seed=4)
    assert improved.n_listeners == is_warm.sum()
    assert improved.given_ndcg == pytest.approx(whole[is_warm].mean())


@pytest.mark.parametrize("n_left_over", [0, 59])
def test_of_few_listeners_nothing_is_learned(recommender, split, n_left_over):
    n_with_test = int((np.diff(split.test.indptr) > 0).sum())
    assert (
        learn_weights(recommender, split, max_listeners=n_with_test - n_left_over, seed=4) is None
    )


def test_where_a_ranker_orders_the_lists_there_are_no_weights_to_learn(split):
    config = replace(CONFIG, ranker=RankerConfig(n_trees=5))
    ranked = Recommender(config).fit(split.train, seed=4)
    assert ranked.ranker is not None
    assert learn_weights(ranked, split, max_listeners=N_MEASURED, seed=4) is None


def test_found_weights_are_what_the_preset_gives():
    """Else each night would fit the active version's configuration once more, to compare with it."""
    large = PRESETS["large"]
    changed = replace(large, weights=large.weights | {"warm": {"als": 0.2, "item_knn": 0.8}})
    assert large.could_produce(changed)
    assert RecommenderConfig.from_dict(changed.to_dict()) == changed
    assert not replace(large, learns_weights=False).could_produce(changed)
