"""What the order is learned for: the songs heard next where what was heard last tells them, else any that belong."""

from dataclasses import replace

import numpy as np
import pytest

from recommendations.engine import PRESETS, Interactions, Recommender, TrainingData, decide_order
from recommendations.engine.algorithms import create_algorithm
from recommendations.engine.core.config import RankerConfig
from recommendations.engine.tuning.order_value import choose_decays, is_next_told
from recommendations.engine.tuning.validation import Validation

N_LISTENERS, N_MOODS, SONGS_A_MOOD = 240, 8, 40
RANKER = RankerConfig(n_by_component=20, n_by_artist=5, n_trees=10, min_leaf=5)


def listen(*, is_fading: bool, n_listeners: int = N_LISTENERS, has_times: bool = True):
    """Listeners with ten songs of one mood and ten of another: one mood after the other, or mixed."""
    rng = np.random.default_rng(3)
    listeners, songs, times = [], [], []
    for listener in range(n_listeners):
        moods = rng.choice(N_MOODS, 2, replace=False)
        own = np.concatenate(
            [mood * SONGS_A_MOOD + rng.permutation(SONGS_A_MOOD)[:10] for mood in moods]
        )
        order = np.arange(20) if is_fading else rng.permutation(20)
        listeners += [listener] * 20
        songs += list(own)
        times += list(1_700_000_000 + 3600 * order)
    when = np.array(times)
    return Interactions.from_ids(
        np.array(listeners),
        np.array(songs),
        timestamps=when if has_times else None,
        positions=None if has_times else when - when.min(),
        all_item_ids=np.arange(N_MOODS * SONGS_A_MOOD),
    )


def gather(events: Interactions) -> TrainingData:
    return TrainingData(events.to_matrix(PRESETS["standard"].weighting), events=events)


@pytest.mark.parametrize(
    ("world", "answer"),
    [
        ({"is_fading": True}, True),
        ({"is_fading": False}, False),
        # the order of a playlist says where a song stands, not when it was heard
        ({"is_fading": True, "has_times": False}, False),
        ({"is_fading": True, "n_listeners": 20}, False),
    ],
)
def test_the_songs_heard_last_tell_what_is_next_where_listeners_move_on(world, answer):
    data = gather(listen(**world))
    assert is_next_told(data, 0.2, 0) is answer
    config = replace(PRESETS["standard"], ranker=RANKER)
    settled = decide_order(config, data, 0)
    assert settled.learns_newest is answer
    assert settled == replace(config, ranker=replace(RANKER, newest_held_out=answer))
    assert decide_order(settled, data, 1) == settled


def test_each_component_gets_the_decay_that_finds_most_of_the_newest_songs():
    validation = Validation.hold_out(gather(listen(is_fading=True)), 0.2, 1500, 0)
    plain = {
        name: create_algorithm(name, {}).fit(validation.data, seed=0)
        for name in ("item_knn", "ease")
    }
    chosen = choose_decays(validation, plain, lambda *_: None)
    assert chosen.keys() == plain.keys()
    for name, algorithm in chosen.items():
        decay = algorithm.options()["history_decay"]
        assert decay < 1
        values = {
            other: validation.cases().ndcg(plain[name].with_decay(other)).mean()
            for other in (1.0, 0.97, 0.9, 0.8, 0.65)
        }
        assert values[decay] == max(values.values())
        assert values[decay] > 1.2 * values[1.0]


def test_without_an_order_nothing_decays():
    data = gather(listen(is_fading=True))
    validation = Validation.hold_out(data, 0.2, 1500, 0, newest=False)
    plain = {"item_knn": create_algorithm("item_knn", {}).fit(validation.data, seed=0)}
    assert choose_decays(validation, plain, lambda *_: None) == plain


@pytest.mark.parametrize("is_fading", [True, False])
def test_the_default_serves_what_is_next_where_the_order_tells_it(is_fading):
    config = replace(PRESETS["standard"], ranker=RANKER)
    recommender = Recommender(config).fit(listen(is_fading=is_fading), seed=0)
    decays = {
        name: algorithm.options().get("history_decay", 1.0)
        for name, algorithm in recommender.algorithms.items()
        if name not in ("content", "popularity")
    }
    assert (min(decays.values()) < 1) is is_fading
    # it is the default all the same: a training of it is not compared with itself
    assert config.could_produce(recommender.config)
    other = replace(config, relevance=0.5)
    assert not other.could_produce(recommender.config)
