"""The household benchmark at its small size, on the synthetic world."""

from argparse import Namespace

import numpy as np
import pytest

from benchmarks import household, prior
from benchmarks.listening_files import Listening
from recommendations.engine import PRESETS, ItemFeatures, Weighting, World
from recommendations.engine.evaluation import split_randomly

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def listening():
    world = World(n_listeners=300, n_songs=200, n_interactions=9_000, seed=3)
    events = world.to_interactions()
    counts = events.to_matrix(Weighting())
    split = split_randomly(events, seed=3)
    test = counts.multiply(split.test).tocsr()
    songs = world.songs
    features = ItemFeatures.build(
        audio=songs.audio, artist=songs.artist, genres=songs.genres, year=songs.year
    )
    return Listening((counts - test).tocsr(), test, features)


@pytest.fixture(scope="module")
def result(listening):
    options = Namespace(
        preset="standard",
        seed=0,
        items=0,
        sizes=(1, 2, 5, 20),
        judged=12,
        floor=10,
        with_prior_only=False,
        json=None,
    )
    return household.measure(options, listening)


def test_every_size_has_every_system_with_its_interval(result):
    assert [size["n_listeners"] for size in result["sizes"]] == [1, 2, 5, 20]
    for size in result["sizes"]:
        assert set(size["systems"]) >= {household.DEFAULT, household.WITHOUT, *household.ALONE}
        for row in size["systems"].values():
            low, high = row["interval"]
            assert 0 <= low <= row["ndcg@10"] <= high <= 1
        assert set(size["newcomers"]) == set(household.NEWCOMERS_HAVE)


@pytest.mark.parametrize("baseline", household.ALONE)
def test_the_default_is_never_worse_than_a_plain_method(result, baseline):
    """At each size: not below the plain method, as far as so few listeners can say."""
    for size in result["sizes"]:
        assert size["default minus"][baseline]["high"] >= 0


def test_without_a_prior_the_default_is_never_worse_than_what_the_server_knows_alone(result):
    for size in result["sizes"]:
        ours = size["systems"][household.WITHOUT]
        for baseline in ("popularity", "item kNN", "user kNN"):
            assert ours["interval"][1] >= size["systems"][baseline]["ndcg@10"]


def test_more_of_a_crowd_says_more(result):
    says = [size["say"] for size in result["sizes"]]
    assert says == sorted(says)
    assert says[0] == 0


def test_hidden_items_are_never_given():
    rng = np.random.default_rng(0)
    from scipy.sparse import random as random_matrix

    heard = random_matrix(30, 80, 0.2, format="csr", random_state=rng, dtype=np.float32)
    server = household.Server.hide_songs(heard, seed=1, n_judged=30)
    assert (server.train.multiply(server.test)).nnz == 0
    assert (server.train + server.test != heard).nnz == 0


def test_the_default_preset_follows_the_crowd():
    assert PRESETS["standard"].follows_crowd


def test_the_prior_and_content_are_measured_beside_the_plain_counts_for_the_same_listeners(
    listening,
):
    options = Namespace(seeds=(0,), items=0, floor=5, options={"transform": "log"})
    rows = prior.measure(options, listening)
    assert {row["songs"] for row in rows} == set(prior.HISTORIES)
    for row in rows:
        assert row["ratio_low"] <= row["ratio"] <= row["ratio_high"]
        if row["system"] == prior.PLAIN:
            assert row["ratio"] == row["ratio_low"] == row["ratio_high"] == 1
