"""How many listeners songs and artists have, alone and together."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix

from recommendations.engine import keep_nearest
from recommendations.services.seeds import pair_counts
from recommendations.services.seeds.seed_steps import (
    ARTISTS,
    SONGS,
    BuildOptions,
    BuildSteps,
    read_plays,
)


@dataclass(frozen=True)
class Counts:
    """Ids as of `hash_mbids`, sorted; how many listeners each has; how many heard the nearest ones too."""

    ids: NDArray[np.uint64]
    n_listeners: NDArray[np.int32]
    together: csr_matrix


def count_heard(folder: Path, steps: BuildSteps, shard: int, options: BuildOptions) -> None:
    plays = read_plays(steps, shard, options)
    for kind, ids in ((SONGS, plays.recordings), (ARTISTS, plays.artists)):
        order = np.lexsort((plays.listeners, ids))
        by_id, owner = ids[order], plays.listeners[order]
        is_new = np.ones(len(by_id), dtype=bool)
        is_new[1:] = (by_id[1:] != by_id[:-1]) | (owner[1:] != owner[:-1])
        unique, counts = np.unique(by_id[is_new], return_counts=True)
        np.save(folder / f"{kind}-ids.npy", unique)
        np.save(folder / f"{kind}-counts.npy", counts.astype(np.int32))


def select_frequent(
    steps: BuildSteps, kind: str, options: BuildOptions
) -> tuple[NDArray[np.uint64], NDArray[np.int32]]:
    """Return the ids that enough listeners heard, sorted, and how many did; the most heard where there are too many."""
    folders = steps.list_folders("heard-")
    ids = np.concatenate([np.load(folder / f"{kind}-ids.npy") for folder in folders])
    counts = np.concatenate([np.load(folder / f"{kind}-counts.npy") for folder in folders])
    unique, inverse = np.unique(ids, return_inverse=True)
    n_listeners = np.bincount(inverse, weights=counts, minlength=len(unique)).astype(np.int32)
    keep = np.flatnonzero((n_listeners >= options.fewest_listeners) & (unique != 0))
    if len(keep) > options.most_songs:
        most_heard = np.lexsort((unique[keep], -n_listeners[keep]))[: options.most_songs]
        keep = np.sort(keep[most_heard])
    return unique[keep], n_listeners[keep]


def write_pairs(
    folder: Path,
    steps: BuildSteps,
    shard: int,
    kind: str,
    ids: NDArray[np.uint64],
    options: BuildOptions,
) -> None:
    plays = read_plays(steps, shard, options)
    own = plays.recordings if kind == SONGS else plays.artists
    # two songs of one artist are no news; two plays of one artist are no pair of artists
    groups = plays.artists if kind == SONGS else np.zeros(len(own), np.uint64)
    if len(ids) and len(own):
        rows = np.minimum(np.searchsorted(ids, own), len(ids) - 1)
        is_kept = ids[rows] == own
    else:
        rows, is_kept = np.zeros(0, np.int64), np.zeros(len(own), bool)
    if not is_kept.any():
        return pair_counts.write_pieces(folder, iter(()), max(len(ids), 1))
    pairs = pair_counts.find_session_pairs(
        plays.listeners[is_kept],
        plays.sessions[is_kept],
        rows[is_kept],
        groups[is_kept],
        len(ids),
        options.window,
    )
    return pair_counts.write_pieces(folder, pairs, len(ids))


def assemble_counts(
    steps: BuildSteps,
    kind: str,
    ids: NDArray[np.uint64],
    n_listeners: NDArray[np.int32],
    options: BuildOptions,
) -> Counts:
    """Return the nearest neighbours of each id."""
    folders = steps.list_folders(f"pairs-{kind}-")
    counted = [
        pair_counts.count_piece(folders, piece, max(len(ids), 1), options.fewest_listeners)
        for piece in range(pair_counts.N_PIECES)
    ]
    low, high, counts = (np.concatenate(column) for column in zip(*counted, strict=True))
    nearest = []
    for start in range(0, len(ids), _ROWS_AT_A_TIME):
        ends = start + _ROWS_AT_A_TIME
        from_low, from_high = (low >= start) & (low < ends), (high >= start) & (high < ends)
        rows = np.r_[low[from_low], high[from_high]]
        columns = np.r_[high[from_low], low[from_high]]
        both = np.r_[counts[from_low], counts[from_high]]
        near = keep_nearest(rows, columns, both, n_listeners, options.most_neighbours)
        nearest.append((near[0], near[1], near[2].astype(np.float32)))
    if not nearest:
        nearest = [(low[:0], low[:0], np.empty(0, np.float32))]
    rows, columns, strengths = (np.concatenate(column) for column in zip(*nearest, strict=True))
    together = csr_matrix((strengths, (rows, columns)), shape=(len(ids), len(ids)))
    return Counts(ids, n_listeners, together)


_ROWS_AT_A_TIME = 50_000
