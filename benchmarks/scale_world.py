"""Large worlds straight into the columnar copy: the synthetic world, and beyond 131,072 listeners variations of it.

The generator makes each of the first 131,072 listeners. Further ones are variations: a listener's songs are exchanged
for neighbouring songs of the same artist, by another rule in each variation, so that no two hear the same and what
there is to learn (scenes, artists, popularity) stays.
"""

import json
import os
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from recommendations.engine import World
from recommendations.engine.synthetic.events import BLOCK, Events
from recommendations.services.data.column_store import (
    Columns,
    ColumnStore,
    Manifest,
    choose_n_partitions,
)

BASE = 64 * BLOCK
CHUNK = 8 * BLOCK
STATE = "world.json"


def write_world(store: ColumnStore, world: World) -> Manifest:
    """Fill the store, or go on where it was left; listener n has the id n + 1, song n the id n + 1."""
    state_path = store.folder / STATE
    with store.lock():
        state = (
            json.loads(state_path.read_text())
            if state_path.exists()
            else {"chunks": 0, "last_id": 0}
        )
        manifest = store.read_manifest()
        if manifest is None or manifest.last_id != state["last_id"]:
            store.remove()
            state = {"chunks": 0, "last_id": 0}
            n_partitions = choose_n_partitions(50 * world.n_listeners)
            manifest = store.write_manifest(Manifest(partitions=((),) * n_partitions))
        starts = list(range(0, min(BASE, world.n_listeners), CHUNK))[state["chunks"] :]
        with ProcessPoolExecutor(os.cpu_count()) as pool:
            for events in pool.map(partial(_make_chunk, world), starts):
                rows = _number_rows(world, events, manifest.last_id)
                manifest = store.append(manifest, rows, int(rows["id"][-1]))
                state = {"chunks": state["chunks"] + 1, "last_id": manifest.last_id}
                state_path.write_text(json.dumps(state))
                print(f"  world: {manifest.n_rows:,} interactions", flush=True)
        manifest = store.compact(manifest)
        state_path.write_text(json.dumps(state | {"last_id": manifest.last_id}))
    return manifest


def _make_chunk(world: World, first: int) -> Events:
    end = min(first + CHUNK, BASE, world.n_listeners)
    return Events.join([world._make_block(block) for block in range(first, end, BLOCK)])


def _number_rows(world: World, events: Events, last_id: int) -> Columns:
    """Return the events and their variations as rows of the store."""
    batches = list(_vary(world, events))
    listener, song = (np.concatenate([batch[field] for batch in batches]) for field in (0, 1))
    which = np.concatenate([batch[2] for batch in batches])
    return {
        "id": np.arange(last_id + 1, last_id + 1 + len(listener), dtype=np.int64),
        "listener": listener,
        "song": song,
        "kind": events.kind[which],
        "plays": np.ones(len(listener), dtype=np.int32),
        "played_ms": events.played_ms[which],
        "moment": events.timestamp[which],
    }


def _vary(
    world: World, events: Events
) -> Iterator[tuple[NDArray[Any], NDArray[Any], NDArray[Any]]]:
    """Yield (listener ids, song ids, places in the events) of each variation."""
    for number in range(-(-world.n_listeners // BASE)):
        listeners = events.listener.astype(np.int64) + number * BASE
        which = np.flatnonzero(listeners < world.n_listeners)
        songs = exchange_songs(world, number)[events.song[which]].astype(np.int64)
        yield listeners[which] + 1, songs + 1, which


def exchange_songs(world: World, number: int) -> NDArray[np.int64]:
    """Return the song that replaces each song: a neighbour in the order of its artist's songs."""
    artist = world.songs.artist
    order = np.lexsort((np.arange(len(artist)), artist))
    starts = np.flatnonzero(np.diff(artist[order], prepend=-1))
    lengths = np.diff(np.append(starts, len(order)))
    start, length = np.repeat(starts, lengths), np.repeat(lengths, lengths)
    offset = np.arange(len(order)) - start
    other = offset ^ number
    exchanged = np.empty(len(order), dtype=np.int64)
    exchanged[order] = order[start + np.where(other < length, other, offset)]
    return exchanged
