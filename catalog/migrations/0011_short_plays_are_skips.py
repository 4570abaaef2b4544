"""Plays that were too short to be plays become the skips that they would be stored as today."""

from django.db import migrations
from django.db.models import Exists, F, OuterRef, Q

PLAY, SKIP = 0, 3
LEAST_HEARD_MS = 30_000


def turn_short_plays_into_skips(apps, schema_editor):
    """Where a skip of the same moment is there, the play goes; a song shorter than a minute needs half of itself."""
    interactions = apps.get_model("catalog", "Interaction").objects
    too_short = Q(song__duration_ms=None) | Q(song__duration_ms__gte=2 * LEAST_HEARD_MS)
    too_short |= Q(song__duration_ms__gt=2 * F("played_ms") + 1)
    short = interactions.filter(too_short, kind=PLAY, plays=1, played_ms__lt=LEAST_HEARD_MS)
    same_moment = interactions.filter(
        kind=SKIP,
        listener=OuterRef("listener"),
        song=OuterRef("song"),
        occurred_at=OuterRef("occurred_at"),
    )
    ids = short.filter(Exists(same_moment)).values_list("pk", flat=True)
    interactions.filter(pk__in=list(ids)).delete()
    last = 0
    while part := list(
        short.filter(pk__gt=last, occurred_at__isnull=False).order_by("pk").values_list("pk", flat=True)[:5000]
    ):
        interactions.filter(pk__in=part).update(kind=SKIP)
        last = part[-1]


class Migration(migrations.Migration):
    dependencies = [("catalog", "0010_import_counts_and_playlists")]

    operations = [migrations.RunPython(turn_short_plays_into_skips, migrations.RunPython.noop)]
