"""Songs of one artist are no neighbours of a list where others can be put between them."""

from itertools import pairwise, permutations, product

import numpy as np
import pytest

from recommendations.engine import Recommender, space_artists
from recommendations.engine.core.presets import CLASSIC
from recommendations.engine.evaluation import split_by_listener
from recommendations.engine.reranking.artist_spacing import space_lists
from tests.engine.worlds import taste_world

A, B, C, UNKNOWN = 0, 1, 2, -1


def count_neighbours(artists) -> int:
    return sum(one == other and one >= 0 for one, other in pairwise(artists))


@pytest.mark.parametrize(
    ("artists", "order"),
    [
        ([A, B, A, C], [0, 1, 2, 3]),
        ([A, A, B, C], [0, 2, 1, 3]),
        ([A, A, A, B, C], [0, 3, 1, 4, 2]),
        # the others would run out: the artist of most songs comes up in time, and no sooner
        ([A, B, C, C, B, B], [0, 1, 2, 4, 3, 5]),
        ([A, B, A, C, C, C], [0, 3, 1, 4, 2, 5]),
        # more than can be separated: as few neighbours as can be
        ([A, A, A, A, B], [0, 4, 1, 2, 3]),
        ([UNKNOWN, UNKNOWN, A], [0, 1, 2]),
        ([], []),
    ],
)
def test_each_place_goes_to_the_first_song_that_may_have_it(artists, order):
    assert space_artists(artists) == order


def test_every_short_list_has_as_few_neighbours_as_any_order_behind_its_first_song():
    for n in range(1, 7):
        for artists in product([A, B, UNKNOWN], repeat=n):
            spaced = space_artists(artists)
            shown = [artists[position] for position in spaced]
            fewest = min(
                count_neighbours([artists[0], *rest]) for rest in permutations(artists[1:])
            )
            assert sorted(spaced) == list(range(n))
            assert spaced[0] == 0
            assert count_neighbours(shown) == fewest
            # a list in this order stays as it is
            assert [shown[position] for position in space_artists(shown)] == shown
            for artist in (A, B):
                own = [position for position in spaced if artists[position] == artist]
                assert own == sorted(own)


def test_lists_of_many_listeners_end_where_they_ended():
    positions = np.array([[3, 5, 6, -1], [0, 1, 2, 3]], dtype=np.int32)
    artists = np.array([[A, A, B, A], [A, B, A, B]], dtype=np.int32)
    assert space_lists(positions, artists).tolist() == [[3, 6, 5, -1], [0, 1, 2, 3]]


def test_what_is_measured_is_the_order_that_listeners_see():
    events, features = taste_world()
    split = split_by_listener(events, seed=1)
    recommender = Recommender(CLASSIC).fit(split.train, features)
    histories = recommender.histories(split.given)[:40]
    measured = recommender.rank_songs(histories, 10)["recommender"]
    assert measured.tolist() == recommender.recommend_batch(histories, 10).item_rows.tolist()
    for rows in measured:
        assert space_artists(features.artist[rows].tolist()) == list(range(10))
