"""The steps of building a seed pack, each kept on disk, and the plays that the first one sorted by listener."""

import json
import shutil
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from recommendations.engine import FEWEST_LISTENERS, MOST_NEIGHBOURS
from recommendations.services.seeds import listen_dump
from recommendations.services.seeds.canonical_tables import Redirects
from recommendations.services.seeds.listen_dump import DumpFile, DumpRefused

N_SHARDS = 64
"""Shards by listener: all plays of one listener are in one."""

SKIPPED_BELOW_SECONDS = 30

SONGS, ARTISTS = "songs", "artists"


@dataclass(frozen=True)
class BuildOptions:
    """What counts as a pair, and how much of it is kept.

    Attributes
    ----------
    session_gap
        Seconds from the start of one play to the start of the next that end a session. The dumps name no durations,
        so a usual length of four minutes is part of the default: 300 s of silence.
    window
        Plays of a session that are at most so far apart make a pair.
    """

    fewest_listeners: int = FEWEST_LISTENERS
    most_neighbours: int = MOST_NEIGHBOURS
    most_songs: int = 1_000_000
    session_gap: int = 540
    window: int = 10
    licence: str = "CC0 1.0"
    source: str = "listens of ListenBrainz"

    def __post_init__(self) -> None:
        if self.fewest_listeners < FEWEST_LISTENERS:
            raise DumpRefused(
                f"At least {FEWEST_LISTENERS} listeners must share a pair, so that nobody can be recognised; "
                f"{self.fewest_listeners} were asked for."
            )
        for name in ("most_neighbours", "most_songs", "session_gap", "window"):
            if getattr(self, name) < 1:
                raise DumpRefused(f"{name} must be at least 1, not {getattr(self, name)}.")


class BuildSteps:
    """Folders of finished steps; one that is there was finished, for it got its name at its end."""

    def __init__(
        self, work: Path, files: list[DumpFile], redirects: Path | None, options: BuildOptions
    ) -> None:
        self.work = work
        described = [[file.name, file.n_bytes, file.modified] for file in files]
        if redirects is not None:
            described.append([redirects.name, redirects.stat().st_size, redirects.stat().st_mtime])
        inputs = json.dumps([described, asdict(options)], sort_keys=True)
        note = work / "inputs.json"
        if work.exists() and not (note.is_file() and note.read_text("utf-8") == inputs):
            if any(work.iterdir()) and not note.is_file():
                raise DumpRefused(f"{work} holds other files; name an empty folder for the work.")
            shutil.rmtree(work)
        work.mkdir(parents=True, exist_ok=True)
        note.write_text(inputs, "utf-8")

    def run(self, name: str, make: Callable[..., None], *arguments: Any) -> None:
        """Call `make(folder, *arguments)` for a new folder, unless this step was finished before."""
        if (self.work / name).exists():
            return
        unfinished = self.work / f"unfinished-{name}"
        shutil.rmtree(unfinished, ignore_errors=True)
        unfinished.mkdir()
        make(unfinished, *arguments)
        unfinished.rename(self.work / name)

    def list_folders(self, prefix: str) -> list[Path]:
        return sorted(path for path in self.work.iterdir() if path.name.startswith(prefix))

    def read_totals(self, n_files: int) -> dict[str, int]:
        totals = {"n_rows": 0, "n_usable": 0, "from": 2**32, "until": 0}
        for number in range(n_files):
            read = json.loads((self.work / f"listens-{number}" / "read.json").read_text("utf-8"))
            totals["n_rows"] += read["n_rows"]
            totals["n_usable"] += read["n_usable"]
            totals["from"] = min(totals["from"], read["from"])
            totals["until"] = max(totals["until"], read["until"])
        return totals


def shard_events(folder: Path, file: DumpFile, redirects: Redirects) -> None:
    outputs = [(folder / f"{shard}.events").open("wb") for shard in range(N_SHARDS)]
    read = {"n_rows": 0, "n_usable": 0, "from": 2**32, "until": 0}
    try:
        for events, n_rows in listen_dump.read_events(file):
            read["n_rows"] += n_rows
            read["n_usable"] += len(events)
            if not len(events):
                continue
            events["recording"] = redirects.follow(events["recording"])
            read["from"] = min(read["from"], int(events["time"].min()))
            read["until"] = max(read["until"], int(events["time"].max()))
            shard = events["listener"] % N_SHARDS
            order = np.argsort(shard, kind="stable")
            ends = np.cumsum(np.bincount(shard, minlength=N_SHARDS))
            for number, piece in enumerate(np.split(events[order], ends[:-1])):
                outputs[number].write(piece.tobytes())
    finally:
        for output in outputs:
            output.close()
    (folder / "read.json").write_text(json.dumps(read), "utf-8")


@dataclass(frozen=True)
class Plays:
    """Plays of one shard, sorted by listener and time; skipped ones and repeated rows are left out."""

    listeners: NDArray[np.uint32]
    sessions: NDArray[np.int64]
    recordings: NDArray[np.uint64]
    artists: NDArray[np.uint64]


def read_plays(steps: BuildSteps, shard: int, options: BuildOptions) -> Plays:
    blocks = [
        np.fromfile(folder / f"{shard}.events", dtype=listen_dump.EVENT)
        for folder in steps.list_folders("listens-")
    ]
    events = np.concatenate(blocks)
    events = events[np.lexsort((events["recording"], events["time"], events["listener"]))]
    if not len(events):
        return Plays(*(events[name] for name in ("listener", "time", "recording", "artist")))
    is_repeated = np.r_[False, (events[1:] == events[:-1])]
    events = events[~is_repeated]
    same_listener = events["listener"][1:] == events["listener"][:-1]
    gap = np.diff(events["time"].astype(np.int64))
    session = np.cumsum(np.r_[0, ~same_listener | (gap > options.session_gap)])
    is_skipped = np.r_[same_listener & (gap < SKIPPED_BELOW_SECONDS), False]
    events, session = events[~is_skipped], session[~is_skipped]
    return Plays(events["listener"], session, events["recording"], events["artist"])
