"""How a title is cut into pieces: its own words, what is in brackets, and what comes behind " - ".

Each note among them is judged by itself (`catalog.names.title_notes`). Everything is linear in the title.
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
from catalog.names.text import WIDE_LETTERS
from catalog.names.title_notes import (
    judge_note,
    names_date,
    names_source,
    names_version,
    names_video_label,
    says_nothing,
)

_PRODUCER_TAIL = re.compile(r"\sprod(?:\.\s?(?:by\s)?|\sby\s|uced by\s)(?=\S)", re.IGNORECASE)
# "-Live-", "~Remix~" at the end, as Japanese titles write notes
_DASHES = ("-", "~", "〜", "～")
_DASHED_NOTE = re.compile(
    r"(?<=\S)(?:\s(?=[-~])|\s?(?=[〜～]))([-~〜～])(?=[^\s\-~〜～])([^\-~〜～]+)(?<!\s)\1$"
)
# what video sites write behind a title without brackets
_VIDEO_TAIL = re.compile(
    r"(?<=\S)\s(?:(?:with|w/)\slyrics|official\s(?:(?:music|lyrics?|hd|4k|live|animated)\s){0,2}(?:video|audio|visuali[sz]er|mv|m/v|clip)|"
    r"(?-i:Music Video|MUSIC VIDEO|Lyrics? Video|LYRIC VIDEO|M/?V)|ミュージックビデオ|リリックビデオ|뮤직비디오)$",
    re.IGNORECASE,
)
_FILE_TAIL = re.compile(r"(?<=\S)\.(?:mp3|flac|m4a|ogg|opus|wav|wma|aac|aiff)$", re.IGNORECASE)
_PART_AHEAD = re.compile(
    r"^((?:pts?|part|vol|volume|teil|parte|partie)\.?\s?(?:\d{1,3}|[ivx]{1,4}))(?:,\s?|\s)(?=\S)(.+)$",
    re.IGNORECASE,
)
# "01. Ode", "01 - Ode", as files are called; "1. Allegro" is a movement
_TRACK_NUMBER = re.compile(r"^0\d(?:\s?[-–.]\s|\.)(?=[^\W\d_])")
# "Symphony No. 5: I. Allegro" and "1. Allegro"
_MOVEMENT = re.compile(r"(?<=[:–—-]\s)(?:I{1,3}|IV|V|VI{1,3}|IX|X|XI{1,3})(?=\.\s)")
_OPENING, _CLOSING = "([{（［【「『〔〈＜", ")]}）］】」』〕〉＞"
_DASH = re.compile(r"\s(?:[-–—―]+|[|｜])\s")
_BAR = re.compile(r"\s?[/;|]\s?|\s[-–—―]+\s")
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
    is_score = bool(pieces) and says_nothing(pieces[0].text)
    counting: list[Piece] = []
    n_dropped = 0
    for i, piece in enumerate(pieces):
        if not piece.is_note:
            # "Ode (feat. Bo) feat. Cy", "「夢」Music Video"
            if i == 0 or not (names_guest(piece.text) or names_video_label(piece.text)):
                counting.append(Piece(_cut_title(piece.text)))
            continue
        for note in _cut_note(piece.text):
            verdict = note if is_score and names_source(note) else judge_note(note)
            n_dropped += verdict in ("", "live") and not names_people(note)
            read = piece._replace(text=verdict)
            if verdict and not (
                verdict == "live" and any(other.text == "live" for other in counting)
            ):
                counting.append(read)
    if n_dropped:  # "- 2011 - Remaster", "(Live) [July 1986]": the date belongs to what was dropped
        counting = [piece for piece in counting if not (piece.is_note and names_date(piece.text))]
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
