"""Log lines that a collector can read: JSON, with the id of the request or of the run they belong to."""

import json
import signal
import urllib.request

import psutil
import pytest
import yaml

from tests.conftest import ROOT
from tests.journeys.conftest import (  # noqa: F401  (fixtures)
    find_ended_run,
    free_port,
    kill_group,
    request_training,
    seeded_postgresql,
    seeded_sqlite,
    site,
    start_worker,
)
from tests.waiting import wait_for

pytestmark = pytest.mark.slow


def parse_lines(text: str) -> list[dict]:
    return [json.loads(line) for line in text.splitlines() if line.startswith("{")]


def test_a_worker_names_the_training_in_its_lines(site, start_worker, tmp_path):  # noqa: F811
    site.settings |= {"LOG_FORMAT": "json", "LOG_LEVEL": "INFO"}
    start_worker(site)
    run = request_training(site, precompute=False)
    wait_for(lambda: find_ended_run(site, run))

    (log,) = tmp_path.glob("worker0@*.log")
    wait_for(lambda: f"Training #{run} succeeded" in log.read_text())
    lines = [line for line in parse_lines(log.read_text()) if line.get("training_run") == run]
    assert {"v1 is active (trained)", f"Training #{run} succeeded"} <= {
        line["event"] for line in lines
    }
    assert all(line["timestamp"] and line["level"] for line in lines)


def test_an_import_names_its_run(installation, tmp_path):
    installation.settings |= {"LOG_FORMAT": "json"}
    (tmp_path / "songs.csv").write_text("title,artist\n")
    output = installation.manage("import_songs", str(tmp_path / "songs.csv"), ok=False)

    (line,) = parse_lines(output)
    assert line["import_run"] == 1 and "Import #1 failed: songs.csv holds no rows" in line["event"]


def test_a_request_has_one_id_in_answer_and_log(installation):
    installation.settings |= {"LOG_FORMAT": "json", "LOG_REQUESTS": "true"}
    code = (
        "from django.test import Client; "
        "print(Client().get('/login/', HTTP_HOST='localhost', HTTP_X_REQUEST_ID='seen-at-the-proxy-1')['X-Request-ID'])"
    )
    done = installation.python("manage.py", "shell", "--verbosity=0", "-c", code)

    assert done.stdout.strip() == "seen-at-the-proxy-1"
    lines = parse_lines(done.stderr)
    assert lines and {line["request_id"] for line in lines} == {"seen-at-the-proxy-1"}


def test_requests_that_went_well_leave_no_line_unless_an_operator_wants_them(installation):
    """T79: they were 57 of the 80 kB that a site wrote a listener and day."""
    installation.settings |= {"LOG_FORMAT": "json"}
    code = (
        "from django.test import Client; client = Client(); "
        "[client.get(path, HTTP_HOST='localhost') for path in ('/login/', '/', '/nowhere/')]"
    )

    def list_requests() -> list[tuple[str, int]]:
        done = installation.python("manage.py", "shell", "--verbosity=0", "-c", code)
        finished = [
            line for line in parse_lines(done.stderr) if line["event"] == "request_finished"
        ]
        return [(line["request"], line["code"]) for line in finished]

    assert list_requests() == [("GET /nowhere/", 404)]
    installation.settings["LOG_REQUESTS"] = "true"
    assert [code for _request, code in list_requests()] == [200, 200, 404]


def test_an_exception_shows_no_local_variables(installation):
    """T56: what somebody typed is a local variable of the view that broke."""
    code = (
        "import logging\n"
        "def sign_in(password):\n"
        "    raise RuntimeError('broken')\n"
        "try:\n"
        "    sign_in('-'.join(['very', 'secret']))\n"
        "except RuntimeError:\n"
        "    logging.getLogger('accounts').exception('a view broke')\n"
    )
    for log_format in ("console", "json"):
        installation.settings["LOG_FORMAT"] = log_format
        done = installation.python("manage.py", "shell", "--verbosity=0", "-c", code)
        assert "RuntimeError" in done.stderr and "very-secret" not in done.stderr


def web_command(port: int) -> list[str]:
    """Return what compose.yaml starts as the web server, at another port."""
    command = yaml.safe_load((ROOT / "compose.yaml").read_text())["services"]["web"]["command"]
    return ["-m", *(word.replace("0.0.0.0:8000", f"127.0.0.1:{port}") for word in command)]


def test_the_web_servers_own_lines_are_objects_too(installation, free_port, tmp_path):  # noqa: F811
    """Its start, a process of it that is killed, the page that was asked for, its end: no bare text among them."""
    installation.settings |= {
        "LOG_FORMAT": "json",
        "LOG_REQUESTS": "true",
        "SITE_URL": f"http://127.0.0.1:{free_port}",
    }
    log = tmp_path / "web.log"
    with log.open("w") as output:
        web = installation.start(
            *web_command(free_port), stdout=output, stderr=output, start_new_session=True
        )
    try:
        wait_for(lambda: log.read_text().count("Booting worker") == 2)
        psutil.Process(web.pid).children()[0].kill()
        wait_for(lambda: log.read_text().count("Booting worker") == 3)
        wait_for(lambda: _answers(free_port))
        web.send_signal(signal.SIGTERM)
        assert web.wait(timeout=120) == 0
    finally:
        kill_group(web)

    lines = [json.loads(line) for line in log.read_text().splitlines()]
    logged = " ".join(line["event"] for line in lines if line["logger"] == "gunicorn.error")
    assert "Listening at" in logged and "was sent SIGKILL" in logged and "Shutting down" in logged
    assert all(line["timestamp"] and line["level"] for line in lines)
    assert "request_finished" in {line["event"] for line in lines}


def _answers(port: int) -> bool:
    try:
        return urllib.request.urlopen(f"http://127.0.0.1:{port}/login/", timeout=20).status == 200
    except OSError:
        return False


@pytest.mark.parametrize(
    ("name", "value", "sentence"),
    [("SECRET_KEY", "", "SECRET_KEY is not set."), ("LOG_FORMAT", "xml", "use console or json")],
)
def test_wrong_settings_end_gunicorn_in_a_sentence(installation, free_port, name, value, sentence):  # noqa: F811
    installation.settings[name] = value
    done = installation.python(*web_command(free_port))
    assert done.returncode == 1
    assert sentence in done.stderr and "Traceback" not in done.stderr


def test_lines_of_a_pool_whose_process_died_are_objects(site, start_worker, tmp_path):  # noqa: F811
    site.settings |= {"LOG_FORMAT": "json"}
    worker = start_worker(site, "-m", "celery", "--quiet")
    (child,) = (
        c for c in psutil.Process(worker.pid).children() if "spawn_main" in " ".join(c.cmdline())
    )
    child.send_signal(signal.SIGTERM)
    (log,) = tmp_path.glob("worker0@*.log")
    wait_for(lambda: "exited with" in log.read_text())
    assert [line for line in log.read_text().splitlines() if not line.startswith("{")] == []
