"""What all of ListenBrainz' addresses share: tokens, rate-limit headers, and errors as {"code": 401, "error": "…"}."""

from collections.abc import Callable
from typing import Any, overload

import structlog
from django.core.signals import got_request_exception
from django.db import OperationalError
from django.http import Http404, HttpRequest
from rest_framework import exceptions, status
from rest_framework.permissions import BasePermission
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView, set_rollback
from rest_framework.views import exception_handler as drf_exception_handler

from accounts.authentication import (
    TokenAuthentication,
    TokenInAddress,
    convert_gone_row_error,
)
from accounts.models import ApiToken, Scope, User, make_name_key
from accounts.requests import get_signed_in_user
from catalog.listenbrainz import payloads
from catalog.listenbrainz.payloads import BadRequest
from common.api.parsers import LenientJSONParser
from common.bad_values import MESSAGE, is_bad_value
from common.log_file import OF_VISITORS

log = structlog.get_logger(__name__)
visitors_log = structlog.get_logger(OF_VISITORS)
RETRY_AFTER_SECONDS = 5
_PREFLIGHT = {
    "Access-Control-Allow-Origin": "*",
    "Access-Control-Allow-Methods": "GET, POST, OPTIONS",
    "Access-Control-Allow-Headers": "Authorization, Content-Type",
    "Access-Control-Max-Age": "86400",
}
_EXPOSED = (
    "X-RateLimit-Limit, X-RateLimit-Remaining, X-RateLimit-Reset-In, X-RateLimit-Reset, Retry-After"
)


class MayListen(BasePermission):
    message = (
        "This token may not send listens. Make one with the scope “listen” on your account page."
    )

    def has_permission(self, request: Request, view: APIView) -> bool:
        return isinstance(request.auth, ApiToken) and request.auth.allows(Scope.LISTEN)


class ListenBrainzView(APIView):
    """What all of them share: tokens only, any content type, the rate-limit headers clients wait by."""

    authentication_classes = [TokenAuthentication]
    permission_classes = [MayListen]
    parser_classes = [LenientJSONParser]
    throttle_scope = "listen"
    max_body_bytes = payloads.MAX_REQUEST_BYTES
    schema = None  # ListenBrainz' documentation is the documentation

    def get_exception_handler(self) -> Callable[..., Response]:
        return _answer_error

    def finalize_response(
        self, request: Request, response: Response, *args: Any, **kwargs: Any
    ) -> Response:
        response = super().finalize_response(request, response, *args, **kwargs)
        names = ("Limit", "Remaining", "Reset-In", "Reset")
        for name, value in zip(names, _get_throttle_state(request), strict=False):
            response[f"X-RateLimit-{name}"] = str(value)
        # a page that was given a token may read the answer; no other page, which could ask from a visitor's network
        if request.headers.get("Authorization"):
            response["Access-Control-Allow-Origin"] = "*"
            response["Access-Control-Expose-Headers"] = _EXPOSED
        return response

    def options(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Response:
        """Tell a browser that pages may ask with a token, as the public server does; no token comes with this."""
        return Response(status=status.HTTP_204_NO_CONTENT, headers=_PREFLIGHT)

    def perform_authentication(self, request: Request) -> None:
        if request.method != "OPTIONS":
            super().perform_authentication(request)

    def check_permissions(self, request: Request) -> None:
        if request.method != "OPTIONS":
            super().check_permissions(request)

    def get_own_listener(self, username: str) -> User:
        """Return the token's own user, when it is the one asked about."""
        own = get_signed_in_user(self.request)
        if make_name_key(username) != make_name_key(own.username):
            raise exceptions.NotFound(f"Cannot find user: {username[:100]}")
        return own

    def get_sharing_listener(self, username: str) -> User:
        """Return the token's own user, or a listener who lets anybody fetch what is made for them."""
        named = User.objects.with_name(username)
        listener: User | None = named.filter(is_active=True).first()
        if listener is None or not (listener.shares_playlists or is_owner(self.request, listener)):
            raise exceptions.NotFound(f"Cannot find user: {username[:100]}")
        return listener


class UnknownAddress(ListenBrainzView):
    """Any other address below /1/: ListenBrainz' JSON for every method, with or without a token."""

    authentication_classes = []
    permission_classes = []

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        super().initial(request, *args, **kwargs)
        raise exceptions.NotFound(f"There is no address {request.path[:100]} here.")


@overload
def read_number(request: Request, name: str, default: int, most: int = ...) -> int: ...
@overload
def read_number(request: Request, name: str, default: None, most: int = ...) -> int | None: ...
def read_number(request: Request, name: str, default: int | None, most: int = 2**40) -> int | None:
    """Return a whole number of the address, cut to `most`; raise BadRequest for anything else.

    An empty one is none, and blanks and a "+" before it are passed over, as by the public server.
    """
    text = request.query_params.get(name, "").strip().removeprefix("+")
    if not text:
        return default
    if not (text.isascii() and text.isdecimal() and len(text) <= 18):
        raise BadRequest(f"{name} must be a whole number, not {text[:40]!r}.")
    return min(int(text), most)


def is_owner(request: Request, user: User) -> bool:
    return (
        isinstance(request.auth, ApiToken)
        and request.auth.allows(Scope.LISTEN)
        and request.user == user
    )


def _get_throttle_state(request: Request) -> tuple[Any, ...]:
    return getattr(getattr(request, "_request", request), "throttle_state", ())


def _answer_error(exc: Exception, context: dict[str, Any]) -> Response:
    """Answer `{"code", "error"}`; what is not the client's fault is logged whole."""
    if isinstance(exc, BadRequest):
        exc = exceptions.ValidationError(str(exc))
    exc = convert_gone_row_error(exc, context["request"])
    response = drf_exception_handler(exc, context)
    if response is None:
        return _answer_fault(exc, context["request"])
    response.data = {"code": response.status_code, "error": _format_sentence(exc)}
    if response.status_code in (403, 404):
        request = context["request"]
        visitors_log.warning(
            "listenbrainz_access_refused",
            path=request.path,
            user_id=getattr(request.user, "pk", None),
        )
    return response


def _answer_fault(exc: Exception, request: Request) -> Response:
    """Answer what is no fault of the client: 503 where the database is away for a moment, else 500."""
    set_rollback()
    if is_bad_value(exc):
        visitors_log.warning("listenbrainz_value_refused", path=request.path, exc_info=exc)
        return Response({"code": 400, "error": MESSAGE}, status=400)
    got_request_exception.send(sender=_answer_fault, request=request._request)
    log.error("listenbrainz_request_failed", path=request.path, exc_info=exc)
    if isinstance(exc, OperationalError):
        sentence = (
            "The database can't do that right now; nothing was stored. Try again in a moment."
        )
        headers = {"Retry-After": str(RETRY_AFTER_SECONDS)}
        return Response({"code": 503, "error": sentence}, status=503, headers=headers)
    error = {"code": 500, "error": "Something went wrong here. The operator finds it in the log."}
    return Response(error, status=status.HTTP_500_INTERNAL_SERVER_ERROR)


def _format_sentence(exc: Exception) -> str:
    if isinstance(exc, exceptions.NotAuthenticated):
        return "You need to provide an Authorization header."
    if isinstance(exc, TokenInAddress | exceptions.APIException):
        return (
            " ".join(str(message) for message in exc.detail)
            if isinstance(exc.detail, list)
            else str(exc.detail)
        )
    return "Not found." if isinstance(exc, Http404) else "You may not do that."
