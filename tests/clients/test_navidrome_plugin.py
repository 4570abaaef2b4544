"""The plugin of integrations/navidrome, built here and run through Extism against the running site (make test-clients).

The host is one that behaves as Navidrome documents its own; it is no Navidrome.
"""

import json
import shutil
import subprocess
import zipfile
from pathlib import Path

import pytest
from django.utils import timezone

from accounts import tokens
from accounts.models import User
from catalog.models import Interaction, MusicServer, NowPlaying, ServerSong, Song
from recommendations.services.preferences import controls
from recommendations.services.training import pipeline, training_requests
from tests.api.conftest import _forty_songs

ROOT = Path(__file__).resolve().parents[2]
SOURCE = ROOT / "integrations/navidrome"
HOST = Path(__file__).parent / "navidrome_host.py"

pytestmark = pytest.mark.clients


@pytest.fixture(scope="module")
def package(tmp_path_factory) -> Path:
    """The package, built twice from copies of its source: the same bytes each time."""
    built = []
    for attempt in range(2):
        folder = tmp_path_factory.mktemp(f"plugin{attempt}") / "navidrome"
        shutil.copytree(SOURCE, folder, ignore=shutil.ignore_patterns("node_modules", "build"))
        (folder / "node_modules").symlink_to(SOURCE / "node_modules")
        done = subprocess.run(
            ["npm", "run", "build"], cwd=folder, capture_output=True, text=True, timeout=240
        )
        assert done.returncode == 0, done.stdout + done.stderr
        built.append(folder / "build/musicrec.ndp")
    assert built[0].read_bytes() == built[1].read_bytes()
    return built[0]


@pytest.fixture
def site(transactional_db, settings, tmp_path, live_server):
    """Alice, forty songs on a connected server, and a trained model behind a running site."""
    settings.ARTIFACTS_DIR = tmp_path / "artifacts"
    settings.ARTIFACTS_DIR.mkdir()
    songs = _forty_songs()
    server = MusicServer.objects.create(name="Home", address="http://127.0.0.1:9", account_name="x")
    ServerSong.objects.bulk_create(
        ServerSong(
            server=server,
            song=song,
            item_id=f"nd{number:02d}",
            album_item_id=f"al{number % 4}",
            artist_item_id=f"ar{number % 8}",
            fingerprint="x",
        )
        for number, song in enumerate(songs)
    )
    alice = User.objects.create_user("alice")
    Interaction.objects.bulk_create(
        Interaction(
            listener=listener, song=song, kind=1, source="world", occurred_at=timezone.now()
        )
        for number in range(12)
        for listener in [User.objects.create_user(f"listener_{number}")]
        for index, song in enumerate(songs)
        if index % 2 == number % 2 and (index + number) % 5
    )
    run = pipeline.run_training(
        training_requests.request_training(preset="classic", trigger="command").pk
    )
    assert run.status == "succeeded", run.error
    return live_server.url, alice


@pytest.fixture
def call(package, site, run, tmp_path):
    """Return a function that calls functions of the plugin, each with its input."""
    address, alice = site
    wasm = tmp_path / "plugin.wasm"
    with zipfile.ZipFile(package) as unpacked:
        assert unpacked.testzip() is None and sorted(unpacked.namelist()) == [
            "manifest.json",
            "plugin.wasm",
        ]
        manifest = json.loads(unpacked.read("manifest.json"))
        wasm.write_bytes(unpacked.read("plugin.wasm"))
    config = {
        "site": f"{address}/",
        "token": tokens.create_token(alice, "Navidrome", ["read"]).secret,
        "listeners": [
            {"username": 'Zoë "Z"', "token": "not-hers"},
            {
                "username": "alice",
                "token": tokens.create_token(alice, "Navidrome", ["listen"]).secret,
            },
        ],
    }

    def call_plugin(*calls, **changed):
        asked = {
            "config": config | changed,
            "hosts": manifest["permissions"]["http"]["requiredHosts"],
            "calls": calls,
        }
        calls_file = tmp_path / "calls.json"
        calls_file.write_text(json.dumps(asked))
        return json.loads(run("sh", "-c", f'exec python "{HOST}" "{wasm}" < "{calls_file}"'))

    return call_plugin


def make_song(number: int) -> dict:
    return {"id": f"nd{number:02d}", "name": f"Song {number:02d}", "artist": f"Band {number % 8}"}


def make_track(number: int, **changed) -> dict:
    track = {
        "id": f"nd{number:02d}",
        "title": f"Song {number:02d}",
        "artist": f"Band {number % 8}",
        "album": "",
        "duration": 200.0,
        "artists": [{"name": f"Band {number % 8}"}],
    }
    return {"username": "alice", "track": track, "timestamp": 1_780_000_000} | changed


def test_mixes_radios_and_paths_come_as_navidrome_reads_them(call, site):
    hidden = Song.objects.get(title="Song 06")
    controls.hide_song(site[1], hidden)
    answers = call(
        ["nd_get_similar_songs_by_track", make_song(2) | {"count": 8}],
        [
            "nd_get_similar_songs_by_track",
            {"id": "elsewhere", "name": "Song 02", "artist": "Band 2", "count": 8},
        ],
        [
            "nd_get_similar_songs_by_track",
            {"id": "", "name": "“Nichts” \\ \n", "artist": "Niemand", "count": 8},
        ],
        ["nd_get_similar_songs_by_album", {"id": "al0", "name": "", "artist": "", "count": 8}],
        ["nd_get_similar_songs_by_artist", {"id": "ar2", "name": "Band 2", "count": 8}],
        ["nd_get_artist_top_songs", {"id": "ar2", "name": "Band 2", "count": 3}],
        ["nd_get_similar_artists", {"id": "ar2", "name": "Band 2", "limit": 3}],
        ["nd_get_sonic_similar_tracks", {"song": make_song(2), "count": 5}],
        ["nd_find_sonic_path", {"startSong": make_song(2), "endSong": make_song(33), "count": 6}],
    )
    assert [one for one in answers if "error" in one] == []
    by_id, by_name, nothing, album, artist, top, artists, sonic, path = (
        one["output"] for one in answers
    )
    songs = by_id["songs"]
    assert by_name["songs"] == songs and nothing == {"songs": []}
    assert 0 < len(songs) <= 8 and {"id", "name", "artists", "durationMs"} <= songs[0].keys()
    assert all(int(song["id"][2:]) % 2 == 0 for song in songs[:3])
    assert not {"nd06", "nd02"} & {song["id"] for song in songs}
    assert album["songs"] and artist["songs"]
    assert [song["artists"][0]["name"] for song in top["songs"]] == ["Band 2"] * 3
    assert (
        "Band 2" not in {one["name"] for one in artists["artists"]} and artists["artists"][0]["id"]
    )
    similarities = [one["similarity"] for one in sonic["matches"]]
    assert similarities == sorted(similarities, reverse=True) and 0 <= similarities[-1] <= 1
    ids = [one["song"]["id"] for one in path["matches"]]
    assert ids[0] == "nd02" and ids[-1] == "nd33" and len(set(ids)) == len(ids) <= 6


def test_plays_and_skips_arrive_once_as_signals_of_their_listener(call, site):
    started = 1_780_000_000
    heard, skipped = make_track(1), make_track(3)
    answers = call(
        ["nd_scrobbler_is_authorized", {"username": "alice"}],
        ["nd_scrobbler_is_authorized", {"username": "bob"}],
        ["nd_scrobbler_now_playing", make_track(1, position=3)],
        ["nd_scrobbler_playback_report", heard | {"state": "playing", "positionMs": 9000}],
        [
            "nd_scrobbler_playback_report",
            heard | {"state": "stopped", "positionMs": 199_000, "timestamp": started + 199},
        ],
        ["nd_scrobbler_scrobble", heard | {"timestamp": started + 199}],
        [
            "nd_scrobbler_playback_report",
            skipped | {"state": "stopped", "positionMs": 4000, "timestamp": started + 210},
        ],
        ["nd_scrobbler_playback_report", make_track(5) | {"state": "expired", "positionMs": 4000}],
    )
    assert [one.get("error") for one in answers] == [None] * len(answers)
    assert [one["output"] for one in answers[:2]] == [True, False]
    assert NowPlaying.objects.get(listener=site[1]).song["title"] == "Song 01"
    stored = Interaction.objects.filter(listener=site[1]).order_by("occurred_at")
    assert [(row.song.title, row.get_kind_display(), row.played_ms) for row in stored] == [
        ("Song 01", "play", 199_000),
        ("Song 03", "skip", 4000),
    ]


def test_errors_are_those_that_navidrome_acts_on(call, site):
    listen = {"username": "alice", "token": tokens.create_token(site[1], "x", ["read"]).secret}
    scrobble = ["nd_scrobbler_scrobble", make_track(1)]
    (stranger,) = call(["nd_scrobbler_scrobble", make_track(1, username="bob")])
    (refused,) = call(scrobble, listeners=[listen])
    (away,) = call(scrobble, site="http://127.0.0.1:9")
    (wrong,) = call(["nd_scrobbler_scrobble", make_track(1, timestamp=7)])
    (unknown,) = call(["nd_get_similar_songs_by_track", make_song(1)], token="mrec_nothing")
    assert "scrobbler(not_authorized)" in stranger["error"]
    assert "scrobbler(not_authorized)" in refused["error"]
    assert "scrobbler(retry_later)" in away["error"]
    assert "scrobbler(unrecoverable)" in wrong["error"]
    assert "musicrec answered 401" in unknown["error"]
