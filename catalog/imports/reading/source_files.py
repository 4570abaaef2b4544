"""Files from elsewhere, opened safely: plain, packed, or a zip whose members are counted before they are unpacked."""

import codecs
import gzip
import hashlib
import io
import re
import stat
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path, PurePosixPath
from typing import Any, BinaryIO

from catalog.imports.reading.encodings import find_utf16
from catalog.records import WrongFile

MOST_EXPANSION = 200
"""A file that grows more than this when unpacked is no data but a trap; real lists of listens grow 5 to 30 times."""
ALWAYS_FINE = 50 * 2**20
MOST_UNPACKED = 20 * 2**30
MOST_MEMBERS = 20_000
LONGEST_DIRECTORY = 16 * 2**20
"""Bytes of a zip's list of files; it is read as a whole before anything can be counted."""
# a zip of one of these is as good as the file; the zips of services go by the names of their files
_TEXT_ENDINGS = (
    ".csv", ".tsv", ".txt", ".m3u", ".m3u8", ".xspf", ".jspf", ".log", ".json", ".jsonl",
)  # fmt: skip
_BESIDE_A_TABLE = re.compile(
    r"^(?:read_?me|licen[cs]e|about|liesmich|lisezmoi|leeme|leggimi)\b[^.]{0,40}(?:\.txt)?$|\.(?:pdf|html?|md|png|jpe?g)$",
    re.IGNORECASE,
)
_OF_SERVICES = re.compile(
    r"streaming_?history|endsong|endvideo|yourlibrary|playlist\d|takeout|watch-history|feedback|listens/|\d\.jsonl$",
    re.IGNORECASE,
)
_OF_A_SYSTEM = (".ds_store", "thumbs.db", "desktop.ini")
_ORDINARY = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
_BLOCK = 2**20
_TEXT_BLOCK = 2**18
_UTF16 = {codecs.BOM_UTF16_LE: "utf-16-le", codecs.BOM_UTF16_BE: "utf-16-be"}
HEAD = 2**20
"""Unpacked bytes that are looked at to find out what a file is."""


@dataclass
class SourceFile:
    """A file that was looked over: its digest, how it is packed, and how far it has been read."""

    path: Path
    name: str
    size: int
    sha256: str
    kind: str  # "plain", "gzip", "zip", or "single": a zip of one text file, which is read as that file
    member: str = ""
    _read: dict[str, float] = field(default_factory=lambda: {"done": 0.0})
    _most_read: int | None = None
    _head: bytes | None = None

    def measure_position(self) -> float:
        """How far reading is, 0 to 1."""
        return min(self._read["done"], 1.0)

    def set_position(self, done: float) -> None:
        self._read["done"] = done

    @contextmanager
    def limit_to_head(self, n_bytes: int = HEAD) -> Iterator[None]:
        """Let streams that are opened meanwhile end after `n_bytes`: enough to find out what a file is."""
        self._most_read = n_bytes
        try:
            yield
        finally:
            self._most_read = None

    def stream(self) -> BinaryIO:
        """Return the unpacked bytes of a plain or gzip file; `position` follows them."""
        if self.kind == "single":
            return self.read_as_text(io.BufferedReader(_SingleMember(self), _BLOCK))
        raw = io.BufferedReader(_CountingFile(self.path.open("rb"), self), _BLOCK)
        unpacked = (
            io.BufferedReader(gzip.GzipFile(fileobj=raw), _BLOCK) if self.kind == "gzip" else raw
        )
        return self.read_as_text(unpacked)

    def read_as_text(self, unpacked: BinaryIO) -> BinaryIO:
        """Return the stream, UTF-16 as UTF-8; only its beginning while the head is looked at."""
        stream = io.BufferedReader(_TextFile(unpacked), _TEXT_BLOCK)
        if self._most_read is None:
            return stream
        return io.BufferedReader(HeadFile(stream, self._most_read), min(_BLOCK, self._most_read))

    def read_head(self) -> bytes:
        """Return the first megabyte, unpacked; what a file is, is found out from it alone."""
        if self._head is None:
            with self.stream() as stream:
                self._head = stream.read(_BLOCK)
            self.set_position(0.0)
        return self._head

    def open_head(self) -> BinaryIO:
        """Return the first megabyte as a stream."""
        return io.BytesIO(self.read_head())

    @property
    def title(self) -> str:
        """The file's name without its endings, as a playlist may be called."""
        return re.sub(r"(?:\.[A-Za-z0-9]{1,5}){1,2}$", "", self.name).strip() or self.name


class _CountingFile(io.RawIOBase):
    """A file that tells how far it was read."""

    def __init__(self, file: BinaryIO, opened: SourceFile) -> None:
        self._file = file
        self._opened = opened
        self._n = 0

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        n: int = self._file.readinto(buffer)  # type: ignore[attr-defined]  # files of bytes have it
        self._n += n
        self._opened.set_position(self._n / max(self._opened.size, 1))
        return n

    def close(self) -> None:
        self._file.close()
        super().close()


class _SingleMember(io.RawIOBase):
    """The only file of a zip; a damaged one ends with what unpacking it says."""

    def __init__(self, opened: SourceFile) -> None:
        self._archive = zipfile.ZipFile(opened.path)
        self._file = self._archive.open(opened.member)
        self._size = max(self._archive.getinfo(opened.member).file_size, 1)
        self._opened = opened
        self._n = 0

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        block = self._file.read(len(buffer))
        buffer[: len(block)] = block
        self._n += len(block)
        self._opened.set_position(self._n / self._size)
        return len(block)

    def close(self) -> None:
        self._file.close()
        self._archive.close()
        super().close()


class HeadFile(io.RawIOBase):
    """The first bytes of a stream."""

    def __init__(self, stream: BinaryIO, n_bytes: int) -> None:
        self._stream = stream
        self._n_left = n_bytes

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        block = self._stream.read(min(len(buffer), self._n_left))
        buffer[: len(block)] = block
        self._n_left -= len(block)
        return len(block)

    def close(self) -> None:
        self._stream.close()
        super().close()


class _TextFile(io.RawIOBase):
    """A stream as it is, but UTF-16 as UTF-8, with or without a byte order mark: what Windows calls "Unicode text".

    Half a character stays what it is; UTF-8 has no such thing, so it costs its line only.
    """

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream
        self._is_begun = False
        self._decode: Callable[[bytes], str] | None = None
        self._text = b""

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        while not self._text and (block := self._stream.read(_TEXT_BLOCK)):
            self._text = self._encode_utf8(block)
        n = min(len(self._text), len(buffer))
        buffer[:n] = self._text[:n]
        self._text = self._text[n:]
        return n

    def close(self) -> None:
        self._stream.close()
        super().close()

    def _encode_utf8(self, block: bytes) -> bytes:
        if not self._is_begun and (encoding := _UTF16.get(block[:2]) or find_utf16(block)):
            self._decode = codecs.getincrementaldecoder(encoding)("surrogatepass").decode
        self._is_begun = True
        return self._decode(block).encode("utf-8", "surrogatepass") if self._decode else block


class _CautiousFile(io.FileIO):
    """A zip that is asked for small pieces only, so that a list of millions of files is not held in memory."""

    def read(self, size: int | None = -1) -> bytes:
        if size is not None and size > LONGEST_DIRECTORY:
            raise zipfile.BadZipFile("its list of files is too long")
        return super().read(-1 if size is None else size) or b""


def open_file(path: Path, name: str = "", *, most_unpacked: int = MOST_UNPACKED) -> SourceFile:
    """Look a file over: that it can be read, is not empty and, where packed, safe to unpack.

    Raises
    ------
    WrongFile
        With the one sentence that says why not.
    """
    name = name or path.name
    try:
        if not stat.S_ISREG(path.stat().st_mode):
            raise WrongFile(f"{name} is not a file.")
        size = path.stat().st_size
        if size == 0:
            raise WrongFile(f"{name} is empty.")
        opened = SourceFile(path, name, size, _compute_digest(path), _detect_kind(path))
    except OSError as error:
        raise WrongFile(f"{name} cannot be read: {error.strerror or error}.") from None
    if opened.kind == "gzip":
        _check_gzip(opened, most_unpacked)
    if opened.kind == "zip":
        _check_zip(opened, most_unpacked)
        opened = _open_single_member(opened)
    return opened


def open_member(opened: SourceFile, member: str) -> SourceFile:
    """Return one text file of a zip that was looked over, to be read as a file of its own."""
    name = split_member_path(member)[-1]
    return replace(opened, name=name, kind="single", member=member, _read={"done": 0.0}, _head=None)


def split_member_path(member: str) -> list[str]:
    """Return the parts of a file's path in a zip; some programs of Windows write backslashes between them."""
    return member.replace("\\", "/").split("/")


def _open_single_member(opened: SourceFile) -> SourceFile:
    """Return a zip of one text file as that file; any other zip as it is.

    What macOS and Windows add to a zip does not count, nor what tells about the file. Raises WrongFile where it is
    damaged.
    """
    with zipfile.ZipFile(opened.path) as archive:
        members = [
            name
            for name in archive.namelist()
            if (folders := split_member_path(name))[-1]
            and folders[0] != "__MACOSX"
            and folders[-1].casefold() not in _OF_A_SYSTEM
            and not _BESIDE_A_TABLE.search(folders[-1])
        ]
        is_text = len(members) == 1 and members[0].casefold().endswith(_TEXT_ENDINGS)
        if not is_text or _OF_SERVICES.search(members[0]):
            return opened
        try:
            with archive.open(members[0]) as file:
                while file.read(_BLOCK):
                    pass
        except (zipfile.BadZipFile, zlib.error, EOFError, OSError):
            raise WrongFile(
                f"{opened.name} is damaged: it cannot be unpacked to its end."
            ) from None
        if archive.getinfo(members[0]).file_size == 0:
            raise WrongFile(f"{opened.name} is empty.")
    name = split_member_path(members[0])[-1]
    return replace(opened, name=name, kind="single", member=members[0])


def _compute_digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _detect_kind(path: Path) -> str:
    with path.open("rb") as file:
        head = file.read(4)
    if head.startswith(b"\x1f\x8b"):
        return "gzip"
    return "zip" if head in (b"PK\x03\x04", b"PK\x05\x06") else "plain"


def _check_gzip(opened: SourceFile, most_unpacked: int) -> None:
    """Unpack once without keeping anything, so that a bomb or a broken end is known before the first row."""
    most = min(max(MOST_EXPANSION * opened.size, ALWAYS_FINE), most_unpacked)
    unpacked = 0
    try:
        with gzip.open(opened.path) as file:
            while block := file.read(_BLOCK):
                unpacked += len(block)
                if unpacked > most:
                    raise WrongFile(_describe_bomb(opened.name))
    except (OSError, EOFError, zlib.error):
        raise WrongFile(f"{opened.name} is damaged: it cannot be unpacked to its end.") from None
    if unpacked == 0:
        raise WrongFile(f"{opened.name} is empty.")


def _check_zip(opened: SourceFile, most_unpacked: int) -> None:
    try:
        with _CautiousFile(opened.path) as file, zipfile.ZipFile(file) as archive:
            members = archive.infolist()
    except (zipfile.BadZipFile, OSError, NotImplementedError, ValueError):
        raise WrongFile(f"{opened.name} is damaged: it cannot be unpacked.") from None
    if not members:
        raise WrongFile(f"{opened.name} is empty.")
    if len(members) > MOST_MEMBERS:
        raise WrongFile(
            f"{opened.name} holds {len(members):,} files; at most {MOST_MEMBERS:,} are accepted."
        )
    for member in members:
        _check_member(opened.name, member)
    if sum(member.file_size for member in members) > min(
        max(MOST_EXPANSION * opened.size, ALWAYS_FINE), most_unpacked
    ):
        raise WrongFile(_describe_bomb(opened.name))


def _check_member(name: str, member: zipfile.ZipInfo) -> None:
    path = PurePosixPath(member.filename.replace("\\", "/"))
    if path.is_absolute() or ".." in path.parts or ":" in path.parts[0:1]:
        raise WrongFile(
            f"{name} holds a file with an unsafe path ({member.filename[:60]!r}); it was not unpacked."
        )
    if member.flag_bits & 1:
        raise WrongFile(f"{name} is locked with a password; unlock it first.")
    if member.compress_type not in _ORDINARY:  # others may want gigabytes to unpack a few bytes
        raise WrongFile(
            f"{name} is packed in an unusual way; pack its files again as an ordinary zip."
        )


def _describe_bomb(name: str) -> str:
    return f"{name} unpacks to far more than its size, as only a trap does; it was not imported."
