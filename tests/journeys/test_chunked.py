"""Bodies without a length, sent over a socket to the web server that the site really runs."""

import http.client
import json
import time

import pytest

from tests.waiting import wait_for

SECRET = (
    "from accounts import tokens; from accounts.models import User; "
    "print(tokens.create_token(User.objects.create(username='anna'), 'player', ['listen', 'write']).secret)"
)


@pytest.fixture
def server(installation, free_port):
    secret = installation.shell(SECRET).split()[-1]
    server = installation.start(
        "-m",
        "gunicorn",
        "--bind",
        f"127.0.0.1:{free_port}",
        "--worker-class",
        "musicrec_site.server.web_worker.WebWorker",
        "musicrec_site.wsgi",
    )
    try:
        wait_for(lambda: ask(free_port, "GET", "/healthz", "")[0] == 200)
        yield lambda method, path, pieces: ask(free_port, method, path, secret, pieces)
    finally:
        server.terminate()
        server.wait()


def ask(port, method, path, secret, pieces=None):
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    headers = {"Authorization": f"Token {secret}", "Content-Type": "application/json"}
    try:
        connection.request(method, path, pieces, headers, encode_chunked=pieces is not None)
        answer = connection.getresponse()
        return answer.status, answer.read().decode()
    except OSError:
        return 0, ""
    finally:
        connection.close()


def test_a_player_may_send_its_body_in_pieces(server):
    listen = {
        "listened_at": int(time.time()) - 60,
        "track_metadata": {"artist_name": "A", "track_name": "B"},
    }
    text = json.dumps({"listen_type": "single", "payload": [listen]}).encode()
    pieces = iter([text[:10], text[10:]])
    assert server("POST", "/1/submit-listens", pieces) == (200, '{"status":"ok"}')
    status, body = server("GET", "/1/user/anna/listen-count", None)
    assert (status, json.loads(body)) == (200, {"payload": {"count": 1}})


def test_pieces_without_end_are_refused(server):
    """T54."""
    for path in ("/1/submit-listens", "/api/v1/playlists/"):
        status, _body = server("POST", path, (b" " * 1_000_000 for _ in range(12)))
        assert status == 413, path
