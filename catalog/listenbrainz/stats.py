"""Count a listener's plays by artist, recording and release over ListenBrainz' ranges of time."""

import math
from datetime import date, datetime, timedelta
from typing import Any, NamedTuple

from django.db.models import Count, Model, QuerySet

from accounts.models import User
from accounts.time_zones import get_time_zone
from catalog.listenbrainz.payloads import BadRequest
from catalog.listening import periods
from catalog.listening.periods import Period, add_months
from catalog.models import Album, Artist, Interaction, Song
from catalog.statistics import statistics

ALL_TIME = "all_time"


class _Step(NamedTuple):
    """What a range is cut into for a chart: so many months, or days, how each is called, and what comes before it.

    `n_before` are the months of the range before, 0 for a week.
    """

    n_months: int
    format: str
    n_before: int

    def find_first(self, day: date) -> date:
        """Return the first day of the step that holds a day."""
        if not self.n_months:
            return day
        return day.replace(day=1) if self.n_months < 12 else day.replace(month=1, day=1)


_STEPS = {
    **dict.fromkeys(("week", "this_week"), _Step(0, "%A %d %B %Y", 0)),
    **dict.fromkeys(("month", "this_month"), _Step(0, "%d %B %Y", 1)),
    "quarter": _Step(0, "%d %B %Y", 3),
    "half_yearly": _Step(1, "%B %Y", 6),
    **dict.fromkeys(("year", "this_year"), _Step(1, "%B %Y", 12)),
    ALL_TIME: _Step(12, "%Y", 0),
}


class Grouping(NamedTuple):
    """What plays are counted by, and which columns an answer needs of it."""

    entity: str
    model: type[Model]
    columns: dict[str, str]


GROUPINGS = {
    "artists": Grouping("artists", Artist, {"artist_name": "name", "artist_mbid": "mbid"}),
    "recordings": Grouping(
        "songs",
        Song,
        {
            "track_name": "title",
            "recording_mbid": "mbid",
            "artist_name": "artist__name",
            "artist_mbid": "artist__mbid",
            "release_name": "album__title",
            "release_mbid": "album__mbid",
        },
    ),
    "releases": Grouping(
        "albums",
        Album,
        {
            "release_name": "title",
            "release_mbid": "mbid",
            "artist_name": "artist__name",
            "artist_mbid": "artist__mbid",
        },
    ),
}


def read_range(name: str, today: date) -> Period:
    """Return the days that a range names; raise BadRequest for a name that is none."""
    monday, month = today - timedelta(days=today.weekday()), today.replace(day=1)
    year = month.replace(month=1)
    quarter = month.replace(month=3 * ((today.month - 1) // 3) + 1)
    half = month.replace(month=6 * ((today.month - 1) // 6) + 1)
    tomorrow = today + timedelta(days=1)
    ranges = {
        "this_week": Period(monday, tomorrow),
        "this_month": Period(month, tomorrow),
        "this_year": Period(year, tomorrow),
        "week": Period(monday - timedelta(days=7), monday),
        "month": Period(add_months(month, -1), month),
        "quarter": Period(add_months(quarter, -3), quarter),
        "half_yearly": Period(add_months(half, -6), half),
        "year": Period(add_months(year, -12), year),
        ALL_TIME: periods.ALL_TIME,
    }
    if name not in ranges:
        raise BadRequest(f"Invalid range: {name[:40]}. It must be one of {', '.join(ranges)}.")
    return ranges[name]


def count_activity(listener: User, name: str, today: date) -> list[tuple[Period, str, int]]:
    """Return the days, months or years of a range and of the one before it, each with its English name and its plays.

    All time has the years since the first play. Empty where nothing was played.
    """
    period = read_range(name, today)
    days = statistics.load_days(listener, periods.ALL_TIME)
    if not days:
        return []
    step = _STEPS[name]
    first, after = period.first, period.after
    if first is None or after is None:
        first, after = days[0].day.replace(month=1, day=1), today + timedelta(days=1)
    else:
        first = add_months(first, -step.n_before) if step.n_before else first - timedelta(days=7)
    counted: dict[date, int] = {}
    for day in days:
        if first <= day.day < after:
            begin = step.find_first(day.day)
            counted[begin] = counted.get(begin, 0) + day.n_plays
    steps = []
    begin = first
    while begin < after:
        end = add_months(begin, step.n_months) if step.n_months else begin + timedelta(days=1)
        steps.append((Period(begin, end), begin.strftime(step.format), counted.get(begin, 0)))
        begin = end
    return steps


def rank_plays(
    listener: User, entity: str, period: Period, n: int, offset: int
) -> list[dict[str, Any]]:
    """Return columns of `GROUPINGS[entity]` with `listen_count`, most played first; two queries."""
    grouping = GROUPINGS[entity]
    ranked = statistics.rank(listener, grouping.entity, period, n, offset)
    rows = grouping.model._default_manager.filter(pk__in=[one.pk for one in ranked])
    by_id = {row["pk"]: row for row in rows.values("pk", *grouping.columns.values())}
    return [by_id[one.pk] | {"listen_count": one.n_plays} for one in ranked if one.pk in by_id]


def count_ranked(listener: User, entity: str, period: Period) -> int:
    """Return how many artists, recordings or releases were played."""
    return statistics.count_ranked(listener, GROUPINGS[entity].entity, period)


def read_span(listener: User, period: Period) -> tuple[datetime | None, datetime | None]:
    """Return the first and last moment that is counted: of the period, or of the history for all time."""
    moments = period.get_moments(get_time_zone(listener))
    if moments is not None:
        return moments
    first, last = statistics.find_first_and_last_play(listener, period)
    return first.occurred_at if first else None, last.occurred_at if last else None


def find_similar_listeners(listener: User, n: int) -> list[tuple[str, float]]:
    """Return the n listeners who heard most of the same songs, with the cosine of their sets of songs.

    Only listeners who share playlists are seen. Two queries over the plays of the listener's songs.
    """
    plays = Interaction.objects.filter(kind=Interaction.Kind.PLAY, listener__is_active=True)
    heard = plays.filter(listener=listener).order_by().values("song").distinct()
    n_own = heard.count()
    others = plays.filter(listener__shares_playlists=True).exclude(listener=listener)
    shared = _count_songs(others.filter(song__in=heard))
    totals = _count_songs(others.filter(listener__username__in=shared))
    scores = {name: n_shared / math.sqrt(n_own * totals[name]) for name, n_shared in shared.items()}
    return sorted(scores.items(), key=lambda pair: (-pair[1], pair[0]))[:n]


def _count_songs(plays: QuerySet[Interaction]) -> dict[str, int]:
    by_listener = plays.order_by().values("listener__username")
    counted = by_listener.annotate(n_songs=Count("song", distinct=True))
    return dict(counted.values_list("listener__username", "n_songs"))
