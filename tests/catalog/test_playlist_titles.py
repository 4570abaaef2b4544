"""What playlists made for a listener are called: in the reader's language, unless the listener named them."""

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import translation

from accounts.models import User
from catalog.models import Playlist
from catalog.playlists import edit, titles
from catalog.servers import playlist_out
from catalog.servers.models import ServerAccount
from tests.api.caller import Caller

ENGLISH = "Weekly discovery, week of 23 Nov 2026"
GERMAN = "Entdeckungen der Woche vom 23.11.2026"


@pytest.fixture
def listener(db) -> User:
    return User.objects.create_user("heidi", language="de", shares_playlists=True)


@pytest.fixture
def discovery(listener) -> Playlist:
    """A playlist that was made while the listener read English."""
    with translation.override("en"):
        naming = titles.name_weekly("weekly-discovery", "2026-W48")
    return Playlist.objects.create(
        owner=listener, kind="weekly-discovery", period="2026-W48", title=naming.title,
        description=naming.description,
    )  # fmt: skip


def make_mix(listener: User, title: str, description: str = "") -> Playlist:
    return Playlist.objects.create(
        owner=listener, kind="daily-mix", period="2026-11-27-2", title=title,
        description=description,
    )  # fmt: skip


@pytest.mark.parametrize(("language", "title"), [("en", ENGLISH), ("de", GERMAN)])
def test_a_reader_gets_the_title_in_their_language(discovery, language, title):
    with translation.override(language):
        assert discovery.shown_title == str(discovery) == title
    assert discovery.title == ENGLISH


def test_a_mix_keeps_its_name_and_its_artists(listener):
    mix = make_mix(listener, "Tagesmix 2: Jazz · Ella", "Mit Ella, Nina und anderen.")
    with translation.override("en"):
        assert mix.shown_title == "Daily mix 2: Jazz · Ella"
        assert mix.shown_description == "With Ella, Nina and more."


def test_what_a_listener_called_it_stays(listener, discovery):
    edit.change_playlist(
        discovery, title="Weekly discovery, week of my birthday", description="Mine"
    )
    own = edit.create_playlist(listener, ENGLISH)
    mix = make_mix(listener, "Daily mix of mine")
    with translation.override("de"):
        assert discovery.shown_title == "Weekly discovery, week of my birthday"
        assert discovery.shown_description == "Mine"
        assert own.shown_title == ENGLISH
        assert mix.shown_title == "Daily mix of mine"


def test_a_period_that_is_no_week_changes_nothing(listener):
    odd = Playlist(owner=listener, kind="weekly-jams", period="2026", title="Weekly jams")
    assert odd.shown_title == "Weekly jams"


@pytest.mark.parametrize(("language", "title"), [("en", ENGLISH), ("de", GERMAN)])
def test_the_api_answers_in_the_language_that_is_asked_for(listener, discovery, language, title):
    caller = Caller(listener)
    headers = {"Accept-Language": language}
    (listed,) = caller.get("playlists/", headers=headers).body["results"]
    shown = caller.get(f"playlists/{discovery.pk}/", headers=headers).body
    assert listed["title"] == shown["title"] == title
    answer = caller.patch(f"playlists/{discovery.pk}/", {"is_public": True}, headers=headers)
    assert answer.body["title"] == title
    assert Playlist.objects.get().title == ENGLISH


def test_players_and_servers_get_it_in_the_listeners_language(listener, discovery):
    client = Client(headers={"Accept-Language": "en"})
    assert GERMAN in client.get(reverse("feed", args=["heidi"])).content.decode()
    file = client.get(reverse("playlist_file", args=[discovery.pk, "m3u8"]))
    assert f"#PLAYLIST:{GERMAN}" in file.content.decode()
    (created,) = client.get("/1/user/heidi/playlists/createdfor").json()["playlists"]
    assert created["playlist"]["title"] == GERMAN
    mix = make_mix(listener, "Daily mix 2: Jazz")
    outgoing = playlist_out._build(ServerAccount(user=listener, server_id=0), "daily-mix-2", mix)
    assert outgoing.title == "Tagesmix 2: Jazz"


def test_a_search_finds_it_by_what_is_shown(listener, discovery):
    client = Client(headers={"Accept-Language": "de"})
    client.force_login(listener)
    page = client.get(reverse("catalog:browse"), {"q": "entdeckungen woche"})
    assert page.context["playlists"] == [discovery]
    assert client.get(reverse("catalog:browse"), {"q": "discovery"}).context["playlists"] == []
