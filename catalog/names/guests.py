"""Who is named as a guest of a song, in its title or in the name of its artist, and where that begins."""

import re

from catalog.names import note_words
from catalog.names.text import WIDE_LETTERS, normalise

# Japanese titles write it without a blank before it, Latin letters with accents are letters: "曲feat.Bo", "Häft mig"
_GUEST_WORD = re.compile(r"(?<![a-zÀ-ɏ0-9'’])(featuring|feat|ft)\b([.:]?)(?=(\s?))", re.IGNORECASE)
GUEST_NOTE = re.compile(r"^(?:(?:featuring|feat|ft)\b\.?\s?\S|[wf]/\s?\S)", re.IGNORECASE)
_SLASH = re.compile(r"^[wf]/\s?", re.IGNORECASE)
# "part. Anitta" is a guest, "Part. 2", "Part. II" and "Part. Two" are not
_GUEST_ELSEWHERE = re.compile(
    r"^(?:part\.\s?(?:esp(?:\.|ecial)\s?)?|participaç?c?(?:ão|ao|ión|ion)\s(?:especial\s?)?|при участии|при уч\.|"
    r"п\.\s?у\.|(?:an?\s|im\s|en\s|em\s|in\s)?(?:duet|duett|duo|dueto|duetto)\s(?:with|mit|avec|con|com)\s|"
    r"con la participación de\s|com a participação d[eoa]\s|avec la participation d(?:e\s|')|"
    r"con la partecipazione di\s|(?:совместно|дуэт) с\s|с участием\s|gościnnie|gośc\.|gość\.|z udziałem\s|"
    r"za účasti\s|medverkan av\s|гост[ьи]:|フィーチャリング|(?-i:f\.\s(?=[A-ZÀ-ÖØ-ÞА-Я]))|"
    r"συμμ\.|συμμετέχει|συμμετέχουν|피처링\s|(?:du[eo]t|듀엣)[.:]\s?|features\s|starring\s|"
    r"(?:with |w/\s?|and |& )?(?:our |the )?(?:very )?special guests?\s)[:\s]{0,2}(?:d[eoa]\s)?"
    r"(?=[^\W\d_])(?!(?:[ivx]+|one|two|three|four|five|six|of|um|uma|dois|duas|uno|due|dos|tres|tre)\b)",
    re.IGNORECASE,
)
_GUEST_BEGINNING = re.compile(
    r"^(?:featuring|feat|ft|with|w/|f/|avec|con|com|med|met|mit)[.:]{0,2}\s?", re.IGNORECASE
)
# "Bo Berg starring Ana Lima", "Bo Berg with special guest Ana Lima", in a credit or a title; a name has to follow
_GUEST_PHRASE = re.compile(
    r"(?<=\S)\s(?:(?:with )?(?:starring|introducing|guest vocals by)|(?:with|and|&) (?:(?:very )?special )?guests?|"
    r"(?<=,\s)special guests?|"
    r"(?:an?\s|im\s|en\s|em\s|in\s)?(?:duet|duett|duo|dueto|duetto)\s(?:with|mit|avec|con|com)|"
    r"con la (?:colaboración|participación) de|com a participação (?:de|do|da)|avec la participation de|"
    r"con la partecipazione di|при участии|п\.\s?у\.|с участием|gościnnie|z udziałem|medverkan av|"
    r"part\.(?:\sesp\.|\sespecial)?|συμμ\.)\s(?=(?-i:[A-ZÀ-ÖØ-ÞΑ-ΩА-ЯЁĀ-Ž])|[\u3041-\u30ff\u3400-\u9fff\uac00-\ud7a3])"
    r"(?!(?:[ivx]+|one|two|three|four|five)\b)",
    re.IGNORECASE,
)
# "Drake w/ Rihanna"; "w/o" is "without"
_GUEST_SLASH = re.compile(r"(?<=\S)\s[wf]/\s?(?=\S)(?!o(?:ut)?\b)", re.IGNORECASE)
PRODUCER_NOTE = re.compile(
    r"^(?:prod\b\.?\s?\S|produced by\s|directed by\s|dir\.\s?by\s|shot by\s)", re.IGNORECASE
)
# "Ode feat. Bo, Pt. 2": the part is the song's, not the guest's
_PART_TAIL = re.compile(
    r"[\s,;]\s?((?:pt|pts|part|vol|volume|teil|parte|partie)\b\.?\s?(?:\d{1,3}|[ivx]{1,4}|one|two|three|four|five))$",
    re.IGNORECASE,
)


def cut_guests(name: str) -> str:
    """Cut a name where its guests begin: before "feat.", "ft." or "featuring" that is none of its own words."""
    read = name if name.isascii() else name.translate(WIDE_LETTERS)
    for guests in _GUEST_WORD.finditer(read):
        before, after = (
            name[: guests.start()].rstrip(" ([{（［,;/&-"),
            read[guests.end() :].lstrip(),
        )
        if (
            before
            and after
            and (guests[2] or guests[3])
            and not _is_own_word(guests, before, after)
        ):
            return before
    phrase = _GUEST_PHRASE.search(name)
    if phrase is not None and (before := name[: phrase.start()].rstrip(" ([{,;/&")):
        return before
    slash = _GUEST_SLASH.search(name)
    if slash is None or _get_first_word(name[slash.end() :]) in note_words.NO_GUESTS:
        return name.strip()
    return name[: slash.start()].strip()


def read_tail(guests: str) -> str:
    """Return what follows guests and belongs to the song: "feat. Bo, Pt. 2" → "Pt. 2"; "" where nothing does."""
    number_of_part = _PART_TAIL.search(guests)
    if number_of_part:
        return number_of_part[1]
    # the guest's name stays: one remix is not another
    first_words = guests.split(" ", 2)
    is_version = len(first_words) > 2 and _get_last_word(guests) in note_words.BEHIND_GUESTS
    return guests.strip(" ,") if is_version else ""


def _is_own_word(guests: re.Match[str], before: str, after: str) -> bool:
    """Whether "feat" is a deed, or "ft" a length or a fort."""
    if guests.string[: guests.start()].endswith(("(", "[")):
        return False
    word = guests[1].lower()
    earlier = before[-80:].lower().split(" ")
    previous = earlier[-1]
    if word == "ft":
        is_length = previous[-1].isdigit() and (
            len(earlier) < 2 or earlier[-2].rstrip(".") not in note_words.COUNTING
        )
        is_fort = _get_first_word(after) in note_words.FORTS
        return is_length or is_fort or previous in note_words.BEFORE_OWN_WORD
    if word == "feat" and not guests[2]:
        following = after[:80].split(" ", 1)[0]
        return previous in note_words.BEFORE_OWN_WORD or following in note_words.AFTER_A_DEED
    return False


def names_people(note: str) -> bool:
    """Whether a note names guests or producers and nothing else."""
    return names_guest(note) or PRODUCER_NOTE.match(note) is not None


def names_guest(note: str) -> bool:
    if GUEST_NOTE.match(note):
        slash = _SLASH.match(note)
        word = _get_first_word(note[slash.end() :]) if slash else ""
        return word not in (*note_words.NO_GUESTS, "o", "out") and not read_tail(note)
    if _GUEST_ELSEWHERE.match(note):
        return True
    # players write "(with Sting)"; "(With You)" and "(with you)" are words of a title
    first, _, rest = note.partition(" ")
    if not rest or _get_first_word(rest) in note_words.NO_GUESTS:
        return False
    if first == "with":
        return not rest[0].islower()
    if first == "With":  # as Korean and Japanese titles write it
        return rest[0].isalpha() and not rest[0].islower() and not rest[0].isupper()
    if first in note_words.WITH_NAME:
        return rest[0].isupper()
    words = rest.split(" ", 2)
    are_capitals = len(words) > 1 and words[0][0].isupper() and words[1][0].isupper()
    return first in note_words.WITH_FULL_NAME and are_capitals


def cut_guest_note(name: str) -> str:
    """Return a credit without guests in brackets at its end: "Ana Lima (with Bo Berg)"."""
    if name[-1:] not in (")", "]"):
        return name
    before, _, note = name[:-1].rpartition("(" if name[-1] == ")" else "[")
    return before.strip() if before.strip() and names_guest(note.strip()) else name


def cut_guest_word(guest: str) -> str:
    """Return a guest's name without the "feat." or "with" before it."""
    elsewhere = _GUEST_ELSEWHERE.match(guest)
    if elsewhere:
        return guest[elsewhere.end() :]
    phrase = _GUEST_PHRASE.match(f"- {guest}", 1)
    return guest[phrase.end() - 2 :] if phrase else _GUEST_BEGINNING.sub("", guest)


def _get_first_word(text: str) -> str:
    return normalise(text[:80]).partition(" ")[0]


def _get_last_word(text: str) -> str:
    return normalise(text[-80:]).rpartition(" ")[2]
