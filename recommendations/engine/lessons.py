"""Teaching the ranker on the songs that were hidden, and judging it on listeners it was not taught by."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from .algorithms import Algorithm
from .arrays import n_per_row
from .config import RankerConfig
from .ranker import Examples, Ranker
from .ranking import examples
from .searching import OnProgress
from .seeding import generator
from .song_table import SongTable
from .validation import BLOCK, K, Validation, listener_blocks, ndcg_of_lists, scores_of

LINEAR_SHARES = (0.0, 0.25, 0.5, 0.75)
"""Parts of the linear order in the score that are tried."""


@dataclass(frozen=True)
class Lesson:
    """What the components proposed to the listeners of the validation part, and what those took.

    Attributes
    ----------
    components : tuple of str
        Whose proposals they are, in the order of the ranker's features.
    songs : SongTable
    found : Examples
        One listener after the other, in the order of `listeners`.
    listeners : int (n,)
        Rows of the training data.
    more : tuple of Examples
        The same with other songs of the same listeners hidden.
    """

    validation: Validation
    config: RankerConfig
    seed: int
    components: tuple[str, ...]
    songs: SongTable
    found: Examples
    listeners: NDArray[np.intp]
    more: tuple[Examples, ...] = ()

    @classmethod
    def of(
        cls,
        validation: Validation,
        fitted: Mapping[str, Algorithm],
        config: RankerConfig,
        seed: int,
        report: OnProgress,
    ) -> Lesson:
        """Describe the proposals of the fitted components; cost linear in listeners times components."""
        songs = SongTable.learn(validation.data)
        listeners = _taught_by(validation, config, seed)
        parts = []
        for done, rows in enumerate(listener_blocks(listeners)):
            report("examples", done * BLOCK, len(listeners))
            scores = [scores_of(algorithm, validation, rows) for algorithm in fitted.values()]
            histories = validation.data.strengths[rows]
            parts.append(examples(config, songs, histories, scores, validation.hidden[rows]))
        report("examples", len(listeners), len(listeners))
        return cls(validation, config, seed, tuple(fitted), songs, Examples.joined(parts), listeners)

    def with_more(self, other: Lesson) -> Lesson:
        """Return the lesson with another one about the same listeners."""
        return replace(self, more=(*self.more, other.found))

    def learned(self, listeners: NDArray[np.bool_] | None = None) -> Ranker | None:
        """Train on some or all of the listeners; None where nobody took anything that was proposed."""
        parts = (self.found, *self.more)
        found = Examples.joined(parts if listeners is None else [part.take(listeners) for part in parts])
        if not found.taken.any():
            return None
        return Ranker.train(self.config, self.components, self.songs, found, seed=self.seed)

    def measured(self) -> dict[float, float]:
        """NDCG of the judges by rankers that were not taught by them, by the linear part's share in the score.

        Half of the listeners teach each time and the other half judge.
        """
        fold = generator(self.seed, "folds").permutation(self.found.n_listeners) % 2
        values = {share: np.zeros(self.found.n_listeners) for share in LINEAR_SHARES}
        for part in (0, 1):
            ranker = replace(self, config=replace(self.config, linear_share=0.5)).learned(fold != part)
            if ranker is None:
                return {0.0: 0.0}
            judged = self.found.take(fold == part)
            hidden = self.validation.hidden[self.listeners[fold == part]]
            trees, linear = ranker.parts(judged.features)
            for share, ndcg in values.items():
                lists = _ranked_lists(judged, (1 - share) * trees + share * linear)
                ndcg[fold == part] = ndcg_of_lists(lists, hidden)
        judges = np.isin(self.listeners, self.validation.judges)
        return {share: float(ndcg[judges].mean()) for share, ndcg in values.items()}


def _taught_by(validation: Validation, config: RankerConfig, seed: int) -> NDArray[np.intp]:
    """Return the listeners with hidden songs, or the judges and as many others as may be trained on."""
    listeners = np.flatnonzero(n_per_row(validation.hidden))
    if len(listeners) <= config.max_listeners:
        return listeners
    others = np.setdiff1d(listeners, validation.judges)
    n_others = max(config.max_listeners - len(validation.judges), 0)
    chosen = generator(seed, "ranker listeners").permutation(others)[:n_others]
    return np.sort(np.concatenate([validation.judges, chosen]))


def _ranked_lists(found: Examples, scores: NDArray[np.float64]) -> NDArray[np.int32]:
    proposals = found.proposals
    order = np.lexsort((proposals.item_rows, -scores, proposals.listener_rows))
    places = proposals.starts[:-1, None] + np.arange(K)
    inside = places < proposals.starts[1:, None]
    rows = proposals.item_rows[order[np.minimum(places, len(order) - 1)]]
    return np.where(inside, rows, -1).astype(np.int32)
