"""/healthz says that the process runs; /readyz says whether it can do its work.

Both are answered by a middleware in front of all others: a probe sends no Host of ALLOWED_HOSTS, speaks http
behind the TLS proxy, and must be answered while the database, which sessions need, is down.
"""

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from concurrent.futures import TimeoutError as FutureTimeoutError
from typing import Any

from django.db import DatabaseError, connections
from django.db.backends.base.base import BaseDatabaseWrapper
from django.http import HttpRequest, HttpResponse, JsonResponse

from recommendations.services.operations import health_checks
from recommendations.services.operations.health_checks import Finding

# With the time a slow machine needs for the rest, a probe has its answer within 2 s.
PROBE_SECONDS = 1.5


class HealthMiddleware:
    """Answer the two probes; let every other request through."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response
        self.probe = Probe()

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if request.path_info == "/healthz":
            return _answer({"status": "ok"}, 200)
        if request.path_info == "/readyz":
            return _answer_readiness(self.probe.list_findings())
        return self.get_response(request)


class Probe:
    """Looks at the database from a thread and a connection of its own, so that a hanging server costs one thread.

    While that thread still waits, later probes are answered at once: the database does not answer.
    """

    def __init__(self) -> None:
        self._executor = ThreadPoolExecutor(max_workers=1, thread_name_prefix="readyz")
        self._pending: Future[list[Finding]] | None = None

    def list_findings(self) -> list[Finding]:
        if self._pending is None or self._pending.done():
            self._pending = self._executor.submit(check_database)
        try:
            return self._pending.result(timeout=PROBE_SECONDS)
        except FutureTimeoutError:
            return [Finding("database", "failed", f"does not answer within {PROBE_SECONDS} s")]


def check_database() -> list[Finding]:
    connections["default"] = _open_connection()
    try:
        return health_checks.check_readiness()
    except (DatabaseError, OSError):
        # What the driver says may name hosts and users; the log of the failing requests has it.
        return [Finding("database", "failed", "cannot be reached")]
    finally:
        connections["default"].close()


def _open_connection() -> BaseDatabaseWrapper:
    """Return a fresh connection outside the pool, whose waiting and retrying would hide that the server is away."""
    connection = connections["default"].copy()
    options: dict[str, Any] = connection.settings_dict["OPTIONS"]
    if connection.vendor == "postgresql":
        options.pop("pool", None)
        options["connect_timeout"] = 2
    elif connection.vendor == "sqlite":
        options["timeout"] = 1
    return connection


def _answer_readiness(findings: list[Finding]) -> JsonResponse:
    status = health_checks.find_worst(findings)
    checks = {finding.name: finding.to_dict() for finding in findings}
    return _answer({"status": status, "checks": checks}, 503 if status == "failed" else 200)


def _answer(body: dict[str, Any], status: int) -> JsonResponse:
    return JsonResponse(body, status=status, headers={"Cache-Control": "no-store"})
