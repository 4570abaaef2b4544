"""From the columnar copy to the arrays that the engine learns from, one partition in memory at a time."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from recommendations.engine import IdMap, Interactions
from recommendations.services.data.column_store import Columns, ColumnStore, Manifest

OnRead = Callable[[int, int], None]
SelectAllowed = Callable[[Columns], NDArray[np.bool_]]

USUAL_DURATION_MS = 210_000
"""Assumed length of a song whose own is unknown: histories say how long was heard, not of how much."""

_NAMES = ("listener", "song", "kind", "plays", "played_ms", "moment")
_TYPES = {
    "listener": np.int64,
    "item": np.int32,
    "kind": np.int8,
    "plays": np.int32,
    "played_share": np.float32,
    "moment": np.int64,
}


def read_interactions(
    store: ColumnStore,
    manifest: Manifest,
    song_ids: NDArray[np.int64],
    durations_ms: NDArray[np.int64],
    select_allowed: SelectAllowed,
    on_read: OnRead,
) -> tuple[Interactions, int]:
    """Return all events that may be learned from, and how many rows of the copy are left out.

    The events are ordered by listener, and a listener's by id, whatever the partitions are. The peak is the result
    (25 bytes an event) and its largest column once more.

    Parameters
    ----------
    song_ids, durations_ms
        The catalog in order of its ids, and each song's length, below 1 where it is unknown.
    """
    items = IdMap(song_ids)
    partitions: list[Columns] = []
    for columns in _iterate_partitions(store, manifest, on_read):
        kept = select_allowed(columns)
        rows = items.rows(columns["song"])
        kept &= rows >= 0
        partitions.append(_convert(columns, rows, kept, durations_ms))
    joined = _merge_by_listener(partitions)
    n_left_out = manifest.n_rows - len(joined["item"])
    listener_ids, listener_rows = _number(joined.pop("listener"))
    return (
        Interactions(
            listener_rows=listener_rows,
            item_rows=joined["item"],
            kinds=joined["kind"],
            plays=joined["plays"],
            played_share=joined["played_share"],
            timestamps=joined["moment"],
            listeners=IdMap(listener_ids),
            items=items,
        ),
        n_left_out,
    )


def read_shard(
    store: ColumnStore,
    manifest: Manifest,
    number: int,
    song_ids: NDArray[np.int64],
    durations_ms: NDArray[np.int64],
    select_allowed: SelectAllowed,
) -> Interactions:
    """Return the events of one partition: all of some listeners, over the whole catalog."""
    alone = replace(manifest, partitions=(manifest.partitions[number],))
    events, _ = read_interactions(
        store, alone, song_ids, durations_ms, select_allowed, lambda done, total: None
    )
    return events


def measure_played_share(
    played_ms: NDArray[np.int32], durations_ms: NDArray[np.int64]
) -> NDArray[np.float32]:
    """Return the share of each song that was heard; NaN where nobody said how long, a negative number.

    A song whose length is unknown, 0 or below, counts as long as `USUAL_DURATION_MS`.
    """
    durations = durations_ms.astype(np.float32)
    share = played_ms / np.where(durations > 0, durations, np.float32(USUAL_DURATION_MS))
    return np.where(played_ms >= 0, share, np.nan).astype(np.float32)


def number_pairs(listener_ids: NDArray[Any], song_ids: NDArray[Any]) -> NDArray[np.int64]:
    """Return one number a listener and song."""
    return np.asarray(listener_ids.astype(np.int64) * np.int64(2**32) + song_ids, dtype=np.int64)


def select_learnable(events: Columns, ignored_pairs: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Return which events are not of a pair that must not be learned from, as `number_pairs` numbers them."""
    if not len(ignored_pairs):
        return np.ones(len(events["listener"]), dtype=bool)
    return ~np.isin(number_pairs(events["listener"], events["song"]), ignored_pairs)


def _iterate_partitions(
    store: ColumnStore, manifest: Manifest, on_read: OnRead
) -> Iterator[Columns]:
    n_read = 0
    for files in manifest.partitions:
        on_read(n_read, manifest.n_rows)
        yield store.read_partition(files, _NAMES)
        n_read += sum(file.n_rows for file in files)
    on_read(manifest.n_rows, manifest.n_rows)


def _convert(
    columns: Columns,
    rows: NDArray[np.int32],
    kept: NDArray[np.bool_],
    durations_ms: NDArray[np.int64],
) -> Columns:
    rows = rows[kept]
    return {
        "listener": columns["listener"][kept],
        "item": rows,
        "kind": columns["kind"][kept],
        "plays": columns["plays"][kept],
        "played_share": measure_played_share(columns["played_ms"][kept], durations_ms[rows]),
        "moment": columns["moment"][kept],
    }


def _merge_by_listener(partitions: list[Columns]) -> Columns:
    """Put partitions together in order of their listeners; each is ordered by listener, and none shares one."""
    groups = [np.unique(partition["listener"], return_counts=True) for partition in partitions]
    listener_ids = np.concatenate([np.zeros(0, dtype=np.int64), *(ids for ids, _ in groups)])
    counts = np.concatenate([np.zeros(0, dtype=np.int64), *(n for _, n in groups)])
    order = np.argsort(listener_ids)
    starts = np.empty(len(counts), dtype=np.int64)
    starts[order] = np.cumsum(counts[order]) - counts[order]
    # where each row goes: the start of its listener, and its place among the listener's rows
    shift = np.repeat(starts - (np.cumsum(counts) - counts), counts)
    merged: Columns = {}
    for name, type_ in _TYPES.items():
        column = np.empty(len(shift), dtype=type_)
        first = 0
        for partition in partitions:
            values = partition.pop(name)
            targets = shift[first : first + len(values)] + np.arange(first, first + len(values))
            column[targets] = values
            first += len(values)
        merged[name] = column
    return merged


def _number(listener_ids: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int32]]:
    """Return the distinct ids of an ascending column, and the row of each entry."""
    if not len(listener_ids):
        return listener_ids, np.zeros(0, dtype=np.int32)
    is_first = np.append(True, listener_ids[1:] != listener_ids[:-1])
    return listener_ids[is_first], (np.cumsum(is_first) - 1).astype(np.int32)
