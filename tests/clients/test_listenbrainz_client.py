"""A real client, liblistenbrainz, against the running server (make test-clients)."""

import json
from pathlib import Path

import pytest

from accounts import tokens
from accounts.models import User
from catalog.models import Artist, Interaction, Playlist, Song

PROGRAM = Path(__file__).parent / "listenbrainz_client.py"

pytestmark = pytest.mark.clients


@pytest.fixture
def listener(transactional_db):
    return User.objects.create_user("alice")


@pytest.fixture
def secret(listener):
    return tokens.create_token(listener, "client", ["listen"]).secret


def test_a_day_with_a_real_client(live_server, listener, secret, run):
    User.objects.create_user("bob")
    mbid = "6fb0e0a5-4d67-4f15-a2e7-3c8c4a1a5c0e"
    song = Song.objects.create(
        key="s", title="Nude", artist=Artist.objects.create(name="Radiohead"), mbid=mbid
    )
    jams = Playlist.objects.create(
        owner=listener, kind=Playlist.Kind.WEEKLY_JAMS, period="2026-W35", title="Jams"
    )
    jams.items.create(song=song, position=1, reason="You like it")
    read = json.loads(run("python", PROGRAM, live_server.url, secret, "day"))
    assert read == {
        "playing": "Creep",
        "n_listens": 1 + 3,
        "loved": ["Creep"],
        "listens": ["Creep", "Song 0", "Song 1", "Song 2"],
        "artists": [["Radiohead", 1 + 3]],
        "recommended": [mbid],
        "n_left": 3,
        "playlist": [["Nude", "You like it"]],
        "others": 404,
    }
    assert Interaction.objects.likes().get().song.title == "Creep"


def test_a_stranger_sees_playlists_once_their_listener_opts_in(live_server, listener, secret, run):
    before = json.loads(run("python", PROGRAM, live_server.url, secret, "stranger"))
    assert before == {"createdfor": 404, "wrong_token": "invalid"}
    User.objects.filter(pk=listener.pk).update(shares_playlists=True)
    after = json.loads(run("python", PROGRAM, live_server.url, secret, "stranger"))
    assert after == {"createdfor": 0, "wrong_token": "invalid"}
