"""A whole night of a large site: python -m benchmarks.scale [--listeners 10000 100000 1000000] [--folder DIR].

For each size: make a world (50 interactions a listener) in a columnar copy, then read it, train ALS 64 x 15 (that of
the preset `large`) and item neighbours, find their weights on a sample and evaluate on another, train on everything
from there, save, and make the lists of the active listeners (one in ten). Then again after 1 % more interactions, as
the next night does. Beside it the bare fit of implicit on the same matrix. Prints time, peak memory and disk of each
step, and how the time grows with the listeners. Killed at any moment it goes on where it was, with the same folder.
With --picture FILE.svg the time over the listeners is drawn.
"""

import argparse
import json
import math
import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from benchmarks.growth_chart import Line, draw_growth
from benchmarks.scale_world import write_world
from recommendations.engine import (
    PRESETS,
    Interactions,
    Recommender,
    RecommenderConfig,
    Split,
    Weighting,
    World,
    evaluate,
    learn_weights,
    sample_split,
)
from recommendations.services.data.column_store import ColumnStore, Manifest
from recommendations.services.data.stored_events import read_interactions

ROOT = Path(__file__).resolve().parent.parent
WEIGHTS = {"als": 0.6, "item_knn": 0.3, "popularity": 0.1}
CONFIG = RecommenderConfig(
    name="scale",
    components={
        "als": PRESETS["large"].components["als"],
        "item_knn": {"n_neighbours": 100, "transform": "log"},
        "popularity": {},
    },
    weights={
        "none": {"popularity": 1.0},
        "cold": {"item_knn": 0.5, "popularity": 0.5},
        "warm": WEIGHTS,
        "hot": WEIGHTS,
    },
)
NIGHT = ("read", "split", "fit", "weights", "evaluate", "refit", "save", "lists")
LISTS_TOGETHER = 5_000
SHARE_NEW = 0.01
EVALUATED = 2_000
LENGTH = 20
Result = TypeVar("Result")


# --- One night, in a process of its own -------------------------------------------------------------------------------


class Night:
    """Steps that are measured once; what a killed run has finished is not done again."""

    def __init__(self, folder: Path, world: World) -> None:
        self.folder, self.world = folder, world
        self.store = ColumnStore(folder / "interactions")
        self.log = folder / "steps.jsonl"
        self.steps = (
            {entry["step"]: entry for entry in map(json.loads, self.log.read_text().splitlines())}
            if self.log.exists()
            else {}
        )

    def measure(self, step: str, work: Callable[[], Result], **more: Any) -> Result:
        Path("/proc/self/clear_refs").write_text("5")
        started, cpu = time.perf_counter(), time.process_time()
        result = work()
        entry = {
            "step": step,
            "seconds": round(time.perf_counter() - started, 2),
            "cpu_seconds": round(time.process_time() - cpu, 2),
            "peak_mb": _read_peak_mb(),
            **more,
        }
        if isinstance(result, dict):
            entry |= result
        # a step that is done again after a kill, because a later one needs its result, counts as it did first
        if step not in self.steps:
            self.steps[step] = entry
            with self.log.open("a") as file:
                file.write(json.dumps(entry) + "\n")
        print(f"  {json.dumps(entry)}", flush=True)
        return result

    def run(self) -> None:
        """Do what is missing of the first night, the next one and the comparison."""
        if "world" not in self.steps:
            self.measure("world", lambda: _describe(write_world(self.store, self.world)))
        manifest = self.store.read_manifest()
        assert manifest is not None
        if "lists" not in self.steps:
            self._run_first(manifest)
        if "next_lists" not in self.steps:
            self._run_next(manifest)
        if "bare_implicit" not in self.steps:
            self._run_bare(manifest)

    def _read(self, manifest: Manifest, step: str) -> Interactions:
        songs = np.arange(1, self.world.n_songs + 1)
        durations = self.world.songs.duration_ms.astype(np.int64)

        def read() -> Interactions:
            return read_interactions(
                self.store,
                manifest,
                songs,
                durations,
                lambda rows: np.ones(len(rows["listener"]), bool),
                _ignore,
            )[0]

        return self.measure(step, read)

    def _run_first(self, manifest: Manifest) -> None:
        events = self._read(manifest, "read")
        measured = self._load("measured")
        if measured is None:
            split = self.measure(
                "split", lambda: sample_split(events, n_listeners=5 * EVALUATED, seed=1)
            )
            measured = self.measure("fit", lambda: Recommender(CONFIG).fit(split.train, seed=1))
            self.measure("weights", lambda: _find_weights(measured, split))
            self.measure("evaluate", lambda: _evaluate(measured, split))
            self._save(measured, "measured")
            del split
        fitted = self._load("artifact")
        if fitted is None:
            start = measured
            config = measured.config
            fitted = self.measure(
                "refit", lambda: Recommender(config).fit(events, start=start, seed=1)
            )
            saved = fitted
            self.measure("save", lambda: self._save(saved, "artifact"))
        final = self._load("artifact")
        assert final is not None
        self.measure(
            "lists", lambda: self._make_lists(final, events, "lists", self._select_active())
        )

    def _select_active(self) -> np.ndarray:
        return np.arange(0, self.world.n_listeners, 10)

    def _run_next(self, manifest: Manifest) -> None:
        """The night after 1 % more interactions: only they are read into the copy, factors begin warm."""
        if manifest.n_rows < self.steps["world"]["n_rows"] * (1 + SHARE_NEW / 2):
            before = manifest
            manifest = self.measure(
                "next_append", lambda: _append_day(self.store, before, self.world)
            )
        events = self._read(manifest, "next_read")
        start = self._load("artifact")
        fitted = self._load("next_artifact")
        if fitted is None:
            assert start is not None
            config = start.config
            fitted = self.measure(
                "next_fit", lambda: Recommender(config).fit(events, start=start, seed=1)
            )
            saved = fitted
            self.measure("next_save", lambda: self._save(saved, "next_artifact"))
        final = self._load("next_artifact")
        assert final is not None
        came_lately = self._select_active()[::10]
        self.measure(
            "next_lists", lambda: self._make_lists(final, events, "next_lists", came_lately)
        )

    def _make_lists(
        self, recommender: Recommender, events: Interactions, name: str, listeners: np.ndarray
    ) -> dict[str, Any]:
        """Write the lists in shards, each a file that is complete or not there."""
        folder = self.folder / name
        folder.mkdir(exist_ok=True)
        histories = recommender.histories(events)
        rows = events.listeners.rows(listeners + 1)
        rows = np.sort(rows[rows >= 0])
        for number, start in enumerate(range(0, len(rows), LISTS_TOGETHER)):
            path = folder / f"{number:05d}.parquet"
            if path.exists():
                continue
            some = rows[start : start + LISTS_TOGETHER]
            lists = recommender.recommend_batch(histories[some], LENGTH)
            table = {
                "listener": events.listeners.ids[some],
                "items": [lists.pack_json(index) for index in range(len(some))],
            }
            pq.write_table(pa.table(table), path.with_suffix(".tmp"), compression="zstd")
            path.with_suffix(".tmp").rename(path)
        return {"n_lists": len(rows), "disk_mb": _folder_mb(folder)}

    def _run_bare(self, manifest: Manifest) -> None:
        from implicit.cpu.als import AlternatingLeastSquares
        from threadpoolctl import threadpool_limits

        from recommendations.engine.core.weighting import compute_confidence_matrix

        events = self._read(manifest, "bare_read")
        matrix = compute_confidence_matrix(events.to_matrix(Weighting()), alpha=40.0)
        del events
        with threadpool_limits(1, "blas"):
            model = AlternatingLeastSquares(factors=64, iterations=15, alpha=1.0, random_state=1)
            self.measure(
                "bare_implicit",
                lambda: model.fit(matrix, show_progress=False),
                n_pairs=int(matrix.nnz),
            )

    def _load(self, name: str) -> Recommender | None:
        folder = self.folder / name
        return Recommender.load(folder, verify=False) if folder.exists() else None

    def _save(self, recommender: Recommender, name: str) -> dict[str, Any]:
        recommender.save(self.folder / name)
        return {"disk_mb": _folder_mb(self.folder / name)}


def _evaluate(recommender: Recommender, split: Any) -> dict[str, Any]:
    report = evaluate(recommender, split, max_listeners=EVALUATED, seed=1)
    return {
        "ndcg_10": round(report.mean("ndcg@10"), 4),
        "recall_20": round(report.mean("recall@20"), 4),
    }


def _find_weights(recommender: Recommender, split: Split) -> dict[str, Any]:
    """Give the recommender the weights that measure best on listeners who are not evaluated."""
    improved = learn_weights(recommender, split, max_listeners=EVALUATED, seed=1)
    if improved is None:
        return {"n_listeners": 0}
    recommender.use_weights(improved.weights)
    return improved.to_dict()


def _append_day(store: ColumnStore, manifest: Manifest, world: World) -> Manifest:
    """Add 1 % new plays: listeners hear again, or anew, what others of the world hear."""
    rng = np.random.default_rng(2)
    n = int(SHARE_NEW * manifest.n_rows)
    songs = np.concatenate(
        [store.read_partition(files, ("song",))["song"][::97] for files in manifest.partitions]
    )
    rows = {
        "id": np.arange(manifest.last_id + 1, manifest.last_id + 1 + n),
        "listener": rng.integers(1, world.n_listeners + 1, n),
        "song": rng.choice(songs, n),
        "kind": np.zeros(n, np.int8),
        "plays": np.ones(n, np.int32),
        "played_ms": np.full(n, 200_000, np.int32),
        "moment": world.now + rng.integers(0, 86_400, n),
    }
    with store.lock():
        return store.append(manifest, rows, manifest.last_id + n)


def _describe(manifest: Manifest) -> dict[str, Any]:
    return {"n_rows": manifest.n_rows, "disk_mb": round(manifest.n_bytes / 1e6, 1)}


def _ignore(done: int, total: int) -> None:
    """Progress that nobody asked for."""


def _read_peak_mb() -> int:
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("VmHWM"):
            return int(line.split()[1]) // 1024
    return 0


def _folder_mb(folder: Path) -> float:
    return round(sum(path.stat().st_size for path in folder.rglob("*") if path.is_file()) / 1e6, 1)


# --- All sizes --------------------------------------------------------------------------------------------------------


def make_world(n_listeners: int, n_songs: int) -> World:
    return World(n_listeners=n_listeners, n_songs=n_songs, n_interactions=50 * n_listeners)


def run_size(folder: Path, n_listeners: int, n_songs: int) -> dict[str, dict[str, Any]]:
    """Run one size in a process of its own and return its steps."""
    folder.mkdir(parents=True, exist_ok=True)
    command = [
        sys.executable,
        "-m",
        "benchmarks.scale",
        "--one",
        str(n_listeners),
        str(n_songs),
        str(folder),
    ]
    subprocess.run(command, cwd=ROOT, check=True, env=os.environ | {"OPENBLAS_NUM_THREADS": "1"})
    entries = map(json.loads, (folder / "steps.jsonl").read_text().splitlines())
    return {entry["step"]: entry for entry in entries}


def select_lines(sizes: dict[int, dict[str, dict[str, Any]]]) -> list[Line]:
    """Return what the picture shows, in processor seconds: the night, the next one, and implicit's bare fit."""
    nights = {n: sum(steps[name]["cpu_seconds"] for name in NIGHT) for n, steps in sizes.items()}
    later = {
        n: sum(entry["cpu_seconds"] for name, entry in steps.items() if name.startswith("next_"))
        for n, steps in sizes.items()
    }
    bare = {
        n: steps["bare_implicit"]["cpu_seconds"]
        for n, steps in sizes.items()
        if "bare_implicit" in steps
    }
    return [
        Line("a whole night", "#5b2fd0", nights),
        Line("the next night, 1 % more", "#0f766e", later, is_below=True),
        Line("implicit's bare ALS fit", "#8a8a94", bare),
    ]


def print_summary(sizes: dict[int, dict[str, dict[str, Any]]]) -> None:
    """Print the night of each size, and between sizes the exponent of its growth."""
    before: tuple[int, float] | None = None
    for n_listeners, steps in sizes.items():
        night = sum(steps[name]["seconds"] for name in NIGHT)
        later = sum(entry["seconds"] for name, entry in steps.items() if name.startswith("next_"))
        peak = max(entry["peak_mb"] for name, entry in steps.items() if name in NIGHT)
        bare = steps["bare_implicit"]["seconds"]
        print(
            f"{n_listeners:>9,} listeners, {steps['world']['n_rows']:>11,} interactions: night {night:.0f} s, "
            f"next night {later:.0f} s ({later / night:.2f}), bare implicit {bare:.0f} s ({night / bare:.1f} times), "
            f"peak {peak:,} MB, copy {steps['world']['disk_mb']} MB, NDCG@10 {steps['evaluate']['ndcg_10']}"
        )
        if before is not None:
            exponent = math.log(night / before[1]) / math.log(n_listeners / before[0])
            print(f"          growth exponent from {before[0]:,}: {exponent:.2f}")
        before = (n_listeners, night)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--listeners", type=int, nargs="+", default=[10_000, 100_000, 1_000_000])
    parser.add_argument("--songs", type=int, default=100_000)
    parser.add_argument(
        "--folder", type=Path, default=Path("scale-worlds"), help="Some 3 GB for the largest."
    )
    parser.add_argument("--picture", type=Path, metavar="FILE.svg")
    parser.add_argument("--one", nargs=3, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.one:
        n_listeners, n_songs, folder = options.one
        Night(Path(folder), make_world(int(n_listeners), int(n_songs))).run()
        return
    folder = options.folder.resolve()
    sizes = {n: run_size(folder / str(n), n, options.songs) for n in options.listeners}
    print_summary(sizes)
    if options.picture:
        options.picture.write_text(draw_growth(select_lines(sizes)), encoding="utf-8")


if __name__ == "__main__":
    main()
