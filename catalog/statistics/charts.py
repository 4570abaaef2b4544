"""What a chart of plays over time shows: one bar for each day, week, month or year of a period."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from accounts.models import User
from catalog.listening.periods import Period, make_period, make_range
from catalog.statistics.statistics import DaySums, count_new_songs

_DAYS, _WEEKS, _MONTHS = 45, 200, 1900
"""A period of up to so many days is shown by day, by week and by month; longer ones by year."""


@dataclass(frozen=True)
class Bar:
    """Plays of a day, week, month or year; `n_new` of them were the first ones of a song."""

    period: Period
    n_plays: int
    n_new: int

    @property
    def n_replayed(self) -> int:
        return self.n_plays - self.n_new


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
