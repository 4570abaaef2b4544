"""Trainings when processes are killed, disks are full and messages come twice."""

import hashlib
import json
import os
import random
import signal
import subprocess
import time
from pathlib import Path

import psutil
import pytest

from tests.conftest import Installation
from tests.journeys.conftest import (  # noqa: F401  (fixtures)
    find_ended_run,
    long_training,
    request_training,
    run_row,
    seeded_sqlite,
    site,
    start_worker,
    stop_between_writes,
)
from tests.waiting import wait_for

pytestmark = pytest.mark.reliability

KILLS = 30

# Each line that is read starts a process that trains: a fork of this one, which has imported everything.
TRAINS_FOR_EVER = """
import os, sys
from recommendations import tasks
from recommendations.models import TrainingRun
from recommendations.services.training import pipeline, training_requests
while sys.stdin.readline():
    if process := os.fork():
        os.waitpid(process, 0)
        print("over", flush=True)
    else:
        break
else:
    sys.exit()
print(os.getpid(), flush=True)
training_requests.sweep()
while True:
    try:
        run = training_requests.request_training(trigger="command", options={"evaluate": False, "precompute": False})
    except training_requests.TrainingAlreadyActive:
        run = TrainingRun.objects.active().get()
    print("begins", flush=True)
    pipeline.run_training(run.pk)
"""


def training_of_seconds() -> dict:
    """Options of a training that ends, after longer than a lease or a broker's patience in these tests."""
    options = long_training()
    options["config"]["components"]["als"]["n_iterations"] = 20_000
    return options


def whole(folder: Path, manifest_sha256: str) -> bool:
    """True when every byte of an artifact is what was saved; checked without the program."""
    manifest = (folder / "manifest.json").read_bytes()
    files = json.loads(manifest)["arrays"].values()
    return hashlib.sha256(manifest).hexdigest() == manifest_sha256 and all(
        hashlib.sha256((folder / entry["file"]).read_bytes()).hexdigest() == entry["sha256"]
        for entry in files
    )


def wait_for_line(process: subprocess.Popen, text: str) -> None:
    """Read what a process prints up to this line."""
    assert any(line == f"{text}\n" for line in process.stdout)


def test_every_ready_version_is_whole_after_thirty_kills(site: Installation):  # noqa: F811
    """T03"""
    site.settings["VERSIONS_KEPT"] = "1000"
    site.settings["LEFTOVERS_AFTER_SECONDS"] = "0"
    rng = random.Random(3)
    n_kills, longest, ready = 0, 0.6, []
    trainer = site.start(
        "manage.py", "shell", "-v0", "-c", TRAINS_FOR_EVER,
        stdin=subprocess.PIPE, stdout=subprocess.PIPE,
    )  # fmt: skip
    while n_kills < KILLS or not ready:
        trainer.stdin.write("\n")
        trainer.stdin.flush()
        process = int(trainer.stdout.readline())
        wait_for_line(trainer, "begins")
        time.sleep(rng.uniform(0.0, longest))
        os.kill(process, signal.SIGKILL)
        wait_for_line(trainer, "over")
        n_kills += 1
        ready = site.query(
            "SELECT artifact, manifest_sha256 FROM recommendations_modelversion WHERE state = 'ready'"
        )
        if not ready:
            longest *= 1.1  # a slow machine needs longer for a whole training
    trainer.communicate()
    artifacts = site.folder / "data/artifacts"
    assert all(whole(artifacts / artifact, digest) for artifact, digest in ready)
    site.shell(
        "from recommendations.models import TrainingRun;"
        "from recommendations.services.training import training_requests;"
        "from recommendations.services.versions import registry;"
        "training_requests.sweep(); TrainingRun.objects.active().update(status='cancelled');"
        "registry.sweep_leftovers()"
    )
    assert {path.name for path in artifacts.iterdir()} == {artifact for artifact, _ in ready}


def test_a_killed_child_is_retried_and_then_given_up_with_the_reason(site, start_worker):  # noqa: F811
    """T02: the worker lives, the process that trains is killed each time."""
    site.settings["JOB_ATTEMPTS"] = "2"
    start_worker(site)
    run = request_training(site, **long_training())
    for attempt in (1, 2):
        row = wait_for(
            lambda n=attempt: (
                (r := run_row(site, run))["attempt"] == n and "fit als" in r["stage"] and r
            ),
        )
        os.kill(int(row["owner"].split(":")[1]), signal.SIGKILL)
        site.shell("from recommendations import tasks; tasks.sweep_and_wake(wait=True)")
    row = wait_for(lambda: find_ended_run(site, run))
    assert row["status"] == "failed"
    assert "stopped without a word in 2 attempts" in row["error"]


def test_a_silent_worker_is_overtaken_and_changes_nothing_later(site, start_worker, tmp_path):  # noqa: F811
    """T10: the first worker is stopped in its tracks until another one has taken its training up."""
    site.settings["JOB_LEASE_SECONDS"] = "2"
    options = training_of_seconds()
    silent = start_worker(site)
    run = request_training(site, **options)
    first = wait_for(lambda: "fit als" in run_row(site, run)["stage"] and run_row(site, run))
    stop_between_writes(silent, site)
    start_worker(site)

    def second_attempt():
        """Look as the schedule does every 15 s, which is not running here."""
        site.shell("from recommendations import tasks; tasks.sweep_and_wake(wait=True)")
        return (row := run_row(site, run))["attempt"] == 2 and row

    assert wait_for(second_attempt)["owner"] != first["owner"]
    os.killpg(silent.pid, signal.SIGCONT)
    log = next(tmp_path.glob("worker0@*.log"))
    wait_for(lambda: "attempt 1 writes nothing more" in log.read_text())
    row = wait_for(lambda: find_ended_run(site, run))
    assert (row["status"], row["attempt"]) == ("succeeded", 2)
    assert site.query("SELECT COUNT(*) FROM recommendations_modelversion") == [(1,)]
    assert silent.poll() is None


def test_a_message_that_redis_delivers_again_makes_no_second_version(site, start_worker):  # noqa: F811
    """T14: the visibility timeout is shorter than the training."""
    import socket

    try:
        socket.create_connection(("127.0.0.1", 6379), timeout=1).close()
    except OSError:
        pytest.skip("No redis answers at 127.0.0.1:6379.")
    site.settings |= {
        "CELERY_BROKER_URL": "redis://127.0.0.1:6379/10",
        "BROKER_VISIBILITY_TIMEOUT": "2",
    }
    options = training_of_seconds()
    start_worker(site)
    start_worker(site)
    run = request_training(site, **options)
    row = wait_for(lambda: find_ended_run(site, run))
    assert (row["status"], row["attempt"]) == ("succeeded", 1)
    time.sleep(5)
    assert site.query("SELECT COUNT(*) FROM recommendations_modelversion") == [(1,)]


def test_a_full_disk_fails_the_run_and_likes_go_on(site, tmp_path):  # noqa: F811
    """T04: artifacts on a disk of 64 kB."""
    small = tmp_path / "small"
    small.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", str(small)],
        capture_output=True,
        check=False,
    )
    if mounted.returncode != 0:
        pytest.skip("This user can't mount a small disk.")
    try:
        assert "is trained" in site.manage("train_model", "--no-evaluation", "--no-precompute")
        site.settings["ARTIFACTS_DIR"] = str(small)
        output = site.manage("train_model", "--no-evaluation", "--no-precompute", ok=False)
        assert f"No space left on the disk of {small}" in output
        assert "Traceback" not in output
        assert list(small.iterdir()) == []
    finally:
        subprocess.run(["umount", str(small)], check=True)
    del site.settings["ARTIFACTS_DIR"]
    assert "  1. " in site.manage("recommend", "--listener", "user_00001")
    assert site.query("SELECT COUNT(*) FROM recommendations_modelversion WHERE is_active") == [(1,)]


def test_a_cancelled_training_returns_its_memory(site, start_worker):  # noqa: F811
    """T11: the process that trained ends, the worker goes on with a fresh one."""
    worker = start_worker(site, "-m", "celery", options=["--max-tasks-per-child", "1"])
    run = request_training(site, **long_training())
    row = wait_for(lambda: (r := run_row(site, run)) and "fit als" in r["stage"] and r)
    trains = int(row["owner"].split(":")[1])
    assert trains != worker.pid and psutil.pid_exists(trains)

    site.shell(
        "from recommendations.models import TrainingRun;"
        "from recommendations.services.training import training_requests;"
        f"training_requests.cancel(TrainingRun.objects.get(pk={run}))"
    )

    assert wait_for(lambda: find_ended_run(site, run))["status"] == "cancelled"
    wait_for(lambda: not psutil.pid_exists(trains))
    again = request_training(site, precompute=False)
    assert wait_for(lambda: find_ended_run(site, again))["status"] == "succeeded"


PRESSES = """
from recommendations import tasks
from recommendations.services.training import training_requests
print("ready", flush=True)
input()
try:
    print({press})
except training_requests.TrainingAlreadyActive as error:
    print(error)
"""
BY_HAND = "'begun', tasks.start_training(trigger='admin').pk"
BY_SCHEDULE = "tasks.retrain()"


@pytest.mark.parametrize("database", ["sqlite", "postgresql"])
def test_two_admins_and_the_schedule_press_at_once(site, request, database):  # noqa: F811
    """T08: three processes at the same moment; one run, and the others get the number of the one in the way."""
    if database == "postgresql":
        site.database_url = request.getfixturevalue("migrated_postgresql")()
        site.manage("seed_demo_data", "--listeners=20", "--songs=30", "--seed=3")
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
    pressed = [
        site.start("manage.py", "shell", "-v0", "-c", PRESSES.format(press=press), **pipes)
        for press in (BY_HAND, BY_HAND, BY_SCHEDULE)
    ]
    for process in pressed:
        assert process.stdout.readline() == "ready\n"
    for process in pressed:
        process.stdin.write("\n")
        process.stdin.flush()
    outputs = [process.communicate(timeout=500)[0] for process in pressed]

    refusals = [
        text for text in outputs if "is queued; it has to end or be cancelled first" in text
    ]
    assert len(refusals) == 2, outputs
    runs = "from recommendations.models import TrainingRun; print(TrainingRun.objects.count())"
    assert site.shell(runs) == "1"
