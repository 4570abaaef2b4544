"""Songs of a server into the catalog, a page at a time: joined to what is there by the one resolver."""

import hashlib
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from catalog.records import SongRecord
from catalog.servers.clients.base import RejectedItem, ServerItem
from catalog.servers.models import RejectedServerSong, ServerSong, ServerSync
from catalog.songs.aliases import SongAlias
from catalog.songs.resolver import SongResolver
from catalog.songs.sources import refresh_sources
from common.bulk_sql import cut_chunks

KEPT_REJECTED = 1_000
FEATURES_SOURCE = "music server"
_LARGEST_SMALL = 32_767
_OWN_COLUMNS = (
    "album_item_id", "artist_item_id", "cover_id", "path", "suffix", "content_type", "n_bytes", "disc_number",
    "track_number",
)  # fmt: skip
_WRITTEN = (
    *_OWN_COLUMNS, "song", "fingerprint", "is_bringer", "seen_in", "missing_since", "removed_at",
)  # fmt: skip


class PageCounts(NamedTuple):
    """What became of a page. `n_fresh` are the songs that this sync had not seen before."""

    n_added: int
    n_changed: int
    n_fresh: int
    rejected: list[RejectedItem]


class SongWriter:
    """Writes the pages of one sync; keep one instance for its pages."""

    def __init__(self, sync: ServerSync) -> None:
        self._sync = sync
        self._resolver = SongResolver()

    def prepare(self, items: Sequence[ServerItem]) -> None:
        """Compute the match keys of a page; call it before the transaction of `write` opens."""
        self._resolver.prepare([build_record(item) for item in items])

    def write(self, items: Sequence[ServerItem]) -> PageCounts:
        """Write a page; call it inside a transaction. What the server says as it did before costs one statement."""
        wanted = {item.item_id: item for item in items}
        prints = {item.item_id: compute_fingerprint(item) for item in wanted.values()}
        rows = self._load_rows(wanted)
        same = [
            row
            for row in rows.values()
            if row.fingerprint == prints[row.item_id] and row.removed_at is None
        ]
        fresh = len(wanted) - sum(row.seen_in == self._sync.pk for row in rows.values())
        self._note_seen(same)
        for row in same:
            del wanted[row.item_id]
        if not wanted:
            return PageCounts(0, 0, fresh, [])
        return self._write_changed(wanted, prints, rows)._replace(n_fresh=fresh)

    def _load_rows(self, item_ids: Iterable[str]) -> dict[str, ServerSong]:
        rows: dict[str, ServerSong] = {}
        for some_ids in cut_chunks(item_ids):
            stored = ServerSong.objects.filter(server=self._sync.server_id, item_id__in=some_ids)
            rows.update({row.item_id: row for row in stored})
        return rows

    def _note_seen(self, rows: Sequence[ServerSong]) -> None:
        for some_rows in cut_chunks(rows):
            ServerSong.objects.filter(pk__in=[row.pk for row in some_rows]).update(
                seen_in=self._sync.pk, missing_since=None
            )

    def _write_changed(
        self, items: dict[str, ServerItem], prints: dict[str, str], rows: dict[str, ServerSong]
    ) -> PageCounts:
        records = {item_id: build_record(item) for item_id, item in items.items()}
        renamed = self._rename_own_songs(records, rows)
        others = [item_id for item_id in items if item_id not in renamed]
        resolved = self._resolver.resolve([records[item_id] for item_id in others])
        self._resolver.fill_missing([records[item_id] for item_id in others], resolved)
        song_ids = dict(zip(others, resolved.ids, strict=True)) | renamed
        brought = {others[i] for i in resolved.new}
        rejected = [
            RejectedItem(others[i], reason) for i, reason in sorted(resolved.reasons.items())
        ]
        touched = {row.song_id for item_id, row in rows.items() if item_id in items}
        new: list[ServerSong] = []
        changed: list[ServerSong] = []
        for item_id, item in items.items():
            song_id = song_ids[item_id]
            if song_id is None:
                continue
            row = rows.get(item_id) or ServerSong(server_id=self._sync.server_id, item_id=item_id)
            is_same_song = row.pk is not None and row.song_id == song_id
            row.is_bringer = (is_same_song and row.is_bringer) or item_id in brought
            row.song_id, row.fingerprint, row.seen_in = song_id, prints[item_id], self._sync.pk
            row.missing_since = row.removed_at = None
            for name in _OWN_COLUMNS:
                setattr(row, name, getattr(item, name))
            (changed if row.pk else new).append(row)
            touched.add(song_id)
        ServerSong.objects.bulk_create(new, batch_size=500)
        ServerSong.objects.bulk_update(changed, _WRITTEN, batch_size=50)
        refresh_sources(sorted(touched))
        return PageCounts(len(new), len(changed), 0, rejected)

    def _rename_own_songs(
        self, records: dict[str, SongRecord], rows: dict[str, ServerSong]
    ) -> dict[str, int]:
        """Write new names and facts over songs that came with this server and are nobody else's; return their ids.

        So that their history stays with them. A song whose new names are those of another one is not renamed, nor one
        that an operator renamed or merged.
        """
        own = {
            item_id: rows[item_id].song_id
            for item_id in records
            if item_id in rows and rows[item_id].is_bringer
        }
        shared = set(
            ServerSong.objects.filter(song__in=own.values())
            .exclude(pk__in=[rows[item_id].pk for item_id in own])
            .values_list("song_id", flat=True)
        )
        merged = SongAlias.objects.filter(song__in=own.values(), former__isnull=False)
        shared.update(merged.values_list("song_id", flat=True) if own else ())
        own = {item_id: song_id for item_id, song_id in own.items() if song_id not in shared}
        meant = self._resolver.find([records[item_id] for item_id in own])
        renamed = {
            item_id: song_id
            for (item_id, song_id), meant_id in zip(own.items(), meant, strict=True)
            if meant_id in (None, song_id)
        }
        if len(set(renamed.values())) < len(renamed):
            return {}
        written = self._resolver.rewrite(
            {song_id: records[item_id] for item_id, song_id in renamed.items()}
        )
        return {item_id: song_id for item_id, song_id in renamed.items() if song_id in written}


def store_rejected(sync: ServerSync, rejected: Sequence[RejectedItem], n_before: int) -> None:
    """Store rejected entries of a page, up to a number a sync."""
    room = max(0, KEPT_REJECTED - n_before)
    RejectedServerSong.objects.bulk_create(
        [
            RejectedServerSong(sync=sync, item_id=one.item_id, reason=one.reason[:300])
            for one in rejected[:room]
        ]
    )


def build_record(item: ServerItem) -> SongRecord:
    """Return an item in the form in which songs of all sources go to the resolver."""
    return SongRecord(
        line=0,
        title=item.title,
        artist=item.artist,
        album=item.album,
        album_artist=item.album_artist,
        genres=item.genres,
        year=item.year,
        duration_ms=item.duration_ms,
        features=(None,) * 7 + (item.tempo,),
        features_source=FEATURES_SOURCE,
        mbid=item.mbid,
        isrc=item.isrc,
        credit=item.credit,
        track_number=_limit_small(item.track_number),
        disc_number=_limit_small(item.disc_number),
    )


def _limit_small(number: int | None) -> int | None:
    return number if number is not None and number <= _LARGEST_SMALL else None


def compute_fingerprint(item: ServerItem) -> str:
    """Return a digest of everything that is about the song and not about an account."""
    about_song = item._replace(
        is_starred=False, starred_at=None, rating=None, play_count=0, played_at=None
    )
    return hashlib.md5(repr(about_song).encode(), usedforsecurity=False).hexdigest()


def load_present_songs(server_id: int) -> dict[str, tuple[int, int]]:
    """Return the key of the row and the song by item id, for what the server has."""
    rows = ServerSong.objects.present().filter(server=server_id)
    return {
        item_id: (pk, song_id)
        for item_id, pk, song_id in rows.values_list("item_id", "pk", "song_id").iterator(2000)
    }


def find_item_ids(server_id: int, song_ids: Sequence[int]) -> dict[int, str]:
    """Return the server's id of each song that it has; of several the first."""
    items: dict[int, str] = {}
    for some_ids in cut_chunks(song_ids):
        rows = ServerSong.objects.present().filter(server=server_id, song__in=some_ids)
        items.update(rows.order_by("-pk").values_list("song_id", "item_id"))
    return items
