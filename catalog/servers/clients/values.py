"""Reads single values of a server's answer, whatever their type is: what is not as it should be is None or empty."""

import re
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

NAME_LENGTH = 500
ID_LENGTH = 255
LATEST_YEAR = 2999
_NO_TEXT = re.compile("[\0\ud800-\udfff]")
_GENRE_SEPARATOR = re.compile(r"[;|]|/(?=\s)|(?<=\s)/")


def read_list(value: Any) -> list[Any]:
    """Return a list: some servers write a single entry as an object instead of a list."""
    if isinstance(value, list):
        return value
    return [] if value is None or value == "" else [value]


def read_dict(value: Any) -> dict[str, Any]:
    """Return the object, an empty one for anything else."""
    return value if isinstance(value, dict) else {}


def read_text(value: Any, length: int = NAME_LENGTH) -> str:
    """Return a text without characters that no column takes; numbers as their digits."""
    if isinstance(value, bool) or not isinstance(value, str | int):
        return ""
    if isinstance(value, int) and abs(value) >= 10**30:
        return ""
    return _NO_TEXT.sub("", str(value)).strip()[:length]


def read_id(value: Any) -> str:
    """Return an id; empty for one that is no text or number, or too long to be one."""
    text = read_text(value, ID_LENGTH + 1)
    return text if len(text) <= ID_LENGTH else ""


def read_number(value: Any, least: int, most: int) -> int | None:
    """Return a whole number from `least` to `most`."""
    if isinstance(value, str) and value.isascii() and value.isdecimal() and len(value) < 19:
        value = int(value)
    if isinstance(value, float) and value == value and abs(value) < 2**53:
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, int):
        return None
    return value if least <= value <= most else None


def read_time(value: Any) -> datetime | None:
    """Return a moment in UTC from an ISO text; without a zone it is UTC."""
    if not isinstance(value, str) or len(value) > 40:
        return None
    try:
        # servers write up to nine digits of a second
        moment = datetime.fromisoformat(re.sub(r"(\.\d{6})\d+", r"\1", value))
        if moment.tzinfo is None:
            moment = moment.replace(tzinfo=UTC)
        moment = moment.astimezone(UTC)
    except (ValueError, OverflowError):
        return None
    return moment if 1970 <= moment.year <= LATEST_YEAR else None


def read_genres(values: Iterable[Any]) -> tuple[str, ...]:
    """Return up to ten genres; a text may hold several, separated by ; | or a slash with a blank."""
    names: dict[str, None] = {}
    for value in values:
        for piece in _GENRE_SEPARATOR.split(read_text(value, 200)):
            name = piece.strip()
            if 0 < len(name) <= 100:
                names[name] = None
    return tuple(names)[:10]
