"""EASE where the exact solve does not fit: every song keeps its place, and next to nothing is lost."""

from dataclasses import replace

import numpy as np
import pytest
from scipy.sparse import csr_matrix

from recommendations.engine import PRESETS, DataSize, Recommender, TrainingData, Weighting
from recommendations.engine.algorithms import create_algorithm
from recommendations.engine.core.machine import GB
from recommendations.engine.tuning.validation import Validation
from tests.engine.worlds import taste_world

PLUS = {"song_weight": 0.5, "denoising": 0.3, "popularity_discount": 0.1, "regularization": 10.0}
TINY = 40 * 40 * 4 * 1.4 / GB
"""Memory of a solve with a side of 40."""


@pytest.fixture(scope="module")
def world():
    return taste_world(n_listeners=300, n_items=160)


@pytest.fixture(scope="module")
def data(world):
    interactions, features = world
    return TrainingData(interactions.to_matrix(Weighting()), features, interactions)


def fit(name, data, **options):
    return create_algorithm(name, {**PLUS, **options}).fit(data, seed=1)


@pytest.mark.parametrize(
    "options", [{}, {"song_weight": 0.0, "denoising": 0.0}, {"side_information": 1.0}]
)
def test_with_all_directions_it_is_the_exact_ease(data, options):
    exact = fit("ease", data, n_links=data.n_items, **options)
    low_rank = fit("low_rank_ease", data, n_factors=data.n_items, **options)
    np.testing.assert_allclose(
        low_rank.score(data.strengths), exact.score(data.strengths), rtol=2e-3, atol=2e-4
    )
    np.testing.assert_allclose(low_rank.similar(3), exact.similar(3), rtol=2e-3, atol=2e-4)
    assert low_rank.kept_ == pytest.approx(1, abs=1e-5)


def test_a_quarter_of_the_directions_finds_nearly_as_much_as_the_exact_one_and_more_than_popularity(
    data,
):
    validation = Validation.hold_out(data, 0.2, 1500, seed=1)

    def measure(name, options):
        algorithm = create_algorithm(name, options).fit(validation.data, seed=1)
        return validation.cases().ndcg(algorithm).mean()

    exact = measure("ease", {**PLUS, "n_links": data.n_items})
    low_rank = measure("low_rank_ease", {**PLUS, "n_factors": data.n_items // 4})
    assert low_rank >= 0.9 * exact
    assert low_rank > 1.2 * measure("popularity", {})


def test_each_song_of_a_history_adds_its_link_and_nothing_to_itself(data):
    low_rank = fit("low_rank_ease", data, n_factors=20)
    row = int(np.flatnonzero(np.diff(data.strengths.indptr) > 5)[0])
    history = data.strengths[[row]]
    songs = np.append(history.indices[:3], [0, 1, 2]).astype(np.int32)[None]
    amounts = low_rank.contributions(history, songs)[0]
    assert not np.diag(amounts[:3, :3]).any()
    np.testing.assert_allclose(
        amounts.sum(axis=1), low_rank.score_items(history, songs)[0], rtol=1e-4, atol=1e-6
    )
    one = csr_matrix(([1.0], ([0], [5])), shape=(1, data.n_items), dtype=np.float32)
    linked = low_rank.similar(5)
    others = np.arange(data.n_items) != 5
    np.testing.assert_allclose(low_rank.score(one)[0][others], linked[others], rtol=1e-4, atol=1e-6)


def test_beyond_the_memory_every_heard_song_is_scored_and_the_log_says_what_is_left_out(caplog):
    """The songs with the fewest listeners used to be cut off."""
    wide, _ = taste_world(n_listeners=500, n_items=500)
    data = TrainingData(wide.to_matrix(Weighting()))
    ease = fit("ease", data, memory_gb=TINY)
    heard = np.bincount(data.strengths.indices, minlength=data.n_items) > 0
    assert np.isfinite(ease.score(data.strengths)[:, heard]).all()
    assert ease.learned_.sum() == 40
    left_out = 100 * (1 - ease.low_rank_.kept_)
    assert 0.1 < left_out < 20
    assert f"exact between 40 of {heard.sum()} songs" in caplog.text
    assert f"leaves out {left_out:.1f} % of the weighed listens' squares" in caplog.text
    again = type(ease).from_state(ease.options(), ease.state())
    np.testing.assert_array_equal(ease.similar(2), again.similar(2))


@pytest.mark.parametrize("decay", [1.0, 0.5])
def test_links_between_the_most_heard_songs_are_exact_and_all_others_of_low_rank(data, decay):
    ease = fit("ease", data, memory_gb=TINY, n_links=data.n_items).with_decay(decay)
    most_heard = np.flatnonzero(ease.learned_)
    exact = fit("ease", TrainingData(data.strengths[:, most_heard]), n_links=data.n_items)
    low_rank = fit("low_rank_ease", data, history_decay=decay)
    row = int(np.flatnonzero(np.diff(data.strengths.indptr) > 12)[0])
    history = data.strengths[[row]]
    songs = np.arange(data.n_items, dtype=np.int32)[None]
    amounts = ease.contributions(history, songs)[0]
    expected = low_rank.contributions(history, songs)[0]
    weights = decay**history.steps_back
    for index, song in enumerate(history.indices):
        if song in most_heard:
            links = exact.links_[[np.searchsorted(most_heard, song)]].toarray()[0]
            expected[most_heard, index] = links * weights[index]
    np.testing.assert_allclose(amounts, expected, rtol=1e-3, atol=1e-5)
    np.testing.assert_allclose(amounts.sum(axis=1), ease.score(history)[0], rtol=1e-3, atol=1e-5)


def test_contributions_add_up_to_the_score_where_the_low_rank_songs_are_all_disliked(data):
    """The score left out dislikes that only the low-rank form links, and the reasons had them."""
    ease = fit("ease", data, memory_gb=TINY, n_links=data.n_items)
    exact, others = np.flatnonzero(ease.learned_)[:3], np.flatnonzero(~ease.learned_)[:2]
    rows = np.sort(np.append(exact, others))
    strengths = np.where(np.isin(rows, others), -1, 1).astype(np.float32)
    history = csr_matrix((strengths, (np.zeros(5, int), rows)), shape=(1, data.n_items))
    songs = np.arange(data.n_items, dtype=np.int32)[None]
    amounts, scores = ease.contributions(history, songs)[0], ease.score(history)[0]
    is_disliked = np.isin(history.indices, others)
    assert np.abs(amounts[:, is_disliked]).max() > 1e-3
    np.testing.assert_allclose(amounts.sum(axis=1), scores, rtol=1e-3, atol=1e-5)


def test_a_second_fit_that_fits_is_exact(data):
    ease = fit("ease", data, memory_gb=TINY, n_links=data.n_items)
    ease.memory_gb = None
    exact = fit("ease", data, n_links=data.n_items)
    np.testing.assert_array_equal(
        ease.fit(data, seed=1).score(data.strengths), exact.score(data.strengths)
    )


def test_a_recommender_with_it_is_saved_and_loaded(world, tmp_path):
    components = {"ease": {**PLUS, "memory_gb": TINY}, "popularity": {}}
    weights = {segment: {"ease": 0.5, "popularity": 0.5} for segment in PRESETS["standard"].weights}
    config = replace(
        PRESETS["standard"],
        components=components,
        weights=weights,
        ranker=None,
        follows_crowd=False,
    )
    fitted = Recommender(config).fit(*world, seed=1)
    fitted.save(tmp_path / "saved")
    history = fitted.histories(world[0])[:9]
    loaded = Recommender.load(tmp_path / "saved")
    assert loaded.recommend_batch(history, 5).pack(3) == fitted.recommend_batch(history, 5).pack(3)
    lists = loaded.recommend_batch(history, 5)[:]
    assert any(song.explanation.named for each in lists for song in each.items)


def test_beyond_the_memory_a_fit_grows_with_the_songs_and_not_with_their_square():
    ease = create_algorithm("ease", {"memory_gb": 0.1})
    sizes = [DataSize(n, n, 10 * n, 10 * n) for n in (1_000_000, 2_000_000)]
    one, two = (ease.fit_bytes(size) for size in sizes)
    assert one > 4 * 384 * 1_000_000
    assert two == pytest.approx(2 * one, rel=1e-3)
    exact = 18 * 300 * ease.largest_solve
    kept_one, kept_two = (ease.learned_bytes(size) - exact for size in sizes)
    assert kept_two == pytest.approx(2 * kept_one, rel=1e-6)


@pytest.mark.parametrize("option", ["n_factors", "n_iterations"])
def test_no_factors_and_no_iterations_are_refused(option):
    with pytest.raises(ValueError, match="must be at least 1"):
        create_algorithm("low_rank_ease", {option: 0})
