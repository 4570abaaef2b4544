"""The files a server is deployed with, read as the tools read them: no container engine is needed."""

import json
import os
import re
import secrets
import shutil
import socket
import subprocess
import threading
import time
from pathlib import Path

import pytest
import yaml

from recommendations import telemetry
from recommendations.services.operations import metrics

ROOT = Path(__file__).resolve().parents[2]
COMPOSE = yaml.safe_load((ROOT / "compose.yaml").read_text())
SERVICES = COMPOSE["services"]
OURS = ["musicrec", "migrate", "web", "worker", "imports", "training", "beat"]
DOCKERFILE = (ROOT / "Dockerfile").read_text()


def instructions():
    """Return the Dockerfile's instructions as (word, rest), continued lines joined."""
    joined = re.sub(r"\\\n\s*", " ", DOCKERFILE)
    return [
        line.split(None, 1)
        for line in joined.splitlines()
        if line.strip() and not line.startswith("#")
    ]


@pytest.mark.parametrize("name", SERVICES)
class TestEveryService:
    """T59"""

    def test_it_is_not_root_and_cannot_become_it(self, name):
        service = SERVICES[name]
        assert int(service["user"].split(":")[0]) > 0
        assert (
            service["cap_drop"] == ["ALL"] and "no-new-privileges:true" in service["security_opt"]
        )
        assert not service.get("privileged")

    def test_it_cannot_write_outside_of_volumes_and_memory(self, name):
        assert SERVICES[name]["read_only"] is True
        assert any(mount.startswith("/tmp") for mount in SERVICES[name]["tmpfs"])

    def test_it_has_time_to_end_well(self, name):
        assert int(SERVICES[name]["stop_grace_period"].removesuffix("s")) >= 60

    def test_its_image_is_pinned(self, name):
        image = SERVICES[name]["image"]
        assert re.search(r":(local|\d+\.\d+.*)$", image), image

    def test_its_health_is_watched(self, name):
        # Ours inherit the Dockerfile's check; a job that ends has none.
        watched = "test" in SERVICES[name].get("healthcheck", {}) or (
            "HEALTHCHECK" in DOCKERFILE and name in OURS
        )
        assert watched


def test_only_the_web_server_can_be_reached_and_only_from_this_machine():
    """T59: the database's and Redis' ports are not published."""
    published = {name: service["ports"] for name, service in SERVICES.items() if "ports" in service}

    assert set(published) == {"musicrec", "web"}
    assert all(port.startswith("127.0.0.1:") for ports in published.values() for port in ports)
    assert SERVICES["postgres"]["networks"] == SERVICES["redis"]["networks"] == ["inside"]
    assert COMPOSE["networks"]["inside"] == {"internal": True}


def test_no_secret_has_a_default():
    """T59: SECRET_KEY stops the start, and PostgreSQL refuses to start with an empty password."""
    text = (ROOT / "compose.yaml").read_text()
    secrets = re.findall(r"\$\{(\w*(?:KEY|PASSWORD|TOKEN)\w*)(:?[-?][^}]*)?\}", text)
    assert {name for name, _default in secrets} >= {"SECRET_KEY", "POSTGRES_PASSWORD"}
    for variable, default in secrets:
        assert default == ":-" or default.startswith(":?"), variable


def test_one_container_is_the_default_and_the_server_a_profile():
    assert [name for name, service in SERVICES.items() if "profiles" not in service] == ["musicrec"]
    assert {tuple(service.get("profiles", ["-"])) for service in SERVICES.values()} == {
        ("-",),
        ("server",),
    }


def test_everybody_waits_for_one_migration():
    for name in ("web", "worker", "imports", "training", "beat"):
        assert SERVICES[name]["depends_on"]["migrate"] == {
            "condition": "service_completed_successfully"
        }
    assert SERVICES["migrate"]["restart"] == "no"


def test_the_image_is_built_as_it_should():
    words = instructions()
    users = [rest for word, rest in words if word == "USER"]
    froms = [rest.split()[0] for word, rest in words if word == "FROM"]
    runs = [rest for word, rest in words if word == "RUN"]

    assert users == ["10001:10001"]
    assert all(re.search(r":\d+\.\d+\.\d+-slim-bookworm$", image) for image in froms)
    assert any("--require-hashes" in run for run in runs)
    assert any("requirements-image.lock" in run for run in runs)
    assert any("compileall" in run for run in runs), "a read-only container compiles at each start"
    assert any(
        "libgomp1" in run
        and "--no-install-recommends" in run
        and "rm -rf /var/lib/apt/lists" in run
        for run in runs
    )
    assert not [word for word, _ in words if word == "ADD"]
    assert all(rest.startswith("[") for word, rest in words if word == "CMD")


def test_what_is_copied_exists_and_reaches_the_build():
    """Everything the Dockerfile copies exists and is let through by .dockerignore, and no app is forgotten."""
    let_through = {
        line[1:]
        for line in (ROOT / ".dockerignore").read_text().splitlines()
        if line.startswith("!")
    }
    copied = {
        source
        for word, rest in instructions()
        if word == "COPY" and "--from" not in rest
        for source in rest.split()[:-1]
    }

    assert copied == let_through
    assert all((ROOT / name).exists() for name in copied)
    assert {"accounts", "catalog", "common", "recommendations", "musicrec_site"} <= copied


def test_the_shipped_production_environment_is_clean(installation):
    """T57"""
    installation.settings |= _environment("web")

    assert "no issues" in installation.manage("check", "--deploy", "--fail-level", "WARNING")


def _environment(name):
    values = {
        "SECRET_KEY": secrets.token_hex(32),
        "SITE_URL": "https://music.example.org",
        "POSTGRES_PASSWORD": "x",
    }

    def fill_defaults(text):
        filled = re.sub(
            r"\$\{(\w+)(?::[-?]([^}]*))?\}", lambda m: values.get(m[1], m[2] or ""), str(text)
        )
        return filled.replace("postgres:5432", "127.0.0.1:5432").replace(
            "redis:6379", "127.0.0.1:6379"
        )

    environment = {
        key: fill_defaults(value) for key, value in SERVICES[name]["environment"].items()
    }
    return {
        key: value
        for key, value in environment.items()
        if key not in ("DATA_DIR", "PROMETHEUS_MULTIPROC_DIR")
    }


def test_without_a_secret_key_nothing_starts(installation):
    """T57"""
    installation.settings["SECRET_KEY"] = ""

    assert "SECRET_KEY is not set" in installation.manage("check", ok=False)


@pytest.mark.django_db
def test_the_dashboard_shows_only_numbers_that_exist():
    dashboard = json.loads((ROOT / "docs/grafana-dashboard.json").read_text())
    exported = {f"musicrec_{gauge.name}" for gauge in metrics.read()}
    exported |= {metric._name for metric in vars(telemetry).values() if hasattr(metric, "_name")}
    exported |= {"musicrec_http_request_seconds", "musicrec_http_responses"}

    for panel in dashboard["panels"]:
        for target in panel["targets"]:
            names = re.findall(r"musicrec_\w+", target["expr"])
            assert names, target["expr"]
            for name in names:
                assert re.sub(r"_(bucket|count|sum|total)$", "", name) in exported, name


def test_processes_of_the_site_start_beside_manage_py():
    """From inside a package its celery.py would be imported instead of Celery."""
    from musicrec_site.ops import supervisor

    assert (supervisor.BASE_DIR / "manage.py").is_file()


@pytest.mark.skipif(shutil.which("bash") is None, reason="bash is not installed")
@pytest.mark.parametrize(("status", "code"), [("200 OK", 0), ("503 Service Unavailable", 1)])
def test_the_images_health_check_asks_without_starting_python(status, code):
    line = (
        next(line for line in DOCKERFILE.splitlines() if "/healthz" in line)
        .strip()
        .removeprefix("CMD ")
    )
    command = json.loads(line)
    assert command[0] == "bash"
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        asked: list[bytes] = []

        def answer() -> None:
            client, _address = server.accept()
            with client:
                received = b""
                while not received.endswith(b"\r\n\r\n"):
                    received += client.recv(1000)
                asked.append(received)
                client.sendall(f"HTTP/1.1 {status}\r\nContent-Length: 0\r\n\r\n".encode())

        thread = threading.Thread(target=answer)
        thread.start()
        done = subprocess.run([*command[:-1], command[-1].replace("/8000", f"/{port}")], timeout=20)
        thread.join()
    assert asked == [b"GET /healthz HTTP/1.0\r\n\r\n"]
    assert (done.returncode == 0) is (code == 0)


@pytest.mark.parametrize("name", ["worker", "imports", "training"])
@pytest.mark.parametrize(("age_seconds", "is_healthy"), [(5, True), (150, False), (None, False)])
def test_a_workers_health_is_the_age_of_its_file(name, age_seconds, is_healthy, tmp_path):
    """No second Python is started for it; `test_workers.py` sees that a worker touches the file."""
    service = SERVICES[name]
    file = service["environment"]["WORKER_ALIVE_FILE"]
    word, command = service["healthcheck"]["test"]
    alive = tmp_path / "alive"
    if age_seconds is not None:
        alive.touch()
        then = time.time() - age_seconds
        os.utime(alive, (then, then))
    assert word == "CMD-SHELL"
    assert file in command
    command = command.replace("$$", "$").replace(file, str(alive))
    done = subprocess.run(["sh", "-c", command], capture_output=True)
    assert (done.returncode == 0) is is_healthy
