"""Which bytes a request asks for: the Range header of RFC 9110, single ranges only. Pure."""

import re
from typing import NamedTuple

_RANGE = re.compile(r"^bytes\s*=\s*(\d*)\s*-\s*(\d*)\s*$", re.IGNORECASE)
_LONGEST_NUMBER = 18


class ByteRange(NamedTuple):
    """The bytes from `start` to `end`, both included."""

    start: int
    end: int

    @property
    def length(self) -> int:
        return self.end - self.start + 1


class Unsatisfiable(Exception):
    """The range begins behind the end of what there is: answer 416."""


def parse_range(header: str, size: int) -> ByteRange | None:
    """Return the range that a header asks of `size` bytes; None where the whole is to be sent.

    The standard lets a server ignore what it can't read and several ranges at once. Raises Unsatisfiable.
    """
    match = _RANGE.match(header)
    if match is None or match.groups() == ("", ""):
        return None
    first, last = match.groups()
    if max(len(first), len(last)) > _LONGEST_NUMBER:
        if first and len(first) > _LONGEST_NUMBER:
            raise Unsatisfiable
        last = str(size)
    if not first:  # the last n bytes
        n = min(int(last), size)
        if n == 0:
            raise Unsatisfiable
        return ByteRange(size - n, size - 1)
    start = int(first)
    if last and int(last) < start:
        return None
    if start >= size:
        raise Unsatisfiable
    return ByteRange(start, min(int(last), size - 1) if last else size - 1)


def is_range_current(if_range: str, etag: str, last_modified: str) -> bool:
    """Return whether the range that comes with If-Range is of what we have; else the whole is to be sent."""
    return not if_range or if_range.strip() in (etag, last_modified)
