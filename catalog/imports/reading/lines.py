"""Text lines and table rows out of bytes that may be anything, in bounded memory."""

import csv
import io
import re
from collections.abc import Iterator
from typing import Any, BinaryIO

from catalog.imports.reading.encodings import detect_encoding, is_mostly_foreign
from catalog.records import RejectedRow, WrongFile

LONGEST_LINE = 64 * 1024
LONGEST_ROW = 20
"""Lines that one quoted row may span; a quote that is open longer was never closed."""
DELIMITERS = (",", ";", "\t", "|")

# a quoted cell, whose quotes are doubled or behind a backslash, or what stands up to the next delimiter as it is
_CELLS = {
    sign: re.compile(
        rf'(?:^|(?<={re.escape(sign)}))(?:("(?:[^"\\]|\\.|"")*+")(?={re.escape(sign)}|$)|([^{re.escape(sign)}]*))'
    )
    for sign in DELIMITERS
}

_SEPARATOR = re.compile(r'^"?sep=.?"?[,;\t|]*$', re.IGNORECASE)

Line = tuple[int, str | RejectedRow]


def check_text(head: bytes, name: str) -> None:
    """Raise WrongFile when `head`, a file's beginning, is no UTF-8 text; UTF-16 was made that before.

    A file of UTF-8 with a damaged row here and there passes: those rows are rejected later.
    """
    beginning = head[:4096].splitlines()
    n_nul = sum(b"\0" in line for line in beginning)
    if 2 * n_nul > len(beginning) or (n_nul and is_mostly_foreign(head[:4096])):
        raise WrongFile(f"{name} is not a text file.")
    try:
        head[: _find_last_line_end(head)].decode("utf-8")
    except UnicodeDecodeError as error:
        if not is_mostly_foreign(head):
            return
        line, byte = head[: error.start].count(b"\n") + 1, f"0x{head[error.start]:02X}"
        if guess := detect_encoding(head):
            raise WrongFile(
                f"{name} is not UTF-8 text (line {line} has the byte {byte}) and looks like {guess.title}; "
                "save it as UTF-8."
            ) from None
        raise WrongFile(
            f"{name} is not UTF-8 text (line {line} has the byte {byte}); save it as UTF-8."
        ) from None


def find_old_encoding(head: bytes, name: str) -> str:
    """Return the codec of a playlist or log that may be older than UTF-8: Windows' or the Mac's Western letters.

    Raises WrongFile where the text seems to be in another script: read as Western, its names would be no words.
    """
    if not is_mostly_foreign(head):
        return "cp1252"
    guess = detect_encoding(head)
    if guess is None or guess.is_western:
        return guess.codec if guess else "cp1252"
    raise WrongFile(f"{name} is not UTF-8 text and looks like {guess.title}; save it as UTF-8.")


def read_numbered_lines(stream: BinaryIO, *, fallback: str = "") -> Iterator[Line]:
    """Yield (line number, text or RejectedRow) without line ends and byte order mark; empty lines are left out.

    `fallback` is the encoding of lines that are not UTF-8, in formats that are older than it.
    """
    number = 0
    stream = io.BufferedReader(_LineEnds(stream), LONGEST_LINE)
    while raw := stream.readline(LONGEST_LINE):
        number += 1
        if len(raw) == LONGEST_LINE and not raw.endswith(b"\n"):
            _skip_line(stream)
            yield number, RejectedRow(number, f"the line is longer than {LONGEST_LINE // 1024} kB")
            continue
        # also within: a second file was added behind the first one
        text = raw.removeprefix(b"\xef\xbb\xbf").rstrip(b"\n")
        if text:
            yield number, _decode_line(text, number, fallback)


class _LineEnds(io.RawIOBase):
    """A text whose lines end in one way: those of old Macs and of Windows, also mixed, as the usual ones."""

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream
        self._is_behind_return = False

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        text = b""
        while not text and (block := self._stream.read(len(buffer))):
            start = 1 if self._is_behind_return and block.startswith(b"\n") else 0
            self._is_behind_return = block.endswith(b"\r")
            text = block[start:]
            if b"\r" in text:
                text = text.replace(b"\r\r\n", b"\n").replace(b"\r\n", b"\n").replace(b"\r", b"\n")
        buffer[: len(text)] = text
        return len(text)


def find_delimiter(header: str) -> str:
    """Return the sign that cuts the header into most columns."""
    return max(DELIMITERS, key=header.count)


def skip_separator_line(lines: Iterator[Line]) -> Iterator[Line]:
    """Yield the lines without a first one such as sep=; which tells Excel how the table is cut."""
    for number, line in lines:
        if number != 1 or not isinstance(line, str) or not _SEPARATOR.match(line):
            yield number, line


def read_table_rows(
    lines: Iterator[Line], delimiter: str
) -> Iterator[tuple[int, list[str] | RejectedRow]]:
    """Cut lines into cells as CSV does; a quoted cell may span lines.

    A quote that is never closed costs its own line only; where text follows the second quote of a cell, quotes are
    part of a name: many tools write "Weird Al" Yankovic as it is.
    """
    lines = skip_separator_line(lines)
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
        cells.append(
            cell[2] if quoted is None else quoted[1:-1].replace('""', '"').replace('\\"', '"')
        )
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
