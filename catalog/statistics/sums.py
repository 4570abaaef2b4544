"""Counts a listener's plays into the kept sums, one month at a time and only where something changed.

Call `refresh_sums` before sums are read. It costs one query while nothing is outdated.
"""

import json
import time
from collections.abc import Iterator, Mapping
from datetime import UTC, date, datetime
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

from django.db import connection, transaction
from django.db.models import F, Max, Min, QuerySet, Sum

from accounts.models import User
from accounts.time_zones import get_time_zone
from catalog.listening.models import Interaction
from catalog.listening.outdated_months import mark_months
from catalog.listening.periods import add_months, get_midnight
from catalog.listening.sum_tables import (
    SUM_TABLES,
    UNTIMED,
    DayTotal,
    ListeningSums,
    OutdatedMonth,
    SongMonth,
    SongTotal,
    SourceMonth,
)
from catalog.statistics import entity_totals
from common.bulk_sql import cut_chunks, insert_rows
from common.transactions import retry_conflicts

_QUARTER = 900
_SONG_FIELDS = ("listener", "song", "month", "n_plays", "first_at", "last_at")
_DAY_FIELDS = ("listener", "day", "n_plays", "n_measured", "played_ms", "hours")

SongSums = dict[int, tuple[int, Any, Any]]
"""Plays, first and last moment by song, the moments as the database has them."""


def refresh_sums(listener: User, *, max_seconds: float = float("inf")) -> int:
    """Count the listener's outdated months, the newest first; return how many are left after `max_seconds`."""
    end = time.monotonic() + max_seconds
    _follow_time_zone(listener)
    months = OutdatedMonth.objects.filter(listener=listener).order_by("-month")
    waiting = list(months.values_list("month", flat=True))
    if not waiting:
        return 0
    if len(waiting) > entity_totals.MOST_MONTHS:
        entity_totals.mark_outdated(listener)
    while waiting and time.monotonic() < end:
        _refresh_month(listener, waiting.pop(0))
    entity_totals.keep_where_many(listener)
    return len(waiting)


def refresh_everybody(*, max_seconds: float = float("inf")) -> bool:
    """Count outdated months of all listeners; return whether none is left after `max_seconds`."""
    end = time.monotonic() + max_seconds
    last = 0
    while True:
        outdated = OutdatedMonth.objects.filter(listener__gt=last).order_by("listener_id")
        last = outdated.values_list("listener_id", flat=True).first() or 0
        listener = User.objects.filter(pk=last).first()
        if listener is None:
            return entity_totals.refresh_everybody(max_seconds=end - time.monotonic())
        if refresh_sums(listener, max_seconds=max(0.0, end - time.monotonic())):
            return False


def mark_everything(listener: User) -> None:
    """Mark every month that the listener has plays or sums in."""
    with transaction.atomic():
        months = set(_list_counted_months(listener))
        plays = _select_plays(listener)
        span = plays.aggregate(first=Min("occurred_at"), last=Max("occurred_at"))
        if span["first"] is not None:
            month, last = (span[name].date().replace(day=1) for name in ("first", "last"))
            month = add_months(month, -1)
            while month <= add_months(last, 1):
                months.add(month)
                month = add_months(month, 1)
        if plays.filter(occurred_at=None).exists():
            months.add(UNTIMED)
        mark_months((listener.pk, month) for month in months)


class Difference(NamedTuple):
    """Kept sums that are not what the interactions say."""

    listener: User
    n_kept: int
    n_plays: int


def find_differences(listeners: QuerySet[User]) -> Iterator[Difference]:
    """Yield the listeners among `listeners` whose kept plays differ from their interactions and are not marked.

    Compares the sum over songs and the number of songs; two statements for all of them together.
    """
    marked = set(OutdatedMonth.objects.values_list("listener_id", flat=True).distinct())
    kept = _sum_by_listener(SongTotal.objects.filter(listener__in=listeners), "n_plays")
    plays = Interaction.objects.filter(listener__in=listeners, kind=Interaction.Kind.PLAY)
    counted = _sum_by_listener(plays, "plays")
    wrong = {pk for pk in kept.keys() | counted.keys() if kept.get(pk, 0) != counted.get(pk, 0)}
    wrong |= entity_totals.find_wrong(listeners)
    for listener in User.objects.filter(pk__in=wrong - marked).order_by("pk"):
        yield Difference(listener, kept.get(listener.pk, 0), counted.get(listener.pk, 0))


def _sum_by_listener(rows: QuerySet[Any], column: str) -> dict[int, int]:
    return dict(rows.order_by().values_list("listener_id").annotate(n=Sum(column)))


# --- The time zone ----------------------------------------------------------------------------------------------------


def _follow_time_zone(listener: User) -> None:
    """Mark everything when the listener's days are others than when they were counted."""
    zone = get_time_zone(listener).key
    counted = (
        ListeningSums.objects.filter(listener=listener).values_list("time_zone", flat=True).first()
    )
    if counted == zone:
        return
    with transaction.atomic():
        if not User.objects.filter(pk=listener.pk).exists():
            return
        ListeningSums.objects.update_or_create(listener=listener, defaults={"time_zone": zone})
        if counted is not None:
            mark_months((listener.pk, month) for month in _list_counted_months(listener))


def _list_counted_months(listener: User) -> Iterator[date]:
    """Yield the months with sums, and their neighbours, where plays may belong in another time zone."""
    months = SongMonth.objects.filter(listener=listener).values_list("month", flat=True)
    for month in set(months.order_by().distinct()):
        yield month
        if month != UNTIMED:
            yield from (add_months(month, -1), add_months(month, 1))


# --- One month --------------------------------------------------------------------------------------------------------


@retry_conflicts
def _refresh_month(listener: User, month: date) -> None:
    with transaction.atomic():
        sums = ListeningSums.objects.select_for_update().filter(listener=listener).first()
        # Waits for transactions that write plays of this month. Without a mark, another request has counted it.
        if (
            sums is None
            or not OutdatedMonth.objects.filter(listener=listener, month=month).delete()[0]
        ):
            return
        plays = _select_plays(listener)
        if month == UNTIMED:
            plays = plays.filter(occurred_at=None)
        else:
            zone = ZoneInfo(sums.time_zone)
            start, end = get_midnight(month, zone), get_midnight(add_months(month, 1), zone)
            plays = plays.filter(occurred_at__gte=start, occurred_at__lt=end)
            _count_days(listener, month, plays, zone)
        entity_totals.add_changes(sums, month, _count_songs(listener, month, plays))
        _count_sources(listener, month, plays)


def _select_plays(listener: User) -> QuerySet[Interaction]:
    return Interaction.objects.for_listener(listener).filter(kind=Interaction.Kind.PLAY).order_by()


def _count_songs(listener: User, month: date, plays: QuerySet[Interaction]) -> dict[int, int]:
    """Write the month's sums by song where they changed, and the totals of those songs.

    Return how many plays of each of these there are more than before.
    """
    now = _fetch_song_sums(
        plays.values_list("song").annotate(
            n=Sum("plays"), a=Min("occurred_at"), z=Max("occurred_at")
        )
    )
    rows = SongMonth.objects.filter(listener=listener, month=month)
    before = _fetch_song_sums(rows.values_list("song", "n_plays", "first_at", "last_at"))
    changed = [song_id for song_id, sums in now.items() if before.get(song_id) != sums]
    gone = list(before.keys() - now.keys())
    for ids in cut_chunks(gone):
        rows.filter(song__in=ids)._raw_delete(using=rows.db)
    adapted = connection.ops.adapt_datefield_value(month)
    insert_rows(
        SongMonth,
        _SONG_FIELDS,
        [(listener.pk, song_id, adapted, *now[song_id]) for song_id in changed],
        "ON CONFLICT (listener_id, song_id, month) DO UPDATE SET "
        "n_plays = excluded.n_plays, first_at = excluded.first_at, last_at = excluded.last_at",
    )
    _count_totals(listener, changed + gone)
    nothing = (0, None, None)
    return {
        song_id: now.get(song_id, nothing)[0] - before.get(song_id, nothing)[0]
        for song_id in changed + gone
    }


def _fetch_song_sums(rows: QuerySet[Any]) -> SongSums:
    """Return sums by song, with moments as the database writes them: they only go back into it."""
    sql, values = rows.query.sql_with_params()
    with connection.cursor() as cursor:
        cursor.execute(sql, values)
        return {song_id: (n, first, last) for song_id, n, first, last in cursor.fetchall()}


def _count_totals(listener: User, song_ids: list[int]) -> None:
    """Sum up all months of some songs."""
    for ids in cut_chunks(song_ids):
        SongTotal.objects.filter(listener=listener, song__in=ids)._raw_delete(
            using=connection.alias
        )
        marks = ", ".join(["%s"] * len(ids))
        with connection.cursor() as cursor:
            cursor.execute(
                "INSERT INTO catalog_songtotal (listener_id, song_id, n_plays, first_at, last_at) "  # noqa: S608
                "SELECT listener_id, song_id, SUM(n_plays), MIN(first_at), MAX(last_at) "
                f"FROM catalog_songmonth WHERE listener_id = %s AND song_id IN ({marks}) "
                "GROUP BY listener_id, song_id",
                [listener.pk, *ids],
            )


def _count_days(listener: User, month: date, plays: QuerySet[Interaction], zone: ZoneInfo) -> None:
    """Write the month's days. Plays are summed by quarter of an hour first: every zone's hours begin with one."""
    days: dict[date, tuple[list[int], list[int]]] = {}
    for quarter, n_plays, n_measured, played_ms in _fetch_quarters(plays):
        local = datetime.fromtimestamp(quarter * _QUARTER, UTC).astimezone(zone)
        hours, sums = days.setdefault(local.date(), ([0] * 24, [0, 0, 0]))
        hours[local.hour] += n_plays
        sums[:] = sums[0] + n_plays, sums[1] + n_measured, sums[2] + played_ms
    DayTotal.objects.filter(
        listener=listener, day__gte=month, day__lt=add_months(month, 1)
    )._raw_delete(using=connection.alias)
    adapt = connection.ops.adapt_datefield_value
    rows = [
        (listener.pk, adapt(day), *sums, json.dumps(hours)) for day, (hours, sums) in days.items()
    ]
    insert_rows(DayTotal, _DAY_FIELDS, rows, "")


def _fetch_quarters(plays: QuerySet[Interaction]) -> list[tuple[int, int, int, int]]:
    """Return quarter hour since 1970, plays, plays whose length is known, and their milliseconds together."""
    sql, values = plays.values_list("occurred_at", "plays", "played_ms").query.sql_with_params()
    seconds = (
        "CAST(strftime('%%s', occurred_at) AS INTEGER)"
        if connection.vendor == "sqlite"
        else "FLOOR(EXTRACT(EPOCH FROM occurred_at))::bigint"
    )
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT {seconds} / {_QUARTER}, SUM(plays), "  # noqa: S608
            "SUM(CASE WHEN played_ms IS NULL THEN 0 ELSE plays END), COALESCE(SUM(played_ms), 0) "
            f"FROM ({sql}) AS listens GROUP BY 1",
            values,
        )
        return [(int(quarter), int(n), int(m), int(ms)) for quarter, n, m, ms in cursor.fetchall()]


def _count_sources(listener: User, month: date, plays: QuerySet[Interaction]) -> None:
    SourceMonth.objects.filter(listener=listener, month=month)._raw_delete(using=connection.alias)
    counted: Mapping[str, int] = dict(plays.values_list("source").annotate(n=Sum(F("plays"))))
    SourceMonth.objects.bulk_create(
        SourceMonth(listener=listener, month=month, source=source, n_plays=n)
        for source, n in counted.items()
    )


def delete_sums(listener: User) -> None:
    """Delete all sums of a listener and mark every month; what `rebuild_statistics` does."""
    with transaction.atomic():
        mark_everything(listener)
        for table in SUM_TABLES:
            table.objects.filter(listener=listener)._raw_delete(using=connection.alias)
        entity_totals.mark_outdated(listener)
