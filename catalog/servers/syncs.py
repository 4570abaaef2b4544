"""Syncs as jobs: asking for one, giving it turns, cancelling it, looking after those whose worker is gone.

What a sync does is in `library_sync` and `account_sync`.
"""

from datetime import timedelta
from functools import partial
from typing import Any

from django.db import DatabaseError
from django.db.models import Max, Q
from django.utils import timezone
from django.utils.translation import gettext as _

from catalog.servers import account_sync, library_sync, playlist_out
from catalog.servers.clients import ServerError, ServerUnreachable
from catalog.servers.models import MusicServer, ServerAccount, ServerSync
from common import jobs
from common.jobs import Swept

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
    which = {"server": server, "account": account}
    sync = jobs.request_job(ServerSync, which, is_forced=is_forced)
    if is_forced and not sync.is_forced:  # a light one that waits reads everything instead
        ServerSync.objects.queued().filter(pk=sync.pk).update(is_forced=True)
        sync.refresh_from_db()
    return sync


def request_due_syncs() -> list[ServerSync]:
    """Ask for every sync whose time has come by the servers' schedules; return those."""
    due = []
    for server in MusicServer.objects.exclude(sync_every_hours=0):
        since = timezone.now() - timedelta(hours=server.sync_every_hours)
        libraries = ServerSync.objects.filter(server=server, account=None)
        if server.sync_library and not libraries.filter(
            Q(created_at__gt=since) | Q(status__in=ServerSync.ACTIVE)
        ):
            due += jobs.request_unless_gone(server, request_library_sync)
        if server.sync_opinions or server.sync_plays:
            accounts = server.accounts.annotate(
                latest=Max("syncs__created_at", filter=Q(syncs__is_forced=True))
            )
            waiting = accounts.filter(Q(latest=None) | Q(latest__lte=since))
            for account in waiting:
                due += jobs.request_unless_gone(account, request_account_sync)
    return due + _request_writing()


def _request_writing() -> list[ServerSync]:
    """Ask for a light sync of every account whose lists or likes differ from the server's."""
    accounts = ServerAccount.objects.filter(Q(writes_playlists=True) | Q(star_back=True))
    request = partial(request_account_sync, is_light=True)
    return [
        sync
        for account in accounts.filter(last_error="").select_related("server", "user")
        if playlist_out.has_changed_playlists(account) or account_sync.has_unsent_stars(account)
        for sync in jobs.request_unless_gone(account, request)
    ]


def cancel_sync(sync: ServerSync) -> bool:
    """Stop a sync; return False when it was over already. What it brought stays."""
    return jobs.cancel_job(sync)


def sweep_syncs(*, wait: bool = False) -> Swept:
    """Requeue syncs whose worker is gone, or give them up."""
    return jobs.sweep_jobs(ServerSync.objects.all(), wait=wait)


def run_next_sync(owner: str = "") -> ServerSync | None:
    """Give one waiting sync a turn and return it; None when none waits. Next is what has waited longest."""
    return jobs.run_next(_SyncKind(), owner)


def run_sync(
    sync_id: int, owner: str = "", *, max_seconds: float | None = None
) -> ServerSync | None:
    """Give a sync a turn; None when somebody else has it (see `common.jobs.run_job`)."""
    return jobs.run_job(_SyncKind(), sync_id, owner, max_seconds=max_seconds)


class _SyncKind(jobs.JobKind[ServerSync]):
    model = ServerSync
    log_name = "server_sync"
    related = ("server", "account")

    def work(self, turn: jobs.Turn[ServerSync]) -> bool:
        sync = turn.job
        ends_at = None if turn.max_seconds is None else turn.started + turn.max_seconds
        read = library_sync.read_library if sync.account is None else account_sync.read_account
        return read(sync, turn.reporter, ends_at)

    def judge(self, error: BaseException) -> jobs.Verdict:
        """A server that is away is asked again by the next sweep, a minute later, behind the last page."""
        if isinstance(error, ServerUnreachable):
            return jobs.Verdict(str(error), may_pass=True, is_foreseen=True)
        if isinstance(error, DatabaseError):
            sentence = _("The database could not be written to.")
            return jobs.Verdict(sentence, may_pass=True, is_foreseen=True)
        if isinstance(error, ServerError):
            return jobs.Verdict(str(error), is_foreseen=True)
        return jobs.Verdict(LOST_WORKER)

    def collect_final_fields(self, status: str, error: str) -> dict[str, Any]:
        return {"stage": ""} if status == Status.SUCCEEDED else {}

    def clean_up(self, job: ServerSync) -> None:
        """Show a failure at the joined account, and keep the last syncs of a library or an account."""
        if job.status == Status.FAILED and job.account_id is not None:
            ServerAccount.objects.filter(pk=job.account_id).update(last_error=job.error[:500])
        same = ServerSync.objects.filter(server=job.server_id, account=job.account_id)
        jobs.delete_old_jobs(same, KEPT_SYNCS)
