"""Asking for an import: the upload is kept as a file for a worker and counted against the listener's quotas.

What may be asked (formats, sizes), and which imports a listener has asked for, is here, too.
"""

import hashlib
import uuid
from collections.abc import Iterable
from datetime import timedelta
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.files.uploadedfile import UploadedFile
from django.db import transaction
from django.db.models import Sum
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts.models import User
from catalog.conf import catalog_conf
from catalog.imports.importers import Importer, get_importer, list_importers
from catalog.imports.models import ImportRun
from catalog.records import WrongFile
from common.jobs.models import JobQuerySet
from common.templatetags.numbers import format_count

Content = ImportRun.Content

HISTORY = "history"
MB = 2**20
_DAY = timedelta(days=1)


class ImportRefused(Exception):
    """The request cannot be fulfilled; the message is one sentence for the person who asked."""


def request_import(
    listener: User | None,
    file: "UploadedFile[Any]",
    *,
    content: str = HISTORY,
    format: str = "",
    requested_by: User | None = None,
) -> ImportRun:
    """Keep an uploaded file and return the queued run; the same file again returns the run that is under way.

    Without `listener` it is an operator's, of songs or of listens of many listeners. What the file is, a
    worker finds out. Raises WrongFile for an empty file and ImportRefused beyond a quota, with a sentence for
    the page. The caller wakes a worker after the commit.
    """
    if format:
        require_importer(content, format)
    _check_quotas(listener, file.size or 0)
    stored, n_bytes, digest = _store_upload(file)
    is_kept = False
    try:
        if not n_bytes:
            raise WrongFile(_("%(file)s is empty.") % {"file": clean_file_name(file.name)})
        with transaction.atomic():
            _lock_listener(listener)
            run = _find_active_run(listener, digest)
            if run is None:
                _check_quotas(listener, n_bytes)
                run = ImportRun.objects.create(
                    content=content if content in Content.values else Content.LISTENS,
                    format=format,
                    file_name=clean_file_name(file.name),
                    file_sha256=digest,
                    n_bytes=n_bytes,
                    stored_path=str(stored),
                    listener=listener,
                    requested_by=requested_by or listener,
                )
                is_kept = True
    finally:
        if not is_kept:
            stored.unlink(missing_ok=True)
    return run


def list_imports(listener: User) -> JobQuerySet:
    """Return a listener's own imports, newest first."""
    return ImportRun.objects.filter(listener=listener).order_by("-pk")


def find_title(run: ImportRun) -> str:
    """Return what kind of file a run's is, in words; empty until a worker has looked into it."""
    kinds = list_importers(HISTORY if run.listener_id else run.content)
    return next((one.title for one in kinds if one.name == run.format), run.format)


def require_importer(content: str, format: str) -> Importer:
    try:
        return get_importer(content, format)
    except KeyError:
        raise ImportRefused(f"There is no format {format!r} for {content}.") from None


def _lock_listener(listener: User | None) -> None:
    """Let requests of one listener wait for each other until the transaction ends, so that no quota is raced.

    On SQLite the transaction itself does that: it begins with the lock of the database.
    """
    if listener is not None:
        User.objects.select_for_update(no_key=True).get(pk=listener.pk)


def _check_quotas(listener: User | None, n_bytes: int) -> None:
    """Raise ImportRefused when a file of this size would exceed a quota."""
    if n_bytes > catalog_conf.import_file_mb * MB:
        raise ImportRefused(
            _(
                "The file is larger than %(size)s MB; ask the operator to import it with the command import_history."
            )
            % {"size": format_count(catalog_conf.import_file_mb)}
        )
    if listener is None:
        return
    waiting = list_imports(listener).active().exclude(stored_path="")
    if waiting.count() >= catalog_conf.import_waiting:
        raise ImportRefused(
            _("%(number)d of your files are waiting or being read; wait until one is done.")
            % {"number": catalog_conf.import_waiting}
        )
    n_waiting_bytes = waiting.aggregate(n=Sum("n_bytes"))["n"] or 0
    if n_waiting_bytes + n_bytes > catalog_conf.import_waiting_mb * MB:
        raise ImportRefused(
            _(
                "Your waiting files would be larger than %(size)s MB together; wait until one is done."
            )
            % {"size": format_count(catalog_conf.import_waiting_mb)}
        )
    today = (
        list_imports(listener).filter(created_at__gte=timezone.now() - _DAY).exclude(file_sha256="")
    )
    if today.count() >= catalog_conf.import_files_a_day:
        raise ImportRefused(
            _("You brought %(number)d files within a day; bring the next one tomorrow.")
            % {"number": catalog_conf.import_files_a_day}
        )


def _find_active_run(listener: User | None, sha256: str) -> ImportRun | None:
    same = ImportRun.objects.active().filter(listener=listener, file_sha256=sha256)
    return same.exclude(stored_path="").first()


def _store_upload(file: "UploadedFile[Any]") -> tuple[Path, int, str]:
    """Write an upload under a name of our own; return where it is, its size and its SHA-256.

    What the browser called it is only shown. A second look at the size, because the first is the browser's word.
    """
    settings.UPLOADS_DIR.mkdir(mode=0o700, parents=True, exist_ok=True)
    path: Path = settings.UPLOADS_DIR / f"{uuid.uuid4().hex}.upload"
    n_bytes, digest = 0, hashlib.sha256()
    try:
        with path.open("xb") as stored:
            for chunk in file.chunks():
                n_bytes += len(chunk)
                _check_quotas(None, n_bytes)
                digest.update(chunk)
                stored.write(chunk)
    except BaseException:
        path.unlink(missing_ok=True)
        raise
    return path, n_bytes, digest.hexdigest()


def clean_file_name(name: str | None) -> str:
    base = (name or "").replace("\\", "/").rsplit("/", 1)[-1]
    return "".join(c for c in base if c.isprintable())[:255] or "upload"


def delete_upload(run: ImportRun) -> None:
    if run.stored_path:
        Path(run.stored_path).unlink(missing_ok=True)
        ImportRun.objects.filter(pk=run.pk).update(stored_path="")


def delete_uploads(uploads: Iterable[Path]) -> None:
    for path in uploads:
        path.unlink(missing_ok=True)
