"""How many listeners the order is learned on: more of them where each has few songs."""

import numpy as np
import pytest
from scipy.sparse import csr_matrix

from recommendations.engine import TrainingData
from recommendations.engine.algorithms import create_algorithm
from recommendations.engine.core.config import RankerConfig
from recommendations.engine.tuning import ranker_training
from recommendations.engine.tuning.ranker_training import RankerDataset
from recommendations.engine.tuning.validation import Validation


def count_listeners(n_songs: int, monkeypatch) -> int:
    """Build the examples of 600 listeners with so many songs each, of which a fifth is hidden."""
    monkeypatch.setattr(ranker_training, "ENOUGH_HIDDEN", 300)
    rng = np.random.default_rng(2)
    rows = np.repeat(np.arange(600), n_songs)
    songs = np.concatenate([rng.permutation(80)[:n_songs] for _ in range(600)])
    heard = csr_matrix((np.ones(len(rows), np.float32), (rows, songs)), shape=(600, 80))
    config = RankerConfig(max_listeners=50, n_by_component=10)
    validation = Validation.hold_out(TrainingData(heard), 0.2, 20, 1, newest=False)
    fitted = {"item_knn": create_algorithm("item_knn", {}).fit(validation.data, seed=1)}
    dataset = RankerDataset.build(validation, fitted, config, 3, 1, lambda *_: None)
    assert len(validation.validation_listeners) == 20
    assert dataset.is_validation.sum() == 20
    return dataset.n_known


@pytest.mark.parametrize(
    ("n_songs", "n_listeners"),
    [
        (50, 50),  # 10 hidden songs each: 30 listeners would do, and 50 are allowed anyway
        (10, 150),  # 2 hidden songs each: 300 / 2
        (5, 200),  # 1 hidden song each: 300 would be needed, and at most 4 x 50 are taken
    ],
)
def test_short_histories_teach_the_order_by_more_listeners(n_songs, n_listeners, monkeypatch):
    assert count_listeners(n_songs, monkeypatch) == n_listeners
