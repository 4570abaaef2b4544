"""A shard of a job: the events of one partition of its files, with songs held out of some listeners."""

from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix

from recommendations.engine import Interactions, hold_out_songs, make_empty_rows
from recommendations.services.cluster.job_folder import FitRequest, JobFolder
from recommendations.services.data import stored_events

_MULTIPLIER = 0xD6E8FEB86659FD93


class ShardReader:
    """Reads shards of a job's events; the same shard of the same job is always the same."""

    def __init__(self, folder: JobFolder) -> None:
        manifest = folder.store.read_manifest()
        if manifest is None:
            raise FileNotFoundError(f"There are no events in {folder.store.folder}.")
        self._folder, self._manifest = folder, manifest
        self._songs = folder.read_arrays("songs")
        self._ignored = folder.read_arrays("ignored")["pairs"]

    @cached_property
    def request(self) -> FitRequest:
        return self._folder.read_request()

    @property
    def n_shards(self) -> int:
        return len(self._manifest.partitions)

    @property
    def item_ids(self) -> NDArray[np.int64]:
        return self._songs["ids"]

    def read(self, number: int) -> Interactions:
        """Return all events of one shard, ordered by listener."""
        return stored_events.read_shard(
            self._folder.store,
            self._manifest,
            number,
            self._songs["ids"],
            self._songs["durations_ms"],
            lambda columns: stored_events.select_learnable(columns, self._ignored),
        )

    def read_split(self, number: int) -> tuple[Interactions, csr_matrix]:
        """Return what is learned from where songs are held out, and these, bool csr (n_listeners, n_items)."""
        events = self.read(number)
        is_chosen = choose_listeners(
            events.listeners.ids, self.request.held_out_share, self.request.seed
        )
        if not is_chosen.any():
            return events, make_empty_rows(events.n_listeners, events.n_items)
        seed = self.request.seed * 1_000 + number
        return hold_out_songs(events, is_chosen, seed, self.request.test_share)


def choose_listeners(listener_ids: NDArray[np.int64], share: float, seed: int) -> NDArray[np.bool_]:
    """Choose a share of listeners by their ids and a seed, whatever shard they are in."""
    with np.errstate(over="ignore"):
        mixed = listener_ids.astype(np.uint64) + np.uint64(seed + 1) * np.uint64(_MULTIPLIER)
        for _ in range(2):
            mixed = (mixed ^ (mixed >> np.uint64(32))) * np.uint64(_MULTIPLIER)
        mixed ^= mixed >> np.uint64(32)
    if share >= 1:
        return np.ones(len(listener_ids), dtype=bool)
    return np.asarray(mixed < np.uint64(int(share * 2**64)))
