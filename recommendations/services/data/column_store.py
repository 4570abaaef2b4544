"""Interactions as Parquet files: partitions by listener, written by appending, replaced for chosen listeners.

The files know nothing of the database; `column_copy` keeps them up with it. A manifest names the files that count and
is replaced in one step, so that a reader or a kill at any moment meets either the state before or the one after.
"""

import fcntl
import json
import os
import time
import uuid
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

Columns = dict[str, NDArray[Any]]

SCHEMA: Mapping[str, Any] = {
    "id": np.int64,
    "listener": np.int64,
    "song": np.int64,
    "kind": np.int8,
    "plays": np.int32,
    "played_ms": np.int32,
    "moment": np.int64,
}
FORMAT = 1
ROWS_A_PARTITION = 400_000
"""So that a listener can be taken out by writing one partition anew in well under a second."""
MOST_PARTITIONS = 256
FILES_A_PARTITION = 8
"""With more files than these a partition is written anew as one."""
_MULTIPLIER = 0x9E3779B97F4A7C15
_MANIFEST = "manifest.json"


class StoreDamaged(Exception):
    """Files are missing, cut off or of another format; the store has to be built anew."""


class StoreBusy(Exception):
    """Another process is writing the files."""


@dataclass(frozen=True)
class StoredFile:
    """One Parquet file of a partition."""

    name: str
    n_rows: int
    n_bytes: int


@dataclass(frozen=True)
class Manifest:
    """What the store holds.

    Attributes
    ----------
    token, next_token
        Names of the state of the database that the files follow (see `column_copy`).
    last_id
        Every interaction up to this id is in the files.
    left_out
        Listeners whose rows are not in the files, because they may not be learned from; ascending.
    outdated
        Listeners whose rows have to be read anew; ascending.
    partitions
        The files of each partition, oldest first.
    """

    token: str = ""
    next_token: str = ""
    last_id: int = 0
    left_out: tuple[int, ...] = ()
    outdated: tuple[int, ...] = ()
    partitions: tuple[tuple[StoredFile, ...], ...] = ((),)
    format: int = field(default=FORMAT)

    @property
    def n_rows(self) -> int:
        return sum(file.n_rows for files in self.partitions for file in files)

    @property
    def n_bytes(self) -> int:
        return sum(file.n_bytes for files in self.partitions for file in files)


def choose_n_partitions(n_rows: int) -> int:
    """Return a power of two so that a partition holds about `ROWS_A_PARTITION`."""
    wanted = max(1, min(MOST_PARTITIONS, -(-n_rows // ROWS_A_PARTITION)))
    return 1 << (wanted - 1).bit_length()


def find_partitions(listener_ids: NDArray[np.int64], n_partitions: int) -> NDArray[np.int64]:
    """Return the partition of each listener: the upper bits of a multiplicative hash.

    Twice as many partitions split each one in two, so that other programs can rely on it.
    """
    if n_partitions == 1:
        return np.zeros(len(listener_ids), dtype=np.int64)
    hashes = listener_ids.astype(np.uint64) * np.uint64(_MULTIPLIER)
    shift = np.uint64(64 - (n_partitions.bit_length() - 1))
    return (hashes >> shift).astype(np.int64)


class ColumnStore:
    """The files in one folder. Who writes holds `lock()`; readers need none."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    # -- the manifest -------------------------------------------------------------------------------------

    @contextmanager
    def lock(self, wait_seconds: float = 0.0) -> Iterator[None]:
        """Hold the one right to write; raises StoreBusy when another process keeps it longer than that."""
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        with (self.folder / ".lock").open("w") as file:
            until = time.monotonic() + wait_seconds
            while True:
                try:
                    fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                    break
                except BlockingIOError:
                    if time.monotonic() >= until:
                        raise StoreBusy("Another process is writing the columnar copy.") from None
                    time.sleep(0.05)
            yield

    def read_manifest(self) -> Manifest | None:
        """Return what the store holds, None when there is none.

        Raises
        ------
        StoreDamaged
            The manifest cannot be read, or a file is missing or of another length than it says.
        """
        path = self.folder / _MANIFEST
        try:
            values = json.loads(path.read_text())
        except FileNotFoundError:
            return None
        except (OSError, ValueError) as error:
            raise StoreDamaged(f"{path} can't be read: {error}") from error
        manifest = _parse_manifest(values, path)
        for files in manifest.partitions:
            for file in files:
                self._check_length(file)
        return manifest

    def write_manifest(self, manifest: Manifest) -> Manifest:
        """Make this the state of the store, then remove files that it does not name."""
        arriving = self.folder / f".{_MANIFEST}"
        with arriving.open("w") as file:
            json.dump(asdict(manifest), file)
            file.flush()
            os.fsync(file.fileno())
        arriving.rename(self.folder / _MANIFEST)
        self.remove_strays(manifest)
        return manifest

    def remove_strays(self, manifest: Manifest) -> None:
        """Remove data files that the manifest does not name: a killed writer left them, or they are outdated."""
        named = {file.name for files in manifest.partitions for file in files}
        for path in self.folder.glob("*.parquet"):
            if path.name not in named:
                path.unlink(missing_ok=True)

    def remove(self) -> None:
        """Remove everything; the manifest goes first, so that no reader trusts what is left."""
        (self.folder / _MANIFEST).unlink(missing_ok=True)
        for path in self.folder.glob("*.parquet"):
            path.unlink(missing_ok=True)

    # -- writing ------------------------------------------------------------------------------------------

    def append(self, manifest: Manifest, rows: Columns, last_id: int) -> Manifest:
        """Add rows of any listeners, and write the manifest."""
        partitions = [list(files) for files in manifest.partitions]
        for number, some in _cut_by_partition(rows, len(partitions)):
            partitions[number].append(self._write(number, some))
        return self.write_manifest(_add_partitions(replace(manifest, last_id=last_id), partitions))

    def replace_listeners(
        self, manifest: Manifest, listener_ids: NDArray[np.int64], rows: Columns | None = None
    ) -> Manifest:
        """Drop everything of some listeners, put these rows in its place, and write the manifest.

        Each of their partitions is written anew; nothing of the dropped rows is left on the disk after that.
        """
        partitions: list[Sequence[StoredFile]] = list(manifest.partitions)
        arriving = dict(_cut_by_partition(rows, len(partitions))) if rows is not None else {}
        touched = np.unique(find_partitions(listener_ids, len(partitions))).tolist()
        for number in touched:
            stored = self._read_files(partitions[number], SCHEMA)
            kept = ~np.isin(stored["listener"], listener_ids)
            row_groups = [{name: column[kept] for name, column in stored.items()}]
            if number in arriving:
                row_groups.append(arriving[number])
            partitions[number] = self._write_whole(number, join_columns(row_groups))
        return self.write_manifest(_add_partitions(manifest, partitions))

    def compact(self, manifest: Manifest) -> Manifest:
        """Bring partitions of many files into one each, and split them when they have grown large."""
        n_partitions = choose_n_partitions(manifest.n_rows)
        if n_partitions > len(manifest.partitions):
            return self._split(manifest, n_partitions)
        partitions: list[Sequence[StoredFile]] = list(manifest.partitions)
        for number, files in enumerate(partitions):
            if len(files) > FILES_A_PARTITION:
                partitions[number] = self._write_whole(number, self._read_files(files, SCHEMA))
        return self.write_manifest(_add_partitions(manifest, partitions))

    def _split(self, manifest: Manifest, n_partitions: int) -> Manifest:
        partitions: list[Sequence[StoredFile]] = [[] for _ in range(n_partitions)]
        for files in manifest.partitions:
            for number, rows in _cut_by_partition(self._read_files(files, SCHEMA), n_partitions):
                partitions[number] = self._write_whole(number, rows)
        return self.write_manifest(_add_partitions(manifest, partitions))

    def _write_whole(self, number: int, rows: Columns) -> list[StoredFile]:
        return [self._write(number, rows)] if len(rows["id"]) else []

    def _write(self, number: int, rows: Columns) -> StoredFile:
        """Write one file, ordered by listener and id, and flush it to the disk."""
        # loaded where it is needed: 30 MB of every process that only serves
        import pyarrow as pa
        import pyarrow.parquet as pq

        order = np.lexsort((rows["id"], rows["listener"]))
        table = pa.table({name: rows[name][order] for name in SCHEMA})
        path = self.folder / f"{number:03d}-{uuid.uuid4().hex}.parquet"
        pq.write_table(table, path, compression="zstd", compression_level=1)
        with path.open("rb") as file:
            os.fsync(file.fileno())
        return StoredFile(path.name, table.num_rows, path.stat().st_size)

    # -- reading ------------------------------------------------------------------------------------------

    def read_partition(self, files: Sequence[StoredFile], names: Iterable[str]) -> Columns:
        """Return columns of one partition, ordered by listener and id.

        Raises
        ------
        StoreDamaged
            A file cannot be read.
        """
        return self._read_files(files, list(names))

    def _read_files(self, files: Sequence[StoredFile], names: Iterable[str]) -> Columns:
        wanted = list(names)
        is_ordered = len(files) < 2
        read = wanted if is_ordered else [*wanted, *({"id", "listener"} - set(wanted))]
        row_groups = [self._read_file(file, read) for file in files]
        rows = join_columns(row_groups, read)
        if is_ordered:
            return rows
        order = np.lexsort((rows["id"], rows["listener"]))
        return {name: rows[name][order] for name in wanted}

    def _read_file(self, file: StoredFile, names: list[str]) -> Columns:
        import pyarrow as pa
        import pyarrow.parquet as pq

        try:
            table = pq.read_table(self.folder / file.name, columns=names, memory_map=False)
        except (OSError, pa.ArrowException) as error:
            raise StoreDamaged(f"{self.folder / file.name} can't be read: {error}") from error
        if table.num_rows != file.n_rows:
            raise StoreDamaged(f"{file.name} holds {table.num_rows} rows instead of {file.n_rows}.")
        return {
            name: table.column(name).to_numpy().astype(SCHEMA[name], copy=False) for name in names
        }

    def _check_length(self, file: StoredFile) -> None:
        path = self.folder / file.name
        try:
            n_bytes = path.stat().st_size
        except OSError as error:
            raise StoreDamaged(f"{path} is missing.") from error
        if n_bytes != file.n_bytes:
            raise StoreDamaged(f"{path} has {n_bytes} bytes instead of {file.n_bytes}.")


def join_columns(row_groups: Sequence[Columns], names: Iterable[str] = tuple(SCHEMA)) -> Columns:
    """Put rows behind one another; no parts give no rows."""
    if len(row_groups) == 1:
        return {name: row_groups[0][name] for name in names}
    empty = {name: np.zeros(0, dtype=SCHEMA[name]) for name in SCHEMA}
    return {name: np.concatenate([rows[name] for rows in (empty, *row_groups)]) for name in names}


def _cut_by_partition(rows: Columns, n_partitions: int) -> Iterator[tuple[int, Columns]]:
    """Yield each partition that has rows, with its rows."""
    if not len(rows["id"]):
        return
    if n_partitions == 1:
        yield 0, rows
        return
    numbers = find_partitions(rows["listener"], n_partitions)
    order = np.argsort(numbers, kind="stable")
    present, starts = np.unique(numbers[order], return_index=True)
    for number, positions in zip(present.tolist(), np.split(order, starts[1:]), strict=True):
        yield number, {name: column[positions] for name, column in rows.items()}


def _add_partitions(manifest: Manifest, partitions: Iterable[Sequence[StoredFile]]) -> Manifest:
    return replace(manifest, partitions=tuple(tuple(files) for files in partitions))


def _parse_manifest(values: Any, path: Path) -> Manifest:
    try:
        if values["format"] != FORMAT:
            raise StoreDamaged(f"{path} is of format {values['format']}, not {FORMAT}.")
        partitions = tuple(
            tuple(StoredFile(**file) for file in files) for files in values["partitions"]
        )
        lists = {
            name: tuple(int(number) for number in values[name]) for name in ("left_out", "outdated")
        }
        return Manifest(**{**values, **lists, "partitions": partitions})
    except (KeyError, TypeError, ValueError) as error:
        raise StoreDamaged(f"{path} is no manifest of this program: {error!r}") from error
