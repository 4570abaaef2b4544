"""A connection of the web server and the requests that come on it: how long each may take, what is refused and how.

What waitress lacks is added here: deadlines for head and body, limits by address (musicrec_site.server.body_limits),
answers that reach clients which are still sending, and an answer at once to what can't become a request.
"""

import contextlib
import re
import socket
import time
from typing import TYPE_CHECKING, Any

from waitress.adjustments import Adjustments
from waitress.channel import HTTPChannel
from waitress.parser import HTTPRequestParser, ParsingError
from waitress.task import WSGITask
from waitress.utilities import BadRequest

if TYPE_CHECKING:
    from musicrec_site.server.body_limits import BodyLimit

HEAD_SECONDS = 20.0
"""From the first byte of a request (or from connecting) to the end of its head."""
BODY_SECONDS = 30.0
BODY_BYTES_A_SECOND = 1024
"""A body may take BODY_SECONDS, and a second more for so many bytes of it that have come."""
IDLE_SECONDS = 60.0
"""How long a connection stays open between two requests."""
READING_SECONDS = 60.0
"""How long a client may take nothing of an answer that waits for it."""
LINGER_SECONDS = 2.0
"""How long a refused client may go on sending; closing at once would destroy the refusal on its way."""
MAX_HEAD_BYTES = 64 * 1024
MAX_CHUNK_LINE_BYTES = 4096
TOO_SLOW = b"HTTP/1.1 408 Request Timeout\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"
# The beginning of another protocol, such as TLS; and the end of a head with bare line feeds, which waitress misses.
_NO_HEAD = re.compile(rb"^[\r\n]*[\x00-\x08\x0e-\x1f]")
_BARE_LINE_FEEDS = re.compile(rb"[^\s]\r?\n\n|[^\s]\n\r\n")


class Request(HTTPRequestParser):
    """A request on its way in. `limit` is what its body may have; beyond it the body is thrown away."""

    limit: "BodyLimit"
    content_length: int
    expect_continue: bool
    max_bytes = 0
    refused_at: int | None = None
    needs_permission = False
    is_asking = False
    wants_continue = False

    def __init__(self, adj: Adjustments) -> None:
        super().__init__(adj)
        self.started = time.monotonic()
        self.body_started = self.started

    def parse_header(self, header_plus: bytes) -> None:
        """Read the head, and refuse the body that it announces when that is too large for anybody."""
        try:
            super().parse_header(header_plus)
        except ValueError as error:  # of urlsplit, and of int() on thousands of digits
            raise ParsingError("Invalid start line or Content-Length") from error
        self._refuse_two_lengths()
        self.body_started = time.monotonic()
        if self.body_rcv is None:
            return
        from musicrec_site.server.body_limits import find_limit  # needs the site's applications

        self.limit = find_limit(self.path)
        self.max_bytes = self.limit.anybody
        if self.limit.takes_uploads and self.content_length <= self.limit.uploader:
            if self.chunked or self.content_length > self.limit.anybody:
                self.needs_permission = True
                self.wants_continue, self.expect_continue = self.expect_continue, False
        elif self.content_length > self.max_bytes:
            self.refuse(self.limit.uploader or self.limit.anybody)

    def _refuse_two_lengths(self) -> None:
        """Let nothing follow a body whose end a proxy may see elsewhere (RFC 9112, 6.1)."""
        if self.version != "1.1" and "TRANSFER_ENCODING" in self.headers:
            raise ParsingError("HTTP/1.0 has no Transfer-Encoding")
        if self.chunked and "CONTENT_LENGTH" in self.headers:
            self.headers["CONNECTION"] = "close"
            self.connection_close = True

    def received(self, data: bytes) -> int:
        consumed: int = super().received(data)
        if not (self.headers_finished or self.completed):
            self._refuse_endless_head(len(data))
            return consumed
        receiver = self.body_rcv
        if self.completed:
            self.expect_continue = False  # waitress would ask for a body that is here, and wait
        if self.refused_at is not None:
            return len(data)
        if self.chunked and receiver is not None:
            # what a piece announces counts before it comes
            n_bytes = len(receiver) + receiver.chunk_remainder
            line = receiver.control_line
            most = self.limit.uploader if self.needs_permission else self.max_bytes
            is_endless = len(line) > MAX_CHUNK_LINE_BYTES or len(receiver.trailer) > MAX_HEAD_BYTES
            if n_bytes > most or is_endless:
                self.refuse(most)
                return len(data)
        return consumed

    def _refuse_endless_head(self, n_new_bytes: int) -> None:
        """Answer at once where no head can come of the bytes that are here."""
        head = self.header_plus
        if _NO_HEAD.match(head) or _BARE_LINE_FEEDS.search(head[-n_new_bytes - 3 :]):
            self.parse_header(b"GET / HTTP/1.0\r\n")
            self.error = BadRequest("The lines of a head end with CR and LF")
            self.completed = True

    def permit(self) -> None:
        self.needs_permission, self.max_bytes = False, self.limit.uploader

    def refuse(self, most: int) -> None:
        """Throw the body away; the application answers, and the connection ends with that answer."""
        self.close()
        self.body_rcv = None
        self.refused_at = most
        self.needs_permission = self.is_asking = self.expect_continue = False
        self.error = None
        self.content_length = 0
        self.headers["CONTENT_LENGTH"] = "0"
        self.headers["CONNECTION"] = "close"
        self.completed = True

    def has_taken_too_long(self, now: float) -> bool:
        if not self.headers_finished:
            return now - self.started > HEAD_SECONDS
        if self.is_asking:
            return False
        return bool(
            now - self.body_started > BODY_SECONDS + self.body_bytes_received / BODY_BYTES_A_SECOND
        )


class Task(WSGITask):
    """The answering of one request by the application."""

    def get_environment(self) -> dict[str, Any]:
        environ: dict[str, Any] = super().get_environment()
        if self.request.refused_at is not None:
            from musicrec_site.server.body_limits import REFUSED

            environ[REFUSED] = self.request.refused_at
        if self.request.command == "HEAD":
            environ.pop("wsgi.file_wrapper", None)  # waitress sends a file past `write`
        return environ

    def write(self, data: bytes) -> None:
        """Send a piece of the answer; to HEAD the head only, as Django leaves it to the server."""
        if self.request.command != "HEAD":
            super().write(data)
            return
        super().write(b"")
        self.chunked_response = False
        self.content_bytes_written += len(data)


class Permission:
    """The question to the database whether the sender of a large body may send it; asked in a thread of the pool."""

    def __init__(self, channel: "Channel", request: Request) -> None:
        self.channel, self.request = channel, request

    def service(self) -> None:
        from musicrec_site.server.body_limits import may_send

        environ = Task(self.channel, self.request).get_environment()
        self.channel.decide(self.request, may_send(environ, self.request.limit))

    def cancel(self) -> None:
        self.channel.close_when_flushed = True


class Channel(HTTPChannel):
    """One connection."""

    task_class = Task
    parser_class = Request
    has_refused = False
    lingers_until: float | None = None

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self.idle_since = time.monotonic()
        self.has_served = False

    def readable(self) -> bool:
        if self.lingers_until is not None:
            return True
        if self.request is not None and self.request.needs_permission:
            return False
        return bool(super().readable())

    def writable(self) -> bool:
        return bool(self.will_close if self.lingers_until is not None else super().writable())

    def received(self, data: bytes) -> bool:
        answer: bool = super().received(data)
        request = self.request
        if request is not None and request.needs_permission and not request.is_asking:
            request.is_asking = True
            self.server.add_task(Permission(self, request))
        self.has_refused = self.has_refused or any(
            one.refused_at is not None or one.error for one in self.requests
        )
        return answer

    def decide(self, request: Request, is_permitted: bool) -> None:
        """Let a large body in, or answer that it may not come."""
        with self.requests_lock:
            if not self.connected:
                request.close()
            elif is_permitted:
                request.permit()
                request.is_asking, request.body_started = False, time.monotonic()
                if request.wants_continue:
                    self.send_continue()
            else:
                request.refuse(request.limit.anybody)
                self.has_refused, self.request = True, None
                self.requests.append(request)
                if len(self.requests) == 1:
                    self.server.add_task(self)
        self.server.pull_trigger()

    def service(self) -> None:
        self.server.n_served += 1
        try:
            super().service()
        finally:
            self.idle_since, self.has_served = time.monotonic(), True

    def handle_write(self) -> None:
        if not (self.has_refused and self.close_when_flushed and not self.requests):
            super().handle_write()
            return
        self._flush_exception(self._flush_some)
        if self.connected and not self.total_outbufs_len and not self.will_close:
            self._linger()

    def _linger(self) -> None:
        self.close_when_flushed = False
        self.lingers_until = time.monotonic() + LINGER_SECONDS
        try:
            self.socket.shutdown(socket.SHUT_WR)
        except OSError:
            self.handle_close()

    def handle_read(self) -> None:
        if self.lingers_until is None:
            super().handle_read()
        else:
            self.recv(1024 * 1024)  # closes at the end of the stream

    def close_late(self) -> None:
        """Close a connection that has taken too long, with a word to who has begun a request."""
        if self.request is not None and self.lingers_until is None and not self.total_outbufs_len:
            with contextlib.suppress(OSError):
                self.socket.send(TOO_SLOW)
        self.handle_close()

    @property
    def is_at_work(self) -> bool:
        """Whether a request is being answered, or its answer is being sent."""
        return bool(self.requests or self.total_outbufs_len or self.close_when_flushed)

    @property
    def waits_since(self) -> float:
        return self.idle_since if self.request is None else self.request.started

    def has_taken_too_long(self, now: float) -> bool:
        if self.lingers_until is not None:
            return now > self.lingers_until
        if self.total_outbufs_len:
            return bool(time.time() - self.last_activity > READING_SECONDS)
        if self.requests:
            return False
        if self.request is not None:
            return self.request.has_taken_too_long(now)
        return now - self.idle_since > (IDLE_SECONDS if self.has_served else HEAD_SECONDS)
