"""Answers about the music, which browsers may keep for a minute, and proxies what everybody gets."""

from typing import TYPE_CHECKING, Any

from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.utils.cache import patch_cache_control, patch_vary_headers
from django.utils.decorators import method_decorator
from django.views.decorators.http import conditional_page
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

KEPT_SECONDS = 60


if TYPE_CHECKING:
    # What it is mixed into.
    _View = APIView
else:
    _View = object


class KeptForAMinute(_View):
    """For views of the music: an answer has an ETag, and may be kept; `If-None-Match` then costs no body (304).

    What somebody with an account gets may hold songs that only they see, so only their own browser keeps it. Errors
    are not kept: they depend on the caller.
    """

    @method_decorator(conditional_page)
    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        return super().dispatch(request, *args, **kwargs)

    def finalize_response(
        self, request: Request, response: Response, *args: Any, **kwargs: Any
    ) -> Response:
        response = super().finalize_response(request, response, *args, **kwargs)
        if response.status_code == 200:
            whose = {"private" if request.user.is_authenticated else "public": True}
            patch_cache_control(response, **whose, max_age=KEPT_SECONDS)
            patch_vary_headers(response, ("Authorization", "Cookie"))
        return response
