"""Whether the columnar copy of the interactions says what the table says."""

import logging
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np
from django.db import connection, transaction
from django.db.models import Count, Sum
from django.db.models.functions import Coalesce

from accounts.models import User
from catalog.models import Interaction
from recommendations.models import ChangedListener, ColumnCopyState
from recommendations.services.data import column_copy
from recommendations.services.data.column_store import ColumnStore, Manifest, StoreDamaged

log = logging.getLogger(__name__)

LOOKS = 3
PAUSE_SECONDS = 1.0
Totals = tuple[int, ...]


@dataclass(frozen=True)
class CopyState:
    """What was found: `problem` is empty where the copy is right, or there is none yet."""

    n_rows: int
    n_waiting: int
    problem: str = ""


def compare_with_table() -> CopyState:
    """Compare counts and sums of all columns that identify a row; reads the copy and the table once.

    Listeners whose changes wait for the next training are left out on both sides. While it reads, a training may write
    the copy and a listener may go: what looks wrong counts where it looks so `LOOKS` times.
    """
    for look in range(1, LOOKS):
        state = _compare()
        if not state.problem:
            return state
        log.info("The columnar copy is compared once more (%d): %s", look, state.problem)
        time.sleep(PAUSE_SECONDS)
    return _compare()


def _compare() -> CopyState:
    store = column_copy.get_store()
    try:
        manifest = store.read_manifest()
        if manifest is None:
            return CopyState(0, 0)
        with _read_one_state():
            token = ColumnCopyState.objects.values_list("token", flat=True).first()
            noted = set(ChangedListener.objects.values_list("listener_id", flat=True))
            stored = _sum_table(manifest)
        if token not in (manifest.token, manifest.next_token):
            return CopyState(manifest.n_rows, 0, "it belongs to another state of the database")
        waiting = noted | set(manifest.outdated)
        copied = _sum_copy(store, manifest, waiting)
    except StoreDamaged as error:
        return CopyState(0, 0, str(error))
    problem = (
        "" if copied == stored else f"it holds {copied[0]:,} rows where the table has {stored[0]:,}"
    )
    if not problem or copied[0] != stored[0]:
        return CopyState(manifest.n_rows, len(waiting), problem)
    return CopyState(manifest.n_rows, len(waiting), "rows of the same number differ")


@contextmanager
def _read_one_state() -> Iterator[None]:
    """Read the notes and the rows as they were at one moment; on SQLite, where that would keep writers out, nearly."""
    if connection.vendor != "postgresql" or connection.in_atomic_block:
        yield
        return
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
        yield


def _sum_copy(store: ColumnStore, manifest: Manifest, without: set[int]) -> Totals:
    totals = np.zeros(6, dtype=object)
    ignored = np.array(sorted(without), dtype=np.int64)
    for files in manifest.partitions:
        rows = store.read_partition(files, ("id", "listener", "song", "kind", "plays"))
        kept = ~np.isin(rows["listener"], ignored)
        sums = [int(rows[name][kept].sum()) for name in ("id", "listener", "song", "kind", "plays")]
        totals += np.array([int(kept.sum()), *sums], dtype=object)
    return tuple(totals.tolist())


def _sum_table(manifest: Manifest) -> Totals:
    consenting = User.objects.with_training_consent().values("pk")
    rows = Interaction.objects.filter(pk__lte=manifest.last_id, listener__in=consenting)
    rows = rows.exclude(listener__in=ChangedListener.objects.values("listener_id"))
    if manifest.outdated:
        rows = rows.exclude(listener__in=list(manifest.outdated))
    names = ("id", "listener_id", "song_id", "kind", "plays")
    sums = {f"sum_{name}": Coalesce(Sum(name), 0) for name in names}
    totals = rows.aggregate(n=Count("pk"), **sums)
    return tuple(int(totals[name]) for name in ("n", *sums))
