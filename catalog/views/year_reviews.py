"""The year's review: its page, its picture and its link."""

from datetime import date
from uuid import UUID

from django.conf import settings
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.template.loader import render_to_string
from django.urls import reverse
from django.views.decorators.http import require_POST, require_safe

from accounts.models import User
from accounts.requests import SignedInRequest
from catalog.listening import sums, year_reviews
from catalog.listening.periods import Period, make_period
from catalog.models import SharedReview
from catalog.views.statistics import COUNT_SECONDS
from common.http import SiteRequest

_LETTERS = 26
"""Letters of a name that fit into the picture."""


@login_required
@require_safe
def show_review(request: SignedInRequest, year: int) -> HttpResponse:
    period = _get_period(year)
    n_waiting = sums.refresh_sums(request.user, max_seconds=COUNT_SECONDS)
    link = year_reviews.find_link(request.user, year)
    context = {
        "page": "library",
        "tab": "statistics",
        "year": year,
        "n_waiting": n_waiting,
        "review": year_reviews.build_review(request.user, period),
        "link": settings.SITE_URL + reverse("catalog:shared_review", args=[link.pk])
        if link
        else "",
    }
    return render(request, "catalog/year_review.html", context)


@login_required
@require_safe
def serve_picture(request: SignedInRequest, year: int) -> HttpResponse:
    """Answer the listener's own picture of a year."""
    return _draw(request.user, _get_period(year))


@login_required
@require_POST
def change_link(request: SignedInRequest, year: int) -> HttpResponse:
    """Make the link, or take it back."""
    _get_period(year)
    if request.POST.get("link") == "share":
        year_reviews.share_review(request.user, year)
    else:
        year_reviews.revoke_link(request.user, year)
    return redirect("catalog:year_review", year)


@require_safe
def serve_shared(request: SiteRequest, review_id: UUID) -> HttpResponse:
    """Answer the picture that a link leads to, to anybody who has it."""
    shared = get_object_or_404(
        SharedReview.objects.select_related("listener"), pk=review_id, listener__is_active=True
    )
    return _draw(shared.listener, _get_period(shared.year))


def _get_period(year: int) -> Period:
    if not year_reviews.FIRST_YEAR <= year <= year_reviews.LAST_YEAR:
        raise Http404
    return make_period("year", date(year, 1, 1))


def _draw(listener: User, period: Period) -> HttpResponse:
    """Return the picture as SVG: the browser that shows it has letters of every script, which no library here has."""
    sums.refresh_sums(listener, max_seconds=COUNT_SECONDS)
    review = year_reviews.build_review(listener, period)
    most = max([*review.months, 1])
    columns = [
        {"x": 60 + 82 * month, "y": 1110 - round(150 * n / most), "height": round(150 * n / most)}
        for month, n in enumerate(review.months)
    ]
    lists = [
        [(300 + 44 * line, _shorten(name), n) for line, (name, n) in enumerate(rows)]
        for rows in (review.artists, review.songs)
    ]
    context = {
        "review": review,
        "columns": columns,
        "artists": lists[0],
        "songs": lists[1],
        "genres": " · ".join(name for name, _n in review.genres[:3]),
    }
    picture = HttpResponse(
        render_to_string("catalog/year_review.svg", context), content_type="image/svg+xml"
    )
    picture["Content-Disposition"] = f'inline; filename="{review.year}.svg"'
    return picture


def _shorten(name: str) -> str:
    return name if len(name) <= _LETTERS else name[: _LETTERS - 1].rstrip() + "…"
