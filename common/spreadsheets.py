"""Cells of tables that a spreadsheet would run as a formula: made text on the way out, restored on the way in."""

import re

# also of full width, which a spreadsheet set up for Chinese or Japanese reads as the same signs
_RUNS = re.compile(r"^'*[=+\-@\t\r\n＝＋－＠]")


def neutralise_cell(cell: str) -> str:
    """Return a cell so that no spreadsheet takes it for a formula: with a quote before it."""
    return f"'{cell}" if _RUNS.match(cell) else cell


def restore_cell(cell: str) -> str:
    """Return what `neutralise_cell` was given."""
    return cell[1:] if cell.startswith("'") and _RUNS.match(cell[1:]) else cell
