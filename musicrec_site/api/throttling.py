"""How often the API may be asked, counted in the cache of limits."""

import time
from typing import TYPE_CHECKING

from django.conf import settings
from rest_framework.permissions import SAFE_METHODS
from rest_framework.request import Request
from rest_framework.throttling import BaseThrottle

from accounts.throttle import count_request, get_client_network

if TYPE_CHECKING:
    from rest_framework.views import APIView


PERIOD = 60


class ScopeThrottle(BaseThrottle):
    """Limit the requests a minute of each caller: apart for reading, changing, listening, staff and strangers.

    Strangers count by their network, IPv6 by its /64. Fixed windows of the wall clock: a clock that
    jumps costs or gives one window at most. A view may name its allowance with
    `throttle_scope`. What is left is put on the request as `throttle_state`.
    """

    def allow_request(self, request: Request, view: "APIView") -> bool:
        scope = self._get_scope(request, view)
        allowance = settings.API_RATES[scope]
        now = time.time()
        used = count_request(
            f"api:{scope}:{self._name_caller(request)}", int(now // PERIOD), PERIOD
        )
        self._wait = PERIOD - int(now % PERIOD)
        reset = int(now) + self._wait
        state = (allowance, max(0, allowance - used), self._wait, reset)
        request._request.throttle_state = state  # type: ignore[attr-defined]  # for the headers
        return bool(used <= allowance)

    def wait(self) -> int:
        return self._wait

    def _get_scope(self, request: Request, view: "APIView") -> str:
        if not request.user.is_authenticated:
            return "anonymous"
        return getattr(
            view, "throttle_scope", "read" if request.method in SAFE_METHODS else "write"
        )

    def _name_caller(self, request: Request) -> str:
        return (
            str(request.user.pk) if request.user.is_authenticated else get_client_network(request)
        )
