"""What the notes of a title mean: "(feat. B)", "- Remastered 2011", "(Live at Wembley)", "(Part 2)".

A title is cut once into pieces: its own words, what is in brackets, and what comes behind " - ". Each note is judged
by itself, word by word, by the tables of `note_words`; docs/matching.md shows them with examples, which are tested.
Everything is linear in the title.
"""

import re
from collections.abc import Sequence
from typing import NamedTuple

from catalog.names import note_words
from catalog.names.guests import (
    GUEST_NOTE,
    PRODUCER_NOTE,
    cut_guest_word,
    cut_guests,
    names_guest,
    names_people,
    read_tail,
)
from catalog.names.text import WIDE_LETTERS, normalise

_PRODUCER_TAIL = re.compile(r"\sprod(?:\.\s?(?:by\s)?|\sby\s|uced by\s)(?=\S)", re.IGNORECASE)
# "-Live-", "~Remix~" at the end, as Japanese titles write notes
_DASHES = ("-", "~", "〜", "～")
_DASHED_NOTE = re.compile(
    r"(?<=\S)(?:\s(?=[-~])|\s?(?=[〜～]))([-~〜～])(?=[^\s\-~〜～])([^\-~〜～]+)(?<!\s)\1$"
)
# "(2. Teil)", "(1st Part)", "(2 часть)"
_ORDINAL_PART = re.compile(r"^(\d{1,3})(?:st|nd|rd|th|a|o|e|er|ere|eme|de)? (\w+)$")
# "Remix by Bo", "Remixed by Bo" and "Bo's Remix" are "Bo Remix"; "(cover: Bo)" is none of "Cover Me"
_REMIX_BY = re.compile(r"^(?:remix|remixed|rmx) by (?=\S)")
_OWNED_REMIX = re.compile(r"['’]s(?=\s(?:remix|rmx)\b)", re.IGNORECASE)
_COVER_OF = re.compile(
    r"^cover(?:\s?[:：]\s?(?=\S)|\s(?=[\u3400-\u9fff\uac00-\ud7a3]))", re.IGNORECASE
)
# "道館ライブ", "ドライブ" is a drive
_LIVE_BEHIND_A_PLACE = re.compile(r"[\u3400-\u9fff](?:ライブ|ライヴ)$")
# "OST Part 3", "OST Vol. 2"
_NUMBERED_OST = re.compile(r"\bost (?:(?:pt|part|vol|volume) )?\d{1,2}$")
# what video sites write behind a title without brackets
_VIDEO_TAIL = re.compile(
    r"(?<=\S)\s(?:(?:with|w/)\slyrics|official\s(?:(?:music|lyrics?|hd|4k|live|animated)\s){0,2}(?:video|audio|visuali[sz]er|mv|m/v|clip)|"
    r"(?-i:Music Video|MUSIC VIDEO|Lyrics? Video|LYRIC VIDEO|M/?V)|ミュージックビデオ|リリックビデオ|뮤직비디오)$",
    re.IGNORECASE,
)
_FILE_TAIL = re.compile(r"(?<=\S)\.(?:mp3|flac|m4a|ogg|opus|wav|wma|aac|aiff)$", re.IGNORECASE)
# "(Aus "Up")", "(De «Up»)"
_QUOTED_ELSEWHERE = re.compile(
    r"^(?:aus|de|da|del|dal|du|uit|från|fra|z|ze|из)\s[\"“”„«»]\S", re.IGNORECASE
)
# "(1 Hour)", "(10 Hours Loop)"
_HOURS = re.compile(r"^\d{1,2} (?:hours?|hrs?|stunden?|horas?|heures?)(?: loop| version| mix)?$")
_PART_AHEAD = re.compile(
    r"^((?:pts?|part|vol|volume|teil|parte|partie)\.?\s?(?:\d{1,3}|[ivx]{1,4}))(?:,\s?|\s)(?=\S)(.+)$",
    re.IGNORECASE,
)
# "01. Ode", "01 - Ode", as files are called; "1. Allegro" is a movement
_TRACK_NUMBER = re.compile(r"^0\d(?:\s?[-–.]\s|\.)(?=[^\W\d_])")
_LIVE_AT_FRENCH = re.compile(r"^live à\s?\S", re.IGNORECASE)
_YEAR = re.compile(r"^(?:19|20)\d\d$")
_ORDINAL = re.compile(r"^\d{1,3}(?:st|nd|rd|th)?$")
# a single quote has to be closed: "(From 'Til Dawn)" names no film
_QUOTED_SOURCE = re.compile(
    r"^(?:taken |music |songs? |title (?:track|song) |(?:\w+ )?theme (?:song )?)?from\s(?:[\w'’]+\s){0,4}"
    r"(?:[\"“”„«»]\S|[‘'’]\S[^‘'’]*(?:[‘'’]\w[^‘'’]*)*['’](?!\w))",
    re.IGNORECASE,
)
_SOUNDTRACK_ENDING = re.compile(
    rf"(?:(?<![a-zа-я])(?:{'|'.join(sorted(note_words.SOUNDTRACK_WORDS))})|{'|'.join(note_words.SOUNDTRACK_STEMS)})$"
)

# "(Love Theme from Up)"
_THEME = re.compile(r"^(?:(?:love|main|end|opening|closing) )?theme (?:song )?from \w")

# "Symphony No. 5: I. Allegro" and "1. Allegro"
_MOVEMENT = re.compile(r"(?<=[:–—-]\s)(?:I{1,3}|IV|V|VI{1,3}|IX|X|XI{1,3})(?=\.\s)")

_OPENING, _CLOSING = "([{（［【「『〔〈＜", ")]}）］】」』〕〉＞"
_DASH = re.compile(r"\s(?:[-–—―]+|[|｜])\s")
_BAR = re.compile(r"\s?[/;|]\s?|\s[-–—―]+\s")
_AT = re.compile(r"\s?@\s?")
_PLAIN_TITLE = re.compile(r"^[^(\[{（［【「『〔〈＜\-–—―|｜]*$")


class Piece(NamedTuple):
    """A part of a title that counts: its words, whether they are a note, and whether that came behind a dash."""

    text: str
    is_note: bool = False
    is_behind_dash: bool = False


def read_pieces(title: str) -> list[Piece]:
    """Return what counts of a title with single blanks, in its order: notes that mean nothing are left out."""
    title = _TRACK_NUMBER.sub(
        "", _FILE_TAIL.sub("", title if title.isascii() else title.translate(WIDE_LETTERS))
    )
    title = _MOVEMENT.sub(lambda number: note_words.NUMBERS[number[0].lower()], title)
    pieces = cut_pieces(title)
    if len(pieces) == 1 and not pieces[0].is_note:
        return [Piece(_cut_title(title))]
    is_score = bool(pieces) and _says_nothing(pieces[0].text)
    counting: list[Piece] = []
    n_dropped = 0
    for i, piece in enumerate(pieces):
        if not piece.is_note:
            # "Ode (feat. Bo) feat. Cy", "「夢」Music Video"
            if i == 0 or not (names_guest(piece.text) or _is_video_label(piece.text)):
                counting.append(Piece(_cut_title(piece.text)))
            continue
        for note in _cut_note(piece.text):
            verdict = note if is_score and _names_source(note) else judge_note(note)
            n_dropped += verdict in ("", "live") and not names_people(note)
            read = piece._replace(text=verdict)
            if verdict and not (
                verdict == "live" and any(other.text == "live" for other in counting)
            ):
                counting.append(read)
    if n_dropped:  # "- 2011 - Remaster", "(Live) [1986]": the year belongs to what was dropped
        counting = [piece for piece in counting if not (piece.is_note and _YEAR.match(piece.text))]
    return _put_concert_first(counting)


def _put_concert_first(pieces: Sequence[Piece]) -> list[Piece]:
    """Put "live" before another note about the same concert: "Acoustic / Live" is "Live Acoustic"."""
    at = next((i for i, piece in enumerate(pieces) if piece.text == "live" and piece.is_note), 0)
    is_beside = at and pieces[at - 1].is_note and pieces[at - 1].text in note_words.BESIDE_LIVE
    if not is_beside:
        return list(pieces)
    return [*pieces[: at - 1], pieces[at], pieces[at - 1], *pieces[at + 1 :]]


def cut_pieces(title: str) -> list[Piece]:
    """Cut a title into its own words and its notes; a bracket that is never closed runs to the end."""
    if title[-1:] in _DASHES and (dashed := _DASHED_NOTE.search(title)):
        note = Piece(dashed[2].strip(), is_note=True)
        return [*_cut_brackets(title[: dashed.start()]), note]
    return [Piece(title)] if _PLAIN_TITLE.match(title) else _cut_brackets(title)


def _cut_brackets(title: str) -> list[Piece]:
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


def _cut_title(title: str) -> str:
    """Cut guests and producers from a title's own words; a part or a version behind them stays."""
    title = _VIDEO_TAIL.sub("", title)
    producer = _PRODUCER_TAIL.search(title)
    shown = title[: producer.start()] if producer else title
    before = cut_guests(shown)
    tail = read_tail(shown[len(before) :])
    return f"{before} {tail}" if tail else before


def read_guests(name: str) -> list[str]:
    """Return the guests of an artist's name or a title, each note's as they are written there."""
    guests = []
    for piece in cut_pieces(name):
        for text in _cut_note(piece.text) if piece.is_note else [piece.text]:
            if piece.is_note and names_guest(text):
                guests.append(cut_guest_word(text))
            elif piece.is_note and PRODUCER_NOTE.match(text):
                continue
            elif len(before := cut_guests(text)) < len(text):
                named = text[len(before) :].lstrip(" ([{,&")
                tail = read_tail(named)
                if tail != named:
                    guests.append(cut_guest_word(named[: len(named) - len(tail)]))
    return [guest.strip(" )]},;") for guest in guests]


def judge_note(note: str) -> str:
    """Return what counts of a note: "" for nothing, "live" for a concert, else the note without its guests."""
    if names_people(note) or _QUOTED_SOURCE.match(note) or _QUOTED_ELSEWHERE.match(note):
        return ""
    if _LIVE_AT_FRENCH.match(note):
        return "live"
    note_text = note if read_tail(note) else cut_guests(note)
    note_text = _COVER_OF.sub("cover by ", _OWNED_REMIX.sub("", note_text))
    words = normalise(_AT.sub(" at ", note_text)).split()
    if not words or not any(word[0].isalnum() for word in words):
        return note_text
    if (whole := note_words.WHOLE_NOTES.get(" ".join(words))) is not None:
        return whole
    written = words
    words = [read for word in words for read in _read_word(word)]
    if (ordinal := _ORDINAL_PART.match(" ".join(words))) and ordinal[2] in note_words.COUNTED:
        return f"{ordinal[2]} {ordinal[1]}"
    if _names_soundtrack(words) or _names_pressing(words) or _names_video(words):
        return ""
    if _names_concert(words):
        return " ".join(["live", *(word for word in words if word in note_words.BESIDE_LIVE)])
    return _read_version(words) or (note_text if words == written else " ".join(words))


def _read_word(word: str) -> list[str]:
    """Return a word of a note in English where its script is another; "版" and the like are words of their own."""
    if word in note_words.LIVE_WORDS or word in note_words.VERSION_NAMES:
        return (
            ["version"] if word in ("ver", "バージョン", "ヴァージョン", "버전", "版") else [word]
        )
    name = next((name for name in note_words.GLUED_VERSION_NAMES if word.endswith(name)), "")
    kind = word.removesuffix(name)
    if word.endswith(note_words.GLUED_REMIXES) and len(word) > len("リミックス"):
        return [word.removesuffix("リミックス"), "remix"]
    is_glued = bool(name) and bool(kind) and not (name == "ver" and kind[-1:].isascii())
    if is_glued and not any(stem in word for stem in note_words.REMASTER_STEMS):
        return [*note_words.WORDS_ELSEWHERE.get(kind, kind).split(), "version"]
    return note_words.WORDS_ELSEWHERE.get(word, word).split()


def names_version(note: str) -> bool:
    """Whether a note, as `judge_note` returns it, names another recording of a work: a remix, a concert, a demo."""
    words = normalise(note).split()
    if words[:1] == ["live"] and note_words.BESIDE_LIVE.issuperset(words[1:]):
        return True
    if _HOURS.match(" ".join(words)):
        return True
    phrase = f" {' '.join(words)} "
    if any(f" {one} " in phrase for one in note_words.VERSION_PHRASES):
        return True
    return any(
        word in note_words.VERSION_WORDS and word != "live" and _is_version_word(word, following)
        for word, following in zip(words, [*words[1:], ""], strict=True)
    )


def may_name_version(words: Sequence[str]) -> bool:
    """Whether any of some words of a title can name another recording: "Live" in "Tide Live at Home"."""
    return not note_words.VERSION_WORDS.isdisjoint(words)


def _is_version_word(word: str, following: str) -> bool:
    """Whether a word of versions names one where it stands: "Bo Cover", "Take 2", but not "Cover Me"."""
    behind = note_words.VERSIONS_AT_THE_END.get(word)
    return (
        behind is None
        or not following
        or following in behind
        or following in note_words.NUMBERS
        or following[0].isdigit()
        or following in note_words.VERSION_WORDS
    )


def _cut_note(note: str) -> list[str]:
    """Cut "Mono / Remastered 2002" in two; notes of which no part is judged stay whole."""
    if PRODUCER_NOTE.match(note):
        return [note]
    if GUEST_NOTE.match(
        note
    ):  # "feat. Bo / Cy" are two guests, "feat. Bo - Live" is one and a concert
        guest, *others = _DASH.split(note)
        is_judged = any(judge_note(other) != other or names_version(other) for other in others)
        return [guest, *others] if is_judged else [note]
    notes = [one_note for one_note in _BAR.split(note) if one_note]
    if len(notes) == 1 and (numbered := _PART_AHEAD.match(note)):  # "Part 2 Remastered"
        notes = [numbered[1], numbered[2]]
    return notes if any(judge_note(one_note) != one_note for one_note in notes) else [note]


def _says_nothing(title: str) -> bool:
    """Whether a title names a place in a film and not a song: "Main Title", "Love Theme"."""
    words = normalise(title[:200]).split()
    return bool(words) and all(word in note_words.SCORE_TITLES for word in words)


def _names_source(note: str) -> bool:
    """Whether a note names a film, and not only that it is one's music."""
    words = normalise(note).split()
    return bool(_QUOTED_SOURCE.match(note)) or (
        bool(words) and words[0] == "from" and _names_soundtrack(words)
    )


def _read_version(words: Sequence[str]) -> str:
    """Return the one spelling of a note that names a version; "" for a note that is kept as it is written.

    "Acoustic Version", "Versión Acústica" and "Acoustic" are one; so are "Sped Up Version" and "Sped Up".
    """
    if by := _REMIX_BY.match(" ".join(words)):
        return f"{' '.join(words)[by.end() :]} remix"
    kinds = [word for word in words if word not in note_words.VERSION_NAMES]
    read = [note_words.VERSIONS_ELSEWHERE.get(word, word) for word in kinds]
    if read[-1:] == ["cappella"] and len(read) == 1 + (kinds[0] == "a"):
        return "cappella"
    if len(read) == 2 and read[0] in note_words.PLAIN_VERSIONS and read[1] in ("mix", "edit"):
        return read[0]
    if len(read) == 1 and read[0] in note_words.PLAIN_VERSIONS:
        return read[0]
    is_named_twice = len(kinds) < len(words) and not note_words.VERSION_WORDS.isdisjoint(kinds)
    if is_named_twice:
        return " ".join(kinds)
    # "Japanese Ver.", "Ver. 2"
    spelt = [_translate_version_word(word) for word in words]
    return " ".join(spelt) if kinds and spelt != list(words) else ""


def _translate_version_word(word: str) -> str:
    if word in note_words.VERSION_NAMES:
        return "version"
    return "remix" if word == "rmx" else word


def _names_soundtrack(words: Sequence[str]) -> bool:
    if _SOUNDTRACK_ENDING.search(words[-1]):
        return True
    phrase = " ".join(words[:8]) + " "
    if phrase.startswith(note_words.SOUNDTRACK_BEGINNINGS):
        return True
    theme = _THEME.match(phrase)
    if theme is not None:
        return True
    if words[-1].endswith(note_words.EASTERN_SOURCES) and any(
        work in word for word in words for work in note_words.EASTERN_WORKS
    ):
        return True
    if _NUMBERED_OST.search(" ".join(words)):
        return True
    source = words[1:] if words[0] in ("taken", "music", "song", "songs") else words
    if not source or source[0] != "from":
        return False
    if len(source) > 3 and source[-2:] == ["the", "album"]:
        return True
    is_named = "soundtrack" in source or ("motion" in source and "picture" in source)
    return is_named or (
        len(source) > 2 and source[1] == "the" and not note_words.SOURCE_WORDS.isdisjoint(source)
    )


def _names_pressing(words: Sequence[str]) -> bool:
    plain = [word for word in words if not _YEAR.match(word)]
    if " ".join(plain[-2:]) in note_words.BONUS_ENDINGS and note_words.VERSION_WORDS.isdisjoint(
        plain[:-1]
    ):
        return True
    if any(stem in word for word in plain for stem in note_words.REMASTER_STEMS):
        plain = [
            "remaster" if any(stem in word for stem in note_words.REMASTER_STEMS) else word
            for word in plain
        ]
    phrase = " ".join(plain)
    has_year = len(plain) < len(words)
    if phrase in note_words.PRESSING_PHRASES or (has_year and phrase in note_words.YEAR_PHRASES):
        return True
    if _is_remaster_of_somebody(words):
        return True
    is_in_two_words = plain[:2] in (["re", "mastered"], ["re", "master"])
    if note_words.REMASTERS.isdisjoint(plain) and not is_in_two_words:
        return False
    return all(
        word in note_words.PRESSING_WORDS
        or word == "mastered"
        or (word == "master" and is_in_two_words)
        or _ORDINAL.match(word)
        for word in plain
    )


def _is_remaster_of_somebody(words: Sequence[str]) -> bool:
    """Whether a note says who remastered, and nothing else: "Bo Berg Remaster", "Remastered by Bo"."""
    if words[-1] in ("remaster", "remastered"):
        others = words[:-1]
    elif list(words[:2]) == ["remastered", "by"]:
        others = words[2:]
    else:
        return False
    says_more = note_words.VERSION_WORDS | note_words.COUNTED.keys() | note_words.NUMBERS.keys()
    return len(others) < 4 and says_more.isdisjoint(others) and all(map(str.isalpha, others))


def _names_video(words: Sequence[str]) -> bool:
    if " ".join(word for word in words if not _YEAR.match(word)) in note_words.VIDEO_PHRASES:
        return True
    of_a_video = note_words.VIDEO_WORDS | note_words.REMASTERS
    is_label = all(word in of_a_video or _YEAR.match(word) for word in words)
    return is_label and not note_words.VIDEO_CORES.isdisjoint(words)


def _is_video_label(text: str) -> bool:
    """Whether words of a title that are no note are a label of two words or more: "Official Video"."""
    words = normalise(text).split()
    return len(words) > 1 and _names_video(words)


def _names_concert(words: Sequence[str]) -> bool:
    start = (
        words[1:]
        if words[0] in ("recorded", "performed", "bonus", "official") and len(words) > 1
        else words
    )
    if start[0] == "live":
        following = start[1] if len(start) > 1 else "at"
        is_place = len(following) > 1 or len(start) > 2  # "Live w Krakowie", not "Live V"
        return (
            (following in note_words.AFTER_LIVE and is_place)
            or following in note_words.BESIDE_LIVE
            or following[0].isdigit()
        )
    if (
        words[0] in note_words.EASTERN_LIVE
        and words[1:2]
        and words[1] in note_words.AFTER_EASTERN_LIVE
    ):
        return True
    if _LIVE_BEHIND_A_PLACE.search(words[-1]):
        return True
    beside = note_words.VERSION_NAMES
    if all(word in note_words.LIVE_WORDS or word in beside or _YEAR.match(word) for word in words):
        return any(word in note_words.LIVE_WORDS for word in words)
    if words[-1] == "live":
        return note_words.BEFORE_TO_LIVE.isdisjoint(words)
    if " ".join(start[:2]) in note_words.LIVE_ELSEWHERE:
        return True
    return any(
        word == "live"
        and words[i + 1] in note_words.PLACE_WORDS
        and words[i - 1] not in note_words.BEFORE_TO_LIVE
        for i, word in enumerate(words[:-1])
        if i
    )
