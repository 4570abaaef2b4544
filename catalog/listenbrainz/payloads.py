"""Check what players send by ListenBrainz' own rules; pure.

Names, times and sizes that break a rule raise BadRequest with a sentence. Everything else that a listen carries is
optional: what can't be read of it, an id that is none too, is left out and never costs the listen.
"""

import json
import math
import re
import time
import uuid
from dataclasses import dataclass
from typing import Any

from catalog.names.external_ids import clean_isrc
from catalog.play_rules import FIRST_MOMENT
from catalog.records import SongRecord

MAX_LISTEN_BYTES = 10_240
MAX_REQUEST_BYTES = 10_240_000
MAX_LISTENS = 1000
MAX_TAGS = 50
MAX_TAG_LENGTH = 64
OLDEST = FIRST_MOMENT
FUTURE_TOLERANCE = 24 * 3600
MIN_DURATION_MS = 2000  # below it a client sent seconds as milliseconds
MAX_DURATION_MS = 24 * 3600 * 1000
MAX_NAME_LENGTH = 2000

_MSID_NAMESPACE = uuid.UUID("5a6ee7f8-9fd9-4a2e-b1f5-2a40d7b6f4f1")
_PLAYER_FIELDS = ("submission_client", "media_player", "listening_from")
MAX_SERVICE_LENGTH = 40
_LONGEST_NUMBER = 40


class BadRequest(Exception):
    """A rule of the protocol is broken; the message says which."""


@dataclass(frozen=True)
class Listen:
    """One listen. `listened_at` is the start of the play in Unix seconds, None for playing_now."""

    song: SongRecord
    listened_at: int | None
    player: str

    @property
    def msid(self) -> uuid.UUID:
        return compute_msid(self.song.artist, self.song.title, self.song.album)


@dataclass(frozen=True)
class Submission:
    listen_type: str
    listens: list[Listen]


@dataclass(frozen=True)
class Feedback:
    score: int
    mbid: uuid.UUID | None
    msid: uuid.UUID | None


@dataclass(frozen=True)
class RecordingIds:
    """The recordings that a client asks about, in its order and each once."""

    mbids: list[uuid.UUID]
    msids: list[uuid.UUID]


def compute_msid(artist: str, title: str, release: str) -> uuid.UUID:
    """Return the id under which clients speak of a song that may have no MusicBrainz id."""
    return uuid.uuid5(_MSID_NAMESPACE, "\x1f".join((artist, title, release)).casefold())


def read_submission(data: Any, now: float | None = None) -> Submission:
    """Check the body of submit-listens."""
    listen_type = _read_entry(data, "listen_type", str)
    payload = _read_entry(data, "payload", list)
    if listen_type not in ("single", "playing_now", "import"):
        raise BadRequest(
            f"JSON document requires a valid listen_type key, not {_quote_value(listen_type)}."
        )
    if not payload:
        raise BadRequest("JSON document does not contain any listens.")
    most = MAX_LISTENS if listen_type == "import" else 1
    if len(payload) > most:
        raise BadRequest(
            f"Too many listens for {listen_type}: {len(payload)}; it takes {most} at most."
        )
    latest = (time.time() if now is None else now) + FUTURE_TOLERANCE
    listens = [
        _read_listen(one, listen_type, latest, line) for line, one in enumerate(payload, start=1)
    ]
    return Submission(listen_type, listens)


def read_feedback(data: Any) -> Feedback:
    """Check the body of recording-feedback."""
    if not isinstance(data, dict):
        raise BadRequest("The JSON document must be an object.")
    if extra := sorted(set(data) - {"recording_mbid", "recording_msid", "score"}):
        raise BadRequest(f"JSON document contains extra key: {extra[0][:60]}.")
    score = _parse_whole_number(data.get("score"))
    if score not in (-1, 0, 1):
        raise BadRequest("The score must be 1, 0 or -1.")
    mbid, msid_ = _read_uuid(data, "recording_mbid"), _read_uuid(data, "recording_msid")
    if mbid is None and msid_ is None:
        raise BadRequest("JSON document must contain recording_mbid or recording_msid.")
    return Feedback(score, mbid, msid_)


def read_deletion(data: Any) -> tuple[int, uuid.UUID]:
    """Check the body of delete-listen; return when and which."""
    if not isinstance(data, dict):
        raise BadRequest("The JSON document must be an object.")
    listened_at = _parse_whole_number(data.get("listened_at"))
    msid = _read_uuid(data, "recording_msid")
    if msid is None:
        raise BadRequest("recording_msid is missing from the JSON document.")
    if listened_at is None or not 0 <= listened_at <= 2**40:
        raise BadRequest(
            f"listened_at must be Unix seconds, not {_quote_value(data.get('listened_at'))}."
        )
    return listened_at, msid


def read_recording_ids(data: Any) -> RecordingIds:
    """Check which recordings get-feedback-for-recordings asks about: lists, or texts with commas.

    `recordings` is the older name of `recording_msids`.
    """
    if not isinstance(data, dict):
        raise BadRequest("The JSON document must be an object.")
    older = "recording_msids" if data.get("recording_msids") else "recordings"
    ids = RecordingIds(_read_uuids(data, "recording_mbids"), _read_uuids(data, older))
    if not ids.mbids and not ids.msids:
        raise BadRequest("No valid recording msid or recording mbid found.")
    if len(ids.mbids) + len(ids.msids) > MAX_LISTENS:
        raise BadRequest(f"Ask about {MAX_LISTENS} recordings at most.")
    return ids


def read_latest_import(data: Any) -> tuple[str, int]:
    """Check the body of latest-import; return the service and the time in Unix seconds."""
    if not isinstance(data, dict):
        raise BadRequest("The JSON document must be an object.")
    moment = _parse_whole_number(data.get("ts", 0))
    if moment is None or not 0 <= moment <= 2**40:
        raise BadRequest(f"ts must be Unix seconds, not {_quote_value(data.get('ts'))}.")
    return read_service(data.get("service")), moment


def read_service(value: Any) -> str:
    """Return the name of the service that an import reads from; "lastfm" where a client names none."""
    if value in (None, ""):
        return "lastfm"
    if not isinstance(value, str) or not value.isprintable() or len(value) > MAX_SERVICE_LENGTH:
        raise BadRequest(f"service must be a name of {MAX_SERVICE_LENGTH} characters at most.")
    return value.casefold()


def read_flag(text: str | None) -> bool:
    """Return whether a parameter of an address says yes: "true" in any case, or "1"."""
    return (text or "").strip().casefold() in ("true", "1")


def _read_listen(data: Any, listen_type: str, latest: float, line: int) -> Listen:
    if not isinstance(data, dict):
        raise BadRequest("A listen must be a JSON object.")
    try:
        _check_size(data)
    except RecursionError:
        raise BadRequest("The JSON is nested too deeply.") from None
    metadata = _read_entry(data, "track_metadata", dict)
    info = metadata.get("additional_info")
    if not isinstance(info, dict):
        info = {}
    player = next(filter(None, (_read_text(info, field) for field in _PLAYER_FIELDS)), "")
    return Listen(
        _read_song(metadata, info, line), _read_listen_time(data, listen_type, latest), player
    )


def _check_size(data: dict[str, Any]) -> None:
    n_bytes = len(json.dumps(data, ensure_ascii=False, separators=(",", ":")).encode())
    if n_bytes > MAX_LISTEN_BYTES:
        raise BadRequest(
            f"A listen may have {MAX_LISTEN_BYTES} bytes at most, this one has {n_bytes}."
        )
    if _has_nul(data):
        raise BadRequest("A listen contains a NUL character.")
    if _has_infinity(data):
        raise BadRequest("A listen contains a number that is too large to be one.")


def _has_infinity(value: Any) -> bool:
    if isinstance(value, dict | list):
        return any(map(_has_infinity, value.values() if isinstance(value, dict) else value))
    return isinstance(value, float) and not math.isfinite(value)


def _has_nul(value: Any) -> bool:
    if isinstance(value, dict):
        return any(map(_has_nul, value)) or any(map(_has_nul, value.values()))
    if isinstance(value, list):
        return any(map(_has_nul, value))
    return isinstance(value, str) and "\0" in value


def _read_listen_time(data: dict[str, Any], listen_type: str, latest: float) -> int | None:
    if listen_type == "playing_now":
        if data.get("listened_at") is not None:
            raise BadRequest("playing_now must not have listened_at.")
        return None
    value = _parse_whole_number(data.get("listened_at"))
    if value is None:
        raise BadRequest("A listen needs listened_at in Unix seconds.")
    if not OLDEST <= value <= latest:
        raise BadRequest(
            f"listened_at is {_quote_value(value)}; it must lie between {OLDEST} and now, in seconds."
        )
    return value


def _read_song(metadata: dict[str, Any], info: dict[str, Any], line: int) -> SongRecord:
    artist_mbids = _read_artist_mbids(info)
    credit = _read_credit(info, artist_mbids)
    return SongRecord(
        line=line,
        title=_read_name(metadata, "track_name"),
        artist=_read_name(metadata, "artist_name"),
        album=_read_text(metadata, "release_name")[:MAX_NAME_LENGTH],
        duration_ms=_read_duration_ms(info),
        mbid=_parse_mbid(info.get("recording_mbid")),
        isrc=_read_isrc(info),
        artist_mbid=artist_mbids[0] if len(artist_mbids) == 1 and len(credit) < 2 else "",
        credit=credit,
        genres=_read_tags(info),
    )


def _read_duration_ms(info: dict[str, Any]) -> int | None:
    """Return the length in milliseconds, of two the one that can be one; None where none is from 2 s to a day."""
    seconds = _parse_finite(info.get("duration"))
    lengths = (_parse_finite(info.get("duration_ms")), None if seconds is None else seconds * 1000)
    for length in lengths:
        if length is not None and MIN_DURATION_MS <= length <= MAX_DURATION_MS:
            return int(length)
    return None


def _read_isrc(info: dict[str, Any]) -> str:
    """Return the first readable ISRC; some clients send a list."""
    value = info.get("isrc")
    candidates = value if isinstance(value, list) else [value]
    return next(filter(None, (clean_isrc(one) for one in candidates if isinstance(one, str))), "")


def _read_tags(info: dict[str, Any]) -> tuple[str, ...]:
    """Return the first 50 tags of at most 64 characters."""
    tags = info.get("tags")
    if isinstance(tags, str):
        tags = re.split("[,;]", tags)
    if not isinstance(tags, list):
        return ()
    texts = [tag.strip() for tag in tags if isinstance(tag, str)]
    return tuple(tag for tag in texts if 0 < len(tag) <= MAX_TAG_LENGTH)[:MAX_TAGS]


def _read_artist_mbids(info: dict[str, Any]) -> list[str]:
    value = info.get("artist_mbids")
    values = value.split(",") if isinstance(value, str) else value
    return list(filter(None, map(_parse_mbid, values))) if isinstance(values, list) else []


def _read_credit(info: dict[str, Any], artist_mbids: list[str]) -> tuple[tuple[str, str], ...]:
    """Return the artists that `artist_names` lists, with their ids where there is one for each name."""
    value = info.get("artist_names")
    names = (
        [name.strip() for name in value if isinstance(name, str)] if isinstance(value, list) else []
    )
    names = [name[:MAX_NAME_LENGTH] for name in names if name]
    mbids = artist_mbids if len(artist_mbids) == len(names) else [""] * len(names)
    return tuple(zip(names, mbids, strict=True))


def _parse_mbid(value: Any) -> str:
    """Return an optional id in its usual form; empty for what is none."""
    try:
        return str(uuid.UUID(value.strip()))
    except (ValueError, AttributeError, TypeError):
        return ""


def _read_uuids(data: dict[str, Any], field: str) -> list[uuid.UUID]:
    """Return the ids of a list, or of a text with commas, each once; an entry that is none raises BadRequest."""
    values = data.get(field) or []
    if isinstance(values, str):
        values = [text.strip() for text in values.split(",")]
    if not isinstance(values, list):
        raise BadRequest(f"{field} must be a list.")
    uuids = (_read_uuid({field: value}, field) for value in values)
    return list(dict.fromkeys(one for one in uuids if one is not None))


def _read_uuid(data: dict[str, Any], field: str) -> uuid.UUID | None:
    value = data.get(field)
    if value in (None, ""):
        return None
    try:
        return uuid.UUID(value)
    except (ValueError, AttributeError, TypeError):
        raise BadRequest(f"{field} is {_quote_value(value)}, which is no UUID.") from None


def _read_name(metadata: dict[str, Any], field: str) -> str:
    """Return a name that a listen must have; a number is taken as its digits."""
    name = _read_text(metadata, field)
    if not name:
        is_given = metadata.get(field) not in (None, "")
        raise BadRequest(f"{field} must be a text." if is_given else f"{field} is missing.")
    return name[:MAX_NAME_LENGTH]


def _read_text(data: dict[str, Any], field: str) -> str:
    """Return an optional text; a number is taken as its digits, anything else is left out."""
    value = data.get(field)
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        return ""
    return " ".join(str(value).split())


def _parse_whole_number(value: Any) -> int | None:
    """Return a number, or a text of one, without its fraction; None for what is neither."""
    number = _parse_finite(value)
    if number is None:
        return None
    return value if isinstance(value, int) else int(number)


def _parse_finite(value: Any) -> float | None:
    """Return a number, or a text of one; None for truth values, other types, infinity and NaN."""
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        return None
    try:
        number = float(value[:_LONGEST_NUMBER] if isinstance(value, str) else value)
    except (ValueError, OverflowError):
        return None
    return number if math.isfinite(number) else None


def _quote_value(value: Any) -> str:
    """Return a value as a sentence may quote it: 60 characters at most."""
    return repr(str(value)[:60])


def _read_entry(data: Any, field: str, kind: Any) -> Any:
    value = data.get(field) if isinstance(data, dict) else None
    if not isinstance(value, kind):
        raise BadRequest(
            f"Key {field} is missing from the JSON document, or is not what it should be."
        )
    return value
