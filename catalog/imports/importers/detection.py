"""Which history a file is, found out from the file's first megabyte."""

import re
import zipfile
from collections.abc import Callable

from catalog.imports.importers.registry import Importer, list_importers
from catalog.imports.reading.lines import check_text
from catalog.imports.reading.source_files import HEAD, SourceFile, split_member_path
from catalog.records import NearMiss, WrongFile

_LOOKED_AT = 65_536
"""Bytes of a file by which it is described; a longer one may hold something behind them."""
_BLANK = b"\xef\xbb\xbf\xff\xfe \t\r\n\0"


def detect_history(opened: SourceFile, n_bytes: int = HEAD) -> Importer:
    """Return the first importer of histories that accepts the file; WrongFile when none does.

    Each looks at the first `n_bytes` at most, however long the file is.
    """
    near_miss: NearMiss | None = None
    for importer in sorted(list_importers("history"), key=lambda one: one.is_last_resort):
        if near_miss is not None and importer.is_last_resort:
            break
        try:
            with opened.limit_to_head(n_bytes):
                importer.read(opened, {})
        except NearMiss as error:
            near_miss = near_miss or error
        except WrongFile:
            continue
        else:
            return importer
    raise near_miss or WrongFile(f"{opened.name} {_describe_file(opened)}")


def _describe_file(opened: SourceFile) -> str:
    """Say what a file that no importer accepts seems to be, and the way that works."""
    names = _join_member_names(opened)
    head = opened.read_head()[:_LOOKED_AT] if opened.kind != "zip" else b""
    for is_this, sentence in _KNOWN_FILES:
        if is_this(head, names, opened.name):
            return sentence
    if opened.kind != "zip":
        check_text(head, opened.name)
        if len(head) < _LOOKED_AT and head.strip(_BLANK) in (b"", b"[]", b"{}"):
            return "holds no rows; there is nothing to import."
    return (
        "is no listening history that is known here, and no list of likes or playlist. Spotify, ListenBrainz, "
        "Last.fm, YouTube Music, Apple Music, Deezer, Tidal, Maloja, Koito, Jellyfin, players' logs, Exportify, "
        "TuneMyMusic, Soundiiz, M3U, JSPF and XSPF are; docs/importing.md says which of their files."
    )


def _join_member_names(opened: SourceFile) -> str:
    """Return the names in a zip, one a line, in lower case."""
    if opened.kind != "zip":
        return ""
    with zipfile.ZipFile(opened.path) as archive:
        names = ("/".join(split_member_path(name)) for name in archive.namelist()[:5_000])
        return "\n".join(names).casefold()


def _has_member(sign: re.Pattern[str]) -> Callable[[bytes, str, str], bool]:
    return lambda _head, names, _name: bool(names and sign.search(names))


_TWO_NAMES = re.compile(rb"^[^\t;|]{1,200}\s-\s[^\t;|]{1,200}$")


def _lists_two_names(head: bytes, _names: str, _name: str) -> bool:
    """Whether most lines are two names with a dash between them."""
    lines = [line.strip() for line in head[:8_192].splitlines() if line.strip()][:50]
    return 2 * sum(_TWO_NAMES.match(line) is not None for line in lines) > len(lines)


def _has_text(*words: bytes) -> Callable[[bytes, str, str], bool]:
    return lambda head, _names, _name: all(word in head for word in words)


def _begins(sign: bytes) -> Callable[[bytes, str, str], bool]:
    return lambda head, _names, _name: head.startswith(sign)


_KNOWN_FILES: tuple[tuple[Callable[[bytes, str, str], bool], str], ...] = (
    (
        _has_member(re.compile(r"^xl/workbook\.(?:xml|bin)$", re.MULTILINE)),
        "is an Excel workbook. Open it, go to the sheet with the listening history (Deezer: “10_listeningHistory”), "
        "save that sheet as CSV and bring the CSV.",
    ),
    (
        _has_member(re.compile(r"^word/document\.xml$", re.MULTILINE)),
        "is a document of a word processor. Save the list in it as CSV and bring that.",
    ),
    (
        lambda _head, names, _name: names.startswith("mimetype\n") and "content.xml" in names,
        "is a document of LibreOffice. Open it, go to the sheet with the songs, save that sheet as CSV and bring the "
        "CSV.",
    ),
    (
        _has_member(re.compile(r"^index/.*\.iwa$", re.MULTILINE)),
        "is a document of Apple's Numbers. Open it, export it as CSV and bring the CSV.",
    ),
    (
        _has_member(
            re.compile(r"(?:^|/)apple[ _]media[ _]services|(?:^|/)apple music - ", re.MULTILINE)
        ),
        "is Apple's whole export. Unpack it and bring “Apple Music - Play History Daily Tracks.csv” out of the folder "
        "“Apple Music Activity”.",
    ),
    (
        _has_member(re.compile(r"streaming_history_video_|endvideo", re.MULTILINE)),
        "holds a video history of Spotify only; bring the zip with the Streaming_History_Audio files.",
    ),
    (
        _has_member(re.compile(r"\.(?:mp3|flac|ogg|m4a|opus|wav)$", re.MULTILINE)),
        "holds music and no list of what was played.",
    ),
    (
        _has_member(re.compile(r"\.csv$", re.MULTILINE)),
        "is a zip of tables; unpack it and bring the tables one by one.",
    ),
    (
        _has_member(re.compile(r"\.(?:zip|gz|tar|tgz|7z|rar)$", re.MULTILINE)),
        "holds another zip or archive; unpack it and bring what is inside.",
    ),
    (
        _has_member(re.compile(r"", re.MULTILINE)),
        "is a zip without a history that is known here; unpack it and bring the file with the history.",
    ),
    (
        _has_text(b"<plist", b"Tracks"),
        "is a library of iTunes or Apple Music, which says how often and not when. Bring “Apple Music - Play History "
        "Daily Tracks.csv” out of the export at privacy.apple.com, or a playlist as M3U8.",
    ),
    (
        _has_text(b'"Track Play Count"'),
        "is the library of Apple Music, which says how often and not when. Bring “Apple Music - Play History Daily "
        "Tracks.csv” and “Apple Music - Favorites.csv” of the same export.",
    ),
    (
        _has_text(b"Video ID", b"Timestamp"),
        "is a playlist of YouTube, which names videos and no songs. Bring “music-library-songs.csv” of the "
        "same export.",
    ),
    (
        _begins(b"[playlist]"),
        "is a PLS playlist, which names files and rarely songs. Save it as M3U8 with your player and bring that.",
    ),
    (
        _has_text(b"<?wpl"),
        "is a playlist of Windows Media Player. Save it as M3U8 and bring that.",
    ),
    (
        lambda head, _names, _name: head[257:262] == b"ustar",
        "is a tar archive; unpack it and bring the file with the history.",
    ),
    (
        lambda head, _names, _name: head.startswith(
            (b"7z\xbc\xaf", b"Rar!", b"PK\x03\x04", b"\x1f\x8b")
        ),
        "is an archive within an archive, or a 7z or RAR archive; unpack it and bring the file with the history.",
    ),
    (
        _begins(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"),
        "is an old Excel workbook. Open it, go to the sheet with the songs, save that sheet as CSV and bring the CSV.",
    ),
    (
        _has_text(b"<PlaybackStatistics"),
        "is foobar2000's playback statistics, which name no songs. Export the scrobbles themselves, or a playlist as "
        "M3U8.",
    ),
    (
        lambda head, _names, _name: head.startswith(
            (b"\x89PNG", b"\xff\xd8\xff", b"GIF8", b"RIFF", b"ID3", b"fLaC", b"OggS")
        ),
        "is a picture or music. Bring the export of what you played, as JSON, CSV or zip.",
    ),
    (
        _begins(b"{\\rtf"),
        "is a document of a word processor. Save the list in it as CSV and bring that.",
    ),
    (
        _begins(b"SQLite format 3"),
        "is a database. Export the history with the program that made it, as JSON or CSV.",
    ),
    (
        _begins(b"%PDF"),
        "is a PDF. Ask the service for its data export (JSON or CSV) and bring that.",
    ),
    (
        _has_text(b"<html"),
        "is a web page. Ask the service for its data export (JSON or CSV) and bring that.",
    ),
    (
        _has_text(b"playcount"),
        "is a list of play counts, not of plays with their times. Export the scrobbles themselves.",
    ),
    (
        _lists_two_names,
        "is a list of two names a line, which does not say which is the artist and which the title. Export it as CSV, "
        "or put artist,title on top and a comma in place of each dash.",
    ),
    (
        _has_text(b'"ts"', b'"episode_name"'),
        "is a history of Spotify without a whole entry in its first part; unpack the zip again, or ask for the export "
        "anew.",
    ),
)
