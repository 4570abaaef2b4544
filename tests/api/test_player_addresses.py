"""What plugins of players ask: AudioMuse's addresses, the labs', Lidarr's list and those of the Navidrome plugin."""

import base64
import logging

import pytest
from django.test import Client
from django.utils import timezone

from accounts import tokens
from accounts.models import User
from catalog.models import (
    Artist,
    Interaction,
    MusicServer,
    Playlist,
    ServerAccount,
    ServerSong,
    Song,
)
from musicrec_site.logs.secrets import clean_line
from recommendations.api.players.urls import AUDIOMUSE, LABS, NAVIDROME
from recommendations.services.players import server_library
from recommendations.services.preferences import controls
from tests.api.caller import Caller


@pytest.fixture
def server(world) -> MusicServer:
    """A connected server that has all songs but the last ten."""
    connected = MusicServer.objects.create(
        name="Home", address="http://127.0.0.1:9", account_name="x"
    )
    ServerSong.objects.bulk_create(
        ServerSong(
            server=connected,
            song=song,
            item_id=f"it{number:02d}",
            album_item_id="al",
            artist_item_id=f"ar{number % 8}",
            fingerprint="x",
        )
        for number, song in enumerate(world.songs[:30])
    )
    return connected


@pytest.fixture
def plugin(world, server):
    return Caller(world.alice.user, scopes=["read", "playlists"], prefix="/audiomuse/api/")


def item_ids(answer) -> list[str]:
    return [one["item_id"] for one in answer.body]


# --- AudioMuse --------------------------------------------------------------------------------------------------------


def test_similar_tracks_are_on_the_server_and_not_what_the_owner_hides(plugin, world, server):
    asked = {"item_id": "it02", "n": 6, "eliminate_duplicates": "true", "radius_similarity": "true"}
    answer = plugin.get("similar_tracks", asked)
    assert answer.status == 200 and len(answer.body) == 6
    assert answer.body[0].keys() == {"item_id", "title", "author", "album", "distance"}
    assert all(0 <= one["distance"] <= 1 for one in answer.body)
    assert "it02" not in item_ids(answer)
    hidden = ServerSong.objects.get(item_id=item_ids(answer)[0]).song
    controls.hide_song(world.alice.user, hidden)
    after = plugin.get("similar_tracks", asked)
    assert item_ids(answer)[0] not in item_ids(after) and len(after.body) == 6
    everything = plugin.get("similar_tracks", asked | {"n": 200, "eliminate_duplicates": "false"})
    assert set(item_ids(everything)) <= {f"it{n:02d}" for n in range(30)}


def test_a_song_is_found_by_names_too_and_what_is_unknown_said(plugin):
    by_names = plugin.get("similar_tracks", {"title": "Song 02", "artist": "Band 2", "n": 6})
    assert item_ids(by_names) == item_ids(plugin.get("similar_tracks", {"item_id": "it02", "n": 6}))
    missing = plugin.get("similar_tracks", {"item_id": "nothing"})
    assert missing.status == 404 and missing.body == {
        "error": "There is no item 'nothing' in Home."
    }
    assert plugin.get("similar_tracks").status == 400


def test_a_path_leads_over_songs_of_the_server(plugin):
    answer = plugin.get(
        "find_path", {"start_song_id": "it02", "end_song_id": "it21", "max_steps": 6}
    )
    path = item_ids(type("A", (), {"body": answer.body["path"]}))
    assert path[0] == "it02" and path[-1] == "it21" and len(set(path)) == len(path) <= 6
    steps = sum(one["distance"] for one in answer.body["path"][1:])
    assert answer.body["total_distance"] == pytest.approx(steps, abs=1e-5)
    assert plugin.get("find_path", {"start_song_id": "it02"}).status == 400
    assert (
        "two different"
        in plugin.get("find_path", {"start_song_id": "it02", "end_song_id": "it02"}).body["error"]
    )


def test_similar_artists_bring_their_songs_when_asked(plugin):
    answer = plugin.get(
        "similar_artists", {"artist": "ar2", "n": 3, "include_component_matches": "true"}
    )
    assert 0 < len(answer.body) <= 3
    first = answer.body[0]
    assert first["artist_id"].startswith("ar") and first["artist"] != "Band 2"
    matches = first["component_matches"][0]
    assert (
        matches["artist1_representative_songs"]
        and matches["artist2_representative_songs"][0]["item_id"]
    )
    by_name = plugin.get("similar_artists", {"artist": "Band 2", "n": 3})
    assert [one["artist_id"] for one in by_name.body] == [one["artist_id"] for one in answer.body]


def test_tracks_are_searched_on_the_server(plugin):
    assert item_ids(plugin.get("search_tracks", {"title": "Song 05"})) == ["it05"]
    assert plugin.get("search_tracks", {"title": "Song 35"}).body == []
    assert plugin.get("search_tracks").body == []


def test_no_song_is_farther_than_the_largest_distance(plugin):
    largest = plugin.get("max_distance", {"item_id": "it02"}).body
    assert largest["farthest_item_id"].startswith("it")
    others = plugin.get(
        "similar_tracks", {"item_id": "it02", "n": 200, "eliminate_duplicates": "false"}
    )
    assert max(one["distance"] for one in others.body) <= largest["max_distance"] + 1e-6


def test_a_fingerprint_is_for_the_owner_of_the_token_only(plugin, world, server):
    mine = plugin.get("sonic_fingerprint/generate", {"n": 5})
    assert 0 < len(mine.body) <= 5
    heard = set(
        Interaction.objects.filter(listener=world.alice.user).values_list("song__title", flat=True)
    )
    assert not heard & {one["title"] for one in mine.body}
    asked = {"jellyfin_user_identifier": "Alice", "jellyfin_token": "of-jellyfin-alone", "n": 5}
    assert item_ids(plugin.get("sonic_fingerprint/generate", asked)) == item_ids(mine)
    assert (
        plugin.get("sonic_fingerprint/generate", asked | {"jellyfin_user_identifier": "bob"}).status
        == 404
    )
    ServerAccount.objects.create(
        server=server, user=world.alice.user, account_name="al", secret="x"
    )
    assert (
        plugin.get("sonic_fingerprint/generate", asked | {"jellyfin_user_identifier": "AL"}).status
        == 200
    )


def test_a_playlist_is_made_of_what_is_known(plugin, world):
    asked = {"playlist_name": "From the server", "track_ids": ["it03", "nothing", "it01", "it03"]}
    answer = plugin.post("create_playlist", asked)
    assert answer.status == 201 and "1 of its songs" in answer.body["message"]
    playlist = Playlist.objects.get(pk=answer.body["playlist_id"], owner=world.alice.user)
    assert [item.song for item in playlist.items.order_by("position")] == [
        world.songs[3],
        world.songs[1],
    ]
    for wrong in (
        {},
        [],
        {"playlist_name": "x", "track_ids": [1]},
        {"playlist_name": "", "track_ids": []},
    ):
        assert plugin.post("create_playlist", wrong).status == 400


def test_a_plugin_that_drops_the_path_finds_the_addresses_at_the_root(plugin):
    asked = {"item_id": "it02", "n": "6"}
    at_root = plugin.client.get("/api/similar_tracks", asked)
    assert at_root.json() == plugin.get("similar_tracks", asked).body
    for address in ("/audiomuse/", "/audiomuse", "/api/health", "/audiomuse/api/health"):
        assert Client().get(address).json() == {"status": "ok"}


def test_the_plugin_for_navidrome_gets_what_it_reads(plugin):
    """The requests of NeptuneHub's plugin (April 2026) with all that it sends, and the fields that it decodes."""
    song = {"item_id", "title", "author", "album"}
    tracks = plugin.get(
        "similar_tracks",
        {
            "eliminate_duplicates": "true",
            "item_id": "it02",
            "n": "100",
            "radius_similarity": "true",
        },
    )
    assert tracks.body and all(one.keys() == song | {"distance"} for one in tracks.body)
    path = plugin.get(
        "find_path",
        {"count": "25", "end_song_id": "it21", "max_steps": "25", "mood_pct": "100",
         "path_fix_size": "false", "start_song_id": "it02"},
    )  # fmt: skip
    assert [one["item_id"] for one in path.body["path"]][:: len(path.body["path"]) - 1] == [
        "it02",
        "it21",
    ]
    assert all(one.keys() >= song for one in path.body["path"])
    artists = plugin.get(
        "similar_artists", {"artist": "ar2", "include_component_matches": "true", "n": "10"}
    )
    for one in artists.body:
        assert one.keys() == {"artist", "artist_id", "component_matches"}
        for match in one["component_matches"]:
            for name in ("artist1_representative_songs", "artist2_representative_songs"):
                assert all(each.keys() == {"item_id", "title"} for each in match[name])
    assert artists.body


def test_a_player_that_knows_no_token_sends_it_as_the_password_of_its_address(plugin, world):
    """Ampache 8's plugin for AudioMuse has one setting, an address; it asks by two ids and reads the answer of one."""
    basic = base64.b64encode(f"ampache:{plugin.secret}".encode()).decode()
    ampache = Client(headers={"Authorization": f"Basic {basic}", "Accept": "application/json"})
    for name, asked in (
        ("similar_tracks", {"item_id": "it02", "n": "6"}),
        ("find_path", {"start_song_id": "it02", "end_song_id": "it21", "max_steps": "6"}),
    ):
        answer = ampache.get(f"/audiomuse/api/{name}", asked)
        assert (answer.status_code, answer.json()) == (200, plugin.get(name, asked).body)
    unknown = ampache.get("/audiomuse/api/similar_tracks", {"item_id": "2", "n": "6"})
    assert (unknown.status_code, list(unknown.json())) == (404, ["error"])
    listener = Caller(world.alice.user, scopes=["listen"], prefix="")
    for sent in (basic[:-3], "x", "Ö", base64.b64encode(f"x:{listener.secret}".encode()).decode()):
        client = Client(headers={"Authorization": f"Basic {sent}"})
        assert client.get("/audiomuse/api/similar_tracks").status_code in (401, 403)


def test_an_address_with_a_password_that_a_browser_remembers_writes_nothing(plugin):
    basic = base64.b64encode(f"x:{plugin.secret}".encode()).decode()
    browser = Client(headers={"Authorization": f"Basic {basic}"})
    asked = {"playlist_name": "By another site's form", "track_ids": ["it01"]}
    for content_type in ("application/json", "text/plain"):
        answer = browser.post("/audiomuse/api/create_playlist", asked, content_type=content_type)
        assert answer.status_code == 401
    assert not Playlist.objects.filter(title="By another site's form").exists()


def test_without_a_connected_server_the_answer_says_so(world):
    caller = Caller(world.alice.user, scopes=["read"], prefix="/audiomuse/api/")
    answer = caller.get("similar_tracks", {"item_id": "x"})
    assert answer.status == 404 and answer.body["error"].startswith("No music server is connected")


def test_a_token_in_the_query_never_reaches_the_log(plugin, caplog):
    with caplog.at_level(logging.DEBUG):
        plugin.get("sonic_fingerprint/generate", {"jellyfin_token": "of-jellyfin-alone", "n": "1"})
        plugin.get("nothing", {"jellyfin_token": "of-jellyfin-alone"})
    assert "of-jellyfin-alone" not in clean_line(caplog.text)


# --- Who may ----------------------------------------------------------------------------------------------------------

CLOSED = [
    *(
        ("get", f"/audiomuse/api/{name}", "read")
        for name in AUDIOMUSE
        if name not in ("health", "create_playlist")
    ),
    ("post", "/audiomuse/api/create_playlist", "playlists"),
    *(
        ("post", f"/navidrome/{name}", "listen" if "scrobbler" in name else "read")
        for name in NAVIDROME
    ),
]


@pytest.mark.parametrize(("method", "address", "scope"), CLOSED)
def test_each_address_wants_a_token_with_its_scope(alice, method, address, scope):
    others = [one for one in ("read", "listen", "playlists") if one != scope]
    assert getattr(Client(), method)(address, content_type="application/json").status_code == 401
    refused = Caller(alice.user, scopes=others, prefix="").call(method, address, {})
    assert refused.status == 403 and refused.body.keys() == {"error"}
    allowed = Caller(alice.user, scopes=[scope], prefix="").call(method, address, {})
    assert allowed.status in (200, 400, 404), allowed.body
    browser = Client()
    browser.force_login(alice.user)
    assert getattr(browser, method)(address, content_type="application/json").status_code == 401


BAD = [None, 1, "x", [], [[]], {"id": 1, "count": "9" * 400}, {"id": "a\0b"},
       {"song": [], "startSong": 3, "endSong": {}},
       {"track": {"title": "T", "artist": "A", "artists": [3, {"name": []}], "duration": 1e308}, "timestamp": 10**300,
        "state": "stopped", "positionMs": -1}, {"track": [], "timestamp": 1_780_000_000, "state": "x"}]  # fmt: skip


@pytest.mark.parametrize("name", NAVIDROME)
@pytest.mark.parametrize("body", BAD)
def test_nothing_that_is_sent_is_a_fault(alice, name, body):
    caller = Caller(alice.user, scopes=["read", "listen"], prefix="/navidrome/")
    assert caller.post(name, body).status < 500


# --- The labs ---------------------------------------------------------------------------------------------------------


def test_the_labs_answer_with_artists_and_recordings_that_have_ids(world):
    import uuid

    for number, song in enumerate(world.songs):
        Song.objects.filter(pk=song.pk).update(mbid=uuid.UUID(int=number + 1))
    for number, artist in enumerate({song.artist for song in world.songs}):
        type(artist).objects.filter(pk=artist.pk).update(mbid=uuid.UUID(int=100 + number))
    artist, song = world.songs[2].artist, world.songs[2]
    artist.refresh_from_db()
    asked = {"artist_mbids": str(artist.mbid), "algorithm": "session_based_days_7500"}
    artists = Client().get("/labs/similar-artists/json", asked).json()
    assert artists and {"artist_mbid", "name", "score", "reference_mbid"} <= artists[0].keys()
    assert str(artist.mbid) not in {one["artist_mbid"] for one in artists}
    scores = [one["score"] for one in artists]
    assert scores == sorted(scores, reverse=True) and scores[-1] > 0
    recordings = Client().post(
        "/labs/similar-recordings/json",
        [{"recording_mbids": [str(uuid.UUID(int=3))], "algorithm": "x"}],
        content_type="application/json",
    )
    names = [one["recording_name"] for one in recordings.json()]
    assert names and song.title not in names and len(set(names)) == len(names)


@pytest.mark.parametrize("name", LABS)
@pytest.mark.parametrize(
    "ids", ["", "x", "00000000-0000-0000-0000-000000000001," * 30, "\x00", "9" * 400]
)
def test_the_labs_want_ids(db, name, ids):
    field = "artist_mbids" if "artists" in name else "recording_mbids"
    answer = Client().get(f"/labs/{name}", {field: ids})
    assert answer.status_code == 400 and "MusicBrainz ids" in answer.json()["error"]


def test_the_labs_know_nothing_of_an_unknown_id(db):
    answer = Client().get(
        "/labs/similar-artists/json", {"artist_mbids": "0" * 8 + "-0000-0000-0000-" + "0" * 12}
    )
    assert answer.json() == []


# --- Lidarr -----------------------------------------------------------------------------------------------------------


def test_the_list_for_lidarr_is_behind_a_secret_that_can_be_revoked(alice, caplog):
    token = tokens.create_token(alice.user, "Lidarr", ["lidarr"])
    with caplog.at_level(logging.DEBUG):
        assert Client().get(f"/lidarr/{token.secret}/").json() == []  # no seed pack
        other = tokens.create_token(alice.user, "other", ["read", "write", "listen", "playlists"])
        assert Client().get(f"/lidarr/{other.secret}/").status_code == 404
        tokens.revoke_token(alice.user, token.token.pk)
        assert Client().get(f"/lidarr/{token.secret}/").status_code == 404
    assert "/lidarr/" in caplog.text
    assert token.secret not in clean_line(caplog.text)
    reader = Client(
        headers={
            "Authorization": f"Token {tokens.create_token(alice.user, 'x', ['lidarr']).secret}"
        }
    )
    assert reader.get("/api/v1/me/").status_code == 403


# --- Navidrome --------------------------------------------------------------------------------------------------------


def test_a_report_counts_once_beside_the_play_and_a_stop_at_the_start_says_nothing(alice):
    caller = Caller(alice.user, scopes=["listen"], prefix="/navidrome/")
    began = int(timezone.now().timestamp()) - 500
    track = {
        "title": "Nude",
        "artist": "Radiohead",
        "duration": 255,
        "artists": [{"name": "Radiohead"}],
    }
    stopped = {"track": track, "state": "stopped", "playbackRate": 1.0}
    assert (
        caller.post("nd_scrobbler_scrobble", {"track": track, "timestamp": began + 200}).status
        == 200
    )
    caller.post(
        "nd_scrobbler_playback_report", stopped | {"positionMs": 200_000, "timestamp": began + 200}
    )
    caller.post(
        "nd_scrobbler_playback_report", stopped | {"positionMs": 0, "timestamp": began + 300}
    )
    assert Interaction.objects.count() == 1
    caller.post(
        "nd_scrobbler_playback_report", stopped | {"positionMs": 5000, "timestamp": began + 400}
    )
    skip = Interaction.objects.get(kind=Interaction.Kind.SKIP)
    assert (skip.played_ms, int(skip.occurred_at.timestamp())) == (5000, began + 395)


@pytest.mark.parametrize("name", ["nd_scrobbler_scrobble", "nd_scrobbler_playback_report"])
def test_no_play_lies_beyond_tomorrow(alice, name):
    """Popularity counts back from the newest play: one of the year 2999 would make all others as good as none."""
    caller = Caller(alice.user, scopes=["listen"], prefix="/navidrome/")
    report = {
        "track": {"title": "Ferry", "artist": "Ann"},
        "state": "stopped",
        "positionMs": 60_000,
    }
    now = int(timezone.now().timestamp())
    assert caller.post(name, report | {"timestamp": now + 2 * 24 * 3600}).status == 400
    assert caller.post(name, report | {"timestamp": 32_503_600_000}).status == 400
    assert not Interaction.objects.filter(listener=alice.user, song__title="Ferry").exists()
    assert caller.post(name, report | {"timestamp": now + 3600}).status == 200
    assert Interaction.objects.filter(listener=alice.user, song__title="Ferry").exists()


def test_the_names_of_a_joint_work_stay_apart(alice):
    caller = Caller(alice.user, scopes=["listen"], prefix="/navidrome/")
    artists = [{"name": "Ella Fitzgerald"}, {"name": "Louis Armstrong"}]
    track = {
        "title": "Cheek to Cheek",
        "artist": "Ella Fitzgerald • Louis Armstrong",
        "artists": artists,
    }
    caller.post("nd_scrobbler_scrobble", {"track": track, "timestamp": 1_780_000_000})
    song = Song.objects.get(title="Cheek to Cheek")
    assert song.artist_credit == "Ella Fitzgerald & Louis Armstrong"
    assert User.objects.count() == 1


def test_the_same_id_on_two_servers_means_the_one_that_the_listener_joined(world, server):
    """Servers that count from 1 have the same ids."""
    other = MusicServer.objects.create(
        name="Cellar", address="http://127.0.0.1:9", account_name="y"
    )
    ServerSong.objects.create(server=other, song=world.songs[35], item_id="it02", fingerprint="x")
    alice, bob = world.alice.user, User.objects.create_user("bob")
    ServerAccount.objects.create(server=other, user=alice, account_name="a", secret="x")
    assert server_library.find_library("it02", of=alice).server == other
    assert server_library.find_library("it02", of=bob).server == server
    assert server_library.find_library("it02").server == server
    # what only one of them has is its own, for every listener
    assert server_library.find_library("it03", of=alice).server == server
    # what no server has, or no id can be, is looked for where the listener is
    for item_id in ("nothing", "it02\0", "i" * 10_000, ""):
        assert server_library.find_library(item_id, of=alice).server == other


def test_an_artist_whom_another_one_alone_heard_is_as_unknown_as_one_that_nobody_heard(
    plugin, world
):
    """T75: by guessing names a listener learned what others listen to."""
    artist = Artist.objects.create(name="Kellerband", mbid="11111111-2222-4333-8444-555555555555")
    other = User.objects.create_user("other")
    Song.objects.create(key="own", title="Nur meins", artist=artist, brought_by=other)

    def ask(name: str) -> tuple[int, str]:
        answer = plugin.get("similar_artists", {"artist": name})
        return answer.status, str(answer.body).replace(name, "…")

    assert ask("Kellerband") == ask("Nobody ever")
    assert ask("Kellerband")[0] == 404
    Song.objects.update(brought_by=None)
    assert ask("Kellerband")[0] == 200


def test_a_server_with_the_number_of_one_that_went_has_its_own_songs(world, server):
    """SQLite gives the number of the last row that was deleted again."""
    assert len(server_library.ServerLibrary(server).read_song_ids()) == 30
    number = server.pk
    server.delete()
    newer = MusicServer.objects.create(
        pk=number, name="Flat", address="http://127.0.0.1:8", account_name="x"
    )
    assert len(server_library.ServerLibrary(newer).read_song_ids()) == 0
