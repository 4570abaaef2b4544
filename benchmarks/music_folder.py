"""How long a folder of music files takes to be scanned, and how much memory that needs.

    python -m benchmarks.music_folder [--files 20000] [--folder TMP]

The files are MP3s of silence, 64 kB each, with the tags of a tagger (MusicBrainz id, ISRC, track, year, genre) and a
cover for every album; they lie in folders of artists and albums. A first scan reads everything, a second one finds
nothing changed, a third one finds one file in a hundred changed and one in a hundred gone. Ends with exit code 1 when a
limit is passed.
"""

import argparse
import io
import json
import resource
import struct
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from PIL import Image

from benchmarks.speed import Row, own_site, print_rows

SCAN_SECONDS, RESCAN_SECONDS = 300.0, 60.0
PEAK_MB = 300.0
SONGS_AN_ALBUM, ALBUMS_AN_ARTIST = 11, 4
FRAME = b"\xff\xfb\x90\xc0" + b"\0" * 413
"""One frame of silence: MPEG 1 layer 3, 128 kbit/s, 44.1 kHz."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--files", type=int, default=20_000)
    parser.add_argument("--folder", help="where the files are made; by default the system's own")
    parser.add_argument("--scan", help="used by this program itself")
    options = parser.parse_args()
    if options.scan:
        scan_three_times(Path(options.scan))
        return
    with (
        own_site(),
        tempfile.TemporaryDirectory(prefix="musicrec-music-", dir=options.folder) as folder,
    ):
        for number in range(options.files):
            write_file(Path(folder), number)
        command = [sys.executable, "manage.py", "migrate", "--verbosity", "0", "--skip-checks"]
        subprocess.run(command, check=True)
        command = [sys.executable, "-m", "benchmarks.music_folder", "--scan", folder]
        measured = json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout)
    n_gone = len(range(1, options.files, 100))
    assert measured["n_songs"] == options.files - n_gone, measured
    rows = [
        Row(f"first scan of {options.files:,} files", measured["first"], "s", SCAN_SECONDS),
        Row("of it processor time", measured["processor"], "s"),
        Row("the same again, nothing changed", measured["second"], "s", RESCAN_SECONDS),
        Row("one in 100 changed, one in 100 gone", measured["third"], "s", RESCAN_SECONDS),
        Row("peak memory of the process that scans", measured["peak_mb"], "MB", PEAK_MB),
    ]
    if print_rows(rows):
        raise SystemExit(1)


def scan_three_times(path: Path) -> None:
    """Scan a folder three times, changing files before the third, and print what was measured as JSON."""
    import django

    django.setup()
    from catalog.files import scan_jobs
    from catalog.songs.models import Song

    def scan() -> float:
        started = time.perf_counter()
        scan_jobs.scan_now(folder)
        return time.perf_counter() - started

    folder = scan_jobs.add_folder(str(path))
    before = time.process_time()
    first = scan()
    processor = time.process_time() - before
    second = scan()
    files = sorted(path.rglob("*.mp3"))
    for file in files[::100]:
        file.write_bytes(file.read_bytes() + FRAME)
    for file in files[1::100]:
        file.unlink()
    third = scan()
    measured = {
        "first": first,
        "processor": processor,
        "second": second,
        "third": third,
        "peak_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
        "n_songs": Song.objects.filter_offered(None).count(),
    }
    print(json.dumps(measured))


def write_file(folder: Path, number: int) -> None:
    """Write one song's file; artists have a few albums, albums a dozen songs."""
    album = number // SONGS_AN_ALBUM
    artist = album // ALBUMS_AN_ARTIST
    track = number % SONGS_AN_ALBUM + 1
    tags = {
        "TIT2": f"Title {number * 7919 % 1_000_003} of the {number % 97}th night",
        "TPE1": f"Artist {artist}",
        "TALB": f"Album {album}",
        "TRCK": f"{track}/{SONGS_AN_ALBUM}",
        "TDRC": str(1960 + album % 60),
        "TCON": f"Genre {artist % 40}",
        "TSRC": f"GBAAA{number % 10_000_000:07d}",
        "TBPM": str(80 + number % 80),
    }
    body = b"".join(make_frame(name, b"\x03" + text.encode()) for name, text in tags.items())
    mbid = f"{number:08x}-0000-4000-8000-{number:012x}"
    body += make_frame("UFID", b"http://musicbrainz.org\0" + mbid.encode())
    body += make_frame("APIC", b"\x00image/png\x00\x03\x00" + make_cover(album))
    tag = b"ID3\x04\x00\x00" + pack_size(len(body)) + body
    file = folder / f"Artist {artist}" / f"Album {album}" / f"{track:02d} Title {number}.mp3"
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(tag + FRAME * max(1, (65_536 - len(tag)) // len(FRAME)))


def make_cover(album: int) -> bytes:
    """Return a small picture of one colour, another one for each album."""
    picture = io.BytesIO()
    colour = (album * 37 % 256, album * 91 % 256, album * 53 % 256)
    Image.new("RGB", (300, 300), colour).save(picture, "PNG")
    return picture.getvalue()


def make_frame(name: str, data: bytes) -> bytes:
    """Return one frame of an ID3v2.4 tag."""
    return name.encode() + pack_size(len(data)) + b"\0\0" + data


def pack_size(n_bytes: int) -> bytes:
    """Return a size as ID3 writes it: seven bits a byte."""
    return struct.pack(">4B", *((n_bytes >> shift) & 0x7F for shift in (21, 14, 7, 0)))


if __name__ == "__main__":
    main()
