"""What charts of plays over time show: one bar for each day, week, month or year of a period, and a calendar."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from accounts.models import User
from catalog.listening.periods import Period, make_period, make_range
from catalog.statistics.statistics import DaySums, count_new_songs

_DAYS, _WEEKS, _MONTHS = 45, 200, 1900
"""A period of up to so many days is shown by day, by week and by month; longer ones by year."""
CALENDAR_WEEKS = 53
N_SHADES = 4


@dataclass(frozen=True)
class Bar:
    """Plays of a day, week, month or year; `n_new` of them were the first ones of a song."""

    period: Period
    n_plays: int
    n_new: int

    @property
    def n_replayed(self) -> int:
        return self.n_plays - self.n_new


@dataclass(frozen=True)
class CalendarDay:
    """A day of the calendar: `week` counts its columns from 0, `shade` is 0 without plays, then 1 to N_SHADES."""

    day: date
    week: int
    n_plays: int
    shade: int


def build_calendar(days: Sequence[DaySums], period: Period, today: date) -> list[CalendarDay]:
    """Return the days of a period's last 53 weeks, without those in the future; none where bars are days already.

    The days with plays are cut into four shades of equally many days, as far as their numbers differ.
    """
    if not days:
        return []
    last = min(period.last or today, max(today, days[-1].day))
    first = period.first or days[0].day
    if (last - first).days < _DAYS:
        return []
    monday = last - timedelta(days=last.weekday() + 7 * (CALENDAR_WEEKS - 1))
    first = max(first, monday)
    start = first - timedelta(days=first.weekday())
    n_plays = {day.day: day.n_plays for day in days if first <= day.day <= last}
    ordered = sorted(n for n in n_plays.values() if n)
    limits = (
        [ordered[len(ordered) * quarter // N_SHADES] for quarter in range(1, N_SHADES)]
        if ordered
        else []
    )
    return [
        CalendarDay(
            day,
            (day - start).days // 7,
            n := n_plays.get(day, 0),
            1 + sum(n >= limit > ordered[0] for limit in limits) if n else 0,
        )
        for day in (first + timedelta(days=step) for step in range((last - first).days + 1))
    ]


def build_bars(listener: User, period: Period, days: Sequence[DaySums], today: date) -> list[Bar]:
    """Return the bars of a period, without those that lie in the future; for all time from the first day on."""
    if not days:
        return []
    first = period.first or days[0].day
    last = min(period.last or today, max(today, days[-1].day))
    periods = _cut(first, last)
    sums = [0] * len(periods)
    number = 0
    for day in days:
        while number < len(periods) - 1 and day.day >= (periods[number].after or day.day):
            number += 1
        sums[number] += day.n_plays
    new = count_new_songs(listener, periods)
    return [Bar(*bar) for bar in zip(periods, sums, new, strict=True)]


def _cut(first: date, last: date) -> list[Period]:
    n_days = (last - first).days + 1
    if n_days <= _DAYS:
        return [
            Period(day, day + timedelta(days=1), "day")
            for day in (first + timedelta(days=n) for n in range(max(n_days, 1)))
        ]
    name = "week" if n_days <= _WEEKS else "month" if n_days <= _MONTHS else "year"
    periods, begin = [], first
    while begin <= last:
        step = make_period(name, begin)
        end = min(step.last or last, last)
        periods.append(step if (step.first, step.last) == (begin, end) else make_range(begin, end))
        begin = end + timedelta(days=1)
    return periods
