"""Connecting a player: its settings to copy, a fitting token, and the first listen that arrives."""

import re

import pytest
from django.test import Client
from django.utils.html import escape

from accounts.models import ApiToken, User
from recommendations.services.players.guides import GUIDES
from tests.pages.conftest import signed_in


def shown_settings(page) -> list[str]:
    return re.findall(r'<code id="setting-\d+">(.*?)</code>', page.content.decode(), re.DOTALL)


@pytest.mark.parametrize("guide", GUIDES, ids=lambda guide: guide.slug)
def test_each_player_gets_a_token_that_does_what_it_needs_and_no_more(db, guide, settings):
    user = User.objects.create_user("alice")
    page = signed_in(user).post(f"/connect/{guide.slug}/")
    token = ApiToken.objects.get(user=user)
    assert token.scopes.split() == sorted(
        guide.scopes, key=["read", "write", "listen", "playlists", "lidarr"].index
    )
    values = shown_settings(page)
    assert len(values) == len(guide.settings)
    assert any(escape(settings.SITE_URL) in value or "127.0.0.1" in value for value in values)
    assert not any("{site}" in value or "{token}" in value for value in values)
    assert page.content.decode().count("data-copy=") >= len(values)


def test_the_page_says_when_the_first_listen_arrived(alice):
    list_page = alice.get("/connect/").content.decode()
    assert 'href="/connect/pano/"' in list_page
    page = alice.post("/connect/pano/")
    assert "Waiting for the first listen" in page.content.decode()
    address = re.search(r'hx-get="(/connect/[^"]+)"', page.content.decode())[1]
    token = shown_settings(page)[-1]
    player = Client(headers={"Authorization": f"Token {token}"})
    player.get("/1/validate-token")
    assert "The player has signed in" in alice.get(address).content.decode()
    song = {"track_metadata": {"artist_name": "Radiohead", "track_name": "Nude"}}
    player.post(
        "/1/submit-listens",
        {"listen_type": "playing_now", "payload": [song]},
        content_type="application/json",
    )
    assert "“Nude” by Radiohead is playing" in alice.get(address).content.decode()
    heard = song | {"listened_at": 1_780_000_000}
    player.post(
        "/1/submit-listens",
        {"listen_type": "single", "payload": [heard]},
        content_type="application/json",
    )
    arrived = alice.get(address).content.decode()
    assert "It works: “Nude” by Radiohead arrived." in arrived and "hx-get" not in arrived
    without_script = alice.get(address.replace("arrived/", "")).content.decode()
    assert "It works: “Nude” by Radiohead arrived." in without_script


def test_what_was_there_before_and_what_others_hear_does_not_count(alice, bob, world):
    address = re.search(r'hx-get="(/connect/[^"]+)"', alice.post("/connect/mpd/").content.decode())[
        1
    ]
    token = shown_settings(bob.post("/connect/mpd/"))[0]
    secret = re.search(r"token = &quot;(.+?)&quot;", token)[1]
    listen = {
        "listened_at": 1_780_000_000,
        "track_metadata": {"artist_name": "A", "track_name": "B"},
    }
    Client(headers={"Authorization": f"Token {secret}"}).post(
        "/1/submit-listens",
        {"listen_type": "single", "payload": [listen]},
        content_type="application/json",
    )
    assert "It works" not in alice.get(address).content.decode()


@pytest.mark.parametrize("after", ["", "x", "-1", "9" * 400, str(2**63), "\x00"])
def test_any_number_in_the_address_is_answered(alice, after):
    for address in ("/connect/pano/", "/connect/pano/arrived/"):
        assert alice.get(address, {"after": after}).status_code == 200
    assert alice.get("/connect/nothing/").status_code == 404


def test_lidarr_is_told_that_there_is_no_seed_pack(alice):
    assert (
        "until your operator has loaded a seed pack"
        in alice.get("/connect/lidarr/").content.decode()
    )


def test_too_many_tokens_are_refused_in_a_sentence(alice):
    for _ in range(50):
        alice.post("/connect/pano/")
    page = alice.post("/connect/pano/").content.decode()
    assert "50 tokens, the most there can be" in page and ApiToken.objects.count() == 50
