"""Interactions one by one: the same one counts once, and the signal is sent after the commit."""

from datetime import UTC, datetime

import pytest

from accounts.models import User
from catalog.listening import interactions
from catalog.models import Artist, Interaction, Song
from catalog.signals import listening_changed

Kind = Interaction.Kind
NOON = datetime(2026, 8, 24, 12, 0, 0, tzinfo=UTC)


@pytest.fixture
def alice(db):
    return User.objects.create_user("alice")


@pytest.fixture
def song(db):
    return Song.objects.create(
        key="s", title="Tide", artist=Artist.objects.create(name="Lola Berg")
    )


@pytest.fixture
def changed_ids():
    ids = []

    def receiver(listener_ids, **_):
        ids.extend(listener_ids)

    listening_changed.connect(receiver, weak=False)
    yield ids
    listening_changed.disconnect(receiver)


def test_a_double_click_likes_once(alice, song, changed_ids, django_capture_on_commit_callbacks):
    """T23"""
    with django_capture_on_commit_callbacks(execute=True):
        interactions.like_song(alice, song, source="page")
        interactions.like_song(alice, song, source="page")
    assert Interaction.objects.for_listener(alice).count() == 1
    assert changed_ids == [alice.pk]


def test_a_dislike_replaces_a_like_and_can_be_taken_back(alice, song):
    interactions.like_song(alice, song, source="page")
    interactions.dislike_song(alice, song, source="page")
    assert interactions.get_opinion(alice, song) == Kind.DISLIKE
    assert Interaction.objects.count() == 1
    assert interactions.clear_opinion(alice, song) is True
    assert interactions.clear_opinion(alice, song) is False
    assert interactions.get_opinion(alice, song) is None


def test_the_same_second_is_the_same_play(alice, song):
    _, first = interactions.record_play(alice, song, occurred_at=NOON, source="player")
    _, again = interactions.record_play(
        alice, song, occurred_at=NOON.replace(microsecond=900), source="other"
    )
    assert (first, again) == (True, False)
    assert Interaction.objects.plays_and_skips().count() == 1


def test_nothing_is_told_when_nothing_changed(
    alice, song, changed_ids, django_capture_on_commit_callbacks
):
    with django_capture_on_commit_callbacks(execute=True):
        interactions.clear_opinion(alice, song)
        interactions.delete_listen(alice, song, NOON)
    assert changed_ids == []


def test_only_ones_own_interactions_can_be_deleted(alice, song):
    """T36"""
    play, _ = interactions.record_play(
        User.objects.create_user("bob"), song, occurred_at=NOON, source="player"
    )
    assert interactions.delete_interaction(alice, play.pk) is False
    assert Interaction.objects.filter(pk=play.pk).exists()


def test_everything_is_forgotten(alice, song):
    interactions.like_song(alice, song, source="page")
    interactions.record_play(alice, song, occurred_at=NOON, played_ms=900, source="player")
    assert interactions.delete_all_interactions(alice) == 2
    assert not Interaction.objects.for_listener(alice).exists()


def test_a_broken_receiver_does_not_lose_the_like(
    alice, song, django_capture_on_commit_callbacks, caplog
):
    def broken(**_):
        raise RuntimeError("cache is gone")

    listening_changed.connect(broken, weak=False)
    try:
        with django_capture_on_commit_callbacks(execute=True):
            interactions.like_song(alice, song, source="page")
    finally:
        listening_changed.disconnect(broken)
    assert interactions.get_opinion(alice, song) == Kind.LIKE
    assert "cache is gone" in caplog.text


def test_many_opinions_are_set_at_once_the_last_about_a_song_counts(
    alice, song, changed_ids, django_capture_on_commit_callbacks
):
    other = Song.objects.create(key="t", title="Ebb", artist=song.artist)
    interactions.dislike_song(alice, other, source="page")
    opinions = [(song, Kind.DISLIKE), (other, Kind.LIKE), (song, Kind.LIKE), (song, Kind.LIKE)]
    with django_capture_on_commit_callbacks(execute=True):
        assert interactions.set_opinions(alice, opinions, source="api") == [True, True, True, False]
        assert interactions.set_opinions(alice, opinions[1:], source="api") == [False, False, False]
    assert set(
        Interaction.objects.for_listener(alice).values_list("song__key", "kind", "source")
    ) == {
        ("s", Kind.LIKE, "api"),
        ("t", Kind.LIKE, "api"),
    }
    assert changed_ids == [alice.pk]


def test_many_opinions_of_one_listener_are_no_other_ones(alice, song):
    """T36"""
    bob = User.objects.create_user("bob")
    interactions.dislike_song(bob, song, source="page")
    interactions.set_opinions(alice, [(song, Kind.LIKE)], source="api")
    assert interactions.get_opinion(bob, song) == Kind.DISLIKE
