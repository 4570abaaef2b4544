"""The middleware that answers values which no column can hold; common.bad_values has the rule."""

import logging
from collections.abc import Callable
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from common.bad_values import MESSAGE, can_be_stored, is_bad_value
from common.log_file import OF_VISITORS
from common.transactions import is_about_gone_row
from musicrec_site.api.refusals import refuse_program

log = logging.getLogger(OF_VISITORS)


class BadValueMiddleware:
    """Answers 404 to impossible parts of a path, and 400 where a value was refused by the database.

    What a request names may be removed while it is answered: then a row that points at it is refused, and that is 404.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self.get_response(request)

    def process_view(
        self, request: HttpRequest, view: Any, arguments: tuple[Any, ...], keywords: dict[str, Any]
    ) -> HttpResponse | None:
        if not all(map(can_be_stored, (*arguments, *keywords.values()))):
            return self._answer_not_found(request)
        return None

    @staticmethod
    def _answer_not_found(request: HttpRequest) -> HttpResponse:
        message = "There is nothing here that you may see."
        answer = refuse_program(request, 404, "not_found", message)
        return answer or render(request, "404.html", status=404)

    def process_exception(self, request: HttpRequest, error: Exception) -> HttpResponse | None:
        if is_about_gone_row(error):
            log.warning("What a request names was removed meanwhile.", exc_info=error)
            return self._answer_not_found(request)
        if not is_bad_value(error):
            return None
        log.warning("A value was refused.", exc_info=error)
        answer = refuse_program(request, 400, "invalid", MESSAGE)
        return answer or render(request, "400.html", status=400)
