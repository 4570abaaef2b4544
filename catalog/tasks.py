"""Imports in the background: the row in the database is the job, a message only wakes a worker for it."""

from functools import partial

from celery import shared_task
from django.db import transaction

from catalog.analysis import analysis_jobs
from catalog.conf import catalog_conf
from catalog.files import scan_jobs
from catalog.imports import import_jobs
from catalog.listening import sums
from catalog.models import AnalysisRun, FolderScan, ImportRun, ServerSync
from catalog.servers import syncs
from catalog.signals import listens_brought
from common.jobs.messages import send_wake_up, short_task

REFRESH_SECONDS = 10
"""How long sums are counted before others of the queue have their turn."""


def enqueue_import(run: ImportRun) -> None:
    """Wake a worker for a requested import, once the request's transaction is committed.

    Without a broker nothing is lost: the sweep finds the row.
    """
    transaction.on_commit(partial(send_wake_up, run_import, run.pk), robust=True)


@shared_task(time_limit=catalog_conf.import_time_limit)
def run_import(run_id: int | None = None) -> None:
    """Give one import its turn: not always the one that was asked for last, see `run_next_import`."""
    run = import_jobs.run_next_import()
    if run is not None:
        send_wake_up(*((run_import, run.pk) if run.is_active else (refresh_sums,)))


@short_task
def sweep_imports() -> None:
    """Take up imports whose message was lost or whose worker died."""
    sweep_and_wake()


@short_task
def refresh_sums() -> None:
    """Count what imports and players brought into the kept sums, in turns."""
    if not sums.refresh_everybody(max_seconds=REFRESH_SECONDS):
        send_wake_up(refresh_sums)


def sweep_and_wake() -> None:
    """Requeue imports whose worker is gone and wake workers for those that wait."""
    for run in import_jobs.sweep_imports().waiting:
        send_wake_up(run_import, run.pk)


def enqueue_scan(scan: FolderScan) -> None:
    """Wake a worker for a requested scan of a folder, once the request's transaction is committed."""
    transaction.on_commit(partial(send_wake_up, run_scan, scan.pk), robust=True)


@shared_task(time_limit=catalog_conf.import_time_limit)
def run_scan(scan_id: int | None = None) -> None:
    """Give one scan its turn: not always the one that was asked for last."""
    scan = scan_jobs.run_next_scan()
    if scan is not None and scan.status == FolderScan.Status.QUEUED:
        send_wake_up(run_scan, scan.pk)


@short_task
def sweep_scans() -> None:
    """Request the scans that are due, and take up those whose message was lost or whose worker died.

    The same for analyses of what scans found.
    """
    scan_jobs.request_due_scans()
    sweep_and_wake_scans()
    sweep_and_wake_analyses()


def sweep_and_wake_scans() -> None:
    """Requeue scans whose worker is gone and wake workers for those that wait."""
    for scan in scan_jobs.sweep_scans().waiting:
        send_wake_up(run_scan, scan.pk)


# --- Audio features ---------------------------------------------------------------------------------------------------


def enqueue_analysis(run: AnalysisRun) -> None:
    """Wake a worker for an analysis, once the request's transaction is committed."""
    transaction.on_commit(partial(send_wake_up, run_analysis, run.pk), robust=True)


@shared_task
def run_analysis(run_id: int | None = None) -> None:
    """Give the analysis that waits its turn; the analyser has a time limit of its own."""
    run = analysis_jobs.run_next_analysis()
    if run is not None and run.status == AnalysisRun.Status.QUEUED and not run.is_paused:
        send_wake_up(run_analysis, run.pk)


def sweep_and_wake_analyses() -> None:
    """Requeue analyses whose worker is gone and wake a worker for one that waits."""
    for run in analysis_jobs.sweep_analyses().waiting:
        send_wake_up(run_analysis, run.pk)


# --- Music servers ----------------------------------------------------------------------------------------------------


def enqueue_server_sync(sync: ServerSync) -> None:
    """Wake a worker for a sync, once the request's transaction is committed."""
    transaction.on_commit(partial(send_wake_up, run_server_sync, sync.pk), robust=True)


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
    sweep_and_wake_server_syncs()


def sweep_and_wake_server_syncs() -> None:
    """Requeue syncs whose worker is gone and wake workers for those that wait."""
    for sync in syncs.sweep_syncs().waiting:
        send_wake_up(run_server_sync, sync.pk)
