"""A music file as an answer: whole or a part, sent by the web server's own loop and by none of its threads."""

import io
import os
import stat
from pathlib import Path

from django.http import FileResponse, HttpResponse
from django.utils.http import http_date

from catalog.files.models import MusicFile
from catalog.playback.byte_ranges import ByteRange, Unsatisfiable, is_range_current, parse_range

KEPT_SECONDS = 3600


class FileSlice(io.RawIOBase):
    """The bytes of a file from `start` on, `length` of them, as a file of its own."""

    def __init__(self, file: io.BufferedReader, start: int, length: int) -> None:
        self._file, self._start, self._length = file, start, length
        self._position = 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def read(self, size: int | None = -1) -> bytes:
        left = max(self._length - self._position, 0)
        size = left if size is None or size < 0 else min(size, left)
        self._file.seek(self._start + self._position)
        data = self._file.read(size)
        self._position += len(data)
        return data

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        base = {os.SEEK_SET: 0, os.SEEK_CUR: self._position, os.SEEK_END: self._length}[whence]
        self._position = max(base + offset, 0)
        return self._position

    def tell(self) -> int:
        return self._position

    def close(self) -> None:
        self._file.close()
        super().close()


def answer_with_file(music_file: MusicFile, headers: dict[str, str]) -> HttpResponse | FileResponse:
    """Return the file, or the part of it that the request's `headers` ask for; raise OSError when it is gone."""
    file = (Path(music_file.folder.path) / music_file.path).open("rb")
    try:
        status = os.fstat(file.fileno())
        if not stat.S_ISREG(status.st_mode):
            raise FileNotFoundError(music_file.path)
        return _answer(file, status, music_file.mime_type, headers)
    except BaseException:
        file.close()
        raise


def _answer(
    file: io.BufferedReader, status: os.stat_result, mime_type: str, headers: dict[str, str]
) -> HttpResponse | FileResponse:
    size = status.st_size
    etag = f'"{size:x}-{status.st_mtime_ns:x}"'
    shared = {
        "ETag": etag,
        "Last-Modified": http_date(status.st_mtime),
        "Accept-Ranges": "bytes",
        "Cache-Control": f"private, max-age={KEPT_SECONDS}",
    }
    asked = headers.get("range", "")
    if not is_range_current(headers.get("if-range", ""), etag, shared["Last-Modified"]):
        asked = ""
    if headers.get("if-none-match", "") == etag and not asked:
        file.close()
        return HttpResponse(status=304, headers=shared)
    try:
        wanted = parse_range(asked, size) if asked else None
    except Unsatisfiable:
        file.close()
        return HttpResponse(status=416, headers=shared | {"Content-Range": f"bytes */{size}"})
    byte_range = wanted or ByteRange(0, size - 1)
    response = FileResponse(
        FileSlice(file, byte_range.start, byte_range.length), content_type=mime_type, headers=shared
    )
    response["Content-Length"] = byte_range.length
    if wanted is not None:
        response.status_code = 206
        response["Content-Range"] = f"bytes {byte_range.start}-{byte_range.end}/{size}"
    return response
