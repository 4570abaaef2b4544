"""How long an answer of a music server may keep a thread, whatever it sends: a read ends when its allowance does.

A limit on the wait for the next byte is none for a server that sends one now and then, "100 Continue" for ever or
trailers without an end: Python's reader would go on.
"""

import http.client
import io
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import urllib3

_allowance = threading.local()


@contextmanager
def limit_reading(seconds: float) -> Iterator[None]:
    """Let this thread read from music servers for so long; then reading raises TimeoutError."""
    _allowance.until = time.monotonic() + seconds
    try:
        yield
    finally:
        _allowance.until = None


class _LimitedSocket(io.RawIOBase):
    """The bytes of a socket while the reading thread has time left."""

    def __init__(self, sock: socket.socket) -> None:
        self._sock = sock
        self._bytes = sock.makefile("rb", buffering=0)

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int | None:
        until = getattr(_allowance, "until", None)
        if until is not None:
            left = until - time.monotonic()
            if left <= 0:
                raise TimeoutError("the answer takes too long")
            timeout = self._sock.gettimeout()
            self._sock.settimeout(left if timeout is None else min(left, timeout))
        return self._bytes.readinto(buffer)

    def close(self) -> None:
        self._bytes.close()
        super().close()


class _Response(http.client.HTTPResponse):
    def __init__(self, sock: socket.socket, *arguments: Any, **options: Any) -> None:
        super().__init__(sock, *arguments, **options)
        self.fp.close()
        self.fp = io.BufferedReader(_LimitedSocket(sock))


class _Connection(urllib3.connection.HTTPConnection):
    response_class = _Response


class _SecureConnection(urllib3.connection.HTTPSConnection):
    response_class = _Response


class _Pool(urllib3.HTTPConnectionPool):
    ConnectionCls = _Connection


class _SecurePool(urllib3.HTTPSConnectionPool):
    ConnectionCls = _SecureConnection


def make_pool(**options: Any) -> urllib3.PoolManager:
    """Return urllib3's pool, whose connections are read within `limit_reading`."""
    pool = urllib3.PoolManager(**options)
    pool.pool_classes_by_scheme = {"http": _Pool, "https": _SecurePool}
    return pool
