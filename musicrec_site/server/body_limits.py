"""How many bytes a body may have, by its address and sender, decided before anything of it is stored.

The web server (musicrec_site.server.web_worker) asks for the limit as soon as it has read a
request's head. The middleware asks once more
before any other reads the body, so that the limit holds under every server, and words the
refusal.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django.core.handlers.wsgi import WSGIRequest
from django.db import DatabaseError, close_old_connections
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import Resolver404, resolve
from django.utils.translation import gettext as _

from accounts.uploads import MAX_BODY_BYTES, may_upload
from musicrec_site.api.refusals import refuse_program
from musicrec_site.server.content_type import clean_environment

REFUSED = "musicrec.body_refused"
"""In the WSGI environment of a request whose body the server has thrown away: the limit it was over."""


@dataclass(frozen=True, slots=True)
class BodyLimit:
    """What an address takes: `anybody` bytes, and from people who may upload `uploader` bytes."""

    anybody: int
    uploader: int = 0
    staff_only: bool = False

    @property
    def takes_uploads(self) -> bool:
        return self.uploader > self.anybody


def find_limit(path: str) -> BodyLimit:
    """Return the limit of an address; an unknown one takes what a form takes. No query."""
    try:
        return get_view_limit(resolve(path).func)
    except (Resolver404, UnicodeError, ValueError):
        return BodyLimit(MAX_BODY_BYTES)


def get_view_limit(view: Any) -> BodyLimit:
    """Return the limit that a view, or the class behind it, names."""
    view = getattr(view, "cls", None) or getattr(view, "view_class", None) or view
    return BodyLimit(
        getattr(view, "max_body_bytes", MAX_BODY_BYTES),
        getattr(view, "max_upload_bytes", 0),
        getattr(view, "uploads_staff_only", False),
    )


def may_send(environ: dict[str, Any], limit: BodyLimit) -> bool:
    """Return whether the sender of a request may use the larger limit. Reads the database; not for an event loop."""
    close_old_connections()
    try:
        return may_upload(WSGIRequest(clean_environment(environ)), staff_only=limit.staff_only)
    except (DatabaseError, OSError):
        return False
    finally:
        close_old_connections()


class BodyLimitMiddleware:
    """Answer 413 to a body that is too large; in front of the first middleware that reads bodies."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self.get_response(request)

    def process_view(
        self, request: HttpRequest, view: Any, *_arguments: Any
    ) -> HttpResponse | None:
        if REFUSED in request.META:
            return _build_refusal(request, request.META[REFUSED])
        n_bytes = _get_content_length(request)
        limit = get_view_limit(view)
        if n_bytes <= limit.anybody:
            return None
        if n_bytes <= limit.uploader and may_upload(request, staff_only=limit.staff_only):
            return None
        return _build_refusal(
            request, limit.uploader if n_bytes > limit.uploader > 0 else limit.anybody
        )


def _get_content_length(request: HttpRequest) -> int:
    text = request.META.get("CONTENT_LENGTH") or "0"
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 20 else 0


def _build_refusal(request: HttpRequest, most: int) -> HttpResponse:
    """Word the refusal as the address words its other errors."""
    message = f"The body may have {most:,} bytes at most."
    if answer := refuse_program(request, 413, "too_large", message):
        return answer
    size = _("%(number)d MB") % {"number": most // 2**20}
    return render(request, "413.html", {"size": size}, status=413)
