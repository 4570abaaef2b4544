"""Arms of experiments: stable, as large as they should be, independent of one another."""

import pytest

from recommendations.engine.core.bucketing import N_BUCKETS, assign_bucket, pick_share


def test_a_listener_stays_where_they_are():
    assert [assign_bucket("experiment-1", 7) for _ in range(3)] == [
        assign_bucket("experiment-1", 7)
    ] * 3


def test_shares_are_kept():
    arms = [
        pick_share([0.5, 0.3], assign_bucket("experiment-1", listener))
        for listener in range(20_000)
    ]

    for arm, share in ((0, 0.5), (1, 0.3), (None, 0.2)):
        assert arms.count(arm) / 20_000 == pytest.approx(share, abs=0.012)  # 3.5 standard errors


def test_two_experiments_divide_independently():
    both = [
        (assign_bucket("a", i) < N_BUCKETS / 2, assign_bucket("b", i) < N_BUCKETS / 2)
        for i in range(20_000)
    ]

    assert both.count((True, True)) / 20_000 == pytest.approx(0.5 * 0.5, abs=0.012)


def test_the_whole_traffic_is_given_out():
    assert {pick_share([1 / 3, 1 / 3, 1 / 3], b) for b in range(N_BUCKETS)} == {0, 1, 2}


@pytest.mark.parametrize("shares", [[0.6, 0.6], [-0.1, 0.5]])
def test_impossible_shares_are_refused(shares):
    with pytest.raises(ValueError, match="Shares must be"):
        pick_share(shares, 0)
