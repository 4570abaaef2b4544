"""What workers do for catalog: the row in the database is the job, a message only wakes a worker for it."""

from collections.abc import Callable

from celery import Task, shared_task

from catalog.analysis import analysis_jobs
from catalog.conf import catalog_conf
from catalog.files import scan_jobs
from catalog.imports import import_jobs
from catalog.models import AnalysisRun, FolderScan, ImportRun, ServerSync
from catalog.servers import syncs
from catalog.signals import listens_brought
from catalog.statistics import sums
from common.jobs import Swept
from common.jobs.messages import send_wake_up, short_task, wake_after_commit, wake_all
from common.jobs.models import JobRow

REFRESH_SECONDS = 10
"""How long sums are counted before others of the queue have their turn."""


# --- Wake-ups ---------------------------------------------------------------------------------------------------------


def enqueue(job: JobRow) -> None:
    """Wake a worker for a requested import, scan, analysis or sync, once the request's transaction is committed."""
    task, _sweep = _WORK[type(job)]
    wake_after_commit(task, job)


def sweep_and_wake(*models: type[JobRow]) -> None:
    """Requeue jobs whose worker is gone and wake workers for those that wait; of every kind by default."""
    for model in models or _WORK:
        task, sweep = _WORK[model]
        wake_all(task, sweep().waiting)


# --- Imports ----------------------------------------------------------------------------------------------------------


@shared_task(time_limit=catalog_conf.import_time_limit)
def run_import(run_id: int | None = None) -> None:
    """Give one import its turn: not always the one that was asked for last, see `run_next_import`."""
    run = import_jobs.run_next_import()
    if run is not None:
        send_wake_up(*((run_import, run.pk) if run.is_active else (refresh_sums,)))


@short_task
def sweep_imports() -> None:
    """Take up imports whose message was lost or whose worker died."""
    sweep_and_wake(ImportRun)


@short_task
def refresh_sums() -> None:
    """Count what imports and players brought into the kept sums, in turns."""
    if not sums.refresh_everybody(max_seconds=REFRESH_SECONDS):
        send_wake_up(refresh_sums)


# --- Music files ------------------------------------------------------------------------------------------------------


@shared_task(time_limit=catalog_conf.import_time_limit)
def run_scan(scan_id: int | None = None) -> None:
    """Give one scan its turn: not always the one that was asked for last."""
    scan = scan_jobs.run_next_scan()
    if scan is not None and scan.status == FolderScan.Status.QUEUED:
        send_wake_up(run_scan, scan.pk)


@shared_task
def run_analysis(run_id: int | None = None) -> None:
    """Give the analysis that waits its turn; the analyser has a time limit of its own."""
    run = analysis_jobs.run_next_analysis()
    if run is not None and run.status == AnalysisRun.Status.QUEUED and not run.is_paused:
        send_wake_up(run_analysis, run.pk)


@short_task
def sweep_scans() -> None:
    """Request the scans that are due, and take up scans and analyses whose message was lost or whose worker died."""
    scan_jobs.request_due_scans()
    sweep_and_wake(FolderScan, AnalysisRun)


# --- Music servers ----------------------------------------------------------------------------------------------------


@shared_task(time_limit=catalog_conf.server_sync_time_limit)
def run_server_sync(sync_id: int | None = None) -> None:
    """Give one sync with a music server its turn: the one that has waited longest."""
    sync = syncs.run_next_sync()
    if sync is not None and sync.status == ServerSync.Status.QUEUED and not sync.error:
        send_wake_up(run_server_sync, sync.pk)
    elif sync is not None and sync.status == ServerSync.Status.SUCCEEDED:
        listens_brought.send_robust(sender=ServerSync)


@short_task
def look_after_servers() -> None:
    """Ask for the syncs whose time has come, and take up those whose worker died or whose server was away."""
    syncs.request_due_syncs()
    sweep_and_wake(ServerSync)


_WORK: dict[type[JobRow], tuple[Task, Callable[[], Swept]]] = {
    ImportRun: (run_import, import_jobs.sweep_imports),
    FolderScan: (run_scan, scan_jobs.sweep_scans),
    AnalysisRun: (run_analysis, analysis_jobs.sweep_analyses),
    ServerSync: (run_server_sync, syncs.sweep_syncs),
}
"""The task of each kind of job, and the sweep that finds its jobs without a worker."""
