"""What a listener played, as JSON: the numbers of the page "Your listening"."""

from typing import Any

from django.db.models import Model
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.exceptions import NotFound, ValidationError
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.requests import SignedInApiRequest
from accounts.time_zones import get_local_day, get_time_zone
from catalog.api.serializers import document_example
from catalog.listening.period_query import PERIODS, USUAL, UnknownPeriod, read_period
from catalog.listening.periods import Period
from catalog.models import Album, Artist, Genre, Song
from catalog.statistics import charts, statistics, sums

COUNT_SECONDS = 2.0
"""How long a request counts months that changed; what is left is in `months_left`."""
MAX_COUNT, MAX_OFFSET = 100, 1_000_000
_PERIOD = {"period": "month", "first": "2026-08-01", "last": "2026-08-31"}
_PARAMETERS = [
    OpenApiParameter("period", str, enum=PERIODS, default=USUAL, description="A calendar period."),
    OpenApiParameter("day", str, description="A day of the period, such as 2026-08-24; today."),
    OpenApiParameter("from", str, description="First day of any range, instead of `period`."),
    OpenApiParameter("to", str, description="Last day of any range."),
]


class BarSerializer(serializers.Serializer[Any]):
    first = serializers.DateField()
    last = serializers.DateField()
    plays = serializers.IntegerField()
    new = serializers.IntegerField(help_text="Songs that were played for the first time ever.")


class StreakSerializer(serializers.Serializer[Any]):
    first = serializers.DateField()
    last = serializers.DateField()
    days = serializers.IntegerField()


@document_example(
    _PERIOD
    | {
        "time_zone": "Europe/Berlin",
        "plays": 412,
        "untimed_plays": 0,
        "played_ms": 87_210_000,
        "measured_plays": 398,
        "songs": 190,
        "artists": 71,
        "new_songs": 34,
        "days_with_plays": 27,
        "bars": [{"first": "2026-08-01", "last": "2026-08-01", "plays": 12, "new": 2}],
        "hours": [0] * 18 + [31, 40, 22, 9, 0, 0],
        "weekdays": [60, 58, 61, 55, 70, 58, 50],
        "sources": {"api": 412},
        "longest_streak": {"first": "2026-06-01", "last": "2026-07-20", "days": 50},
        "current_streak": None,
        "months_left": 0,
    }
)
class StatisticsSerializer(serializers.Serializer[Any]):
    """Days are those of `time_zone`; without days (`period=all`), `first` and `last` are null."""

    period = serializers.CharField()
    first = serializers.DateField(allow_null=True)
    last = serializers.DateField(allow_null=True)
    time_zone = serializers.CharField()
    plays = serializers.IntegerField()
    untimed_plays = serializers.IntegerField(help_text="Plays whose source does not say when.")
    played_ms = serializers.IntegerField(help_text="Of the measured plays.")
    measured_plays = serializers.IntegerField(help_text="Plays whose source says how long.")
    songs = serializers.IntegerField()
    artists = serializers.IntegerField()
    new_songs = serializers.IntegerField()
    days_with_plays = serializers.IntegerField()
    bars = BarSerializer(many=True)
    hours = serializers.ListField(
        child=serializers.IntegerField(), help_text="Plays in each hour, from 0."
    )
    weekdays = serializers.ListField(
        child=serializers.IntegerField(), help_text="Plays from Monday to Sunday."
    )
    sources = serializers.DictField(child=serializers.IntegerField())
    longest_streak = StreakSerializer(allow_null=True)
    current_streak = StreakSerializer(allow_null=True)
    months_left = serializers.IntegerField(help_text="Months that are still being counted.")


class RankedSerializer(serializers.Serializer[Any]):
    id = serializers.CharField(help_text="The id of the song, artist, album or genre.")
    name = serializers.CharField()
    artist = serializers.CharField(allow_null=True, help_text="Of a song or an album.")
    plays = serializers.IntegerField()


@document_example(
    _PERIOD
    | {
        "total": 71,
        "items": [{"id": "7", "name": "The Lanterns", "artist": None, "plays": 38}],
        "months_left": 0,
    }
)
class RankingSerializer(serializers.Serializer[Any]):
    period = serializers.CharField()
    first = serializers.DateField(allow_null=True)
    last = serializers.DateField(allow_null=True)
    total = serializers.IntegerField(help_text="How many different ones were played.")
    items = RankedSerializer(many=True)
    months_left = serializers.IntegerField(help_text="Months that are still being counted.")


@extend_schema(tags=["Statistics"], parameters=_PARAMETERS, responses=StatisticsSerializer)
class MyStatistics(APIView):
    """What I played in a period, when, and how much of it was new."""

    def get(self, request: SignedInApiRequest) -> Response:
        listener = request.user
        period, today = _read_period(request), get_local_day(listener)
        n_waiting = sums.refresh_sums(listener, max_seconds=COUNT_SECONDS)
        days = statistics.load_days(listener, period)
        totals = statistics.sum_days(listener, period, days)
        bars = charts.build_bars(listener, period, days, today)
        of_all_time = days if period.is_all else None
        longest, current = statistics.find_streaks(listener, today, of_all_time)
        summary = statistics.summarise(listener, period, 0)
        return Response(
            {
                **_describe(period),
                "time_zone": get_time_zone(listener).key,
                "plays": totals.n_plays,
                "untimed_plays": totals.n_plays - totals.n_timed,
                "played_ms": totals.played_ms,
                "measured_plays": totals.n_measured,
                "songs": summary.n_songs,
                "artists": summary.n_artists,
                "new_songs": sum(bar.n_new for bar in bars),
                "days_with_plays": totals.n_days,
                "bars": [
                    {
                        "first": bar.period.first,
                        "last": bar.period.last,
                        "plays": bar.n_plays,
                        "new": bar.n_new,
                    }
                    for bar in bars
                ],
                "hours": statistics.sum_hours(days),
                "weekdays": statistics.sum_weekdays(days),
                "sources": dict(statistics.count_sources(listener, period)),
                "longest_streak": _describe_streak(longest),
                "current_streak": _describe_streak(current),
                "months_left": n_waiting,
            }
        )


@extend_schema(
    tags=["Statistics"],
    parameters=[
        OpenApiParameter("entity", str, "path", enum=statistics.ENTITIES),
        *_PARAMETERS,
        OpenApiParameter("count", int, description=f"1 to {MAX_COUNT}; 25."),
        OpenApiParameter("offset", int, description="How many to leave out at the top."),
    ],
    responses=RankingSerializer,
)
class MyRanking(APIView):
    """My most played songs, artists, albums or genres of a period."""

    def get(self, request: SignedInApiRequest, entity: str) -> Response:
        if entity not in statistics.ENTITIES:
            raise NotFound(f"There are {', '.join(statistics.ENTITIES)}, no {entity[:40]!r}.")
        period = _read_period(request)
        count = _read_number(request, "count", 25, 1, MAX_COUNT)
        offset = _read_number(request, "offset", 0, 0, MAX_OFFSET)
        n_waiting = sums.refresh_sums(request.user, max_seconds=COUNT_SECONDS)
        ranked = statistics.rank(request.user, entity, period, count, offset)
        rows = _load_names(entity, [one.pk for one in ranked])
        return Response(
            {
                **_describe(period),
                "total": statistics.count_ranked(request.user, entity, period),
                "items": [
                    rows[one.pk] | {"plays": one.n_plays} for one in ranked if one.pk in rows
                ],
                "months_left": n_waiting,
            }
        )


_COLUMNS: dict[str, tuple[type[Model], tuple[str, ...]]] = {
    "songs": (Song, ("pk", "key", "title", "artist__name")),
    "artists": (Artist, ("pk", "pk", "name")),
    "albums": (Album, ("pk", "pk", "title", "artist__name")),
    "genres": (Genre, ("pk", "pk", "name")),
}


def _load_names(entity: str, ids: list[int]) -> dict[int, dict[str, Any]]:
    model, columns = _COLUMNS[entity]
    rows = model._default_manager.filter(pk__in=ids).values_list(*columns)
    return {
        pk: {"id": str(public_id), "name": name, "artist": artist[0] if artist else None}
        for pk, public_id, name, *artist in rows
    }


def _read_period(request: SignedInApiRequest) -> Period:
    try:
        return read_period(request.query_params, get_local_day(request.user))
    except UnknownPeriod as error:
        raise ValidationError({"period": [str(error)]}) from None


def _read_number(request: Request, name: str, usual: int, least: int, most: int) -> int:
    text = request.query_params.get(name, str(usual))
    if not (text.isascii() and text.isdecimal() and len(text) < 10 and least <= int(text) <= most):
        raise ValidationError({name: [f"It must be a whole number from {least} to {most:,}."]})
    return int(text)


def _describe(period: Period) -> dict[str, Any]:
    return {"period": period.name, "first": period.first, "last": period.last}


def _describe_streak(streak: statistics.Streak | None) -> dict[str, Any] | None:
    if streak is None:
        return None
    return {"first": streak.first, "last": streak.last, "days": streak.n_days}
