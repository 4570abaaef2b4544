"""What every client of a music server offers, and the values it returns."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from datetime import datetime
from typing import Any, NamedTuple

from django.utils.translation import gettext as _

from catalog.servers.clients.http import OpenedFile

PAGE_SONGS = 500


class ServerItem(NamedTuple):
    """A song as a server describes it. Empty text and None mean: the server does not say.

    `rating` is 1 to 5; `credit` has the artists of a joint work, as in `SongRecord`. What is about an account
    (`starred_at`, `rating`, `play_count`, `played_at`) is the asking one's.
    """

    item_id: str
    title: str
    artist: str
    album: str = ""
    album_artist: str = ""
    album_item_id: str = ""
    artist_item_id: str = ""
    cover_id: str = ""
    year: int | None = None
    duration_ms: int | None = None
    disc_number: int | None = None
    track_number: int | None = None
    genres: tuple[str, ...] = ()
    tempo: float | None = None
    mbid: str = ""
    isrc: str = ""
    credit: tuple[tuple[str, str], ...] = ()
    path: str = ""
    suffix: str = ""
    content_type: str = ""
    n_bytes: int | None = None
    is_starred: bool = False
    starred_at: datetime | None = None
    rating: int | None = None
    play_count: int = 0
    played_at: datetime | None = None


class RejectedItem(NamedTuple):
    """An entry of a server's list that is no song we can take, and why."""

    item_id: str
    reason: str


class SongPage(NamedTuple):
    """Some songs of a library. `cursor` asks for the next page, None after the last; `note` says what was odd."""

    items: list[ServerItem]
    rejected: list[RejectedItem]
    cursor: dict[str, Any] | None
    note: str = ""

    @classmethod
    def gather(cls, entries: Sequence[ServerItem | RejectedItem]) -> "SongPage":
        """Return what was read of a list of entries, without a cursor."""
        return cls(
            [one for one in entries if isinstance(one, ServerItem)],
            [one for one in entries if isinstance(one, RejectedItem)],
            None,
        )


def reject_unnamed(item_id: str, title: str, artist: str) -> RejectedItem | None:
    """Say what an entry lacks that every song needs; None where it has all of it."""
    words = {"title": title[:100]}
    if not item_id:
        return RejectedItem("", _("“%(title)s” has no id that can be used.") % words)
    if not title:
        return RejectedItem(item_id, _("The song has no title."))
    if not artist:
        return RejectedItem(item_id, _("“%(title)s” has no artist.") % words)
    return None


class ServerPlaylist(NamedTuple):
    """A playlist of a server, as its owner sees it."""

    playlist_id: str
    name: str
    comment: str
    owner: str


class ServerClient(ABC):
    """One account's view of one server. Every method may raise a ServerError."""

    counts_plays_by_account = False
    """Whether `play_count` is the asking account's own; some servers count everybody's plays together."""

    @abstractmethod
    def ping(self) -> str:
        """Check address and account; return how the server names itself, such as "navidrome 0.63"."""

    @abstractmethod
    def get_scan_mark(self) -> str:
        """Return a text that is another one after the server's next scan; empty where the server has none."""

    @abstractmethod
    def list_songs(self, cursor: dict[str, Any] | None = None) -> SongPage:
        """Return the page of the library at `cursor`, the first one without."""

    @abstractmethod
    def get_song(self, item_id: str) -> ServerItem | None:
        """Return one song; None where the server says that it has no such song."""

    def has_song(self, item_id: str) -> bool:
        """Return whether the server has the song's file still."""
        return self.get_song(item_id) is not None

    @abstractmethod
    def list_starred(self) -> list[ServerItem]:
        """Return the songs that the account starred."""

    @abstractmethod
    def star(self, item_ids: Sequence[str]) -> None:
        """Star songs."""

    @abstractmethod
    def unstar(self, item_ids: Sequence[str]) -> None:
        """Take stars back."""

    @abstractmethod
    def scrobble(self, item_id: str, played_at: datetime, *, is_now_playing: bool = False) -> None:
        """Report a play that began at `played_at`, or that the song plays now."""

    @abstractmethod
    def open_stream(
        self, item_id: str, range_header: str = "", *, format: str = "", max_kbps: int = 0
    ) -> OpenedFile:
        """Open the sound of a song, from `range_header` on; `format` and `max_kbps` ask for another encoding."""

    @abstractmethod
    def open_cover(self, cover_id: str, size: int = 0) -> OpenedFile:
        """Open a picture, at most `size` pixels wide where the server can do that."""

    @abstractmethod
    def list_playlists(self) -> list[ServerPlaylist]:
        """Return the playlists that the account sees."""

    @abstractmethod
    def create_playlist(self, name: str, item_ids: Sequence[str], comment: str = "") -> str:
        """Make a playlist of the account; return its id."""

    @abstractmethod
    def replace_playlist(
        self, playlist_id: str, name: str, item_ids: Sequence[str], comment: str = ""
    ) -> None:
        """Give a playlist another name, other songs and another comment."""

    @abstractmethod
    def delete_playlist(self, playlist_id: str) -> None:
        """Delete a playlist; one that is gone already raises ItemGone."""

    def sign_out(self) -> None:
        """Give back what `sign_in` got; does nothing where the server keeps nothing."""
        return
