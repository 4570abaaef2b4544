"""The adaptive weights, the shares, and the list with variety."""

import json

import numpy as np
import pytest

from recommendations.engine import CLASSIC, RecommenderConfig
from recommendations.engine.ranking.ensemble import (
    MILLION,
    Blend,
    assign_segments,
    assign_weights,
)
from recommendations.engine.ranking.explanations import compute_shares
from recommendations.engine.reranking.mmr import rerank

NAN = np.nan


def blend(als, content, popularity, n_positive: int = 10) -> Blend:
    scores = [
        None if row is None else np.array([row], dtype=np.float32)
        for row in (als, content, popularity)
    ]
    weights = assign_weights(assign_segments(np.array([n_positive]), CLASSIC), CLASSIC)
    return Blend.from_scores(scores, weights, np.array([True, True, False]))


@pytest.mark.parametrize(
    ("n_songs", "als", "content", "popularity"),
    [
        (0, 0, 0.7, 0.3),
        (1, 0, 0.5, 0.5),
        (4, 0, 0.5, 0.5),
        (5, 0.6, 0.3, 0.1),
        (19, 0.6, 0.3, 0.1),
        (2000, 0.6, 0.3, 0.1),
    ],
)
def test_the_customers_weights(n_songs, als, content, popularity):
    segments = assign_segments(np.array([n_songs]), CLASSIC)
    assert assign_weights(segments, CLASSIC).tolist() == [[als, content, popularity]]


def test_the_customers_hyperparameters():
    als = CLASSIC.components["als"]
    assert (als["n_factors"], als["n_iterations"], als["regularization"], als["alpha"]) == (
        64,
        15,
        0.01,
        40,
    )
    assert CLASSIC.relevance == 0.7


def test_segments_begin_at_one_five_and_twenty_songs():
    assert assign_segments(np.array([0, 1, 4, 5, 19, 20]), CLASSIC).tolist() == [0, 1, 1, 2, 2, 3]


def test_each_component_is_brought_to_one_scale():
    total = blend([-2, 0, 2], [10, 30, 20], [0, 5, 10]).total()[0]
    np.testing.assert_allclose(total, [0, 0.6 / 2 + 0.3 + 0.1 / 2, 0.6 + 0.3 / 2 + 0.1], atol=1e-6)


def test_the_contributions_are_at_least_0_and_are_the_score():
    blended = blend([-2, 0, 2], [10, 30, 20], [0, 5, 10])
    contributions = blended.contributions(np.array([[0, 1, 2]]))[0]
    assert contributions.tolist() == [
        [0, 0, 0],
        [0.6 / 2 * MILLION, 0.3 * MILLION, 0.1 / 2 * MILLION],
        [0.6 * MILLION, 0.3 / 2 * MILLION, 0.1 * MILLION],
    ]


def test_a_component_that_cannot_score_a_song_adds_nothing_to_it():
    blended = blend([NAN, 0, 2], [10, 30, 20], [0, 5, 10])
    np.testing.assert_allclose(blended.total()[0, 0], 0, atol=1e-6)
    np.testing.assert_allclose(blended.total()[0, 1], 0.3 + 0.1 / 2, rtol=1e-6)


def test_a_component_that_cannot_score_any_song_hands_its_weight_to_those_that_know_the_listener():
    blended = blend([1, 2, 3], [NAN] * 3, [3, 2, 1])
    np.testing.assert_allclose(blended.weights[0], [0.6 + 0.3, 0, 0.1])


def test_where_none_knows_the_listener_popularity_gets_everything():
    blended = blend([NAN] * 3, [NAN] * 3, [3, 2, 1])
    np.testing.assert_allclose(blended.weights[0], [0, 0, 1])


def test_with_neither_history_nor_taste_popularity_is_everything():
    blended = blend(None, [NAN] * 3, [3, 2, 1], n_positive=0)
    assert blended.weights[0].tolist() == [0, 0, 1]


def test_a_song_that_nothing_can_score_is_never_chosen():
    assert blend([NAN, 1], [NAN, 1], [NAN, 1]).total()[0, 0] == -np.inf


def test_equal_scores_are_all_the_best():
    assert blend([1, 1], [1, 1], [1, 1]).total()[0].tolist() == pytest.approx([1, 1])


def test_shares_sum_to_one():
    shares = compute_shares({"als": 0.3, "content": 0.1}, {})
    assert shares == {"als": 0.3 / 0.4, "content": 0.1 / 0.4}


def test_a_song_to_which_nothing_was_added_shows_the_weights():
    assert compute_shares({}, {"als": 0.6, "content": 0.4}) == {"als": 0.6, "content": 0.4}


def test_the_configuration_goes_through_json():
    assert RecommenderConfig.from_dict(json.loads(json.dumps(CLASSIC.to_dict()))) == CLASSIC


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"components": {}}, "at least one component"),
        ({"relevance": 2}, "relevance must be from 0 to 1, not 2"),
        ({"artist_cap": 0}, "artist_cap must be at least 1 or None"),
        ({"weights": {"none": {"als": 1.0}}}, "lack the segment 'cold'"),
        ({"hot_from": 1}, "must be from 1 to hot_from 1"),
        ({"n_candidates": 0}, "n_candidates must be at least 1"),
        ({"nonsense": 1}, "no recommender configuration"),
        ({"weights": {**CLASSIC.weights, "hot": {"als": 0.5}}}, "sum to 1"),
        ({"weights": {**CLASSIC.weights, "hot": {"sonar": 1.0}}}, "'sonar', which is no component"),
    ],
)
def test_a_configuration_that_makes_no_sense_is_refused(change, sentence):
    with pytest.raises(ValueError, match=sentence):
        RecommenderConfig.from_dict(CLASSIC.to_dict() | change)


def mmr(scores, vectors, k, *, artists=None, relevance=0.7, artist_cap=None) -> list[int]:
    chosen = rerank(
        np.array([scores], dtype=np.float64),
        np.array([vectors], dtype=np.float32),
        None if artists is None else np.array([artists], dtype=np.int32),
        k,
        relevance=relevance,
        artist_cap=artist_cap,
    )
    return chosen[0].tolist()


EAST, NORTH = [1, 0], [0, 1]


def test_variety_beats_a_little_more_relevance():
    """0.7 * 0.9 - 0.3 * 1 for the double of the first song against 0.7 * 0.8 - 0.3 * 0 for another kind."""
    assert mmr([1.0, 0.9, 0.8], [EAST, EAST, NORTH], 2) == [0, 2]


def test_much_more_relevance_beats_variety():
    """0.7 * 0.9 - 0.3 * 1 > 0.7 * 0.4 - 0.3 * 0."""
    assert mmr([1.0, 0.9, 0.4], [EAST, EAST, NORTH], 2) == [0, 1]


def test_relevance_alone_keeps_the_order():
    assert mmr([1.0, 0.9, 0.8], [EAST, EAST, NORTH], 2, relevance=1) == [0, 1]


def test_opposites_are_not_rewarded_beyond_being_different():
    assert mmr([1.0, 0.9, 0.89], [EAST, NORTH, [-1, 0]], 2) == [0, 1]


def test_no_artist_comes_more_often_than_the_cap_while_there_are_others():
    assert mmr([1, 0.9, 0.8, 0.1], [EAST] * 4, 3, artists=[5, 5, 5, 6], artist_cap=2) == [0, 1, 3]


def test_a_short_list_is_worse_than_one_artist_too_often():
    assert mmr([1, 0.9, 0.8], [EAST] * 3, 3, artists=[5, 5, 5], artist_cap=1) == [0, 1, 2]


def test_unknown_artists_are_not_one_artist():
    assert mmr([1, 0.9, 0.8], [EAST] * 3, 3, artists=[-1, -1, 7], artist_cap=1) == [0, 1, 2]


def test_fewer_candidates_than_places():
    assert mmr([1.0, -np.inf], [EAST, EAST], 2) == [0, -1]


def test_a_long_list_goes_on_by_score():
    scores = np.linspace(1, 0, 300)
    assert mmr(scores, [EAST] * 300, 300) == list(range(300))


def test_what_a_song_loses_is_seen_against_what_the_scale_loses():
    blend = Blend.from_scores([np.array([[0, 2, 4]], dtype=np.float32)], np.array([[0.5]]))
    assert blend.find_ends(0).tolist() == [[2, 0]]
    songs = np.array([[1, 2, 0]], dtype=np.int32)
    # two songs of the history: without the first only song 1 loses, without the second the best one loses as much
    influences = np.array([[[1, 1], [0, 2], [0, 0]]], dtype=np.float32)
    lost = blend.compute_losses(0, songs, influences)
    np.testing.assert_allclose(lost[0, 0], [0.5 * (2 / 4 - 1 / 4), 0.5 * (2 / 4 - 1 / 2)])


def test_without_the_only_song_of_the_history_all_is_lost():
    blend = Blend.from_scores([np.array([[1, 3]], dtype=np.float32)], np.array([[1.0]]))
    songs = np.array([[1, 1, 0]], dtype=np.int32)
    lost = blend.compute_losses(0, songs, np.array([[[3], [3], [1]]], dtype=np.float32))
    np.testing.assert_allclose(lost[0, 0], [1])


def test_a_narrow_scale_beside_a_song_that_cannot_be_scored_overflows_nothing():
    scored = blend([1e-9, 0, NAN], [1, 0, 1], [0, 0, 0])
    lost = scored.compute_losses(0, np.array([[0, 1, 2]]), np.zeros((1, 3, 1), dtype=np.float32))
    assert lost.ravel().tolist() == [0, 0, 0]
