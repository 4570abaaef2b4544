"""JSON arrays and JSON lines as a stream, in bounded memory."""

import codecs
import json
from collections.abc import Iterator
from typing import Any, BinaryIO

from catalog.importers.lines import numbered_lines
from catalog.records import RejectedRow

_BLOCK = 2**18
LONGEST_ENTRY = 2**20
_DECODER = json.JSONDecoder()
_BETWEEN = " \t\r\n,"


class BrokenJson(ValueError):
    """The text is not the JSON it should be; nothing behind this point can be read."""


def array_entries(stream: BinaryIO) -> Iterator[Any]:
    """Yield the entries of one JSON array; BrokenJson where it stops being one."""
    text, start = _opened_array(stream), 0
    decode = codecs.getincrementaldecoder("utf-8")()
    while True:
        start = _skip(text, start)
        entry, end = _entry(text, start)
        if end is not None and end < len(text):  # a number that ends with the text may go on
            yield entry
            start = end
            continue
        if text[start : start + 1] == "]":
            return
        block = stream.read(_BLOCK)
        if not block or len(text) - start > LONGEST_ENTRY:
            raise BrokenJson("it is damaged or cut off")
        try:
            text, start = text[start:] + decode.decode(block), 0
        except UnicodeDecodeError:
            raise BrokenJson("it is not UTF-8 text") from None


def line_entries(stream: BinaryIO) -> Iterator[Any]:
    """Yield the entry of each line, a RejectedRow where a line is none; the row has the line's number."""
    for number, line in numbered_lines(stream):
        if isinstance(line, RejectedRow):
            yield line
            continue
        try:
            yield json.loads(line)
        except (ValueError, RecursionError):
            yield RejectedRow(number, "the line is not JSON")


def _opened_array(stream: BinaryIO) -> str:
    """Read up to the opening bracket."""
    head = stream.read(1).removeprefix(b"\xef")
    if not head:
        stream.read(2)  # the rest of a byte order mark
    while head in (b"", b" ", b"\t", b"\r", b"\n"):
        head = stream.read(1)
        if not head:
            break
    if head != b"[":
        raise BrokenJson("it is not a JSON array")
    return ""


def _skip(text: str, start: int) -> int:
    while start < len(text) and text[start] in _BETWEEN:
        start += 1
    return start


def _entry(text: str, start: int) -> tuple[Any, int | None]:
    try:
        return _DECODER.raw_decode(text, start)
    except RecursionError:
        raise BrokenJson("it is nested too deeply") from None
    except ValueError:
        return None, None
