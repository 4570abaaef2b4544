"""No page, sign-in or address for players reads a table whole that grows with listeners or plays."""

import pytest
from django.test import Client

from accounts.models import User
from catalog.models import Interaction
from recommendations.services.serving import precompute
from tests.query_plans import find_scans
from tests.recommendations.conftest import (  # noqa: F401  (fixtures)
    listener,
    own_artifacts,
    song,
    version,
    world,
)

PASSWORD = "quite-some-words-9"


@pytest.fixture
def browser(version, listener) -> Client:  # noqa: F811
    precompute.precompute(version)
    client = Client()
    client.force_login(listener)
    return client


def test_the_check_sees_a_table_that_is_read_whole(world):  # noqa: F811
    assert find_scans(lambda: list(Interaction.objects.filter(plays=3)))
    assert find_scans(lambda: list(User.objects.filter(username__iexact="x")))
    assert not find_scans(lambda: list(User.objects.filter(pk=3)))


@pytest.mark.parametrize(
    "path",
    [
        "/",
        "/library/",
        "/library/history/",
        "/taste/",
        "/browse/",
        "/playlists/",
        "/settings/",
        "/songs/{song}/",
    ],
)
def test_pages(path, browser, song):  # noqa: F811
    assert find_scans(lambda: browser.get(path.format(song=song.pk))) == []


def test_liking_a_song(browser, song):  # noqa: F811
    assert find_scans(lambda: browser.post(f"/songs/{song.pk}/opinion/", {"opinion": "like"})) == []


def test_signing_up_and_in_with_another_case(world):  # noqa: F811
    words = {"username": "Trillian", "password1": PASSWORD, "password2": PASSWORD}
    assert find_scans(lambda: Client().post("/signup/", words)) == []
    User.objects.create_user("Arthur", password=PASSWORD)
    name = {"username": "Arthur", "password": PASSWORD}
    assert find_scans(lambda: Client().post("/login/", name)) == []


def test_addresses_of_players_without_sign_in(world):  # noqa: F811
    User.objects.filter(username="user_00001").update(shares_playlists=True)
    path = "/1/user/USER_00001/playlists/createdfor"
    answers = []
    assert find_scans(lambda: answers.append(Client().get(path))) == []
    assert answers[0].status_code == 200, answers[0].content


def test_a_name_is_found_in_any_case(world):  # noqa: F811
    names = ["user_00001", "USER_00001", "User_00001"]
    assert {User.objects.with_name(name).get().pk for name in names} == {
        User.objects.get(username="user_00001").pk
    }
    assert not User.objects.with_name("user_0000%").exists()
