"""A real Navidrome, where its program is installed: library, listeners, playlists, and the plugin inside it."""

import json
import os
from datetime import UTC, datetime
from pathlib import Path

import pytest

from accounts import tokens
from accounts.models import User
from catalog.models import (
    Interaction,
    MusicServer,
    NowPlaying,
    Playlist,
    ServerAccount,
    ServerSong,
    Song,
)
from catalog.servers import joining
from catalog.servers.clients import ItemGone, WrongCredentials, open_client, sign_in
from catalog.servers.connecting import check_connection
from catalog.servers.credentials import encrypt_secret
from recommendations.services.training import pipeline, training_requests
from tests.catalog.audio_files import make_flac
from tests.home.conftest import N_ALBUMS, N_SONGS, write_music
from tests.home.navidrome import PASSWORDS, find_program, start_navidrome, wait_until
from tests.home.syncs import list_titles, read, sync_library

pytestmark = [
    pytest.mark.home,
    pytest.mark.xdist_group("navidrome"),
    pytest.mark.django_db(transaction=True),
]
N_ALL = N_ALBUMS * N_SONGS + 1
MBID = "b1a9c0e9-d987-4042-ae91-78d6a3267d69"
HEARD_AT = datetime(2026, 3, 1, 20, 15, tzinfo=UTC)


@pytest.fixture(scope="module")
def navidrome(tmp_path_factory):
    program = find_program()
    if not program:
        pytest.skip("navidrome is not installed")
    folder = tmp_path_factory.mktemp("navidrome")
    music = folder / "songs"
    write_music(music)
    tags = {
        "title": "Gnossienne", "artist": ["Ann", "Bo"], "album": "Slow", "date": "1999", "bpm": "92",
        "albumartist": "Ann", "musicbrainz_trackid": MBID, "isrc": "GBUM71029604",
        "genre": ["Piano", "Calm"], "tracknumber": "3", "discnumber": "2",
    }  # fmt: skip
    (music / "slow").mkdir()
    (music / "slow" / "03.flac").write_bytes(make_flac(tags, seconds=4.0))
    one = start_navidrome(program, folder, music)
    try:
        yield one
    finally:
        one.process.terminate()
        one.process.wait(20)


@pytest.fixture
def server(navidrome) -> MusicServer:
    server = MusicServer.objects.create(
        name="Attic", address=navidrome.address, account_name="olga",
        secret=encrypt_secret(PASSWORDS["olga"]),
    )  # fmt: skip
    client = open_client(server)
    wait_until(lambda: client.get_scan_mark() and len(client.list_songs().items) == N_ALL)
    return server


@pytest.fixture
def lena(server) -> ServerAccount:
    """Lena's account there joined to hers here; what earlier tests left there is gone."""
    sync_library(server)
    account = joining.join_account(
        User.objects.create_user("lena-here"), server, "lena", PASSWORDS["lena"]
    )
    client = open_client(server, account)
    client.unstar([song.item_id for song in client.list_starred()])
    for item in client.list_songs().items:
        if item.rating:
            client._connection.ask("setRating", [("id", item.item_id), ("rating", 0)])
    for one in client.list_playlists():
        client.delete_playlist(one.playlist_id)
    return account


def find_item(title: str) -> str:
    return ServerSong.objects.get(song__title=title).item_id


def scan(server) -> None:
    client = open_client(server)
    client._connection.ask("startScan", [("fullScan", "true")])
    wait_until(client.get_scan_mark)


def test_the_library_comes_in_with_everything_that_is_tagged(server):
    is_well, sentence = check_connection(server)
    assert is_well, sentence
    with pytest.raises(WrongCredentials):
        sign_in(server, "olga", "wrong")
    sync = sync_library(server)
    assert (sync.n_read, sync.n_rejected, sync.note) == (N_ALL, 0, "")
    song = Song.objects.get(title="Gnossienne")
    assert (str(song.mbid), song.isrc, song.year, song.tempo) == (MBID, "GBUM71029604", 1999, 92)
    assert (song.track_number, song.disc_number, song.album.title) == (3, 2, "Slow")
    assert {genre.name for genre in song.genres.all()} == {"Piano", "Calm"}
    assert song.artist_credit in ("Ann • Bo", "Ann & Bo")
    row = Song.objects.get(title="Piece 1.4").server_songs.get()
    assert row.path.endswith("Band 1/Record 1/04.mp3")
    again = sync_library(server)
    assert (again.n_added, again.n_changed, again.n_removed) == (0, 0, 0)


def test_sound_and_covers(server, navidrome):
    sync_library(server)
    client = open_client(server)
    content = (navidrome.music / "Band 0" / "Record 0" / "01.flac").read_bytes()
    with client.open_stream(find_item("Piece 0.1")) as file:
        assert b"".join(file.chunks) == content
    with client.open_stream(find_item("Piece 0.1"), "bytes=100-199") as file:
        assert (file.status, b"".join(file.chunks)) == (206, content[100:200])
    with pytest.raises(ItemGone):
        client.open_stream("nothing")
    cover = ServerSong.objects.get(song__title="Piece 0.1").cover_id
    with client.open_cover(cover, 300) as file:
        assert file.content_type.startswith("image/") and b"".join(file.chunks)


def test_stars_ratings_and_plays_are_the_listeners_own(lena):
    client = open_client(lena.server, lena)
    client.star([find_item("Piece 0.1")])
    client._connection.ask("setRating", [("id", find_item("Piece 0.2")), ("rating", 1)])
    client._connection.ask("setRating", [("id", find_item("Piece 0.3")), ("rating", 5)])
    client.scrobble(find_item("Piece 0.4"), HEARD_AT)
    open_client(lena.server).scrobble(find_item("Piece 0.5"), HEARD_AT)
    read(lena)
    mine = Interaction.objects.for_listener(lena.user)
    there = mine.filter(song__title__startswith="Piece 0.").select_related("song")
    kinds = {(one.song.title, one.get_kind_display()) for one in there}
    assert kinds == {
        ("Piece 0.1", "like"), ("Piece 0.2", "dislike"), ("Piece 0.3", "like"), ("Piece 0.4", "play")
    }  # fmt: skip
    assert mine.get(song__title="Piece 0.4").occurred_at == HEARD_AT
    client.unstar([find_item("Piece 0.1")])
    read(lena)
    assert not mine.filter(song__title="Piece 0.1").exists()


def test_playlists_are_written_renewed_and_deleted(lena):
    client = open_client(lena.server, lena)
    theirs = client.create_playlist("Weekly jams", [find_item("Piece 0.1")])
    jams = Playlist.objects.create(
        owner=lena.user, kind="weekly-jams", period="2026-W10", title="Weekly jams, week 10"
    )
    for position, song in enumerate(Song.objects.order_by("-title")):
        jams.items.create(song=song, position=position)
    read(lena)
    mine = next(one for one in client.list_playlists() if one.playlist_id != theirs)
    assert "[musicrec:weekly-jams]" in mine.comment
    assert list_titles(client, mine.playlist_id) == sorted(
        Song.objects.values_list("title", flat=True), reverse=True
    )
    jams.items.filter(position__gte=3).delete()
    read(lena, is_light=True)
    assert len(list_titles(client, mine.playlist_id)) == 3
    joining.leave_account(lena, deletes_playlists=True)
    assert [one.playlist_id for one in client.list_playlists()] == [theirs]
    assert list_titles(client, theirs) == ["Piece 0.1"]


def test_moved_and_removed_files_are_followed(server, navidrome):
    sync_library(server)
    moved, removed = Song.objects.get(title="Piece 2.1"), Song.objects.get(title="Piece 2.8")
    folder = navidrome.music / "Band 2" / "Record 2"
    content = (folder / "08.mp3").read_bytes()
    (folder / "01.flac").rename(folder / "first.flac")
    (folder / "08.mp3").unlink()
    try:
        scan(server)
        sync_library(server)
        moved.refresh_from_db()
        removed.refresh_from_db()
        assert (moved.is_available, removed.is_available) == (True, False)
        assert moved.server_songs.get(removed_at=None).path.endswith("first.flac")
        assert Song.objects.filter(title="Piece 2.1").count() == 1
    finally:
        (folder / "first.flac").rename(folder / "01.flac")
        (folder / "08.mp3").write_bytes(content)
        scan(server)
    sync_library(server)
    removed.refresh_from_db()
    assert removed.is_available


PACKAGE = Path(os.environ.get("MUSICREC_NDP", "integrations/navidrome/build/musicrec.ndp"))


@pytest.fixture
def plugin(lena, navidrome, live_server, settings, tmp_path):
    """The plugin inside Navidrome, set up for Lena, and a trained model behind the site."""
    if not PACKAGE.exists():
        pytest.skip("the plugin is not built: make navidrome-plugin")
    settings.ALLOWED_HOSTS = ["*"]
    settings.ARTIFACTS_DIR = tmp_path / "artifacts"
    settings.ARTIFACTS_DIR.mkdir()
    train()
    secret = tokens.create_token(lena.user, "plugin", ["read", "listen"]).secret
    (navidrome.data / "plugins" / "musicrec.ndp").write_bytes(PACKAGE.read_bytes())
    token = navidrome.sign_in("olga")
    navidrome.ask("POST", "/api/plugin/rescan", {}, token)
    wait_until(lambda: navidrome.ask("GET", "/api/plugin", token=token))
    plugin_id = navidrome.ask("GET", "/api/plugin", token=token)[0]["id"]
    config = {
        "site": live_server.url, "token": secret,
        "listeners": [{"username": "lena", "token": secret}],
    }  # fmt: skip
    changed = {"config": json.dumps(config), "allUsers": True, "enabled": True}
    assert navidrome.ask("PUT", f"/api/plugin/{plugin_id}", changed, token)["enabled"]
    client = open_client(lena.server, lena)

    def ask(endpoint: str, **fields) -> dict:
        return client._connection.ask(endpoint, list(fields.items()))

    yield ask
    navidrome.ask("PUT", f"/api/plugin/{plugin_id}", {"enabled": False}, token)


def train() -> None:
    songs = list(Song.objects.order_by("title"))
    for number, song in enumerate(songs):
        Song.objects.filter(pk=song.pk).update(
            energy=number / 30, valence=0.5, danceability=0.4, tempo=90 + number
        )
    listeners = [User.objects.create_user(f"listener-{number}") for number in range(10)]
    Interaction.objects.bulk_create(
        Interaction(
            listener=listener, song=song, kind=Interaction.Kind.LIKE, source="web",
            occurred_at=HEARD_AT,
        )
        for number, listener in enumerate(listeners)
        for position, song in enumerate(songs)
        if (number + position) % 5
    )  # fmt: skip
    run = training_requests.request_training(
        preset="classic", trigger="command", options={"evaluate": False}
    )
    assert pipeline.run_training(run.pk).status == "succeeded"


def test_the_plugin_answers_every_question(plugin):
    items = dict(ServerSong.objects.values_list("item_id", "song__title"))
    song, other = find_item("Piece 0.1"), find_item("Piece 2.4")
    row = ServerSong.objects.get(item_id=song)
    for asked in (song, row.album_item_id, row.artist_item_id):
        mix = plugin("getSimilarSongs2", id=asked, count=5)["similarSongs2"].get("song", [])
        assert mix and {one["id"] for one in mix} <= items.keys(), asked
    top = plugin("getTopSongs", artist="Band 0", count=5)["topSongs"]["song"]
    assert {one["artist"] for one in top} == {"Band 0"}
    about = plugin("getArtistInfo2", id=row.artist_item_id, count=5)["artistInfo2"]
    assert about["similarArtist"]
    near = plugin("getSonicSimilarTracks", id=song, count=5)["sonicMatch"]
    assert len(near) == 5 and all(0 <= one["similarity"] <= 1 for one in near)
    path = plugin("findSonicPath", startSongId=song, endSongId=other, count=6)["sonicMatch"]
    assert (path[0]["entry"]["id"], path[-1]["entry"]["id"]) == (song, other)


def test_the_plugin_passes_plays_on(plugin, lena):
    plugin("scrobble", id=find_item("Piece 1.1"), time=int(HEARD_AT.timestamp() * 1000))
    mine = Interaction.objects.for_listener(lena.user)
    wait_until(mine.filter(song__title="Piece 1.1").exists)
    assert mine.get(song__title="Piece 1.1").occurred_at == HEARD_AT
    plugin("scrobble", id=find_item("Piece 1.2"), submission="false")
    wait_until(NowPlaying.objects.filter(listener=lena.user).exists)


def test_a_song_left_early_is_a_skip(plugin, lena):
    """A song of four seconds that an app of Navidrome leaves after one."""
    asked = {"mediaId": find_item("Gnossienne"), "mediaType": "song", "playbackRate": 1}
    for position, state in ((0, "starting"), (0, "playing"), (1000, "stopped")):
        plugin("reportPlayback", positionMs=position, state=state, **asked)
    skips = Interaction.objects.for_listener(lena.user).filter(kind=Interaction.Kind.SKIP)
    wait_until(skips.exists)
    assert (skips.get().song.title, skips.get().played_ms) == ("Gnossienne", 1000)
