"""Songs that are heard by the listeners of the history's songs."""

from __future__ import annotations

import warnings
from typing import Literal

import numpy as np
from scipy.sparse import csr_matrix
from threadpoolctl import threadpool_limits

from recommendations.engine.algorithms.sparse_similarity import SparseSimilarity
from recommendations.engine.algorithms.training_data import DataSize, Progress
from recommendations.engine.core.arrays import keep_positive
from recommendations.engine.core.ordered import check_decay
from recommendations.engine.core.weighting import Transform, transform_histories

Similarity = Literal["cosine", "tfidf", "bm25"]
SIMILARITIES: tuple[Similarity, ...] = ("cosine", "tfidf", "bm25")


class ItemKNN(SparseSimilarity):
    """Item-item nearest neighbours (Sarwar et al., 2001), computed by implicit.

    A song's score is the sum over the history of strength times similarity.

    Parameters
    ----------
    n_neighbours
        Similar songs kept for each song.
    similarity
        Cosine of the songs' listeners: plain, TF-IDF weighted (a listener of many songs says less), or BM25.
    bm25_b
        How far BM25 lets a song that many heard be like others less, 0 to 1.
    transform
        From strength to value.
    side_information
        Strength with which each artist and genre, as one more listener, likes its songs; 0 = listens only.
    history_decay
        What a song of the history counts for each step back when it scores, 1 = no decay.
    """

    name = "item_knn"

    def __init__(
        self,
        n_neighbours: int = 300,
        similarity: Similarity = "tfidf",
        transform: Transform = "binary",
        side_information: float = 0.0,
        bm25_b: float = 0.75,
        history_decay: float = 1.0,
    ) -> None:
        if similarity not in SIMILARITIES:
            raise ValueError(
                f"Unknown similarity {similarity!r}; choose one of {', '.join(SIMILARITIES)}."
            )
        if n_neighbours < 1:
            raise ValueError(f"n_neighbours must be at least 1, not {n_neighbours}.")
        if not 0 <= bm25_b <= 1:
            raise ValueError(f"bm25_b must be from 0 to 1, not {bm25_b}.")
        self.n_neighbours = n_neighbours
        self.similarity = similarity
        self.transform = transform
        self.side_information = side_information
        self.bm25_b = bm25_b
        self.history_decay = check_decay(history_decay)

    def _fit_bytes(self, size: DataSize) -> float:
        """Implicit's weighing of the pairs, then its neighbours of all songs as coordinates and as rows."""
        weighing = 46.0 * size.n_pairs
        neighbours = 25.0 * size.n_pairs + 32.5 * self._n_links(size)
        return max(weighing, neighbours)

    def _learned_bytes(self, size: DataSize) -> float:
        return 8.0 * self._n_links(size)

    def _n_links(self, size: DataSize) -> int:
        return size.n_items * min(self.n_neighbours + 1, size.n_items)

    def _links(self, strengths: csr_matrix, on_progress: Progress) -> csr_matrix:
        on_progress(0, 1)
        links = self._neighbours(transform_histories(keep_positive(strengths), self.transform))
        links.setdiag(0)
        links.eliminate_zeros()
        links.sort_indices()
        on_progress(1, 1)
        return links

    def _neighbours(self, liked: csr_matrix) -> csr_matrix:
        from implicit.nearest_neighbours import BM25Recommender, CosineRecommender, TFIDFRecommender
        from implicit.utils import ParameterWarning

        classes = {"cosine": CosineRecommender, "tfidf": TFIDFRecommender, "bm25": BM25Recommender}
        # songs that all heard have no weight in TF-IDF, and implicit divides by it: they get no links.
        # implicit turns its own weighted matrix from COO into CSR and warns about it; one neighbour more than
        # asked for: each song is its own nearest
        with threadpool_limits(1, "blas"), warnings.catch_warnings(), np.errstate(all="ignore"):
            warnings.simplefilter("ignore", ParameterWarning)
            options = {"B": self.bm25_b} if self.similarity == "bm25" else {}
            model = classes[self.similarity](
                K=min(self.n_neighbours + 1, liked.shape[1]), **options
            )
            model.fit(liked, show_progress=False)
        links = csr_matrix(model.similarity, dtype=np.float32)
        links.data = np.nan_to_num(links.data)
        return links
