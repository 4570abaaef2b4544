"""The ids under which a connected music server has songs and artists, both ways."""

import threading
import time
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

import numpy as np
from django.db.models import QuerySet
from numpy.typing import NDArray

from accounts.models import User
from catalog.models import Artist, MusicServer, ServerAccount, ServerSong, Song
from catalog.servers.models import ITEM_ID_LENGTH
from recommendations.conf import conf

_MOST_ITEMS = 500
"""Items of one album or artist that are looked at."""


@dataclass(frozen=True)
class ServerLibrary:
    """What one music server has."""

    server: MusicServer

    def find_song(self, item_id: str) -> Song | None:
        """Return the song of an item; one query."""
        item = self._present().filter(item_id=item_id).select_related("song__artist").first()
        return item.song if item else None

    def find_songs(self, item_ids: Sequence[str]) -> dict[str, Song]:
        """Return the songs of items by item id; one query for each 400."""
        songs: dict[str, Song] = {}
        for start in range(0, len(item_ids), 400):
            batch = item_ids[start : start + 400]
            items = self._present().filter(item_id__in=batch).select_related("song__artist")
            songs |= {item.item_id: item.song for item in items}
        return songs

    def list_album(self, album_item_id: str) -> list[Song]:
        """Return the songs of an album in their order; one query."""
        items = self._present().filter(album_item_id=album_item_id).select_related("song__artist")
        ordered = items.order_by("disc_number", "track_number", "pk")[:_MOST_ITEMS]
        return list({item.song_id: item.song for item in ordered}.values())

    def find_artist(self, artist_item_id: str) -> Artist | None:
        """Return the artist that most songs under that id have; two queries."""
        items = self._present().filter(artist_item_id=artist_item_id)
        ids = Counter(items.values_list("song__artist", flat=True)[:_MOST_ITEMS])
        return Artist.objects.filter(pk=ids.most_common(1)[0][0]).first() if ids else None

    def read_item_ids(self, songs: Iterable[Song]) -> dict[int, str]:
        """Return the first item of each song by song id; songs that are not there are left out; one query."""
        ids = [song.pk for song in songs]
        items = self._present().filter(song__in=ids).order_by("-pk")
        return dict(items.values_list("song_id", "item_id"))

    def read_artist_ids(self, artists: Iterable[Artist]) -> dict[int, str]:
        """Return an id there of each artist by artist id; artists that are not there are left out; one query."""
        ids = [artist.pk for artist in artists]
        items = (
            self._present().filter(song__artist__in=ids).exclude(artist_item_id="").order_by("-pk")
        )
        return dict(items.values_list("song__artist", "artist_item_id")[: 40 * _MOST_ITEMS])

    def read_song_ids(self) -> NDArray[np.int64]:
        """Return the ids of the songs that are there, at most `catalog_mask_seconds` old."""
        return _song_ids.get(self.server)

    def _present(self) -> QuerySet[ServerSong]:
        present: QuerySet[ServerSong] = ServerSong.objects.present().filter(server=self.server)
        return present


def find_library(item_id: str = "", *, of: User | None = None) -> ServerLibrary | None:
    """Return the server that has an item (a song, an album or an artist), else the listener's own, else the first.

    Servers that count from 1 have the same ids: of several that have it, the listener's own is meant, then the first.
    """
    servers = {server.pk: server for server in MusicServer.objects.order_by("pk")}
    own = (
        ServerAccount.objects.filter(user=of).order_by("pk") if of else ServerAccount.objects.none()
    )
    order = list(dict.fromkeys([*own.values_list("server", flat=True), *servers]))
    if 0 < len(item_id) <= ITEM_ID_LENGTH and "\0" not in item_id:
        # with the servers named, the indexes of each server's ids are used
        present = ServerSong.objects.present().filter(server__in=order)
        for column in ("item_id", "album_item_id", "artist_item_id"):
            having = set(present.filter(**{column: item_id}).values_list("server", flat=True))
            for server_id in order:
                if server_id in having:
                    return ServerLibrary(servers[server_id])
    return ServerLibrary(servers[order[0]]) if order else None


class _SongIds:
    """The song ids of each server, kept for a while: a library of 100,000 songs is long to read."""

    def __init__(self) -> None:
        # a row's number may be given twice
        self._held: dict[tuple[int, datetime], tuple[float, NDArray[np.int64]]] = {}
        self._lock = threading.Lock()

    def get(self, server: MusicServer) -> NDArray[np.int64]:
        key = (server.pk, server.created_at)
        held = self._held.get(key)
        if held is None or time.monotonic() - held[0] > conf.catalog_mask_seconds:
            present = ServerSong.objects.present().filter(server=server)
            ids = np.fromiter(present.values_list("song_id", flat=True).distinct(), dtype=np.int64)
            held = (time.monotonic(), ids)
            with self._lock:
                self._held[key] = held
        return held[1]


_song_ids = _SongIds()
