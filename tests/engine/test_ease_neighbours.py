"""EASE with each song learned from the songs it is heard with most."""

import numpy as np
import pytest
from scipy.sparse import csr_matrix

from recommendations.engine import PRESETS, DataSize, TrainingData, Weighting
from recommendations.engine.algorithms import create_algorithm
from recommendations.engine.algorithms.ease_equations import EaseEquations
from recommendations.engine.core.machine import GB
from tests.engine.worlds import taste_world

PLUS = {"song_weight": 0.5, "denoising": 0.3, "popularity_discount": 0.1, "regularization": 10.0}
TINY = 40 * 40 * 4 * 1.4 / GB
"""Memory of a solve with a side of 40."""


@pytest.fixture(scope="module")
def data():
    interactions, features = taste_world(n_listeners=300, n_items=160)
    return TrainingData(interactions.to_matrix(Weighting()), features, interactions)


def fit(data, **options):
    return create_algorithm("ease", {**PLUS, **options}).fit(data, seed=1)


@pytest.mark.parametrize("memory_gb", [None, TINY])
@pytest.mark.parametrize("options", [{}, {"song_weight": 0.0, "denoising": 0.0}])
def test_with_all_songs_as_neighbours_it_is_the_exact_ease(options, memory_gb):
    rng = np.random.default_rng(4)
    liked = csr_matrix((rng.random((90, 30)) < 0.4).astype(np.float32))
    near = fit(TrainingData(liked), n_neighbours=30, memory_gb=memory_gb, **options)
    # every two songs have a listener in common, so none is left out
    assert ((liked.T @ liked).toarray() > 0).all()
    exact = fit(TrainingData(liked), **options)
    np.testing.assert_allclose(near.links_.toarray(), exact.links_.toarray(), rtol=1e-3, atol=1e-5)


@pytest.mark.parametrize("memory_gb", [None, TINY])
def test_the_links_to_a_song_solve_its_equations_among_its_neighbours(data, memory_gb):
    near = fit(data, n_neighbours=7, memory_gb=memory_gb)
    heard = np.flatnonzero(near.learned_)
    equations = EaseEquations.build(data.strengths, heard, near)
    weighted = equations.weighted.toarray().astype(np.float64)
    gram = weighted.T @ weighted
    closeness = gram / np.sqrt(np.diag(gram) + equations.diagonal)[:, None]
    np.fill_diagonal(closeness, -1)
    for song in (0, 11, 57):
        neighbours = np.sort(np.argsort(-closeness[:, song])[:7])
        among = np.ix_(neighbours, neighbours)
        system = gram[among] + np.diag(equations.diagonal[neighbours])
        links = np.linalg.solve(system, gram[neighbours, song])
        links *= equations.incoming[neighbours] * equations.outgoing[song]
        column = near.links_[:, [heard[song]]].tocoo()
        np.testing.assert_array_equal(np.sort(column.row), heard[neighbours])
        np.testing.assert_allclose(
            near.links_[heard[neighbours]][:, [heard[song]]].toarray()[:, 0], links, rtol=2e-3
        )


def test_no_more_links_are_kept_than_asked_for(data):
    near = fit(data, n_neighbours=50, n_links=9)
    assert near.links_.getnnz(axis=0).max() == 9


def test_a_song_that_is_heard_with_no_other_has_no_link_and_no_score_of_its_own():
    liked = csr_matrix(np.array([[1, 1, 0], [1, 1, 0], [0, 0, 1]], dtype=np.float32))
    near = fit(TrainingData(liked), n_neighbours=2)
    assert near.links_.getnnz(axis=0).tolist() == [1, 1, 0]
    assert near.score(liked)[2, :2].tolist() == [0.0, 0.0]


def test_beyond_the_memory_every_heard_song_is_scored_and_the_log_says_how(caplog):
    """The songs with the fewest listeners used to be cut off, then to be linked by an approximation."""
    wide, _ = taste_world(n_listeners=500, n_items=500)
    data = TrainingData(wide.to_matrix(Weighting()))
    ease = fit(data, memory_gb=TINY)
    heard = np.bincount(data.strengths.indices, minlength=data.n_items) > 0
    assert np.isfinite(ease.score(data.strengths)[:, heard]).all()
    assert (ease.links_.getnnz(axis=0)[heard] > 0).all()
    assert f"for {heard.sum()} songs at once" in caplog.text
    assert "the 200 songs it is heard with most" in caplog.text
    np.testing.assert_array_equal(
        ease.links_.toarray(), fit(data, n_neighbours=200, memory_gb=TINY).links_.toarray()
    )


def test_a_version_of_before_keeps_its_exact_links_and_says_what_it_leaves_out(data, caplog):
    """Versions before 0.6.0 stored an approximate form of the songs that did not fit beside the exact links."""
    state = fit(data).state()
    state["learned"][60:] = False
    old = {**state, "low_rank.learned": np.ones(data.n_items, dtype=bool)}
    options = create_algorithm("ease", PLUS).options()
    restored = type(create_algorithm("ease", PLUS)).from_state(options, old)
    scores = restored.score(data.strengths)
    assert np.isnan(scores[:, 60:]).all()
    assert np.isfinite(scores[:, :60]).any()
    assert "leaves these out until the next training" in caplog.text
    assert f"for {data.n_items - state['learned'].sum()} of its songs" in caplog.text


def test_with_neighbours_a_fit_grows_with_the_songs_and_not_with_their_square():
    ease = create_algorithm("ease", {"n_neighbours": 100})
    one, two = (ease.fit_bytes(DataSize(n, n, 10 * n, 10 * n)) for n in (10**6, 2 * 10**6))
    assert two == pytest.approx(2 * one, rel=1e-6)
    assert PRESETS["standard"].components["ease"]["n_neighbours"] <= 300


def test_no_neighbours_are_refused():
    with pytest.raises(ValueError, match="n_neighbours must be at least 1 or None, not 0"):
        create_algorithm("ease", {"n_neighbours": 0})
