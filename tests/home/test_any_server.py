"""Library, listener and playlists with any real server that speaks Subsonic and runs already.

MUSIC_SERVER is its address and MUSIC_ACCOUNTS its accounts as JSON, `{"olga": "…", "lena": "…"}`; olga sees the whole
library, which has what `tests.home.conftest.write_music` wrote. Lena's stars and playlists there are deleted.
"""

import json
import os
from datetime import UTC, datetime

import pytest

from accounts.models import User
from catalog.models import Interaction, MusicServer, Playlist, ServerAccount, ServerSong, Song
from catalog.servers import joining
from catalog.servers.clients import ItemGone, WrongCredentials, open_client, sign_in
from catalog.servers.connecting import check_connection
from catalog.servers.credentials import encrypt_secret
from tests.home.conftest import N_ALBUMS, N_SONGS
from tests.home.syncs import list_titles, read, sync_library

pytestmark = [
    pytest.mark.home,
    pytest.mark.xdist_group("home"),
    pytest.mark.django_db(transaction=True),
    pytest.mark.skipif("MUSIC_SERVER" not in os.environ, reason="MUSIC_SERVER names no server"),
]
PASSWORDS = json.loads(os.environ.get("MUSIC_ACCOUNTS", "{}"))
HEARD_AT = datetime(2026, 3, 1, 20, 15, tzinfo=UTC)


@pytest.fixture
def server(db) -> MusicServer:
    return MusicServer.objects.create(
        name="Attic",
        address=os.environ["MUSIC_SERVER"],
        account_name="olga",
        secret=encrypt_secret(PASSWORDS["olga"]),
    )


@pytest.fixture
def lena(server) -> ServerAccount:
    """Lena's account there joined to hers here; what earlier tests left there is gone."""
    sync_library(server)
    account = joining.join_account(
        User.objects.create_user("lena-here"), server, "lena", PASSWORDS["lena"]
    )
    client = open_client(server, account)
    client.unstar([song.item_id for song in client.list_starred()])
    for one in client.list_playlists():
        client.delete_playlist(one.playlist_id)
    return account


def find_item(title: str) -> str:
    return ServerSong.objects.get(song__title=title).item_id


def test_the_library_comes_in(server):
    is_well, sentence = check_connection(server)
    assert is_well, sentence
    with pytest.raises(WrongCredentials):
        sign_in(server, "olga", "wrong")
    sync = sync_library(server)
    assert (sync.n_rejected, sync.note) == (0, "")
    assert Song.objects.filter(title__startswith="Piece").count() == N_ALBUMS * N_SONGS
    song = Song.objects.get(title="Piece 1.4")
    assert (song.artist.name, song.album.title, song.year) == ("Band 1", "Record 1", 1991)
    assert (song.track_number, song.duration_ms, song.has_audio) == (4, 2000, True)
    assert [genre.name for genre in song.genres.all()] == ["Fado"]
    again = sync_library(server)
    assert (again.n_added, again.n_changed, again.n_removed) == (0, 0, 0)


def test_sound_and_covers(server):
    sync_library(server)
    client = open_client(server)
    with client.open_stream(find_item("Piece 0.1")) as file:
        content = b"".join(file.chunks)
    assert content.startswith(b"fLaC")
    with client.open_stream(find_item("Piece 0.1"), "bytes=100-199") as file:
        assert (file.status, b"".join(file.chunks)) == (206, content[100:200])
    with pytest.raises(ItemGone):
        client.open_stream("nothing-has-this-id")
    cover = ServerSong.objects.exclude(cover_id="").first().cover_id
    with client.open_cover(cover, 300) as file:
        assert file.content_type.startswith("image/") and b"".join(file.chunks)


def test_stars_come_in_and_go_back(lena):
    client = open_client(lena.server, lena)
    mine = Interaction.objects.for_listener(lena.user)
    client.star([find_item("Piece 0.1"), find_item("Piece 0.2")])
    client.star([find_item("Piece 0.1")])
    read(lena)
    assert set(mine.likes().values_list("song__title", flat=True)) == {"Piece 0.1", "Piece 0.2"}
    client.unstar([find_item("Piece 0.1")])
    read(lena)
    assert [one.song.title for one in mine.likes()] == ["Piece 0.2"]


def test_plays_are_the_listeners_own_or_nobodys(lena):
    open_client(lena.server).scrobble(find_item("Piece 0.5"), HEARD_AT)
    client = open_client(lena.server, lena)
    client.scrobble(find_item("Piece 0.4"), HEARD_AT)
    read(lena)
    heard = Interaction.objects.for_listener(lena.user).filter(kind=Interaction.Kind.PLAY)
    expected = {"Piece 0.4"} if client.counts_plays_by_account else set()
    assert set(heard.values_list("song__title", flat=True)) == expected


def test_playlists_are_written_renewed_and_deleted(lena):
    client = open_client(lena.server, lena)
    theirs = client.create_playlist("Weekly jams", [find_item("Piece 0.1")])
    jams = Playlist.objects.create(
        owner=lena.user, kind="weekly-jams", period="2026-W10", title="Weekly jams, week 10"
    )
    for position, song in enumerate(Song.objects.order_by("-title")):
        jams.items.create(song=song, position=position)
    read(lena)
    mine = next(one for one in client.list_playlists() if one.playlist_id != theirs)
    assert list_titles(client, mine.playlist_id) == sorted(
        Song.objects.values_list("title", flat=True), reverse=True
    )
    jams.items.filter(position__gte=3).delete()
    read(lena, is_light=True)
    assert len(list_titles(client, mine.playlist_id)) == 3
    client.delete_playlist(mine.playlist_id)
    jams.items.filter(position=2).delete()
    read(lena, is_light=True)
    again = next(one for one in client.list_playlists() if one.playlist_id != theirs)
    assert len(list_titles(client, again.playlist_id)) == 2
    joining.leave_account(lena, deletes_playlists=True)
    assert [one.playlist_id for one in client.list_playlists()] == [theirs]
    assert list_titles(client, theirs) == ["Piece 0.1"]
