"""Who may see and do what."""

import re

import pytest
from django.test import Client
from django.urls import get_resolver

from accounts.models import User
from catalog.models import Interaction, Playlist
from catalog.playlists import edit
from catalog.playlists.reasons import Reason
from recommendations.models import ListenerControl, TrainingRun
from tests.pages.test_every_page import NOT_PAGES, addresses

PRIVATE = [
    "/welcome/", "/library/", "/library/dislikes/", "/library/history/", "/library/hidden/", "/library/imports/",
    "/playlists/", "/taste/", "/settings/", "/settings/tokens/", "/settings/delete/", "/settings/my-data.json",
    "/password/change/", "/mixes/1/", "/connect/", "/connect/pano/", "/blends/", "/library/beyond/",
    "/library/listening/", "/settings/deletions/", "/next-up/", "/rediscover/",
]  # fmt: skip

OPEN = {
    "/", "/browse/", "/login/", "/password/reset/", "/path/", "/search/suggestions/", "/signup/", "/try/",
}  # fmt: skip
"""What visitors may see, of all addresses without a placeholder that are neither the admin's nor for programs."""


@pytest.fixture
def alices_playlist(alice, world) -> Playlist:
    return edit.create_playlist(User.objects.get(username="alice"), "Secret", songs=world.songs[:3])


@pytest.mark.parametrize("path", PRIVATE)
def test_a_visitor_is_asked_to_sign_in(client, db, path):
    answer = client.get(path)
    assert answer.status_code == 302
    assert answer["Location"] == f"/login/?next={path}"


def test_no_other_page_opens_for_a_visitor(client, db, settings):
    settings.PAGE_RATE_ANONYMOUS = 1_000
    pages = [
        f"/{route}"
        for route in addresses(get_resolver().url_patterns)
        if not (NOT_PAGES.match(route) or route.startswith("admin/") or "<" in route)
    ]
    answers = {page: client.get(page) for page in pages if page.endswith("/")}
    assert {page for page, answer in answers.items() if answer.status_code == 200} == OPEN


def test_a_listener_never_reaches_anothers_playlist(bob, alices_playlist):
    """T36: somebody else's things do not exist."""
    address = f"/playlists/{alices_playlist.pk}/"
    item = alices_playlist.items.first()
    assert bob.get(address).status_code == 404
    assert bob.get(f"{address}export.csv").status_code == 404
    assert bob.get(f"{address}continue/").status_code == 404
    assert bob.post(f"{address}change/", {"do": "delete"}).status_code == 404
    assert bob.post(f"{address}move/", {"item": item.pk, "remove": "1"}).status_code == 404
    song = alices_playlist.items.last().song
    assert bob.post(f"/songs/{song.pk}/add/", {"playlist": alices_playlist.pk}).status_code == 404
    assert alices_playlist.items.count() == 3


def test_a_listener_never_takes_from_anothers_history(bob, world):
    mine = Interaction.objects.exclude(listener__username="bob").first()
    assert bob.post(f"/library/history/{mine.pk}/forget/").status_code == 404
    assert Interaction.objects.filter(pk=mine.pk).exists()


def test_my_data_holds_mine_and_nobody_elses(bob, world):
    data = bob.get("/settings/my-data.json").json()
    assert data["account"]["name"] == "bob"
    assert data["history"] == []


def test_what_speaks_to_a_listener_is_shown_to_nobody_else(bob, alice, world):
    """Who looked at a public weekly list read “You play 20 songs by …”, which was neither so nor theirs to know."""
    listener = User.objects.get(username="alice")
    week = Playlist.objects.create(
        owner=listener,
        kind=Playlist.Kind.WEEKLY_DISCOVERY,
        period="2026-W35",
        title="x",
        description="Songs you have never heard, chosen for you.",
        is_public=True,
    )
    kept = edit.create_playlist(
        listener,
        "Kept",
        songs=world.songs[:2],
        description="For the kitchen",
        reasons={world.songs[0].pk: Reason("You play 20 songs by them")},
    )
    edit.change_playlist(kept, is_public=True)
    week.items.create(song=world.songs[0], position=1, reason="You play 20 songs by them")
    for playlist in (week, kept):
        page = f"/playlists/{playlist.pk}/"
        addresses = [page, *(f"{page}export.{form}" for form in ("jspf", "csv", "m3u8"))]
        addresses += [f"/playlist/{playlist.pk}.jspf", f"/1/playlist/{playlist.pk}"]
        for address in addresses:
            seen = bob.get(address).content.decode()
            assert world.songs[0].title in seen, address
            assert "You play" not in seen and "heard yet" not in seen, address
        assert "You play" in alice.get(page).content.decode()
        assert "You play" in alice.get(f"{page}export.csv").content.decode()
    assert "heard yet" in alice.get(f"/playlists/{week.pk}/").content.decode()
    assert "For the kitchen" in bob.get(f"/playlists/{kept.pk}/").content.decode()
    # who lets players fetch their playlists without a token lets them read the reasons, too
    User.objects.filter(pk=listener.pk).update(shares_playlists=True)
    assert "You play" in Client().get(f"/1/playlist/{week.pk}").content.decode()


def test_a_public_playlist_is_to_look_at_only(bob, alices_playlist):
    edit.change_playlist(alices_playlist, is_public=True)
    address = f"/playlists/{alices_playlist.pk}/"
    assert bob.get(address).status_code == 200
    assert b"Delete playlist" not in bob.get(address).content
    assert bob.post(f"{address}change/", {"do": "unshare"}).status_code == 404


def test_retraining_is_for_those_who_may(bob, world):
    """T37: nothing is enqueued."""
    n = TrainingRun.objects.count()
    assert bob.post(
        "/admin/recommendations/trainingrun/retrain/", {"preset": "classic"}
    ).status_code in (
        302,
        403,
    )
    staff = User.objects.create_user("clerk", is_staff=True)
    bob.force_login(staff)
    assert (
        bob.post("/admin/recommendations/trainingrun/retrain/", {"preset": "classic"}).status_code
        == 403
    )
    assert TrainingRun.objects.count() == n


def test_an_operator_retrains_from_the_admin(world, monkeypatch):
    monkeypatch.setattr("recommendations.tasks.send_wake_up", lambda *args: True)
    operator = Client()
    operator.force_login(User.objects.create_superuser("olga"))
    address = "/admin/recommendations/trainingrun/retrain/"
    operator.get(address)
    assert not TrainingRun.objects.exists()
    for _twice in range(2):
        assert operator.post(address, {"preset": "classic"}).status_code == 302
    assert TrainingRun.objects.filter(status="queued").count() == 1


def _post_only() -> list[str]:
    return [
        "/songs/1/opinion/", "/songs/1/heard/", "/songs/1/control/", "/artists/1/control/",
        "/library/history/1/forget/",
        "/library/history/forget-day/", "/taste/save/", "/taste/rules/", "/taste/undo/",
        "/settings/personalisation/", "/next-up/keep/", "/rediscover/keep/",
        "/settings/tokens/revoke/", "/try/keep/", "/mixes/1/keep/", "/library/history/undo/",
    ]  # fmt: skip


@pytest.mark.parametrize("path", _post_only())
def test_writing_takes_a_post_with_a_token(alice, path):
    """T39: GET never writes, and a POST without the form's token is refused."""
    assert alice.get(path).status_code == 405
    strict = Client(enforce_csrf_checks=True)
    strict.force_login(User.objects.get(username="alice"))
    refused = strict.post(path)
    assert refused.status_code == 403
    assert "This form has expired" in refused.content.decode()


def test_the_list_above_names_every_page_that_only_takes_posts():
    named = {path.replace("/1/", "/<int>/") for path in _post_only()}
    assert len(named) == len(_post_only())
    routes = {str(route.pattern) for route in get_resolver().url_patterns}
    assert "admin/" in routes


def test_private_pages_are_kept_by_nobody_and_covers_by_everybody(alice, client, world):
    """T58"""
    assert alice.get("/")["Cache-Control"] == "private, no-store"
    page = alice.get(f"/songs/{world.songs[0].pk}/").content.decode()
    cover = client.get(re.search(r"/covers/\w+\.svg", page)[0])
    assert "immutable" in cover["Cache-Control"] and cover["Content-Type"] == "image/svg+xml"
    policy = alice.get("/")["Content-Security-Policy"]
    assert "unsafe" not in policy and "default-src 'none'" in policy


def test_the_way_back_stays_on_the_site(alice, world):
    """T44"""
    for target in (
        "//evil.example",
        "https://evil.example",
        "/\\evil.example",
        "javascript:alert(1)",
        "http:///evil.example",
    ):
        answer = alice.post(
            f"/songs/{world.songs[0].pk}/control/", {"control": "ignore-song", "next": target}
        )
        assert answer["Location"] == "/"


def test_a_control_is_kept_once_and_obeyed_at_once(alice_with_model):
    first = alice_with_model.get("/").context["made_for_you"][0].song
    for _again in range(2):
        assert (
            alice_with_model.post(
                f"/artists/{first.artist_id}/control/", {"control": "hide-artist"}
            ).status_code
            == 302
        )
    assert ListenerControl.objects.count() == 1
    shown = [card.song.artist_id for card in alice_with_model.get("/").context["made_for_you"]]
    assert shown and first.artist_id not in shown


def test_strange_input_is_an_answer_not_a_fault(alice, client, world):
    """T53, T54"""
    odd = [
        "/browse/?page=99999999999999999999",
        "/browse/?q=" + "x" * 5000,
        "/browse/?genre=abc&energy_min=nan",
        "/try/?song=99999999999999999999&song=-1&song=x",
        "/library/history/?page=-1",
        "/taste/?preview=1&discovery=x",
    ]
    for path in odd:
        assert alice.get(path).status_code == 200, path
    for path in (
        "/songs/99999999/",
        "/artists/99999999/",
        "/covers/nonsense.svg",
        "/mixes/99/",
        "/nothing/",
    ):
        assert alice.get(path).status_code == 404, path
    song = world.songs[0].pk
    assert alice.post(f"/songs/{song}/opinion/", {"opinion": "adore"}).status_code == 400
    assert alice.post(f"/songs/{song}/heard/", {"played_ms": "NaN"}).status_code == 400
    assert alice.post("/library/history/forget-day/", {"day": "yesterday"}).status_code == 400
    assert alice.post(f"/songs/{song}/add/", {"playlist": "not-a-uuid"}).status_code == 404
