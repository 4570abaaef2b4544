"""What a component gives a song among listeners in general is the scale for what it gives one of them."""

import numpy as np
import pytest
from scipy.sparse import csr_matrix

from recommendations.engine import ALGORITHMS, TrainingData
from recommendations.engine.ranking.candidates import CandidateBatch
from recommendations.engine.ranking.ranker_features import ItemTable
from recommendations.engine.ranking.score_features import AMONG_LISTENERS
from recommendations.engine.ranking.score_scales import LEAST_DEVIATION, ScoreScales

LISTENS = csr_matrix(
    np.array([[1, 0, 0, 0], [3, 0, 0, 0], [0, 2, 0, 0], [0, 1, 0, 0]], dtype=np.float32)
)
"""Two listeners have song 0, two have song 1."""
SCORES = np.array([[9, 4, 2, np.nan], [3, 9, 6, np.nan]], dtype=np.float32)


class Fixed(ALGORITHMS["popularity"]):
    """Scores by the table, louder for who listens more."""

    def _score(self, histories):
        has_second = np.asarray(histories[:, 1].todense()).ravel() > 0
        return SCORES[has_second.astype(int)] * histories.max(axis=1).toarray()


@pytest.fixture
def table() -> ItemTable:
    data = TrainingData(LISTENS)
    return ItemTable.learn(data, {"fixed": Fixed().fit(data)}, seed=0)


def test_a_song_is_compared_with_its_share_of_the_best_at_listeners_who_do_not_have_it(table):
    scales = table.scales
    # who has song 0 gets song 1 first, and song 2 half as much; who has song 1 gets song 2 first
    first_two, last_two = [2 / 4, 2 / 4], [6 / 6, 6 / 6]
    np.testing.assert_allclose(scales.means[0, :3], [3 / 6, 1, np.mean(first_two + last_two)])
    deviation = np.std(first_two + last_two)
    assert scales.deviations[0, 2] == pytest.approx(deviation)
    # a song with the same share everywhere counts as one with a tenth of the mean deviation
    assert scales.deviations[0, 1] == pytest.approx(LEAST_DEVIATION * deviation / 3)
    above = scales.compare(0, np.array([1.0]), np.array([2], dtype=np.int32))
    assert above == pytest.approx((1 - 3 / 4) / deviation)


def describe(table: ItemTable) -> np.ndarray:
    """Songs 1 and 2 of the second listener, whose best among them is song 1."""
    candidates = CandidateBatch(np.array([0, 2]), np.array([1, 2], dtype=np.int32))
    scores = np.array([3 * 4, 3 * 2], dtype=np.float32)
    return table.describe(LISTENS[1], candidates, [scores])


def test_the_ranker_sees_it_of_each_component(table):
    names = table.feature_names(("fixed",))
    column = names.index(("fixed", AMONG_LISTENERS))
    expected = (1 / 2 - table.scales.means[0, 2]) / table.scales.deviations[0, 2]
    np.testing.assert_allclose(describe(table)[:, column], [0, expected], atol=1e-6)


@pytest.mark.parametrize("is_old", [False, True])
def test_a_table_of_an_older_release_has_no_scales(table, is_old):
    state = table.state()
    if is_old:
        del state["score_means"], state["score_deviations"]
    again = ItemTable.from_state(state)
    names = again.feature_names(("fixed",))
    assert (("fixed", AMONG_LISTENERS) in names) != is_old
    assert describe(again).shape[1] == len(names)


def test_nothing_is_measured_where_nobody_heard_anything():
    assert not ScoreScales.measure({"fixed": Fixed()}, csr_matrix((3, 4)), seed=0).is_measured


def test_in_a_large_catalogue_fewer_listeners_are_scored(monkeypatch):
    monkeypatch.setattr("recommendations.engine.ranking.score_scales.MOST_SCORES", 4.0)
    monkeypatch.setattr("recommendations.engine.ranking.score_scales.FEWEST_LISTENERS", 1)
    scored = []

    class Counting(Fixed):
        def _score(self, histories):
            scored.append(histories.shape[0])
            return super()._score(histories)

    ScoreScales.measure({"fixed": Counting().fit(TrainingData(LISTENS))}, LISTENS, seed=0)
    assert sum(scored) == 1
