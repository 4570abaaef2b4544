"""What tests of any music server do: bring its library in, read a listener's account, look at a playlist there."""

from catalog.models import ServerAccount
from catalog.servers import syncs


def sync_library(server):
    sync = syncs.run_sync(syncs.request_library_sync(server, is_forced=True).pk)
    assert sync.status == "succeeded", sync.error
    return sync


def read(account, *, is_light: bool = False):
    account = ServerAccount.objects.get(pk=account.pk)
    sync = syncs.run_sync(syncs.request_account_sync(account, is_light=is_light).pk)
    assert sync.status == "succeeded", sync.error
    return sync


def list_titles(client, playlist_id: str) -> list[str]:
    answer = client._connection.ask("getPlaylist", [("id", playlist_id)])
    return [song["title"] for song in answer["playlist"].get("entry", [])]
