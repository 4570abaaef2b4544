"""What a listener plays again: activation by hand, spreading, the queue's mixture, and what was lost sight of."""

import numpy as np
import pytest

from recommendations.engine import Repeats, fit_decay, mix_heads
from recommendations.engine.evaluation.next_session import SYSTEMS, measure_next_sessions
from recommendations.engine.ranking.repeats import DAY, DECAY, HOUR

NOW = 1_700_000_000.0


def ago(*hours: float) -> list[float]:
    return [NOW - hour * HOUR for hour in hours]


def test_the_base_level_is_the_logarithm_of_the_summed_powers_of_the_ages():
    plays = Repeats.build([7, 7, 9], ago(1, 8, 2))
    expected = [np.log(1**-DECAY + 8**-DECAY), np.log(2**-DECAY)]
    np.testing.assert_allclose(plays.activations(NOW), expected)
    np.testing.assert_allclose(plays.activations(NOW, decay=0.0), [np.log(2), np.log(1)])


def test_what_comes_later_is_not_known_before():
    plays = Repeats.build([7, 9], ago(10, 2))
    assert np.isneginf(plays.activations(NOW - 5 * HOUR)[1])
    np.testing.assert_allclose(plays.activations(NOW - 5 * HOUR)[0], np.log(5**-DECAY))


def test_a_song_heard_together_with_how_the_session_began_comes_forward():
    # 1 and 2 always in one session, 3 alone and more recent
    together = [song for _ in range(5) for song in (1, 2)]
    moments = [NOW - day * DAY + minute * 60 for day in range(20, 15, -1) for minute in (0, 4)]
    alone = [NOW - (10 + day) * DAY for day in range(5)]
    plays = Repeats.build([*together, *[3] * 5], [*moments, *alone])
    without, with_cue = plays.activations(NOW), plays.activations(NOW, [1])
    assert without[2] > without[1]
    assert with_cue[1] > with_cue[2]
    assert with_cue[2] == without[2]


def test_unknown_moments_are_left_out_and_nothing_heard_is_no_error():
    assert len(Repeats.build([1, 2], [-1, NOW])) == 1
    empty = Repeats.build([], [])
    assert empty.repeat_rate() == 0.0
    assert empty.next_songs(NOW, 5).tolist() == empty.rediscoveries(NOW, 5).tolist() == []
    assert fit_decay(empty) == DECAY


def test_songs_of_the_session_that_goes_on_do_not_come_again_at_once():
    plays = Repeats.build([1, 2, 2, 1], ago(30, 28, 0.3, 0.1))
    assert plays.next_songs(NOW, 5).tolist() == []
    assert plays.next_songs(NOW + 2 * HOUR, 5).tolist() == [1, 2]


def test_the_repeat_rate_counts_plays_of_songs_played_before():
    assert Repeats.build([1, 1, 1, 2], ago(4, 3, 2, 1)).repeat_rate() == 2 / 4


def test_a_song_once_loved_and_long_not_heard_is_rediscovered():
    loved = [100] * 12
    loved_at = [NOW - (200 + day) * DAY for day in range(12)]
    # forty songs heard every week until today, and one heard once long ago
    others = [song for song in range(40) for _ in range(4)]
    others_at = [NOW - (1 + 7 * week) * DAY for _ in range(40) for week in range(4)]
    plays = Repeats.build([*loved, *others, 200], [*loved_at, *others_at, NOW - 300 * DAY])
    assert plays.rediscoveries(NOW, 10).tolist() == [100]
    assert plays.rediscoveries(NOW - 199 * DAY, 10).tolist() == []


@pytest.mark.parametrize("familiarity", [0.0, 0.25, 0.5, 0.7, 1.0])
def test_a_queue_has_the_part_of_known_songs_that_was_asked_for(familiarity):
    is_known = mix_heads(20, 20, 20, familiarity)
    assert is_known.sum() == round(20 * familiarity)
    # evenly spread: no half of the queue has more than its part
    assert abs(is_known[:10].sum() - 10 * familiarity) <= 1


def test_where_one_kind_runs_out_the_other_fills_the_queue():
    assert mix_heads(6, 2, 10, 1.0).sum() == 2
    assert len(mix_heads(6, 2, 10, 1.0)) == 6
    assert len(mix_heads(6, 1, 2, 0.5)) == 1 + 2
    with pytest.raises(ValueError, match="familiarity"):
        mix_heads(6, 1, 1, 1.5)


def a_listener(rng: np.random.Generator, *, recent: bool) -> Repeats:
    """Sixty sessions of eight songs: those of the last days again, or favourites whenever they were heard."""
    songs: list[int] = []
    moments: list[float] = []
    for day in range(60):
        pool = np.arange(day, day + 12) if recent else np.arange(60)
        appeal = np.ones(12) if recent else 1 / (1 + np.arange(60.0))
        chosen = [*rng.choice(pool, 7, replace=False, p=appeal / appeal.sum()), 1_000 + day]
        songs += chosen
        moments += [NOW + day * DAY + 240 * index for index in range(8)]
    return Repeats.build(songs, moments)


def test_the_decay_is_told_from_what_a_listener_comes_back_to():
    rng = np.random.default_rng(0)
    assert fit_decay(a_listener(rng, recent=True)) == DECAY
    assert fit_decay(a_listener(rng, recent=False)) < DECAY


def test_activation_finds_the_next_session_of_those_who_go_by_the_last_days():
    rng = np.random.default_rng(1)
    by_system = measure_next_sessions([a_listener(rng, recent=True) for _ in range(5)])
    assert set(by_system) == set(SYSTEMS)
    mean = {name: values.mean() for name, values in by_system.items()}
    assert mean["activation"] > mean["top of 14 days"] > mean["all-time top"]
    few = measure_next_sessions([Repeats.build([1, 2], [NOW, NOW + 1])])
    assert all(len(values) == 0 for values in few.values())
