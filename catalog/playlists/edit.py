"""What a listener does with playlists. Positions are kept from 1 on without gaps."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from django.db import transaction
from django.db.models import Max
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts.models import User
from catalog.playlists.models import Playlist, PlaylistItem
from catalog.playlists.reasons import Reason
from catalog.songs.locks import hold_song, hold_songs
from catalog.songs.models import Song
from common.templatetags.numbers import format_count
from common.transactions import lock_rows, retry_conflicts

MAX_SONGS = 2000
MAX_TITLE = 200
_MOST_COMPARED = 20
"""Playlists of one title that are looked through for the same songs."""


class PlaylistError(Exception):
    """What was asked of a playlist can't be done; the message says why."""


@retry_conflicts
def create_playlist(
    owner: User,
    title: str,
    *,
    songs: Iterable[Song] = (),
    description: str = "",
    reasons: Mapping[int, Reason] | None = None,
) -> Playlist:
    """Make a playlist of `owner` with these songs in this order; `reasons` say by song id why each is in it."""
    why = reasons or {}
    first = list(songs)[:MAX_SONGS]
    with transaction.atomic():
        present = hold_songs((song.pk for song in first), owner)
        playlist = Playlist.objects.create(
            owner=owner, title=_clean_title(title), description=description
        )
        PlaylistItem.objects.bulk_create(
            PlaylistItem(
                playlist=playlist,
                song=song,
                position=position,
                **why.get(song.pk, Reason()).columns,
            )
            for position, song in enumerate((song for song in first if song.pk in present), start=1)
        )
    return playlist


@retry_conflicts
def keep_songs(
    owner: User,
    title: str,
    *,
    songs: Iterable[Song] = (),
    description: str = "",
    reasons: Mapping[int, Reason] | None = None,
) -> Playlist:
    """Return the playlist of `owner` with this title and just these songs in this order, making it where there is none.

    For the buttons of pages: pressed twice, or in two tabs, they make one playlist.
    """
    kept = list(songs)
    with transaction.atomic():
        User.objects.select_for_update(no_key=True).get(pk=owner.pk)  # the other one waits
        wanted = [song.pk for song in kept[:MAX_SONGS]]
        same = Playlist.objects.filter(
            owner=owner,
            kind=Playlist.Kind.OWN,
            title=_clean_title(title),
            description=description,
        )
        for playlist in same.order_by("-created_at")[:_MOST_COMPARED]:
            entries = playlist.items.order_by("position", "pk")
            if list(entries.values_list("song", flat=True)) == wanted:
                return playlist
        return create_playlist(owner, title, songs=kept, description=description, reasons=reasons)


@retry_conflicts
def change_playlist(
    playlist: Playlist,
    *,
    title: str | None = None,
    description: str | None = None,
    is_public: bool | None = None,
) -> None:
    """Rename a playlist, describe it, let anybody with the link see it or only its owner; None leaves what is.

    Raises PlaylistError for a title without letters, and for a playlist that was deleted meanwhile.
    """
    wanted: dict[str, Any] = {"description": description, "is_public": is_public}
    if title is not None:
        wanted["title"] = _clean_title(title)
    changes = {name: value for name, value in wanted.items() if value is not None}
    if not changes:
        return
    with transaction.atomic():
        _lock_playlist(playlist)
        for name, value in changes.items():
            setattr(playlist, name, value)
        playlist.save(update_fields=[*changes, "updated_at"])


@retry_conflicts
def delete_playlist(playlist: Playlist) -> None:
    playlist.delete()


@retry_conflicts
def add_song(playlist: Playlist, song: Song) -> bool:
    """Put `song` at the end; return False when it is there already."""
    with transaction.atomic():
        _lock_playlist(playlist)
        hold_song(song, playlist.owner)
        if playlist.items.filter(song=song).exists():
            return False
        last = playlist.items.aggregate(last=Max("position"))["last"] or 0
        if last >= MAX_SONGS:
            raise PlaylistError(
                _("A playlist holds at most %(n)s songs.") % {"n": format_count(MAX_SONGS)}
            )
        playlist.items.create(song=song, position=last + 1)
        _touch(playlist)
    return True


@retry_conflicts
def remove_item(playlist: Playlist, item_id: int) -> bool:
    """Take one entry out and close the gap; return whether it was there."""
    with transaction.atomic():
        if not lock_rows([playlist]):  # deleted meanwhile, and its entries with it
            return False
        n_deleted, _by_table = playlist.items.filter(pk=item_id).delete()
        if n_deleted:
            _renumber(playlist, _list_entries(playlist))
    return n_deleted > 0


@retry_conflicts
def move_item(playlist: Playlist, item_id: int, position: int) -> bool:
    """Put one entry at `position` (from 1; beyond the ends means the end); return whether it was there."""
    with transaction.atomic():
        if not lock_rows([playlist]):  # deleted meanwhile, and its entries with it
            return False
        ids = list(playlist.listed_items.values_list("pk", flat=True))
        if item_id not in ids:
            return False
        ids.remove(item_id)
        ids.insert(min(max(position, 1), len(ids) + 1) - 1, item_id)
        _renumber(playlist, [*ids, *_list_unlisted(playlist, ids)])
    return True


@retry_conflicts
def reorder(playlist: Playlist, item_ids: Sequence[int]) -> None:
    """Put the entries into this order; they must be exactly the playlist's own."""
    with transaction.atomic():
        _lock_playlist(playlist)
        if sorted(item_ids) != sorted(playlist.listed_items.values_list("pk", flat=True)):
            raise PlaylistError(_("The playlist has changed meanwhile. Load the page again."))
        _renumber(playlist, [*item_ids, *_list_unlisted(playlist, item_ids)])


def close_gaps(playlist: Playlist) -> None:
    """Number the entries from 1 on in their order; call it inside a transaction that took some out."""
    if lock_rows([playlist]):
        _renumber(playlist, _list_entries(playlist))


def list_songs(playlist: Playlist) -> list[Song]:
    """Return the songs that are listed, in order; one query."""
    return [item.song for item in playlist.listed_items.select_related("song__artist")]


def _list_entries(playlist: Playlist) -> list[int]:
    return list(playlist.items.order_by("position", "pk").values_list("pk", flat=True))


def _list_unlisted(playlist: Playlist, listed_ids: Sequence[int]) -> list[int]:
    """Return the entries that are not listed, in order; they go behind those that are."""
    others = playlist.items.exclude(pk__in=listed_ids).order_by("position", "pk")
    return list(others.values_list("pk", flat=True))


def _lock_playlist(playlist: Playlist) -> None:
    """Let one change of a playlist wait for another; raises PlaylistError when it was deleted meanwhile."""
    if not lock_rows([playlist]):
        raise PlaylistError(_("The playlist was deleted meanwhile."))


def _renumber(playlist: Playlist, item_ids: Sequence[int]) -> None:
    items = [
        PlaylistItem(pk=pk, position=position) for position, pk in enumerate(item_ids, start=1)
    ]
    PlaylistItem.objects.bulk_update(items, ["position"], batch_size=400)
    _touch(playlist)


def _touch(playlist: Playlist) -> None:
    Playlist.objects.filter(pk=playlist.pk).update(updated_at=timezone.now())


def _clean_title(title: str) -> str:
    cleaned = " ".join(title.replace("\x00", " ").split())[:MAX_TITLE]
    if not cleaned:
        raise PlaylistError(_("A playlist needs a name."))
    return cleaned
