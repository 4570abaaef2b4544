"""The words of a title that its keys are made of: one spelling for numbers of parts and works, guests of a remix."""

import re
from collections.abc import Iterable, Sequence

from catalog.names import note_words
from catalog.names.artist_credits import find_guests
from catalog.names.artist_keys import JOINING, build_lookup_key
from catalog.names.text import KEY_PART_LENGTH, collapse_blanks, join_loose_words, normalise
from catalog.names.title_pieces import Piece, read_pieces

# only its guests tell one remix without a name of its own from another
_NAMELESS_REMIXES = ("remix", "official remix", "the remix")
# Catalogues count in figures, Hoboken's in both: "Op. 27b", "Hob. XVI:34"; "Woo, I Like That" and "Co-op 2" are none
_WORK_NUMBER = re.compile(
    r"\b(?:(?:(?<!\bco )op|opus|bwv|kv|hwv|rv|woo) \d+[a-z]?|hob [ivx]+[a-z]? \d+[a-z]?)\b"
)
# these tell works only beside a form: "Sonata No. 2", "Sonata, K. 331"
_NUMBER_OF_A_FORM = re.compile(r"\b(?:(?:number|k|d) \d+[a-z]?|number [ivx]+)\b")
# two spellings of one: "K. 331" of Köchel's catalogue, "Op. 9"
_OF_A_CATALOGUE = {"kv": "k", "kochel": "k", "opus": "op"}
# "K331", "Op.9" and "Pt2": the number is right behind its word
_GLUED_NUMBER = re.compile(r"^(bwv|hwv|woo|kv|op|rv|k|d|pts?|part|vol|teil|ch|ep)(\d+[a-z]?)$")
_ROMAN_NUMBERS = frozenset(word for word in note_words.NUMBERS if word.strip("ivx") == "")
_IN_A_KEY = re.compile(
    r"\b(?:in|en) [a-h](?: (?:sharp|flat|major|minor|dur|moll|majeur|mineur)\b|$)"
)


def build_title_key(title: str) -> str:
    """Return `title` in normal form with its notes dropped, shortened or kept."""
    pieces = read_pieces(collapse_blanks(title))
    return add_guests_of_remix(join_title_words(pieces, title), pieces, title)


def is_composed(title: str) -> bool:
    """Whether a title key names a work by its form and number or key, or by its number in a catalogue of works."""
    has_form = not note_words.WORK_FORMS.isdisjoint(title.split())
    if _WORK_NUMBER.search(title):
        return True
    return has_form and bool(_NUMBER_OF_A_FORM.search(title) or _IN_A_KEY.search(title))


def is_count(word: str) -> bool:
    return _is_number(word) or word in note_words.COUNTED.values()


def join_title_words(pieces: Sequence[Piece], title: str) -> str:
    return _join_words(_list_words(pieces)) or _join_words(normalise(title).split())


def add_guests_of_remix(match: str, pieces: Sequence[Piece], *names: str) -> str:
    """Return the words of a title with the guests whom some names name, where it is a remix without a name."""
    if not any(piece.is_note and piece.text.lower() in _NAMELESS_REMIXES for piece in pieces):
        return match
    guests = {build_lookup_key(guest) for name in names for guest in find_guests(name)}
    return " ".join([match, *sorted(guests)])


def _list_words(pieces: Iterable[Piece]) -> list[str]:
    """Return the words of a title; its own signs where it has no words: "💔 (Live)" is not "💋 (Live)"."""
    words: list[str] = []
    for piece in pieces:
        text = normalise(piece.text)
        if not piece.is_note or any(character.isalnum() for character in text):
            words += text.split()
    return words


def _split_glued_number(word: str) -> tuple[str, ...]:
    """Cut the letters of a catalogue of works off its number: "k331" → "k", "331"; another word stays whole."""
    glued = _GLUED_NUMBER.match(word)
    return (word,) if glued is None else (glued[1], glued[2])


def _join_words(words: Sequence[str]) -> str:
    """Return the words of a title, with one spelling for "Pt. II", "Vol. 2" and "No. 5", and without "and"."""
    words = [one for word in words for one in _split_glued_number(word)]
    last = len(words) - 1
    joined: list[str] = []
    is_counting = False  # behind "part", until a word is no number: "Parts VI-IX"
    for i, word in enumerate(words):
        following = words[i + 1] if i < last else ""
        if word in JOINING and 0 < i < last:
            continue
        is_counting = is_counting and _is_number(word)
        if word in note_words.COUNTED and _is_number(following):
            joined.append(note_words.COUNTED[word])
            is_counting = True
        elif word in note_words.NUMBERED and following[:1].isdigit():
            if joined[-2:-1] != ["op"]:  # "Op. 9 No. 2" is "Op. 9/2"
                joined.append("number")
        elif word in _OF_A_CATALOGUE and following[:1].isdigit():
            joined.append(_OF_A_CATALOGUE[word])
        elif is_counting and word in note_words.NUMBERS:
            joined.append(note_words.NUMBERS[word])
        else:
            joined.append(word)
    key = " ".join(joined)[:KEY_PART_LENGTH].rstrip()
    if not _ROMAN_NUMBERS.isdisjoint(joined) and is_composed(key):
        joined = [
            note_words.NUMBERS[one] if one in _ROMAN_NUMBERS and before != "hob" else one
            for before, one in zip(["", *joined], joined, strict=False)
        ]
        key = " ".join(joined)[:KEY_PART_LENGTH].rstrip()
    return join_loose_words(key)


def _is_number(word: str) -> bool:
    return word[:1].isdigit() or word in note_words.NUMBERS
