"""The columnar copy of the interactions, kept up with the table: what trainings read.

New rows are found by their ids, changed and deleted ones by the notes that triggers write (`change_triggers`), and
listeners who may no longer be learned from by comparison. A copy that is missing, damaged or of another database is
built anew.
"""

import logging
import time
import uuid
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from typing import TypeVar

import numpy as np
from django.conf import settings
from django.db import connection, transaction
from django.db.backends.utils import CursorWrapper
from numpy.typing import NDArray

from accounts.models import User
from common.bulk_sql import cut_chunks
from recommendations.conf import conf
from recommendations.models import ChangedListener, ColumnCopyState
from recommendations.services.data import interaction_rows
from recommendations.services.data.column_reader import Reader, make_reader
from recommendations.services.data.column_store import (
    Columns,
    ColumnStore,
    Manifest,
    StoreBusy,
    StoreDamaged,
    choose_n_partitions,
    join_columns,
)

log = logging.getLogger(__name__)

OnRead = Callable[[int, int], None]
T = TypeVar("T")

ROWS_TOGETHER = 4_000_000
"""Rows that are gathered before they are written: some 150 MB."""
LISTENERS_TOGETHER = 20_000
STATEMENT = 500
"""Ids that one statement names."""
WAIT_FOR_WRITER = 900.0
"""Seconds that a training waits for another that brings the copy up to date."""
READS = 4
"""So often a training begins to read before it keeps others from writing meanwhile."""
WAIT_FOR_REMOVAL = 5.0
WAIT_FOR_TRANSACTIONS = 60.0


def get_store() -> ColumnStore:
    return ColumnStore(settings.INTERACTIONS_DIR)


def bring_up_to_date(on_progress: OnRead) -> tuple[ColumnStore, Manifest]:
    """Read what is new or changed from the table into the copy, and return it.

    Killed at any moment it goes on behind what was written. Reads nothing else of the table, but everything the
    first time.
    """
    store = get_store()
    with store.lock(WAIT_FOR_WRITER):
        return store, _write_news(store, on_progress)


def read_copy(
    on_progress: OnRead, read: Callable[[ColumnStore, Manifest], T]
) -> tuple[T, Manifest]:
    """Bring the copy up to date and return what `read` makes of it, and the state that was read.

    A listener who goes meanwhile has partitions written anew, so reading begins again. At the last of `READS` they are
    taken out when it is over, as while the copy is written.
    """
    for _attempt in range(READS - 1):
        store, manifest = bring_up_to_date(on_progress)
        try:
            return read(store, manifest), manifest
        except StoreDamaged as error:
            log.info("The columnar copy is read once more: %s", error)
    store = get_store()
    with store.lock(WAIT_FOR_WRITER):
        manifest = _write_news(store, on_progress)
        return read(store, manifest), manifest


def _write_news(store: ColumnStore, on_progress: OnRead) -> Manifest:
    """Write what is new or changed into the copy; belongs under its lock."""
    with make_reader() as source:
        last = _find_last_settled_id(source)
        manifest = _open(store, last)
        manifest = _take_notes(store, manifest, last)
        manifest = _follow_consent(store, manifest)
        manifest = _read_changed(store, source, manifest)
        manifest = _read_new(store, source, manifest, last, on_progress)
        return _drop_departed(store, manifest)


def remove_listeners(listener_ids: Iterable[int]) -> None:
    """Take listeners out of the copy at once; call it when they are gone or may not be learned from.

    Writes one partition anew for each. While a training is bringing the copy up to date, that does it before it ends.
    """
    store = get_store()
    if not store.folder.exists():
        return
    ids = np.unique(np.fromiter(listener_ids, dtype=np.int64))
    try:
        with store.lock(WAIT_FOR_REMOVAL):
            _drop(store, ids)
    except StoreBusy:
        log.info(
            "The columnar copy is being written; listeners who are gone are taken out when that ends."
        )


def drop_departed() -> None:
    """Take out of the copy who was deleted while it could not be written; the schedule calls it."""
    store = get_store()
    if store.folder.exists() and ChangedListener.objects.exists():
        with store.lock(WAIT_FOR_REMOVAL):
            gone = _find_gone(ChangedListener.objects.values_list("listener_id", flat=True))
            if gone:
                _drop(store, np.array(sorted(gone), dtype=np.int64))


def _drop(store: ColumnStore, listener_ids: NDArray[np.int64]) -> None:
    gone = _find_gone(listener_ids.tolist())
    try:
        manifest = store.read_manifest()
        if manifest is not None:
            left_out = tuple(sorted({*manifest.left_out, *listener_ids.tolist()} - gone))
            store.replace_listeners(replace(manifest, left_out=left_out), listener_ids)
    except StoreDamaged as error:
        log.warning("The columnar copy is removed: %s", error)
        store.remove()
    _delete_notes(gone)


def _find_gone(listener_ids: Iterable[int]) -> set[int]:
    """Return which of these listeners have no account any more."""
    ids = set(listener_ids)
    present: set[int] = set()
    for some in cut_chunks(sorted(ids), STATEMENT):
        present.update(User.objects.filter(pk__in=some).values_list("pk", flat=True))
    return ids - present


def _delete_notes(listener_ids: Iterable[int]) -> None:
    for some in cut_chunks(listener_ids, STATEMENT):
        ChangedListener.objects.filter(listener_id__in=some).delete()


# --- The steps --------------------------------------------------------------------------------------------------------


def _find_last_settled_id(source: Reader) -> int:
    """Return the newest id below which no row can appear any more.

    SQLite has one writer at a time. In PostgreSQL a transaction may commit a lower id later, so the
    transactions that were writing when the id was read are waited for; where that takes too long, nothing new is read.
    """
    if connection.vendor != "postgresql":
        return interaction_rows.find_last_id(source)
    with connection.cursor() as cursor:
        cursor.execute("SELECT COALESCE(MAX(id), 0) FROM catalog_interaction")
        last = int(cursor.fetchone()[0])
        until = time.monotonic() + WAIT_FOR_TRANSACTIONS
        writers = _list_writers(cursor)
        while writers and time.monotonic() < until:
            time.sleep(0.05)
            writers &= _list_writers(cursor)
    if writers:
        log.warning(
            "Interactions are being written in one long transaction; new ones are read next time."
        )
        return -1
    return last


def _list_writers(cursor: CursorWrapper) -> set[str]:
    """Return the transactions of other connections that may have written interactions and are not over."""
    cursor.execute(
        "SELECT virtualtransaction FROM pg_locks WHERE locktype = 'relation' AND mode = 'RowExclusiveLock' "
        "AND relation = 'catalog_interaction'::regclass AND pid <> pg_backend_pid()"
    )
    return {row[0] for row in cursor.fetchall()}


def _open(store: ColumnStore, last: int) -> Manifest:
    """Return the state of the copy if it belongs to this database, else that of an empty one."""
    try:
        manifest = store.read_manifest()
    except StoreDamaged as error:
        log.warning("The columnar copy is built anew: %s", error)
        manifest = None
    token = ColumnCopyState.objects.values_list("token", flat=True).first()
    if manifest is None or token is None or token not in (manifest.token, manifest.next_token):
        store.remove()
        return store.write_manifest(Manifest(partitions=((),) * choose_n_partitions(max(last, 0))))
    return replace(manifest, token=token, next_token="")


def _take_notes(store: ColumnStore, manifest: Manifest, last: int) -> Manifest:
    """Move the notes of changed listeners from the database to the manifest, which then has a new token.

    The manifest is written first and holds both tokens: whether the transaction is committed or not, it is true.
    """
    notes = list(ChangedListener.objects.values_list("pk", "listener_id"))
    if not notes and manifest.token and last <= manifest.last_id:
        return manifest
    token = uuid.uuid4().hex
    outdated = tuple(sorted({*manifest.outdated, *(listener_id for _, listener_id in notes)}))
    with transaction.atomic():
        manifest = store.write_manifest(replace(manifest, next_token=token, outdated=outdated))
        for some in cut_chunks([pk for pk, _ in notes], STATEMENT):
            ChangedListener.objects.filter(pk__in=some).delete()
        if not ColumnCopyState.objects.update(token=token):
            ColumnCopyState.objects.create(token=token)
    return replace(manifest, token=token, next_token="")


def _follow_consent(store: ColumnStore, manifest: Manifest) -> Manifest:
    """Drop who may not be learned from any more; who may again is read anew."""
    silent = set(_list_silent_listeners())
    left_out = set(manifest.left_out)
    departed = np.array(sorted(silent - left_out), dtype=np.int64)
    returned = left_out - silent
    if not len(departed) and not returned:
        return manifest
    changed = replace(
        manifest,
        left_out=tuple(sorted(silent)),
        outdated=tuple(sorted({*manifest.outdated, *returned} - silent)),
    )
    return (
        store.replace_listeners(changed, departed)
        if len(departed)
        else store.write_manifest(changed)
    )


def _list_silent_listeners() -> Iterator[int]:
    silent = User.objects.without_training_consent()
    yield from silent.values_list("pk", flat=True).iterator()


def _read_changed(store: ColumnStore, source: Reader, manifest: Manifest) -> Manifest:
    """Read anew what the outdated listeners did up to the last id of the copy."""
    outdated = np.array(manifest.outdated, dtype=np.int64)
    for start in range(0, len(outdated), LISTENERS_TOGETHER):
        some = outdated[start : start + LISTENERS_TOGETHER]
        rows = join_columns(
            [
                interaction_rows.select_listeners(source, ids, manifest.last_id)
                for ids in cut_chunks(some[~np.isin(some, manifest.left_out)].tolist(), STATEMENT)
            ]
        )
        later = tuple(outdated[start + LISTENERS_TOGETHER :].tolist())
        manifest = store.replace_listeners(replace(manifest, outdated=later), some, rows)
    return manifest


def _read_new(
    store: ColumnStore, source: Reader, manifest: Manifest, last: int, on_progress: OnRead
) -> Manifest:
    left_out = np.array(manifest.left_out, dtype=np.int64)
    waiting: list[Columns] = []
    n_waiting = 0
    first = manifest.last_id
    for start in range(first, last, conf.read_chunk):
        on_progress(start - first, last - first)
        end = min(start + conf.read_chunk, last)
        rows = interaction_rows.select_range(source, start, end)
        kept = ~np.isin(rows["listener"], left_out)
        waiting.append({name: column[kept] for name, column in rows.items()})
        n_waiting += int(kept.sum())
        if n_waiting >= ROWS_TOGETHER or end == last:
            manifest = store.compact(store.append(manifest, join_columns(waiting), end))
            waiting, n_waiting = [], 0
    return manifest


def _drop_departed(store: ColumnStore, manifest: Manifest) -> Manifest:
    """Drop who went while rows were being read, so that nothing of them stays."""
    gone = _find_gone(ChangedListener.objects.values_list("listener_id", flat=True))
    if not gone:
        return manifest
    manifest = store.replace_listeners(manifest, np.array(sorted(gone), dtype=np.int64))
    _delete_notes(gone)
    return manifest
