"""Imports of files, from the request to the undoing. The row is the job: whoever claims it runs it.

A command runs its import at once (`import_file`). A page or the API stores the upload and leaves a queued row
(`request_import`); a worker runs it (`run_import`). A run that was killed is taken up where it was, by whoever asks
next: the sweeper, another worker, or the same command typed again.
"""

import logging
import uuid
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.files.uploadedfile import UploadedFile
from django.db import transaction
from django.db.models import Q, QuerySet
from django.utils import timezone
from django.utils.translation import gettext as _
from structlog.contextvars import bound_contextvars

from accounts.models import User
from accounts.uploads import MAX_UPLOAD_BYTES
from catalog.importers import Importer, Opened, detect_history, importer_named, open_file
from catalog.models import Album, Artist, ImportRun, Interaction, Playlist, Song
from catalog.records import Outcome, WrongFile
from catalog.services import leases
from catalog.services.bulk import chunks
from catalog.services.ingest import LeaseLost, OnProgress, ingest
from catalog.signals import listening_changed

log = logging.getLogger(__name__)

Status = ImportRun.Status
Content = ImportRun.Content

MOST_UPLOADED = MAX_UPLOAD_BYTES
MOST_WAITING = 3
"""Uploads of one listener that may be under way at once, so that nobody fills the disk."""
HISTORY = "history"
_DELETED_TOGETHER = 5_000
_ALIVE = [Status.QUEUED, Status.RUNNING]


class ImportRefused(Exception):
    """What was asked for cannot be done; the message is the sentence for whoever asked."""


@dataclass(frozen=True)
class _Job:
    """A file that was looked over, and the stream of its records."""

    opened: Opened
    outcomes: Iterator[Outcome]


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
    opened = open_file(path)
    importer = _importer(content, format, opened)
    job = _Job(opened, importer.read(opened, options or {}))
    run = _unfinished(opened, importer, options or {}, listener) or _new_run(
        opened, importer, options or {}, listener, listener
    )
    claimed = leases.claim(run.pk, leases.new_owner())
    if claimed is None:
        raise ImportRefused(
            _("%(file)s is being imported by another process; wait until that is done.")
            % {"file": opened.name}
        )
    return _run(claimed, job, on_progress)


def request_import(
    listener: User | None,
    file: UploadedFile,
    *,
    content: str = HISTORY,
    format: str = "",
    requested_by: User | None = None,
) -> ImportRun:
    """Keep an uploaded file and return the queued run; the same file again returns the run that is under way.

    Without `listener` it is an operator's, of songs or of listens of many listeners.

    Raises WrongFile or ImportRefused with a sentence for the page. The caller wakes a worker after the commit.
    """
    if file.size is not None and file.size > MOST_UPLOADED:
        raise ImportRefused(
            _("The file is larger than %(size)d GB; use the command import_history.")
            % {"size": MOST_UPLOADED // 2**30}
        )
    if listener is not None and _waiting(listener) >= MOST_WAITING:
        raise ImportRefused(
            _("%(number)d of your files are being read; wait until one is through.")
            % {"number": MOST_WAITING}
        )
    stored = _store(file)
    try:
        opened = open_file(stored, _shown_name(file.name))
        importer = _importer(content, format, opened)
        importer.read(opened, {})
        run = _under_way(listener, opened)
        if run is None:
            return _new_run(opened, importer, {}, listener, requested_by or listener, stored)
    except Exception:
        stored.unlink()
        raise
    stored.unlink()
    return run


def run_import(run_id: int, owner: str = "", on_progress: OnProgress = lambda run: None) -> ImportRun | None:
    """Run a requested import; None when somebody else has it or it is over."""
    run = leases.claim(run_id, owner or leases.new_owner())
    if run is None:
        return None
    try:
        opened = open_file(Path(run.stored_path), run.file_name)
        job = _Job(opened, importer_named(_kind_of(run), run.format).read(opened, run.options))
        return _run(run, job, on_progress)
    except WrongFile as error:
        if run.status == Status.RUNNING:
            leases.finish(run, Status.FAILED, str(error))
        _drop_upload(run)
        return run
    except LeaseLost:
        return None


def cancel(run: ImportRun) -> bool:
    """Stop an import before its next chunk; what is in stays until it is undone. False when it is over already."""
    stopped = ImportRun.objects.filter(pk=run.pk, status__in=_ALIVE).update(
        status=Status.CANCELLED, finished_at=timezone.now(), lease_until=None
    )
    run.refresh_from_db()
    _drop_upload(run)
    return stopped == 1


def undo(run: ImportRun) -> int:
    """Take back exactly what the import added and nobody uses otherwise; return how many listens that were.

    Listens of it are deleted, then the songs it brought that have no other listens and are in no playlist, then
    artists and albums that this leaves empty. May be repeated after an interruption.
    """
    if run.status in _ALIVE:
        raise ImportRefused(_("The import is still running; cancel it first."))
    listener_ids = list(
        Interaction.objects.filter(import_run=run).order_by().values_list("listener_id", flat=True).distinct()
    )
    n_deleted = 0
    while ids := list(
        Interaction.objects.filter(import_run=run).values_list("pk", flat=True)[:_DELETED_TOGETHER]
    ):
        with transaction.atomic():
            n_deleted += Interaction.objects.filter(pk__in=ids).delete()[0]
    _remove_unused_songs(run)
    ImportRun.objects.filter(pk=run.pk).update(status=Status.UNDONE, finished_at=timezone.now())
    run.refresh_from_db()
    for part in chunks(listener_ids, _DELETED_TOGETHER):
        listening_changed.send_robust(sender=Interaction, listener_ids=part)
    return n_deleted


def delete_imports(listener: User) -> None:
    """Stop and delete a listener's imports with their uploads, and the songs that only they brought.

    Belongs in the transaction that deletes the account. Deletes the listener's interactions and
    playlists, too, because a song that is in one of them still counts as used.
    """
    runs = of_listener(listener)
    # First, and waiting for a chunk that is being written: the worker's next chunk finds its lease gone.
    runs.filter(status__in=_ALIVE).update(
        status=Status.CANCELLED, finished_at=timezone.now(), lease_until=None
    )
    stopped = list(runs)
    Interaction.objects.filter(Q(listener=listener) | Q(import_run__in=stopped)).delete()
    Playlist.objects.filter(owner=listener).delete()
    for run in stopped:
        _remove_unused_songs(run)
    runs.delete()
    uploads = [Path(run.stored_path) for run in stopped if run.stored_path]
    transaction.on_commit(partial(_delete_uploads, uploads))


def _delete_uploads(uploads: Iterable[Path]) -> None:
    for path in uploads:
        path.unlink(missing_ok=True)


def of_listener(listener: User) -> QuerySet[ImportRun]:
    """Return a listener's own imports, newest first."""
    return ImportRun.objects.filter(listener=listener).order_by("-pk")


def sweep() -> list[int]:
    """Return the requested imports that nobody works on, for a worker to be woken for each."""
    waiting = ImportRun.objects.filter(status__in=_ALIVE).exclude(stored_path="")
    return [run.pk for run in waiting if not leases.is_live(run)]


def _run(run: ImportRun, job: _Job, on_progress: OnProgress) -> ImportRun:
    """Read the file into the database; every line of the log meanwhile names the run."""
    with bound_contextvars(import_run=run.pk):
        try:
            _ingest(run, job, on_progress)
        except LeaseLost:
            raise
        except WrongFile as error:
            _failed(run, str(error))
            raise
        except Exception as error:
            _failed(run, f"{type(error).__name__}: {error}")
            raise
        leases.finish(run, Status.SUCCEEDED)
        log.info("%s is imported: %d rows added, %d rejected", run.file_name, run.n_added, run.n_rejected)
    _drop_upload(run)
    return run


def _ingest(run: ImportRun, job: _Job, on_progress: OnProgress) -> None:
    source = str(run.options.get("source") or run.format)[:40]
    ingest(run, job.outcomes, position=job.opened.position, source=source, on_progress=on_progress)
    run.refresh_from_db()
    if not run.n_read:
        raise WrongFile(f"{run.file_name} holds no rows; there is nothing to import.")


def _failed(run: ImportRun, error: str) -> None:
    leases.finish(run, Status.FAILED, error)
    log.warning("%s could not be imported: %s", run.file_name, error)


def _importer(content: str, format: str, opened: Opened) -> Importer:
    if content == HISTORY and not format:
        return detect_history(opened)
    try:
        return importer_named(content, format)
    except KeyError:
        raise ImportRefused(f"There is no format {format!r} for {content}.") from None


def _unfinished(
    opened: Opened, importer: Importer, options: Mapping[str, Any], listener: User | None
) -> ImportRun | None:
    """Return the run of the same file and options that was stopped half way."""
    runs = ImportRun.objects.filter(
        file_sha256=opened.sha256,
        content=_content(importer),
        format=importer.name,
        listener=listener,
        status__in=[Status.RUNNING, Status.FAILED],
        stored_path="",
    )
    run = next((run for run in runs if run.options == options), None)
    if run is not None and run.status == Status.FAILED:
        ImportRun.objects.filter(pk=run.pk, status=Status.FAILED).update(status=Status.QUEUED)
    return run


def _new_run(
    opened: Opened,
    importer: Importer,
    options: Mapping[str, Any],
    listener: User | None,
    requested_by: User | None,
    stored: Path | None = None,
) -> ImportRun:
    return ImportRun.objects.create(
        content=_content(importer),
        format=importer.name,
        file_name=_shown_name(opened.name),
        file_sha256=opened.sha256,
        stored_path=str(stored or ""),
        options=dict(options),
        listener=listener,
        requested_by=requested_by,
    )


def _under_way(listener: User | None, opened: Opened) -> ImportRun | None:
    same = ImportRun.objects.filter(listener=listener, file_sha256=opened.sha256, status__in=_ALIVE)
    return same.exclude(stored_path="").first()


def _waiting(listener: User) -> int:
    return of_listener(listener).filter(status__in=_ALIVE).exclude(stored_path="").count()


def _kind_of(run: ImportRun) -> str:
    """Return the kind of importer that made a run: a listener's own file is a history."""
    return HISTORY if run.listener_id else run.content


def _content(importer: Importer) -> str:
    return Content.SONGS if importer.content == Content.SONGS else Content.LISTENS


def _store(file: UploadedFile) -> Path:
    """Write an upload under a name of our own; what the browser called it is only shown."""
    settings.UPLOADS_DIR.mkdir(mode=0o700, parents=True, exist_ok=True)
    path = settings.UPLOADS_DIR / f"{uuid.uuid4().hex}.upload"
    n_bytes = 0
    with path.open("xb") as stored:
        for part in file.chunks():
            n_bytes += len(part)
            if n_bytes > MOST_UPLOADED:
                path.unlink()
                raise ImportRefused(
                    _("The file is larger than %(size)d GB.") % {"size": MOST_UPLOADED // 2**30}
                )
            stored.write(part)
    return path


def _shown_name(name: str | None) -> str:
    base = (name or "").replace("\\", "/").rsplit("/", 1)[-1]
    return "".join(c for c in base if c.isprintable())[:255] or "upload"


def _drop_upload(run: ImportRun) -> None:
    if run.stored_path:
        Path(run.stored_path).unlink(missing_ok=True)
        ImportRun.objects.filter(pk=run.pk).update(stored_path="")


def _remove_unused_songs(run: ImportRun) -> None:
    """Delete the run's songs without listens and playlists, and the artists and albums only they had."""
    unused = Song.objects.filter(import_run=run, interactions=None, playlist_items=None)
    while songs := list(unused.values_list("pk", "artist_id", "album_id")[:_DELETED_TOGETHER]):
        with transaction.atomic():
            Song.objects.filter(pk__in=[song_id for song_id, _, _ in songs]).delete()
            Album.objects.filter(pk__in={album_id for _, _, album_id in songs}, songs=None).delete()
            Artist.objects.filter(pk__in={artist_id for _, artist_id, _ in songs}, songs=None).delete()
