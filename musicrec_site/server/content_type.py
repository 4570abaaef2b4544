"""The header that says what a body is, made one that Django can read: the site speaks UTF-8 and nothing else.

Django decodes the query of an address, too, by the charset that a request claims for its body. Python has codecs that
decode to no text ("hex"), and some that fail on any, so that one header made every page answer 500.
"""

from collections.abc import Callable, Iterable
from typing import Any

from django.utils.http import parse_header_parameters

Application = Callable[[dict[str, Any], Any], Iterable[bytes]]

_FORM = "application/x-www-form-urlencoded"
_UTF8 = ("utf-8", "utf8")
_REFUSED = "iso-8859-1"
"""Django answers 400 to a form that is not in UTF-8; this one it can name in its sentence."""


def clean_content_type(header: str) -> str:
    """Return the header without a charset other than UTF-8, and without parameters that can't be read."""
    media_type = header.partition(";")[0].strip()
    try:
        _, parameters = parse_header_parameters(header)
    except (ValueError, LookupError):
        return media_type
    if parameters.get("charset", _UTF8[0]).strip().lower() in _UTF8:
        return header
    if media_type.lower() == _FORM:
        return f"{media_type}; charset={_REFUSED}"
    boundary = parameters.get("boundary")
    return f'{media_type}; boundary="{boundary}"' if boundary else media_type


def clean_environment(environ: dict[str, Any]) -> dict[str, Any]:
    """Return a request's environment with a clean Content-Type."""
    header = environ.get("CONTENT_TYPE", "")
    if ";" not in header:
        return environ
    return {**environ, "CONTENT_TYPE": clean_content_type(header)}


def wrap_with_clean_content_type(application: Application) -> Application:
    """Wrap a WSGI application so that it reads clean headers only."""

    def call_cleanly(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        return application(clean_environment(environ), start_response)

    return call_cleanly
