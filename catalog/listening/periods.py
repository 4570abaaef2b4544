"""Days, weeks, months and years of a listener's time zone."""

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from django.utils.dates import WEEKDAYS

FIRST_DAY, LAST_DAY = date(1970, 1, 1), date(9998, 12, 31)
_DAY = timedelta(days=1)


@dataclass(frozen=True)
class Period:
    """Days from `first` up to and without `after`; without them, all time."""

    first: date | None = None
    after: date | None = None
    name: str = "all"

    @property
    def is_all(self) -> bool:
        return self.first is None or self.after is None

    @property
    def last(self) -> date | None:
        return None if self.after is None else self.after - _DAY

    @property
    def n_days(self) -> int:
        """How many days it has, 0 for all time."""
        return 0 if self.first is None or self.after is None else (self.after - self.first).days

    def get_moments(self, zone: ZoneInfo) -> tuple[datetime, datetime] | None:
        """Return when the period begins and ends; None for all time."""
        if self.first is None or self.after is None:
            return None
        return get_midnight(self.first, zone), get_midnight(self.after, zone)

    def get_previous(self) -> "Period | None":
        """Return the period of the same kind before this one."""
        if self.first is None or self.after is None:
            return None
        if self.name in _STEPS:
            return make_period(self.name, self.first - _DAY)
        return make_range(self.first - (self.after - self.first), self.first - _DAY)

    def get_same_span_before(self, today: date) -> "Period | None":
        """Return of the period before this one as many days as have begun of this one; None for all time."""
        before = self.get_previous()
        if before is None or before.first is None or before.after is None or self.first is None:
            return None
        n_days = (today - self.first).days + 1
        if self.after is None or today + _DAY >= self.after or n_days < 1:
            return before
        return Period(before.first, min(before.first + n_days * _DAY, before.after), "range")

    def get_next(self) -> "Period | None":
        """Return the period of the same kind after this one."""
        if self.first is None or self.after is None:
            return None
        if self.name in _STEPS:
            return make_period(self.name, self.after)
        return make_range(self.after, self.after + (self.after - self.first) - _DAY)


ALL_TIME = Period()


def make_period(name: str, day: date) -> Period:
    """Return the week, month or year that holds `day`; all time for any other name."""
    if name not in _STEPS:
        return ALL_TIME
    day = min(max(day, FIRST_DAY), LAST_DAY)
    first, after = _STEPS[name](day)
    return Period(first, after, name)


def make_range(first: date, last: date) -> Period:
    """Return the days from `first` to `last`, in whichever order they come."""
    first, last = sorted(min(max(day, FIRST_DAY), LAST_DAY) for day in (first, last))
    return Period(first, last + _DAY, "range")


def get_midnight(day: date, zone: ZoneInfo) -> datetime:
    """Return when a day begins; where the clock jumps over midnight, the first moment after it."""
    return datetime.combine(day, time.min, tzinfo=zone)


def add_months(month: date, n: int) -> date:
    """Return the first day of the month that is `n` months later."""
    months = month.year * 12 + month.month - 1 + n
    return date(months // 12, months % 12 + 1, 1)


def _get_week(day: date) -> tuple[date, date]:
    monday = day - timedelta(days=day.weekday())
    return monday, monday + timedelta(days=7)


def _get_month(day: date) -> tuple[date, date]:
    month = day.replace(day=1)
    return month, add_months(month, 1)


def _get_year(day: date) -> tuple[date, date]:
    return date(day.year, 1, 1), date(day.year + 1, 1, 1)


_STEPS = {"week": _get_week, "month": _get_month, "year": _get_year}


def name_weekday(number: int) -> str:
    """Return Monday for 0."""
    return str(WEEKDAYS[number])


def name_hour(number: int) -> str:
    """Return 18:00 for 18."""
    return f"{number:02d}:00"
