"""Tests that may be looked at any time: what they promise under the hypothesis, and what they find otherwise."""

import numpy as np
import pytest

from recommendations.engine.evaluation.sequential import (
    ALPHA,
    compute_mean_e_values,
    compute_win_e_values,
    compute_win_interval,
    count_drafts_needed,
    judge_winners,
)

N_RUNS, N_DAYS, N_LISTENERS, N_SONGS = 2000, 200, 5, 20


def draw_drafts(rng, preference=0.0):
    """Return who wins each draft: int (N_RUNS, N_DAYS), 1 the second, -1 the first, 0 a tie.

    Five listeners take turns; each likes more or fewer songs than others, and more at the top of a list. The coin of
    each round says which of its two songs is whose. With a `preference` the second team's songs are liked more.
    """
    zeal = rng.beta(0.6, 3.0, (N_RUNS, N_LISTENERS))[:, np.arange(N_DAYS) % N_LISTENERS]
    by_place = np.linspace(1.0, 0.3, N_SONGS)
    coins = np.where(rng.random((N_RUNS, N_DAYS, N_SONGS // 2)) < 0.5, 1, -1)
    teams = np.stack([coins, -coins], axis=-1).reshape(N_RUNS, N_DAYS, N_SONGS)
    chance = zeal[:, :, None] * by_place * (1 + preference * teams)
    return np.sign((teams * (rng.random(chance.shape) < chance)).sum(axis=-1))


def decide(winners):
    """Return the e-values after each day, (N_RUNS, N_DAYS); ties change nothing."""
    return compute_win_e_values((winners > 0).cumsum(axis=1), (winners < 0).cumsum(axis=1))


def test_two_equal_versions_are_told_apart_in_at_most_five_percent_of_runs_looked_at_daily():
    e_values = decide(draw_drafts(np.random.default_rng(1)))

    wrong = (e_values >= 1 / ALPHA).any(axis=1).mean()

    assert 0.005 < wrong <= ALPHA


def test_a_better_version_is_found_and_never_by_the_wrong_name():
    winners = draw_drafts(np.random.default_rng(2), preference=0.5)
    e_values = decide(winners)

    is_decided = e_values >= 1 / ALPHA
    ahead = np.sign(winners.cumsum(axis=1))
    first = is_decided.argmax(axis=1)

    assert is_decided.any(axis=1).mean() > 0.9
    decisions = ahead[np.arange(N_RUNS), first][is_decided.any(axis=1)]
    assert (decisions < 0).mean() < 0.005


def test_the_e_value_is_the_likelihood_ratio_of_the_mixture():
    # Beta(3, 3) has mean 1/2: the first draft says nothing; two wins have the chance (3 * 4) / (6 * 7) against 1/4
    assert compute_win_e_values(1, 0) == pytest.approx(1.0)
    assert compute_win_e_values(2, 0) == pytest.approx((3 * 4) / (6 * 7) / 0.25)
    assert compute_win_e_values(1, 1) == pytest.approx((3 * 3) / (6 * 7) / 0.25)
    assert compute_win_e_values([7, 3], [3, 7])[0] == pytest.approx(
        compute_win_e_values([7, 3], [3, 7])[1]
    )


def test_it_is_a_fair_bet():
    for wins, losses in ((0, 0), (4, 1), (10, 10)):
        after = compute_win_e_values([wins + 1, wins], [losses, losses + 1])
        assert after.mean() == pytest.approx(float(compute_win_e_values(wins, losses)))


def test_the_interval_leaves_out_a_half_exactly_when_it_is_decided():
    for wins in range(21):
        low, high = compute_win_interval(wins, 20 - wins)
        decided = compute_win_e_values(wins, 20 - wins) >= 1 / ALPHA
        assert (low > 0.5 or high < 0.5) == decided
    assert compute_win_interval(0, 0) == (0.0, 1.0)


def test_the_number_of_drafts_that_is_foretold_has_the_power_that_is_foretold():
    n = count_drafts_needed(0.75)
    winners = np.random.default_rng(3).random((N_RUNS, n)) < 0.75

    e_values = compute_win_e_values(winners.cumsum(axis=1), (~winners).cumsum(axis=1))

    # 0.8, and the standard error of 2,000 runs is 0.009
    assert (e_values >= 1 / ALPHA).any(axis=1).mean() == pytest.approx(0.8, abs=0.03)


def test_a_small_difference_needs_many_drafts_and_none_needs_more_than_there_are():
    assert count_drafts_needed(0.9) < count_drafts_needed(0.8) < count_drafts_needed(0.6)
    assert count_drafts_needed(0.51) is None
    with pytest.raises(ValueError, match="more than half"):
        count_drafts_needed(0.5)


def test_a_decision_stays():
    standing = judge_winners([1] * 12 + [0] * 15)

    assert standing.winner == 1 and standing.decided_at < 12
    assert (standing.n_first, standing.n_second) == (15, 12)
    assert standing.e_value < 1 / ALPHA
    assert judge_winners([]).e_value == 1.0 and judge_winners([]).winner is None


@pytest.mark.parametrize("spread", [0.0, 0.15])
def test_a_guardrail_stops_at_most_one_harmless_experiment_in_twenty(spread):
    rng = np.random.default_rng(4)
    bounds = 0.3 + rng.uniform(-spread, spread, (N_RUNS, N_LISTENERS))
    bounds = bounds[:, np.arange(N_DAYS) % N_LISTENERS]
    shares = rng.binomial(3, bounds) / 3

    stopped = (compute_mean_e_values(shares, bounds) >= 1 / ALPHA).any(axis=1).mean()

    assert stopped <= ALPHA


def test_a_guardrail_sees_harm():
    shares = np.random.default_rng(5).binomial(3, 0.6, (N_RUNS, 60)) / 3

    assert (compute_mean_e_values(shares, 0.3) >= 1 / ALPHA).any(axis=1).mean() > 0.99
    with pytest.raises(ValueError, match="above 0"):
        compute_mean_e_values([0.5], 0.0)
