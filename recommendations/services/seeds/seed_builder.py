"""Build a seed pack from a public dump of listens, in files, in bounded memory, going on where it was stopped."""

import hashlib
import json
import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from recommendations.engine import ArtistPrior, Prior, SeedPack, save_pack
from recommendations.services.seeds import canonical_tables, listen_dump, seed_names
from recommendations.services.seeds.canonical_tables import AlbumTables
from recommendations.services.seeds.listen_dump import DumpRefused
from recommendations.services.seeds.seed_counts import (
    Counts,
    assemble_counts,
    count_heard,
    select_frequent,
    write_pairs,
)
from recommendations.services.seeds.seed_steps import (
    ARTISTS,
    N_SHARDS,
    SONGS,
    BuildOptions,
    BuildSteps,
    shard_events,
)

ALBUM_PROGRESS = 10
"""Steps in which the progress of reading albums is counted."""
OnProgress = Callable[[str, int, int], None]


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
    steps = BuildSteps(work, files, redirects_path, options)
    redirects = canonical_tables.read_redirects(redirects_path)
    counts = _count_together(steps, files, redirects, options, on_progress)
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


def _count_together(
    steps: BuildSteps,
    files: Sequence[listen_dump.DumpFile],
    redirects: canonical_tables.Redirects,
    options: BuildOptions,
    on_progress: OnProgress,
) -> dict[str, Counts]:
    """Return by kind, songs and artists, what enough listeners heard together; each step is kept in a file.

    Raises DumpRefused where nothing was heard by enough listeners, or nothing together.
    """
    for number, file in enumerate(files):
        steps.run(f"listens-{number}", shard_events, file, redirects)
        on_progress("read", number + 1, len(files))
    for shard in range(N_SHARDS):
        steps.run(f"heard-{shard}", count_heard, steps, shard, options)
        on_progress("count", shard + 1, N_SHARDS)
    kept = {kind: select_frequent(steps, kind, options) for kind in (SONGS, ARTISTS)}
    if not len(kept[SONGS][0]):
        raise DumpRefused(
            f"No recording was heard by {options.fewest_listeners} listeners, so there is nothing to build."
        )
    for shard in range(N_SHARDS):
        for kind in (SONGS, ARTISTS):
            steps.run(
                f"pairs-{kind}-{shard}", write_pairs, steps, shard, kind, kept[kind][0], options
            )
        on_progress("pair", shard + 1, N_SHARDS)
    counts = {kind: assemble_counts(steps, kind, *kept[kind], options) for kind in (SONGS, ARTISTS)}
    on_progress("assemble", 1, 1)
    if not counts[SONGS].together.nnz:
        raise DumpRefused(
            f"No two recordings were heard together by {options.fewest_listeners} listeners, "
            "so there is nothing to build."
        )
    return counts


def _find_albums(
    steps: BuildSteps, tables: AlbumTables, song_ids: NDArray[np.uint64], on_progress: OnProgress
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
    def format_day(seconds: int) -> str:
        return datetime.fromtimestamp(seconds, UTC).date().isoformat()

    return {
        "source": options.source,
        "licence": options.licence,
        "data_from": format_day(totals["from"]),
        "data_until": format_day(totals["until"]),
        "made_at": datetime.now(UTC).date().isoformat(),
    }
