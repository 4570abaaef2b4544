"""Several interactions of one listener at once, of any kind, as the API and apps send them."""

from collections.abc import Sequence, Set
from datetime import datetime
from typing import NamedTuple

from django.db import transaction
from django.utils import timezone

from accounts.models import User
from catalog.listening import interactions
from catalog.listening.interactions import ListenEntry
from catalog.listening.models import Interaction
from catalog.songs.locks import SongNotFound
from catalog.songs.models import Song

Kind = Interaction.Kind


class InteractionEntry(NamedTuple):
    """A play or skip, with its time if the sender gives one, or an opinion."""

    song: Song
    kind: Kind
    occurred_at: datetime | None = None
    played_ms: int | None = None


def record_batch(
    listener: User, entries: Sequence[InteractionEntry], *, source: str
) -> tuple[int, int]:
    """Write all entries or none; return how many were new and how many were stored before.

    Raises SongNotFound, with nothing written, where a song was merged or removed since it was looked up.
    """
    listens = [entry for entry in entries if entry.kind in (Kind.PLAY, Kind.SKIP)]
    opinions = [
        (entry.song, entry.kind) for entry in entries if entry.kind in (Kind.LIKE, Kind.DISLIKE)
    ]
    with transaction.atomic():
        n_added = sum(
            interactions.record_listens(listener, _build_listen_entries(listens), source=source)
        )
        n_added += sum(interactions.set_opinions(listener, opinions, source=source))
        if n_added < len(entries):
            _require_songs({entry.song.pk for entry in entries})
    return n_added, len(entries) - n_added


def _require_songs(song_ids: Set[int]) -> None:
    """Raise SongNotFound unless all songs are there: what was left out with one is not known already."""
    if Song.objects.filter(pk__in=song_ids).count() < len(song_ids):
        raise SongNotFound("A song of the batch was merged into another or removed meanwhile.")


def _build_listen_entries(entries: Sequence[InteractionEntry]) -> list[ListenEntry]:
    now = timezone.now()
    return [
        ListenEntry(entry.song, entry.occurred_at or now, entry.kind, entry.played_ms)
        for entry in entries
    ]
