"""Links into the own pages of music servers, for listeners: the operator says where these pages are."""

from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from catalog.servers.models import MusicServer, ServerSong
from catalog.songs.models import Song


@dataclass(frozen=True)
class WebLink:
    """A server's name and the address of a song, its album or else the start page there."""

    name: str
    address: str


def list_web_links(song: Song, user: Any) -> list[WebLink]:
    """Return a link for each server that has the song and whose page is a web address; one query, none for visitors."""
    if not song.has_audio or not user.is_authenticated:
        return []
    items = (
        ServerSong.objects.present()
        .filter(song=song)
        .filter(server__web_address__regex=r"^https?://")
        .select_related("server")
        .order_by("server__name", "pk")
    )
    by_server = {item.server_id: item for item in reversed(items)}
    return [
        WebLink(item.server.name, _build_address(item)) for item in reversed(by_server.values())
    ]


def _build_address(item: ServerSong) -> str:
    page = item.server.web_address.rstrip("/")
    if item.server.kind == MusicServer.Kind.JELLYFIN:
        return f"{page}/web/#/details?id={quote(item.item_id, safe='')}"
    if item.server.software.lower().startswith("navidrome") and item.album_item_id:
        return f"{page}/app/#/album/{quote(item.album_item_id, safe='')}/show"
    return item.server.web_address
