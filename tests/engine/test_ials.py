"""iALS folds in a history exactly and by the smaller system, whichever is longer: the history or the factors."""

import numpy as np
import pytest
from scipy.sparse import csr_matrix

from recommendations.engine import TrainingData, Weighting
from recommendations.engine.algorithms.ials import IALS
from tests.engine.worlds import taste_world

N_FACTORS = 16


@pytest.fixture(scope="module")
def strengths() -> csr_matrix:
    return taste_world()[0].to_matrix(Weighting())


@pytest.fixture(scope="module")
def ials(strengths) -> IALS:
    return IALS(n_factors=N_FACTORS).fit(TrainingData(strengths), seed=1)


def make_history(strengths: csr_matrix, length: int) -> csr_matrix:
    """Return the history of one listener who likes `length` songs, every fifth of which they dislike."""
    songs = np.arange(length)
    values = np.where(songs % 5 == 4, -1.0, 1.0 + songs % 3).astype(np.float32)
    return csr_matrix((values, (np.zeros(length, int), songs)), shape=(1, strengths.shape[1]))


def score_exactly(ials: IALS, history: csr_matrix) -> np.ndarray:
    """Equation 3 of Rendle et al., written out for songs that were learned."""
    factors = ials._take_factors(np.arange(history.shape[1], dtype=np.int32)).astype(np.float64)
    dense = history.toarray()[0].astype(np.float64)
    heard = np.flatnonzero(dense)
    songs = factors[heard]
    added, unit = ials.scale_
    confidence = 1 + ials.alpha * (dense[heard] != 0)  # the binary transform
    liked = np.where(dense[heard] > 0, confidence, 0)
    a = np.diag(ials.gram_ + (len(heard) + added) * unit)
    a += songs.T @ ((confidence - 1)[:, None] * songs)
    return factors @ np.linalg.solve(a, songs.T @ liked)


@pytest.mark.parametrize("length", [1, N_FACTORS - 1, N_FACTORS, N_FACTORS + 1, 5 * N_FACTORS])
def test_fold_in_is_the_exact_solution(ials, strengths, length):
    history = make_history(strengths, length)
    songs = np.arange(strengths.shape[1], dtype=np.int32)[None]
    ours = ials.score_items(history, songs)[0]
    exact = score_exactly(ials, history)
    is_known = np.isfinite(ours)
    assert is_known.sum() > N_FACTORS
    np.testing.assert_allclose(ours[is_known], exact[is_known], rtol=1e-3, atol=1e-4)
    sums = ials.contributions(history, songs).sum(axis=2)[0]
    np.testing.assert_allclose(sums[is_known], ours[is_known], rtol=1e-3, atol=1e-4)


@pytest.mark.parametrize("length", [N_FACTORS - 1, 5 * N_FACTORS])
def test_no_system_is_larger_than_the_smaller_side(ials, strengths, length):
    """Of 5,000 songs and 256 factors one of 5,000 x 5,000 was inverted, which took seconds for each list."""
    side = min(length, N_FACTORS)
    (solved,) = ials._solve_histories(make_history(strengths, length))
    assert solved.inverse.shape == (1, side, length)
    assert solved.scaled.shape == (1, side, N_FACTORS)
