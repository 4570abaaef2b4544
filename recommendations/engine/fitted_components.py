"""The fitted components of a recommender with its catalogue, and what they know of songs and histories."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any, cast

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.sparse import csr_matrix

from recommendations.engine.algorithms import (
    Algorithm,
    NotFitted,
    create_algorithm,
)
from recommendations.engine.algorithms.content import Content
from recommendations.engine.algorithms.popularity import Popularity, rank_descending
from recommendations.engine.core.config import RecommenderConfig
from recommendations.engine.core.idmap import UNKNOWN, IdMap
from recommendations.engine.core.ordered import count_steps_back
from recommendations.engine.core.presets import CLASSIC
from recommendations.engine.data.history import History
from recommendations.engine.data.interactions import Interactions
from recommendations.engine.estimation.feature_estimates import FeatureEstimates
from recommendations.engine.ranking.explanations import (
    FLIP_THRESHOLD,
)
from recommendations.engine.ranking.tree_ranker import Ranker

POPULAR_SHARE = 0.2
"""The part of the songs, by listeners, that is not the tail."""


class FittedComponents:
    """The components, the ranker and the catalogue of a recommender.

    Parameters
    ----------
    config
        What was learned and how it is combined; `CLASSIC` by default.
    """

    def __init__(self, config: RecommenderConfig = CLASSIC) -> None:
        self.algorithms: dict[str, Algorithm] = {}
        self._apply_config(config)
        self.metadata: dict[str, Any] = {}
        self.ranker: Ranker | None = None
        self.items = IdMap([])
        self._artists: NDArray[np.int32] | None = None
        self.flip_threshold = FLIP_THRESHOLD
        self.estimates: FeatureEstimates | None = None

    def _apply_config(self, config: RecommenderConfig) -> None:
        self.config = config
        self.algorithms = {
            name: create_algorithm(name, options) for name, options in config.components.items()
        }

    def use_weights(self, weights: Mapping[str, Mapping[str, float]]) -> None:
        """Blend the components by other weights, segment -> component -> weight; nothing is fitted anew."""
        self.config = replace(self.config, weights=weights)

    def _list_vector_sources(self) -> Iterable[Algorithm]:
        return sorted(
            self.algorithms.values(), key=lambda algorithm: not isinstance(algorithm, Content)
        )

    @property
    def is_fitted(self) -> bool:
        return len(self.items) > 0

    @property
    def n_items(self) -> int:
        return len(self.items)

    @property
    def item_ids(self) -> NDArray[Any]:
        """The ids of the songs in row order."""
        return self.items.ids

    @property
    def component_names(self) -> tuple[str, ...]:
        return tuple(self.algorithms)

    @property
    def similarity_vectors(self) -> NDArray[np.float32]:
        """The `item_vectors` of all songs, float32 (n_items, d); made anew each time."""
        return self.item_vectors(np.arange(self.n_items))

    def item_vectors(self, item_rows: NDArray[np.integer]) -> NDArray[np.float32]:
        """Return a vector of length 1 for each of the songs, as used for variety; zeros where nothing is known.

        Returns
        -------
        float32 (*item_rows.shape, d)
        """
        for algorithm in self._list_vector_sources():
            vectors = algorithm.item_vectors(item_rows)
            if vectors is not None:
                return vectors
        return np.zeros((*item_rows.shape, 1), dtype=np.float32)

    def find_tail(self) -> NDArray[np.bool_]:
        """Return the songs outside the most popular fifth by listeners in the training, bool (n_items,).

        Songs that nobody heard are outside; so are all where the model does not know how many listeners songs have.
        """
        for algorithm in self.algorithms.values():
            if isinstance(algorithm, Popularity):
                counts = algorithm.n_listeners_
                is_popular = rank_descending(counts) < POPULAR_SHARE * len(counts)
                return np.asarray(~is_popular | (counts == 0), dtype=np.bool_)
        return np.ones(self.n_items, dtype=bool)

    def history(
        self,
        item_ids: ArrayLike,
        *,
        kinds: ArrayLike | None = None,
        plays: ArrayLike | None = None,
        played_share: ArrayLike | None = None,
        timestamps: ArrayLike | None = None,
        taste: ArrayLike = (),
    ) -> History:
        """Weigh one listener's events as in the training; songs that are not known here are counted out.

        Parameters
        ----------
        taste
            Ids of songs the listener named without having played them.
        """
        ids = (
            np.asarray(item_ids)
            if hasattr(item_ids, "__len__")
            else np.asarray(list(cast(Iterable[Any], item_ids)))
        )
        events = Interactions.from_ids(
            np.zeros(len(ids), dtype=np.int64),
            ids,
            kinds=kinds,
            plays=plays,
            played_share=played_share,
            timestamps=timestamps,
        )
        row = self.histories(events)
        taste_rows = np.unique(self.items.rows(taste))
        return History(
            item_rows=row.indices.astype(np.int32),
            values=row.data,
            n_unknown=int((self.items.rows(ids) == UNKNOWN).sum()),
            taste_rows=taste_rows[taste_rows != UNKNOWN].astype(np.int32),
            steps_back=count_steps_back(row),
        )

    def histories(self, interactions: Interactions) -> csr_matrix:
        """Weigh many listeners' events: float32 csr, one row a listener of `interactions.listeners`.

        It holds the order where the events have times or positions (`OrderedHistories`).
        """
        self._require_fitted()
        if interactions.items != self.items:
            interactions = interactions.over_items(self.items)
        return interactions.to_matrix(self.config.weighting)

    def _require_fitted(self) -> None:
        if not self.is_fitted:
            raise NotFitted(
                "This recommender has not learned anything yet; call fit or load first."
            )

    def _require_row(self, item_row: int) -> None:
        if not 0 <= item_row < self.n_items:
            raise ValueError(
                f"There is no song in row {item_row}; rows are 0 to {self.n_items - 1}."
            )
