"""Dates with a time of day as exporters write them: ISO 8601, English months, numbers with dots or slashes.

A date such as 02/03/2024 has two readings. Which one holds is for the whole file to say (`find_day_order`): one row
with 13 or more in the first or second place decides; where none does, such a date is not read.
"""

import re
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta, timezone

_MONTHS = ("", "jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_LONG_FRACTION = re.compile(r"(\.\d{6})\d+")
_WEEKDAY = re.compile(r"^(?:mon|tue|wed|thu|fri|sat|sun)[a-z]{0,6}\.?,?\s", re.IGNORECASE)
_CLOCK = re.compile(
    r"[\sT](?P<hour>\d{1,2})[:.](?P<minute>\d\d)(?:[:.](?P<second>\d\d)(?:[.,]\d{1,9})?)?\s?(?P<half>[ap]\.?m\.?)?"
    r"\s?(?P<zone>Z|UTC|GMT|[+-]\d\d:?\d\d)?$",
    re.IGNORECASE,
)
_YEAR_FIRST = re.compile(r"^(?P<year>\d{4})[./-](?P<month>\d{1,2})[./-](?P<day>\d{1,2})$")
_DAY_FIRST = re.compile(r"^(?P<day>\d{1,2})\.(?P<month>\d{1,2})\.(?P<year>\d{4})$")
_UNSURE = re.compile(r"^(?P<one>\d{1,2})(?P<sign>[/-])(?P<two>\d{1,2})(?P=sign)(?P<year>\d{4})$")
_DAY_AND_NAME = re.compile(
    r"^(?P<day>\d{1,2})(?:st|nd|rd|th)?[\s-](?P<name>[A-Za-z]{3,9})\.?[\s-](?P<year>\d{4})$"
)
_NAME_AND_DAY = re.compile(
    r"^(?P<name>[A-Za-z]{3,9})\.?\s(?P<day>\d{1,2})(?:st|nd|rd|th)?\s(?P<year>\d{4})$"
)


class TwoReadings(ValueError):
    """A date whose first number may be the day or the month."""


def parse_date(text: str, day_first: bool | None = None) -> datetime:
    """Return the moment that a date with a time of day says, in UTC where it names no zone.

    Raises
    ------
    TwoReadings
        Day and month may be changed over, and `day_first` does not say which is first.
    ValueError
        It is no such date.
    """
    try:
        moment = datetime.fromisoformat(_LONG_FRACTION.sub(r"\1", text.removesuffix(" UTC")))
    except ValueError:
        moment = _parse_words(" ".join(text.split()), day_first)
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def find_day_order(texts: Iterable[str]) -> bool | None:
    """Return whether the day stands first in dates with slashes; None where nothing shows it.

    Raises
    ------
    TwoReadings
        One date has the day first and another one the month.
    """
    orders = set()
    for text in texts:
        match = _match_unsure(text)
        if match and max(int(match["one"]), int(match["two"])) > 12:
            orders.add(int(match["one"]) > 12)
    if len(orders) > 1:
        raise TwoReadings
    return next(iter(orders), None)


def has_two_readings(text: str) -> bool:
    """Whether the first number of a date may be its day or its month, as far as it says itself."""
    match = _match_unsure(text)
    return (
        match is not None
        and match["one"] != match["two"]
        and max(int(match["one"]), int(match["two"])) <= 12
    )


def _match_unsure(text: str) -> re.Match[str] | None:
    return _UNSURE.match(text.strip().partition(" ")[0].rstrip(","))


def _parse_words(text: str, day_first: bool | None) -> datetime:
    clock = _CLOCK.search(text)
    if clock is None:
        raise ValueError(text)
    day = _WEEKDAY.sub("", text[: clock.start()]).replace(",", " ").strip().removesuffix(" at")
    year, month, number = _parse_day(" ".join(day.split()), day_first)
    hour = int(clock["hour"])
    if clock["half"]:
        if not 1 <= hour <= 12:
            raise ValueError(text)
        hour = hour % 12 + 12 * (clock["half"][0] in "pP")
    zone = _parse_zone(clock["zone"] or "")
    return datetime(
        year, month, number, hour, int(clock["minute"]), int(clock["second"] or 0), tzinfo=zone
    )


def _parse_day(text: str, day_first: bool | None) -> tuple[int, int, int]:
    """Return year, month and day."""
    if match := _YEAR_FIRST.match(text) or _DAY_FIRST.match(text):
        return int(match["year"]), int(match["month"]), int(match["day"])
    if match := _UNSURE.match(text):
        one, two = int(match["one"]), int(match["two"])
        if max(one, two) > 12 and day_first is None:
            day_first = one > 12
        if day_first is None and one != two:
            raise TwoReadings(text)
        return int(match["year"]), *((two, one) if day_first else (one, two))
    if match := _DAY_AND_NAME.match(text) or _NAME_AND_DAY.match(text):
        return int(match["year"]), _MONTHS.index(match["name"][:3].casefold()), int(match["day"])
    raise ValueError(text)


def _parse_zone(text: str) -> timezone:
    if not text or text[0] not in "+-":
        return UTC
    offset = timedelta(hours=int(text[1:3]), minutes=int(text[-2:]))
    return timezone(-offset if text[0] == "-" else offset)
