"""The web server's worker process: gunicorn starts and ends it, waitress reads requests and writes answers.

waitress has one thread that reads from and writes to all sockets without waiting for any, and hands a request to a
thread of its pool only when it is there as a whole. However many clients send slowly, nobody else waits for them. What
it lacks about one connection is in musicrec_site.server.connections; here are its server, which closes connections that
have taken too long, and an end that lets requests drain.
"""

import os
import socket
import tempfile
import time
from collections import Counter
from typing import Any

from django.conf import settings
from gunicorn.workers.base import Worker
from waitress import wasyncore
from waitress.adjustments import Adjustments
from waitress.server import TcpWSGIServer, UnixWSGIServer
from waitress.task import ThreadedTaskDispatcher

from common.retention import INCOMING_DAYS, delete_old_files
from musicrec_site.server.connections import MAX_HEAD_BYTES, Channel

UNFINISHED_AT_STOP_SECONDS = 1.0
POLL_SECONDS = 0.5
MAX_CONNECTIONS = 800


class _Deadlines:
    """What a server of either kind of socket adds to waitress': deadlines, and room for the newest connections."""

    channel_class = Channel
    n_served = 0
    active_channels: dict[int, Channel]
    adj: Adjustments

    def maintenance(self, _now: float) -> None:
        """Close the connections that have taken too long. Called once a second.

        At once, not when they can next be written to: one that reads nothing never can.
        """
        now = time.monotonic()
        for channel in list(self.active_channels.values()):
            if channel.has_taken_too_long(now):
                channel.close_late()

    def handle_accept(self) -> None:
        if len(self.active_channels) >= MAX_CONNECTIONS:
            self._make_room()
        super().handle_accept()  # type: ignore[misc]  # waitress has no types

    def _make_room(self) -> None:
        """Close the unfinished connection that is oldest among those of the address that has most."""
        unfinished = [one for one in self.active_channels.values() if not one.is_at_work]
        if unfinished:
            n_by_address = Counter(one.addr[0] for one in unfinished)
            worst = max(unfinished, key=lambda one: (n_by_address[one.addr[0]], -one.waits_since))
            worst.handle_close()

    def stop_accepting(self) -> None:
        self.del_channel()  # type: ignore[attr-defined]  # waitress's
        self.socket.close()  # type: ignore[attr-defined]  # waitress's

    def close_idle(self, stopping_since: float) -> int:
        """Close the connections that wait for a request; return how many are still at work."""
        is_late = time.monotonic() - stopping_since > UNFINISHED_AT_STOP_SECONDS
        for channel in list(self.active_channels.values()):
            if not channel.is_at_work and (channel.request is None or is_late):
                channel.handle_close()
        return len(self.active_channels)


class TcpServer(_Deadlines, TcpWSGIServer):
    """A server at an address and port."""


class UnixServer(_Deadlines, UnixWSGIServer):
    """A server at a socket file."""


class WebWorker(Worker):
    """What `gunicorn --worker-class` is given. `--threads`, `--max-requests` and `--graceful-timeout` are kept."""

    def run(self) -> None:
        self._keep_bodies_with_data()
        dispatcher = ThreadedTaskDispatcher()
        dispatcher.queue_logger.setLevel("ERROR")
        dispatcher.set_thread_count(self.cfg.threads)
        sockets: dict[int, Any] = {}
        servers = [self._serve(one, dispatcher, sockets) for one in self.sockets]
        while self.alive and self.ppid == os.getppid():
            self._poll(sockets)
            if sum(server.n_served for server in servers) >= self.max_requests:
                break
        self._drain(servers, sockets)
        dispatcher.shutdown(timeout=1)

    def _keep_bodies_with_data(self) -> None:
        """Keep large bodies on the disk of the data, not in /tmp, which may be small or in memory.

        What a killed server left there goes: nobody writes into a file untouched for an hour.
        """
        delete_old_files(settings.INCOMING_DIR, INCOMING_DAYS)
        tempfile.tempdir = str(settings.INCOMING_DIR)

    def _serve(
        self, listener: Any, dispatcher: ThreadedTaskDispatcher, sockets: dict[int, Any]
    ) -> Any:
        sock = listener.sock
        adjustments = Adjustments(
            threads=self.cfg.threads,
            backlog=self.cfg.backlog,
            connection_limit=2 * MAX_CONNECTIONS,
            cleanup_interval=1,
            recv_bytes=64 * 1024,
            outbuf_high_watermark=64 * 1024 * 1024,
            max_request_header_size=MAX_HEAD_BYTES,
            # Limits go by address; this one is above all of them.
            max_request_body_size=2**40,
            # Django's settings say whether these are believed.
            clear_untrusted_proxy_headers=False,
            log_socket_errors=False,
            ident=None,
        )
        kind = UnixServer if sock.family == socket.AF_UNIX else TcpServer
        socket_info = (sock.family, sock.type, sock.proto, sock.getsockname())
        return kind(
            self.wsgi,
            sockets,
            True,
            sock,
            dispatcher=dispatcher,
            adj=adjustments,
            bind_socket=False,
            sockinfo=socket_info,
        )

    def _poll(self, sockets: dict[int, Any]) -> None:
        self.notify()
        wasyncore.poll2(POLL_SECONDS, sockets)

    def _drain(self, servers: list[Any], sockets: dict[int, Any]) -> None:
        """Take no more requests, and answer those that are there."""
        stopping_since = time.monotonic()
        for server in servers:
            server.stop_accepting()
        while time.monotonic() - stopping_since < self.cfg.graceful_timeout:
            n_at_work = sum(server.close_idle(stopping_since) for server in servers)
            if not n_at_work:
                return
            self._poll(sockets)
