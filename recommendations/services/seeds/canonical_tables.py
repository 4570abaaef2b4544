"""Read the tables of MusicBrainz' canonical dump: recordings that count as one, and the album that each is on."""

import csv
import io
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO

import numpy as np
import pyarrow as pa
import pyarrow.csv as pa_csv
from numpy.typing import NDArray

from recommendations.services.seeds.listen_dump import DumpRefused, hash_mbids

REDIRECTS = "canonical_recording_redirect.csv"
RECORDINGS = "canonical_musicbrainz_data.csv"
RELEASES = "canonical_release_redirect.csv"
"""Each may lie there compressed, too: .zst, .gz."""
REDIRECT_COLUMNS = ("recording_mbid", "canonical_recording_mbid")
RECORDING_COLUMNS = ("recording_mbid", "release_mbid", "release_name")
RELEASE_COLUMNS = ("release_mbid", "canonical_release_mbid", "release_group_mbid")
BYTES_AT_A_TIME = 8 << 20
CODECS = {".zst": "zstd", ".gz": "gzip", ".bz2": "bz2"}
OnBytes = Callable[[int], None]


def find_table(folder: Path, name: str) -> Path | None:
    """Return the table of that name in a folder or below it, None without one."""
    return next((path for path in sorted(folder.rglob(f"{name}*")) if path.is_file()), None)


def check_columns(path: Path | None, columns: tuple[str, ...]) -> None:
    """Raise DumpRefused unless the first line of a table names the columns; nothing without a table."""
    if path is None:
        return
    with _open_table(path) as (_file, stream):
        header = next(csv.reader(io.TextIOWrapper(stream, "utf-8", newline="")), [])
    missing = [name for name in columns if name not in header]
    if missing:
        raise DumpRefused(f"{path.name} has no column {missing[0]}.")


def read_columns(
    path: Path | None, columns: tuple[str, ...], on_bytes: OnBytes = lambda n_bytes: None
) -> Iterator[tuple[pa.Array, ...]]:
    """Yield the texts of some columns of a table, block by block; nothing without a table.

    `on_bytes` gets how many bytes of the file were read. The memory does not grow with the table.

    Raises
    ------
    DumpRefused
        A column is missing, or the file is damaged.
    """
    if path is None:
        return
    check_columns(path, columns)
    with _open_table(path) as (file, stream):
        reader = pa_csv.open_csv(
            stream,
            pa_csv.ReadOptions(block_size=BYTES_AT_A_TIME),
            pa_csv.ParseOptions(newlines_in_values=True),
            pa_csv.ConvertOptions(
                include_columns=list(columns), column_types=dict.fromkeys(columns, pa.string())
            ),
        )
        for batch in reader:
            yield tuple(batch.column(name) for name in columns)
            on_bytes(file.tell())


@contextmanager
def _open_table(path: Path) -> Iterator[tuple[IO[bytes], pa.NativeFile]]:
    """Open a table that may be compressed, as the file on the disk and its text; raise DumpRefused at damage."""
    try:
        with path.open("rb") as file:
            stream: pa.NativeFile = pa.PythonFile(file, mode="r")
            if path.suffix in CODECS:
                stream = pa.CompressedInputStream(stream, CODECS[path.suffix])
            yield file, stream
    except (pa.ArrowException, OSError, csv.Error, UnicodeDecodeError) as error:
        reason = (str(error).splitlines() or [""])[0][:200]
        raise DumpRefused(f"{path.name} can't be read as a table: {reason}") from error


# --- Recordings that count as one -------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Redirects:
    """Former and present numbers of recordings that MusicBrainz counts as one, sorted by the former."""

    former: NDArray[np.uint64]
    current: NDArray[np.uint64]

    def follow(self, recordings: NDArray[np.uint64]) -> NDArray[np.uint64]:
        """Return each recording's present number."""
        if not len(self.former):
            return recordings
        spots = np.minimum(np.searchsorted(self.former, recordings), len(self.former) - 1)
        return np.where(self.former[spots] == recordings, self.current[spots], recordings)


def read_redirects(path: Path | None) -> Redirects:
    """Read the redirects; none without a file. Some 40 bytes a row.

    Raises
    ------
    DumpRefused
        The file is no such table.
    """
    blocks = [
        (hash_mbids(former), hash_mbids(current))
        for former, current in read_columns(path, REDIRECT_COLUMNS)
    ]
    if not blocks:
        return Redirects(np.empty(0, np.uint64), np.empty(0, np.uint64))
    former, current = (np.concatenate(column) for column in zip(*blocks, strict=True))
    usable = (former != 0) & (current != 0)
    former, first = np.unique(former[usable], return_index=True)
    return Redirects(former, current[usable][first])


# --- Albums -----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class AlbumTables:
    """The tables of recordings with their releases and of releases with their groups; None where one is missing."""

    recordings: Path | None
    releases: Path | None

    @property
    def paths(self) -> list[Path]:
        return [path for path in (self.recordings, self.releases) if path is not None]


def find_album_tables(folder: Path) -> AlbumTables:
    """Return the tables of a folder, after a look at their first lines.

    Raises
    ------
    DumpRefused
        A table lacks a column that is needed.
    """
    tables = AlbumTables(find_table(folder, RECORDINGS), find_table(folder, RELEASES))
    check_columns(tables.recordings, RECORDING_COLUMNS)
    check_columns(tables.releases, RELEASE_COLUMNS)
    return tables


def read_albums(
    tables: AlbumTables, song_ids: NDArray[np.uint64], on_bytes: OnBytes
) -> tuple[list[str], list[str]]:
    """Return the title and the release group's id of each song's album, "" where unknown.

    Parameters
    ----------
    song_ids
        Numbers of recordings as of `hash_mbids`, sorted.
    on_bytes
        Gets how many bytes of both files were read.

    Raises
    ------
    DumpRefused
        A file is damaged.
    """
    titles, groups = [""] * len(song_ids), [""] * len(song_ids)
    releases = np.zeros(len(song_ids), dtype=np.uint64)
    for recordings, release_ids, names in read_columns(
        tables.recordings, RECORDING_COLUMNS, on_bytes
    ):
        positions, rows = _match(hash_mbids(recordings), song_ids)
        takes = pa.array(positions)
        numbers = hash_mbids(release_ids.take(takes))
        for row, number, title in zip(
            rows.tolist(), numbers.tolist(), names.take(takes).to_pylist(), strict=True
        ):
            if not titles[row]:
                titles[row], releases[row] = title.strip(), number
    n_bytes = 0 if tables.recordings is None else tables.recordings.stat().st_size
    group_by_release: dict[int, str] = {}
    wanted = np.unique(releases[releases != 0])
    for former, current, group_ids in read_columns(
        tables.releases, RELEASE_COLUMNS, lambda n_read: on_bytes(n_bytes + n_read)
    ):
        # a release that is its group's canonical one is named in the second column only
        for release_ids in (former, current):
            positions, rows = _match(hash_mbids(release_ids), wanted)
            texts = group_ids.take(pa.array(positions)).to_pylist()
            group_by_release.update(zip(rows.tolist(), texts, strict=True))
    for row, spot in enumerate(np.searchsorted(wanted, releases).tolist()):
        if releases[row]:
            groups[row] = group_by_release.get(spot, "").lower()
    return titles, groups


def _match(
    numbers: NDArray[np.uint64], ids: NDArray[np.uint64]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return the positions of numbers that are among the sorted ids, and the rows of those ids."""
    if not len(ids):
        return np.zeros(0, np.int64), np.zeros(0, np.int64)
    rows = np.minimum(np.searchsorted(ids, numbers), len(ids) - 1)
    positions = np.flatnonzero(ids[rows] == numbers)
    return positions, rows[positions]
