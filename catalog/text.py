"""How names are compared: one normal form for searching and matching."""

import re
import unicodedata

_NOT_WORD = re.compile(r"[^\w]+", re.UNICODE)
# Letters that carry no combining accent but that people type without one.
_LETTERS = str.maketrans(
    {"ø": "o", "đ": "d", "ł": "l", "æ": "ae", "œ": "oe", "ß": "ss", "þ": "th", "ð": "d", "ı": "i"}
)


def normalise(text: str) -> str:
    """Return `text` in the form in which it is searched: NFKC, without case and accents, words one space apart.

    A name made of signs only ("!!!") keeps its signs, so that it still can be found.
    """
    folded = unicodedata.normalize("NFKC", text).casefold().translate(_LETTERS)
    bare = "".join(c for c in unicodedata.normalize("NFKD", folded) if not unicodedata.combining(c))
    words = _NOT_WORD.sub(" ", bare).replace("_", " ").strip()
    return " ".join(words.split()) or " ".join(bare.split()) or folded.strip()
