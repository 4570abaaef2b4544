"""The lists of the week for the home page: made at the first visit if the schedule has not made them."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta

from django.core.cache import cache
from django.db.models import BooleanField, ExpressionWrapper

from accounts.models import User
from accounts.time_zones import get_local_day
from catalog.models import Playlist, PlaylistItem, Song
from catalog.playlists.covers import choose_covers
from catalog.playlists.models import build_listed_condition
from recommendations.services.lists.listener_context import ListenerContext
from recommendations.services.serving import list_cache
from recommendations.services.surfaces import generated_playlists

KINDS = (Playlist.Kind.WEEKLY_DISCOVERY, Playlist.Kind.WEEKLY_JAMS)
N_COVERS = 6
_TRY_AGAIN_SECONDS = 3600


@dataclass(frozen=True)
class WeeklyList:
    """A list of this week with the songs whose covers are shown for it."""

    playlist: Playlist
    items: list[PlaylistItem]
    songs: list[Song]
    unlisted: list[PlaylistItem]
    before: "WeeklyDraft | None" = None

    @property
    def covers(self) -> list[Song]:
        """The songs whose covers are its picture."""
        return choose_covers(self.songs)

    @property
    def new_on(self) -> date:
        """The Monday on which the next one comes."""
        today = get_local_day(self.playlist.owner)
        return today + timedelta(days=7 - today.weekday())


@dataclass(frozen=True)
class WeeklyDraft:
    """A list of a week, and the one of the week before it; its songs are not read.

    `unlisted` are entries whose songs its listener doesn't want any more.
    """

    playlist: Playlist
    items: list[PlaylistItem]
    unlisted: list[PlaylistItem]
    before: "WeeklyDraft | None" = None


def load_drafts(listener: User, context: ListenerContext) -> list[WeeklyDraft]:
    """Return this week's lists; what is missing is made, which is tried again when the listener did something."""
    drafts = _read_week(listener)
    missing = [kind for kind in KINDS if kind not in drafts]
    version = context.serving[0].pk if missing and context.serving else 0
    key = (
        f"musicrec:no-weekly:{listener.pk}:{context.generation}:{version}:{get_local_day(listener)}"
    )
    if missing and cache.get(key) is None:
        new = [
            playlist for kind in missing for playlist in generated_playlists.make(listener, kind)
        ]
        if len(new) < len(missing):
            list_cache.keep(key, True, _TRY_AGAIN_SECONDS, [listener.pk])
        drafts = _read_week(listener) if new else drafts
    return [drafts[kind] for kind in KINDS if kind in drafts]


def _read_week(listener: User) -> dict[str, WeeklyDraft]:
    """Return this week's lists by kind, each with the one of the week before; one query."""
    today = get_local_day(listener)
    this, last = (
        generated_playlists.format_week(day) for day in (today, today - timedelta(days=7))
    )
    items = PlaylistItem.objects.filter(
        playlist__owner=listener, playlist__kind__in=KINDS, playlist__period__in=[this, last]
    ).annotate(is_listed=ExpressionWrapper(build_listed_condition(), BooleanField()))
    drafts: dict[tuple[str, str], WeeklyDraft] = {}
    for item in items.select_related("playlist__owner").order_by("playlist_id", "position"):
        key = (item.playlist.kind, item.playlist.period)
        draft = drafts.setdefault(key, WeeklyDraft(item.playlist, [], []))
        is_listed = item.is_listed  # type: ignore[attr-defined]  # of the query
        (draft.items if is_listed else draft.unlisted).append(item)
    return {
        kind: replace(draft, before=drafts.get((kind, last)))
        for (kind, period), draft in drafts.items()
        if period == this and draft.items
    }


def list_cover_ids(drafts: Iterable[WeeklyDraft]) -> set[int]:
    """Return the songs whose covers are shown for the lists."""
    return {item.song_id for draft in drafts for item in draft.items[:N_COVERS]}


def read_lists(drafts: Sequence[WeeklyDraft], songs: Mapping[int, Song]) -> list[WeeklyList]:
    """Put the songs that were read already to their lists."""
    return [
        WeeklyList(
            draft.playlist,
            draft.items,
            [songs[item.song_id] for item in draft.items[:N_COVERS] if item.song_id in songs],
            draft.unlisted,
            draft.before,
        )
        for draft in drafts
    ]
