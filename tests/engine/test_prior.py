"""What listeners elsewhere heard: counting, the component, and its weight."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from scipy.sparse import csr_matrix

from recommendations.engine import (
    PRESETS,
    Interactions,
    ItemFeatures,
    Prior,
    Recommender,
    TrainingData,
)
from recommendations.engine.algorithms import create_algorithm
from recommendations.engine.core.config import SEGMENTS, RecommenderConfig
from recommendations.engine.core.ordered import OrderedHistories
from recommendations.engine.reranking.mmr import (
    Candidates,
    compute_margins,
    count_before,
    spread_artists,
)
from recommendations.engine.tuning import crowd
from recommendations.engine.tuning.crowd import Crowd, fit_to_crowd

CONFIG = replace(PRESETS["tuned"], search=None, ranker=None)


def world(n_listeners: int, n_items: int = 60, seed: int = 0) -> csr_matrix:
    """Listeners of two tastes: the first half of the songs, or the second."""
    rng = np.random.default_rng(seed)
    taste = np.arange(n_listeners) % 2
    likes = np.where(
        (np.arange(n_items) < n_items // 2)[None, :] == (taste == 0)[:, None], 0.4, 0.01
    )
    return csr_matrix((rng.random((n_listeners, n_items)) < likes).astype(np.float32))


def keys(n: int) -> np.ndarray:
    return np.array([f"song-{number:03}" for number in range(n)])


def make_prior(n_items: int = 60, floor: int = 10) -> Prior:
    return Prior.count(world(400, n_items, seed=5), keys(n_items), fewest_listeners=floor).over(
        keys(n_items)
    )


def test_counts_are_the_listeners_of_both_songs_and_none_below_the_floor():
    heard = world(300)
    prior = Prior.count(heard, keys(60), fewest_listeners=7, most_neighbours=1000)
    exact = (heard.T @ heard).toarray()
    np.fill_diagonal(exact, 0)
    exact[exact < 7] = 0
    rows = [int(key.removeprefix("song-")) for key in prior.keys]
    np.testing.assert_array_equal(prior.together.toarray(), exact[np.ix_(rows, rows)])
    np.testing.assert_array_equal(prior.n_listeners, np.asarray(heard.sum(axis=0)).ravel()[rows])
    assert prior.fewest() >= 7


def test_a_pair_of_one_listener_is_never_counted():
    with pytest.raises(ValueError, match="at least 2 listeners, not 1"):
        Prior.count(world(10), keys(60), fewest_listeners=1)


def test_songs_of_one_artist_are_no_pair_and_neighbours_are_bounded():
    artist = np.arange(60, dtype=np.int32) // 2
    prior = Prior.count(world(300), keys(60), fewest_listeners=2, most_neighbours=5, artist=artist)
    assert np.diff(prior.together.indptr).max() == 5
    pairs = prior.together.tocoo()
    assert (pairs.row // 2 != pairs.col // 2).all()


def test_over_other_songs_keeps_what_both_know():
    prior = make_prior()
    other = np.array(["new", "song-003", "", "song-001"])
    moved = prior.over(other)
    assert moved.n_listeners[[0, 2]].tolist() == [0, 0]
    assert moved.together[1, 3] == prior.together[3, 1]
    assert moved.together[0].nnz == moved.together[2].nnz == 0


def test_contributions_sum_to_the_score_and_unknown_songs_have_none():
    data = TrainingData(world(20), prior=make_prior().over(np.r_[keys(59), ["unheard"]]))
    algorithm = create_algorithm("prior", {}).fit(data)
    histories = world(6, seed=9)
    scores = algorithm.score(histories)
    assert np.isnan(scores[:, 59]).all()
    assert np.isfinite(scores[:, :59]).all()
    songs = np.tile(np.arange(59, dtype=np.int32), (6, 1))
    amounts = algorithm.contributions(histories, songs).sum(axis=2)
    np.testing.assert_allclose(amounts, scores[:, :59], rtol=1e-4, atol=1e-5)


def two_neighbours() -> Prior:
    """Songs 0 and 5 go with 1 and 2, all by a cosine of .3; song 1 goes with 3 and 4, too."""
    pairs = {(0, 1): 30.0, (0, 2): 30.0, (1, 3): 30.0, (1, 4): 30.0, (5, 2): 30.0, (5, 1): 30.0}
    rows, columns = np.array(list(pairs)).T
    together = csr_matrix((list(pairs.values()), (rows, columns)), shape=(60, 60), dtype=np.float32)
    counts = np.full(60, 100, dtype=np.int32)
    return Prior(keys(60), counts, csr_matrix(together + together.T))


def test_a_song_with_many_links_gains_for_one_song_and_loses_for_many():
    prior = two_neighbours()
    algorithm = create_algorithm("prior", {}).fit(TrainingData(world(4), prior=prior))
    one, many = np.zeros((1, 60), np.float32), np.zeros((1, 60), np.float32)
    one[0, 0] = 1
    many[0, [0, 5, *range(10, 40)]] = 1
    scores = algorithm.score(csr_matrix(np.vstack([one, many])))
    assert scores[0, 1] > scores[0, 2]
    assert scores[1, 1] < scores[1, 2]
    # of 1 song (0.4 * 1 - 0.3 * 5) / 6, of 32 (0.4 * 32 - 0.3 * 5) / 37; links: 1.2 and 0.6
    np.testing.assert_allclose(scores[0, 1] / scores[0, 2], 2 ** ((0.3 * 5 - 0.4) / 6), rtol=1e-4)
    ratio = 2 ** -((0.4 * 32 - 0.3 * 5) / 37)
    np.testing.assert_allclose(scores[1, 1] / scores[1, 2], ratio, rtol=1e-4)


def test_an_influence_is_what_the_score_loses_without_the_song():
    algorithm = create_algorithm("prior", {}).fit(TrainingData(world(20), prior=make_prior()))
    history = csr_matrix(world(1, seed=9))
    history.data[-1] = -1  # one that was disliked
    songs = np.arange(60, dtype=np.int32)[None, :]
    influences = algorithm.influences(history, songs)[0]
    scores = algorithm.score(history)[0]
    assert history.nnz > 3
    for position, column in enumerate(history.indices):
        without = history.copy()
        without[0, column] = 0
        without.eliminate_zeros()
        lost = scores - algorithm.score(without)[0]
        np.testing.assert_allclose(influences[:, position], lost, rtol=1e-3, atol=1e-5)


def test_a_component_of_an_older_release_scores_by_its_links_alone():
    """It was saved without the sums of links, with links that were evened out by a power of its own."""
    algorithm = create_algorithm("prior", {}).fit(TrainingData(world(4), prior=make_prior()))
    state = {name: array for name, array in algorithm.state().items() if name != "log_sums"}
    older = type(algorithm).from_state({}, state)
    history = world(1, seed=9)
    expected = (history @ older.links_).toarray()
    np.testing.assert_allclose(older.score(history), expected, rtol=1e-5)


def test_a_listener_without_history_gets_what_most_heard_elsewhere():
    prior = make_prior()
    algorithm = create_algorithm("prior", {}).fit(TrainingData(world(4), prior=prior))
    scores = algorithm.score(csr_matrix((1, 60), dtype=np.float32))[0]
    assert scores.argmax() == prior.n_listeners.argmax()


def test_the_component_is_saved_and_read_again(tmp_path):
    fitted = Recommender(CONFIG).fit(Interactions.from_matrix(world(3)), prior=make_prior(), seed=1)
    assert "prior" in fitted.component_names
    fitted.save(tmp_path / "model")
    again = Recommender.load(tmp_path / "model")
    history = fitted.history([1, 4, 8])
    ours, theirs = (model.recommend(history, 10).items for model in (fitted, again))
    assert [song.item_id for song in ours] == [song.item_id for song in theirs]


def test_a_household_hears_what_listeners_elsewhere_heard():
    fitted = Recommender(CONFIG).fit(Interactions.from_matrix(world(2)), prior=make_prior(), seed=1)
    songs = fitted.recommend(fitted.history([1, 4, 8]), 10)
    assert len(songs) == 10
    assert all(song.item_id < 30 for song in songs)
    assert all(song.explanation.shares["prior"] > 0.5 for song in songs)


def test_without_weight_the_model_is_byte_for_byte_the_one_without_a_prior(tmp_path, monkeypatch):
    """A prior that measures worse than nothing, a random one, has the weight 0."""
    rng = np.random.default_rng(0)
    noise = Prior.count(
        csr_matrix((rng.random((400, 60)) < 0.3).astype(np.float32)), keys(60), fewest_listeners=2
    ).over(keys(60))
    monkeypatch.setattr(crowd, "PRIOR_WEIGHTS", (0.0, 1.0))
    events = Interactions.from_matrix(world(120))
    with_prior = Recommender(CONFIG).fit(events, prior=noise, seed=1).save(tmp_path / "with")
    without = Recommender(CONFIG).fit(events, seed=1).save(tmp_path / "without")
    assert with_prior.digest == without.digest


def test_where_there_are_enough_listeners_the_weight_is_measured():
    events = Interactions.from_matrix(world(120))
    fitted = Recommender(CONFIG).fit(events, prior=make_prior(), seed=1)
    assert fitted.config.weights["warm"].get("prior", 0.0) in crowd.PRIOR_WEIGHTS


def features(n_items: int = 60) -> ItemFeatures:
    return ItemFeatures.build(artist=np.arange(n_items, dtype=np.int32) // 3)


@pytest.mark.parametrize("has_prior", [False, True])
def test_weights_change_smoothly_and_one_way_with_the_crowd(has_prior):
    """From 1 to 100 listeners what learns from many gains, what works for one loses, in small steps."""
    weights = []
    config = replace(CONFIG, components={**CONFIG.components, "prior": {}}) if has_prior else CONFIG
    for n in range(1, 101):
        heirs = {"prior": 0.5, "content": 0.5} if has_prior else {"content": 1.0}
        weighted = crowd._shift_weights(config, Crowd(n, 0.8), heirs)
        for segment in SEGMENTS:
            assert sum(weighted.weights[segment].values()) == pytest.approx(1)
        warm = weighted.weights["warm"]
        weights.append(
            [warm["item_knn"], warm["popularity"], -warm["content"], -warm.get("prior", 0.0)]
        )
    steps = np.diff(weights, axis=0)
    assert (steps >= -1e-9).all()
    assert np.abs(steps).max() < 0.05
    assert weights[0][0] == weights[0][1] == 0


def test_a_crowd_is_who_knows_enough_songs_and_what_they_share():
    alone = csr_matrix(np.eye(3, 30, dtype=np.float32).repeat(1, axis=0))
    assert Crowd.measure(alone) == Crowd(0, 0.0)
    same = csr_matrix(np.ones((4, 8), dtype=np.float32))
    assert Crowd.measure(same) == Crowd(4, 1.0)
    apart = np.zeros((2, 20), dtype=np.float32)
    apart[0, :10] = apart[1, 10:] = 1
    assert Crowd.measure(csr_matrix(apart)) == Crowd(2, 0.0)
    assert Crowd(5, 1.0).say > Crowd(5, 0.5).say > Crowd(2, 0.5).say > Crowd(1, 1.0).say == 0


@pytest.mark.parametrize("n_listeners", [1, 2, 5, 20, 100, 1000])
def test_factors_have_the_more_say_the_fewer_listeners_there_are(n_listeners):
    """Of 300 listeners pairs of songs keep half of their weight, of 100 a quarter."""
    preset = PRESETS["standard"]
    shifted = crowd._shift_to_factors(preset, Crowd(n_listeners, 0.8))
    kept = n_listeners / (n_listeners + 300)
    for segment, weights in shifted.weights.items():
        assert sum(weights.values()) == pytest.approx(1)
        assert weights.get("ease", 0) == pytest.approx(preset.weights[segment]["ease"] * kept)
    assert shifted.weights["warm"]["ials"] == pytest.approx(0.9 * (1 - kept))


def test_popularity_decides_where_there_is_no_crowd_and_nothing_else_is_known():
    """Of one listener's songs nobody else's follow; of many listeners' hardly any."""
    preset = PRESETS["standard"]
    alone = crowd._shift_weights(preset, Crowd(1, 0.0), {})
    assert all(0.97 < weights["popularity"] < 1 for weights in alone.weights.values())
    many = crowd._shift_weights(preset, Crowd(10_000, 0.9), {})
    assert many.weights["warm"]["popularity"] < 0.001
    for weights in (*alone.weights.values(), *many.weights.values()):
        assert sum(weights.values()) == pytest.approx(1)


def test_the_crowd_is_recorded():
    fitted = Recommender(CONFIG).fit(Interactions.from_matrix(world(4)), features(), seed=1)
    assert fitted.metadata["crowd"]["n_listeners"] == 4
    assert not fitted.config.follows_crowd


def test_the_customers_numbers_stay_whatever_the_crowd():
    data = TrainingData(world(2), features(), prior=make_prior())
    assert fit_to_crowd(PRESETS["classic"], data, 0) is PRESETS["classic"]


def test_strangers_to_a_server_without_prior_get_what_is_popular():
    fitted = Recommender(CONFIG).fit(Interactions.from_matrix(world(1)), features(), seed=1)
    assert len(fitted.recommend(fitted.history([]), 5)) == 5


def test_one_listener_gets_no_list_of_one_artist():
    # 12 artists of 60 songs; five songs of the first and one of each of the next two were played, so that the
    # hundred best songs are by two artists
    audio = np.full((720, 8), np.nan, dtype=np.float32)
    features = ItemFeatures(audio, np.repeat(np.arange(12, dtype=np.int32), 60))
    songs = keys(720)
    heard = songs[[0, 1, 2, 3, 4, 60, 120]]
    plays = Interactions.from_ids(["one"] * 7, heard, plays=[30] * 5 + [10] * 2, all_item_ids=songs)
    recommender = Recommender(PRESETS["standard"]).fit(plays, features, seed=0)
    history = recommender.history(heard)
    listed = [song.item_id for song in recommender.recommend(history, 20)]
    artists = [int(key.removeprefix("song-")) // 60 for key in listed]
    assert sorted(artists.count(number) for number in (0, 1, 2)) == [2, 2, 2]
    assert max(artists.count(number) for number in range(12)) == 2
    # only the number of its artist's songs keeps the third one out
    third = next(row for row in range(5, 60) if songs[row] not in listed)
    assert recommender.trace_song(history, third, 20).step == "artist_cap"


def test_songs_of_an_artist_are_counted_before_each_one():
    artists = np.array([[4, 4, -1, 7, 4, -1, 7], [1, 2, 3, 4, 5, 6, 7]], dtype=np.int32)
    np.testing.assert_array_equal(
        count_before(artists), [[0, 1, 0, 0, 2, 0, 1], [0, 0, 0, 0, 0, 0, 0]]
    )


def test_candidates_are_spread_over_artists_in_layers_and_stay_best_first():
    rows = np.arange(8, dtype=np.int32)[None]
    totals = np.linspace(0.8, 0.1, 8)[None]
    candidates = Candidates(rows, totals, compute_margins(totals))
    artists = np.array([0, 0, 0, 0, 1, 1, 0, 2], dtype=np.int32)
    # two of each: songs 0, 1 of the first, 4 and 5 of the second, 7 of the third; then the first's next two
    for n, expected in ((3, [0, 1, 4]), (5, [0, 1, 4, 5, 7]), (7, [0, 1, 2, 3, 4, 5, 7])):
        spread = spread_artists(candidates, artists, n, 2)
        np.testing.assert_array_equal(spread.item_rows, [expected])
        np.testing.assert_array_equal(spread.totals, totals[:, expected])


@pytest.mark.parametrize(("say", "most"), [(0.0, 2), (0.17, 3), (0.34, 4), (0.5, 5), (0.99, 5)])
def test_the_more_of_a_crowd_the_more_songs_an_artist_may_have_in_a_list(say, most):
    # say = n / (n + 25) of n listeners besides oneself who have everything in common
    n = 25 * say / (1 - say)
    listeners = Crowd(round(n) + 1, n / max(round(n), 1))
    assert crowd._cap_artists(PRESETS["standard"], listeners).artist_cap == most
    chosen = replace(PRESETS["standard"], artist_cap=7)
    assert crowd._cap_artists(chosen, listeners).artist_cap == 7


@pytest.mark.parametrize(
    ("n_listeners", "has_artists", "has_softmax"),
    [(1000, False, True), (1000, True, False), (999, False, False)],
)
def test_of_many_listeners_listens_alone_get_one_more_component(
    n_listeners, has_artists, has_softmax
):
    preset = PRESETS["standard"]
    heard = world(1100)
    heard = heard[np.diff(heard.indptr) >= 5][:n_listeners]
    data = TrainingData(heard, features() if has_artists else None)
    config = fit_to_crowd(preset, data, 0)
    assert ("softmax" in config.components) == has_softmax
    # the trees have less to say without artists
    assert config.ranker.linear_share == (0.5 if has_softmax else preset.ranker.linear_share)
    assert config.weights.keys() == preset.weights.keys()
    assert preset.could_produce(config)
    assert RecommenderConfig.from_dict(config.to_dict()) == config


@pytest.mark.parametrize(
    ("n_listeners", "has_order", "has_ranker", "is_next", "added"),
    [
        (1000, True, True, False, {"transitions"}),
        (1000, True, True, True, {"transitions", "user_knn"}),
        (1000, False, True, True, set()),
        (999, True, True, True, set()),
        (1000, True, False, True, set()),
    ],
)
def test_where_many_listeners_order_is_known_components_that_use_it_are_added(
    n_listeners, has_order, has_ranker, is_next, added
):
    preset = PRESETS["standard"]
    preset = replace(
        preset, ranker=replace(preset.ranker, newest_held_out=is_next) if has_ranker else None
    )
    heard = world(1100)
    heard = heard[np.diff(heard.indptr) >= 5][:n_listeners]
    if has_order:
        heard = OrderedHistories.from_recency(heard, np.arange(heard.nnz))
    config = fit_to_crowd(preset, TrainingData(heard, features()), 0)
    assert set(config.components) - set(preset.components) == added
    if added:
        assert config.components["transitions"]["direction"] == "both"
    assert preset.could_produce(config)
    assert RecommenderConfig.from_dict(config.to_dict()) == config
