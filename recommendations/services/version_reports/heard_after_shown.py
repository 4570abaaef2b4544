"""What listeners played and skipped of the songs that a list had shown them."""

from collections import defaultdict
from collections.abc import Iterator
from datetime import date, datetime

from django.utils import timezone

from catalog.models import Interaction
from recommendations.models import Impression

MOST_LISTS = 20_000
"""So many of the newest lists are looked at: a few million numbers at most."""

PLAY, SKIP = Interaction.Kind.PLAY, Interaction.Kind.SKIP


def list_heard(since: datetime) -> Iterator[tuple[date, int | None, bool]]:
    """Yield (day, version of the list, whether it was skipped) of each play and skip of a shown song; two queries.

    The version is that of the last list before it that showed the song; None for lists of no or of two versions.
    """
    shown: dict[tuple[int, int], list[tuple[datetime, int | None]]] = defaultdict(list)
    newest = Impression.objects.filter(shown_at__gte=since).order_by("-shown_at")
    columns = ("listener_id", "shown_at", "version_id", "song_ids")
    for listener_id, moment, version_id, song_ids in newest.values_list(*columns)[:MOST_LISTS]:
        for song_id in song_ids:
            shown[listener_id, song_id].append((moment, version_id))
    heard = Interaction.objects.filter(
        occurred_at__gte=since,
        kind__in=(PLAY, SKIP),
        listener__in={listener_id for listener_id, _ in shown},
    )
    for listener_id, song_id, kind, begun in heard.values_list(
        "listener_id", "song_id", "kind", "occurred_at"
    ):
        for moment, version_id in shown.get((listener_id, song_id), ()):
            if begun is not None and moment < begun:
                yield timezone.localdate(begun), version_id, kind == SKIP
                break
