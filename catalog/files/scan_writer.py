"""What a scan read, into the tables: batch by batch, each one transaction that also moves the scan's counts."""

from collections.abc import Sequence
from dataclasses import dataclass

from django.db import transaction
from django.db.models import F
from django.utils import timezone

from catalog.files.folder_walk import FoundFile
from catalog.files.models import FolderScan, MusicFile
from catalog.files.tag_reader import FileContents
from catalog.songs.resolver import SongResolver
from catalog.songs.sources import refresh_sources
from common.jobs import Lease

_COLUMNS = (
    "song", "n_bytes", "modified_ns", "mime_type", "folder_picture", "picture_mark", "cover_tag", "problem",
    "removed_at",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class ReadFile:
    """A file and what it holds, or the problem with it. One that is passing is looked at again by the next scan."""

    file: FoundFile
    contents: FileContents | None
    problem: str
    is_passing: bool = False


class ScanWriter:
    """The only writer of music files."""

    def __init__(self, scan: FolderScan, lease: Lease) -> None:
        self._scan = scan
        self._lease = lease
        self._songs = SongResolver(numbered=True)

    def write(self, read: Sequence[ReadFile], *, progress: float) -> None:
        """Store a batch: find or add the songs, note the files, count. Raises LostLease, which takes it back."""
        usable = [one for one in read if one.contents is not None]
        records = [one.contents.record for one in usable if one.contents]
        self._songs.prepare(records)
        with transaction.atomic():
            self._lease.lock()
            resolved = self._songs.resolve(records)
            self._songs.fill_missing(records, resolved)
            songs = {
                one.file.path: song_id for one, song_id in zip(usable, resolved.ids, strict=True)
            }
            problems = {usable[i].file.path: reason for i, reason in resolved.reasons.items()}
            earlier = self._load_earlier([one.file.path for one in read])
            rows = [self._build_row(one, songs, problems, earlier) for one in read]
            MusicFile.objects.bulk_create(
                rows,
                update_conflicts=True,
                unique_fields=["folder", "path"],
                update_fields=_COLUMNS,
                batch_size=50,
            )
            before = {row.song_id for row in earlier.values()}
            refresh_sources({song_id for song_id in (*before, *songs.values()) if song_id})
            self._count(
                progress=progress,
                n_read=F("n_read") + len(read),
                n_added=F("n_added") + len(resolved.new),
                n_rejected=F("n_rejected") + sum(1 for row in rows if row.problem),
            )
        self._scan.refresh_from_db()

    def remove(self, paths: Sequence[str]) -> None:
        """Note that files are gone; songs that nothing else holds become unavailable."""
        with transaction.atomic():
            self._lease.lock()
            rows = self._scan.folder.files.filter(path__in=paths)
            rows.filter(song=None).delete()
            song_ids = list(rows.filter(removed_at=None).values_list("song_id", flat=True))
            rows.filter(removed_at=None).update(removed_at=timezone.now())
            refresh_sources(song_ids)
            self._count(n_vanished=F("n_vanished") + len(song_ids))
        self._scan.refresh_from_db()

    def _load_earlier(self, paths: Sequence[str]) -> dict[str, MusicFile]:
        return {row.path: row for row in self._scan.folder.files.filter(path__in=paths)}

    def _build_row(
        self,
        one: ReadFile,
        songs: dict[str, int | None],
        problems: dict[str, str],
        earlier: dict[str, MusicFile],
    ) -> MusicFile:
        file, contents = one.file, one.contents
        row = MusicFile(
            folder=self._scan.folder,
            path=file.path,
            n_bytes=0 if one.is_passing else file.n_bytes,
            modified_ns=0 if one.is_passing else file.modified_ns,
            folder_picture=file.picture,
            picture_mark=file.picture_mark,
            song_id=songs.get(file.path),
            problem=(one.problem or problems.get(file.path, ""))[:300],
        )
        before = earlier.get(file.path)
        if contents is not None:
            row.mime_type = contents.mime_type
            row.cover_tag = contents.picture_tag or file.picture_mark
        elif one.is_passing and before is not None:  # what it was stays true until it can be read
            row.song_id, row.mime_type, row.cover_tag = (
                before.song_id,
                before.mime_type,
                before.cover_tag,
            )
            row.removed_at = before.removed_at
        return row

    def _count(self, **fields: object) -> None:
        self._lease.write(**fields)
