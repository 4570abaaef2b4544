"""ListenBrainz' export: a zip with a month of listens a file, one listen a line, and the loved and hated songs."""

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any, BinaryIO
from uuid import UUID

from catalog.imports.importers.registry import register_importer
from catalog.imports.reading import values
from catalog.imports.reading.archives import list_member_names, read_entries
from catalog.imports.reading.json_files import (
    EACH,
    BrokenJson,
    has_entry,
    read_array,
    read_lines,
    read_values,
)
from catalog.imports.reading.source_files import SourceFile
from catalog.records import (
    DISLIKE,
    LIKE,
    PLAYER_PREFIX,
    ListenRecord,
    Outcome,
    RejectedRow,
    SongRecord,
    WrongFile,
)

LISTEN_FILES = re.compile(r"^(?:\d{1,2}|listens.*)\.jsonl$", re.IGNORECASE)
FEEDBACK_FILE = re.compile(r"^feedback\.jsonl$", re.IGNORECASE)
_ALL_FILES = re.compile(f"{LISTEN_FILES.pattern}|{FEEDBACK_FILE.pattern}", re.IGNORECASE)
_OPINIONS = {1: LIKE, -1: DISLIKE}
_PLAYERS = ("submission_client", "media_player", "listening_from")
_REMEMBERED_IDS = 400_000
# what user/<name>/listens answers, and what submit-listens is sent
_WRAPPED = (("payload", "listens", EACH), ("payload", EACH))
_BLANKS = b"\xef\xbb\xbf \t\r\n"


@register_importer(
    "listenbrainz", "history", "ListenBrainz export", extensions=(".zip", ".jsonl", ".json")
)
def read(opened: SourceFile, options: Mapping[str, Any]) -> Iterator[Outcome]:
    """Read listens and feedback: the zip, one of its files, or the array of listens that was exported before 2025."""
    if opened.kind == "zip":
        if not list_member_names(opened, _ALL_FILES):
            raise WrongFile(
                f"{opened.name} is not a ListenBrainz export: it has no listens inside."
            )
        return values.make_records(_read_listens_then_feedback(opened), _Reader())
    entries_of = _choose_reader(opened)
    try:
        is_export = has_entry(entries_of(opened.open_head()), _is_entry)
    except BrokenJson as error:
        raise WrongFile(f"{opened.name} is not a ListenBrainz export: {error}.") from None
    if not is_export:
        raise WrongFile(
            f"{opened.name} is not a ListenBrainz export: its first lines are no listens."
        )
    return values.make_records(read_entries(opened, _ALL_FILES, entries_of), _Reader())


def _is_entry(entry: Any) -> bool:
    return isinstance(entry, dict) and not entry.keys().isdisjoint(("track_metadata", "score"))


def _choose_reader(opened: SourceFile) -> Callable[[BinaryIO], Iterator[Any]]:
    """Return what reads the entries of a plain file: an array, an answer or a request of the API, or lines."""
    if opened.read_head().lstrip(_BLANKS).startswith(b"["):
        return read_array
    try:
        is_wrapped = next(read_values(opened.open_head(), _WRAPPED), None) is not None
    except BrokenJson:
        is_wrapped = False
    return _read_wrapped if is_wrapped else read_lines


def _read_wrapped(stream: BinaryIO) -> Iterator[Any]:
    for _path, entry in read_values(stream, _WRAPPED):
        yield entry


def _read_listens_then_feedback(opened: SourceFile) -> Iterator[tuple[int, Any]]:
    """Yield feedback last: it names songs by ids that the listens introduce."""
    n_listens = 0
    for number, entry in read_entries(opened, LISTEN_FILES, read_lines):
        n_listens = number
        yield number, entry
    for number, entry in read_entries(opened, FEEDBACK_FILE, read_lines):
        moved = n_listens + number
        yield moved, entry._replace(line=moved) if isinstance(entry, RejectedRow) else entry


class _Reader:
    """Makes records of listens and feedback; remembers which song an id meant, up to a number of ids."""

    def __init__(self) -> None:
        self._songs: dict[str, SongRecord] = {}

    def __call__(self, number: int, entry: Any) -> ListenRecord:
        if not isinstance(entry, dict):
            raise values.BadValue("the line is not an object")
        return (
            self._read_feedback(number, entry) if "score" in entry else self._listen(number, entry)
        )

    def _listen(self, number: int, entry: Mapping[str, Any]) -> ListenRecord:
        song = build_song(entry.get("track_metadata"))
        metadata: Mapping[str, Any] = entry["track_metadata"]  # an object, or there were no song
        info = _get_additional_info(metadata)
        msids = (
            entry.get("recording_msid"),
            metadata.get("recording_msid"),
            info.get("recording_msid"),
        )
        for id_ in (*msids, song.mbid):
            if isinstance(id_, str) and id_ and len(self._songs) < _REMEMBERED_IDS:
                self._songs.setdefault(id_.casefold(), song)
        return ListenRecord(
            number,
            "",
            song=song,
            occurred_at=values.parse_json_moment(entry.get("listened_at")),
            source=_get_player(info),
            msid=next(filter(None, map(_parse_msid, msids)), ""),
        )

    def _read_feedback(self, number: int, entry: Mapping[str, Any]) -> ListenRecord:
        score = entry["score"]
        is_number = isinstance(score, int | float) and not isinstance(score, bool)
        kind = _OPINIONS.get(score) if is_number else None
        if kind is None:
            raise values.BadValue("the score is neither 1 nor -1")
        created = entry.get("created")
        moment = None if created is None else values.parse_json_moment(created)
        return ListenRecord(
            number, "", song=self._read_song_of_feedback(entry), kind=kind, occurred_at=moment
        )

    def _read_song_of_feedback(self, entry: Mapping[str, Any]) -> SongRecord:
        for name in ("recording_msid", "recording_mbid"):
            heard = self._songs.get(str(entry.get(name)).casefold())
            if heard is not None:
                return heard
        if entry.get("track_metadata"):
            return build_song(entry["track_metadata"])
        mbid = values.parse_optional_mbid(entry.get("recording_mbid"))
        if not mbid:
            raise values.BadValue("the song is named by an id only that no listen in the file has")
        return SongRecord(0, "", "", mbid=mbid)


def _get_player(info: Mapping[str, Any]) -> str:
    """Return the player that sent a listen, as the push address notes it."""
    player = next(
        (info[name] for name in _PLAYERS if info.get(name) and isinstance(info[name], str)), ""
    )
    return f"{PLAYER_PREFIX}{player}"[:40] if player.isprintable() and player else ""


def _parse_msid(value: Any) -> str:
    """Return a message id as ListenBrainz makes it, at random, else "".

    The ids that this site computes from names are of another version: a file can't claim one of those.
    """
    try:
        msid = UUID(value) if isinstance(value, str) else None
    except ValueError:
        return ""
    return str(msid) if msid is not None and msid.version == 4 else ""


def build_song(metadata: Any) -> SongRecord:
    """Return the song that a listen's track_metadata describes; ids that are none are passed over."""
    if not isinstance(metadata, dict):
        raise values.BadValue("the listen has no track_metadata")
    info, mapped = _get_additional_info(metadata), metadata.get("mbid_mapping")
    mbid = info.get("recording_mbid") or (
        mapped.get("recording_mbid") if isinstance(mapped, dict) else ""
    )
    isrc = info.get("isrc")
    return SongRecord(
        0,
        values.parse_required_name(metadata.get("track_name"), "title"),
        values.parse_required_name(metadata.get("artist_name"), "artist"),
        album=values.parse_optional_name(metadata.get("release_name")),
        duration_ms=values.parse_duration_ms(info.get("duration"), info.get("duration_ms")),
        mbid=values.parse_optional_mbid(mbid),
        isrc=isrc[:20] if isinstance(isrc, str) else "",
    )


def _get_additional_info(metadata: Any) -> Mapping[str, Any]:
    info = metadata.get("additional_info") if isinstance(metadata, dict) else None
    return info if isinstance(info, dict) else {}
