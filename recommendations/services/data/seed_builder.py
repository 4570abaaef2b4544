"""Build a seed pack from a public dump of listens, in files, in bounded memory, going on where it was stopped."""

import hashlib
import json
import shutil
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray
from scipy.sparse import csr_matrix

from recommendations.engine import (
    FEWEST_LISTENERS,
    MOST_NEIGHBOURS,
    ArtistPrior,
    Prior,
    SeedPack,
    keep_nearest,
    save_pack,
)
from recommendations.services.data import canonical_tables, listen_dump, pair_counts, seed_names
from recommendations.services.data.canonical_tables import AlbumTables, Redirects
from recommendations.services.data.listen_dump import DumpFile, DumpRefused

N_SHARDS = 64
"""Shards by listener: all plays of one listener are in one."""
SKIPPED_BELOW_SECONDS = 30
SONGS, ARTISTS = "songs", "artists"
ALBUM_PROGRESS = 10
"""Steps in which the progress of reading albums is counted."""
OnProgress = Callable[[str, int, int], None]


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


@dataclass(frozen=True)
class Counts:
    """Ids as of `hash_mbids`, sorted; how many listeners each has; how many heard the nearest ones too."""

    ids: NDArray[np.uint64]
    n_listeners: NDArray[np.int32]
    together: csr_matrix


@dataclass(frozen=True)
class BuildResult:
    """What was read and what came of it."""

    n_rows: int
    n_usable: int
    n_songs: int
    n_pairs: int
    n_artists: int
    n_with_album: int


def build_pack(
    dump: Path,
    target: Path,
    work: Path,
    options: BuildOptions | None = None,
    on_progress: OnProgress = lambda stage, done, total: None,
) -> BuildResult:
    """Write a pack of the listens in `dump` to `target`, which must not exist.

    The steps' results lie in `work`, so that a second call goes on where the first was stopped; it is removed at the
    end. A step that was made from other files or with other options is made again.

    Raises
    ------
    DumpRefused
        A file can't be read, or nothing is shared by enough listeners.
    ArtifactError
        The target exists.
    OSError
        The disk is full.
    """
    options = options or BuildOptions()
    if target.exists():
        raise DumpRefused(f"{target} exists already; name a folder that does not exist yet.")
    files = listen_dump.find_dump_files(dump)
    redirects_path = canonical_tables.find_table(dump, canonical_tables.REDIRECTS)
    tables = canonical_tables.find_album_tables(dump)
    steps = _Steps(work, files, redirects_path, options)
    redirects = canonical_tables.read_redirects(redirects_path)
    for number, file in enumerate(files):
        steps.run(f"listens-{number}", _shard_events, file, redirects)
        on_progress("read", number + 1, len(files))
    for shard in range(N_SHARDS):
        steps.run(f"heard-{shard}", _count_heard, steps, shard, options)
        on_progress("count", shard + 1, N_SHARDS)
    kept = {kind: _select_frequent(steps, kind, options) for kind in (SONGS, ARTISTS)}
    if not len(kept[SONGS][0]):
        raise DumpRefused(
            f"No recording was heard by {options.fewest_listeners} listeners, so there is nothing to build."
        )
    for shard in range(N_SHARDS):
        for kind in (SONGS, ARTISTS):
            steps.run(
                f"pairs-{kind}-{shard}", _write_pairs, steps, shard, kind, kept[kind][0], options
            )
        on_progress("pair", shard + 1, N_SHARDS)
    counts = {kind: _assemble(steps, kind, *kept[kind], options) for kind in (SONGS, ARTISTS)}
    on_progress("assemble", 1, 1)
    if not counts[SONGS].together.nnz:
        raise DumpRefused(
            f"No two recordings were heard together by {options.fewest_listeners} listeners, "
            "so there is nothing to build."
        )
    names = seed_names.read_names(
        files, redirects, redirects_path, counts[SONGS].ids, counts[ARTISTS].ids, on_progress
    )
    albums = _find_albums(steps, tables, counts[SONGS].ids, on_progress)
    totals = steps.read_totals(len(files))
    pack = _make_pack(counts[SONGS], counts[ARTISTS], names, albums, _describe(totals, options))
    save_pack(target, pack)
    shutil.rmtree(work)
    about = pack.prior.summarise()
    n_artists = 0 if pack.artists is None else len(pack.artists.prior)
    return BuildResult(
        totals["n_rows"],
        totals["n_usable"],
        about["n_songs"],
        about["n_pairs"],
        n_artists,
        sum(1 for title in pack.labels.album_titles if title),
    )


class _Steps:
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


# --- Step 1: listens by listener --------------------------------------------------------------------------------------


def _shard_events(folder: Path, file: DumpFile, redirects: Redirects) -> None:
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
class _Plays:
    """Plays of one shard, sorted by listener and time; skipped ones and repeated rows are left out."""

    listeners: NDArray[np.uint32]
    sessions: NDArray[np.int64]
    recordings: NDArray[np.uint64]
    artists: NDArray[np.uint64]


def _read_plays(steps: _Steps, shard: int, options: BuildOptions) -> _Plays:
    blocks = [
        np.fromfile(folder / f"{shard}.events", dtype=listen_dump.EVENT)
        for folder in steps.list_folders("listens-")
    ]
    events = np.concatenate(blocks)
    events = events[np.lexsort((events["recording"], events["time"], events["listener"]))]
    if not len(events):
        return _Plays(*(events[name] for name in ("listener", "time", "recording", "artist")))
    is_repeated = np.r_[False, (events[1:] == events[:-1])]
    events = events[~is_repeated]
    same_listener = events["listener"][1:] == events["listener"][:-1]
    gap = np.diff(events["time"].astype(np.int64))
    session = np.cumsum(np.r_[0, ~same_listener | (gap > options.session_gap)])
    is_skipped = np.r_[same_listener & (gap < SKIPPED_BELOW_SECONDS), False]
    events, session = events[~is_skipped], session[~is_skipped]
    return _Plays(events["listener"], session, events["recording"], events["artist"])


# --- Step 2: how many listeners each song and artist has --------------------------------------------------------------


def _count_heard(folder: Path, steps: _Steps, shard: int, options: BuildOptions) -> None:
    plays = _read_plays(steps, shard, options)
    for kind, ids in ((SONGS, plays.recordings), (ARTISTS, plays.artists)):
        order = np.lexsort((plays.listeners, ids))
        by_id, owner = ids[order], plays.listeners[order]
        is_new = np.ones(len(by_id), dtype=bool)
        is_new[1:] = (by_id[1:] != by_id[:-1]) | (owner[1:] != owner[:-1])
        unique, counts = np.unique(by_id[is_new], return_counts=True)
        np.save(folder / f"{kind}-ids.npy", unique)
        np.save(folder / f"{kind}-counts.npy", counts.astype(np.int32))


def _select_frequent(
    steps: _Steps, kind: str, options: BuildOptions
) -> tuple[NDArray[np.uint64], NDArray[np.int32]]:
    """Return the ids that enough listeners heard, sorted, and how many did; the most heard where there are too many."""
    folders = steps.list_folders("heard-")
    ids = np.concatenate([np.load(folder / f"{kind}-ids.npy") for folder in folders])
    counts = np.concatenate([np.load(folder / f"{kind}-counts.npy") for folder in folders])
    unique, inverse = np.unique(ids, return_inverse=True)
    n_listeners = np.bincount(inverse, weights=counts, minlength=len(unique)).astype(np.int32)
    keep = np.flatnonzero((n_listeners >= options.fewest_listeners) & (unique != 0))
    if len(keep) > options.most_songs:
        most_heard = np.lexsort((unique[keep], -n_listeners[keep]))[: options.most_songs]
        keep = np.sort(keep[most_heard])
    return unique[keep], n_listeners[keep]


# --- Step 3: pairs ----------------------------------------------------------------------------------------------------


def _write_pairs(
    folder: Path,
    steps: _Steps,
    shard: int,
    kind: str,
    ids: NDArray[np.uint64],
    options: BuildOptions,
) -> None:
    plays = _read_plays(steps, shard, options)
    own = plays.recordings if kind == SONGS else plays.artists
    # two songs of one artist are no news; two plays of one artist are no pair of artists
    groups = plays.artists if kind == SONGS else np.zeros(len(own), np.uint64)
    if len(ids) and len(own):
        rows = np.minimum(np.searchsorted(ids, own), len(ids) - 1)
        is_kept = ids[rows] == own
    else:
        rows, is_kept = np.zeros(0, np.int64), np.zeros(len(own), bool)
    if not is_kept.any():
        return pair_counts.write_pieces(folder, iter(()), max(len(ids), 1))
    pairs = pair_counts.find_session_pairs(
        plays.listeners[is_kept],
        plays.sessions[is_kept],
        rows[is_kept],
        groups[is_kept],
        len(ids),
        options.window,
    )
    return pair_counts.write_pieces(folder, pairs, len(ids))


def _assemble(
    steps: _Steps,
    kind: str,
    ids: NDArray[np.uint64],
    n_listeners: NDArray[np.int32],
    options: BuildOptions,
) -> Counts:
    """Return the nearest neighbours of each id."""
    folders = steps.list_folders(f"pairs-{kind}-")
    counted = [
        pair_counts.count_piece(folders, piece, max(len(ids), 1), options.fewest_listeners)
        for piece in range(pair_counts.N_PIECES)
    ]
    low, high, counts = (np.concatenate(column) for column in zip(*counted, strict=True))
    nearest = []
    for start in range(0, len(ids), _ROWS_AT_A_TIME):
        ends = start + _ROWS_AT_A_TIME
        from_low, from_high = (low >= start) & (low < ends), (high >= start) & (high < ends)
        rows = np.r_[low[from_low], high[from_high]]
        columns = np.r_[high[from_low], low[from_high]]
        both = np.r_[counts[from_low], counts[from_high]]
        near = keep_nearest(rows, columns, both, n_listeners, options.most_neighbours)
        nearest.append((near[0], near[1], near[2].astype(np.float32)))
    if not nearest:
        nearest = [(low[:0], low[:0], np.empty(0, np.float32))]
    rows, columns, strengths = (np.concatenate(column) for column in zip(*nearest, strict=True))
    together = csr_matrix((strengths, (rows, columns)), shape=(len(ids), len(ids)))
    return Counts(ids, n_listeners, together)


_ROWS_AT_A_TIME = 50_000


# --- Step 4: albums ---------------------------------------------------------------------------------------------------


def _find_albums(
    steps: _Steps, tables: AlbumTables, song_ids: NDArray[np.uint64], on_progress: OnProgress
) -> tuple[list[str], list[str]]:
    """Return titles and release groups of the songs' albums, empty without the tables.

    The step is named by its tables, so that other ones are read without all the steps before.
    """
    if tables.recordings is None:
        return [], []
    described = [[path.name, path.stat().st_size, path.stat().st_mtime_ns] for path in tables.paths]
    name = f"albums-{hashlib.sha256(json.dumps(described).encode()).hexdigest()[:16]}"
    steps.run(name, _write_albums, tables, song_ids, on_progress)
    on_progress("album", ALBUM_PROGRESS, ALBUM_PROGRESS)
    columns = pq.read_table(steps.work / name / "albums.parquet")
    return columns["title"].to_pylist(), columns["group"].to_pylist()


def _write_albums(
    folder: Path, tables: AlbumTables, song_ids: NDArray[np.uint64], on_progress: OnProgress
) -> None:
    total = sum(path.stat().st_size for path in tables.paths)
    done = 0

    def count_bytes(n_bytes: int) -> None:
        nonlocal done
        if n_bytes * ALBUM_PROGRESS // total > done:
            done = n_bytes * ALBUM_PROGRESS // total
            if done < ALBUM_PROGRESS:
                on_progress("album", done, ALBUM_PROGRESS)

    titles, groups = canonical_tables.read_albums(tables, song_ids, count_bytes)
    columns = {"title": pa.array(titles, pa.string()), "group": pa.array(groups, pa.string())}
    pq.write_table(pa.table(columns), folder / "albums.parquet")


# --- Step 5: the pack -------------------------------------------------------------------------------------------------


def _make_pack(
    songs: Counts,
    artists: Counts,
    names: seed_names.PackNames,
    albums: tuple[list[str], list[str]],
    about: dict[str, str],
) -> SeedPack:
    prior = Prior(np.array(names.song_keys, dtype=str), songs.n_listeners, songs.together)
    artist_prior = None
    if artists.together.nnz:
        artist_keys = np.array(names.artist_keys, dtype=str)
        artist_prior = ArtistPrior(
            Prior(artist_keys, artists.n_listeners, artists.together), names.artist_names
        )
    labels = replace(names.labels, album_titles=albums[0], album_keys=albums[1])
    return SeedPack(prior, names.redirects, about, labels, artist_prior)


def _describe(totals: dict[str, int], options: BuildOptions) -> dict[str, str]:
    def as_day(seconds: int) -> str:
        return datetime.fromtimestamp(seconds, UTC).date().isoformat()

    return {
        "source": options.source,
        "licence": options.licence,
        "data_from": as_day(totals["from"]),
        "data_until": as_day(totals["until"]),
        "made_at": datetime.now(UTC).date().isoformat(),
    }
