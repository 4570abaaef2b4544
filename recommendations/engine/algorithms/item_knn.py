"""Songs that are heard by the listeners of the history's songs."""

from __future__ import annotations

import warnings
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix
from threadpoolctl import threadpool_limits

from ..arrays import positive_part
from ..links import (
    heard,
    linked_contributions,
    linked_scores,
    links_from,
    links_state,
    signed,
    similar_by_links,
)
from ..side_information import with_side_information
from ..weighting import Transform
from .base import Algorithm, NotEnoughData, Progress, TrainingData

Similarity = Literal["cosine", "tfidf", "bm25"]
SIMILARITIES: tuple[Similarity, ...] = ("cosine", "tfidf", "bm25")


class ItemKNN(Algorithm):
    """Item-item nearest neighbours (Sarwar et al., 2001), computed by implicit.

    A song's score is the sum over the history of strength times similarity.

    Parameters
    ----------
    n_neighbours
        Similar songs kept for each song.
    similarity
        Cosine of the songs' listeners: plain, TF-IDF weighted (a listener of many songs says less), or BM25.
    transform
        From strength to value.
    side_information
        Strength with which each artist and genre, as one more listener, likes its songs; 0 = listens only.

    Attributes
    ----------
    links_ : float32 csr (n_items, n_items)
    learned_ : bool (n_items,)
    """

    name = "item_knn"
    names_songs = True

    def __init__(
        self,
        n_neighbours: int = 300,
        similarity: Similarity = "tfidf",
        transform: Transform = "binary",
        side_information: float = 0.0,
    ) -> None:
        if similarity not in SIMILARITIES:
            raise ValueError(f"Unknown similarity {similarity!r}; choose one of {', '.join(SIMILARITIES)}.")
        if n_neighbours < 1:
            raise ValueError(f"n_neighbours must be at least 1, not {n_neighbours}.")
        self.n_neighbours = n_neighbours
        self.similarity = similarity
        self.transform = transform
        self.side_information = side_information

    def _fit(self, data: TrainingData, rng: np.random.Generator, on_progress: Progress) -> None:
        if not heard(data.strengths).any():
            raise NotEnoughData("Nobody liked or played anything yet, so there is nothing to learn from.")
        on_progress(0, 1)
        strengths = with_side_information(data.strengths, data.features, self.side_information)
        self.learned_ = heard(strengths)
        links = self._neighbours(signed(positive_part(strengths), self.transform))
        links.setdiag(0)
        links.eliminate_zeros()
        links.sort_indices()
        self.links_ = links
        on_progress(1, 1)

    def _neighbours(self, liked: csr_matrix) -> csr_matrix:
        from implicit.nearest_neighbours import BM25Recommender, CosineRecommender, TFIDFRecommender
        from implicit.utils import ParameterWarning

        classes = {"cosine": CosineRecommender, "tfidf": TFIDFRecommender, "bm25": BM25Recommender}
        # songs that all heard have no weight in TF-IDF, and implicit divides by it: they get no links.
        # implicit turns its own weighted matrix from COO into CSR and warns about it; one neighbour more than
        # asked for: each song is its own nearest
        with threadpool_limits(1, "blas"), warnings.catch_warnings(), np.errstate(all="ignore"):
            warnings.simplefilter("ignore", ParameterWarning)
            model = classes[self.similarity](K=min(self.n_neighbours + 1, liked.shape[1]))
            model.fit(liked, show_progress=False)
        links = csr_matrix(model.similarity, dtype=np.float32)
        links.data = np.nan_to_num(links.data)
        return links

    def _score(self, histories: csr_matrix) -> NDArray[np.float32]:
        return linked_scores(signed(histories, self.transform), self.links_, self.learned_)

    def _contributions(self, histories: csr_matrix, item_rows: NDArray[np.int32]) -> NDArray[np.float32]:
        return linked_contributions(signed(histories, self.transform), self.links_, item_rows)

    def _similar(self, item_row: int) -> NDArray[np.float32]:
        return similar_by_links(self.links_, item_row, self.learned_)

    def _state(self) -> dict[str, NDArray]:
        return {"learned": self.learned_} | links_state(self.links_)

    def _restore(self, state: dict[str, NDArray]) -> None:
        self.links_ = links_from(state)
        self.learned_ = np.asarray(state["learned"])
