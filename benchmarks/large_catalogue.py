"""Similar songs and live lists in a large catalogue: every song scored beside candidates first, in one run.

    python -m benchmarks.large_catalogue [--songs 200000 1000000] [--folder FOLDER]

The model has the components of the preset large. Its factors are those of a made-up catalogue: genres, artists within
them and songs within these, with a spectrum that falls, and longer the more a song was heard; neighbours are songs of
the artist and the genre. A million songs take about 6 GB of memory while they are made, and 2.5 GB on the disk. The
time of serving is measured in a process of its own, with the artifact mapped, by the clock and of the processor, which
on a free machine is the same; memory is what is private to it after lists and similar songs (Linux only).
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix

from benchmarks.serving_memory import private_kilobytes
from recommendations.engine import PRESETS, History, IdMap, ItemFeatures, Recommender
from recommendations.engine.algorithms.als import ALS
from recommendations.engine.algorithms.content import Content
from recommendations.engine.algorithms.item_knn import ItemKNN
from recommendations.engine.algorithms.popularity import Popularity
from recommendations.engine.algorithms.song_groups import build_groups

ROOT = Path(__file__).resolve().parent.parent
LARGE = PRESETS["large"]
N_FACTORS = 64
SONGS_AN_ARTIST = 10
N_GENRES = 300
N_LISTENERS = 60
LIST_LENGTH = 20


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--songs", type=int, nargs="+", default=[200_000, 1_000_000])
    parser.add_argument("--folder", type=Path, help="where models are made and kept")
    parser.add_argument("--measure", nargs=2, metavar=("ARTIFACT", "FROM"), help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.measure:
        print(json.dumps(measure(Path(options.measure[0]), int(options.measure[1]))))
        return 0
    with tempfile.TemporaryDirectory(prefix="musicrec-bench-") as temporary:
        folder = options.folder or Path(temporary)
        for n_songs in options.songs:
            report(n_songs, folder / str(n_songs))
    return 0


def report(n_songs: int, artifact: Path) -> None:
    """Make, index and save a model of so many songs, serve it both ways and print the figures."""
    print(f"\n{n_songs:,} songs; load {os.getloadavg()[0]:.1f}", flush=True)
    if not artifact.exists():
        recommender = Catalogue.make(n_songs).make_recommender()
        build(recommender)
        recommender.save(artifact)
        del recommender
    n_bytes = sum(path.stat().st_size for path in artifact.iterdir())
    ways = {way: serve(artifact, below) for way, below in (("exact", 2**31), ("candidates", 1))}
    exact, candidates = ways["exact"], ways["candidates"]
    print(f"  artifact {n_bytes / 1e6:,.0f} MB; load {os.getloadavg()[0]:.1f}")
    for what in ("similar", "list"):
        ratio = exact[f"{what}_cpu_ms"] / candidates[f"{what}_cpu_ms"]
        print(
            f"  {what:<10} in both {overlap(exact[what], candidates[what]):.3f}   processor 1 : {ratio:.0f}"
        )
        for way, figures in ways.items():
            print(
                f"    {way:<10} {figures[f'{what}_cpu_ms']:8.1f} ms of the processor, {figures[f'{what}_ms']:8.1f} ms"
                f" by the clock (p95 {figures[f'{what}_p95_ms']:.1f})"
            )
    for way, figures in ways.items():
        private = figures["private_kb"] * 1024
        print(
            f"  {way:<10} private {private / 1e6:7.1f} MB   peak {figures['peak_kb'] / 1e3:7.1f} MB"
            f"   (private + artifact) : artifact {(private + n_bytes) / n_bytes:.2f}"
        )
    sys.stdout.flush()


def build(recommender: Recommender) -> None:
    recommender.exact_below = 1
    started, processor = time.perf_counter(), time.process_time()
    about = recommender.build_indexes(seed=1)
    print(
        f"  indexes built and measured in {time.perf_counter() - started:.0f} s"
        f" ({time.process_time() - processor:.0f} s of the processor)"
    )
    for component, indexes in about.get("components", {}).items():
        for name, index in indexes.items():
            print(f"    {component} {name}: {json.dumps(index)}", flush=True)


def overlap(exact: list[list[int]], candidates: list[list[int]]) -> float:
    """Return the mean part of the exact first ten that is among the others' first ten."""
    return float(
        np.mean(
            [
                np.isin(own[:10], other[:10]).mean()
                for own, other in zip(exact, candidates, strict=True)
            ]
        )
    )


def serve(artifact: Path, exact_below: int) -> dict[str, Any]:
    """Measure one way in a process of its own."""
    command = [sys.executable, "-m", "benchmarks.large_catalogue", "--measure"]
    done = subprocess.run(
        [*command, str(artifact), str(exact_below)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    figures: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return figures


def measure(artifact: Path, exact_below: int) -> dict[str, Any]:
    """Load, make lists and find similar songs: milliseconds, rows and memory."""
    before = private_kilobytes()
    recommender = Recommender.load(artifact, verify=False)
    recommender.exact_below = exact_below
    n_songs = recommender.n_items
    catalogue = Catalogue.place(n_songs)
    rng = np.random.default_rng(7)
    histories = [catalogue.draw_history(rng) for _ in range(N_LISTENERS)]
    songs = rng.integers(0, n_songs, N_LISTENERS)
    unavailable = np.zeros(n_songs, dtype=bool)
    unavailable[rng.integers(0, n_songs, n_songs // 50)] = True
    lists = measure_each(
        lambda index: recommender.recommend(histories[index], LIST_LENGTH, exclude=unavailable)
    )
    similar = measure_each(
        lambda index: recommender.similar(int(songs[index]), LIST_LENGTH, exclude=unavailable)
    )
    return {
        **{f"list{name}": value for name, value in lists.items()},
        **{f"similar{name}": value for name, value in similar.items()},
        "private_kb": private_kilobytes() - before,
        "peak_kb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss,
    }


def measure_each(answer: Callable[[int], Any]) -> dict[str, Any]:
    for index in range(3):
        answer(index)
    durations, processor, rows = [], [], []
    for index in range(N_LISTENERS):
        started, used = time.perf_counter(), time.process_time()
        songs = answer(index)
        durations.append(1000 * (time.perf_counter() - started))
        processor.append(1000 * (time.process_time() - used))
        rows.append([song.item_row for song in songs])
    p95 = float(np.percentile(durations, 95))
    return {
        "": rows,
        "_ms": statistics.median(durations),
        "_p95_ms": p95,
        "_cpu_ms": statistics.median(processor),
    }


@dataclass(frozen=True)
class Catalogue:
    """Songs of artists of genres.

    Attributes
    ----------
    artist, genre : int32 (n_songs,)
        Songs of an artist lie together, and artists of a genre.
    appeal : float64 (n_songs,)
        How much a song is heard.
    """

    artist: NDArray[np.int32]
    genre: NDArray[np.int32]
    appeal: NDArray[np.float64]

    @classmethod
    def place(cls, n_songs: int) -> Catalogue:
        rng = np.random.default_rng(0)
        artist = (np.arange(n_songs) // SONGS_AN_ARTIST).astype(np.int32)
        n_artists = int(artist[-1]) + 1
        genre = (artist.astype(np.int64) * N_GENRES // n_artists).astype(np.int32)
        return cls(artist, genre, rng.pareto(1.2, n_songs) + 0.05)

    make = place

    @property
    def n_songs(self) -> int:
        return len(self.artist)

    def draw_history(self, rng: np.random.Generator) -> History:
        """Return 50 songs of some artists of three genres."""
        span = self.n_songs / N_GENRES
        starts = rng.integers(0, N_GENRES, 3)
        artists = np.concatenate(
            [(start * span + rng.integers(0, int(span), 6)) // SONGS_AN_ARTIST for start in starts]
        )
        songs = artists[:, None] * SONGS_AN_ARTIST + rng.integers(0, SONGS_AN_ARTIST, (18, 3))
        rows = np.unique(np.minimum(songs.astype(np.int64), self.n_songs - 1).ravel())
        return History(rows.astype(np.int32), rng.integers(1, 5, len(rows)).astype(np.float32))

    def make_recommender(self) -> Recommender:
        """Return a model of the preset large, with what the docstring of this module says in its components."""
        rng = np.random.default_rng(1)
        n = self.n_songs
        n_items, everything = np.array([n]), np.ones(n, dtype=bool)
        features = self._make_features(rng)
        groups = build_groups(features, n, artist=1.0, genre=0.5)
        counts = np.minimum(self.appeal * 20, 1e6).astype(np.int32)
        options = LARGE.components
        recommender = Recommender(LARGE)
        recommender.items = IdMap(np.arange(n))
        recommender._artists = self.artist
        recommender.algorithms = {
            "als": ALS.from_state(
                dict(options["als"]),
                {
                    "n_items": n_items,
                    "item_factors": self._make_factors(rng),
                    "learned": everything,
                    "seed": np.array([0]),
                    "mean_length": np.array([50.0]),
                },
            ),
            "item_knn": ItemKNN.from_state(
                dict(options["item_knn"]),
                {"n_items": n_items, "learned": everything, **self._make_links(rng)},
            ),
            "content": Content.from_state(
                dict(options["content"]),
                {
                    "n_items": n_items,
                    "audio": features.scaled,
                    "groups": groups.data,
                    "group_columns": groups.indices.astype(np.int32),
                    "group_starts": groups.indptr.astype(np.int64),
                    "n_groups": np.array([groups.shape[1]]),
                },
            ),
            "popularity": Popularity.from_state(
                dict(options["popularity"]),
                {
                    "n_items": n_items,
                    "trend": counts.astype(np.float32),
                    "n_listeners": counts,
                    "n_recent": counts,
                    "is_trending": ~everything,
                },
            ),
        }
        return recommender

    def _make_factors(self, rng: np.random.Generator) -> NDArray[np.float32]:
        spectrum = (1 / np.sqrt(np.arange(1, N_FACTORS + 1))).astype(np.float32)
        genres = rng.normal(size=(N_GENRES, N_FACTORS)).astype(np.float32)
        artists = rng.normal(size=(int(self.artist[-1]) + 1, N_FACTORS)).astype(np.float32)
        factors = rng.standard_normal((self.n_songs, N_FACTORS), dtype=np.float32)
        factors *= 0.5
        factors += 0.7 * artists[self.artist]
        factors += genres[self.genre]
        factors *= spectrum
        lengths = np.minimum(np.log1p(self.appeal), 4) / 4
        factors *= (lengths / np.linalg.norm(factors, axis=1))[:, None].astype(np.float32)
        return factors

    def _make_links(self, rng: np.random.Generator) -> dict[str, NDArray[Any]]:
        """Return about 100 neighbours of each song: those of the artist, and others of the genre."""
        n, n_links = self.n_songs, int(LARGE.components["item_knn"]["n_neighbours"])
        span = n // N_GENRES
        targets = np.empty((n, n_links), dtype=np.int32)
        for start in range(0, n, 50_000):
            rows = np.arange(start, min(start + 50_000, n))
            near = rows[:, None] + rng.integers(-span // 2, span // 2, (len(rows), n_links))
            near[:, :SONGS_AN_ARTIST] = self.artist[rows][:, None] * SONGS_AN_ARTIST + np.arange(
                SONGS_AN_ARTIST
            )
            targets[rows] = np.sort(np.clip(near, 0, n - 1), axis=1)
        keep = np.ones(targets.shape, dtype=bool)
        keep[:, 1:] = targets[:, 1:] != targets[:, :-1]
        keep &= targets != np.arange(n)[:, None]
        starts = np.concatenate([[0], np.cumsum(keep.sum(axis=1))]).astype(np.int64)
        targets = targets[keep]
        return {
            "links": rng.random(len(targets), dtype=np.float32),
            "targets": targets,
            "starts": starts,
        }

    def _make_features(self, rng: np.random.Generator) -> ItemFeatures:
        centres = rng.random((N_GENRES, 8))
        audio = np.clip(centres[self.genre] + rng.normal(0, 0.1, (self.n_songs, 8)), 0.01, 1)
        audio[:, 7] = 60 + 120 * audio[:, 7]
        ones, songs = np.ones(self.n_songs, dtype=np.float32), np.arange(self.n_songs)
        genres = csr_matrix((ones, (songs, self.genre)), shape=(self.n_songs, N_GENRES))
        return ItemFeatures.build(audio, self.artist, genres=genres)


if __name__ == "__main__":
    sys.exit(main())
