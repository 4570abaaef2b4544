"""Read public listening histories in the layout of ListenBrainz' Spark dumps: parquet files, also inside tar files."""

import tarfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from numpy.typing import NDArray

EVENT = np.dtype([("listener", "<u4"), ("time", "<u4"), ("recording", "<u8"), ("artist", "<u8")])
"""One listen: seconds since 1970, and the ids of `hash_mbids`; artist 0 where none is named."""
EVENT_COLUMNS = ("listened_at", "user_id", "recording_mbid", "artist_credit_mbids")
NAME_COLUMNS = ("recording_mbid", "recording_name", "artist_name", "artist_credit_mbids")
ROWS_AT_A_TIME = 500_000


class DumpRefused(ValueError):
    """A file can't be read as listens; the message is one sentence that names it."""


@dataclass(frozen=True)
class DumpFile:
    """One parquet file, on the disk or inside a tar file."""

    path: Path
    member: str | None
    n_bytes: int
    modified: float

    @property
    def name(self) -> str:
        return f"{self.path.name}:{self.member}" if self.member else self.path.name

    @contextmanager
    def open(self) -> Iterator[pq.ParquetFile]:
        """Open the file as parquet; nothing is unpacked to the disk.

        Raises
        ------
        DumpRefused
            It is no parquet file, or damaged.
        """
        with self._open_bytes() as stream:
            try:
                yield pq.ParquetFile(stream)
            except (pa.ArrowException, OSError) as error:
                reason = str(error).splitlines()[0][:200]
                raise DumpRefused(f"{self.name} can't be read as parquet: {reason}") from error

    @contextmanager
    def _open_bytes(self) -> Iterator[IO[bytes]]:
        if self.member is None:
            with self.path.open("rb") as stream:
                yield stream
            return
        with tarfile.open(self.path, "r:") as archive:
            member = archive.extractfile(self.member)
            if member is None:
                raise DumpRefused(f"{self.name} is no file.")
            with member:
                yield member


def find_dump_files(folder: Path) -> list[DumpFile]:
    """Return the parquet files of a folder and of the tar files in it, by name.

    Raises
    ------
    DumpRefused
        There is none, or a tar file is compressed or damaged.
    """
    if not folder.is_dir():
        raise DumpRefused(f"{folder} is no folder.")
    files = []
    for path in sorted(folder.rglob("*")):
        if path.suffix == ".parquet" and path.is_file():
            files.append(DumpFile(path, None, path.stat().st_size, path.stat().st_mtime))
        elif path.suffix == ".tar" and path.is_file():
            files += _list_tar(path)
        elif ".tar." in path.name and "canonical" not in path.name:
            raise DumpRefused(
                f"{path.name} is compressed; unpack it first (tar --extract --file {path.name})."
            )
    if not files:
        raise DumpRefused(f"There is no parquet file and no tar file with one in {folder}.")
    return files


def _list_tar(path: Path) -> list[DumpFile]:
    try:
        with tarfile.open(path, "r:") as archive:
            return [
                DumpFile(path, member.name, member.size, path.stat().st_mtime)
                for member in archive
                if member.isfile() and member.name.endswith(".parquet")
            ]
    except tarfile.TarError as error:
        raise DumpRefused(f"{path.name} can't be read as a tar file: {error}.") from error


def read_events(file: DumpFile) -> Iterator[tuple[NDArray[Any], int]]:
    """Yield (events, n_rows) of a file: listens with a recording id and a time, of all rows read.

    Raises
    ------
    DumpRefused
        The file is damaged or lacks a column.
    """
    for batch in _read_batches(file, EVENT_COLUMNS):
        recordings = hash_mbids(batch.column("recording_mbid"))
        times = _read_seconds(batch.column("listened_at"), file)
        listeners = (
            batch.column("user_id").cast(pa.int64()).fill_null(-1).to_numpy(zero_copy_only=False)
        )
        usable = (
            (recordings != 0)
            & (times > 0)
            & (times < 2**32)
            & (listeners >= 0)
            & (listeners < 2**32)
        )
        events = np.empty(int(usable.sum()), dtype=EVENT)
        events["listener"] = listeners[usable]
        events["time"] = times[usable]
        events["recording"] = recordings[usable]
        events["artist"] = hash_mbids(_find_first_of_each(batch.column("artist_credit_mbids")))[
            usable
        ]
        yield events, batch.num_rows


@dataclass(frozen=True)
class Names:
    """What some rows call their recordings, (n_rows,) each; ids as of `hash_mbids`."""

    recordings: NDArray[np.uint64]
    artists: NDArray[np.uint64]
    mbids: pa.Array
    titles: pa.Array
    artist_names: pa.Array
    artist_mbids: pa.Array
    n_artists: NDArray[np.int32]


def read_names(file: DumpFile) -> Iterator[Names]:
    """Yield the names in a file, batch by batch."""
    for batch in _read_batches(file, NAME_COLUMNS):
        artist_mbids = _find_first_of_each(batch.column("artist_credit_mbids"))
        yield Names(
            hash_mbids(batch.column("recording_mbid")),
            hash_mbids(artist_mbids),
            batch.column("recording_mbid"),
            batch.column("recording_name"),
            batch.column("artist_name"),
            artist_mbids,
            pc.list_value_length(batch.column("artist_credit_mbids"))
            .fill_null(0)
            .to_numpy(zero_copy_only=False),
        )


def _read_batches(file: DumpFile, columns: tuple[str, ...]) -> Iterator[pa.RecordBatch]:
    with file.open() as parquet:
        missing = [name for name in columns if name not in parquet.schema_arrow.names]
        if missing:
            raise DumpRefused(
                f"{file.name} has no column {missing[0]}; is it a Spark dump of ListenBrainz?"
            )
        yield from parquet.iter_batches(batch_size=ROWS_AT_A_TIME, columns=list(columns))


def _read_seconds(column: pa.Array, file: DumpFile) -> NDArray[np.int64]:
    if pa.types.is_timestamp(column.type):
        column = column.cast(pa.timestamp("s", tz=column.type.tz), safe=False)
    elif not pa.types.is_integer(column.type):
        raise DumpRefused(f"{file.name} holds listened_at as {column.type}, not as a time.")
    numbers: NDArray[np.int64] = column.cast(pa.int64()).fill_null(0).to_numpy(zero_copy_only=False)
    return numbers


def _find_first_of_each(lists: pa.Array) -> pa.Array:
    """Return the first text of each list, null for an empty one."""
    first: list[Any] | pa.Array = pc.list_slice(lists, 0, 1)
    lengths = pc.list_value_length(first).fill_null(0).to_numpy(zero_copy_only=False)
    values = pc.list_flatten(first)
    takes = np.where(lengths > 0, np.cumsum(lengths) - 1, -1)
    return values.take(pa.array(takes, mask=takes < 0))


_HEX_VALUE = np.full(256, 255, dtype=np.uint8)
for _digit in range(16):
    _HEX_VALUE[ord(f"{_digit:x}")] = _HEX_VALUE[ord(f"{_digit:X}")] = _digit


def hash_mbids(column: pa.Array) -> NDArray[np.uint64]:
    """Return a 64-bit number for each MusicBrainz id, 0 where there is none: its halves, mixed.

    Two of 30 million ids share a number with a probability of about 1 in 40,000.
    """
    encoded = column.dictionary_encode()
    texts = encoded.dictionary.cast(pa.string())
    numbers = np.zeros(len(texts) + 1, dtype=np.uint64)
    looks_right = pc.fill_null(pc.equal(pc.binary_length(texts), 36), False)
    rows = np.flatnonzero(looks_right.to_numpy(zero_copy_only=False))
    if len(rows):
        digits = pc.replace_substring(texts.take(pa.array(rows)), "-", "")
        has_32 = pc.equal(pc.binary_length(digits), 32).to_numpy(zero_copy_only=False)
        rows, digits = rows[has_32], digits.filter(pa.array(has_32))
        joined = np.frombuffer("".join(digits.to_pylist()).encode("utf-8"), dtype=np.uint8)
        values = _HEX_VALUE[joined].reshape(len(rows), 32)
        is_hex = (values < 16).all(axis=1)
        octets = (values[is_hex, 0::2] << 4) | values[is_hex, 1::2]
        halves = np.ascontiguousarray(octets).view(">u8").astype(np.uint64)
        numbers[rows[is_hex]] = np.maximum(
            halves[:, 0] ^ ((halves[:, 1] << 13) | (halves[:, 1] >> 51)), 1
        )
    indices = encoded.indices.fill_null(len(texts)).to_numpy(zero_copy_only=False)
    row_numbers: NDArray[np.uint64] = numbers[indices]
    return row_numbers
