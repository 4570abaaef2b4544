"""`make run`, without the make."""

import fcntl
import os
import pty
import re
import signal
import socket
import sys
import termios
import threading
import urllib.request
from io import StringIO
from pathlib import Path

import psutil
import pytest

from accounts.models import User
from catalog.models import Artist, ImportRun, Song
from musicrec_site.management.commands import run_site
from musicrec_site.ops import demo, instance_lock, supervisor
from tests.journeys.conftest import kill_session, list_session
from tests.waiting import wait_for


class Terminal:
    """A terminal that a program is started on; what it shows is in `shown`."""

    def __init__(self) -> None:
        self.mine, self.its = pty.openpty()
        self.shown = ""
        threading.Thread(target=self._read, daemon=True).start()

    def take(self) -> None:
        """Called in the new program's process: this terminal's Ctrl-C is for it."""
        fcntl.ioctl(self.its, termios.TIOCSCTTY, 0)

    def press(self, keys: bytes) -> None:
        os.write(self.mine, keys)

    def close(self) -> None:
        os.close(self.mine)
        os.close(self.its)

    def _read(self) -> None:
        try:
            while piece := os.read(self.mine, 4096):
                self.shown += piece.decode(errors="replace").replace("\r\n", "\n")
        except OSError:  # nobody has the other end open any more
            return


@pytest.fixture
def running(site, free_port):
    """The site served on a free port from a terminal; (process, port, terminal)."""
    terminal = Terminal()
    process = site.start(
        "manage.py", "run_site", "--port", str(free_port),
        stdin=terminal.its, stdout=terminal.its, stderr=terminal.its,
        start_new_session=True, preexec_fn=terminal.take,
    )  # fmt: skip
    try:
        wait_for(lambda: "Musicrec is at" in terminal.shown)
        yield process, free_port, terminal
    finally:
        kill_session(process)


def answers(port: int) -> bool:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/healthz", timeout=5) as answer:
            return answer.status == 200
    except OSError:
        return False


def test_the_site_serves_survives_a_dead_child_and_stops_cleanly(running):
    """T26, and what somebody sees who presses Ctrl-C: two words and their prompt."""
    process, port, terminal = running
    assert answers(port)
    assert "Sign in as the admin:   admin / " in terminal.shown
    master = next(
        c for c in psutil.Process(process.pid).children() if "gunicorn" in " ".join(c.cmdline())
    )
    for child in [*master.children(), master]:
        child.kill()
    wait_for(lambda: "The web server ended" in terminal.shown and answers(port))
    terminal.press(b"\x03")
    assert process.wait(timeout=120) == 0
    wait_for(lambda: terminal.shown.rstrip().endswith("Stopped."))
    _before, after = terminal.shown.split("^C")
    assert after.split("\n") == ["Stopping …", "Stopped.", ""]
    assert list_session(process) == []


def test_links_of_feeds_lead_to_the_port_it_is_served_on(running, site):
    _process, port, _terminal = running
    site.shell(
        "from accounts.models import User; User.objects.create(username='anna', shares_playlists=True)"
    )
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/feeds/anna.atom", timeout=20) as feed:
        assert f'href="http://127.0.0.1:{port}/feeds/anna.atom"' in feed.read().decode()


def test_a_second_one_on_the_same_data_is_one_sentence_until_the_first_is_gone(running, site):
    """Its schedule and its workers would do everything a second time; a kill -9 leaves nothing in the way."""
    process, port, _terminal = running
    output = site.manage("run_site", "--port", str(port + 1), ok=False)
    assert (
        f"Musicrec already runs on the data in {site.folder / 'data'}, at http://127.0.0.1:{port}"
        in output
    )
    assert "Traceback" not in output
    assert answers(port)
    kill_session(process)
    os.close(instance_lock.claim_folder(site.folder / "data", "http://127.0.0.1:1"))


def test_a_command_beside_it_prints_its_address(installation):
    """An invitation is made by a command, whose links begin where the site of the same folder is served."""
    folder = installation.folder / "data"
    folder.mkdir(exist_ok=True)
    assert installation.manage("invite").startswith("http://127.0.0.1:8000/signup/")
    os.close(instance_lock.claim_folder(folder, "http://127.0.0.1:8152"))
    assert installation.manage("invite").startswith("http://127.0.0.1:8152/signup/")
    (folder / "run_site.lock").write_text("no address")
    assert installation.manage("invite").startswith("http://127.0.0.1:8000/signup/")


@pytest.mark.parametrize(
    ("host", "address"),
    [
        ("127.0.0.1", "http://127.0.0.1:81"),
        ("0.0.0.0", "http://127.0.0.1:81"),
        ("::", "http://[::1]:81"),
        ("fe80::1", "http://[fe80::1]:81"),
        ("music.local", "http://music.local:81"),
    ],
)
def test_where_it_is_reached(host, address):
    assert run_site._build_address(host, 81) == address


def test_a_closed_terminal_ends_everything_in_order(running):
    """The shell passes the hang-up on; what is still said has nobody to read it."""
    process, _port, terminal = running
    terminal.close()
    process.send_signal(signal.SIGHUP)
    assert process.wait(timeout=120) == 0
    assert list_session(process) == []


IN_A_JOB = """
import signal, sys, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
signal.signal(signal.SIGQUIT, lambda *_: sys.exit(0))
while True:
    time.sleep(0.1)
"""


def test_a_worker_in_the_middle_of_a_long_job_gives_it_back_and_is_not_killed(monkeypatch):
    monkeypatch.setattr(supervisor, "JOB_SECONDS", 0.3)
    lines = []
    site = supervisor.Supervisor("127.0.0.1", 1, lines.append)
    site.children = [supervisor.Child("worker", [sys.executable, "-c", IN_A_JOB], has_jobs=True)]
    site.children[0].start()
    process = site.children[0].process
    wait_for(lambda: _ignores_terms(process.pid))
    site._stop()
    assert process.returncode == 0
    assert lines == ["Stopping …", "Stopped."]


def _ignores_terms(pid: int) -> bool:
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    masks = dict(line.split(":\t", 1) for line in lines if line.startswith("Sig"))
    ignored, caught = int(masks["SigIgn"], 16), int(masks["SigCgt"], 16)
    return bool(ignored >> (signal.SIGTERM - 1) & 1 and caught >> (signal.SIGQUIT - 1) & 1)


def test_a_taken_port_is_one_sentence(site):
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        output = site.manage("run_site", "--port", str(port), ok=False)
    assert f"Port {port} of 127.0.0.1 can't be used" in output
    assert "Traceback" not in output


def test_a_demo_that_was_killed_while_it_was_made_is_made_to_its_end(installation):
    """Kill -9 among the listens and in the training; both times the next start goes on instead of giving up."""
    world = ("--listeners=60", "--songs=80", "--seed=3")
    installation.shell(
        "import os\n"
        "from recommendations.engine.synthetic.world import World\n"
        "from recommendations.services.data import demo_world\n"
        "die = lambda stage, run: os._exit(0) if stage == 'listens' else None\n"
        "demo_world.seed_database(World(n_listeners=60, n_songs=80, seed=3, now=1_700_000_000), die)"
    )
    installation.shell(
        "from common import jobs\nfrom recommendations.models import TrainingRun\n"
        "from recommendations.services.training import training_requests\n"
        "options = {'seed': 0, 'evaluate': True, 'activate': True, 'precompute': True}\n"
        "run = training_requests.request_training(trigger='command', options=options)\n"
        "jobs.claim_job(TrainingRun, run.pk)"
    )
    output = installation.manage("demo", *world)
    assert "a listener with a long history" in output
    assert installation.query("SELECT DISTINCT status FROM catalog_importrun") == [("succeeded",)]
    assert installation.query("SELECT status, attempt FROM recommendations_trainingrun") == [
        ("succeeded", 2)
    ]


def test_a_site_is_only_filled_with_a_demo_that_was_begun_here(db):
    assert demo.needs_demo()
    Song.objects.create(key="mine", title="Mine", artist=Artist.objects.create(name="Me"))
    assert not demo.needs_demo()
    options = {
        "n_listeners": demo.N_LISTENERS,
        "n_songs": demo.N_SONGS,
        "seed": demo.SEED,
        "now": 1,
    }
    begun = {"format": "demo", "options": options, "status": ImportRun.Status.RUNNING}
    ImportRun.objects.create(content=ImportRun.Content.SONGS, **begun)
    ImportRun.objects.create(content=ImportRun.Content.LISTENS, **begun)
    assert demo.needs_demo()
    ImportRun.objects.update(status=ImportRun.Status.SUCCEEDED)
    assert not demo.needs_demo()


def test_the_admin_gets_another_name_where_a_listener_of_a_file_is_called_admin(db):
    User.objects.create(username="Admin")
    output = StringIO()
    output.isatty = lambda: True
    run_site.Command(stdout=output)._say_logins("http://127.0.0.1:8000")
    assert re.search(r"admin2 / \S+   \(shown this once", output.getvalue())
    assert User.objects.get(username="admin2").is_superuser


def test_the_admins_password_stands_in_no_log(db, settings, tmp_path):
    settings.DATA_DIR = tmp_path
    output = StringIO()
    run_site.Command(stdout=output)._say_logins("https://music.example.org")
    password = (tmp_path / "admin-password").read_text().strip()
    assert User.objects.get(username="admin").check_password(password)
    assert password not in output.getvalue()
    assert "https://music.example.org/admin/" in output.getvalue()
    assert (tmp_path / "admin-password").stat().st_mode & 0o077 == 0


def test_the_address_that_is_said_is_the_sites_own(monkeypatch):
    monkeypatch.setenv("SITE_URL", "https://music.example.org")
    lines: list[str] = []
    site = supervisor.Supervisor("0.0.0.0", 8000, lines.append)
    monkeypatch.setattr(site, "answers", lambda: True)
    site._look_after()
    assert lines == ["Musicrec is at https://music.example.org (Ctrl-C stops it)"]


@pytest.mark.parametrize("command", ["run_site", "demo"])
def test_a_database_that_cannot_be_used_is_one_sentence(installation, free_port, command):
    installation.database_url = "sqlite:////no/folder/musicrec.sqlite3"
    port = [f"--port={free_port}"] if command == "run_site" else []
    output = installation.manage(command, *port, ok=False)
    assert "The database can't be used (unable to open database file)" in output
    assert "Traceback" not in output
