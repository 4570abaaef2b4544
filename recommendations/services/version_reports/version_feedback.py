"""What listeners did with the lists of each version: clicks, likes, dislikes, hides and skips, in all and by day."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from django.db.models import Count, Max, Min
from django.db.models.functions import TruncDate
from django.utils import timezone

from catalog.songs.kept_figures import Figure, read_figure
from recommendations.models import Impression, ModelVersion, Outcome
from recommendations.services.version_reports.heard_after_shown import list_heard

N_VERSIONS = 10
DAYS = 28
CACHE_SECONDS = 60
N_DRAWN = 4
"""Versions with a line of their own in one chart."""


@dataclass(frozen=True)
class VersionFeedback:
    """One version's lists that were seen, and the shares of them with each kind of answer."""

    version: ModelVersion
    n_lists: int
    first: datetime
    last: datetime
    click_rate: float
    like_rate: float
    unwanted_rate: float


def list_feedback() -> list[VersionFeedback]:
    """Return the newest versions whose lists were seen, newest first, as far as they were counted."""
    counted = read_figure(FEEDBACK).value or {"shown": [], "answers": []}
    by_version = {row[0]: row[1:] for row in counted["shown"]}
    counts = {(version_id, kind): n for version_id, kind, n in counted["answers"]}
    versions = ModelVersion.objects.filter(pk__in=by_version).order_by("-pk")[:N_VERSIONS]
    return [_describe_feedback(version, by_version[version.pk], counts) for version in versions]


def _count_feedback() -> dict[str, Any]:
    """Count the lists shown of each version, and of the newest versions the answers; three queries."""
    shown = Impression.objects.exclude(version=None).order_by().values_list("version_id")
    rows = list(shown.annotate(n=Count("pk"), first=Min("shown_at"), last=Max("shown_at")))
    newest = sorted((row[0] for row in rows), reverse=True)[:N_VERSIONS]
    outcomes = Outcome.objects.filter(impression__version__in=newest).order_by()
    answers = outcomes.values_list("impression__version_id", "kind")
    return {
        "shown": rows,
        "answers": list(answers.annotate(n=Count("impression", distinct=True))),
    }


FEEDBACK = Figure("version_feedback", _count_feedback)


def _describe_feedback(
    version: ModelVersion, row: Sequence[Any], counts: Mapping[tuple[int, str], int]
) -> VersionFeedback:
    kinds = Outcome.Kind
    n, first, last = row
    unwanted = sum(counts.get((version.pk, kind), 0) for kind in (kinds.DISLIKE, kinds.HIDE))
    return VersionFeedback(
        version,
        n,
        datetime.fromisoformat(first),
        datetime.fromisoformat(last),
        counts.get((version.pk, kinds.CLICK), 0) / n,
        counts.get((version.pk, kinds.LIKE), 0) / n,
        min(1.0, unwanted / n),
    )


# --- By day -----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class DayFeedback:
    """One version's lists of one day. Rates are None where nothing was shown, or nothing of it was heard."""

    day: date
    n_lists: int
    n_clicked: int
    n_liked: int
    n_heard: int
    n_skipped: int

    @property
    def click_rate(self) -> float | None:
        return self.n_clicked / self.n_lists if self.n_lists else None

    @property
    def like_rate(self) -> float | None:
        return self.n_liked / self.n_lists if self.n_lists else None

    @property
    def skip_rate(self) -> float | None:
        n = self.n_heard + self.n_skipped
        return self.n_skipped / n if n else None


def list_days() -> list[tuple[ModelVersion, list[DayFeedback]]]:
    """Return the newest versions seen lately, each with the days on which something is known, oldest first."""
    rows = read_figure(VERSION_DAYS, CACHE_SECONDS).value or []
    versions = ModelVersion.objects.filter(pk__in={row[0] for row in rows})
    return [
        (
            version,
            [
                DayFeedback(date.fromisoformat(day), *counts)
                for version_id, day, *counts in rows
                if version_id == version.pk
            ],
        )
        for version in versions.order_by("-pk")[:N_DRAWN]
    ]


def _count_days() -> list[tuple[Any, ...]]:
    """Count what became of each version's lists by day: version, day, lists, clicked, liked, heard, skipped.

    Five queries. A day is the site's; a play counts on its own day, for the version whose list had shown the song.
    """
    since = timezone.now() - timedelta(days=DAYS)
    lists = Impression.objects.filter(shown_at__gte=since).exclude(version=None).order_by()
    n_lists = _count_rows(
        lists.annotate(day=TruncDate("shown_at")).values_list("version_id", "day"), Count("pk")
    )
    outcomes = Outcome.objects.filter(impression__shown_at__gte=since).exclude(
        impression__version=None
    )
    by_day = outcomes.order_by().annotate(day=TruncDate("impression__shown_at"))
    clicked, liked = (
        _count_rows(
            by_day.filter(kind=kind).values_list("impression__version_id", "day"),
            Count("impression", distinct=True),
        )
        for kind in (Outcome.Kind.CLICK, Outcome.Kind.LIKE)
    )
    heard, skipped = Counter[tuple[int, date]](), Counter[tuple[int, date]]()
    for day, version_id, is_skip in list_heard(since):
        if version_id is not None:
            (skipped if is_skip else heard)[version_id, day] += 1
    counts = (n_lists, clicked, liked, heard, skipped)
    keys = sorted(set().union(*counts))
    return [
        (version_id, day, *(count[version_id, day] for count in counts)) for version_id, day in keys
    ]


VERSION_DAYS = Figure("version_days", _count_days)


def _count_rows(rows: Any, count: Count) -> Counter[tuple[int, date]]:
    counted: Iterable[tuple[int, date, int]] = rows.annotate(n=count)
    return Counter({(version_id, day): n for version_id, day, n in counted})
