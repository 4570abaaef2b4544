"""What the notes of a title mean: "(feat. B)", "- Remastered 2011", "(Live at Wembley)", "(Part 2)".

A note is judged word by word, by the tables of `note_words`; docs/matching.md shows them with examples, which are
tested. Everything is linear in the note.
"""

import re
from collections.abc import Sequence

from catalog.names import note_words
from catalog.names.guests import cut_guests, names_people, read_tail
from catalog.names.text import normalise

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
# "(Aus "Up")", "(De «Up»)"
_QUOTED_ELSEWHERE = re.compile(
    r"^(?:aus|de|da|del|dal|du|uit|från|fra|z|ze|из)\s[\"“”„«»]\S", re.IGNORECASE
)
# "(1 Hour)", "(10 Hours Loop)"
_HOURS = re.compile(r"^\d{1,2} (?:hours?|hrs?|stunden?|horas?|heures?)(?: loop| version| mix)?$")
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
_AT = re.compile(r"\s?@\s?")


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
    is_glued = (
        bool(name)
        and bool(kind)
        and not (name == "ver" and kind[-1:].isascii() and not kind.isdecimal())
    )
    if is_glued and not any(stem in word for stem in note_words.REMASTER_STEMS):
        return [*note_words.WORDS_ELSEWHERE.get(kind, kind).split(), "version"]
    return note_words.WORDS_ELSEWHERE.get(word, word).split()


def names_date(note: str) -> bool:
    """Whether a note is a year, or a day or month with its year: "1986", "27 July 1973", "1973-07-27"."""
    words = normalise(note[:40]).split()
    years = [word for word in words if _YEAR.match(word)]
    others = [word for word in words if not _YEAR.match(word)]
    return len(years) == 1 and len(others) < 3 and all(map(_is_of_a_date, others))


def _is_of_a_date(word: str) -> bool:
    return word in note_words.MONTHS or (len(word) < 5 and _ORDINAL.match(word) is not None)


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


def says_nothing(title: str) -> bool:
    """Whether a title names a place in a film and not a song: "Main Title", "Love Theme"."""
    words = normalise(title[:200]).split()
    return bool(words) and all(word in note_words.SCORE_TITLES for word in words)


def names_source(note: str) -> bool:
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


def names_video_label(text: str) -> bool:
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
