"""Records into tables: the only bulk writer.

Records come as a stream and go in by chunks. Each chunk is one short transaction that also moves the run's
`resume_at`; so a run that was killed goes on behind its last chunk, and nothing goes in twice.
"""

from collections.abc import Callable, Iterable
from datetime import timedelta
from itertools import islice
from typing import Protocol

from django.db import transaction
from django.db.models import F
from django.utils import timezone

from catalog.models import ImportRun, Interaction, RejectedImportRow
from catalog.records import ListenRecord, Outcome, RejectedRow, SongRecord
from catalog.services.bulk import chunks, modest_memory
from catalog.services.listen_writer import ListenWriter, Written
from catalog.services.song_writer import SongWriter
from catalog.signals import listening_changed

CHUNK = 2_500
SONGS_CHUNK = 2_000
KEPT_REJECTED_ROWS = 1_000
LEASE = timedelta(seconds=60)
_TOLD_TOGETHER = 10_000

Status = ImportRun.Status
OnProgress = Callable[[ImportRun], None]


class LeaseLost(Exception):
    """Another process has taken the import over; whoever had it before must not write any more."""


class Position(Protocol):
    """How far a file has been read, 0 to 1."""

    def __call__(self) -> float: ...


class _Writer(Protocol):
    def prepare(self, records: list) -> None: ...

    def write(self, records: list) -> Written: ...


def ingest(
    run: ImportRun,
    outcomes: Iterable[Outcome],
    *,
    position: Position = lambda: 0.0,
    source: str = "",
    on_progress: OnProgress = lambda run: None,
) -> None:
    """Write all `outcomes` that the run has not written yet, and count them on it.

    The run must be claimed (see `imports.claim`). Raises LeaseLost when somebody else claimed it meanwhile.
    """
    writer = _writer(run, source or run.format)
    left = islice(outcomes, run.resume_at, None)
    with modest_memory():
        for chunk in chunks(left, SONGS_CHUNK if run.content == ImportRun.Content.SONGS else CHUNK):
            records = [outcome for outcome in chunk if not isinstance(outcome, RejectedRow)]
            writer.prepare(records)  # names are read before the transaction holds the database
            with transaction.atomic():
                written = _write(writer, chunk, records)
                _count(run, len(chunk), written, position())
            on_progress(run)
    _tell_listeners(run)


def _writer(run: ImportRun, source: str) -> _Writer:
    if run.content == ImportRun.Content.SONGS:
        return _SongChunks(run)
    return ListenWriter(run, source, run.listener)


class _SongChunks:
    """SongWriter with the interface of ListenWriter."""

    def __init__(self, run: ImportRun) -> None:
        self._songs = SongWriter(run, numbered=True)

    def prepare(self, records: list[SongRecord]) -> None:
        self._songs.prepare(records)

    def write(self, records: list[SongRecord]) -> Written:
        resolved = self._songs.resolve(records)
        self._songs.fill_in(records, resolved)
        rejected = [RejectedRow(records[i].line, reason) for i, reason in resolved.reasons.items()]
        n_added = len(resolved.new)
        return Written(n_added, len(records) - n_added - len(rejected), rejected)


def _write(writer: _Writer, chunk: list[Outcome], records: list[SongRecord | ListenRecord]) -> Written:
    unreadable = [outcome for outcome in chunk if isinstance(outcome, RejectedRow)]
    written = writer.write(records)
    return written._replace(rejected=[*unreadable, *written.rejected])


def _count(run: ImportRun, n_read: int, written: Written, position: float) -> None:
    """Move the run forward in the transaction that wrote the chunk; a lost lease takes the chunk back."""
    _keep_rejected(run, written.rejected)
    moved = ImportRun.objects.filter(pk=run.pk, status=Status.RUNNING, owner=run.owner).update(
        resume_at=F("resume_at") + n_read,
        n_read=F("n_read") + n_read,
        n_added=F("n_added") + written.n_added,
        n_known=F("n_known") + written.n_known,
        n_rejected=F("n_rejected") + len(written.rejected),
        progress=position,
        lease_until=timezone.now() + LEASE,
    )
    if not moved:
        raise LeaseLost(f"The import of {run.file_name} was taken over or cancelled; this process stops.")
    run.refresh_from_db()


def _keep_rejected(run: ImportRun, rejected: list[RejectedRow]) -> None:
    room = KEPT_REJECTED_ROWS - min(run.n_rejected, KEPT_REJECTED_ROWS)
    kept = sorted(rejected)[:room]
    RejectedImportRow.objects.bulk_create(
        [RejectedImportRow(import_run=run, line=row.line, reason=row.reason[:300]) for row in kept],
        ignore_conflicts=True,
    )


def _tell_listeners(run: ImportRun) -> None:
    """Tell who listens to `listening_changed` whose history is another now."""
    if run.content != ImportRun.Content.LISTENS or not run.n_added:
        return
    ids = Interaction.objects.filter(import_run=run).values_list("listener_id", flat=True).distinct()
    for part in chunks(list(ids), _TOLD_TOGETHER):
        listening_changed.send_robust(sender=Interaction, listener_ids=part)
