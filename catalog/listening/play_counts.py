"""Plays without a time: how often a source says that a listener played each song."""

from collections.abc import Collection, Mapping

from django.db import transaction
from django.db.models import QuerySet, Sum

from accounts.models import User
from catalog.listening.changes import announce_change
from catalog.listening.models import Interaction
from catalog.listening.outdated_months import mark_moments
from catalog.songs.locks import hold_songs


def load_play_counts(listener: User, song_ids: Collection[int], *, source: str) -> dict[int, int]:
    """Return the plays without a time that `source` counts, by song; songs without any are left out."""
    rows = _select_plays(listener, song_ids).filter(occurred_at=None, source=source)
    return dict(rows.values_list("song_id", "plays"))


def load_other_plays(listener: User, song_ids: Collection[int], *, source: str) -> dict[int, int]:
    """Return all other plays by song: those with a time, of any source, and the counts of other sources."""
    others = _select_plays(listener, song_ids).exclude(occurred_at=None, source=source).order_by()
    return dict(others.values("song_id").annotate(n=Sum("plays")).values_list("song_id", "n"))


def set_play_counts(listener: User, counts: Mapping[int, int], *, source: str) -> None:
    """Set how many plays without a time `source` counts of each song, at most a few hundred; 0 deletes the count."""
    with transaction.atomic():
        present = hold_songs(counts, listener)
        rows = _select_plays(listener, counts).filter(occurred_at=None, source=source)
        stored = {row.song_id: row for row in rows}
        new = [
            Interaction(
                listener=listener,
                song_id=song_id,
                kind=Interaction.Kind.PLAY,
                plays=n,
                source=source,
            )
            for song_id, n in counts.items()
            if n and song_id in present and song_id not in stored
        ]
        changed = [row for song_id, row in stored.items() if counts[song_id] not in (0, row.plays)]
        for row in changed:
            row.plays = counts[row.song_id]
        gone = [row.pk for song_id, row in stored.items() if not counts[song_id]]
        if not (new or changed or gone):
            return
        mark_moments(listener.pk, [None])
        Interaction.objects.bulk_create(new, ignore_conflicts=True, batch_size=500)
        Interaction.objects.bulk_update(changed, ["plays"], batch_size=100)
        Interaction.objects.filter(pk__in=gone).delete()
        announce_change([listener.pk])


def _select_plays(listener: User, song_ids: Collection[int]) -> QuerySet[Interaction]:
    plays: QuerySet[Interaction] = Interaction.objects.for_listener(listener)
    return plays.filter(kind=Interaction.Kind.PLAY, song__in=list(song_ids))
