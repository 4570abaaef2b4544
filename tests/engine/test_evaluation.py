"""Splits, metrics on lists worked out by hand, intervals, and whether explanations tell the truth."""

import json
from dataclasses import replace

import numpy as np
import pytest
from scipy.sparse import csr_matrix

from recommendations.engine import (
    ALGORITHMS,
    Interactions,
    Kind,
    Recommender,
    TrainingData,
    Weighting,
    compute_share_interval,
)
from recommendations.engine.core.ndcg import find_hits
from recommendations.engine.evaluation import (
    bootstrap_intervals,
    bootstrap_pairs,
    evaluate,
    measure_fidelity,
    measure_fidelity_bound,
    metrics,
    split_by_listener,
    split_by_time,
    split_newest,
    split_randomly,
)
from recommendations.engine.evaluation.fidelity import fit_flip_threshold
from recommendations.engine.ranking.explanations import FLIP_THRESHOLD
from tests.engine.test_recommender import SMALL
from tests.engine.worlds import DAY, NOW, taste_world

LISTS = np.array([[3, 1, 4, 0], [2, -1, -1, -1]], dtype=np.int32)
TEST = csr_matrix(np.array([[0, 1, 0, 0, 1], [1, 0, 0, 0, 0]], dtype=bool))
HITS = np.array([[False, True, True, False], [False] * 4])
N_TEST = np.array([2, 1])


def test_hits_are_songs_that_were_held_back():
    assert find_hits(LISTS, TEST).tolist() == HITS.tolist()


def test_precision_counts_hits_among_the_places():
    assert metrics.precision(HITS, 2).tolist() == [1 / 2, 0]
    assert metrics.precision(HITS, 4).tolist() == [2 / 4, 0]


def test_a_list_that_ends_early_misses_places():
    hits = find_hits(np.array([[1, -1, -1]], dtype=np.int32), TEST[:1])
    assert metrics.precision(hits, 3).tolist() == [1 / 3]
    assert metrics.ndcg(hits, np.array([2]), 10)[0] == pytest.approx(1 / (1 + 1 / np.log2(3)))


def test_recall_counts_hits_among_what_was_held_back():
    assert metrics.recall(HITS, N_TEST, 2).tolist() == [1 / 2, 0]


def test_hit_rate_is_one_where_there_is_any_hit():
    assert metrics.hit_rate(HITS, 1).tolist() == [0, 0]
    assert metrics.hit_rate(HITS, 2).tolist() == [1, 0]


def test_ndcg_discounts_by_place_and_its_ideal_has_all_hits_first():
    gain = 1 / np.log2(2 + 1) + 1 / np.log2(3 + 1)
    ideal = 1 / np.log2(1 + 1) + 1 / np.log2(2 + 1)
    np.testing.assert_allclose(metrics.ndcg(HITS, N_TEST, 4), [gain / ideal, 0])


def test_average_precision_is_the_mean_precision_at_the_hits():
    np.testing.assert_allclose(metrics.average_precision(HITS, N_TEST, 4), [(1 / 2 + 2 / 3) / 2, 0])


def test_coverage_is_the_share_of_the_catalogue_shown():
    assert metrics.coverage(LISTS, 5, 2) == len({3, 1, 2}) / 5


def test_novelty_is_the_mean_self_information():
    n_heard = np.array([8, 4, 2, 1, 0])
    of_first = (-np.log2(1 / 8) - np.log2(4 / 8)) / 2
    np.testing.assert_allclose(metrics.novelty(LISTS, n_heard, 8, 2), [of_first, -np.log2(2 / 8)])


def test_popularity_bias_is_the_mean_percentile():
    n_heard = np.array([8, 4, 2, 1, 1])
    percentile = {0: 4.5 / 5, 1: 3.5 / 5, 2: 2.5 / 5, 3: 1 / 5, 4: 1 / 5}
    expected = [(percentile[3] + percentile[1]) / 2, percentile[2]]
    np.testing.assert_allclose(metrics.popularity_bias(LISTS, n_heard, 2), expected)


def test_diversity_is_one_minus_the_mean_cosine():
    vectors = np.array([[1, 0], [1, 0], [0, 1]], dtype=np.float32)
    lists = np.array([[0, 1, 2], [0, 1, -1], [0, -1, -1]], dtype=np.int32)
    values = metrics.diversity(lists, vectors, 3)
    np.testing.assert_allclose(values, [1 - (1 + 0 + 0) / 3, 1 - 1, np.nan])


def pairs(interactions: Interactions) -> set[int]:
    return set(interactions.pairs().tolist())


def list_items(matrix: csr_matrix, row: int) -> set[int]:
    return set(matrix[row].indices.tolist())


@pytest.fixture(scope="module")
def interactions() -> Interactions:
    return taste_world()[0]


def test_a_random_split_holds_back_a_fifth_of_each_listeners_songs(interactions):
    split = split_randomly(interactions, seed=3)
    all_songs = np.diff(interactions.to_matrix(Weighting()).indptr)
    n_test = np.diff(split.test.indptr)
    assert (n_test[all_songs == 20] == 20 * 0.2).all()
    assert (n_test[all_songs == 1] == 0).all()
    assert (n_test[all_songs == 2] == 1).all()
    assert pairs(split.train) | {
        row * split.test.shape[1] + item
        for row in range(240)
        for item in list_items(split.test, row)
    } == pairs(interactions)


def test_all_events_of_a_held_back_song_go_with_it():
    interactions = Interactions.from_ids([1] * 6, [1, 1, 1, 2, 2, 2])
    split = split_randomly(interactions, seed=0)
    assert split.train.n_events == 3
    assert split.test.nnz == 1


def test_disliked_songs_are_not_looked_for():
    interactions = Interactions.from_ids(
        [1] * 4, [1, 2, 3, 4], kinds=[Kind.PLAY, Kind.PLAY, Kind.DISLIKE, Kind.SKIP]
    )
    for seed in range(5):
        assert set() < list_items(split_randomly(interactions, seed=seed).test, 0) <= {0, 1}


def test_the_same_seed_splits_the_same(interactions):
    first, second = (split_randomly(interactions, seed=3).test for _ in range(2))
    assert (first != second).nnz == 0
    assert (first != split_randomly(interactions, seed=4).test).nnz > 0


def test_a_temporal_split_learns_from_the_past_and_looks_for_new_songs():
    interactions = Interactions.from_ids(
        [1] * 6,
        [1, 2, 3, 4, 1, 5],
        timestamps=[NOW + day * DAY for day in range(6)],
        all_item_ids=range(1, 6),
    )
    split = split_by_time(interactions, test_share=1 / 3)
    assert split.train.timestamps.tolist() == [NOW + day * DAY for day in range(4)]
    assert list_items(split.test, 0) == {4}


def test_a_temporal_split_needs_times():
    with pytest.raises(ValueError, match="no times"):
        split_by_time(Interactions.from_ids([1], [1]))


def test_a_listener_split_knows_nothing_of_some_listeners_but_their_first_songs():
    interactions = Interactions.from_ids(
        np.repeat(np.arange(40), 6),
        np.tile(np.arange(6), 40),
        timestamps=np.tile(NOW + np.arange(6)[::-1], 40),
    )
    split = split_by_listener(interactions, seed=1, n_given=2)
    new = np.flatnonzero(np.diff(split.test.indptr))
    assert 0 < len(new) < 40
    assert not set(split.train.listener_rows.tolist()) & set(new.tolist())
    for row in new:
        given = split.given.item_rows[split.given.listener_rows == row]
        assert set(given.tolist()) == {5, 4}
        assert list_items(split.test, row) == {0, 1, 2, 3}


def test_a_share_outside_0_and_1_is_refused(interactions):
    with pytest.raises(ValueError, match="test_share must be between 0 and 1, not 1"):
        split_randomly(interactions, test_share=1)


@pytest.fixture(scope="module")
def report():
    interactions, features = taste_world()
    return evaluate(Recommender(SMALL), split_randomly(interactions), item_features=features)


def test_the_components_stand_beside_the_recommender(report):
    assert report.systems == ("recommender", "als", "content", "popularity")
    assert report.mean("ndcg@10") > report.mean("ndcg@10", "popularity")
    assert report.mean("ndcg@10", "als") > 0


def test_the_report_has_every_metric_overall_and_by_segment(report):
    saved = json.loads(json.dumps(report.to_dict()))
    overall = saved["systems"]["recommender"]["overall"]
    wanted = {
        "precision@5",
        "precision@10",
        "ndcg@10",
        "recall@20",
        "map@10",
        "hit_rate@10",
        "coverage@10",
    }
    assert wanted | {"novelty@10", "diversity@10", "popularity_bias@10"} == set(overall)
    interval = overall["ndcg@10"]
    assert interval["low"] <= interval["mean"] <= interval["high"]
    segments = saved["systems"]["recommender"]["segments"]
    assert set(segments) == {"cold", "warm", "hot"}
    assert sum(saved["n_by_segment"].values()) == saved["n_listeners"]


def test_the_mean_over_the_segments_is_the_mean_over_all(report):
    saved = report.to_dict()
    segments = saved["systems"]["recommender"]["segments"]
    total = sum(
        segments[name]["ndcg@10"]["mean"] * saved["n_by_segment"][name] for name in segments
    )
    assert total / saved["n_listeners"] == pytest.approx(report.mean("ndcg@10"))


def test_a_segment_without_listeners_has_no_interval(report):
    assert report.interval("ndcg@10", segment="none") is None
    hot = report.interval("ndcg@10", segment="hot")
    assert hot.mean == pytest.approx(
        report.get_values("recommender", "ndcg@10")[report.segments == 3].mean()
    )


def test_the_table_has_a_line_a_system(report):
    lines = report.table().splitlines()
    assert len(lines) == 1 + 4
    assert "ndcg@10" in lines[0]


def test_an_unknown_metric_is_refused(report):
    with pytest.raises(ValueError, match="There is no metric 'auc'; there are precision@5"):
        report.mean("auc")


def test_the_evaluated_lists_are_those_that_listeners_see(report):
    interactions, features = taste_world()
    split = split_randomly(interactions)
    recommender = Recommender(SMALL).fit(split.train, features)
    histories = recommender.histories(split.given)[report.listeners]
    shown = recommender.recommend_batch(histories, 20).item_rows
    hits = find_hits(shown, split.test[report.listeners])
    assert (
        metrics.precision(hits, 10).tolist()
        == report.get_values("recommender", "precision@10").tolist()
    )


def test_at_most_so_many_listeners_are_measured():
    interactions, features = taste_world()
    measured = evaluate(
        Recommender(SMALL), split_randomly(interactions), item_features=features, max_listeners=50
    )
    assert len(measured.listeners) == 50


@pytest.mark.parametrize("split", [split_by_time, split_by_listener])
def test_the_other_splits_are_evaluated_too(split):
    interactions, features = taste_world()
    measured = evaluate(Recommender(SMALL), split(interactions), item_features=features)
    assert 0 < measured.mean("recall@20") < 1


def test_a_single_algorithm_is_evaluated_like_a_recommender(report):
    interactions, features = taste_world()
    als = ALGORITHMS["als"](**SMALL.components["als"])
    alone = evaluate(als, split_randomly(interactions), item_features=features)
    assert alone.systems == ("als",)
    assert alone.mean("ndcg@10", "als") == report.mean("ndcg@10", "als")


def test_data_with_nothing_to_hold_back_is_said_plainly():
    interactions = Interactions.from_ids([1, 2], [1, 1])
    with pytest.raises(ValueError, match="too little data to evaluate"):
        evaluate(Recommender(SMALL), split_randomly(interactions))


def test_the_interval_of_equal_values_is_a_point():
    (interval,) = bootstrap_intervals(np.full((50, 1), 0.25))
    assert (interval.mean, interval.low, interval.high) == pytest.approx((0.25, 0.25, 0.25))


def test_the_interval_is_as_wide_as_the_standard_error_says():
    values = np.random.default_rng(0).normal(0, 1, (400, 1))
    (interval,) = bootstrap_intervals(values)
    assert interval.high - interval.low == pytest.approx(
        2 * 1.96 * values.std() / np.sqrt(400), rel=0.15
    )


def test_listeners_without_a_value_are_left_out():
    interval, nothing = bootstrap_intervals(np.array([[1, np.nan], [3, np.nan], [np.nan, np.nan]]))
    assert interval.mean == (1 + 3) / 2
    assert nothing is None


def test_a_small_but_steady_difference_is_seen_when_paired():
    rng = np.random.default_rng(0)
    a = rng.random(300)
    better = a + 0.01 + rng.normal(0, 0.01, 300)
    assert bootstrap_pairs(better, a).is_above_zero
    assert bootstrap_pairs(a, better).is_below_zero


def test_reports_on_one_split_are_compared_by_listener(report):
    against_popularity = bootstrap_pairs(
        report.get_values("recommender", "ndcg@10"), report.get_values("popularity", "ndcg@10")
    )
    assert against_popularity.is_above_zero
    assert bootstrap_pairs(report, report).mean == 0


def test_different_listeners_are_not_compared():
    with pytest.raises(ValueError, match="different listeners"):
        bootstrap_pairs(np.zeros(3), np.zeros(4))


def test_without_the_song_that_is_named_as_the_reason_the_score_falls():
    interactions, features = taste_world(n_listeners=300, n_items=200)
    recommender = Recommender(SMALL).fit(interactions, features)
    fidelity = measure_fidelity(recommender, recommender.histories(interactions))
    assert fidelity.score_fell >= 0.9
    assert fidelity.beats_control >= 0.9
    assert fidelity.rank_fell > 2 * fidelity.rank_fell_control


def test_without_the_song_of_a_decisive_reason_the_rank_falls_in_nine_cases_of_ten():
    interactions, features = taste_world(n_listeners=800, n_items=200)
    recommender = Recommender(SMALL).fit(interactions, features)
    fidelity = measure_fidelity(recommender, recommender.histories(interactions), n_cases=350)
    assert fidelity.n_cases > 300
    assert 0.2 < fidelity.decisive < 1
    assert fidelity.rank_fell_decisive >= 0.9 > fidelity.rank_fell
    assert fidelity.rank_fell_decisive > 2 * fidelity.rank_fell_control_decisive


def test_shares_of_reasons_are_json_also_where_no_reason_is_decisive():
    interactions, features = taste_world(n_listeners=60, n_items=40)
    recommender = Recommender(SMALL).fit(interactions, features)
    measured = measure_fidelity(recommender, recommender.histories(interactions), n_cases=60)
    never = replace(measured, flip_threshold=np.inf, rank_fell_decisive=None).to_dict()
    assert json.loads(json.dumps(never, allow_nan=False))["decisive_from"] is None
    assert measured.to_dict()["decisive_from"] == measured.flip_threshold


def test_no_choice_of_the_named_song_lets_the_rank_fall_more_often_than_some_song_does():
    interactions, features = taste_world(n_listeners=300, n_items=200)
    recommender = Recommender(SMALL).fit(interactions, features)
    histories = recommender.histories(interactions)
    fidelity = measure_fidelity(recommender, histories, n_cases=60)
    assert fidelity.rank_fell < measure_fidelity_bound(recommender, histories, n_cases=60) <= 1


def test_what_decides_is_learned_from_how_often_the_rank_fell():
    margin_ratios = np.repeat(np.array([0.5, 2.0, 8.0], dtype=np.float32), 100)
    never, always = np.zeros(300, dtype=bool), np.ones(300, dtype=bool)
    assert fit_flip_threshold(margin_ratios, never) == np.inf
    assert fit_flip_threshold(margin_ratios, always) == 0.5
    assert fit_flip_threshold(margin_ratios, margin_ratios > 4) == 8
    # of 200 ratios above 1 all but ten fell, 95 %, and nearly all of the farthest
    fell = margin_ratios > 1
    fell[100:110] = False
    assert fit_flip_threshold(margin_ratios, fell) == 2
    assert fit_flip_threshold(margin_ratios[:49], always[:49]) == FLIP_THRESHOLD


def test_fidelity_needs_histories():
    recommender = Recommender(SMALL).fit(*taste_world())
    with pytest.raises(ValueError, match="No listener has a history long enough"):
        measure_fidelity(recommender, csr_matrix((3, 120), dtype=np.float32))


def test_fidelity_says_that_lists_without_a_named_song_cannot_be_measured():
    interactions, _features = taste_world()
    config = replace(
        SMALL,
        components={"popularity": SMALL.components["popularity"]},
        weights={segment: {"popularity": 1.0} for segment in SMALL.weights},
    )
    recommender = Recommender(config).fit(interactions)
    with pytest.raises(ValueError, match="No recommended song rests on a single song"):
        measure_fidelity(recommender, recommender.histories(interactions))


def test_the_input_of_an_evaluation_is_untouched():
    interactions, features = taste_world()
    data = TrainingData(interactions.to_matrix(Weighting()), features, interactions)
    before = data.strengths.copy()
    evaluate(Recommender(SMALL), split_randomly(interactions), item_features=features)
    assert (interactions.to_matrix(Weighting()) != before).nnz == 0


def test_the_newest_split_holds_back_what_each_listener_heard_last_for_the_first_time():
    # listener 0 hears songs 0 to 9 in order and then song 0 again; listener 1 only two songs
    songs = [*range(10), 0, 3, 4]
    listeners = [0] * 11 + [1] * 2
    events = Interactions.from_ids(
        np.array(listeners), np.array(songs), timestamps=np.arange(len(songs)) + 1_000
    )
    split = split_newest(events)
    assert split.test[0].indices.tolist() == [8, 9]
    assert split.test[1].indices.tolist() == [4]
    assert not set(split.train.pairs()) & {0 * 10 + 8, 0 * 10 + 9, 1 * 10 + 4}
    with pytest.raises(ValueError, match="no times"):
        split_newest(Interactions.from_ids(np.array([0, 0]), np.array([1, 2])))


def test_the_interval_of_a_share_is_wilsons():
    share = compute_share_interval(5, 10)
    z = 1.959964
    spread = z / (1 + z**2 / 10) * (0.25 / 10 + z**2 / 400) ** 0.5
    assert (share.low, share.high) == pytest.approx((0.5 - spread, 0.5 + spread))
    assert compute_share_interval(0, 12).low == 0 < compute_share_interval(0, 12).high
