"""What the operator does with a server: connect it, test it, remove it."""

from django.utils.translation import gettext as _

from catalog.servers.clients import ServerError, open_client, sign_in
from catalog.servers.credentials import encrypt_secret
from catalog.servers.models import MusicServer, ServerSong


def store_password(server: MusicServer, password: str) -> None:
    """Sign in as the server's account and set its secret, without saving the row. Raises ServerError."""
    server.secret = encrypt_secret(sign_in(server, server.account_name, password))


def check_connection(server: MusicServer) -> tuple[bool, str]:
    """Ask the server for its name and its first songs; return whether that went well and a sentence about it."""
    try:
        client = open_client(server)
        software = client.ping()
        page = client.list_songs()
        while not page.items and page.cursor is not None and not page.rejected:
            page = client.list_songs(page.cursor)
    except ServerError as error:
        return False, str(error)
    if not page.items:
        return False, _(
            "%(software)s answers, but this account sees no songs there. Was its library scanned?"
        ) % {"software": software}
    first = page.items[0]
    return True, _("%(software)s answers. Its first song: “%(title)s” by %(artist)s.") % {
        "software": software,
        "title": first.title,
        "artist": first.artist,
    }


def describe_library(server: MusicServer) -> tuple[int, int]:
    """Return how many songs of the server are here, and how many were removed there."""
    songs = ServerSong.objects.filter(server=server)
    n_present = songs.present().count()
    return n_present, songs.count() - n_present
