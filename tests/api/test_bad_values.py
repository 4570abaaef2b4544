"""Values that no column can hold are refused with 4xx wherever they come in."""

import pytest
from django.test import Client

from accounts.models import User
from common.bad_values import can_be_stored

BEYOND = str(2**63)


@pytest.fixture
def dashboard(db):
    client = Client()
    client.force_login(User.objects.create_superuser("olga"))
    return client


@pytest.mark.parametrize(
    "path",
    [
        f"/songs/{BEYOND}/",
        f"/library/imports/{BEYOND}/",
        f"/admin/recommendations/taste/{BEYOND}/change/",
        f"/admin/recommendations/taste/-{2**63 + 1}/delete/",
        "/admin/catalog/song/a%00b/change/",
        "/feeds/a%00b.atom",
        "/playlists/00000000-0000-0000-0000-000000000000/",
        "/playlist/000000000000000000000000000000000000.jspf",
        f"/api/v1/artists/{BEYOND}/",
        "/api/v1/songs/a%00b/",
        "/1/user/a%00b/listens",
    ],
)
def test_a_path_names_no_row_that_can_not_be(dashboard, path):
    """T77."""
    dashboard.raise_request_exception = False
    assert 400 <= dashboard.get(path).status_code < 500


@pytest.mark.parametrize("day", ["0001-01-01", "9999-12-31", "9999-12-30"])
@pytest.mark.parametrize("zone", ["Pacific/Kiritimati", "Etc/GMT+12"])
def test_the_first_and_last_days_there_are_have_no_plays(dashboard, settings, day, zone):
    """T77."""
    settings.TIME_ZONE = zone
    assert dashboard.post("/library/history/forget-day/", {"day": day}).status_code in (200, 302)


@pytest.mark.parametrize("name", ["artist", "genre", "q", "page", "year_from", "cursor"])
@pytest.mark.parametrize("text", [BEYOND, "1e999", "a%00b", "%ED%A0%80", "9" * 5000])
def test_queries_of_the_api_break_nothing(dashboard, name, text):
    """T77."""
    dashboard.raise_request_exception = False
    assert dashboard.get("/api/v1/songs/", query_string=f"{name}={text}").status_code < 500
    assert dashboard.get("/browse/", query_string=f"{name}={text}").status_code < 500


def test_what_can_be_a_part_of_a_path():
    assert all(
        map(can_be_stored, ["song_1", "a b", str(2**63 - 1), "-5", 7, "9" * 30 + "x", "ﷺ" * 9])
    )
    assert not any(map(can_be_stored, [BEYOND, f"-{2**63 + 1}", 2**63, "a\0", "\ud800", "9" * 300]))
