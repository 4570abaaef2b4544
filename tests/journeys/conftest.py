"""A small site with real worker processes."""

import os
import shutil
import signal
import socket
import sqlite3
import subprocess
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from pathlib import Path

import psutil
import pytest

from tests.conftest import ON_SERVERS, Installation, postgresql_databases, redis_settings
from tests.templates import get_run_folder, make_once
from tests.waiting import wait_for


@pytest.fixture(scope="session")
def seeded_sqlite(tmp_path_factory, worker_id, migrated_sqlite) -> Path:
    """A database with a small world, made once for all processes of the run and copied where one is needed."""

    def make_world(path: Path) -> None:
        shutil.copy(migrated_sqlite, path)
        small = Installation(tmp_path_factory.mktemp("seeded"), f"sqlite:///{path}")
        small.manage("seed_demo_data", "--listeners=60", "--songs=80", "--seed=3")
        small.query("PRAGMA wal_checkpoint(TRUNCATE)")

    return make_once(get_run_folder(tmp_path_factory, worker_id) / "seeded.sqlite3", make_world)


@pytest.fixture(scope="session")
def seeded_postgresql(tmp_path_factory):
    """The same world on PostgreSQL; a function that makes a copy of it and returns the copy's address."""
    folder = tmp_path_factory.mktemp("seeded-server")
    with postgresql_databases("seeded") as make:
        small = Installation(folder, make())
        small.manage("migrate", "--verbosity=0", "--skip-checks")
        small.manage("seed_demo_data", "--listeners=60", "--songs=80", "--seed=3")
        yield lambda: make(template=small.database_url)


@pytest.fixture
def site(tmp_path, request, worker_id) -> Installation:
    """An installation with a small world and short times, on servers where the tests are."""
    (tmp_path / "data").mkdir(mode=0o700)
    quick = {
        "SWEEP_PATIENCE_SECONDS": "0.5",
        "WORKER_HEARTBEAT_SECONDS": "1",
        "LOG_LEVEL": "WARNING",
    }
    # Threads of a fit wait for each other: beside other work on few cores a second one only makes it slower.
    quick["OMP_NUM_THREADS"] = "1"
    if ON_SERVERS:
        number = 0 if worker_id == "master" else int(worker_id.removeprefix("gw"))
        quick |= redis_settings(broker=7 + number % 2, cache=4 + number % 2)
        return Installation(tmp_path, request.getfixturevalue("seeded_postgresql")(), quick)
    shutil.copy(request.getfixturevalue("seeded_sqlite"), tmp_path / "musicrec.sqlite3")
    return Installation(tmp_path, f"sqlite:///{tmp_path / 'musicrec.sqlite3'}", quick)


@pytest.fixture
def start_worker(tmp_path) -> Iterator[Callable[..., subprocess.Popen]]:
    """Return a function that starts a worker of all queues in a group of its own; all are killed at the end.

    What they logged is shown with a test that fails.
    """
    started: list[subprocess.Popen] = []

    def start(
        site: Installation,
        *before: str,
        options: Sequence[str] = (),
        has_come: Callable[[], object] | None = None,
    ) -> subprocess.Popen:
        name = f"worker{len(started)}@{tmp_path.name}"
        arguments = before or ("-m", "celery")
        command = [
            *arguments,
            "--app",
            "musicrec_site",
            "worker",
            "--queues",
            "training,imports,lists,default,mail",
            "--hostname",
            name,
            *options,
        ]
        with (tmp_path / f"{name}.log").open("w") as log:
            worker = site.start(
                *command, "--concurrency", "1", stdout=log, stderr=log, start_new_session=True
            )
        started.append(worker)
        wait_for(
            has_come
            or (
                lambda: site.query(
                    f"SELECT 1 FROM recommendations_workerheartbeat WHERE worker LIKE '{name}%'"
                )
            )
        )
        return worker

    yield start
    for worker in started:
        kill_group(worker)
    for log in sorted(tmp_path.glob("worker*.log")):
        print(f"--- {log.name}\n{log.read_text()}")


def stop_between_writes(worker: subprocess.Popen, site: Installation) -> None:
    """Stop a worker in its tracks, but not in the middle of a write: that would stop SQLite for everybody."""

    def stop_worker() -> bool:
        os.killpg(worker.pid, signal.SIGSTOP)
        if not site.database_url.startswith("sqlite"):
            return True
        try:
            with closing(sqlite3.connect(site.sqlite_file, timeout=1)) as database:
                database.execute("BEGIN IMMEDIATE")
        except sqlite3.OperationalError:
            os.killpg(worker.pid, signal.SIGCONT)
            return False
        return True

    wait_for(stop_worker)


def kill_group(process: subprocess.Popen) -> None:
    """Kill a process with everything it started, without asking."""
    try:
        os.killpg(process.pid, signal.SIGKILL)
    except ProcessLookupError:
        return
    process.wait()


def list_session(process: subprocess.Popen) -> list[psutil.Process]:
    """Return what runs in the session that this process leads."""
    members = []
    for each in psutil.process_iter():
        try:
            if os.getsid(each.pid) == process.pid and each.status() != psutil.STATUS_ZOMBIE:
                members.append(each)
        except (ProcessLookupError, psutil.NoSuchProcess):
            continue
    return members


def kill_session(process: subprocess.Popen) -> None:
    """Kill a session's leader with everything it started, whatever group that is in."""
    for member in list_session(process):
        member.kill()
    process.wait()


@pytest.fixture
def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def request_training(site: Installation, **options) -> int:
    """Ask for a training as the admin page does and return the run's number."""
    options = {"evaluate": False} | options
    run = f"tasks.start_training(trigger='admin', options={options})"
    return int(site.shell(f"from recommendations import tasks; print({run}.pk)"))


def run_row(site: Installation, run_id: int) -> dict:
    """Return the run's row as it is now."""
    names = ("status", "stage", "owner", "attempt", "error", "log")
    columns = ", ".join(names)
    rows = site.query(f"SELECT {columns} FROM recommendations_trainingrun WHERE id = {run_id}")
    return dict(zip(names, rows[0], strict=True))


def find_ended_run(site: Installation, run_id: int) -> dict | None:
    row = run_row(site, run_id)
    return None if row["status"] in ("queued", "running") else row


def long_training() -> dict:
    """Options of a training that goes on for minutes, one short iteration after the other."""
    from recommendations.engine import PRESETS

    components = PRESETS["classic"].to_dict()["components"]
    components["als"]["n_iterations"] = 1_000_000
    return {"config": {"components": components}, "evaluate": False, "precompute": False}
