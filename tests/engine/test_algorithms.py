"""The contract that every algorithm keeps. Algorithms are found by looking, so that none escapes."""

from dataclasses import replace

import numpy as np
import pytest
from scipy.sparse import csr_matrix

from recommendations.engine import (
    ALGORITHMS,
    Interactions,
    ItemFeatures,
    NotFitted,
    Prior,
    TrainingData,
    Weighting,
)
from recommendations.engine.algorithms import Algorithm, collect_algorithms, create_algorithm
from recommendations.engine.core.arrays import select_top_columns
from recommendations.engine.core.ordered import count_steps_back, keep_entries
from recommendations.engine.ranking.tree_ranker import hold_out
from tests.engine.worlds import checkerboard, checkerboard_data, taste_world

# What makes an algorithm small enough for a small world; the others take their defaults.
OPTIONS = {
    "ials": {"n_factors": 8, "regularization": 1.0},
    "als": {"n_factors": 8, "regularization": 1.0},
    "softmax": {"n_factors": 16},
}
NOT_PERSONAL = {"popularity"}
N = 20


@pytest.fixture(params=sorted(ALGORITHMS))
def name(request) -> str:
    return request.param


@pytest.fixture(params=sorted(set(ALGORITHMS) - NOT_PERSONAL))
def personal(request) -> str:
    return request.param


@pytest.fixture(
    params=sorted(name for name, algorithm in ALGORITHMS.items() if algorithm.names_songs)
)
def comparing(request) -> str:
    """Each algorithm that compares songs: it has similar ones and names those of the history."""
    return request.param


@pytest.fixture
def data() -> TrainingData:
    return checkerboard_data(N)


def add_prior(data: TrainingData) -> TrainingData:
    """Return the data with a prior of the same listens: as if listeners elsewhere had heard the same."""
    heard = csr_matrix(np.nan_to_num(data.strengths.toarray()) > 0, dtype=np.float32)
    keys = np.array([f"song {number}" for number in range(data.n_items)])
    return replace(data, prior=Prior.count(heard, keys, fewest_listeners=2).over(keys))


def fit(name: str, data: TrainingData, seed: int = 0):
    if name == "prior":
        data = add_prior(data)
    return create_algorithm(name, OPTIONS.get(name, {})).fit(data, seed=seed)


def same(a, b) -> bool:
    return np.array_equal(a, b, equal_nan=True)


def test_the_withheld_song_of_the_checkerboard_comes_first(personal, data):
    scores = fit(personal, data).score(data.strengths)
    scores[data.strengths.toarray() != 0] = np.nan
    assert select_top_columns(scores, 1)[:, 0].tolist() == list(range(N))


def test_scores_have_one_row_a_history_and_one_column_a_song(name, data):
    scores = fit(name, data).score(data.strengths[:3])
    assert scores.shape == (3, N)
    assert scores.dtype == np.float32


def test_batch_equals_one_by_one(name, data):
    algorithm = fit(name, data)
    batch = algorithm.score(data.strengths)
    one_by_one = np.vstack([algorithm.score(data.strengths[row]) for row in range(N)])
    np.testing.assert_allclose(batch, one_by_one, rtol=1e-5, atol=1e-6)


def test_scores_of_chosen_songs_are_those_of_all(name, data):
    algorithm = fit(name, data)
    chosen = np.array([[3, 0, -1], [7, 7, 2]], dtype=np.int32)
    of_all = algorithm.score(data.strengths[:2])
    scores = algorithm.score_items(data.strengths[:2], chosen)
    np.testing.assert_allclose(scores[0, :2], of_all[0, [3, 0]], rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(scores[1], of_all[1, [7, 7, 2]], rtol=1e-5, atol=1e-6)
    assert np.isnan(scores[0, 2])


def test_same_seed_same_answer(name, data):
    first, second = (fit(name, data, seed=3).score(data.strengths) for _ in range(2))
    assert same(first, second)


def test_a_second_fit_forgets_the_first(name, data):
    other = TrainingData(
        csr_matrix(np.eye(N, k=1, dtype=np.float32) + np.eye(N, dtype=np.float32)), data.features
    )
    algorithm = fit(name, other)
    algorithm.fit(add_prior(data), seed=0)
    assert same(algorithm.score(data.strengths), fit(name, data).score(data.strengths))


def test_the_input_is_untouched(name, data):
    before, audio = data.strengths.copy(), data.features.audio.copy()
    algorithm = fit(name, data)
    algorithm.score(data.strengths)
    algorithm.contributions(data.strengths, np.zeros((N, 1), dtype=np.int32))
    assert (data.strengths != before).nnz == 0
    assert same(data.features.audio, audio)


def test_it_survives_being_taken_apart_and_put_together(name, data):
    algorithm = fit(name, data)
    state = algorithm.state()
    assert all(not array.dtype.hasobject for array in state.values())
    again = type(algorithm).from_state(algorithm.options(), state)
    assert same(algorithm.score(data.strengths), again.score(data.strengths))
    assert same(algorithm.similar(4), again.similar(4))


def test_zero_rows_are_harmless(name, data):
    algorithm = fit(name, data)
    assert algorithm.score(data.strengths[:0]).shape == (0, N)
    assert algorithm.contributions(data.strengths[:0], np.zeros((0, 2), dtype=np.int32)).shape[
        :2
    ] == (0, 2)


def test_an_empty_history_gives_nan_or_what_everybody_gets(name, data):
    scores = fit(name, data).score(csr_matrix((1, N), dtype=np.float32))
    assert np.isfinite(scores).all() if name in {*NOT_PERSONAL, "prior"} else np.isnan(scores).all()


def test_a_history_of_dislikes_alone_never_gives_numbers_out_of_nothing(name, data):
    """A row without likes would return arbitrary songs with score 0 from implicit."""
    disliked = csr_matrix(([-1.0], ([0], [3])), shape=(1, N), dtype=np.float32)
    scores = fit(name, data).score(disliked)
    assert np.isfinite(scores).all() if name in NOT_PERSONAL else not (scores > 0).any()


def test_histories_of_another_width_are_refused(name, data):
    """implicit's fold-in would read foreign memory without a word."""
    with pytest.raises(ValueError, match=f"over {N + 1} songs, the model over {N}"):
        fit(name, data).score(csr_matrix((1, N + 1), dtype=np.float32))


def test_nan_in_a_history_is_refused(name, data):
    broken = csr_matrix(([np.nan], ([0], [3])), shape=(1, N), dtype=np.float32)
    with pytest.raises(ValueError, match="NaN"):
        fit(name, data).score(broken)


def test_nan_in_the_training_data_is_refused(name, data):
    broken = csr_matrix(([np.nan], ([0], [3])), shape=(N, N), dtype=np.float32)
    with pytest.raises(ValueError, match="NaN"):
        fit(name, TrainingData(broken, data.features))


def test_asking_before_learning_is_refused(name, data):
    with pytest.raises(NotFitted, match="call fit first"):
        create_algorithm(name, {}).score(data.strengths)


def test_progress_goes_from_0_to_1_without_going_back(name, data):
    seen: list[float] = []
    algorithm = create_algorithm(name, OPTIONS.get(name, {}))
    algorithm.fit(data, on_progress=lambda done, total: seen.append(done / total))
    assert seen[0] == 0
    assert seen[-1] == 1
    assert seen == sorted(seen)


def test_an_exception_in_progress_stops_the_fit_and_comes_out_unchanged(name, data):
    class Cancelled(Exception):
        pass

    def cancel(done, total):
        raise Cancelled

    with pytest.raises(Cancelled):
        create_algorithm(name, OPTIONS.get(name, {})).fit(data, on_progress=cancel)


def test_similar_songs_of_the_checkerboard_have_its_colour(comparing, data):
    scores = fit(comparing, data).similar(4)
    assert scores.shape == (N,)
    scores[4] = np.nan
    best = select_top_columns(scores[None], 5)[0]
    assert all(best >= 0)
    assert all(best % 2 == 0)
    others = scores[1::2]
    assert np.nanmin(scores[best]) > np.nanmax(others, initial=-np.inf)


def test_an_algorithm_that_cannot_compare_songs_says_so(name, data):
    """It may not be counted among those that find similar songs."""
    can_compare = bool(np.isfinite(fit(name, data).similar(4)).any())
    assert can_compare is (name not in NOT_PERSONAL)


def mixed_history() -> csr_matrix:
    """Three even songs and two odd ones, all liked."""
    songs = [2, 3, 6, 9, 12]
    return csr_matrix((np.ones(len(songs)), (np.zeros(len(songs), dtype=int), songs)), shape=(1, N))


def test_songs_of_the_same_colour_contribute_more(comparing, data):
    amounts = fit(comparing, data).explain(mixed_history(), 4)
    is_even = mixed_history().indices % 2 == 0
    assert amounts.shape == is_even.shape
    assert (amounts[is_even] > 0).all()
    assert amounts[is_even].min() > amounts[~is_even].max()


def test_contributions_add_up_to_the_score(comparing, data):
    """Content's say how a song turns the mean towards the recommended one: those add up to 0."""
    algorithm = fit(comparing, data)
    songs = np.array([[4, 5, 0]], dtype=np.int32)
    sums = algorithm.contributions(mixed_history(), songs).sum(axis=2)
    expected = 0 if comparing == "content" else algorithm.score_items(mixed_history(), songs)
    np.testing.assert_allclose(sums, np.broadcast_to(expected, sums.shape), rtol=1e-3, atol=1e-4)


def test_contributions_add_up_to_the_score_with_dislikes_too(comparing, data):
    """A disliked song has a negative strength; what the score is summed from, the reasons are summed from."""
    algorithm = fit(comparing, data)
    strengths = np.array([1, -1, 2, 1, -2], dtype=np.float32)
    history = mixed_history()
    history.data = strengths
    songs = np.array([[4, 5, 0, 3, 12]], dtype=np.int32)
    sums = algorithm.contributions(history, songs).sum(axis=2)
    expected = 0 if comparing == "content" else algorithm.score_items(history, songs)
    np.testing.assert_allclose(sums, np.broadcast_to(expected, sums.shape), rtol=1e-3, atol=1e-4)


def test_without_its_most_influential_song_the_score_falls(comparing, data):
    algorithm, history = fit(comparing, data), mixed_history()
    influences = algorithm.influences(history, np.array([[4]], dtype=np.int32))[0, 0]
    without = history.copy()
    without.data[int(influences.argmax())] = 0
    before, after = (algorithm.score(one)[0, 4] for one in (history, without))
    assert after < before


def test_an_algorithm_that_names_no_songs_contributes_nothing(name, data):
    algorithm = fit(name, data)
    amounts = algorithm.contributions(mixed_history(), np.array([[4, 5]], dtype=np.int32))
    assert amounts.shape == (1, 2, mixed_history().nnz)
    assert amounts.any() == algorithm.names_songs == (name not in NOT_PERSONAL)


def test_a_list_starts_better_than_chance(personal):
    """A floor: four tastes, a quarter of the songs of one's own; chance would be 1 in 4."""
    interactions, features = taste_world()
    matrix = interactions.to_matrix(Weighting())
    algorithm = fit(personal, TrainingData(matrix, features, interactions))
    listeners = np.flatnonzero(np.diff(matrix.indptr) >= 8)
    scores = algorithm.score(matrix[listeners])
    scores[matrix[listeners].toarray() != 0] = np.nan
    own_taste = select_top_columns(scores, 5) % 4 == (listeners % 4)[:, None]
    assert own_taste.mean() > 0.5


def test_songs_without_features_or_listeners_are_still_harmless(name):
    strengths = checkerboard(N).tolil()
    strengths[:, 7] = 0
    data = TrainingData(csr_matrix(strengths), ItemFeatures.build(n_items=N))
    scores = fit(name, data).score(data.strengths)
    assert not np.isinf(scores).any()


def test_an_algorithm_that_is_not_finished_is_refused_by_name():
    """It was left out without a word, and its author looked for it in vain."""

    class Half(Algorithm):
        name = "half"

        def _fit(self, data, rng, on_progress):
            pass

        def _score(self, histories):
            return np.zeros(histories.shape, dtype=np.float32)

    with pytest.raises(TypeError, match="Half lacks _fit_bytes, _learned_bytes, _restore, _state"):
        collect_algorithms([Half])


def test_an_unknown_name_or_option_is_refused_in_one_sentence():
    with pytest.raises(ValueError, match="Unknown algorithm 'sonar'; there are als"):
        create_algorithm("sonar", {})
    with pytest.raises(ValueError, match="'als' has no option 'factors'; it has n_factors"):
        create_algorithm("als", {"factors": 3})


# -- order ----------------------------------------------------------------------------------------------------


def order_listens(rows: list[list[int]], n_items: int = N) -> Interactions:
    """Each row is a listener's songs, oldest first."""
    listeners = np.repeat(np.arange(len(rows)), [len(row) for row in rows])
    songs = np.concatenate(rows)
    return Interactions.from_ids(
        listeners, songs, positions=np.arange(len(songs)), all_item_ids=np.arange(n_items)
    )


DECAYING = sorted(n for n, c in ALGORITHMS.items() if "history_decay" in c.option_names())


def test_the_order_of_a_history_survives_taking_rows_and_hiding_songs():
    matrix = order_listens([[5, 1, 3], [2, 9]]).to_matrix(Weighting())
    assert count_steps_back(matrix).tolist() == [1, 0, 2, 1, 0]
    assert count_steps_back(matrix[[1]]).tolist() == [1, 0]
    assert count_steps_back(matrix[np.array([True, False])]).tolist() == [1, 0, 2]
    kept = keep_entries(matrix, np.array([True, False, True, True, True]))
    assert count_steps_back(kept).tolist() == [0, 1, 1, 0]
    kept, hidden = hold_out(
        order_listens([list(range(10))]).to_matrix(Weighting()), 0.2, seed=1, newest=True
    )
    assert hidden.indices.tolist() == [8, 9]


def test_times_order_a_history_like_positions():
    events = Interactions.from_ids(
        [1, 1, 1], [4, 2, 4], timestamps=[30, 20, 10], all_item_ids=range(6)
    )
    assert count_steps_back(events.to_matrix(Weighting())).tolist() == [1, 0]
    unknown = Interactions.from_ids([1, 1], [4, 2], all_item_ids=range(6))
    assert count_steps_back(unknown.to_matrix(Weighting())) is None


@pytest.mark.parametrize("decaying", DECAYING)
def test_with_decay_the_songs_heard_last_count_more(decaying, data):
    """Two listeners with the same songs in opposite order: an even and an odd half."""
    algorithm = fit(decaying, data).with_decay(0.5)
    histories = order_listens([[0, 2, 4, 1, 3, 5], [1, 3, 5, 0, 2, 4]]).to_matrix(Weighting())
    scores = algorithm.score(histories)
    assert np.nanmean(scores[0, 7::2]) > np.nanmean(scores[0, 6::2])
    assert np.nanmean(scores[1, 6::2]) > np.nanmean(scores[1, 7::2])
    np.testing.assert_allclose(*algorithm.with_decay(1.0).score(histories), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("decaying", DECAYING)
def test_contributions_are_the_score_with_decay_too(decaying, data):
    algorithm = fit(decaying, data).with_decay(0.7)
    histories = order_listens([[0, 2, 4, 1], [3, 5]]).to_matrix(Weighting())
    songs = np.array([[6, 7], [9, 8]], dtype=np.int32)
    amounts = algorithm.contributions(histories, songs).sum(axis=2)
    np.testing.assert_allclose(
        amounts, algorithm.score_items(histories, songs), rtol=1e-4, atol=1e-6
    )


def test_transitions_follow_the_order():
    """Everybody hears 0, 1, 2, ... in turn: after 4 comes 5, not 3."""
    events = order_listens([list(range(start, start + 6)) for start in range(14) for _ in range(3)])
    algorithm = create_algorithm("transitions", {}).fit(TrainingData(events.to_matrix(Weighting())))
    scores = algorithm.score(order_listens([[3, 4]]).to_matrix(Weighting()))[0]
    scores[[3, 4]] = np.nan
    assert select_top_columns(scores[None], 1)[0, 0] == 5
    assert scores[2] == 0


def test_links_in_both_directions_fall_with_the_distance_and_the_listeners():
    """One listener heard 0, 1, 2 in turn, another one 2, 3: a link is 1 / distance / (listeners * listeners)^p."""
    heard = order_listens([[0, 1, 2], [2, 3]]).to_matrix(Weighting())
    options = {"direction": "both", "window": 2, "popularity_exponent": 0.5, "history_decay": 1.0}
    scores = [
        create_algorithm("transitions", options | changed)
        .fit(TrainingData(heard))
        .score(order_listens([[2]]).to_matrix(Weighting()))[0, [0, 1, 3]]
        for changed in ({}, {"popularity_exponent": 0.0}, {"window": 1}, {"direction": "next"})
    ]
    root = 2**-0.5  # two listeners heard song 2, one each of the others
    expected = [[root / 2, root, root], [0.5, 1, 1], [0, root, root], [0, 0, root]]
    np.testing.assert_allclose(scores, expected, rtol=1e-6)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"direction": "back"}, "direction must be next or both, not 'back'"),
        ({"popularity_exponent": 1.5}, "popularity_exponent must be from 0 to 1, not 1.5"),
    ],
)
def test_transitions_refuse_what_they_cannot_do(options, message):
    with pytest.raises(ValueError, match=message):
        create_algorithm("transitions", options)


def test_songs_of_one_run_are_found_by_their_neighbours():
    """Each list is three albums of six songs, one after the other, one song of each kept back.

    A song's neighbours in the list are of its album; which albums a listener has says nothing. So the songs near
    those of the history find the missing ones, and songs heard together anywhere find them less well.
    """
    rng = np.random.default_rng(0)
    albums = [rng.choice(10, 3, replace=False) for _ in range(40)]
    heard = [[6 * album + song for album in chosen for song in range(6)] for chosen in albums]
    hidden = [[6 * album + int(rng.integers(6)) for album in chosen] for chosen in albums]
    left = [
        [song for song in songs if song not in out]
        for songs, out in zip(heard, hidden, strict=True)
    ]
    history = order_listens(left, 60).to_matrix(Weighting())
    n_hits = {}
    for name, options in {
        "transitions": {"direction": "both", "window": 5, "history_decay": 1.0},
        "item_knn": {},
    }.items():
        scores = create_algorithm(name, options).fit(TrainingData(history)).score(history)
        scores[history.nonzero()] = -np.inf
        lists = select_top_columns(scores, 3)
        n_hits[name] = sum(len(set(row) & set(out)) for row, out in zip(lists, hidden, strict=True))
    assert n_hits["transitions"] > n_hits["item_knn"]
    assert n_hits["transitions"] >= 0.9 * 3 * len(albums)


# -- the order in which neighbours heard their songs ------------------------------------------------------------


def fit_user_knn(**options):
    """One neighbour heard 0 to 4 in turn; the other one's songs have nothing to do with these."""
    matrix = order_listens([[0, 1, 2, 3, 4], [7, 8, 9]]).to_matrix(Weighting())
    return create_algorithm("user_knn", options).fit(TrainingData(matrix))


def score_after(songs, **options):
    history = order_listens([songs]).to_matrix(Weighting())
    return fit_user_knn(**options).score(history)[0]


def test_what_a_neighbour_heard_before_a_song_of_the_history_counts_less():
    plain, in_order = score_after([1]), score_after([1], before=0.25)
    assert plain[0] == pytest.approx(plain[2])
    assert in_order[2] == pytest.approx(plain[2])
    assert in_order[0] == pytest.approx(0.25 * plain[0])


def test_what_a_neighbour_heard_further_away_counts_less():
    plain, in_order = score_after([1]), score_after([1], before=0.5, distance_power=2.0)
    # one place before; one, two and three places after
    expected = plain[[0, 2, 3, 4]] * np.array([0.5, 1, 1 / 4, 1 / 9])
    np.testing.assert_allclose(in_order[[0, 2, 3, 4]], expected, rtol=1e-5)


def test_the_song_heard_last_is_where_two_listeners_meet():
    plain, in_order = score_after([3, 1]), score_after([3, 1], distance_power=1.0)
    np.testing.assert_allclose(in_order[[2, 4]], plain[[2, 4]] / np.array([1, 3]), rtol=1e-5)
    turned = score_after([1, 3], distance_power=1.0)
    np.testing.assert_allclose(turned[[2, 4]], plain[[2, 4]], rtol=1e-5)


def test_a_history_without_an_order_is_scored_without_distances():
    algorithm = fit_user_knn(before=0.2, distance_power=1.0)
    history = csr_matrix(order_listens([[1]]).to_matrix(Weighting()))
    assert same(algorithm.score(history), fit_user_knn().score(history))


def test_contributions_follow_the_order_too():
    algorithm = fit_user_knn(before=0.25, distance_power=1.0, similarity_power=2.0)
    histories = order_listens([[2, 1], [8, 2]]).to_matrix(Weighting())
    songs = np.array([[0, 1, 3], [9, 7, 0]], dtype=np.int32)
    amounts = algorithm.contributions(histories, songs)
    np.testing.assert_allclose(
        amounts.sum(axis=2), algorithm.score_items(histories, songs), rtol=1e-5
    )
    # they meet at 1: 0 was heard one place before it, 3 two places after it
    np.testing.assert_allclose(amounts[0, 2], 2 * amounts[0, 0], rtol=1e-5)


def test_what_was_heard_so_long_ago_that_it_counts_nothing_contributes_nothing():
    songs = np.arange(60)
    matrix = order_listens([songs, songs[::-1]], 62).to_matrix(Weighting())
    both = order_listens([[*songs, 60], [*songs[::-1], 61]], 62).to_matrix(Weighting())
    algorithm = create_algorithm("user_knn", {"history_decay": 0.8, "distance_power": 0.5})
    algorithm.fit(TrainingData(both))
    new = np.array([[60, 61], [60, 61]], dtype=np.int32)
    amounts = algorithm.contributions(matrix, new)
    # .8^41 is about one ten-thousandth, .8^42 less
    assert (amounts[0, :, -42:] > 0).all()
    assert (amounts[0, :, :-42] == 0).all()
    np.testing.assert_allclose(amounts.sum(axis=2), algorithm.score_items(matrix, new), rtol=1e-5)


def test_the_nearest_neighbours_say_more_with_a_higher_power():
    """Listener 0 shares both songs, listener 1 one of three: cosines 2/sqrt(2*3) and 1/sqrt(2*3) without weights."""
    matrix = order_listens([[0, 1, 2], [0, 3, 4]]).to_matrix(Weighting())
    history = order_listens([[0, 1]]).to_matrix(Weighting())
    ratios = []
    for power in (1.0, 2.0):
        options = {"idf_power": 0.0, "similarity_power": power}
        scores = create_algorithm("user_knn", options).fit(TrainingData(matrix)).score(history)[0]
        ratios.append(scores[2] / scores[3])
    assert ratios == [pytest.approx(2), pytest.approx(4)]


def test_long_histories_are_nearer_where_lengths_count_less():
    """Both share one song with the history; the second one heard four songs, the first one two."""
    matrix = order_listens([[0, 1], [0, 2, 3, 4]]).to_matrix(Weighting())
    history = order_listens([[0]]).to_matrix(Weighting())
    ratios = []
    for power in (1.0, 0.5, 0.0):
        options = {"idf_power": 0.0, "length_power": power}
        scores = create_algorithm("user_knn", options).fit(TrainingData(matrix)).score(history)[0]
        ratios.append(scores[1] / scores[2])
    assert ratios == [pytest.approx(2**0.5), pytest.approx(2**0.25), pytest.approx(1)]


def test_without_an_order_before_and_after_are_the_same(data):
    plain = fit("user_knn", data).score(data.strengths)
    algorithm = create_algorithm("user_knn", {"before": 0.2}).fit(data)
    assert same(algorithm.score(data.strengths), plain)


def test_the_order_of_neighbours_is_saved_and_goes_with_them():
    matrix = order_listens([[0, 1, 2], [0, 2, 1]]).to_matrix(Weighting())
    algorithm = create_algorithm("user_knn", {"before": 0.0}).fit(TrainingData(matrix))
    algorithm.listener_ids_ = np.array([5, 6])
    again = type(algorithm).from_state(algorithm.options(), algorithm.state())
    history = order_listens([[1]]).to_matrix(Weighting())
    assert same(algorithm.score(history), again.score(history))
    assert algorithm.score(history)[0, 2] > 0
    # the other one heard nothing after 1
    assert algorithm.without_listeners(np.array([5])).score(history)[0, 2] == 0


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"before": 2}, "before must be from 0 to 1, not 2"),
        ({"length_power": -1}, "length_power must be at least 0, not -1"),
        ({"similarity_power": -1}, "similarity_power must be at least 0, not -1"),
        ({"distance_power": -0.5}, "distance_power must be at least 0, not -0.5"),
    ],
)
def test_neighbours_refuse_options_out_of_range(options, message):
    with pytest.raises(ValueError, match=message):
        create_algorithm("user_knn", options)
