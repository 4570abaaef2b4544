"""Answers that are the same for everybody, which browsers and proxies may keep for a minute."""

from typing import Any

from django.utils.cache import patch_cache_control
from django.utils.decorators import method_decorator
from django.views.decorators.http import conditional_page
from rest_framework.request import Request

KEPT_SECONDS = 60


class SameForEverybody:
    """For views of the music: an answer has an ETag, and may be kept; `If-None-Match` then costs no body (304).

    Errors are not kept: they depend on the caller.
    """

    @method_decorator(conditional_page)
    def dispatch(self, request: Request, *args: Any, **kwargs: Any):
        return super().dispatch(request, *args, **kwargs)  # type: ignore[misc]

    def finalize_response(self, request: Request, response, *args: Any, **kwargs: Any):
        response = super().finalize_response(request, response, *args, **kwargs)  # type: ignore[misc]
        if response.status_code == 200:
            patch_cache_control(response, public=True, max_age=KEPT_SECONDS)
        return response
