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
from catalog.listening.periods import Period, make_period
from catalog.models import SharedReview
from catalog.statistics import review_picture, sums, year_reviews
from catalog.views.statistics import COUNT_SECONDS
from common.http import SiteRequest


@login_required
@require_safe
def show_review(request: SignedInRequest, year: int) -> HttpResponse:
    period = _get_period(year)
    n_waiting = sums.refresh_sums(request.user, max_seconds=COUNT_SECONDS)
    link = year_reviews.find_link(request.user, year)
    review = year_reviews.build_review(request.user, period)
    has_png = review_picture.can_draw_png(review_picture.build_picture(review))
    form = "png" if has_png else "svg"
    context = {
        "page": "library",
        "tab": "statistics",
        "year": year,
        "n_waiting": n_waiting,
        "review": review,
        "has_png": has_png,
        "link": settings.SITE_URL + reverse("catalog:shared_review", args=[link.pk, form])
        if link
        else "",
    }
    return render(request, "catalog/year_review.html", context)


@login_required
@require_safe
def serve_picture(request: SignedInRequest, year: int, form: str) -> HttpResponse:
    """Answer the listener's own picture of a year."""
    return _draw(request.user, _get_period(year), form)


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
def serve_shared(request: SiteRequest, review_id: UUID, form: str) -> HttpResponse:
    """Answer the picture that a link leads to, to anybody who has it."""
    shared = get_object_or_404(
        SharedReview.objects.select_related("listener"), pk=review_id, listener__is_active=True
    )
    return _draw(shared.listener, _get_period(shared.year), form)


def _get_period(year: int) -> Period:
    if not year_reviews.FIRST_YEAR <= year <= year_reviews.LAST_YEAR:
        raise Http404
    return make_period("year", date(year, 1, 1))


def _draw(listener: User, period: Period, form: str) -> HttpResponse:
    """Return the picture as SVG or PNG; 404 for a PNG that no font of this machine can write."""
    sums.refresh_sums(listener, max_seconds=COUNT_SECONDS)
    review = year_reviews.build_review(listener, period)
    picture = review_picture.build_picture(review)
    if form == "png":
        drawn = review_picture.draw_png(picture)
        if drawn is None:
            raise Http404
        answer = HttpResponse(drawn, content_type="image/png")
    else:
        svg = render_to_string("catalog/year_review.svg", {"picture": picture})
        answer = HttpResponse(svg, content_type="image/svg+xml")
    answer["Content-Disposition"] = f'inline; filename="{review.year}.{form}"'
    return answer
