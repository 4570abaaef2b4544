"""Accounts that report more hours of music on one day than the day has."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date

from django.db.models import F, Max, Sum
from django.db.models.functions import Coalesce, TruncDate

from catalog.models import Interaction
from recommendations.services.data.stored_events import USUAL_DURATION_MS

HOURS_A_DAY = 24
NEWEST_ROWS = 200_000
"""So many of the newest rows are looked at: a flood has just come in, whatever day it claims to be of."""
MOST_ACCOUNTS = 20
_MS_AN_HOUR = 3_600_000


@dataclass(frozen=True, slots=True)
class ImpossibleDay:
    """The day on which an account claims the most hours, in UTC."""

    listener_id: int
    username: str
    day: date
    hours: float
    n_plays: int


def find_impossible_days() -> list[ImpossibleDay]:
    """Return each account's worst impossible day among the newest plays, most hours first.

    A play without a reported length counts as long as its song. Rows that count for many plays are left out:
    they are sums of a file, not a day. Two queries over at most `NEWEST_ROWS` rows.
    """
    newest = Interaction.objects.aggregate(pk=Max("pk"))["pk"] or 0
    plays = Interaction.objects.filter(
        pk__gt=newest - NEWEST_ROWS, kind=Interaction.Kind.PLAY, plays=1, occurred_at__isnull=False
    )
    length = Coalesce("played_ms", "song__duration_ms", USUAL_DURATION_MS)
    days = (
        plays.order_by()
        .annotate(day=TruncDate("occurred_at", tzinfo=UTC), username=F("listener__username"))
        .values("listener_id", "username", "day")
        .annotate(ms=Sum(length), n_plays=Sum("plays"))
        .filter(ms__gt=HOURS_A_DAY * _MS_AN_HOUR)
        .order_by("-ms", "listener_id", "day")
    )
    return _keep_worst(
        ImpossibleDay(
            row["listener_id"], row["username"], row["day"], row["ms"] / _MS_AN_HOUR, row["n_plays"]
        )
        for row in days
    )


def _keep_worst(days: Iterable[ImpossibleDay]) -> list[ImpossibleDay]:
    """Keep the first day of each account, and the first `MOST_ACCOUNTS` accounts."""
    by_account: dict[int, ImpossibleDay] = {}
    for day in days:
        by_account.setdefault(day.listener_id, day)
    return list(by_account.values())[:MOST_ACCOUNTS]
