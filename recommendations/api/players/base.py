"""What the addresses of players' plugins share: tokens in a header, errors as `{"error": "…"}`."""

from collections.abc import Callable, Mapping
from typing import Any, cast

import structlog
from django.core.signals import got_request_exception
from django.db import OperationalError
from django.http import Http404
from rest_framework import exceptions
from rest_framework.permissions import BasePermission
from rest_framework.renderers import BaseRenderer, JSONRenderer
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView, set_rollback
from rest_framework.views import exception_handler as drf_exception_handler

from accounts.authentication import TokenAuthentication, convert_gone_row_error
from accounts.models import ApiToken, Scope
from common.api.parsers import AnyTypeJSONParser
from common.bad_values import MESSAGE, is_bad_value
from recommendations.conf import conf

log = structlog.get_logger(__name__)
MOST_TEXT = 500
RETRY_AFTER_SECONDS = 5


class MayUse(BasePermission):
    """A token with one of the view's `scopes`."""

    message = "This token may not do that. Make one with the scope it needs on your account page."

    def has_permission(self, request: Request, view: APIView) -> bool:
        token, scopes = request.auth, cast(PlayerView, view).scopes
        return isinstance(token, ApiToken) and any(token.allows(one) for one in scopes)


class PlayerView(APIView):
    """An address that a plugin of a player asks. Only tokens open it, never a session."""

    authentication_classes = [TokenAuthentication]
    permission_classes = [MayUse]
    parser_classes = [AnyTypeJSONParser]
    renderer_classes = [JSONRenderer]
    throttle_scope = "read"
    scopes: tuple[str, ...] = (Scope.READ,)
    schema = None  # docs/home-server.md is the documentation

    def perform_content_negotiation(
        self, request: Request, force: bool = False
    ) -> tuple[BaseRenderer, str]:
        renderer = JSONRenderer()
        return renderer, renderer.media_type

    def get_exception_handler(self) -> Callable[..., Response]:
        return _answer_error


def read_text(source: Mapping[str, Any], name: str) -> str:
    """Return a text of a request, cut to a bounded length; empty where it is none."""
    value = source.get(name)
    return value.strip()[:MOST_TEXT] if isinstance(value, str) and "\0" not in value else ""


def read_count(source: Mapping[str, Any], name: str, default: int, least: int = 1) -> int:
    """Return how many are asked for, cut to what a list may have; the default where it is no number."""
    value = source.get(name)
    text = str(value) if isinstance(value, int | str) and not isinstance(value, bool) else ""
    if not (text.isascii() and text.isdecimal() and len(text) < 10):
        return default
    return min(max(int(text), least), conf.longest_list) or default


def _answer_error(exc: Exception, context: dict[str, Any]) -> Response:
    exc = convert_gone_row_error(exc, context["request"])
    response = drf_exception_handler(exc, context)
    if response is None:
        return _answer_fault(exc, context["request"])
    response.data = {"error": _format_sentence(exc)}
    return response


def _answer_fault(exc: Exception, request: Request) -> Response:
    """Answer what is no fault of the client: 503 where the database is away for a moment, else 500."""
    set_rollback()
    if is_bad_value(exc):
        return Response({"error": MESSAGE}, status=400)
    got_request_exception.send(sender=_answer_fault, request=request._request)
    log.error("player_request_failed", path=request.path, exc_info=exc)
    if isinstance(exc, OperationalError):
        error = {"error": "The database can't do that right now. Try again in a moment."}
        return Response(error, status=503, headers={"Retry-After": str(RETRY_AFTER_SECONDS)})
    return Response(
        {"error": "Something went wrong here. The operator finds it in the log."}, status=500
    )


def _format_sentence(exc: Exception) -> str:
    if isinstance(exc, exceptions.APIException):
        return " ".join(map(str, exc.detail)) if isinstance(exc.detail, list) else str(exc.detail)
    return "Not found." if isinstance(exc, Http404) else "You may not do that."
