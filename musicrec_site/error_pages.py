"""The site's own error pages. They need no database, so that they work when it does not."""

from django.http import HttpResponse
from django.shortcuts import render
from django.template.loader import render_to_string


def csrf_failure(request, reason=""):
    return render(request, "403_csrf.html", status=403)


def server_error(request) -> HttpResponse:
    """Answer 500 with a page that runs no context processor: whatever broke may be in one of them."""
    request_id = getattr(request, "request_id", "") or ""
    return HttpResponse(render_to_string("500.html", {"request_id": request_id}), status=500)
