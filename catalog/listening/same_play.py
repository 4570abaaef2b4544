"""The same play from two sources counts once: the one place that decides it, for files, players and the API.

The rule. Two reports of one listener about one song, both plays or both skips, are the same play when

1. they name the same second, or
2. they come from different sources (another player, another file) and their starts are no further apart than the song
   is long (`play_rules.compute_same_play_seconds`); for skips, less than a minute. A source that names hours only
   means any play within its hour.

Of several stored plays the nearest counts, and each matches one report of each other source, so that a song heard
three times in a row stays three plays. Which report comes first makes no difference to how many plays there are.
"""

from bisect import bisect_left, insort
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, NamedTuple

from django.db import connection

from accounts.models import User
from catalog.listening.models import Interaction
from catalog.play_rules import (
    COARSE_SECONDS,
    LONGEST_SECONDS,
    SAME_MINUTE,
    compute_same_play_seconds,
)

_FEW_SONGS = 200
_COLUMNS = (
    "pk", "song_id", "kind", "occurred_at", "source", "import_run_id", "played_ms", "song__duration_ms",
)  # fmt: skip

Source = tuple[str, int | None]
"""Who reports: the player or format, and the import for what comes out of a file."""


class PlayReport(NamedTuple):
    """A play or skip that begins at `at`, in Unix seconds; `seconds` is the song's length for the rule."""

    song_id: int
    kind: int
    at: int
    source: Source
    seconds: int


@dataclass(slots=True)
class _StoredPlay:
    at: int
    source: Source
    seconds: int
    pk: int = 0
    reported_by: set[Source] = field(default_factory=set)


def build_report(
    song_id: int, kind: int, at: int, source: Source, duration_ms: int | None, played_ms: int | None
) -> PlayReport:
    """Return a report with the span within which others mean the same play."""
    seconds = (
        compute_same_play_seconds(duration_ms, played_ms)
        if kind == Interaction.Kind.PLAY
        else SAME_MINUTE - 1
    )
    seconds += COARSE_SECONDS.get(source[0], 0)
    return PlayReport(song_id, kind, at, source, seconds)


class PlayMatcher:
    """Finds the stored plays that reports repeat.

    Keep one instance for all chunks of a file: it stores which plays earlier chunks used.
    """

    def __init__(self, listener: User) -> None:
        self._listener = listener
        self._used: dict[int, set[Source]] = {}

    def are_new(
        self, reports: Sequence[PlayReport], *, leave_out_run: int | None = None
    ) -> list[bool]:
        """Return for each report whether it is a play that is not stored yet; one query.

        `leave_out_run` names an import whose own rows need no look, because all its reports have one source.
        Call it in the transaction that then inserts the new ones.
        """
        return [play is None for play in self.match(reports, leave_out_run=leave_out_run)]

    def match(
        self, reports: Sequence[PlayReport], *, leave_out_run: int | None = None
    ) -> list[int | None]:
        """Return for each report the key of the play it repeats (0 for one of this call), None for a new one."""
        if not reports:
            return []
        plays = self._load_nearby_plays(reports, leave_out_run)
        matches = [_match_exact_second(plays, one) for one in reports]
        for i in sorted(range(len(reports)), key=lambda i: reports[i].at):
            if matches[i] is None:
                matches[i] = _match_nearest_or_add(plays, reports[i])
        self._used = {
            play.pk: play.reported_by for some in plays.values() for play in some if play.pk
        }
        return [None if play is None else play.pk for play in matches]

    def _load_nearby_plays(
        self, reports: Sequence[PlayReport], leave_out_run: int | None
    ) -> "_Plays":
        """Return the listener's stored plays that lie near enough to a report to be the same."""
        times: dict[tuple[int, int], list[int]] = {}
        for one in reports:
            times.setdefault((one.song_id, one.kind), []).append(one.at)
        for some in times.values():
            some.sort()
        rows = self._query_rows(reports, leave_out_run)
        plays: _Plays = {}
        for pk, song_id, kind, moment, source, run_id, played_ms, duration_ms in rows:
            at = int(moment.timestamp())
            one = build_report(song_id, kind, at, (source, run_id), duration_ms, played_ms)
            if _is_near(times.get((song_id, kind)), at):
                play = _StoredPlay(at, one.source, one.seconds, pk, self._used.get(pk, set()))
                plays.setdefault((song_id, kind), []).append(play)
        for stored in plays.values():
            stored.sort(key=_get_start)
        return plays

    def _query_rows(
        self, reports: Sequence[PlayReport], leave_out_run: int | None
    ) -> Iterable[tuple[Any, ...]]:
        first, last = min(one.at for one in reports), max(one.at for one in reports)
        span = [
            datetime.fromtimestamp(at, UTC)
            for at in (first - LONGEST_SECONDS, last + LONGEST_SECONDS)
        ]
        listens = (
            Interaction.objects.for_listener(self._listener)
            .plays_and_skips()
            .filter(occurred_at__range=span)
        )
        if leave_out_run is not None:
            listens = listens.exclude(import_run=leave_out_run)
        songs = {one.song_id for one in reports}
        if len(songs) <= _FEW_SONGS:
            listens = listens.filter(song_id__in=songs)
        return listens.order_by().values_list(*_COLUMNS).iterator(chunk_size=2000)


_Plays = dict[tuple[int, int], list[_StoredPlay]]


def lock_listener(listener: User) -> None:
    """Lock the listener until this transaction ends, because two players may report at the same moment."""
    if connection.features.has_select_for_update:  # SQLite has one writer at a time anyway
        list(User.objects.select_for_update(no_key=True).filter(pk=listener.pk).values_list("pk"))


def _get_start(play: _StoredPlay) -> int:
    return play.at


def _is_near(times: Sequence[int] | None, at: int) -> bool:
    if not times:
        return False
    i = bisect_left(times, at - LONGEST_SECONDS)
    return i < len(times) and times[i] <= at + LONGEST_SECONDS


def _match_exact_second(plays: _Plays, one: PlayReport) -> _StoredPlay | None:
    """Return the play that began at that very second; it then is this source's, too."""
    stored = plays.get((one.song_id, one.kind), [])
    i = bisect_left(stored, one.at, key=_get_start)
    if i == len(stored) or stored[i].at != one.at:
        return None
    stored[i].reported_by.add(one.source)
    return stored[i]


def _match_nearest_or_add(plays: _Plays, one: PlayReport) -> _StoredPlay | None:
    """Return the play that another source reported; else add it and return None."""
    if (same := _match_exact_second(plays, one)) is not None:
        return same
    stored = plays.setdefault((one.song_id, one.kind), [])
    near = [play for play in _select_between(stored, one) if _is_within_span(play, one)]
    if near:
        nearest = min(near, key=lambda play: abs(play.at - one.at))
        nearest.reported_by.add(one.source)
        return nearest
    insort(stored, _StoredPlay(one.at, one.source, one.seconds), key=_get_start)
    return None


def _select_between(stored: Sequence[_StoredPlay], one: PlayReport) -> Sequence[_StoredPlay]:
    first = bisect_left(stored, one.at - LONGEST_SECONDS, key=_get_start)
    last = bisect_left(stored, one.at + LONGEST_SECONDS + 1, key=_get_start)
    return stored[first:last]


def _is_within_span(play: _StoredPlay, one: PlayReport) -> bool:
    return (
        play.source != one.source
        and one.source not in play.reported_by
        and abs(play.at - one.at) <= max(play.seconds, one.seconds)
    )
