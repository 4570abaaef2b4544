"""ListenBrainz' export: a zip with a month of listens a file, one listen a line, and the loved and hated songs."""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from catalog.importers import values
from catalog.importers.archives import entries, member_names
from catalog.importers.base import Opened
from catalog.importers.json_files import line_entries
from catalog.importers.registry import importer
from catalog.records import DISLIKE, LIKE, ListenRecord, Outcome, RejectedRow, SongRecord, WrongFile

LISTEN_FILES = re.compile(r"^(?:\d{1,2}|listens.*)\.jsonl$", re.IGNORECASE)
FEEDBACK_FILE = re.compile(r"^feedback\.jsonl$", re.IGNORECASE)
_ALL_FILES = re.compile(f"{LISTEN_FILES.pattern}|{FEEDBACK_FILE.pattern}", re.IGNORECASE)
_OPINIONS = {1: LIKE, -1: DISLIKE}
_REMEMBERED_NAMES = 300_000


@importer("listenbrainz", "history", "ListenBrainz export", extensions=(".zip", ".jsonl"))
def read(opened: Opened, options: Mapping[str, Any]) -> Iterator[Outcome]:
    """Read listens and feedback; feedback names songs by id, most of which the listens before it introduced."""
    if opened.kind == "zip":
        if not member_names(opened, _ALL_FILES):
            raise WrongFile(f"{opened.name} is not a ListenBrainz export: it has no listens inside.")
        return _records(opened)
    with opened.stream() as stream:
        first = next(line_entries(stream), None)
    if not isinstance(first, dict) or not {"track_metadata", "score"} & first.keys():
        raise WrongFile(f"{opened.name} is not a ListenBrainz export: its first line is no listen.")
    return _records(opened)


def _records(opened: Opened) -> Iterator[Outcome]:
    make = _Reader()
    # "feedback" comes behind digits and before "listens" in the alphabet, so the order of reading is said here
    return values.records_of(_listens_then_feedback(opened), make)


def _listens_then_feedback(opened: Opened) -> Iterator[tuple[int, Any]]:
    if opened.kind != "zip":
        yield from entries(opened, LISTEN_FILES, line_entries)
        return
    n_listens = 0
    for number, entry in entries(opened, LISTEN_FILES, line_entries):
        n_listens = number
        yield number, entry
    for number, entry in entries(opened, FEEDBACK_FILE, line_entries):
        moved = n_listens + number
        yield moved, entry._replace(line=moved) if isinstance(entry, RejectedRow) else entry


class _Reader:
    """Makes records of listens and feedback; remembers which song a message id meant."""

    def __init__(self) -> None:
        self._songs: dict[str, SongRecord] = {}

    def __call__(self, number: int, entry: Any) -> ListenRecord:
        if not isinstance(entry, dict):
            raise values.BadValue("the line is not an object")
        return self._feedback(number, entry) if "score" in entry else self._listen(number, entry)

    def _listen(self, number: int, entry: Mapping[str, Any]) -> ListenRecord:
        song = song_of(entry.get("track_metadata"))
        msid = entry.get("recording_msid") or _info(entry.get("track_metadata")).get("recording_msid")
        if isinstance(msid, str) and len(self._songs) < _REMEMBERED_NAMES:
            self._songs[msid] = song
        return ListenRecord(number, "", song=song, occurred_at=_moment(entry.get("listened_at")))

    def _feedback(self, number: int, entry: Mapping[str, Any]) -> ListenRecord:
        kind = _OPINIONS.get(entry["score"]) if isinstance(entry["score"], int) else None
        if kind is None:
            raise values.BadValue("the score is neither 1 nor -1")
        created = entry.get("created")
        return ListenRecord(
            number,
            "",
            song=self._song_of_feedback(entry),
            kind=kind,
            occurred_at=_moment(created) if created is not None else None,
        )

    def _song_of_feedback(self, entry: Mapping[str, Any]) -> SongRecord:
        if entry.get("track_metadata"):
            return song_of(entry["track_metadata"])
        heard = self._songs.get(str(entry.get("recording_msid")))
        if heard is not None:
            return heard
        mbid = values.mbid(str(entry.get("recording_mbid") or ""))
        if not mbid:
            raise values.BadValue("the song is named by an id only that no listen in the file has")
        return SongRecord(0, "", "", mbid=mbid)


def song_of(metadata: Any) -> SongRecord:
    """Return the song that a listen's track_metadata describes; ids that are none are passed over."""
    if not isinstance(metadata, dict):
        raise values.BadValue("the listen has no track_metadata")
    info, mapped = _info(metadata), metadata.get("mbid_mapping")
    mbid = info.get("recording_mbid") or (mapped.get("recording_mbid") if isinstance(mapped, dict) else "")
    return SongRecord(
        0,
        _text(metadata.get("track_name"), "title"),
        _text(metadata.get("artist_name"), "artist"),
        album=values.optional_name(metadata.get("release_name")),
        duration_ms=_duration(info),
        mbid=_mbid_or_none(mbid),
        isrc=str(info.get("isrc") or "")[:20],
    )


def _info(metadata: Any) -> Mapping[str, Any]:
    info = metadata.get("additional_info") if isinstance(metadata, dict) else None
    return info if isinstance(info, dict) else {}


def _mbid_or_none(value: Any) -> str:
    try:
        return values.mbid(value) if isinstance(value, str) else ""
    except values.BadValue:
        return ""


def _duration(info: Mapping[str, Any]) -> int | None:
    for name, factor in (("duration_ms", 1), ("duration", 1000)):
        value = info.get(name)
        if (
            isinstance(value, int | float)
            and not isinstance(value, bool)
            and 0 < value * factor < values.LONGEST_MS
        ):
            return int(value * factor)
    return None


def _moment(value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise values.BadValue("the time is missing")
    seconds = values.moment(str(int(value))) if value > 0 else None
    if seconds is None:
        raise values.BadValue("the time is missing")
    return seconds


def _text(value: Any, what: str) -> str:
    if not isinstance(value, str):
        raise values.BadValue(f"the {what} is missing")
    return values.name(value, what)
