"""Why these songs: the evidence of each recommended song, gathered from the components."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix

from recommendations.engine.algorithms import Algorithm
from recommendations.engine.algorithms.content import Content
from recommendations.engine.algorithms.popularity import Popularity
from recommendations.engine.core.arrays import count_per_row, pad_rows, take_rows
from recommendations.engine.core.idmap import IdMap
from recommendations.engine.pipeline.packed_lists import RecommendedBlock
from recommendations.engine.pipeline.requests import ListenerBatch
from recommendations.engine.ranking.ensemble import MILLION, Blend
from recommendations.engine.ranking.explanations import (
    NO_NOTE,
    EvidenceArrays,
    FeatureArrays,
    find_agreeing,
    find_strongest,
    make_popularity_notes,
    name_features,
)
from recommendations.engine.ranking.second_stage import RankedCandidates, share_credit

AnyAlgorithm = TypeVar("AnyAlgorithm", bound=Algorithm)

N_COMPARED = 20
"""Best songs that a recommended one is compared with when its reasons are looked for."""


@dataclass(frozen=True)
class Attribution:
    """What reasons are made from.

    Attributes
    ----------
    algorithms
        The fitted components by name.
    items
        The catalogue.
    artists : int32 (n_items,) or None
        -1 unknown.
    flip_threshold
        A named song that adds this many times the distance to the next song decides the rank.
    estimated : float32 (n_items, 8) or None
        Audio features that nobody measured, NaN for all others.
    """

    algorithms: Mapping[str, Algorithm]
    items: IdMap
    artists: NDArray[np.int32] | None
    flip_threshold: float
    estimated: NDArray[np.float32] | None = None

    def explain_songs(
        self,
        listeners: ListenerBatch,
        ordered: Blend | RankedCandidates,
        item_rows: NDArray[np.int32],
        margins: NDArray[np.float64],
    ) -> RecommendedBlock:
        """Explain chosen songs.

        Parameters
        ----------
        item_rows
            int32 (n, k), -1 where a list ends early.
        margins
            (n, k), how far each stands above the next one.
        """
        contributions = ordered.contributions(np.maximum(item_rows, 0))
        contributions[item_rows < 0] = 0
        if isinstance(ordered, RankedCandidates):
            evidence = self._ranked_evidence(listeners.histories, ordered, contributions, item_rows)
        else:
            evidence = self._evidence(listeners.histories, ordered, item_rows)
        return RecommendedBlock(
            positions=listeners.positions,
            names=ordered.names
            if isinstance(ordered, RankedCandidates)
            else tuple(self.algorithms),
            items=self.items,
            item_rows=item_rows,
            contributions=contributions,
            segments=listeners.segments,
            weights=ordered.weights,
            evidence=evidence,
            features=self._features(listeners.histories, item_rows),
            notes=self._notes(item_rows),
            margin_ratios=evidence.margin_ratios(margins),
            flip_threshold=self.flip_threshold,
        )

    def _evidence(
        self, histories: csr_matrix, blend: Blend, item_rows: NDArray[np.int32]
    ) -> EvidenceArrays:
        """The songs of the history without which each score would fall, over all components."""
        naming = [
            (component, algorithm)
            for component, algorithm in enumerate(self.algorithms.values())
            if algorithm.names_songs and (blend.weights[:, component] > 0).any()
        ]
        if not naming or not histories.nnz or not item_rows.size:
            return EvidenceArrays.none(*item_rows.shape)
        losses = {
            c: _compute_losses(algorithm, histories, blend, c, item_rows) for c, algorithm in naming
        }
        return find_strongest(pad_rows(histories).columns, losses)

    def _ranked_evidence(
        self,
        histories: csr_matrix,
        ranked: RankedCandidates,
        contributions: NDArray[np.int32],
        item_rows: NDArray[np.int32],
    ) -> EvidenceArrays:
        """The songs of the history that the recommended song would miss most among the best songs.

        What raises all of them alike is no reason for one, so each influence is taken relative to the mean one on
        the best songs, in units in which the ranker sees a component: deviations over the candidates, times the
        component's part in the trees.
        """
        if not histories.nnz or not item_rows.size:
            return EvidenceArrays.none(*item_rows.shape)
        best_rows = ranked.best(N_COMPARED).item_rows
        importance = ranked.ranker.importance()
        losses = {}
        for group, name in enumerate(ranked.names):
            if name in ranked.ranker.components and self.algorithms[name].names_songs:
                influences = self.algorithms[name].influences(
                    histories, np.hstack([item_rows, best_rows])
                )
                own, others = np.split(influences, [item_rows.shape[1]], axis=1)
                n_best = np.maximum((best_rows >= 0).sum(axis=1), 1)[:, None, None]
                unit = importance[name] / ranked.spread(name)
                losses[group] = (own - others.sum(axis=1, keepdims=True) / n_best) * unit[
                    :, None, None
                ]
        same = self._same_artist(histories, item_rows)
        if same is not None:
            group = ranked.names.index("artist")
            added = np.maximum(contributions[:, :, group], 0)[:, :, None] / MILLION
            losses[group] = same * added / np.maximum(same.sum(axis=2, keepdims=True), 1)
        return find_strongest(pad_rows(histories).columns, share_credit(losses, contributions))

    def _same_artist(
        self, histories: csr_matrix, item_rows: NDArray[np.int32]
    ) -> NDArray[np.bool_] | None:
        if self.artists is None:
            return None
        history = pad_rows(histories)
        artists = self.artists[item_rows][:, :, None]
        same = (artists == self.artists[history.columns][:, None, :]) & (artists >= 0)
        is_cause: NDArray[np.bool_] | None = same & (history.values > 0)[:, None, :]
        return is_cause

    def _features(self, histories: csr_matrix, item_rows: NDArray[np.int32]) -> FeatureArrays:
        content = self._find_component(Content)
        if content is None:
            return FeatureArrays.none(*item_rows.shape)
        return find_agreeing(content, content.profiles(histories), item_rows, self.estimated)

    def describe_sound(self, histories: csr_matrix) -> dict[str, float]:
        """Return the mean audio features of the first listener, in the units people know."""
        content = self._find_component(Content)
        return {} if content is None else name_features(content.profiles(histories)[0])

    def _notes(self, item_rows: NDArray[np.int32]) -> NDArray[np.int32]:
        popularity = self._find_component(Popularity)
        if popularity is None:
            return np.full((*item_rows.shape, 2), NO_NOTE, dtype=np.int32)
        return make_popularity_notes(popularity, item_rows)

    def _find_component(self, class_: type[AnyAlgorithm]) -> AnyAlgorithm | None:
        return next(
            (algorithm for algorithm in self.algorithms.values() if isinstance(algorithm, class_)),
            None,
        )


def _compute_losses(
    algorithm: Algorithm,
    histories: csr_matrix,
    blend: Blend,
    component: int,
    item_rows: NDArray[np.int32],
) -> NDArray[np.float32]:
    """What each score would lose through one component without each song of the history, (n, k, longest).

    The scale goes from the worst to the best song of the component, and these lose, too.
    """
    needed = blend.weights[:, component] > 0
    losses = np.zeros((*item_rows.shape, int(count_per_row(histories).max())), dtype=np.float32)
    needed_blend = blend.take(needed)
    ends = needed_blend.find_ends(component)
    songs = np.hstack([item_rows[needed], ends])
    influences = algorithm.influences(take_rows(histories, needed), songs)
    listener_losses = needed_blend.compute_losses(component, songs, influences)[
        :, : item_rows.shape[1]
    ]
    losses[needed, :, : listener_losses.shape[2]] = listener_losses
    return losses
