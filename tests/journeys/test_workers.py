"""Trainings by real worker processes, over every message queue that is supported."""

import math
import os
import signal
import socket
import threading
from contextlib import suppress

import pytest

from tests.journeys.conftest import (
    find_ended_run,
    list_session,
    long_training,
    request_training,
    run_row,
)
from tests.waiting import wait_for

BROKERS = {
    "filesystem": None,
    "redis": ("redis://127.0.0.1:6379/9", 6379),
    "rabbitmq": ("amqp://guest:guest@127.0.0.1:5672//", 5672),
}

# Fits a model in the parent, then becomes a worker: with forked children the training would hang for ever.
FITS_FIRST = """
import sys
from recommendations.engine import Recommender
from recommendations.engine.synthetic.world import World
Recommender().fit(World(n_listeners=300, n_songs=300, seed=1).to_interactions())
from celery.__main__ import main
sys.argv = ["celery", *sys.argv[1:]]
main()
"""


# one process of the tests after the other: a worker of another test would take the message from a shared server
@pytest.fixture(
    params=[
        pytest.param(name, marks=[pytest.mark.xdist_group(f"broker-{name}")] if server else [])
        for name, server in BROKERS.items()
    ]
)
def broker(request) -> str | None:
    """The address of a message queue that answers; None for the embedded one."""
    if BROKERS[request.param] is None:
        return None
    address, port = BROKERS[request.param]
    try:
        socket.create_connection(("127.0.0.1", port), timeout=1).close()
    except OSError:
        pytest.skip(f"No {request.param} answers at 127.0.0.1:{port}.")
    return address


def test_a_worker_trains_activates_and_precomputes(site, start_worker, broker):
    """T19: in a child of a process that has fitted a model itself."""
    if broker:
        site.settings["CELERY_BROKER_URL"] = broker
    start_worker(site, "-c", FITS_FIRST)
    run = request_training(site)
    row = wait_for(lambda: find_ended_run(site, run))
    assert (row["status"], row["error"]) == ("succeeded", "")
    assert site.query("SELECT COUNT(*) FROM recommendations_modelversion WHERE is_active") == [(1,)]
    assert site.query("SELECT COUNT(*) FROM recommendations_recommendationlist") == [(60,)]


def test_a_killed_worker_is_followed_by_another_and_cancelling_stops_it(site, start_worker):
    """T01, T11"""
    worker = start_worker(site)
    run = request_training(site, **long_training())
    first = wait_for(lambda: "fit als" in run_row(site, run)["stage"] and run_row(site, run))
    os.killpg(worker.pid, signal.SIGKILL)
    start_worker(site)
    second = wait_for(lambda: run_row(site, run)["attempt"] == 2 and run_row(site, run))
    assert second["owner"] != first["owner"]
    wait_for(lambda: "fit als" in run_row(site, run)["stage"])
    cancel = (
        "from recommendations.models import TrainingRun;"
        "from recommendations.services.training import training_requests"
    )
    site.shell(f"{cancel}; training_requests.cancel(TrainingRun.objects.get(pk={run}))")
    assert wait_for(lambda: find_ended_run(site, run))["status"] == "cancelled"
    assert site.query("SELECT COUNT(*) FROM recommendations_modelversion") == [(0,)]


def test_a_worker_touches_the_file_of_its_health_check_while_it_lives(site, start_worker, tmp_path):
    alive = tmp_path / "alive"
    site.settings["WORKER_ALIVE_FILE"] = str(alive)
    worker = start_worker(site)
    first = wait_for(lambda: alive.exists() and alive.stat().st_mtime)
    wait_for(lambda: alive.stat().st_mtime > first)
    worker.send_signal(signal.SIGTERM)
    assert worker.wait(timeout=120) == 0


def test_a_worker_told_to_stop_gives_its_training_back_and_ends(site, start_worker):
    """T26: nobody has to wait for the end of a training."""
    worker = start_worker(site)
    run = request_training(site, **long_training())
    wait_for(lambda: "fit als" in run_row(site, run)["stage"])
    worker.send_signal(signal.SIGTERM)
    assert worker.wait(timeout=120) == 0
    row = run_row(site, run)
    assert (row["status"], row["attempt"], row["owner"]) == ("queued", 0, "")


def test_without_the_queue_a_training_waits_and_says_so(site, start_worker):
    """T12: it starts when the queue is back."""
    site.settings["CELERY_BROKER_URL"] = "redis://127.0.0.1:1/0"
    run = request_training(site, precompute=False)
    row = run_row(site, run)
    assert row["status"] == "queued"
    assert "the message queue can't be reached" in row["stage"]
    del site.settings["CELERY_BROKER_URL"]
    start_worker(site)
    assert wait_for(lambda: find_ended_run(site, run))["status"] == "succeeded"


def test_a_like_is_stored_while_the_queue_is_gone(site):
    """T12"""
    site.settings["CELERY_BROKER_URL"] = "redis://127.0.0.1:1/0"
    site.shell(
        "from accounts.models import User; from catalog.models import Song;"
        "from catalog.listening import interactions as listening;"
        "listening.like_song(User.objects.get(username='user_00001'), "
        "Song.objects.get(key='song_00080'), source='test')"
    )
    assert site.query("SELECT COUNT(*) FROM catalog_interaction WHERE source = 'test'") == [(1,)]


def test_the_age_of_a_worker_can_be_seen(site, start_worker):
    """T13"""
    age = "from recommendations.services.operations import workers; print(workers.find_silence_seconds('training'))"
    assert site.shell(age) == "None"
    worker = start_worker(site)
    assert float(site.shell(age)) < 30
    worker.send_signal(signal.SIGTERM)
    worker.wait(timeout=120)
    assert site.shell(age) == "None"


HANGS_WHERE_TASKS_RUN = """
import sys, time
from pathlib import Path
if any("spawn_main" in argument for argument in sys.orig_argv):
    Path("{folder}/hangs").touch()
    while True:
        time.sleep(60)
"""


def test_an_idle_worker_waits_for_none_of_its_processes(site, start_worker, broker, tmp_path):
    """T26: one that still loads the site would first load it to its end; this one never comes to it."""
    if broker:
        site.settings["CELERY_BROKER_URL"] = broker
    (tmp_path / "sitecustomize.py").write_text(HANGS_WHERE_TASKS_RUN.format(folder=tmp_path))
    site.settings["PYTHONPATH"] = str(tmp_path)
    worker = start_worker(site)
    wait_for((tmp_path / "hangs").exists)
    worker.terminate()
    assert worker.wait(timeout=120) == 0
    wait_for(lambda: list_session(worker) == [])
    assert site.query("SELECT COUNT(*) FROM recommendations_workerheartbeat") == [(0,)]


class Relay:
    """Hands bytes on between a worker and its queue until it freezes, as a cable that is pulled."""

    def __init__(self, port: int, n_bytes: float = math.inf) -> None:
        self._target = port
        self._remaining = n_bytes
        self._is_frozen = threading.Event()
        self._server = socket.create_server(("127.0.0.1", 0))
        self.port = self._server.getsockname()[1]
        self._sockets: list[socket.socket] = [self._server]
        threading.Thread(target=self._accept, daemon=True).start()

    def freeze(self) -> None:
        self._is_frozen.set()

    def is_frozen(self) -> bool:
        return self._is_frozen.is_set()

    def close(self) -> None:
        for one in self._sockets:
            one.close()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                client, _ = self._server.accept()
                target = socket.create_connection(("127.0.0.1", self._target))
                self._sockets += [client, target]
                for pair in ((client, target), (target, client)):
                    threading.Thread(target=self._forward, args=pair, daemon=True).start()

    def _forward(self, source: socket.socket, sink: socket.socket) -> None:
        with suppress(OSError):
            while data := source.recv(65_536):
                self._remaining -= len(data)
                if self._remaining < 0:
                    self.freeze()
                if self.is_frozen():
                    return
                sink.sendall(data)


@pytest.mark.parametrize("n_bytes", [math.inf, 0, 4000])
@pytest.mark.parametrize(
    "name",
    [
        pytest.param(name, marks=pytest.mark.xdist_group(f"broker-{name}"))
        for name, server in BROKERS.items()
        if server
    ],
)
def test_an_idle_worker_ends_though_its_queue_has_frozen(site, start_worker, name, n_bytes):
    """T26: it waited for the answer to its goodbye, or to its greeting, for as long as nobody killed it."""
    address, port = BROKERS[name]
    try:
        socket.create_connection(("127.0.0.1", port), timeout=1).close()
    except OSError:
        pytest.skip(f"No {name} answers at 127.0.0.1:{port}.")
    relay = Relay(port, n_bytes)
    site.settings["CELERY_BROKER_URL"] = address.replace(f":{port}", f":{relay.port}")
    worker = start_worker(site, has_come=None if n_bytes == math.inf else relay.is_frozen)
    relay.freeze()
    worker.terminate()
    assert worker.wait(timeout=120) == 0
    relay.close()
    wait_for(lambda: list_session(worker) == [])
    assert site.query("SELECT COUNT(*) FROM recommendations_workerheartbeat") == [(0,)]


def test_a_worker_that_is_told_to_end_gives_its_training_back(site, start_worker):
    """T26: the process that trains is not killed with an idle one's haste; its row is free again at the end."""
    worker = start_worker(site)
    run = request_training(site, **long_training())
    wait_for(lambda: "fit als" in run_row(site, run)["stage"])
    worker.terminate()
    assert worker.wait(timeout=120) == 0
    wait_for(lambda: list_session(worker) == [])
    row = run_row(site, run)
    assert (row["status"], row["owner"]) == ("queued", "")
