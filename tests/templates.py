"""Migrated databases made once, however many processes a run of the tests has, and copied where one is needed."""

import fcntl
import hashlib
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
ROOMS = ("accounts", "catalog", "common", "musicrec_site", "recommendations")
SECONDS_A_DAY = 86_400


def name_state(root: Path = ROOT) -> str:
    """Return a name for the state of the code and of the locked packages: others mean other tables."""
    digest = hashlib.sha256()
    code = (path for room in ROOMS for path in (root / room).rglob("*.py"))
    for path in sorted([root / "requirements.lock", *code]):
        digest.update(path.relative_to(root).as_posix().encode())
        digest.update(path.read_bytes())
    return digest.hexdigest()[:32]


def choose_kept_file(folder: Path) -> Path:
    """Return where the migrated database of this state of the code is kept; those of other states go after a day.

    Another run, begun before the code was changed, may still copy its own.
    """
    kept = folder / f"{name_state()}.sqlite3"
    for other in folder.glob("*.sqlite3"):
        if other != kept and other.stat().st_mtime < time.time() - SECONDS_A_DAY:
            other.unlink(missing_ok=True)
    return kept


def get_run_folder(tmp_path_factory, worker_id: str) -> Path:
    """Return the folder that all processes of a test run share."""
    own = tmp_path_factory.getbasetemp()
    return own if worker_id == "master" else own.parent


@contextmanager
def hold_lock(path: Path) -> Iterator[None]:
    """Wait until no other process holds this lock, and hold it."""
    with path.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def make_once(path: Path, make: Callable[[Path], None]) -> Path:
    """Return a file that the first process to ask for it makes; the others wait for it."""
    with hold_lock(path.with_suffix(".lock")):
        if not path.exists():
            unfinished = path.with_suffix(".unfinished")
            make(unfinished)
            unfinished.rename(path)
    return path
