"""From ids and events to the matrix the algorithms learn from."""

import numpy as np
import pytest
from scipy.sparse import csr_matrix

from recommendations.engine import IdMap, Interactions, ItemFeatures, Kind, Weighting
from recommendations.engine.core.weighting import compute_confidence_matrix

WEIGHTING = Weighting(play=1, like=3, dislike=1, early_skip=0.5, early_skip_share=0.3)


def strength(*events, **columns) -> float:
    """Strength of one listener's one song after events of these kinds."""
    n = len(events)
    interactions = Interactions.from_ids([1] * n, [7] * n, kinds=list(events), **columns)
    return interactions.to_matrix(WEIGHTING).toarray()[0, 0]


def test_plays_add_up():
    assert strength(Kind.PLAY, Kind.PLAY, plays=[2, 3]) == 2 + 3


def test_a_play_counts_by_the_share_that_was_heard():
    assert strength(Kind.PLAY, Kind.PLAY, played_share=[0.5, np.nan]) == 0.5 + 1


def test_a_share_above_one_is_one_play():
    assert strength(Kind.PLAY, played_share=[1.7]) == 1


def test_a_like_counts_once_however_often_it_was_given():
    assert strength(Kind.LIKE, Kind.LIKE, Kind.PLAY) == 3 + 1


def test_a_dislike_silences_the_plays():
    assert strength(Kind.PLAY, Kind.DISLIKE, plays=[50, 1]) == -1


def test_the_last_opinion_counts():
    assert strength(Kind.DISLIKE, Kind.LIKE, timestamps=[100, 200]) == 3
    assert strength(Kind.DISLIKE, Kind.LIKE, timestamps=[200, 100]) == -1


def test_of_opinions_without_times_the_later_row_counts():
    assert strength(Kind.LIKE, Kind.DISLIKE) == -1


def test_an_early_skip_is_a_weak_dislike_and_a_late_one_says_nothing():
    assert strength(Kind.SKIP, played_share=[0.1]) == -0.5
    assert strength(Kind.SKIP, played_share=[0.9]) == 0
    assert strength(Kind.SKIP) == -0.5


def test_a_pair_that_cancels_out_is_left_out_of_the_matrix():
    interactions = Interactions.from_ids(
        [1, 1], [7, 7], kinds=[Kind.PLAY, Kind.SKIP], played_share=[0.5, 0.0]
    )
    assert interactions.to_matrix(WEIGHTING).nnz == 0


def test_remembered_strengths_cant_be_written():
    """Two trainings of one process would learn from different values."""
    interactions = Interactions.from_ids([1], [7])
    with pytest.raises(ValueError, match="read-only"):
        interactions.to_matrix(WEIGHTING).data[0] = 9


def test_confidence_is_one_plus_alpha_times_strength_and_negative_where_disliked():
    strengths = csr_matrix(np.array([[2, 0, -1]], dtype=np.float32))
    assert compute_confidence_matrix(strengths, alpha=40).toarray().tolist() == [
        [1 + 40 * 2, 0, -(1 + 40 * 1)]
    ]


def test_confidence_of_logarithms_and_of_ones():
    strengths = csr_matrix(np.array([[9, -9]], dtype=np.float32))
    of_logs = compute_confidence_matrix(strengths, alpha=2, transform="log").toarray()[0]
    np.testing.assert_allclose(of_logs, [1 + 2 * np.log(10), -(1 + 2 * np.log(10))], rtol=1e-6)
    assert compute_confidence_matrix(strengths, alpha=2, transform="binary").toarray().tolist() == [
        [1 + 2, -(1 + 2)]
    ]


def test_an_unknown_transform_is_refused():
    with pytest.raises(ValueError, match="choose one of identity, log, binary"):
        compute_confidence_matrix(
            csr_matrix(np.ones((1, 1), dtype=np.float32)), alpha=1, transform="cube"
        )


def test_a_matrix_of_counts_comes_back_as_it_was():
    matrix = csr_matrix(np.array([[3, 0, 0.5], [0, -2, 1]], dtype=np.float32))
    assert (
        Interactions.from_matrix(matrix).to_matrix(WEIGHTING).toarray().tolist()
        == matrix.toarray().tolist()
    )


def test_a_matrix_with_nan_is_refused():
    with pytest.raises(ValueError, match="NaN or infinite"):
        Interactions.from_matrix(csr_matrix(np.array([[np.nan]])))


def test_the_catalogue_keeps_its_order_and_songs_that_nobody_heard():
    interactions = Interactions.from_ids([5, 5], ["b", "a"], all_item_ids=["c", "b", "a"])
    assert interactions.n_items == 3
    assert interactions.item_rows.tolist() == [1, 2]


def test_events_of_songs_outside_the_catalogue_are_counted_out():
    interactions = Interactions.from_ids([5, 5, 6], [1, 99, 2], all_item_ids=[1, 2])
    assert interactions.n_events == 2
    assert interactions.n_unknown_items == 1


def test_the_same_events_over_another_catalogue():
    moved = Interactions.from_ids([5, 5], [1, 2]).over_items(IdMap([2, 3]))
    assert moved.item_rows.tolist() == [0]
    assert moved.n_unknown_items == 1


@pytest.mark.parametrize(
    ("columns", "sentence"),
    [
        ({"kinds": [9, 0]}, "Unknown kind 9"),
        ({"plays": [0, 1]}, "plays must be at least 1, not 0"),
        ({"timestamps": [1]}, "timestamps has 1 entries for 2 events"),
    ],
)
def test_columns_that_make_no_sense_are_refused(columns, sentence):
    with pytest.raises(ValueError, match=sentence):
        Interactions.from_ids([1, 2], [1, 2], **columns)


def test_listeners_and_songs_must_be_equally_many():
    with pytest.raises(ValueError, match="2 listener ids and 1 song ids"):
        Interactions.from_ids([1, 2], [1])


def test_id_map_finds_rows_both_ways():
    songs = IdMap(["song_00042", "song_00007"])
    assert songs.rows(["song_00007", "nobody", "song_00042"]).tolist() == [1, -1, 0]
    assert songs.ids[songs.row("song_00007")] == "song_00007"


def test_an_id_of_another_kind_is_unknown():
    assert IdMap([1, 2]).rows(["1"]).tolist() == [-1]
    assert IdMap([]).rows([1]).tolist() == [-1]


def test_an_id_that_occurs_twice_is_refused():
    with pytest.raises(ValueError, match="The id 7 occurs twice"):
        IdMap([7, 8, 7])


def test_ids_that_only_pickle_could_save_are_refused():
    with pytest.raises(TypeError, match="whole numbers or strings"):
        IdMap([object()])


def test_tempo_is_brought_to_one_between_60_and_180_bpm():
    audio = np.zeros((3, 8), dtype=np.float32)
    audio[:, 7] = [60, 120, 200]
    assert ItemFeatures.build(audio).scaled[:, 7].tolist() == [0, (120 - 60) / (180 - 60), 1]


def test_an_unknown_feature_stays_unknown():
    assert np.isnan(ItemFeatures.build(n_items=2).scaled).all()


def test_features_must_fit_together():
    with pytest.raises(ValueError, match="artist has 1 rows for 2 songs"):
        ItemFeatures.build(np.zeros((2, 8)), [1])
    with pytest.raises(ValueError, match="infinite"):
        ItemFeatures.build(np.full((2, 8), np.inf))
    with pytest.raises(ValueError, match=r"\(n_items, 8\)"):
        ItemFeatures.build(np.zeros((2, 3)), n_items=2)
