"""One `run_site` for one folder of data: the schedule and the workers of a second would do everything again."""

import errno
import fcntl
import os
from pathlib import Path

from django.conf import settings

from musicrec_site.ops.supervisor import CannotServe

CLAIM = settings.RUN_LOCK.name
NO_LOCKS_HERE = (errno.ENOLCK, errno.ENOTSUP)
"""A network folder without locks: the operator has to see to it that only one runs."""


def claim_folder(folder: Path, address: str) -> int:
    """Keep `folder` for this process; return the open lock file. Raises CannotServe.

    The kernel holds the lock: a process that is killed leaves none behind, and the program that replaces this one keeps
    it. Processes that are only started do not get it.
    """
    try:
        file = os.open(folder / CLAIM, os.O_RDWR | os.O_CREAT, 0o600)
    except OSError as error:
        raise CannotServe(f"{folder} can't be written ({error.strerror}).") from None
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        other = os.read(file, 200).decode() or "another address"
        os.close(file)
        raise CannotServe(
            f"Musicrec already runs on the data in {folder}, at {other}. Stop it there first, "
            "or give this one a folder of its own: make run DATA_DIR=/another/folder"
        ) from None
    except OSError as error:
        if error.errno not in NO_LOCKS_HERE:
            os.close(file)
            raise CannotServe(f"{folder / CLAIM} can't be locked ({error.strerror}).") from None
    try:
        os.ftruncate(file, 0)
        os.pwrite(file, address.encode(), 0)
    except OSError as error:
        raise CannotServe(
            f"{folder} can't be written ({error.strerror}); make room and start again."
        ) from None
    os.set_inheritable(file, True)
    return file
