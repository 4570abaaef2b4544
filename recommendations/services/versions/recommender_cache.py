"""The recommenders of this process: read from their files once, checked, and let go when the files are gone."""

import hashlib
import threading
from collections import OrderedDict
from pathlib import Path

from django.conf import settings

from recommendations.conf import conf
from recommendations.engine import ArtifactError, Recommender
from recommendations.models import ModelVersion

MANIFEST = "manifest.json"


class RegistryError(Exception):
    """A version cannot do what was asked of it; the message says which and why."""


class BrokenVersion(RegistryError):
    """The files of a version are missing or damaged."""


class RecommenderCache:
    """The recommenders in this process's memory, least recently used first; safe for threads.

    One is held by its folder and the digest of its manifest, so that files at another path, or others at the same one,
    are read anew.
    """

    def __init__(self) -> None:
        self._by_files: OrderedDict[tuple[Path, str], Recommender] = OrderedDict()
        self._lock = threading.Lock()

    def get(self, version: ModelVersion) -> Recommender:
        """Return the recommender of a version. Raises BrokenVersion when its files are missing or damaged."""
        files = (get_folder(version), version.manifest_sha256)
        with self._lock:
            self._drop_removed()
            if files not in self._by_files:
                self._by_files[files] = _load(version)
            self._by_files.move_to_end(files)
            while len(self._by_files) > conf.loaded_versions:
                self._by_files.popitem(last=False)
            return self._by_files[files]

    def _drop_removed(self) -> None:
        """Drop the recommenders whose files are gone: pruned, or replaced because a listener went."""
        for folder, digest in list(self._by_files):
            if not folder.exists():
                del self._by_files[folder, digest]

    def forget(self, version: ModelVersion) -> None:
        """Drop what was loaded from the folder of a version."""
        with self._lock:
            for folder, digest in list(self._by_files):
                if folder == get_folder(version):
                    del self._by_files[folder, digest]


def _load(version: ModelVersion) -> Recommender:
    folder = get_folder(version)
    try:
        if compute_manifest_digest(folder) != version.manifest_sha256:
            raise BrokenVersion(
                f"{version.name}: {MANIFEST} in {folder.name} is not the one that was registered."
            )
        return Recommender.load(folder, verify=True)
    except FileNotFoundError as error:
        raise BrokenVersion(f"{version.name}: {error.filename} is missing.") from error
    except ArtifactError as error:
        raise BrokenVersion(f"{version.name}: {error}") from error


def follow_replacement(version: ModelVersion) -> bool:
    """Let `version` name the files that its row names now; return whether these are others.

    Where a listener goes, the files are replaced, perhaps between reading the row and reading them.
    """
    row = ModelVersion.objects.filter(pk=version.pk).values("artifact", "manifest_sha256").first()
    if row is None or row["artifact"] == version.artifact:
        return False
    version.artifact, version.manifest_sha256 = row["artifact"], row["manifest_sha256"]
    return True


def get_folder(version: ModelVersion) -> Path:
    return settings.ARTIFACTS_DIR / version.artifact


def compute_manifest_digest(folder: Path) -> str:
    return hashlib.sha256((folder / MANIFEST).read_bytes()).hexdigest()
