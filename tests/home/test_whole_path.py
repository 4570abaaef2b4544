"""From a real music server to the play button and back: a training, radios, jams there, skips as signal."""

import re
from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from accounts.models import User
from catalog.models import Interaction, ServerAccount, ServerSong, Song
from catalog.servers import joining, syncs
from catalog.servers.clients import open_client
from recommendations.models import TrainingRun
from recommendations.services.data import training_rows
from recommendations.services.surfaces import generated_playlists
from recommendations.services.training import pipeline, training_requests
from tests.api.caller import Caller
from tests.home.conftest import N_ALBUMS, N_SONGS

pytestmark = [
    pytest.mark.home,
    pytest.mark.xdist_group("home"),
    pytest.mark.django_db(transaction=True),
]


@pytest.fixture(autouse=True)
def _own_models(settings, tmp_path):
    settings.ARTIFACTS_DIR = tmp_path / "artifacts"
    settings.ARTIFACTS_DIR.mkdir()


@pytest.fixture
def accounts(server, supysonic) -> list[ServerAccount]:
    """The library is here, and two listeners have joined their accounts there, whose stars are their own."""
    sync = syncs.run_sync(syncs.request_library_sync(server, is_forced=True).pk)
    assert (sync.status, sync.n_added) == ("succeeded", N_ALBUMS * N_SONGS)
    joined = []
    for number, name in enumerate(("lena", "mira")):
        user = User.objects.create_user(f"{name}-here")
        account = joining.join_account(user, server, name, supysonic.passwords[name])
        client = open_client(server, account)
        client.unstar([song.item_id for song in client.list_starred()])
        for one in client.list_playlists():
            client.delete_playlist(one.playlist_id)
        items = ServerSong.objects.filter(song__title__startswith=f"Piece {number}.")
        client.star(list(items.order_by("song__title").values_list("item_id", flat=True)[:6]))
        joined.append(account)
    return joined


def read(account: ServerAccount) -> None:
    account = ServerAccount.objects.get(pk=account.pk)
    sync = syncs.run_sync(syncs.request_account_sync(account).pk)
    assert sync.status == "succeeded", sync.error


def train() -> None:
    run = training_requests.request_training(
        preset="classic", trigger=TrainingRun.Trigger.COMMAND, options={"evaluate": False}
    )
    run = pipeline.run_training(run.pk)
    assert run.status == "succeeded", run.error


def test_a_library_comes_in_and_goes_out_to_the_play_button(server, accounts):
    lena, mira = accounts
    for account in accounts:
        read(account)
    likes = Interaction.objects.filter(kind=Interaction.Kind.LIKE)
    assert likes.for_listener(lena.user).count() == likes.for_listener(mira.user).count() == 6
    # what Lena heard in the last weeks: eight songs of hers, and one of the third band
    heard = list(Song.objects.filter(title__startswith="Piece 0.")) + list(
        Song.objects.filter(title="Piece 2.1")
    )
    Interaction.objects.bulk_create(
        Interaction(
            listener=lena.user, song=song, kind=Interaction.Kind.PLAY, source="web", plays=1,
            occurred_at=timezone.now() - timedelta(days=day, minutes=number),
        )
        for number, song in enumerate(heard)
        for day in (1, 3, 5)
    )  # fmt: skip
    train()

    # home offers songs of the server with a button that plays them, and they play
    browser = Client()
    browser.force_login(lena.user)
    page = browser.get("/").content.decode()
    played = int(re.findall(r"/songs/(\d+)/audio/", page)[0])
    path = ServerSong.objects.get(song=played).path
    answer = browser.get(f"/songs/{played}/audio/", headers={"Range": "bytes=0-2"})
    beginning = {"flac": b"fLa", "mp3": b"ID3"}[path.rpartition(".")[2]]
    assert (answer.status_code, b"".join(answer.streaming_content)) == (206, beginning)
    assert server.address not in page

    # a radio by AudioMuse's address and by the plugin's: songs of the server, by its own ids
    items = dict(ServerSong.objects.values_list("item_id", "song__title"))
    item_id = next(key for key, title in items.items() if title == "Piece 0.1")
    radio = Caller(lena.user, scopes=["read"], prefix="/audiomuse/api/")
    answered = radio.get(
        "similar_tracks", {"item_id": item_id, "n": 5, "eliminate_duplicates": "false"}
    )
    assert answered.status == 200 and len(answered.body) == 5
    assert {one["item_id"] for one in answered.body} <= items.keys() - {item_id}
    assert all(items[one["item_id"]] == one["title"] for one in answered.body)
    plugin = Caller(lena.user, scopes=["read", "listen"], prefix="/navidrome/")
    asked = {"id": item_id, "name": "Piece 0.1", "artist": "Band 0", "count": 5}
    mixed = plugin.post("nd_get_similar_songs_by_track", asked)
    assert mixed.status == 200 and mixed.body["songs"]
    assert {one["id"] for one in mixed.body["songs"]} <= items.keys() - {item_id}

    # the week's jams are among the server's own playlists
    playlists = {one.kind: one for one in generated_playlists.make_all(lena.user)}
    titles = [item.song.title for item in playlists["weekly-jams"].items.select_related("song")]
    read(lena)
    client = open_client(server, lena)
    written = next(one for one in client.list_playlists() if "weekly-jams" in one.comment)
    entries = client._connection.ask("getPlaylist", [("id", written.playlist_id)])["playlist"][
        "entry"
    ]
    assert [one["title"] for one in entries] == titles

    # a song of two seconds that is left after half a second comes back as a skip, and the next training sees it
    left = next(key for key, title in items.items() if title == "Piece 2.2")
    now = int(timezone.now().timestamp())
    report = {
        "track": {"id": left, "title": "Piece 2.2", "artist": "Band 2", "duration": 2},
        "state": "stopped", "positionMs": 500, "playbackRate": 1.0, "timestamp": now,
    }  # fmt: skip
    assert plugin.post("nd_scrobbler_playback_report", report).status == 200
    skip = Interaction.objects.get(kind=Interaction.Kind.SKIP)
    assert (skip.listener, skip.song.title, skip.played_ms) == (lena.user, "Piece 2.2", 500)
    events = training_rows.read().interactions
    row = events.listeners.row(lena.user.pk), events.items.row(skip.song_id)
    learned = (events.listener_rows == row[0]) & (events.item_rows == row[1])
    assert events.kinds[learned].tolist() == [int(Interaction.Kind.SKIP)]
