"""What is in a folder: its music files, the picture beside each, and what can't be listed."""

import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from hashlib import blake2s
from pathlib import Path, PurePath

from django.utils.translation import gettext as _

from catalog.files.models import PATH_LENGTH

AUDIO_SUFFIXES = frozenset(
    (
        ".mp3", ".mp2", ".flac", ".ogg", ".oga", ".opus", ".spx", ".wav", ".m4a", ".m4b", ".mp4", ".aac",
        ".wma", ".aiff", ".aif", ".aifc",
    )
)  # fmt: skip
_PICTURE_STEMS = ("cover", "folder", "front", "album", "albumart")
_PICTURE_SUFFIXES = (".jpg", ".jpeg", ".png", ".webp")


@dataclass(frozen=True, slots=True)
class FoundFile:
    """A file that may hold music. `path` and `picture` are below the folder."""

    path: str
    n_bytes: int
    modified_ns: int
    picture: str = ""
    picture_mark: str = ""
    problem: str = ""


@dataclass
class FolderListing:
    """The files of a folder by path, and the folders below it that could not be listed."""

    files: list[FoundFile] = field(default_factory=list)
    unlisted: list[str] = field(default_factory=list)

    def covers(self, path: str) -> bool:
        """Return whether the listing can tell that a file is not there."""
        return not any(not top or path.startswith(f"{top}/") for top in self.unlisted)


def list_folder(root: Path) -> FolderListing:
    """List the music files below `root`, in the order of their paths.

    Links are followed; a folder that is reached twice is read once, so loops end. Hidden files and folders are left
    out. Raises OSError when `root` itself can't be listed.
    """
    listing = FolderListing()
    entered: set[tuple[int, int]] = set()
    waiting = [""]
    while waiting:
        below = waiting.pop()
        try:
            status = (root / below).stat()
            if (status.st_dev, status.st_ino) in entered:
                continue
            entered.add((status.st_dev, status.st_ino))
            with os.scandir(root / below) as entries:
                ordered = sorted(entries, key=lambda entry: os.fsencode(entry.name))
        except OSError:
            if not below:
                raise
            listing.unlisted.append(below)
            continue
        folders, files = _list_entries(
            below, [one for one in ordered if not one.name.startswith(".")]
        )
        listing.files += files
        waiting += reversed(folders)
    return listing


def _list_entries(below: str, entries: list[os.DirEntry[str]]) -> tuple[list[str], list[FoundFile]]:
    picture, mark = _find_picture(below, entries)
    folders: list[str] = []
    files: list[FoundFile] = []
    for entry in entries:
        path = f"{below}/{entry.name}" if below else entry.name
        try:
            if entry.is_dir():
                folders.append(path)
            elif PurePath(entry.name).suffix.lower() in AUDIO_SUFFIXES:
                files += _describe_file(entry, path, picture, mark)
        except OSError:  # a link into nothing, or a disk that can't read it
            files.append(FoundFile(_escape(path), 0, 0, problem=_("it can't be read")))
    return folders, files


def _describe_file(
    entry: os.DirEntry[str], path: str, picture: str, mark: str
) -> Iterator[FoundFile]:
    if not entry.is_file():  # a socket or a device, or a link that leads nowhere
        yield FoundFile(_escape(path), 0, 0, problem=_("it is no file"))
        return
    status = entry.stat()
    problem = ""
    if _escape(path) != path or not path.isprintable():
        problem = _("its name has characters that aren't UTF-8 or can't be shown; rename it")
    elif len(path) > PATH_LENGTH:
        problem = _("its path is longer than %(most)d characters") % {"most": PATH_LENGTH}
    # below the columns' largest number, whatever a broken file system says
    moment = max(min(status.st_mtime_ns, 2**62), -(2**62))
    yield FoundFile(_escape(path)[:PATH_LENGTH], status.st_size, moment, picture, mark, problem)


def _find_picture(below: str, entries: list[os.DirEntry[str]]) -> tuple[str, str]:
    """Return the path of the picture that a folder's songs share, and a mark of its size and time."""
    ranked = [
        (_PICTURE_STEMS.index(stem), suffix, entry)
        for entry in entries
        for stem, suffix in [_split_name(entry.name)]
        if stem in _PICTURE_STEMS and suffix in _PICTURE_SUFFIXES
    ]
    for _rank, _suffix, entry in sorted(ranked, key=lambda one: one[:2]):
        path = f"{below}/{entry.name}" if below else entry.name
        try:
            if entry.is_file() and _escape(path) == path and len(path) <= PATH_LENGTH:
                status = entry.stat()
                mark = f"{path}\x1f{status.st_size}\x1f{status.st_mtime_ns}"
                return path, blake2s(mark.encode(), digest_size=12).hexdigest()
        except OSError:
            continue
    return "", ""


def _escape(path: str) -> str:
    """Return a path that a database can store: bytes that are no UTF-8 and signs of control are written out."""
    text = path.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")
    return "".join(sign if sign >= " " else f"\\x{ord(sign):02x}" for sign in text)


def _split_name(name: str) -> tuple[str, str]:
    return PurePath(name).stem.lower(), PurePath(name).suffix.lower()
