"""Impressions and outcomes. Answering a list writes nothing; the page or program that showed it reports by receipt."""

import uuid
from collections.abc import Sequence
from datetime import date
from typing import Any

from django.core import signing

from accounts.models import User
from catalog.models import Song
from recommendations import telemetry
from recommendations.models import Impression, ModelVersion, Outcome
from recommendations.services.experiments import interleaving
from recommendations.services.lists.served_list import Interleaved, Served

_SALT = "recommendations.events"
VALID_SECONDS = 7 * 24 * 3600


class EventRefused(Exception):
    """The reported event can't be true; the message says why."""


class UnknownImpression(EventRefused):
    """There is no such impression of this listener."""


def sign_receipt(listener: User, served: Served, arm: str | None = None) -> str:
    """Return a signed text that says how a list came about; it goes with the list."""
    version = served.version.pk if served.version and not served.interleaved else None
    receipt: dict[str, Any] = {
        "l": listener.pk,
        "v": version,
        "s": served.step,
        "a": arm or served.arm or None,
    }
    if served.interleaved is not None:
        receipt["i"] = _pack_teams(served.interleaved)
    return signing.dumps(receipt, salt=_SALT, compress=True)


def record_impression(
    listener: User, receipt_text: str, songs: Sequence[Song], surface: str
) -> Impression:
    """Record that a listener saw these songs of the list with that receipt, in this order."""
    receipt = _read(listener, receipt_text)
    version = ModelVersion.objects.filter(pk=receipt["v"]).first() if receipt["v"] else None
    impression = Impression.objects.create(
        listener=listener,
        surface=surface,
        version=version,
        step=receipt["s"],
        arm=receipt["a"],
        song_ids=[song.pk for song in songs],
    )
    telemetry.count_event("impression")
    if "i" in receipt:
        _record_draft(listener, receipt["i"], impression.song_ids)
    return impression


def _pack_teams(interleaved: Interleaved) -> dict[str, Any]:
    by_team: dict[int, list[int]] = {}
    for song_id, team in interleaved.teams.items():
        by_team.setdefault(team, []).append(song_id)
    return {
        "e": interleaved.experiment_id,
        "d": interleaved.day.toordinal(),
        "t": list(by_team.items()),
    }


def _record_draft(listener: User, packed: dict[str, Any], song_ids: Sequence[int]) -> None:
    teams = {song_id: team for team, songs in packed["t"] for song_id in songs}
    day = date.fromordinal(packed["d"])
    interleaving.record_draft(listener, packed["e"], day, teams, song_ids)


def record_outcome(listener: User, impression_id: uuid.UUID, song: Song, kind: str) -> bool:
    """Record what the listener did with a song they were shown; return whether that is news."""
    impression = Impression.objects.filter(pk=impression_id, listener=listener).first()
    if impression is None:
        raise UnknownImpression("You were shown no such list.")
    if song.pk not in impression.song_ids:
        raise EventRefused(f"“{song.title}” was not on that list.")
    position = impression.song_ids.index(song.pk) + 1
    _outcome, is_new = Outcome.objects.get_or_create(
        impression=impression, song=song, kind=kind, defaults={"position": position}
    )
    if is_new:
        telemetry.count_event(kind)
    return is_new


def _read(listener: User, receipt_text: str) -> dict[str, Any]:
    try:
        receipt: dict[str, Any] = signing.loads(receipt_text, salt=_SALT, max_age=VALID_SECONDS)
    except signing.SignatureExpired:
        raise EventRefused("That receipt is older than a week.") from None
    except (signing.BadSignature, ValueError):
        raise EventRefused("That is no receipt of a list from here.") from None
    if receipt["l"] != listener.pk:
        raise EventRefused("That receipt is of a list for somebody else.")
    return receipt
