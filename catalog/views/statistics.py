"""Your listening: what a listener played in a week, a month, a year, in all time or between any two days."""

from collections.abc import Mapping
from datetime import date
from typing import Any, Literal

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.db.models import Model
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from accounts.models import User
from accounts.requests import SignedInRequest
from accounts.time_zones import get_local_day, get_time_zone
from catalog.listening.period_query import UnknownPeriod, build_query, read_period
from catalog.listening.periods import Period
from catalog.models import Album, Artist, Genre, Song
from catalog.songs.artist_pictures import choose_picture_songs, load_picture_songs
from catalog.statistics import charts, rank_changes, statistics, sums
from catalog.statistics.rank_changes import RankChange
from catalog.statistics.statistics import Ranked

N_TOP, N_DISCOVERIES = 10, 8
N_LONG = 50
"""So many of each are shown to who wants more."""
COUNT_SECONDS = 0.5
"""How long one request counts outdated months; a task counts the rest."""


@login_required
@require_safe
def show_statistics(request: SignedInRequest) -> HttpResponse:
    listener = request.user
    today = get_local_day(listener)
    try:
        period = read_period(request.GET, today)
    except UnknownPeriod:
        messages.error(request, _("That isn't a valid period. This is the current month."))
        return redirect("catalog:statistics")
    is_long = request.GET.get("top") == str(N_LONG)
    n_waiting = sums.refresh_sums(listener, max_seconds=COUNT_SECONDS)
    context = {
        "page": "library",
        "tab": "statistics",
        "period": period,
        "tabs": _build_tabs(period, today),
        "previous": _build_link(period.get_previous()),
        "next": _build_link(following) if _is_past(following := period.get_next(), today) else None,
        "n_waiting": n_waiting,
        "zone": get_time_zone(listener).key.replace("_", " "),
        "own_query": build_query(period),
        "is_long": is_long,
        "n_short": N_TOP,
        "n_long": N_LONG,
        **build_figures(listener, period, N_LONG if is_long else N_TOP),
    }
    return render(request, "catalog/statistics.html", context)


def build_figures(listener: User, period: Period, n_top: int = N_TOP) -> dict[str, Any]:
    """Return everything that the page shows of one period."""
    today = get_local_day(listener)
    days = statistics.load_days(listener, period)
    totals = statistics.sum_days(listener, period, days)
    if not totals.n_plays:
        return {"totals": totals}
    bars = charts.build_bars(listener, period, days, today)
    of_all_time = days if period.is_all else None
    longest, current = statistics.find_streaks(listener, today, of_all_time)
    first, last = statistics.find_first_and_last_play(listener, period)
    before, same_span = period.get_previous(), period.get_same_span_before(today)
    days_before = statistics.load_days(listener, before) if before else []
    n_before = sum(one.n_plays for one in days_before if _holds(same_span, one.day))
    n_new = sum(bar.n_new for bar in bars)
    summary = statistics.summarise(listener, period, n_top, N_DISCOVERIES)
    return {
        "totals": totals,
        "hours": round(totals.played_ms / 3_600_000, 1),
        "measured_percent": round(100 * totals.n_measured / totals.n_timed)
        if totals.n_timed
        else 0,
        "change_percent": round(100 * (totals.n_plays / n_before - 1)) if n_before else None,
        "n_days_before": same_span.n_days
        if before and same_span and same_span.after != before.after
        else 0,
        "n_songs": summary.n_songs,
        "n_artists": summary.n_artists,
        "n_new": n_new,
        "n_replayed": max(totals.n_timed - n_new, 0),
        "bars": bars,
        "calendar": charts.build_calendar(days, period, today),
        "most": max((bar.n_plays for bar in bars), default=0),
        "clock": statistics.sum_hours(days),
        "weekdays": statistics.sum_weekdays(days),
        "longest": longest,
        "current": current,
        "first": first,
        "last": last,
        "tops": _load_tops(
            listener,
            summary.tops,
            rank_changes.find_rank_changes(listener, period, summary.tops) if days_before else {},
        ),
        "discoveries": _load_rows(Song, summary.discoveries),
        "sources": statistics.count_sources(listener, period),
    }


_PICTURED: dict[str, Literal["artist", "album"]] = {"artists": "artist", "albums": "album"}
_MODELS: dict[str, type[Model]] = {
    "songs": Song,
    "artists": Artist,
    "albums": Album,
    "genres": Genre,
}


def _load_tops(
    listener: User,
    tops: Mapping[str, list[Ranked]],
    changes: Mapping[str, Mapping[int, RankChange]],
) -> dict[str, list[dict[str, Any]]]:
    """Return the rows of each ranking with their changes, and with the song whose picture is shown except genres."""
    rows = {entity: _load_rows(_MODELS[entity], top) for entity, top in tops.items()}
    for entity, by_id in changes.items():
        for row in rows[entity]:
            row["change"] = by_id.get(row["it"].pk)
    for row in rows.get("songs", []):
        row["song"] = row["it"]
    chosen = {
        (owner, pk): song_id
        for entity, owner in _PICTURED.items()
        for pk, song_id in choose_picture_songs(
            owner, [row["it"].pk for row in rows.get(entity, [])], listener
        ).items()
    }
    pictures = load_picture_songs(chosen)
    for entity, owner in _PICTURED.items():
        for row in rows.get(entity, []):
            row["song"] = pictures.get((owner, row["it"].pk))
    return rows


def _load_rows(model: type[Model], ranked: list[Ranked]) -> list[dict[str, Any]]:
    """Return the ranked rows with their objects and their share of the first one's plays."""
    rows = model._default_manager.all()
    if model is Song:
        rows = Song.objects.for_cards()
    elif model is Album:
        rows = Album.objects.select_related("artist")
    by_id = rows.in_bulk([one.pk for one in ranked])
    most = max((one.n_plays for one in ranked), default=1)
    return [
        {"it": by_id[one.pk], "n_plays": one.n_plays, "percent": round(100 * one.n_plays / most, 1)}
        for one in ranked
        if one.pk in by_id
    ]


def _build_tabs(period: Period, today: date) -> list[dict[str, Any]]:
    names = {"week": _("Week"), "month": _("Month"), "year": _("Year"), "all": _("All time")}
    day = min(period.last, today) if period.last else today
    return [
        {
            "label": label,
            "query": "period=all" if name == "all" else f"period={name}&day={day}",
            "is_current": period.name == name,
        }
        for name, label in names.items()
    ]


def _build_link(period: Period | None) -> str | None:
    return build_query(period) if period else None


def _holds(period: Period | None, day: date) -> bool:
    """Return whether a day is in a period that has a beginning and an end."""
    return bool(period and period.first and period.after and period.first <= day < period.after)


def _is_past(period: Period | None, today: date) -> bool:
    return period is not None and period.first is not None and period.first <= today
