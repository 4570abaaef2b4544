"""Imports as jobs: attempts, turns, quotas, and what stops a file that leads nowhere."""

import gzip
import json
import re

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import DatabaseError, transaction

from accounts.models import User
from catalog.imports import import_jobs, import_requests, import_undo, ingest
from catalog.imports.importers import detect_history, list_importers, open_file, registry
from catalog.imports.reading import source_files
from catalog.models import ImportRun, Interaction, Song
from catalog.records import ListenRecord, SongRecord, WrongFile
from common import jobs
from tests.catalog.files import spotify_entry, spotify_zip

Status = ImportRun.Status


@pytest.fixture(autouse=True)
def uploads(settings, tmp_path):
    settings.UPLOADS_DIR = tmp_path / "uploads"
    return settings.UPLOADS_DIR


@pytest.fixture
def alice(db):
    return User.objects.create_user("alice")


@pytest.fixture
def bob(db):
    return User.objects.create_user("bob")


def history(n: int, *, title: str = "Song") -> bytes:
    """A history of so many plays, one an hour."""
    entries = [
        spotify_entry(
            f"{title} {i % 7}",
            ts=f"2021-{1 + i // 672:02d}-{1 + i // 24 % 28:02d}T{i % 24:02d}:10:00Z",
        )
        for i in range(n)
    ]
    return json.dumps([{**entry, "spotify_track_uri": None} for entry in entries]).encode()


def upload(listener, content: bytes, name: str = "Streaming_History_Audio_1.json") -> ImportRun:
    return import_requests.request_import(listener, SimpleUploadedFile(name, content))


def dead_owner() -> str:
    """A process of this machine that is not there: no process has this start time."""
    host, pid, _start, unique = jobs.get_owner_name().rsplit(":", 3)
    return f"{host}:{pid}:1:{unique}"


class TestAttempts:
    def test_a_file_that_kills_its_worker_fails_with_the_reason_and_is_deleted(
        self, alice, uploads
    ):
        """T66: given an import whose worker dies every time, when it was tried three times, then it has failed."""
        run = upload(alice, history(3))
        for attempt in (1, 2):
            jobs.claim_job(ImportRun, run.pk, dead_owner())
            assert import_jobs.sweep_imports().requeued == [run]
            run.refresh_from_db()
            assert (run.status, run.attempt) == (Status.QUEUED, attempt)
        jobs.claim_job(ImportRun, run.pk, dead_owner())
        assert import_jobs.sweep_imports().failed == [run]
        run.refresh_from_db()
        assert run.status == Status.FAILED
        assert (
            run.error == "Reading it was tried 3 times, and each time the worker was lost at row 1."
        )
        assert list(uploads.iterdir()) == []

    def test_others_come_before_what_failed_already(self, alice, bob):
        """T66: other imports go on."""
        poisoned = upload(alice, history(3))
        jobs.claim_job(ImportRun, poisoned.pk, dead_owner())
        import_jobs.sweep_imports()
        healthy = upload(bob, history(3))
        assert import_jobs.run_next_import().pk == healthy.pk
        assert import_jobs.run_next_import().pk == poisoned.pk
        assert import_jobs.run_next_import() is None

    def test_what_may_pass_is_tried_again_and_counted(self, alice, monkeypatch, uploads):
        """T66: a database that restarts costs an attempt, not the import."""
        run = upload(alice, history(3))

        def unreachable(*args, **kwargs):
            raise DatabaseError("the server closed the connection")

        with monkeypatch.context() as patched:
            patched.setattr(import_jobs, "ingest", unreachable)
            with pytest.raises(DatabaseError):
                import_jobs.run_next_import()
        run.refresh_from_db()
        assert (run.status, run.attempt) == (Status.QUEUED, 1)
        assert import_jobs.run_next_import().status == Status.SUCCEEDED

    def test_a_fault_in_the_reading_fails_at_once_and_leaves_no_file(
        self, alice, monkeypatch, uploads
    ):
        run = upload(alice, history(3))

        def broken(*args, **kwargs):
            raise KeyError("no such thing")

        monkeypatch.setattr(import_jobs, "ingest", broken)
        with pytest.raises(KeyError):
            import_jobs.run_next_import()
        run.refresh_from_db()
        assert (run.status, run.error) == (Status.FAILED, "KeyError: 'no such thing'")
        assert list(uploads.iterdir()) == []


def loop_for_ever() -> None:
    while True:
        pass


def match_for_ever() -> None:
    """Ask for a match that takes more than a lifetime: the expression doubles its steps with every letter."""
    re.match(r"(?:a+)+$", "a" * 200 + "b")


class TestRowsThatHang:
    @pytest.mark.parametrize("hang", [loop_for_ever, match_for_ever])
    @pytest.mark.parametrize("n_before", [0, 25])
    def test_reading_ends_there_and_says_so(
        self, alice, bob, settings, monkeypatch, uploads, hang, n_before
    ):
        """T66: the worker was killed after three minutes, three times, and said only that it was lost."""
        settings.IMPORT_ROW_SECONDS = 0.3

        def read(opened, options):
            for n in range(n_before):
                song = SongRecord(n, f"Song {n}", "Band")
                yield ListenRecord(n + 1, "", song=song, occurred_at=1_600_000_000 + 3_600 * n)
            hang()

        hanging = registry.Importer("lastfm", "history", "Hanging", (".csv",), read)
        upload(alice, b"artist,album,track,date\nA,,T,01 Jan 2024 12:00\n", "lastfm.csv")
        with monkeypatch.context() as patched:
            patched.setattr(import_jobs, "detect_history", lambda opened: hanging)
            ended = import_jobs.run_next_import()
        assert (ended.status, ended.n_read, ended.n_added) == (Status.FAILED, n_before, n_before)
        assert ended.error.startswith(f"Row {n_before + 1} was not read within ")
        assert list(uploads.iterdir()) == []
        assert import_jobs.run_import(upload(bob, history(3)).pk).status == Status.SUCCEEDED


class TestTurns:
    def test_a_long_file_gives_way_to_a_new_one_and_goes_on_where_it_was(
        self, alice, bob, settings, monkeypatch
    ):
        """T67: other listeners' jobs are not delayed by more than a turn."""
        settings.JOB_SLICE_SECONDS = 0
        monkeypatch.setattr(ingest, "CHUNK", 10)
        long = upload(alice, history(25, title="Long"))
        first = import_jobs.run_next_import()
        assert (first.pk, first.status, first.n_read, first.attempt) == (
            long.pk,
            Status.QUEUED,
            10,
            0,
        )
        assert 0 < first.progress <= 1
        short = upload(bob, history(5, title="Short"))
        assert [import_jobs.run_next_import().pk for _ in range(2)] == [short.pk, long.pk]
        ended = [import_jobs.run_next_import() for _ in range(2)]
        assert {run.pk: run.status for run in ended} == {short.pk: "succeeded", long.pk: "queued"}
        assert import_jobs.run_next_import().status == Status.SUCCEEDED
        assert Interaction.objects.filter(listener=alice).count() == 25
        assert Interaction.objects.filter(listener=bob).count() == 5

    def test_another_process_reads_up_to_where_the_turn_ended(self, alice, settings, monkeypatch):
        settings.JOB_SLICE_SECONDS = 0
        monkeypatch.setattr(ingest, "CHUNK", 10)
        run = upload(alice, history(25))
        while import_jobs.run_next_import() is not None:
            import_jobs._paused.clear()
        run.refresh_from_db()
        assert (run.status, run.n_read, run.n_added) == (Status.SUCCEEDED, 25, 25)

    def test_an_earlier_attempt_is_forgiven_by_a_healthy_turn(self, alice, settings, monkeypatch):
        settings.JOB_SLICE_SECONDS = 0
        monkeypatch.setattr(ingest, "CHUNK", 10)
        run = upload(alice, history(25))
        jobs.claim_job(ImportRun, run.pk, dead_owner())
        import_jobs.sweep_imports()
        assert import_jobs.run_next_import().attempt == 0


class TestWhatLeadsNowhere:
    def test_millions_of_unreadable_lines_end_after_the_number_allowed(self, alice, settings):
        """T67: a small file that unpacks to millions of lines is stopped, with a sentence, and counted as read."""
        settings.IMPORT_REJECTS_IN_ROW = 5_000
        line = b'{"listened_at": 1, "track_metadata": 5}\n'
        start = json.dumps(
            {
                "listened_at": 1_600_000_000,
                "track_metadata": {"artist_name": "A", "track_name": "T"},
            }
        ).encode()
        content = gzip.compress(start + b"\n" + line * 1_000_000)
        assert len(content) < 200_000
        run = upload(alice, content, "listens.jsonl.gz")
        ended = import_jobs.run_import(run.pk)
        assert ended.status == Status.FAILED
        assert 5_000 <= ended.n_read <= 5_000 + 2 * ingest.CHUNK
        assert ended.n_read - 1 == ended.n_rejected == ended.n_rejected_in_row
        assert ended.error.startswith(f"It was stopped at row {ended.n_read}, because the last ")
        assert Interaction.objects.filter(listener=alice).count() == 1

    def test_a_file_has_no_more_rows_than_allowed(self, alice, settings, monkeypatch):
        """T67"""
        settings.IMPORT_ROWS = 10
        monkeypatch.setattr(ingest, "CHUNK", 10)
        ended = import_jobs.run_import(upload(alice, history(25)).pk)
        assert (ended.status, ended.n_read) == (Status.FAILED, 10)
        assert ended.error.startswith("It was stopped at row 10: no more rows")

    def test_a_trap_is_found_by_the_worker_and_not_in_the_request(
        self, alice, settings, monkeypatch
    ):
        """T51, T67"""
        settings.IMPORT_UNPACKED_MB = 60
        opened = []
        monkeypatch.setattr(
            import_jobs, "open_file", lambda *a, **k: opened.append(a) or open_file(*a, **k)
        )
        run = upload(alice, gzip.compress(b"\n" * (61 * 2**20)), "listens.txt.gz")
        assert opened == []
        assert "unpacks to far more than its size" in import_jobs.run_import(run.pk).error

    def test_finding_out_what_a_file_is_reads_its_beginning_only(self, tmp_path, monkeypatch):
        """T67: 45 MB of empty lines in 46 kB are not read once for every format."""
        file = tmp_path / "x.txt.gz"
        file.write_bytes(gzip.compress(b"\n" * (45 * 2**20)))
        opened = open_file(file)
        n_read = [0]
        real = source_files.HeadFile.readinto

        def count_reads(beginning, buffer):
            n = real(beginning, buffer)
            n_read[0] += n
            return n

        monkeypatch.setattr(source_files.HeadFile, "readinto", count_reads)
        with pytest.raises(WrongFile, match="is no listening history"):
            detect_history(opened)
        n_formats = len(list_importers("history"))
        assert 0 < n_read[0] <= 2 * n_formats * source_files.HEAD


class TestQuotas:
    def test_files_that_wait_are_counted_in_number_and_size(self, alice, bob, settings):
        settings.IMPORT_WAITING = 2
        for i in range(2):
            upload(alice, history(3 + i))
        with pytest.raises(
            import_requests.ImportRefused, match="2 of your files are waiting or being read"
        ):
            upload(alice, history(9))
        upload(bob, history(9))
        settings.IMPORT_WAITING_MB = 1
        with pytest.raises(import_requests.ImportRefused, match="larger than 1 MB together"):
            upload(bob, b"[" + b" " * 2**20)

    def test_files_of_a_day_are_counted_also_when_they_are_done(self, alice, settings):
        settings.IMPORT_FILES_A_DAY = 2
        for i in range(2):
            import_jobs.run_import(upload(alice, history(3 + i)).pk)
        with pytest.raises(import_requests.ImportRefused, match="You brought 2 files within a day"):
            upload(alice, history(9))

    def test_a_refused_file_leaves_nothing(self, alice, settings, uploads):
        settings.IMPORT_FILE_MB = 1
        with pytest.raises(import_requests.ImportRefused, match="larger than 1 MB"):
            upload(alice, b"[" + b" " * 2**20)
        assert not uploads.exists() or list(uploads.iterdir()) == []
        assert not ImportRun.objects.exists()


RACE = """
import threading
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from accounts.models import User
from catalog.imports import import_requests as imports

listener = User.objects.create_user("racer")
barrier = threading.Barrier(10)
refused = []

def upload(number):
    barrier.wait()
    try:
        imports.request_import(listener, SimpleUploadedFile("x.json", b"[" + b" " * number + b"]"))
    except imports.ImportRefused as error:
        refused.append(str(error))
    finally:
        connection.close()

threads = [threading.Thread(target=upload, args=(number,)) for number in range(10)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
print(len(refused))
"""


@pytest.mark.parametrize(
    "database", ["sqlite", pytest.param("postgresql", marks=[pytest.mark.slow])]
)
def test_uploads_at_the_same_moment_do_not_pass_the_quota(installation, request, database):
    """T67: ten requests at once of one listener keep three files."""
    if database == "postgresql":
        installation.database_url = request.getfixturevalue("migrated_postgresql")()
    assert installation.shell(RACE).splitlines()[-1] == "7"
    assert installation.query("SELECT count(*) FROM catalog_importrun") == [(3,)]
    assert len(list((installation.folder / "data" / "uploads").iterdir())) == 3


class TestAccountsThatGo:
    @pytest.mark.django_db(transaction=True)
    def test_the_files_of_an_account_go_with_it(self, uploads):
        """T75: while one file waits and another is being read."""
        carol = User.objects.create_user("carol")
        upload(carol, history(3))
        upload(carol, history(4))
        with transaction.atomic():
            import_undo.delete_imports(carol)
            assert len(list(uploads.iterdir())) == 2
            carol.delete()
        assert list(uploads.iterdir()) == []
        assert not ImportRun.objects.exists()

    @pytest.mark.django_db(transaction=True)
    def test_an_import_that_runs_notices_and_writes_nothing_more(self, uploads, monkeypatch):
        """T75: given a running import, when its listener is deleted, then nothing of it comes after that."""
        monkeypatch.setattr(ingest, "CHUNK", 10)
        carol = User.objects.create_user("carol")
        run = upload(carol, history(30))
        n_chunks = []

        def delete_account(_run):
            n_chunks.append(1)
            with transaction.atomic():
                import_undo.delete_imports(carol)
                carol.delete()

        assert import_jobs.run_import(run.pk, on_progress=delete_account) is None
        assert n_chunks == [1]
        assert not ImportRun.objects.exists()
        assert not Interaction.objects.exists()
        assert list(uploads.iterdir()) == []

    def test_a_cancelled_import_stops_before_its_next_chunk(self, alice, monkeypatch, uploads):
        monkeypatch.setattr(ingest, "CHUNK", 10)
        run = upload(alice, history(30))
        run = import_jobs.run_import(run.pk, on_progress=import_jobs.cancel_import)
        assert (run.status, run.n_read) == (Status.CANCELLED, 10)
        assert Interaction.objects.filter(listener=alice).count() == 10
        assert list(uploads.iterdir()) == []
        assert Song.objects.exists()


def test_a_zip_is_read_in_turns_too(alice, settings, monkeypatch, tmp_path):
    settings.JOB_SLICE_SECONDS = 0
    monkeypatch.setattr(ingest, "CHUNK", 2)
    entries = [spotify_entry(f"S{i}", ts=f"2021-03-04T{i:02d}:00:00Z") for i in range(7)]
    file = spotify_zip(tmp_path / "my.zip", [{**one, "spotify_track_uri": None} for one in entries])
    run = upload(alice, file.read_bytes(), "my.zip")
    while import_jobs.run_next_import() is not None:
        pass
    run.refresh_from_db()
    assert (run.status, run.n_added) == (Status.SUCCEEDED, 7)
