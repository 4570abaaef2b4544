"""The benchmarks of speed: what is above its limit is said, and ends in an exit code that a script sees."""

import pytest

from benchmarks.speed import Row, print_rows


@pytest.mark.parametrize(
    ("value", "limit", "exit_code", "verdict"),
    [(2.0, 2.0, 0, "  ok"), (2.5, 2.0, 1, "  TOO MUCH"), (2.5, None, 0, "s  ")],
)
def test_a_row_above_its_limit_is_too_much(capsys, value, limit, exit_code, verdict):
    rows = [Row("a page", value, "s", limit), Row("another", 1.0, "s", 3.0)]
    assert print_rows(iter(rows)) == exit_code
    assert capsys.readouterr().out.splitlines()[0].endswith(verdict)
