"""Under which keys artists are looked up by their names."""

import re
from collections.abc import Sequence

from catalog.names.artist_credits import (
    get_main_artist,
    has_second_half,
    is_list_of_full_names,
    split_credit,
)
from catalog.names.text import KEY_PART_LENGTH, NAME_LENGTH, normalise

# words that join, and that one writes and another leaves out
JOINING = ("and", "n")
_ARTIST_JOINING = (*JOINING, "x", "vs", "versus", "und", "et", "y", "og", "och", "и")
# libraries sort "Beatles, The" and "Ärzte, Die"
_INVERTED = re.compile(
    r"^([^,]+), ?(the|die|der|das|los|las|les|le|la|el|il|gli|het|os)$|^([^(\[]+)\s[(\[](the)[)\]]$",
    re.IGNORECASE,
)


def build_artist_key(artist: str) -> str:
    """Return the lookup key of a credit's first artist, without guests: "Ana Lima, Bo Berg" and "Ana Lima" agree.

    Where the names do not show that they are several artists', all of them count, in any order: "Bo & Cy", "Cy & Bo".
    """
    names = split_credit(get_main_artist(artist))
    if len(names) < 2:
        return build_name_key(get_main_artist(artist))
    if is_list_of_full_names(names):
        return build_name_key(names[0])
    if has_second_half(names):
        return build_name_key(get_main_artist(artist))
    return "".join(sorted(map(build_name_key, names)))[:KEY_PART_LENGTH]


def build_lookup_key(name: str) -> str:
    """Return a name without blanks, a leading "the" and "and": R.E.M. and REM, AC/DC and ACDC have the same one."""
    return _leave_out(_split_artist_words(name), JOINING)


def build_name_key(name: str) -> str:
    return _leave_out(_split_artist_words(name), _ARTIST_JOINING)


def _put_article_first(inverted: re.Match[str]) -> str:
    return f"{inverted[2] or inverted[4]} {inverted[1] or inverted[3]}"


def _split_artist_words(name: str) -> list[str]:
    words = normalise(_INVERTED.sub(_put_article_first, name[:NAME_LENGTH])).split()
    return words[1:] if len(words) > 1 and words[0] == "the" and words[1:] != ["the"] else words


def _leave_out(words: Sequence[str], joining: Sequence[str]) -> str:
    """Return `words` without blanks and without those that only join two others."""
    last = len(words) - 1
    return "".join(w for i, w in enumerate(words) if i in (0, last) or w not in joining)[
        :KEY_PART_LENGTH
    ]
