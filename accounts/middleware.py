"""What every request of the site passes, and what every answer gets."""

import time
from collections.abc import Callable
from typing import Any, TypeVar

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.utils.cache import patch_vary_headers
from rest_framework.views import APIView

from accounts import services, throttle
from accounts.time_zones import get_time_zone, read_browser_time_zone

PERIOD = 60

View = TypeVar("View", bound=Callable[..., Any])


class PrivateByDefault:
    """Keep every page out of every cache unless its view says otherwise: nearly all of them are personal."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        if not response.has_header("Cache-Control"):
            response["Cache-Control"] = "private, no-store"
            patch_vary_headers(response, ["Cookie", "HX-Request"])
        return response


class LimitAnonymousPages:
    """Limit how many pages a minute one network opens without an account: some cost a lot of work.

    The API has allowances of its own. Drawn covers and icons, of which a page shows dozens, are exempt
    by `exempt_from_page_limit`.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self.get_response(request)

    def process_view(
        self, request: HttpRequest, view: Callable[..., Any], args: Any, kwargs: Any
    ) -> HttpResponse | None:
        is_api = issubclass(getattr(view, "cls", object), APIView)
        if is_api or getattr(view, "is_without_page_limit", False) or request.user.is_authenticated:
            return None
        now = time.time()
        who = f"pages:{throttle.get_client_network(request)}"
        if throttle.count_request(who, int(now // PERIOD), PERIOD) <= settings.PAGE_RATE_ANONYMOUS:
            return None
        answer = render(request, "429.html", status=429)
        answer["Retry-After"] = str(PERIOD - int(now % PERIOD))
        return answer


class ActivateTimeZone:
    """Show days and times of every page in the listener's own time zone; the API answers in the site's.

    An account that has named no zone yet gets the one its browser names, once.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        try:
            return self.get_response(request)
        finally:
            timezone.deactivate()

    def process_view(
        self, request: HttpRequest, view: Callable[..., Any], args: Any, kwargs: Any
    ) -> None:
        if issubclass(getattr(view, "cls", object), APIView) or not request.user.is_authenticated:
            return
        user = request.user
        if not user.time_zone and (name := read_browser_time_zone(request)):
            services.save_settings(user, time_zone=name)
        timezone.activate(get_time_zone(user))


def exempt_from_page_limit(view: View) -> View:
    """Mark a view whose answers cost next to nothing."""
    view.is_without_page_limit = True  # type: ignore[attr-defined]  # a mark on a function
    return view
