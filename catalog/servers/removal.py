"""A server is taken away: its songs, the accounts joined to it, and what their secrets open there."""

from django.db import transaction

from catalog.servers.clients import ServerClient, ServerError, open_client
from catalog.servers.joining import end_session
from catalog.servers.models import MusicServer, ServerSong, ServerSync
from catalog.songs.sources import refresh_sources
from common import jobs
from common.transactions import delete_row, lock_rows, retry_conflicts

_MOST_FAILURES = 2
"""A server that did not end so many sessions is gone, or too slow to wait for."""


def remove_server(server: MusicServer) -> None:
    """Delete a server with its songs' rows and joined accounts; songs that only it had become unavailable.

    The sessions of the operator and of the listeners are ended there, too, where it answers: no token stays good.
    Playlists that were written there stay. A sync ends behind the page that it is writing.
    """
    clients = _open_clients(server)
    _delete_rows(server)
    n_failed = 0
    for client in clients:
        n_failed += not end_session(client)
        if n_failed == _MOST_FAILURES:
            return


@retry_conflicts
def _delete_rows(server: MusicServer) -> None:
    with transaction.atomic():
        jobs.cancel_jobs(ServerSync.objects.filter(server=server))
        lock_rows([server])
        lock_rows(server.accounts.all())
        songs = ServerSong.objects.filter(server=server)
        song_ids = list(songs.values_list("song_id", flat=True).distinct())
        delete_row(server)
        refresh_sources(song_ids)


def _open_clients(server: MusicServer) -> list[ServerClient]:
    """Return a client for each secret that can be read still."""
    clients = []
    for account in [None, *server.accounts.select_related("server")]:
        try:
            clients.append(open_client(server, account))
        except ServerError:
            continue
    return clients
