"""Whether a player that was just connected has been heard from."""

from typing import Any, NamedTuple

from django.db.models import Max, Q
from django.utils import timezone

from accounts import tokens
from accounts.models import User
from catalog.listening.interactions import REPORT_SOURCE
from catalog.models import Interaction, NowPlaying
from catalog.records import PLAYER_PREFIX

_FROM_PLAYERS = Q(source__startswith=PLAYER_PREFIX) | Q(source=REPORT_SOURCE)


class Arrival(NamedTuple):
    """How far a connection came: `first` play since, what plays now, whether the token was used."""

    first: Interaction | None
    playing: dict[str, Any] | None
    is_used: bool


def find_last_id(listener: User) -> int:
    """Return the number of the listener's newest interaction; one that arrives later has a higher one."""
    return Interaction.objects.for_listener(listener).aggregate(last=Max("pk"))["last"] or 0


def find_arrival(listener: User, after: int, token_name: str) -> Arrival:
    """Return what came from a player after that number; three queries at most."""
    came = Interaction.objects.for_listener(listener).filter(_FROM_PLAYERS, pk__gt=after)
    first = came.select_related("song__artist").order_by("pk").first()
    now = NowPlaying.objects.filter(listener=listener, ends_at__gt=timezone.now()).first()
    newest = tokens.list_tokens(listener).filter(name=token_name).first()
    is_used = newest is not None and newest.last_used_on is not None
    return Arrival(first, now.song if now else None, is_used)
