"""Which period an address asks for: `period` and `day`, or `from` and `to`."""

from collections.abc import Mapping
from datetime import date

from catalog.listening.periods import ALL_TIME, Period, make_period, make_range

PERIODS = ("week", "month", "year", "all")
USUAL = "month"


class UnknownPeriod(ValueError):
    """An address names no period; the message says what it may be."""


def read_period(query: Mapping[str, str], today: date) -> Period:
    """Return the period of an address, this month where it names none; raise UnknownPeriod."""
    if query.get("from") or query.get("to"):
        first = read_day(query.get("from") or query["to"])
        return make_range(first, read_day(query["to"]) if query.get("to") else max(first, today))
    name = query.get("period") or USUAL
    if name not in PERIODS:
        raise UnknownPeriod(f"{name[:40]!r} is no period; they are {', '.join(PERIODS)}.")
    if name == "all":
        return ALL_TIME
    return make_period(name, read_day(query["day"]) if query.get("day") else today)


def read_day(text: str) -> date:
    """Return the day that a text such as 2026-11-23 names; raise UnknownPeriod."""
    try:
        return date.fromisoformat(text[:40])
    except ValueError:
        raise UnknownPeriod(f"{text[:40]!r} is no day such as 2026-11-23.") from None


def build_query(period: Period) -> str:
    """Return the query of an address that asks for the period."""
    if period.first is None or period.last is None:
        return "period=all"
    if period.name in PERIODS:
        return f"period={period.name}&day={period.first}"
    return f"from={period.first}&to={period.last}"
