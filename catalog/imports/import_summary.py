"""What an import brought, as its listener would say it: plays, songs, since when, and whose music."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db.models import Count, Min, Q, Sum

from catalog.imports.models import ImportRun
from catalog.listening.models import Interaction

N_ARTISTS = 5


@dataclass(frozen=True)
class ImportSummary:
    """Plays and likes that are in the history because of an import; `since` is None where no row has a time."""

    n_plays: int
    n_likes: int
    n_songs: int
    since: datetime | None
    artists: Sequence[str]


def summarise_import(run: ImportRun) -> ImportSummary | None:
    """Count what a listener's import brought; None where it brought nothing. Two queries over its rows."""
    kinds = Interaction.Kind
    rows = Interaction.objects.filter(import_run=run, kind__in=[kinds.PLAY, kinds.LIKE])
    counted = rows.aggregate(
        n_plays=Sum("plays", filter=Q(kind=kinds.PLAY), default=0),
        n_likes=Count("pk", filter=Q(kind=kinds.LIKE)),
        n_songs=Count("song_id", distinct=True),
        since=Min("occurred_at"),
    )
    if not counted["n_songs"]:
        return None
    by_artist = rows.order_by().values("song__artist__name").annotate(n=Sum("plays"))
    artists = by_artist.order_by("-n", "song__artist__name").values_list(
        "song__artist__name", flat=True
    )
    return ImportSummary(artists=tuple(artists[:N_ARTISTS]), **counted)
