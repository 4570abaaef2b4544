"""Do explanations tell the truth: without the song that is named as the reason, does the song fall?"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix, lil_matrix, vstack

from ..arrays import n_per_row, positive_part
from ..explanations import NO_SONG
from ..recommender import Recommender

DEPTH = 10


@dataclass(frozen=True)
class Fidelity:
    """Shares of the sampled cases in which the recommended song's score or rank became worse.

    A song far ahead of the next one keeps its rank whatever single song is taken away, so the rank falls less
    often than the score. `beats_control` compares the two removals case by case.

    Attributes
    ----------
    n_cases
        Recommended songs that were looked at.
    score_fell, rank_fell
        Without the song that was named first.
    score_fell_control, rank_fell_control
        Without another song of the history, taken at random.
    beats_control
        The score fell further without the song that was named first than without the other one.
    """

    n_cases: int
    score_fell: float
    rank_fell: float
    score_fell_control: float
    rank_fell_control: float
    beats_control: float

    def to_dict(self) -> dict[str, Any]:
        return asdict(self)


def explanation_fidelity(
    recommender: Recommender, histories: csr_matrix, *, n_cases: int = 200, seed: int = 0
) -> Fidelity:
    """Take the most cited song out of the history and see whether the recommended song's rank falls.

    One recommended song is drawn from the first ten of each drawn listener. Ranks are by score over all songs
    that are not in the history as it was, so that nothing moves because a place became free. Listeners whose
    treatment would change without one song (another segment) are not drawn.

    Raises
    ------
    ValueError
        No listener knows enough songs.
    """
    rng = np.random.default_rng(seed)
    cases = _cases(recommender, histories, n_cases, rng)
    if not cases:
        raise ValueError("No listener has a history long enough to take a song out of it.")
    rows, songs, cited, others = np.array(cases, dtype=np.int64).T
    chosen = histories[rows]
    # one call for all three, so that all processors have work
    scores, ranks = recommender.standings(
        vstack([chosen, _without(chosen, cited), _without(chosen, others)]),
        np.tile(songs, 3),
        forbidden=vstack([chosen] * 3, format="csr"),
    )
    (before, named, control), (rank, rank_named, rank_control) = np.split(scores, 3), np.split(ranks, 3)
    return Fidelity(
        n_cases=len(cases),
        score_fell=float((named < before).mean()),
        rank_fell=float((rank_named > rank).mean()),
        score_fell_control=float((control < before).mean()),
        rank_fell_control=float((rank_control > rank).mean()),
        beats_control=float((named < control).mean()),
    )


def _cases(
    recommender: Recommender, histories: csr_matrix, n_cases: int, rng: np.random.Generator
) -> list[tuple[int, int, int, int]]:
    """Draw (listener, recommended song, song cited first, another song of the history)."""
    n_songs = n_per_row(positive_part(histories))
    config = recommender.config
    steady = (n_songs > config.cold_below) & (n_songs != config.hot_from)
    listeners = rng.permutation(np.flatnonzero(steady))[:n_cases]
    lists = recommender.recommend_batch(histories[listeners], DEPTH)
    liked = positive_part(histories[listeners])
    drawn = np.where(lists.cited_rows != NO_SONG, rng.random(lists.cited_rows.shape), -1)
    places = drawn.argmax(axis=1)
    cases = []
    for row in np.flatnonzero(drawn.max(axis=1, initial=-1) >= 0):
        cited = int(lists.cited_rows[row, places[row]])
        songs = liked.indices[liked.indptr[row] : liked.indptr[row + 1]]
        other = int(rng.choice(songs[songs != cited]))
        cases.append((int(listeners[row]), int(lists.item_rows[row, places[row]]), cited, other))
    return cases


def _without(histories: csr_matrix, songs: NDArray[np.int64]) -> csr_matrix:
    smaller = lil_matrix(histories)
    for row, song in enumerate(songs):
        smaller[row, song] = 0
    return csr_matrix(smaller)
