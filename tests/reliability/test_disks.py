"""Disks that are really full or read-only: small file systems of their own in memory."""

import json
import shutil
import sqlite3
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.conftest import Installation
from tests.journeys.conftest import (  # noqa: F401
    find_ended_run,
    free_port,
    request_training,
    run_row,
    seeded_sqlite,
    site,
    start_worker,
)
from tests.reliability.conftest import TOKENS
from tests.waiting import wait_for

pytestmark = pytest.mark.reliability


def mount(*options: str) -> None:
    done = subprocess.run(["mount", *options], capture_output=True, text=True, check=False)
    if done.returncode != 0:
        pytest.skip(f"This user can't mount a small disk: {done.stderr.strip()}")


@pytest.fixture
def small_disk() -> Iterator[Callable[[Path, str], Path]]:
    """Return a function that puts a disk of a given size at a folder; all are taken away at the end."""
    mounted: list[Path] = []

    def make(folder: Path, size: str) -> Path:
        folder.mkdir(exist_ok=True)
        mount("-t", "tmpfs", "-o", f"size={size}", "tmpfs", str(folder))
        mounted.append(folder)
        return folder

    yield make
    for folder in mounted:
        subprocess.run(["umount", "--lazy", str(folder)], check=True)


def fill(folder: Path) -> Path:
    """Write until nothing more fits."""
    ballast = folder / "ballast"
    with ballast.open("wb", buffering=0) as file:
        for size in (65_536, 4096, 1):
            try:
                while file.write(b"\0" * size) == size:
                    pass
            except OSError:
                continue
    return ballast


def test_a_site_whose_whole_disk_is_full_answers_and_recovers(
    tmp_path,
    seeded_sqlite,  # noqa: F811
    small_disk,
    serve,
):
    """T04: database and models on one full disk: lists are served, likes are stored or get 503, nothing breaks."""
    disk = small_disk(tmp_path / "disk", "48m")
    (disk / "data").mkdir(mode=0o700)
    shutil.copy(seeded_sqlite, disk / "musicrec.sqlite3")
    full = Installation(disk, f"sqlite:///{disk / 'musicrec.sqlite3'}")
    assert "is trained" in full.manage("train_model", "--no-evaluation", "--no-precompute")
    tokens = full.shell(TOKENS).split()
    songs = [key for (key,) in full.query("SELECT key FROM catalog_song ORDER BY id")]
    web = serve(full)
    # As a site's workers do, keep the database open: SQLite needs room to open its log anew.
    open_elsewhere = sqlite3.connect(full.sqlite_file)
    open_elsewhere.execute("SELECT COUNT(*) FROM catalog_song").fetchall()
    ballast = fill(disk)

    answers = [
        web.call(f"/api/v1/songs/{key}/like/", token=token, method="PUT")
        for token in tokens[:6]
        for key in songs[:6]
    ]
    statuses = {status for status, _ in answers}
    assert 503 in statuses and statuses <= {200, 201, 204, 503}, answers
    assert all(
        json.loads(body)["error"]["code"] == "unavailable"
        for status, body in answers
        if status == 503
    )
    assert {web.call("/api/v1/recommendations/", token=token)[0] for token in tokens} == {200}
    for number, token in enumerate(tokens):
        heard = {"artist_name": "Mara Bug", "track_name": f"Ode {number}"}
        listen = {"listened_at": 1_700_000_000 + number, "track_metadata": heard}
        for method, path, body in (
            ("POST", "/1/submit-listens", {"listen_type": "single", "payload": [listen]}),
            ("POST", "/api/v1/playlists/", {"title": "T" * 200, "songs": songs}),
            ("PATCH", "/api/v1/me/", {"theme": "dark"}),
            ("PUT", f"/api/v1/songs/{songs[number]}/hidden/", None),
            ("POST", "/api/v1/me/blends/", {"title": "Both of us"}),
        ):
            status, text = web.call(path, token=token, method=method, body=body)
            assert status in (200, 201, 204, 503), (path, status, text)
    assert full.query(
        "SELECT COUNT(*) FROM catalog_playlist p WHERE title LIKE 'TTT%' AND "
        f"(SELECT COUNT(*) FROM catalog_playlistitem i WHERE i.playlist_id = p.id) < {len(songs)}"
    ) == [(0,)]
    assert web.call("/healthz")[0] == 200
    assert "Traceback" not in full.manage(
        "train_model", "--no-evaluation", "--no-precompute", ok=False
    )

    ballast.unlink()
    open_elsewhere.close()
    before = full.query("SELECT COUNT(*) FROM catalog_interaction WHERE kind = 1")
    liked = [
        web.call(f"/api/v1/songs/{key}/like/", token=tokens[0], method="PUT")[0] for key in songs
    ]
    assert set(liked) <= {200, 201, 204}
    assert full.query("SELECT COUNT(*) FROM catalog_interaction WHERE kind = 1") > before
    assert full.query("PRAGMA integrity_check") == [("ok",)]
    assert full.query("SELECT id FROM recommendations_modelversion WHERE is_active") == [(1,)]


def test_a_full_queue_lets_a_training_wait(site, start_worker, small_disk):  # noqa: F811
    """T12: no message fits into the queue's folder, and none is left half written for a worker to stumble over."""
    queue = small_disk(site.folder / "data/broker", "4m")
    for name in ("messages", "control"):
        (queue / name).mkdir()
    ballast = fill(queue)

    run = request_training(site, precompute=False)

    row = run_row(site, run)
    assert row["status"] == "queued" and "the message queue can't be reached" in row["stage"]
    assert list((queue / "messages").iterdir()) == []
    ballast.unlink()
    start_worker(site)
    assert wait_for(lambda: find_ended_run(site, run))["status"] == "succeeded"


def test_a_read_only_queue_lets_a_training_wait(site, start_worker, small_disk):  # noqa: F811
    """T12: the queue's folder can't be written to; the run says so and starts when it can."""
    queue = small_disk(site.folder / "data/broker", "4m")
    for name in ("messages", "control"):
        (queue / name).mkdir()
    mount("-o", "remount,ro", str(queue))

    run = request_training(site, precompute=False)

    row = run_row(site, run)
    assert row["status"] == "queued" and "the message queue can't be reached" in row["stage"]
    mount("-o", "remount,rw", str(queue))
    start_worker(site)
    assert wait_for(lambda: find_ended_run(site, run))["status"] == "succeeded"


def test_on_a_full_disk_that_nobody_works_on_every_command_says_so_in_a_sentence(
    tmp_path,
    seeded_sqlite,  # noqa: F811
    small_disk,
    free_port,  # noqa: F811
    serve,
):
    """T04: SQLite can't open its log where there is no room. Nothing breaks, and with room again it goes on."""
    disk = small_disk(tmp_path / "disk", "24m")
    (disk / "data").mkdir(mode=0o700)
    shutil.copy(seeded_sqlite, disk / "musicrec.sqlite3")
    full = Installation(disk, f"sqlite:///{disk / 'musicrec.sqlite3'}")
    full.manage("check")
    web = serve(full)
    ballast = fill(disk)

    for command in (
        ("run_site", "--port", str(free_port)),
        ("migrate",),
        ("recommend", "--listener=user_00001"),
        ("train_model",),
        ("rebuild_lists",),
        ("backup",),
        ("backup", f"--to={tmp_path / 'elsewhere.tar'}"),
    ):
        output = full.manage(*command, ok=False)
        assert "Traceback" not in output, command
        # SQLite calls it an I/O error where it has no room for the index of its log.
        assert any(
            words in output for words in ("disk is full", "disk I/O error", "No space left")
        ), output
    output = full.manage("doctor", ok=False)
    assert "[FAILED] database: d" in output and "→ Make room on its disk" in output
    assert web.call("/healthz")[0] == 200
    assert web.call("/readyz")[0] == 503
    assert web.call("/")[0] == 503

    ballast.unlink()
    assert web.call("/readyz")[0] == 200
    full.manage("migrate", "--verbosity=0")
    assert full.query("PRAGMA integrity_check") == [("ok",)]
