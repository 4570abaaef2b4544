"""Which views take large files, and from whom; everything else takes only as much as a form or JSON needs."""

from collections.abc import Callable
from typing import Any, TypeVar

from django.conf import settings
from django.contrib import auth
from django.http import HttpRequest
from django.utils.module_loading import import_string
from rest_framework.exceptions import AuthenticationFailed

from accounts.authentication import read_header_secret, require_usable_token
from accounts.models import User

MAX_BODY_BYTES = 1024 * 1024
"""What a body may have where a view says nothing else."""
MAX_UPLOAD_BYTES = 2**30
_FRAME_BYTES = 1024 * 1024
"""Room for the other fields of a form around its file."""

View = TypeVar("View", bound=Callable[..., Any])


def accepts_upload(*, staff_only: bool = False) -> Callable[[View], View]:
    """Mark a view, or a class of views, as one that takes a file of up to MAX_UPLOAD_BYTES."""

    def mark(view: View) -> View:
        view.max_upload_bytes = MAX_UPLOAD_BYTES + _FRAME_BYTES  # type: ignore[attr-defined]  # a mark
        view.uploads_staff_only = staff_only  # type: ignore[attr-defined]  # a mark
        return view

    return mark


def may_upload(request: HttpRequest, *, staff_only: bool = False) -> bool:
    """Return whether the session or the token of a request belongs to somebody who may send files.

    Reads headers only. At most two queries.
    """
    user = _find_token_user(request) or _find_session_user(request)
    if user is None or not user.is_active:
        return False
    return user.is_staff if staff_only else True


def _find_token_user(request: HttpRequest) -> User | None:
    secret = read_header_secret(request)
    if not secret:
        return None
    try:
        user: User = require_usable_token(secret).user
        return user
    except AuthenticationFailed:
        return None


def _find_session_user(request: HttpRequest) -> User | None:
    """Return who is signed in, also before the session's middleware has seen the request."""
    if not hasattr(request, "session"):
        engine = import_string(f"{settings.SESSION_ENGINE}.SessionStore")
        request.session = engine(request.COOKIES.get(settings.SESSION_COOKIE_NAME))
    user = request.user if hasattr(request, "user") else auth.get_user(request)
    return user if user.is_authenticated else None
