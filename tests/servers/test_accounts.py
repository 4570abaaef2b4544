"""A listener's account on a server: joined, read, written to, left. Nothing counts twice and nobody's is taken."""

from contextlib import suppress
from datetime import UTC, datetime, timedelta

import pytest
from django.utils import timezone

from accounts.models import User
from accounts.services import delete_account
from catalog.listening import interactions
from catalog.models import (
    Interaction,
    MusicServer,
    ServerAccount,
    ServerAccountSong,
    ServerSong,
    ServerSync,
    Song,
    WrittenPlaylist,
)
from catalog.servers import account_sync, joining, playlist_out, syncs
from catalog.servers.clients import open_client
from catalog.servers.credentials import encrypt_secret
from tests.servers.stand_in import Raw

pytestmark = pytest.mark.django_db(transaction=True)
Kind = Interaction.Kind
LENAS = "her own password"


@pytest.fixture
def library(server, stand_in):
    """The server with its songs here, and an account of Lena's there."""
    stand_in.passwords["lena"] = LENAS
    syncs.run_sync(syncs.request_library_sync(server).pk)
    return server


@pytest.fixture
def lena(db) -> User:
    return User.objects.create_user("lena-here")


@pytest.fixture
def account(library, lena) -> ServerAccount:
    return joining.join_account(lena, library, "lena", LENAS)


def read(account: ServerAccount, *, is_light: bool = False) -> ServerSync:
    account = ServerAccount.objects.get(pk=account.pk)
    return syncs.run_sync(syncs.request_account_sync(account, is_light=is_light).pk)


def opinions(user: User) -> dict[str, str]:
    rows = Interaction.objects.for_listener(user).opinions().select_related("song")
    return {row.song.title: row.get_kind_display() for row in rows}


def plays(user: User, title: str) -> list[tuple[int, datetime | None]]:
    rows = Interaction.objects.for_listener(user).filter(song__title=title, kind=Kind.PLAY)
    return sorted(rows.values_list("plays", "occurred_at"), key=str)


def song(number: int) -> Song:
    return Song.objects.get(title=f"Song {number}")


class TestJoining:
    def test_the_password_proves_it_and_is_kept_encrypted(self, account):
        assert LENAS not in account.secret
        assert open_client(account.server, account).ping()

    def test_a_wrong_one_is_refused_and_nothing_is_kept(self, library, lena):
        with pytest.raises(joining.JoinRefused, match="does not accept this account"):
            joining.join_account(lena, library, "lena", "wrong")
        assert not ServerAccount.objects.exists()

    def test_nobody_guesses_passwords_of_the_server_through_us(self, library, lena, stand_in):
        for _time in range(joining.JOIN_TRIES.attempts):
            with pytest.raises(joining.JoinRefused, match="does not accept"):
                joining.join_account(lena, library, "lena", "wrong")
        asked = len(stand_in.asked)
        with pytest.raises(joining.JoinRefused, match="Too many wrong passwords"):
            joining.join_account(lena, library, "lena", LENAS)
        assert len(stand_in.asked) == asked

    def test_an_own_account_there_begins_no_count_anew(self, library, lena, stand_in):
        stand_in.passwords["own"] = "x"
        for number in range(joining.JOIN_TRIES.attempts):
            name, password = ("lena", "wrong") if number % 2 else ("own", "x")
            with suppress(joining.JoinRefused):
                joining.join_account(lena, library, name, password)
        with pytest.raises(joining.JoinRefused, match="Too many wrong passwords"):
            joining.join_account(lena, library, "lena", LENAS)

    def test_many_listeners_together_guess_no_more(self, library, stand_in):
        limit = joining.JOIN_TRIES_OF_NAME
        for _time in range(limit.attempts):
            limit.count(str(library.pk), "lena")
        asked = len(stand_in.asked)
        with pytest.raises(joining.JoinRefused, match="Too many wrong passwords"):
            joining.join_account(User.objects.create_user("new"), library, "Lena", LENAS)
        assert len(stand_in.asked) == asked

    def test_one_account_there_is_one_listeners_here(self, account, library, stand_in):
        stand_in.passwords["LENA"] = LENAS
        other = User.objects.create_user("other")
        with pytest.raises(joining.JoinRefused, match="Another listener here"):
            joining.join_account(other, library, "LENA", LENAS)
        assert ServerAccount.objects.get().user == account.user

    def test_another_account_of_the_same_listener_begins_anew(self, account, library, stand_in):
        read(account)
        stand_in.passwords["second"] = "x"
        second = joining.join_account(account.user, library, "second", "x")
        assert ServerAccount.objects.get() == second
        assert not ServerAccountSong.objects.exists()

    def test_leaving_deletes_the_secret_at_once_and_keeps_what_came(self, account, stand_in):
        stand_in.starred["lena"] = {"s1": "2026-01-01T00:00:00Z"}
        read(account)
        assert joining.leave_account(account) == ""
        assert not ServerAccount.objects.exists() and not ServerAccountSong.objects.exists()
        assert opinions(account.user) == {"Song 1": "like"}

    def test_leaving_works_without_the_server(self, account, stand_in):
        stand_in.answers = {
            name: lambda request: Raw(b"", 500) for name in ("ping", "getPlaylists")
        }
        joining.leave_account(account, deletes_playlists=True)
        assert not ServerAccount.objects.exists()

    @pytest.mark.parametrize("status", [204, 500])
    def test_a_deleted_account_leaves_no_open_session(self, server, stand_in, lena, status):
        stand_in.answers = {"/Sessions/Logout": lambda request: Raw(b"", status)}
        server.kind = MusicServer.Kind.JELLYFIN
        server.save()
        ServerAccount.objects.create(
            user=lena, server=server, account_name="lena", secret=encrypt_secret("u1:the-token")
        )
        delete_account(lena)
        (asked,) = stand_in.asked
        assert asked.endpoint == "/Sessions/Logout"
        assert 'Token="the-token"' in asked.headers["authorization"]
        assert not ServerAccount.objects.exists() and not User.objects.exists()


class TestOpinions:
    def test_stars_and_ratings_come_in(self, account, stand_in):
        stand_in.starred["lena"] = {"s1": "2026-01-01T00:00:00Z", "s6": "2026-01-01T00:00:00Z"}
        for number, rating in ((2, 5), (3, 4), (4, 3), (5, 2), (6, 1), (7, 1)):
            stand_in.songs[number]["userRating"] = rating
        read(account)
        liked = {f"Song {number}": "like" for number in (1, 2, 3, 6)}
        assert opinions(account.user) == liked | {"Song 7": "dislike"}

    def test_a_like_is_as_old_as_its_star(self, account, stand_in):
        stand_in.starred["lena"] = {"s1": "2019-05-06T07:08:09.5Z", "s2": "2999-01-01T00:00:00Z"}
        stand_in.songs[3]["userRating"] = 5
        before = timezone.now() - timedelta(seconds=1)
        read(account)
        likes = dict(account.user.interactions.likes().values_list("song__title", "occurred_at"))
        assert likes.pop("Song 1") == datetime(2019, 5, 6, 7, 8, 9, tzinfo=UTC)
        # a rating has no time, and nobody stars a song in the year 2999
        assert set(likes) == {"Song 2", "Song 3"}
        assert all(before <= at <= timezone.now() for at in likes.values())

    def test_unstarring_there_follows_here(self, account, stand_in):
        stand_in.starred["lena"] = {"s1": "2026-01-01T00:00:00Z"}
        stand_in.songs[2]["userRating"] = 5
        read(account)
        stand_in.starred["lena"] = {}
        stand_in.songs[2]["userRating"] = 3
        read(account)
        assert opinions(account.user) == {}

    def test_a_light_reading_of_stars_alone_takes_back_no_rating(self, account, stand_in):
        stand_in.songs[2]["userRating"] = 5
        read(account)
        read(account, is_light=True)
        assert opinions(account.user) == {"Song 2": "like"}

    def test_what_the_listener_says_here_later_stays(self, account, stand_in):
        stand_in.starred["lena"] = {"s1": "2026-01-01T00:00:00Z", "s2": "2026-01-01T00:00:00Z"}
        read(account)
        interactions.dislike_song(account.user, song(1), source="web")
        interactions.clear_opinion(account.user, song(2))
        read(account)
        assert opinions(account.user) == {"Song 1": "dislike"}
        stand_in.starred["lena"] = {}
        read(account)
        assert opinions(account.user) == {"Song 1": "dislike"}

    def test_what_was_said_here_before_joining_stays(self, account, stand_in):
        interactions.dislike_song(account.user, song(1), source="web")
        stand_in.starred["lena"] = {"s1": "2026-01-01T00:00:00Z"}
        read(account)
        assert opinions(account.user) == {"Song 1": "dislike"}

    def test_a_failing_server_takes_back_nothing(self, account, stand_in):
        stand_in.starred["lena"] = {"s1": "2026-01-01T00:00:00Z"}
        read(account)
        for answer in (Raw(b"", 500), {"status": "failed"}, {"starred2": []}, {}):
            stand_in.answers["getStarred2"] = lambda request, answer=answer: answer
            assert read(account).status in ("queued", "failed")
            ServerSync.objects.active().update(status="cancelled")
        assert opinions(account.user) == {"Song 1": "like"}
        assert ServerAccount.objects.get().last_error

    def test_half_of_many_stars_are_gone_only_when_they_are_gone_twice(
        self, account, stand_in, monkeypatch
    ):
        monkeypatch.setattr(account_sync, "FEW_VANISHED", 3)
        stand_in.starred["lena"] = {f"s{number}": "2026-01-01T00:00:00Z" for number in range(8)}
        read(account)
        stand_in.starred["lena"] = {}
        assert "Many stars were gone at once" in read(account).note
        assert len(opinions(account.user)) == 8
        read(account)
        assert opinions(account.user) == {}

    def test_stars_of_others_are_nobodys_here(self, account, stand_in):
        stand_in.starred["olga"] = {"s1": "2026-01-01T00:00:00Z"}
        read(account)
        assert opinions(account.user) == {}


class TestStarringBack:
    def test_it_is_off_at_first(self, account, stand_in):
        interactions.like_song(account.user, song(1), source="web")
        read(account)
        assert stand_in.count("star") == 0
        assert not account_sync.has_unsent_stars(account)

    def test_a_like_here_stars_there_and_taking_it_back_unstars(self, account, stand_in):
        ServerAccount.objects.update(star_back=True)
        account.refresh_from_db()
        interactions.like_song(account.user, song(1), source="web")
        assert account_sync.has_unsent_stars(account)
        read(account, is_light=True)
        assert set(stand_in.starred["lena"]) == {"s1"}
        assert not account_sync.has_unsent_stars(account)
        interactions.clear_opinion(account.user, song(1))
        assert account_sync.has_unsent_stars(account)
        read(account, is_light=True)
        assert stand_in.starred["lena"] == {} and opinions(account.user) == {}

    def test_a_new_star_there_is_a_like_and_not_taken_back(self, account, stand_in):
        ServerAccount.objects.update(star_back=True)
        stand_in.starred["lena"] = {"s1": "2026-01-01T00:00:00Z"}
        read(account)
        read(account)
        assert opinions(account.user) == {"Song 1": "like"} and set(stand_in.starred["lena"]) == {
            "s1"
        }

    def test_the_schedule_sends_what_was_liked(self, account):
        ServerAccount.objects.update(star_back=True, last_pull_at=timezone.now())
        ServerSync.objects.create(
            server=account.server, account=account, is_forced=True, status="succeeded"
        )
        assert syncs.request_due_syncs() == []
        interactions.like_song(account.user, song(1), source="web")
        (sync,) = syncs.request_due_syncs()
        assert (sync.account, sync.is_forced) == (account, False)


class TestPlays:
    def count(self, stand_in, number: int, n: int, played: str | None = None) -> None:
        stand_in.songs[number] |= {"playCount": n} | ({"played": played} if played else {})

    def test_counts_come_in_with_the_last_time(self, account, stand_in):
        self.count(stand_in, 1, 5, "2026-01-02T03:04:05Z")
        read(account)
        last = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
        assert plays(account.user, "Song 1") == [(1, last), (5 - 1, None)]

    def test_reading_again_counts_nothing_again(self, account, stand_in):
        self.count(stand_in, 1, 5, "2026-01-02T03:04:05Z")
        read(account)
        before = plays(account.user, "Song 1")
        assert read(account).n_added == 0
        assert plays(account.user, "Song 1") == before

    def test_what_was_scrobbled_counts_once(self, account, stand_in):
        at = datetime(2026, 1, 2, 3, 4, 0, tzinfo=UTC)
        for hours in range(3):
            interactions.record_play(
                account.user, song(1), occurred_at=at - timedelta(hours=hours), source="player"
            )
        self.count(stand_in, 1, 3, "2026-01-02T03:04:05Z")
        read(account)
        assert sum(n for n, _at in plays(account.user, "Song 1")) == 3
        assert len(plays(account.user, "Song 1")) == 3

    def test_scrobbles_that_come_late_count_once_too(self, account, stand_in):
        self.count(stand_in, 1, 3, "2026-01-02T03:04:05Z")
        read(account)
        at = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
        for hours in range(3):
            interactions.record_play(
                account.user, song(1), occurred_at=at - timedelta(hours=hours), source="player"
            )
        read(account)
        assert sum(n for n, _at in plays(account.user, "Song 1")) == 3

    def test_new_plays_are_added(self, account, stand_in):
        self.count(stand_in, 1, 3, "2026-01-02T03:04:05Z")
        read(account)
        self.count(stand_in, 1, 5, "2026-02-02T03:04:05Z")
        read(account)
        timed = [at for _n, at in plays(account.user, "Song 1") if at]
        assert sum(n for n, _at in plays(account.user, "Song 1")) == 5
        assert timed == [datetime(2026, month, 2, 3, 4, 5, tzinfo=UTC) for month in (1, 2)]

    def test_what_the_listener_deletes_stays_deleted(self, account, stand_in):
        self.count(stand_in, 1, 3, "2026-01-02T03:04:05Z")
        read(account)
        interactions.delete_all_interactions(account.user)
        read(account)
        assert plays(account.user, "Song 1") == []

    def test_a_server_that_counts_everybodys_plays_together_brings_none(self, account, stand_in):
        stand_in.software = "supysonic"
        self.count(stand_in, 1, 3, "2026-01-02T03:04:05Z")
        read(account)
        assert plays(account.user, "Song 1") == []

    def test_lms_counts_by_account(self, account, stand_in):
        """LMS 3.71: `lms`, a time with milliseconds, and an empty one for what was never played."""
        stand_in.software = "lms"
        self.count(stand_in, 1, 1, "2026-01-02T03:04:05.000Z")
        stand_in.songs[2] |= {"playCount": 0, "played": ""}
        read(account)
        assert plays(account.user, "Song 1") == [(1, datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC))]
        assert plays(account.user, "Song 2") == []

    @pytest.mark.parametrize("odd", [-3, 10**30, "x", None, [], 2.5])
    def test_odd_counts_and_times_cost_only_themselves(self, account, stand_in, odd):
        stand_in.songs[1] |= {"playCount": odd, "played": odd}
        self.count(stand_in, 2, 1, "9999-01-01T00:00:00Z")
        assert read(account).status == "succeeded"
        assert plays(account.user, "Song 2") == [(1, None)]


class TestPlaylists:
    @pytest.fixture
    def jams(self, account):
        from catalog.models import Playlist

        playlist = Playlist.objects.create(
            owner=account.user,
            kind="weekly-jams",
            period="2026-W10",
            title="Weekly jams, week of x",
        )
        for position, number in enumerate((3, 1, 2)):
            playlist.items.create(song=song(number), position=position)
        return playlist

    def test_jams_are_made_there_and_renewed_in_place(self, account, jams, stand_in):
        read(account)
        ((playlist_id, there),) = stand_in.playlists.items()
        assert (there["name"], there["songs"]) == ("Weekly jams", ["s3", "s1", "s2"])
        assert "[musicrec:weekly-jams]" in there["comment"]
        jams.period = "2026-W11"
        jams.save()
        jams.items.first().delete()
        assert playlist_out.has_changed_playlists(account)
        read(account, is_light=True)
        assert {key: one["songs"] for key, one in stand_in.playlists.items()} == {
            playlist_id: ["s1", "s2"]
        }
        assert not playlist_out.has_changed_playlists(account)

    def test_a_playlist_of_the_same_name_that_is_not_ours_is_not_touched(
        self, account, jams, stand_in
    ):
        theirs = {
            "id": "p-theirs",
            "name": "Weekly jams",
            "owner": "lena",
            "comment": "",
            "songs": ["s9"],
        }
        stand_in.playlists["p-theirs"] = dict(theirs)
        read(account)
        assert stand_in.playlists["p-theirs"] == theirs and len(stand_in.playlists) == 2
        joining.leave_account(account, deletes_playlists=True)
        assert stand_in.playlists == {"p-theirs": theirs}

    @pytest.mark.parametrize(
        "other", [{"owner": "olga", "comment": ""}, {"owner": "lena", "comment": "My own words"}]
    )
    def test_an_id_of_ours_that_is_anothers_now_is_left_alone(self, account, jams, stand_in, other):
        """A server that was set up anew counts its playlists from 1 again."""
        read(account)
        ((playlist_id, _there),) = stand_in.playlists.items()
        theirs = {"id": playlist_id, "name": "Weekly jams", "songs": ["s9"], **other}
        stand_in.playlists[playlist_id] = dict(theirs)
        jams.items.first().delete()
        read(account)
        assert stand_in.playlists[playlist_id] == theirs and len(stand_in.playlists) == 2
        WrittenPlaylist.objects.update(playlist_id=playlist_id)
        joining.leave_account(account, deletes_playlists=True)
        assert stand_in.playlists[playlist_id] == theirs

    def test_a_server_that_gives_a_new_playlist_the_id_of_another_is_not_believed(
        self, account, jams, stand_in, monkeypatch
    ):
        theirs = {"id": "p1", "name": "Mine", "owner": "lena", "comment": "", "songs": ["s9"]}
        stand_in.playlists["p1"] = dict(theirs)
        monkeypatch.setattr(
            stand_in, "_answer_createPlaylist", lambda request: {"playlist": {"id": "p1"}}
        )
        read(account)
        assert stand_in.playlists == {"p1": theirs}
        assert not WrittenPlaylist.objects.exists()

    def test_one_that_was_deleted_there_is_made_anew_with_the_next_songs(
        self, account, jams, stand_in
    ):
        read(account)
        stand_in.playlists.clear()
        read(account)
        assert stand_in.playlists == {}
        jams.items.first().delete()
        read(account)
        assert len(stand_in.playlists) == 1

    def test_switched_off_nothing_is_written(self, account, jams, stand_in):
        ServerAccount.objects.update(writes_playlists=False)
        read(account)
        assert stand_in.playlists == {}

    def test_songs_that_the_server_lacks_are_left_out(self, account, jams, stand_in):
        ServerSong.objects.filter(item_id="s1").update(removed_at=timezone.now())
        read(account)
        assert [one["songs"] for one in stand_in.playlists.values()] == [["s3", "s2"]]

    def test_the_paths_of_a_server_as_m3u8(self, account, jams):
        ServerSong.objects.filter(item_id="s1").update(path="#odd\nname.flac")
        ServerSong.objects.filter(item_id="s2").update(path="")
        assert playlist_out.render_m3u8(account.server, jams).splitlines() == [
            "#EXTM3U",
            "#PLAYLIST:Weekly jams, week of x",
            "#EXTINF:183,Artist 3 - Song 3",
            "Artist 3/Album 3/Song 3.flac",
            "#EXTINF:181,Artist 1 - Song 1",
            "./#odd name.flac",
            "# Not on this server: Artist 2 - Song 2",
        ]


class TestPages:
    @pytest.fixture
    def browser(self, client, lena):
        client.force_login(lena)
        return client

    def test_join_read_choose_and_leave(self, browser, library, stand_in, lena):
        stand_in.starred["lena"] = {"s1": "2026-01-01T00:00:00Z"}
        form = {"name": "lena", "password": LENAS}
        page = browser.post(f"/settings/servers/{library.pk}/join/", form, follow=True)
        assert "Your account on Attic is joined" in page.content.decode()
        syncs.run_next_sync()
        assert opinions(lena) == {"Song 1": "like"}
        page = browser.get("/settings/servers/").content.decode()
        assert "Joined with your account lena." in page and LENAS not in page
        browser.post(f"/settings/servers/{library.pk}/choices/", {"star_back": "on"})
        kept = ServerAccount.objects.get()
        assert (kept.star_back, kept.writes_playlists) == (True, False)
        page = browser.post(f"/settings/servers/{library.pk}/leave/", follow=True)
        assert "its password is deleted here" in page.content.decode()
        assert not ServerAccount.objects.exists()

    def test_a_refusal_is_told_beside_the_form_without_the_password(self, browser, library):
        form = {"name": "lena", "password": "wrong-and-private"}
        answer = browser.post(f"/settings/servers/{library.pk}/join/", form)
        page = answer.content.decode()
        assert answer.status_code == 400
        assert (
            "does not accept this account or password" in page and "wrong-and-private" not in page
        )

    def test_nobody_gives_an_address(self, browser, library, stand_in):
        form = {"name": "lena", "password": LENAS, "address": "http://127.0.0.1:9", "server": "x"}
        browser.post(f"/settings/servers/{library.pk}/join/", form)
        assert stand_in.asked[-1].get("u") == "lena"

    def test_the_joined_account_of_another_is_not_there(self, client, account, library):
        client.force_login(User.objects.create_user("other"))
        for action in ("choices", "read", "leave"):
            assert client.post(f"/settings/servers/{library.pk}/{action}/").status_code == 404
        assert "lena" not in client.get("/settings/servers/").content.decode()

    def test_an_own_playlist_is_sent_and_its_paths_are_downloaded(
        self, browser, account, stand_in, lena
    ):
        from catalog.playlists import edit

        playlist = edit.create_playlist(lena, "Party", description="")
        playlist.items.create(song=song(4), position=1)
        page = browser.get(f"/playlists/{playlist.pk}/").content.decode()
        assert "Write to Attic" in page
        address = f"/playlists/{playlist.pk}/servers/{account.server_id}"
        page = browser.post(f"{address}/send/", follow=True).content.decode()
        assert "Attic has the playlist now, with 1 of 1 song." in page
        assert [one["songs"] for one in stand_in.playlists.values()] == [["s4"]]
        assert b"Song 4.flac" in browser.get(f"{address}/paths.m3u8").content

    def test_a_site_without_servers_says_so(self, browser, db):
        assert "No music server is connected" in browser.get("/settings/servers/").content.decode()


def test_a_full_sync_asked_for_while_a_light_one_waits_is_made(account):
    """The button was answered with the light one, which reads no plays."""
    light = syncs.request_account_sync(account, is_light=True)
    assert syncs.request_account_sync(account).pk == light.pk
    assert ServerSync.objects.get(pk=light.pk).is_forced
    full = syncs.request_account_sync(account, is_light=True)
    assert (full.pk, full.is_forced) == (light.pk, True)
