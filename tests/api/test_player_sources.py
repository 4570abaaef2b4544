"""What players ask and can't do without, as their own sources have it.

Read in Pano Scrobbler 442, Jellyfin's ListenBrainz plugin of March 2026, Jellyfin 12's ListenBrainz Labs plugin, and
Lidarr 2.14. A missing field, or one of another type, makes them drop the whole answer.
"""

import uuid

import pytest
from django.test import Client

from accounts import tokens
from catalog.models import Artist
from tests.api.listens import NOW, listen, single

TRACK = {"artist_name": str, "track_name": str}
STATISTIC = {"count": int, "offset": int, "range": str, "from_ts": int, "to_ts": int,
             "last_updated": int}  # fmt: skip
STEP = {"from_ts": int, "to_ts": int, "listen_count": int, "time_range": str}
PANO = [
    ("user/alice/listens", {"count": 25},
     {"payload": {"count": int, "oldest_listen_ts": int, "latest_listen_ts": int,
                  "listens": [{"listened_at": int, "recording_msid": str, "track_metadata": TRACK}]}}),
    ("user/alice/playing-now", {},
     {"payload": {"count": int, "listens": [{"playing_now": bool, "track_metadata": TRACK}]}}),
    ("feedback/user/alice/get-feedback", {"offset": 0, "metadata": "true", "count": 25},
     {"count": int, "total_count": int,
      "feedback": [{"created": int, "score": int, "track_metadata": TRACK}]}),
    ("user/alice/following", {}, {"following": [], "user": str}),
    ("user/alice/listen-count", {}, {"payload": {"count": int}}),
    ("stats/user/alice/artists", {"offset": 0, "range": "all_time", "count": 25},
     {"payload": STATISTIC | {"total_artist_count": int,
                              "artists": [{"artist_name": str, "listen_count": int}]}}),
    ("stats/user/alice/releases", {"offset": 0, "range": "all_time", "count": 25},
     {"payload": STATISTIC | {"total_release_count": int,
                              "releases": [{"artist_name": str, "release_name": str, "listen_count": int}]}}),
    ("stats/user/alice/recordings", {"offset": 0, "range": "all_time", "count": 25},
     {"payload": STATISTIC | {"total_recording_count": int,
                              "recordings": [{"artist_name": str, "track_name": str, "listen_count": int}]}}),
    ("stats/user/alice/listening-activity", {"range": "all_time"},
     {"payload": {"from_ts": int, "to_ts": int, "last_updated": int, "listening_activity": [STEP]}}),
]  # fmt: skip


def check_shape(answer, shape, where="answer"):
    """Fail where `answer` lacks what `shape` names, or has another type there."""
    if isinstance(shape, dict):
        for name, inner in shape.items():
            assert name in answer, f"{where} has no {name}"
            check_shape(answer[name], inner, f"{where}.{name}")
    elif isinstance(shape, list):
        assert isinstance(answer, list), where
        assert answer or not shape, f"{where} is empty"
        for one in answer:
            check_shape(one, shape[0], f"{where}[]")
    else:
        assert type(answer) is shape, f"{where} is {answer!r}"


@pytest.fixture
def pano(player):
    """Alice, who heard an album's song and another, plays one and loved one."""
    named = listen("Creep", at=NOW - 3600)
    named["track_metadata"]["release_name"] = "Pablo Honey"
    player.post("submit-listens", single(named))
    msid = player.post("submit-listens?return_msid=true", single(listen("Nude"))).body[
        "recording_msid"
    ]
    player.post("feedback/recording-feedback", {"recording_msid": msid, "score": 1})
    return player


@pytest.mark.parametrize(("address", "query", "shape"), PANO, ids=[one[0] for one in PANO])
def test_pano_can_read_the_answer(pano, address, query, shape):
    now = {"track_metadata": {"artist_name": "Radiohead", "track_name": "Nude"}}
    started = pano.post(
        "submit-listens?return_msid=true", {"listen_type": "playing_now", "payload": [now]}
    )
    check_shape(started.body, {"status": str, "recording_msid": str})
    answer = pano.get(address, query)
    assert answer.status == 200
    check_shape(answer.body, shape)


def test_jellyfins_plugin_can_read_the_playlists_and_the_feedback(player, jams):
    check_shape(player.get("validate-token").body, {"valid": bool, "user_name": str})
    answered = player.get("user/alice/playlists/createdfor", {"count": 25, "offset": 0}).body
    playlist = {"identifier": str, "title": str, "creator": str, "date": str}
    check_shape(answered, {"playlist_count": int, "playlists": [{"playlist": playlist}]})
    playlist_id = answered["playlists"][0]["playlist"]["identifier"].split("/")[-1]
    read = player.get(f"playlist/{playlist_id}", {"fetchMetadata": "True"}).body
    check_shape(
        read, {"playlist": playlist | {"track": [{"title": str, "creator": str, "duration": int}]}}
    )
    assert all(isinstance(one["identifier"], list) for one in read["playlist"]["track"])
    source = read["playlist"]["extension"]["https://musicbrainz.org/doc/jspf#playlist"]
    check_shape(source["additional_metadata"]["algorithm_metadata"], {"source_patch": str})
    feedback = player.get("feedback/user/alice/get-feedback", {"count": 1000, "offset": 0})
    check_shape(feedback.body, {"count": int, "offset": int, "total_count": int, "feedback": []})


def test_jellyfins_own_plugin_can_read_similar_artists(world):
    """It asks for one artist; ids have dashes, scores are numbers, and a list is all it takes."""
    artists = list(Artist.objects.order_by("pk"))
    for number, artist in enumerate(artists):
        Artist.objects.filter(pk=artist.pk).update(mbid=uuid.UUID(int=100 + number))
    asked = {"artist_mbids": str(uuid.UUID(int=100)), "algorithm": "session_based_days_1825"}
    answer = Client().get("/labs/similar-artists/json", asked)
    assert answer.status_code == 200
    check_shape(answer.json(), [{"artist_mbid": str, "name": str, "score": int}])
    assert all(str(uuid.UUID(one["artist_mbid"])) == one["artist_mbid"] for one in answer.json())


def test_lidarr_drops_the_slash_at_the_end(alice):
    secret = tokens.create_token(alice.user, "Lidarr", ["lidarr"]).secret
    for address in (f"/lidarr/{secret}/", f"/lidarr/{secret}"):
        answer = Client().get(address, headers={"Accept": "application/json"})
        assert (answer.status_code, answer.json()) == (200, [])
