"""A saved recommender: one folder with manifest.json and plain .npy files. The engine's only disk access.

Writing is all or nothing: a hidden folder beside the target, every file flushed to the disk, then one rename.
Reading trusts nothing: no pickle is ever opened, and a folder with anything missing, damaged, added or of
another version is refused with one sentence.
"""

from __future__ import annotations

import hashlib
import json
import os
import secrets
import shutil
import tokenize
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, TypeVar

import numpy as np
from numpy.typing import NDArray

FORMAT_VERSION = 1
MANIFEST = "manifest.json"
UNFINISHED = ".unfinished-"
MOST_MANIFEST_BYTES = 16 * 2**20
_ENTRY_TYPES = {
    "file": str,
    "dtype": str,
    "shape": list,
    "n_bytes": int,
    "sha256": str,
    "finite": bool,
}

T = TypeVar("T")

# What numpy raises for headers that are none, or that speak of more than there is.
_NO_ARRAY = (
    ValueError, OSError, EOFError, TypeError, OverflowError, SyntaxError, RecursionError, tokenize.TokenError,
)  # fmt: skip


class ArtifactError(Exception):
    """A saved recommender cannot be used; the message is one sentence that says why."""


class MissingArtifact(ArtifactError):
    """There is no saved recommender at that place."""


class CorruptArtifact(ArtifactError):
    """The bytes are not those that were saved."""


class UnsupportedArtifact(ArtifactError):
    """Saved in a format or with contents that this program does not accept."""


@dataclass(frozen=True)
class Manifest:
    """What a folder holds.

    Attributes
    ----------
    arrays
        Name -> file, dtype, shape, n_bytes, sha256 and whether all its values are finite.
    about
        What the owner of the arrays wrote beside them: config and metadata.
    digest
        sha256 of everything else in the manifest, so it names the whole artifact.
    """

    format_version: int
    arrays: dict[str, dict[str, Any]]
    about: dict[str, Any]
    digest: str

    @property
    def n_bytes(self) -> int:
        """Size of all arrays on disk."""
        return sum(entry["n_bytes"] for entry in self.arrays.values())


def save(directory: Path, arrays: Mapping[str, NDArray[Any]], about: Mapping[str, Any]) -> Manifest:
    """Write the arrays into a new folder; on any error nothing is left at `directory`.

    Raises
    ------
    ArtifactError
        The folder exists already.
    OSError
        The disk is full or not writable.
    """
    directory = Path(directory)
    if directory.exists():
        raise ArtifactError(f"{directory} exists already; an artifact is never overwritten.")
    directory.parent.mkdir(parents=True, exist_ok=True)
    unfinished = directory.parent / f"{UNFINISHED}{directory.name}-{secrets.token_hex(4)}"
    unfinished.mkdir(mode=0o700)
    try:
        entries = {name: _write_array(unfinished, name, array) for name, array in arrays.items()}
        manifest = _make_manifest(entries, dict(about))
        _write_and_flush(unfinished / MANIFEST, _encode_manifest(manifest, with_digest=True))
        _flush_folder(unfinished)
        unfinished.rename(directory)
        _flush_folder(directory.parent)
    except BaseException:
        shutil.rmtree(unfinished, ignore_errors=True)
        raise
    return manifest


def load(directory: Path, *, verify: bool = True) -> tuple[dict[str, NDArray[Any]], dict[str, Any]]:
    """Return the arrays, mapped from the disk read-only, and what was written about them.

    Parameters
    ----------
    verify
        Read every byte and compare checksums. Without it only sizes, types and shapes are compared.

    Raises
    ------
    ArtifactError
    """
    directory = Path(directory)
    manifest = read_manifest(directory)
    _refuse_unknown_files(directory, manifest)
    arrays = {
        name: _read_array(directory / entry["file"], entry, verify)
        for name, entry in manifest.arrays.items()
    }
    return arrays, manifest.about


def read_manifest(directory: Path) -> Manifest:
    """Return the manifest of a saved recommender after checking it against its own digest."""
    path = Path(directory) / MANIFEST
    if not path.is_file():
        raise MissingArtifact(
            f"There is no saved recommender in {directory} ({MANIFEST} is missing)."
        )
    if path.stat().st_size > MOST_MANIFEST_BYTES:
        raise CorruptArtifact(f"{path} is damaged: it is too large for a manifest.")
    try:
        values = json.loads(path.read_text(encoding="utf-8"))
        version = values["format_version"]
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise CorruptArtifact(f"{path} is damaged: it is not a manifest.") from error
    if version != FORMAT_VERSION:
        raise UnsupportedArtifact(
            f"{directory} has format version {version}, this program reads {FORMAT_VERSION}; train a new model."
        )
    return _check_manifest(path, values)


def verify(directory: Path) -> Manifest:
    """Read and check everything; return the manifest."""
    load(directory, verify=True)
    return read_manifest(directory)


def restore(directory: Path, build: Callable[[], T]) -> T:
    """Build something from loaded arrays; arrays that do not fit together are a corrupt artifact."""
    try:
        return build()
    except (KeyError, ValueError, TypeError, IndexError, OverflowError) as error:
        raise CorruptArtifact(f"{directory} does not hold a whole recommender: {error}.") from error


def _write_array(folder: Path, name: str, array: NDArray[Any]) -> dict[str, Any]:
    array = np.ascontiguousarray(array)
    if array.dtype.hasobject:
        raise ArtifactError(f"The array {name} holds Python objects, which are never saved.")
    path = folder / f"{name}.npy"
    with path.open("xb") as file:
        np.lib.format.write_array(file, array, allow_pickle=False)
        file.flush()
        os.fsync(file.fileno())
    return {
        "file": path.name,
        "dtype": array.dtype.str,
        "shape": list(array.shape),
        "n_bytes": path.stat().st_size,
        "sha256": _compute_sha256(path),
        "finite": _is_finite(array),
    }


def _make_manifest(entries: dict[str, dict[str, Any]], about: dict[str, Any]) -> Manifest:
    plain = _encode_manifest(Manifest(FORMAT_VERSION, entries, about, digest=""), with_digest=False)
    # through JSON, so that the digest is of what a reader will see (lists for tuples)
    return _parse_manifest(json.loads(plain))


def _parse_manifest(values: Mapping[str, Any]) -> Manifest:
    manifest = Manifest(values["format_version"], values["arrays"], values["about"], digest="")
    digest = hashlib.sha256(_encode_manifest(manifest, with_digest=False)).hexdigest()
    return Manifest(manifest.format_version, manifest.arrays, manifest.about, digest)


def _encode_manifest(manifest: Manifest, *, with_digest: bool) -> bytes:
    values: dict[str, Any] = {
        "format_version": manifest.format_version,
        "arrays": manifest.arrays,
        "about": manifest.about,
    }
    if with_digest:
        values["digest"] = manifest.digest
    return json.dumps(values, indent=1, sort_keys=True, allow_nan=False).encode()


def _check_manifest(path: Path, values: Mapping[str, Any]) -> Manifest:
    try:
        manifest = _parse_manifest(values)
        files = [str(entry["file"]) for entry in manifest.arrays.values()]
        stored_digest = values["digest"]
        is_described = isinstance(manifest.about, dict) and all(
            isinstance(entry[name], kind)
            for entry in manifest.arrays.values()
            for name, kind in _ENTRY_TYPES.items()
        )
    except (KeyError, TypeError, AttributeError, ValueError, RecursionError) as error:
        raise CorruptArtifact(f"{path} is damaged: it is not a manifest.") from error
    if not is_described:
        raise CorruptArtifact(f"{path} is damaged: it is not a manifest.")
    if stored_digest != manifest.digest:
        raise CorruptArtifact(f"{path} was changed after it was saved.")
    if any(Path(file).name != file or not file.endswith(".npy") for file in files):
        raise UnsupportedArtifact(f"{path} names a file that is not a .npy file of its folder.")
    return manifest


def _refuse_unknown_files(directory: Path, manifest: Manifest) -> None:
    expected = {entry["file"] for entry in manifest.arrays.values()} | {MANIFEST}
    unknown = sorted({path.name for path in directory.iterdir()} - expected)
    if unknown:
        raise UnsupportedArtifact(
            f"{directory} holds {unknown[0]}, which its manifest does not name; it is refused."
        )


def _read_array(path: Path, entry: Mapping[str, Any], verify: bool) -> NDArray[Any]:
    if not path.is_file() or path.is_symlink():
        raise CorruptArtifact(f"{path} is missing.")
    size = path.stat().st_size
    if size != entry["n_bytes"]:
        raise CorruptArtifact(f"{path} has {size} bytes, {entry['n_bytes']} were saved.")
    if verify and _compute_sha256(path) != entry["sha256"]:
        raise CorruptArtifact(f"{path} was changed after it was saved (its checksum differs).")
    array = _map_array(path)
    if array.dtype.str != entry["dtype"] or list(array.shape) != entry["shape"]:
        raise CorruptArtifact(f"{path} has another type or shape than was saved.")
    if verify and entry["finite"] and not _is_finite(array):
        raise CorruptArtifact(f"{path} holds NaN or infinite values.")
    return array


def _map_array(path: Path) -> NDArray[Any]:
    try:
        # an empty file cannot be mapped
        mode: Literal["r"] | None = "r" if _count_values(path) else None
        array: NDArray[Any] = np.load(path, mmap_mode=mode, allow_pickle=False)
    except _NO_ARRAY as error:
        raise UnsupportedArtifact(f"{path} is not a plain array: {error}.") from error
    array.flags.writeable = False
    return array


def _count_values(path: Path) -> int:
    with path.open("rb") as file:
        version = np.lib.format.read_magic(file)
        read = (
            np.lib.format.read_array_header_1_0
            if version == (1, 0)
            else np.lib.format.read_array_header_2_0
        )
        return int(np.prod(read(file)[0]))


def _is_finite(array: NDArray[Any]) -> bool:
    return array.dtype.kind not in "fc" or bool(np.isfinite(array).all())


def _compute_sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _write_and_flush(path: Path, content: bytes) -> None:
    with path.open("xb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())


def _flush_folder(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
