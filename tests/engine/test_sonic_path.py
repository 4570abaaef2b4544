"""Sonic paths: against every possible path of small worlds, and what a path never does."""

import itertools

import numpy as np
import pytest

from recommendations.engine.recommender import Recommender
from recommendations.engine.reranking.sonic_path import (
    LONGEST_PATH,
    PathRules,
    PathUnknown,
    find_path,
    measure_steps,
)
from tests.engine.worlds import taste_world


def make_vectors(rng: np.random.Generator, n_items: int, n_features: int = 4) -> np.ndarray:
    vectors = rng.normal(size=(n_items, n_features))
    return (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)


def free(n_items: int, **rules) -> PathRules:
    return PathRules(np.zeros(n_items, dtype=bool), **rules)


def sum_of_squares(vectors, rows) -> float:
    return float((measure_steps(vectors, np.array(rows)) ** 2).sum())


def is_spread(artist: np.ndarray, rows, gap: int) -> bool:
    """Whether songs of one artist have `gap` others between them, but for the two ends with each other."""
    pairs = itertools.combinations(range(len(rows)), 2)
    return all(
        artist[rows[a]] != artist[rows[b]] or b - a > gap or (a, b) == (0, len(rows) - 1)
        for a, b in pairs
    )


@pytest.mark.parametrize("seed", range(12))
@pytest.mark.parametrize("n", [3, 4, 5])
def test_the_path_is_the_best_of_all(seed, n):
    """With candidates and beam of everything there is, no other order of songs has a smaller sum."""
    rng = np.random.default_rng(seed)
    vectors, artist = make_vectors(rng, 9), rng.integers(0, 5, 9).astype(np.int32)
    rows = find_path(vectors, 0, 8, n, free(9, artist=artist), candidates=9, beam=10**4)
    possible = [
        (0, *middle, 8)
        for middle in itertools.permutations(range(1, 8), n - 2)
        if is_spread(artist, (0, *middle, 8), gap=2)
    ]
    if len(rows) == n:
        best = min(sum_of_squares(vectors, one) for one in possible)
        assert sum_of_squares(vectors, rows) == pytest.approx(best, abs=1e-6)
    else:
        assert not possible


@pytest.mark.parametrize("seed", range(6))
def test_the_usual_search_is_near_the_best(seed):
    """The beam that serves is compared with all 32,736 paths of a world of 35 songs."""
    vectors = make_vectors(np.random.default_rng(seed), 35)
    rows = find_path(vectors, 0, 34, 5, free(35), candidates=16, beam=16)
    best = min(
        sum_of_squares(vectors, (0, *middle, 34))
        for middle in itertools.permutations(range(1, 34), 3)
    )
    assert sum_of_squares(vectors, rows) <= 1.05 * best


def test_steps_along_an_arc_are_even():
    angles = np.linspace(0, np.pi / 2, 91)
    vectors = np.column_stack([np.cos(angles), np.sin(angles)]).astype(np.float32)
    rows = find_path(vectors, 0, 90, 10, free(91))
    assert rows.tolist() == list(range(0, 91, 10))
    steps = measure_steps(vectors, rows)
    assert steps == pytest.approx(np.full(9, 2 * np.sin(np.radians(10) / 2)), abs=1e-6)


@pytest.mark.parametrize("seed", range(4))
def test_no_repeats_no_excluded_song_no_other_version(seed):
    rng = np.random.default_rng(seed)
    vectors, exclude = make_vectors(rng, 200), rng.random(200) < 0.5
    works = np.where(rng.random(200) < 0.5, rng.integers(0, 20, 200), -1).astype(np.int32)
    works[0] = 7
    rows = find_path(vectors, 0, 1, 20, PathRules(exclude, works=works))
    assert len(set(rows.tolist())) == len(rows) == 20
    assert not exclude[rows[1:-1]].any()
    of_works = works[rows][works[rows] >= 0]
    assert len(np.unique(of_works)) == len(of_works)


def test_an_artist_comes_again_only_after_two_others():
    rng = np.random.default_rng(3)
    artist = rng.integers(0, 6, 300).astype(np.int32)
    rows = find_path(make_vectors(rng, 300), 0, 1, 25, free(300, artist=artist))
    assert len(rows) == 25 and is_spread(artist, rows.tolist(), gap=2)


def test_a_place_without_a_song_is_left_out():
    vectors = make_vectors(np.random.default_rng(0), 4)
    assert sorted(find_path(vectors, 0, 3, 10, free(4)).tolist()) == [0, 1, 2, 3]
    nothing = PathRules(np.ones(4, dtype=bool))
    assert find_path(vectors, 0, 3, 10, nothing).tolist() == [0, 3]


def test_opposite_and_equal_ends_have_a_path():
    vectors = np.array([[1, 0], [-1, 0], [0, 1], [0, -1], [1, 0]], dtype=np.float32)
    assert find_path(vectors[:4], 0, 1, 3, free(4)).tolist() == [0, 2, 1]
    assert find_path(vectors, 0, 4, 2, free(5)).tolist() == [0, 4]


def test_songs_of_unknown_sound_are_not_on_the_way_and_no_end():
    vectors = make_vectors(np.random.default_rng(1), 30)
    vectors[10:20] = 0
    rows = find_path(vectors, 0, 1, 12, free(30))
    assert not set(rows.tolist()) & set(range(10, 20))
    with pytest.raises(PathUnknown, match="row 10"):
        find_path(vectors, 0, 10, 5, free(30))


def test_a_request_that_makes_no_sense_is_refused():
    vectors = make_vectors(np.random.default_rng(1), 5)
    for n in (1, LONGEST_PATH + 1):
        with pytest.raises(ValueError, match=f"not {n}"):
            find_path(vectors, 0, 1, n, free(5))
    with pytest.raises(ValueError, match="two different songs"):
        find_path(vectors, 2, 2, 5, free(5))


def test_the_same_request_has_the_same_answer_and_leaves_its_input_alone():
    vectors = make_vectors(np.random.default_rng(5), 100)
    before, rules = vectors.copy(), free(100)
    first = find_path(vectors, 3, 4, 15, rules)
    assert (find_path(vectors, 3, 4, 15, rules) == first).all()
    assert (vectors == before).all() and not rules.exclude.any()


def test_a_recommender_walks_by_sound_and_saves_what_it_needs(tmp_path):
    interactions, features = taste_world()
    recommender = Recommender().fit(interactions, features)
    mask = np.zeros(recommender.n_items, dtype=bool)
    mask[4::5] = True
    rows, steps = recommender.find_path(0, 1, 8, exclude=mask)
    assert rows[0] == 0 and rows[-1] == 1 and len(steps) == len(rows) - 1 == 7
    assert not mask[rows].any()
    direct = float(np.linalg.norm(np.diff(recommender.similarity_vectors[[0, 1]], axis=0)))
    assert steps.max() < direct
    recommender.save(tmp_path / "saved")
    again, _ = Recommender.load(tmp_path / "saved").find_path(0, 1, 8, exclude=mask)
    assert again.tolist() == rows.tolist()
    with pytest.raises(ValueError, match="no song in row"):
        recommender.find_path(0, recommender.n_items, 5)
