"""A real client, liblistenbrainz, against the running server."""

import time

import liblistenbrainz
import pytest
from liblistenbrainz.errors import InvalidAuthTokenException, ListenBrainzAPIException

from accounts import tokens
from accounts.models import User
from catalog.models import Artist, Interaction, Playlist, Song


@pytest.fixture
def listener(transactional_db):
    return User.objects.create_user("alice")


@pytest.fixture
def client(live_server, listener):
    client = liblistenbrainz.ListenBrainz(api_base_url=live_server.url)
    client.set_auth_token(tokens.create_token(listener, "client", ["listen"]).secret)
    return client


def test_a_day_with_a_real_client(client, listener):
    now = int(time.time())
    client.submit_playing_now(liblistenbrainz.Listen("Creep", "Radiohead"))
    assert client.get_playing_now("alice").track_name == "Creep"

    mbid = "d11fcceb-dfc5-4d19-b45d-f4e8f6d3eaa6"
    client.submit_single_listen(
        liblistenbrainz.Listen("Creep", "Radiohead", listened_at=now - 60, recording_mbid=mbid, tags=["rock"])
    )
    older = [liblistenbrainz.Listen(f"Song {n}", "Radiohead", listened_at=now - 600 - n) for n in range(3)]
    client.submit_multiple_listens(older)
    assert client.get_user_listen_count("alice") == 1 + 3

    client.submit_user_feedback(1, mbid)
    found = client.get_user_feedback("alice", 1, metadata=True)
    assert found["feedback"][0]["recording_mbid"] == mbid
    assert Interaction.objects.likes().get().song == Song.objects.get(mbid=mbid)

    newest, *rest = client.get_listens("alice", count=10)
    assert (newest.recording_mbid, newest.listened_at) == (mbid, now - 60)
    assert [listen.track_name for listen in rest] == ["Song 0", "Song 1", "Song 2"]
    client.delete_listen(newest)
    assert client.get_user_listen_count("alice") == 3


def test_the_client_fetches_the_playlists_made_for_its_listener(client, listener, live_server):
    """The client has no words of its own for playlists; its requests are what counts."""
    song = Song.objects.create(key="s", title="Creep", artist=Artist.objects.create(name="Radiohead"))
    jams = Playlist.objects.create(
        owner=listener, kind=Playlist.Kind.WEEKLY_JAMS, period="2026-W35", title="Jams"
    )
    jams.items.create(song=song, position=1, reason="You like it")
    found = client._get("/1/user/alice/playlists/createdfor", params={"count": 5, "offset": 0})
    address = found["playlists"][0]["playlist"]["identifier"]
    whole = client._get(f"/1/playlist/{address.rsplit('/', 1)[-1]}")["playlist"]
    assert [(track["title"], track["annotation"]) for track in whole["track"]] == [("Creep", "You like it")]

    without_token = liblistenbrainz.ListenBrainz(api_base_url=live_server.url)
    with pytest.raises(ListenBrainzAPIException):
        without_token._get("/1/user/alice/playlists/createdfor")
    User.objects.filter(pk=listener.pk).update(shares_playlists=True)
    assert without_token._get("/1/user/alice/playlists/createdfor")["playlist_count"] == 1


def test_a_wrong_token_and_anothers_history_are_refused(client, live_server):
    with pytest.raises(InvalidAuthTokenException):
        liblistenbrainz.ListenBrainz(api_base_url=live_server.url).set_auth_token("wrong")
    User.objects.create_user("bob")
    with pytest.raises(ListenBrainzAPIException):
        client.get_listens("bob")
