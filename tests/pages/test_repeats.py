"""What comes next and what was forgotten as pages: reasons from the history, kept as playlists, nothing of others."""

from datetime import timedelta

import pytest
from django.utils import timezone

from accounts.models import User
from catalog.models import Interaction, Playlist
from recommendations.services.surfaces.repeats import describe_plays
from tests.pages.test_reasons import text


@pytest.fixture
def forgotten(trained):
    """Alice played one song on twelve days long ago, and two others in the last days."""
    alice, now = User.objects.get(username="alice"), timezone.now()
    song = trained.songs[0]
    rows = [(song, now - timedelta(days=200 + day)) for day in range(12)]
    rows += [(trained.songs[n], now - timedelta(days=day)) for n in (2, 4) for day in (1, 2, 3)]
    Interaction.objects.bulk_create(
        Interaction(listener=alice, song=one, kind=Interaction.Kind.PLAY, source="world", occurred_at=at)
        for one, at in rows
    )  # fmt: skip
    return song


def test_home_leads_to_both_as_soon_as_something_was_played(alice_with_model, forgotten):
    page = alice_with_model.get("/").content.decode()
    assert 'href="/next-up/"' in page and 'href="/rediscover/"' in page


def test_a_forgotten_song_says_how_often_and_when_it_was_played(alice_with_model, forgotten):
    page = text(alice_with_model.get("/rediscover/"))
    last = timezone.localtime(timezone.now() - timedelta(days=200))
    assert forgotten.title in page
    assert describe_plays(12, last) in page


def test_what_was_forgotten_is_kept_with_its_reason_in_both_languages(alice_with_model, forgotten):
    answer = alice_with_model.post("/rediscover/keep/")
    playlist = Playlist.objects.get(owner__username="alice", kind=Playlist.Kind.OWN)
    assert answer["Location"] == f"/playlists/{playlist.pk}/"
    (item,) = playlist.items.all()
    assert item.song == forgotten
    assert item.reason.startswith("You played it 12 times")
    assert item.reason_by_language["de"].startswith("12-mal gehört")


def test_the_queue_is_what_the_listener_asked_for_and_goes_on(alice_with_model, forgotten):
    familiar = alice_with_model.get("/next-up/?familiarity=1").context["queue"].songs
    new = alice_with_model.get("/next-up/?familiarity=0").context["queue"].songs
    assert familiar and not familiar[0].is_new
    assert new and all(one.is_new for one in new)
    had = ",".join(str(one.song.pk) for one in familiar)
    onward = alice_with_model.get(f"/next-up/?familiarity=1&had={had}").context["queue"].songs
    assert not {one.song.pk for one in familiar} & {one.song.pk for one in onward}


def test_the_queue_is_kept_with_a_reason_for_every_song(alice_with_model, forgotten):
    shown = alice_with_model.get("/next-up/").context["queue"].songs
    alice_with_model.post("/next-up/keep/", {"familiarity": "", "had": ""})
    items = Playlist.objects.get(owner__username="alice", kind=Playlist.Kind.OWN).items.all()
    assert [item.song_id for item in items] == [one.song.pk for one in shown]
    assert all(item.reason for item in items)


@pytest.mark.parametrize(
    "query", ["familiarity=7", "had=x,%00,-1,99999999999999999999", "had=" + "1," * 500]
)
def test_an_address_that_makes_no_sense_shows_the_queue(alice_with_model, query):
    assert alice_with_model.get(f"/next-up/?{query}").status_code == 200


def test_who_is_not_learned_from_reads_that_plays_are_not_used(alice_with_model, forgotten):
    User.objects.filter(username="alice").update(personalised=False)
    assert "not personalised" in text(alice_with_model.get("/rediscover/"))
    assert "New songs only" in text(alice_with_model.get("/next-up/"))
    assert 'href="/rediscover/"' not in alice_with_model.get("/").content.decode()
