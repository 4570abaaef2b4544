"""Every kind of job obeys the same rules: taken up after a kill, cancelled, counted, and ended in the same words.

The kinds are found by themselves: a table of jobs without a case here fails the first test.
"""

import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from celery import Task
from django.core.files.uploadedfile import SimpleUploadedFile

from accounts.models import User
from catalog import tasks as catalog_tasks
from catalog.analysis import analysis_jobs
from catalog.files import scan_jobs
from catalog.imports import import_requests
from catalog.models import AnalysisRun, FolderScan, ImportRun, MusicServer, ServerSync
from catalog.servers import syncs
from catalog.servers.credentials import encrypt_secret
from common import jobs
from common.jobs import leases
from common.jobs.models import JobRow
from recommendations import tasks
from recommendations.engine.synthetic.world import World
from recommendations.models import BackgroundJob, TrainingRun
from recommendations.services.data import demo_world
from recommendations.services.jobs import background_jobs
from recommendations.services.training import training_requests
from tests.catalog.audio_files import make_wav, write
from tests.eager import eager_tasks
from tests.servers.stand_in import ACCOUNT, PASSWORD, StandIn, make_song, serve_stand_in

pytestmark = pytest.mark.django_db(transaction=True)
Status = JobRow.Status
ANALYSER = Path(__file__).parents[1] / "playback" / "stand_in_analyser.py"


def request_import(folder: Path) -> ImportRun:
    rows = "".join(f"2021-03-04T10:{n:02d}:00Z,Artist,Song {n}\n" for n in range(30))
    file = SimpleUploadedFile("history.csv", f"time,artist,title\n{rows}".encode())
    return import_requests.request_import(User.objects.create_user("alice"), file)


def request_scan(folder: Path) -> FolderScan:
    for name in ("one", "two"):
        write(folder / "music" / "Anna Bell" / "Tides" / f"{name}.wav", make_wav(0.2))
    return scan_jobs.request_scan(scan_jobs.add_folder(str(folder / "music")))


def request_analysis(folder: Path) -> AnalysisRun:
    scan_jobs.run_scan(request_scan(folder).pk)
    return analysis_jobs.request_analysis()


def request_sync(folder: Path) -> ServerSync:
    server = MusicServer.objects.create(
        name="Attic",
        address=(folder / "address").read_text(),
        account_name=ACCOUNT,
        secret=encrypt_secret(PASSWORD),
    )
    return syncs.request_library_sync(server)


def request_trends(folder: Path) -> BackgroundJob:
    return background_jobs.request_trends()


def request_training(folder: Path) -> TrainingRun:
    demo_world.seed_database(World(n_listeners=20, n_songs=30, seed=3))
    options = {"evaluate": False, "precompute": False}
    return training_requests.request_training(preset="classic", options=options)


@dataclass(frozen=True)
class Case:
    """One kind: how somebody asks for it, and the task of the schedule that looks after it."""

    model: type[JobRow]
    request: Callable[[Path], JobRow]
    look_after: Task
    queue: str


CASES = [
    Case(ImportRun, request_import, catalog_tasks.sweep_imports, "import"),
    Case(FolderScan, request_scan, catalog_tasks.sweep_scans, "folder scan"),
    Case(AnalysisRun, request_analysis, catalog_tasks.sweep_scans, "audio analysis"),
    Case(ServerSync, request_sync, catalog_tasks.look_after_servers, "server sync"),
    Case(BackgroundJob, request_trends, tasks.sweep, "trends"),
    Case(TrainingRun, request_training, tasks.sweep, "training"),
]
every_kind = pytest.mark.parametrize("case", CASES, ids=lambda case: case.queue)


@pytest.fixture
def folder(settings, tmp_path) -> Iterator[Path]:
    """A folder for what jobs need, a music server and an analyser among it."""
    for name in ("DATA_DIR", "UPLOADS_DIR", "ARTIFACTS_DIR", "INCOMING_DIR"):
        path = tmp_path / name.lower()
        path.mkdir()
        setattr(settings, name, path)
    program = tmp_path / "stand-in"
    program.write_text(f'#!/bin/sh\nexec "{sys.executable}" "{ANALYSER}" "$@"\n')
    program.chmod(0o755)
    settings.ANALYSER_COMMAND = f"{program} --format json"
    with serve_stand_in(StandIn([make_song(number) for number in range(3)])) as server:
        (tmp_path / "address").write_text(server.address)
        yield tmp_path


def claim_by_a_dead_worker(job: JobRow) -> jobs.Lease:
    """Claim the job as a process of this machine that was killed since: none has this start time."""
    host, pid, _start, unique = jobs.get_owner_name().rsplit(":", 3)
    lease = leases.claim_job(type(job), job.pk, f"{host}:{pid}:1:{unique}")
    assert lease is not None
    return lease


def test_every_table_of_jobs_has_a_case_here():
    assert set(jobs.list_job_models()) == {case.model for case in CASES}


@every_kind
def test_after_a_kill_another_worker_sees_it_through(case, folder):
    """Also when it was killed twice; only the third time ends it."""
    job = case.request(folder)
    for _kill in range(jobs.job_conf.job_attempts - 1):
        claim_by_a_dead_worker(job)
        assert jobs.sweep_jobs(case.model.objects.all()).requeued == [job]
    claim_by_a_dead_worker(job)
    case.model.objects.filter(pk=job.pk).update(attempt=1)
    with eager_tasks():
        case.look_after()
    job.refresh_from_db()
    assert (job.status, job.error, job.progress) == (Status.SUCCEEDED, "", 1.0)
    assert (job.owner, job.lease_until) == ("", None)
    assert job.started_at <= job.finished_at


@every_kind
def test_what_kills_its_worker_in_every_attempt_has_failed_and_says_so(case, folder):
    job = case.request(folder)
    for _kill in range(jobs.job_conf.job_attempts):
        claim_by_a_dead_worker(job)
        with eager_tasks():
            jobs.sweep_jobs(case.model.objects.filter(pk=job.pk))
    job.refresh_from_db()
    assert job.status == Status.FAILED
    assert str(jobs.job_conf.job_attempts) in job.error and "worker" in job.error
    assert str(job.get_status_display()) == "failed"


@every_kind
def test_cancelled_while_it_waits_it_never_begins(case, folder):
    job = case.request(folder)
    assert jobs.cancel_job(job) is True
    assert (job.status, str(job.get_status_display())) == (Status.CANCELLED, "cancelled")
    assert leases.claim_job(case.model, job.pk) is None
    assert jobs.cancel_job(job) is False
    assert not case.model.objects.active().exists()


@every_kind
def test_cancelled_while_it_runs_its_worker_stops_at_the_next_step(case, folder):
    job = case.request(folder)
    lease = leases.claim_job(case.model, job.pk)
    assert lease is not None
    assert jobs.cancel_job(job) is True
    with pytest.raises((jobs.Cancelled, jobs.LostLease)):
        jobs.JobReporter(lease).stop_if_asked(now=True)


@every_kind
def test_cancelled_after_its_worker_was_killed_it_is_cancelled(case, folder):
    job = case.request(folder)
    claim_by_a_dead_worker(job)
    jobs.cancel_job(job)
    jobs.sweep_jobs(case.model.objects.all())
    job.refresh_from_db()
    assert (job.status, job.owner) == (Status.CANCELLED, "")


@every_kind
def test_it_is_asked_for_once_and_counted_where_it_waits(case, folder):
    """In /metrics and, in words, at the dashboard."""
    case.request(folder)
    assert jobs.count_waiting()[case.queue] == 1
    assert jobs.describe_queues()[case.queue]
