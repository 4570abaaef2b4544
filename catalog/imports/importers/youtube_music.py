"""YouTube Music's watch history, as Google Takeout gives it: JSON, alone or in the zip.

An entry says what was played and when, not how long; entries of YouTube itself are left out.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from catalog.imports.importers import values
from catalog.imports.importers.archives import list_member_names, read_entries
from catalog.imports.importers.base import SourceFile
from catalog.imports.importers.json_files import BrokenJson, read_array
from catalog.imports.importers.registry import register_importer
from catalog.records import LeftOut, ListenRecord, NearMiss, Outcome, SongRecord, WrongFile

_FILES = re.compile(r"^.*\.json$", re.IGNORECASE)
_HISTORY_FILES = re.compile(
    r"^(?:watch-history|wiedergabeverlauf|.*watch.?history.*)\.json$", re.IGNORECASE
)
_PAGE_FILES = re.compile(r"^(?:watch-history|wiedergabeverlauf)\.html$", re.IGNORECASE)
_MUSIC = ("YouTube Music",)
_TOPIC = " - Topic"
# how Takeout writes "Watched …" in the languages that were seen
_BEFORE = (
    "Watched ",
    "Has visto ",
    "Vous avez regardé ",
    "Hai guardato ",
    "Você assistiu a ",
    "Obejrzano: ",
)
_BEHIND = (" angesehen", " bekeken", " gehört")


@register_importer(
    "youtube-music", "history", "YouTube Music (Google Takeout)", extensions=(".zip", ".json")
)
def read(opened: SourceFile, options: Mapping[str, Any]) -> Iterator[Outcome]:
    """Read the songs of watch-history.json."""
    if opened.kind == "zip":
        if not list_member_names(opened, _HISTORY_FILES):
            if list_member_names(opened, _PAGE_FILES):
                raise NearMiss(_describe_json_choice(opened.name))
            raise WrongFile(
                f"{opened.name} is no Google Takeout: it has no watch-history.json inside."
            )
        return values.make_records(read_entries(opened, _HISTORY_FILES, read_array), _build_record)
    if b"youtube.com/watch" in opened.head() and opened.head().lstrip()[:1] == b"<":
        raise NearMiss(_describe_json_choice(opened.name))
    try:
        first = next(read_array(opened.head_stream()), None)
    except BrokenJson as error:
        raise WrongFile(f"{opened.name} is no watch history of Google Takeout: {error}.") from None
    if not isinstance(first, dict) or not {"header", "title", "time"} <= first.keys():
        raise WrongFile(f"{opened.name} is no watch history of Google Takeout.")
    return values.make_records(read_entries(opened, _FILES, read_array), _build_record)


def _describe_json_choice(name: str) -> str:
    return (
        f"{name} is YouTube's watch history as a web page. Ask Google Takeout for it again with the format JSON "
        "(“YouTube and YouTube Music” → “Multiple formats” → history: JSON)."
    )


def _build_record(line: int, entry: Any) -> Outcome:
    if not isinstance(entry, dict):
        raise values.BadValue("the entry is not an object")
    if entry.get("header") not in _MUSIC:
        raise values.NotWanted(LeftOut.NOT_MUSIC)
    artist = _find_artist(entry.get("subtitles"))
    title = _clean_title(values.parse_required_name(entry.get("title"), "title"))
    if not artist or title.startswith("https://"):
        raise values.NotWanted(LeftOut.UNTITLED)  # the video is gone, and with it who made it
    song = SongRecord(0, title, values.parse_name(artist, "artist"))
    return ListenRecord(
        line, "", song=song, occurred_at=values.parse_json_moment(entry.get("time"))
    )


def _find_artist(subtitles: Any) -> str:
    names: Sequence[Any] = subtitles if isinstance(subtitles, list) else []
    first = names[0].get("name") if names and isinstance(names[0], dict) else None
    return first.strip().removesuffix(_TOPIC) if isinstance(first, str) else ""


def _clean_title(text: str) -> str:
    """Return the title without the words that say that it was watched."""
    for before in _BEFORE:
        if text.startswith(before) and len(text) > len(before):
            return text[len(before) :]
    for behind in _BEHIND:
        if text.endswith(behind) and len(text) > len(behind):
            return text[: -len(behind)].strip('„“”"')
    return text
