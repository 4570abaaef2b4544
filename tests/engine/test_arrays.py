"""Choosing the best columns: the quick ways agree with sorting everything."""

import numpy as np
import pytest
from scipy.sparse import csr_matrix, random_array

from recommendations.engine.core.arrays import (
    cut_blocks,
    select_top_columns,
    sum_weighted_rows,
    take_pairs,
)

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


LINKS = csr_matrix(random_array((4000, 4000), density=0.002, rng=1, dtype=np.float32))
HISTORIES = csr_matrix(random_array((300, 4000), density=0.003, rng=2, dtype=np.float32))


def test_weighted_rows_add_up_to_the_product():
    """More rows than one table of sums holds."""
    sums = sum_weighted_rows(HISTORIES, LINKS)
    np.testing.assert_allclose(sums, (HISTORIES @ LINKS).toarray(), atol=1e-6)
    for row in (0, 150, 299):
        assert (sum_weighted_rows(HISTORIES[[row]], LINKS)[0] == sums[row]).all()


def test_one_row_is_added_up_where_its_sums_are_more_than_the_table_holds():
    wide = csr_matrix(
        (np.array([2, 3], dtype=np.float32), ([0, 1], [7, 99_999])), shape=(2, 100_000)
    )
    sums = sum_weighted_rows(csr_matrix(np.array([[1, 1], [0, 2]], dtype=np.float32)), wide)
    assert sums[:, [7, 99_999]].tolist() == [[2, 3], [0, 6]]
    assert sums.sum() == 11


@pytest.mark.parametrize(
    ("n", "size", "lengths"), [(5, 2, [2, 2, 1]), (3, 0, [1, 1, 1]), (0, 4, []), (4, 9, [4])]
)
def test_blocks_cover_everything(n, size, lengths):
    blocks = list(cut_blocks(n, size))
    assert [block.stop - block.start for block in blocks] == lengths
    assert [index for block in blocks for index in range(n)[block]] == list(range(n))


def test_pairs_are_read_where_columns_and_rows_repeat():
    rows = np.array([[5, 5, 17], [3999, 0, 17]], dtype=np.int32)
    columns = np.array([LINKS[[5]].indices[0], 0, 9, 9])[None, :].repeat(2, axis=0)
    values = take_pairs(LINKS, rows, columns)
    dense = LINKS.toarray()
    for listener in range(2):
        expected = [[dense[row, column] for row in rows[listener]] for column in columns[listener]]
        assert values[listener].tolist() == expected
    assert values[0, 0, 0] == values[0, 0, 1] > 0
