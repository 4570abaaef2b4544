"""The endless queue and what was forgotten: known songs with true reasons, new ones in between."""

from datetime import timedelta

import pytest
from django.utils import timezone

from accounts.models import User
from catalog.models import Interaction


@pytest.fixture
def alice_plays(world):
    """Alice played one song on twelve days long ago, and four songs on three days of the last week."""
    alice, now = User.objects.get(username="alice"), timezone.now()
    rows = [(world.songs[0], now - timedelta(days=200 + day)) for day in range(12)]
    rows += [
        (world.songs[2 * index], now - timedelta(days=day, hours=index))
        for index in range(1, 5)
        for day in (1, 2, 3)
    ]
    Interaction.objects.bulk_create(
        Interaction(
            listener=alice,
            song=song,
            kind=Interaction.Kind.PLAY,
            plays=1,
            source="world",
            occurred_at=moment,
        )
        for song, moment in rows
    )
    return world


def kinds(answer) -> list[bool]:
    return [item["is_new"] for item in answer.body["items"]]


def keys(answer) -> list[str]:
    return [item["song"]["id"] for item in answer.body["items"]]


def test_the_queue_mixes_known_and_new_songs_as_the_listener_does(alice_plays):
    answer = alice_plays.alice.get("me/next-up/", {"k": 8})
    n_plays, n_first = 12 + 4 * 3, 5
    assert answer.body["repeat_rate"] == answer.body["familiarity"]
    assert answer.body["repeat_rate"] == pytest.approx(1 - n_first / n_plays, abs=1e-4)
    assert len(answer.body["items"]) == 8
    assert not all(kinds(answer)) and any(kinds(answer))
    assert all(item["reason"] for item in answer.body["items"])


@pytest.mark.parametrize(("familiarity", "n_known"), [(0, 0), (0.5, 2), (1, 4)])
def test_familiarity_is_the_part_of_known_songs(alice_plays, familiarity, n_known):
    answer = alice_plays.alice.get("me/next-up/", {"k": 4, "familiarity": familiarity})
    assert kinds(answer).count(False) == n_known


def test_a_known_songs_reason_is_what_the_history_says(alice_plays):
    familiar = [
        item
        for item in alice_plays.alice.get("me/next-up/", {"k": 4, "familiarity": 1}).body["items"]
        if not item["is_new"]
    ]
    for item in familiar:
        rows = Interaction.objects.filter(
            song__key=item["song"]["id"], kind=Interaction.Kind.PLAY, listener__username="alice"
        )
        assert f"You played it {rows.count()} times" in item["reason"]
    assert alice_plays.songs[0].key not in [item["song"]["id"] for item in familiar[:4]]


def test_the_queue_goes_on_without_what_it_had(alice_plays):
    first = keys(alice_plays.alice.get("me/next-up/", {"k": 4}))
    second = keys(alice_plays.alice.get("me/next-up/", {"k": 4, "exclude": ",".join(first)}))
    assert second and not set(first) & set(second)


def test_a_song_loved_long_ago_is_rediscovered_with_the_count_and_the_day(alice_plays):
    (item,) = alice_plays.alice.get("me/rediscover/").body["items"]
    assert (item["song"]["id"], item["n_plays"]) == (alice_plays.songs[0].key, 12)
    assert item["reason"].startswith("You played it 12 times, last on ")


def test_what_is_hidden_or_not_learned_from_comes_in_neither(alice_plays):
    assert alice_plays.alice.put(f"songs/{alice_plays.songs[0].key}/hidden/").status in (200, 204)
    assert alice_plays.alice.get("me/rediscover/").body["items"] == []


def test_who_is_not_learned_from_gets_no_known_songs(alice_plays):
    alice_plays.alice.patch("me/", {"personalised": False})
    assert all(kinds(alice_plays.alice.get("me/next-up/", {"k": 4})))
    assert alice_plays.alice.get("me/rediscover/").body["items"] == []


def test_nobody_played_anything(world):
    answer = world.alice.get("me/next-up/", {"k": 4})
    assert answer.body["repeat_rate"] == 0.0
    assert all(kinds(answer))


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ({"familiarity": "2"}, "familiarity"),
        ({"familiarity": "nan"}, "familiarity"),
        ({"exclude": "no-such-song"}, "exclude"),
        ({"exclude": ",".join(["song_00"] * 201)}, "exclude"),
        ({"k": "0"}, "k"),
    ],
)
def test_what_cannot_be_read_is_refused_in_a_sentence(world, query, field):
    answer = world.alice.get("me/next-up/", query)
    assert (answer.status, list(answer.body["error"]["fields"])) == (400, [field])
