"""Cells as values. What cannot be read raises BadValue with the few words that go on the rejected row."""

import re
import unicodedata
import uuid
from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime
from typing import Any

from catalog.records import Outcome, RejectedRow

LONGEST_NAME = 500
LONGEST_KEY = 64
LONGEST_LISTENER = 150
FIRST_YEAR, LAST_YEAR = 1000, 2200
FIRST_MOMENT, LAST_MOMENT = 0, 4_102_444_800  # 1970 and 2100
MOST_PLAYS = 10_000_000
LONGEST_MS = 2**31 - 1
# seconds have 10 digits until the year 2286, milliseconds 13 since 2001
_MILLISECONDS_FROM = 100_000_000_000
_MICROSECONDS_FROM = 100_000_000_000_000

_CONTROL = re.compile(r"[\x00-\x1f\x7f\ud800-\udfff]")
_SPOTIFY_ID = re.compile(r"^[0-9A-Za-z]{22}$")
_DATE_LAYOUTS = ("%d %b %Y %H:%M", "%d %b %Y, %H:%M", "%d %B %Y %H:%M", "%Y/%m/%d %H:%M:%S", "%d.%m.%Y %H:%M")


class BadValue(ValueError):
    """A cell that cannot be read, in a few words."""


def records_of(rows: Iterable[tuple[int, Any]], make: Callable[[int, Any], Outcome]) -> Iterator[Outcome]:
    """Yield what `make` makes of each numbered row; a row that it cannot read is rejected, and the rest goes on."""
    for line, row in rows:
        if isinstance(row, RejectedRow):
            yield row
            continue
        try:
            yield make(line, row)
        except BadValue as error:
            yield RejectedRow(line, str(error))


def name(text: str, what: str) -> str:
    """Return a title or name on one line, trimmed."""
    cleaned = text.strip()
    if not cleaned.isprintable() and _CONTROL.search(cleaned):
        cleaned = " ".join(_CONTROL.sub(" ", cleaned).split())
    if len(cleaned) > LONGEST_NAME:
        raise BadValue(f"the {what} is longer than {LONGEST_NAME} characters")
    if not cleaned:
        raise BadValue(f"the {what} is empty")
    return cleaned


def optional_name(text: object) -> str:
    """Return a name that may be missing; one that is no text or too long is as good as missing."""
    try:
        return name(text, "name") if isinstance(text, str) else ""
    except BadValue:
        return ""


def key(text: str, what: str, longest: int = LONGEST_KEY) -> str:
    """Return an id: any text without control signs."""
    cleaned = text.strip()
    if not cleaned:
        raise BadValue(f"the {what} is empty")
    if len(cleaned) > longest:
        raise BadValue(f"the {what} is longer than {longest} characters")
    if not cleaned.isprintable():
        raise BadValue(f"the {what} has signs that cannot be printed")
    return cleaned


def listener(text: str) -> str:
    """Return a listener's name in the form in which accounts are named."""
    cleaned = key(text, "listener", LONGEST_LISTENER)
    return cleaned if cleaned.isascii() else unicodedata.normalize("NFKC", cleaned)[:LONGEST_LISTENER]


def share(text: str, what: str) -> float | None:
    """Return a feature of 0 to 1; empty is unknown."""
    value = number(text, what)
    if value is not None and not 0 <= value <= 1:
        raise BadValue(f"{what} is {text.strip()[:20]}; it must be 0 to 1")
    return value


def tempo(text: str) -> float | None:
    """Return beats per minute; 0, as analysers say for music without beat, is unknown."""
    value = number(text, "tempo")
    if value is not None and not 0 <= value <= 400:
        raise BadValue(f"tempo is {text.strip()[:20]}; it must be 0 to 400 beats per minute")
    return value or None


def number(text: str, what: str) -> float | None:
    cleaned = text.strip()
    if not cleaned:
        return None
    try:
        value = float(cleaned)
    except ValueError:
        raise BadValue(f"{what} is {cleaned[:20]!r}, not a number") from None
    if value != value or value in (float("inf"), float("-inf")):
        return None
    return value


def whole(text: str, what: str, lowest: int, highest: int) -> int | None:
    """Return a whole number within bounds; empty is unknown."""
    value = number(text, what)
    if value is None:
        return None
    if not lowest <= value <= highest:
        raise BadValue(f"{what} is {text.strip()[:20]}; it must be {lowest} to {highest}")
    return int(value)


def year(text: str) -> int | None:
    """Return the year of a year or a date such as 2011-04-01."""
    cleaned = text.strip()
    value = whole(cleaned[:4] if len(cleaned) > 4 and cleaned[4] in "-/." else cleaned, "year", 0, LAST_YEAR)
    return value if value and value >= FIRST_YEAR else None


def moment(text: str) -> int | None:
    """Return Unix seconds of a number of seconds, milliseconds or microseconds, or a date and time; UTC unless said."""
    cleaned = text.strip()
    if not cleaned:
        return None
    seconds = _of_number(cleaned) if cleaned.replace(".", "", 1).isdecimal() else _of_date(cleaned)
    if not FIRST_MOMENT < seconds < LAST_MOMENT:
        raise BadValue(f"the time {cleaned[:30]!r} is not between 1970 and 2100")
    return seconds


def _of_number(text: str) -> int:
    value = float(text)
    if value >= _MICROSECONDS_FROM:
        return int(value / 1_000_000)
    return int(value / 1_000 if value >= _MILLISECONDS_FROM else value)


def _of_date(text: str) -> int:
    try:
        return _seconds(datetime.fromisoformat(text))
    except ValueError:
        pass
    for layout in _DATE_LAYOUTS:
        try:
            return _seconds(datetime.strptime(text, layout))
        except ValueError:
            continue
    raise BadValue(f"the time {text[:30]!r} cannot be read; use 2026-08-24 14:07:00 or Unix seconds")


def _seconds(value: datetime) -> int:
    return int((value if value.tzinfo else value.replace(tzinfo=UTC)).timestamp())


def mbid(text: str) -> str:
    """Return a MusicBrainz id; empty where there is none."""
    cleaned = text.strip()
    if not cleaned:
        return ""
    try:
        return str(uuid.UUID(cleaned))
    except ValueError:
        raise BadValue(f"the MusicBrainz id {cleaned[:40]!r} is none") from None


def is_spotify_id(text: str) -> bool:
    return bool(_SPOTIFY_ID.match(text))
