"""Records into tables: the only bulk writer.

Records come as a stream and go in by chunks. Each chunk is one short transaction that also moves the run's
`resume_at`; so a run that was killed goes on behind its last chunk, and nothing goes in twice. On PostgreSQL a file of
a command is read on while a chunk is written.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from itertools import takewhile
from typing import Any, Protocol

from django.db import transaction
from django.db.models import F

from catalog.imports.models import ImportRun, RejectedImportRow
from catalog.listening.listen_writer import ListenWriter, WriteCounts
from catalog.listening.models import Interaction
from catalog.records import (
    LeftOutRow,
    ListenRecord,
    Outcome,
    PlaylistRecord,
    PreferenceRecord,
    RejectedRow,
    SongRecord,
)
from catalog.signals import listening_changed
from catalog.songs.resolver import SongResolver
from common.bulk_sql import cut_chunks, read_without_memory_map
from common.jobs import Lease
from common.work_behind import WorkBehind

CHUNK = 2_500
SONGS_CHUNK = 2_000
MANY_LISTENERS_CHUNK = 10_000
"""Listens of many listeners repeat few songs: accounts and songs are then looked up a quarter as often."""
KEPT_REJECTED_ROWS = 1_000
_TOLD_TOGETHER = 10_000

OnProgress = Callable[[ImportRun], None]


class Position(Protocol):
    """How far a file has been read, 0 to 1."""

    def __call__(self) -> float: ...


class _Writer(Protocol):
    def prepare(self, records: list[Any]) -> None: ...

    def write(self, records: list[Any]) -> WriteCounts: ...


def ingest(
    run: ImportRun,
    lease: Lease,
    outcomes: Iterable[Outcome],
    *,
    position: Position = lambda: 0.0,
    source: str = "",
    on_progress: OnProgress = lambda run: None,
    is_turn_over: Callable[[], bool] = lambda: False,
) -> bool:
    """Write `outcomes`, which begin at the run's `resume_at`, and count them on the run.

    Returns False when `is_turn_over` said so before the end. Raises LostLease when the run was
    cancelled, deleted or taken over meanwhile; the chunk that was being written is then taken back.
    """
    writer = _choose_writer(run, source or run.format)

    def write(chunk: list[Outcome], read_until: float) -> None:
        records = [
            outcome for outcome in chunk if not isinstance(outcome, RejectedRow | LeftOutRow)
        ]
        writer.prepare(records)  # names are read before the transaction holds the database
        with transaction.atomic():
            # The row's lock first: a request that cancels the run or deletes its listener waits for this
            # chunk, and the next chunk finds the run gone before it writes anything.
            lease.lock()
            written = _write_chunk(writer, chunk, records)
            _count_chunk(run, lease, chunk, written, read_until)

    def finish_chunk() -> None:
        if behind.finish():
            on_progress(run)

    # an upload is read in turns, which end behind a chunk that is written, with nothing read beyond it
    with read_without_memory_map(), WorkBehind(in_thread=not run.stored_path) as behind:
        for chunk in cut_chunks(outcomes, _choose_chunk(run)):
            finish_chunk()
            behind.start(write, chunk, position())
            if not behind.in_thread:
                finish_chunk()
                if is_turn_over():
                    return False
        finish_chunk()
    return True


def _choose_chunk(run: ImportRun) -> int:
    if run.content == ImportRun.Content.SONGS:
        return SONGS_CHUNK
    return CHUNK if run.listener is not None else MANY_LISTENERS_CHUNK


def _choose_writer(run: ImportRun, source: str) -> _Writer:
    if run.content == ImportRun.Content.SONGS:
        return _SongChunks(run)
    return ListenWriter(run, source, run.listener)


class _SongChunks:
    """SongResolver with the interface of ListenWriter."""

    def __init__(self, run: ImportRun) -> None:
        self._songs = SongResolver(run, numbered=True)

    def prepare(self, records: list[SongRecord]) -> None:
        self._songs.prepare(records)

    def write(self, records: list[SongRecord]) -> WriteCounts:
        resolved = self._songs.resolve(records)
        self._songs.fill_missing(records, resolved)
        rejected = [RejectedRow(records[i].line, reason) for i, reason in resolved.reasons.items()]
        n_added = len(resolved.new)
        return WriteCounts(n_added, len(records) - n_added - len(rejected), rejected)


def _write_chunk(
    writer: _Writer,
    chunk: list[Outcome],
    records: list[SongRecord | ListenRecord | PlaylistRecord | PreferenceRecord],
) -> WriteCounts:
    unreadable = [outcome for outcome in chunk if isinstance(outcome, RejectedRow)]
    left_out = [outcome for outcome in chunk if isinstance(outcome, LeftOutRow)]
    written = writer.write(records)
    return written._replace(
        rejected=[*unreadable, *written.rejected], left_out=[*left_out, *written.left_out]
    )


def _count_chunk(
    run: ImportRun, lease: Lease, chunk: list[Outcome], written: WriteCounts, position: float
) -> None:
    """Move the run forward in the transaction that wrote the chunk."""
    _store_rejected_rows(run, written.rejected)
    n_trailing = _count_trailing_rejects(chunk, written)
    earlier = run.n_rejected_in_row if n_trailing == len(chunk) else 0
    lease.write(
        resume_at=F("resume_at") + len(chunk),
        n_read=F("n_read") + len(chunk),
        n_added=F("n_added") + written.n_added,
        n_known=F("n_known") + written.n_known,
        n_rejected=F("n_rejected") + len(written.rejected),
        n_rejected_in_row=earlier + n_trailing,
        kinds=_add_counts(run.kinds, written.kinds),
        left_out=_add_counts(run.left_out, Counter(row.reason.value for row in written.left_out)),
        progress=position,
    )
    run.refresh_from_db()


def _count_trailing_rejects(chunk: list[Outcome], written: WriteCounts) -> int:
    """Return how many rows at the end of a chunk were rejected, without a readable one in between."""
    if not written.rejected:
        return 0
    rejected_lines = {row.line for row in written.rejected}
    return sum(
        1 for _ in takewhile(lambda outcome: outcome.line in rejected_lines, reversed(chunk))
    )


def _add_counts(before: Mapping[str, int], more: Mapping[str, int]) -> dict[str, int]:
    return dict(Counter(before) + Counter(more))


def _store_rejected_rows(run: ImportRun, rejected: list[RejectedRow]) -> None:
    room = KEPT_REJECTED_ROWS - min(run.n_rejected, KEPT_REJECTED_ROWS)
    kept = sorted(rejected)[:room]
    RejectedImportRow.objects.bulk_create(
        [RejectedImportRow(import_run=run, line=row.line, reason=row.reason[:300]) for row in kept],
        ignore_conflicts=True,
    )


def announce_changed_listeners(run: ImportRun) -> None:
    """Send `listening_changed` for every listener to whose history the run added something."""
    if run.content != ImportRun.Content.LISTENS or not run.n_added:
        return
    rows = Interaction.objects.filter(import_run=run).order_by()
    with read_without_memory_map():
        ids = list(rows.values_list("listener_id", flat=True).distinct())
    for batch in cut_chunks(ids, _TOLD_TOGETHER):
        listening_changed.send_robust(sender=Interaction, listener_ids=batch)
