"""What listeners did with the lists of each version: clicks, likes, dislikes and hides."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import Count, Max, Min

from recommendations.models import Impression, ModelVersion, Outcome

N_VERSIONS = 10


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
    """Return the newest versions whose lists were seen, newest first; three queries."""
    shown = (
        Impression.objects.exclude(version=None)
        .order_by()
        .values("version_id")
        .annotate(n=Count("pk"), first=Min("shown_at"), last=Max("shown_at"))
    )
    by_version: dict[int, dict[str, Any]] = {row["version_id"]: {**row} for row in shown}
    versions = ModelVersion.objects.filter(pk__in=by_version).order_by("-pk")[:N_VERSIONS]
    counts: dict[tuple[int, str], int] = {}
    outcomes = Outcome.objects.filter(
        impression__version__in=[one.pk for one in versions]
    ).order_by()
    rows = outcomes.values_list("impression__version_id", "kind")
    for version_id, kind, n in rows.annotate(n=Count("impression", distinct=True)):
        counts[version_id, kind] = n
    return [_feedback(version, by_version[version.pk], counts) for version in versions]


def _feedback(
    version: ModelVersion, row: dict[str, Any], counts: dict[tuple[int, str], int]
) -> VersionFeedback:
    kinds = Outcome.Kind
    n = row["n"]
    unwanted = sum(counts.get((version.pk, kind), 0) for kind in (kinds.DISLIKE, kinds.HIDE))
    return VersionFeedback(
        version,
        n,
        row["first"],
        row["last"],
        counts.get((version.pk, kinds.CLICK), 0) / n,
        counts.get((version.pk, kinds.LIKE), 0) / n,
        min(1.0, unwanted / n),
    )
