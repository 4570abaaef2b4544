"""What the operator's dashboard shows first: how the site is doing, and what to do about what is wrong."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any, cast

from django.core.cache import cache
from django.db.models import Count, Q
from django.db.models.functions import TruncDate
from django.utils import timezone
from django.utils.translation import gettext as _

from catalog.models import Interaction
from catalog.songs import kept_figures
from catalog.songs.kept_figures import Figure, read_figure
from common import jobs
from common.stored_text import translate_stored
from recommendations.models import (
    Experiment,
    Impression,
    ModelVersion,
    Outcome,
    TrainingRun,
)
from recommendations.services.experiments import results
from recommendations.services.operations import (
    first_steps,
    health_checks,
    impossible_plays,
    metrics,
    storage,
)
from recommendations.services.operations.first_steps import Step
from recommendations.services.operations.health_checks import Finding
from recommendations.services.operations.impossible_plays import ImpossibleDay
from recommendations.services.operations.storage import Size
from recommendations.services.seeds import seed_packs
from recommendations.services.seeds.seed_packs import PackState
from recommendations.services.version_reports.heard_after_shown import list_heard
from recommendations.services.workloads import demo_removal

DAYS = 28
STEP_DAYS = 7
CACHE_SECONDS = 60
_IMPOSSIBLE_DAYS = "dashboard:impossible-days"
NOT_A_FALLBACK = ("precomputed", "live")
MANY_FALLBACKS = 0.3
# Below so many lists a share says nothing: the first visitor of a new site has no history.
ENOUGH_LISTS = 50
_COUNTED = (
    "listens",
    "skips",
    "likes",
    "lists",
    "clicked",
    "recommended_heard",
    "recommended_skipped",
)


@dataclass(frozen=True)
class Day:
    """One day of the site. Rates are None on days without lists or listens."""

    day: date
    n_listens: int
    n_skips: int
    n_likes: int
    n_lists: int
    n_clicked: int
    n_recommended_heard: int
    n_recommended_skipped: int

    @property
    def click_rate(self) -> float | None:
        return self.n_clicked / self.n_lists if self.n_lists else None

    @property
    def skip_rate(self) -> float | None:
        heard = self.n_listens + self.n_skips
        return self.n_skips / heard if heard else None

    @property
    def recommended_skip_rate(self) -> float | None:
        """The same of songs that the listener had been shown in a list before."""
        heard = self.n_recommended_heard + self.n_recommended_skipped
        return self.n_recommended_skipped / heard if heard else None


@dataclass(frozen=True)
class Dashboard:
    """The start page's content."""

    active: ModelVersion | None
    running: TrainingRun | None
    last_run: TrainingRun | None
    days: list[Day]
    counted_at: datetime | None
    """When a worker counted the days; None where they are counted for the page."""
    is_uncounted: bool
    """A worker of a large site has yet to count the days for the first time."""
    steps: list[tuple[str, int, float]]
    lists: dict[str, float]
    list_age_seconds: float | None
    queue: list[tuple[str, int]]
    worker: Finding
    experiment: Experiment | None
    e_value: float | None
    warnings: list[Finding]
    sizes: list[Size]
    impossible_days: list[ImpossibleDay]
    first_steps: list[Step]
    has_demo: bool
    pack: PackState | None

    @property
    def n_steps_left(self) -> int:
        return sum(not step.is_done for step in self.first_steps)

    @property
    def n_problems(self) -> int:
        return len(self.warnings) + len(self.impossible_days)

    @property
    def n_waiting(self) -> int:
        return sum(n_jobs for _kind, n_jobs in self.queue)

    @property
    def fallback_share(self) -> float | None:
        return compute_fallback_share(self.steps)


def read() -> Dashboard:
    """Read everything; the daily figures, which cost the most, are at most a minute old."""
    values = {gauge.name: gauge.values for gauge in metrics.read()}
    steps = _count_steps()
    counted_days = read_figure(DAYS_OF_SITE, CACHE_SECONDS)
    worker = health_checks.check_worker()
    return Dashboard(
        active=ModelVersion.objects.filter(is_active=True).first(),
        running=TrainingRun.objects.active().first(),
        last_run=TrainingRun.objects.exclude(status__in=TrainingRun.ACTIVE).first(),
        days=[Day(date.fromisoformat(row[0]), *row[1:]) for row in (counted_days.value or ())],
        counted_at=None if kept_figures.is_small_site() else counted_days.at,
        is_uncounted=counted_days.at is None,
        steps=steps,
        lists=values.get("lists", {}),
        list_age_seconds=values.get("list_age_seconds", {}).get("oldest"),
        queue=_describe_queue(values["queue_length"]),
        worker=worker,
        experiment=Experiment.objects.filter(state=Experiment.State.RUNNING).first(),
        e_value=values.get("interleaving_e_value", {}).get(""),
        warnings=list(_list_warnings(steps, worker)),
        sizes=storage.list_sizes(),
        impossible_days=cast(
            "list[ImpossibleDay]",
            cache.get_or_set(
                _IMPOSSIBLE_DAYS, impossible_plays.find_impossible_days, CACHE_SECONDS
            ),
        ),
        first_steps=first_steps.list_steps(first_steps.find_last_backup()),
        has_demo=demo_removal.has_demo(),
        pack=seed_packs.read_state(),
    )


def _describe_queue(lengths: Mapping[str, float]) -> list[tuple[str, int]]:
    """Return what waits and how many of it, by the words of the admin; kinds of which none waits are left out."""
    words = jobs.describe_queues()
    return [(words[kind], int(n_jobs)) for kind, n_jobs in lengths.items() if n_jobs]


def clear_cached_figures() -> None:
    """Have all that the first page keeps for a while read anew, in every process of this cache."""
    kept_figures.clear_cached(DAYS_OF_SITE)
    cache.delete(_IMPOSSIBLE_DAYS)
    storage.clear_cached_sizes()


def list_days(n_days: int = DAYS) -> list[Day]:
    """Return the last days, oldest first; days without anything are there with zeros."""
    since = timezone.now() - timedelta(days=n_days)
    heard = _count_by_day(
        Interaction.objects.filter(occurred_at__gte=since),
        "occurred_at",
        listens=Count("pk", filter=Q(kind=Interaction.Kind.PLAY)),
        skips=Count("pk", filter=Q(kind=Interaction.Kind.SKIP)),
        likes=Count("pk", filter=Q(kind=Interaction.Kind.LIKE)),
    )
    lists = _count_by_day(
        Impression.objects.filter(shown_at__gte=since), "shown_at", lists=Count("pk")
    )
    clicks = Outcome.objects.filter(impression__shown_at__gte=since, kind=Outcome.Kind.CLICK)
    clicked = _count_by_day(
        clicks, "impression__shown_at", clicked=Count("impression", distinct=True)
    )
    today = timezone.localdate()
    recommended = _count_heard_after_shown(since)
    counts = (heard, lists, clicked, recommended)
    return [
        _describe_day(today - timedelta(days=back), *counts) for back in reversed(range(n_days))
    ]


def _count_days() -> list[list[Any]]:
    """Return the last days as a worker keeps them: the day, then its counts."""
    return [[one.day, *(getattr(one, f"n_{name}") for name in _COUNTED)] for one in list_days()]


DAYS_OF_SITE = Figure("days", _count_days)


def _count_heard_after_shown(since: datetime) -> dict[date, dict[str, int]]:
    """Count by day what listeners played and skipped of the songs that a list had shown them; two queries."""
    counts: dict[date, dict[str, int]] = defaultdict(
        lambda: {"recommended_heard": 0, "recommended_skipped": 0}
    )
    for day, _version_id, is_skip in list_heard(since):
        counts[day]["recommended_skipped" if is_skip else "recommended_heard"] += 1
    return counts


def _count_by_day(rows: Any, moment: str, **counts: Count) -> dict[date, dict[str, int]]:
    grouped = rows.order_by().annotate(day=TruncDate(moment)).values("day").annotate(**counts)
    return {row["day"]: row for row in grouped}


def _describe_day(day: date, *counts: dict[date, dict[str, int]]) -> Day:
    values: dict[str, int] = {}
    for rows in counts:
        values |= rows.get(day, {})
    return Day(day, *(values.get(name, 0) for name in _COUNTED))


def _count_steps() -> list[tuple[str, int, float]]:
    """Return (step, lists shown, share) of the last week, most first."""
    since = timezone.now() - timedelta(days=STEP_DAYS)
    rows = (
        Impression.objects.filter(shown_at__gte=since)
        .order_by()
        .values_list("step")
        .annotate(n=Count("pk"))
    )
    counts = sorted(rows, key=lambda row: -row[1])
    total = sum(n for _, n in counts)
    return [(step, n, n / total) for step, n in counts]


def compute_fallback_share(steps: Iterable[tuple[str, int, float]]) -> float | None:
    """Return the share of lists that no model made from the listener's own history; None without any."""
    shares = [(step, share) for step, _, share in steps]
    return sum(share for step, share in shares if step not in NOT_A_FALLBACK) if shares else None


# --- Warnings ---------------------------------------------------------------------------------------------------------


def _list_warnings(steps: list[tuple[str, int, float]], worker: Finding) -> Iterable[Finding]:
    for finding in (
        health_checks.check_disk(),
        *health_checks.check_installation(),
        health_checks.check_migrations(),
        health_checks.check_model(),
        worker,
    ):
        if finding.status != "ok":
            yield finding
    yield from _warn_about_trainings()
    yield from _warn_about_experiments()
    share = compute_fallback_share(steps) or 0.0
    if share > MANY_FALLBACKS and sum(n for _, n, _ in steps) >= ENOUGH_LISTS:
        yield Finding(
            "fallbacks",
            "degraded",
            _("%(share)s of lists came from a fallback") % {"share": f"{share:.0%}"},
            _("Retrain with newer listens."),
        )


def _warn_about_trainings() -> Iterable[Finding]:
    last = TrainingRun.objects.exclude(status__in=TrainingRun.ACTIVE).first()
    if last is not None and last.status == TrainingRun.Status.FAILED:
        text = _("%(run)s failed: %(reason)s") % {
            "run": last,
            "reason": translate_stored(last.error),
        }
        yield Finding("training", "degraded", text, _("Read its log, then retrain."))
    held_back = ModelVersion.objects.filter(
        training_run=last, state=ModelVersion.State.READY
    ).exclude(gate_reason="")
    if last is not None and (version := held_back.first()) is not None and not version.is_active:
        cure = _("Compare it with the active one, then activate it by hand or leave it.")
        text = _("%(version)s was held back: %(reason)s") % {
            "version": version,
            "reason": translate_stored(version.gate_reason),
        }
        yield Finding("quality gate", "degraded", text, cure)


def _warn_about_experiments() -> Iterable[Finding]:
    running = Experiment.objects.filter(state=Experiment.State.RUNNING).first()
    if running is None:
        return
    if not running.is_interleaving and results.compute_result(running).ratio_is_off:
        cure = _("Stop it: something loses listeners of one arm, so its results can't be trusted.")
        text = _("the arms of “%(experiment)s” are not as large as they were set") % {
            "experiment": running
        }
        yield Finding("experiment", "degraded", text, cure)
    for arm in running.arms.exclude(stopped_at=None):
        text = _("arm %(arm)s was stopped: %(reason)s") % {
            "arm": arm,
            "reason": translate_stored(arm.stop_reason),
        }
        yield Finding("experiment", "degraded", text, _("Stop the experiment."))
