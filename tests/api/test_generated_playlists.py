"""Weekly jams, weekly discovery and daily mixes: what is in them, and that they stay."""

from datetime import timedelta

import pytest
from django.db.models import Value
from django.db.models.functions import Concat
from django.utils import timezone

from accounts.models import User
from catalog.listening import interactions
from catalog.models import Interaction, Playlist
from recommendations.models import ModelVersion
from recommendations.services.lists.listener_context import ListenerContext
from recommendations.services.preferences import personalisation
from recommendations.services.surfaces import generated_playlists, mixes, weekly
from recommendations.services.versions import registry
from tests.api.caller import Caller

Kind = Interaction.Kind
JAMS, DISCOVERY, MIX = (
    Playlist.Kind.WEEKLY_JAMS,
    Playlist.Kind.WEEKLY_DISCOVERY,
    Playlist.Kind.DAILY_MIX,
)


@pytest.fixture
def carol(world):
    return User.objects.create_user("carol")


def add_plays(listener, song, *, plays=1, skips=0, days_ago=30):
    """Write what a file with counts tells; without times when `days_ago` is None."""
    moment = None if days_ago is None else timezone.now() - timedelta(days=days_ago)
    for kind, n in ((Kind.PLAY, plays), (Kind.SKIP, skips)):
        if n:
            row = {"listener": listener, "song": song, "kind": kind, "plays": n, "source": "test"}
            Interaction.objects.create(**row, occurred_at=moment)


def keys(playlist):
    return [item.song.key for item in playlist.items.select_related("song").order_by("position")]


def test_generated_playlists_stay_for_their_period_and_say_why(world):
    for kind in (JAMS, DISCOVERY):
        todays = world.alice.post("me/generated-playlists/", {"kind": kind})
        assert todays.status == 200
        (playlist,) = todays.body
        detail = world.alice.get(f"playlists/{playlist['id']}/").body
        there = [item["song"]["id"] for item in detail["items"]]
        assert all(item["reason"] for item in detail["items"])
        heard = {song.key for song in world.songs[:16:2]}
        share_known = len(heard & set(there)) / len(there)
        assert share_known == 0 if kind == DISCOVERY else share_known >= 0.75
        world.alice.put(f"songs/{there[-1]}/like/")
        (again,) = world.alice.post("me/generated-playlists/", {"kind": kind}).body
        assert again["id"] == playlist["id"]
        kept = world.alice.get(f"playlists/{again['id']}/").body
        assert [item["song"]["id"] for item in kept["items"]] == there
    todays = world.alice.post("me/generated-playlists/", {"kind": MIX}).body
    assert todays != []
    assert all(mix["n_songs"] > 0 for mix in todays)
    assert world.alice.post("me/made-playlists/", {"kind": MIX}).body == todays  # as 0.5 called it
    assert world.alice.post("me/generated-playlists/", {"kind": "own"}).status == 400


def test_jams_are_what_was_played_often_and_rested_and_not_what_was_passed_on(
    world, carol, monkeypatch
):
    monkeypatch.setattr(generated_playlists, "N_SONGS", 10)  # eight known, two new
    for song in world.songs[:6]:
        add_plays(carol, song, plays=10, days_ago=60)
    add_plays(carol, world.songs[6], plays=10, days_ago=0)  # worn out
    add_plays(carol, world.songs[7], plays=10, skips=9)
    add_plays(carol, world.songs[8], plays=3)
    add_plays(carol, world.songs[9], plays=2)
    interactions.dislike_song(carol, world.songs[0], source="test")
    (jams,) = generated_playlists.make(carol, JAMS)
    there = keys(jams)
    assert {song.key for song in world.songs[1:7]} <= set(there)
    assert {"song_08", "song_09"} <= set(there)
    assert not {"song_00", "song_07"} & set(there)


def test_jams_say_how_often_and_how_long_ago(world, carol):
    for song, plays, days_ago in zip(
        world.songs, (1, 1, 1, 3, 3, 3), (0, 7, 21, 0, 7, 21), strict=False
    ):
        add_plays(carol, song, plays=plays, days_ago=days_ago)
    (jams,) = generated_playlists.make(carol, JAMS)
    reasons = {item.song.key: item.reason for item in jams.items.select_related("song")}
    assert [reasons[f"song_{n:02d}"] for n in range(6)] == [
        "You played it once",
        "You played it once, 1 week ago",
        "You played it once, 3 weeks ago",
        "You played it 3 times",
        "You played it 3 times, last 1 week ago",
        "You played it 3 times, last 3 weeks ago",
    ]


def test_a_history_without_counts_and_times_gives_jams_too(world, carol):
    for song in world.songs[:12:2]:
        add_plays(carol, song, days_ago=None)
    (jams,) = generated_playlists.make(carol, JAMS)
    assert {song.key for song in world.songs[:12:2]} <= set(keys(jams))


def test_too_little_is_known_for_any(carol, world):
    assert [generated_playlists.make(carol, kind) for kind in (JAMS, DISCOVERY, MIX)] == [
        [],
        [],
        [],
    ]
    add_plays(carol, world.songs[0], plays=5)
    assert generated_playlists.make(carol, JAMS) == []
    assert Playlist.objects.count() == 0


def test_discovery_is_of_songs_never_heard_whatever_was_done_with_them(world, carol):
    for song in world.songs[:12:2]:
        add_plays(carol, song)
    add_plays(carol, world.songs[14], plays=0, skips=3)
    (playlist,) = generated_playlists.make(carol, DISCOVERY)
    assert keys(playlist)
    assert not {song.key for song in [*world.songs[:12:2], world.songs[14]]} & set(keys(playlist))


def test_a_song_is_new_in_one_mix_only(world, carol, monkeypatch):
    # Twelve new songs a mix are wanted and sixteen are left, so two mixes that choose apart meet.
    monkeypatch.setattr(mixes, "N_SONGS", 14)
    monkeypatch.setattr(mixes, "N_FAMILIAR", 2)
    for song in world.songs[:24]:
        interactions.like_song(carol, song, source="test")
    todays = mixes.list_daily_mixes(carol)
    assert len(todays) > 1
    new = [song.pk for mix in todays for song in mix.songs if song.pk not in mix.heard_ids]
    assert len(new) == len(set(new))


def test_the_schedule_makes_what_is_missing_once_and_takes_away_what_is_old(world, carol):
    for song in world.songs[:12:2]:
        add_plays(carol, song, plays=3, days_ago=1)
    assert generated_playlists.make_due() == 1 + 1 + 12  # Carol, Alice and those who made the world
    n_made = Playlist.objects.count()
    assert generated_playlists.make_due() == 14
    assert Playlist.objects.count() == n_made
    mixes = Playlist.objects.filter(kind=MIX)
    mixes.update(
        created_at=timezone.now() - timedelta(days=8), period=Concat(Value("old-"), "period")
    )
    generated_playlists.make_all(carol)
    assert not mixes.filter(owner=carol, period__startswith="old-").exists()


def test_the_next_week_has_a_playlist_of_its_own(world):
    today = timezone.localdate()
    (now,) = generated_playlists.make(world.alice.user, JAMS, today)
    (later,) = generated_playlists.make(world.alice.user, JAMS, today + timedelta(days=7))
    assert now.pk != later.pk


def test_a_made_playlist_of_somebody_else_can_not_be_asked_for(world, bob):
    """T36."""
    (playlist,) = world.alice.post("me/generated-playlists/", {"kind": JAMS}).body
    assert Caller(bob.user).get(f"playlists/{playlist['id']}/").status == 404


def test_who_switches_personalisation_off_keeps_only_playlists_of_their_own(world, carol):
    for song in world.songs[:12:2]:
        add_plays(carol, song, plays=3)
    assert generated_playlists.make_all(carol)
    kept = Playlist.objects.create(owner=carol, title="Kept")
    personalisation.set_personalised(carol, False)
    assert list(Playlist.objects.filter(owner=carol)) == [kept]
    assert generated_playlists.make_all(carol) == []
    personalisation.set_personalised(carol, True)
    kinds = {playlist.kind for playlist in generated_playlists.make_all(carol)}
    assert {JAMS, DISCOVERY} <= kinds


def test_who_has_heard_everything_gets_mixes_of_what_they_love(world, carol):
    for song in world.songs:
        add_plays(carol, song, plays=3)
    todays = mixes.list_daily_mixes(carol)
    assert todays
    for mix in todays:
        assert not mix.has_new
        assert mix.heard_ids == {song.pk for song in mix.songs}


def test_without_a_model_there_are_no_jams_yet_and_with_one_the_next_page_has_both(world, carol):
    """They would be without new songs for the whole week, and discovery was not looked for again for an hour."""
    for song in world.songs[:12:2]:
        add_plays(carol, song, plays=3)
    version = registry.get_active_version()
    ModelVersion.objects.update(is_active=False)
    assert weekly.load_drafts(carol, ListenerContext(carol)) == []
    ModelVersion.objects.filter(pk=version.pk).update(is_active=True)
    drafts = weekly.load_drafts(carol, ListenerContext(carol))
    assert [one.playlist.kind for one in drafts] == [DISCOVERY, JAMS]
    heard = {song.pk for song in world.songs[:12:2]}
    assert {item.song_id for item in drafts[1].items} > heard
