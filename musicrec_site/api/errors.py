"""One shape for every error the JSON API answers.

::

    {"error": {"status": 400, "code": "invalid", "message": "Check the fields.",
               "fields": {"title": ["This field is required."]}, "request_id": "…"}}

`fields` is there when single fields are at fault; nested data and lists keep their nesting.
"""

from typing import Any

import structlog
from django.core.exceptions import PermissionDenied
from django.core.signals import got_request_exception
from django.db import OperationalError
from django.http import Http404, HttpRequest, JsonResponse
from django.views.decorators.csrf import csrf_exempt
from rest_framework import exceptions, status
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import exception_handler as drf_exception_handler
from rest_framework.views import set_rollback

from accounts.authentication import convert_gone_row_error
from common.bad_values import MESSAGE, is_bad_value
from common.log_file import OF_VISITORS
from musicrec_site.web.error_pages import RETRY_AFTER_SECONDS

log = structlog.get_logger(__name__)
visitors_log = structlog.get_logger(OF_VISITORS)

_MESSAGES = {
    Http404: "There is nothing here that you may see.",
    PermissionDenied: "You may not do that.",
}


def handle_exception(exc: Exception, context: dict[str, Any]) -> Response:
    """Answer any exception of an API view; what nobody expected is logged whole and answered with its id only."""
    request = context["request"]
    exc = convert_gone_row_error(exc, request)
    response = drf_exception_handler(exc, context)
    if response is None:
        return _answer_unexpected(exc, request)
    api_exception = _convert_to_api_exception(exc)
    response.data = build_error_body(
        request,
        response.status_code,
        _get_code(api_exception),
        _get_message(api_exception),
        _get_fields(api_exception),
    )
    _note_refusal(response.status_code, request)
    return response


def build_error_body(
    request: HttpRequest, status_code: int, code: str, message: str, fields: Any = None
) -> dict[str, Any]:
    error: dict[str, Any] = {"status": status_code, "code": code, "message": message}
    if fields:
        error["fields"] = fields
    return {"error": {**error, "request_id": getattr(request, "request_id", "")}}


@csrf_exempt  # or a program that posts to a wrong address would get the page about an expired form
def answer_not_found(request: HttpRequest, **kwargs: Any) -> JsonResponse:
    """Answer an address below the API that does not exist."""
    message = f"There is no such address: {request.path}."
    if not request.path.endswith("/"):
        message += " Addresses of this API end in a slash."
    return JsonResponse(build_error_body(request, 404, "not_found", message), status=404)


def _answer_unexpected(exc: Exception, request: Request) -> Response:
    set_rollback()
    if is_bad_value(exc):
        visitors_log.warning("api_value_refused", path=request.path, exc_info=exc)
        return Response(build_error_body(request, 400, "invalid", MESSAGE), status=400)
    # Django's own request: asking the API's for its user would authenticate, and perhaps fail, once more.
    got_request_exception.send(sender=handle_exception, request=request._request)
    log.error("api_request_failed", path=request.path, exc_info=exc)
    if isinstance(exc, OperationalError):
        message = "The database can't do that right now; nothing was stored. Try again in a moment."
        body = build_error_body(request, 503, "unavailable", message)
        return Response(body, status=503, headers={"Retry-After": str(RETRY_AFTER_SECONDS)})
    message = (
        "Something went wrong here. The operator finds the reason in the log under this request id."
    )
    return Response(
        build_error_body(request, 500, "error", message),
        status=status.HTTP_500_INTERNAL_SERVER_ERROR,
    )


def _note_refusal(status_code: int, request: Request) -> None:
    # Who asks for what is not theirs leaves a trace.
    if status_code in (403, 404):
        try:
            user_id = getattr(request.user, "pk", None)
        except exceptions.APIException:
            # refused before anybody looked at the token, which is wrong, too
            user_id = None
        visitors_log.warning(
            "api_access_refused", status=status_code, path=request.path, user_id=user_id
        )


def _convert_to_api_exception(exc: Exception) -> exceptions.APIException:
    if isinstance(exc, exceptions.APIException):
        return exc
    if isinstance(exc, Http404):
        return exceptions.NotFound(_MESSAGES[Http404])
    return exceptions.PermissionDenied(_MESSAGES[PermissionDenied])


def _get_code(exc: exceptions.APIException) -> str:
    return exc.default_code if isinstance(exc.detail, dict | list) else str(exc.detail.code)


def _get_message(exc: exceptions.APIException) -> str:
    if isinstance(exc.detail, list) and len(exc.detail) == 1 and isinstance(exc.detail[0], str):
        return str(exc.detail[0])
    return "Check the fields." if isinstance(exc.detail, dict | list) else str(exc.detail)


def _get_fields(exc: exceptions.APIException) -> Any:
    if isinstance(exc.detail, dict):
        return exc.detail
    return (
        {"items": exc.detail}
        if isinstance(exc.detail, list) and not _is_one_sentence(exc.detail)
        else None
    )


def _is_one_sentence(detail: list[Any]) -> bool:
    return len(detail) == 1 and isinstance(detail[0], str)
