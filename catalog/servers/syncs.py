"""Syncs as jobs: asking for one, giving it turns, cancelling it, looking after those whose worker is gone.

What a sync does is in `library_sync` and `account_sync`.
"""

import logging
import time
from datetime import timedelta

from django.db import DatabaseError, IntegrityError, transaction
from django.db.models import F, Max, Q
from django.utils import timezone
from django.utils.translation import gettext as _
from structlog.contextvars import bound_contextvars

from catalog.servers import account_sync, library_sync, playlist_out
from catalog.servers.clients import ServerError, ServerUnreachable
from catalog.servers.models import MusicServer, ServerAccount, ServerSync
from common import jobs
from common.jobs import Lease, LostLease, Swept, job_conf

log = logging.getLogger(__name__)

Status = ServerSync.Status
KEPT_SYNCS = 20
LOST_WORKER = "It was stopped by an unexpected error; the log of the worker has more."


def request_library_sync(server: MusicServer, *, is_forced: bool = False) -> ServerSync:
    """Return a queued sync of the server's library, or the one that is under way."""
    return _request(server, None, is_forced=is_forced)


def request_account_sync(account: ServerAccount, *, is_light: bool = False) -> ServerSync:
    """Return a queued reading of a joined account, or the one that is under way.

    A light one reads and writes stars only; it takes one or two requests.
    """
    return _request(account.server, account, is_forced=not is_light)


def _request(server: MusicServer, account: ServerAccount | None, *, is_forced: bool) -> ServerSync:
    for _attempt in range(3):
        try:
            with transaction.atomic():
                return ServerSync.objects.create(
                    server=server, account=account, is_forced=is_forced
                )
        except IntegrityError:
            active: ServerSync | None = (
                ServerSync.objects.active().filter(server=server, account=account).first()
            )
            if active is not None:
                return active
    raise RuntimeError(f"A sync of {server} could not be asked for: others kept beginning.")


def request_due_syncs() -> list[ServerSync]:
    """Ask for every sync whose time has come by the servers' schedules; return those."""
    due = []
    for server in MusicServer.objects.exclude(sync_every_hours=0):
        since = timezone.now() - timedelta(hours=server.sync_every_hours)
        libraries = ServerSync.objects.filter(server=server, account=None)
        if server.sync_library and not libraries.filter(
            Q(created_at__gt=since) | Q(status__in=ServerSync.ACTIVE)
        ):
            due.append(request_library_sync(server))
        if server.sync_opinions or server.sync_plays:
            accounts = server.accounts.annotate(
                latest=Max("syncs__created_at", filter=Q(syncs__is_forced=True))
            )
            waiting = accounts.filter(Q(latest=None) | Q(latest__lte=since))
            due += [request_account_sync(account) for account in waiting]
    return due + _request_writing()


def _request_writing() -> list[ServerSync]:
    """Ask for a light sync of every account whose lists or likes are others than the server has."""
    accounts = ServerAccount.objects.filter(Q(writes_playlists=True) | Q(star_back=True))
    return [
        request_account_sync(account, is_light=True)
        for account in accounts.filter(last_error="").select_related("server", "user")
        if playlist_out.has_changed_playlists(account) or account_sync.has_unsent_stars(account)
    ]


def cancel_sync(sync: ServerSync) -> bool:
    """Stop a sync; return False when it was over already. What it brought stays."""
    waiting = ServerSync.objects.filter(pk=sync.pk, status=Status.QUEUED)
    if waiting.update(status=Status.CANCELLED, finished_at=timezone.now()):
        return True
    running = ServerSync.objects.filter(pk=sync.pk, status=Status.RUNNING)
    return bool(running.update(cancel_requested=True))


def sweep_syncs(*, wait: bool = False) -> Swept:
    """Requeue syncs whose worker is gone, or give them up."""
    return jobs.sweep_jobs(ServerSync.objects.all(), wait=wait)


def run_next_sync(owner: str = "") -> ServerSync | None:
    """Give one waiting sync a turn and return it; None when none waits. Next is what has waited longest."""
    waiting = ServerSync.objects.queued().order_by(
        "attempt", F("turn_at").asc(nulls_first=True), "pk"
    )
    for sync_id in waiting.values_list("pk", flat=True):
        sync = run_sync(sync_id, owner, max_seconds=job_conf.job_slice_seconds)
        if sync is not None:
            return sync
    return None


def run_sync(
    sync_id: int, owner: str = "", *, max_seconds: float | None = None
) -> ServerSync | None:
    """Give a sync a turn; None when somebody else has it or it is over.

    With `max_seconds` a longer one is queued again; what is read stays.
    """
    lease = jobs.claim_job(ServerSync, sync_id, owner, error="", turn_at=timezone.now())
    if lease is None:
        return None
    with bound_contextvars(server_sync=sync_id), jobs.Heartbeat(lease) as heartbeat:
        try:
            _take_turn(lease, jobs.JobReporter(lease, heartbeat), max_seconds)
        except LostLease as error:
            log.info("%s", error)
            return None
    return ServerSync.objects.filter(pk=sync_id).select_related("server", "account").first()


def _take_turn(lease: Lease, reporter: jobs.JobReporter, max_seconds: float | None) -> None:
    """Read on, and write how the turn ended. What goes wrong unexpectedly is raised after that."""
    sync = ServerSync.objects.select_related("server", "account").get(pk=lease.job_id)
    ends_at = None if max_seconds is None else time.monotonic() + max_seconds
    read = library_sync.read_library if sync.account is None else account_sync.read_account
    try:
        is_done = read(sync, reporter, ends_at)
    except jobs.Cancelled:
        lease.finish(Status.CANCELLED)
    except (ServerUnreachable, DatabaseError) as error:
        _try_again_later(sync, lease, error)
    except ServerError as error:
        _finish_failed(sync, lease, str(error))
    except LostLease:
        raise
    except Exception:
        _finish_failed(sync, lease, LOST_WORKER)
        raise
    else:
        if is_done:
            lease.finish(Status.SUCCEEDED, progress=1.0, stage="")
            _delete_old_syncs(sync)
        else:
            lease.release(attempt=0)


def _try_again_later(sync: ServerSync, lease: Lease, error: Exception) -> None:
    """Queue the sync again, behind its last page; after `job_attempts` attempts in a row it has failed.

    The next sweep wakes a worker for it, a minute later.
    """
    sentence = (
        str(error) if isinstance(error, ServerError) else _("The database could not be written to.")
    )
    if lease.attempt >= job_conf.job_attempts:
        _finish_failed(sync, lease, sentence)
    else:
        lease.release(attempt=lease.attempt, error=sentence)


def _finish_failed(sync: ServerSync, lease: Lease, sentence: str) -> None:
    lease.finish(Status.FAILED, error=sentence)
    if sync.account_id is not None:
        ServerAccount.objects.filter(pk=sync.account_id).update(last_error=sentence[:500])
    log.warning("Sync #%s of a music server failed: %s", sync.pk, sentence)
    _delete_old_syncs(sync)


def _delete_old_syncs(sync: ServerSync) -> None:
    """Keep the last syncs of a library or an account."""
    same = ServerSync.objects.filter(server=sync.server_id, account=sync.account_id)
    kept = list(same.order_by("-pk").values_list("pk", flat=True)[:KEPT_SYNCS])
    same.exclude(pk__in=kept).exclude(status__in=ServerSync.ACTIVE).delete()
