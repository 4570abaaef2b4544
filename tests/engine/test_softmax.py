"""The softmax over the catalogue: its slopes, its samples, and what it refuses."""

import numpy as np
import pytest
from scipy.sparse import csr_matrix

from recommendations.engine import ItemFeatures, TrainingData
from recommendations.engine.algorithms import create_algorithm
from recommendations.engine.algorithms.softmax import _Adam, _Batch, _Sampler

LIKED = csr_matrix(np.array([[1, 1, 1, 0, 0], [0, 0, 1, 1, 0], [0, 1, 0, 0, 1]], dtype=np.float32))


def draw(n_sampled: int = 1000, seed: int = 0) -> _Batch:
    sampler = _Sampler.count(LIKED, 3, n_sampled)
    rng = np.random.default_rng(seed)
    return _Batch.draw(LIKED, np.arange(3), "binary", 0.5, sampler, rng)


def compute_loss(
    batch: _Batch, inputs: np.ndarray, outputs: np.ndarray, weights: np.ndarray
) -> float:
    """The weighted mean over listeners of the mean of -log softmax over their songs, as the docstring says it."""
    own = batch.given @ inputs
    own = own / np.linalg.norm(own, axis=1, keepdims=True)
    units = outputs / np.linalg.norm(outputs, axis=1, keepdims=True)
    logits = own @ units.T / 0.14 + batch.correction
    log_chance = logits - np.log(np.exp(logits).sum(axis=1, keepdims=True))
    of_listener = [
        -log_chance[row, batch.columns[batch.rows == row]].mean() for row in range(len(weights))
    ]
    return float((weights * of_listener).sum() / len(weights))


def test_slopes_are_those_of_the_loss():
    rng = np.random.default_rng(1)
    batch, weights = draw(), np.array([1, 2, 0.5], dtype=np.float32)
    inputs = rng.normal(0, 1, (len(batch.given_songs), 3))
    outputs = rng.normal(0, 1, (len(batch.songs), 3))
    slopes = batch.compute_slopes(
        inputs.astype(np.float32), outputs.astype(np.float32), weights, 0.14
    )
    for values, slope in zip((inputs, outputs), slopes, strict=True):
        for index in np.ndindex(values.shape):
            ends = []
            for change in (1e-5, -1e-5):
                values[index] += change
                ends.append(compute_loss(batch, inputs, outputs, weights))
                values[index] -= change
            assert slope[index] == pytest.approx((ends[0] - ends[1]) / 2e-5, abs=1e-3)


def test_each_listener_gives_at_least_one_song_and_finds_all():
    for seed in range(20):
        batch = draw(seed=seed)
        assert (np.diff(batch.given.indptr) >= 1).all()
        combined = csr_matrix(
            (np.ones(len(batch.rows)), (batch.rows, batch.songs[batch.columns])), shape=LIKED.shape
        )
        assert (combined.toarray() == LIKED.toarray()).all()


def test_a_small_catalogue_is_never_sampled():
    batch = draw(n_sampled=3)
    assert batch.songs.tolist() == [0, 1, 2, 3, 4]
    assert not batch.correction.any()


def test_a_song_of_a_sample_counts_by_how_rarely_it_is_drawn():
    """Two of three listeners have song 2; a batch of 3 with 1 of 5 songs at random misses it (4/5) * (1/3)^3 times."""
    sampler = _Sampler.count(LIKED, 3, 1)
    assert sampler.correction[2] == pytest.approx(-np.log(1 - 4 / 5 * (1 / 3) ** 3))
    songs = sampler.draw(LIKED.indices, np.random.default_rng(0))
    assert set(songs.tolist()) >= set(LIKED.indices.tolist())


def test_a_step_changes_only_the_songs_of_the_batch():
    values = np.ones((4, 2), dtype=np.float32)
    adam = _Adam(values)
    adam.step(np.array([1, 3]), np.array([[2, -2], [0, 5]], dtype=np.float32), 0.1)
    # the first step of Adam is the rate against the sign of the slope
    expected = np.ones((4, 2)) - 0.1 * np.array([[0, 0], [1, -1], [0, 0], [0, 1]])
    np.testing.assert_allclose(values, expected, atol=1e-6)


def test_without_weight_artists_teach_nothing():
    features = ItemFeatures.build(n_items=5, artist=np.array([0, 0, 1, 1, -1]))
    data = TrainingData(LIKED, features)
    alone = create_algorithm("softmax", {"n_factors": 4}).fit(TrainingData(LIKED))
    unaware = create_algorithm("softmax", {"n_factors": 4}).fit(data)
    with_artists = create_algorithm("softmax", {"n_factors": 4, "side_information": 1.0}).fit(data)
    np.testing.assert_array_equal(alone.score(LIKED), unaware.score(LIKED))
    assert not np.allclose(alone.score(LIKED), with_artists.score(LIKED))


def test_a_world_where_each_listener_has_one_song_is_harmless():
    data = TrainingData(csr_matrix(np.eye(6, dtype=np.float32)))
    scores = create_algorithm("softmax", {"n_factors": 4}).fit(data).score(data.strengths)
    assert np.isfinite(scores).all()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"n_factors": 0}, "must be at least 1, not 0, 8 and 3000"),
        ({"temperature": 0.0}, "must be above 0, not 0.0 and 0.02"),
        ({"kept": 1.0}, "kept must be above 0 and below 1, not 1.0"),
    ],
)
def test_impossible_settings_are_refused_in_a_sentence(options, message):
    with pytest.raises(ValueError, match=message):
        create_algorithm("softmax", options)
