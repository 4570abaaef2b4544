"""Answers of servers that never end, each in another place: a thread is kept for its allowance and no longer (T69)."""

import itertools
import socket
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress

import pytest

from catalog.servers.clients import ServerUnreachable, http
from catalog.servers.clients.http import ServerConnection

HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"


@contextmanager
def serve(pieces: Callable[[], Iterable[bytes]], pause: float) -> Iterator[str]:
    """Answer every request with these pieces, with a pause between two; yield the address."""
    over = threading.Event()
    server = socket.create_server(("127.0.0.1", 0))

    def answer(client: socket.socket) -> None:
        with client, suppress(OSError):
            client.recv(65536)
            for piece in pieces():
                if over.is_set():
                    return
                client.sendall(piece)
                time.sleep(pause)

    def accept() -> None:
        with suppress(OSError):
            while True:
                client, _address = server.accept()
                threading.Thread(target=answer, args=[client], daemon=True).start()

    threading.Thread(target=accept, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.getsockname()[1]}"
    finally:
        over.set()
        server.close()


def drip(text: bytes, before: bytes = b"") -> Callable[[], Iterable[bytes]]:
    return lambda: itertools.chain([before], (text[n : n + 1] for n in range(len(text))))


def repeat(before: bytes, piece: bytes) -> Callable[[], Iterable[bytes]]:
    return lambda: itertools.chain([before], itertools.repeat(piece))


ENDLESS = {
    "a head byte by byte": (drip(HEAD + b"X: " + b"a" * 10_000), 0.05),
    "100 Continue, as fast as it can": (repeat(b"", b"HTTP/1.1 100 Continue\r\n\r\n" * 500), 0),
    "100 Continue, now and then": (repeat(b"", b"HTTP/1.1 100 Continue\r\n\r\n"), 0.05),
    "a body byte by byte": (drip(b" " * 100_000, HEAD + b"Content-Length: 100000\r\n\r\n"), 0.02),
    "trailers": (repeat(HEAD + b"Transfer-Encoding: chunked\r\n\r\n1\r\n1\r\n0\r\n", b"X: y\r\n" * 500), 0),
    "empty lines of a chunk's size": (
        repeat(HEAD + b"Transfer-Encoding: chunked\r\n\r\n", b"0" * 10), 0.05,
    ),
}  # fmt: skip


@pytest.fixture(autouse=True)
def _short_allowances(monkeypatch):
    monkeypatch.setattr(http, "HEAD_SECONDS", 1.0)
    monkeypatch.setattr(http, "ANSWER_SECONDS", 2.0)


@pytest.mark.timeout(60)
@pytest.mark.parametrize("name", ENDLESS)
def test_an_answer_without_an_end_is_given_up(name):
    """A web server's thread, or a worker with the lease of its job, was kept for ever."""
    pieces, pause = ENDLESS[name]
    with serve(pieces, pause) as address, pytest.raises(ServerUnreachable):
        ServerConnection(address).fetch_json("GET", "/rest/ping.view")


@pytest.mark.timeout(60)
@pytest.mark.parametrize("name", ["trailers", "a body byte by byte"])
def test_a_file_may_take_long_but_each_piece_comes_or_it_ends(name):
    pieces, pause = ENDLESS[name]
    with serve(pieces, pause) as address:
        began = time.monotonic()
        n_bytes = 0
        opened = ServerConnection(address).open_file("/rest/stream.view", query={})
        with opened, pytest.raises(ServerUnreachable):
            for chunk in opened.chunks:
                n_bytes += len(chunk)
                if time.monotonic() - began > 3:  # it is slow, but it comes
                    raise ServerUnreachable
        assert n_bytes >= 1


def test_an_answer_in_time_is_whole():
    text = (
        HEAD
        + b"Transfer-Encoding: chunked\r\n\r\n2\r\n[1\r\n2\r\n,2\r\n1\r\n]\r\n0\r\nX: y\r\n\r\n"
    )
    with serve(drip(text), 0.001) as address:
        assert ServerConnection(address).fetch_json("GET", "/") == [1, 2]
