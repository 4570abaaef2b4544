"""What a listener played, from the kept sums: the one owner of these numbers for pages, API and players.

Whole months come from the sums by month, all time from the totals, and the days at the ends of a range from the plays
themselves, so that no range reads more than two months of plays. Call `sums.refresh_sums` first.
"""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

from django.db import connection
from django.db.models import QuerySet, Sum, TextField
from django.db.models.functions import Cast

from accounts.models import User
from accounts.time_zones import get_time_zone
from catalog.listening.models import Interaction
from catalog.listening.periods import Period, add_months
from catalog.listening.sum_tables import UNTIMED, DayTotal, SongMonth
from catalog.statistics import entity_totals

_DAY = timedelta(days=1)
ENTITIES = ("songs", "artists", "albums", "genres")
"""In the order of `EntityTotal.Entity`."""
_GROUPS = {
    "songs": ("plays.song_id", ""),
    "artists": ("song.artist_id", "JOIN catalog_song AS song ON song.id = plays.song_id"),
    "albums": (
        "song.album_id",
        "JOIN catalog_song AS song ON song.id = plays.song_id AND song.album_id IS NOT NULL",
    ),
    "genres": (
        "tag.genre_id",
        "JOIN catalog_song_genres AS tag ON tag.song_id = plays.song_id",
    ),
}
SUMMED = {
    "songs": ("sums", "song_id"),
    "artists": ("credits", "artist_id"),
    "albums": ("credits", "album_id"),
    "genres": (
        "sums JOIN catalog_song_genres AS tag ON tag.song_id = sums.song_id",
        "tag.genre_id",
    ),
}
"""Where the clauses of `build_sums` have the plays of each, and by which column."""


class Ranked(NamedTuple):
    """An id of a song, artist, album or genre, and how often it was played."""

    pk: int
    n_plays: int


class DaySums(NamedTuple):
    """What was played on one day; `hours` are the plays in each of its 24 hours."""

    day: date
    n_plays: int
    n_measured: int
    played_ms: int
    hours: list[int]


@dataclass(frozen=True)
class Totals:
    """What a period comes to. `played_ms` is of the `n_measured` plays whose source says how long they were."""

    n_plays: int
    n_timed: int
    n_measured: int
    played_ms: int
    n_days: int


@dataclass(frozen=True)
class Streak:
    """Days in a row with at least one play."""

    first: date
    last: date

    @property
    def n_days(self) -> int:
        return (self.last - self.first).days + 1


@dataclass(frozen=True)
class Summary:
    """How many different songs and artists were played, and the most played of each of `ENTITIES`.

    `discoveries` are the most played of the songs that were played for the first time ever in the period.
    """

    n_songs: int
    n_artists: int
    discoveries: list[Ranked]
    tops: dict[str, list[Ranked]]


# --- What was played most ---------------------------------------------------------------------------------------------


def rank(listener: User, entity: str, period: Period, n: int, offset: int = 0) -> list[Ranked]:
    """Return the most played songs, artists, albums or genres of a period; of equals the lower id first."""
    year = entity_totals.find_kept_year(listener, period, ENTITIES.index(entity))
    if year is not None:
        kept = entity_totals.rank(listener, ENTITIES.index(entity), year, n, offset)
        return [Ranked(*row) for row in kept]
    sql, values = _build_ranking(listener, entity, period)
    rows = fetch(f"{sql} ORDER BY n DESC, pk LIMIT %s OFFSET %s", [*values, n, offset])
    return [Ranked(pk, int(n_plays)) for pk, n_plays in rows]


def count_ranked(listener: User, entity: str, period: Period) -> int:
    """Return how many different songs, artists, albums or genres were played."""
    year = entity_totals.find_kept_year(listener, period, ENTITIES.index(entity))
    if year is not None:
        return entity_totals.count(listener, ENTITIES.index(entity), year)
    sql, values = _build_ranking(listener, entity, period)
    return int(fetch(f"SELECT COUNT(*) FROM ({sql}) AS ranked", values)[0][0])  # noqa: S608


def summarise(listener: User, period: Period, n_top: int, n_discoveries: int = 0) -> Summary:
    """Return what a period's page shows of songs, artists, albums and genres.

    Of a year and of all time entity totals are read where they are kept. Otherwise one statement reads the period's
    sums once for all of them, and the songs that were played in it.
    """
    year = entity_totals.find_kept_year(listener, period)
    if year is not None:
        return _summarise_kept(listener, period, year, n_top, n_discoveries)
    sums, values = build_sums(listener, period)
    statements = [
        "SELECT 'n_songs' AS what, COUNT(*) AS pk, 0 AS n FROM sums",
        "SELECT 'n_artists', COUNT(DISTINCT artist_id), 0 FROM credits",
    ]
    for entity in ENTITIES:
        source, column = SUMMED[entity]
        statements.append(
            f"SELECT * FROM (SELECT '{entity}', {column} AS pk, SUM(n) AS n FROM {source} "  # noqa: S608
            f"WHERE {column} IS NOT NULL GROUP BY {column} ORDER BY n DESC, pk LIMIT %s) AS {entity}"
        )
    more: list[Any] = [n_top] * len(ENTITIES)
    moments = period.get_moments(get_time_zone(listener))
    if moments is not None and n_discoveries:
        statements.append(
            "SELECT * FROM (SELECT 'discoveries', sums.song_id AS pk, sums.n FROM sums "
            "JOIN catalog_songtotal AS total ON total.song_id = sums.song_id AND total.listener_id = %s "
            "WHERE total.first_at >= %s AND total.first_at < %s "
            "ORDER BY sums.n DESC, sums.song_id LIMIT %s) AS discoveries"
        )
        more += [listener.pk, *_adapt_moments(moments), n_discoveries]
    rows = fetch(sums + " UNION ALL ".join(statements), [*values, *more])
    counts = {what: int(pk) for what, pk, _n in rows if what.startswith("n_")}
    ranked: dict[str, list[Ranked]] = {name: [] for name in (*ENTITIES, "discoveries")}
    for what, pk, n in rows:
        if what in ranked:
            ranked[what].append(Ranked(pk, int(n)))
    for entity_rows in ranked.values():
        entity_rows.sort(key=lambda one: (-one.n_plays, one.pk))
    return Summary(counts["n_songs"], counts["n_artists"], ranked.pop("discoveries"), ranked)


def _summarise_kept(
    listener: User, period: Period, year: int, n_top: int, n_discoveries: int
) -> Summary:
    moments = period.get_moments(get_time_zone(listener)) if n_discoveries else None
    discoveries = (
        entity_totals.rank_new_songs(listener, year, _adapt_moments(moments), n_discoveries)
        if moments
        else []
    )
    tops = {
        name: [Ranked(*row) for row in entity_totals.rank(listener, entity, year, n_top)]
        for entity, name in enumerate(ENTITIES)
    }
    n_songs, n_artists = (entity_totals.count(listener, entity, year) for entity in range(2))
    return Summary(n_songs, n_artists, [Ranked(*row) for row in discoveries], tops)


def count_sources(listener: User, period: Period) -> list[tuple[str, int]]:
    """Return how many plays came from each source, most first."""
    pieces, values = _build_pieces(listener, period, "source", "catalog_sourcemonth", "")
    rows = fetch(
        f"SELECT source, SUM(n) AS total FROM ({pieces}) AS plays "  # noqa: S608
        "GROUP BY source ORDER BY total DESC, source",
        values,
    )
    return [(source, int(n)) for source, n in rows]


def _build_ranking(listener: User, entity: str, period: Period) -> tuple[str, list[Any]]:
    plays, values = _build_song_plays(listener, period)
    column, join = _GROUPS[entity]
    return (
        f"SELECT {column} AS pk, SUM(plays.n) AS n FROM ({plays}) AS plays {join} GROUP BY {column}",  # noqa: S608
        values,
    )


def build_sums(listener: User, period: Period) -> tuple[str, list[Any]]:
    """Return the clauses `sums` and `credits` of a statement: a period's plays by song, and by artist and album."""
    plays, values = _build_song_plays(listener, period)
    if not period.is_all:
        plays = f"SELECT song_id, SUM(n) AS n FROM ({plays}) AS plays GROUP BY song_id"  # noqa: S608
    return (
        f"WITH sums AS ({plays}), "  # noqa: S608
        "credits AS (SELECT song.artist_id, song.album_id, SUM(sums.n) AS n FROM sums "
        "JOIN catalog_song AS song ON song.id = sums.song_id GROUP BY song.artist_id, song.album_id) ",
        values,
    )


def _build_song_plays(listener: User, period: Period) -> tuple[str, list[Any]]:
    return _build_pieces(listener, period, "song_id", "catalog_songmonth", "catalog_songtotal")


def _build_pieces(
    listener: User, period: Period, column: str, by_month: str, in_all: str
) -> tuple[str, list[Any]]:
    """Return SQL for rows of `column` and `n` plays, several a value, that together make the period."""
    if period.first is None or period.after is None:
        table = in_all or by_month
        return f"SELECT {column}, n_plays AS n FROM {table} WHERE listener_id = %s", [listener.pk]  # noqa: S608
    zone = get_time_zone(listener)
    begin = period.first if period.first.day == 1 else add_months(period.first.replace(day=1), 1)
    end = period.after.replace(day=1)
    if begin >= end:
        return _build_play_rows(listener, period, column, zone)
    adapt = connection.ops.adapt_datefield_value
    pieces = [
        f"SELECT {column}, n_plays AS n FROM {by_month} "  # noqa: S608
        "WHERE listener_id = %s AND month >= %s AND month < %s"
    ]
    values: list[Any] = [listener.pk, adapt(begin), adapt(end)]
    for edge in (Period(period.first, begin), Period(end, period.after)):
        if edge.first != edge.after:
            sql, more = _build_play_rows(listener, edge, column, zone)
            pieces.append(sql)
            values += more
    return " UNION ALL ".join(pieces), values


def _build_play_rows(
    listener: User, period: Period, column: str, zone: ZoneInfo
) -> tuple[str, list[Any]]:
    return (
        f"SELECT {column}, plays AS n FROM catalog_interaction "  # noqa: S608
        "WHERE listener_id = %s AND kind = 0 AND occurred_at >= %s AND occurred_at < %s",
        [listener.pk, *_adapt_moments(_get_moments(period, zone))],
    )


def _get_moments(period: Period, zone: ZoneInfo) -> tuple[datetime, datetime]:
    moments = period.get_moments(zone)
    if moments is None:
        raise ValueError("All time has no first and last moment.")
    return moments


def _adapt_moments(moments: Iterable[datetime]) -> list[Any]:
    return [connection.ops.adapt_datetimefield_value(moment) for moment in moments]


def fetch(sql: str, values: Sequence[Any]) -> list[tuple[Any, ...]]:
    """Return the rows of a statement."""
    with connection.cursor() as cursor:
        cursor.execute(sql, values)
        rows: list[tuple[Any, ...]] = cursor.fetchall()
        return rows


# --- Days -------------------------------------------------------------------------------------------------------------


def load_days(listener: User, period: Period) -> list[DaySums]:
    """Return the days with plays, the oldest first."""
    days = DayTotal.objects.filter(listener=listener)
    if period.first is not None and period.after is not None:
        days = days.filter(day__gte=period.first, day__lt=period.after)
    # texts past Django's fields: to convert each value alone would take longer than the query
    texts = Cast("day", TextField()), Cast("hours", TextField())
    columns = (*texts, "n_plays", "n_measured", "played_ms")
    rows = fetch(*days.order_by("day").values_list(*columns).query.sql_with_params())
    hours: list[list[int]] = json.loads("[" + ",".join(row[1] for row in rows) + "]")
    return [
        DaySums(date.fromisoformat(day), n_plays, n_measured, played_ms, each)
        for (day, _hours, n_plays, n_measured, played_ms), each in zip(rows, hours, strict=True)
    ]


def sum_days(listener: User, period: Period, days: Sequence[DaySums]) -> Totals:
    """Return the totals of a period; for all time, plays without a time are in `n_plays`."""
    n_timed = sum(day.n_plays for day in days)
    n_plays = n_timed
    if period.is_all:
        untimed = SongMonth.objects.filter(listener=listener, month=UNTIMED)
        n_plays += untimed.aggregate(n=Sum("n_plays"))["n"] or 0
    return Totals(
        n_plays,
        n_timed,
        sum(day.n_measured for day in days),
        sum(day.played_ms for day in days),
        len(days),
    )


def sum_hours(days: Sequence[DaySums]) -> list[int]:
    """Return the plays in each of the 24 hours of the day."""
    return [sum(column) for column in zip(*(day.hours for day in days), strict=True)] or [0] * 24


def sum_weekdays(days: Sequence[DaySums]) -> list[int]:
    """Return the plays on each day of the week, from Monday."""
    sums = [0] * 7
    for day in days:
        sums[day.day.weekday()] += day.n_plays
    return sums


def count_new_songs(listener: User, periods: Sequence[Period]) -> list[int]:
    """Return for each period how many songs were played in it for the first time ever; one statement."""
    zone = get_time_zone(listener)
    one = (
        "SELECT %s, COUNT(*) FROM catalog_songtotal "
        "WHERE listener_id = %s AND first_at >= %s AND first_at < %s"
    )
    values: list[Any] = []
    for number, period in enumerate(periods):
        values += [number, listener.pk, *_adapt_moments(_get_moments(period, zone))]
    if not periods:
        return []
    counts = {
        int(number): n for number, n in fetch(" UNION ALL ".join([one] * len(periods)), values)
    }
    return [counts[number] for number in range(len(periods))]


def find_streaks(
    listener: User, today: date, days: Sequence[DaySums] | None = None
) -> tuple[Streak | None, Streak | None]:
    """Return the longest streak of all time, the latest of equals, and the one that goes on today.

    `days` are those of all time, where they have been read already.
    """
    played_on = _list_days(listener) if days is None else [one.day for one in days]
    if not played_on:
        return None, None
    first = last = played_on[0]
    longest = first, first
    for day in played_on:
        if day - last > _DAY:
            first = day
        last = day
        if day - first >= longest[1] - longest[0]:
            longest = first, day
    current = Streak(first, last) if today - _DAY <= last <= today else None
    return Streak(*longest), current


def _list_days(listener: User) -> list[date]:
    days = DayTotal.objects.filter(listener=listener).order_by("day")
    texts = days.values_list(Cast("day", TextField()), flat=True)
    return [date.fromisoformat(day) for day in texts]


def find_first_and_last_play(
    listener: User, period: Period
) -> tuple[Interaction | None, Interaction | None]:
    """Return the first and last play of a period with their songs; two queries."""
    plays: QuerySet[Interaction] = Interaction.objects.for_listener(listener).filter(
        kind=Interaction.Kind.PLAY, occurred_at__isnull=False
    )
    moments = period.get_moments(get_time_zone(listener))
    if moments is not None:
        plays = plays.filter(occurred_at__gte=moments[0], occurred_at__lt=moments[1])
    plays = plays.select_related("song__artist", "song__album").prefetch_related("song__genres")
    return plays.order_by("occurred_at", "pk").first(), plays.order_by(
        "-occurred_at", "-pk"
    ).first()
