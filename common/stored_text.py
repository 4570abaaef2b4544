"""Sentences that jobs store in English, in the language of who reads them.

A worker has no reader: what it stores is English, with names and numbers in it. Modules that store sentences register
their patterns as messages of gettext; `translate_stored` looks for the pattern that a text follows and returns it in
the active language. What follows no pattern, such as the words of a music server, stays as it is.
"""

import re
from collections.abc import Iterable
from functools import lru_cache

from django.utils import translation
from django.utils.formats import get_format
from django.utils.translation import gettext

_NAMES = re.compile(r"%\((\w+)\)s")
_NUMBER = re.compile(r"[+-]?(?:[0-9]{1,3}(?:,[0-9]{3})+|[0-9]+)(?:\.[0-9]+)?%?")
_patterns: list[tuple[re.Pattern[str], str]] = []
_fixed: set[str] = set()


def register_sentences(messages: Iterable[str]) -> None:
    """Register sentences; a `%(name)s` in one is any text, and may be a sentence itself."""
    for message in messages:
        if _NAMES.search(message):
            _patterns.append((_build_pattern(message), message))
        else:
            _fixed.add(message)
    _translate.cache_clear()


def translate_stored(text: str) -> str:
    """Return a stored text in the active language, as far as its sentences are registered."""
    language = translation.get_language() or "en"
    return text if language.startswith("en") or not text else _translate(text, language)


def translate_log(text: str) -> str:
    """Return a stored log in the active language: lines of a time of eight letters, a space and a sentence."""
    lines = text.split("\n")
    return "\n".join(line[:9] + translate_stored(line[9:]) for line in lines)


@lru_cache(maxsize=1024)
def _translate(text: str, language: str) -> str:
    if text in _fixed:
        return gettext(text)
    for pattern, message in _patterns:
        if match := pattern.fullmatch(text):
            words = {name: _translate(value, language) for name, value in match.groupdict().items()}
            return gettext(message) % words
    return _format_number(text) if _NUMBER.fullmatch(text) else text


def _format_number(text: str) -> str:
    """Return an English number such as 1,234.5 or 91.3% with the signs of the active language."""
    signs = {
        ",": get_format("THOUSAND_SEPARATOR"),
        ".": get_format("DECIMAL_SEPARATOR"),
        "%": "\xa0%",
    }
    return "".join(str(signs.get(sign, sign)) for sign in text)


def _build_pattern(message: str) -> re.Pattern[str]:
    """Return what matches the message with anything at its names."""
    pieces = _NAMES.split(message)
    literal = [re.escape(piece.replace("%%", "%")) for piece in pieces[::2]]
    names = [f"(?P<{name}>.+?)" for name in pieces[1::2]]
    joined = "".join(piece + name for piece, name in zip(literal, [*names, ""], strict=True))
    return re.compile(joined, re.DOTALL)
