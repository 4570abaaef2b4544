"""Which months of which listeners must be counted anew: everything that adds or removes plays marks them here.

A mark is written in the transaction of the plays themselves, so that no change can be stored without it. It names the
months of the days around a play in UTC, which covers every time zone.
"""

from collections.abc import Iterable
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache

from django.db import connection
from django.db.models import QuerySet
from django.db.models.functions import TruncDate

from catalog.listening.models import Interaction
from catalog.listening.sum_tables import UNTIMED, OutdatedMonth
from common.bulk_sql import insert_rows

_DAY = timedelta(days=1)
_RAISE_COUNT = (
    "ON CONFLICT (listener_id, month) DO UPDATE SET n_changes = catalog_outdatedmonth.n_changes + 1"
)


def mark_moments(listener_id: int, moments: Iterable[datetime | None]) -> None:
    """Mark the months of plays of one listener that begin at these moments."""
    mark_days((listener_id, moment and moment.astimezone(UTC).date()) for moment in moments)


def mark_days(days: Iterable[tuple[int, date | None]]) -> None:
    """Mark the months of plays by listener id and day in UTC, None for a play without a time."""
    mark_months({(pk, month) for pk, day in set(days) for month in _list_months_around(day)})


def mark_plays(interactions: QuerySet[Interaction]) -> None:
    """Mark the months of the plays among `interactions`, which are about to go or to change; one query more."""
    plays = interactions.filter(kind=Interaction.Kind.PLAY).order_by()
    mark_days(plays.values_list("listener_id", TruncDate("occurred_at", tzinfo=UTC)).distinct())


def mark_months(months: Iterable[tuple[int, date]]) -> None:
    """Mark months by listener id.

    A month that is marked already is written again, too, so that a request which counts it waits for this transaction.
    """
    adapt = connection.ops.adapt_datefield_value
    rows = [(listener_id, adapt(month), 1) for listener_id, month in sorted(set(months))]
    insert_rows(OutdatedMonth, ("listener", "month", "n_changes"), rows, _RAISE_COUNT)


@lru_cache(maxsize=20_000)
def _list_months_around(day: date | None) -> tuple[date, ...]:
    if day is None:
        return (UNTIMED,)
    days = (day - _DAY, day, day + _DAY) if date.min + _DAY < day < date.max - _DAY else (day,)
    return tuple(sorted({one.replace(day=1) for one in days}))
