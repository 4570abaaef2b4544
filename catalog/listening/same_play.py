"""The same play from two sources counts once: the one place that decides it, for files, players and the API.

The rule. Two reports of one listener about one song, both plays or both skips, are the same play when

1. they name the same second, or
2. they come from different sources (another player, another file) and their starts are no further apart than the song
   is long (`play_rules.same_play_seconds`); for skips, less than a minute.

Of several stored plays the nearest counts, and each stands for one report of each other source, so that a song heard
three times in a row stays three plays. Which report comes first makes no difference to how many plays there are.
"""

from bisect import bisect_left, insort
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import NamedTuple

from django.db import connection

from accounts.models import User
from catalog.listening.models import Interaction
from catalog.play_rules import LONGEST_SECONDS, SAME_MINUTE, same_play_seconds

_FEW_SONGS = 200
_COLUMNS = (
    "pk", "song_id", "kind", "occurred_at", "source", "import_run_id", "played_ms", "song__duration_ms",
)  # fmt: skip

Source = tuple[str, int | None]
"""Who reports: the player or format, and the import for what comes out of a file."""


class Report(NamedTuple):
    """A play or skip that begins at `at`, in Unix seconds; `seconds` is the song's length for the rule."""

    song_id: int
    kind: int
    at: int
    source: Source
    seconds: int


@dataclass(slots=True)
class _Play:
    at: int
    source: Source
    seconds: int
    pk: int = 0
    reported_by: set[Source] = field(default_factory=set)


def report(
    song_id: int, kind: int, at: int, source: Source, duration_ms: int | None, played_ms: int | None
) -> Report:
    """Return a report with the span within which others mean the same play."""
    seconds = same_play_seconds(duration_ms, played_ms) if kind == Interaction.Kind.PLAY else SAME_MINUTE - 1
    return Report(song_id, kind, at, source, seconds)


class SamePlays:
    """Finds what is reported again. Keep one for the parts of a file: it remembers which plays the last part used."""

    def __init__(self, listener: User) -> None:
        self._listener = listener
        self._used: dict[int, set[Source]] = {}

    def are_new(self, reports: Sequence[Report], *, leave_out_run: int | None = None) -> list[bool]:
        """Return for each report whether it is a play that is not stored yet; one query.

        `leave_out_run` names an import whose own rows need no look, because all its reports have one source.
        Call it in the transaction that then inserts the new ones.
        """
        return [play is None for play in self.stored(reports, leave_out_run=leave_out_run)]

    def stored(self, reports: Sequence[Report], *, leave_out_run: int | None = None) -> list[int | None]:
        """Return for each report the key of the play it tells again (0 for one of this call), None for a new one."""
        if not reports:
            return []
        plays = self._stored_near(reports, leave_out_run)
        known = [_exact(plays, one) for one in reports]
        for place in sorted(range(len(reports)), key=lambda place: reports[place].at):
            if known[place] is None:
                known[place] = _known_or_add(plays, reports[place])
        self._used = {play.pk: play.reported_by for some in plays.values() for play in some if play.pk}
        return [None if play is None else play.pk for play in known]

    def _stored_near(self, reports: Sequence[Report], leave_out_run: int | None) -> "_Plays":
        """Return the listener's stored plays that lie near enough to a report to be the same."""
        times: dict[tuple[int, int], list[int]] = {}
        for one in reports:
            times.setdefault((one.song_id, one.kind), []).append(one.at)
        for some in times.values():
            some.sort()
        rows = self._rows(reports, leave_out_run)
        plays: _Plays = {}
        for pk, song_id, kind, moment, source, run_id, played_ms, duration_ms in rows:
            at = int(moment.timestamp())
            one = report(song_id, kind, at, (source, run_id), duration_ms, played_ms)
            if _is_near(times.get((song_id, kind)), at):
                play = _Play(at, one.source, one.seconds, pk, self._used.get(pk, set()))
                plays.setdefault((song_id, kind), []).append(play)
        for stored in plays.values():
            stored.sort(key=_start)
        return plays

    def _rows(self, reports: Sequence[Report], leave_out_run: int | None) -> Iterable[tuple]:
        first, last = min(one.at for one in reports), max(one.at for one in reports)
        span = [datetime.fromtimestamp(at, UTC) for at in (first - LONGEST_SECONDS, last + LONGEST_SECONDS)]
        heard = Interaction.objects.by(self._listener).heard().filter(occurred_at__range=span)
        if leave_out_run is not None:
            heard = heard.exclude(import_run=leave_out_run)
        songs = {one.song_id for one in reports}
        if len(songs) <= _FEW_SONGS:
            heard = heard.filter(song_id__in=songs)
        return heard.order_by().values_list(*_COLUMNS).iterator(chunk_size=2000)


_Plays = dict[tuple[int, int], list[_Play]]


def wait_for_others(listener: User) -> None:
    """Have the listener's other writers wait until this transaction ends: two players report at the same moment."""
    if connection.features.has_select_for_update:  # SQLite has one writer at a time anyway
        list(User.objects.select_for_update(no_key=True).filter(pk=listener.pk).values_list("pk"))


def _start(play: _Play) -> int:
    return play.at


def _is_near(times: Sequence[int] | None, at: int) -> bool:
    if not times:
        return False
    place = bisect_left(times, at - LONGEST_SECONDS)
    return place < len(times) and times[place] <= at + LONGEST_SECONDS


def _exact(plays: _Plays, one: Report) -> _Play | None:
    """Return the play that began at that very second; it then is this source's, too."""
    stored = plays.get((one.song_id, one.kind), [])
    place = bisect_left(stored, one.at, key=_start)
    if place == len(stored) or stored[place].at != one.at:
        return None
    stored[place].reported_by.add(one.source)
    return stored[place]


def _known_or_add(plays: _Plays, one: Report) -> _Play | None:
    """Return the play that another source has told of; else add it and return None."""
    if (same := _exact(plays, one)) is not None:
        return same
    stored = plays.setdefault((one.song_id, one.kind), [])
    near = [play for play in _between(stored, one) if _may_be_same(play, one)]
    if near:
        nearest = min(near, key=lambda play: abs(play.at - one.at))
        nearest.reported_by.add(one.source)
        return nearest
    insort(stored, _Play(one.at, one.source, one.seconds), key=_start)
    return None


def _between(stored: Sequence[_Play], one: Report) -> Sequence[_Play]:
    first = bisect_left(stored, one.at - LONGEST_SECONDS, key=_start)
    last = bisect_left(stored, one.at + LONGEST_SECONDS + 1, key=_start)
    return stored[first:last]


def _may_be_same(play: _Play, one: Report) -> bool:
    return (
        play.source != one.source
        and one.source not in play.reported_by
        and abs(play.at - one.at) <= max(play.seconds, one.seconds)
    )
