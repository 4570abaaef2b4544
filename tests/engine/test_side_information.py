"""What is known of the songs margin_ratios the algorithms that learn from listens."""

import numpy as np
import pytest
from scipy.sparse import csr_matrix

from recommendations.engine import ItemFeatures, TrainingData
from recommendations.engine.algorithms import create_algorithm
from recommendations.engine.data.side_information import (
    MOST_SONGS,
    add_side_information,
    has_side_information,
)

OPTIONS = {
    "als": {"n_factors": 2, "regularization": 1.0, "alpha": 5.0, "transform": "binary"},
    "ease": {"regularization": 1.0},
    "item_knn": {"similarity": "cosine"},
}


@pytest.fixture
def listens():
    """Two tastes: songs 0 to 2 and songs 3 to 5. Nobody has heard song 6, which is by the artist of 3 to 5."""
    one, other = [1, 1, 1, 0, 0, 0, 0], [0, 0, 0, 1, 1, 1, 0]
    return csr_matrix(np.array([one, other] * 6, dtype=np.float32))


@pytest.fixture
def features():
    return ItemFeatures.build(artist=[0, 0, 0, 1, 1, 1, 1])


@pytest.mark.parametrize("name", OPTIONS)
def test_a_song_nobody_heard_is_found_by_its_artist(name, listens, features):
    histories = csr_matrix(np.array([[0, 0, 0, 1, 1, 0, 0]], dtype=np.float32))
    data = TrainingData(listens, features)
    alone = create_algorithm(name, OPTIONS[name]).fit(data).score(histories)[0]
    scores = (
        create_algorithm(name, {**OPTIONS[name], "side_information": 1.0})
        .fit(data)
        .score(histories)[0]
    )
    assert np.isnan(alone[6])
    assert scores[6] > np.nanmax(scores[:3])


def test_each_artist_and_genre_is_one_more_listener(listens):
    genres = csr_matrix(np.array([[1, 0]] * 2 + [[0, 0]] * 4 + [[0, 1]], dtype=bool))
    features = ItemFeatures.build(artist=[0, 0, 0, -1, -1, 5, 6], genres=genres)
    extended = add_side_information(listens, features, 2.0)
    # artists 5 and 6 and the second genre have one song each and say nothing about what belongs together
    assert extended.toarray()[12:].tolist() == [[2, 2, 2, 0, 0, 0, 0], [2, 2, 0, 0, 0, 0, 0]]
    assert (extended[:12] != listens).nnz == 0


def test_the_listens_stay_as_they_are_without_anything_to_tell(listens, features):
    assert add_side_information(listens, features, 0.0) is listens
    assert add_side_information(listens, None, 1.0) is listens
    nothing = ItemFeatures.build(n_items=7)
    assert not has_side_information(nothing)
    assert add_side_information(listens, nothing, 1.0) is listens


def test_a_genre_of_very_many_songs_is_not_told():
    n = MOST_SONGS + 1
    features = ItemFeatures.build(genres=csr_matrix(np.ones((n, 1), dtype=bool)))
    assert not has_side_information(features)
