"""What one account sends by the thousand counts as one listener in what others are given (T73)."""

from datetime import UTC, datetime, timedelta

import pytest
from django.core.cache import caches
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from accounts.models import User
from recommendations.services.serving import recommend
from recommendations.services.training import pipeline, training_requests
from recommendations.services.versions import registry, trends
from tests.api.caller import Caller

N_REQUESTS, N_PLAYS = 4, 1_000


@pytest.fixture(autouse=True)
def _look_for_trends_at_once(monkeypatch):
    monkeypatch.setattr(trends, "LOOKED_FOR_SECONDS", 0.0)


def send_plays(username: str, song, n_requests: int, n_plays: int) -> None:
    """Send timed plays of one song, ten seconds apart and up to a minute ago, in batches."""
    caller = Caller(User.objects.create_user(username))
    newest = timezone.now() - timedelta(minutes=1)
    for request in range(n_requests):
        moments = (newest - timedelta(seconds=10 * (request * n_plays + n)) for n in range(n_plays))
        plays = [
            {"song": song.key, "kind": "play", "occurred_at": at.isoformat()} for at in moments
        ]
        assert caller.post("interactions/batch/", {"interactions": plays}).body["added"] == n_plays
        caches["limits"].clear()  # the allowance of the next minute


def place_for_a_stranger(song) -> int:
    """Train anew and return the song's place in the list of a listener nothing is known of."""
    run = training_requests.request_training(
        preset="classic", trigger="command", options={"evaluate": False}
    )
    run = pipeline.run_training(run.pk, "test")
    assert run.status == "succeeded", run.error
    registry.activate(run.version)
    caches["default"].clear()
    visitor = User.objects.create_user(f"visitor-{run.pk}")
    songs = [item.song for item in recommend.recommend_songs(visitor, 40).items]
    return songs.index(song) if song in songs else len(songs)


def test_four_thousand_plays_of_one_account_move_a_song_as_far_as_one_listener_does(world):
    song = world.songs[39]
    send_plays("honest", song, 1, 1)
    after_one = place_for_a_stranger(song)
    User.objects.get(username="honest").interactions.all().delete()
    send_plays("flooder", song, N_REQUESTS, N_PLAYS)
    assert place_for_a_stranger(song) == after_one > 0


def test_ten_accounts_count_as_ten_listeners(world):
    song = world.songs[39]
    for number in range(10):
        send_plays(f"honest-{number}", song, 1, 1)
    after_ten = place_for_a_stranger(song)
    User.objects.filter(username__startswith="honest").delete()
    for number in range(10):
        send_plays(f"flooder-{number}", song, 1, 400)
    assert place_for_a_stranger(song) == after_ten


def test_the_operator_sees_accounts_that_report_more_hours_than_a_day_has(world):
    song = world.songs[0]  # of 200 seconds
    day = datetime(2026, 3, 1, tzinfo=UTC)
    flooder = Caller(User.objects.create_user("flooder"))
    busy = Caller(User.objects.create_user("busy"))
    n_in_a_day = 24 * 3600 // 200
    for caller, n_plays in ((flooder, n_in_a_day + 1), (busy, n_in_a_day)):
        plays = [
            {
                "song": song.key,
                "kind": "play",
                "occurred_at": (day + timedelta(seconds=n)).isoformat(),
            }
            for n in range(n_plays)
        ]
        assert caller.post("interactions/batch/", {"interactions": plays}).body["added"] == n_plays
    client = Client()
    client.force_login(User.objects.create_superuser("olga"))
    page = client.get(reverse("admin:index")).content.decode()
    assert reverse("admin:accounts_user_change", args=[flooder.user.pk]) in page
    assert (
        f"reported 24.1 hours of music ({n_in_a_day + 1} plays) on 1 Mar 2026, which has 24."
        in page
    )
    assert reverse("admin:accounts_user_change", args=[busy.user.pk]) not in page
