"""One job of the cluster as a folder that all its machines see: what is asked, the data, how far it is, the result.

No web framework here: the machines of the cluster read this, too. Arrays are plain .npz files without pickle.
"""

import json
import os
import secrets
import shutil
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix

from recommendations.engine import ItemFeatures, RecommenderConfig
from recommendations.services.data.column_store import ColumnStore, Manifest

Arrays = dict[str, NDArray[Any]]

SILENCE = 60.0
"""Seconds without a sign of the process that asked after which a job ends itself."""
MEASURED, FINAL, LISTS = "measured", "final", "lists"


@dataclass(frozen=True)
class FitRequest:
    """What is to be learned.

    Attributes
    ----------
    config
        Of the recommender, as plain JSON types.
    held_out_share
        Share of the listeners who have songs held out, 0: nothing is measured.
    test_share
        Share of their songs that is held out.
    read_at
        When the events were read, in unix seconds; 0 for a folder of an older release.
    open_receipts
        The receipts of deletions that were open before, with the moment each was last added to.
    """

    config: dict[str, Any]
    seed: int
    held_out_share: float
    test_share: float
    last_interaction_id: int
    read_at: float = 0.0
    open_receipts: dict[str, str] = field(default_factory=dict)

    @property
    def recommender_config(self) -> RecommenderConfig:
        return RecommenderConfig.from_dict(self.config)


@dataclass(frozen=True)
class ListsRequest:
    """Which lists are to be made: of `artifact`, a folder that all machines see, `length` songs each.

    The listeners are in the arrays `listeners`, what must not come in `exclusions`.
    """

    artifact: str
    length: int


@dataclass(frozen=True)
class Progress:
    """How far a job is: which fit, what of it, and done of total."""

    fit: str
    stage: str
    done: int
    total: int


class JobFolder:
    """The files of one job."""

    def __init__(self, path: Path) -> None:
        self.path = path

    @property
    def store(self) -> ColumnStore:
        """The events: the files of the columnar copy as they were when the job was asked for."""
        return ColumnStore(self.path / "copy")

    @property
    def log(self) -> Path:
        return self.path / "driver.log"

    # -- what is asked --------------------------------------------------------------------------------------

    def link_events(self, source: ColumnStore, manifest: Manifest) -> None:
        """Take the files of the copy by hard links, so that they stay while the copy changes.

        Raises
        ------
        OSError
            A file is gone: the copy was changed meanwhile.
        """
        self.store.folder.mkdir(parents=True, exist_ok=True)
        for files in manifest.partitions:
            for file in files:
                _link(source.folder / file.name, self.store.folder / file.name)
        self.store.write_manifest(manifest)

    def write_songs(
        self, ids: NDArray[np.int64], durations_ms: NDArray[np.int64], features: ItemFeatures
    ) -> None:
        arrays: Arrays = {
            "ids": ids,
            "durations_ms": durations_ms,
            "audio": features.audio,
            "artist": features.artist,
        }
        if features.year is not None:
            arrays["year"] = features.year
        if features.genres is not None:
            genres = csr_matrix(features.genres)
            arrays |= {
                "genre_targets": genres.indices,
                "genre_starts": genres.indptr,
                "n_genres": np.array([genres.shape[1]]),
            }
        self.write_arrays("songs", arrays)

    def read_features(self) -> ItemFeatures:
        songs = self.read_arrays("songs")
        genres = None
        if "n_genres" in songs:
            values = np.ones(len(songs["genre_targets"]), dtype=bool)
            shape = (len(songs["ids"]), int(songs["n_genres"][0]))
            genres = csr_matrix((values, songs["genre_targets"], songs["genre_starts"]), shape)
        return ItemFeatures.build(
            songs["audio"], songs["artist"], genres=genres, year=songs.get("year")
        )

    def write_request(self, request: FitRequest | ListsRequest) -> None:
        """Write the request, last of all: a folder that has one is complete."""
        named = {"kind": type(request).__name__, "request": asdict(request)}
        _write_whole(self.path / "request.json", json.dumps(named).encode())

    @property
    def is_complete(self) -> bool:
        return (self.path / "request.json").exists()

    def read_any_request(self) -> FitRequest | ListsRequest:
        """Return what is asked.

        Raises
        ------
        FileNotFoundError
            The folder is not complete, or this machine does not see it.
        """
        named = json.loads((self.path / "request.json").read_bytes())
        kind = FitRequest if named["kind"] == FitRequest.__name__ else ListsRequest
        return kind(**named["request"])

    def read_request(self) -> FitRequest:
        """Return which fit is asked for; TypeError if something else is."""
        request = self.read_any_request()
        if not isinstance(request, FitRequest):
            raise TypeError(f"{self.path} asks for no fit.")
        return request

    def read_lists_request(self) -> ListsRequest:
        """Return which lists are asked for; TypeError if something else is."""
        request = self.read_any_request()
        if not isinstance(request, ListsRequest):
            raise TypeError(f"{self.path} asks for no lists.")
        return request

    def name_lists(self, number: int) -> Path:
        """Return the file of the lists of one shard; it is complete or not there."""
        return self.path / f"lists-{number:05d}.parquet"

    def find_lists(self) -> list[Path]:
        return sorted(self.path.glob("lists-*.parquet"))

    # -- arrays ---------------------------------------------------------------------------------------------

    def write_arrays(self, name: str, arrays: Mapping[str, NDArray[Any]]) -> None:
        """Write arrays under a name, as a whole or not at all."""
        self.path.mkdir(parents=True, exist_ok=True)
        _write_whole(self.path / f"{name}.npz", pack_arrays(arrays))

    def read_arrays(self, name: str) -> Arrays:
        return unpack_arrays((self.path / f"{name}.npz").read_bytes())

    def has_arrays(self, name: str) -> bool:
        return (self.path / f"{name}.npz").exists()

    # -- signs of life --------------------------------------------------------------------------------------

    def touch(self, token: str) -> None:
        """Say that the process that asked still waits for the answer, and which driver is to give it."""
        _write_whole(self.path / "asker", token.encode())

    def is_wanted(self, token: str) -> bool:
        """Return whether the asker showed a sign of life lately and waits for this driver."""
        path = self.path / "asker"
        try:
            return path.read_text() == token and time.time() - path.stat().st_mtime < SILENCE
        except OSError:
            return False

    def write_progress(self, progress: Progress) -> None:
        _write_whole(self.path / "progress.json", json.dumps(asdict(progress)).encode())

    def read_progress(self) -> Progress | None:
        try:
            return Progress(**json.loads((self.path / "progress.json").read_bytes()))
        except (FileNotFoundError, ValueError):
            return None

    # -- the result -----------------------------------------------------------------------------------------

    def write_result(self, result: Mapping[str, Any]) -> None:
        _write_whole(self.path / "result.json", json.dumps(result).encode())

    def read_result(self) -> dict[str, Any] | None:
        try:
            result: dict[str, Any] = json.loads((self.path / "result.json").read_bytes())
        except FileNotFoundError:
            return None
        return result

    def remove(self) -> None:
        shutil.rmtree(self.path, ignore_errors=True)


def pack_arrays(arrays: Mapping[str, NDArray[Any]]) -> bytes:
    """Return arrays as the bytes of one .npz file."""
    file = BytesIO()
    np.savez(file, allow_pickle=False, **arrays)
    return file.getvalue()


def unpack_arrays(packed: bytes) -> Arrays:
    with np.load(BytesIO(packed), allow_pickle=False) as file:
        return {name: file[name] for name in file.files}


def _write_whole(path: Path, content: bytes) -> None:
    # a name of its own: the driver's watch and its main thread write the same files
    arriving = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    try:
        arriving.write_bytes(content)
        arriving.replace(path)
    finally:
        arriving.unlink(missing_ok=True)


def _link(source: Path, target: Path) -> None:
    """Link a file, or copy it where the disk has no links."""
    if target.exists():
        return
    try:
        os.link(source, target)
    except FileNotFoundError:
        raise
    except OSError:
        shutil.copyfile(source, target)
