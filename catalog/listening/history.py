"""A listener's plays and skips, newest first, page by page and narrowed down.

Pages go by the last row of the one before (no offset), so that the last page of a million plays costs what the first
one does. What has no time comes at the end.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TypeVar
from zoneinfo import ZoneInfo

from django.db import connection
from django.db.models import Model, QuerySet, TextField
from django.db.models.functions import Cast, ExtractHour, ExtractIsoWeekDay, Substr

from accounts.models import User
from accounts.time_zones import get_time_zone
from catalog.listening.models import Interaction
from catalog.listening.period_query import UnknownPeriod, read_day
from catalog.listening.periods import ALL_TIME, Period, make_range
from catalog.listening.sum_tables import SourceMonth
from catalog.songs.aliases import find_song_by_number
from catalog.songs.former_artists import find_artist_by_number
from catalog.songs.models import Album, Artist, Genre, Song
from catalog.songs.search import shorten_query
from common.bad_values import LARGEST

M = TypeVar("M", bound=Model)
Q = TypeVar("Q")

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_HOUR = timedelta(hours=1)


@dataclass(frozen=True)
class HistoryFilter:
    """What is wanted of a history; without conditions, everything."""

    words: str = ""
    artist: Artist | None = None
    song: Song | None = None
    album: Album | None = None
    genre: Genre | None = None
    source: str = ""
    period: Period = ALL_TIME
    hour: int | None = None
    """0 to 23 in the listener's time zone."""
    weekday: int | None = None
    """1 for Monday to 7 for Sunday in the listener's time zone."""

    @property
    def is_empty(self) -> bool:
        """Whether nothing but days is asked for."""
        narrowed = self.words or self.artist or self.song or self.album or self.genre or self.source
        return not narrowed and self.hour is None and self.weekday is None


@dataclass(frozen=True)
class HistoryPage:
    """Rows of a page, and where the older and the newer ones begin; empty where there are none."""

    rows: list[Interaction]
    older: str = ""
    newer: str = ""


def read_filter(listener: User, query: Mapping[str, str]) -> HistoryFilter:
    """Return what an address asks for; ids of nothing a listener may see and days that are none count for nothing."""
    songs = Song.objects.filter_visible(listener)
    visible_artists = Artist.objects.filter_visible(listener)
    return HistoryFilter(
        words=shorten_query(query.get("q", "")),
        artist=_find_row(find_artist_by_number, visible_artists, query.get("artist")),
        song=_find_row(find_song_by_number, songs.select_related("artist"), query.get("song")),
        album=_find(
            Album.objects.filter(pk__in=songs.values("album")).select_related("artist"),
            query.get("album"),
        ),
        genre=_find(Genre.objects.all(), query.get("genre")),
        source=query.get("source", "").replace("\x00", "")[:40],
        period=_read_days(query),
        hour=_read_number(query.get("hour"), range(24)),
        weekday=_read_number(query.get("weekday"), range(1, 8)),
    )


def load_page(listener: User, wanted: HistoryFilter, cursor: str, n: int) -> HistoryPage:
    """Return the page of `n` rows that `cursor` names; the first page for an unknown one."""
    direction, moment, pk = _read_cursor(cursor)
    rows = _select_rows(listener, wanted)
    if direction == "newer":
        newer = _load_newer(rows, moment, pk, n + 1)
        if not newer:
            return load_page(listener, wanted, "", n)
        return HistoryPage(
            newer[-n:], older=_name_row("older", newer[-1]), newer=_name_first(newer, n)
        )
    older = _load_older(rows, wanted, moment, pk, n + 1)
    return HistoryPage(
        older[:n],
        older=_name_row("older", older[n - 1]) if len(older) > n else "",
        newer=_name_row("newer", older[0]) if cursor and older and older[0].occurred_at else "",
    )


def list_sources(listener: User) -> list[str]:
    """Return the sources of the listener's plays by name."""
    sources = SourceMonth.objects.filter(listener=listener).values_list("source", flat=True)
    return sorted(set(sources.distinct()))


def _select_rows(listener: User, wanted: HistoryFilter) -> QuerySet[Interaction]:
    # Written out, and not as values, so that SQLite may use the index that holds plays and skips only.
    rows = Interaction.objects.for_listener(listener).extra(
        where=["catalog_interaction.kind IN (0, 3)"]
    )
    songs = _select_songs(wanted)
    if songs is not None:
        rows = rows.filter(song__in=songs.order_by().values("pk"))
    if wanted.source:
        rows = rows.filter(source=wanted.source)
    zone = get_time_zone(listener)
    moments = wanted.period.get_moments(zone)
    if moments is not None:
        rows = rows.filter(occurred_at__gte=moments[0], occurred_at__lt=moments[1])
    if wanted.hour is not None:
        if connection.vendor == "sqlite":
            # Its zones are a function in Python: first come the rows whose hour in UTC may be the one.
            hours = [f"{hour:02d}" for hour in _list_utc_hours(zone, wanted.hour)]
            utc_hour = Substr(Cast("occurred_at", TextField()), 12, 2)
            rows = rows.alias(utc_hour=utc_hour).filter(utc_hour__in=hours)
        rows = rows.alias(hour=ExtractHour("occurred_at", tzinfo=zone)).filter(hour=wanted.hour)
    if wanted.weekday is not None:
        rows = rows.alias(weekday=ExtractIsoWeekDay("occurred_at", tzinfo=zone))
        rows = rows.filter(weekday=wanted.weekday)
    return rows.select_related("song__artist", "song__album").prefetch_related("song__genres")


def _list_utc_hours(zone: ZoneInfo, hour: int) -> list[int]:
    """Return the hours in UTC in which it may be this hour in the zone, in any month since 1970."""
    months = (
        datetime(year, month, 1, tzinfo=UTC)
        for year in range(_EPOCH.year, datetime.now(UTC).year + 1)
        for month in range(1, 13)
    )
    offsets = {moment.astimezone(zone).utcoffset() or timedelta() for moment in months}
    starts = {timedelta(hours=hour) - offset for offset in offsets}
    last = timedelta(minutes=59)
    return sorted({(moment // _HOUR) % 24 for start in starts for moment in (start, start + last)})


def _select_songs(wanted: HistoryFilter) -> QuerySet[Song] | None:
    songs = Song.objects.all()
    if wanted.words:
        songs = songs.matching(wanted.words)
    if wanted.artist:
        songs = songs.by_artists([wanted.artist.pk])
    if wanted.song:
        songs = songs.filter(pk=wanted.song.pk)
    if wanted.album:
        songs = songs.filter(album=wanted.album)
    if wanted.genre:
        songs = songs.filter(genres=wanted.genre)
    is_any = wanted.words or wanted.artist or wanted.song or wanted.album or wanted.genre
    return songs if is_any else None


def _load_older(
    rows: QuerySet[Interaction], wanted: HistoryFilter, moment: datetime | None, pk: int, n: int
) -> list[Interaction]:
    """Return the first `n` rows behind the one at `moment` with `pk`; behind none at all, the newest."""
    page: list[Interaction] = []
    if moment is not None or not pk:
        timed = rows.extra(where=["catalog_interaction.occurred_at IS NOT NULL"])
        if moment is not None:
            timed = timed.filter(occurred_at__lte=moment).exclude(occurred_at=moment, pk__gte=pk)
        page = list(timed.order_by("-occurred_at", "-pk")[:n])
        pk = 0
    if len(page) < n and wanted.period.is_all:
        untimed = rows.filter(occurred_at=None)
        if pk:
            untimed = untimed.filter(pk__lt=pk)
        page += untimed.order_by("-pk")[: n - len(page)]
    return page


def _load_newer(
    rows: QuerySet[Interaction], moment: datetime | None, pk: int, n: int
) -> list[Interaction]:
    """Return the last `n` rows before the one at `moment` with `pk`, in the order of the page."""
    if moment is None:
        return []
    newer = rows.filter(occurred_at__gte=moment).exclude(occurred_at=moment, pk__lte=pk)
    return list(newer.order_by("occurred_at", "pk")[:n])[::-1]


# --- Addresses --------------------------------------------------------------------------------------------------------


def _name_first(rows: list[Interaction], n: int) -> str:
    return _name_row("newer", rows[-n]) if len(rows) > n else ""


def _name_row(direction: str, row: Interaction) -> str:
    """Return the cursor of a row: the direction, its time in microseconds and its id."""
    moment = "" if row.occurred_at is None else (row.occurred_at - _EPOCH) // _MICROSECOND
    return f"{direction}.{moment}.{row.pk}"


def _read_cursor(cursor: str) -> tuple[str, datetime | None, int]:
    direction, _, rest = cursor.partition(".")
    moment, _, pk = rest.partition(".")
    if direction not in ("older", "newer") or not _is_id(pk):
        return "", None, 0
    if not moment:
        return direction, None, int(pk)
    try:
        return direction, _EPOCH + int(moment[:20]) * _MICROSECOND, int(pk)
    except (ValueError, OverflowError):
        return "", None, 0


def _find(rows: QuerySet[M], pk: str | None) -> M | None:
    return rows.filter(pk=int(pk)).first() if pk and _is_id(pk) else None


def _find_row(find: Callable[[Q, int], M | None], rows: Q, pk: str | None) -> M | None:
    return find(rows, int(pk)) if pk and _is_id(pk) else None


def _is_id(text: str) -> bool:
    return text.isascii() and text.isdecimal() and len(text) < 20 and int(text) <= LARGEST


def _read_number(text: str | None, allowed: range) -> int | None:
    """Return the number that a text is, of those that are allowed; None for any other text."""
    return int(text) if text and _is_id(text) and int(text) in allowed else None


def _read_days(query: Mapping[str, str]) -> Period:
    try:
        first = read_day(query["from"]) if query.get("from") else None
        last = read_day(query["to"]) if query.get("to") else None
    except UnknownPeriod:
        return ALL_TIME
    if first is None and last is None:
        return ALL_TIME
    return make_range(first or _EPOCH.date(), last or datetime(9998, 12, 31, tzinfo=UTC).date())
