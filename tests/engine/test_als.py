"""Alternating least squares: implicit's guards and the exactness of what is solved here."""

import numpy as np
import pytest
from implicit.cpu.als import AlternatingLeastSquares
from scipy.sparse import csr_matrix
from threadpoolctl import threadpool_limits

from recommendations.engine import NotEnoughData, TrainingData, Weighting
from recommendations.engine.algorithms.als import ALS
from recommendations.engine.core.weighting import compute_confidence_matrix
from tests.engine.worlds import checkerboard_data, taste_world


@pytest.fixture(scope="module")
def strengths() -> csr_matrix:
    return taste_world()[0].to_matrix(Weighting())


@pytest.fixture(scope="module")
def als(strengths) -> ALS:
    return ALS(n_factors=16).fit(TrainingData(strengths), seed=1)


def exact_factors(als: ALS, history: np.ndarray) -> np.ndarray:
    """Equation 4 of Hu, Koren and Volinsky, written out."""
    songs = als.item_factors_.astype(np.float64)
    c = np.where(history != 0, 1 + als.alpha * np.abs(history), 1)
    p = (history > 0).astype(np.float64)
    a = songs.T @ np.diag(c) @ songs + als.regularization * np.eye(als.n_factors)
    return np.linalg.solve(a, songs.T @ (c * p))


def test_fold_in_is_the_exact_solution(als, strengths):
    """T34: equal to the exact solve to 1e-5, also with one more like, and with dislikes."""
    for listener in range(5):
        history = strengths[listener].toarray()[0].astype(np.float64)
        for song, value in ((listener, 3), (listener + 50, -1)):
            history[song] = value
            ours = als.fold_in(csr_matrix(history[None], dtype=np.float32))[0]
            np.testing.assert_allclose(ours, exact_factors(als, history), rtol=1e-4, atol=1e-5)


def test_fold_in_agrees_with_implicit(als, strengths):
    """T35"""
    model = AlternatingLeastSquares(factors=16, regularization=als.regularization, alpha=1.0)
    model.item_factors = als.item_factors_.copy()
    theirs = model.recalculate_user(
        np.arange(10), compute_confidence_matrix(strengths[:10], alpha=als.alpha)
    )
    np.testing.assert_allclose(als.fold_in(strengths[:10]), theirs, rtol=0.02, atol=2e-3)


def test_the_contributions_of_the_history_sum_to_the_score(als, strengths):
    songs = np.array([[3, 77, 41]] * 20, dtype=np.int32)
    sums = als.contributions(strengths[:20], songs).sum(axis=2)
    np.testing.assert_allclose(sums, als.score_items(strengths[:20], songs), rtol=1e-3, atol=1e-4)


def test_the_contributions_are_those_of_implicit(als, strengths):
    listener, song = int(np.flatnonzero(np.diff(strengths.indptr) > 5)[0]), 60
    model = AlternatingLeastSquares(factors=16, regularization=als.regularization, alpha=1.0)
    model.item_factors = als.item_factors_.copy()
    _, theirs, _ = model.explain(
        listener, compute_confidence_matrix(strengths, alpha=als.alpha), song, N=100
    )
    ours = dict(
        zip(
            strengths[listener].indices.tolist(),
            als.explain(strengths[listener], song),
            strict=True,
        )
    )
    assert {other for other, _amount in theirs} == set(ours)
    for other, amount in theirs:
        assert ours[other] == pytest.approx(amount, rel=0.02, abs=2e-3)


def test_the_influence_of_a_song_is_what_the_score_loses_without_it(als, strengths):
    listener = int(np.flatnonzero(np.diff(strengths.indptr) > 8)[0])
    history, song = strengths[listener], np.array([[60]], dtype=np.int32)
    influence = als.influences(history, song)[0, 0]
    before = als.score_items(history, song)[0, 0]
    for index in range(history.nnz):
        without = history.copy()
        without.data[index] = 0
        after = als.score_items(without, song)[0, 0]
        assert influence[index] == pytest.approx(before - after, rel=1e-3, abs=1e-4)


def test_a_dislike_lowers_the_score(als, strengths):
    liked = strengths[0].tolil()
    song = int(np.nanargmax(als.score(strengths[0])[0]))
    liked[0, song] = 0
    disliked = liked.copy()
    disliked[0, song] = -1
    assert als.score(csr_matrix(disliked))[0, song] < als.score(csr_matrix(liked))[0, song]


def test_same_seed_gives_identical_factors_with_one_thread_and_two(strengths):
    """T15."""
    factors = []
    for n_threads in (1, 2):
        with threadpool_limits(n_threads, "openmp"):
            factors.append(ALS(n_factors=8).fit(TrainingData(strengths), seed=5).item_factors_)
    assert np.array_equal(*factors)


def test_another_seed_gives_other_factors(strengths):
    first, second = (ALS(n_factors=8).fit(TrainingData(strengths), seed=seed) for seed in (1, 2))
    assert not np.array_equal(first.item_factors_, second.item_factors_)


def test_a_refit_with_more_listeners_has_no_nan(strengths):
    """A refit of one implicit object with more users gives NaN; ours makes a new one."""
    als = ALS(n_factors=8).fit(TrainingData(strengths[:50]))
    als.fit(TrainingData(strengths))
    assert np.isfinite(als.item_factors_).all()


def test_the_cpu_is_used_whatever_is_installed(monkeypatch, strengths):
    """implicit.als picks a GPU by what is installed; ours never imports it."""
    import sys

    monkeypatch.setitem(sys.modules, "implicit.als", None)
    assert ALS(n_factors=4).fit(TrainingData(strengths)).is_fitted


def test_a_gpu_is_used_only_when_asked_for_and_there(strengths):
    import implicit.gpu

    with pytest.raises(ValueError, match="device must be cpu or gpu, not 'cuda'"):
        ALS(device="cuda")
    als = ALS(n_factors=32, device="gpu")
    assert als.options()["device"] == "gpu"
    if implicit.gpu.HAS_CUDA:
        assert als.fit(TrainingData(strengths)).item_factors_.shape == (strengths.shape[1], 32)
    else:
        with pytest.raises(ValueError, match="finds no CUDA device here; set it to cpu"):
            als.fit(TrainingData(strengths))


def test_nothing_to_learn_from_is_said_plainly():
    """Empty data "succeeds" in implicit."""
    for nothing in (
        csr_matrix((3, 4), dtype=np.float32),
        -csr_matrix(np.ones((3, 4), dtype=np.float32)),
    ):
        with pytest.raises(NotEnoughData, match="Nobody liked or played anything yet"):
            ALS().fit(TrainingData(nothing))


def test_songs_that_nobody_heard_cannot_be_scored():
    data = checkerboard_data()
    strengths = data.strengths.tolil()
    strengths[:, 7] = 0
    als = ALS(n_factors=4).fit(TrainingData(csr_matrix(strengths)))
    assert np.isnan(als.score(data.strengths)[:, 7]).all()
    assert np.isnan(als.similar(7)).all()


def test_a_history_of_songs_that_nobody_heard_cannot_be_folded_in():
    data = checkerboard_data()
    strengths = data.strengths.tolil()
    strengths[:, 7] = 0
    als = ALS(n_factors=4).fit(TrainingData(csr_matrix(strengths)))
    only_new = csr_matrix(([1.0], ([0], [7])), shape=(1, 20), dtype=np.float32)
    assert np.isnan(als.score(only_new)).all()


def test_callbacks_count_the_iterations(strengths):
    seen = []
    ALS(n_factors=4, n_iterations=3).fit(
        TrainingData(strengths), on_progress=lambda *step: seen.append(step)
    )
    assert seen == [(0, 3), (1, 3), (2, 3), (3, 3)]


# -- regularisation that follows frequency ------------------------------------------------------------------------


@pytest.fixture(scope="module")
def frequency_als(strengths) -> ALS:
    als = ALS(n_factors=16, regularization=5.0, n_iterations=30, weighted_regularization=True)
    return als.fit(TrainingData(strengths), seed=1)


def solve_by_hand(als: ALS, history: np.ndarray) -> np.ndarray:
    """The equations of Zhou et al. 2008 with Hu, Koren and Volinsky's confidences, written out."""
    songs = als.item_factors_.astype(np.float64)
    c = np.where(history != 0, 1 + als.alpha * np.abs(history), 1)
    p = (history > 0).astype(np.float64)
    own = als.regularization * np.count_nonzero(history) / als.mean_length_
    return np.linalg.solve(
        songs.T @ np.diag(c) @ songs + own * np.eye(als.n_factors), songs.T @ (c * p)
    )


def test_a_listener_is_held_back_by_the_length_of_the_history(frequency_als, strengths):
    lengths = np.diff(strengths.indptr)
    assert frequency_als.mean_length_ == pytest.approx(lengths[lengths > 0].mean())
    rng = np.random.default_rng(3)
    for length in (1, 4, 16, 40):
        history = np.zeros(strengths.shape[1])
        history[rng.choice(strengths.shape[1], length, replace=False)] = rng.choice([2, -1], length)
        history[np.flatnonzero(history)[0]] = 2
        ours = frequency_als.fold_in(csr_matrix(history[None], dtype=np.float32))[0]
        np.testing.assert_allclose(
            ours, solve_by_hand(frequency_als, history), rtol=1e-4, atol=1e-5
        )


def test_songs_are_held_back_by_how_many_heard_them(frequency_als, strengths):
    """At the end a song's factors solve its own equations, with the listeners' of the end."""
    listeners = frequency_als.fold_in(strengths).astype(np.float64)
    listeners[np.isnan(listeners)] = 0
    matrix = strengths.toarray().astype(np.float64)
    counts = np.count_nonzero(matrix, axis=0)
    mean = counts[counts > 0].mean()
    # rows of about equal regularisation share one, hence only nearly
    for song in np.flatnonzero(counts)[:20]:
        c = np.where(matrix[:, song] != 0, 1 + frequency_als.alpha * np.abs(matrix[:, song]), 1)
        p = matrix[:, song] > 0
        own = frequency_als.regularization * counts[song] / mean
        system = listeners.T @ np.diag(c) @ listeners + own * np.eye(16)
        solved = np.linalg.solve(system, listeners.T @ (c * p))
        ours = frequency_als.item_factors_[song]
        assert np.linalg.norm(ours - solved) < 0.1 * np.linalg.norm(solved)


def test_reasons_are_exact_where_regularisation_follows_frequency(frequency_als, strengths):
    lengths = np.diff(strengths.indptr)
    songs = np.array([[60, 3]], dtype=np.int32)
    for length in (1, 9):
        history = strengths[np.flatnonzero(lengths >= length)[0]].copy()
        history = csr_matrix(
            (history.data[:length], history.indices[:length], [0, length]), history.shape
        )
        before = frequency_als.score_items(history, songs)[0]
        sums = frequency_als.contributions(history, songs)[0].sum(axis=1)
        np.testing.assert_allclose(sums, before, rtol=1e-3, atol=1e-5)
        influences = frequency_als.influences(history, songs)[0]
        for index in range(length):
            kept = np.arange(length) != index
            without = csr_matrix(
                (history.data[kept], history.indices[kept], [0, length - 1]), history.shape
            )
            after = frequency_als.score_items(without, songs)[0] if length > 1 else 0.0
            if history.data[index] > 0:
                np.testing.assert_allclose(
                    influences[:, index], before - after, rtol=1e-3, atol=1e-5
                )


def test_what_was_saved_solves_alike_and_a_warm_start_takes_three_iterations(
    frequency_als, strengths
):
    again = ALS.from_state(frequency_als.options(), frequency_als.state())
    np.testing.assert_array_equal(again.fold_in(strengths), frequency_als.fold_in(strengths))
    warm = ALS(**{**frequency_als.options(), "n_iterations": 15})
    assert warm.warm_start(frequency_als, np.arange(strengths.shape[1], dtype=np.int32))
    totals = []
    warm.fit(TrainingData(strengths), seed=1, on_progress=lambda done, total: totals.append(total))
    assert set(totals) == {3}
    near = np.corrcoef(
        warm.score(strengths[:50]).ravel(), frequency_als.score(strengths[:50]).ravel()
    )[0, 1]
    assert near > 0.98


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"device": "gpu"}, "needs the device cpu"),
        ({"regularization": 0.0}, "regularization must be above 0, not 0.0"),
    ],
)
def test_weighted_regularisation_refuses_what_it_cannot(options, sentence):
    with pytest.raises(ValueError, match=sentence):
        ALS(weighted_regularization=True, **options)
