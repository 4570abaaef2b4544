"""How long a seed pack takes to build from listens in the layout of ListenBrainz' Spark dumps, and how much memory.

    python benchmarks/seed_pack.py [--rows N] [--listeners N] [--songs N] [--folder FOLDER] [--json OUT]

The listens are made up: sessions of 5 to 40 plays, each in one of 200 kinds of music, songs by Zipf's law.
One parquet file holds a day, 30 of them a month. The folder is removed at the end.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import shutil
import sys
import tempfile
import time
import uuid
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "musicrec_site.settings")
os.environ.setdefault("SECRET_KEY", "only-for-a-benchmark")

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

DAYS = 30
KINDS = 200
FIRST_SECOND = 1_790_000_000


def write_day(path: Path, day: int, n_rows: int, n_listeners: int, n_songs: int) -> None:
    """Write one day of listens."""
    rng = np.random.default_rng(day)
    lengths = rng.integers(5, 41, size=n_rows // 20 + 1)
    lengths = lengths[np.cumsum(lengths) <= n_rows]
    session = np.repeat(np.arange(len(lengths)), lengths)
    step = np.arange(len(session)) - np.repeat(np.cumsum(lengths) - lengths, lengths)
    listener = rng.integers(0, n_listeners, len(lengths))[session]
    kind = (listener * 7 + rng.integers(0, 4, len(lengths))[session]) % KINDS
    rank = np.minimum(rng.zipf(1.3, len(session)), n_songs // KINDS) - 1
    song = kind * (n_songs // KINDS) + rank
    start = rng.integers(0, 80_000, len(lengths))[session]
    seconds = FIRST_SECOND + day * 86_400 + start + step * rng.integers(150, 300, len(session))
    songs, of_row = np.unique(song, return_inverse=True)
    recordings = pa.array(
        [str(uuid.UUID(int=int(number) * 7_919 + (1 << 100))) for number in songs]
    )
    artists = pa.array([[str(uuid.UUID(int=int(number // 5) + (1 << 110)))] for number in songs])
    names = pa.array([f"Song {number}" for number in songs])
    artist_names = pa.array([f"Artist {number // 5}" for number in songs])
    takes = pa.array(of_row)
    table = {
        "listened_at": pa.array(seconds * 1_000_000, pa.timestamp("us")),
        "user_id": pa.array(listener, pa.int32()),
        "artist_name": artist_names.take(takes),
        "recording_name": names.take(takes),
        "recording_mbid": recordings.take(takes),
        "artist_credit_mbids": artists.take(takes),
    }
    pq.write_table(pa.table(table), path)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rows", type=int, default=10_000_000)
    parser.add_argument("--listeners", type=int, default=20_000)
    parser.add_argument("--songs", type=int, default=1_000_000)
    parser.add_argument("--folder", type=Path)
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    folder = options.folder or Path(tempfile.mkdtemp(prefix="seed-"))
    try:
        measured = measure(folder, options.rows, options.listeners, options.songs)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    print(json.dumps(measured, indent=1))
    if options.json:
        options.json.write_text(json.dumps(measured), "utf-8")


def measure(folder: Path, n_rows: int, n_listeners: int, n_songs: int) -> dict[str, float]:
    """Make the dump, build the pack, and return seconds, megabytes and sizes."""
    import django

    django.setup()
    from recommendations.services.seeds.seed_builder import build_pack

    dump = folder / "dump"
    dump.mkdir(parents=True)
    for day in range(DAYS):
        write_day(dump / f"{day}.parquet", day, n_rows // DAYS, n_listeners, n_songs)
    made_mb = read_peak_mb()
    started = time.perf_counter()
    marks: dict[str, float] = {}

    def mark(stage: str, done: int, total: int) -> None:
        marks[stage] = round(time.perf_counter() - started, 1)

    result = build_pack(dump, folder / "pack", folder / "work", on_progress=mark)
    pack_mb = sum(path.stat().st_size for path in (folder / "pack").iterdir()) / 1e6
    return {
        "rows": result.n_rows,
        "songs": result.n_songs,
        "pairs": result.n_pairs,
        "artists": result.n_artists,
        "seconds": round(time.perf_counter() - started, 1),
        **{f"until_{stage}": second for stage, second in marks.items()},
        "peak_mb_of_making_the_files": made_mb,
        "peak_mb": read_peak_mb(),
        "pack_mb": round(pack_mb, 1),
    }


def read_peak_mb() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024


if __name__ == "__main__":
    main()
