"""Under which keys songs and artists are looked up by their names: stated once for players, files and the API.

The match key finds the recording: artist and title without what does not tell recordings apart (see
`catalog.names.title_notes` and the table of docs/matching.md). The work key is looser and the
same for all versions of a song: studio, concert, remix, demo.
"""

import re
import uuid
from collections.abc import Iterable, Sequence
from functools import lru_cache
from itertools import combinations
from typing import NamedTuple

from catalog.names import note_words
from catalog.names.guests import cut_guest_note, cut_guests
from catalog.names.inverted_names import names_classical, turn_inverted_name
from catalog.names.joined_names import join_listed_names
from catalog.names.text import fit_key, join_loose_words, normalise
from catalog.names.title_notes import (
    Piece,
    may_name_version,
    names_version,
    read_guests,
    read_pieces,
)

# two of them, of four bytes a letter, fit into the 2,704 bytes of a PostgreSQL index entry
MAX_LENGTH = 300
_MOST_GUESTS = 3
# a history names the same songs again and again
_KEPT_NAMES = 4_096
# as long as a name that is stored; what comes behind it decides nothing
_READ_LENGTH = 500
_ISRC = re.compile(r"^[A-Z]{2}[A-Z0-9]{3}\d{7}$")

# words that join, and that one writes and another leaves out
_JOINING = ("and", "n")
_ARTIST_JOINING = (*_JOINING, "x", "vs", "versus", "und", "et", "y", "og", "och", "и")
# the last word of a name is none: "Lil Nas X & Bo", "Malcolm X vs. Bo"
_JOINER = re.compile(
    r"\s?(?:[,;、，；](?:\s(?:and|&|＆)\s|\s|$)|[;、，；]|(?<!\d),(?!\d))(?!\s?(?:jr|sr)\b)|"
    r"\s?\\+\s?|\s\|+\s|(?<=\w\w)[|×✕✖＆／]+(?=\w\w)|"
    r"\s(?:&|＆|\+|＋|/+|／|⁄|x|ｘ|×|✕|✖|•|·|・|vs\.?|versus|and|y|und|et|og|och|и|pres\.|presents|präsentiert|présente)\s"
    r"(?!(?:&|＆|\+|x|×|vs\.?|versus|and|und|et|og|och|y|и)\s)",
    re.IGNORECASE,
)
# these join only full names: "Ana Lima with Bo Berg", "Ana Lima/Bo Berg", but not "Sleeping with Sirens", "AC/DC"
_WEAK_JOINER = re.compile(
    r"\s(?:with|con|com|avec|mit|med|met|e|i|en|ve|és|ja|v|conducted by|dirigiert von)\s"
    r"(?=[A-ZÀ-ÖØ-ÞА-Я]|[\u3041-\u30ff\u3400-\u9fff\uac00-\ud7a3])|(?<=\S)[/&+＋](?=[^\W\d_])|(?<=\S)\s×(?=[^\W\d_])"
)
# "Ana Lima - Berliner Philharmoniker"
_DASH = re.compile(r"\s[-–—]\s")
_CLOSING = frozenset(")]）］】")
# "Bo Berg (conductor)", "Ana Lima (piano)"
_ROLE = re.compile(
    r"\s[(\[](?:conductor|cond\.?|director|dirigent|orchestra|soloist|piano|violin|viola|cello|violoncello|guitar|organ|"
    r"harpsichord|flute|clarinet|soprano|mezzo-soprano|alto|contralto|tenor|baritone|bass|choir|composer|vocals|"
    r"klavier|violine|orgel|sopran|bariton)[)\]]",
    re.IGNORECASE,
)
# as the second half of one name begins: "Nick Cave & The Bad Seeds", "Bill Haley & His Comets"
_SECOND_HALVES = (
    "the",
    "his",
    "her",
    "their",
    "los",
    "las",
    "les",
    "la",
    "le",
    "die",
    "der",
    "das",
    "el",
    "i",
    "gli",
)
# "Bo Berg, Cy & The Wailers": behind a comma, "The Roots" is an artist
_HALF_AHEAD = re.compile(rf"(?:&|\+|\band)\s(?:{'|'.join(_SECOND_HALVES)})\b", re.IGNORECASE)
# a name of two letters and more, as no word of the East has a blank in it
_EASTERN = re.compile(r"^[\u3041-\u30ff\u3400-\u9fff\uac00-\ud7a3]{2,}$")
# libraries sort "Beatles, The" and "Ärzte, Die"
_INVERTED = re.compile(
    r"^([^,]+), ?(the|die|der|das|los|las|les|le|la|el|il|gli|het|os)$|^([^(\[]+)\s[(\[](the)[)\]]$",
    re.IGNORECASE,
)
# who sings for a figure: "Lin (CV: Ana Lima)"
_VOICE = re.compile(
    r"\s?[(（\[](?:CV|C\.V)(?:\s?[.:：．=・]\s?|\s|(?=[^\x00-\x7f]))([^()（）\[\]]+)[)）\]]",
    re.IGNORECASE,
)
# "BTS (방탄소년단)", "아이유(IU)": services of the East write the name in both scripts
_TWO_SPELLINGS = re.compile(r"^([^()（）{}【】\[\]]+)[(（{【\[]([^()（）{}【】\[\]]+)[)）}】\]]$")
_CHANNEL = re.compile(
    r"(?<=\S)(?:\s?[-–—]\s(?:Topic|Thema|Thème|Tema|Tópicos?|Argomento|Onderwerp|Temat|Ämne|Emne|Aihe|Téma|Konu|Topik|"
    r"Chủ đề|Θέμα|Тема|トピック|주제|主题|主題|หัวข้อ|موضوع|נושא|विषय)|\s-Topic|(?<=\S\S)\s?(?:VEVO|Vevo|vevo)|"
    r"\s(?:[(\[](?:Official|Officiel|Oficial|Offiziell|公式)[)\]]|(?:Official|Officiel|Oficial|公式)"
    r"(?:\s(?:YouTube\s)?(?:Channel|Music|チャンネル))?))$"
)
# "Ana Lima 'Tide' MV", "Ana Lima「Tide」"
_QUOTED_TITLE = re.compile(
    r"^([^'‘“\"「『]{1,120}?)\s?(?:[-–—:]\s)?(?:(?<=\s)['‘“\"]|[「『])([^'’”\"」』]+)['’”\"」』](?!\w)(.*)$"
)
_OWN_ARTIST_SIGN = re.compile(r": |/|／|[\s][‘'“\"]|[「『]")
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
# "K331", "Op.9" with its number right behind it
# and "Pt2"
_GLUED_NUMBER = re.compile(r"^(bwv|hwv|woo|kv|op|rv|k|d|pts?|part|vol|teil|ch|ep)(\d+[a-z]?)$")
_ROMAN_NUMBERS = frozenset(word for word in note_words.NUMBERS if word.strip("ivx") == "")
_IN_A_KEY = re.compile(
    r"\b(?:in|en) [a-h](?: (?:sharp|flat|major|minor|dur|moll|majeur|mineur)\b|$)"
)


class SongKeys(NamedTuple):
    """The two lookup keys of a song, computed from its names."""

    match_key: str
    work_key: str


@lru_cache(_KEPT_NAMES)
def build_song_keys(artist: str, title: str) -> SongKeys:
    """Return both keys of a song; linear in the names, of which 500 letters count."""
    artist = _leave_out_guests(artist, title)
    key = build_artist_key(artist)
    pieces = _read_title(key, title)
    main_pieces = [piece for piece in pieces if not (piece.is_note and names_version(piece.text))]
    match = _join_title_words(pieces, title)
    key = _build_performers_key(artist, match) or key
    work = (
        _join_title_words(main_pieces, title)
        if main_pieces and len(main_pieces) < len(pieces)
        else match
    )
    match = _add_guests_of_remix(match, pieces, artist, title)
    return SongKeys(fit_key(f"{key}|{match}"), fit_key(f"{key}|{work}"))


GuestKeys = tuple[tuple[str, frozenset[str]], ...]
"""Match keys, each with the lookup keys of guests."""


@lru_cache(_KEPT_NAMES)
def build_guest_keys(artist: str, match_key: str, title: str) -> GuestKeys:
    """Return further match keys under which a recording may be stored, with the guests who have to be named there.

    One source writes "Ana & Bo", another "Ana" and "Tide (feat. Bo)". Names that show by themselves to be several
    artists' need none of this.
    """
    names = split_credit(get_main_artist(artist))
    guests = [one for one in dict.fromkeys(list_guest_names(artist, title)) if one not in names]
    title_key = match_key.partition("|")[2]
    keys: list[tuple[str, frozenset[str]]] = []
    if len(guests) <= _MOST_GUESTS:
        for n in range(len(guests), 0, -1):
            for main_guests in combinations(guests, n):
                joint = build_artist_key(", ".join([*names, *main_guests]))
                others = frozenset(map(build_lookup_key, set(guests) - set(main_guests)))
                keys.append((fit_key(f"{joint}|{title_key}"), others))
    if 1 < len(names) <= _MOST_GUESTS + 1 and not is_list_of_full_names(names):
        others = frozenset(map(build_lookup_key, names[1:]))
        keys.append((fit_key(f"{_build_name_key(names[0])}|{title_key}"), others))
    return tuple((key, others) for key, others in keys if key != match_key)


def list_guest_names(artist: str, title: str) -> list[str]:
    """Return the single names of the guests of a credit and a title, whether they are several artists' or not."""
    guests = [guest for text in (artist, title) for guest in find_guests(text)]
    return [name for guest in guests for name in split_credit(guest)]


def is_composed(title: str) -> bool:
    """Whether a title key names a work by its form and number or key, or by its number in a catalogue of works."""
    has_form = not note_words.WORK_FORMS.isdisjoint(title.split())
    if _WORK_NUMBER.search(title):
        return True
    return has_form and bool(_NUMBER_OF_A_FORM.search(title) or _IN_A_KEY.search(title))


def build_match_key(artist: str, title: str) -> str:
    """Return the key that identifies a recording without ids."""
    return build_song_keys(artist, title).match_key


def build_artist_key(artist: str) -> str:
    """Return the lookup key of a credit's first artist, without guests: "Ana Lima, Bo Berg" and "Ana Lima" agree.

    Where the names do not show that they are several artists', all of them count, in any order: "Bo & Cy", "Cy & Bo".
    """
    names = split_credit(get_main_artist(artist))
    if len(names) < 2:
        return _build_name_key(get_main_artist(artist))
    if is_list_of_full_names(names):
        return _build_name_key(names[0])
    if _has_second_half(names):
        return _build_name_key(get_main_artist(artist))
    return "".join(sorted(map(_build_name_key, names)))[:MAX_LENGTH]


def build_title_key(title: str) -> str:
    """Return `title` in normal form with its notes dropped, shortened or kept."""
    pieces = read_pieces(_collapse_blanks(title))
    return _add_guests_of_remix(_join_title_words(pieces, title), pieces, title)


def build_lookup_key(name: str) -> str:
    """Return a name without blanks, a leading "the" and "and": R.E.M. and REM, AC/DC and ACDC have the same one."""
    return _leave_out(_split_artist_words(name), _JOINING)


def get_main_artist(artist: str) -> str:
    """Return `artist` without guests and channel names, as it is written: "Drake feat. Rihanna" → "Drake".

    Only a composer's name is turned where the surname is first: "Bach, Johann Sebastian" → "Johann Sebastian Bach".
    """
    name = _collapse_blanks(artist)
    whole = strip_channel(name)
    if not _CLOSING.isdisjoint(whole):
        whole = cut_guest_note(_ROLE.sub("", _VOICE.sub("", whole)))
    main = _cut_second_spelling(cut_guests(whole)) or name or artist.strip()
    return turn_inverted_name(main)


def split_credit(credit: str) -> list[str]:
    """Return the parts between the joiners of a credit; whether each is an artist is for the caller to find out.

    Names that are known to be one artist's stay whole: "Tyler, The Creator".
    """
    whole = _collapse_blanks(credit)
    joiners = list(_JOINER.finditer(whole))
    if not joiners:
        return _split_full_names(whole)
    starts = [0, *(joiner.end() for joiner in joiners)]
    ends = [*(joiner.start() for joiner in joiners), len(whole)]
    spans = [
        (start, end) for start, end in zip(starts, ends, strict=True) if whole[start:end].strip()
    ]
    return [one for name in join_listed_names(whole, spans) for one in _split_full_names(name)]


def is_list_of_full_names(names: Sequence[str]) -> bool:
    """Whether the parts of a credit show by themselves that each is an artist.

    They do where each has two words or more, or is written in Chinese, Japanese or Korean letters, and no later one
    begins like the second half of one name: "Ana Lima, Bo Berg", "周杰伦/费玉清", but neither "Earth, Wind & Fire" nor
    "Nick Cave & The Bad Seeds".
    """
    return all(_is_full_name(name, is_first=i == 0) for i, name in enumerate(names))


def find_guests(text: str) -> list[str]:
    """Return the guests that an artist's name or a title names: "feat. Ana Lima & Bo Berg" gives both.

    Three and more are a list where one of them has a full name: "feat. Ana Lima, Bo & Cy".
    """
    whole = _collapse_blanks(text)
    guests = [note for note in read_guests(whole) if note]
    names = [voice.strip() for voice in _VOICE.findall(whole)]
    for guest in guests:
        guest_names = split_credit(guest)
        names += guest_names if _is_list_of_guests(guest, guest_names) else [guest]
    return names


def strip_channel(artist: str) -> str:
    """Return a credit without the name of a video channel: "Mara Bug - Topic" → "Mara Bug"."""
    return _CHANNEL.sub("", _collapse_blanks(artist))


def is_same_name(artist: str, title: str, other_artist: str, other_title: str) -> bool:
    """Whether an id may make one song of two pairs of names, which are the parts of match keys.

    Titles that agree are enough, as artists are written in other scripts. Where the artists agree, one title may
    go on behind the other, but not with the name of a version or a number.
    """
    if title.replace(" ", "") == other_title.replace(" ", ""):
        return True
    if not (artist.startswith(other_artist) or other_artist.startswith(artist)):
        return False
    shorter, longer = sorted((title.split(), other_title.split()), key=len)
    rest = longer[len(shorter) :]
    is_longer = bool(shorter) and longer[: len(shorter)] == shorter
    return is_longer and not may_name_version(rest) and not any(_is_count(word) for word in rest)


def build_search_text(title: str, credit: str) -> str:
    """Return the words that a search compares; names that signs cut are added without the signs, too: ACDC."""
    cut_by_signs = [token for token in credit.split() if not token.isalnum()]
    whole = [
        "".join(words)
        for words in (normalise(token).split() for token in cut_by_signs)
        if 1 < len(words) < 8
    ]
    artist = " ".join([normalise(credit), *whole])
    return f"{normalise(title)[:_READ_LENGTH]} {artist[:_READ_LENGTH]}"


def clean_isrc(isrc: str) -> str:
    """Return an ISRC as twelve characters without hyphens, or "" when it is none."""
    bare = isrc.replace("-", "").replace(" ", "").upper()
    return bare if _ISRC.match(bare) else ""


def parse_uuid(text: str) -> uuid.UUID | None:
    """Return a MusicBrainz id; None for an empty text and for one that is none."""
    try:
        return uuid.UUID(text) if text else None
    except ValueError:
        return None


def _is_list_of_guests(guests: str, names: Sequence[str]) -> bool:
    if is_list_of_full_names(names):
        return True
    has_full_name = any(_is_full_name(name, is_first=False) for name in names)
    return len(names) > 2 and has_full_name and not _HALF_AHEAD.search(guests)


def _has_second_half(names: Sequence[str]) -> bool:
    """Whether a later one of some names begins as the second half of one name does."""
    return any(normalise(name).split(" ", 1)[0] in _SECOND_HALVES for name in names[1:])


def _add_guests_of_remix(match: str, pieces: Sequence[Piece], *names: str) -> str:
    """Return the words of a title with the guests whom some names name, where it is a remix without a name."""
    if not any(piece.is_note and piece.text.lower() in _NAMELESS_REMIXES for piece in pieces):
        return match
    guests = {build_lookup_key(guest) for name in names for guest in find_guests(name)}
    return " ".join([match, *sorted(guests)])


def _split_full_names(name: str) -> list[str]:
    """Split a name at the joiners that join only full names, where all of its parts are such."""
    names = [one.strip() for one in _WEAK_JOINER.split(name)]
    if (
        len(names) == 1 and " " in name and _DASH.search(name)
    ):  # elsewhere a dash stands before the title of a song or an album
        dashed = [one.strip() for one in _DASH.split(name)]
        names = dashed if any(map(names_classical, dashed)) else names
    are_names = len(names) > 1 and all(names) and is_list_of_full_names(names)
    return names if are_names else [name.strip()] if name.strip() else []


def _leave_out_guests(artist: str, title: str) -> str:
    """Return a credit without those whom the title names as guests: "Ana, Bo" of "Tide (feat. Bo)" is "Ana"."""
    if not _JOINER.search(artist):
        return artist
    guests = find_guests(title)
    if not guests:
        return artist
    keys = {build_lookup_key(name) for guest in guests for name in (guest, *split_credit(guest))}
    names = split_credit(get_main_artist(artist))
    staying = [name for name in names if build_lookup_key(name) not in keys]
    return ", ".join(staying) if staying and len(staying) < len(names) else artist


def _build_performers_key(artist: str, title_key: str) -> str:
    """Return a key of everybody in a credit of classical music, "" for any other.

    There the first name is mostly the composer's or the orchestra's, under which many performers play one work.
    """
    names = split_credit(get_main_artist(artist))
    if len(names) < 2 or not is_list_of_full_names(names):
        return ""
    if not is_composed(title_key) and not any(map(names_classical, names)):
        return ""
    return ",".join(sorted({build_lookup_key(name) for name in names}))[:MAX_LENGTH]


def _cut_second_spelling(name: str) -> str:
    """Return a name without the same name in another script in brackets behind it."""
    spelt = _TWO_SPELLINGS.match(name)
    if spelt is None:
        return name
    if not any(map(str.isalnum, spelt[1])):  # "!!! (Chk Chk Chk)": how signs are spoken
        return spelt[1].strip() or name
    first, second = (_is_latin(text) for text in spelt.groups())
    return (
        spelt[1].strip() if first is not None and second is not None and first != second else name
    )


def _is_latin(text: str) -> bool | None:
    """Whether all letters of a text are Latin (True) or none is (False); None for both and for no letters."""
    kinds = {ord(character) < 0x250 for character in text if character.isalpha()}
    return next(iter(kinds)) if len(kinds) == 1 else None


def _build_name_key(name: str) -> str:
    return _leave_out(_split_artist_words(name), _ARTIST_JOINING)


def _put_article_first(inverted: re.Match[str]) -> str:
    return f"{inverted[2] or inverted[4]} {inverted[1] or inverted[3]}"


def _split_artist_words(name: str) -> list[str]:
    words = normalise(_INVERTED.sub(_put_article_first, name[:_READ_LENGTH])).split()
    return words[1:] if len(words) > 1 and words[0] == "the" and words[1:] != ["the"] else words


def _leave_out(words: Sequence[str], joining: Sequence[str]) -> str:
    """Return `words` without blanks and without those that only join two others."""
    last = len(words) - 1
    return "".join(w for i, w in enumerate(words) if i in (0, last) or w not in joining)[
        :MAX_LENGTH
    ]


def _is_full_name(name: str, *, is_first: bool) -> bool:
    words = normalise(name).split()
    is_full = len(words) > 1 or _EASTERN.match(name) is not None
    return is_full and (is_first or words[0] not in _SECOND_HALVES)


def _is_count(word: str) -> bool:
    return _is_number(word) or word in note_words.COUNTED.values()


def _is_number(word: str) -> bool:
    return word[:1].isdigit() or word in note_words.NUMBERS


def _collapse_blanks(name: str) -> str:
    return " ".join(name[:_READ_LENGTH].split())


def _read_title(artist: str, title: str) -> list[Piece]:
    """Return the pieces that count; video sites put the artist before the title: "Ana Lima - Tide (Video)"."""
    whole = _collapse_blanks(title)
    pieces = read_pieces(
        _cut_own_artist(artist, whole) if _OWN_ARTIST_SIGN.search(whole) else whole
    )
    if len(pieces) < 2:
        return pieces
    first, second, *_ = pieces
    is_begun = second.is_behind_dash and artist in (
        build_lookup_key(first.text),
        build_artist_key(first.text),
    )
    if is_begun and second.text != "live" and not names_version(second.text):
        return [second._replace(is_note=False), *pieces[2:]]
    if second.is_behind_dash and build_lookup_key(second.text) == artist:  # "Tide - Ana Lima"
        return [first, *pieces[2:]]
    return pieces


def _cut_own_artist(artist: str, title: str) -> str:
    """Return a title without its artist, before it or behind it: "Ana Lima 'Tide' MV", "Tide / Ana Lima"."""
    quoted = _QUOTED_TITLE.match(title)
    if quoted is not None and build_artist_key(quoted[1]) == artist:
        return f"{quoted[2]} {quoted[3].strip()}".strip()
    before, colon, rest = title.partition(": ")
    if colon and build_lookup_key(before) == artist and rest.lower() != "live":
        return rest
    before, slash, rest = title.rpartition("/")
    if slash and before.strip() and build_lookup_key(rest) == artist:
        return before.strip()
    return title


def _join_title_words(pieces: Sequence[Piece], title: str) -> str:
    return _join_words(_list_words(pieces)) or _join_words(normalise(title).split())


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
        if word in _JOINING and 0 < i < last:
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
    key = " ".join(joined)[:MAX_LENGTH].rstrip()
    if not _ROMAN_NUMBERS.isdisjoint(joined) and is_composed(key):
        joined = [
            note_words.NUMBERS[one] if one in _ROMAN_NUMBERS and before != "hob" else one
            for before, one in zip(["", *joined], joined, strict=False)
        ]
        key = " ".join(joined)[:MAX_LENGTH].rstrip()
    return join_loose_words(key)
