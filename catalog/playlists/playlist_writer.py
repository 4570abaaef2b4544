"""Playlists out of files: entries in their order, each song once, and the same file twice adds nothing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple

from django.db.models import Max

from accounts.models import User
from catalog.playlists.edit import MAX_SONGS, MAX_TITLE
from catalog.playlists.models import Playlist, PlaylistItem
from catalog.playlists.reasons import MAX_LENGTH
from catalog.records import PlaylistRecord, RejectedRow

if TYPE_CHECKING:
    from catalog.imports.models import ImportRun


class WrittenPlaylists(NamedTuple):
    """How many entries were added or known, how many playlists began, and what found no room."""

    n_added: int
    n_known: int
    n_begun: int
    rejected: list[RejectedRow]


class PlaylistWriter:
    """Adds the entries of one import to the listener's playlists of the same titles, which it makes where missing."""

    def __init__(self, run: ImportRun, owner: User) -> None:
        self._run = run
        self._owner = owner
        self._begun: set[str] = set()

    def write(
        self, records: Sequence[PlaylistRecord], song_ids: Mapping[object, int]
    ) -> WrittenPlaylists:
        """Write one chunk; call it inside a transaction. `song_ids` has the ids by the records' songs."""
        n_added = n_begun = 0
        rejected: list[RejectedRow] = []
        by_title: dict[str, list[PlaylistRecord]] = {}
        for record in records:
            by_title.setdefault(_clean_title(record), []).append(record)
        for title, entries in by_title.items():
            playlist, is_made = self._find_or_create_playlist(title, entries[0].description)
            n_begun += (
                title not in self._begun
                and not playlist.items.filter(import_run=self._run).exists()
            )
            self._begun.add(title)
            self._describe(playlist, entries)
            n_entries, full = self._add(playlist, entries, song_ids)
            n_added += n_entries + sum(is_made for entry in entries[:1] if entry.song is None)
            rejected += full
        return WrittenPlaylists(n_added, len(records) - n_added - len(rejected), n_begun, rejected)

    def _find_or_create_playlist(self, title: str, description: str) -> tuple[Playlist, bool]:
        """Return the owner's playlist of that title, and whether it was just made; other changes of it wait."""
        own = Playlist.objects.filter(owner=self._owner, kind=Playlist.Kind.OWN, title=title)
        existing = own.select_for_update().order_by("created_at", "pk").first()
        if existing is not None:
            return existing, False
        return Playlist.objects.create(
            owner=self._owner, title=title, description=description, import_run=self._run
        ), True

    def _describe(self, playlist: Playlist, entries: Sequence[PlaylistRecord]) -> None:
        """Set the description of a playlist that this import made, where the file tells it only later."""
        description = next((entry.description for entry in entries if entry.description), "")
        if description and not playlist.description and playlist.import_run_id == self._run.pk:
            playlist.description = description
            playlist.save(update_fields=["description"])

    def _add(
        self, playlist: Playlist, entries: Sequence[PlaylistRecord], song_ids: Mapping[object, int]
    ) -> tuple[int, list[RejectedRow]]:
        there = set(playlist.items.values_list("song_id", flat=True))
        position = playlist.items.aggregate(last=Max("position"))["last"] or 0
        items, rejected = [], []
        for entry in entries:
            if entry.song is None:
                continue
            song_id = song_ids.get(entry.song)
            if song_id is None:
                rejected.append(RejectedRow(entry.line, "the song cannot be added to the catalog"))
            elif song_id in there:
                continue
            elif len(there) >= MAX_SONGS:
                rejected.append(
                    RejectedRow(entry.line, f"a playlist holds at most {MAX_SONGS:,} songs")
                )
            else:
                there.add(song_id)
                position += 1
                item = PlaylistItem(
                    playlist=playlist,
                    song_id=song_id,
                    position=position,
                    reason=entry.reason[:MAX_LENGTH],
                    import_run=self._run,
                )
                items.append(item)
        PlaylistItem.objects.bulk_create(items, batch_size=500, ignore_conflicts=True)
        return len(items), rejected


def undo_playlists(run: ImportRun) -> None:
    """Take back the entries that an import added, and the playlists that it made and that are empty without them."""
    PlaylistItem.objects.filter(import_run=run).delete()
    Playlist.objects.filter(import_run=run, items=None).delete()


def _clean_title(record: PlaylistRecord) -> str:
    return " ".join(record.title.split())[:MAX_TITLE] or "Playlist"
