"""A request for lists: the batch of listeners and the options of the list, for one listener or many."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.sparse import csr_matrix, diags

from recommendations.engine.core.arrays import (
    count_per_row,
    keep_positive,
    list_entry_rows,
    normalise_csr,
    take_rows,
)
from recommendations.engine.core.config import RecommenderConfig
from recommendations.engine.core.ordered import OrderedHistories, count_steps_back
from recommendations.engine.ranking.ensemble import assign_segments
from recommendations.engine.reranking.list_contract import CONTRACT_CANDIDATES, ListContract


@dataclass(frozen=True)
class ListenerBatch:
    """A batch of listeners as the pipeline reads them.

    Attributes
    ----------
    positions : int (n,)
        Their rows in the request.
    histories : float32 csr (n, n_items)
        What to learn their taste from: the history, or the named songs while there is nothing positive in it.
    segments : int8 (n,)
    forbidden : float32 csr (n, n_items), any number of them
        Songs that must not come: heard, named, or excluded by the caller.
    """

    positions: NDArray[np.intp]
    histories: csr_matrix
    segments: NDArray[np.int8]
    forbidden: tuple[csr_matrix, ...]

    def __len__(self) -> int:
        return len(self.positions)

    def take(self, rows: NDArray[np.intp]) -> ListenerBatch:
        """Return some of the listeners."""
        return ListenerBatch(
            self.positions[rows],
            take_rows(self.histories, rows),
            self.segments[rows],
            tuple(take_rows(matrix, rows) for matrix in self.forbidden),
        )


@dataclass(frozen=True)
class ListRequest:
    """The options of a list; `contract` and `keeps_candidates` are for requests of one listener.

    Attributes
    ----------
    n_usual
        How many of the best songs a list without a contract is chosen from: the scale of the scores is made of them.
    """

    k: int
    n_usual: int
    relevance: float
    cold_relevance: float
    artist_cap: int | None
    unavailable: NDArray[np.bool_] | None = None
    contract: ListContract | None = None
    keeps_candidates: bool = False

    @property
    def n_candidates(self) -> int:
        """How many of the best songs the list is chosen from."""
        return self.n_usual if self.contract is None else max(self.n_usual, CONTRACT_CANDIDATES)


def make_list_request(
    config: RecommenderConfig,
    n_items: int,
    k: int,
    discovery: float | None = None,
    artist_cap: int | None = None,
    unavailable: ArrayLike | None = None,
) -> ListRequest:
    """Check the options of a list; None = as configured.

    Raises
    ------
    ValueError
        k or artist_cap below 1, discovery outside 0 to 1, or a mask over another number of songs.
    """
    if k < 1:
        raise ValueError(f"k must be at least 1, not {k}.")
    if discovery is not None and not 0 <= discovery <= 1:
        raise ValueError(f"discovery must be from 0 to 1, not {discovery}.")
    if artist_cap is not None and artist_cap < 1:
        raise ValueError(f"artist_cap must be at least 1, not {artist_cap}.")
    k = min(k, n_items)
    return ListRequest(
        k=k,
        n_usual=max(config.n_candidates, 5 * k),
        relevance=config.relevance if discovery is None else 1 - discovery,
        # without a history popularity is the best guess: variety only lowers it, unless it is asked for
        cold_relevance=1.0 if discovery is None else 1 - discovery,
        artist_cap=config.artist_cap if artist_cap is None else artist_cap,
        unavailable=None if unavailable is None else _make_mask(unavailable, n_items),
    )


def _make_mask(songs: ArrayLike, n_items: int) -> NDArray[np.bool_]:
    given = np.asarray(songs)
    if given.dtype == bool:
        if given.shape != (n_items,):
            raise ValueError(f"The mask is over {given.size} songs, the model over {n_items}.")
        return given
    mask = np.zeros(n_items, dtype=bool)
    mask[given.astype(np.int64)] = True
    return mask


def make_listener_batch(
    config: RecommenderConfig,
    n_items: int,
    histories: csr_matrix,
    tastes: csr_matrix | None = None,
    exclude: csr_matrix | None = None,
    *,
    exclude_history: bool = True,
) -> ListenerBatch:
    """Bring histories, named songs and songs that must not come, each (n, n_items), into one form."""
    histories = normalise_csr(histories, n_columns=n_items)
    n_positive = count_per_row(keep_positive(histories))
    forbidden = [histories] if exclude_history else []
    learn_from = histories
    if tastes is not None and tastes.nnz:
        tastes = normalise_csr(tastes, n_columns=n_items)
        forbidden += [tastes] if exclude_history else []
        learn_from = _merge_rows(tastes, histories, n_positive == 0)
    if exclude is not None:
        forbidden.append(normalise_csr(exclude, n_columns=n_items))
    segments = assign_segments(n_positive, config)
    return ListenerBatch(np.arange(histories.shape[0]), learn_from, segments, tuple(forbidden))


def _merge_rows(
    chosen: csr_matrix, otherwise: csr_matrix, is_chosen: NDArray[np.bool_]
) -> csr_matrix:
    """Return a matrix whose rows come from `chosen` where the flag is set, and else from `otherwise`."""
    flags = is_chosen.astype(np.float32)
    rows = diags(flags) @ chosen + diags(1 - flags) @ otherwise
    result = csr_matrix(rows, dtype=np.float32)
    result.eliminate_zeros()
    steps = count_steps_back(otherwise)
    if steps is None:
        return result
    recency = np.zeros(result.nnz, dtype=np.int32)
    recency[~is_chosen[list_entry_rows(result)]] = -steps[~is_chosen[list_entry_rows(otherwise)]]
    return OrderedHistories.from_recency(result, recency)
