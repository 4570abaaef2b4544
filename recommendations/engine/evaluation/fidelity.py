"""Whether explanations tell the truth: without the song that is named as the reason, the song falls."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix, lil_matrix, vstack

from recommendations.engine.algorithms.training_data import NotEnoughData
from recommendations.engine.core.arrays import NO_SONG, count_per_row, keep_positive
from recommendations.engine.ranking.explanations import FLIP_THRESHOLD
from recommendations.engine.recommender import Recommender

DEPTH = 10

TARGET_SHARE = 0.94
"""Expected share of decisive reasons without which the rank falls, so that it is 0.9 also in another sample."""
MIN_CASES = 50
"""Cases that it takes to learn which reasons are decisive."""
RATIO_RANGE = (0.01, 10_000.0)
"""What is outside is as good as at the end."""
N_NEWTON, RIDGE = 25, 0.1


@dataclass(frozen=True)
class Fidelity:
    """Shares of the sampled cases in which the recommended song's score or rank became worse.

    A song far ahead of the next one keeps its rank whatever single song is taken away, so the rank falls less
    often than the score. Only decisive reasons cite the song as the cause (`Explanation.because`); the others name
    what the song goes with.

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
    flip_threshold
        What a named song has to add, in distances to the next song of the ranking, so that the rank falls without it;
        found on other cases than those that are counted here. inf: nothing is enough.
    decisive
        Share of the reasons that are decisive.
    rank_fell_decisive, rank_fell_control_decisive
        Where the reason is decisive, the rank fell without the song it cites, and without the other one; None if no
        reason is.
    """

    n_cases: int
    score_fell: float
    rank_fell: float
    score_fell_control: float
    rank_fell_control: float
    beats_control: float
    flip_threshold: float
    decisive: float
    rank_fell_decisive: float | None
    rank_fell_control_decisive: float | None

    def to_dict(self) -> dict[str, Any]:
        """Return plain JSON types; JSON has no infinity, so a threshold that nothing reaches is None."""
        values = asdict(self)
        threshold = values.pop("flip_threshold")
        return values | {"decisive_from": None if np.isinf(threshold) else threshold}


def measure_fidelity(
    recommender: Recommender, histories: csr_matrix, *, n_cases: int = 200, seed: int = 0
) -> Fidelity:
    """Take the most cited song out of the history and see whether the recommended song's rank falls.

    One recommended song is drawn from the first ten of each drawn listener. Ranks are by score over all songs
    that are not in the history as it was, so that nothing moves because a place became free. Listeners whose
    treatment would change without one song (another segment) are not drawn. As many cases more, of other listeners
    where there are enough, tell which reasons are decisive.

    Raises
    ------
    NotEnoughData
        No listener has heard enough songs.
    """
    cases = _Cases.draw(recommender, histories, 2 * n_cases, np.random.default_rng(seed))
    judged, others = cases.halves()
    # one call for all, so that all processors have work
    chosen, learned = histories[judged.rows], histories[others.rows]
    trials = [
        (chosen, chosen, judged),
        (_remove_songs(chosen, judged.cited), chosen, judged),
        (_remove_songs(chosen, judged.controls), chosen, judged),
        (learned, learned, others),
        (_remove_songs(learned, others.cited), learned, others),
    ]
    scores, ranks = recommender.find_ranks(
        vstack([history for history, _, _ in trials]),
        np.concatenate([cases.songs for _, _, cases in trials]),
        forbidden=vstack([forbidden for _, forbidden, _ in trials], format="csr"),
    )
    ends = np.cumsum([len(cases.rows) for _, _, cases in trials])[:-1]
    before, named, control, _, _ = np.split(scores, ends)
    rank, rank_named, rank_control, rank_others, rank_others_named = np.split(ranks, ends)
    fell, fell_control = rank_named > rank, rank_control > rank
    flip_threshold = fit_flip_threshold(others.margin_ratios, rank_others_named > rank_others)
    decisive = judged.margin_ratios >= flip_threshold
    return Fidelity(
        n_cases=len(judged.rows),
        score_fell=float((named < before).mean()),
        rank_fell=float(fell.mean()),
        score_fell_control=float((control < before).mean()),
        rank_fell_control=float(fell_control.mean()),
        beats_control=float((named < control).mean()),
        flip_threshold=flip_threshold,
        decisive=float(decisive.mean()),
        rank_fell_decisive=_average_or_none(fell[decisive]),
        rank_fell_control_decisive=_average_or_none(fell_control[decisive]),
    )


def measure_fidelity_bound(
    recommender: Recommender, histories: csr_matrix, *, n_cases: int = 150, seed: int = 0
) -> float:
    """Return the share of recommended songs that fall in rank without some single song of the history, whichever.

    That is the most that any choice of the named song could reach. Recommended songs are drawn as by
    `measure_fidelity`, which raises the same; every song of the history is taken out in turn.
    """
    cases = _Cases.draw(recommender, histories, n_cases, np.random.default_rng(seed))
    fell = []
    for row, song in zip(cases.rows, cases.songs, strict=True):
        history = histories[[row]]
        heard = keep_positive(history).indices
        whole = histories[np.full(len(heard), row)]
        _, ranks = recommender.find_ranks(
            vstack([history, _remove_songs(whole, heard)], format="csr"),
            np.full(len(heard) + 1, song),
            forbidden=vstack([history, whole], format="csr"),
        )
        fell.append(bool((ranks[1:] > ranks[0]).any()))
    return float(np.mean(fell))


def _average_or_none(cases: NDArray[np.bool_]) -> float | None:
    return float(cases.mean()) if len(cases) else None


def fit_flip_threshold(margin_ratios: NDArray[np.float32], fell: NDArray[np.bool_]) -> float:
    """Return the margin ratio from which on the rank falls in `TARGET_SHARE` of the cases; inf without one.

    The chance is a logistic curve over the logarithm of the ratio: it needs fewer cases than counting does.
    """
    if len(margin_ratios) < MIN_CASES:
        return FLIP_THRESHOLD
    order = np.argsort(-margin_ratios, kind="stable")
    falling = np.clip(margin_ratios[order].astype(np.float64), *RATIO_RANGE)
    chances = _fit_chances(np.log(falling), fell[order])
    # cases of equal ratio are decisive together
    is_last = np.append(falling[:-1] > falling[1:], True)
    enough = np.flatnonzero(
        is_last & (np.cumsum(chances) / np.arange(1, len(chances) + 1) >= TARGET_SHARE)
    )
    return float(falling[enough[-1]]) if len(enough) else np.inf


def _fit_chances(x: NDArray[np.float64], y: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Fit a logistic curve (a little ridge keeps it finite where all are equal) and return its values at x, (n,)."""
    rows, slope = np.column_stack([np.ones_like(x), x]), np.zeros(2)
    for _ in range(N_NEWTON):
        chances = _apply_logistic(rows @ slope)
        bend = (rows * (chances * (1 - chances))[:, None]).T @ rows + RIDGE * np.eye(2)
        slope += np.linalg.solve(bend, rows.T @ (y - chances) - RIDGE * slope)
    return _apply_logistic(rows @ slope)


def _apply_logistic(z: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.asarray(1 / (1 + np.exp(-np.clip(z, -30, 30))))


@dataclass(frozen=True)
class _Cases:
    """Recommended songs to look at, one a listener.

    Attributes
    ----------
    rows, songs, cited, controls : int64 (n,)
        Listener, recommended song, song of the history that is named first, another song of the history.
    margin_ratios : float32 (n,)
        As in `RecommendedBatch`.
    """

    rows: NDArray[np.int64]
    songs: NDArray[np.int64]
    cited: NDArray[np.int64]
    controls: NDArray[np.int64]
    margin_ratios: NDArray[np.float32]

    @classmethod
    def draw(
        cls, recommender: Recommender, histories: csr_matrix, n_cases: int, rng: np.random.Generator
    ) -> _Cases:
        n_songs = count_per_row(keep_positive(histories))
        config = recommender.config
        steady = (n_songs > config.cold_below) & (n_songs != config.hot_from)
        listeners = rng.permutation(np.flatnonzero(steady))[:n_cases]
        if not len(listeners):
            raise NotEnoughData("No listener has a history long enough to take a song out of it.")
        lists = recommender.recommend_batch(histories[listeners], DEPTH)
        liked = keep_positive(histories[listeners])
        drawn = np.where(lists.cited_rows != NO_SONG, rng.random(lists.cited_rows.shape), -1)
        rows = np.flatnonzero(drawn.max(axis=1, initial=-1) >= 0)
        if not len(rows):
            raise NotEnoughData("No recommended song rests on a single song of a history.")
        positions = drawn[rows].argmax(axis=1)
        cited = lists.cited_rows[rows, positions].astype(np.int64)
        controls = []
        for row, song in zip(rows, cited, strict=True):
            songs = liked.indices[liked.indptr[row] : liked.indptr[row + 1]]
            controls.append(int(rng.choice(songs[songs != song])))
        return cls(
            listeners[rows].astype(np.int64),
            lists.item_rows[rows, positions].astype(np.int64),
            cited,
            np.array(controls, dtype=np.int64),
            lists.margin_ratios[rows, positions],
        )

    def halves(self) -> tuple[_Cases, _Cases]:
        """Return the first half, the larger one, and the other."""
        middle = (len(self.rows) + 1) // 2
        return self._take(slice(middle)), self._take(slice(middle, None))

    def _take(self, rows: slice) -> _Cases:
        return _Cases(
            self.rows[rows],
            self.songs[rows],
            self.cited[rows],
            self.controls[rows],
            self.margin_ratios[rows],
        )


def _remove_songs(histories: csr_matrix, songs: NDArray[np.integer[Any]]) -> csr_matrix:
    smaller = lil_matrix(histories)
    for row, song in enumerate(songs):
        smaller[row, song] = 0
    return csr_matrix(smaller)
