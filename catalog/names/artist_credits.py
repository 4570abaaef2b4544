"""Which artists a credit names, as they are written: the main artist, the guests, and the parts between joiners."""

import re
from collections.abc import Sequence

from catalog.names.guests import cut_guest_note, cut_guests
from catalog.names.inverted_names import names_classical, turn_inverted_name
from catalog.names.joined_names import join_listed_names
from catalog.names.text import collapse_blanks, normalise
from catalog.names.title_pieces import read_guests

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
_SECOND_HALVES = frozenset(
    [
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
    ]
)
# "Bo Berg, Cy & The Wailers": behind a comma, "The Roots" is an artist
_HALF_AHEAD = re.compile(
    rf"(?:&|\+|\band)\s(?:{'|'.join(sorted(_SECOND_HALVES))})\b", re.IGNORECASE
)
# a name of two letters and more, as no word of the East has a blank in it
_EASTERN = re.compile(r"^[\u3041-\u30ff\u3400-\u9fff\uac00-\ud7a3]{2,}$")
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


def get_main_artist(artist: str) -> str:
    """Return `artist` without guests and channel names, as it is written: "Drake feat. Rihanna" → "Drake".

    Only a composer's name is turned where the surname is first: "Bach, Johann Sebastian" → "Johann Sebastian Bach".
    """
    name = collapse_blanks(artist)
    whole = strip_channel(name)
    if not _CLOSING.isdisjoint(whole):
        whole = cut_guest_note(_ROLE.sub("", _VOICE.sub("", whole)))
    main = _cut_second_spelling(cut_guests(whole)) or name or artist.strip()
    return turn_inverted_name(main)


def strip_channel(artist: str) -> str:
    """Return a credit without the name of a video channel: "Mara Bug - Topic" → "Mara Bug"."""
    return _CHANNEL.sub("", collapse_blanks(artist))


def has_joiner(credit: str) -> bool:
    """Whether a credit has a sign or a word between names, so that it may be several artists'."""
    return _JOINER.search(credit) is not None


def split_credit(credit: str) -> list[str]:
    """Return the parts between the joiners of a credit; whether each is an artist is for the caller to find out.

    Names that are known to be one artist's stay whole: "Tyler, The Creator".
    """
    whole = collapse_blanks(credit)
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


def has_second_half(names: Sequence[str]) -> bool:
    """Whether a later one of some names begins as the second half of one name does."""
    return any(normalise(name).split(" ", 1)[0] in _SECOND_HALVES for name in names[1:])


def find_guests(text: str) -> list[str]:
    """Return the guests that an artist's name or a title names: "feat. Ana Lima & Bo Berg" gives both.

    Three and more are a list where one of them has a full name: "feat. Ana Lima, Bo & Cy".
    """
    whole = collapse_blanks(text)
    guests = [note for note in read_guests(whole) if note]
    names = [voice.strip() for voice in _VOICE.findall(whole)]
    for guest in guests:
        guest_names = split_credit(guest)
        names += guest_names if _is_list_of_guests(guest, guest_names) else [guest]
    return names


def list_guest_names(artist: str, title: str) -> list[str]:
    """Return the single names of the guests of a credit and a title, whether they are several artists' or not."""
    guests = [guest for text in (artist, title) for guest in find_guests(text)]
    return [name for guest in guests for name in split_credit(guest)]


def _is_list_of_guests(guests: str, names: Sequence[str]) -> bool:
    if is_list_of_full_names(names):
        return True
    has_full_name = any(_is_full_name(name, is_first=False) for name in names)
    return len(names) > 2 and has_full_name and not _HALF_AHEAD.search(guests)


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


def _is_full_name(name: str, *, is_first: bool) -> bool:
    words = normalise(name).split()
    is_full = len(words) > 1 or _EASTERN.match(name) is not None
    return is_full and (is_first or words[0] not in _SECOND_HALVES)


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
