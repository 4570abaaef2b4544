"""The web server as it is shipped, attacked over real sockets; and its deadlines, shortened, in this process."""

import http.client
import json
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

import psutil
import pytest
from waitress import wasyncore
from waitress.adjustments import Adjustments

from musicrec_site.ops.supervisor import list_children
from musicrec_site.server import connections, web_worker
from tests.conftest import Installation
from tests.journeys.conftest import kill_group
from tests.waiting import wait_for

SECRET = (
    "from accounts import tokens; from accounts.models import User; "
    "print(tokens.create_token(User.objects.create(username='anna'), 'all', ['read', 'listen', 'write']).secret)"
)
MEGABYTE = 2**20
BEGINNINGS = {
    "nothing": b"",
    "a head": b"GET / HTTP/1.1\r\nHost: localhost\r\nX-Slow: ",
    "a body": b"POST /login/ HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100000\r\n\r\n",
    "a body in pieces": b"POST /login/ HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\nfff\r\n",
    "a listen": b"POST /1/submit-listens HTTP/1.1\r\nHost: localhost\r\nContent-Length: 9000\r\n\r\n",
    "an upload": b"POST /library/imports/ HTTP/1.1\r\nHost: localhost\r\nContent-Length: 90000000\r\n\r\n",
}


class Served:
    """The shipped web server in front of an installation with one listener."""

    def __init__(self, installation: Installation, port: int) -> None:
        self.installation, self.port = installation, port
        self.secret = installation.shell(SECRET).split()[-1]
        command = list_children("127.0.0.1", port)[0].command[1:]
        self.process = installation.start(*command, start_new_session=True)
        wait_for(lambda: self.answers(60))

    def answers(self, seconds: float, path: str = "/login/") -> bool:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=seconds)
        try:
            connection.request("GET", path)
            return connection.getresponse().status == 200
        except OSError:
            return False
        finally:
            connection.close()

    def send(self, path: str, n_bytes: int, *, in_pieces: bool, **headers: str) -> tuple[int, str]:
        """Send so many blanks; return status and text of the answer."""
        pieces = (b" " * 65536 for _ in range(n_bytes // 65536))
        headers |= {"Content-Type": "application/json"}
        if not in_pieces:
            headers["Content-Length"] = str(n_bytes)
        return self.ask("POST", path, pieces, headers, in_pieces)

    def ask(self, method, path, body, headers, in_pieces=False) -> tuple[int, str]:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        try:
            connection.request(method, path, body, headers, encode_chunked=in_pieces)
            answer = connection.getresponse()
            return answer.status, answer.read().decode()
        finally:
            connection.close()

    def written_bytes(self) -> int:
        """Return how many bytes the server's processes have written to files so far."""
        processes = [psutil.Process(self.process.pid)]
        processes += processes[0].children(recursive=True)
        return sum(one.io_counters().write_chars for one in processes)


@pytest.fixture(scope="module")
def site(tmp_path_factory, migrated_sqlite) -> Iterator[Served]:
    folder = tmp_path_factory.mktemp("served")
    database = folder / "musicrec.sqlite3"
    database.write_bytes(migrated_sqlite.read_bytes())
    (folder / "data").mkdir(mode=0o700)
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    site = Served(Installation(folder, f"sqlite:///{database}", {"LOG_LEVEL": "WARNING"}), port)
    yield site
    kill_group(site.process)


@pytest.mark.parametrize("beginning", BEGINNINGS.values(), ids=BEGINNINGS)
def test_a_hundred_slow_sockets_keep_nobody_waiting(site, beginning):
    """T69: they send nothing, or a byte now and then; pages answer others within two seconds."""
    with ExitStack() as sockets:
        slow = [
            sockets.enter_context(socket.create_connection(("127.0.0.1", site.port), timeout=5))
            for _ in range(100)
        ]
        for one in slow:
            one.sendall(beginning)
        for _ in range(3):
            for one in slow:
                if beginning:
                    send_quietly(one, b"a")
            assert site.answers(2)


def send_quietly(one: socket.socket, data: bytes) -> None:
    """Send, also to a server that has closed this connection already."""
    try:
        one.send(data)
    except (BrokenPipeError, ConnectionResetError):
        return


@pytest.mark.parametrize("in_pieces", [False, True])
@pytest.mark.parametrize(
    "path",
    [
        "/login/",
        "/signup/",
        "/try/",
        "/library/imports/",
        "/api/v1/playlists/",
        "/api/v1/me/imports/",
    ],
)
def test_a_strangers_gigabyte_is_refused_before_it_is_stored(site, path, in_pieces):
    """T70, T54: here with 48 MB."""
    before = site.written_bytes()
    status, text = site.send(path, 48 * MEGABYTE, in_pieces=in_pieces)
    assert status == 413
    assert site.written_bytes() - before < 4 * MEGABYTE
    if path.startswith("/api/"):
        error = json.loads(text)["error"]
        assert (error["status"], error["code"]) == (413, "too_large")


@pytest.mark.parametrize("in_pieces", [False, True])
def test_a_listen_has_the_limit_of_its_protocol(site, in_pieces):
    status, text = site.send("/1/submit-listens", 16 * MEGABYTE, in_pieces=in_pieces)
    assert status == 413
    assert json.loads(text) == {"code": 413, "error": "The body may have 10,240,000 bytes at most."}


@pytest.mark.parametrize("in_pieces", [False, True])
def test_who_signed_in_may_upload_more(site, in_pieces):
    rows = "".join(
        f"A,,B{'x' * 80} {number},01 Jan 2020 {number // 60 % 24:02}:{number % 60:02}\n"
        for number in range(30_000 + in_pieces)
    )
    form = (
        '--frame\r\nContent-Disposition: form-data; name="file"; filename="mine.csv"\r\n\r\n'
        f"artist,album,track,date\n{rows}\r\n--frame--\r\n"
    ).encode()
    assert len(form) > 3 * MEGABYTE
    headers = {
        "Authorization": f"Token {site.secret}",
        "Content-Type": "multipart/form-data; boundary=frame",
        "Expect": "100-continue",
    }
    if in_pieces:
        body = iter([form[:1000], form[1000:]])
    else:
        body, headers["Content-Length"] = form, str(len(form))
    status, text = site.ask("POST", "/api/v1/me/imports/", body, headers, in_pieces)
    assert status == 202, text
    assert json.loads(text)["status"] == "queued"


def test_a_token_that_is_none_uploads_nothing(site):
    before = site.written_bytes()
    status, _text = site.send(
        "/api/v1/me/imports/", 48 * MEGABYTE, in_pieces=False, Authorization="Token 0000"
    )
    assert status == 413
    assert site.written_bytes() - before < 4 * MEGABYTE


def test_more_than_was_announced_is_another_request_and_no_good_one(site):
    with socket.create_connection(("127.0.0.1", site.port), timeout=30) as liar:
        head = b"POST /login/ HTTP/1.1\r\nHost: localhost\r\nContent-Length: 10\r\n\r\n"
        liar.sendall(head + b"x" * 100_000)
        answer = liar.recv(100)
    assert b" 403 " in answer
    assert site.answers(10)


# --- Deadlines, in this process --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("request_line", "body"),
    [("GET / HTTP/1.1", b""), ("POST / HTTP/1.1\r\nContent-Length: 3", b"abc")],
)
def test_who_asks_whether_to_go_on_and_has_sent_all_is_answered(request_line, body):
    """waitress asked for a body that was there already, or that nobody had announced, and waited for ever."""
    head = f"{request_line}\r\nHost: localhost\r\nExpect: 100-continue\r\n\r\n".encode()
    with serving() as (port, _server), socket.create_connection(("127.0.0.1", port), 20) as client:
        client.sendall(head + body)
        answer = b""
        # "go on" may come in a piece of its own
        while b" 200 " not in answer and (piece := client.recv(1000)):
            answer += piece
    assert b" 200 OK" in answer


def application(environ, start_response):
    """Answer 8 MB, or the length of what was sent."""
    body = (
        b"a" * (8 * MEGABYTE) if environ["PATH_INFO"] == "/large" else environ["wsgi.input"].read()
    )
    start_response("200 OK", [("Content-Type", "text/plain"), ("Content-Length", str(len(body)))])
    return [body]


@contextmanager
def serving(n_threads: int = 1) -> Iterator[tuple[int, web_worker.TcpServer]]:
    """Run the server's own loop in a thread; give its port and itself."""
    dispatcher = web_worker.ThreadedTaskDispatcher()
    dispatcher.set_thread_count(n_threads)
    sockets: dict = {}
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.setblocking(False)
        server = web_worker.TcpServer(
            application,
            sockets,
            True,
            listener,
            dispatcher=dispatcher,
            adj=Adjustments(cleanup_interval=0, log_socket_errors=False),
            bind_socket=False,
            sockinfo=(listener.family, listener.type, listener.proto, listener.getsockname()),
        )
        is_over = threading.Event()

        def run() -> None:
            while not is_over.is_set():
                wasyncore.poll2(0.02, sockets)

        loop = threading.Thread(target=run)
        loop.start()
        try:
            yield listener.getsockname()[1], server
        finally:
            is_over.set()
            loop.join()
            dispatcher.shutdown()
            wasyncore.close_all(sockets)
            server.trigger.close()


def is_closed(one: socket.socket) -> bool:
    one.settimeout(0.01)
    try:
        return one.recv(1000) == b""
    except TimeoutError:
        return False
    except ConnectionResetError:
        return True


@pytest.mark.parametrize("beginning", BEGINNINGS.values(), ids=BEGINNINGS)
def test_slow_sockets_are_closed(monkeypatch, beginning):
    monkeypatch.setattr(connections, "HEAD_SECONDS", 0.3)
    monkeypatch.setattr(connections, "BODY_SECONDS", 0.3)
    with serving() as (port, _server), socket.create_connection(("127.0.0.1", port)) as slow:
        slow.sendall(beginning)
        if beginning.startswith(b"POST /library"):
            wait_for(lambda: b" 200 " in slow.recv(1000))  # refused: nobody is signed in
            return
        for _ in range(5):
            send_quietly(slow, b"a")
            time.sleep(0.1)
        wait_for(lambda: is_closed(slow))


def test_a_slow_body_may_take_its_time_while_it_comes(monkeypatch):
    monkeypatch.setattr(connections, "BODY_SECONDS", 0.5)
    with (
        serving() as (port, _server),
        socket.create_connection(("127.0.0.1", port), timeout=10) as steady,
    ):
        steady.sendall(b"POST /x HTTP/1.1\r\nHost: localhost\r\nContent-Length: 20480\r\n\r\n")
        for _ in range(10):
            steady.sendall(b"a" * 2048)
            time.sleep(0.1)
        assert steady.recv(1000).startswith(b"HTTP/1.1 200")


def test_who_reads_nothing_holds_no_thread_and_is_closed(monkeypatch):
    monkeypatch.setattr(connections, "READING_SECONDS", 0.5)
    with serving(n_threads=1) as (port, server), ExitStack() as sockets:
        deaf = [
            sockets.enter_context(socket.create_connection(("127.0.0.1", port), timeout=10))
            for _ in range(3)
        ]
        for one in deaf:
            one.sendall(b"GET /large HTTP/1.1\r\nHost: localhost\r\n\r\n")
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
        connection.request("POST", "/x", b"hello")
        assert connection.getresponse().read() == b"hello"
        connection.close()
        wait_for(lambda: not server.active_channels)


def test_where_no_connection_is_free_the_oldest_unfinished_one_goes(monkeypatch):
    monkeypatch.setattr(web_worker, "MAX_CONNECTIONS", 5)
    with serving() as (port, _server), ExitStack() as sockets:
        for _ in range(20):
            sockets.enter_context(socket.create_connection(("127.0.0.1", port)))
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
        connection.request("POST", "/x", b"hello")
        assert connection.getresponse().read() == b"hello"
        connection.close()


HOST = b"\r\nHost: localhost\r\n"
CHUNKED = b"POST /x HTTP/1.1" + HOST + b"Transfer-Encoding: chunked\r\n\r\n"


def read_all(port: int, *pieces: bytes) -> bytes:
    """Send some pieces and return everything that comes until the server closes; it has two minutes."""
    with socket.create_connection(("127.0.0.1", port), timeout=120) as client:
        for piece in pieces:
            send_quietly(client, piece)
            time.sleep(0.05)
        answer = b""
        while more := client.recv(65536):
            answer += more
    return answer


@pytest.mark.parametrize(
    ("request_bytes", "status"),
    [
        (b"GET / HTTP/1.1\nHost: localhost\n\n", 400),
        (b"GET / HTTP/1.1\r\nHost: localhost\r\n\n", 400),
        (b"GET / HTTP/1.1\nHost: localhost\n\r\n", 400),
        (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(100), 400),
        (b"POST / HTTP/1.1" + HOST + b"Content-Length: " + b"9" * 5000 + b"\r\n\r\n", 400),
        (b"GET http://[::1/ HTTP/1.1" + HOST + b"\r\n", 400),
        (b"POST / HTTP/1.0" + HOST + b"Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400),
        (CHUNKED + b"ffffffffffffffff\r\nabc", 200),
        (CHUNKED + b"7fffffff\r\nabc", 200),
        (CHUNKED + b"f" * 10_000 + b"\r\nabc", 200),
        (CHUNKED + b"2\r\n{}\r\n0\r\nX-Trailer: " + b"a" * 100_000, 200),
    ],
    ids=[
        "line feeds", "line feed at the end", "carriage return at the end", "TLS", "5,000 digits",
        "address in brackets", "pieces in HTTP/1.0", "a piece of 2^64", "a piece of 2 GB", "a piece of 2^40000",
        "a trailer without end",
    ],
)  # fmt: skip
def test_what_can_become_no_request_is_answered_at_once(request_bytes, status, monkeypatch):
    """They waited for the deadline of a head or body, which is beyond reach here, or were closed without a word."""
    for deadline in ("HEAD_SECONDS", "BODY_SECONDS", "IDLE_SECONDS", "READING_SECONDS"):
        monkeypatch.setattr(connections, deadline, 86_400.0)
    with serving() as (port, _server):
        answer = read_all(port, request_bytes)
    assert answer.split(b" ", 2)[1] == str(status).encode()


def test_a_head_may_come_byte_by_byte_behind_empty_lines():
    with serving() as (port, _server):
        head = b"\r\n\n\r\nGET / HTTP/1.1" + HOST + b"Connection: close\r\n\r\n"
        with socket.create_connection(("127.0.0.1", port), timeout=10) as client:
            for i in range(len(head)):
                client.sendall(head[i : i + 1])
            assert client.recv(1000).startswith(b"HTTP/1.1 200")


def test_head_is_answered_without_a_body():
    """Django leaves that to the server, and waitress to Django: the body was read as the next answer's head."""
    ask = b"HEAD /large HTTP/1.1" + HOST + b"\r\n"
    last = b"GET / HTTP/1.1" + HOST + b"Connection: close\r\n\r\n"
    with serving() as (port, _server):
        answers = read_all(port, ask + ask + last)
    head, second, third, rest = answers.split(b"\r\n\r\n")
    assert b"Content-Length: " + str(8 * MEGABYTE).encode() in head
    assert second.startswith(b"HTTP/1.1 200")
    assert third.startswith(b"HTTP/1.1 200")
    assert rest == b""


def test_nothing_follows_a_body_with_two_lengths():
    """A proxy that goes by the other one sees another request behind it."""
    twofold = (
        b"POST /x HTTP/1.1" + HOST + b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n"
        b"2\r\n{}\r\n0\r\n\r\n"
    )
    with serving() as (port, _server):
        answer = read_all(port, twofold + b"GET /x HTTP/1.1" + HOST + b"\r\n")
    assert answer.count(b"HTTP/1.1 ") == 1


def test_who_is_too_slow_hears_it(monkeypatch):
    monkeypatch.setattr(connections, "HEAD_SECONDS", 0.3)
    with serving() as (port, _server):
        answer = read_all(port, b"GET / HTTP/1.1\r\nHost: ")
    assert answer.startswith(b"HTTP/1.1 408 ")
