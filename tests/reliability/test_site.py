"""The site under writers, kills, activations and without its database."""

import http.client
import itertools
import json
import os
import re
import shutil
import signal
import socket
import sqlite3
import subprocess
import threading
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families

from musicrec_site.ops import health
from tests.waiting import wait_for

pytestmark = pytest.mark.reliability

LIKES = "SELECT COUNT(*) FROM catalog_interaction WHERE kind = 1 AND source = 'api'"
TWO_VERSIONS = """
from recommendations.services.training import pipeline, training_requests
for seed in (0, 1):
    options = {"evaluate": False, "precompute": False, "seed": seed}
    run = training_requests.request_training(trigger="command", options=options)
    pipeline.run_training(run.pk)
"""
FLIPS = 100
WRITERS = 8
SECONDS_OF_WRITING = 30

WRITES = """
import random, sys, time
from django.db import OperationalError
from accounts.models import User
from catalog.models import Interaction, Song
from catalog.listening import interactions as listening
number, seconds = {number}, {seconds}
listeners = list(User.objects.filter(username__startswith="user_").order_by("pk"))[number::{writers}]
songs = list(Song.objects.all())
done, locked, rng, end = 0, 0, random.Random(number), time.monotonic() + seconds
likes = set()
while time.monotonic() < end:
    listener, song = rng.choice(listeners), rng.choice(songs)
    try:
        listening.like_song(listener, song, source="writers")
    except OperationalError as error:
        locked += 1
        print(error, file=sys.stderr)
    else:
        likes.add((listener.pk, song.pk))
        done += 1
print(done, locked, len(likes))
"""


def test_eight_writers_lock_nobody_out(site):
    """T21: no "database is locked" in 30 s, and what was acknowledged is there."""
    _write(site.sqlite_file, "DELETE FROM catalog_interaction")
    codes = [
        WRITES.format(number=n, seconds=SECONDS_OF_WRITING, writers=WRITERS) for n in range(WRITERS)
    ]
    writers = [
        site.start("manage.py", "shell", "-v0", "-c", code, stdout=subprocess.PIPE)
        for code in codes
    ]
    outputs = [writer.communicate(timeout=500)[0] for writer in writers]

    done, locked, likes = (
        sum(map(int, column)) for column in zip(*(line.split() for line in outputs), strict=True)
    )
    assert locked == 0 and done > WRITERS
    assert site.query("SELECT COUNT(*) FROM catalog_interaction WHERE kind = 1") == [(likes,)]


MAKES_PLAYLISTS = """
import threading
from django.utils import timezone
from accounts.models import User
from recommendations.services.operations import workers
from recommendations.services.surfaces import generated_playlists
now = timezone.now()
User.objects.bulk_create(User(username=f"visitor_{n}", last_login=now) for n in range(2100))
done = threading.Event()
def beats():
    while not done.wait(0.01):
        workers.touch("another", ["default"])
threading.Thread(target=beats).start()
try:
    print(generated_playlists.make_due())
finally:
    done.set()
"""


def test_playlists_are_made_for_everybody_while_others_write(site):
    """T21: a long job holds no old state of the database, with which it could not write; 2,000 rows come at once."""
    site.shell(TWO_VERSIONS)  # without a version there are no lists of the week
    n_made = int(site.shell(MAKES_PLAYLISTS).splitlines()[-1])
    assert n_made > 1
    assert site.query("SELECT COUNT(DISTINCT owner_id) FROM catalog_playlist") == [(n_made,)]


def test_an_acknowledged_like_survives_a_kill(site, serve, tokens):
    """T22: the server is killed while likes come in; every one that was answered is there."""
    songs = [key for (key,) in site.query("SELECT key FROM catalog_song ORDER BY id")]
    _write(site.sqlite_file, "DELETE FROM catalog_interaction")
    web = serve(site)
    acknowledged: list[tuple[int, str]] = []

    def like(number: int) -> None:
        for key in songs:
            try:
                status, _ = web.call(
                    f"/api/v1/songs/{key}/like/", token=tokens[number], method="PUT"
                )
            except (OSError, http.client.HTTPException):  # no answer, or half of one
                return
            if status < 300:
                acknowledged.append((number, key))

    threads = [threading.Thread(target=like, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    wait_for(lambda: len(acknowledged) >= 40)
    os.killpg(web.process.pid, signal.SIGKILL)
    for thread in threads:
        thread.join()

    n_likes = site.query("SELECT COUNT(*) FROM catalog_interaction WHERE kind = 1")[0][0]
    assert len(acknowledged) <= n_likes <= len(acknowledged) + 4
    assert site.query("PRAGMA integrity_check") == [("ok",)]


def test_a_backup_taken_under_writes_is_whole(site, tmp_path):
    """T24: everything acknowledged before the backup began is in it, and the restored database is sound."""
    site.shell(TWO_VERSIONS)
    writers = [
        site.start(
            "manage.py", "shell", "-v0", "-c", WRITES.format(number=n, seconds=600, writers=2)
        )
        for n in range(2)
    ]
    try:
        wait_for(
            lambda: (
                site.query("SELECT COUNT(*) FROM catalog_interaction WHERE source = 'writers'")[0][
                    0
                ]
                > 50
            )
        )
        before = site.query("SELECT COUNT(*) FROM catalog_interaction")[0][0]
        site.manage("backup", f"--to={tmp_path}/b.tar")
        after = site.query("SELECT COUNT(*) FROM catalog_interaction")[0][0]
    finally:
        for writer in writers:
            writer.kill()
            writer.wait()
    shutil.rmtree(site.folder / "data/artifacts")
    site.sqlite_file.unlink()
    for leftover in site.folder.glob("musicrec.sqlite3-*"):
        leftover.unlink()

    site.manage("restore", f"{tmp_path}/b.tar", "--yes")

    assert before <= site.query("SELECT COUNT(*) FROM catalog_interaction")[0][0] <= after
    assert (
        site.query("PRAGMA integrity_check") == [("ok",)]
        and site.query("PRAGMA foreign_key_check") == []
    )
    assert "v2" in site.shell(
        "from recommendations.services.versions import registry; print(registry.load_serving_recommender()[0])"
    )


def test_activations_fail_no_request(site, serve, tokens):
    """T07: 100 activations and roll-backs while lists are asked for; no failed request, no mixed list."""
    site.shell(TWO_VERSIONS)
    web = serve(site, "--workers", "2")
    stop = threading.Event()
    statuses: Counter[int] = Counter()
    versions: Counter[str] = Counter()

    def ask(number: int) -> None:
        while not stop.is_set():
            status, body = web.call("/api/v1/recommendations/?limit=5", token=tokens[number])
            statuses[status] += 1
            if status == 200:
                versions[str(json.loads(body).get("version"))] += 1

    threads = [threading.Thread(target=ask, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    flips = f"""
from recommendations.models import ModelVersion
from recommendations.services.versions import registry
versions = list(ModelVersion.objects.order_by("pk"))
for flip in range({FLIPS // 2}):
    registry.activate(versions[0])
    registry.roll_back()
print("done")
"""
    started = time.monotonic()
    assert site.shell(flips) == "done"
    seconds = time.monotonic() - started
    stop.set()
    for thread in threads:
        thread.join()

    assert set(statuses) == {200}, statuses
    assert statuses[200] > 50 and len(versions) == 2, (statuses, versions, seconds)
    assert site.query("SELECT COUNT(*) FROM recommendations_modelversion WHERE is_active") == [(1,)]


def test_a_web_server_that_is_told_to_stop_answers_what_it_took_on(site, serve, tokens):
    """T26"""
    web = serve(site)
    with ThreadPoolExecutor(4) as pool:
        answers = [
            pool.submit(web.call, "/api/v1/recommendations/", token=token) for token in tokens[:4]
        ]
        time.sleep(0.2)
        code = web.stop()
        statuses = {answer.result()[0] for answer in answers}

    assert statuses == {200} and code == 0


def test_without_its_database_the_site_says_so_quickly(site, serve):
    """T61, SQLite: the file is gone."""
    web = serve(site)
    assert web.call("/readyz")[0] == 200
    site.sqlite_file.rename(site.folder / "elsewhere")

    status, body = web.call("/readyz")

    assert (status, json.loads(body)["checks"]["database"]["status"]) == (503, "failed")
    assert web.call("/healthz")[0] == 200
    (site.folder / "elsewhere").rename(site.sqlite_file)
    wait_for(lambda: web.call("/readyz")[0] == 200)


@pytest.fixture
def own_postgresql(tmp_path):
    """A PostgreSQL server of its own; yields (address, ids of its processes)."""
    programs = sorted(Path("/usr/lib/postgresql").glob("*/bin"))
    if not programs:
        pytest.skip("PostgreSQL's server programs are not installed.")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    data = Path("/tmp") / f"musicrec-test-pg-{os.getpid()}-{port}"
    as_server = ["runuser", "-u", "postgres", "--"] if os.geteuid() == 0 else []

    def run(*command: str) -> None:
        subprocess.run([*as_server, *command], check=True, capture_output=True, cwd="/tmp")

    run(f"{programs[-1]}/initdb", "-D", str(data), "-A", "trust", "-U", "postgres", "--no-sync")
    options = f"-p {port} -c listen_addresses=127.0.0.1 -c unix_socket_directories='' -c fsync=off"
    run(
        f"{programs[-1]}/pg_ctl", "-D", str(data), "-o", options, "-w", "-l", f"{data}/log", "start"
    )
    processes = _list_processes(data)
    yield f"postgres://postgres@127.0.0.1:{port}/postgres", processes
    for process in processes:
        if Path(f"/proc/{process}").exists():
            os.kill(process, signal.SIGKILL)
    shutil.rmtree(data, ignore_errors=True)


def _list_processes(data: Path) -> list[int]:
    """Return the server's own process and its children."""
    main = int((data / "postmaster.pid").read_text().splitlines()[0])
    children = Path(f"/proc/{main}/task/{main}/children").read_text().split()
    return [main, *map(int, children)]


def test_a_database_server_that_hangs_or_is_gone_is_told_within_two_seconds(
    installation, serve, own_postgresql
):
    """T61, PostgreSQL: stopped in its tracks, then killed. It hangs for longer than a call here waits."""
    assert health.PROBE_SECONDS < 2
    url, processes = own_postgresql
    installation.database_url = url
    installation.manage("migrate", "--verbosity=0", "--skip-checks")
    web = serve(installation)
    assert web.call("/readyz")[0] == 200

    def is_told() -> None:
        for _ in range(3):
            assert web.call("/readyz")[0] == 503
            assert web.call("/healthz")[0] == 200

    for process in processes:
        os.kill(process, signal.SIGSTOP)
    is_told()
    for process in processes:
        os.kill(process, signal.SIGCONT)
    wait_for(lambda: web.call("/readyz")[0] == 200)
    os.kill(processes[0], signal.SIGQUIT)
    wait_for(lambda: not Path(f"/proc/{processes[0]}").exists())
    is_told()


def test_metrics_of_two_workers_add_up(site, serve, tokens):
    """T62: requests answered by either process are all counted, and ids are in no label."""
    site.shell(TWO_VERSIONS)
    site.settings |= {"METRICS": "true", "METRICS_TOKEN": "let-me-scrape-this"}
    web = serve(site, "--workers", "2")
    n_requests = 0

    def asked_of_both() -> bool:
        """Ask forty times; which process answers is the kernel's choice, and the second may still be starting."""
        nonlocal n_requests
        with ThreadPoolExecutor(8) as pool:
            asked = pool.map(
                lambda token: web.call("/api/v1/recommendations/", token=token),
                itertools.islice(itertools.cycle(tokens), 40),
            )
            assert {status for status, _ in asked} == {200}
        n_requests += 40
        written = (site.folder / "data/metrics").glob("histogram_*.db")
        return len({file.stem.rpartition("_")[2] for file in written}) >= 2

    wait_for(asked_of_both)
    status, page = web.call("/metrics", token="let-me-scrape-this")

    families = {family.name: family for family in text_string_to_metric_families(page)}
    samples = families["musicrec_recommendation_seconds"].samples
    assert status == 200
    assert sum(s.value for s in samples if s.name.endswith("_count")) == n_requests
    assert len(set(re.findall(r'view="([^"]*)"', page))) < 30
    assert "user_0" not in page and "song_0" not in page
    # A restart keeps the totals.
    web.stop()
    again = serve(site, "--workers", "2")
    _, page = again.call("/metrics", token="let-me-scrape-this")
    families = {family.name: family for family in text_string_to_metric_families(page)}
    samples = families["musicrec_recommendation_seconds"].samples
    assert sum(s.value for s in samples if s.name.endswith("_count")) == n_requests


def test_the_first_databases_still_migrate(installation):
    """T25: rows written under the first tables are there after all migrations since."""
    installation.sqlite_file.unlink()
    for app in ("recommendations", "catalog"):
        installation.manage("migrate", app, "0001", "--verbosity=0", "--skip-checks")
    moment = "2025-01-01 12:00:00"
    for sql in (
        "INSERT INTO accounts_user (id, password, is_superuser, username, first_name, last_name, email, is_staff, "
        "is_active, date_joined, personalised, theme, language, shares_playlists) "
        f"VALUES (1, '', 0, 'lena', '', '', '', 0, 1, '{moment}', 1, 'system', '', 0)",
        "INSERT INTO catalog_artist (id, name, search_text) VALUES (1, 'Björk', 'bjork')",
        "INSERT INTO catalog_song (id, key, title, artist_id, features_source, isrc, audio_url, is_available, "
        "search_text, match_key, added_at) "
        f"VALUES (1, 's1', 'Jóga', 1, '', '', '', 1, 'joga bjork', 'bjork|joga', '{moment}')",
        "INSERT INTO catalog_interaction (listener_id, song_id, kind, plays, source, occurred_at) "
        f"VALUES (1, 1, 1, 1, 'api', '{moment}')",
    ):
        _write(installation.sqlite_file, sql)

    installation.manage("migrate", "--verbosity=0", "--skip-checks")

    assert (
        installation.shell(
            "from catalog.models import *; print(Interaction.objects.get().song.title)"
        )
        == "Jóga"
    )
    assert "[  ok  ] migrations" in installation.manage("doctor")


def _write(path: Path, sql: str) -> None:
    with closing(sqlite3.connect(path)) as database:
        database.execute(sql)
        database.commit()


PLAYS_FILE = "artist,album,track,date\n"
N_FIRST_IMPORTS, N_NEW_SONGS = 6, 1_000


def test_players_and_likes_go_on_beside_six_first_imports(site, serve, tokens, tmp_path):
    """T21: on SQLite six first imports held the database, and a player was answered with 500."""
    imports = []
    for number in range(N_FIRST_IMPORTS):
        rows = (
            f"Band {number} {n % 200},Album {n % 300},New {number} {n},{1_600_000_000 + 300 * n}\n"
            for n in range(N_NEW_SONGS)
        )
        file = tmp_path / f"lastfm{number}.csv"
        file.write_text(PLAYS_FILE + "".join(rows))
        listener = f"--listener=user_{number + 1:05d}"
        imports.append(("manage.py", "import_history", str(file), listener))
    (key,) = site.query("SELECT key FROM catalog_song ORDER BY id LIMIT 1")[0]
    web = serve(site)
    running = [site.start(*one, stdout=subprocess.PIPE) for one in imports]
    statuses: Counter[int] = Counter()
    n_pushed = 0
    while any(one.poll() is None for one in running):
        n_pushed += 1
        heard = {
            "listened_at": 1_700_000_000 + 300 * n_pushed,
            "track_metadata": {"artist_name": "Pushed", "track_name": f"Song {n_pushed}"},
        }
        body = {"listen_type": "single", "payload": [heard]}
        statuses[web.call("/1/submit-listens", token=tokens[8], method="POST", body=body)[0]] += 1
        statuses[web.call(f"/api/v1/songs/{key}/like/", token=tokens[9], method="PUT")[0]] += 1
    outputs = [one.communicate()[0] for one in running]

    assert set(statuses) <= {200, 201, 204}, statuses
    assert all(f"{N_NEW_SONGS:,} added" in one for one in outputs), outputs
    assert site.query(
        "SELECT COUNT(*) FROM catalog_song WHERE title LIKE 'Song %' AND key LIKE 'heard-%'"
    ) == [(n_pushed,)]
