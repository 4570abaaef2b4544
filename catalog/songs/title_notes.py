"""What the notes of a title mean: "(feat. B)", "- Remastered 2011", "(Live at Wembley)", "(Part 2)".

A title is cut once into pieces: its own words, what is in brackets, and what comes behind " - ". Each note is judged
by itself, word by word, by the tables of this module; docs/matching.md shows them with examples, which are tested.
Everything is linear in the title.
"""

import re
from collections.abc import Sequence
from typing import NamedTuple

from catalog.songs.text import normalise


def _split_words(text: str) -> frozenset[str]:
    return frozenset(text.split())


# --- Guests and producers ---------------------------------------------------------------------------------------------

_GUEST_WORD = re.compile(r"(?<![a-z0-9'’])(featuring|feat|ft)\b(\.?)(?=(\s?))", re.IGNORECASE)
_GUEST_NOTE = re.compile(r"^(?:(?:featuring|feat|ft)\b\.?\s?\S|w/\s?\S)", re.IGNORECASE)
_GUEST_BEGINNING = re.compile(r"^(?:featuring|feat|ft|with|w/)\.?\s?", re.IGNORECASE)
_PRODUCER_NOTE = re.compile(r"^(?:prod\b\.?\s?\S|produced by\s)", re.IGNORECASE)
# "A Feat of Strength", "No Small Feat", "Road to Ft. Worth": these words stand before a deed or a fort
_BEFORE_OWN_WORD = _split_words(
    """a an the no my your our his her their this that these those one any some every each great small mean another
    to from of in at near on by for and or old one two three four five six seven eight nine ten twenty thirty forty
    fifty hundred thousand"""
)
_AFTER_A_DEED = _split_words("of in for to that which and or")
_COUNTING = _split_words("part pt pt. vol vol. volume no no. nr nr. number op op. #")
# "(with You)" belongs to the title, "(with Sting)" does not
_NO_GUESTS = _split_words(
    """a an all any each every everything everybody everyone nothing no one you u me us him her it them this that these
    those my your our his their its love out in on or strings orchestra choir piano guitar band lyrics words intro
    outro introduction interlude eyes arms hands open"""
)

# --- Pressings of the same recording ----------------------------------------------------------------------------------

_REMASTERS = _split_words(
    """remaster remasters remastered remastering remasterizado remasterizada remasterise remasterisee mono stereo
    explicit clean deluxe expanded anniversary reissue reissued"""
)
_PRESSING_WORDS = _REMASTERS | _split_words(
    """re digital digitally version versions versao edition edicion edicao edit mix album single lp ep radio original
    main standard full length inch bonus track tracks super special collector collectors s limited release in the a
    and en de of from vinyl cd disc 7 12 7in 12in 7inch 12inch"""
)
_PRESSING_KINDS = (
    *(
        "single",
        "album",
        "lp",
        "ep",
        "radio",
        "original",
        "main",
        "standard",
        "full",
        "full length",
    ),
    *("7", "12", "7in", "12in", "7inch", "12inch", "7 inch", "12 inch"),
    *("single album", "original album", "original single", "album single"),
)
_PRESSING_PHRASES = frozenset(
    f"{kind} {form}" for kind in _PRESSING_KINDS for form in ("version", "edit", "mix")
) | {
    *(
        "original",
        "edit",
        "bonus",
        "bonus track",
        "bonus track version",
        "bonus edition",
        "standard edition",
    ),
    *("special edition", "limited edition", "collectors edition", "collector s edition"),
}
# with a year before or behind them
_YEAR_PHRASES = frozenset(
    ("mix", "version", "edition", "edit", "stereo mix", "mono mix", "digital mix", "release")
)
_YEAR = re.compile(r"^(?:19|20)\d\d$")
_ORDINAL = re.compile(r"^\d{1,3}(?:st|nd|rd|th)?$")

# --- Soundtracks ------------------------------------------------------------------------------------------------------

_QUOTED_SOURCE = re.compile(r"^(?:taken )?from\s(?:\w+\s){0,4}[\"“”„«»‘'’]\S", re.IGNORECASE)
_SOURCE_WORDS = _split_words("film movie series musical show game")

# --- Concerts ---------------------------------------------------------------------------------------------------------

_LIVE_ELSEWHERE = (
    "en vivo",
    "ao vivo",
    "en directo",
    "en direct",
    "en concert",
    "dal vivo",
    "in concert",
)
_AFTER_LIVE = _split_words(
    """at in from on version versions recording recordings session sessions performance performances concert edit mix
    take video audio bbc radio tour bootleg album single track remaster remastered mono stereo tv studio lounge
    digital bonus ep lp en au aus im bei vom auf by with"""
)
_PLACE_WORDS = _split_words("at in from on version recording session sessions")
# "(Long Live)", "(Where We Live)" are words of a title
_BEFORE_TO_LIVE = _split_words(
    """i you we they he she who it to long where how the people that never always gotta must will let lets cant dont
    only still could would should can ill well and or did do us wanna gonna"""
)
_BESIDE_LIVE = _split_words("acoustic unplugged demo instrumental remix medley piano orchestral")

# --- Video labels -----------------------------------------------------------------------------------------------------

_VIDEO_CORES = _split_words(
    "video audio lyric lyrics visualizer visualiser hd hq 4k uhd 1080p 720p clip videoclip mv letra"
)
_VIDEO_WORDS = _VIDEO_CORES | _split_words(
    "official music officiel officielle oficial offizielles with full in the m v s and con on screen original"
)
_VIDEO_PHRASES = frozenset(
    ("m v", "official", "officiel", "oficial", "official visual", "musikvideo")
)

# --- Versions: other recordings of one work ---------------------------------------------------------------------------

_PLAIN_VERSIONS = _split_words(
    "acoustic instrumental demo extended unplugged karaoke piano orchestral alternate"
)
_VERSION_WORDS = _PLAIN_VERSIONS | _split_words(
    """live remix remixed mix rmx edit version dub session sessions take rework bootleg cover slowed reverb sped
    rehearsal outtake remaster remastered acapella cappella rerecorded recorded vip flip mashup medley alternative
    rough early stripped symphonic chopped screwed nightcore"""
)

_OPENING, _CLOSING = "([{（［【「『", ")]}）］】」』"
_DASH = re.compile(r"\s[-–—―]+\s")
_BAR = re.compile(r"\s?[/;|]\s?|\s[-–—―]+\s")
_PLAIN_TITLE = re.compile(r"^[^(\[{（［【「『\-–—―]*$")


class Piece(NamedTuple):
    """A part of a title that counts: its words, whether they are a note, and whether that came behind a dash."""

    text: str
    is_note: bool = False
    is_behind_dash: bool = False


def read_pieces(title: str) -> list[Piece]:
    """Return what counts of a title with single blanks, in its order: notes that mean nothing are left out."""
    pieces = cut_pieces(title)
    if len(pieces) == 1 and not pieces[0].is_note:
        return [Piece(cut_guests(title))]
    counting: list[Piece] = []
    n_dropped = 0
    for piece in pieces:
        if not piece.is_note:
            counting.append(Piece(cut_guests(piece.text)))
            continue
        for note in _cut_note(piece.text):
            verdict = judge_note(note)
            n_dropped += verdict in ("", "live")
            read = piece._replace(text=verdict)
            if verdict and not (
                verdict == "live" and any(other.text == "live" for other in counting)
            ):
                counting.append(read)
    if n_dropped:  # "- 2011 - Remaster", "(Live) [1986]": the year belongs to what was dropped
        counting = [piece for piece in counting if not (piece.is_note and _YEAR.match(piece.text))]
    return counting


def cut_pieces(title: str) -> list[Piece]:
    """Cut a title into its own words and its notes; a bracket that is never closed runs to the end."""
    if _PLAIN_TITLE.match(title):
        return [Piece(title)]
    pieces: list[Piece] = []
    start = depth = 0
    is_behind_dash = False

    def add_text(text: str) -> None:
        nonlocal is_behind_dash
        for i, segment in enumerate(_DASH.split(text)):
            is_behind_dash = is_behind_dash or i > 0
            if segment.strip():
                is_note = is_behind_dash and bool(pieces)
                pieces.append(Piece(segment.strip(), is_note, is_note))

    for i, character in enumerate(title):
        if character in _OPENING:
            if depth == 0:
                add_text(title[start:i])
                start = i + 1
            depth += 1
        elif character in _CLOSING and depth:
            depth -= 1
            if depth == 0:
                pieces.append(Piece(title[start:i].strip(), is_note=True))
                start = i + 1
    if depth:
        pieces.append(Piece(title[start:].strip(), is_note=True))
    else:
        add_text(title[start:])
    return pieces or [Piece(title)]


def cut_guests(name: str) -> str:
    """Cut a name where its guests begin: before "feat.", "ft." or "featuring" that is none of its own words."""
    for guests in _GUEST_WORD.finditer(name):
        before, after = name[: guests.start()].rstrip(" ([{,&"), name[guests.end() :].lstrip()
        if (
            before
            and after
            and (guests[2] or guests[3])
            and not _is_own_word(guests, before, after)
        ):
            return before
    return name.strip()


def read_guests(name: str) -> list[str]:
    """Return the guests of an artist's name or a title, each note's as they are written there."""
    guests = []
    for piece in cut_pieces(name):
        text = piece.text
        if piece.is_note and _names_guest(text):
            guests.append(_GUEST_BEGINNING.sub("", text))
        elif piece.is_note and _PRODUCER_NOTE.match(text):
            continue
        elif len(before := cut_guests(text)) < len(text):
            guests.append(_GUEST_BEGINNING.sub("", text[len(before) :].lstrip(" ([{,&")))
    return [guest.strip(" )]}") for guest in guests]


def judge_note(note: str) -> str:
    """Return what counts of a note: "" for nothing, "live" for a concert, else the note without its guests."""
    if _names_guest(note) or _PRODUCER_NOTE.match(note) or _QUOTED_SOURCE.match(note):
        return ""
    note_text = cut_guests(note)
    words = normalise(note_text).split()
    if not words or not any(word[0].isalnum() for word in words):
        return note_text
    if _names_soundtrack(words) or _names_pressing(words) or _names_video(words):
        return ""
    if _names_concert(words):
        return " ".join(["live", *(word for word in words if word in _BESIDE_LIVE)])
    if len(words) == 2 and words[0] in _PLAIN_VERSIONS and words[1] in ("version", "mix", "edit"):
        return words[0]
    return note_text


def names_version(note: str) -> bool:
    """Whether a note names another recording of the same work: a remix, a concert, a demo."""
    return not _VERSION_WORDS.isdisjoint(normalise(note).split())


def _is_own_word(guests: re.Match[str], before: str, after: str) -> bool:
    """Whether "feat" is a deed, or "ft" a length or a fort."""
    if guests.string[: guests.start()].endswith(("(", "[")):
        return False
    word = guests[1].lower()
    earlier = before[-80:].lower().split(" ")
    previous = earlier[-1]
    if word == "ft":
        is_length = previous[-1].isdigit() and (len(earlier) < 2 or earlier[-2] not in _COUNTING)
        return is_length or previous in _BEFORE_OWN_WORD
    if word == "feat" and not guests[2]:
        following = after[:80].split(" ", 1)[0]
        return previous in _BEFORE_OWN_WORD or following in _AFTER_A_DEED
    return False


def _cut_note(note: str) -> list[str]:
    """Cut "Mono / Remastered 2002" in two; notes of which no part is judged stay whole."""
    if _GUEST_NOTE.match(note) or _PRODUCER_NOTE.match(note):
        return [note]
    notes = [one_note for one_note in _BAR.split(note) if one_note]
    return notes if any(judge_note(one_note) != one_note for one_note in notes) else [note]


def _names_guest(note: str) -> bool:
    if _GUEST_NOTE.match(note):
        return True
    # players write "(with Sting)"; "(With You)" and "(with you)" are words of a title
    first, _, rest = note.partition(" ")
    return (
        first == "with"
        and bool(rest)
        and not rest[0].islower()
        and _get_first_word(rest) not in _NO_GUESTS
    )


def _get_first_word(text: str) -> str:
    return normalise(text[:80]).partition(" ")[0]


def _names_soundtrack(words: Sequence[str]) -> bool:
    if words[-1] in ("soundtrack", "ost") or list(words[:2]) == ["soundtrack", "version"]:
        return True
    source = words[1:] if words[0] == "taken" else words
    if not source or source[0] != "from":
        return False
    is_named = "soundtrack" in source or ("motion" in source and "picture" in source)
    return is_named or (
        len(source) > 2 and source[1] == "the" and not _SOURCE_WORDS.isdisjoint(source)
    )


def _names_pressing(words: Sequence[str]) -> bool:
    plain = [word for word in words if not _YEAR.match(word)]
    phrase = " ".join(plain)
    has_year = len(plain) < len(words)
    if phrase in _PRESSING_PHRASES or (has_year and phrase in _YEAR_PHRASES):
        return True
    if _REMASTERS.isdisjoint(plain) and plain[:2] != ["re", "mastered"]:
        return False
    return all(
        word in _PRESSING_WORDS or word == "mastered" or _ORDINAL.match(word) for word in plain
    )


def _names_video(words: Sequence[str]) -> bool:
    if " ".join(words) in _VIDEO_PHRASES:
        return True
    is_label = all(word in _VIDEO_WORDS or _YEAR.match(word) for word in words)
    return is_label and not _VIDEO_CORES.isdisjoint(words)


def _names_concert(words: Sequence[str]) -> bool:
    start = (
        words[1:] if words[0] in ("recorded", "performed", "bonus") and len(words) > 1 else words
    )
    if start[0] == "live":
        following = start[1] if len(start) > 1 else "at"
        return following in _AFTER_LIVE or following in _BESIDE_LIVE or following[0].isdigit()
    if words[-1] == "live":
        return _BEFORE_TO_LIVE.isdisjoint(words)
    if f"{start[0]} {start[1] if len(start) > 1 else ''}" in _LIVE_ELSEWHERE:
        return True
    return any(
        word == "live" and words[i + 1] in _PLACE_WORDS and words[i - 1] not in _BEFORE_TO_LIVE
        for i, word in enumerate(words[:-1])
        if i
    )
