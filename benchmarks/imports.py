"""How long files take to come in and how much memory that needs, and how fast one row is found among a million.

    python -m benchmarks.imports [--plays 500000] [--rows 1000000] [--only history songs listens lookups]

Makes its own files in a temporary folder, imports each with the command of manage.py in a process of its own, and
prints what was measured beside its limit. Ends with exit code 1 when a limit is passed.
"""

import argparse
import csv
import gzip
import json
import os
import resource
import statistics
import subprocess
import sys
import time
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from benchmarks.speed import Row, own_site, print_rows

if TYPE_CHECKING:
    from django.db.models import Model


ROOT = Path(__file__).resolve().parent.parent
HISTORY_SECONDS = 60.0
PEAK_MB = 300.0
LOOKUP_MS = 1.0
N_SONGS = 25_000
"""Different songs in a history of half a million plays; few people have more."""
PLAYS_A_FILE = 16_000
"""Spotify cuts its export into files of about this size."""
N_LOOKUPS = 2_000
PARTS = ("history", "songs", "listens", "lookups")


def main() -> None:
    options = _options()
    with own_site() as folder:
        _manage("migrate", "--verbosity", "0", "--skip-checks")
        measures: dict[str, Callable[[], Iterator[Row]]] = {
            "history": lambda: _history(folder, options.plays),
            "songs": lambda: _songs(folder, options.rows),
            "listens": lambda: _listens(folder, options.rows),
            "lookups": lambda: _lookups(folder, options.rows),
        }
        chosen = [measures[name] for name in PARTS if name in options.only]
        exit_code = print_rows(row for measure in chosen for row in measure())
    raise SystemExit(exit_code)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--plays", type=int, default=500_000)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--only", nargs="+", choices=PARTS, default=PARTS)
    return parser.parse_args()


# --- Measuring --------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Spent:
    """What a process needed: seconds by the clock, seconds of processor, most memory in MB."""

    wall: float
    cpu: float
    peak: float

    def rows(self, name: str, most_seconds: float | None = None) -> Iterator[Row]:
        yield Row(name, self.wall, "s", most_seconds)
        yield Row("  the same, processor time", self.cpu, "s")
        yield Row("  most memory", self.peak, "MB", PEAK_MB)


def _manage(*arguments: str) -> Spent:
    """Run a command of manage.py to its end and return what it needed."""
    started = time.perf_counter()
    process = subprocess.Popen(
        [sys.executable, "manage.py", *arguments], cwd=ROOT, stderr=subprocess.PIPE
    )
    errors = process.stderr.read() if process.stderr else b""
    _pid, status, used = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise SystemExit(f"{arguments[0]} failed: {errors.decode(errors='replace').strip()}")
    return Spent(
        time.perf_counter() - started, used.ru_utime + used.ru_stime, used.ru_maxrss / 1024
    )


# --- One listener's history -------------------------------------------------------------------------------------------


def _history(folder: Path, n_plays: int) -> Iterator[Row]:
    path = folder / "my_spotify_data.zip"
    _write_history(path, n_plays)
    os.environ["DJANGO_SUPERUSER_PASSWORD"] = "only-for-the-benchmark"
    _manage("createsuperuser", "--noinput", "--username", "benchmark", "--email", "b@example.org")
    spent = _manage("import_history", str(path), "--listener", "benchmark")
    yield from spent.rows(f"Spotify history, {n_plays:,} plays", HISTORY_SECONDS)
    again = _manage("import_history", str(path), "--listener", "benchmark")
    yield from again.rows("the same file again (nothing new)", HISTORY_SECONDS)
    path.unlink()


def _write_history(path: Path, n_plays: int) -> None:
    """Write an extended streaming history with all of its fields; a few songs are played very often."""
    rng = np.random.default_rng(7)
    songs = rng.zipf(1.3, n_plays) % N_SONGS
    seconds = np.sort(rng.integers(0, 8 * 365 * 86_400, n_plays))
    heard = np.where(rng.random(n_plays) < 0.2, rng.integers(500, 25_000, n_plays), 200_000)
    first = datetime(2016, 1, 1, tzinfo=UTC)
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for number, start in enumerate(range(0, n_plays, PLAYS_A_FILE)):
            plays = [
                _play(int(songs[i]), int(heard[i]), first + timedelta(seconds=int(seconds[i])))
                for i in range(start, min(start + PLAYS_A_FILE, n_plays))
            ]
            archive.writestr(
                f"Spotify Data/Streaming_History_Audio_{number}.json", json.dumps(plays, indent=2)
            )


def _play(song: int, heard: int, stopped: datetime) -> dict[str, Any]:
    was_skipped = heard < 30_000
    return {
        "ts": stopped.strftime("%Y-%m-%dT%H:%M:%SZ"),
        "platform": "android",
        "ms_played": heard,
        "conn_country": "XX",
        "ip_addr": "192.0.2.1",
        "master_metadata_track_name": f"Song number {song} (feat. Somebody)",
        "master_metadata_album_artist_name": f"Artist {song // 8}",
        "master_metadata_album_album_name": f"Album {song // 4}",
        "spotify_track_uri": f"spotify:track:{song:022d}",
        "episode_name": None,
        "episode_show_name": None,
        "spotify_episode_uri": None,
        "audiobook_title": None,
        "audiobook_uri": None,
        "audiobook_chapter_uri": None,
        "audiobook_chapter_title": None,
        "reason_start": "trackdone",
        "reason_end": "fwdbtn" if was_skipped else "trackdone",
        "shuffle": False,
        "skipped": was_skipped,
        "offline": False,
        "offline_timestamp": None,
        "incognito_mode": False,
    }


# --- Tables -----------------------------------------------------------------------------------------------------------


def _songs(folder: Path, n_rows: int) -> Iterator[Row]:
    path = folder / "songs.csv.gz"
    features = (
        "acousticness",
        "danceability",
        "energy",
        "instrumentalness",
        "liveness",
        "speechiness",
    )
    rng = np.random.default_rng(7)
    with gzip.open(path, "wt", newline="", encoding="utf-8", compresslevel=1) as file:
        table = csv.writer(file)
        table.writerow(["song_id", "title", "artist", "album", "year", "duration_ms", *features])
        for n in range(n_rows):
            facts = [f"{value:.3f}" for value in rng.random(len(features))]
            names = [f"bench_{n:07d}", f"Title {n}", f"Singer {n // 10}", f"Record {n // 10}"]
            table.writerow([*names, 1960 + n % 60, 180_000 + n % 90_000, *facts])
    yield from _manage("import_songs", str(path)).rows(f"songs, {n_rows:,} rows")


def _listens(folder: Path, n_rows: int) -> Iterator[Row]:
    """Import a table in which each row is a play with its time, by a tenth as many listeners."""
    _some_songs(folder, min(50_000, n_rows))
    path = folder / "listens.csv.gz"
    rng = np.random.default_rng(8)
    songs = rng.integers(0, min(50_000, n_rows), n_rows)
    with gzip.open(path, "wt", newline="", encoding="utf-8", compresslevel=1) as file:
        table = csv.writer(file)
        table.writerow(["user_id", "song_id", "timestamp", "played_ms"])
        for n in range(n_rows):
            row = [
                f"bench-{n % max(1, n_rows // 10)}",
                f"bench_{songs[n]:07d}",
                1_600_000_000 + 60 * n,
            ]
            table.writerow([*row, 180_000])
    yield from _manage("import_listens", str(path)).rows(f"listens, {n_rows:,} rows")


def _some_songs(folder: Path, n: int) -> None:
    """Have songs that the listens can name, whether or not the songs were measured before."""
    path = folder / "named.csv"
    lines = (f"bench_{number:07d},Title {number},Singer {number // 10}\n" for number in range(n))
    path.write_text("song_id,title,artist\n" + "".join(lines), encoding="utf-8")
    _manage("import_songs", str(path))


# --- Finding one row --------------------------------------------------------------------------------------------------


def _lookups(folder: Path, n_rows: int) -> Iterator[Row]:
    """Find songs and listeners by their ids among the rows of the listens, in this process."""
    import django

    django.setup()
    from accounts.models import User
    from catalog.models import Interaction, Song

    if not Interaction.objects.exists():
        list(_listens(folder, n_rows))
    rng = np.random.default_rng(9)
    keys = [f"bench_{n:07d}" for n in rng.integers(0, min(50_000, n_rows), N_LOOKUPS)]
    names = [f"bench-{n}" for n in rng.integers(0, max(1, n_rows // 10), N_LOOKUPS)]
    listeners = list(User.objects.order_by("pk").values_list("pk", flat=True)[:N_LOOKUPS])
    n = Interaction.objects.count()
    yield Row(
        f"interactions in the database: {n:,}; a song by its id",
        _median_ms(Song, "key", keys),
        "ms",
        LOOKUP_MS,
    )
    yield Row("a listener by their name", _median_ms(User, "username", names), "ms", LOOKUP_MS)
    milliseconds = [
        _ms(partial(list, Interaction.objects.filter(listener=pk).values_list("song_id")))
        for pk in listeners
    ]
    yield Row("a listener's own interactions", statistics.median(milliseconds), "ms")
    yield Row(
        "most memory of this process",
        resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
        "MB",
    )


def _median_ms(model: "type[Model]", field: str, values: list[Any]) -> float:
    return statistics.median(
        _ms(partial(model._default_manager.get, **{field: value})) for value in values
    )


def _ms(work: Callable[[], object]) -> float:
    started = time.perf_counter()
    work()
    return 1000 * (time.perf_counter() - started)


if __name__ == "__main__":
    main()
