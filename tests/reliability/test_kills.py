"""Kills with -9 in the middle of every kind of write: what was answered is there, nothing is there by half."""

import http.client
import itertools
import json
import os
import random
import signal
import subprocess
import threading
import time
from collections import Counter

import pytest

from tests.reliability.test_site import TWO_VERSIONS
from tests.waiting import wait_for

pytestmark = pytest.mark.reliability

ROUNDS = 3
SONGS_A_LIST = 30
LISTENS_A_BATCH = 40
START = 1_700_000_000


@pytest.fixture(params=["sqlite", "postgresql"])
def small_site(request, site):
    """The small site on either database."""
    is_on_servers = site.database_url.startswith("postgres")
    if is_on_servers and request.param == "sqlite":
        pytest.skip("on SQLite elsewhere")
    if request.param == "postgresql" and not is_on_servers:
        site.database_url = request.getfixturevalue("migrated_postgresql")()
        site.manage("seed_demo_data", "--listeners=20", "--songs=80", "--seed=3")
    return site


def make_token(site, username: str, *scopes: str, is_staff: bool = False) -> str:
    return site.shell(
        "from accounts import tokens; from accounts.models import User\n"
        f"user = User.objects.create_user('{username}', is_staff={is_staff}, is_superuser={is_staff})\n"
        f"print(tokens.create_token(user, 'test', {list(scopes)!r}).secret)"
    )


class Writer(threading.Thread):
    """Sends one kind of write again and again until the server is gone; remembers what was answered."""

    def __init__(self, web, token: str, path: str, bodies, method: str = "POST") -> None:
        super().__init__(daemon=True)
        self._web, self._token, self._path, self._method = web, token, path, method
        self._bodies = bodies
        self.answered: list[tuple] = []
        self.refused: list[tuple[int, str]] = []

    def run(self) -> None:
        for mark, body in self._bodies:
            try:
                status, text = self._web.call(
                    self._path, token=self._token, method=self._method, body=body
                )
            except (OSError, http.client.HTTPException):
                return
            if status < 300:
                self.answered.append(mark)
            else:
                self.refused.append((status, text))


def kill_after(web, writers: list[Writer], rng: random.Random) -> None:
    """Kill the server when every writer was answered twice, at any moment within the next writes."""
    for writer in writers:
        writer.start()
    wait_for(
        lambda: all(len(writer.answered) >= 2 or writer.refused for writer in writers),
    )
    time.sleep(rng.uniform(0, 0.3))
    os.killpg(web.process.pid, signal.SIGKILL)
    web.process.wait()
    for writer in writers:
        writer.join(timeout=60)
        assert writer.refused == []


def make_batches(first: int):
    for number in itertools.count(first):
        start = START + number * LISTENS_A_BATCH * 300
        listens = [
            {
                "listened_at": start + n * 300,
                "track_metadata": {"artist_name": "Mara Bug", "track_name": f"Batch {number} {n}"},
            }
            for n in range(LISTENS_A_BATCH)
        ]
        yield number, {"listen_type": "import", "payload": listens}


def make_playlists(first: int, songs: list[str]):
    for number in itertools.count(first):
        yield number, {"title": f"List {number}", "songs": songs[:SONGS_A_LIST], "is_public": True}


def make_titles(first: int):
    """Yield changes of one playlist: title, description and whether it is public belong together."""
    for number in itertools.count(first):
        yield (
            number,
            {
                "title": f"Shared {number}",
                "description": f"of {number}",
                "is_public": number % 2 == 0,
            },
        )


def test_what_was_answered_is_there_whole_after_kills(small_site, serve):
    """T22: batches of listens, playlists with their songs, and sharing, on both databases."""
    songs = [key for (key,) in small_site.query("SELECT key FROM catalog_song ORDER BY id")]
    token = make_token(small_site, "ada", "read", "write", "listen")
    rng = random.Random(5)
    batches, playlists, shared = set(), set(), set()
    shared_id = 0
    for attempt in range(ROUNDS):
        web = serve(small_site)
        if not shared_id:
            body = {"title": "Shared 0", "description": "of 0", "is_public": True}
            answer = web.call("/api/v1/playlists/", token=token, method="POST", body=body)
            shared_id = json.loads(answer[1])["id"]
        first = attempt * 10_000
        writers = [
            Writer(web, token, "/1/submit-listens", make_batches(attempt * 50)),
            Writer(web, token, "/api/v1/playlists/", make_playlists(first, songs)),
            Writer(web, token, f"/api/v1/playlists/{shared_id}/", make_titles(first + 1), "PATCH"),
        ]
        kill_after(web, writers, rng)
        batches |= set(writers[0].answered)
        playlists |= set(writers[1].answered)
        shared = set(writers[2].answered)

        sizes = small_site.query(
            "SELECT p.title, p.is_public, COUNT(i.id) FROM catalog_playlist p LEFT JOIN catalog_playlistitem i "
            "ON i.playlist_id = p.id WHERE p.title LIKE 'List %' GROUP BY p.id, p.title, p.is_public"
        )
        assert {title for title, _, _ in sizes} >= {f"List {number}" for number in playlists}
        assert {(bool(is_public), n) for _, is_public, n in sizes} == {(True, SONGS_A_LIST)}

        ((title, description, is_public),) = small_site.query(
            "SELECT title, description, is_public FROM catalog_playlist WHERE title LIKE 'Shared %'"
        )
        number = int(title.removeprefix("Shared "))
        assert number in (max(shared), max(shared) + 1)
        assert (description, bool(is_public)) == (f"of {number}", number % 2 == 0)

        titles = small_site.query(
            "SELECT s.title FROM catalog_interaction i JOIN catalog_song s ON s.id = i.song_id "
            "WHERE s.title LIKE 'Batch %'"
        )
        counts = Counter(int(title.split()[1]) for (title,) in titles)
        assert set(counts) >= batches
        assert set(counts.values()) == {LISTENS_A_BATCH}
    if small_site.database_url.startswith("sqlite"):
        assert small_site.query("PRAGMA integrity_check") == [("ok",)]
        assert small_site.query("PRAGMA foreign_key_check") == []


def test_a_kill_in_an_activation_leaves_one_active_version_that_serves(small_site, serve):
    """T07: killed again and again while versions are activated; the one that was answered last, or the next, serves."""
    small_site.shell(TWO_VERSIONS)
    token = make_token(small_site, "olga", "read", "write", "staff", is_staff=True)
    versions = [
        pk for (pk,) in small_site.query("SELECT id FROM recommendations_modelversion ORDER BY id")
    ]
    rng = random.Random(9)
    for _attempt in range(ROUNDS):
        web = serve(small_site)
        answered = []
        is_over = threading.Event()

        def flip(web=web, answered=answered, is_over=is_over) -> None:
            for number in itertools.cycle(versions):
                path = f"/api/v1/model-versions/{number}/activate/"
                try:
                    status, _text = web.call(path, token=token, method="POST")
                except (OSError, http.client.HTTPException):
                    is_over.set()
                    return
                assert status == 200
                answered.append(number)

        thread = threading.Thread(target=flip, daemon=True)
        thread.start()
        wait_for(lambda answered=answered: len(answered) >= 3)
        time.sleep(rng.uniform(0, 0.2))
        os.killpg(web.process.pid, signal.SIGKILL)
        web.process.wait()
        thread.join()
        assert is_over.is_set()
        active = small_site.query(
            "SELECT id FROM recommendations_modelversion WHERE is_active = true"
        )
        assert len(active) == 1
        ((last,),) = small_site.query(
            "SELECT version_id FROM recommendations_activation ORDER BY id DESC LIMIT 1"
        )
        assert active == [(last,)], "the log of activations says the same"
        waiting = next(number for number in versions if number != answered[-1])
        assert last in (answered[-1], waiting)
    name = small_site.shell(
        "from recommendations.services.versions import registry; print(registry.load_serving_recommender()[0])"
    )
    assert name == f"v{last}"


FILL = """
from datetime import timedelta
from django.utils import timezone
from accounts.models import User
from catalog.models import ImportRun
from catalog.imports.models import RejectedImportRow
old = timezone.now() - timedelta(days=4000)
ada = User.objects.create_user("ada")
for n in range(200):
    run = ImportRun.objects.create(content="history", format="test", listener=ada)
    ImportRun.objects.filter(pk=run.pk).update(status="succeeded", created_at=old, finished_at=old)
    RejectedImportRow.objects.bulk_create(
        RejectedImportRow(import_run=run, line=line, reason="the title is empty") for line in range(20)
    )
"""
SWEEP = """
from common import retention as steps
from musicrec_site.ops import retention
steps.DELETED_TOGETHER = 50
print("begun", flush=True)
retention.delete_expired()
print("ended", flush=True)
"""
N_REJECTED = "SELECT COUNT(*) FROM catalog_rejectedimportrow"
N_RUNS = "SELECT COUNT(*) FROM catalog_importrun WHERE format = 'test'"


def test_a_sweep_that_is_killed_is_finished_by_the_next(small_site):
    """T79: killed at many instants, the sweep leaves no row without its import, and the next one does the rest."""
    small_site.shell(FILL)
    rng = random.Random(3)
    kept = small_site.query("SELECT COUNT(*) FROM catalog_interaction")
    n_interrupted = 0
    for _attempt in range(6):
        sweep = small_site.start("manage.py", "shell", "-v0", "-c", SWEEP, stdout=subprocess.PIPE)
        assert sweep.stdout.readline() == "begun\n"
        time.sleep(rng.uniform(0, 0.3))
        sweep.kill()
        n_interrupted += "ended" not in sweep.communicate()[0]
        (orphans,) = small_site.query(
            f"{N_REJECTED} WHERE import_run_id NOT IN (SELECT id FROM catalog_importrun)"
        )
        assert orphans == (0,)
    assert n_interrupted
    small_site.shell(SWEEP)
    assert small_site.query(N_REJECTED) == small_site.query(N_RUNS) == [(0,)]
    assert small_site.query("SELECT COUNT(*) FROM catalog_interaction") == kept
