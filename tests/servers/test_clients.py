"""The client against a server that is small, real HTTP, and lies."""

import json
import logging
import stat
import traceback
from datetime import UTC, datetime

import pytest
from cryptography.fernet import Fernet

from catalog.models import MusicServer
from catalog.servers.clients import (
    PAGE_SONGS,
    AnswerTooLarge,
    ItemGone,
    ServerError,
    ServerUnreachable,
    WrongAddress,
    WrongAnswer,
    WrongCredentials,
    clean_address,
    http,
    open_client,
    sign_in,
)
from catalog.servers.clients.jellyfin import JellyfinClient
from catalog.servers.credentials import decrypt_secret, encrypt_secret, get_key_path
from tests.servers.stand_in import (
    ACCOUNT,
    PASSWORD,
    Raw,
    StandIn,
    make_failure,
    make_song,
    serve_stand_in,
)


def read_all(client) -> tuple[list, list, list[str]]:
    """Return all songs, all rejected entries and all notes of a library."""
    songs, rejected, notes, cursor, n_pages = [], [], [], None, 0
    while True:
        page = client.list_songs(cursor)
        songs, rejected, cursor = [*songs, *page.items], [*rejected, *page.rejected], page.cursor
        notes += [page.note] if page.note else []
        n_pages += 1
        assert n_pages < 50
        if cursor is None:
            return songs, rejected, notes


def make_favourites(numbers) -> Raw:
    """Return an answer of Jellyfin's; every third entry has no artist and is no song that we take."""
    entries = [
        {"Id": f"j{number}", "Name": f"Song {number}", "Artists": ["Ann"] if number % 3 else []}
        for number in numbers
    ]
    content = json.dumps({"Items": entries}).encode()
    return Raw(content, 200, {"Content-Type": "application/json"})


class TestJellyfinFavourites:
    @pytest.fixture
    def jellyfin(self, stand_in):
        return JellyfinClient(stand_in.address, "u1:token")

    def test_they_come_page_by_page_whatever_is_among_them(self, jellyfin, stand_in):
        def answer(request):
            first = int(request.get("StartIndex"))
            return make_favourites(range(first, min(first + 500, 1201)))

        stand_in.answers = {"/Items": answer}
        wanted = [f"j{number}" for number in range(1201) if number % 3]
        assert [song.item_id for song in jellyfin.list_starred()] == wanted
        assert stand_in.count("/Items") == 3

    def test_a_server_without_pages_is_asked_twice(self, jellyfin, stand_in):
        stand_in.answers = {"/Items": lambda request: make_favourites(range(700))}
        assert len(jellyfin.list_starred()) == len([n for n in range(700) if n % 3])
        assert stand_in.count("/Items") == 2

    def test_a_server_that_never_ends_is_left(self, jellyfin, stand_in, monkeypatch):
        monkeypatch.setattr("catalog.servers.clients.jellyfin.MOST_STARRED", 2000)
        stand_in.answers = {
            "/Items": lambda request: make_favourites(
                range(0, 1500 * (1 + stand_in.count("/Items")), 3)
            )
        }
        assert jellyfin.list_starred() == []
        assert stand_in.count("/Items") == 2000 / 500


class TestLibrary:
    def test_all_songs_come_page_by_page(self, server, stand_in):
        stand_in.songs = [make_song(number) for number in range(1201)]
        songs, rejected, notes = read_all(open_client(server))
        assert [song.item_id for song in songs] == [f"s{number}" for number in range(1201)]
        assert (rejected, notes, stand_in.count("search3")) == ([], [], 4)

    def test_everything_a_server_says_about_a_song_is_read(self, server, stand_in):
        stand_in.songs = [
            make_song(
                1,
                genres=[{"name": "Jazz"}, {"name": "Soul; Funk"}],
                bpm=93,
                musicBrainzId="7d4a8a3e-2f1b-4a6c-9f25-0f6f4e0f1d11",
                isrc=["GBAYE0601498"],
                artists=[{"name": "A"}, {"name": "B"}],
                starred="2026-01-02T03:04:05.123456789Z",
                userRating=4,
                playCount=17,
                played="2026-02-03T04:05:06Z",
            )
        ]
        (song,) = read_all(open_client(server))[0]
        assert (song.title, song.artist, song.album, song.year) == (
            "Song 1",
            "Artist 1",
            "Album 1",
            1991,
        )
        assert (song.duration_ms, song.track_number, song.disc_number) == (181_000, 2, 1)
        assert (song.genres, song.tempo, song.isrc) == (
            ("Jazz", "Soul", "Funk"),
            93.0,
            "GBAYE0601498",
        )
        assert song.mbid == "7d4a8a3e-2f1b-4a6c-9f25-0f6f4e0f1d11"
        assert song.credit == (("A", ""), ("B", ""))
        assert (song.album_item_id, song.artist_item_id, song.cover_id) == ("al1", "ar1", "al-1")
        assert (song.path, song.suffix) == ("Artist 1/Album 1/Song 1.flac", "flac")
        assert song.starred_at == datetime(2026, 1, 2, 3, 4, 5, 123456, UTC)
        assert (song.rating, song.play_count) == (4, 17)
        assert song.played_at == datetime(2026, 2, 3, 4, 5, 6, tzinfo=UTC)

    def test_a_single_song_may_come_as_an_object(self, server, stand_in):
        stand_in.answers["search3"] = lambda request: {
            "searchResult3": {} if request.get("songOffset") != "0" else {"song": make_song(1)}
        }
        assert [song.item_id for song in read_all(open_client(server))[0]] == ["s1"]

    @pytest.mark.parametrize(
        ("entry", "reason"),
        [
            (make_song(5, title=None), "The song has no title."),
            (make_song(5, title="  "), "The song has no title."),
            (make_song(5, artist=17.5), "“Song 5” has no artist."),
            (make_song(5, id=None), "“Song 5” has no id that can be used."),
            (make_song(5, id="x" * 256), "“Song 5” has no id that can be used."),
            (make_song(5, type="podcast"), "“Song 5” is no music."),
            (make_song(5, isDir=True), "“Song 5” is no music."),
            ("a text", "The entry is no song."),
            (None, "The entry is no song."),
            ([[]], "The entry is no song."),
        ],
    )
    def test_an_odd_entry_is_one_rejected_row(self, server, stand_in, entry, reason):
        stand_in.answers["search3"] = lambda request: {
            "searchResult3": {
                "song": [make_song(1), entry, make_song(2)]
                if request.get("songOffset") == "0"
                else []
            }
        }
        songs, rejected, _ = read_all(open_client(server))
        assert [song.item_id for song in songs] == ["s1", "s2"]
        assert [one.reason for one in rejected] == [reason]

    @pytest.mark.parametrize(
        "odd", [True, -1, 10**400, 1e300, "NaN", {}, [], [{}], "\0\ud800", "9" * 400, None]
    )
    def test_an_odd_value_costs_only_itself(self, server, stand_in, odd):
        fields = ("year", "duration", "track", "discNumber", "size", "bpm", "genre", "genres", "isrc", "album",
                  "musicBrainzId", "path", "suffix", "starred", "played", "playCount", "userRating", "coverArt",
                  "artists", "albumId")  # fmt: skip
        stand_in.songs = [make_song(1, **dict.fromkeys(fields, odd))]
        (song,) = read_all(open_client(server))[0]
        assert (song.title, song.year, song.duration_ms, song.n_bytes) == (
            "Song 1",
            None,
            None,
            None,
        )
        assert "\0" not in song.path and "\ud800" not in song.path

    def test_a_server_that_repeats_its_page_is_read_album_by_album(self, server, stand_in):
        stand_in.answers["search3"] = lambda request: {
            "searchResult3": {"song": stand_in.songs[:3]}
        }
        albums = [{"id": "al0"}, {"id": "al1"}]
        stand_in.answers["getAlbumList2"] = lambda request: {
            "albumList2": {"album": albums if request.get("offset") == "0" else []}
        }
        stand_in.answers["getAlbum"] = lambda request: {
            "album": {
                "song": [song for song in stand_in.songs if song["albumId"] == request.get("id")]
            }
        }
        songs, _, notes = read_all(open_client(server))
        assert {song.item_id for song in songs} >= {"s0", "s5", "s10", "s1", "s6", "s11"}
        assert notes == ["The server repeated a page at song 3, so it was read album by album."]

    def test_a_server_without_an_empty_search_is_read_album_by_album(self, server, stand_in):
        stand_in.answers["search3"] = lambda request: make_failure(
            10, "Required parameter query is missing"
        )
        stand_in.answers["getAlbumList2"] = lambda request: {
            "albumList2": {"album": {"id": "al0"} if request.get("offset") == "0" else []}
        }
        stand_in.answers["getAlbum"] = lambda request: {"album": {"song": make_song(0)}}
        songs, _, notes = read_all(open_client(server))
        assert ([song.item_id for song in songs], notes) == (["s0"], [])


class TestSigningIn:
    def test_the_password_never_travels(self, server, stand_in):
        assert open_client(server).ping() == "navidrome"
        (request,) = stand_in.asked
        assert PASSWORD not in str(request) and len(request.get("s")) == 16

    def test_two_requests_carry_two_tokens(self, server, stand_in):
        client = open_client(server)
        client.ping()
        client.ping()
        assert stand_in.asked[0].get("t") != stand_in.asked[1].get("t")

    def test_a_server_that_takes_no_token_gets_the_password(self, server, stand_in):
        stand_in.answers["ping"] = lambda request: (
            {}
            if request.get("p") == f"enc:{PASSWORD.encode().hex()}"
            else make_failure(41, "no tokens")
        )
        client = open_client(server)
        client.ping()
        client.ping()
        assert stand_in.count("ping") == 3

    def test_a_file_comes_from_a_server_that_takes_no_token_too(self, server, stand_in):
        stand_in.answers["stream"] = lambda request: (
            stand_in._answer_stream(request) if request.get("p") else make_failure(41, "no tokens")
        )
        with open_client(server).open_stream("s1") as file:
            assert b"".join(file.chunks) == stand_in.sound

    def test_a_wrong_password_is_a_sentence(self, server):
        with pytest.raises(WrongCredentials, match="does not accept this account or password"):
            sign_in(server, ACCOUNT, "wrong")
        assert sign_in(server, ACCOUNT, PASSWORD) == PASSWORD

    def test_a_server_that_repeats_our_password_in_its_error_tells_nobody(self, server, stand_in):
        stand_in.answers["ping"] = lambda request: make_failure(
            0, f"bad password {PASSWORD} of olga"
        )
        with pytest.raises(WrongAnswer) as caught:
            open_client(server).ping()
        assert PASSWORD not in str(caught.value)


class TestWhatGoesWrong:
    @pytest.mark.parametrize(
        ("answer", "error", "sentence"),
        [
            (make_failure(0, "disk on fire"), WrongAnswer, "The server refuses: disk on fire"),
            (make_failure(70, "gone"), ItemGone, "The server has no such thing: gone"),
            ({"status": 7, "error": "x"}, WrongAnswer, "The server refuses: without saying why"),
            (Raw(b"<html>hello</html>"), WrongAnswer, "does not answer in JSON"),
            (Raw(b"[]"), WrongAnswer, "not that of a Subsonic server"),
            (Raw(b'{"subsonic-response": []}'), WrongAnswer, "not that of a Subsonic server"),
            (Raw(b"[" * 200_000), WrongAnswer, "does not answer in JSON"),
            (Raw(b"", 500), ServerUnreachable, r"answered with an error \(HTTP 500\)"),
            (Raw(b"", 404), ItemGone, "nothing at this address"),
            (Raw(b"", 401), WrongCredentials, "does not accept"),
            (
                Raw(b'{"a":', 200, {"Content-Length": "900", "X-Break": "1"}),
                ServerUnreachable,
                "closed the connection",
            ),
        ],
    )
    def test_it_is_one_sentence(self, server, stand_in, answer, error, sentence):
        stand_in.answers["ping"] = lambda request: answer
        with pytest.raises(error, match=sentence) as caught:
            open_client(server).ping()
        assert isinstance(caught.value, ServerError)

    def test_nobody_answers(self, server):
        server.address = "http://127.0.0.1:9"
        with pytest.raises(ServerUnreachable, match="be reached"):
            open_client(server).ping()

    def test_a_slow_server_is_given_up(self, server, stand_in, monkeypatch):
        monkeypatch.setattr(http, "ANSWER_SECONDS", 0.2)
        monkeypatch.setattr(http, "READ_SECONDS", 0.2)
        stand_in.answers["ping"] = lambda request: Raw(
            b"{", 200, {"Content-Length": "900", "X-Hang": "1"}
        )
        with pytest.raises(ServerUnreachable, match="took longer than"):
            open_client(server).ping()

    @pytest.mark.parametrize("piece", [b"{},", b"[],", b'{"a":1},', b"1000000,", b'"\xc3\xa9",'])
    def test_an_answer_of_many_small_values_is_not_decoded(self, server, stand_in, piece):
        """48 MB of them took a gigabyte of memory."""
        n_pieces = http.ANSWER_VALUES + 1
        text = b"[" + piece * n_pieces + b"0]"
        assert len(text) < http.ANSWER_BYTES
        stand_in.answers["ping"] = lambda request: Raw(text)
        with pytest.raises(AnswerTooLarge, match="more than 1000000 values"):
            open_client(server).ping()

    def test_a_page_of_long_songs_and_twenty_thousand_stars_are_far_below_the_limits(self):
        """What a correct server sends is read: the limits are of a page, and of a list that has no pages."""
        song = make_song(1) | {"title": "t" * 400, "artist": "a" * 400, "album": "b" * 400}
        song |= {"path": "p" * 800, "genres": [{"name": "g" * 40}] * 10}
        page = json.dumps([song] * PAGE_SONGS)
        assert len(page) * 8 < http.ANSWER_BYTES
        starred = json.dumps([make_song(1) | {"starred": "2026-01-01T00:00:00Z"}] * 20_000)
        assert len(starred) * 2 < http.LIST_BYTES
        assert sum(map(starred.count, ",[{")) * 2 < http.ANSWER_VALUES

    def test_a_length_beyond_the_limit_is_refused_before_it_is_read(
        self, server, stand_in, monkeypatch
    ):
        monkeypatch.setattr(http, "READ_SECONDS", 1.0)
        stand_in.answers["ping"] = lambda request: Raw(
            b"{", 200, {"Content-Length": str(http.ANSWER_BYTES + 1), "X-Hang": "1"}
        )
        with pytest.raises(AnswerTooLarge, match="more than 12 MB"):
            open_client(server).ping()

    def test_a_huge_answer_is_not_read(self, server, stand_in, monkeypatch):
        monkeypatch.setattr(http, "ANSWER_BYTES", 2**20)
        stand_in.answers["ping"] = lambda request: Raw(b" " * (2**20 + 1))
        with pytest.raises(AnswerTooLarge, match="more than 1 MB"):
            open_client(server).ping()

    def test_a_packed_answer_that_unpacks_to_a_huge_one_is_not_read(
        self, server, stand_in, monkeypatch
    ):
        import gzip

        monkeypatch.setattr(http, "ANSWER_BYTES", 2**20)
        packed = gzip.compress(b" " * 2**24)
        stand_in.answers["ping"] = lambda request: Raw(packed, 200, {"Content-Encoding": "gzip"})
        with pytest.raises(AnswerTooLarge, match="more than 1 MB"):
            open_client(server).ping()


class TestOnlyThisHost:
    @pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
    def test_a_redirect_is_not_followed(self, server, stand_in, status):
        with serve_stand_in(StandIn()) as elsewhere:
            for endpoint in ("ping", "stream", "getCoverArt"):
                stand_in.answers[endpoint] = lambda request: Raw(
                    b"", status, {"Location": f"{elsewhere.address}/rest/ping.view"}
                )
            client = open_client(server)
            for ask in (
                client.ping,
                lambda: client.open_stream("s1"),
                lambda: client.open_cover("c"),
            ):
                with pytest.raises(WrongAnswer, match="sends us to another address"):
                    ask()
            assert elsewhere.asked == []

    def test_an_id_leads_nowhere_else(self, server, stand_in):
        open_client(server).open_stream("../../admin?x=1&id=2#").close()
        assert stand_in.asked[-1].endpoint == "stream"
        assert stand_in.asked[-1].values["id"] == ["../../admin?x=1&id=2#"]

    def test_proxies_of_the_environment_are_not_used(self, server, monkeypatch):
        monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
        monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
        assert open_client(server).ping() == "navidrome"

    @pytest.mark.parametrize(
        "text",
        ["", "ftp://x", "file:///etc/passwd", "http://", "http://a b", "http://u:p@host", "http://host/?x=1",
         "http://host#x", "http://[::1", "http://host:99999", "javascript:alert(1)", "http://host\n.org"],
    )  # fmt: skip
    def test_what_is_no_address_is_refused(self, text):
        with pytest.raises(WrongAddress):
            clean_address(text)

    def test_an_address_may_have_a_path(self):
        assert (
            clean_address(" https://Music.example.org/navi/ ") == "https://Music.example.org/navi"
        )


class TestFiles:
    def test_a_stream_comes_in_parts_with_its_range(self, server, stand_in):
        with open_client(server).open_stream("s1", "bytes=100-") as file:
            assert file.status == 206
            assert (
                file.headers["content-range"]
                == f"bytes 100-{len(stand_in.sound) - 1}/{len(stand_in.sound)}"
            )
            assert "set-cookie" not in file.headers
            assert b"".join(file.chunks) == stand_in.sound[100:]

    def test_an_error_with_http_200_is_no_sound(self, server, stand_in):
        stand_in.answers["stream"] = lambda request: make_failure(70, "no such song")
        with pytest.raises(ItemGone):
            open_client(server).open_stream("s99")

    def test_a_cover_of_100_mb_is_refused_before_it_is_read(self, server, stand_in):
        stand_in.answers["getCoverArt"] = lambda request: Raw(
            b"x",
            200,
            {"Content-Length": str(100 * 2**20), "Content-Type": "image/jpeg", "X-Break": "1"},
        )
        with pytest.raises(AnswerTooLarge):
            open_client(server).open_cover("al-1", 300)

    def test_a_cover_that_hides_its_size_is_cut(self, server, stand_in, monkeypatch):
        from catalog.servers.clients import subsonic

        monkeypatch.setattr(subsonic, "COVER_BYTES", 2**20)
        chunk = b"fffff\r\n" + b"x" * 0xFFFFF + b"\r\n"
        headers = {"Transfer-Encoding": "chunked", "Content-Type": "image/jpeg"}
        stand_in.answers["getCoverArt"] = lambda request: Raw(chunk * 3, 200, headers)
        with pytest.raises(AnswerTooLarge), open_client(server).open_cover("al-1") as file:
            list(file.chunks)

    def test_a_server_that_leaves_in_the_middle_is_an_error_and_no_short_file(
        self, server, stand_in
    ):
        headers = {"Content-Length": "5000", "Content-Type": "audio/mpeg", "X-Break": "1"}
        stand_in.answers["stream"] = lambda request: Raw(b"x" * 100, 200, headers)
        with pytest.raises(ServerUnreachable), open_client(server).open_stream("s1") as file:
            list(file.chunks)


class TestWriting:
    def test_stars_and_plays_arrive(self, server, stand_in):
        client = open_client(server)
        client.star(["s1", "s2"])
        client.unstar(["s2"])
        assert [song.item_id for song in client.list_starred()] == ["s1"]
        client.scrobble("s1", datetime(2026, 1, 1, tzinfo=UTC))
        assert stand_in.asked[-1].get("time") == str(1_767_225_600 * 1000)

    def test_a_long_playlist_arrives_whole_and_in_order(self, server, stand_in):
        client = open_client(server)
        wanted = [f"s{number % 12}" for number in range(95)]
        playlist_id = client.create_playlist("Weekly jams", wanted, "by us")
        assert stand_in.playlists[playlist_id]["songs"] == wanted
        assert stand_in.playlists[playlist_id]["comment"] == "by us"
        client.replace_playlist(playlist_id, "Jams", wanted[:50], "again")
        assert stand_in.playlists[playlist_id]["songs"] == wanted[:50]
        (shown,) = client.list_playlists()
        assert (shown.playlist_id, shown.name, shown.comment) == (playlist_id, "Jams", "again")
        client.delete_playlist(playlist_id)
        with pytest.raises(ItemGone):
            client.delete_playlist(playlist_id)


class TestSecrets:
    def test_the_column_holds_no_password_and_the_key_is_ours_alone(self, server):
        assert PASSWORD not in server.secret
        assert decrypt_secret(server.secret) == PASSWORD
        assert stat.S_IMODE(get_key_path().stat().st_mode) == 0o600

    def test_a_stolen_database_opens_nothing(self, server, settings, tmp_path):
        settings.DATA_DIR = tmp_path / "elsewhere"
        settings.DATA_DIR.mkdir()
        with pytest.raises(WrongCredentials, match="enter the password again"):
            open_client(server)
        encrypt_secret("of another key")
        with pytest.raises(WrongCredentials, match="enter the password again"):
            open_client(server)

    def test_the_key_may_come_from_the_environment(self, settings):
        settings.CREDENTIALS_KEY = Fernet.generate_key().decode()
        assert decrypt_secret(encrypt_secret("x")) == "x"
        assert not get_key_path().exists()

    def test_nothing_is_logged_or_raised_that_signs_in(self, server, stand_in, caplog):
        caplog.set_level(logging.DEBUG)
        stand_in.answers["getStarred2"] = lambda request: Raw(b"", 500)
        client = open_client(server)
        client.ping()
        with pytest.raises(ServerError) as caught:
            client.list_starred()
        server.address = "http://127.0.0.1:9"
        with pytest.raises(ServerError) as unreachable:
            open_client(server).ping()
        log = caplog.text + "".join(
            "".join(traceback.format_exception(one.value)) for one in (caught, unreachable)
        )
        tokens = [request.get("t") for request in stand_in.asked]
        assert tokens and not any(secret in log for secret in (PASSWORD, *tokens))

    def test_a_row_of_a_server_prints_no_secret(self, server):
        assert server.secret not in repr(server) + str(server)
        assert isinstance(server, MusicServer)
