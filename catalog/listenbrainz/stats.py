"""Count a listener's plays by artist, recording and release over ListenBrainz' ranges of time."""

import math
from datetime import UTC, date, datetime, time, timedelta
from typing import NamedTuple

from django.db.models import Count, Max, Min, QuerySet, Sum

from accounts.models import User
from catalog.listenbrainz.payloads import BadRequest
from catalog.models import Interaction

ALL_TIME = "all_time"


class Range(NamedTuple):
    """Days from `first` up to and without `after`, in UTC."""

    first: date
    after: date


class Grouping(NamedTuple):
    """What plays are counted by, and which columns an answer needs of it."""

    group: str
    columns: dict[str, str]


GROUPINGS = {
    "artists": Grouping(
        "song__artist", {"artist_name": "song__artist__name", "artist_mbid": "song__artist__mbid"}
    ),
    "recordings": Grouping(
        "song",
        {
            "track_name": "song__title",
            "recording_mbid": "song__mbid",
            "artist_name": "song__artist__name",
            "artist_mbid": "song__artist__mbid",
            "release_name": "song__album__title",
            "release_mbid": "song__album__mbid",
        },
    ),
    "releases": Grouping(
        "song__album",
        {
            "release_name": "song__album__title",
            "release_mbid": "song__album__mbid",
            "artist_name": "song__album__artist__name",
            "artist_mbid": "song__album__artist__mbid",
        },
    ),
}


def read_range(name: str, today: date) -> Range | None:
    """Return the days that a range names, None for all time; raise BadRequest for a name that is none."""
    monday, month = today - timedelta(days=today.weekday()), today.replace(day=1)
    year = month.replace(month=1)
    quarter = month.replace(month=3 * ((today.month - 1) // 3) + 1)
    half = month.replace(month=6 * ((today.month - 1) // 6) + 1)
    tomorrow = today + timedelta(days=1)
    ranges = {
        "this_week": Range(monday, tomorrow),
        "this_month": Range(month, tomorrow),
        "this_year": Range(year, tomorrow),
        "week": Range(monday - timedelta(days=7), monday),
        "month": Range(_subtract_months(month, 1), month),
        "quarter": Range(_subtract_months(quarter, 3), quarter),
        "half_yearly": Range(_subtract_months(half, 6), half),
        "year": Range(_subtract_months(year, 12), year),
    }
    if name != ALL_TIME and name not in ranges:
        names = ", ".join([*ranges, ALL_TIME])
        raise BadRequest(f"Invalid range: {name[:40]}. It must be one of {names}.")
    return ranges.get(name)


def count_plays(listener: User, entity: str, span: Range | None) -> QuerySet:
    """Return rows of `GROUPINGS[entity]` with `listen_count`, most played first; one query a page."""
    grouping = GROUPINGS[entity]
    plays = _select_plays(listener, span).filter(**{f"{grouping.group}__isnull": False})
    rows = plays.order_by().values(grouping.group, *grouping.columns.values())
    return rows.annotate(listen_count=Sum("plays")).order_by("-listen_count", grouping.group)


def read_span(listener: User, span: Range | None) -> tuple[datetime | None, datetime | None]:
    """Return the first and last moment that is counted: of the range, or of the history for all time."""
    if span is not None:
        return _get_midnight(span.first), _get_midnight(span.after)
    moments = _select_plays(listener, None).aggregate(
        first=Min("occurred_at"), last=Max("occurred_at")
    )
    return moments["first"], moments["last"]


def find_similar_listeners(listener: User, n: int) -> list[tuple[str, float]]:
    """Return the n listeners who heard most of the same songs, with the cosine of their sets of songs.

    Only listeners who share playlists are seen. Two queries over the plays of the listener's songs.
    """
    heard = _select_plays(listener, None).values("song").distinct()
    n_own = heard.count()
    plays = Interaction.objects.filter(kind=Interaction.Kind.PLAY, listener__is_active=True)
    others = plays.filter(listener__shares_playlists=True).exclude(listener=listener)
    shared = _count_songs(others.filter(song__in=heard))
    totals = _count_songs(others.filter(listener__username__in=shared))
    scores = {name: n_shared / math.sqrt(n_own * totals[name]) for name, n_shared in shared.items()}
    return sorted(scores.items(), key=lambda pair: (-pair[1], pair[0]))[:n]


def _count_songs(plays: QuerySet[Interaction]) -> dict[str, int]:
    by_listener = plays.order_by().values("listener__username")
    counted = by_listener.annotate(n_songs=Count("song", distinct=True))
    return dict(counted.values_list("listener__username", "n_songs"))


def _select_plays(listener: User, span: Range | None) -> QuerySet[Interaction]:
    plays = Interaction.objects.for_listener(listener).filter(kind=Interaction.Kind.PLAY)
    if span is None:
        return plays
    return plays.filter(
        occurred_at__gte=_get_midnight(span.first), occurred_at__lt=_get_midnight(span.after)
    )


def _get_midnight(day: date) -> datetime:
    return datetime.combine(day, time(), UTC)


def _subtract_months(first_of_month: date, n: int) -> date:
    months = first_of_month.year * 12 + first_of_month.month - 1 - n
    return date(months // 12, months % 12 + 1, 1)
