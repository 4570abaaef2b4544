"""The lines that every request leaves in the log."""

from django.http import HttpRequest
from django.urls import Resolver404, resolve
from django_structlog.middlewares import RequestMiddleware

SECRET_KEYWORDS = frozenset({"token", "uidb64", "secret", "signature"})
"""Names of parts of an address that open something; such an address is logged by the name of its view."""


def describe_address(request: HttpRequest) -> str:
    """Return a request's path, or the name of its view where the path itself is a secret. Never its query."""
    try:
        match = request.resolver_match or resolve(request.path_info)
    except (Resolver404, UnicodeError, ValueError):
        return request.path
    return match.view_name if SECRET_KEYWORDS & match.kwargs.keys() else request.path


class RequestLogMiddleware(RequestMiddleware):
    """Writes a line at a request's beginning and end, which name its address without what is secret in it."""

    @staticmethod
    def format_request(request: HttpRequest) -> str:
        return f"{request.method} {describe_address(request)}"
