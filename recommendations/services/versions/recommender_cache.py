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
    """The recommenders in this process's memory, least recently used first; safe for threads."""

    def __init__(self) -> None:
        self._by_version: OrderedDict[int, tuple[str, Recommender, Path]] = OrderedDict()
        self._lock = threading.Lock()

    def get(self, version: ModelVersion) -> Recommender:
        with self._lock:
            held = self._by_version.get(version.pk)
            if held is None or held[0] != version.manifest_sha256:
                held = (version.manifest_sha256, _load(version), get_folder(version))
                self._by_version[version.pk] = held
            self._by_version.move_to_end(version.pk)
            self._drop_replaced()
            while len(self._by_version) > conf.loaded_versions:
                self._by_version.popitem(last=False)
            return held[1]

    def _drop_replaced(self) -> None:
        """Let go of recommenders whose files are gone: pruned, or replaced because a listener went."""
        for version_id, (_digest, _recommender, folder) in list(self._by_version.items()):
            if not folder.exists():
                del self._by_version[version_id]

    def forget(self, version_id: int | None = None) -> None:
        with self._lock:
            if version_id is None:
                self._by_version.clear()
            else:
                self._by_version.pop(version_id, None)


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
