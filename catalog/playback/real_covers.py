"""Pictures that files and music servers have of songs: scaled once to the sizes that pages show, kept on disk.

A picture is named by its tag (`Song.cover_tag`), so that an album's songs share one. What is no picture, or would take
too much memory, is noted as such for a day, and pages show the drawn cover.
"""

import io
import itertools
import os
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import nullcontext
from pathlib import Path

from django.conf import settings
from PIL import Image, UnidentifiedImageError

from catalog.conf import catalog_conf
from catalog.files.models import MusicFile
from catalog.files.tag_reader import LARGEST_PICTURE, read_picture
from catalog.playback.server_stream import take_slot
from catalog.playback.sources import find_sources
from catalog.servers.clients import (
    AnswerTooLarge,
    ItemGone,
    ServerError,
    ServerUnreachable,
    open_client,
)
from catalog.servers.models import ServerSong
from catalog.songs.models import Song

SIZES = (96, 300, 600)
MOST_PIXELS = 50_000_000
MANY_PIXELS = 4_000_000
"""A picture with more is scaled while no other such is: each may take some hundred MB."""
PATIENCE_SECONDS = 2.0
REST_SECONDS = 60.0
"""A server that let us wait longer than `PATIENCE_SECONDS` for nothing is asked for no picture for so long."""
_MOST_SIDE = 30_000
_FORMATS = ("JPEG", "PNG", "WEBP", "GIF", "BMP")
_QUALITY = 82
_FAILED_SECONDS = 24 * 3600
_SONGS_TRIED = 3
_PRUNED_EVERY = 50
MB = 2**20

# The size is checked here, before anything is unpacked; Pillow's own check would warn.
Image.MAX_IMAGE_PIXELS = None
_n_written = itertools.count(1)
_large_pictures = threading.BoundedSemaphore(1)
resting_until: dict[int, float] = {}


class NoPicture(Exception):
    """The bytes are no picture that can be shown."""


def load_cover(tag: str, size: int) -> bytes | None:
    """Return a picture as WebP, at most `size` pixels wide; None where it can't be had now."""
    cached = _get_path(tag, size)
    try:
        data = cached.read_bytes()
        if data or time.time() - cached.stat().st_mtime < _FAILED_SECONDS:
            return data or None
    except FileNotFoundError:
        pass
    has_original = False
    for original in _find_originals(tag):
        has_original = True
        try:
            data = scale_picture(original, size)
        except NoPicture:
            continue
        _keep(cached, data)
        return data
    if has_original:
        _keep(cached, b"")
    return None


def scale_picture(original: bytes, size: int) -> bytes:
    """Return a picture as WebP within `size` times `size`; raise NoPicture."""
    try:
        with Image.open(io.BytesIO(original), formats=_FORMATS) as picture:
            if picture.width * picture.height > MOST_PIXELS or max(picture.size) > _MOST_SIDE:
                raise NoPicture(f"It has {picture.width} times {picture.height} pixels.")
            picture.draft("RGB", (size, size))
            is_large = picture.width * picture.height > MANY_PIXELS
            with _large_pictures if is_large else nullcontext():
                scaled = picture.convert("RGB")
                scaled.thumbnail((size, size))
            buffer = io.BytesIO()
            scaled.save(buffer, "WEBP", quality=_QUALITY)
            return buffer.getvalue()
    except (
        UnidentifiedImageError,
        OSError,
        ValueError,
        SyntaxError,
        EOFError,
        MemoryError,
    ) as error:
        raise NoPicture(str(error)) from None


def _find_originals(tag: str) -> Iterator[bytes]:
    """Yield the pictures of that tag as the sources have them, from files first."""
    song_ids = list(
        Song.objects.filter(cover_tag=tag)
        .exclude(cover_tag="")  # the condition of the index over tags
        .order_by("pk")
        .values_list("pk", flat=True)[:_SONGS_TRIED]
    )
    sources = find_sources(song_ids)
    for song_id in song_ids:
        if (held := sources.get(song_id)) is None:
            continue
        for file in held.files:
            if MusicFile.audio_source.make_cover_tag((file.cover_tag,)) == tag and (
                data := _read_file_picture(file)
            ):
                yield data
        for item in held.items:
            named = (item.server_id, item.cover_id)
            if (
                ServerSong.audio_source.make_cover_tag(named) == tag
                and (data := _fetch_picture(item)) is not None
            ):
                yield data


def _read_file_picture(file: MusicFile) -> bytes | None:
    folder = Path(file.folder.path)
    if file.cover_tag != file.picture_mark:
        return read_picture(folder / file.path)
    try:
        with (folder / file.folder_picture).open("rb") as picture:
            data = picture.read(LARGEST_PICTURE + 1)
    except OSError:
        return None
    return data if len(data) <= LARGEST_PICTURE else None


def _fetch_picture(item: ServerSong) -> bytes | None:
    """Return what the server sends as the picture, nothing where it has none; None where it can't be asked now.

    Its client refuses more than a dozen MB. Pages ask for dozens of pictures at once: a server that does not answer
    must not keep the threads of this one.
    """
    if time.monotonic() < resting_until.get(item.server_id, 0.0):
        return None
    with take_slot() as has_slot:
        if not has_slot:
            return None
        began = time.monotonic()
        try:
            with open_client(item.server).open_cover(item.cover_id, SIZES[-1]) as opened:
                return b"".join(opened.chunks)
        except (ItemGone, AnswerTooLarge):
            return b""
        except ServerUnreachable:
            if time.monotonic() - began >= PATIENCE_SECONDS:
                resting_until[item.server_id] = time.monotonic() + REST_SECONDS
            return None
        except ServerError:
            return None


# --- The cache --------------------------------------------------------------------------------------------------------


def get_cache_folder() -> Path:
    """Return where scaled pictures are kept; all of it may be deleted at any time."""
    return Path(settings.DATA_DIR) / "covers"


def _get_path(tag: str, size: int) -> Path:
    return get_cache_folder() / tag[:2] / f"{tag}-{size}.webp"


def _keep(path: Path, data: bytes) -> None:
    """Write a file at once as a whole; a full disk only means that it is not kept."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        descriptor, draft = tempfile.mkstemp(dir=path.parent)
        try:
            with os.fdopen(descriptor, "wb") as file:
                file.write(data)
            Path(draft).replace(path)
        except BaseException:
            Path(draft).unlink(missing_ok=True)
            raise
    except OSError:
        return
    if next(_n_written) % _PRUNED_EVERY == 0:
        prune_cache()


def prune_cache() -> None:
    """Delete the oldest pictures until the cache is a tenth below its size."""
    most = catalog_conf.cover_cache_mb * MB
    files = []
    for path in get_cache_folder().glob("*/*"):
        try:
            status = path.stat()
        except FileNotFoundError:
            continue
        files.append((status.st_mtime, status.st_size, path))
    total = sum(n_bytes for _, n_bytes, _ in files)
    if total <= most:
        return
    for _moment, n_bytes, path in sorted(files, key=lambda one: one[0]):
        if total <= 0.9 * most:
            return
        path.unlink(missing_ok=True)
        total -= n_bytes
