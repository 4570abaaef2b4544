"""Scans of music folders, from the request to the end. The row is the job: the worker that claims it runs it.

A scan works in turns of `job_slice_seconds`. Each batch of files is one short transaction; after a turn or a kill the
next worker lists the folder again and skips what is in the table with the same size and time.
"""

import logging
from collections.abc import Callable, Iterable
from datetime import timedelta
from pathlib import Path

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from catalog.files.folder_walk import FolderListing, FoundFile, list_folder
from catalog.files.models import FolderScan, MusicFolder
from catalog.files.scan_writer import ReadFile, ScanWriter
from catalog.files.tag_reader import UnreadableFile, read_file
from catalog.songs.sources import refresh_sources
from common import jobs
from common.bulk_sql import cut_chunks
from common.jobs import Swept
from common.transactions import delete_row, lock_rows, retry_conflicts

log = logging.getLogger(__name__)

Status = FolderScan.Status
OnProgress = Callable[[FolderScan], None]

FILES_TOGETHER = 100
"""Files that are read, and whose songs are committed, at once."""
_KEPT_SCANS = 20


class ScanFailed(Exception):
    """The folder can't be scanned; the message is a sentence for the operator. Nothing was changed."""


# --- Asking for one ---------------------------------------------------------------------------------------------------


def add_folder(path: str) -> MusicFolder:
    """Return the row of a folder, adding it; raise ScanFailed when it is no folder that can be read."""
    return MusicFolder.objects.get_or_create(path=check_folder(path))[0]


def check_folder(path: str) -> str:
    """Return the full path of a folder that can be read; raise ScanFailed with what is wrong."""
    try:
        folder = Path(path).expanduser().resolve()
        next(iter(folder.iterdir()), None)
        str(folder).encode()
    except (OSError, ValueError, RuntimeError) as error:
        reason = getattr(error, "strerror", None) or type(error).__name__
        raise ScanFailed(
            _("%(folder)s can't be read (%(reason)s). Name a folder that this user may read.")
            % {"folder": repr(path[:200]), "reason": reason}
        ) from None
    return str(folder)


def request_scan(folder: MusicFolder) -> FolderScan:
    """Return the folder's scan that waits or runs, or a new one. The caller wakes a worker after the commit."""
    return jobs.request_job(FolderScan, {"folder": folder})


def request_due_scans() -> list[FolderScan]:
    """Request a scan of every folder whose last one is as long ago as its schedule says."""
    now = timezone.now()
    due = []
    for folder in MusicFolder.objects.exclude(scan_every_hours=0):
        last = folder.scans.first()
        if last is None or last.created_at <= now - timedelta(hours=folder.scan_every_hours):
            due += jobs.request_unless_gone(folder, request_scan)
    return due


@retry_conflicts
def remove_folder(folder: MusicFolder) -> None:
    """Forget a folder and its files; songs that nothing else holds are withdrawn, their history stays.

    A scan ends behind the files that it is writing.
    """
    with transaction.atomic():
        jobs.cancel_jobs(FolderScan.objects.filter(folder=folder))
        lock_rows([folder])
        song_ids = list(folder.files.present().values_list("song_id", flat=True))
        delete_row(folder)
        refresh_sources(song_ids)


# --- Doing it ---------------------------------------------------------------------------------------------------------


def scan_now(folder: MusicFolder, on_progress: OnProgress = lambda scan: None) -> FolderScan:
    """Scan a folder in this process and return the finished scan; one that was interrupted goes on.

    Raises ScanFailed when it can't be scanned, or while another process scans it.
    """
    scan = request_scan(folder)
    finished = run_scan(scan.pk, on_progress=on_progress, take_over=True)
    if finished is None:
        raise ScanFailed(
            _("%(folder)s is being scanned by another process; wait until that is done.")
            % {"folder": folder.path}
        )
    if finished.status == Status.FAILED:
        raise ScanFailed(finished.error)
    return finished


def run_next_scan(owner: str = "") -> FolderScan | None:
    """Give one requested scan a turn of `job_slice_seconds` and return it; None when none waits."""
    return jobs.run_next(_ScanKind(), owner)


def run_scan(
    scan_id: int,
    owner: str = "",
    *,
    max_seconds: float | None = None,
    on_progress: OnProgress = lambda scan: None,
    take_over: bool = False,
) -> FolderScan | None:
    """Claim a scan and do it; None when somebody else has it (see `common.jobs.run_job`)."""
    return jobs.run_job(
        _ScanKind(),
        scan_id,
        owner,
        max_seconds=max_seconds,
        on_progress=on_progress,
        take_over=take_over,
    )


class _ScanKind(jobs.JobKind[FolderScan]):
    model = FolderScan
    log_name = "folder_scan"
    related = ("folder",)
    final_errors = (ScanFailed,)

    def work(self, turn: jobs.Turn[FolderScan]) -> bool:
        return _FolderReading(turn).read()

    def clean_up(self, job: FolderScan) -> None:
        jobs.delete_old_jobs(job.folder.scans.all(), _KEPT_SCANS)


class _FolderReading:
    """One turn at a scan: the listing of the folder against the table of its files."""

    def __init__(self, turn: jobs.Turn[FolderScan]) -> None:
        self._turn = turn
        self._scan = turn.job
        self._lease = turn.lease
        self._on_progress = turn.on_progress
        self._root = Path(turn.job.folder.path)
        self._writer = ScanWriter(turn.job, turn.lease)

    def read(self) -> bool:
        """Read what is new or changed; return False when the turn was over first."""
        listing = self._list()
        stored = {
            path: (n_bytes, modified_ns, mark, removed_at is None)
            for path, n_bytes, modified_ns, mark, removed_at in self._scan.folder.files.values_list(
                "path", "n_bytes", "modified_ns", "picture_mark", "removed_at"
            ).iterator()
        }
        if not listing.files and any(present for *_rest, present in stored.values()):
            raise ScanFailed(
                _(
                    "%(folder)s is empty, though there was music in it: is its disk connected? "
                    "Remove the folder here if you want its songs gone."
                )
                % {"folder": self._root}
            )
        changed = [
            one
            for one in listing.files
            if stored.get(one.path) != (one.n_bytes, one.modified_ns, one.picture_mark, True)
        ]
        n_done = len(listing.files) - len(changed)
        self._lease.write(n_files=len(listing.files))
        vanished: set[str] = set()
        for batch in cut_chunks(changed, FILES_TOGETHER):
            read = [one for one in map(self._read, batch) if one is not None]
            vanished |= {one.path for one in batch} - {one.file.path for one in read}
            n_done += len(batch)
            self._writer.write(read, progress=0.99 * n_done / len(listing.files))
            self._on_progress(self._scan)
            if self._turn.is_over():
                return False
        self._remove_vanished(listing, stored.keys(), vanished)
        return True

    def _list(self) -> FolderListing:
        try:
            return list_folder(self._root)
        except OSError as error:
            raise ScanFailed(
                _("%(folder)s can't be read (%(reason)s); nothing was changed.")
                % {"folder": self._root, "reason": error.strerror or type(error).__name__}
            ) from None

    def _read(self, file: FoundFile) -> ReadFile | None:
        """Read a file; None when it vanished since it was listed."""
        if file.problem:
            return ReadFile(file, None, file.problem)
        try:
            return ReadFile(file, read_file(self._root, file.path), "")
        except UnreadableFile as error:
            return ReadFile(file, None, str(error))
        except FileNotFoundError:
            return None
        except OSError as error:  # read again next time: it may be back by then
            reason = _("it can't be read (%(reason)s)") % {"reason": error.strerror or "OSError"}
            return ReadFile(file, None, reason, is_passing=True)

    def _remove_vanished(
        self, listing: FolderListing, stored: Iterable[str], vanished: set[str]
    ) -> None:
        listed = {one.path for one in listing.files} - vanished
        gone = [path for path in stored if path not in listed and listing.covers(path)]
        for paths in cut_chunks(gone, 500):
            self._writer.remove(paths)
            self._on_progress(self._scan)


# --- Stopping, sweeping -----------------------------------------------------------------------------------------------


def cancel_scan(scan: FolderScan) -> bool:
    """Stop a scan before its next batch; what is in stays. False when it is over already."""
    return jobs.cancel_job(scan)


def sweep_scans(*, wait: bool = False) -> Swept:
    """Requeue scans whose worker is gone, or give them up."""
    return jobs.sweep_jobs(FolderScan.objects.all(), wait=wait)
