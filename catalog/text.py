"""How names are compared: one normal form for searching and matching."""

import re
import unicodedata

MAX_LENGTH = 1000
"""Letters of a name that are read; no column stores as many."""
_NOT_WORD = re.compile(r"[^\w]+", re.UNICODE)
# Letters that carry no combining accent but that people type without one.
_LETTERS = str.maketrans(
    {"ø": "o", "đ": "d", "ł": "l", "æ": "ae", "œ": "oe", "ß": "ss", "þ": "th", "ð": "d", "ı": "i"}
)


def normalise(text: str) -> str:
    """Return `text` in the form in which it is searched: NFKC, without case and accents, words one space apart.

    A name made of signs only ("!!!") keeps its signs, so that it still can be found.
    """
    # marks in a row are put in order by comparing each with each, so there must be an end of them
    shown = " ".join(text[:MAX_LENGTH].split())
    folded = unicodedata.normalize("NFKC", shown).casefold().translate(_LETTERS)
    bare = "".join(c for c in unicodedata.normalize("NFKD", folded) if not unicodedata.combining(c))
    words = _NOT_WORD.sub(" ", bare).replace("_", " ").strip()
    return " ".join(words.split()) or " ".join(bare.split()) or folded.strip()
