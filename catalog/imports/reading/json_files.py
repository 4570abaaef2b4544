"""JSON files and JSON lines as a stream, in bounded memory: only the values that are asked for are ever held."""

import codecs
import json
import re
from collections.abc import Callable, Collection, Iterable, Iterator
from itertools import islice
from typing import Any, BinaryIO

from catalog.imports.reading.lines import read_numbered_lines
from catalog.records import RejectedRow

LONGEST_ENTRY = 2**20
EACH = "*"
"""In a path: every element of an array."""
ONE_OR_EACH = "+"
"""In a path: every element of an array, or the one object that stands in place of an array of one."""
Path = tuple[str, ...]

BLOCK_BYTES = 2**18
_LONGEST_NUMBER = 30
_BLANKS = re.compile(r"[ \t\r\n]*")
_QUOTE_OR_BRACKET = re.compile(r'["\[\]{}]')
_QUOTE_OR_ESCAPE = re.compile(r'["\\]')
_DELIMITERS = tuple(",]} \t\r\n")
_END_OF_PLAIN = re.compile(r"[,\]}\s]")


class BrokenJson(ValueError):
    """The text is not the JSON it should be; nothing behind this point can be read."""


def _parse_whole_number(text: str) -> float:
    """Return the number; one of very many digits, which Python refuses or which no column takes, is infinite."""
    return (
        int(text)
        if len(text) <= _LONGEST_NUMBER
        else float("-inf" if text.startswith("-") else "inf")
    )


_DECODER = json.JSONDecoder(parse_int=_parse_whole_number)


_LOOKED_AT = 50


def has_entry(entries: Iterable[Any], is_entry: Callable[[Any], bool]) -> bool:
    """Return whether one of the first entries is of a layout; an odd one before it costs itself and not the file.

    Raises BrokenJson where the text stops being JSON before such an entry.
    """
    return any(is_entry(entry) for entry in islice(entries, _LOOKED_AT))


def has_keys(*needed: str) -> Callable[[Any], bool]:
    """Return a function that says whether an entry is an object with all of these keys."""
    return lambda entry: isinstance(entry, dict) and entry.keys() >= {*needed}


def read_array(stream: BinaryIO) -> Iterator[Any]:
    """Yield the entries of a JSON array, and of others behind it; BrokenJson where it stops being one.

    An entry that is too long or nested too deeply comes as a RejectedRow, without a line.
    """
    text = _Window(stream)
    if text.peek() != "[":
        raise BrokenJson("it is not a JSON array")
    while text.peek():
        yield from text.iterate_elements()


def read_values(stream: BinaryIO, paths: Collection[Path]) -> Iterator[tuple[Path, Any]]:
    """Yield (path, value) of the values at `paths` in the order of the file; everything else is passed over.

    A path is the keys from the root, with `EACH` for the elements of an array. Several documents one behind the other
    are read as one, as files of pages are put together so. Raises BrokenJson where the text stops being JSON.
    """
    text = _Window(stream)
    yield from _walk_values(text, (), frozenset(paths))
    while text.peek():
        yield from _walk_values(text, (), frozenset(paths))


def read_lines(stream: BinaryIO) -> Iterator[Any]:
    """Yield the entry of each line, a RejectedRow where a line is none; the row has the line's number."""
    for number, line in read_numbered_lines(stream):
        if isinstance(line, RejectedRow):
            yield line
            continue
        try:
            yield _DECODER.decode(line)
        except (ValueError, RecursionError):
            yield RejectedRow(number, "the line is not JSON")


class _Window:
    """A JSON text that is read block by block; `at` is the place in the part that is held."""

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream
        self._decode = codecs.getincrementaldecoder("utf-8-sig")()
        self.text = ""
        self.at = 0

    def fill(self) -> bool:
        """Drop what was read and hold one block more; False at the end of the file."""
        block = self._stream.read(BLOCK_BYTES)
        try:
            more = self._decode.decode(block, final=not block)
        except UnicodeDecodeError:
            raise BrokenJson("it is not UTF-8 text") from None
        self.text, self.at = self.text[self.at :] + more, 0
        return bool(block)

    def peek(self) -> str:
        """Return the next character that is no blank; empty at the end."""
        while True:
            self.at = _BLANKS.match(self.text, self.at).end()  # type: ignore[union-attr]  # blanks match none, too
            if self.at < len(self.text):
                return self.text[self.at]
            if not self.fill():
                return ""

    def expect(self, character: str) -> None:
        if self.peek() != character:
            raise BrokenJson("it is damaged or cut off")
        self.at += 1

    def iterate_elements(self) -> Iterator[Any]:
        """Yield the elements of the array that begins here."""
        self.expect("[")
        while (character := self.peek()) != "]":
            if character == ",":  # also one too many, as some tools write behind the last element
                self.at += 1
            else:
                yield self.read_value()
        self.at += 1

    def iterate_members(self) -> Iterator[str]:
        """Yield the keys of the object that begins here; the value of each must be taken before the next."""
        self.expect("{")
        while (character := self.peek()) != "}":
            if character == ",":
                self.at += 1
                continue
            key = self.read_value()
            if not isinstance(key, str):
                raise BrokenJson("it is damaged or cut off")
            self.expect(":")
            self.peek()
            yield key
        self.at += 1

    def read_value(self) -> Any:
        """Return the value that begins here; a RejectedRow for one that is too long or nested too deeply."""
        while True:
            try:
                value, end = _DECODER.raw_decode(self.text, self.at)
            except RecursionError:
                self.skip_value()
                return RejectedRow(0, "the entry is nested too deeply")
            except ValueError:
                end = -1
            # a number may go on behind the text that is held
            if end >= 0 and (
                self.text[end - 1] in '"]}' or self.text[end : end + 1] in _DELIMITERS
            ):
                self.at = end
                return value
            if len(self.text) - self.at > LONGEST_ENTRY:
                self.skip_value()
                return RejectedRow(
                    0, f"the entry is no JSON or longer than {LONGEST_ENTRY // 2**20} MB"
                )
            if not self.fill():
                if end == len(self.text):
                    self.at = end
                    return value
                self.skip_value()  # BrokenJson where the entry has no end
                return RejectedRow(0, "the entry is no JSON")

    def skip_value(self) -> None:
        """Go behind the value that begins here, however long and deep it is."""
        first = self.peek()
        if first == '"':
            self.at += 1
            self._skip_text()
        elif first and first in "[{":
            self._skip_nested()
        elif (
            first in ",:]}" or first.isspace()
        ):  # a blank that is none in JSON would be met for ever
            raise BrokenJson("it is damaged or cut off")
        else:
            self._find(_END_OF_PLAIN)

    def _skip_nested(self) -> None:
        depth = 0
        while True:
            character = self._find(_QUOTE_OR_BRACKET)
            self.at += 1
            if character == '"':
                self._skip_text()
                continue
            depth += 1 if character in "[{" else -1
            if depth == 0:
                return

    def _skip_text(self) -> None:
        """Go behind the quote that ends the text."""
        while self._find(_QUOTE_OR_ESCAPE) == "\\":
            while self.at + 2 > len(self.text):
                if not self.fill():
                    raise BrokenJson("it is damaged or cut off")
            self.at += 2
        self.at += 1

    def _find(self, sign: re.Pattern[str]) -> str:
        """Go to the next place of `sign` and return what is there."""
        while (match := sign.search(self.text, self.at)) is None:
            self.at = len(self.text)
            if not self.fill():
                raise BrokenJson("it is damaged or cut off")
        self.at = match.start()
        return match[0]


def _walk_values(text: _Window, here: Path, wanted: frozenset[Path]) -> Iterator[tuple[Path, Any]]:
    """Yield the wanted values in the value that begins at the window's place, and go behind it."""
    first = text.peek()
    if here in wanted:
        yield here, text.read_value()
    elif first == "{" and (*here, ONE_OR_EACH) in wanted:
        yield (*here, ONE_OR_EACH), text.read_value()
    elif first == "{" and _is_prefix(here, wanted):
        for key in text.iterate_members():
            yield from _walk_values(text, (*here, key), wanted)
    elif first == "[" and _is_prefix((*here, EACH), wanted):
        yield from _walk_elements(text, (*here, EACH), wanted)
    elif first == "[" and _is_prefix((*here, ONE_OR_EACH), wanted):
        yield from _walk_elements(text, (*here, ONE_OR_EACH), wanted)
    elif not first:
        raise BrokenJson("it is damaged or cut off")
    else:
        text.skip_value()


def _walk_elements(
    text: _Window, here: Path, wanted: frozenset[Path]
) -> Iterator[tuple[Path, Any]]:
    text.expect("[")
    while (character := text.peek()) != "]":
        if character == ",":
            text.at += 1
        else:
            yield from _walk_values(text, here, wanted)
    text.at += 1


def _is_prefix(here: Path, wanted: frozenset[Path]) -> bool:
    return any(path[: len(here)] == here for path in wanted)
