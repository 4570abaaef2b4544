"""One id for a request: in every log line, in every answer and in every error a person can quote."""

import re
import uuid
from collections.abc import Callable

from django.http import HttpRequest, HttpResponse

from common.http import SiteRequest

_ACCEPTABLE = re.compile(r"^[A-Za-z0-9._-]{8,64}$")


class RequestId:
    """Take the id a proxy sent in X-Request-ID, if it is a plain one, or make one; answer with it.

    Stands before django_structlog, which writes the same header's value into the log lines.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: SiteRequest) -> HttpResponse:
        given = request.META.get("HTTP_X_REQUEST_ID", "")
        request.request_id = given if _ACCEPTABLE.match(given) else uuid.uuid4().hex
        request.META["HTTP_X_REQUEST_ID"] = request.request_id
        request.__dict__.pop(
            "headers", None
        )  # Django's picture of META, if somebody looked at it before
        response = self.get_response(request)
        response["X-Request-ID"] = request.request_id
        return response
