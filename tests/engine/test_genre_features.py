"""How a candidate's genres are compared with those of the history."""

import numpy as np
import pytest
from scipy.sparse import csr_matrix

from recommendations.engine import ItemFeatures, TrainingData
from recommendations.engine.ranking.candidates import CandidateBatch
from recommendations.engine.ranking.genre_features import compute_affinity, compute_nearest
from recommendations.engine.ranking.ranker_features import ItemTable

HALF = 0.5**0.5
GENRES = csr_matrix(
    np.array([[1, 0, 0], [0, 1, 0], [HALF, HALF, 0], [0, 0, 1], [0, 0, 0]], dtype=np.float32)
)
BOTH_KINDS = csr_matrix(np.array([[1, 1, 0, 0, 0]], dtype=np.float32))


def list_candidates(*songs: int) -> CandidateBatch:
    return CandidateBatch(np.array([0, len(songs)]), np.array(songs, dtype=np.int32))


def test_the_nearest_song_tells_two_kinds_of_music_from_their_mean():
    candidates = list_candidates(0, 2, 3)
    nearest, mean = compute_nearest(GENRES, BOTH_KINDS, candidates)
    np.testing.assert_allclose(nearest, [1, HALF, 0], rtol=1e-6)
    np.testing.assert_allclose(mean, [(1 + 0) / 2, (HALF + HALF) / 2, 0], rtol=1e-6)
    # the mean of the history is nearest to the song that is half of each
    affinity = compute_affinity(GENRES, BOTH_KINDS, candidates)[0]
    np.testing.assert_allclose(affinity, [HALF, 1, 0], rtol=1e-6)


def test_at_most_the_three_nearest_songs_count():
    genres = csr_matrix(np.array([[1, 0], [1, 0], [1, 0], [0, 1], [1, 0]], dtype=np.float32))
    history = csr_matrix(np.array([[1, 1, 1, 1, 0]], dtype=np.float32))
    nearest, mean = compute_nearest(genres, history, list_candidates(4))
    assert nearest[0] == mean[0] == 1


def test_what_has_no_genres_is_unknown():
    nearest, mean = compute_nearest(GENRES, BOTH_KINDS, list_candidates(4))
    assert np.isnan([nearest[0], mean[0]]).all()
    without = csr_matrix(np.array([[0, 0, 0, 0, 1]], dtype=np.float32))
    nearest, mean = compute_nearest(GENRES, without, list_candidates(0))
    assert np.isnan([nearest[0], mean[0]]).all()


def test_a_listener_is_described_as_when_alone():
    rng = np.random.default_rng(0)
    histories = csr_matrix((rng.random((4, 5)) < 0.5).astype(np.float32))
    songs = np.array([0, 2, 3], dtype=np.int32)
    together = CandidateBatch(np.arange(0, 13, 3), np.tile(songs, 4))
    columns = compute_nearest(GENRES, histories, together)
    for row in range(4):
        alone = compute_nearest(GENRES, histories[row], list_candidates(*songs))
        for column, own in zip(columns, alone, strict=True):
            np.testing.assert_array_equal(column[3 * row : 3 * row + 3], own)


@pytest.mark.parametrize("is_old", [False, True])
def test_a_table_of_an_older_release_compares_no_single_songs(is_old):
    features = ItemFeatures.build(n_items=5, genres=GENRES)
    table = ItemTable.learn(TrainingData(BOTH_KINDS, features), {}, seed=0)
    state = table.state()
    if is_old:
        del state["compares_genres"]
    again = ItemTable.from_state(state)
    n_features = len(table.feature_names(("ease",)))
    assert len(again.feature_names(("ease",))) == n_features - (2 if is_old else 0)
    scores = [np.zeros(2, dtype=np.float32)]
    described = again.describe(BOTH_KINDS, list_candidates(2, 3), scores)
    assert described.shape[1] == len(again.feature_names(("ease",)))


def test_long_histories_are_compared_in_blocks_of_listeners():
    """So many candidates and songs that no two listeners fit into one block."""
    rng = np.random.default_rng(0)
    genres = csr_matrix(np.eye(4, dtype=np.float32)[rng.integers(0, 4, 3000)])
    histories = csr_matrix((rng.random((3, 3000)) < 0.5).astype(np.float32))
    songs = np.arange(3000, dtype=np.int32)
    candidates = CandidateBatch(np.array([0, 3000, 6000, 9000]), np.tile(songs, 3))
    nearest, mean = compute_nearest(genres, histories, candidates)
    assert (nearest == 1).all()  # every genre was heard hundreds of times
    assert mean == pytest.approx(1)


def test_comparing_leaves_histories_as_they_are():
    """The last song has no genres: it is left out of the comparison, not out of the history."""
    histories = csr_matrix(np.array([[0, 1, 0, 0, 1], [1, 0, 0, 0, 1]], dtype=np.float32))
    before = histories.copy()
    candidates = CandidateBatch(np.array([0, 1, 2]), np.array([2, 2], dtype=np.int32))
    nearest, mean = compute_nearest(GENRES, histories, candidates)
    assert nearest.tolist() == pytest.approx([HALF, HALF])
    assert mean.tolist() == pytest.approx([HALF, HALF])
    assert histories.indices.tolist() == before.indices.tolist()
    assert histories.indptr.tolist() == before.indptr.tolist()
