"""Real music files of a few seconds, written byte by byte: WAV, FLAC, MP3 and Ogg Opus with tags and pictures."""

import io
import math
import struct
import wave
import zlib
from collections.abc import Mapping
from pathlib import Path

RATE = 8000


def make_wav(seconds: float = 1.0, hertz: float = 440.0) -> bytes:
    """A tone."""
    buffer = io.BytesIO()
    with wave.open(buffer, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(RATE)
        samples = (
            round(8000 * math.sin(2 * math.pi * hertz * i / RATE))
            for i in range(round(seconds * RATE))
        )
        file.writeframes(b"".join(struct.pack("<h", sample) for sample in samples))
    return buffer.getvalue()


# --- FLAC ----------------------------------------------------------------------------------------


def _crc(data: bytes, polynomial: int, n_bits: int) -> int:
    value, top = 0, 1 << (n_bits - 1)
    for byte in data:
        value ^= byte << (n_bits - 8)
        for _ in range(8):
            value = ((value << 1) ^ polynomial if value & top else value << 1) & ((1 << n_bits) - 1)
    return value


def _flac_frame(number: int) -> bytes:
    """4096 samples of silence, mono, 16 bits, 44.1 kHz, as one constant subframe."""
    head = b"\xff\xf8" + bytes([0xC9, 0x08, number])
    head += bytes([_crc(head, 0x07, 8)])
    frame = head + b"\x00\x00\x00"
    return frame + struct.pack(">H", _crc(frame, 0x8005, 16))


def make_flac(
    tags: Mapping[str, str | list[str]] | None = None, *, seconds: float = 2.0, picture: bytes = b""
) -> bytes:
    n_frames = max(1, min(round(seconds * 44100 / 4096), 127))
    n_samples = n_frames * 4096
    info = struct.pack(">HH", 4096, 4096) + b"\0" * 6
    info += ((44100 << 44) | (0 << 41) | (15 << 36) | n_samples).to_bytes(8, "big") + b"\0" * 16
    blocks = [(0, info), (4, _vorbis_comment(tags or {}))]
    if picture:
        mime = b"image/png"
        blocks.append(
            (
                6,
                struct.pack(">II", 3, len(mime))
                + mime
                + struct.pack(">IIIIII", 0, 0, 0, 0, 0, len(picture))
                + picture,
            )
        )
    pieces = [b"fLaC"]
    for i, (kind, data) in enumerate(blocks):
        pieces.append(
            bytes([kind | (0x80 if i == len(blocks) - 1 else 0)])
            + len(data).to_bytes(3, "big")
            + data
        )
    return b"".join(pieces) + b"".join(_flac_frame(i) for i in range(n_frames))


def _vorbis_comment(tags: Mapping[str, str | list[str]]) -> bytes:
    lines = [
        f"{name.upper()}={value}".encode()
        for name, values in tags.items()
        for value in ([values] if isinstance(values, str) else values)
    ]
    body = b"".join(struct.pack("<I", len(line)) + line for line in lines)
    return struct.pack("<I", 4) + b"test" + struct.pack("<I", len(lines)) + body


# --- MP3 -----------------------------------------------------------------------------------------


def make_mp3(
    frames: Mapping[str, str] | None = None,
    *,
    seconds: float = 2.0,
    picture: bytes = b"",
    raw_frames: bytes = b"",
) -> bytes:
    """Silence: frames of MPEG 1 layer 3 with 128 kbit/s, 1152 samples each at 44.1 kHz, behind an ID3v2.4 tag."""
    n = round(seconds * 44100 / 1152)
    return (
        make_id3(frames or {}, picture=picture, raw_frames=raw_frames)
        + (b"\xff\xfb\x90\xc0" + b"\0" * 413) * n
    )


def make_id3(frames: Mapping[str, str], *, picture: bytes = b"", raw_frames: bytes = b"") -> bytes:
    body = b"".join(_id3_frame(name, b"\x03" + text.encode()) for name, text in frames.items())
    if picture:
        body += _id3_frame("APIC", b"\x00image/png\x00\x03\x00" + picture)
    body += raw_frames
    return b"ID3\x04\x00\x00" + _synchsafe(len(body)) + body


def _id3_frame(name: str, data: bytes) -> bytes:
    return name.encode() + _synchsafe(len(data)) + b"\0\0" + data


def _synchsafe(n: int) -> bytes:
    return bytes((n >> shift) & 0x7F for shift in (21, 14, 7, 0))


# --- Ogg Opus ------------------------------------------------------------------------------------

_SILENCE = b"\xf8\xff\xfe"
"""20 ms of nothing, stereo, 48 kHz."""


def make_opus(tags: Mapping[str, str] | None = None, *, seconds: float = 2.0) -> bytes:
    head = b"OpusHead" + struct.pack("<BBHIhB", 1, 2, 0, 48000, 0, 0)
    n_packets = round(seconds * 50)
    pages = [
        _ogg_page(head, 0, 0, 2),
        _ogg_page(b"OpusTags" + _vorbis_comment(tags or {}), 0, 1, 0),
    ]
    pages += [
        _ogg_page(_SILENCE, 960 * (i + 1), i + 2, 4 if i == n_packets - 1 else 0)
        for i in range(n_packets)
    ]
    return b"".join(pages)


def _ogg_page(packet: bytes, granule: int, number: int, flags: int) -> bytes:
    lacing = bytes([255] * (len(packet) // 255) + [len(packet) % 255])
    head = (
        b"OggS"
        + struct.pack("<BBqIII", 0, flags, granule, 7, number, 0)
        + bytes([len(lacing)])
        + lacing
    )
    page = head + packet
    checksum = _crc(page, 0x04C11DB7, 32)
    return page[:22] + struct.pack("<I", checksum) + page[26:]


# --- Pictures ------------------------------------------------------------------------------------


def make_png(
    width: int = 8, height: int = 8, colour: tuple[int, int, int] = (200, 30, 90)
) -> bytes:
    row = b"\0" + bytes(colour) * width
    return build_png(width, height, zlib.compress(row * height))


def build_png(width: int, height: int, data: bytes) -> bytes:
    """A PNG that says it is so large, whatever its data is."""

    def chunk(kind: bytes, body: bytes) -> bytes:
        return (
            struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))
        )

    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", data) + chunk(b"IEND", b"")


def write(path: Path, data: bytes) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    return path
