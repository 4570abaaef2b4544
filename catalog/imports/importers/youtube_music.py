"""YouTube Music's watch history, as Google Takeout gives it: JSON, alone or in the zip.

An entry says what was played and when, not how long; entries of YouTube itself are left out.
"""

import re
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from itertools import chain, islice
from typing import Any

from catalog.imports.importers.registry import register_importer
from catalog.imports.importers.song_lists import read_youtube_library
from catalog.imports.reading import values
from catalog.imports.reading.archives import list_member_names, match_names, read_entries
from catalog.imports.reading.json_files import BrokenJson, has_entry, has_keys, read_array
from catalog.imports.reading.source_files import SourceFile, open_member, split_member_path
from catalog.records import LeftOut, ListenRecord, NearMiss, Outcome, SongRecord, WrongFile

_ANY_FILE = re.compile(r"^.*\.json$", re.IGNORECASE)
_ANY_TABLE = re.compile(r"^.*\.csv$", re.IGNORECASE)
_ANY_PAGE = re.compile(r"^.*\.html$")
_HISTORY_FILES = re.compile(
    r"^(?:watch-history|wiedergabeverlauf|.*watch.?history.*)\.json$", re.IGNORECASE
)
_PAGE_FILES = re.compile(r"^(?:watch-history|wiedergabeverlauf)\.html$", re.IGNORECASE)
_YOUTUBE_PAGE = re.compile(r"youtube[^\n]*/[^/\n]+\.html$", re.IGNORECASE | re.MULTILINE)
_YOUTUBE_FOLDER = re.compile(r"youtube", re.IGNORECASE)
_MUSIC = ("YouTube Music",)
_TOPIC = " - Topic"
# the channel of songs whose artist YouTube was never told
_NO_ARTIST = "Release"
# how Takeout writes "Watched …" in the languages that were seen
_BEFORE = (
    "Watched ",
    "Listened to ",
    "Has escuchado ",
    "Has visto ",
    "Vous avez regardé ",
    "Hai guardato ",
    "Você assistiu a ",
    "Assistiu a ",
    "Viu ",
    "Obejrzano: ",
    "Du har tittat på ",
    "Просмотрено видео ",
    "Переглянуто відео ",
    "Переглянуто ",
    "观看了 ",
    "觀看了 ",
    "Zhlédnuto: ",
    "Zhlédnuto ",
    "Menonton ",
    "Đã xem ",
    "Megtekintve: ",
    "Ați vizionat ",
    "Visualizou ",
    "Katsoit videon ",
    "تمت مشاهدة ",
)
_BEHIND = (
    " angesehen",
    " bekeken",
    " gehört",
    " izlendi",
    "を視聴しました",
    "을(를) 시청했습니다.",
    " देखा गया",
)
# where the language's sentence itself quotes the title, though nothing follows it
_BEFORE_A_QUOTE = ("Просмотрено видео ",)
_QUOTES = '„“”"«»「」'
_PAIRS = ("„“", "„”", "“”", '""', "«»", "»«", "「」")
# so many different titles of so many artists share no words by chance
_ENOUGH_TITLES, _ENOUGH_ARTISTS = 10, 5
_LOOKED_AT = 200
_WORD_ENDS = f" :{_QUOTES}"


@register_importer(
    "youtube-music", "history", "YouTube Music (Google Takeout)", extensions=(".zip", ".json")
)
def read(opened: SourceFile, options: Mapping[str, Any]) -> Iterator[Outcome]:
    """Read the songs of watch-history.json."""
    if opened.kind == "zip":
        pattern = _HISTORY_FILES
        if not list_member_names(opened, pattern):
            pattern = _find_translated_file(opened)
    else:
        if b"youtube.com/watch" in opened.read_head() and opened.read_head().lstrip()[:1] == b"<":
            raise NearMiss(_describe_json_choice(opened.name))
        try:
            is_history = has_entry(
                read_array(opened.open_head()), has_keys("header", "title", "time")
            )
        except BrokenJson as error:
            raise WrongFile(
                f"{opened.name} is no watch history of Google Takeout: {error}."
            ) from None
        if not is_history:
            raise WrongFile(f"{opened.name} is no watch history of Google Takeout.")
        pattern = _ANY_FILE
    phrase = _learn_phrase(entry for _, entry in islice(_read(opened, pattern), _LOOKED_AT))
    plays = values.make_records(
        _read(opened, pattern), lambda line, entry: _build_record(line, entry, phrase)
    )
    return chain(plays, _read_libraries(opened)) if opened.kind == "zip" else plays


def _read_libraries(opened: SourceFile) -> Iterator[Outcome]:
    """Yield the likes of the libraries (CSV) in the zip of a history."""
    for name in list_member_names(opened, _ANY_TABLE):
        if not _YOUTUBE_FOLDER.search(name):
            continue
        try:
            yield from read_youtube_library(open_member(opened, name), {})
        except WrongFile:  # a table of playlists or of comments
            continue


def _read(opened: SourceFile, pattern: re.Pattern[str]) -> Iterator[tuple[int, Any]]:
    return read_entries(opened, pattern, read_array)


def _is_entry(entry: Any) -> bool:
    return isinstance(entry, dict) and {"header", "title", "time"} <= entry.keys()


def _find_translated_file(opened: SourceFile) -> re.Pattern[str]:
    """Return a pattern for the histories in a zip whose files Takeout named in another language."""
    named = {
        folders[-1]
        for name in list_member_names(opened, _ANY_FILE)
        if _YOUTUBE_FOLDER.search("/".join(folders := split_member_path(name)))
    }
    histories = [name for name in sorted(named)[:20] if _holds_what_was_watched(opened, name)]
    if histories:
        return match_names(histories)
    pages = "\n".join(list_member_names(opened, _ANY_PAGE))
    if list_member_names(opened, _PAGE_FILES) or _YOUTUBE_PAGE.search(pages):
        raise NearMiss(_describe_json_choice(opened.name))
    raise WrongFile(f"{opened.name} is no Google Takeout: it has no watch-history.json inside.")


def _holds_what_was_watched(opened: SourceFile, name: str) -> bool:
    """Whether a file is a history of what was watched, and not of searches."""
    entries = islice(_read(opened, match_names([name])), _LOOKED_AT)
    addresses = (entry.get("titleUrl") for _, entry in entries if _is_entry(entry))
    return any(isinstance(address, str) and "/watch" in address for address in addresses)


def _describe_json_choice(name: str) -> str:
    return (
        f"{name} is YouTube's watch history as a web page. Ask Google Takeout for it again with the format JSON "
        "(“YouTube and YouTube Music” → “Multiple formats” → history: JSON)."
    )


def _build_record(line: int, entry: Any, phrase: tuple[str, str]) -> Outcome:
    if not isinstance(entry, dict):
        raise values.BadValue("the entry is not an object")
    address = entry.get("titleUrl")
    is_other = isinstance(address, str) and "/watch" not in address  # a search, a playlist
    if entry.get("header") not in _MUSIC or is_other:
        raise values.NotWanted(LeftOut.NOT_MUSIC)
    artist = _find_artist(entry.get("subtitles"))
    title = _clean_title(values.parse_required_name(entry.get("title"), "title"), phrase)
    if not artist or artist == _NO_ARTIST or title.startswith("https://"):
        raise values.NotWanted(LeftOut.UNTITLED)  # the video is gone, and with it who made it
    song = SongRecord(0, title, values.parse_name(artist, "artist"))
    return ListenRecord(
        line, "", song=song, occurred_at=values.parse_json_moment(entry.get("time"))
    )


def _find_artist(subtitles: Any) -> str:
    names: Sequence[Any] = subtitles if isinstance(subtitles, list) else []
    first = names[0].get("name") if names and isinstance(names[0], dict) else None
    return first.strip().removesuffix(_TOPIC) if isinstance(first, str) else ""


def _learn_phrase(entries: Iterable[Any]) -> tuple[str, str]:
    """Return what stands before and behind every title of the first entries: "watched" in any language."""
    music = [one for one in entries if isinstance(one, dict) and one.get("header") in _MUSIC]
    titles = {title for one in music if isinstance(title := one.get("title"), str)}
    artists = {_find_artist(one.get("subtitles")) for one in music}
    if len(titles) < _ENOUGH_TITLES or len(artists) < _ENOUGH_ARTISTS:
        return "", ""
    before = _find_common_beginning(titles)
    behind = _find_common_beginning({title[::-1] for title in titles})[::-1]
    # whole words only
    first_word = next((i for i, sign in enumerate(behind) if sign in _WORD_ENDS), len(behind))
    last_word = max(before.rfind(sign) for sign in _WORD_ENDS)
    return before[: last_word + 1], behind[first_word:]


def _find_common_beginning(texts: Collection[str]) -> str:
    """Return what all texts begin with: what the first and the last of them in order share."""
    first, last = min(texts), max(texts)
    n_same = next(
        (i for i, (a, b) in enumerate(zip(first, last, strict=False)) if a != b), len(first)
    )
    return first[:n_same]


def _clean_title(text: str, phrase: tuple[str, str]) -> str:
    """Return the title without the words that say that it was watched.

    Quotes around the whole title are those of the sentence where words follow them ("„Ode“ angesehen"); else they
    are the title's own ("Watched "Heroes""). A phrase that was learned has the sentence's quotes in it.
    """
    before, behind = _find_sentence(text, phrase)
    if not before and not behind:
        return text
    title = text.removeprefix(before).removesuffix(behind).strip()
    is_learned = (before, behind) == phrase
    may_be_quoted = not is_learned and (behind or before in _BEFORE_A_QUOTE)
    return title[1:-1].strip() if may_be_quoted and _is_quoted(title) else title or text


def _find_sentence(text: str, phrase: tuple[str, str]) -> tuple[str, str]:
    """Return what stands before and behind a title, of one language: "Watched Nie gehört" is no German sentence."""
    sentences = (phrase, *((one, "") for one in _BEFORE), *(("", one) for one in _BEHIND))
    fitting = (
        (before, behind)
        for before, behind in sentences
        if (before or behind) and text.startswith(before) and text.endswith(behind)
    )
    return next(fitting, ("", ""))


def _is_quoted(title: str) -> bool:
    """Whether one pair of quotes holds all of a title: "«A»" and "«A «B»»", not "«A» and «B»"."""
    if len(title) < 3 or title[0] + title[-1] not in _PAIRS:
        return False
    opening, closing = title[0], title[-1]
    if opening == closing:
        return opening not in title[1:-1]
    depth = 0
    for sign in title[1:-1]:
        depth += (sign == opening) - (sign == closing)
        if depth < 0:
            return False
    return depth == 0
