"""What a music file says about its song: tags, length, picture. No database."""

import math
import re
from collections.abc import Iterator
from hashlib import blake2s
from pathlib import Path, PurePosixPath
from typing import NamedTuple

from django.utils.translation import gettext as _
from tinytag import TinyTag
from tinytag.tinytag import TinyTagException

from catalog.imports.reading.values import parse_optional_mbid, parse_optional_name
from catalog.records import FASTEST_TEMPO, SongRecord

LARGEST_TAGS = 64 * 2**20
LARGEST_PICTURE = 25 * 2**20
TAGS_SOURCE = "file tags"
_LONGEST_MS = 24 * 3600 * 1000
_MOST_GENRES = 8
_HEAD_BYTES = 256 * 1024
_GENRE_SIGNS = re.compile(r"[;/,|\x00]")
_LEADING_NUMBER = re.compile(r"^\s*(?:\d{1,2}-)?\d{1,3}\s*(?:[-.)_]+\s*|\s+)(?=\S)")
_YEAR = re.compile(r"(?<!\d)(1[0-9]{3}|2[01][0-9]{2})(?!\d)")
_UFID = re.compile(rb"http://musicbrainz\.org\x00([0-9a-fA-F-]{36})")
# ID3v1 and many taggers write these where nothing is known
_EMPTY_NAMES = frozenset(("unknown", "unknown artist", "<unknown>", "[unknown]", "untitled"))
_PLAYABLE_TYPES = {
    ".mp3": "audio/mpeg", ".mp2": "audio/mpeg", ".flac": "audio/flac", ".ogg": "audio/ogg", ".oga": "audio/ogg",
    ".opus": "audio/ogg", ".spx": "audio/ogg", ".wav": "audio/wav", ".m4a": "audio/mp4", ".m4b": "audio/mp4",
    ".mp4": "audio/mp4", ".aac": "audio/aac", ".wma": "audio/x-ms-wma", ".aiff": "audio/aiff", ".aif": "audio/aiff",
    ".aifc": "audio/aiff",
}  # fmt: skip


class UnreadableFile(Exception):
    """The file holds no song that can be used; the message says why in a few words."""


class FileContents(NamedTuple):
    """What was read of a file: its song, what browsers call its kind, and a hash of the picture in it."""

    record: SongRecord
    mime_type: str
    picture_tag: str


def read_file(root: Path, path: str) -> FileContents:
    """Read a file's tags; raise UnreadableFile, or OSError when the file can't be opened."""
    _refuse_huge_tags(root / path)
    tags = _load(root / path, image=True)
    duration_ms = _read_duration(tags)
    if duration_ms is None:
        raise UnreadableFile(_("it holds no audio that can be read"))
    title, artist = _read_names(tags, PurePosixPath(path))
    picture = _choose_picture(tags)
    return FileContents(
        SongRecord(
            0,
            title,
            artist,
            album=_clean(tags.album) or _read_folder_album(tags, PurePosixPath(path)),
            album_artist=_clean(tags.albumartist),
            genres=tuple(_read_genres(tags)),
            year=_read_year(tags),
            duration_ms=duration_ms,
            features=(None,) * 7 + (_read_tempo(tags),),
            features_source=TAGS_SOURCE,
            mbid=_read_recording_id(tags, root / path),
            isrc=_get_other(tags, "isrc")[:20],
            artist_mbid=parse_optional_mbid(_get_other(tags, "musicbrainzartistid")),
            track_number=_read_position(tags.track),
            disc_number=_read_position(tags.disc),
        ),
        _PLAYABLE_TYPES.get(PurePosixPath(path).suffix.lower(), "application/octet-stream"),
        blake2s(picture, digest_size=12).hexdigest() if picture else "",
    )


def read_picture(path: Path) -> bytes | None:
    """Return the picture inside a music file; None where there is none, or where it can't be read."""
    try:
        _refuse_huge_tags(path)
        return _choose_picture(_load(path, image=True))
    except (UnreadableFile, OSError):
        return None


def _load(path: Path, *, image: bool) -> TinyTag:
    try:
        return TinyTag.get(path, image=image)
    except (TinyTagException, MemoryError, RecursionError):
        raise UnreadableFile(_("it is no music file, or a broken one")) from None


def _refuse_huge_tags(path: Path) -> None:
    """Refuse tags that would fill the memory; their size is the first thing that an ID3 tag says."""
    with path.open("rb") as file:
        head = file.read(10)
    if not head:
        raise UnreadableFile(_("it is empty"))
    if head[:3] == b"ID3" and len(head) == 10:
        n_bytes = sum(
            (byte & 0x7F) << shift for byte, shift in zip(head[6:], (21, 14, 7, 0), strict=True)
        )
        if n_bytes > LARGEST_TAGS:
            raise UnreadableFile(_("its tags take %(n)d MB") % {"n": n_bytes // 2**20})


def _read_duration(tags: TinyTag) -> int | None:
    seconds = tags.duration
    if seconds is None or not math.isfinite(seconds) or not 0 < seconds * 1000 <= _LONGEST_MS:
        return None
    return max(round(seconds * 1000), 1)


def _read_names(tags: TinyTag, path: PurePosixPath) -> tuple[str, str]:
    """Return title and artist: of the tags, else of names like "Artist/Album/01 Title" and "Artist - Title"."""
    title, artist = _clean(tags.title), _clean(tags.artist) or _clean(tags.albumartist)
    if title and artist:
        return title, artist
    stem = _clean(_LEADING_NUMBER.sub("", path.stem).replace("_", " "))
    first, dash, rest = stem.partition(" - ")
    if dash and not artist and not title:
        artist, title = _clean(first), _clean(rest)
    title = title or stem
    if not artist and len(path.parts) >= 3:
        artist = _clean(path.parts[-3])
    if not title or not artist:
        raise UnreadableFile(_("neither its tags nor its name say title and artist"))
    return title, artist


def _read_folder_album(tags: TinyTag, path: PurePosixPath) -> str:
    """Return the album of a path like "Artist/Album/01 Title"; empty for a file whose tags name its song."""
    if len(path.parts) < 3 or _clean(tags.title) or _clean(tags.artist):
        return ""
    return _clean(path.parts[-2])


def _clean(text: object) -> str:
    """Return a name on one line; empty for what is none, such as "Unknown Artist"."""
    name = parse_optional_name(text)[:500] if isinstance(text, str) else ""
    return "" if name.casefold() in _EMPTY_NAMES else name


def _read_genres(tags: TinyTag) -> Iterator[str]:
    texts = [tags.genre or "", *tags.other.get("genre", [])]
    names = (_clean(name) for text in texts for name in _GENRE_SIGNS.split(text))
    yield from list(dict.fromkeys(name[:100] for name in names if name))[:_MOST_GENRES]


def _read_year(tags: TinyTag) -> int | None:
    match = _YEAR.search(str(tags.year or "")[:40])
    return int(match[1]) if match else None


def _read_tempo(tags: TinyTag) -> float | None:
    try:
        tempo = float(_get_other(tags, "bpm")[:20])
    except ValueError:
        return None
    return tempo if 20 <= tempo <= FASTEST_TEMPO else None


def _read_position(number: int | None) -> int | None:
    return number if isinstance(number, int) and 0 < number < 1000 else None


def _read_recording_id(tags: TinyTag, path: Path) -> str:
    """Return the MusicBrainz id of the recording; MP3s keep it in a frame of its own."""
    named = _get_other(tags, "musicbrainztrackid", "musicbrainzrecordingid")
    if mbid := parse_optional_mbid(named):
        return mbid
    with path.open("rb") as file:
        head = file.read(_HEAD_BYTES)
    match = _UFID.search(head) if head[:3] == b"ID3" else None
    return parse_optional_mbid(match[1].decode()) if match else ""


def _get_other(tags: TinyTag, *names: str) -> str:
    """Return the first value of a further tag, whatever blanks and underscores its name has."""
    for key, values in tags.other.items():
        if "".join(sign for sign in key.lower() if sign.isalnum()) in names and values:
            return str(values[0]).strip()
    return ""


def _choose_picture(tags: TinyTag) -> bytes | None:
    picture = tags.images.front_cover or tags.images.any
    data = bytes(picture.data) if picture is not None and picture.data else None
    return data if data and len(data) <= LARGEST_PICTURE else None
