"""Ways to hold something back: at random, of a sample of the listeners, in time, the newest, and whole listeners."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix

from recommendations.engine.core.arrays import (
    count_per_row,
    keep_positive,
    list_entry_rows,
)
from recommendations.engine.core.weighting import Weighting
from recommendations.engine.data.interactions import NO_TIME, Interactions


@dataclass(frozen=True)
class Split:
    """What to learn from and what to find again.

    Attributes
    ----------
    name
        `random`, `sample`, `temporal`, `newest` or `listener`.
    train : Interactions
    test : bool csr (n_listeners, n_items)
        Songs each listener liked or played that were held back.
    given : Interactions
        The histories to recommend from: those of `train`, or the first songs of listeners who are not in it.
    seed
        What the random choices were made from; None where there were none.
    """

    name: str
    train: Interactions
    test: csr_matrix
    given: Interactions
    seed: int | None = None


def split_randomly(
    interactions: Interactions,
    *,
    seed: int = 0,
    test_share: float = 0.2,
    weighting: Weighting | None = None,
) -> Split:
    """Hold back a random share of each listener's songs, all events of a song together.

    A listener with one song keeps it; from two songs on at least one is held back and one kept.
    """
    _check_share(test_share)
    positive = _find_positive(interactions, weighting)
    rng = np.random.default_rng(seed)
    rank = _rank_in_row(positive, rng.random(positive.nnz))
    n_songs = count_per_row(positive)
    n_test = np.minimum(np.maximum(np.rint(n_songs * test_share), 1), n_songs - 1)
    test = _select_entries(positive, rank < n_test[list_entry_rows(positive)])
    train = interactions.take(~_find_pairs(interactions, test))
    return Split("random", train, test, train, seed)


def sample_split(
    interactions: Interactions,
    *,
    n_listeners: int,
    seed: int = 0,
    test_share: float = 0.2,
    weighting: Weighting | None = None,
) -> Split:
    """Hold back a random share of the songs of some listeners, drawn at random; the others keep all of theirs.

    For many listeners: what is learned from hardly changes, and the rest of the events is not sorted. The events
    must have a listener row each; memory is one copy of the events.
    """
    _check_share(test_share)
    rng = np.random.default_rng(seed)
    present = np.flatnonzero(
        np.bincount(interactions.listener_rows, minlength=interactions.n_listeners) > 1
    )
    chosen = np.sort(rng.choice(present, min(n_listeners, len(present)), replace=False))
    is_chosen = np.zeros(interactions.n_listeners, dtype=bool)
    is_chosen[chosen] = True
    train, test = hold_out_songs(interactions, is_chosen, seed, test_share, weighting)
    return Split("sample", train, test, train, seed)


def hold_out_songs(
    interactions: Interactions,
    is_chosen: NDArray[np.bool_],
    seed: int,
    test_share: float,
    weighting: Weighting | None = None,
) -> tuple[Interactions, csr_matrix]:
    """Hold back a share of the songs of chosen listeners, bool (n_listeners,): what is left, and the test part."""
    chosen_events = np.flatnonzero(is_chosen[interactions.listener_rows])
    split = split_randomly(
        interactions.take(chosen_events), seed=seed, test_share=test_share, weighting=weighting
    )
    keep = np.ones(interactions.n_events, dtype=bool)
    keep[chosen_events[_find_pairs(interactions.take(chosen_events), split.test)]] = False
    return interactions.take(keep), split.test


def split_by_time(
    interactions: Interactions, *, test_share: float = 0.2, weighting: Weighting | None = None
) -> Split:
    """Learn from what was before one moment and find what came after; songs heard before are not looked for.

    The moment is chosen so that about `test_share` of the events with a time come after it. Events at an
    unknown time count as before.

    Raises
    ------
    ValueError
        No event has a time.
    """
    _check_share(test_share)
    times = interactions.timestamps
    known_times = times[times != NO_TIME]
    if not len(known_times):
        raise ValueError(
            "The interactions have no times, so they cannot be cut in time; use the random split."
        )
    cut = np.quantile(known_times, 1 - test_share, method="lower")
    is_later = times > cut
    train = interactions.take(~is_later)
    later = _find_positive(interactions.take(is_later), weighting)
    earlier = csr_matrix(
        (np.ones(train.n_events, dtype=bool), (train.listener_rows, train.item_rows)),
        shape=later.shape,
    )
    return Split("temporal", train, _remove_entries(later, earlier), train)


def split_newest(
    interactions: Interactions, *, test_share: float = 0.2, weighting: Weighting | None = None
) -> Split:
    """Hold back the share of each listener's songs that they heard last for the first time.

    For few listeners, whom one moment for all would cut unevenly. At least one song is held back and one kept.

    Raises
    ------
    ValueError
        No event has a time.
    """
    _check_share(test_share)
    if not (interactions.timestamps != NO_TIME).any():
        raise ValueError(
            "The interactions have no times, so nobody's newest songs are known; use the random split."
        )
    positive = _find_positive(interactions, weighting)
    rank = _rank_in_row(positive, _find_first_heard(interactions, positive))
    n_songs = count_per_row(positive)
    n_test = np.minimum(np.maximum(np.rint(n_songs * test_share), 1), n_songs - 1)
    rows = list_entry_rows(positive)
    test = _select_entries(positive, rank >= (n_songs - n_test)[rows])
    train = interactions.take(~_find_pairs(interactions, test))
    return Split("newest", train, test, train)


def split_by_listener(
    interactions: Interactions,
    *,
    seed: int = 0,
    test_share: float = 0.2,
    n_given: int = 5,
    weighting: Weighting | None = None,
) -> Split:
    """Hold back whole listeners, and give the first `n_given` songs of each as their history (cold start).

    Parameters
    ----------
    test_share
        With this probability a listener is held back, each by a draw of their own.

    Returns
    -------
    Split
        `test`: the songs behind the given ones, by rows of the listeners; empty for who has no more.

    Raises
    ------
    ValueError
        `test_share` is not between 0 and 1.
    """
    _check_share(test_share)
    rng = np.random.default_rng(seed)
    is_new = rng.random(interactions.n_listeners) < test_share
    of_new = is_new[interactions.listener_rows]
    positive = _find_positive(interactions.take(of_new), weighting)
    rank = _rank_in_row(positive, _find_first_heard(interactions.take(of_new), positive))
    given = _select_entries(positive, rank < n_given)
    return Split(
        name="listener",
        train=interactions.take(~of_new),
        test=_select_entries(positive, rank >= n_given),
        given=interactions.take(of_new & _find_pairs(interactions, given)),
        seed=seed,
    )


def _check_share(test_share: float) -> None:
    if not 0 < test_share < 1:
        raise ValueError(f"test_share must be between 0 and 1, not {test_share}.")


def _find_positive(interactions: Interactions, weighting: Weighting | None) -> csr_matrix:
    positive = keep_positive(interactions.to_matrix(weighting or Weighting()))
    positive.sort_indices()
    return positive


def _rank_in_row(matrix: csr_matrix, keys: NDArray[Any]) -> NDArray[np.int64]:
    """Return the place of each stored entry among its row's when ordered by key, int64 (nnz,).

    Keys are whole numbers, or from 0 up to 1: these are sorted together with their rows, which is much quicker.
    """
    rows = list_entry_rows(matrix)
    order = np.argsort(rows + keys) if keys.dtype.kind == "f" else np.lexsort((keys, rows))
    rank = np.empty(matrix.nnz, dtype=np.int64)
    rank[order] = np.arange(matrix.nnz) - matrix.indptr[rows]
    return rank


def _find_first_heard(interactions: Interactions, positive: csr_matrix) -> NDArray[np.int64]:
    """Return when each stored pair first happened; pairs without a time in the order of the events."""
    pairs = interactions.pairs()
    order = np.lexsort((np.arange(len(pairs)), interactions.timestamps))
    when = np.empty(len(pairs), dtype=np.int64)
    when[order] = np.arange(len(pairs))
    wanted = list_entry_rows(positive) * positive.shape[1] + positive.indices
    first = np.full(positive.nnz, len(pairs), dtype=np.int64)
    position = np.searchsorted(wanted, pairs).clip(max=max(len(wanted) - 1, 0))
    is_stored = wanted[position] == pairs if len(wanted) else np.zeros(len(pairs), dtype=bool)
    np.minimum.at(first, position[is_stored], when[is_stored])
    return first


def _select_entries(matrix: csr_matrix, keep: NDArray[np.bool_]) -> csr_matrix:
    rows = list_entry_rows(matrix)[keep]
    return csr_matrix(
        (np.ones(len(rows), dtype=bool), (rows, matrix.indices[keep])), shape=matrix.shape
    )


def _remove_entries(matrix: csr_matrix, other: csr_matrix) -> csr_matrix:
    rows, other_rows = list_entry_rows(matrix), list_entry_rows(other)
    width = matrix.shape[1]
    return _select_entries(
        matrix, ~np.isin(rows * width + matrix.indices, other_rows * width + other.indices)
    )


def _find_pairs(interactions: Interactions, pairs: csr_matrix) -> NDArray[np.bool_]:
    """Say of each event whether its (listener, song) is stored in `pairs`."""
    return np.isin(interactions.pairs(), list_entry_rows(pairs) * pairs.shape[1] + pairs.indices)
