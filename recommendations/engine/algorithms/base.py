"""What every algorithm offers. Checks are here; the private hooks compute."""

from __future__ import annotations

import inspect
from abc import ABC, abstractmethod
from collections.abc import Callable
from copy import copy
from dataclasses import replace
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix

from recommendations.engine.algorithms.training_data import (
    CAPPING_BYTES_A_PAIR,
    DataSize,
    Progress,
    TrainingData,
)
from recommendations.engine.core.arrays import (
    count_per_row,
    keep_songs,
    normalise_csr,
    select_top_columns,
)
from recommendations.engine.core.block_cache import BlockCache
from recommendations.engine.core.ordered import OrderedHistories, count_steps_back
from recommendations.engine.core.weighting import cap_strengths


class NotFitted(RuntimeError):
    """The algorithm was asked before it learned."""


N_WORST = 8
"""Songs of lowest score that are proposed for the low end of a scale."""


class Algorithm(ABC):
    """Learns from training data and scores songs for histories.

    A history is a row of strengths over the songs (float32 csr, negative = disliked). Nothing about the
    listeners of the training is needed to score, so known and new listeners take the same path.

    Names: `__init__` stores hyperparameters, `fit` learns and returns self, learned names end in `_`,
    a second fit forgets the first. NaN = cannot score.
    """

    name: ClassVar[str]
    names_songs: ClassVar[bool] = False
    """Whether `contributions` can say anything."""
    keeps_histories: ClassVar[bool] = False
    """Whether listeners' histories are part of what is learned and saved."""
    item_arrays: ClassVar[tuple[str, ...]] = ()
    """Names in `state` of the arrays with one row a song; checked when they are read again."""
    n_items_: int

    def fit(
        self, data: TrainingData, *, seed: int = 0, on_progress: Progress | None = None
    ) -> Self:
        """Learn from `data`; the same seed gives the same result.

        Strengths are capped first (see `cap_strengths`), so that no listener counts as many.

        Raises
        ------
        ValueError
            The matrix holds NaN.
        """
        given = normalise_csr(data.strengths)
        strengths, steps = cap_strengths(given), count_steps_back(given)
        if steps is not None and strengths is not given:
            strengths = OrderedHistories.with_steps(strengths, steps)
        self.reset()
        self._fit(
            replace(data, strengths=strengths),
            np.random.default_rng(seed),
            on_progress or _ignore_progress,
        )
        self.n_items_ = strengths.shape[1]
        return self

    def warm_start(self, other: Algorithm, rows: NDArray[np.int32]) -> bool:
        """Let the next fit begin with what another one learned; return whether it will.

        By default a fit begins with nothing. `other` is of the same class; `rows` are the rows that the next
        fit's songs have there, -1 for those it does not know.
        """
        return False

    def fit_bytes(self, size: DataSize) -> int:
        """Estimate the peak of the memory that a fit takes beside the training data, in bytes."""
        return int(max(CAPPING_BYTES_A_PAIR * size.n_pairs, self._fit_bytes(size)))

    def learned_bytes(self, size: DataSize) -> int:
        """Estimate the memory of what a fit learns, in bytes."""
        return int(self._learned_bytes(size))

    def score(self, histories: csr_matrix, *, to_explain: bool = False) -> NDArray[np.float32]:
        """Score every song for every history.

        Parameters
        ----------
        to_explain
            The reasons for some of these scores are asked for next: what both rest on is worked out now.

        Returns
        -------
        float32 (n_histories, n_items)
            Higher is better, comparable within a row only; NaN where it cannot score.
        """
        histories = self._check_histories(histories)
        if histories.shape[0] == 0:
            return np.zeros(histories.shape, dtype=np.float32)
        return self._score_to_explain(histories) if to_explain else self._score(histories)

    def score_items(
        self, histories: csr_matrix, item_rows: NDArray[np.int32]
    ) -> NDArray[np.float32]:
        """Score chosen songs, int (n_histories, k) with -1 for none: float32 (n_histories, k)."""
        histories = self._check_histories(histories)
        scores = self._score_items(histories, np.maximum(item_rows, 0))
        return np.where(item_rows < 0, np.float32(np.nan), scores)

    def propose(
        self, histories: csr_matrix, counts: NDArray[np.integer]
    ) -> list[NDArray[np.int32]]:
        """Return about the songs of highest score for each history, without scoring all songs where it can.

        A row's answer does not depend on the other rows.

        Parameters
        ----------
        counts
            How many are asked for, int (n_histories,).

        Returns
        -------
        list of int32 (at most counts[row],)
            About best first. Fewer than asked for: there are no others worth a proposal.
        """
        histories = self._check_histories(histories)
        return self._propose(histories, counts) if histories.shape[0] else []

    def propose_worst(self, histories: csr_matrix) -> list[NDArray[np.int32]]:
        """Return about the few songs of lowest score for each history; none where that would take all scores.

        They are the low end of the scale to which a blend brings scores.
        """
        histories = self._check_histories(histories)
        return self._propose_worst(histories) if histories.shape[0] else []

    def propose_least_similar(self, item_row: int) -> NDArray[np.int32]:
        """Return about the few songs least like this one; none where that would take comparing all songs."""
        self._require_fitted()
        return self._propose_least_similar(item_row)

    def propose_similar(self, item_row: int, n: int) -> NDArray[np.int32]:
        """Return about the n songs most like this one, without comparing all songs where it can."""
        self._require_fitted()
        songs = self._propose_similar(item_row, n)
        others: NDArray[np.int32] = songs[songs != item_row]
        return others

    def similar_items(self, item_row: int, item_rows: NDArray[np.int32]) -> NDArray[np.float32]:
        """Score chosen songs, int (m,), by how much they are like this one; the values of `similar`."""
        self._require_fitted()
        return self._similar_items(item_row, item_rows)

    def build_indexes(
        self, histories: csr_matrix | None, rng: np.random.Generator, on_progress: Progress
    ) -> dict[str, dict[str, Any]]:
        """Build what makes `propose` quick over many songs, and measure how much of the exact answer it finds.

        Parameters
        ----------
        histories
            Listeners whose songs are looked for when that is measured; None: listeners made up of songs alike.

        Returns
        -------
        dict
            Name of the index -> its recall, number of queries, expansion and size; nothing without an index.

        Raises
        ------
        ImportError
            usearch is not installed.
        """
        return {}

    def drop_indexes(self) -> None:  # noqa: B027  (most have none)
        """Free the indexes; candidates are found exactly from now on."""

    def contributions(
        self, histories: csr_matrix, item_rows: NDArray[np.int32]
    ) -> NDArray[np.float32]:
        """Say how much each song of the histories adds to the scores of the given songs.

        Parameters
        ----------
        histories
            (n, n_items).
        item_rows
            int32 (n, k); -1 for none.

        Returns
        -------
        float32 (n, k, longest history)
            In the order of `arrays.padded(histories)`, 0 in the padding and where nothing can be said.
        """
        return self._compute_by_history_song(self._contributions, histories, item_rows)

    def influences(
        self, histories: csr_matrix, item_rows: NDArray[np.int32]
    ) -> NDArray[np.float32]:
        """Say how much each score would fall without each song of the history; shapes of `contributions`.

        This is what reasons are chosen by. Where an algorithm has no better answer, it is the contributions.
        """
        return self._compute_by_history_song(self._influences, histories, item_rows)

    def _compute_by_history_song(
        self,
        amounts_of: Callable[[csr_matrix, NDArray[np.int32]], NDArray[np.float32]],
        histories: csr_matrix,
        item_rows: NDArray[np.int32],
    ) -> NDArray[np.float32]:
        histories = self._check_histories(histories)
        longest = int(count_per_row(histories).max(initial=0))
        if item_rows.size == 0 or longest == 0:
            return np.zeros((*item_rows.shape, longest), dtype=np.float32)
        amounts = amounts_of(histories, np.maximum(item_rows, 0))
        amounts[item_rows < 0] = 0
        return amounts

    def explain(self, history: csr_matrix, item_row: int) -> NDArray[np.float32]:
        """Say how much each song of one history adds to one song's score, in order of `history.indices`."""
        amounts: NDArray[np.float32] = self.contributions(
            history, np.array([[item_row]], dtype=np.int32)
        )[0, 0]
        return amounts

    def similar(self, item_row: int) -> NDArray[np.float32]:
        """Score every song by how much it is like this one, float32 (n_items,); NaN where it cannot."""
        self._require_fitted()
        if not 0 <= item_row < self.n_items_:
            raise ValueError(
                f"There is no song in row {item_row}; rows are 0 to {self.n_items_ - 1}."
            )
        return self._similar(item_row)

    def item_vectors(self, item_rows: NDArray[np.integer]) -> NDArray[np.float32] | None:
        """Return a vector of length 1 for each of the songs, zeros where nothing is known; near means alike.

        Returns
        -------
        float32 (*item_rows.shape, d), or None for algorithms without such vectors
        """
        return None

    def stored_listener_ids(self) -> NDArray[Any]:
        """Return the ids of listeners whose history is part of what was learned; empty for most algorithms."""
        return np.zeros(0, dtype=np.int64)

    def without_listeners(self, listener_ids: NDArray[Any]) -> Self:
        """Return the algorithm without the stored histories of these listeners.

        The scores that rest on other listeners do not change.
        """
        return self

    def state(self) -> dict[str, NDArray[Any]]:
        """Return what was learned as plain arrays."""
        self._require_fitted()
        return {"n_items": np.array([self.n_items_], dtype=np.int64)} | self._state()

    @classmethod
    def from_state(cls, options: dict[str, Any], state: dict[str, NDArray[Any]]) -> Self:
        """Return the algorithm whose `options()` and `state()` these are.

        Raises
        ------
        ValueError, KeyError
            The arrays do not belong together.
        """
        n_items = int(state["n_items"][0])
        for name in cls.item_arrays:
            if len(state[name]) != n_items:
                raise ValueError(
                    f"{cls.name}.{name} has {len(state[name])} rows for {n_items} songs"
                )
        algorithm = cls(**options)
        algorithm._restore({name: array for name, array in state.items() if name != "n_items"})
        algorithm.n_items_ = n_items
        return algorithm

    @classmethod
    def option_names(cls) -> tuple[str, ...]:
        """Return the names of the hyperparameters."""
        return tuple(inspect.signature(cls).parameters)

    def options(self) -> dict[str, Any]:
        """Return the hyperparameters."""
        return {name: getattr(self, name) for name in self.option_names()}

    def with_decay(self, decay: float) -> Self:
        """Return the same fitted algorithm with another `history_decay`, which only scoring looks at."""
        result = copy(self)
        setattr(result, "history_decay", decay)  # noqa: B010  (an option of the algorithms that have it)
        if hasattr(result, "_last"):
            setattr(result, "_last", BlockCache())  # noqa: B010  (what was made with the other decay)
        return result

    def reset(self) -> None:
        """Drop what was learned."""
        for name in [name for name in vars(self) if name.endswith("_")]:
            delattr(self, name)

    @property
    def is_fitted(self) -> bool:
        return hasattr(self, "n_items_")

    def _require_fitted(self) -> None:
        if not self.is_fitted:
            raise NotFitted(
                f"The algorithm {self.name!r} has not learned anything yet; call fit first."
            )

    def _check_histories(self, histories: csr_matrix) -> csr_matrix:
        self._require_fitted()
        return normalise_csr(histories, n_columns=self.n_items_)

    @abstractmethod
    def _fit(self, data: TrainingData, rng: np.random.Generator, on_progress: Progress) -> None:
        """Learn; set names that end in `_`."""

    @abstractmethod
    def _fit_bytes(self, size: DataSize) -> float:
        """Estimate the peak of `_fit`; the constants are measured (tests/engine/test_memory_estimate.py)."""

    @abstractmethod
    def _learned_bytes(self, size: DataSize) -> float: ...

    @abstractmethod
    def _score(self, histories: csr_matrix) -> NDArray[np.float32]: ...

    def _score_to_explain(self, histories: csr_matrix) -> NDArray[np.float32]:
        return self._score(histories)

    def _score_items(
        self, histories: csr_matrix, item_rows: NDArray[np.int32]
    ) -> NDArray[np.float32]:
        return np.take_along_axis(self._score(histories), item_rows, axis=1)

    def _contributions(
        self, histories: csr_matrix, item_rows: NDArray[np.int32]
    ) -> NDArray[np.float32]:
        return np.zeros((*item_rows.shape, int(count_per_row(histories).max())), dtype=np.float32)

    def _influences(
        self, histories: csr_matrix, item_rows: NDArray[np.int32]
    ) -> NDArray[np.float32]:
        return self._contributions(histories, item_rows)

    def _similar(self, item_row: int) -> NDArray[np.float32]:
        return np.full(self.n_items_, np.nan, dtype=np.float32)

    def _propose(
        self, histories: csr_matrix, counts: NDArray[np.integer]
    ) -> list[NDArray[np.int32]]:
        scores = self._score(histories)
        return [
            keep_songs(select_top_columns(scores[row : row + 1], int(n))[0])
            for row, n in enumerate(counts)
        ]

    def _propose_worst(self, histories: csr_matrix) -> list[NDArray[np.int32]]:
        return [np.zeros(0, dtype=np.int32) for _ in range(histories.shape[0])]

    def _propose_least_similar(self, item_row: int) -> NDArray[np.int32]:
        return np.zeros(0, dtype=np.int32)

    def _propose_similar(self, item_row: int, n: int) -> NDArray[np.int32]:
        return keep_songs(select_top_columns(self._similar(item_row)[None, :], n)[0])

    def _similar_items(self, item_row: int, item_rows: NDArray[np.int32]) -> NDArray[np.float32]:
        return self._similar(item_row)[item_rows]

    @abstractmethod
    def _state(self) -> dict[str, NDArray[Any]]: ...

    @abstractmethod
    def _restore(self, state: dict[str, NDArray[Any]]) -> None: ...


def _ignore_progress(done: int, total: int) -> None:
    """Progress that nobody asked for."""
