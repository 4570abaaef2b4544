"""What players send, checked by ListenBrainz' own rules; pure. What breaks a rule raises BadRequest with it."""

import json
import time
import uuid
from dataclasses import dataclass
from typing import Any

from catalog.matching import clean_isrc
from catalog.records import SongRecord

MAX_LISTEN_BYTES = 10_240
MAX_REQUEST_BYTES = 10_240_000
MAX_LISTENS = 1000
MAX_TAGS = 50
MAX_TAG_LENGTH = 64
OLDEST = 1_033_410_600  # the first scrobble ever
FUTURE_TOLERANCE = 24 * 3600
MAX_DURATION_MS = 24 * 3600 * 1000
MAX_NAME_LENGTH = 2000

_MSID_NAMESPACE = uuid.UUID("5a6ee7f8-9fd9-4a2e-b1f5-2a40d7b6f4f1")
_MBID_FIELDS = ("recording_mbid", "release_mbid", "release_group_mbid", "track_mbid")
_MBID_LISTS = ("artist_mbids", "work_mbids")


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
        return msid(self.song.artist, self.song.title, self.song.album)


@dataclass(frozen=True)
class Submission:
    listen_type: str
    listens: list[Listen]


@dataclass(frozen=True)
class Feedback:
    score: int
    mbid: uuid.UUID | None
    msid: uuid.UUID | None


def msid(artist: str, title: str, release: str) -> uuid.UUID:
    """Return the id under which clients speak of a song that may have no MusicBrainz id."""
    return uuid.uuid5(_MSID_NAMESPACE, "\x1f".join((artist, title, release)).casefold())


def read_submission(data: Any, now: float | None = None) -> Submission:
    """Check the body of submit-listens."""
    listen_type = _entry(data, "listen_type", str)
    payload = _entry(data, "payload", list)
    if listen_type not in ("single", "playing_now", "import"):
        raise BadRequest(f"JSON document requires a valid listen_type key, not {listen_type!r}.")
    if not payload:
        raise BadRequest("JSON document does not contain any listens.")
    most = MAX_LISTENS if listen_type == "import" else 1
    if len(payload) > most:
        raise BadRequest(f"Too many listens for {listen_type}: {len(payload)}; it takes {most} at most.")
    latest = (time.time() if now is None else now) + FUTURE_TOLERANCE
    listens = [_listen(one, listen_type, latest, line) for line, one in enumerate(payload, start=1)]
    return Submission(listen_type, listens)


def read_feedback(data: Any) -> Feedback:
    """Check the body of recording-feedback."""
    if not isinstance(data, dict):
        raise BadRequest("The JSON document must be an object.")
    if extra := sorted(set(data) - {"recording_mbid", "recording_msid", "score"}):
        raise BadRequest(f"JSON document contains extra key: {extra[0]}.")
    score = data.get("score")
    if isinstance(score, bool) or score not in (-1, 0, 1):
        raise BadRequest("The score must be 1, 0 or -1.")
    mbid, msid_ = _uuid(data, "recording_mbid"), _uuid(data, "recording_msid")
    if mbid is None and msid_ is None:
        raise BadRequest("JSON document must contain recording_mbid or recording_msid.")
    return Feedback(score, mbid, msid_)


def read_deletion(data: Any) -> tuple[int, uuid.UUID]:
    """Check the body of delete-listen; return when and which."""
    listened_at = _entry(data, "listened_at", int | str)
    found = _uuid(data, "recording_msid")
    if found is None:
        raise BadRequest("recording_msid is missing from the JSON document.")
    if isinstance(listened_at, bool) or not str(listened_at).isdecimal() or int(listened_at) > 2**40:
        raise BadRequest(f"listened_at must be Unix seconds, not {listened_at!r}.")
    return int(listened_at), found


def _listen(data: Any, listen_type: str, latest: float, line: int) -> Listen:
    if not isinstance(data, dict):
        raise BadRequest("A listen must be a JSON object.")
    n_bytes = len(json.dumps(data, ensure_ascii=False, separators=(",", ":")).encode())
    if n_bytes > MAX_LISTEN_BYTES:
        raise BadRequest(f"A listen may have {MAX_LISTEN_BYTES} bytes at most, this one has {n_bytes}.")
    if _has_nul(data):
        raise BadRequest("A listen contains a NUL character.")
    metadata = _entry(data, "track_metadata", dict)
    info = metadata.get("additional_info") or {}
    if not isinstance(info, dict):
        raise BadRequest("additional_info must be a JSON object.")
    return Listen(
        _song(metadata, info, line),
        _listened_at(data, listen_type, latest),
        _text(info, "submission_client") or _text(info, "media_player") or _text(info, "listening_from"),
    )


def _has_nul(value: Any) -> bool:
    if isinstance(value, dict):
        return any(map(_has_nul, value)) or any(map(_has_nul, value.values()))
    if isinstance(value, list):
        return any(map(_has_nul, value))
    return isinstance(value, str) and "\0" in value


def _listened_at(data: dict, listen_type: str, latest: float) -> int | None:
    if listen_type == "playing_now":
        if data.get("listened_at") is not None:
            raise BadRequest("playing_now must not have listened_at.")
        return None
    value = data.get("listened_at")
    if isinstance(value, str) and value.isdecimal():  # some clients send it as text
        value = int(value[:20])
    if isinstance(value, bool) or not isinstance(value, int):
        raise BadRequest("A listen needs listened_at in Unix seconds.")
    if not OLDEST <= value <= latest:
        raise BadRequest(f"listened_at is {value}; it must lie between {OLDEST} and now, in seconds.")
    return value


def _song(metadata: dict, info: dict, line: int) -> SongRecord:
    _check_mbids(info)
    artist_mbids = [mbid for mbid in info.get("artist_mbids") or [] if mbid]
    return SongRecord(
        line=line,
        title=_name(metadata, "track_name"),
        artist=_name(metadata, "artist_name"),
        album=_text(metadata, "release_name")[:MAX_NAME_LENGTH],
        duration_ms=_duration_ms(info),
        mbid=_text(info, "recording_mbid"),
        isrc=clean_isrc(_text(info, "isrc")),
        artist_mbid=artist_mbids[0] if len(artist_mbids) == 1 else "",
        genres=_tags(info),
    )


def _duration_ms(info: dict) -> int | None:
    seconds, milliseconds = info.get("duration"), info.get("duration_ms")
    if seconds is not None and milliseconds is not None:
        raise BadRequest("Send duration or duration_ms, not both.")
    value = milliseconds if seconds is None else seconds
    if value is None:
        return None
    if isinstance(value, str) and value.isdecimal():
        value = int(value[:12])
    if isinstance(value, bool) or not isinstance(value, int | float) or value < 0:
        raise BadRequest(f"The duration must be a positive number, not {value!r}.")
    in_ms = int(value if seconds is None else value * 1000)
    return in_ms if 0 < in_ms <= MAX_DURATION_MS else None


def _tags(info: dict) -> tuple[str, ...]:
    tags = info.get("tags") or []
    if not isinstance(tags, list) or not all(isinstance(tag, str) for tag in tags):
        raise BadRequest("tags must be a list of texts.")
    if len(tags) > MAX_TAGS:
        raise BadRequest(f"A listen may have {MAX_TAGS} tags at most, this one has {len(tags)}.")
    if any(len(tag) > MAX_TAG_LENGTH for tag in tags):
        raise BadRequest(f"A tag may have {MAX_TAG_LENGTH} characters at most.")
    return tuple(tag for tag in tags if tag.strip())


def _check_mbids(info: dict) -> None:
    for field in _MBID_FIELDS:
        _uuid(info, field)
    for field in _MBID_LISTS:
        values = info.get(field) or []
        if not isinstance(values, list):
            raise BadRequest(f"{field} must be a list.")
        for value in values:
            _uuid({field: value}, field)


def _uuid(data: dict, field: str) -> uuid.UUID | None:
    value = data.get(field)
    if value in (None, ""):
        return None
    try:
        return uuid.UUID(value)
    except (ValueError, AttributeError, TypeError):
        raise BadRequest(f"{field} is {str(value)[:60]!r}, which is no UUID.") from None


def _name(metadata: dict, field: str) -> str:
    name = _text(metadata, field)
    if not name:
        raise BadRequest(f"{field} is missing.")
    return name[:MAX_NAME_LENGTH]


def _text(data: dict, field: str) -> str:
    """Return an optional text; a number is taken as its digits, anything else is refused."""
    value = data.get(field)
    if value is None:
        return ""
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        raise BadRequest(f"{field} must be a text.")
    return str(value).strip()


def _entry(data: Any, field: str, kind: Any) -> Any:
    value = data.get(field) if isinstance(data, dict) else None
    if not isinstance(value, kind):
        raise BadRequest(f"Key {field} is missing from the JSON document, or is not what it should be.")
    return value
