"""Text lines and table rows out of bytes that may be anything, in bounded memory."""

import csv
import io
import re
from collections.abc import Iterator
from typing import Any, BinaryIO

from catalog.records import RejectedRow, WrongFile

LONGEST_LINE = 64 * 1024
LONGEST_ROW = 20
"""Lines that one quoted row may span; a quote that is open longer was never closed."""
DELIMITERS = (",", ";", "\t", "|")

# a quoted cell, or what stands up to the next delimiter as it is
_CELLS = {
    sign: re.compile(
        rf'(?:^|(?<={re.escape(sign)}))(?:("(?:[^"]|"")*+")(?={re.escape(sign)}|$)|([^{re.escape(sign)}]*))'
    )
    for sign in DELIMITERS
}

Line = tuple[int, str | RejectedRow]


def check_text(head: bytes, name: str) -> None:
    """Raise WrongFile when `head`, a file's beginning, is no UTF-8 text; UTF-16 with its mark was made that before.

    A file of UTF-8 with a damaged row here and there passes: those rows are rejected later.
    """
    if b"\0" in head[:4096]:
        raise WrongFile(f"{name} is not a text file.")
    try:
        head[: _find_last_line_end(head)].decode("utf-8")
    except UnicodeDecodeError as error:
        if not _has_utf8_letters(head):
            line = head[: error.start].count(b"\n") + 1
            raise WrongFile(
                f"{name} is not UTF-8 text (line {line} has the byte 0x{head[error.start]:02X}); save it as UTF-8."
            ) from None


def read_numbered_lines(stream: BinaryIO, *, fallback: str = "") -> Iterator[Line]:
    """Yield (line number, text or RejectedRow) without line ends and byte order mark; empty lines are left out.

    `fallback` is the encoding of lines that are not UTF-8, in formats that are older than it.
    """
    number = 0
    first = stream.readline(LONGEST_LINE)
    if b"\n" not in first and b"\r" in first.rstrip(b"\r"):
        stream = io.BufferedReader(_CarriageReturns(first, stream), LONGEST_LINE)
        first = stream.readline(LONGEST_LINE)
    while raw := first or stream.readline(LONGEST_LINE):
        number += 1
        first = b""
        if len(raw) == LONGEST_LINE and not raw.endswith(b"\n"):
            _skip_line(stream)
            yield number, RejectedRow(number, f"the line is longer than {LONGEST_LINE // 1024} kB")
            continue
        if number == 1:
            raw = raw.removeprefix(b"\xef\xbb\xbf")
        text = raw.rstrip(b"\r\n")
        if text:
            yield number, _decode_line(text, number, fallback)


class _CarriageReturns(io.RawIOBase):
    """A text whose lines end as on old Macs and in Excel's "CSV (Macintosh)", with the usual line ends."""

    def __init__(self, beginning: bytes, stream: BinaryIO) -> None:
        self._beginning = beginning
        self._stream = stream

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        block = self._beginning[: len(buffer)] or self._stream.read(len(buffer))
        self._beginning = self._beginning[len(buffer) :]
        buffer[: len(block)] = block.replace(b"\r", b"\n")
        return len(block)


def find_delimiter(header: str) -> str:
    """Return the sign that cuts the header into most columns."""
    return max(DELIMITERS, key=header.count)


def read_table_rows(
    lines: Iterator[Line], delimiter: str
) -> Iterator[tuple[int, list[str] | RejectedRow]]:
    """Cut lines into cells as CSV does; a quoted cell may span lines.

    A quote that is never closed costs its own line only; where text follows the second quote of a cell, quotes are
    part of a name: many tools write "Weird Al" Yankovic as it is.
    """
    waiting: list[Line] = []
    while True:
        number, line = waiting.pop(0) if waiting else next(lines, (0, ""))
        if number == 0:
            return
        if isinstance(line, RejectedRow):
            yield number, line
        elif '"' not in line:
            yield number, line.split(delimiter)
        else:
            yield number, _read_quoted_row(number, line, delimiter, lines, waiting)


def _read_quoted_row(
    number: int, line: str, delimiter: str, lines: Iterator[Line], waiting: list[Line]
) -> list[str] | RejectedRow:
    """Read a row with quotes, with the lines it goes on in; those it does not need wait."""
    text = line
    for n_used in range(LONGEST_ROW):
        row = _split_cells(text, delimiter)
        if row is not None:
            del waiting[:n_used]
            return row
        if n_used == 0 and _has_quoted_word(line, delimiter):
            return _split_literally(line, delimiter)
        if n_used == len(waiting):
            following = next(lines, None)
            if following is None:
                break
            waiting.append(following)
        more = waiting[n_used][1]
        if isinstance(more, RejectedRow) or len(text) > LONGEST_LINE:
            break
        text = f"{text}\n{more}"
    return RejectedRow(number, "a quote is opened and not closed at the end of its cell")


def _split_cells(text: str, delimiter: str) -> list[str] | None:
    """Return the cells, None when a quote is still open."""
    try:
        return next(csv.reader([text], delimiter=delimiter, strict=True))
    except csv.Error:
        return None


def _has_quoted_word(line: str, delimiter: str) -> bool:
    """Whether a cell begins with quoted words and goes on behind them; such a row spans no lines."""
    try:
        next(csv.reader([line + '"' + delimiter], delimiter=delimiter, strict=True))
    except csv.Error:
        return True
    return False


def _split_literally(line: str, delimiter: str) -> list[str]:
    cells = []
    for cell in _CELLS[delimiter].finditer(line):
        quoted: str | None = cell[1]
        cells.append(cell[2] if quoted is None else quoted[1:-1].replace('""', '"'))
    return cells


def _decode_line(text: bytes, number: int, fallback: str) -> str | RejectedRow:
    try:
        decoded = text.decode("utf-8")
    except UnicodeDecodeError:
        if fallback:
            return text.decode(fallback, "replace")
        return RejectedRow(number, "the line is not UTF-8 text")
    return RejectedRow(number, "the line has a NUL character") if "\0" in decoded else decoded


def drop_surplus_cells(row: list[str], n_columns: int) -> list[str]:
    """Return the row without empty cells behind its last column, as spreadsheets add them."""
    is_surplus = len(row) > n_columns and not any(cell.strip() for cell in row[n_columns:])
    return row[:n_columns] if is_surplus else row


def _skip_line(stream: BinaryIO) -> None:
    while (raw := stream.readline(LONGEST_LINE)) and not raw.endswith(b"\n"):
        pass


def _find_last_line_end(head: bytes) -> int:
    return head.rfind(b"\n") + 1 or len(head)


def _has_utf8_letters(head: bytes) -> bool:
    valid = head.decode("utf-8", "ignore")
    return any(ord(c) > 127 for c in valid)
