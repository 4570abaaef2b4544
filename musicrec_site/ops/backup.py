"""A backup is one file: a tar with the database, the artifacts of its versions and a list of checksums.

Not in it: SECRET_KEY and the other settings (they live in the environment), and messages on their way.
"""

import hashlib
import json
import os
import shutil
import tarfile
import tempfile
from dataclasses import asdict, dataclass, field
from pathlib import Path, PurePosixPath
from typing import Any

from django.conf import settings
from django.db import connection, connections
from django.utils import timezone

from musicrec_site.ops import snapshot
from musicrec_site.ops.snapshot import Counts, SnapshotError
from recommendations.models import ModelVersion

FORMAT = 1
CONTENTS = "backup.json"
ARTIFACTS = "artifacts"


class BackupError(Exception):
    """A backup could not be made or cannot be used; the message says why and what to do."""


@dataclass(frozen=True)
class Contents:
    """What a backup holds: the rows of each table and the sha256 of each file."""

    created_at: str
    vendor: str
    database: str
    counts: Counts
    files: dict[str, str]
    artifacts: list[str] = field(default_factory=list)
    format: int = FORMAT

    @property
    def n_rows(self) -> int:
        return sum(self.counts.values())


# --- Making one -------------------------------------------------------------------------------------------------------


def make_backup(target: Path) -> Contents:
    """Write a backup of this moment to `target`; the site may go on serving and learning meanwhile.

    Raises BackupError when the target exists or a version was pruned under our hands three times.
    """
    if target.exists():
        raise BackupError(f"{target} exists already; a backup is never overwritten.")
    target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".backup-", dir=target.parent) as folder:
        contents = _collect_files(Path(folder) / "contents")
        packed = Path(folder) / "backup.tar"
        _pack(Path(folder) / "contents", packed)
        packed.rename(target)
    _flush(target.parent)
    return contents


def build_default_path() -> Path:
    """Return a new file in DATA_DIR/backups, named by this moment."""
    return Path(settings.DATA_DIR) / "backups" / f"musicrec-{timezone.now():%Y%m%d-%H%M%S}.tar"


def _collect_files(folder: Path) -> Contents:
    for _attempt in range(3):
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(mode=0o700)
        try:
            counts = snapshot.take_snapshot(folder / snapshot.get_file_name())
        except SnapshotError as error:
            raise BackupError(str(error)) from error
        missing = _copy_artifacts(folder / ARTIFACTS)
        if not missing:
            return _list_contents(folder, counts)
        # A version of the copied database was pruned before its files were copied: take both again.
        if not ModelVersion.objects.usable().filter(artifact__in=missing).exists():
            continue
        raise BackupError(
            f"The files of the version in {missing[0]} are missing; see `python manage.py doctor`."
        )
    raise BackupError("Versions kept being pruned during the backup; try again.")


def _copy_artifacts(folder: Path) -> list[str]:
    """Copy the files of all usable versions; return the names of folders that are not there."""
    folder.mkdir()
    missing = []
    for artifact in ModelVersion.objects.usable().values_list("artifact", flat=True):
        try:
            shutil.copytree(settings.ARTIFACTS_DIR / artifact, folder / artifact)
        except (FileNotFoundError, shutil.Error):
            missing.append(artifact)
    return missing


def _list_contents(folder: Path, counts: Counts) -> Contents:
    files = {
        path.relative_to(folder).as_posix(): _compute_sha256(path)
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }
    contents = Contents(
        created_at=timezone.now().isoformat(),
        vendor=connection.vendor,
        database=snapshot.get_file_name(),
        counts=counts,
        files=files,
        artifacts=sorted(path.name for path in (folder / ARTIFACTS).iterdir()),
    )
    (folder / CONTENTS).write_text(json.dumps(asdict(contents), indent=1))
    return contents


def _pack(folder: Path, target: Path) -> None:
    with target.open("xb") as file:
        target.chmod(0o600)
        with tarfile.open(fileobj=file, mode="w") as archive:
            archive.add(folder / CONTENTS, CONTENTS)
            for path in sorted(folder.iterdir()):
                if path.name != CONTENTS:
                    archive.add(path, path.name)
        file.flush()
        os.fsync(file.fileno())


# --- Using one --------------------------------------------------------------------------------------------------------


def read_backup(source: Path, folder: Path) -> Contents:
    """Unpack a backup and check every byte of it.

    Raises BackupError when it is damaged, holds more or less than it says, or is of another format.
    """
    try:
        with tarfile.open(source) as archive:
            archive.extractall(folder, filter="data")
        values = json.loads((folder / CONTENTS).read_text())
        contents = _parse_contents(values)
    except tarfile.ReadError as error:  # its own words name every way of packing that was tried
        raise BackupError(
            f"{source} is not a usable backup: it is no tar file, or one that is cut off."
        ) from error
    except (OSError, tarfile.TarError, ValueError, KeyError, TypeError) as error:
        raise BackupError(f"{source} is not a usable backup: {error}.") from error
    _check_files(folder, contents)
    try:
        snapshot.check_snapshot(folder / contents.database, contents.counts)
    except SnapshotError as error:
        raise BackupError(str(error)) from error
    return contents


def _parse_contents(values: dict[str, Any]) -> Contents:
    if not isinstance(values, dict):
        raise ValueError(f"{CONTENTS} is no object")
    if values.get("format") != FORMAT:
        raise ValueError(f"its format is {values.get('format')!r} and this program reads {FORMAT}")
    contents = Contents(**values)
    if not (isinstance(contents.files, dict) and isinstance(contents.counts, dict)):
        raise ValueError(f"{CONTENTS} does not list its files and tables")
    names = [*contents.files, contents.database, *contents.artifacts]
    if strange := [name for name in names if not _is_inside(name)]:
        raise ValueError(f"it names a file outside of itself ({strange[0]})")
    if contents.database not in contents.files or "/" in contents.database:
        raise ValueError(f"the database it names is not one of its files ({contents.database})")
    return contents


def _is_inside(name: object) -> bool:
    if not isinstance(name, str) or not name or "\0" in name or "\\" in name:
        return False
    return not PurePosixPath(name).is_absolute() and not {"", ".", ".."} & set(name.split("/"))


def _check_files(folder: Path, contents: Contents) -> None:
    on_disk = {
        path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()
    } - {CONTENTS}
    if odd := on_disk ^ set(contents.files):
        raise BackupError(f"The backup is incomplete or was changed: {sorted(odd)[0]}.")
    for name, sha256 in contents.files.items():
        if _compute_sha256(folder / name) != sha256:
            raise BackupError(f"The backup is damaged: {name} is not what was written.")


def restore_backup(source: Path) -> Contents:
    """Replace the database and bring back the artifacts of a backup. The site should be stopped.

    Everything is checked before anything is replaced. Raises BackupError.
    """
    with tempfile.TemporaryDirectory(prefix=".restore-", dir=settings.DATA_DIR) as name:
        folder = Path(name)
        contents = read_backup(source, folder)
        if contents.vendor != connection.vendor:
            raise BackupError(
                f"The backup is of {contents.vendor} and DATABASE_URL points to {connection.vendor}. "
                "Restore it where it is from and use `python manage.py move_database`."
            )
        _restore_artifacts(folder / ARTIFACTS)
        try:
            snapshot.restore_snapshot(folder / contents.database, contents.counts)
        except SnapshotError as error:
            raise BackupError(str(error)) from error
    connections.close_all()
    return contents


def _restore_artifacts(folder: Path) -> None:
    """Put folders in place by rename. One of the same name holds the same bytes or is damaged: it is replaced."""
    if not folder.is_dir():
        return
    for artifact in folder.iterdir():
        target = settings.ARTIFACTS_DIR / artifact.name
        arriving = settings.ARTIFACTS_DIR / f".arriving-{artifact.name}"
        shutil.rmtree(arriving, ignore_errors=True)
        shutil.copytree(artifact, arriving)
        shutil.rmtree(target, ignore_errors=True)
        arriving.rename(target)
    _flush(settings.ARTIFACTS_DIR)


def _compute_sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _flush(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
