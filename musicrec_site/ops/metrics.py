"""/metrics for Prometheus: off unless METRICS is on, and then for staff or for who has METRICS_TOKEN.

Counts of all web processes are added up through the files in PROMETHEUS_MULTIPROC_DIR. Values of the database are read
from it at the scrape and is therefore right whichever process answers, on whichever machine.
"""

import fcntl
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from hmac import compare_digest
from pathlib import Path
from time import perf_counter

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from prometheus_client import (
    CONTENT_TYPE_LATEST,
    REGISTRY,
    CollectorRegistry,
    Counter,
    Histogram,
    generate_latest,
)
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.mmap_dict import MmapedDict
from prometheus_client.multiprocess import MultiProcessCollector

from recommendations.services.operations import metrics as gauges

REQUEST_SECONDS = Histogram(
    "musicrec_http_request_seconds",
    "Time to answer a request, by the name of its page.",
    ["view"],
    buckets=(0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0),
)
RESPONSES = Counter(
    "musicrec_http_responses_total",
    "Responses, by method and class of status.",
    ["method", "status"],
)
METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
TOTALS = "0"  # no process has this id: the file that keeps what ended processes counted


class MetricsMiddleware:
    """Time every request. Names of pages come from the URL patterns, so there are only so many."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        start = perf_counter()
        response = self.get_response(request)
        match = request.resolver_match
        REQUEST_SECONDS.labels((match and match.view_name) or "unmatched").observe(
            perf_counter() - start
        )
        method = request.method if request.method in METHODS else "other"
        RESPONSES.labels(method, f"{response.status_code // 100}xx").inc()
        return response


def serve_metrics(request: HttpRequest) -> HttpResponse:
    """Answer the scrape of a Prometheus server, or a look of the operator."""
    if not settings.METRICS:
        return HttpResponse("METRICS is off.\n", status=404, content_type="text/plain")
    if not (_has_token(request) or request.user.is_staff):
        return HttpResponse(
            "For staff, or with METRICS_TOKEN.\n", status=403, content_type="text/plain"
        )
    return HttpResponse(
        _render_page(), content_type=CONTENT_TYPE_LATEST, headers={"Cache-Control": "no-store"}
    )


def _has_token(request: HttpRequest) -> bool:
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    if not settings.METRICS_TOKEN or scheme.lower() != "bearer":
        return False
    return compare_digest(token.strip().encode(), settings.METRICS_TOKEN.encode())


def _render_page() -> bytes:
    registry = CollectorRegistry()
    registry.register(DatabaseCollector())
    directory = os.environ.get("PROMETHEUS_MULTIPROC_DIR")
    if directory is None:
        registry.register(REGISTRY)
        return generate_latest(registry)
    MultiProcessCollector(registry)
    with _lock_directory(Path(directory)):
        return generate_latest(registry)


class DatabaseCollector:
    """The gauges that come from the database, one query or two each."""

    def collect(self) -> Iterator[Metric]:
        for gauge in gauges.read():
            labels = [gauge.label] if gauge.label else []
            family = GaugeMetricFamily(f"musicrec_{gauge.name}", gauge.about, labels=labels)
            for label, value in gauge.values.items():
                family.add_metric([label] if gauge.label else [], value)
            yield family


def keep_totals(directory: Path) -> None:
    """Add the files of processes that ended to one file of totals. Called at start, so that files do not pile up.

    Deleting them instead would make counters fall, which Prometheus reads as a restart and counts twice.
    """
    with _lock_directory(directory):
        for path in directory.glob("*.db"):
            kind, _, process = path.stem.rpartition("_")
            if process != TOTALS and not _is_running(int(process)):
                _add_to_total(path, directory / f"{kind}_{TOTALS}.db")
                path.unlink()


@contextmanager
def _lock_directory(directory: Path) -> Iterator[None]:
    with (directory / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _is_running(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def _add_to_total(source: Path, total: Path) -> None:
    totals = MmapedDict(str(total))
    for key, value, timestamp, _ in MmapedDict.read_all_values_from_file(str(source)):
        totals.write_value(key, totals.read_value(key)[0] + value, timestamp)
    totals.close()
