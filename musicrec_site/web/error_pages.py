"""The site's own error pages. They need no database, so that they work when it does not."""

import sys

from django.db import OperationalError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.template.loader import render_to_string

RETRY_AFTER_SECONDS = 5


def show_csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:
    return render(request, "403_csrf.html", status=403)


def show_server_error(request: HttpRequest) -> HttpResponse:
    """Answer with a page that runs no context processor: whatever broke may be in one of them.

    A database that is away or full passes, so that is 503: try again. Everything else is 500.
    """
    passes = isinstance(sys.exc_info()[1], OperationalError)
    status = 503 if passes else 500
    request_id = getattr(request, "request_id", "") or ""
    page = render_to_string("500.html", {"request_id": request_id, "status": status})
    headers = {"Retry-After": str(RETRY_AFTER_SECONDS)} if passes else {}
    return HttpResponse(page, status=status, headers=headers)
