"""Jellyfin's client against a stand-in: small, real HTTP, by Jellyfin's published interface. No real one was tried."""

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import pytest

from accounts.models import User
from catalog.models import Interaction, MusicServer, ServerAccount, ServerSong, Song
from catalog.servers import joining, removal, syncs
from catalog.servers.clients import ItemGone, WrongAnswer, WrongCredentials, open_client, sign_in
from catalog.servers.credentials import decrypt_secret, encrypt_secret
from tests.servers.stand_in import Raw, Request, serve_stand_in

pytestmark = pytest.mark.django_db(transaction=True)
PASSWORD = "of jelly"


def make_item(number: int, **fields: Any) -> dict[str, Any]:
    """Return a song as Jellyfin writes it."""
    return {
        "Id": f"{number:032x}",
        "Name": f"Tune {number}",
        "Artists": ["Jam Band"],
        "ArtistItems": [{"Name": "Jam Band", "Id": "a1"}],
        "AlbumArtist": "Jam Band",
        "Album": "Jars",
        "AlbumId": "b1",
        "AlbumPrimaryImageTag": "x",
        "RunTimeTicks": 1_800_000_000,
        "ProductionYear": 2001,
        "IndexNumber": number,
        "ParentIndexNumber": 1,
        "Genres": ["Jam"],
        "Path": f"/music/{number}.mp3",
        "Container": "mp3",
        "MediaSources": [{"Size": 4_000_000}],
    } | fields


@dataclass
class Jellyfin:
    """The stand-in: songs, and what each account thinks of them."""

    items: list[dict[str, Any]] = field(default_factory=lambda: [make_item(n) for n in range(1, 6)])
    data: dict[str, dict[str, Any]] = field(default_factory=dict)
    playlists: dict[str, dict[str, Any]] = field(default_factory=dict)
    sessions: set[str] = field(default_factory=set)
    asked: list[Request] = field(default_factory=list)
    address: str = ""
    is_gone: bool = False

    def answer(self, request: Request) -> Raw:
        self.asked.append(request)
        path = request.endpoint.strip("/").split("/")
        if path == ["Users", "AuthenticateByName"]:
            return self._sign_in(json.loads(request.headers["body"]))
        if path == ["System", "Info", "Public"]:
            return make_json({"Version": "10.11.0"})
        if self.is_gone:
            return Raw(b"", 502)
        token = request.headers.get("authorization", "").partition('Token="')[2].partition('"')[0]
        if token not in self.sessions:
            return Raw(b"", 401)
        return self._answer_signed_in(request, path, token)

    def _sign_in(self, body: dict[str, str]) -> Raw:
        if body.get("Pw") != PASSWORD:
            return Raw(b"", 401)
        token = f"token-of-{body['Username']}"
        self.sessions.add(token)
        return make_json({"AccessToken": token, "User": {"Id": "u1"}})

    def _answer_signed_in(self, request: Request, path: list[str], token: str) -> Raw:
        body = json.loads(request.headers["body"] or "null")
        match path:
            case ["Users", "Me"]:
                return make_json({"Id": "u1"})
            case ["Sessions", "Logout"]:
                self.sessions.discard(token)
            case ["Items"] if request.get("IncludeItemTypes") == "Playlist":
                return make_json(
                    {
                        "Items": [
                            {"Id": key, "Name": one["Name"]} for key, one in self.playlists.items()
                        ]
                    }
                )
            case ["Items"]:
                return make_json({"Items": self._list_items(request)})
            case ["Items", playlist_id] if request.method == "DELETE":
                del self.playlists[playlist_id]
            case ["UserFavoriteItems", item_id]:
                self.data.setdefault(item_id, {})["IsFavorite"] = request.method == "POST"
            case ["UserPlayedItems", item_id]:
                data = self.data.setdefault(item_id, {})
                data["PlayCount"] = data.get("PlayCount", 0) + 1
                data["LastPlayedDate"] = request.get("datePlayed")
            case ["Playlists"]:
                playlist_id = f"pl{len(self.playlists)}"
                self.playlists[playlist_id] = body
                return make_json({"Id": playlist_id})
            case ["Playlists", playlist_id]:
                self.playlists[playlist_id] |= body
            case ["Audio", _item_id, "stream"]:
                start = int(request.headers.get("range", "bytes=0-")[6:].split("-")[0])
                return Raw(
                    b"0123456789"[start:], 206 if start else 200, {"Content-Type": "audio/mpeg"}
                )
            case ["Items", _item_id, "Images", "Primary"]:
                return Raw(request.get("maxWidth").encode(), 200, {"Content-Type": "image/jpeg"})
            case _:
                return Raw(b"", 404)
        return Raw(b"", 204)

    def _list_items(self, request: Request) -> list[dict[str, Any]]:
        items = [item | {"UserData": self.data.get(item["Id"], {})} for item in self.items]
        if request.get("Ids"):
            items = [item for item in items if item["Id"] == request.get("Ids")]
        if request.get("IsFavorite"):
            items = [item for item in items if item["UserData"].get("IsFavorite")]
        first = int(request.get("StartIndex", "0"))
        return items[first : first + int(request.get("Limit", "500"))]


def make_json(value: Any) -> Raw:
    return Raw(json.dumps(value).encode(), 200, {"Content-Type": "application/json"})


@pytest.fixture
def jellyfin() -> Iterator[Jellyfin]:
    with serve_stand_in(Jellyfin()) as one:
        yield one


@pytest.fixture
def jelly_server(jellyfin) -> MusicServer:
    server = MusicServer(
        name="Jelly", kind="jellyfin", address=jellyfin.address, account_name="olga"
    )
    server.secret = encrypt_secret(sign_in(server, "olga", PASSWORD))
    server.save()
    syncs.run_sync(syncs.request_library_sync(server).pk)
    return server


@pytest.fixture
def lena(jelly_server) -> ServerAccount:
    return joining.join_account(User.objects.create_user("lena"), jelly_server, "lena", PASSWORD)


def read(account: ServerAccount) -> None:
    account = ServerAccount.objects.get(pk=account.pk)
    sync = syncs.run_sync(syncs.request_account_sync(account).pk)
    assert sync.status == "succeeded", sync.error


def test_songs_come_in_with_what_is_said_about_them(jelly_server):
    song = Song.objects.get(title="Tune 2")
    assert (song.artist.name, song.album.title, song.year) == ("Jam Band", "Jars", 2001)
    assert (song.duration_ms, song.track_number) == (180_000, 2)
    row = ServerSong.objects.get(song=song)
    assert (row.path, row.suffix, row.cover_id, row.n_bytes) == (
        "/music/2.mp3",
        "mp3",
        "b1",
        4_000_000,
    )
    jelly_server.refresh_from_db()
    assert jelly_server.software == "jellyfin 10.11.0"


def test_the_password_is_not_kept_only_a_token(jelly_server):
    assert decrypt_secret(jelly_server.secret) == "u1:token-of-olga"


def test_a_wrong_password_and_a_strange_server_are_told(jellyfin, jelly_server):
    with pytest.raises(WrongCredentials):
        sign_in(jelly_server, "olga", "wrong")
    jellyfin._sign_in = lambda body: make_json([])
    with pytest.raises(WrongAnswer, match="not that of a Jellyfin server"):
        sign_in(jelly_server, "olga", PASSWORD)


def test_odd_songs_cost_only_themselves(jellyfin, jelly_server):
    jellyfin.items += [
        make_item(7, Name=None),
        make_item(8, Artists="Solo", RunTimeTicks="x", MediaSources=3),
    ]
    sync = syncs.run_sync(syncs.request_library_sync(jelly_server).pk)
    assert (sync.n_rejected, Song.objects.get(title="Tune 8").artist.name) == (1, "Solo")


def test_a_removed_song_is_noticed(jellyfin, jelly_server):
    del jellyfin.items[0]
    sync = syncs.run_sync(syncs.request_library_sync(jelly_server).pk)
    assert sync.n_removed == 1 and not Song.objects.get(title="Tune 1").is_available


def test_favourites_and_plays_come_in_and_likes_go_back(jellyfin, lena):
    first, second = (item["Id"] for item in jellyfin.items[:2])
    open_client(lena.server, lena).star([first])
    open_client(lena.server, lena).scrobble(second, datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC))
    read(lena)
    rows = Interaction.objects.for_listener(lena.user).order_by("kind")
    assert [(row.song.title, row.get_kind_display()) for row in rows] == [
        ("Tune 2", "play"),
        ("Tune 1", "like"),
    ]
    assert rows[0].occurred_at == datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
    open_client(lena.server, lena).unstar([first])
    read(lena)
    assert not Interaction.objects.likes().exists()


def test_sound_and_covers_are_asked_for_without_a_secret_in_the_address(jellyfin, jelly_server):
    client = open_client(jelly_server)
    with client.open_stream("../Users", "bytes=4-") as file:
        assert file.status == 206
        assert b"".join(file.chunks) == b"456789"
    with client.open_cover("b1", 300) as file:
        assert b"".join(file.chunks) == b"300"
    assert all("token" not in str(request.values) + request.endpoint for request in jellyfin.asked)


def test_playlists_are_made_renewed_and_deleted(jellyfin, jelly_server):
    client = open_client(jelly_server)
    playlist_id = client.create_playlist("Jams", ["1", "2"])
    client.replace_playlist(playlist_id, "More jams", ["2"])
    assert jellyfin.playlists[playlist_id]["Ids"] == ["2"]
    assert [one.name for one in client.list_playlists()] == ["More jams"]
    client.delete_playlist(playlist_id)
    with pytest.raises(ItemGone):
        client.delete_playlist(playlist_id)


def test_leaving_ends_the_session_there(jellyfin, lena):
    assert "token-of-lena" in jellyfin.sessions
    joining.leave_account(lena)
    assert "token-of-lena" not in jellyfin.sessions


class TestRemoval:
    """A server is taken away on the dashboard."""

    def test_no_token_stays_good(self, jelly_server, jellyfin):
        lena = User.objects.create_user("lena")
        joining.join_account(lena, jelly_server, "lena", PASSWORD)
        assert len(jellyfin.sessions) == 2  # the operator's and Lena's
        removal.remove_server(jelly_server)
        assert jellyfin.sessions == set()
        assert not ServerAccount.objects.exists() and not MusicServer.objects.exists()

    def test_a_server_that_is_gone_is_removed_all_the_same(self, jelly_server, jellyfin):
        """Two sessions are tried; the rows go before anything is asked."""
        for name in ("lena", "mira", "nora"):
            joining.join_account(User.objects.create_user(name), jelly_server, name, PASSWORD)
        jellyfin.is_gone = True
        jellyfin.asked.clear()
        removal.remove_server(jelly_server)
        assert [one.endpoint for one in jellyfin.asked] == ["/Sessions/Logout"] * 2
        assert not ServerAccount.objects.exists() and not MusicServer.objects.exists()
