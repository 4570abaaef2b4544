"""Every error has one shape, with an id to quote."""

import json
import time

import pytest
from django.core.cache import cache
from django.test import Client

from catalog.listening import interactions
from musicrec_site.api import throttling
from recommendations.services.lists.fallback import Fallback


def post(alice, body, content_type="application/json"):
    return alice.client.post("/api/v1/playlists/", body, content_type=content_type)


DEEP = "[" * 100_000 + "]" * 100_000
BODIES = {
    "not json": ("{", "application/json", 400),
    "nan": ('{"title": NaN}', "application/json", 400),
    "infinity": ('{"title": Infinity}', "application/json", 400),
    "beyond every float": ('{"title": 1e999}', "application/json", 400),
    "the largest float": ('{"title": "x", "songs": 1e308}', "application/json", 400),
    "nested deeply": (f'{{"title": {DEEP}}}', "application/json", 400),
    "half a character": ('{"title": "\\ud800"}', "application/json", 400),
    "a NUL": ('{"title": "a\\u0000b"}', "application/json", 400),
    "a number of 5,000 digits": (f'{{"title": {"9" * 5000}}}', "application/json", 400),
    "latin-1": ('{"title": "é"}'.encode("latin-1"), "application/json", 400),
    "an array": ("[]", "application/json", 400),
    "a text": ('"x"', "application/json", 400),
    "null": ("null", "application/json", 400),
    "a form": ("title=x", "application/x-www-form-urlencoded", 415),
    "xml": ("<title/>", "application/xml", 415),
    "two megabytes": (json.dumps({"title": "x" * 2_000_000}), "application/json", 413),
}


@pytest.mark.parametrize(("body", "content_type", "status"), BODIES.values(), ids=BODIES)
def test_a_body_that_can_not_be_read(alice, body, content_type, status):
    """T48, T54."""
    answer = post(alice, body, content_type)
    assert answer.status_code == status
    error = answer.json()["error"]
    assert error["status"] == status
    assert error["message"]
    assert error["request_id"] == answer.headers["X-Request-ID"]


def test_fifty_megabytes_are_refused_without_reading_them(alice):
    """T54."""

    class Endless:
        n_read = 0
        readline = None

        def read(self, size=-1):
            assert size >= 0
            self.n_read += size
            return b" " * size

    stream = Endless()
    request = {
        "REQUEST_METHOD": "POST",
        "PATH_INFO": "/api/v1/playlists/",
        "CONTENT_TYPE": "application/json",
        "CONTENT_LENGTH": str(50_000_000),
        "wsgi.input": stream,
    }
    answer = alice.client.request(**request)
    assert answer.status_code == 413
    assert stream.n_read < 2_000_000


def test_an_id_from_a_proxy_is_kept_and_a_forged_line_is_not(db):
    """T56."""
    kept = Client().get("/api/v1/songs/", headers={"X-Request-ID": "proxy-0123456789"})
    assert kept.headers["X-Request-ID"] == "proxy-0123456789"
    answer = Client().get("/api/v1/songs/", headers={"X-Request-ID": "x\nforged line"})
    assert "forged" not in answer.headers["X-Request-ID"]


def test_an_address_that_is_not_there_is_told_in_json(db):
    client = Client(enforce_csrf_checks=True)
    for method in ("get", "post", "put", "patch", "delete"):
        answer = getattr(client, method)("/api/v1/song")
        assert answer.status_code == 404
        assert "slash" in answer.json()["error"]["message"]
        assert (
            getattr(client, method)("/api/v1/model-versions/-51/activate/").json()["error"][
                "status"
            ]
            == 404
        )


def test_a_method_that_is_not_there(alice):
    assert alice.put("me/", {}).body["error"]["code"] == "method_not_allowed"


def test_what_nobody_expected_is_logged_and_not_shown(alice, songs, monkeypatch, caplog):
    """T56."""

    def broken(*args, **kwargs):
        raise RuntimeError("the secret of the house")

    monkeypatch.setattr(interactions, "like_song", broken)
    alice.client.raise_request_exception = False
    answer = alice.put("songs/song_0/like/")
    assert answer.status == 500
    assert "secret" not in json.dumps(answer.body)
    assert answer.body["error"]["request_id"] in caplog.text
    assert "the secret of the house" in caplog.text


@pytest.fixture
def one_window(monkeypatch):
    """No minute may end in the middle of a test that counts requests."""
    monkeypatch.setattr(throttling, "PERIOD", 10**9)
    return 10**9


def test_too_many_requests_are_told_when_to_come_again(alice, settings, one_window):
    settings.API_RATES = settings.API_RATES | {"read": 2}
    answers = [alice.get("me/") for _ in range(3)]
    assert [answer.status for answer in answers] == [200, 200, 429]
    assert 0 < int(answers[2].headers["Retry-After"]) <= one_window
    assert alice.put("songs/none/like/").status == 404  # changing has its own allowance


def test_a_forged_address_gets_no_allowance_of_its_own(db, settings, one_window):
    """T43."""
    settings.API_RATES = settings.API_RATES | {"anonymous": 2}
    answers = [
        Client().get("/api/v1/songs/", headers={"X-Forwarded-For": f"10.0.0.{n}"}) for n in range(3)
    ]
    assert [answer.status_code for answer in answers] == [200, 200, 429]


PLAYLISTS_OUT = "/1/user/alice/playlists/createdfor"


def test_strangers_at_players_addresses_have_an_allowance_each(alice, settings, one_window):
    settings.API_RATES = settings.API_RATES | {"anonymous": 2}
    alice.patch("me/", {"shares_playlists": True})
    first, second = Client(REMOTE_ADDR="192.0.2.1"), Client(REMOTE_ADDR="192.0.2.2")
    assert [first.get(PLAYLISTS_OUT).status_code for _ in range(3)] == [200, 200, 429]
    assert [second.get(PLAYLISTS_OUT).status_code for _ in range(3)] == [200, 200, 429]


def test_behind_a_trusted_proxy_a_stranger_is_who_the_proxy_says(alice, settings, one_window):
    """T43: what the client itself wrote into the header stands before what the proxy appended."""
    settings.API_RATES = settings.API_RATES | {"anonymous": 2}
    settings.TRUST_PROXY = True
    alice.patch("me/", {"shares_playlists": True})

    def fetch_status(forwarded):
        return Client().get(PLAYLISTS_OUT, headers={"X-Forwarded-For": forwarded}).status_code

    assert [fetch_status(f"10.0.0.{n}, 192.0.2.1") for n in range(3)] == [200, 200, 429]
    assert fetch_status("10.0.0.1, 192.0.2.2") == 200


def test_a_clock_that_jumps_locks_nobody_out(alice, settings, monkeypatch):
    """T28."""
    settings.API_RATES = settings.API_RATES | {"read": 3}
    real = time.time
    for jump in (0, 3600, -3600):
        monkeypatch.setattr(
            "musicrec_site.api.throttling.time.time", lambda jump=jump: real() + jump
        )
        assert alice.get("me/").status == 200


def test_a_broken_model_gives_a_list_and_no_error(world, settings, tmp_path, become_new_process):
    """T05."""
    for path in (settings.ARTIFACTS_DIR / world.version.artifact).iterdir():
        path.write_bytes(b"broken")
    become_new_process()
    cache.clear()
    answer = world.alice.get("recommendations/", {"k": 3})
    assert (answer.status, answer.body["version"]) == (200, None)
    assert answer.body["step"] == "popular"
    assert (answer.body["fallback"], answer.body["note"]) == ("no-model", Fallback.NO_MODEL.label)
