"""A client of servers that speak Subsonic or OpenSubsonic."""

import hashlib
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from django.utils.translation import gettext as _

from catalog.servers.clients.base import (
    PAGE_SONGS,
    RejectedItem,
    ServerClient,
    ServerItem,
    ServerPlaylist,
    SongPage,
)
from catalog.servers.clients.errors import (
    ItemGone,
    NotOffered,
    ServerError,
    ServerUnreachable,
    WrongAnswer,
)
from catalog.servers.clients.http import COVER_BYTES, LIST_BYTES, OpenedFile
from catalog.servers.clients.subsonic_connection import SubsonicConnection
from catalog.servers.clients.subsonic_songs import read_song, read_songs
from catalog.servers.clients.values import read_dict, read_id, read_list, read_text
from common.bulk_sql import cut_chunks

SONGS_A_WRITE = 40
ALBUMS_A_PAGE = 20
MOST_SONGS = 5_000_000
_PER_ACCOUNT_COUNTS = ("navidrome ", "lms ")


class SubsonicClient(ServerClient):
    """Speaks to one server as one account. Without an account name the secret is an API key."""

    def __init__(self, address: str, account_name: str, password: str) -> None:
        self._connection = SubsonicConnection(address, account_name, password)
        self._software = ""

    @property
    def counts_plays_by_account(self) -> bool:  # type: ignore[override]  # elsewhere a constant
        """Whether play counts are the account's own; what is not known to do that counts everybody's together."""
        if not self._software:
            self.ping()
        return f"{self._software} ".startswith(_PER_ACCOUNT_COUNTS)

    def ping(self) -> str:
        """Check address and account; return how the server names itself."""
        answer = self._connection.ask("ping")
        names = [read_text(answer.get(name), 40) for name in ("type", "serverVersion")]
        self._software = " ".join(filter(None, names)).lower() or "subsonic"
        return self._software

    def get_scan_mark(self) -> str:
        """Return the time and count of the last scan; empty where the server does not tell the time."""
        try:
            status = read_dict(self._connection.ask("getScanStatus").get("scanStatus"))
        except ServerUnreachable:
            raise
        except ServerError:
            return ""  # old servers, and those that tell it to administrators only
        last = read_text(status.get("lastScan"), 60)
        return (
            f"{last} {read_text(status.get('count'), 20)}"
            if last and not status.get("scanning")
            else ""
        )

    # --- The library ---

    def list_songs(self, cursor: dict[str, Any] | None = None) -> SongPage:
        """Return the page of the library at `cursor`.

        All songs are searched for with an empty query; servers that find nothing so, or the same again and
        again, are read album by album.
        """
        cursor = cursor or {"way": "search", "query": "", "offset": 0}
        if cursor["way"] == "albums":
            return self._list_albums(cursor)
        return self._search_songs(cursor)

    def _search_songs(self, cursor: dict[str, Any]) -> SongPage:
        offset = cursor["offset"]
        counts = {"songCount": PAGE_SONGS, "songOffset": offset, "artistCount": 0, "albumCount": 0}
        try:
            answer = self._connection.ask("search3", [("query", cursor["query"]), *counts.items()])
        except (NotOffered, WrongAnswer):
            if offset:
                raise
            answer = {}
        entries = read_list(read_dict(answer.get("searchResult3")).get("song"))
        if not entries and offset == 0:
            if cursor["query"] == "":  # old servers want two quotation marks
                return SongPage([], [], cursor | {"query": '""'})
            return SongPage([], [], {"way": "albums", "offset": 0})
        digest = _compute_digest(entries)
        if (entries and digest in (cursor.get("first"), cursor.get("last"))) or offset > MOST_SONGS:
            note = _(
                "The server repeated a page at song %(number)d, so it was read album by album."
            )
            return SongPage([], [], {"way": "albums", "offset": 0}, note % {"number": offset})
        page = read_songs(entries)
        if not entries:
            return page
        next_cursor = cursor | {"offset": offset + len(entries), "last": digest}
        return page._replace(cursor={"first": digest} | next_cursor)

    def _list_albums(self, cursor: dict[str, Any]) -> SongPage:
        offset = cursor["offset"]
        sizes = [("type", "alphabeticalByName"), ("size", ALBUMS_A_PAGE), ("offset", offset)]
        albums = read_list(
            read_dict(self._connection.ask("getAlbumList2", sizes).get("albumList2")).get("album")
        )
        digest = _compute_digest(albums)
        if not albums or digest in (cursor.get("first"), cursor.get("last")) or offset > MOST_SONGS:
            note = _(
                "The server repeated a page of albums at number %(number)d; reading ended there."
            )
            return SongPage([], [], None, note % {"number": offset} if albums else "")
        entries: list[Any] = []
        for album in albums:
            entries += self._list_album_songs(read_id(read_dict(album).get("id")))
        page = read_songs(entries)
        next_cursor = cursor | {"offset": offset + len(albums), "last": digest}
        return page._replace(cursor={"first": digest} | next_cursor)

    def _list_album_songs(self, album_id: str) -> list[Any]:
        if not album_id:
            return []
        try:
            answer = self._connection.ask("getAlbum", [("id", album_id)])
        except ItemGone:  # removed since the list was read
            return []
        return read_list(read_dict(answer.get("album")).get("song"))

    def get_song(self, item_id: str) -> ServerItem | None:
        """Return one song; None where the server says that it has no such song."""
        try:
            answer = self._connection.ask("getSong", [("id", item_id)])
        except ItemGone:
            return None
        song = read_song(answer.get("song"))
        if isinstance(song, RejectedItem):
            raise WrongAnswer(song.reason)
        return song

    def has_song(self, item_id: str) -> bool:
        """Return whether the server has the song's file still.

        Navidrome goes on describing a song whose file vanished, but its album does not list it any more.
        """
        song = self.get_song(item_id)
        if song is None or not song.album_item_id:
            return song is not None
        entries = self._list_album_songs(song.album_item_id)
        return item_id in {read_id(read_dict(entry).get("id")) for entry in entries}

    # --- What the account thinks of it ---

    def list_starred(self) -> list[ServerItem]:
        """Return the songs that the account starred."""
        answer = self._connection.ask("getStarred2", most_bytes=LIST_BYTES)  # it has no pages
        if not isinstance(answer.get("starred2"), dict):
            raise WrongAnswer(_("The server's list of starred songs can't be read."))
        return read_songs(read_list(answer["starred2"].get("song"))).items

    def star(self, item_ids: Sequence[str]) -> None:
        """Star songs; one that is starred already stays so."""
        for item_id in item_ids:
            try:
                self._connection.ask("star", [("id", item_id)])
            except (WrongAnswer, NotOffered):
                if not self._is_starred(item_id):
                    raise

    def _is_starred(self, item_id: str) -> bool:
        song = self.get_song(item_id)
        return song is not None and song.is_starred

    def unstar(self, item_ids: Sequence[str]) -> None:
        """Take stars back."""
        for item_id in item_ids:
            self._connection.ask("unstar", [("id", item_id)])

    def scrobble(self, item_id: str, played_at: datetime, *, is_now_playing: bool = False) -> None:
        """Report a play that began at `played_at`, or that the song plays now."""
        fields = [("id", item_id), ("submission", "false" if is_now_playing else "true")]
        if not is_now_playing:
            fields.append(("time", str(int(played_at.timestamp() * 1000))))
        self._connection.ask("scrobble", fields)

    # --- Files ---

    def open_stream(
        self, item_id: str, range_header: str = "", *, format: str = "", max_kbps: int = 0
    ) -> OpenedFile:
        """Open the sound of a song."""
        fields: list[tuple[str, Any]] = [("id", item_id), ("format", format or "raw")]
        fields += [("maxBitRate", max_kbps)] if max_kbps else []
        headers = {"Range": range_header} if range_header else {}
        return self._connection.open_file("stream", fields, headers=headers)

    def open_cover(self, cover_id: str, size: int = 0) -> OpenedFile:
        """Open a picture, at most `size` pixels wide where the server can do that."""
        fields = [("id", cover_id), *([("size", size)] if size else [])]
        return self._connection.open_file(
            "getCoverArt", fields, most_bytes=COVER_BYTES, most_seconds=60.0
        )

    # --- Playlists ---

    def list_playlists(self) -> list[ServerPlaylist]:
        """Return the playlists that the account sees."""
        entries = read_list(
            read_dict(self._connection.ask("getPlaylists").get("playlists")).get("playlist")
        )
        playlists = [read_dict(entry) for entry in entries]
        return [
            ServerPlaylist(
                read_id(one.get("id")),
                read_text(one.get("name")),
                read_text(one.get("comment"), 2000),
                read_text(one.get("owner")),
            )
            for one in playlists
            if read_id(one.get("id"))
        ]

    def create_playlist(self, name: str, item_ids: Sequence[str], comment: str = "") -> str:
        """Make a playlist of the account; return its id."""
        before = {one.playlist_id for one in self.list_playlists()}
        first, rest = item_ids[:SONGS_A_WRITE], item_ids[SONGS_A_WRITE:]
        fields = [("name", name), *_build_fields("songId", first)]
        created = read_dict(
            self._connection.ask("createPlaylist", fields, is_form=True).get("playlist")
        )
        playlist_id = read_id(created.get("id"))
        if not playlist_id:  # before version 1.14 the answer is empty
            new = [
                one
                for one in self.list_playlists()
                if one.playlist_id not in before and one.name == name
            ]
            if not new:
                raise WrongAnswer(_("The server did not make the playlist."))
            playlist_id = new[-1].playlist_id
        if playlist_id in before:
            raise WrongAnswer(_("The server did not make the playlist."))
        self._extend_playlist(playlist_id, name, rest, comment)
        return playlist_id

    def replace_playlist(
        self, playlist_id: str, name: str, item_ids: Sequence[str], comment: str = ""
    ) -> None:
        """Give a playlist another name, other songs and another comment."""
        first, rest = item_ids[:SONGS_A_WRITE], item_ids[SONGS_A_WRITE:]
        fields = [("playlistId", playlist_id), ("name", name), *_build_fields("songId", first)]
        self._connection.ask("createPlaylist", fields, is_form=True)
        self._extend_playlist(playlist_id, name, rest, comment)

    def _extend_playlist(
        self, playlist_id: str, name: str, item_ids: Sequence[str], comment: str
    ) -> None:
        fields = [("playlistId", playlist_id), ("name", name), ("comment", comment)]
        self._connection.ask("updatePlaylist", fields, is_form=True)
        for some in cut_chunks(item_ids, SONGS_A_WRITE):
            added = [("playlistId", playlist_id), *_build_fields("songIdToAdd", some)]
            self._connection.ask("updatePlaylist", added, is_form=True)

    def delete_playlist(self, playlist_id: str) -> None:
        """Delete a playlist; one that is gone already raises ItemGone."""
        self._connection.ask("deletePlaylist", [("id", playlist_id)], is_form=True)


def _build_fields(name: str, values: Sequence[str]) -> list[tuple[str, str]]:
    return [(name, value) for value in values]


def _compute_digest(entries: list[Any]) -> str:
    """Return what tells one page from another: the ids in their order."""
    ids = "\n".join(read_text(read_dict(entry).get("id"), 300) for entry in entries)
    return hashlib.sha256(ids.encode()).hexdigest()[:16] if entries else ""
