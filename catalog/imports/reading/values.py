"""Cells as values. What cannot be read raises BadValue with the few words that go on the rejected row."""

import html
import math
import re
import unicodedata
import uuid
from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime
from typing import Any

from catalog.imports.reading import dates
from catalog.play_rules import FIRST_MOMENT, LAST_MOMENT
from catalog.records import (
    FASTEST_TEMPO,
    LIKE,
    PLAY,
    LeftOut,
    LeftOutRow,
    ListenRecord,
    Outcome,
    RejectedRow,
)

LONGEST_NAME = 500
LONGEST_KEY = 64
LONGEST_LISTENER = 150
FIRST_YEAR, LAST_YEAR = 1000, 2200
MOST_PLAYS = 10_000_000
LONGEST_MS = 2**31 - 1
LONGEST_DURATION_MS = 24 * 3600 * 1000
# seconds have 10 digits until the year 2286, milliseconds 13 since 2001
_MILLISECONDS_FROM = 100_000_000_000
_MICROSECONDS_FROM = 100_000_000_000_000
_NANOSECONDS_FROM = 100_000_000_000_000_000

_SPREADSHEET_DAY = re.compile(r"^\d{5}(?:[.,]\d{1,15})?$")
# from 2002 to 2100
_SPREADSHEET_DAYS = frozenset(map(str, range(37_257, 73_416)))
_LONGEST_NUMBER = 20
_PLAIN_DIGITS = 15
"""So many digits are the same number as a whole and as a float."""
_CONTROL = re.compile(r"[\x00-\x1f\x7f\ud800-\udfff]")
# as exporters that read web pages leave them; no name has them of its own
_ENTITY = re.compile(r"&(?:amp|quot|apos|lt|gt|nbsp|#0?3[49]|#x2[27]);", re.IGNORECASE)
# byte order marks and marks of direction around a name; within they are the script's own
_INVISIBLE = (
    " \u200b\u200e\u200f\u2060\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\ufeff\xa0"
)
_SPOTIFY_TRACK = re.compile(
    r"^(?:spotify:track:|https?://open\.spotify\.com/(?:[a-z-]{2,10}/)?track/)"
)
_DECIMAL_COMMA = re.compile(r"^-?\d+,\d+$")
# "120,523" is 120523 to some and 120.523 to others; "0,523" is no thousand
_THOUSANDS_OR_DECIMAL = re.compile(r"^-?[1-9]\d{0,2},\d{3}$")
_THOUSANDS = re.compile(r"^[1-9]\d{0,2}\.\d{3}$")
_SPOTIFY_ID = re.compile(r"^[0-9A-Za-z]{22}$")
_YES_WORDS = (
    "1 1.0 true wahr vrai verdadero verdadeiro vero yes y x ja oui sí si sim tak да так evet ano igen da kyllä ναι "
    "はい 是 예 loved liked love like favorite favourite ♥ ❤ ❤️ ✓ ✔ ★"
)
_YES = frozenset(_YES_WORDS.split())
_DAY = re.compile(r"^\d{4}-\d{2}-\d{2}$|^\d{8}$|^\d{4}-W\d{2}(?:-\d)?$")


class BadValue(ValueError):
    """A cell that cannot be read, in a few words."""


class NotWanted(Exception):
    """A row that can be read and is left out by a rule."""

    def __init__(self, reason: LeftOut) -> None:
        super().__init__(reason)
        self.reason = reason


def make_records(
    rows: Iterable[tuple[int, Any]], make: Callable[[int, Any], Outcome | list[Outcome]]
) -> Iterator[Outcome]:
    """Yield what `make` makes of each numbered row, one or a list of several; a row that it cannot read is rejected."""
    for line, row in rows:
        if isinstance(row, RejectedRow):
            yield row
            continue
        try:
            outcome = make(line, row)
        except BadValue as error:
            yield RejectedRow(line, str(error))
        except NotWanted as error:
            yield LeftOutRow(line, error.reason)
        else:
            yield from outcome if isinstance(outcome, list) else (outcome,)


def add_like(play: ListenRecord, loved: object) -> list[Outcome]:
    """Return a play, and the like that a column beside it says: a table of scrobbles may have "loved" in each row."""
    if play.kind != PLAY or not is_yes(loved):
        return [play]
    return [play, play._replace(kind=LIKE, played_ms=None)]


def is_yes(value: object) -> bool:
    """Whether a cell or a JSON value says yes, in any of twenty languages."""
    return str(value).strip().casefold() in _YES


def parse_name(text: str, what: str) -> str:
    """Return a title or name on one line, trimmed."""
    cleaned = text.strip()
    if "&" in cleaned:
        cleaned = _ENTITY.sub(lambda entity: html.unescape(entity[0]), cleaned)
    if not cleaned.isascii():
        cleaned = unicodedata.normalize("NFC", cleaned.strip(_INVISIBLE))
    if not cleaned.isprintable() and _CONTROL.search(cleaned):
        cleaned = " ".join(_CONTROL.sub(" ", cleaned).split())
    if len(cleaned) > LONGEST_NAME:
        raise BadValue(f"the {what} is longer than {LONGEST_NAME} characters")
    if not cleaned:
        raise BadValue(f"the {what} is empty")
    return cleaned


def parse_optional_name(text: object) -> str:
    """Return a name that may be missing; one that is no text or too long is as good as missing."""
    try:
        return parse_name(text, "name") if isinstance(text, str) else ""
    except BadValue:
        return ""


def parse_key(text: str, what: str, longest: int = LONGEST_KEY) -> str:
    """Return an id: any text without control signs."""
    cleaned = text.strip()
    if not cleaned:
        raise BadValue(f"the {what} is empty")
    if len(cleaned) > longest:
        raise BadValue(f"the {what} is longer than {longest} characters")
    if not cleaned.isprintable():
        raise BadValue(f"the {what} has signs that cannot be printed")
    return cleaned


def parse_listener(text: str) -> str:
    """Return a listener's name in the form in which accounts are named."""
    cleaned = parse_key(text, "listener", LONGEST_LISTENER)
    return (
        cleaned if cleaned.isascii() else unicodedata.normalize("NFKC", cleaned)[:LONGEST_LISTENER]
    )


def parse_share(text: str, what: str) -> float | None:
    """Return a feature of 0 to 1; empty is unknown."""
    value = parse_number(text, what)
    if value is not None and not 0 <= value <= 1:
        raise BadValue(f"{what} is {text.strip()[:20]}; it must be 0 to 1")
    return value


def parse_tempo(text: str) -> float | None:
    """Return beats per minute; 0, as analysers say for music without beat, is unknown."""
    value = parse_number(text, "tempo")
    if value is not None and not 0 <= value <= FASTEST_TEMPO:
        raise BadValue(f"tempo is {text.strip()[:20]}; it must be 0 to 400 beats per minute")
    return value or None


def parse_number(text: str, what: str) -> float | None:
    """Return a number, also with a decimal comma; empty and infinite are unknown."""
    cleaned = text.strip()
    if not cleaned:
        return None
    if _THOUSANDS_OR_DECIMAL.match(cleaned):
        raise BadValue(f"{what} {cleaned[:20]!r} can be read in two ways; write it with a point")
    if _DECIMAL_COMMA.match(cleaned):
        cleaned = cleaned.replace(",", ".")
    try:
        value = float(cleaned)
    except ValueError:
        raise BadValue(f"{what} is {cleaned[:20]!r}, not a number") from None
    return value if math.isfinite(value) else None


def parse_whole_number(text: str, what: str, lowest: int, highest: int) -> int | None:
    """Return a whole number within bounds; empty is unknown."""
    value = int(text) if _is_plain_number(text) else parse_number(text, what)
    if value is None:
        return None
    if not lowest <= value <= highest:
        raise BadValue(f"{what} is {text.strip()[:20]}; it must be {lowest} to {highest}")
    return int(value)


def parse_count(text: str, what: str, highest: int) -> int | None:
    """Return how often something happened; empty is unknown. "1.523" may mean 1523, so it is no count."""
    if _is_plain_number(text):
        return parse_whole_number(text, what, 1, highest)
    value = parse_number(text, what)
    if value is not None and (not value.is_integer() or _THOUSANDS.match(text.strip())):
        raise BadValue(f"{what} {text.strip()[:20]!r} is no whole number")
    return parse_whole_number(text, what, 1, highest)


def _is_plain_number(text: str) -> bool:
    """Whether a text is nothing but a few digits, as nearly every number in a file is."""
    return len(text) <= _PLAIN_DIGITS and text.isascii() and text.isdecimal()


def parse_year(text: str) -> int | None:
    """Return the year of a year or a date such as 2011-04-01."""
    cleaned = text.strip()
    value = parse_whole_number(
        cleaned[:4] if len(cleaned) > 4 and cleaned[4] in "-/." else cleaned, "year", 0, LAST_YEAR
    )
    return value if value and value >= FIRST_YEAR else None


def parse_moment(text: str, day_first: bool | None = None) -> int | None:
    """Return the Unix seconds that a text says: a number, or a date with a time; UTC unless it names a zone.

    Numbers are seconds or thousandths, millionths or billionths of these, whichever lies between 2002 and 2100. Empty
    text is unknown.
    `day_first` says how the file's dates with slashes are read, where its rows show it (`dates.find_day_order`).
    """
    if _is_plain_number(text) and not is_spreadsheet_day(text):
        return _check_range(_convert_number(int(text)), text)
    cleaned = text.strip()
    if not cleaned:
        return None
    if is_spreadsheet_day(cleaned):
        raise BadValue(
            f"the time {cleaned[:30]!r} is a spreadsheet's number of a day; "
            "save its column as 2026-08-24 14:07:00"
        )
    if not cleaned.replace(".", "", 1).isdecimal():
        return _check_range(_parse_date(cleaned, day_first), cleaned)
    whole_part = cleaned.partition(".")[0]
    if len(whole_part) > _LONGEST_NUMBER:
        raise BadValue(_describe_out_of_range(cleaned))
    return _check_range(_convert_number(int(whole_part or "0")), cleaned)


def parse_json_moment(value: object) -> int:
    """Return the Unix seconds of a JSON number or text; BadValue where it is missing, infinite or none."""
    if isinstance(value, float):
        if not math.isfinite(value):
            raise BadValue("the time is not a finite number")
        value = int(value)
    if isinstance(value, int) and not isinstance(value, bool):
        if value <= 0:
            raise BadValue("the time is missing")
        if value >= 10**_LONGEST_NUMBER:  # such a number may be too long to be written
            raise BadValue("the time is not between 2002 and 2100")
        value = str(value)
    seconds = parse_moment(value) if isinstance(value, str) else None
    if seconds is None:
        raise BadValue("the time is missing")
    return seconds


def parse_day(text: str, day_first: bool | None = None) -> int | None:
    """Return the Unix seconds of a date, with or without a time of day; empty is unknown."""
    cleaned = text.strip()
    if not _DAY.match(cleaned):
        return parse_moment(cleaned, day_first)
    try:
        return _check_range(_convert_to_seconds(datetime.fromisoformat(cleaned)), cleaned)
    except ValueError:
        raise BadValue(_describe_no_time(cleaned)) from None


def is_spreadsheet_day(text: str) -> bool:
    """Whether a number counts days since 1900, as spreadsheets keep times: 45292.5 is noon of 2024-01-01.

    It is not read: spreadsheets may count from 1904, too, and keep neither the zone nor the second.
    """
    return _SPREADSHEET_DAY.match(text) is not None and text[:5] in _SPREADSHEET_DAYS


def _check_range(seconds: int, text: str) -> int:
    if not FIRST_MOMENT <= seconds < LAST_MOMENT:
        raise BadValue(_describe_out_of_range(text))
    return seconds


def _describe_out_of_range(text: str) -> str:
    return f"the time {text[:30]!r} is not between 2002 and 2100"


def _describe_no_time(text: str) -> str:
    return f"the time {text[:30]!r} cannot be read; use 2026-08-24 14:07:00 or Unix seconds"


def _convert_number(value: int) -> int:
    if value >= _NANOSECONDS_FROM:
        return value // 1_000_000_000
    if value >= _MICROSECONDS_FROM:
        return value // 1_000_000
    return value // 1_000 if value >= _MILLISECONDS_FROM else value


def _parse_date(text: str, day_first: bool | None) -> int:
    if _DAY.match(text):
        raise BadValue(f"the time {text[:30]!r} is a day without the time of day")
    try:
        return int(dates.parse_date(text[:80], day_first).timestamp())
    except dates.TwoReadings:
        raise BadValue(
            f"the time {text[:30]!r} can be read in two ways; write the year first, then month and day"
        ) from None
    except (ValueError, OverflowError):
        raise BadValue(_describe_no_time(text)) from None


def _convert_to_seconds(value: datetime) -> int:
    return int((value if value.tzinfo else value.replace(tzinfo=UTC)).timestamp())


def parse_mbid(text: str) -> str:
    """Return a MusicBrainz id; empty where there is none."""
    cleaned = text.strip()
    if not cleaned:
        return ""
    try:
        return str(uuid.UUID(cleaned))
    except ValueError:
        raise BadValue(f"the MusicBrainz id {cleaned[:40]!r} is none") from None


def parse_optional_mbid(value: object) -> str:
    """Return a MusicBrainz id that may be missing; what is none is as good as missing."""
    try:
        return parse_mbid(value) if isinstance(value, str) else ""
    except BadValue:
        return ""


def parse_required_name(value: object, what: str) -> str:
    """Return a title or name out of JSON; BadValue where it is no text."""
    if not isinstance(value, str):
        raise BadValue(f"the {what} is missing")
    return parse_name(value, what)


def parse_optional_number(value: object, lowest: float, highest: float) -> int | None:
    """Return a number out of JSON, or its text, as a whole one; None where it is none or out of bounds."""
    if isinstance(value, str) and len(value) <= _LONGEST_NUMBER:
        try:
            value = float(value)
        except ValueError:
            return None
    if (
        isinstance(value, bool)
        or not isinstance(value, int | float)
        or not lowest <= value <= highest
    ):
        return None
    return int(value)


def parse_played_ms(milliseconds: object, seconds: object) -> int | None:
    """Return how long a song was heard, from whichever of two columns says it; None where neither does."""
    played_ms = parse_optional_number(milliseconds, 0, LONGEST_DURATION_MS)
    if played_ms is not None:
        return played_ms
    played_seconds = parse_optional_number(seconds, 0, LONGEST_DURATION_MS // 1000)
    return None if played_seconds is None else played_seconds * 1000


def parse_duration_ms(seconds: object = None, milliseconds: object = None) -> int | None:
    """Return a song's length, given in seconds or milliseconds; None where it is neither."""
    if (ms := parse_optional_number(milliseconds, 2_000, LONGEST_DURATION_MS)) is not None:
        return ms
    whole_seconds = parse_optional_number(seconds, 2, LONGEST_DURATION_MS // 1000)
    return None if whole_seconds is None else 1000 * whole_seconds


def parse_optional_spotify_id(uri: object) -> str:
    """Return the id in a Spotify address of a song; empty for local files and everything else."""
    if not isinstance(uri, str):
        return ""
    spotify_id = _SPOTIFY_TRACK.sub("", uri.strip()).partition("?")[0]
    return spotify_id if is_spotify_id(spotify_id) else ""


def is_spotify_id(text: str) -> bool:
    return bool(_SPOTIFY_ID.match(text))
