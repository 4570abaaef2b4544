"""pip with a bar: installs a lock file and shows on a terminal how far it is and how long it still takes.

The Makefile runs this file as a program while nothing is installed yet, so it needs the standard library only.
"""

import re
import subprocess
import sys
import sysconfig
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

FETCHING = 0.4
"""Share of the time that fetching the packages takes on a good line; unpacking them takes the rest."""
WIDTH = 30


class Progress:
    """How far pip is: it says each package that it fetches, and unpacks them one after the other into a folder."""

    def __init__(self, n_packages: int, unpacked: Callable[[], int]) -> None:
        self._n_packages = max(n_packages, 1)
        self._n_fetched = 0
        self._unpacked, self._n_before = unpacked, unpacked()
        self._started = time.monotonic()

    def hear(self, line: str) -> None:
        """Take a line of what pip says."""
        if line.startswith(("Collecting ", "Requirement already satisfied: ")):
            self._n_fetched = min(self._n_fetched + 1, self._n_packages)

    @property
    def fraction(self) -> float:
        """How far it is, 0 to 1."""
        n_unpacked = min(self._unpacked() - self._n_before, self._n_packages)
        return (FETCHING * self._n_fetched + (1 - FETCHING) * n_unpacked) / self._n_packages

    def line(self) -> str:
        """Return the bar, how far it is, and how long it still takes if it goes on as it did."""
        done = self.fraction
        seconds = (time.monotonic() - self._started) * (1 - done) / done if done else None
        filled = round(WIDTH * done)
        left = "" if seconds is None else f"{seconds:.0f} s left"
        return f"{'█' * filled}{' ' * (WIDTH - filled)} {100 * done:3.0f} %  {left}"


def install(lock: Path) -> int:
    """Install everything of a lock file into the environment of this Python; return pip's exit code."""
    packages = re.findall(r"^[\w.-]+==", lock.read_text(encoding="utf-8"), re.MULTILINE)
    folder = Path(sysconfig.get_path("purelib"))
    progress = Progress(len(packages), lambda: len(list(folder.glob("*.dist-info"))))
    command = [sys.executable, "-m", "pip", "--disable-pip-version-check", "install", "--progress-bar=off"]
    command += ["--require-hashes", "-r", str(lock)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as pip, _drawn(progress):
        for line in pip.stdout or ():
            progress.hear(line)
    return pip.returncode


@contextmanager
def _drawn(progress: Progress) -> Iterator[None]:
    """Draw the bar twice a second on a terminal; nothing when nobody watches."""
    over = threading.Event()
    drawing = threading.Thread(target=_draw, args=(progress, over), daemon=True)
    if sys.stderr.isatty():
        drawing.start()
    try:
        yield
    finally:
        over.set()
        if drawing.ident:
            drawing.join()


def _draw(progress: Progress, over: threading.Event) -> None:
    while not over.wait(0.5):
        print(f"\r{progress.line()}\x1b[K", end="", file=sys.stderr, flush=True)  # noqa: T201
    print("\r\x1b[K", end="", file=sys.stderr, flush=True)  # noqa: T201


if __name__ == "__main__":
    try:
        sys.exit(install(Path(sys.argv[1])))
    except KeyboardInterrupt:
        sys.exit(130)
