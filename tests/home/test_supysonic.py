"""Everything that is done with a music server, with a real one: supysonic and a folder of made music."""

from datetime import UTC, datetime

import pytest

from accounts.models import User
from catalog.listening import interactions
from catalog.models import Interaction, Playlist, ServerAccount, ServerSong, Song
from catalog.servers import joining
from catalog.servers.clients import ItemGone, WrongCredentials, open_client, sign_in
from catalog.servers.connecting import check_connection
from tests.home.conftest import N_ALBUMS, N_SONGS
from tests.home.syncs import read, sync_library

pytestmark = [
    pytest.mark.home,
    pytest.mark.xdist_group("home"),
    pytest.mark.django_db(transaction=True),
]
N_ALL = N_ALBUMS * N_SONGS


def list_likes(user: User) -> set[str]:
    return set(Interaction.objects.for_listener(user).likes().values_list("song__title", flat=True))


@pytest.fixture
def lena(server, supysonic) -> ServerAccount:
    """Lena's account there joined to hers here; stars and playlists of earlier tests are gone."""
    sync_library(server)
    user = User.objects.create_user("lena-here")
    account = joining.join_account(user, server, "lena", supysonic.passwords["lena"])
    client = open_client(server, account)
    client.unstar([song.item_id for song in client.list_starred()])
    for one in client.list_playlists():
        client.delete_playlist(one.playlist_id)
    return account


class TestLibrary:
    def test_the_connection_is_well(self, server):
        is_well, sentence = check_connection(server)
        assert is_well and "Its first song: “Piece" in sentence

    def test_a_wrong_password_is_told(self, server):
        with pytest.raises(WrongCredentials):
            sign_in(server, "olga", "wrong")

    def test_all_songs_come_in_with_their_tags(self, server):
        sync = sync_library(server)
        assert (sync.status, sync.n_read, sync.n_rejected, sync.note) == ("succeeded", N_ALL, 0, "")
        song = Song.objects.get(title="Piece 1.4")
        assert (song.artist.name, song.album.title, song.year) == ("Band 1", "Record 1", 1991)
        assert (song.track_number, song.duration_ms, song.has_audio) == (4, 2000, True)
        assert [genre.name for genre in song.genres.all()] == ["Fado"]
        row = song.server_songs.get()
        assert (row.path, row.suffix) == ("Band 1/Record 1/04.mp3", "mp3")
        assert (sync_library(server).n_added, Song.objects.count()) == (0, N_ALL)

    def test_a_file_that_goes_and_comes_back_is_followed(self, server, supysonic):
        sync_library(server)
        song = Song.objects.get(title="Piece 2.8")
        file = supysonic.music / "Band 2" / "Record 2" / "08.mp3"
        content = file.read_bytes()
        try:
            file.unlink()
            supysonic.scan()
            sync = sync_library(server)
            song.refresh_from_db()
            assert (sync.n_removed, song.is_available) == (1, False)
        finally:
            file.write_bytes(content)
            supysonic.scan()
        sync_library(server)
        song.refresh_from_db()
        assert (song.is_available, Song.objects.count()) == (True, N_ALL)


class TestFiles:
    def test_sound_comes_whole_and_in_parts(self, server, supysonic):
        sync_library(server)
        row = ServerSong.objects.get(song__title="Piece 0.1")
        content = (supysonic.music / "Band 0" / "Record 0" / "01.flac").read_bytes()
        client = open_client(server)
        with client.open_stream(row.item_id) as file:
            assert b"".join(file.chunks) == content
        with client.open_stream(row.item_id, "bytes=100-199") as file:
            assert (file.status, b"".join(file.chunks)) == (206, content[100:200])
        with pytest.raises(ItemGone):
            client.open_stream("00000000-0000-0000-0000-000000000000")

    def test_a_cover_is_a_picture(self, server):
        sync_library(server)
        row = ServerSong.objects.exclude(cover_id="").first()
        with open_client(server).open_cover(row.cover_id) as file:
            assert file.content_type.startswith("image/")
            assert b"".join(file.chunks)[1:4] == b"PNG"


class TestListener:
    def test_stars_there_are_likes_here_and_follow(self, lena):
        client = open_client(lena.server, lena)
        items = dict(ServerSong.objects.values_list("song__title", "item_id"))
        client.star([items["Piece 0.1"], items["Piece 0.2"]])
        client.star([items["Piece 0.1"]])
        read(lena)
        assert list_likes(lena.user) == {"Piece 0.1", "Piece 0.2"}
        client.unstar([items["Piece 0.1"]])
        read(lena)
        assert list_likes(lena.user) == {"Piece 0.2"}

    def test_a_like_here_stars_there_by_choice(self, lena):
        song = Song.objects.get(title="Piece 1.1")
        interactions.like_song(lena.user, song, source="web")
        read(lena)
        assert open_client(lena.server, lena).list_starred() == []
        ServerAccount.objects.update(star_back=True)
        read(lena, is_light=True)
        assert [one.title for one in open_client(lena.server, lena).list_starred()] == ["Piece 1.1"]
        interactions.clear_opinion(lena.user, song)
        read(lena, is_light=True)
        assert open_client(lena.server, lena).list_starred() == []

    def test_plays_that_everybody_shares_are_nobodys(self, lena):
        """supysonic counts the plays of all its users together."""
        row = ServerSong.objects.get(song__title="Piece 0.3")
        other = open_client(lena.server)
        other.scrobble(row.item_id, datetime(2026, 1, 1, tzinfo=UTC))
        with other.open_stream(row.item_id) as file:
            list(file.chunks)
        read(lena)
        assert not Interaction.objects.for_listener(lena.user).exists()

    def test_another_listener_cannot_take_the_account(self, lena, supysonic):
        other = User.objects.create_user("other")
        with pytest.raises(joining.JoinRefused):
            joining.join_account(other, lena.server, "lena", supysonic.passwords["lena"])


class TestPlaylists:
    @pytest.fixture
    def jams(self, lena) -> Playlist:
        jams = Playlist.objects.create(
            owner=lena.user, kind="weekly-jams", period="2026-W10", title="Weekly jams, week 10"
        )
        for position, song in enumerate(Song.objects.order_by("-title")):
            jams.items.create(song=song, position=position)
        return jams

    def test_jams_are_written_renewed_and_taken_away(self, lena, jams):
        client = open_client(lena.server, lena)
        an_item = ServerSong.objects.first().item_id
        theirs = client.create_playlist("Weekly jams", [an_item])
        read(lena)
        mine = next(one for one in client.list_playlists() if one.playlist_id != theirs)
        assert mine.name == "Weekly jams" and "[musicrec:weekly-jams]" in mine.comment
        assert self.list_titles(client, mine.playlist_id) == sorted(
            Song.objects.values_list("title", flat=True), reverse=True
        )
        jams.items.filter(position__gte=3).delete()
        read(lena, is_light=True)
        assert len(self.list_titles(client, mine.playlist_id)) == 3
        assert {one.playlist_id for one in client.list_playlists()} == {theirs, mine.playlist_id}
        joining.leave_account(lena, deletes_playlists=True)
        assert [one.playlist_id for one in client.list_playlists()] == [theirs]

    def list_titles(self, client, playlist_id: str) -> list[str]:
        answer = client._connection.ask("getPlaylist", [("id", playlist_id)])
        return [song["title"] for song in answer["playlist"].get("entry", [])]
