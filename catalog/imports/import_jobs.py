"""Imports of files as jobs. The row is the job: the worker that claims it runs it.

A command runs its import at once (`import_file`). A page or the API stores the upload and leaves a queued
row (`import_requests`), without looking into it; a worker finds out what it is and reads it in turns
(`run_next_import`). A run that was killed is taken up where it was: by the next worker once the sweep has
put it back, or by the same command typed again.
"""

import logging
from collections import OrderedDict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from django.db import DatabaseError, IntegrityError, transaction
from django.utils.translation import gettext as _

from accounts.models import User
from catalog.conf import catalog_conf
from catalog.imports.import_requests import (
    HISTORY,
    MB,
    ImportRefused,
    clean_file_name,
    delete_upload,
    require_importer,
)
from catalog.imports.importers import (
    Importer,
    SourceFile,
    detect_history,
    open_file,
)
from catalog.imports.ingest import OnProgress, announce_changed_listeners, ingest
from catalog.imports.models import ImportRun
from catalog.imports.row_limit import RowTooSlow, read_rows_in_time
from catalog.records import Outcome, WrongFile
from catalog.signals import listens_brought
from common import jobs
from common.jobs import Lease, Swept
from common.jobs.models import JobQuerySet
from common.jobs.turns import claim_turn, take_turn

log = logging.getLogger(__name__)

Status = ImportRun.Status
Content = ImportRun.Content

_PAUSED_AT_MOST = 16
"""Files that this process keeps open between the turns of their imports."""


class _ReadingStopped(Exception):
    """Reading goes no further; the message is the run's error."""


@dataclass
class _Reading:
    """A file that was looked over, and the stream of its records.

    `n_taken`: how many have been read. `is_stuck`: reading the next one took too long, so the stream ended there.
    """

    opened: SourceFile
    importer: Importer
    outcomes: Iterator[Outcome]
    n_taken: int = 0
    is_stuck: bool = False

    def read_after(self, n_done: int) -> Iterator[Outcome]:
        """Yield the records behind the first `n_done`."""
        try:
            for outcome in read_rows_in_time(self.outcomes, catalog_conf.import_row_seconds):
                self.n_taken += 1
                if self.n_taken > n_done:
                    yield outcome
        except RowTooSlow:
            self.is_stuck = True


# Where this process stopped reading at the end of a run's turn, so that the next one need not read up to there.
_paused: OrderedDict[int, _Reading] = OrderedDict()


# --- Asking for one ---------------------------------------------------------------------------------------------------


def import_file(
    path: Path,
    content: str,
    format: str = "",
    *,
    options: Mapping[str, Any] | None = None,
    listener: User | None = None,
    on_progress: OnProgress = lambda run: None,
) -> ImportRun:
    """Import a file now and return the finished run; an import of it that was stopped goes on.

    `content` is songs, listens or history. Raises WrongFile, with nothing changed, when the file is none of that
    format, and ImportRefused while another process imports it.
    """
    try:
        return _import_file(path, content, format, options or {}, listener, on_progress)
    except (IntegrityError, ImportRun.DoesNotExist):
        if listener is None or User.objects.filter(pk=listener.pk).exists():
            raise
        raise ImportRefused(
            _("The account of %(listener)s was deleted meanwhile; nothing was kept of it.")
            % {"listener": listener.get_username()}
        ) from None


def _import_file(
    path: Path,
    content: str,
    format: str,
    options: Mapping[str, Any],
    listener: User | None,
    on_progress: OnProgress,
) -> ImportRun:
    opened = open_file(path)
    importer = _find_importer(content, format, opened)
    reading = _Reading(opened, importer, importer.read(opened, options))
    run = _find_unfinished_run(opened, importer, options, listener) or ImportRun.objects.create(
        content=_get_content(importer),
        format=importer.name,
        file_name=clean_file_name(opened.name),
        file_sha256=opened.sha256,
        options=dict(options),
        listener=listener,
        requested_by=listener,
    )
    kind = _CommandKind(reading)
    lease = claim_turn(kind, run.pk, take_over=True)
    if lease is None:
        run.refresh_from_db()  # deleted with its listener: not there any more
        raise ImportRefused(
            _("%(file)s is being imported by another process; wait until that is done.")
            % {"file": opened.name}
        )
    take_turn(kind, lease, on_progress=on_progress)
    run.refresh_from_db()
    return run


# --- Doing it ---------------------------------------------------------------------------------------------------------


def run_next_import(owner: str = "") -> ImportRun | None:
    """Give one requested import a turn of `job_slice_seconds` and return it; None when none waits."""
    return jobs.run_next(_UploadKind(), owner)


def run_import(
    run_id: int,
    owner: str = "",
    on_progress: OnProgress = lambda run: None,
    *,
    max_seconds: float | None = None,
) -> ImportRun | None:
    """Run a requested import; None when somebody else has it or it is over (see `common.jobs.run_job`)."""
    run = jobs.run_job(
        _UploadKind(), run_id, owner, max_seconds=max_seconds, on_progress=on_progress
    )
    if run is None:
        _paused.pop(run_id, None)
    return run


class _UploadKind(jobs.JobKind[ImportRun]):
    """Imports of uploaded files, in turns."""

    model = ImportRun
    log_name = "import_run"
    final_errors = (WrongFile, _ReadingStopped)
    passing_errors = (DatabaseError, OSError)  # a full disk, a database that restarts

    def __init__(self, reading: _Reading | None = None) -> None:
        self._reading = reading

    def list_waiting(self) -> JobQuerySet:
        waiting: JobQuerySet = super().list_waiting().exclude(stored_path="")
        return waiting

    def work(self, turn: jobs.Turn[ImportRun]) -> bool:
        reading = self._reading or _resume_paused(turn.job) or _open_upload(turn.job, turn.lease)
        self._reading = reading
        return _continue_reading(turn, reading)

    def keep_place(self, turn: jobs.Turn[ImportRun]) -> None:
        """Keep the place in the file for the run's next turn in this process."""
        if self._reading is not None:
            _pause_reading(turn.job, self._reading)

    def clean_up(self, job: ImportRun) -> None:
        _clean_up(job)


class _CommandKind(_UploadKind):
    """The import of a command: of a file that it has opened, to its end; every error is the command's, too."""

    def judge(self, error: BaseException) -> jobs.Verdict:
        is_of_file = isinstance(error, WrongFile)
        return jobs.Verdict(str(error) if is_of_file else jobs.describe_error(error))


def _open_upload(run: ImportRun, lease: Lease) -> _Reading:
    """Look an uploaded file over and find out what it is; raise WrongFile."""
    path = Path(run.stored_path)
    opened = open_file(path, run.file_name, most_unpacked=catalog_conf.import_unpacked_mb * MB)
    importer = _find_importer(HISTORY if run.listener_id else run.content, run.format, opened)
    if importer.name != run.format:
        lease.write(format=importer.name, content=_get_content(importer))
        run.refresh_from_db()
    return _Reading(opened, importer, importer.read(opened, run.options))


def _resume_paused(run: ImportRun) -> _Reading | None:
    """Return the reading that this process paused, if it is of this file and still where the run is."""
    reading = _paused.pop(run.pk, None)
    if reading is None or (str(reading.opened.path), reading.n_taken) != (
        run.stored_path,
        run.resume_at,
    ):
        return None
    return reading


def _pause_reading(run: ImportRun, reading: _Reading) -> None:
    """Keep the place in the file for the run's next turn in this process."""
    _paused[run.pk] = reading
    while len(_paused) > _PAUSED_AT_MOST:
        _paused.popitem(last=False)


def _continue_reading(turn: jobs.Turn[ImportRun], reading: _Reading) -> bool:
    """Read the file into the database from `resume_at` on; return False when the turn was over first."""

    def is_turn_over() -> bool:
        _check_row_limits(run)
        return turn.is_over()

    run = turn.job
    is_read = ingest(
        run,
        turn.lease,
        reading.read_after(run.resume_at),
        position=reading.opened.measure_position,
        source=str(run.options.get("source") or run.format)[:40],
        on_progress=turn.on_progress,
        is_turn_over=is_turn_over,
    )
    run.refresh_from_db()
    if reading.is_stuck:
        raise WrongFile(
            _(
                "Row %(row)d was not read within %(seconds)d seconds of processor time, so reading ended there. "
                "What was read before is kept; take that row out of the file and bring it again."
            )
            % {"row": reading.n_taken + 1, "seconds": catalog_conf.import_row_seconds}
        )
    if is_read and not run.n_read:
        raise WrongFile(f"{run.file_name} holds no rows; there is nothing to import.")
    return is_read


def _check_row_limits(run: ImportRun) -> None:
    """Raise _Stopped for an upload with too many rows, or too many in a row that can't be read."""
    if not run.stored_path:
        return
    if run.n_rejected_in_row >= catalog_conf.import_rejects_in_row:
        last = run.rejected_rows.order_by("-line").values_list("reason", flat=True).first() or ""
        raise _ReadingStopped(
            _(
                "It was stopped at row %(row)d, because the last %(number)d rows could not be read (%(reason)s). "
                "What was read before is kept; check that the file is what its name says."
            )
            % {"row": run.n_read, "number": run.n_rejected_in_row, "reason": last}
        )
    if run.n_read >= catalog_conf.import_rows:
        raise _ReadingStopped(
            _(
                "It was stopped at row %(row)d: no more rows of one file are read. Split it and bring the rest."
            )
            % {"row": run.n_read}
        )


def _clean_up(run: ImportRun) -> None:
    """Do what every end of a run needs: its listeners' lists are outdated, and its file is not needed any more."""
    announce_changed_listeners(run)
    if run.content == Content.LISTENS and run.n_added:
        transaction.on_commit(partial(listens_brought.send_robust, sender=ImportRun), robust=True)
    _paused.pop(run.pk, None)
    delete_upload(run)


# --- Stopping, undoing, sweeping --------------------------------------------------------------------------------------


def cancel_import(run: ImportRun) -> bool:
    """Stop an import before its next chunk; what is in stays until it is undone. False when it is over already."""
    is_stopped = jobs.cancel_job(run)
    if is_stopped:
        _clean_up(run)
    return is_stopped


def sweep_imports(*, wait: bool = False) -> Swept:
    """Requeue requested imports whose worker is gone, or give them up; their files go with them."""
    swept = jobs.sweep_jobs(ImportRun.objects.exclude(stored_path=""), wait=wait)
    for run in swept.failed:
        run.refresh_from_db()
        log.warning("%s could not be imported: %s", run.file_name, run.error)
        _clean_up(run)
    return swept


# --- Helpers ----------------------------------------------------------------------------------------------------------


def _find_importer(content: str, format: str, opened: SourceFile) -> Importer:
    if content == HISTORY and not format:
        return detect_history(opened)
    return require_importer(content, format)


def _find_unfinished_run(
    opened: SourceFile, importer: Importer, options: Mapping[str, Any], listener: User | None
) -> ImportRun | None:
    """Return the run of the same file and options that was stopped half way."""
    runs = ImportRun.objects.filter(
        file_sha256=opened.sha256,
        content=_get_content(importer),
        format=importer.name,
        listener=listener,
        status__in=[Status.RUNNING, Status.FAILED],
        stored_path="",
    )
    run = next((run for run in runs if run.options == options), None)
    if run is not None and run.status == Status.FAILED:
        ImportRun.objects.filter(pk=run.pk, status=Status.FAILED).update(status=Status.QUEUED)
    return run


def _get_content(importer: Importer) -> str:
    return Content.SONGS if importer.content == Content.SONGS else Content.LISTENS
