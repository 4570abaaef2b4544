"""Values that no column can hold (numbers beyond 64 bits, NUL, half characters) are the sender's fault: 4xx, never 5xx.

A value in a path is checked before its view runs. Everything else reaches the database first, which refuses it;
`is_bad_value` recognises how each database and driver says so, for pages, the API and players alike.
"""

import re
from typing import Any

from django.core.exceptions import BadRequest, SuspiciousOperation
from django.db import DataError
from django.http.multipartparser import MultiPartParserError

LARGEST = 2**63 - 1
MESSAGE = "A value is out of range: a number beyond 64 bits, a day that no calendar has, or a character that is none."
_NO_TEXT = re.compile("[\0\ud800-\udfff]")
# In the message of a driver about a text with NUL, and in Python's about a number of more than 4,300 digits.
_WORDS = ("NUL", "for integer string conversion")


_REFUSED = (DataError, OverflowError, SuspiciousOperation, BadRequest, MultiPartParserError)
"""What databases, calendars and Django's readers of requests (too many fields, a broken form) say of what is sent."""


def is_bad_value(error: BaseException) -> bool:
    """Return whether an error says that a value given to the database, or to a calendar, is one that can't be."""
    if isinstance(error, _REFUSED):
        return True
    if isinstance(error, UnicodeEncodeError):
        return error.reason == "surrogates not allowed"
    return isinstance(error, ValueError) and any(words in str(error) for words in _WORDS)


def can_be_stored(value: Any) -> bool:
    """Return whether a part of a path can name a row; of texts, those that are whole numbers name ids."""
    if isinstance(value, int):
        return abs(value) <= LARGEST
    if not isinstance(value, str):
        return True
    if _NO_TEXT.search(value):
        return False
    digits = value.removeprefix("-")
    return (
        len(digits) < 19 or not digits.isdecimal() or (len(digits) < 21 and int(digits) <= LARGEST)
    )
