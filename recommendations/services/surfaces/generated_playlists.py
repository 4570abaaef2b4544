"""Playlists made for a listener: weekly jams, weekly discovery and daily mixes.

Each is made once for its period, by the schedule or when it is first asked for, and then stays as it is.
"""

import hashlib
from collections.abc import Callable, Iterable, Sequence
from datetime import date, datetime, timedelta
from functools import partial
from typing import NamedTuple

from django.db import IntegrityError, transaction
from django.db.models import Count, Max, Q, Sum
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from accounts.languages import activate_language
from accounts.models import User
from accounts.time_zones import get_local_day
from catalog.models import Interaction, Playlist, PlaylistItem, Song
from catalog.playlists import reasons, titles
from catalog.playlists.reasons import Reason
from recommendations.services.data.active_listeners import select_active_listeners
from recommendations.services.lists.artist_order import space_songs
from recommendations.services.lists.listener_context import ListenerContext
from recommendations.services.lists.served_list import ServedSong
from recommendations.services.reasons import explanation_facts, explanation_text
from recommendations.services.serving import recommend
from recommendations.services.surfaces import mixes

Kind = Playlist.Kind

N_SONGS = 30
KNOWN_SHARE = 0.8
LEAST_KNOWN = 5
"""With fewer songs that are loved there are no jams yet; they would stay as short for the week."""
RESTED_DAYS = 7
DISCOVERY = 0.7
N_CANDIDATES = 200
KEPT_DAYS = {Kind.WEEKLY_JAMS: 35, Kind.WEEKLY_DISCOVERY: 35, Kind.DAILY_MIX: 7}


class Entry(NamedTuple):
    """A song of a playlist and why it is in it."""

    song: Song
    reason: Reason = Reason()


class Draft(NamedTuple):
    title: str
    description: str
    entries: list[Entry]


def format_week(day: date) -> str:
    """Return the ISO week, such as 2026-W35."""
    year, week, _weekday = day.isocalendar()
    return f"{year}-W{week:02d}"


def make(
    listener: User, kind: str, day: date | None = None, context: ListenerContext | None = None
) -> list[Playlist]:
    """Return the playlists of this kind for the period of `day` (today), made now if there are none yet.

    The list is empty while too little is known to make any, and for who switched personalisation off. `context` is what
    was read of the listener already.
    """
    if not listener.personalised:
        return []
    day = day or get_local_day(listener)
    context = context or ListenerContext(listener)
    with activate_language(listener):
        if kind == Kind.DAILY_MIX:
            return _make_daily(listener, day, context)
        playlist = _get_or_make(
            listener, kind, format_week(day), lambda: _WEEKLY[Kind(kind)](listener, day, context)
        )
    return [playlist] if playlist else []


def make_all(listener: User, day: date | None = None) -> list[Playlist]:
    """Make what is missing of every kind, and delete those whose time is long over."""
    context = ListenerContext(listener)
    playlists = [playlist for kind in KEPT_DAYS for playlist in make(listener, kind, day, context)]
    _delete_old(listener)
    return playlists


def make_due(
    day: date | None = None,
    *,
    after: int = 0,
    on_progress: Callable[[int, int], None] = lambda done, total: None,
    keep: Callable[[int, int], None] = lambda last_listener_id, n_done: None,
    is_turn_over: Callable[[], bool] = lambda: False,
) -> int:
    """Make the playlists of everybody who was active lately; return for how many listeners there were any.

    Begins behind the listener number `after`; `keep(listener_id, 1)` is called when one is done, and
    `is_turn_over` after that: True ends the work there.
    """
    # Their numbers first, and each read when it is their turn: an open result holds SQLite to the state of its
    # beginning, from which nothing can be written once somebody else has.
    ids = list(
        select_active_listeners().filter(pk__gt=after).order_by("pk").values_list("pk", flat=True)
    )
    n_made = 0
    for n_done, listener_id in enumerate(ids, start=1):
        listener = User.objects.filter(pk=listener_id).first()
        if listener is not None:
            n_made += bool(make_all(listener, day))
        keep(listener_id, 1)
        on_progress(n_done, len(ids))
        if is_turn_over():
            break
    return n_made


def _get_or_make(
    listener: User, kind: str, period: str, draft: Callable[[], Draft | None]
) -> Playlist | None:
    """Return the playlist of a period; made by `draft` if it is not there yet."""
    of_period = Playlist.objects.filter(owner=listener, kind=kind, period=period)
    existing = of_period.first()
    if existing is not None:
        return existing
    drafted = draft()
    if drafted is None or not drafted.entries:
        return None
    try:
        return _store(listener, kind, period, drafted)
    except IntegrityError:  # the schedule made it at the same moment, or the account is gone
        return of_period.first()


def _store(listener: User, kind: str, period: str, draft: Draft) -> Playlist:
    with transaction.atomic():
        playlist = Playlist.objects.create(
            owner=listener,
            kind=kind,
            period=period,
            title=draft.title[:200],
            description=draft.description,
        )
        PlaylistItem.objects.bulk_create(
            PlaylistItem(
                playlist=playlist, song=entry.song, position=position, **entry.reason.columns
            )
            for position, entry in enumerate(draft.entries, start=1)
        )
    return playlist


# --- Weekly jams: mostly known and loved, rested ----------------------------------------------------------------------


class _FamiliarSong(NamedTuple):
    """A song that the listener heard or liked. `n_skips`: how often they passed on."""

    song_id: int
    n_plays: int
    n_skips: int
    is_liked: bool
    last_heard: datetime | None

    def count_rest_days(self, now: datetime) -> int:
        return (now - self.last_heard).days if self.last_heard else 10 * RESTED_DAYS

    @property
    def love(self) -> int:
        """How much more it was played and liked than passed on; above 0 for what belongs among the loved ones."""
        return min(self.n_plays, 20) + 10 * self.is_liked - 2 * self.n_skips

    def compute_worth(self, now: datetime) -> float:
        """Return how much it is loved, times up to 1 for a rest of a week and more."""
        return self.love * min(1.0, (1 + self.count_rest_days(now)) / (1 + RESTED_DAYS))


def _make_weekly_jams(listener: User, day: date, context: ListenerContext) -> Draft | None:
    # they would stay without a new song for the week; a first training is soon done
    if context.serving is None:
        return None
    now = timezone.now()
    familiar = _list_known_entries(listener, day, now, context)
    if len(familiar) < LEAST_KNOWN:
        return None
    new = _list_never_heard(listener, max(1, N_SONGS - len(familiar)), context, discovery=None)
    n_new = min(
        len(new), round(len(familiar) * (1 - KNOWN_SHARE) / KNOWN_SHARE), N_SONGS - len(familiar)
    )
    naming = titles.name_weekly(Kind.WEEKLY_JAMS, format_week(day))
    return Draft(*naming, space_songs(_mix_in(familiar, new[:n_new])))


def _list_known_entries(
    listener: User, day: date, now: datetime, context: ListenerContext
) -> list[Entry]:
    entries = {one.song_id: one for one in _load_familiar_songs(listener) if one.love > 0}
    unwanted = context.unwanted
    songs = Song.objects.available().select_related("artist").in_bulk(entries)
    allowed = [entries[pk] for pk, song in songs.items() if unwanted.allows(song)]
    # Ties go another way every week, so that equally loved songs take turns.
    allowed.sort(key=lambda one: (-one.compute_worth(now), _shuffle(one.song_id, format_week(day))))
    best = allowed[: round(N_SONGS * KNOWN_SHARE)]
    best.sort(key=lambda one: _shuffle(one.song_id, format_week(day)))
    texts = reasons.write_reasons(
        lambda: {one.song_id: _write_known_reason(one, now) for one in best}
    )
    return [Entry(songs[one.song_id], texts[one.song_id]) for one in best]


def _load_familiar_songs(listener: User) -> list[_FamiliarSong]:
    kinds = Interaction.Kind
    rows = (
        Interaction.objects.for_listener(listener)
        .exclude(kind=kinds.DISLIKE)
        .values("song_id")
        .annotate(
            n_plays=Sum("plays", filter=Q(kind=kinds.PLAY), default=0),
            n_skips=Sum("plays", filter=Q(kind=kinds.SKIP), default=0),
            liked=Count("pk", filter=Q(kind=kinds.LIKE)),
            last=Max("occurred_at", filter=Q(kind=kinds.PLAY)),
        )
    )
    return [
        _FamiliarSong(row["song_id"], row["n_plays"], row["n_skips"], row["liked"] > 0, row["last"])
        for row in rows
    ]


def _write_known_reason(one: _FamiliarSong, now: datetime) -> str:
    if not one.n_plays:
        return _("You like it")
    weeks = one.count_rest_days(now) // 7 if one.last_heard else 0
    if one.n_plays > 1:
        played = ngettext("You played it %(n)d time", "You played it %(n)d times", one.n_plays) % {
            "n": one.n_plays
        }
        ago = ngettext("last %(n)d week ago", "last %(n)d weeks ago", weeks)
    else:
        played = _("You played it once")
        ago = ngettext("%(n)d week ago", "%(n)d weeks ago", weeks)
    return f"{played}, {ago % {'n': weeks}}" if weeks else played


def _mix_in(familiar: Sequence[Entry], new: Sequence[Entry]) -> list[Entry]:
    """Put a new song after every few known ones."""
    entries, gap = [], max(1, len(familiar) // (len(new) + 1))
    fresh = iter(new)
    for position, entry in enumerate(familiar, start=1):
        entries.append(entry)
        if position % gap == 0 and (extra := next(fresh, None)):
            entries.append(extra)
    return [*entries, *fresh]


# --- Weekly discovery: never heard ------------------------------------------------------------------------------------


def _make_weekly_discovery(listener: User, day: date, context: ListenerContext) -> Draft | None:
    naming = titles.name_weekly(Kind.WEEKLY_DISCOVERY, format_week(day))
    return Draft(*naming, _list_never_heard(listener, N_SONGS, context, discovery=DISCOVERY))


def _list_never_heard(
    listener: User, n: int, context: ListenerContext, discovery: float | None
) -> list[Entry]:
    """Return recommended songs without those in the history; none while there is nothing to choose them by."""
    served = recommend.recommend_songs(
        listener, min(N_CANDIDATES, 2 * n + 20), discovery=discovery, context=context
    )
    if served.step in ("popular", "empty"):
        return []
    new = [item for item in served if item.song.pk not in context.heard]
    return _make_entries(listener, space_songs(new[:n]), context)


_WEEKLY: dict[Playlist.Kind, Callable[[User, date, ListenerContext], Draft | None]] = {
    Kind.WEEKLY_JAMS: _make_weekly_jams,
    Kind.WEEKLY_DISCOVERY: _make_weekly_discovery,
}


# --- Daily mixes ------------------------------------------------------------------------------------------------------


def _make_daily(listener: User, day: date, context: ListenerContext) -> list[Playlist]:
    kept = Playlist.objects.filter(
        owner=listener, kind=Kind.DAILY_MIX, period__startswith=f"{day}-"
    )
    existing = list(kept.order_by("period"))
    if existing or day != get_local_day(listener):
        return existing
    playlists = [
        _get_or_make(
            listener,
            Kind.DAILY_MIX,
            f"{day}-{mix.number}",
            partial(_draft_mix, listener, mix, context),
        )
        for mix in mixes.list_daily_mixes(listener, context)
    ]
    return [playlist for playlist in playlists if playlist]


def _draft_mix(listener: User, mix: mixes.Mix, context: ListenerContext) -> Draft:
    entries = list_mix_entries(listener, mix, context)
    return Draft(*titles.name_mix(mix.number, mix.name, ", ".join(mix.artists)), entries)


def list_mix_entries(
    listener: User, mix: mixes.Mix, context: ListenerContext | None = None
) -> list[Entry]:
    """Return a mix's songs with why each is in it; `context` is what was read of the listener already."""
    new = [item for item in mix.items if item.song.pk not in mix.heard_ids]
    entries = _make_entries(listener, new, context) if new else []
    texts = reasons.write_reasons(
        lambda: {song.pk: _("You know and like it") for song in mix.songs}
    )
    texts |= {entry.song.pk: entry.reason for entry in entries if entry.reason.text}
    return [Entry(song, texts[song.pk]) for song in mix.songs]


# --- Shared -----------------------------------------------------------------------------------------------------------


def _make_entries(
    listener: User, items: Iterable[ServedSong], context: ListenerContext | None
) -> list[Entry]:
    items = list(items)
    facts = explanation_facts.read_facts(listener, items, context=context)
    texts = reasons.write_reasons(
        lambda: {
            item.song.pk: why.line
            for item, why in zip(items, explanation_text.describe_list(items, facts), strict=True)
        }
    )
    return [Entry(item.song, texts[item.song.pk]) for item in items]


def _shuffle(song_id: int, period: str) -> bytes:
    return hashlib.sha256(f"{period}:{song_id}".encode()).digest()


def _delete_old(listener: User) -> None:
    for kind, days in KEPT_DAYS.items():
        oldest = timezone.now() - timedelta(days=days)
        Playlist.objects.filter(owner=listener, kind=kind, created_at__lt=oldest).delete()
