"""What songs sound like, and what many listen to."""

import numpy as np
import pytest
from scipy.sparse import csr_matrix

from recommendations.engine import Interactions, ItemFeatures, Kind, TrainingData, Weighting
from recommendations.engine.algorithms.content import Content
from recommendations.engine.algorithms.popularity import Popularity
from tests.engine.worlds import DAY, NOW


def fit_content(audio) -> Content:
    raw = np.array(audio, dtype=np.float32)
    raw[:, 7] = 60 + 120 * raw[:, 7]
    features = ItemFeatures.build(raw)
    return Content(transform="identity").fit(
        TrainingData(csr_matrix((1, len(raw)), dtype=np.float32), features)
    )


def history(n: int, **values: float) -> csr_matrix:
    rows = {int(song.removeprefix("song")): value for song, value in values.items()}
    matrix = np.zeros((1, n), dtype=np.float32)
    for song, value in rows.items():
        matrix[0, song] = value
    return csr_matrix(matrix)


def song(**features: float) -> list[float]:
    names = ["a", "b", "c", "d", "e", "f", "g", "h"]
    return [features.get(name, 0.0) for name in names]


def test_the_score_is_the_cosine_to_the_weighted_mean():
    content = fit_content([song(a=1), song(b=1), song(a=1, b=1)])
    scores = content.score(history(3, song0=3, song1=1))[0]
    length = np.hypot(3, 1)
    expected = [3 / length, 1 / length, (3 + 1) / (length * np.sqrt(2))]
    np.testing.assert_allclose(scores, expected, rtol=1e-6)


def test_dislikes_are_left_out_of_the_mean():
    content = fit_content([song(a=1), song(b=1)])
    np.testing.assert_allclose(content.score(history(2, song0=1, song1=-5))[0], [1, 0], atol=1e-6)


def test_features_known_on_one_side_only_are_left_out():
    nan = np.nan
    content = fit_content([song(a=1, b=1), [1, nan, nan, nan, nan, nan, nan, nan], song(b=1)])
    scores = content.score(history(3, song0=1))[0]
    np.testing.assert_allclose(scores, [1, 1, 1 / np.sqrt(2)], rtol=1e-6)


def test_songs_without_features_are_not_scored():
    content = fit_content([song(a=1), [np.nan] * 8])
    scores = content.score(history(2, song0=1))[0]
    assert scores[0] == pytest.approx(1)
    assert np.isnan(scores[1])
    assert np.isnan(content.score(history(2, song1=1))).all()


def test_the_mean_of_a_feature_is_over_the_songs_that_have_it():
    content = fit_content([[0.2] + [np.nan] * 7, [0.4] + [0.6] * 7])
    np.testing.assert_allclose(
        content.profiles(history(2, song0=1, song1=1))[0], [0.3] + [0.6] * 7, rtol=1e-5
    )


def test_songs_that_pull_towards_the_recommended_one_are_named():
    content = fit_content([song(a=1), song(b=1), song(a=0.9, b=0.1)])
    towards, away = content.explain(history(3, song0=1, song1=1), 2)
    assert towards > 0 > away
    assert towards + away == pytest.approx(0, abs=1e-6)


def fit_popularity(interactions: Interactions) -> Popularity:
    strengths = interactions.to_matrix(Weighting())
    return Popularity(half_life_days=10).fit(TrainingData(strengths, None, interactions))


def test_an_event_counts_half_after_a_half_life():
    interactions = Interactions.from_ids(
        [1, 2, 3],
        [0, 1, 1],
        timestamps=[NOW, NOW - 10 * DAY, NOW - 20 * DAY],
        all_item_ids=[0, 1, 2],
    )
    assert fit_popularity(interactions).trend_.tolist() == [1, 1 / 2 + 1 / 4, 0]


def test_dislikes_and_skips_do_not_make_a_song_popular():
    interactions = Interactions.from_ids(
        [1, 2, 3], [0, 0, 0], kinds=[Kind.PLAY, Kind.DISLIKE, Kind.SKIP], timestamps=[NOW] * 3
    )
    popularity = fit_popularity(interactions)
    assert popularity.trend_.tolist() == [1]
    assert popularity.n_listeners_.tolist() == [1]


def test_many_plays_by_one_listener_are_one_listener():
    interactions = Interactions.from_ids([1, 2, 3], [0, 1, 1], plays=[5000, 1, 1])
    assert fit_popularity(interactions).trend_.tolist() == [1, 2]


def test_without_times_the_all_time_count_decides():
    interactions = Interactions.from_ids([1, 2, 3], [0, 1, 1])
    popularity = fit_popularity(interactions)
    assert popularity.score(csr_matrix((1, 2), dtype=np.float32)).tolist() == [[1, 2]]
    assert not popularity.is_trending_.any()


def test_what_is_heard_lately_trends_and_what_was_heard_once_does_not():
    old = [NOW - 300 * DAY] * 5
    interactions = Interactions.from_ids(
        range(8), [0, 0, 0, 0, 0, 1, 1, 2], timestamps=[*old, NOW, NOW, NOW]
    )
    popularity = fit_popularity(interactions)
    assert popularity.is_trending_.tolist() == [False, True, True]
    assert popularity.n_recent_.tolist() == [0, 2, 1]


def test_a_half_life_of_nothing_is_refused():
    with pytest.raises(ValueError, match="half_life_days must be above 0"):
        Popularity(half_life_days=0)


def fit_groups(**options: float) -> Content:
    """Three songs without sound: two of artist 0, the last of nobody known; genres (rock), (rock, jazz), none."""
    genres = csr_matrix(np.array([[1, 0], [1, 1], [0, 0]], dtype=np.float32))
    features = ItemFeatures.build(artist=[0, 0, -1], genres=genres)
    data = TrainingData(csr_matrix((1, 3), dtype=np.float32), features)
    return Content(transform="identity", **options).fit(data)


def test_the_part_of_the_history_by_the_artist_is_added():
    scores = fit_groups(artist=2.0).score(history(3, song0=3, song2=1))[0]
    # three quarters of the history are by artist 0; of the last song nothing is known
    np.testing.assert_allclose(scores, [2 * 0.75, 2 * 0.75, np.nan])


def test_genres_count_by_their_cosine_and_rare_ones_more():
    rock, jazz = np.log1p(3 / 2), np.log1p(3 / 1)
    scores = fit_groups(genre=1.0).score(history(3, song0=1))[0]
    np.testing.assert_allclose(scores, [1, rock / np.hypot(rock, jazz), np.nan], rtol=1e-6)


def test_what_a_song_is_like_is_known_by_artist_and_genre_without_any_sound():
    """Songs like one were unknown where songs have no audio features."""
    genres = csr_matrix(np.array([[1, 0], [1, 0], [0, 1], [0, 1], [1, 0]], dtype=np.float32))
    features = ItemFeatures.build(artist=[0, 0, 1, 2, 3], genres=genres)
    matrix = csr_matrix(np.eye(5, dtype=np.float32))
    algorithm = Content(artist=1.0, genre=0.5).fit(TrainingData(matrix, features))
    alike = algorithm.similar(0)
    # the same artist and genre, then the same genre alone, then nothing
    assert alike[1] > alike[4] > alike[2] == alike[3] == 0
    assert np.isnan(Content().fit(TrainingData(matrix, features)).similar(0)).all()


def test_without_a_wish_for_artists_and_genres_only_the_sound_counts():
    assert np.isnan(fit_groups().score(history(3, song0=1))).all()
    with pytest.raises(ValueError, match="artist and genre must be at least 0"):
        Content(artist=-1.0)


def test_artists_and_genres_come_back_from_the_saved_arrays():
    content = fit_groups(artist=1.0, genre=0.5)
    again = Content.from_state(content.options(), content.state())
    asked = history(3, song0=1, song1=2)
    np.testing.assert_array_equal(again.score(asked), content.score(asked))
