"""Choosing the best columns: the quick ways agree with sorting everything."""

import numpy as np
import pytest

from recommendations.engine.core.arrays import select_top_columns

RNG = np.random.default_rng(0)
WIDTH = 3000

SCORES = {
    "all different": RNG.normal(size=(6, WIDTH)),
    "mostly zeros": np.maximum(RNG.normal(size=(6, WIDTH)) - 2, 0),
    "all equal": np.ones((6, WIDTH)),
    "few can be scored": np.where(
        RNG.random((6, WIDTH)) < 0.01, RNG.normal(size=(6, WIDTH)), np.nan
    ),
    "none can be scored": np.full((6, WIDTH), np.nan),
    "the best ones side by side": np.tile(-np.abs(np.arange(WIDTH) - 1000), (6, 1)),
    "rows that differ": np.stack(
        [
            np.arange(WIDTH) % 7,
            np.arange(WIDTH),
            np.full(WIDTH, -np.inf),
            np.where(np.arange(WIDTH) < 5, 1, np.nan),
            RNG.normal(size=WIDTH),
            -np.arange(WIDTH),
        ]
    ),
}


@pytest.mark.parametrize("k", [1, 10, 100, WIDTH])
@pytest.mark.parametrize("n_rows", [1, 6])
@pytest.mark.parametrize("name", SCORES)
def test_the_best_columns_are_those_of_a_sort(name, n_rows, k):
    scores = SCORES[name][:n_rows].astype(np.float32)
    for row, chosen in zip(scores, select_top_columns(scores, k), strict=True):
        usable = [column for column in range(WIDTH) if row[column] > -np.inf]
        best = sorted(usable, key=lambda column: (-row[column], column))[:k]
        assert chosen.tolist() == best + [-1] * (k - len(best))
