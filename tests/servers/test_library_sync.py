"""A library comes in, joins what histories named, and follows what happens on the server."""

import pytest

from accounts.models import User
from catalog.curation import merge
from catalog.listening import interactions
from catalog.models import (
    Artist,
    Interaction,
    MusicServer,
    RejectedServerSong,
    ServerAccount,
    ServerSong,
    ServerSync,
    Song,
)
from catalog.records import SongRecord
from catalog.servers import library_sync, removal, syncs
from catalog.songs import resolver
from common.jobs import job_conf
from tests.servers.stand_in import Raw, make_failure, make_song

pytestmark = pytest.mark.django_db(transaction=True)
MBID = "7d4a8a3e-2f1b-4a6c-9f25-0f6f4e0f1d11"


def sync_library(server: MusicServer, *, is_forced: bool = True) -> ServerSync:
    """Sync to the end and return the finished row."""
    sync = syncs.request_library_sync(server, is_forced=is_forced)
    for _turn in range(50):
        sync = syncs.run_sync(sync.pk)
        if sync.status != ServerSync.Status.QUEUED:
            return sync
    raise AssertionError("the sync never ended")


def describe(song: Song) -> tuple:
    return (song.title, song.artist.name, song.album.title, song.year, song.is_available)


class TestSongsComeIn:
    def test_with_everything_that_is_said_about_them(self, server, stand_in):
        stand_in.songs = [
            make_song(
                1, genres=[{"name": "Jazz"}], bpm=93, musicBrainzId=MBID, isrc=["GBAYE0601498"]
            )
        ]
        sync = sync_library(server)
        song = Song.objects.get()
        assert describe(song) == ("Song 1", "Artist 1", "Album 1", 1991, True)
        assert (song.duration_ms, song.track_number, song.tempo) == (181_000, 2, 93.0)
        assert (str(song.mbid), song.isrc, song.has_audio) == (MBID, "GBAYE0601498", True)
        assert [genre.name for genre in song.genres.all()] == ["Jazz"]
        row = ServerSong.objects.get()
        assert (row.item_id, row.path, row.cover_id) == (
            "s1",
            "Artist 1/Album 1/Song 1.flac",
            "al-1",
        )
        assert (sync.status, sync.n_read, sync.n_added) == ("succeeded", 1, 1)
        server.refresh_from_db()
        assert server.software == "navidrome"

    def test_a_song_that_a_history_named_is_that_song(self, server, stand_in, heard_song):
        sync_library(server)
        assert Song.objects.count() == 12
        assert ServerSong.objects.get(item_id="s3").song == heard_song
        assert heard_song.interactions.count() == 1

    def test_two_files_of_one_song_are_one_song_with_two_items(self, server, stand_in):
        stand_in.songs = [make_song(1), make_song(1, id="other", suffix="mp3")]
        sync_library(server)
        assert Song.objects.count() == 1
        assert ServerSong.objects.filter(song=Song.objects.get()).count() == 2

    def test_a_second_sync_changes_nothing(self, server, stand_in):
        sync_library(server)
        before = list(Song.objects.order_by("pk").values())
        sync = sync_library(server)
        assert (sync.n_read, sync.n_added, sync.n_changed, sync.n_removed) == (12, 0, 0, 0)
        assert list(Song.objects.order_by("pk").values()) == before

    def test_a_server_that_scanned_nothing_new_is_not_read_again(self, server, stand_in):
        stand_in.answers["getScanStatus"] = lambda request: {
            "scanStatus": {"scanning": False, "count": 12, "lastScan": "2026-01-01T00:00:00Z"}
        }
        sync_library(server, is_forced=False)
        n_searches = stand_in.count("search3")
        sync = sync_library(server, is_forced=False)
        assert (stand_in.count("search3"), sync.status) == (n_searches, "succeeded")
        assert sync.note == "The server has scanned nothing new since the last time."
        sync_library(server, is_forced=True)
        assert stand_in.count("search3") > n_searches


class TestChangesThere:
    def test_new_names_of_a_file_are_new_names_of_its_song_and_the_history_stays(
        self, server, stand_in
    ):
        sync_library(server)
        song = ServerSong.objects.get(item_id="s3").song
        interactions.like_song(User.objects.create_user("lena"), song, source="web")
        stand_in.songs[3] |= {
            "title": "Another title",
            "artist": "Another artist",
            "album": "Another album",
        }
        sync = sync_library(server)
        song.refresh_from_db()
        assert describe(song)[:3] == ("Another title", "Another artist", "Another album")
        assert (sync.n_changed, Song.objects.count(), song.interactions.count()) == (1, 12, 1)
        assert "another title" in song.search_text

    def test_another_recording_under_the_same_id_is_another_song(self, server, stand_in):
        sync_library(server)
        song = ServerSong.objects.get(item_id="s3").song
        stand_in.songs[3] |= {"title": "Quite another", "artist": "Somebody", "duration": 999}
        sync_library(server)
        song.refresh_from_db()
        assert (song.title, song.is_available) == ("Song 3", False)
        assert ServerSong.objects.get(item_id="s3").song.title == "Quite another"

    def test_new_names_of_a_song_that_others_named_first_leave_theirs(
        self, server, stand_in, heard_song
    ):
        sync_library(server)
        stand_in.songs[3] |= {"title": "Another title"}
        sync_library(server)
        heard_song.refresh_from_db()
        assert heard_song.title == "Song 3"
        assert ServerSong.objects.get(item_id="s3").song.title == "Another title"

    def test_a_file_that_moved_is_the_same_song(self, server, stand_in):
        sync_library(server)
        stand_in.songs[3]["path"] = "elsewhere/x.flac"
        sync = sync_library(server)
        row = ServerSong.objects.get(item_id="s3")
        assert (row.path, row.song.title, sync.n_changed) == ("elsewhere/x.flac", "Song 3", 1)

    def test_a_removed_song_is_unavailable_keeps_its_history_and_comes_back(self, server, stand_in):
        sync_library(server)
        song = ServerSong.objects.get(item_id="s3").song
        interactions.like_song(User.objects.create_user("lena"), song, source="web")
        (gone,) = [stand_in.songs.pop(3)]
        sync = sync_library(server)
        song.refresh_from_db()
        assert (sync.n_removed, song.is_available, song.interactions.count()) == (1, False, 1)
        assert ServerSong.objects.get(item_id="s3").removed_at is not None
        stand_in.songs.append(gone)
        sync_library(server)
        song.refresh_from_db()
        assert (song.is_available, song.has_audio, Song.objects.count()) == (True, True, 12)

    @pytest.mark.parametrize("is_album_left", [True, False])
    def test_navidrome_describes_a_song_whose_file_vanished(self, server, stand_in, is_album_left):
        """Navidrome 0.63.2 answers getSong as before; search and album do not list the song any more."""
        sync_library(server)
        gone = next(song for song in stand_in.songs if song["id"] == "s3")
        stand_in.songs = [
            song
            for song in stand_in.songs
            if song is not gone and (is_album_left or song["albumId"] != gone["albumId"])
        ]
        stand_in.answers["getSong"] = lambda request: {"song": gone | {"id": request.get("id")}}
        if not is_album_left:
            stand_in.answers["getAlbum"] = lambda request: make_failure(70, "Album not found")
        sync = sync_library(server)
        assert sync.n_removed == 12 - len(stand_in.songs)
        assert not Song.objects.get(title="Song 3").is_available

    def test_a_song_of_two_servers_stays_until_both_lost_it(self, server, stand_in, second_server):
        sync_library(server)
        sync_library(second_server)
        song = Song.objects.get(title="Song 3")
        removal.remove_server(second_server)
        song.refresh_from_db()
        assert song.is_available
        removal.remove_server(server)
        song.refresh_from_db()
        assert not song.is_available and Song.objects.count() == 12

    def test_what_an_operator_withdrew_does_not_come_back_by_a_sync(self, server, stand_in):
        sync_library(server)
        Song.objects.filter(title="Song 3").update(is_available=False)
        stand_in.songs[3]["path"] = "moved.flac"
        sync_library(server)
        assert not Song.objects.get(title="Song 3").is_available


class TestServersThatLie:
    def test_a_song_that_a_page_skipped_is_not_removed(self, server, stand_in):
        sync_library(server)
        whole = list(stand_in.songs)
        stand_in.answers["search3"] = lambda request: {
            "searchResult3": {"song": whole[:6] if request.get("songOffset") == "0" else []}
        }
        sync = sync_library(server)
        assert (sync.n_removed, ServerSong.objects.present().count()) == (0, 12)
        assert stand_in.count("getSong") == 6

    def test_half_a_library_is_gone_only_when_it_is_gone_twice(self, server, stand_in, monkeypatch):
        monkeypatch.setattr(library_sync, "ASKED_FOR", 3)
        sync_library(server)
        del stand_in.songs[4:]
        sync = sync_library(server)
        assert (sync.n_removed, ServerSong.objects.present().count()) == (0, 12)
        assert sync.note == (
            "8 songs are missing at once. They stay until the next sync misses them, too."
        )
        assert sync_library(server).n_removed == 8

    def test_odd_songs_are_listed_with_their_reasons_and_the_others_are_in(self, server, stand_in):
        stand_in.songs = [
            make_song(1),
            make_song(2, title=""),
            make_song(3, artist=None),
            "no song",
            make_song(4, title="x" * 9000, genre="y" * 9000, path="\ud800\0"),
        ]
        sync = sync_library(server)
        assert (sync.status, sync.n_added, sync.n_rejected) == ("succeeded", 2, 3)
        assert list(RejectedServerSong.objects.values_list("item_id", "reason")) == [
            ("s2", "The song has no title."),
            ("s3", "“Song 3” has no artist."),
            ("", "The entry is no song."),
        ]

    def test_a_server_that_goes_round_in_circles_is_left(self, server, stand_in):
        pages = [stand_in.songs[:4], stand_in.songs[4:8], stand_in.songs[8:]]
        stand_in.answers["search3"] = lambda request: {
            "searchResult3": {"song": pages[int(request.get("songOffset")) // 4 % 3]}
        }
        stand_in.answers["getAlbumList2"] = lambda request: {"albumList2": {}}
        sync = sync_library(server)
        assert (sync.status, sync.n_read) == ("succeeded", 12)
        assert "repeated a page" in sync.note

    @pytest.mark.parametrize(
        ("answer", "sentence"),
        [
            (make_failure(40, "no"), "The server does not accept this account or password."),
            (Raw(b"<html>"), "does not answer in JSON"),
            (Raw(b"", 302, {"Location": "http://127.0.0.1:1/"}), "sends us to another address"),
        ],
    )
    def test_what_is_wrong_for_good_fails_with_a_sentence(self, server, stand_in, answer, sentence):
        stand_in.answers["ping"] = lambda request: answer
        sync = sync_library(server)
        assert sync.status == "failed" and sentence in sync.error

    def test_a_server_that_leaves_in_the_middle_goes_on_where_it_was(self, server, stand_in):
        stand_in.songs = [make_song(number) for number in range(1100)]
        stand_in.answers["search3"] = lambda request: (
            Raw(b"", 503)
            if request.get("songOffset") == "500"
            else stand_in._answer_search3(request)
        )
        sync = syncs.request_library_sync(server)
        sync = syncs.run_sync(sync.pk)
        assert (sync.status, sync.n_read, ServerSong.objects.count()) == ("queued", 500, 500)
        assert "answered with an error" in sync.error
        del stand_in.answers["search3"]
        asked = len(stand_in.asked)
        sync = syncs.run_sync(sync.pk)
        assert (sync.status, sync.n_read, sync.error) == ("succeeded", 1100, "")
        assert [one.get("songOffset") for one in stand_in.asked[asked:] if one.endpoint == "search3"] == [
            "500", "1000", "1100",
        ]  # fmt: skip

    def test_a_server_that_stays_away_fails_in_the_end(self, server):
        server.address = "http://127.0.0.1:9"
        server.save()
        sync = sync_library(server)
        assert (sync.status, sync.attempt) == ("failed", job_conf.job_attempts)
        assert "can't be reached" in sync.error


class TestJobs:
    def test_it_gives_way_after_its_turn_and_goes_on(self, server, stand_in):
        stand_in.songs = [make_song(number) for number in range(1100)]
        sync = syncs.request_library_sync(server)
        seen = []
        while sync.status in ("queued", "running"):
            sync = syncs.run_sync(sync.pk, max_seconds=0)
            seen.append(sync.n_read)
        assert seen == [500, 1000, 1100, 1100]
        assert sync.status == "succeeded"

    def test_two_requests_are_one_sync(self, server):
        assert syncs.request_library_sync(server) == syncs.request_library_sync(server)

    def test_cancelled_what_is_in_stays(self, server, stand_in):
        stand_in.songs = [make_song(number) for number in range(1100)]
        sync = syncs.run_sync(syncs.request_library_sync(server).pk, max_seconds=0)
        assert syncs.cancel_sync(sync)
        sync.refresh_from_db()
        assert (sync.status, ServerSong.objects.count()) == ("cancelled", 500)
        assert not syncs.cancel_sync(sync)

    def test_the_schedule_asks_when_it_is_time(self, server):
        (sync,) = syncs.request_due_syncs()
        assert syncs.request_due_syncs() == []
        syncs.run_sync(sync.pk)
        assert syncs.request_due_syncs() == []
        ServerSync.objects.update(created_at="2026-01-01T00:00:00Z")
        assert [one.server for one in syncs.request_due_syncs()] == [server]

    def test_a_server_that_is_deleted_while_the_schedule_asks_is_left_out(
        self, server, second_server, monkeypatch
    ):
        """The schedule's task failed, and no later server was asked for."""
        request = syncs.request_library_sync

        def delete_first(one: MusicServer) -> ServerSync:
            MusicServer.objects.filter(pk=server.pk).delete()
            return request(one)

        monkeypatch.setattr(syncs, "request_library_sync", delete_first)
        assert [sync.server for sync in syncs.request_due_syncs()] == [second_server]

    def test_an_account_that_leaves_while_the_schedule_asks_is_left_out(
        self, server, monkeypatch, django_user_model
    ):
        request = syncs.request_account_sync
        for name in ("ada", "bea"):
            user = django_user_model.objects.create_user(name)
            ServerAccount.objects.create(server=server, user=user, account_name=name, secret="x")

        def delete_ada(account: ServerAccount, **options: bool) -> ServerSync:
            ServerAccount.objects.filter(account_name="ada").delete()
            return request(account, **options)

        monkeypatch.setattr(syncs, "request_account_sync", delete_ada)
        asked = [sync.account for sync in syncs.request_due_syncs() if sync.account]
        assert [account.account_name for account in asked] == ["bea"]

    def test_only_so_many_syncs_are_kept(self, server, monkeypatch):
        monkeypatch.setattr(syncs, "KEPT_SYNCS", 3)
        for _time in range(5):
            sync_library(server)
        assert ServerSync.objects.count() == 3

    def test_a_server_that_was_deleted_meanwhile_stops_its_sync(self, server, stand_in):
        stand_in.songs = [make_song(number) for number in range(1100)]
        sync = syncs.run_sync(syncs.request_library_sync(server).pk, max_seconds=0)
        removal.remove_server(server)
        assert syncs.run_sync(sync.pk) is None
        assert not ServerSong.objects.exists() and not Interaction.objects.exists()


class TestWhatWasMerged:
    @pytest.fixture
    def keeper(self, server, stand_in) -> Song:
        """A song of a player's plays, into which the operator merged number 3 of the server and its artist."""
        sync_library(server)
        keeper, _is_new = resolver.find_or_add_song(SongRecord(0, "Tide", "Ana Lima"))
        merge.merge_songs(keeper, [Song.objects.get(title="Song 3")])
        merge.merge_artists(keeper.artist, [Artist.objects.get(name="Artist 3")])
        return keeper

    def test_a_change_of_the_file_does_not_rename_it_back(self, server, stand_in, keeper):
        stand_in.songs = [make_song(3, bpm=100, genres=[{"name": "Jazz"}])]
        sync_library(server)
        keeper.refresh_from_db()
        assert (keeper.title, keeper.artist.name, keeper.has_audio) == ("Tide", "Ana Lima", True)
        assert ServerSong.objects.get(item_id="s3").song == keeper
        assert not Artist.objects.filter(name="Artist 3").exists()

    def test_another_server_and_a_player_with_the_old_names_mean_it(
        self, server, second_server, stand_in, keeper
    ):
        n_songs = Song.objects.count()
        sync_library(second_server)
        played, _is_new = resolver.find_or_add_song(SongRecord(0, "Song 3", "Artist 3"))
        assert played == keeper
        assert set(ServerSong.objects.filter(item_id="s3").values_list("song", flat=True)) == {
            keeper.pk
        }
        assert Song.objects.count() == n_songs
