"""Similar songs, and what a process keeps of a loaded model, beside the layout of before: in one run.

    python -m benchmarks.serving_memory [--songs 5000 50000 200000]

The model has random factors (ALS of 64, eight audio features), as the time and memory of serving do not depend on
what was learned. "before" makes what a process kept of the same files (factors once more as columns,
in double precision and pre-solved) and brings all factors to length 1 at each call of similar songs. Each is a process
of its own; memory is what is private to it, after a list and similar songs.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import numpy as np
from numpy.typing import NDArray

from recommendations.engine import CLASSIC, IdMap, ItemFeatures, Recommender
from recommendations.engine.algorithms.als import ALS
from recommendations.engine.algorithms.content import Content
from recommendations.engine.algorithms.popularity import Popularity
from recommendations.engine.core.arrays import normalise_rows, pack_columns

ROOT = Path(__file__).resolve().parent.parent
N_FACTORS = 64
PRE_SOLVED_BYTES = 64 * 2**20
REPEATS = 9


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--songs", type=int, nargs="+", default=[5_000, 50_000, 200_000])
    parser.add_argument("--measure", nargs=2, metavar=("LAYOUT", "FOLDER"), help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.measure:
        print(*measure(options.measure[0], Path(options.measure[1])))
        return 0
    print(f"{'songs':>9}{'artifact':>11}{'similar before':>16}{'now':>10}{'ratio':>8}", end="")
    print(f"{'private before':>17}{'now':>10}{'process : artifact':>21}")
    with tempfile.TemporaryDirectory(prefix="musicrec-bench-") as folder:
        for n_songs in options.songs:
            print(compare(n_songs, Path(folder)), flush=True)
    return 0


def compare(n_songs: int, folder: Path) -> str:
    """Save a model of so many songs, measure both layouts and return a line of the table."""
    artifact = folder / str(n_songs)
    n_bytes = make_recommender(n_songs).save(artifact).n_bytes
    (ms_before, kb_before), (ms_now, kb_now) = (
        run_alone(layout, artifact) for layout in ("before", "now")
    )
    share = (n_bytes + 1024 * kb_now) / n_bytes
    return (
        f"{n_songs:>9,}{n_bytes / 1e6:>8.1f} MB{ms_before:>13.2f} ms{ms_now:>7.2f} ms{ms_before / ms_now:>6.0f} x"
        f"{kb_before / 1e3:>14.1f} MB{kb_now / 1e3:>7.1f} MB{share:>19.2f} x"
    )


def make_recommender(n_songs: int) -> Recommender:
    """Return a recommender of the classic preset with random factors and features."""
    rng = np.random.default_rng(0)
    audio = rng.random((n_songs, 8))
    audio[:, 7] = 60 + 120 * audio[:, 7]
    n_items, everything = np.array([n_songs]), np.ones(n_songs, dtype=bool)
    factors = rng.normal(size=(n_songs, N_FACTORS)).astype(np.float32)
    als = {"item_factors": factors, "learned": everything, "seed": np.array([0])}
    counts = rng.integers(1, 100, n_songs).astype(np.int32)
    popularity = {"trend": counts.astype(np.float32), "n_listeners": counts, "n_recent": counts}
    recommender = Recommender(CLASSIC)
    recommender.items = IdMap(np.arange(n_songs))
    recommender.algorithms = {
        "als": ALS.from_state({"n_factors": N_FACTORS}, {"n_items": n_items, **als}),
        "content": Content.from_state(
            {}, {"n_items": n_items, "audio": ItemFeatures.build(audio).scaled}
        ),
        "popularity": Popularity.from_state(
            {}, {"n_items": n_items, "is_trending": ~everything, **popularity}
        ),
    }
    return recommender


def run_alone(layout: str, artifact: Path) -> tuple[float, int]:
    """Measure in a process of its own: (median milliseconds of similar songs by ALS, private kilobytes)."""
    command = [
        sys.executable,
        "-m",
        "benchmarks.serving_memory",
        "--measure",
        layout,
        str(artifact),
    ]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    milliseconds, kilobytes = done.stdout.split()
    return float(milliseconds), int(kilobytes)


def measure(layout: str, artifact: Path) -> tuple[float, int]:
    """Load, recommend once, and find similar songs some times."""
    warm = make_recommender(500)
    warm.recommend(warm.history([1, 2, 3]))
    private = private_kilobytes()
    recommender = Recommender.load(artifact)
    als = recommender.algorithms["als"]
    assert isinstance(als, ALS)
    before = BeforeLayout(als, artifact.parent / "rows.npy") if layout == "before" else None
    recommender.recommend(recommender.history(list(range(0, 400, 8))))
    find_similar: Callable[[int], NDArray[Any]] = before.similar if before else als.similar
    durations = []
    for item_row in range(REPEATS):
        started = time.perf_counter()
        find_similar(item_row)
        durations.append(time.perf_counter() - started)
    return 1000 * statistics.median(durations), private_kilobytes() - private


class BeforeLayout:
    """What a process kept of ALS until the factors were laid out for serving; `rows_file` is mapped."""

    def __init__(self, als: ALS, rows_file: Path) -> None:
        np.save(rows_file, als.item_factors_)
        self.factors = np.load(rows_file, mmap_mode="r")
        self.columns = pack_columns(self.factors)
        self.doubles = np.asarray(self.factors, dtype=np.float64)
        shared = self.doubles.T @ self.doubles + als.regularization * np.eye(N_FACTORS)
        self.pre_solved = None
        if self.doubles.nbytes <= PRE_SOLVED_BYTES:
            self.pre_solved = np.ascontiguousarray(np.linalg.solve(shared, self.doubles.T).T)

    def similar(self, item_row: int) -> NDArray[np.float32]:
        units = normalise_rows(self.factors)
        return np.asarray(units @ units[item_row])


def private_kilobytes() -> int:
    """Return what is private to this process; Linux only."""
    lines = Path("/proc/self/smaps_rollup").read_text().splitlines()
    return sum(int(line.split()[1]) for line in lines if line.startswith("Private_Dirty"))


if __name__ == "__main__":
    sys.exit(main())
