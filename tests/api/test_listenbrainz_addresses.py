"""Addresses as clients build them, and what every other address below /1/ answers."""

import json
from datetime import date, datetime
from itertools import pairwise

import pytest
from django.test import Client

from catalog.listenbrainz import reading_views, service
from catalog.listenbrainz.addresses import collapse_path
from catalog.models import Playlist
from tests.api.listens import NOW, listen, plays, single

BUILT = [
    "/1/submit-listens",
    "//1/submit-listens",
    "/1//submit-listens//",
    "/1/1/submit-listens",
    "/1//1/submit-listens/",
    "/1/1/1/submit-listens",
    "/apis/listenbrainz/1/submit-listens",
    "/apis/listenbrainz//1/submit-listens",
    "//apis//listenbrainz/1/1/submit-listens",
]


@pytest.mark.parametrize("address", BUILT)
def test_a_listen_arrives_at_every_address_that_clients_build(player, address):
    body = json.dumps(single(listen()))
    answer = player.client.post("/", body, content_type="application/json", PATH_INFO=address)
    assert answer.json() == {"status": "ok"}
    assert plays(player.user).count() == 1


@pytest.mark.parametrize(
    ("path", "tidy"),
    [
        ("/1/", "/1/"),
        ("/1", "/1/"),
        ("/1//1/", "/1/"),
        ("/1/user/1/listens", "/1/user/1/listens"),
        ("/1/1/user/1/listens/", "/1/user/1/listens/"),
        ("/10/x", "/10/x"),
        ("//library//", "//library//"),
        ("/", "/"),
        ("", ""),
        ("/apis/listenbrainz/", "/apis/listenbrainz/"),
    ],
)
def test_only_listenbrainz_addresses_are_collapsed(path, tidy):
    assert collapse_path(path) == tidy


UNKNOWN = [
    "/1/",
    "/1/nothing",
    "/1/user/alice",
    "/1/stats/sitewide/artists",
    "/1/playlist/x",
    "/apis/x",
]


@pytest.mark.parametrize("method", ["get", "post", "put", "patch", "delete", "options"])
@pytest.mark.parametrize("address", UNKNOWN)
def test_an_unknown_address_answers_listenbrainz_json(player, stranger, address, method):
    for client in (player.client, stranger.client):
        answer = getattr(client, method)(address)
        assert (answer.status_code, answer.json()["code"]) == (404, 404)
        assert address.strip("/").split("?")[0] in answer.json()["error"]


WRONG_METHODS = [
    ("get", "submit-listens"),
    ("put", "submit-listens"),
    ("delete", "latest-import"),
    ("post", "validate-token"),
    ("post", "user/alice/listens"),
    ("patch", "metadata/lookup"),
    ("post", "cf/recommendation/user/alice/recording"),
]


@pytest.mark.parametrize(("method", "address"), WRONG_METHODS)
def test_a_wrong_method_answers_listenbrainz_json(player, method, address):
    answer = getattr(player, method)(address)
    assert (answer.status, answer.body["code"]) == (405, 405)
    assert answer.body["error"]


@pytest.mark.parametrize("id_", ["0" * 36, "-" * 36, "00000000-0000-0000-0000-000000000000"])
def test_a_playlist_id_that_is_none_is_not_found(player, id_):
    answer = player.get(f"playlist/{id_}")
    assert (answer.status, answer.body["code"]) == (404, 404)


# --- Audioscrobbler 1.2 -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("address", ["/", "/1/", "/apis/listenbrainz/1/"])
def test_an_audioscrobbler_handshake_fails_with_the_way_out(db, settings, address):
    settings.SITE_URL = "https://music.example.org"
    handshake = {
        "hs": "true",
        "p": "1.2.1",
        "c": "tst",
        "v": "1.0",
        "u": "alice",
        "t": str(NOW),
        "a": "0" * 32,
    }
    answer = Client().get(address, handshake)
    first_line = answer.content.decode().splitlines()[0]
    assert (answer.status_code, answer["Content-Type"]) == (200, "text/plain; charset=utf-8")
    assert first_line.startswith("FAILED ")
    assert "https://music.example.org" in first_line
    assert "ListenBrainz" in first_line


def test_a_page_whose_parameters_only_look_alike_is_a_page(player):
    assert player.get("user/alice/listen-count", {"hs": "true"}).body == {"payload": {"count": 0}}


# --- Addresses that other programs ask --------------------------------------------------------------------------------


MBID = "6f3f6c34-4b5b-4c3a-9f1e-111111111111"


@pytest.mark.parametrize("slash", ["", "/"])
def test_a_lookup_finds_the_recording_of_a_name(stranger, songs, slash):
    stranger.prefix = "/1/"
    names = {"artist_name": "Artist 0", "recording_name": "titulo 0"}
    assert stranger.get(f"metadata/lookup{slash}", names).body == {
        "artist_credit_name": "Artist 0",
        "artist_mbids": [],
        "recording_mbid": MBID,
        "recording_name": "Título 0",
        "release_mbid": None,
        "release_name": "First",
    }
    without_id = names | {"recording_name": "Título 1"}
    assert stranger.get(f"metadata/lookup{slash}", without_id).body == {}
    assert stranger.get(f"metadata/lookup{slash}", names | {"recording_name": "Nothing"}).body == {}
    assert stranger.get(f"metadata/lookup{slash}", {"artist_name": "Artist 0"}).status == 400
    many = stranger.post(f"metadata/lookup{slash}", {"recordings": [names, without_id]}).body
    assert [one.get("recording_mbid") for one in many] == [MBID, None]


def test_only_who_shares_playlists_is_found_by_others(player, bob, alice):
    assert player.get("search/users", {"search_term": "B"}).body == {"users": []}
    bob.user.shares_playlists = True
    bob.user.save()
    assert player.get("search/users", {"search_term": "B"}).body == {
        "users": [{"user_name": "bob"}]
    }
    assert player.get("search/users", {"search_term": "lic"}).body == {
        "users": [{"user_name": "alice"}]
    }
    assert player.get("search/users").status == 400


def test_similar_listeners_share_songs_and_playlists(player, bob, olga):
    for title in ("A", "B", "C", "D"):
        player.post("submit-listens", single(listen(title)))
    for caller, titles in ((bob, ("A", "B", "C", "X")), (olga, ("A", "B", "C", "D"))):
        caller.prefix = "/1/"
        for title in titles:
            caller.post("submit-listens", single(listen(title)))
    assert player.get("user/alice/similar-users").body == {"payload": []}
    bob.user.shares_playlists = True
    bob.user.save()
    similarity = 3 / (4 * 4) ** 0.5
    assert player.get("user/alice/similar-users").body == {
        "payload": [{"user_name": "bob", "similarity": similarity}]
    }
    assert player.get("user/bob/similar-users").status == 404


def test_nobody_follows_anybody(player, bob):
    for relation in ("following", "followers"):
        assert player.get(f"user/alice/{relation}").body == {relation: [], "user": "alice"}
        assert player.get(f"user/bob/{relation}").status == 404


def test_own_playlists_are_listed_apart_from_those_made_for_the_listener(player, alice):
    for n in range(3):
        Playlist.objects.create(owner=alice.user, title=f"Own {n}")
    Playlist.objects.create(owner=alice.user, kind="daily-mix", period="2026-08-24-1", title="Mix")
    answer = player.get("user/alice/playlists", {"count": 2, "offset": 1}).body
    titles = [one["playlist"]["title"] for one in answer["playlists"]]
    assert (titles, answer["playlist_count"]) == (["Own 1", "Own 0"], 3)


ACTIVITY = {
    "week": (14, "Monday 10 August 2026", "Sunday 23 August 2026", {"Sunday 23 August 2026": 2}),
    "this_month": (
        55,
        "01 July 2026",
        "24 August 2026",
        {"23 August 2026": 2, "24 August 2026": 1},
    ),
    "year": (24, "January 2024", "December 2025", {"March 2024": 1}),
    "this_year": (20, "January 2025", "August 2026", {"August 2026": 3}),
    "all_time": (3, "2024", "2026", {"2024": 1, "2026": 3}),
}


@pytest.mark.parametrize("name", ACTIVITY)
def test_activity_has_the_plays_of_each_step_of_a_range(player, monkeypatch, name):
    """A player's chart; the days are those of the listener's time zone."""
    player.user.time_zone = "Europe/Berlin"
    player.user.save()
    monkeypatch.setattr(reading_views, "get_local_day", lambda listener: date(2026, 8, 24))
    moments = ["2024-02-29T23:30", "2026-08-22T22:00", "2026-08-23T21:59", "2026-08-23T22:01"]
    heard = [
        listen(f"T{n}", at=int(datetime.fromisoformat(f"{moment}+00:00").timestamp()))
        for n, moment in enumerate(moments)
    ]
    assert player.post("submit-listens", {"listen_type": "import", "payload": heard}).status == 200
    payload = player.get("stats/user/alice/listening-activity", {"range": name}).body["payload"]
    steps = payload["listening_activity"]
    n_steps, first, last, played = ACTIVITY[name]
    assert (len(steps), steps[0]["time_range"], steps[-1]["time_range"]) == (n_steps, first, last)
    assert {
        one["time_range"]: one["listen_count"] for one in steps if one["listen_count"]
    } == played
    assert all(one["to_ts"] + 1 == after["from_ts"] for one, after in pairwise(steps))
    assert (payload["range"], payload["user_id"]) == (name, "alice")
    assert player.get("stats/user/alice/listening-activity", {"range": "x"}).status == 400


def test_no_activity_is_no_content(player):
    assert player.get("stats/user/alice/listening-activity").status == 204


def submit_listens(player, title, n, artist="Radiohead", at=NOW - 1000):
    many = [listen(title, artist, at=at - 200 * k) for k in range(n)]
    assert player.post("submit-listens", {"listen_type": "import", "payload": many}).status == 200


def test_what_was_played_most_is_counted(player):
    submit_listens(player, "Creep", 3)
    submit_listens(player, "Nude", 1, at=NOW - 5000)
    submit_listens(player, "Jóga", 2, "Björk", at=NOW - 9000)
    recordings = player.get("stats/user/alice/recordings", {"count": 2}).body["payload"]
    assert [
        (row["track_name"], row["artist_name"], row["listen_count"])
        for row in recordings["recordings"]
    ] == [
        ("Creep", "Radiohead", 3),
        ("Jóga", "Björk", 2),
    ]
    assert (recordings["count"], recordings["total_recording_count"], recordings["range"]) == (
        2,
        3,
        "all_time",
    )
    artists = player.get("stats/user/alice/artists").body["payload"]
    assert [(row["artist_name"], row["listen_count"]) for row in artists["artists"]] == [
        ("Radiohead", 3 + 1),
        ("Björk", 2),
    ]
    assert artists["user_id"] == "alice"
    assert player.get("stats/user/alice/releases").status == 204


@pytest.mark.parametrize("entity", ["artists", "recordings", "releases"])
def test_statistics_are_the_listeners_own(player, bob, stranger, entity):
    bob.user.shares_playlists = True
    bob.user.save()
    assert player.get(f"stats/user/bob/{entity}").status == 404
    stranger.prefix = "/1/"
    assert stranger.get(f"stats/user/bob/{entity}").status == 401
    assert player.get(f"stats/user/alice/{entity}", {"range": "fortnight"}).status == 400


def test_how_far_an_import_came_is_remembered(player, bob):
    before = player.get("latest-import", {"user_name": "alice"}).body
    assert before == {"musicbrainz_id": "alice", "latest_import": 0}
    assert player.post("latest-import", {"ts": 1_700_000_000}).body == {"status": "ok"}
    assert player.post("latest-import", {"ts": 1_600_000_000}).body == {"status": "ok"}
    assert player.get("latest-import").body["latest_import"] == 1_700_000_000
    assert player.get("latest-import", {"service": "librefm"}).body["latest_import"] == 0
    assert player.get("latest-import", {"user_name": "bob"}).status == 404
    assert player.post("latest-import", {"ts": "x"}).status == 400


def test_a_listener_has_so_many_services_and_no_more(player, monkeypatch):
    monkeypatch.setattr(service, "MAX_SERVICES", 2)
    answers = [player.post("latest-import", {"ts": 9, "service": name}).status for name in "abcab"]
    assert answers == [200, 200, 400, 200, 200]


def test_scores_of_several_recordings_come_in_their_order(player, songs):
    msid = player.post("submit-listens?return_msid=true", single(listen())).body["recording_msid"]
    player.post("feedback/recording-feedback", {"recording_msid": msid, "score": -1})
    player.post("feedback/recording-feedback", {"recording_mbid": MBID, "score": 1})
    unknown = "6f3f6c34-4b5b-4c3a-9f1e-999999999999"
    address = "feedback/user/alice/get-feedback-for-recordings"
    expected = [(MBID, 1), (unknown, 0), (None, -1)]
    asked = {"recording_mbids": f"{MBID},{unknown}", "recording_msids": msid}
    in_lists = {"recording_mbids": [MBID, unknown], "recording_msids": [msid]}
    for answer in (player.get(address, asked), player.post(address, in_lists)):
        scores = answer.body["feedback"]
        assert [(one["recording_mbid"], one["score"]) for one in scores] == expected
        assert scores[2]["recording_msid"] == msid
    assert player.get(address).status == 400
    assert player.get(address.replace("alice", "bob"), asked).status == 404


def test_recommended_recordings_are_those_with_an_id(world, stranger):
    caller, stranger.prefix = world.alice, "/1/"
    caller.prefix = "/1/"
    address = "cf/recommendation/user/alice/recording"
    assert caller.get(address).status == 204
    song = world.songs[20]
    song.mbid = MBID
    song.save()
    payload = caller.get(address).body["payload"]
    assert [row["recording_mbid"] for row in payload["mbids"]] == [MBID]
    assert (payload["entity"], payload["user_name"], payload["total_mbid_count"]) == (
        "recording",
        "alice",
        1,
    )
    assert stranger.get(address).status == 404
    world.alice.user.shares_playlists = True
    world.alice.user.save()
    assert stranger.get(address).body["payload"]["count"] == 1
