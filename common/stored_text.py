"""Sentences that jobs store in English, in the language of who reads them.

A worker has no reader: what it stores is English, with names and numbers in it. Modules that store sentences register
their patterns as messages of gettext; `translate_stored` looks for the pattern that a text follows and returns it in
the active language. What follows no pattern, such as the words of a music server, stays as it is.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache

from django.utils import translation
from django.utils.formats import get_format
from django.utils.timezone import localtime
from django.utils.translation import gettext

MOST_NESTED = 4
"""A sentence in a sentence in a sentence is stored; what stands deeper is a name that looks like one."""
_NAMES = re.compile(r"%\((\w+)\)s")
_NUMBER = re.compile(r"[+-]?(?:[0-9]{1,3}(?:,[0-9]{3})+|[0-9]+)(?:\.[0-9]+)?%?")
_fixed: set[str] = set()


@dataclass(frozen=True)
class _Pattern:
    """A message with names, found again in a text in one pass: a regular expression would try all ways to cut it."""

    message: str
    names: tuple[str, ...]
    literals: tuple[str, ...]
    """What stands before, between and behind the names."""

    def match(self, text: str) -> dict[str, str] | None:
        """Return the value of each name, each as short as can be; None where the text is another sentence."""
        first, *between, last = self.literals
        if not (text.startswith(first) and text.endswith(last)):
            return None
        values = []
        start = len(first)
        for literal in between:
            end = text.find(literal, start + 1)
            if end < 0:
                return None
            values.append(text[start:end])
            start = end + len(literal)
        if start >= len(text) - len(last):
            return None
        values.append(text[start : len(text) - len(last)])
        return dict(zip(self.names, values, strict=True))


_patterns: list[_Pattern] = []


def register_sentences(messages: Iterable[str]) -> None:
    """Register sentences; a `%(name)s` in one is any text, and may be a sentence itself."""
    for message in messages:
        if _NAMES.search(message):
            _patterns.append(_build_pattern(message))
        else:
            _fixed.add(message)
    _translate.cache_clear()


def translate_stored(text: str) -> str:
    """Return a stored text in the active language, as far as its sentences are registered."""
    language = translation.get_language() or "en"
    return text if language.startswith("en") or not text else _translate(text, language)


def translate_log(text: str, began_at: datetime | None = None) -> str:
    """Return a stored log in the active language: lines of a time of eight letters, a space and a sentence.

    The times are in UTC. With the moment at which the log began they are put into the active time zone.
    """
    lines = text.split("\n")
    return "\n".join(
        _convert_time(line[:9], began_at) + translate_stored(line[9:]) for line in lines
    )


def _convert_time(text: str, began_at: datetime | None) -> str:
    """Return 04:59:48 for 03:59:48 in Berlin's winter; what is no time stays as it is."""
    try:
        moment = datetime.strptime(text, "%H:%M:%S ").replace(tzinfo=UTC)
    except ValueError:
        return text
    if began_at is None:
        return text
    day = began_at.astimezone(UTC).date()
    return f"{localtime(datetime.combine(day, moment.timetz())):%H:%M:%S} "


def find_translation(text: str, nested: int = 0) -> str:
    """Return a text in the active language; takes as long as the text is, times the number of sentences."""
    if text in _fixed:
        return gettext(text)
    for pattern in _patterns:
        values = pattern.match(text) if nested < MOST_NESTED else None
        if values is not None:
            words = {name: find_translation(value, nested + 1) for name, value in values.items()}
            return gettext(pattern.message) % words
    return _format_number(text) if _NUMBER.fullmatch(text) else text


def _format_number(text: str) -> str:
    """Return an English number such as 1,234.5 or 91.3% with the signs of the active language."""
    signs = {
        ",": get_format("THOUSAND_SEPARATOR"),
        ".": get_format("DECIMAL_SEPARATOR"),
        "%": "\xa0%",
    }
    return "".join(str(signs.get(sign, sign)) for sign in text)


@lru_cache(maxsize=1024)
def _translate(text: str, language: str) -> str:
    return find_translation(text)


def _build_pattern(message: str) -> _Pattern:
    pieces = _NAMES.split(message)
    literals = tuple(piece.replace("%%", "%") for piece in pieces[::2])
    return _Pattern(message, tuple(pieces[1::2]), literals)
