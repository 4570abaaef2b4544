"""Estimates of features that nobody measured, and intervals that hold what they promise."""

import numpy as np
import pytest
from scipy.sparse import csr_matrix

from recommendations.engine import (
    NO_GENRE,
    ItemFeatures,
    Recommender,
    Weighting,
    World,
    can_estimate,
    estimate_features,
    measure_coverage,
)
from recommendations.engine.estimation.conformal import ANY, compute_widths, find_quantile
from recommendations.engine.estimation.feature_estimates import FEWEST_KNOWN
from recommendations.engine.estimation.predictors import Evidence, predict_features
from recommendations.engine.estimation.song_factors import compute_song_factors, find_neighbours
from tests.engine.worlds import checkerboard, taste_world

LEVEL = 0.9
N_SONGS = 4_000


def in_chance(n: int) -> float:
    """Three standard deviations of a share of 0.9 among n values, and the two points that may be missed."""
    return 0.02 + 3 * (LEVEL * (1 - LEVEL) / n) ** 0.5


@pytest.fixture(scope="module")
def half_known():
    """A world of which 40 % of the songs are not analysed; one of the two sources is noisy."""
    world = World(n_listeners=800, n_songs=N_SONGS, seed=3)
    features = world.item_features()
    rng = np.random.default_rng(0)
    source = np.repeat((rng.random(N_SONGS) < 0.5)[:, None].astype(np.int32), 8, axis=1)
    noise = rng.normal(0, 1, features.audio.shape) * np.where(source == 0, 0.1, 0)
    noise[:, 7] *= 100
    truth = np.clip(features.audio + noise, 0, [1] * 7 + [300]).astype(np.float32)
    truth[:, 7] = np.maximum(truth[:, 7], 1)
    is_missing = rng.random(N_SONGS) < 0.4
    stated = np.where(is_missing[:, None], np.nan, truth).astype(np.float32)
    strengths = world.to_interactions().to_matrix(Weighting())
    return (
        ItemFeatures(stated, features.artist, features.genres),
        source,
        strengths,
        truth,
        is_missing,
    )


@pytest.fixture(scope="module")
def report(half_known):
    features, source, strengths, _truth, _missing = half_known
    return measure_coverage(features, source, strengths, seed=1)


def test_nine_of_ten_hidden_values_are_in_their_interval(report):
    """90 ± 2 % over all, and by source and genre as near as their numbers tell."""
    n, held = report.overall.n_tested, report.overall.n_held
    assert n == sum(one.n_tested for one in report.by_feature.values())
    assert n == sum(one.n_tested for one in report.by_source.values())
    assert n == sum(one.n_tested for one in report.by_genre.values())
    assert abs(held / n - LEVEL) <= 0.02
    assert set(report.by_source) == {0, 1}
    for groups in (report.by_feature, report.by_source, report.by_genre):
        for name, one in groups.items():
            # the values of a song are not independent: as many as there are songs
            n_songs = one.n_tested if groups is report.by_feature else one.n_tested // 8
            assert abs(one.share - LEVEL) <= in_chance(n_songs), name


def test_estimates_are_nearer_than_the_mean_of_all(report):
    assert len(report.errors) == 8
    for name, error in report.errors.items():
        assert error < report.plain_errors[name], name


def test_only_what_is_unknown_is_estimated_within_its_interval_and_range(half_known):
    features, source, strengths, truth, is_missing = half_known
    estimates = estimate_features(features, source, strengths, seed=1)
    is_estimated = np.isfinite(estimates.values)
    np.testing.assert_array_equal(is_estimated, np.repeat(is_missing[:, None], 8, axis=1))
    assert (estimates.low <= estimates.values)[is_estimated].all()
    assert (estimates.values <= estimates.high)[is_estimated].all()
    assert estimates.low[is_estimated].min() >= 0
    assert estimates.high[:, :7][is_estimated[:, :7]].max() <= 1
    # the truth of what nobody measured, by the source that the estimates speak for
    commonest = int(np.bincount(source[~is_missing, 0]).argmax())
    of_it = is_estimated & (source == commonest)
    holds = (truth >= estimates.low) & (truth <= estimates.high)
    assert abs(holds[of_it].mean() - LEVEL) <= in_chance(int(of_it[:, 0].sum()))
    described = estimates.describe(int(np.flatnonzero(is_missing)[0]))
    assert set(described) == {
        "acousticness", "danceability", "energy", "instrumentalness", "liveness", "speechiness", "valence", "tempo",
    }  # fmt: skip
    filled = estimates.fill(features)
    np.testing.assert_array_equal(filled.audio[~is_missing], features.audio[~is_missing])
    assert np.isfinite(filled.audio).all()


def test_a_hidden_value_is_in_nothing_that_estimates_it(half_known):
    """Known values of tested songs may be anything: what is said of the others stays the same."""
    features, _source, strengths, _truth, is_missing = half_known
    evidence = Evidence.gather(features, strengths)
    is_taught = np.isfinite(features.audio)
    song = int(np.flatnonzero(~is_missing)[5])
    is_taught[song] = False
    before = predict_features(evidence, features.audio, is_taught)
    other = features.audio.copy()
    other[song] = 0.5
    np.testing.assert_array_equal(predict_features(evidence, other, is_taught), before)


def test_a_song_is_predicted_from_its_artist():
    """Two artists, one always 0.2, one always 0.8: a song without a value is near its artist's."""
    n = 400
    artist = np.arange(n) % 2
    audio = np.full((n, 8), np.nan, dtype=np.float32)
    audio[20:, 2] = np.where(artist[20:] == 0, 0.2, 0.8)
    features = ItemFeatures.build(audio, artist)
    sources = np.zeros((n, 8), dtype=np.int32)
    estimates = estimate_features(features, sources, csr_matrix((3, n), dtype=np.float32))
    energy = estimates.values[:20, 2]
    np.testing.assert_allclose(energy[0::2], 0.2, atol=0.02)
    np.testing.assert_allclose(energy[1::2], 0.8, atol=0.02)
    # nothing is known of the other features, and nothing is said about them
    assert np.isnan(np.delete(estimates.values, 2, axis=1)).all()


def test_too_little_is_known():
    n = 300
    audio = np.full((n, 8), np.nan, dtype=np.float32)
    audio[: FEWEST_KNOWN - 1] = 0.5
    features = ItemFeatures.build(audio)
    assert not can_estimate(features)
    nothing = csr_matrix((2, n), dtype=np.float32)
    estimates = estimate_features(features, np.zeros((n, 8), dtype=np.int32), nothing)
    assert np.isnan(estimates.values).all()
    audio[FEWEST_KNOWN - 1] = 0.5
    assert can_estimate(ItemFeatures.build(audio))
    assert not can_estimate(ItemFeatures.build(np.full((n, 8), 0.5)))


def test_the_quantile_is_the_one_that_a_new_score_stays_below():
    """Of 99 scores the ceil(100 * 0.9) = 90th; of 9 the 9th, of fewer the largest."""
    assert find_quantile(np.arange(1, 100, dtype=float)) == 90
    assert find_quantile(np.arange(1, 10, dtype=float)) == 9
    assert find_quantile(np.array([3.0, 1.0])) == 3


def test_a_small_group_takes_the_width_of_its_source():
    scores = np.concatenate([np.full(150, 1.0), np.full(120, 2.0), np.full(5, 9.0)])
    sources = np.repeat([0, 1, 0], [150, 120, 5]).astype(np.int32)
    genres = np.repeat([4, 4, 7], [150, 120, 5]).astype(np.int32)
    widths = compute_widths(scores, sources, genres)
    asked = np.array([[0, 4], [1, 4], [0, 7], [3, 4], [0, NO_GENRE]], dtype=np.int32)
    # of source 0 there are 155 scores, and the ceil(156 * 0.9) = 141st is 1; of all 275 the 249th is 2
    np.testing.assert_array_equal(widths.look_up(asked[:, 0], asked[:, 1]), [1, 2, 1, 2, 1])
    assert (0, 7) not in widths.by_group
    assert (ANY, ANY) in widths.by_group


def test_songs_that_the_same_people_hear_are_neighbours():
    factors = compute_song_factors(checkerboard(20))
    assert factors.shape[1] <= 20
    near = find_neighbours(factors, np.arange(20))
    rows, columns = near.nonzero()
    assert (rows != columns).all()
    strongest = np.asarray(near.argmax(axis=1)).ravel()
    np.testing.assert_array_equal(strongest % 2, np.arange(20) % 2)


def test_songs_that_nobody_heard_have_no_neighbours():
    factors = compute_song_factors(csr_matrix((4, 6), dtype=np.float32))
    assert find_neighbours(factors, np.arange(6)).nnz == 0


def test_estimates_are_saved_and_are_no_reasons(tmp_path):
    interactions, features = taste_world(n_items=240)
    audio = features.audio.copy()
    audio[:60] = np.nan
    features = ItemFeatures.build(audio, features.artist)
    strengths = interactions.to_matrix(Weighting())
    estimates = estimate_features(features, np.zeros((240, 8), dtype=np.int32), strengths)
    recommender = Recommender().fit(interactions, estimates.fill(features))
    recommender.estimates = estimates
    recommender.save(tmp_path / "one")
    again = Recommender.load(tmp_path / "one")
    for name, array in estimates.state().items():
        np.testing.assert_array_equal(again.estimates.state()[name], array)
    history = again.history(np.arange(200, 230))
    songs = again.recommend(history, k=100)
    named = {song.item_id for song in songs if song.explanation.features}
    assert named
    assert min(named) >= 60
    assert {song.item_id for song in songs} - named
    recommender.estimates = None
    named = {
        song.item_id for song in recommender.recommend(history, k=100) if song.explanation.features
    }
    assert min(named) < 60


# -- progress -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("make", [estimate_features, measure_coverage])
def test_progress_goes_from_0_to_its_end_and_an_exception_in_it_comes_out(half_known, make):
    features, source, strengths, _truth, _missing = half_known
    some = slice(0, 400)
    features = ItemFeatures(features.audio[some], features.artist[some], features.genres[some])
    arguments = features, source[some], csr_matrix(strengths[:, some])
    seen = []
    make(*arguments, on_progress=lambda done, total: seen.append((done, total)))
    assert seen == [(done, len(seen) - 1) for done in range(len(seen))]
    assert len(seen) > 5

    class Cancelled(Exception):
        pass

    def cancel(done, total):
        if done == 3:
            raise Cancelled

    with pytest.raises(Cancelled):
        make(*arguments, on_progress=cancel)
