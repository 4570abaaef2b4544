"""How names are compared: one normal form for searching and matching.

| of a name | in the normal form |
|---|---|
| case, width, ligatures | small letters of ordinary width |
| accents of Latin, Greek and Cyrillic letters | gone |
| vowel marks of Arabic and points of Hebrew, which mostly are not written | gone |
| vowel signs, tone marks, voiced kana and every other mark | kept: they are letters, not accents |
| digits of other scripts: "٣", "३" | the digits from 0 to 9 |
| Thai and Lao sara am, with the tone before or behind its ring | one order |
| apostrophes between letters | gone: "don't" is "dont" |
| initials with dots | one word: "R.E.M." is "rem" |
| signs written for letters: "P!nk", "Ke$ha" | the letters: "pink", "kesha" |
| й, ї, ў, ѓ, ќ | kept: they are letters of their own |
| ♯, # and ♭ behind the name of a note, + behind a word | a word: "C♯" is "c sharp", "C++" is "c plus plus" |
| #, n° and № before a number | "number": "#5" is "number 5" |
| + before a number that begins a word, or at the end | a word: "+44" is "plus 44", "Tide +" is "tide plus" |
| a small raised or lowered digit behind a digit | a number of its own: "2²" is "2 2" |
| commas between thousands | gone: "10,000" is "10000" |
| letters of Persian that Arabic keyboards write in their own way | Persian's: "كتاب" is "کتاب" |
| alef with hamza or madda, ى, ة, which many write without | ا, ی, ه: "أنت" is "انت" |
| signs of a number that is the whole name: "-1", "<3", "50%" | kept |
| signs before a bracket that are the whole name: "÷ (Deluxe)" | kept, as nothing else tells such names apart |
| other signs, blanks, invisible characters | one blank between words |
"""

import re
import unicodedata

NAME_LENGTH = 500
"""What the columns of titles and names hold."""

MAX_LENGTH = 1000
MAX_QUERY_WORDS = 8
"""Letters of a name that are read; no column stores as many."""

# Letters that carry no combining accent but that people type without one; the last one only draws Arabic words longer.
_LETTERS = str.maketrans(
    {
        "ø": "o",
        "đ": "d",
        "ł": "l",
        "æ": "ae",
        "œ": "oe",
        "ß": "ss",
        "þ": "th",
        "ð": "d",
        "ı": "i",
        "ـ": "",
        "ك": "ک",
        "ي": "ی",
        "ى": "ی",
        "ة": "ه",
        "أ": "ا",
        "إ": "ا",
        "آ": "ا",
        "ٱ": "ا",
    }
)
# what is drawn like a vowel's accent and makes another consonant or vowel: "мой" is not "мои"
_OWN_LETTERS = frozenset(("и\u0306", "у\u0306", "і\u0308", "г\u0301", "к\u0301"))
# fatha to sukun, superscript alef; sheva to the points of shin, qamats qatan: most write, and type, without them
_POINTS = frozenset(
    map(chr, (*range(0x64B, 0x653), 0x670, *range(0x5B0, 0x5BE), 0x5BF, 0x5C1, 0x5C2, 0x5C7))
)
# letters and signs of full width as ordinary ones; "＜", "＞" and "～" are brackets and dashes of titles
WIDE_LETTERS = {
    code: code - 0xFEE0 for code in range(0xFF01, 0xFF5E) if chr(code) not in "＜＞"
} | {0x3000: 0x20}
_APOSTROPHES = dict.fromkeys(map(ord, "’‘ʼʻ′`´＇ʹˈ‛"), "'")
# these would become the letters TM and SM
_SIGNS = _APOSTROPHES | dict.fromkeys(map(ord, "™℠"), "") | {ord("№"): "#", ord("ϟ"): "⚡"}
# the ring of sara am: keyboards put the tone behind it, or before it, as it is in one character
_RING_BEFORE_TONE = re.compile("([\u0e4d\u0ecd])([\u0e48-\u0e4b\u0ec8-\u0ecb])")


class _Kinds(dict[str, str]):
    """What a decomposed character is: an "accentable" letter, a "mark", "invisible" or "other"; looked up once."""

    def __missing__(self, character: str) -> str:
        category = unicodedata.category(character)
        if (
            character in _POINTS
            or category == "Cf"
            or unicodedata.name(character, "").startswith("VARIATION SELECTOR")
        ):
            kind = "invisible"
        elif category[0] == "M":
            kind = "mark"
        else:
            script = unicodedata.name(character, "").partition(" ")[0]
            kind = "accentable" if script in ("LATIN", "GREEK", "CYRILLIC") else "other"
        self[character] = kind
        return kind


class _Words(dict[int, str]):
    """Characters of words as they are, every other as a blank; looked up once."""

    def __missing__(self, code: int) -> str:
        character = chr(code)
        is_word = character.isalnum() or unicodedata.category(character)[0] == "M"
        self[code] = character if is_word else " "
        return self[code]


class _Digits(dict[int, str]):
    """Digits of every script as those from 0 to 9, every other character as it is; looked up once."""

    def __missing__(self, code: int) -> str:
        character = chr(code)
        self[code] = str(unicodedata.digit(character)) if character.isdecimal() else character
        return self[code]


_KINDS = _Kinds()
_DIGITS = _Digits()
_WORDS = _Words()
_INITIALS = re.compile(
    r"(?<![^\W_])(?:[^\W\d_]\.){2,}(?:[^\W\d_](?![^\W_]))?|(?<![^\W_])[^\W\d_]\.[^\W\d_](?![\w.])"
)
_SIGN = re.compile(r"[$!@#♯♭+'.°]|\d,\d")
_APOSTROPHE = re.compile(r"(?<=[^\W_])'(?=[^\W_])")
_SHARP = re.compile(r"(?<![^\W_])([a-g])[#♯]")
_FLAT = re.compile(r"(?<![^\W_])([a-g])♭")
_NUMBER = re.compile(r"(?<![^\W_])(?:#|n°)\s?(?=\d)")
_PLUS = re.compile(r"(?<=[^\W_])\++(?![^\W_])|(?<![^\s(])\+(?=\d)|(?<=[^\W_]\s)\+{1,9}$")
# "2²" is no 22; "mc²" and "H₂O" are written mc2 and H2O
_RAISED_DIGIT = re.compile(r"(?<=\d)(?=[²³¹⁰⁴-⁹₀-₉])")
_THOUSANDS = re.compile(r"(?<=\d),(?=\d{3}(?!\d))")
_MASCULINE = re.compile(r"(?<![^\W_])[nN]º\s?(?=\d)")
# "÷ (Deluxe)": what stands before the bracket, if no letter does
_NAME_OF_SIGNS = re.compile(r"^([^\w(\[（【]{1,20})[(\[（【]")
_SIGNED_NUMBER = re.compile(r"^([-−<>=~$€£¥])\s?(\d+)$|^(\d+)\s?(%)$")
_QUOTES = " \"'“”„«»‹›¿¡*_"
# between letters of Arabic, Thai, Lao, Japanese, Chinese and Korean
_LOOSE_SCRIPTS = "\u0620-\u06ff\u0e00-\u0eff\u3041-\u30ff\u3400-\u9fff\uac00-\ud7a3"
_LOOSE_BLANK = re.compile(rf"(?<=[{_LOOSE_SCRIPTS}])\s(?=[{_LOOSE_SCRIPTS}])")
_UNSPOKEN = ("and", "n")
_DOLLARS = re.compile(r"(?<!\$)\$+(?=[^\W\d_])|(?<=[^\W\d_])\$+")
_LETTER_SIGNS = (
    ("!", re.compile(r"(?<=[^\W\d_])!(?=[^\W\d_])"), "i"),
    ("@", re.compile(r"(?<=[^\W\d_])@(?=[^\W\d_])"), "a"),
)


KEY_LENGTH = 1100
KEY_PART_LENGTH = 300
"""Of an artist's or a title's key; two of four bytes a letter fit into the 2,704 bytes of a PostgreSQL index entry."""
_KEY_BYTES = 2_600  # PostgreSQL indexes texts of up to 2,704


def fit_key(text: str) -> str:
    """Return a derived text cut to its column and to what an index takes: letters like ﷺ become many words."""
    return text[:KEY_LENGTH].encode(errors="ignore")[:_KEY_BYTES].decode(errors="ignore")


def normalise(text: str) -> str:
    """Return `text` in the form in which it is searched: words one space apart, by the table above.

    A name made of signs only ("!!!") keeps its signs, so that it still can be found. Linear in the text, of
    which `MAX_LENGTH` letters are read.
    """
    folded = _fold(text)
    readable = _read_signs(folded) if _SIGN.search(folded) else folded
    words = readable.translate(_WORDS).split()
    signs = _NAME_OF_SIGNS.match(folded)
    if signs and words and (name := signs[1].strip(_QUOTES)):
        words.insert(0, name)
    if len(words) == 1 and (signed := _SIGNED_NUMBER.match(folded)):
        words = [one for one in signed.groups() if one]
    return " ".join(words) or " ".join(folded.split()) or text[:MAX_LENGTH].strip()


def collapse_blanks(name: str) -> str:
    """Return as much of a name as is stored, with one blank between words."""
    return " ".join(name[:NAME_LENGTH].split())


def join_loose_words(text: str) -> str:
    """Return a normal form without the blanks that its scripts set, or leave out, at will: "می خواهم", "너의 의미"."""
    return text if text.isascii() else _LOOSE_BLANK.sub("", text)


def build_search_text(title: str, credit: str) -> str:
    """Return the words that a search compares; names that signs cut are added without the signs, too: ACDC."""
    cut_by_signs = [token for token in credit.split() if not token.isalnum()]
    whole = [
        "".join(words)
        for words in (normalise(token).split() for token in cut_by_signs)
        if 1 < len(words) < 8
    ]
    artist = " ".join([normalise(credit), *whole])
    return f"{normalise(title)[:NAME_LENGTH]} {artist[:NAME_LENGTH]}"


def list_query_words(words: str) -> list[str]:
    """Return the words that a search asks for: without those that one writes and another leaves out, if others remain.

    At most `MAX_QUERY_WORDS`, however many a letter such as ﷺ or a word such as "a/b/c" becomes: each is a condition
    of the query and is compared with every word of what is like it. "Simon and Garfunkel" finds "Simon & Garfunkel",
    "Symphony #5" finds "Symphony No. 5".
    """
    every = normalise(words).split()
    asked = [
        word
        for word, after in zip(every, [*every[1:], ""], strict=False)
        if word not in _UNSPOKEN and not (word == "number" and after[:1].isdigit())
    ]
    return (asked or every)[:MAX_QUERY_WORDS]


def normalise_name(name: str) -> str:
    """Return how a name is searched, cut to its column."""
    return normalise(name[:NAME_LENGTH])[:NAME_LENGTH]


def _fold(text: str) -> str:
    # marks in a row are put in order by comparing each with each, so there must be an end of them
    shown = " ".join(text[:MAX_LENGTH].split())
    if shown.isascii():
        return shown.lower().replace("`", "'")
    shown = _MASCULINE.sub("#", shown) if "º" in shown else shown
    shown = _RAISED_DIGIT.sub(" ", shown)
    folded = unicodedata.normalize("NFKC", shown.translate(_SIGNS)).casefold().translate(_LETTERS)
    bare = _strip_accents(unicodedata.normalize("NFKD", folded)).translate(_APOSTROPHES)
    bare = _RING_BEFORE_TONE.sub(r"\2\1", bare)
    return unicodedata.normalize("NFC", bare).translate(_DIGITS)


def _strip_accents(decomposed: str) -> str:
    """Drop marks behind Latin, Greek and Cyrillic letters, and what can't be seen."""
    characters: list[str] = []
    is_accent = False
    for character in decomposed:
        kind = _KINDS[character]
        if kind == "mark" and is_accent and characters[-1] + character in _OWN_LETTERS:
            characters.append(character)
            continue
        if kind == "invisible" or (kind == "mark" and is_accent):
            continue
        is_accent = kind == "accentable" or (kind == "mark" and is_accent)
        characters.append(character)
    return "".join(characters)


def _read_signs(folded: str) -> str:
    """Turn the signs that mean something into letters or words; signs that are not there cost nothing."""
    read = folded
    if "'" in read:
        read = read.replace("'n'", " n ").replace("'n ", " n ")
        read = _APOSTROPHE.sub("", read)
    if "." in read:
        read = _INITIALS.sub(lambda initials: initials[0].replace(".", ""), read)
    if "#" in read or "♯" in read:
        read = _SHARP.sub(r"\1 sharp ", read)
    if "#" in read or "°" in read:
        read = _NUMBER.sub(" number ", read)
    if "♭" in read:
        read = _FLAT.sub(r"\1 flat ", read)
    if "+" in read:
        read = _PLUS.sub(lambda signs: " plus" * len(signs[0]) + " ", read)
    if "," in read:
        read = _THOUSANDS.sub("", read)
    if "$" in read:
        read = _DOLLARS.sub(lambda signs: "s" * len(signs[0]), read)
    for sign, pattern, letter in _LETTER_SIGNS:
        if sign in read:
            read = pattern.sub(letter, read)
    return read
