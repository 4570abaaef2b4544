"""How often the API may be asked, counted in the cache."""

import time

from django.conf import settings
from django.core.cache import cache
from rest_framework.permissions import SAFE_METHODS
from rest_framework.throttling import BaseThrottle

from accounts.throttle import client_address

PERIOD = 60


class ScopeThrottle(BaseThrottle):
    """So many requests a minute and caller: one allowance each for reading, changing, listening, staff and strangers.

    Strangers are told apart by their network address. Fixed windows of the wall clock: a clock that jumps costs or
    gives one window at most (T28). A view may name its allowance with `throttle_scope`. What is left is put on the
    request as `throttle_state`.
    """

    def allow_request(self, request, view) -> bool:
        scope = self._scope(request, view)
        allowance = settings.API_RATES[scope]
        now = time.time()
        used = self._count(f"api:{scope}:{self._caller(request)}:{int(now // PERIOD)}")
        self._wait = PERIOD - int(now % PERIOD)
        reset = int(now) + self._wait
        request._request.throttle_state = (allowance, max(0, allowance - used), self._wait, reset)
        return used <= allowance

    def wait(self) -> int:
        return self._wait

    def _scope(self, request, view) -> str:
        if not request.user.is_authenticated:
            return "anonymous"
        return getattr(view, "throttle_scope", "read" if request.method in SAFE_METHODS else "write")

    def _caller(self, request) -> str:
        return str(request.user.pk) if request.user.is_authenticated else client_address(request)

    def _count(self, key: str) -> int:
        if cache.add(key, 1, 2 * PERIOD):
            return 1
        try:
            return cache.incr(key)
        except ValueError:  # fell out of the cache between the two calls
            return 1
