"""Several facts about one listener at once, of any kind: what the API and apps send."""

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

from django.db import transaction
from django.utils import timezone

from accounts.models import User
from catalog.listening import interactions
from catalog.listening.interactions import Heard
from catalog.listening.models import Interaction
from catalog.songs.models import Song

Kind = Interaction.Kind


class Fact(NamedTuple):
    """A play or skip (with its time, if the sender knows it) or an opinion."""

    song: Song
    kind: Kind
    occurred_at: datetime | None = None
    played_ms: int | None = None


def record(listener: User, facts: Sequence[Fact], *, source: str) -> tuple[int, int]:
    """Write all of them or none; return how many were new and how many known."""
    heard = [fact for fact in facts if fact.kind in (Kind.PLAY, Kind.SKIP)]
    opinions = [(fact.song, fact.kind) for fact in facts if fact.kind in (Kind.LIKE, Kind.DISLIKE)]
    with transaction.atomic():
        n_added = sum(interactions.record_heard(listener, _heard(heard), source=source))
        n_added += sum(interactions.set_opinions(listener, opinions, source=source))
    return n_added, len(facts) - n_added


def _heard(facts: Sequence[Fact]) -> list[Heard]:
    now = timezone.now()
    return [Heard(fact.song, fact.occurred_at or now, fact.kind, fact.played_ms) for fact in facts]
