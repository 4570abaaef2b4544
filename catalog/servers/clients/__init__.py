"""Clients of music servers: one interface, one module a kind of server.

    with open_client(server).open_stream(item_id, request.headers.get("Range", "")) as file:
        for chunk in file.chunks: …

Whatever goes wrong is a `ServerError` whose message is a sentence for a page. A client asks the address that the
operator entered and no other one.
"""

from catalog.servers.clients.base import (
    PAGE_SONGS,
    RejectedItem,
    ServerClient,
    ServerItem,
    ServerPlaylist,
    SongPage,
)
from catalog.servers.clients.errors import (
    AnswerTooLarge,
    ItemGone,
    NotOffered,
    ServerError,
    ServerUnreachable,
    WrongAnswer,
    WrongCredentials,
)
from catalog.servers.clients.http import OpenedFile, WrongAddress, clean_address
from catalog.servers.clients.jellyfin import JellyfinClient
from catalog.servers.clients.subsonic import SubsonicClient
from catalog.servers.credentials import SecretLost, decrypt_secret
from catalog.servers.models import MusicServer, ServerAccount

__all__ = [
    "PAGE_SONGS",
    "AnswerTooLarge",
    "ItemGone",
    "NotOffered",
    "OpenedFile",
    "RejectedItem",
    "ServerClient",
    "ServerError",
    "ServerItem",
    "ServerPlaylist",
    "ServerUnreachable",
    "SongPage",
    "WrongAddress",
    "WrongAnswer",
    "WrongCredentials",
    "clean_address",
    "open_client",
    "sign_in",
]


def open_client(server: MusicServer, account: ServerAccount | None = None) -> ServerClient:
    """Return a client of `server` as the operator's account, or as a listener's.

    Raises WrongCredentials where the stored secret can't be decrypted any more.
    """
    try:
        secret = decrypt_secret(account.secret if account else server.secret)
    except SecretLost as error:
        raise WrongCredentials(str(error)) from None
    name = account.account_name if account else server.account_name
    return _build_client(server, name, secret)


def sign_in(server: MusicServer, account_name: str, password: str) -> str:
    """Prove that `password` opens the account; return the secret that is to be stored. Raises ServerError."""
    if server.kind == MusicServer.Kind.JELLYFIN:
        return JellyfinClient.sign_in(server.address, account_name, password)
    _build_client(server, account_name, password).ping()
    return password


def _build_client(server: MusicServer, account_name: str, secret: str) -> ServerClient:
    if server.kind == MusicServer.Kind.JELLYFIN:
        return JellyfinClient(server.address, secret)
    return SubsonicClient(server.address, account_name, secret)
