"""A song of a music server, handed through: pieces of bounded size, a bounded number at once.

A web server's thread is busy while a piece comes from the music server, and only then. A browser that asks for a range
gets at most PIECE_BYTES of it and asks for the next when it needs it, as the standard allows. When the browser goes
away, the connection to the music server is closed.
"""

import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from django.http import HttpResponse, StreamingHttpResponse
from django.utils.translation import gettext as _

from catalog.conf import catalog_conf
from catalog.playback.byte_ranges import ByteRange
from catalog.servers.clients import OpenedFile, ServerError, open_client
from catalog.servers.models import ServerSong

PIECE_BYTES = 2 * 2**20
WAIT_SECONDS = 5.0
KEPT_SECONDS = 3600
_CONTENT_RANGE = re.compile(r"^bytes (\d{1,18})-(\d{1,18})/(\d{1,18})$")
_START = re.compile(r"^bytes=(\d{1,18})-(\d{0,18})$")
_AUDIO_TYPE = re.compile(r"^(audio|video)/[a-z0-9.+-]+$|^application/(ogg|octet-stream)$")

_slots: threading.BoundedSemaphore | None = None
_slots_lock = threading.Lock()


class TooManyStreams(Exception):
    """As many songs are being fetched from music servers as this process may fetch at once."""


def answer_with_item(
    item: ServerSong, headers: dict[str, str]
) -> HttpResponse | StreamingHttpResponse:
    """Return a song of a server, or the part that is asked for; raise ServerError or TooManyStreams."""
    slots = _get_slots()
    if not slots.acquire(timeout=WAIT_SECONDS):
        raise TooManyStreams(_("Too many songs are being fetched at once. Try again in a moment."))
    opened = None
    try:
        opened = open_client(item.server).open_stream(
            item.item_id, _shorten_range(headers.get("range", ""))
        )
        response = _answer(opened, item)
    except BaseException:
        if opened is not None:
            opened.close()
        slots.release()
        raise
    if not response.streaming:
        opened.close()
        slots.release()
    return response


@contextmanager
def take_slot() -> Iterator[bool]:
    """Hold one of the places for fetching from music servers; False where none was free in time."""
    slots = _get_slots()
    is_taken = slots.acquire(timeout=WAIT_SECONDS)
    try:
        yield is_taken
    finally:
        if is_taken:
            slots.release()


def _get_slots() -> threading.BoundedSemaphore:
    global _slots
    with _slots_lock:
        if _slots is None:
            _slots = threading.BoundedSemaphore(catalog_conf.server_streams)
        return _slots


def _shorten_range(header: str) -> str:
    """Return the range that is asked of the server: never more than a piece of one that names its start."""
    match = _START.match(header.replace(" ", ""))
    if match is None:
        return ""
    start, end = int(match[1]), int(match[2]) if match[2] else None
    last = start + PIECE_BYTES - 1
    return f"bytes={start}-{last if end is None else min(max(end, start), last)}"


def _answer(opened: OpenedFile, item: ServerSong) -> HttpResponse | StreamingHttpResponse:
    if opened.status == 416:
        size = opened.headers.get("content-range", "").rpartition("/")[2]
        about = {"Content-Range": f"bytes */{size}"} if size.isascii() and size.isdecimal() else {}
        return HttpResponse(status=416, headers=about)
    byte_range = _read_content_range(opened) if opened.status == 206 else None
    if opened.status == 206 and byte_range is None:
        raise ServerError(_("The server's answer can't be read."))
    response = StreamingHttpResponse(_Chunks(opened), content_type=_choose_type(opened, item))
    response["Cache-Control"] = f"private, max-age={KEPT_SECONDS}"
    if byte_range is not None:
        response.status_code = 206
        response["Content-Range"] = opened.headers["content-range"]
        response["Content-Length"] = str(byte_range.length)
        response["Accept-Ranges"] = "bytes"
    else:
        length = opened.headers.get("content-length", "")
        if length.isascii() and length.isdecimal():
            response["Content-Length"] = length
        response["Accept-Ranges"] = (
            "bytes" if opened.headers.get("accept-ranges") == "bytes" else "none"
        )
    return response


def _read_content_range(opened: OpenedFile) -> ByteRange | None:
    match = _CONTENT_RANGE.match(opened.headers.get("content-range", ""))
    if match is None or not int(match[1]) <= int(match[2]) < int(match[3]):
        return None
    return ByteRange(int(match[1]), int(match[2]))


def _choose_type(opened: OpenedFile, item: ServerSong) -> str:
    """Return the media type; one that a browser would run or show is none of a song."""
    for name in (opened.content_type, item.content_type.lower()):
        if _AUDIO_TYPE.match(name):
            return name
    return "application/octet-stream"


class _Chunks(Iterator[bytes]):
    """The bytes of an opened file; `close` gives the connection and the slot back, once."""

    def __init__(self, opened: OpenedFile) -> None:
        self._opened: OpenedFile | None = opened
        self._chunks = opened.chunks

    def __next__(self) -> bytes:
        try:
            return next(self._chunks)
        except StopIteration:
            self.close()
            raise
        except (
            ServerError
        ):  # it went away in the middle: the browser sees a short answer and asks again
            self.close()
            raise StopIteration from None

    def close(self) -> None:
        opened, self._opened = self._opened, None
        if opened is None:
            return
        try:
            with suppress(OSError):
                opened.close()
        finally:
            _get_slots().release()
