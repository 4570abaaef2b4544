"""The server of compose.yaml without containers: its commands and environment, real PostgreSQL and Redis."""

import json
import os
import re
import signal
from pathlib import Path

import pytest
import yaml

from tests.reliability.conftest import Web
from tests.waiting import wait_for

pytestmark = pytest.mark.reliability

SERVICES = yaml.safe_load((Path(__file__).resolve().parents[2] / "compose.yaml").read_text())[
    "services"
]
PROCESSES = ("web", "worker", "imports", "training", "beat")
REDIS = "redis://127.0.0.1:6379/11"


def build_environment(name: str, url: str, port: int) -> dict[str, str]:
    """Return what compose.yaml gives a service, with the names of containers replaced by this machine."""
    chosen = {"SITE_URL": f"http://127.0.0.1:{port}"}

    def fill_defaults(text: str) -> str:
        return re.sub(r"\$\{(\w+)(?::[-?]([^}]*))?\}", lambda m: chosen.get(m[1], m[2] or ""), text)

    given = {key: fill_defaults(str(value)) for key, value in SERVICES[name]["environment"].items()}
    here = {
        "DATABASE_URL": url,
        "CELERY_BROKER_URL": REDIS,
        "CACHE_URL": REDIS.replace("/11", "/12"),
    }
    return {
        key: value for key, value in (given | here).items() if key not in ("DATA_DIR", "SECRET_KEY")
    }


def build_command(name: str, port: int, folder: Path) -> list[str]:
    words = [
        str(word).replace("0.0.0.0:8000", f"127.0.0.1:{port}") for word in SERVICES[name]["command"]
    ]
    words = [word.replace("/tmp/beat.pid", str(folder / "beat.pid")) for word in words]
    return words if words[0] == "python" else ["-m", *words]


@pytest.fixture
def server(installation, postgresql, free_port, tmp_path):
    """All processes of the server profile; yields (installation, web, processes by name)."""
    redis = pytest.importorskip("redis")
    try:
        for number in ("11", "12"):
            redis.Redis.from_url(
                REDIS.replace("/11", f"/{number}"), socket_connect_timeout=2
            ).flushdb()
    except redis.ConnectionError:
        pytest.skip("No Redis answers at 127.0.0.1:6379.")
    installation.database_url = postgresql()
    installation.settings |= build_environment("web", installation.database_url, free_port)
    installation.settings["PROMETHEUS_MULTIPROC_DIR"] = str(tmp_path / "metrics")
    installation.manage(*SERVICES["migrate"]["command"][2:], "--verbosity=0")
    installation.manage("seed_demo_data", "--listeners=60", "--songs=80", "--seed=3")
    running = {}
    for name in PROCESSES:
        with (tmp_path / f"{name}.log").open("w") as log:
            command = build_command(name, free_port, tmp_path)
            running[name] = installation.start(
                *command, stdout=log, stderr=log, start_new_session=True
            )
    web = Web(f"http://127.0.0.1:{free_port}", running["web"])
    yield installation, web, running
    for process in running.values():
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()


def test_the_server_trains_serves_and_ends_well(server, tmp_path):
    """T26, and the deployment of compose.yaml: a training asked for in the web process is done by the worker."""
    installation, web, running = server
    wait_for(web.answers)
    wait_for(lambda: '"worker": {"status": "ok"' in web.call("/readyz")[1])

    run = installation.shell(
        "from recommendations import tasks; print(tasks.start_training(trigger='admin').pk)"
    )
    look = f"from recommendations.models import TrainingRun as T; print(T.objects.get(pk={run}).status)"
    wait_for(lambda: installation.shell(look) in ("succeeded", "failed"), every=2)

    assert installation.shell(look) == "succeeded"
    status, body = web.call("/readyz")
    assert status == 200 and '"detail": "v1"' in body
    assert "integrity and counts verified" in installation.manage(
        "backup", f"--to={installation.folder}/b.tar"
    )
    for process in running.values():
        process.send_signal(signal.SIGTERM)
    codes = {name: process.wait(timeout=120) for name, process in running.items()}
    assert codes == dict.fromkeys(PROCESSES, 0), codes
    logs = {name: (tmp_path / f"{name}.log").read_text().splitlines() for name in PROCESSES}
    assert [line for lines in logs.values() for line in lines if not line.startswith("{")] == []
    assert any("Listening at" in json.loads(line)["event"] for line in logs["web"])
    assert (
        installation.shell(
            "from recommendations.models import WorkerHeartbeat as W; print(W.objects.count())"
        )
        == "0"
    )


def test_a_redis_that_is_gone_stops_neither_pages_nor_likes(installation, serve):
    """T12: broker and cache point at a port where nothing listens; pages answer and a training waits."""
    installation.settings["CELERY_BROKER_URL"] = "redis://127.0.0.1:1/0"
    web = serve(installation)

    assert web.call("/readyz")[0] == 200
    output = installation.shell(
        "from recommendations import tasks; print(tasks.start_training(trigger='admin').status)"
    )
    assert output.splitlines()[-1] == "queued"
