"""The only way to a music server: one host, no redirects, limits on time and bytes, and no word about credentials.

urllib3 itself and not a library on top: it takes no proxy and no password from the environment. Its own log lines name
addresses with their queries, so they are kept out, and its exceptions are never passed on.
"""

import json
import logging
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode, urlsplit

import urllib3
from django.utils.translation import gettext as _
from urllib3.exceptions import HTTPError, LocationParseError

from catalog.servers.clients.errors import (
    AnswerTooLarge,
    ItemGone,
    ServerUnreachable,
    WrongAnswer,
    WrongCredentials,
)
from catalog.servers.clients.patience import limit_reading, make_pool

for _logger in ("urllib3.connectionpool", "urllib3.connection", "urllib3.util.retry"):
    logging.getLogger(_logger).setLevel(logging.WARNING)

MB = 2**20
CHUNK_BYTES = 64 * 1024
CONNECT_SECONDS = 5.0
READ_SECONDS = 30.0
"""For the next bytes."""
HEAD_SECONDS = 45.0
"""For the whole head of an answer, and for each piece of its body."""
ANSWER_SECONDS = 120.0
"""An answer that takes longer is given up, also where a byte comes now and then."""
ANSWER_BYTES = 12 * MB
"""Of one page of an answer: 500 songs take one MB, with long names three."""
LIST_BYTES = 32 * MB
"""Of a list that has no pages, such as Subsonic's starred songs: 20,000 and more."""
ANSWER_VALUES = 1_000_000
"""In one answer: an empty object of three bytes takes 72 in memory, so bytes alone are no limit."""
COVER_BYTES = 12 * MB
STREAM_BYTES = 4096 * MB
_PASSED_ON = (
    "content-type",
    "content-length",
    "content-range",
    "accept-ranges",
    "etag",
    "last-modified",
)


class WrongAddress(ValueError):
    """The text is no address of a server; the message is a sentence for the form."""


@dataclass
class OpenedFile:
    """A file that a server sends: read `chunks` once, and close it.

    `chunks` raises ServerUnreachable when the server goes away in the middle and AnswerTooLarge beyond the limit.
    """

    status: int
    headers: dict[str, str]
    chunks: Iterator[bytes]
    _answer: urllib3.BaseHTTPResponse = field(repr=False)

    @property
    def content_type(self) -> str:
        """Return the media type without its parameters, in lower case."""
        return self.headers.get("content-type", "").partition(";")[0].strip().lower()

    def close(self) -> None:
        """Give the connection up; a file that was not read to its end is not read further."""
        self._answer.close()

    def __enter__(self) -> "OpenedFile":
        return self

    def __exit__(self, *exc_info: object) -> None:
        self.close()


def clean_address(text: str) -> str:
    """Return the address of a server in the form in which it is kept; raise WrongAddress."""
    address = text.strip().rstrip("/")
    try:
        split = urlsplit(address)
        is_usable = split.scheme in ("http", "https") and bool(split.hostname) and split.port != 0
    except ValueError:
        is_usable = False
    if not is_usable or any(
        character.isspace() or not character.isprintable() for character in address
    ):
        raise WrongAddress(_("Enter an address that begins with http:// or https://."))
    if split.username or split.password or split.query or split.fragment:
        raise WrongAddress(_("Enter the address without account, password, ? and #."))
    return address


class ServerConnection:
    """Requests to the one address that an operator entered."""

    def __init__(self, address: str) -> None:
        self._address = clean_address(address)
        self._host = urlsplit(self._address).netloc
        self._pool = make_pool(
            num_pools=1,
            maxsize=2,
            retries=False,
            timeout=urllib3.Timeout(connect=CONNECT_SECONDS, read=READ_SECONDS),
        )

    def fetch_json(
        self,
        method: str,
        path: str,
        *,
        query: Mapping[str, Any] | Sequence[tuple[str, Any]] = (),
        form: list[tuple[str, Any]] | None = None,
        body: Any = None,
        headers: Mapping[str, str] | None = None,
        most_bytes: int | None = None,
        reads_refusals: bool = False,
    ) -> Any:
        """Return the decoded JSON of an answer, None for an empty one; raise ServerError.

        Takes 300 MB of memory at most (`ANSWER_BYTES`, or `most_bytes`, and `ANSWER_VALUES`). With `reads_refusals`
        the JSON of a refusal (HTTP 400 to 499) is returned, too: it tells more than its status.
        """
        sent_headers = {"Accept": "application/json", "Accept-Encoding": "gzip"} | dict(
            headers or {}
        )
        content: bytes | None = None
        if form is not None:
            content = urlencode(form).encode()
            sent_headers["Content-Type"] = "application/x-www-form-urlencoded"
        elif body is not None:
            content = json.dumps(body).encode()
            sent_headers["Content-Type"] = "application/json"
        most_bytes = most_bytes or ANSWER_BYTES
        answer = self._send(method, path, query, content, sent_headers)
        try:
            self._check_length(answer, most_bytes)
            if not (reads_refusals and 400 <= answer.status < 500 and _is_json(answer)):
                self._check_status(answer)
            text = b"".join(self._read(answer, most_bytes, ANSWER_SECONDS, decodes=True))
        finally:
            answer.close()
        return self._decode(text) if text.strip() else None

    def open_file(
        self,
        path: str,
        *,
        query: Mapping[str, Any],
        headers: Mapping[str, str] | None = None,
        most_bytes: int = STREAM_BYTES,
        most_seconds: float | None = None,
        reads_refusals: bool = False,
    ) -> OpenedFile:
        """Open a file of the server without reading it; raise ServerError.

        The status is 200, 206 or 416. Of the server's headers only those about the file are returned.
        """
        answer = self._send(
            "GET", path, query, None, {"Accept-Encoding": "identity"} | dict(headers or {})
        )
        try:
            is_refusal = reads_refusals and 400 <= answer.status < 500 and _is_json(answer)
            if answer.status != 416 and not is_refusal:
                self._check_status(answer)
            self._check_length(answer, most_bytes)
        except BaseException:
            answer.close()
            raise
        passed_on = {name: answer.headers[name] for name in _PASSED_ON if name in answer.headers}
        chunks = self._read(answer, most_bytes, most_seconds, decodes=False)
        return OpenedFile(answer.status, passed_on, chunks, answer)

    def read_json(self, opened: OpenedFile) -> Any:
        """Return the JSON that came instead of a file; raise WrongAnswer for more than a megabyte of it."""
        text = b""
        for chunk in opened.chunks:
            text += chunk
            if len(text) > MB:
                raise self._make_too_large(MB)
        return self._decode(text)

    def _send(
        self,
        method: str,
        path: str,
        query: Mapping[str, Any] | Sequence[tuple[str, Any]],
        content: bytes | None,
        headers: dict[str, str],
    ) -> urllib3.BaseHTTPResponse:
        url = f"{self._address}{path}"
        if query:
            url = f"{url}?{urlencode(query, doseq=True)}"
        try:
            with limit_reading(HEAD_SECONDS):
                return self._pool.request(
                    method,
                    url,
                    body=content,
                    headers={"User-Agent": "musicrec"} | headers,
                    redirect=False,
                    preload_content=False,
                    decode_content=False,
                )
        except LocationParseError:
            raise WrongAnswer(_("%(host)s is no address.") % {"host": self._host}) from None
        except (HTTPError, OSError) as error:
            raise self._make_unreachable(error) from None

    def _check_status(self, answer: urllib3.BaseHTTPResponse) -> None:
        status = answer.status
        if status in (200, 201, 204, 206):
            return
        host = {"host": self._host, "status": status}
        if status in (401, 403):
            raise WrongCredentials(_("%(host)s does not accept this account or password.") % host)
        if status in (404, 410):
            raise ItemGone(_("%(host)s has nothing at this address (HTTP %(status)d).") % host)
        if 300 <= status < 400:
            raise WrongAnswer(
                _("%(host)s sends us to another address. We don't follow: enter the final address.")
                % host
            )
        if status in (408, 429) or status >= 500:
            raise ServerUnreachable(
                _("%(host)s answered with an error (HTTP %(status)d). Try again later.") % host
            )
        raise WrongAnswer(_("%(host)s refuses the request (HTTP %(status)d).") % host)

    def _check_length(self, answer: urllib3.BaseHTTPResponse, most_bytes: int) -> None:
        size = answer.headers.get("content-length", "")
        if size.isdecimal() and len(size) < 20 and int(size) > most_bytes:
            raise self._make_too_large(most_bytes)

    def _read(
        self,
        answer: urllib3.BaseHTTPResponse,
        most_bytes: int,
        most_seconds: float | None,
        *,
        decodes: bool,
    ) -> Iterator[bytes]:
        """Yield the body in chunks, within the limits of bytes and time."""
        started, n_bytes = time.monotonic(), 0
        try:
            while chunk := self._read_piece(answer, decodes=decodes):
                n_bytes += len(chunk)
                if n_bytes > most_bytes:
                    raise self._make_too_large(most_bytes)
                if most_seconds is not None and time.monotonic() - started > most_seconds:
                    raise self._make_slow(most_seconds)
                yield chunk
        except (HTTPError, OSError) as error:
            raise self._make_unreachable(error) from None
        finally:
            answer.close()

    @staticmethod
    def _read_piece(answer: urllib3.BaseHTTPResponse, *, decodes: bool) -> bytes:
        with limit_reading(HEAD_SECONDS):
            return answer.read1(CHUNK_BYTES, decode_content=decodes)

    def _decode(self, text: bytes) -> Any:
        if sum(map(text.count, (b",", b"[", b"{"))) > ANSWER_VALUES:
            raise AnswerTooLarge(
                _("%(host)s sends more than %(number)d values at once; that many are not read.")
                % {"host": self._host, "number": ANSWER_VALUES}
            )
        try:
            return json.loads(text)
        except (ValueError, RecursionError):
            raise WrongAnswer(
                _("%(host)s does not answer in JSON. Is this the address of the music server?")
                % {"host": self._host}
            ) from None

    def _make_unreachable(self, error: Exception) -> ServerUnreachable:
        host = {"host": self._host}
        if isinstance(error, urllib3.exceptions.SSLError):
            return ServerUnreachable(_("The certificate of %(host)s is not valid.") % host)
        if isinstance(error, urllib3.exceptions.ProtocolError):
            return ServerUnreachable(_("%(host)s closed the connection.") % host)
        if isinstance(error, urllib3.exceptions.ReadTimeoutError):
            return self._make_slow(READ_SECONDS)
        return ServerUnreachable(
            _("%(host)s can't be reached. Is the server running, and is the address right?") % host
        )

    def _make_slow(self, seconds: float) -> ServerUnreachable:
        return ServerUnreachable(
            _("%(host)s took longer than %(seconds)d seconds to answer.")
            % {"host": self._host, "seconds": seconds}
        )

    def _make_too_large(self, most_bytes: int) -> AnswerTooLarge:
        return AnswerTooLarge(
            _("%(host)s sends more than %(size)d MB at once; that much is not read.")
            % {"host": self._host, "size": most_bytes // MB}
        )


def _is_json(answer: urllib3.BaseHTTPResponse) -> bool:
    return answer.headers.get("content-type", "").lower().startswith("application/json")
