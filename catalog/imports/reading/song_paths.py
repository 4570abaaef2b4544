"""What the path of a music file says about its song.

Artist/Album/01 Title.flac, Artist - Album/01 Title.flac, Artist - Title.mp3, Artist - Album - 01 - Title.ogg. A folder
that holds music of many artists ("Music", "Compilations") is nobody's name.
"""

import re
from collections.abc import Sequence
from pathlib import PurePosixPath
from typing import NamedTuple
from urllib.parse import unquote, urlsplit

from catalog.imports.reading import values
from catalog.names.text import normalise
from catalog.names.title_notes import judge_note, names_version

DASH = re.compile(r"\s[-–—]\s")
_DISC = re.compile(r"^(?:cd|dis[ck]|disque|lp|side)[ ._-]?(?:\d{1,2}|[a-d])$", re.IGNORECASE)
_TRACK_NUMBER = re.compile(r"^(?:\d{1,2}-)?\d{1,3}[ ._-]+(?=\S)")
_NUMBER = re.compile(r"^\d{1,3}$")
_YEAR_FIRST = re.compile(r"^[\[(]?(?:19|20)\d\d[\])]?\s?[-–]?\s(?=\S)")
_YEAR_LAST = re.compile(r"(?<=\S)\s[\[(](?:19|20)\d\d[\])]$")
_DRIVE = re.compile(r"^[a-zA-Z]:$")
_ENCODED_BLANK = "%20"
COMPILATIONS = "compilations"
"""iTunes' folder of albums by several artists."""
_OF_MANY = frozenset(
    (
        COMPILATIONS, "music", "my music", "musik", "eigene musik", "meine musik", "musique", "ma musique", "musica",
        "mi musica", "muzyka", "muziek", "музыка", "音楽", "音乐", "음악", "mp3", "mp3s", "flac", "lossless", "songs",
        "library", "bibliothek", "itunes", "itunes media", "media localized", "apple music", "albums", "soundtracks",
        "various", "singles", "downloads", "torrents", "unsorted",
    )
)  # fmt: skip
# where systems keep disks and the folders of their users
_ROOT = re.compile(
    r"^/(?:(?:home|users|volumes|storage|media|mnt)/[^/]+/|(?:mnt|srv|media|data|share|nas|var|opt)/)",
    re.IGNORECASE,
)


class SongNames(NamedTuple):
    """What a path says; the album may be empty."""

    artist: str
    album: str
    title: str


def parse_path(path: str, title: str) -> SongNames:
    """Return the names that a path says, with `title` where that is known; BadValue where it says too little."""
    folders = list_folders(path)
    stem = PurePosixPath(folders[-1]).stem if folders else ""
    names = _parse_folders(folders[:-1])
    pieces = [piece.strip() for piece in DASH.split(stem)]
    # "50 Cent/Get Rich/50 Cent - In Da Club.mp3": the number is the artist's
    if not any(normalise(pieces[0]) == normalise(folder) for folder in folders[:-1]):
        pieces = [piece.strip() for piece in DASH.split(_TRACK_NUMBER.sub("", stem))]
    if numbered := _parse_numbered_pieces(pieces):
        return numbered._replace(title=title or numbered.title)
    is_note = names is not None and len(pieces) > 1 and _is_note(pieces[1])
    if len(pieces) > 1 and all(pieces[:2]) and not title and not is_note:
        return SongNames(pieces[0], "", " - ".join(pieces[1:]))
    if names is None:
        raise values.BadValue("neither a line #EXTINF nor the path names artist and title")
    return SongNames(*names, title or " - ".join(pieces))


def list_folders(path: str) -> list[str]:
    """Return the folders of a path and its file, without those of single discs."""
    if "://" in path:
        path = unquote(urlsplit(path).path) if path.startswith("file:") else ""
    elif " " not in path and _ENCODED_BLANK in path:  # as VLC writes paths
        path = unquote(path)
    names = PurePosixPath(_ROOT.sub("/", path.strip().replace("\\", "/"))).parts
    folders = [name for name in names if name not in ("/", "//", "..", ".")]
    return [name for name in folders[:-1] if not _DISC.match(name)] + folders[-1:]


def find_artist_folder(path: str) -> str:
    """Return the folder above the album's in the form in which names are compared."""
    folders = list_folders(path)
    return normalise(folders[-3]) if len(folders) >= 3 else ""


def find_title(path: str) -> str:
    """Return the title in a file's name, in the form in which names are compared: "1-02 Ode.m4a"."""
    folders = list_folders(path)
    return normalise(_TRACK_NUMBER.sub("", PurePosixPath(folders[-1]).stem)) if folders else ""


def _parse_folders(folders: Sequence[str]) -> tuple[str, str] | None:
    """Return artist and album; None where the folders say no artist."""
    if not folders:
        return None
    artist = folders[-2] if len(folders) > 1 else ""
    album = _YEAR_LAST.sub("", _YEAR_FIRST.sub("", folders[-1]))
    first, *others = DASH.split(album)
    is_of_many = not artist or normalise(artist) in _OF_MANY or _DRIVE.match(artist) is not None
    if others and (is_of_many or normalise(first) == normalise(artist)):
        return first.strip(), " - ".join(others).strip()
    return None if is_of_many else (artist, album)


def _parse_numbered_pieces(pieces: Sequence[str]) -> SongNames | None:
    """Return the names of "Artist - Album - 01 - Title" and "Artist - 01 - Title"; None where no number is in it."""
    at = next((i for i, piece in enumerate(pieces) if 0 < i < 3 and _NUMBER.match(piece)), 0)
    if not at or at == len(pieces) - 1:
        return None
    return SongNames(pieces[0], " - ".join(pieces[1:at]), " - ".join(pieces[at + 1 :]))


def _is_note(text: str) -> bool:
    """Whether what follows a dash belongs to a title: "Live", "2011 Remaster", "Bo Remix"."""
    verdict = judge_note(text)
    return verdict in ("", "live") or names_version(verdict)
