"""Count pairs that share listeners in files: more pairs than fit into memory, cut so that each piece does."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

N_PIECES = 64
PAIRS_AT_A_TIME = 8_000_000


def find_session_pairs(
    listeners: NDArray[np.uint32],
    sessions: NDArray[np.int64],
    rows: NDArray[np.int64],
    groups: NDArray[np.uint64],
    n_rows: int,
    window: int,
) -> Iterator[NDArray[np.uint64]]:
    """Yield the pairs of each listener, every pair once a listener, as low row * n_rows + high row.

    Parameters
    ----------
    listeners, sessions, rows, groups
        (n_plays,) each, sorted by listener and time. A pair is two different rows of one session, at most `window`
        plays apart, and not of one group (0 is no group).

    Notes
    -----
    At most n_plays * window pairs; some 60 bytes for each of `PAIRS_AT_A_TIME` at once, and a listener is never cut.
    """
    starts = np.flatnonzero(np.r_[True, listeners[1:] != listeners[:-1]])
    ends = np.r_[starts[1:], len(listeners)]
    first = 0
    while first < len(starts):
        most = starts[first] + max(PAIRS_AT_A_TIME // window, 1)
        last = max(int(np.searchsorted(ends, most, side="right")), first + 1)
        plays = slice(starts[first], ends[last - 1])
        yield _list_pairs(
            listeners[plays], sessions[plays], rows[plays], groups[plays], n_rows, window
        )
        first = last


def _list_pairs(
    listeners: NDArray[np.uint32],
    sessions: NDArray[np.int64],
    rows: NDArray[np.int64],
    groups: NDArray[np.uint64],
    n_rows: int,
    window: int,
) -> NDArray[np.uint64]:
    pairs, owners = [], []
    for lag in range(1, window + 1):
        left, right = rows[:-lag], rows[lag:]
        together = (sessions[:-lag] == sessions[lag:]) & (left != right)
        together &= (groups[:-lag] != groups[lag:]) | (groups[:-lag] == 0)
        low = np.minimum(left, right)[together].astype(np.uint64)
        high = np.maximum(left, right)[together].astype(np.uint64)
        pairs.append(low * np.uint64(n_rows) + high)
        owners.append(listeners[lag:][together])
    pair, owner = np.concatenate(pairs), np.concatenate(owners)
    order = np.lexsort((owner, pair))
    pair, owner = pair[order], owner[order]
    is_first = np.r_[True, (pair[1:] != pair[:-1]) | (owner[1:] != owner[:-1])][: len(pair)]
    first_pairs: NDArray[np.uint64] = pair[is_first]
    return first_pairs


def write_pieces(folder: Path, pairs: Iterator[NDArray[np.uint64]], n_rows: int) -> None:
    """Append pairs to one file for each piece of the low rows; the folder is new."""
    files = [(folder / f"{piece}.u64").open("wb") for piece in range(N_PIECES)]
    try:
        for block in pairs:
            piece = (block // np.uint64(n_rows)) % np.uint64(N_PIECES)
            order = np.argsort(piece, kind="stable")
            ends = np.cumsum(np.bincount(piece.astype(np.int64), minlength=N_PIECES))
            for number, block_piece in enumerate(np.split(block[order], ends[:-1])):
                files[number].write(block_piece.tobytes())
    finally:
        for file in files:
            file.close()


def count_piece(
    folders: list[Path], piece: int, n_rows: int, fewest_listeners: int
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
    """Return (low rows, high rows, listeners) of the pairs of one piece that enough listeners share."""
    blocks = [np.fromfile(folder / f"{piece}.u64", dtype=np.uint64) for folder in folders]
    pairs, counts = np.unique(np.concatenate(blocks), return_counts=True)
    enough = counts >= fewest_listeners
    low, high = np.divmod(pairs[enough], np.uint64(n_rows))
    return low.astype(np.int64), high.astype(np.int64), counts[enough]
