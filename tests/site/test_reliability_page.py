"""docs/reliability.md names every fault and a test that really is about it."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
TABLE = re.findall(
    r"^\| (T\d\d) \|.*\| ([^|]+) \|$", (ROOT / "docs/reliability.md").read_text(), re.MULTILINE
)
ROWS = [(number, path) for number, cell in TABLE for path in re.findall(r"`(tests/[^`]+)`", cell)]


def test_no_fault_is_missing():
    numbers = [number for number, _ in TABLE]
    assert {f"T{n:02}" for n in range(1, 81)} - {"T46"} == set(numbers)
    assert len(numbers) == len(set(numbers))


@pytest.mark.parametrize(("number", "path"), ROWS)
def test_the_named_test_is_about_the_fault(number, path):
    assert re.search(rf'"""[^"]*\b{number}\b', (ROOT / path).read_text())
