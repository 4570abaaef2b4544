"""What one listener does, one fact at a time: the only writer of single interactions.

Every function may be called twice with the same facts: the second call changes nothing. A change
is announced by `catalog.signals.listening_changed` once it is committed.
"""

from collections.abc import Collection, Mapping, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from typing import NamedTuple

from django.db import IntegrityError, transaction
from django.utils import timezone

from accounts.models import User
from catalog.listening.changes import announce_change, delete_interactions
from catalog.listening.models import Interaction
from catalog.listening.outdated_months import mark_moments
from catalog.listening.same_play import PlayMatcher, PlayReport, build_report, lock_listener
from catalog.play_rules import is_play
from catalog.songs.locks import hold_song, hold_songs
from catalog.songs.models import Song
from common.transactions import retry_conflicts

Kind = Interaction.Kind
_ATTEMPTS = 3
REPORT_SOURCE = "playback-report"
"""The source of reports of how far a song was heard. It is none of the sources of plays, so that a play and the
report of it count once."""


@retry_conflicts
def like_song(listener: User, song: Song, *, source: str) -> Interaction:
    """Make `song` a liked one; a dislike of it is replaced."""
    return _set_opinion(listener, song, Kind.LIKE, source)


@retry_conflicts
def dislike_song(listener: User, song: Song, *, source: str) -> Interaction:
    """Make `song` a disliked one; a like of it is replaced."""
    return _set_opinion(listener, song, Kind.DISLIKE, source)


@retry_conflicts
def clear_opinion(listener: User, song: Song) -> bool:
    """Take back the like or dislike; return whether there was one."""
    return (
        delete_interactions(
            listener, Interaction.objects.for_listener(listener).opinions().filter(song=song)
        )
        > 0
    )


@retry_conflicts
def clear_opinions(listener: User, song_ids: Sequence[int], kind: Kind) -> int:
    """Take back the opinions of one kind about up to a thousand songs; return how many there were."""
    opinions = Interaction.objects.for_listener(listener).filter(kind=kind, song__in=song_ids)
    return delete_interactions(listener, opinions)


def get_opinion(listener: User, song: Song) -> Kind | None:
    """Return `Kind.LIKE`, `Kind.DISLIKE` or None; one query."""
    opinion = (
        Interaction.objects.for_listener(listener).opinions().filter(song=song).only("kind").first()
    )
    return None if opinion is None else Kind(opinion.kind)


@retry_conflicts
def set_opinions(
    listener: User,
    opinions: Sequence[tuple[Song, Kind]],
    *,
    source: str,
    moments: Mapping[int, datetime] | None = None,
) -> list[bool]:
    """Set up to a thousand opinions in a few statements; return for each whether it changed anything.

    Of several about one song the last counts. `moments` says by song id when a first opinion was given; now, where it
    is not in there.
    """
    with transaction.atomic():
        present = hold_songs((song.pk for song, _ in opinions), listener)
        opinions = [(song, kind) for song, kind in opinions if song.pk in present]
        own_opinions = Interaction.objects.for_listener(listener).opinions()
        before = dict(
            own_opinions.filter(song__in=[song for song, _ in opinions]).values_list(
                "song_id", "kind"
            )
        )
        after, changed = dict(before), []
        for song, kind in opinions:
            changed.append(after.get(song.pk) != kind)
            after[song.pk] = kind
        wanted = {song_id: kind for song_id, kind in after.items() if before.get(song_id) != kind}
        _write_opinions(listener, wanted, before.keys(), source, moments or {})
        if wanted:
            announce_change([listener.pk])
    return changed


@retry_conflicts
def record_play(
    listener: User,
    song: Song,
    *,
    occurred_at: datetime | None = None,
    played_ms: int | None = None,
    source: str,
) -> tuple[Interaction, bool]:
    """Add a play that began at `occurred_at` (now, if not given); return it and whether it is new.

    What is too short to be a play is stored as a skip. A play that another source reported, or this one at the
    same second, is not stored again (`catalog.listening.same_play`).
    """
    return _record_listen(listener, song, Kind.PLAY, occurred_at, played_ms, source)


class ListenEntry(NamedTuple):
    """One of several plays or skips that arrive together."""

    song: Song
    occurred_at: datetime
    kind: Kind = Kind.PLAY
    played_ms: int | None = None
    source: str = ""


@retry_conflicts
def record_listens(listener: User, listens: Sequence[ListenEntry], *, source: str) -> list[bool]:
    """Add up to a thousand plays and skips in a few statements; return for each whether it is new.

    `source` is the source of those that name none.
    """
    rows = [_build_row(listener, one, source) for one in listens]
    with transaction.atomic():
        present = hold_songs((row.song_id for row in rows), listener)
        lock_listener(listener)
        are_new = PlayMatcher(listener).are_new([_build_report(row) for row in rows])
        is_new = [new and row.song_id in present for row, new in zip(rows, are_new, strict=True)]
        new_rows = [row for row, new in zip(rows, is_new, strict=True) if new]
        Interaction.objects.bulk_create(new_rows, ignore_conflicts=True)
        if new_rows:
            _mark_plays(listener, new_rows)
            announce_change([listener.pk])
    return is_new


@retry_conflicts
def delete_interaction(listener: User, interaction_id: int) -> bool:
    """Delete one of the listener's own interactions; return whether there was one."""
    return (
        delete_interactions(
            listener, Interaction.objects.for_listener(listener).filter(pk=interaction_id)
        )
        > 0
    )


@retry_conflicts
def delete_listen(listener: User, song: Song, occurred_at: datetime) -> bool:
    """Delete the play or skip of `song` at that second; return whether there was one."""
    listens = Interaction.objects.for_listener(listener).plays_and_skips()
    return (
        delete_interactions(
            listener, listens.filter(song=song, occurred_at=truncate_to_second(occurred_at))
        )
        > 0
    )


@retry_conflicts
def delete_all_interactions(listener: User) -> int:
    """Delete the listener's whole history and all opinions; return how many interactions that were."""
    return delete_interactions(listener, Interaction.objects.for_listener(listener))


def truncate_to_second(moment: datetime) -> datetime:
    """Return `moment` in UTC without its fraction: sources disagree about fractions of the same play."""
    return moment.astimezone(UTC).replace(microsecond=0)


def _record_listen(
    listener: User,
    song: Song,
    kind: Kind,
    occurred_at: datetime | None,
    played_ms: int | None,
    source: str,
) -> tuple[Interaction, bool]:
    row = _build_row(
        listener, ListenEntry(song, occurred_at or timezone.now(), kind, played_ms), source
    )
    with transaction.atomic():
        hold_song(song, listener)
        lock_listener(listener)
        (known_id,) = PlayMatcher(listener).match([_build_report(row)])
        if known_id is not None:
            return Interaction.objects.get(pk=known_id), False
        row.save(force_insert=True)
        _mark_plays(listener, [row])
        announce_change([listener.pk])
    return row, True


def _build_row(listener: User, listen: ListenEntry, source: str) -> Interaction:
    """Return the row of a play or skip; what is too short to be a play is a skip."""
    is_short = listen.kind == Kind.PLAY and not is_play(listen.played_ms, listen.song.duration_ms)
    return Interaction(
        listener=listener,
        song=listen.song,
        kind=Kind.SKIP if is_short else listen.kind,
        occurred_at=truncate_to_second(listen.occurred_at),
        played_ms=listen.played_ms,
        source=listen.source or source,
    )


def _build_report(row: Interaction) -> PlayReport:
    at = int(row.occurred_at.timestamp())  # type: ignore[union-attr]  # plays have a moment
    return build_report(
        row.song_id, row.kind, at, (row.source, None), row.song.duration_ms, row.played_ms
    )


def _set_opinion(listener: User, song: Song, kind: Kind, source: str) -> Interaction:
    """Write the opinion; two requests at once end with one row, the later one's."""
    with transaction.atomic():
        hold_song(song, listener)
        opinion = _find_or_insert_opinion(listener, song, kind, source)
        if opinion.kind != kind:
            opinion.kind, opinion.source, opinion.occurred_at = (
                kind,
                source,
                truncate_to_second(timezone.now()),
            )
            opinion.save(update_fields=["kind", "source", "occurred_at"])
            announce_change([listener.pk])
    return opinion


def _write_opinions(
    listener: User,
    wanted: Mapping[int, int],
    existing: Collection[int],
    source: str,
    moments: Mapping[int, datetime],
) -> None:
    """Insert the opinions of songs that are not in `existing`; change the others."""
    now = truncate_to_second(timezone.now())
    new = [
        Interaction(
            listener=listener,
            song_id=song_id,
            kind=kind,
            source=source,
            occurred_at=truncate_to_second(min(moments.get(song_id, now), now)),
        )
        for song_id, kind in wanted.items()
        if song_id not in existing
    ]
    Interaction.objects.bulk_create(new, ignore_conflicts=True)
    # also what another request inserted at the same moment
    for kind in (Kind.LIKE, Kind.DISLIKE):
        of_kind = [song_id for song_id, wanted_kind in wanted.items() if wanted_kind == kind]
        others = (
            Interaction.objects.for_listener(listener)
            .opinions()
            .filter(song__in=of_kind)
            .exclude(kind=kind)
        )
        others.update(kind=kind, source=source, occurred_at=now)


def _find_or_insert_opinion(listener: User, song: Song, kind: Kind, source: str) -> Interaction:
    """Return the opinion, inserted where there is none.

    Another request may insert it at the same moment, and a third one take that back before it is read.
    """
    opinions = Interaction.objects.for_listener(listener).opinions().filter(song=song)
    for _attempt in range(_ATTEMPTS - 1):
        if (opinion := opinions.first()) is not None:
            return opinion
        with suppress(IntegrityError):
            return _insert_opinion(listener, song, kind, source)
    return opinions.first() or _insert_opinion(listener, song, kind, source)


def _insert_opinion(listener: User, song: Song, kind: Kind, source: str) -> Interaction:
    now = truncate_to_second(timezone.now())
    with transaction.atomic():
        opinion = Interaction.objects.create(
            listener=listener, song=song, kind=kind, source=source, occurred_at=now
        )
    announce_change([listener.pk])
    return opinion


def _mark_plays(listener: User, rows: Sequence[Interaction]) -> None:
    mark_moments(listener.pk, (row.occurred_at for row in rows if row.kind == Kind.PLAY))
