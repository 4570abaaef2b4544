"""Requests that no program of sound mind sends: many fields, broken forms, odd heads and methods. T54, T77"""

import re

import pytest
from django.test import Client

from accounts.models import User
from accounts.tokens import create_token
from catalog.models import Interaction, Playlist, Song

pytestmark = pytest.mark.django_db
MANY = "&".join(f"a{n}=1" for n in range(1001))
ADDRESSES = [
    "/api/v1/songs/",
    "/1/user/anna/listens",
    "/audiomuse/api/similar_tracks",
    "/mcp",
    "/browse/",
    "/labs/similar-artists/json",
]


@pytest.fixture
def anna():
    return User.objects.create_user("anna")


@pytest.mark.parametrize("address", ADDRESSES)
def test_a_thousand_parameters_are_refused(address):
    """The API answered 500."""
    client = Client(raise_request_exception=False)
    assert 400 <= client.get(f"{address}?{MANY}").status_code < 500
    answer = client.post(f"{address}?{MANY}", "{}", content_type="application/json")
    assert 400 <= answer.status_code < 500


@pytest.mark.parametrize(
    "accept",
    ["", " ", ",", ";", "garbage", "text/html", "image/*, text/plain;q=.3", "*/*", "a/b" * 500],
)
@pytest.mark.parametrize(
    ("address", "status"),
    [
        ("/api/v1/songs/", 200),
        ("/api/v1/schema/", 200),
        ("/1/metadata/lookup/?artist_name=a&recording_name=b", 200),
        ("/1/validate-token", 400),
        ("/api/v1/nothing/", 404),
    ],
)
def test_no_accept_header_keeps_an_answer_back(address, status, accept):
    """An empty one, as some players send it, got 406."""
    answer = Client().get(address, headers={"Accept": accept})
    assert answer.status_code == status
    if status == 200 and "schema" not in address:
        assert answer.headers["Content-Type"].startswith("application/json")


def test_a_listen_counts_whatever_its_player_accepts(anna):
    secret = create_token(anna, "player", ["listen"]).secret
    for n, accept in enumerate(["", "text/html", "garbage"]):
        listen = {
            "listened_at": 1_700_000_000 + n * 1000,
            "track_metadata": {"artist_name": "Mara Bug", "track_name": f"Ode {n}"},
        }
        answer = Client().post(
            "/1/submit-listens",
            {"listen_type": "single", "payload": [listen]},
            content_type="application/json",
            headers={"Accept": accept, "Authorization": f"Token {secret}"},
        )
        assert answer.json() == {"status": "ok"}
    assert Interaction.objects.for_listener(anna).count() == 3


BROKEN_FORMS = {
    "without a boundary": ("multipart/form-data", b"x"),
    "of another charset": ("application/x-www-form-urlencoded; charset=iso-8859-1", b"a=%e4"),
    "of many fields": ("application/x-www-form-urlencoded", MANY.encode()),
    "cut off": ("multipart/form-data; boundary=x", b"--x\r\nContent-Disposition: form-data; na"),
    "of no base64": ("multipart/form-data; boundary=x", b"--x\r\nContent-Disposition: form-data; name=a\r\n"
                     b"Content-Transfer-Encoding: base64\r\n\r\n====\r\n--x--\r\n"),
    "of many files": ("multipart/form-data; boundary=x", b"".join(
        b'--x\r\nContent-Disposition: form-data; name="f%d"; filename="f"\r\n\r\n\r\n' % n for n in range(200))
        + b"--x--"),
}  # fmt: skip


@pytest.mark.parametrize("what", BROKEN_FORMS)
@pytest.mark.parametrize(
    "address", ["/api/v1/playlists/", "/api/v1/me/", "/login/", "/playlists/", "/api/v1/imports/"]
)
def test_a_broken_form_of_somebody_signed_in_is_refused(anna, address, what):
    """The check of the form's token read it first, and the API answered 500."""
    content_type, body = BROKEN_FORMS[what]
    client = Client(raise_request_exception=False, enforce_csrf_checks=True)
    client.force_login(anna)
    answer = client.post(address, body, content_type=content_type)
    assert 400 <= answer.status_code < 500


@pytest.mark.parametrize(
    "key", ["\0" * 32, "a" * 31 + "\0", "' OR 1=1 --", "ä" * 32, "\ud800" * 32, "a" * 4000]
)
def test_a_cookie_that_is_no_session_is_none(key):
    """PostgreSQL refuses to look for NUL, and every page answered 500: a cookie may say it as \\000."""
    client = Client(raise_request_exception=False)
    quoted = "".join(f"\\{ord(one):03o}" if ord(one) < 256 else one for one in key)
    cookie = f'sessionid="{quoted}"'.encode("utf-8", "surrogatepass").decode("latin-1")
    for address in ("/", "/settings/", "/api/v1/me/", "/admin/"):
        answer = client.get(address, headers={"Cookie": cookie})
        assert answer.status_code in (200, 302, 401, 403)


@pytest.mark.parametrize("digits", [4300, 4301, 5000, 100_000])
def test_an_order_of_numbers_without_end_is_refused(anna, digits):
    """The playlist's page answered 500."""
    mine = Playlist.objects.create(owner=anna, title="Mine")
    client = Client(raise_request_exception=False)
    client.force_login(anna)
    answer = client.post(f"/playlists/{mine.pk}/move/", {"order": "9" * digits})
    assert answer.status_code in (400, 409)


METHODS = [
    "HEAD",
    "OPTIONS",
    "TRACE",
    "PUT",
    "PATCH",
    "DELETE",
    "CONNECT",
    "PROPFIND",
    "get",
    "X" * 50,
]


@pytest.mark.parametrize("method", METHODS)
def test_no_method_breaks_an_address(anna, method):
    from tests.journeys.test_any_address import addresses

    client = Client(raise_request_exception=False)
    client.force_login(User.objects.create_superuser("olga"))
    broken = []
    for address in addresses():
        path = address.fill({"form": "png", "file_format": "jspf", "username": "anna"})
        if re.search(r"logout|/delete/$", path):
            continue
        answer = client.generic(method, path)
        if answer.status_code >= 500:
            broken.append(f"{answer.status_code} {path}")
        answer.getvalue()  # read to its end it is closed
    assert broken == []
    assert not Song.objects.exists()
