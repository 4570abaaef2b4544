"""Imports that are killed, on both databases."""

import os
import signal
import sys
import time

import pytest

N_ROWS = 40_000


@pytest.fixture
def listens(tmp_path):
    """40,000 listens without times: the rows of a pair add up, so doubled or lost chunks would show in the sums."""
    (tmp_path / "songs.csv").write_text(
        "song_id,title,artist\n" + "".join(f"s{i},T{i},A{i % 9}\n" for i in range(100))
    )
    rows = "".join(f"u{i % 300},s{i % 100}\n" for i in range(N_ROWS))
    (tmp_path / "listens.csv").write_text(f"user_id,song_id\n{rows}")
    return tmp_path / "listens.csv"


def kill_half_way(installation, listens, *, n_rows: int = 1) -> None:
    """Start the import and kill it with -9 once so many rows are in."""
    process = installation.start(
        "manage.py", "import_listens", str(listens), start_new_session=True
    )
    deadline = time.monotonic() + 200
    while time.monotonic() < deadline and rows_in(installation) < n_rows:
        assert process.poll() is None, "The import ended before it could be killed."
        time.sleep(0.02)
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def rows_in(installation) -> int:
    """Return the highest id of a row: counting a million again and again holds the import up."""
    return installation.query("SELECT max(id) FROM catalog_interaction")[0][0] or 0


@pytest.mark.reliability
def test_a_killed_import_goes_on_where_it_was(installation, listens):
    """T29: given an import killed with -9, when it is typed again, then each row is in exactly once."""
    installation.manage("import_songs", str(listens.parent / "songs.csv"))
    kill_half_way(installation, listens)
    (n_before,) = installation.query(
        "SELECT n_read FROM catalog_importrun WHERE content = 'listens'"
    )[0]
    assert 0 < n_before < N_ROWS

    output = installation.manage("import_listens", str(listens))
    assert f"{N_ROWS:,} read, {N_ROWS:,} added, 0 known already, 0 rejected." in output
    assert installation.query("SELECT count(*), sum(plays) FROM catalog_interaction") == [
        (300, N_ROWS)
    ]
    assert installation.query(
        "SELECT count(*) FROM catalog_importrun WHERE content = 'listens'"
    ) == [(1,)]
    assert installation.query("PRAGMA integrity_check") == [("ok",)]

    again = installation.manage("import_listens", str(listens))
    assert f"{N_ROWS:,} read, 0 added, {N_ROWS:,} known already" in again


@pytest.mark.reliability
def test_postgresql_counts_the_same(installation, migrated_postgresql, listens):
    """T29 on PostgreSQL: what goes in, what is known and what adds up is the same as on SQLite."""
    installation.database_url = migrated_postgresql()
    installation.manage("import_songs", str(listens.parent / "songs.csv"))
    for added in (N_ROWS, 0):
        output = installation.manage("import_listens", str(listens))
        assert (
            f"{N_ROWS:,} read, {added:,} added, {N_ROWS - added:,} known already, 0 rejected."
            in output
        )
    output = installation.shell(
        "from django.db.models import Sum; from catalog.models import Interaction; "
        "print(Interaction.objects.count(), Interaction.objects.aggregate(n=Sum('plays'))['n'])"
    )
    assert output.split()[-2:] == ["300", str(N_ROWS)]


N_MILLION = 1_000_000


@pytest.mark.reliability
@pytest.mark.skipif(sys.platform != "linux", reason="Peak memory is read from /proc.")
def test_a_million_listens_killed_half_way_are_all_there_once(installation, listens):
    """T29: a million listens at as many moments, killed with -9 and typed again, in under 300 MB."""
    installation.manage("import_songs", str(listens.parent / "songs.csv"))
    file = listens.with_name("million.csv")
    with file.open("w") as table:
        table.write("user_id,song_id,timestamp\n")
        table.writelines(
            f"u{i % 997},s{i % 100},{1_600_000_000 + 60 * i}\n" for i in range(N_MILLION)
        )
    kill_half_way(installation, file, n_rows=N_MILLION // 3)
    (n_before,) = installation.query("SELECT count(*) FROM catalog_interaction")[0]
    assert N_MILLION // 3 <= n_before < N_MILLION

    assert _peak_mb(installation, file) < 300
    moments = "SELECT count(*), count(DISTINCT occurred_at) FROM catalog_interaction"
    assert installation.query(moments) == [(N_MILLION, N_MILLION)]
    assert installation.query("PRAGMA integrity_check") == [("ok",)]


@pytest.mark.reliability
@pytest.mark.skipif(sys.platform != "linux", reason="Peak memory is read from /proc.")
def test_a_long_file_needs_no_more_memory_than_a_short_one(installation, listens):
    """T29: the peak is under 300 MB, and ten times the rows add less than 60 MB to it."""
    installation.manage("import_songs", str(listens.parent / "songs.csv"))
    short = listens.with_name("short.csv")
    short.write_text("".join(listens.read_text().splitlines(keepends=True)[: N_ROWS // 10]))
    peaks = [_peak_mb(installation, file) for file in (short, listens)]
    assert peaks[1] < 300
    assert peaks[1] - peaks[0] < 60


def _peak_mb(installation, file) -> float:
    # Not getrusage: what it calls the peak of a process begins with the size of the one that started it.
    code = (
        "import sys, django; django.setup(); "
        "from django.core.management import call_command; call_command('import_listens', sys.argv[1]); "
        "status = open('/proc/self/status').read(); print(status.partition('VmHWM:')[2].split()[0])"
    )
    installation.settings["DJANGO_SETTINGS_MODULE"] = "musicrec_site.settings"
    done = installation.python("-c", code, str(file), timeout=300)
    assert done.returncode == 0, done.stderr
    return int(done.stdout.split()[-1]) / 1024


POISON = """
import os, sys
from django.core.files.uploadedfile import SimpleUploadedFile
from accounts.models import User
from catalog.imports import import_jobs as imports, import_requests, ingest

what = "{what}"
if what == "upload":
    listener = User.objects.create_user("alice")
    rows = "\\n".join(f"2021-03-04T10:{{i:02d}}:00Z,Artist,Song {{i}}" for i in range(40))
    file = SimpleUploadedFile("history.csv", f"time,artist,title\\n{{rows}}\\n".encode())
    print(import_requests.request_import(listener, file).pk)
elif what == "sweep":
    imports.sweep_imports()
else:
    ingest.CHUNK = 10
    dies = lambda run: os.kill(os.getpid(), 9) if run.n_read >= 20 else None
    run_id = imports.ImportRun.objects.queued().get().pk
    imports.run_import(run_id, on_progress=dies)
"""


@pytest.mark.reliability
def test_a_file_that_kills_its_process_every_time_has_failed(installation):
    """T66: given three processes that die by kill -9 while they read, then it failed and the file is gone."""

    def step(what: str):
        return installation.python(
            "manage.py", "shell", "--verbosity=0", "-c", POISON.format(what=what)
        )

    assert step("upload").returncode == 0
    for _attempt in range(3):
        assert step("run").returncode == -signal.SIGKILL
        assert step("sweep").returncode == 0
    (row,) = installation.query("SELECT status, attempt, error FROM catalog_importrun")
    assert row[:2] == ("failed", 3)
    assert row[2].startswith("Reading it was tried 3 times")
    assert list((installation.folder / "data" / "uploads").iterdir()) == []
    # What was safely in before the kill stays and can be undone; nothing is doubled.
    (counts,) = installation.query(
        "SELECT count(*), count(DISTINCT occurred_at) FROM catalog_interaction"
    )
    assert counts[0] == counts[1] >= 20
