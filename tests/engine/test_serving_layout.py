"""What a process keeps of a saved recommender: mapped files, and little beside them."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from recommendations.engine import (
    ALGORITHMS,
    CLASSIC,
    Interactions,
    ItemFeatures,
    Recommender,
    RecommenderConfig,
    TrainingData,
    Weighting,
)
from recommendations.engine.algorithms import create_algorithm
from recommendations.engine.algorithms.als import ALS
from recommendations.engine.algorithms.user_knn import NO_ID, UserKNN

from .worlds import checkerboard_data, taste_world

ROOT = Path(__file__).resolve().parents[2]


def is_mapped(array) -> bool:
    while array is not None:
        if isinstance(array, np.memmap):
            return True
        array = array.base
    return False


LARGE = {
    "als": {"factor_columns"},
    "ease": {"links", "targets"},
    "item_knn": {"links", "targets"},
    "user_knn": {"values", "columns", "song_values", "song_listeners"},
}


@pytest.mark.parametrize("name", sorted(LARGE))
def test_what_is_large_stays_in_the_mapped_files(name, tmp_path):
    interactions, features = taste_world()
    config_weights = {segment: {name: 1.0} for segment in ("none", "cold", "warm", "hot")}
    config = RecommenderConfig(name="one", components={name: {}}, weights=config_weights)
    Recommender(config).fit(interactions, features).save(tmp_path / "one")
    algorithm = Recommender.load(tmp_path / "one").algorithms[name]
    state = algorithm.state()
    for array_name in LARGE[name]:
        assert is_mapped(state[array_name]), array_name


def test_similar_songs_are_those_of_the_cosine_of_the_factors():
    als = ALS(n_factors=8).fit(TrainingData(taste_world()[0].to_matrix(Weighting())), seed=1)
    factors = als.item_factors_.astype(np.float64)
    units = factors / np.linalg.norm(factors, axis=1, keepdims=True)
    np.testing.assert_allclose(als.similar(7), units @ units[7], rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(als.item_vectors(np.array([[7, 3]]))[0], units[[7, 3]], atol=1e-5)


def test_factors_of_an_older_release_are_read():
    als = ALS(n_factors=8).fit(checkerboard_data(), seed=1)
    old = als.state() | {"item_factors": np.ascontiguousarray(als.item_factors_)}
    del old["factor_columns"]
    again = ALS.from_state(als.options(), old)
    np.testing.assert_array_equal(
        again.score(checkerboard_data().strengths), als.score(checkerboard_data().strengths)
    )
    with pytest.raises(ValueError, match="factor_columns has the shape"):
        ALS.from_state(als.options() | {"n_factors": 9}, old)


def test_histories_of_an_older_release_are_read_and_go_all_together():
    """They have no ids, so each may be that of the listener who goes."""
    data = checkerboard_data()
    knn = UserKNN().fit(data)
    old = {name: knn.state()[name] for name in ("n_items", "values", "columns", "starts")}
    again = UserKNN.from_state(knn.options(), old | {"width": np.array([data.n_items])})
    np.testing.assert_array_equal(again.score(data.strengths), knn.score(data.strengths))
    assert set(again.stored_listener_ids().tolist()) == {NO_ID}
    emptied = again.without_listeners(np.array([5]))
    assert emptied.values_.shape == (0, data.n_items)
    assert np.isnan(emptied.score(data.strengths)).all()
    assert not np.isfinite(emptied.similar(4)).any() or not (emptied.similar(4) > 0).any()
    restored = UserKNN.from_state(emptied.options(), emptied.state())
    assert restored.stored_listener_ids().size == 0


def test_only_algorithms_that_keep_histories_say_so():
    data = checkerboard_data()
    for name, algorithm in ALGORITHMS.items():
        stored = create_algorithm(name, {}).fit(data).stored_listener_ids()
        assert bool(len(stored)) is algorithm.keeps_histories, name


MEASURE = """
import sys
from recommendations.engine import Recommender
import lightgbm, scipy.linalg, scipy.sparse.csgraph

def private():
    text = open("/proc/self/smaps_rollup").read()
    return sum(int(line.split()[1]) for line in text.splitlines() if line.startswith("Private_Dirty"))

Recommender.load(sys.argv[1]).similar(3)  # what a first answer needs of libraries
before = private()
recommender = Recommender.load(sys.argv[2])
history = recommender.history(list(range(0, 400, 8)))
recommender.recommend(history)
recommender.similar(3)
print(private() - before)
"""


@pytest.mark.skipif(
    not Path("/proc/self/smaps_rollup").exists(), reason="only Linux tells what is private"
)
def test_a_process_takes_at_most_one_and_a_half_times_the_artifact(tmp_path):
    """The mapped files are one part, shared by all processes; what each has for itself is at most half of it."""
    rng = np.random.default_rng(0)

    def save_artifact(n_items: int, name: str) -> int:
        audio = rng.random((n_items, 8))
        audio[:, 7] = 60 + 120 * audio[:, 7]
        events = Interactions.from_ids(
            rng.integers(0, 500, 40_000),
            rng.integers(0, n_items, 40_000),
            all_item_ids=np.arange(n_items),
        )
        quick = CLASSIC.to_dict()
        quick["components"]["als"]["n_iterations"] = 1
        config = type(CLASSIC).from_dict(quick)
        features = ItemFeatures.build(audio, np.arange(n_items) // 10)
        return Recommender(config).fit(events, features).save(tmp_path / name).n_bytes

    save_artifact(500, "small")
    n_bytes = save_artifact(100_000, "large")
    command = [sys.executable, "-c", MEASURE, str(tmp_path / "small"), str(tmp_path / "large")]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    private_bytes = 1024 * int(done.stdout)
    assert private_bytes <= 0.5 * n_bytes, (private_bytes, n_bytes)
