"""What listeners tell: opinions, plays and skips, one by one and by the thousand, once however often it is sent."""

import uuid

import pytest

from catalog.models import Interaction

PLAY = {
    "song": "song_0",
    "kind": "play",
    "occurred_at": "2026-08-24T18:30:00Z",
    "played_ms": 150_000,
}


def test_likes_and_dislikes_replace_one_another_and_are_idempotent(alice, songs):
    """T23."""
    for _ in range(2):
        answer = alice.put("songs/song_0/like/")
        assert (answer.status, answer.body) == (200, {"song": "song_0", "opinion": "like"})
    assert alice.put("songs/song_0/dislike/").body["opinion"] == "dislike"
    assert Interaction.objects.count() == 1
    assert alice.delete("songs/song_0/like/").status == 204
    assert Interaction.objects.dislikes().count() == 1
    for _ in range(2):
        assert alice.delete("songs/song_0/dislike/").status == 204
    assert Interaction.objects.count() == 0
    assert alice.put("songs/nothing/like/").status == 404


def test_opinions_are_listed(alice, songs):
    alice.put("songs/song_0/like/")
    alice.put("songs/song_1/dislike/")
    opinions = alice.get("me/opinions/").body["results"]
    assert {(one["song"]["id"], one["kind"]) for one in opinions} == {
        ("song_0", "like"),
        ("song_1", "dislike"),
    }
    assert len(alice.get("me/opinions/", {"opinion": "like"}).body["results"]) == 1
    assert alice.get("me/opinions/", {"opinion": "love"}).status == 400


def test_a_play_is_stored_once(alice, songs):
    first, again = alice.post("interactions/", PLAY), alice.post("interactions/", PLAY)
    assert (first.status, first.body) == (201, {"added": 1, "known": 0, "rejected": []})
    assert again.body == {"added": 0, "known": 1, "rejected": []}
    (entry,) = alice.get("me/history/").body["results"]
    assert (entry["kind"], entry["occurred_at"], entry["played_ms"]) == (
        "play",
        "2026-08-24T18:30:00Z",
        150_000,
    )
    assert alice.delete(f"me/history/{entry['id']}/").status == 204
    assert alice.delete(f"me/history/{entry['id']}/").status == 404


def test_an_idempotency_key_makes_a_play_without_a_time_safe_to_send_again(alice, songs):
    """T23."""
    headers = {"Idempotency-Key": str(uuid.uuid4())}
    play = {"song": "song_0", "kind": "play"}
    first = alice.post("interactions/", play, headers=headers)
    again = alice.post("interactions/", play, headers=headers)
    assert first.body == again.body
    assert again.headers["Idempotency-Replayed"] == "true"
    other = alice.post("interactions/", {"song": "song_1", "kind": "play"}, headers=headers)
    assert other.status == 400
    assert Interaction.objects.count() == 1
    assert alice.post("interactions/", play, headers={"Idempotency-Key": "x" * 101}).status == 400


def test_a_batch_names_what_it_could_not_read_and_writes_the_rest(alice, songs):
    batch = [
        PLAY,
        {
            "song": "song_1",
            "kind": "skip",
            "played_ms": 5000,
            "occurred_at": "2026-08-24T18:35:00Z",
        },
        {"song": "song_2", "kind": "like"},
        {"song": "nothing", "kind": "like"},
        {"song": "song_3", "kind": "love"},
        "x",
        PLAY,
    ]
    answer = alice.post("interactions/batch/", {"interactions": batch})
    assert answer.status == 200
    assert (answer.body["added"], answer.body["known"]) == (3, 1)
    assert [one["index"] for one in answer.body["rejected"]] == [3, 4, 5]
    kinds = sorted(Interaction.objects.values_list("kind", flat=True))
    assert kinds == [Interaction.Kind.PLAY, Interaction.Kind.LIKE, Interaction.Kind.SKIP]


def test_a_thousand_fit_into_a_batch_and_no_more(alice, songs, django_assert_max_num_queries):
    batch = [
        PLAY | {"occurred_at": f"2026-08-24T18:{n // 60:02d}:{n % 60:02d}Z"} for n in range(1000)
    ]
    with django_assert_max_num_queries(25):
        assert alice.post("interactions/batch/", {"interactions": batch}).body["added"] == 1000
    assert alice.post("interactions/batch/", {"interactions": [*batch, PLAY]}).status == 400


def test_a_thousand_opinions_cost_no_more_queries_than_a_few(
    alice, songs, django_assert_max_num_queries
):
    batch = [{"song": f"song_{n % 6}", "kind": "like" if n % 2 else "dislike"} for n in range(1000)]
    with django_assert_max_num_queries(25):
        assert alice.post("interactions/batch/", {"interactions": batch}).body["rejected"] == []
    assert Interaction.objects.for_listener(alice.user).likes().count() == 3
    assert Interaction.objects.for_listener(alice.user).dislikes().count() == 3


@pytest.mark.parametrize(
    "wrong",
    [
        {"song": "nothing"},
        {"kind": "love"},
        {"kind": None},
        {"occurred_at": "yesterday"},
        {"occurred_at": "1969-12-31T23:59:59Z"},
        {"occurred_at": "2999-01-01T00:00:00Z"},
        {"occurred_at": "0001-01-01T00:00:00+14:00"},
        {"played_ms": -1},
        {"played_ms": 10**30},
        {"song": "a\0b"},
        {"song": "x" * 65},
    ],
    ids=str,
)
def test_a_wrong_field_is_named(alice, songs, wrong):
    answer = alice.post("interactions/", PLAY | wrong)
    assert answer.status == 400
    assert list(answer.body["error"]["fields"]) == list(wrong)
    assert Interaction.objects.count() == 0


def test_what_one_says_about_others_is_not_heard(alice, bob, songs):
    """T38."""
    listen = PLAY | {
        "user": bob.user.pk,
        "listener": bob.user.pk,
        "id": 1,
        "source": "forged",
        "plays": 999,
    }
    assert alice.post("interactions/", listen).status == 201
    play = Interaction.objects.get()
    assert (play.listener, play.source, play.plays) == (alice.user, "api", 1)


def test_history_goes_on_by_cursor_newest_first(alice, songs):
    batch = [PLAY | {"occurred_at": f"2026-08-24T18:00:{n:02d}Z"} for n in range(5)]
    alice.post("interactions/batch/", {"interactions": batch})
    Interaction.objects.create(listener=alice.user, song=songs[1], kind=0, source="file")
    first = alice.get("me/history/", {"page_size": 4}).body
    rest = alice.client.get(first["next"]).json()
    times = [entry["occurred_at"] for entry in first["results"] + rest["results"]]
    assert times == [f"2026-08-24T18:00:{n:02d}Z" for n in (4, 3, 2, 1, 0)] + [None]
    assert alice.get("me/history/", {"cursor": "nonsense"}).status == 404
    assert alice.get("me/history/", {"cursor": "cD1ub3RhZGF0ZQ=="}).status == 404


def test_the_whole_history_is_deleted_only_when_that_is_said(alice, songs):
    alice.post("interactions/", PLAY)
    assert alice.delete("me/history/").status == 400
    assert alice.delete("me/history/?confirm=everything").body["known"] == 1
    assert Interaction.objects.count() == 0
