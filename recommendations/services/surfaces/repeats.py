"""Songs to hear again: a queue of known and new songs, and songs that were loved and forgotten."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta, tzinfo

from django.core.cache import cache
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from accounts.models import User
from accounts.time_zones import get_time_zone
from catalog.models import Interaction, Song
from common.templatetags.numbers import format_count
from recommendations.engine import LEAST_PLAYS, LONG_AGO, Repeats, fit_decay, mix_heads
from recommendations.services.lists import list_request
from recommendations.services.lists.artist_order import space_songs
from recommendations.services.lists.listener_context import ListenerContext
from recommendations.services.lists.served_list import ServedSong
from recommendations.services.reasons import explanation_text
from recommendations.services.reasons.explanation_facts import Facts, read_facts
from recommendations.services.reasons.explanation_text import ExplanationText
from recommendations.services.serving import list_cache, recommend

LENGTH = 12
_SPARE = 2
"""Times as many songs are looked at as are wanted: some are hidden or gone."""
_DECAY_SECONDS = 24 * 3600


@dataclass(frozen=True)
class RepeatedSong:
    """A song with how often it was played in all and when last; `time_zone` is the listener's."""

    song: Song
    n_plays: int
    last_played: datetime
    time_zone: tzinfo

    @property
    def reason(self) -> str:
        """The plays in the active language."""
        return describe_plays(self.n_plays, self.last_played.astimezone(self.time_zone))


@dataclass(frozen=True)
class QueuedSong:
    """A song of the queue: one the listener has played, or a recommended one."""

    song: Song
    repeated: RepeatedSong | None = None
    recommended: ServedSong | None = None

    @property
    def is_new(self) -> bool:
        return self.repeated is None


@dataclass(frozen=True)
class Queue:
    """What comes next. `familiarity` is the part of known songs that was aimed at, `repeat_rate` the listener's own.

    What is said of the new songs is checked against `facts`.
    """

    songs: Sequence[QueuedSong]
    familiarity: float
    repeat_rate: float
    facts: Facts = field(default_factory=Facts)

    def explain_new(self) -> dict[int, ExplanationText]:
        """Return why each new song is recommended, in the active language, by song id; no query."""
        items = [one.recommended for one in self.songs if one.recommended is not None]
        texts = explanation_text.describe_list(items, self.facts)
        return {item.song.pk: why for item, why in zip(items, texts, strict=True)}

    def write_reasons(self) -> dict[int, str]:
        """Return a sentence for every song, in the active language, by song id; no query."""
        familiar = {
            one.song.pk: one.repeated.reason for one in self.songs if one.repeated is not None
        }
        return familiar | {pk: why.sentence for pk, why in self.explain_new().items()}


def list_next_up(
    listener: User,
    n: int = LENGTH,
    *,
    familiarity: float | None = None,
    exclude: Collection[int] = (),
    context: ListenerContext | None = None,
) -> Queue:
    """Return songs to play next, known and new ones in turn.

    Parameters: `familiarity` is the part of known songs, 0 to 1; by default the part of repeats among the listener's
    own plays. `exclude` are ids of songs that the queue had already, so that it can go on without an end. Who does
    not want to be learned from gets no known songs.
    """
    context = context or ListenerContext(listener)
    plays = _read_plays(listener, context)
    rate = plays.repeat_rate()
    wanted = rate if familiarity is None else familiarity
    if not listener.personalised:
        wanted = 0.0
    repeats = _find_known(listener, plays, n, exclude, context) if wanted else []
    new = _find_new(listener, n, exclude, context) if wanted < 1 or len(repeats) < n else []
    heads = mix_heads(n, len(repeats), len(new), wanted)
    familiar = iter(QueuedSong(one.song, repeated=one) for one in repeats)
    fresh = iter(QueuedSong(item.song, recommended=item) for item in new)
    queue = [next(familiar) if is_known else next(fresh) for is_known in heads]
    facts = read_facts(listener, [one.recommended for one in queue if one.recommended is not None])
    return Queue(space_songs(queue), wanted, rate, facts)


def rediscover(
    listener: User, n: int = LENGTH, context: ListenerContext | None = None
) -> list[RepeatedSong]:
    """Return songs that the listener once played much and has lost sight of, most loved first."""
    if not listener.personalised:
        return []
    context = context or ListenerContext(listener)
    plays = _read_plays(listener, context)
    ids = plays.rediscoveries(timezone.now().timestamp(), _SPARE * n)
    return space_songs(_read_heard(listener, ids.tolist(), context)[:n])


def may_rediscover(context: ListenerContext) -> bool:
    """Return whether a song was played as often and as long ago as forgotten ones are; no query beyond `heard`."""
    long_ago = timezone.now() - timedelta(seconds=LONG_AGO)
    return context.listener.personalised and any(
        one.n_plays >= LEAST_PLAYS and one.last_played is not None and one.last_played <= long_ago
        for one in context.heard.values()
    )


# --- The two heads ----------------------------------------------------------------------------------------------------


def _find_known(
    listener: User, plays: Repeats, n: int, exclude: Collection[int], context: ListenerContext
) -> list[RepeatedSong]:
    ids = plays.next_songs(
        timezone.now().timestamp(), _SPARE * n + len(exclude), _load_decay(listener, plays)
    )
    left_out = set(exclude)
    heard = [song_id for song_id in ids.tolist() if song_id not in left_out]
    return _read_heard(listener, heard, context)[:n]


def _find_new(
    listener: User, n: int, exclude: Collection[int], context: ListenerContext
) -> list[ServedSong]:
    """Return recommended songs that the listener has not played."""
    length = list_request.limit_length(_SPARE * n + len(exclude))
    served = recommend.recommend_songs(listener, length, context=context)
    played = {row.song_id for row in context.history if row.kind == Interaction.Kind.PLAY}
    left_out = played.union(exclude)
    return [item for item in served.items if item.song.pk not in left_out][:n]


# --- Reading ----------------------------------------------------------------------------------------------------------


def _read_plays(listener: User, context: ListenerContext) -> Repeats:
    """Return the plays of known time, without songs that are not learned from."""
    left_out, _boosted = context.moods
    rows = [
        (row.song_id, row.occurred_at.timestamp())
        for row in context.history
        if row.kind == Interaction.Kind.PLAY
        and isinstance(row.occurred_at, datetime)
        and row.song_id not in left_out
    ]
    song_ids, moments = zip(*rows, strict=True) if rows else ((), ())
    return Repeats.build(song_ids, moments)


def _load_decay(listener: User, plays: Repeats) -> float:
    """Return how fast the listener forgets, estimated anew once a day."""
    key = f"musicrec:repeat-decay:{listener.pk}"
    decay = cache.get(key)
    if decay is None:
        decay = fit_decay(plays)
        list_cache.keep(key, decay, _DECAY_SECONDS, [listener.pk])
    return float(decay)


def _read_heard(
    listener: User, song_ids: Sequence[int], context: ListenerContext
) -> list[RepeatedSong]:
    """Return the songs in this order, without what is gone or unwanted; two queries at most."""
    songs = Song.objects.available().for_cards().in_bulk(song_ids) if song_ids else {}
    n_plays: dict[int, int] = {}
    last: dict[int, datetime] = {}
    for row in context.history:
        if row.kind == Interaction.Kind.PLAY and row.song_id in songs:
            n_plays[row.song_id] = n_plays.get(row.song_id, 0) + row.plays
            if isinstance(row.occurred_at, datetime):
                last[row.song_id] = max(last.get(row.song_id, row.occurred_at), row.occurred_at)
    return [
        RepeatedSong(
            songs[pk],
            n_plays[pk],
            last[pk],
            get_time_zone(listener),
        )
        for pk in song_ids
        if pk in songs and context.unwanted.allows(songs[pk])
    ]


def describe_plays(n_plays: int, last_played: datetime) -> str:
    """Say how often a song was played and on which day last; `last_played` is in the listener's time zone."""
    day = date_format(last_played, "DATE_FORMAT")
    if n_plays == 1:
        return _("You played it once, on %(day)s.") % {"day": day}
    return ngettext(
        "You played it %(n)s time, last on %(day)s.",
        "You played it %(n)s times, last on %(day)s.",
        n_plays,
    ) % {"n": format_count(n_plays), "day": day}
