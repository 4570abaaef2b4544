"""Starts the site's processes together, restarts one that dies, and stops all of them cleanly.

Web server, three workers and the schedule have a process group each, so that a Ctrl-C on the
terminal reaches only the supervisor, which then ends them in order: on all of them at once it also
breaks the workers' helpers, which then get the signal to leave too early. This file is run as a
program by `run_site` and imports nothing of the site, so that watching it takes little memory.
"""

import ctypes
import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

BASE_DIR = Path(__file__).resolve().parents[2]
STOP_SECONDS = 30.0
JOB_SECONDS = 10.0
"""How long a worker may go on with its job when the site stops; then the job goes back into the queue."""
STARTS_A_MINUTE = 5
PR_SET_PDEATHSIG = 1


class CannotServe(Exception):
    """The site can't be started or kept running; the message says why."""


@dataclass
class Child:
    """One process of the site, started again when it dies."""

    name: str
    command: list[str]
    has_jobs: bool = False
    process: subprocess.Popen[bytes] | None = None
    starts: deque[float] = field(default_factory=deque)

    def start(self) -> None:
        now = time.monotonic()
        self.starts.append(now)
        while self.starts[0] < now - 60:
            self.starts.popleft()
        self.process = subprocess.Popen(
            self.command,
            cwd=BASE_DIR,
            stdin=subprocess.DEVNULL,
            process_group=0,
            preexec_fn=_die_with_parent,
        )

    @property
    def is_running(self) -> bool:
        return self.process is not None and self.process.poll() is None

    @property
    def may_start_again(self) -> bool:
        return len(self.starts) < STARTS_A_MINUTE

    def send(self, signal_number: int) -> None:
        if self.process is not None and self.is_running:
            self.process.send_signal(signal_number)


def _die_with_parent() -> None:
    """Ask the kernel to end this process when the supervisor is killed; only Linux can."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)


def list_children(host: str, port: int) -> list[Child]:
    """Return the processes of the site."""
    celery = [sys.executable, *["-m", "celery", "--app", "musicrec_site", "--quiet"]]
    beat = [*celery, "beat", "--loglevel", "WARNING", "--pidfile", "", "--max-interval", "15"]
    return [
        Child("web server", _make_web_command(host, port)),
        # A training has a process of its own, which ends with it and gives its memory back.
        Child(
            "training worker",
            [*_make_worker_command(celery, "training", "training"), "--max-tasks-per-child", "1"],
            has_jobs=True,
        ),
        # An import or a computation of lists gives way after some seconds, but mail does not wait for it.
        Child(
            "imports worker",
            _make_worker_command(celery, "imports", "imports,lists"),
            has_jobs=True,
        ),
        Child("worker", _make_worker_command(celery, "default", "default,mail"), has_jobs=True),
        Child("schedule", beat),
    ]


def _make_web_command(host: str, port: int) -> list[str]:
    server = "-m gunicorn --worker-class musicrec_site.server.web_worker.WebWorker --threads 8"
    # its socket for control would lie in the home folder, and two sites of one user would share it
    options = "--graceful-timeout 20 --log-level warning --no-control-socket"
    logs = "--logger-class musicrec_site.logs.server_log.ServerLog"
    words = f"{server} {options} {logs}".split()
    return [sys.executable, *words, "--bind", f"{host}:{port}", "musicrec_site.wsgi"]


def _make_worker_command(celery: list[str], name: str, queues: str) -> list[str]:
    options = "--loglevel WARNING --concurrency 1 --without-mingle --without-gossip"
    return [*celery, "worker", *options.split(), "--queues", queues, "--hostname", f"{name}@%h"]


class Supervisor:
    """Runs the children until a signal stops it, or one of them keeps dying."""

    def __init__(self, host: str, port: int, say: Callable[[str], None]) -> None:
        self.host, self.port, self.say = host, port, say
        self.children = list_children(host, port)
        self._stop_signal: int | None = None
        self._ready = False

    def run(self) -> None:
        """Serve until SIGINT or SIGTERM; raises CannotServe."""
        require_free_port(self.host, self.port)
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, self._note_stop_request)
        try:
            for child in self.children:
                child.start()
            while self._stop_signal is None:
                self._look_after()
                time.sleep(0.2)
        finally:
            self._stop()

    def _note_stop_request(self, number: int, frame: Any) -> None:
        self._stop_signal = number

    def _look_after(self) -> None:
        for child in self.children:
            if child.is_running or child.process is None or self._stop_signal is not None:
                continue
            if not child.may_start_again:
                code = child.process.returncode
                raise CannotServe(
                    f"The {child.name} ended {STARTS_A_MINUTE} times in a minute (exit code {code})."
                )
            self.say(
                f"The {child.name} ended (exit code {child.process.returncode}) and is started again."
            )
            child.start()
        if not self._ready and self.answers():
            self._ready = True
            shown = os.environ.get("SITE_URL") or self.address
            self.say(f"Musicrec is at {shown} (Ctrl-C stops it)")

    @property
    def address(self) -> str:
        return f"http://{self.host}:{self.port}"

    def answers(self) -> bool:
        try:
            with socket.create_connection((self.host, self.port), timeout=0.2):
                pass
            urllib.request.urlopen(f"{self.address}/healthz", timeout=5).close()  # noqa: S310
        except urllib.error.HTTPError:
            return True
        except OSError:
            return False
        return True

    def _stop(self) -> None:
        """End the children: politely, and after STOP_SECONDS not."""
        self.say("Stopping …")
        self._send(signal.SIGTERM)
        self._wait(JOB_SECONDS)
        for child in self.children:
            if child.has_jobs:  # a worker that holds one says so itself
                child.send(signal.SIGQUIT)
        self._wait(STOP_SECONDS - JOB_SECONDS)
        for child in self.children:
            if child.is_running:
                self.say(f"The {child.name} did not end within {STOP_SECONDS:.0f} s and is killed.")
                child.send(signal.SIGKILL)
        self._wait(5.0)
        self.say("Stopped.")

    def _send(self, number: int) -> None:
        for child in self.children:
            child.send(number)

    def _wait(self, seconds: float) -> None:
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline and any(child.is_running for child in self.children):
            time.sleep(0.1)


def require_free_port(host: str, port: int) -> None:
    """Raise CannotServe when somebody else serves at this address."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            raise CannotServe(
                f"Port {port} of {host} can't be used ({os.strerror(error.errno or 0)}); "
                f"stop what serves there or choose another one: make run PORT={port + 1}"
            ) from None


def say(sentence: str) -> None:
    """Print; a terminal that was closed must not keep the children from being ended in order."""
    try:
        print(_format_line(sentence), flush=True)  # noqa: T201
    except OSError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _format_line(sentence: str) -> str:
    """Return the sentence, as an object like the site's own lines where a collector reads them."""
    if os.environ.get("LOG_FORMAT") != "json":
        return sentence
    now = datetime.now(UTC).isoformat().replace("+00:00", "Z")
    line = {
        "event": sentence,
        "logger": "musicrec_site.ops.supervisor",
        "level": "info",
        "timestamp": now,
    }
    return json.dumps(line, ensure_ascii=False)


def run_supervisor(host: str, port: str) -> int:
    """Serve until a signal stops it; return the exit code."""
    try:
        Supervisor(host, int(port), say).run()
    except CannotServe as error:
        print(error, file=sys.stderr, flush=True)  # noqa: T201
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(run_supervisor(*sys.argv[1:]))
