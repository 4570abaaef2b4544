"""The last warnings and errors, kept in a file so that the operator's pages can show them.

Processes of one installation share the file: each line is appended in one piece, and a process that finds the file too
long puts it aside under a lock.
"""

import fcntl
import json
import logging
import os
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

LARGEST_BYTES = 1_000_000
"""The file and the one before it may each be so long."""
LONGEST_LINE = 100_000
OF_VISITORS = "musicrec.visitors"
"""The logger for what was wrong with a request: a line on standard error, and nothing that the operator has to see."""


class KeptLog(logging.Handler):
    """Appends lines to a file; a line that can't be written is lost, never the request that wrote it."""

    def __init__(self, path: str) -> None:
        super().__init__(level=logging.WARNING)
        self.path = Path(path)

    def filter(self, record: logging.LogRecord) -> bool:
        return not _is_of_a_visitor(record) and bool(super().filter(record))

    def emit(self, record: logging.LogRecord) -> None:
        try:
            line = self.format(record)[:LONGEST_LINE].replace("\n", " ")
            self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            _put_aside(self.path)
            handle = os.open(self.path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
            try:
                os.write(handle, f"{line}\n".encode(errors="replace"))
            finally:
                os.close(handle)
        except OSError:
            # The line is on standard error, too, and cleaned of secrets there, as what `handleError` prints is not; a
            # full disk is said by the health page.
            return
        except Exception:  # noqa: BLE001  (as logging's own handlers do: a line that can't be formatted)
            self.handleError(record)


def _is_of_a_visitor(record: logging.LogRecord) -> bool:
    """Return whether a line is about a request that was answered 4xx, or repeats what Django says of a failed one.

    Mistyped addresses, by the thousand from robots, would push out what is wrong with the site.
    """
    if record.name in ("django_structlog.middlewares.request", OF_VISITORS):
        return True
    if record.name.startswith("django.security."):  # another site's name, a form without its token
        return True
    return record.name == "django.request" and getattr(record, "status_code", 500) < 500


@dataclass(frozen=True)
class LogLine:
    """One line of the log: when, how serious, which part of the program, what happened and the error's last line."""

    at: datetime
    level: str
    logger: str
    event: str
    error: str


def read_last_lines(path: Path, n: int) -> list[LogLine]:
    """Return the newest lines, newest first; lines that are cut off are left out."""
    newest: list[LogLine] = []
    for file in (path, _get_older(path)):
        for line in _read_backwards(file):
            if len(newest) == n:
                return newest
            newest.append(line)
    return newest


def _get_older(path: Path) -> Path:
    return path.with_name(f"{path.name}.1")


def _put_aside(path: Path) -> None:
    """Rename a file that is too long, replacing the older one; only one of several processes does it."""
    if not path.exists() or path.stat().st_size < LARGEST_BYTES:
        return
    with path.with_name(f"{path.name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if path.exists() and path.stat().st_size >= LARGEST_BYTES:
            path.replace(_get_older(path))


def _read_backwards(file: Path) -> Iterator[LogLine]:
    if not file.exists():
        return
    for text in reversed(file.read_text(errors="replace").splitlines()):
        try:
            line = json.loads(text)
            at = datetime.fromisoformat(line["timestamp"])
        except (ValueError, KeyError, TypeError):
            continue
        trace = str(line.get("exception", "")).strip().splitlines()
        yield LogLine(
            at,
            str(line.get("level", "")),
            str(line.get("logger", "")),
            str(line.get("event", "")),
            trace[-1] if trace else "",
        )
