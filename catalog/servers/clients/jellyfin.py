"""A client of Jellyfin 10.9 and newer."""

import uuid
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote

from django.utils.translation import gettext as _

from catalog.servers.clients.base import (
    PAGE_SONGS,
    RejectedItem,
    ServerClient,
    ServerItem,
    ServerPlaylist,
    SongPage,
    reject_unnamed,
)
from catalog.servers.clients.errors import ItemGone, WrongAnswer
from catalog.servers.clients.http import COVER_BYTES, OpenedFile, ServerConnection
from catalog.servers.clients.values import (
    LATEST_YEAR,
    read_dict,
    read_genres,
    read_id,
    read_list,
    read_number,
    read_text,
    read_time,
)

_FIELDS = "ProviderIds,Path,Genres,MediaSources"
_TICKS_A_MS = 10_000
_DEVICE = uuid.uuid5(uuid.NAMESPACE_URL, "musicrec").hex
MOST_STARRED = 1_000_000


class JellyfinClient(ServerClient):
    """Speaks to one server as one account; the secret is the account's id and an access token."""

    counts_plays_by_account = True

    def __init__(self, address: str, secret: str) -> None:
        self._connection = ServerConnection(address)
        self._user_id, _separator, self._token = secret.partition(":")

    @classmethod
    def sign_in(cls, address: str, account_name: str, password: str) -> str:
        """Sign in once and return the secret; the password itself is not needed any more."""
        answer = ServerConnection(address).fetch_json(
            "POST",
            "/Users/AuthenticateByName",
            body={"Username": account_name, "Pw": password},
            headers={"Authorization": _build_authorization("")},
        )
        token = read_text(read_dict(answer).get("AccessToken"), 200)
        user_id = read_id(read_dict(read_dict(answer).get("User")).get("Id"))
        if not token or not user_id or not user_id.replace("-", "").isalnum():
            raise WrongAnswer(
                _("The answer is not that of a Jellyfin server. Is the address right?")
            )
        return f"{user_id}:{token}"

    def sign_out(self) -> None:
        """End the session, so that the token is worth nothing any more."""
        self._ask("POST", "/Sessions/Logout")

    def ping(self) -> str:
        """Check address and account; return how the server names itself."""
        self._ask("GET", "/Users/Me")
        info = read_dict(self._ask("GET", "/System/Info/Public"))
        return f"jellyfin {read_text(info.get('Version'), 40)}".strip()

    def get_scan_mark(self) -> str:
        """Return nothing: Jellyfin tells the time of its last scan to administrators only."""
        return ""

    # --- The library ---

    def list_songs(self, cursor: dict[str, Any] | None = None) -> SongPage:
        """Return the page of the library at `cursor`."""
        offset = (cursor or {}).get("offset", 0)
        entries = self._list_items({"StartIndex": offset, "Limit": PAGE_SONGS})
        page = _read_items(entries)
        if not entries:
            return page
        first, last = (read_text(read_dict(entries[i]).get("Id")) for i in (0, -1))
        if [first, last] == (cursor or {}).get("page"):
            note = _("The server repeated a page at song %(number)d; reading ended there.")
            return SongPage([], [], None, note % {"number": offset})
        return page._replace(cursor={"offset": offset + len(entries), "page": [first, last]})

    def get_song(self, item_id: str) -> ServerItem | None:
        """Return one song; None where the server has no such song."""
        songs = [read_item(entry) for entry in self._list_items({"Ids": item_id})]
        return next(
            (song for song in songs if isinstance(song, ServerItem) and song.item_id == item_id),
            None,
        )

    def _list_items(self, query: dict[str, Any], kind: str = "Audio") -> list[Any]:
        asked = {
            "UserId": self._user_id,
            "IncludeItemTypes": kind,
            "Recursive": "true",
            "Fields": _FIELDS,
            "SortBy": "DateCreated,SortName",
            "EnableTotalRecordCount": "false",
        }
        answer = self._ask("GET", "/Items", query=asked | query)
        if not isinstance(answer, dict) or "Items" not in answer:
            raise WrongAnswer(
                _("The answer is not that of a Jellyfin server. Is the address right?")
            )
        return read_list(answer["Items"])

    # --- What the account thinks of it ---

    def list_starred(self) -> list[ServerItem]:
        """Return the account's favourite songs."""
        songs: list[ServerItem] = []
        ids_before: list[str] = []
        for offset in range(0, MOST_STARRED, PAGE_SONGS):
            entries = self._list_items(
                {"IsFavorite": "true", "StartIndex": offset, "Limit": PAGE_SONGS}
            )
            ids = [read_text(read_dict(entry).get("Id")) for entry in entries]
            if ids == ids_before:  # it has no pages: the first one was all there is
                break
            songs += _read_items(entries).items
            if len(entries) < PAGE_SONGS:
                break
            ids_before = ids
        return songs

    def star(self, item_ids: Sequence[str]) -> None:
        """Make songs favourites."""
        for item_id in item_ids:
            self._ask(
                "POST", f"/UserFavoriteItems/{_quote(item_id)}", query={"userId": self._user_id}
            )

    def unstar(self, item_ids: Sequence[str]) -> None:
        """Make songs favourites no more."""
        for item_id in item_ids:
            self._ask(
                "DELETE", f"/UserFavoriteItems/{_quote(item_id)}", query={"userId": self._user_id}
            )

    def scrobble(self, item_id: str, played_at: datetime, *, is_now_playing: bool = False) -> None:
        """Report a play that began at `played_at`, or that the song plays now."""
        if is_now_playing:
            self._ask("POST", "/Sessions/Playing", body={"ItemId": item_id})
            return
        moment = played_at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        query = {"userId": self._user_id, "datePlayed": moment}
        self._ask("POST", f"/UserPlayedItems/{_quote(item_id)}", query=query)

    # --- Files ---

    def open_stream(
        self, item_id: str, range_header: str = "", *, format: str = "", max_kbps: int = 0
    ) -> OpenedFile:
        """Open the sound of a song."""
        query: dict[str, Any] = {"static": "true"}
        path = f"/Audio/{_quote(item_id)}/stream"
        if format or max_kbps:
            query = {"audioBitRate": max_kbps * 1000} if max_kbps else {}
            path = f"/Audio/{_quote(item_id)}/stream.{_quote(format or 'mp3')}"
        headers = self._headers | ({"Range": range_header} if range_header else {})
        return self._connection.open_file(path, query=query, headers=headers)

    def open_cover(self, cover_id: str, size: int = 0) -> OpenedFile:
        """Open a picture, at most `size` pixels wide."""
        return self._connection.open_file(
            f"/Items/{_quote(cover_id)}/Images/Primary",
            query={"maxWidth": size} if size else {},
            headers=self._headers,
            most_bytes=COVER_BYTES,
            most_seconds=60.0,
        )

    # --- Playlists ---

    def list_playlists(self) -> list[ServerPlaylist]:
        """Return the playlists that the account sees; Jellyfin tells no owner, and its lists have no comment."""
        entries = [read_dict(entry) for entry in self._list_items({"Limit": 5000}, "Playlist")]
        return [
            ServerPlaylist(read_id(one.get("Id")), read_text(one.get("Name")), "", "")
            for one in entries
            if read_id(one.get("Id"))
        ]

    def create_playlist(self, name: str, item_ids: Sequence[str], comment: str = "") -> str:
        """Make a playlist of the account; return its id."""
        body = {"Name": name, "Ids": list(item_ids), "UserId": self._user_id, "MediaType": "Audio"}
        playlist_id = read_id(read_dict(self._ask("POST", "/Playlists", body=body)).get("Id"))
        if not playlist_id:
            raise WrongAnswer(_("The server did not make the playlist."))
        return playlist_id

    def replace_playlist(
        self, playlist_id: str, name: str, item_ids: Sequence[str], comment: str = ""
    ) -> None:
        """Give a playlist another name and other songs."""
        self._ask(
            "POST", f"/Playlists/{_quote(playlist_id)}", body={"Name": name, "Ids": list(item_ids)}
        )

    def delete_playlist(self, playlist_id: str) -> None:
        """Delete a playlist; one that is gone already raises ItemGone."""
        if all(one.playlist_id != playlist_id for one in self.list_playlists()):
            raise ItemGone(_("The server has no such playlist."))
        self._ask("DELETE", f"/Items/{_quote(playlist_id)}")

    # --- Requests ---

    @property
    def _headers(self) -> dict[str, str]:
        return {"Authorization": _build_authorization(self._token)}

    def _ask(
        self, method: str, path: str, *, query: dict[str, Any] | None = None, body: Any = None
    ) -> Any:
        return self._connection.fetch_json(
            method, path, query=query or {}, body=body, headers=self._headers
        )


def _build_authorization(token: str) -> str:
    """Return the header that names our program and its session to Jellyfin."""
    fields = {"Client": "Musicrec", "Device": "Musicrec", "DeviceId": _DEVICE, "Version": "1"}
    if token:
        fields["Token"] = quote(token, safe="")
    return "MediaBrowser " + ", ".join(f'{name}="{value}"' for name, value in fields.items())


def _quote(text: str) -> str:
    """Return an id for a path; a slash or two dots in it lead nowhere else."""
    return quote(text, safe="").replace(".", "%2E")


def _read_items(entries: list[Any]) -> SongPage:
    return SongPage.gather([read_item(entry) for entry in entries])


def read_item(entry: Any) -> ServerItem | RejectedItem:
    """Return the song that an entry describes, or why it is none."""
    if not isinstance(entry, dict):
        return RejectedItem("", _("The entry is no song."))
    item_id, title = read_id(entry.get("Id")), read_text(entry.get("Name"))
    names = [name for one in read_list(entry.get("Artists"))[:20] if (name := read_text(one))]
    artist = ", ".join(names)[:500] or read_text(entry.get("AlbumArtist"))
    return reject_unnamed(item_id, title, artist) or _build_item(
        entry, item_id, title, artist, names
    )


def _build_item(
    entry: dict[str, Any], item_id: str, title: str, artist: str, names: list[str]
) -> ServerItem:
    ticks = read_number(entry.get("RunTimeTicks"), _TICKS_A_MS, 2**53)
    data, provider_ids = read_dict(entry.get("UserData")), read_dict(entry.get("ProviderIds"))
    media = read_dict(next(iter(read_list(entry.get("MediaSources"))), None))
    album_id = read_id(entry.get("AlbumId"))
    artists = read_list(entry.get("ArtistItems"))
    has_album_cover = bool(entry.get("AlbumPrimaryImageTag")) and bool(album_id)
    has_own_cover = bool(read_dict(entry.get("ImageTags")).get("Primary"))
    container = read_text(entry.get("Container") or media.get("Container"), 100).split(",")[0]
    return ServerItem(
        item_id=item_id,
        title=title,
        artist=artist,
        album=read_text(entry.get("Album")),
        album_artist=read_text(entry.get("AlbumArtist")),
        album_item_id=album_id,
        artist_item_id=read_id(read_dict(next(iter(artists), None)).get("Id")),
        cover_id=album_id if has_album_cover else item_id if has_own_cover else "",
        year=read_number(entry.get("ProductionYear"), 1000, LATEST_YEAR),
        duration_ms=min(ticks // _TICKS_A_MS, 2**31 - 1) if ticks else None,
        disc_number=read_number(entry.get("ParentIndexNumber"), 1, 10_000),
        track_number=read_number(entry.get("IndexNumber"), 1, 100_000),
        genres=read_genres(read_list(entry.get("Genres"))),
        # a file's "track id" is MusicBrainz' id of the track on its release; the recording has one of its own
        mbid=read_text(provider_ids.get("MusicBrainzRecording"), 36),
        credit=tuple((name, "") for name in names) if len(names) > 1 else (),
        path=read_text(entry.get("Path"), 4000),
        suffix=container[:20],
        n_bytes=read_number(media.get("Size"), 1, 2**62),
        is_starred=data.get("IsFavorite") is True,
        play_count=read_number(data.get("PlayCount"), 0, 1_000_000) or 0,
        played_at=read_time(data.get("LastPlayedDate")),
    )
