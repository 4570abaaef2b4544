"""The state of the site as the database holds it, as numbers for /metrics. A handful of cheap queries."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.db.models import Count, F, Max, Min, Q, QuerySet, Sum
from django.utils import timezone

from catalog.models import ImportRun
from catalog.songs.kept_figures import Figure, read_figure
from common import jobs
from recommendations.engine import compute_win_e_values
from recommendations.models import Experiment, ModelVersion, RecommendationList, TrainingRun
from recommendations.services.operations import health_checks, workers


@dataclass(frozen=True, slots=True)
class Gauge:
    """One number, or one a value of `label`."""

    name: str
    about: str
    label: str = ""
    values: dict[str, float] = field(default_factory=dict)


def read() -> Iterator[Gauge]:
    """Yield every gauge. What does not exist yet (no worker, no version) has no value, not zero."""
    for reader in _READERS:
        yield from reader()


def _measure_workers() -> Iterator[Gauge]:
    age = workers.find_silence_seconds()
    yield Gauge(
        "worker_heartbeat_age_seconds",
        "Since any worker was last heard of.",
        values=_make_values(age),
    )


def _measure_trainings() -> Iterator[Gauge]:
    yield Gauge(
        "training_runs",
        "Trainings by status.",
        "status",
        _count_by_status(TrainingRun.objects.all()),
    )
    oldest = TrainingRun.objects.queued().aggregate(at=Min("created_at"))["at"]
    yield Gauge(
        "queue_oldest_seconds",
        "Age of the training that waits longest.",
        values=_make_values(_compute_age(oldest)),
    )
    running = TrainingRun.objects.running().aggregate(progress=Max("progress"))["progress"]
    yield Gauge(
        "last_training_seconds",
        "Length of the newest training that succeeded.",
        values=_make_values(_measure_last_training()),
    )
    yield Gauge(
        "training_progress_ratio",
        "Progress of the running training, 0 to 1.",
        values=_make_values(running),
    )


def _measure_last_training() -> float | None:
    """Read from the database: a worker on another machine counts where no scrape of the web server sees it."""
    last = TrainingRun.objects.filter(status=TrainingRun.Status.SUCCEEDED).first()
    if last is None or last.started_at is None or last.finished_at is None:
        return None
    seconds: float = (last.finished_at - last.started_at).total_seconds()
    return seconds


def _measure_queues() -> Iterator[Gauge]:
    lengths = {name: float(n_jobs) for name, n_jobs in jobs.count_waiting().items()}
    yield Gauge("queue_length", "Jobs that wait for a worker, by kind.", "job", lengths)


def _measure_imports() -> Iterator[Gauge]:
    counts = read_figure(IMPORTS).value
    if counts is None:
        return
    yield Gauge("imports", "Imports by status.", "status", counts["by_status"])
    rows = {outcome: float(n_rows or 0) for outcome, n_rows in counts["rows"].items()}
    yield Gauge("import_rows", "Rows of all imports, by what became of them.", "outcome", rows)


def _measure_active_version() -> Iterator[Gauge]:
    active = ModelVersion.objects.filter(is_active=True).first()
    yield Gauge(
        "active_version",
        "Number of the active model version.",
        values=_make_values(active.pk if active else None),
    )
    activated = active.activated_at if active else None
    yield Gauge(
        "active_version_age_seconds",
        "Since the active version was activated.",
        values=_make_values(_compute_age(activated)),
    )
    until = active.data_until if active else None
    yield Gauge(
        "active_version_data_age_seconds",
        "Since the newest listen it learned from.",
        values=_make_values(_compute_age(until)),
    )
    recalls = health_checks.list_indexes(active) if active else ()
    yield Gauge(
        "active_version_index_recall_ratio",
        "Part of the ten exact songs that an index of the active version finds, measured when it was built.",
        "index",
        {name: index["recall_at_10"] for name, index in recalls},
    )


def _measure_lists() -> Iterator[Gauge]:
    counts = read_figure(LISTS).value
    active = ModelVersion.objects.filter(is_active=True).values_list("pk", flat=True).first()
    if counts is None or counts["version"] != active:
        return
    moments = {name: counts[name] and datetime.fromisoformat(counts[name]) for name in _ENDS}
    values = {name: age for name, at in moments.items() if (age := _compute_age(at)) is not None}
    yield Gauge(
        "list_age_seconds",
        "Age of the oldest and newest list of the active version.",
        "which",
        values,
    )
    fresh = counts["all"] - counts["stale"]
    values = {"fresh": float(fresh), "stale": float(counts["stale"])}
    yield Gauge(
        "lists", "Lists of the active version; stale ones are answered live.", "state", values
    )


def _count_imports() -> dict[str, Any]:
    """Count imports by status and their rows; two queries."""
    rows = ImportRun.objects.order_by()
    sums = rows.aggregate(added=Sum("n_added"), known=Sum("n_known"), rejected=Sum("n_rejected"))
    return {"by_status": _count_by_status(rows), "rows": sums}


def _count_lists() -> dict[str, Any]:
    """Count the lists of the active version, and those that something happened after; two queries."""
    active = ModelVersion.objects.filter(is_active=True).values_list("pk", flat=True).first()
    stale = Q(listener__listener_state__generation__gt=F("generation"))
    counts = RecommendationList.objects.filter(version=active).aggregate(
        oldest=Min("computed_at"),
        newest=Max("computed_at"),
        all=Count("pk"),
        stale=Count("pk", filter=stale),
    )
    return {"version": active, **counts}


_ENDS = ("oldest", "newest")
IMPORTS = Figure("imports", _count_imports)
LISTS = Figure("lists", _count_lists)


def _measure_interleaving() -> Iterator[Gauge]:
    running = Experiment.objects.filter(
        state=Experiment.State.RUNNING, kind=Experiment.Kind.INTERLEAVING
    ).first()
    if running is None:
        return
    is_open, first_won = Q(closed_at=None), Q(n_first__gt=F("n_second"))
    second_won = Q(n_second__gt=F("n_first"))
    counts = running.drafts.aggregate(
        open=Count("pk", filter=is_open),
        first=Count("pk", filter=first_won),
        second=Count("pk", filter=second_won),
        all=Count("pk"),
    )
    won = counts["first"] + counts["second"]
    values = {
        "open": float(counts["open"]),
        "won_by_first": float(counts["first"]),
        "won_by_second": float(counts["second"]),
        "tied": float(counts["all"] - counts["open"] - won),
    }
    yield Gauge(
        "interleaved_drafts", "Drafts of the running interleaving experiment.", "state", values
    )
    yield Gauge(
        "interleaving_e_value",
        "Evidence for a difference between the two versions; 20 decides it.",
        values=_make_values(float(compute_win_e_values(counts["second"], counts["first"]))),
    )


_READERS: tuple[Callable[[], Iterator[Gauge]], ...] = (
    _measure_workers,
    _measure_trainings,
    _measure_queues,
    _measure_imports,
    _measure_active_version,
    _measure_lists,
    _measure_interleaving,
)


def _count_by_status(rows: QuerySet[Any]) -> dict[str, float]:
    by_status: dict[str, float] = dict.fromkeys(rows.model.Status.values, 0.0)
    return by_status | {
        row["status"]: float(row["n"])
        for row in rows.order_by().values("status").annotate(n=Count("pk"))
    }


def _make_values(value: float | None) -> dict[str, float]:
    return {} if value is None else {"": float(value)}


def _compute_age(moment: datetime | None) -> float | None:
    return None if moment is None else max(0.0, (timezone.now() - moment).total_seconds())
