"""A site of its own with a small trained world, and a real browser in front of it."""

import json
import os
import shutil
import socket
import subprocess
import time
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.conftest import ROOT, Installation
from tests.templates import get_run_folder, make_once

ARTIFACTS = ROOT / "test-artifacts"
PASSWORD = "a-long-demo-word-7"
CHROMIUM = (
    shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
)
ARGUMENTS = [
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    *(["--no-sandbox"] if hasattr(os, "geteuid") and os.geteuid() == 0 else []),
]
HOSTILE = '<script>document.title="owned"</script>" onmouseover="alert(1) {{7*7}}'
LONG = (
    "An extraordinarily long title that goes on and on, Pneumonoultramicroscopicsilicovolcanoconiosis "
    * 2
)
RIGHT_TO_LEFT = "أغنية عن البحر والليل"

CAST = f"""
from accounts.models import User
from catalog.models import Artist, Interaction, Song
from recommendations.models import ModelVersion
names = "anna ben cleo dora emil finn gina hugo ida jana kurt lena".split()
for place, name in enumerate(names, start=1):
    user = User.objects.get(username=f"user_{{place:05d}}")
    user.username = name
    user.set_password({PASSWORD!r})
    user.save()
artist = Artist.objects.create(name={HOSTILE!r})
for key, title in (("hostile", {HOSTILE!r}), ("long", {LONG!r}), ("rtl", {RIGHT_TO_LEFT!r})):
    song = Song.objects.create(key=key, title=title, artist=artist, energy=0.5, valence=0.4, danceability=0.7)
    Interaction.objects.create(listener=User.objects.get(username="dora"), song=song, kind=1, source="test")
"""


OPERATOR = f"""
from accounts.models import User
User.objects.filter(username="olga").delete()
User.objects.create_superuser("olga", password={PASSWORD!r})
"""


@dataclass(frozen=True)
class Site:
    url: str
    installation: Installation


@pytest.fixture(scope="session")
def database(tmp_path_factory, worker_id, migrated_sqlite) -> Installation:
    """300 listeners and 400 songs with a trained model, made once for all processes of the run and copied."""
    if CHROMIUM is None:
        pytest.skip("No chromium is installed, so there is no browser to drive.")

    def make(folder: Path) -> None:
        (folder / "data").mkdir(parents=True, mode=0o700)
        shutil.copy(migrated_sqlite, folder / "musicrec.sqlite3")
        world = Installation(folder, f"sqlite:///{folder / 'musicrec.sqlite3'}")
        world.manage("seed_demo_data", "--listeners", "300", "--songs", "400", "--seed", "7")
        world.manage("train_model")
        world.shell(CAST)
        world.query("PRAGMA wal_checkpoint(TRUNCATE)")

    world = make_once(get_run_folder(tmp_path_factory, worker_id) / "browser-world", make)
    folder = tmp_path_factory.mktemp("site") / "copy"
    shutil.copytree(world, folder)
    return Installation(folder, f"sqlite:///{folder / 'musicrec.sqlite3'}")


@pytest.fixture(scope="session")
def site(database) -> Iterator[Site]:
    """A running site, as in production, over the trained world."""
    installation, folder = database, database.folder
    port = _free_port()
    url = f"http://127.0.0.1:{port}"
    installation.settings["SITE_URL"] = url
    # Its log goes into a file: a pipe that nobody reads would fill and stop it.
    with (folder / "server.log").open("w") as log:
        server = installation.start(
            "-m", "gunicorn", "musicrec_site.wsgi", "--bind", f"127.0.0.1:{port}", "--threads", "4",
            "--worker-class", "musicrec_site.server.web_worker.WebWorker",
            stdout=log, stderr=subprocess.STDOUT,
        )  # fmt: skip
        try:
            _wait_for(url, server)
            yield Site(url, installation)
        finally:
            server.terminate()
            server.wait(timeout=120)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def _wait_for(url: str, server: subprocess.Popen) -> None:
    give_up = time.monotonic() + 90
    while time.monotonic() < give_up:
        try:
            urllib.request.urlopen(f"{url}/login/", timeout=30).close()
            return
        except OSError:  # not listening yet, or too busy for now
            assert server.poll() is None, "The server ended before it answered."
            time.sleep(0.2)
    raise AssertionError("The server did not answer within 90 seconds.")


@pytest.fixture(scope="module")
def chromium(site):
    # Ended with the module: while it lives, this thread counts as asynchronous, and the ORM refuses to work in it.
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        yield browser
        browser.close()


class Visitor:
    """Somebody with a browser of their own. What goes wrong in it is collected in `complaints`."""

    def __init__(self, chromium, site: Site, **options) -> None:
        self.site = site
        self.complaints: list[str] = []
        self.context = chromium.new_context(
            base_url=site.url,
            locale=options.pop("locale", "en-GB"),
            accept_downloads=True,
            **options,
        )
        self.context.set_default_timeout(30_000)
        self.page = self.context.new_page()
        self.page.on("console", self._keep_complaint)
        self.page.on("pageerror", lambda error: self.complaints.append(f"script: {error}"))
        self.page.on("request", self._check_address)

    def _keep_complaint(self, message) -> None:
        # A page that is meant to be an error is logged by the browser too; that alone is no complaint.
        if message.type in ("error", "warning") and "Failed to load resource" not in message.text:
            self.complaints.append(f"console: {message.text}")

    def _check_address(self, request) -> None:
        if not request.url.startswith((self.site.url, "data:", "blob:")):
            self.complaints.append(f"left the site: {request.url}")

    def go(self, path: str):
        answer = self.page.goto(path)
        self.page.wait_for_load_state("load")
        return answer

    def sign_in(self, name: str, password: str = PASSWORD) -> None:
        self.go("/login/")
        self.page.fill("#id_username", name)
        self.page.fill("#id_password", password)
        self.page.click("main button.primary")
        self.page.wait_for_selector("body.signed-in, .note.error")
        assert self.page.locator(".note.error").all_inner_texts() == [], f"{name} cannot sign in"

    def titles(self, selector: str) -> list[str]:
        return self.page.locator(f"{selector} .title").all_inner_texts()

    def picture(self, name: str) -> None:
        ARTIFACTS.mkdir(exist_ok=True)
        self.page.screenshot(path=str(ARTIFACTS / f"{name}.png"))

    def serious_findings(self, rules: tuple[str, ...] = ()) -> list[str]:
        """Run axe on the page, all of it or only some rules, and return its serious and critical findings."""
        options = {"resultTypes": ["violations"]} | ({"runOnly": list(rules)} if rules else {})
        result = json.loads(
            self.page.evaluate(
                "async options => JSON.stringify((await axe.run(document, options)).violations)",
                options,
            )
        )
        return [
            f"{violation['id']}: {node['html'][:160]} {node.get('failureSummary', '')[:200]}"
            for violation in result
            if violation["impact"] in ("serious", "critical")
            for node in violation["nodes"][:3]
        ]


@pytest.fixture
def visit(chromium, site) -> Iterator:
    """Return a function that brings one more visitor; at the end nobody may have had a complaint."""
    visitors: list[Visitor] = []

    def come(**options) -> Visitor:
        visitors.append(Visitor(chromium, site, **options))
        return visitors[-1]

    yield come
    complaints = [complaint for visitor in visitors for complaint in visitor.complaints]
    for visitor in visitors:
        visitor.context.close()
    assert complaints == []


AXE = Path(__file__).parent / "vendor" / "axe.min.js"
