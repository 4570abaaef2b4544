"""Log lines that a collector can read: JSON, with the id of the request or of the run they belong to."""

import json

from tests.journeys.conftest import (  # noqa: F401  (fixtures)
    ended,
    request_training,
    seeded_postgresql,
    seeded_sqlite,
    site,
    start_worker,
)
from tests.waiting import wait_for


def lines_of(text: str) -> list[dict]:
    return [json.loads(line) for line in text.splitlines() if line.startswith("{")]


def test_a_worker_names_the_training_in_its_lines(site, start_worker, tmp_path):  # noqa: F811
    site.settings |= {"LOG_FORMAT": "json", "LOG_LEVEL": "INFO"}
    start_worker(site)
    run = request_training(site, precompute=False)
    wait_for(lambda: ended(site, run))

    (log,) = tmp_path.glob("worker0@*.log")
    wait_for(lambda: f"Training #{run} succeeded" in log.read_text())
    lines = [line for line in lines_of(log.read_text()) if line.get("training_run") == run]
    assert {"v1 is active (trained)", f"Training #{run} succeeded"} <= {line["event"] for line in lines}
    assert all(line["timestamp"] and line["level"] for line in lines)


def test_an_import_names_its_run(installation, tmp_path):
    installation.settings |= {"LOG_FORMAT": "json"}
    (tmp_path / "songs.csv").write_text("title,artist\n")
    said = installation.manage("import_songs", str(tmp_path / "songs.csv"), ok=False)

    (line,) = lines_of(said)
    assert (
        line["import_run"] == 1
        and "songs.csv could not be imported: songs.csv holds no rows" in line["event"]
    )


def test_a_request_has_one_id_in_answer_and_log(installation):
    installation.settings |= {"LOG_FORMAT": "json"}
    code = (
        "from django.test import Client; "
        "print(Client().get('/login/', HTTP_HOST='localhost', HTTP_X_REQUEST_ID='seen-at-the-proxy-1')['X-Request-ID'])"
    )
    done = installation.python("manage.py", "shell", "--verbosity=0", "-c", code)

    assert done.stdout.strip() == "seen-at-the-proxy-1"
    lines = lines_of(done.stderr)
    assert lines and {line["request_id"] for line in lines} == {"seen-at-the-proxy-1"}


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
