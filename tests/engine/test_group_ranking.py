"""One list for several listeners, against a search through every possible list."""

from itertools import combinations

import numpy as np
import pytest

from recommendations.engine import calibrate_scores, rank_for_group


def share_directly(row, column) -> float:
    """Return the share of the other songs that are liked less, counted one by one."""
    values = [-np.inf if np.isnan(value) else value for value in row]
    if np.isneginf(values[column]):
        return 0.0
    others = [value for index, value in enumerate(values) if index != column]
    below = sum(value < values[column] for value in others)
    equal = sum(value == values[column] for value in others)
    return (below + equal / 2) / len(others)


def random_scores(rng, n_members: int, n_songs: int) -> np.ndarray:
    scores = rng.normal(size=(n_members, n_songs)) * 10.0 ** rng.integers(
        -3, 4, size=(n_members, 1)
    )
    scores = np.where(rng.random(scores.shape) < 0.3, np.round(scores), scores)  # some are equal
    return np.where(rng.random(scores.shape) < 0.1, np.nan, scores)


@pytest.mark.parametrize("seed", range(20))
def test_shares_are_those_counted_one_by_one(seed):
    scores = random_scores(np.random.default_rng(seed), 3, 9)
    expected = [[share_directly(row, column) for column in range(9)] for row in scores]
    np.testing.assert_allclose(calibrate_scores(scores), expected)


@pytest.mark.parametrize("seed", range(20))
def test_no_other_list_makes_its_least_content_member_more_content(seed):
    rng = np.random.default_rng(seed)
    scores, k = random_scores(rng, int(rng.integers(2, 7)), 9), 4
    shares = calibrate_scores(scores)
    ranking = rank_for_group(scores, k)
    allowed = [column for column in range(9) if shares[:, column].min() > 0]
    assert len(ranking.songs) == min(k, len(allowed))
    assert set(ranking.songs) <= set(allowed)
    # of all lists of this length, none has a better worst song, then second worst, and so on
    misery = [
        sorted(shares[:, column].min() for column in chosen)
        for chosen in combinations(allowed, len(ranking.songs))
    ]
    if misery:
        assert sorted(ranking.shares.min(axis=0)) == max(misery)
    np.testing.assert_array_equal(ranking.shares, shares[:, ranking.songs])


def test_the_scale_of_a_members_scores_does_not_matter():
    scores = np.array([[1.0, 5.0, 3.0, 2.0], [4.0, 1.0, 3.0, 2.0]])
    changed = np.array([scores[0] * 1000 - 7, np.exp(scores[1])])
    assert list(rank_for_group(scores, 3).songs) == list(rank_for_group(changed, 3).songs) == [2, 3]


@pytest.mark.parametrize("scores", [np.empty((2, 0)), np.empty((0, 3)), [[np.nan, np.nan]] * 2])
def test_nothing_to_choose_from_is_an_empty_list(scores):
    assert len(rank_for_group(scores, 3).songs) == 0


def test_one_song_that_all_know_is_chosen():
    assert list(rank_for_group([[2.0], [-3.0]], 3).songs) == [0]


def test_a_list_has_at_least_one_song():
    with pytest.raises(ValueError, match="at least 1 song; 0"):
        rank_for_group([[1.0]], 0)
