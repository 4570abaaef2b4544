"""What listeners did with the songs of a list within some hours, read from the tables of the catalog.

Plays and opinions come from pages and from players alike, so this sees more than the outcomes that pages report.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from catalog.models import Interaction, Playlist, PlaylistItem, Song
from recommendations.models import ListenerControl

WINDOW = timedelta(hours=24)
"""What a listener does within it with the songs of a draft counts."""

KINDS = Interaction.Kind


FindDays = Callable[[int, int | None, datetime], "Iterable[Response]"]
"""Of a listener, a song and a moment: what came of the days on which that counts."""


@dataclass(frozen=True)
class ShownDay:
    """The songs that a listener was shown, and the window in which what they do with them counts."""

    listener_id: int
    begin: datetime
    end: datetime
    song_ids: Sequence[int]


@dataclass
class Response:
    """What came of one shown day.

    Attributes
    ----------
    wanted
        Ids of the shown songs that were liked, played to at least a half, or put into a playlist.
    unwanted
        Ids of those that were disliked or hidden; `counted` leaves them out.
    """

    wanted: set[int] = field(default_factory=set)
    unwanted: set[int] = field(default_factory=set)
    n_heard: int = 0
    n_skipped: int = 0

    @property
    def counted(self) -> set[int]:
        return self.wanted - self.unwanted


def read_responses(days: Sequence[ShownDay]) -> list[Response]:
    """Return what came of each shown day; four queries, over all rows of the listeners in the time of all days."""
    responses = [Response() for _ in days]
    if not days:
        return responses
    by_listener: dict[int, list[int]] = defaultdict(list)
    for index, day in enumerate(days):
        by_listener[day.listener_id].append(index)
    begin, end = min(day.begin for day in days), max(day.end for day in days)
    shown = [set(day.song_ids) for day in days]

    def find_days(listener_id: int, song_id: int | None, moment: datetime) -> Iterable[Response]:
        for index in by_listener[listener_id]:
            is_within = days[index].begin <= moment < days[index].end
            if is_within and song_id in shown[index]:
                yield responses[index]

    _add_interactions(list(by_listener), begin, end, find_days)
    kept = PlaylistItem.objects.filter(
        playlist__owner__in=by_listener,
        playlist__kind=Playlist.Kind.OWN,
        import_run=None,
        added_at__gte=begin,
        added_at__lt=end,
    )
    for listener_id, song_id, moment in kept.values_list("playlist__owner", "song_id", "added_at"):
        for response in find_days(listener_id, song_id, moment):
            response.wanted.add(song_id)
    hidden = _list_hidden(list(by_listener), begin, end, set().union(*shown))
    for listener_id, song_id, moment in hidden:
        for response in find_days(listener_id, song_id, moment):
            response.unwanted.add(song_id)
    return responses


def _add_interactions(
    listener_ids: list[int], begin: datetime, end: datetime, find_days: FindDays
) -> None:
    rows = Interaction.objects.filter(
        listener__in=listener_ids, occurred_at__gte=begin, occurred_at__lt=end
    ).order_by()
    columns = ("listener_id", "song_id", "kind", "occurred_at", "played_ms", "song__duration_ms")
    for listener_id, song_id, kind, moment, played_ms, duration_ms in rows.values_list(*columns):
        for response in find_days(listener_id, song_id, moment):
            if kind == KINDS.SKIP:
                response.n_skipped += 1
            elif kind == KINDS.DISLIKE:
                response.unwanted.add(song_id)
            elif kind == KINDS.LIKE:
                response.wanted.add(song_id)
            else:
                response.n_heard += 1
                if is_half_heard(played_ms, duration_ms):
                    response.wanted.add(song_id)


def is_half_heard(played_ms: int | None, duration_ms: int | None) -> bool:
    """Return whether a play was of at least half the song; where the source or the catalog does not say, it was."""
    return played_ms is None or not duration_ms or 2 * played_ms >= duration_ms


def _list_hidden(
    listener_ids: list[int], begin: datetime, end: datetime, shown: set[int]
) -> list[tuple[int, int, datetime]]:
    """Return (listener, song, moment) of what was hidden, the shown songs that name hidden artists included."""
    controls = list(
        ListenerControl.objects.filter(
            listener__in=listener_ids,
            kind__in=ListenerControl.HIDING,
            created_at__gte=begin,
            created_at__lt=end,
        ).values_list("listener_id", "song_id", "artist_id", "created_at")
    )
    songs_of: dict[int, list[int]] = defaultdict(list)
    artist_ids = {artist for _, _, artist, _ in controls if artist}
    if artist_ids:
        songs = Song.objects.filter(pk__in=shown)
        for song_id, artist_id in songs.pair_with_artists(artist_ids):
            songs_of[artist_id].append(song_id)
    return [
        (listener_id, one, moment)
        for listener_id, song_id, artist_id, moment in controls
        for one in ([song_id] if song_id else songs_of[artist_id])
    ]
