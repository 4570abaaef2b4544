"""What is done block by block for many events is what is done at once for few."""

import numpy as np
import pytest

from recommendations.engine import (
    CLASSIC,
    Interactions,
    Recommender,
    Weighting,
    World,
    bootstrap_pairs,
    evaluate,
    sample_split,
)
from recommendations.engine.algorithms.popularity import find_newest_by_listener
from recommendations.engine.data import interactions

WORLD = World(n_listeners=400, n_songs=200, seed=4)


@pytest.fixture(scope="module")
def events() -> Interactions:
    return WORLD.to_interactions()


def test_strengths_and_their_order_are_the_same_in_blocks(events, monkeypatch):
    whole = events.to_matrix(Weighting())
    monkeypatch.setattr(interactions, "EVENTS_TOGETHER", 700)
    assert len(list(events.cut_by_listener())) > 10
    cut = events.take(slice(None)).to_matrix(Weighting())
    assert (cut != whole).nnz == 0
    assert (cut.indices == whole.indices).all()
    assert (cut.steps_back == whole.steps_back).all()


def test_a_listener_with_more_events_than_a_block_is_one_block(monkeypatch):
    monkeypatch.setattr(interactions, "EVENTS_TOGETHER", 3)
    events = Interactions.from_ids([1, 1, 1, 1, 1, 2, 3], [1, 2, 3, 4, 5, 1, 2])
    blocks = list(events.cut_by_listener())
    assert [block.n_events for block in blocks] == [5, 2]
    assert events.to_matrix(Weighting()).nnz == 7


def test_events_in_no_order_of_listeners_are_one_block(monkeypatch):
    monkeypatch.setattr(interactions, "EVENTS_TOGETHER", 2)
    events = Interactions.from_ids([2, 1, 2, 1], [1, 2, 3, 4])
    assert list(events.cut_by_listener()) == [events]


def test_popularity_is_counted_the_same_in_blocks(events, monkeypatch):
    whole = find_newest_by_listener(events)
    monkeypatch.setattr(interactions, "EVENTS_TOGETHER", 700)
    cut = find_newest_by_listener(events)
    assert all((ours == theirs).all() for ours, theirs in zip(cut, whole, strict=True))


def test_only_listeners_of_the_sample_lose_songs(events):
    split = sample_split(events, n_listeners=50, seed=1)
    held_out = np.flatnonzero(np.diff(split.test.indptr))
    assert 40 <= len(held_out) <= 50
    before, after = events.to_matrix(Weighting()), split.train.to_matrix(Weighting())
    lost = np.flatnonzero(np.diff(before.indptr) != np.diff(after.indptr))
    assert (lost == held_out).all()
    assert after.multiply(split.test).nnz == 0


# --- Warm start -------------------------------------------------------------------------------------------------------


def test_a_warm_start_is_as_good_as_a_whole_fit_in_a_fifth_of_the_iterations():
    world = World(n_listeners=1_500, n_songs=600)
    split = sample_split(world.to_interactions(), n_listeners=800, seed=1)
    yesterday = split.train.take(np.random.default_rng(1).random(split.train.n_events) > 0.01)
    start = Recommender(CLASSIC).fit(yesterday, world.item_features(), seed=1)
    steps = []
    warm = Recommender(CLASSIC).fit(
        split.train,
        world.item_features(),
        start=start,
        seed=1,
        on_progress=lambda stage, done, total: steps.append((stage, done, total)),
    )
    cold = Recommender(CLASSIC).fit(split.train, world.item_features(), seed=1)
    ours, theirs = (evaluate(one, split) for one in (warm, cold))
    difference = bootstrap_pairs(ours, theirs, metric="ndcg@10", seed=1)
    assert difference.high > 0  # not surely worse
    assert ours.mean("ndcg@10") > 0.9 * theirs.mean("ndcg@10") > 0.02
    assert max(total for stage, _, total in steps if stage == "fit als") == 3 == 15 / 5
    assert warm.metadata["warm_started"] == ["als"]
    assert "warm_started" not in cold.metadata


def test_a_warm_start_knows_songs_by_their_ids_and_takes_new_ones_in(events):
    few = Interactions.from_ids(
        events.listener_rows[events.item_rows < 150],
        events.items.ids[events.item_rows[events.item_rows < 150]][::1],
    )
    start = Recommender(CLASSIC).fit(few, seed=1)
    warm = Recommender(CLASSIC).fit(events, start=start, seed=1)
    factors = warm.algorithms["als"].item_factors_
    assert np.isfinite(factors).all()
    heard = np.unique(events.item_rows)
    assert (np.abs(factors[heard]).sum(axis=1) > 0).mean() > 0.95


def test_a_start_of_other_size_or_without_the_component_is_no_start(events):
    small = CLASSIC.from_dict(
        CLASSIC.to_dict() | {"components": CLASSIC.components | {"als": {"n_factors": 8}}}
    )
    start = Recommender(small).fit(events, seed=1)
    fitted = Recommender(CLASSIC).fit(events, start=start, seed=1)
    assert "warm_started" not in fitted.metadata


def test_a_fit_after_a_warm_one_begins_anew(events):
    start = Recommender(CLASSIC).fit(events, seed=1)
    again = Recommender(CLASSIC).fit(events, start=start, seed=1).fit(events, seed=1)
    cold = Recommender(CLASSIC).fit(events, seed=1)
    assert (again.algorithms["als"].item_factors_ == cold.algorithms["als"].item_factors_).all()
