"""Playlists: made, changed, ordered and taken along."""

import csv
import io
import json

import pytest
from django.test import Client

from catalog.models import Playlist, Song
from common import spreadsheets


@pytest.fixture
def playlist(alice, songs):
    answer = alice.post(
        "playlists/", {"title": "Rainy", "songs": ["song_0", "song_1"], "is_public": True}
    )
    assert answer.status == 201
    return answer.body


def order(answer):
    return [item["song"]["id"] for item in answer.body["items"]]


def test_a_playlist_is_made_changed_and_deleted(alice, playlist):
    address = f"playlists/{playlist['id']}/"
    assert (playlist["n_songs"], playlist["kind"], playlist["is_public"]) == (2, "own", True)
    changed = alice.patch(address, {"title": "Sunny", "is_public": False}).body
    assert (changed["title"], changed["is_public"], changed["description"]) == ("Sunny", False, "")
    assert [one["title"] for one in alice.get("playlists/").body["results"]] == ["Sunny"]
    assert alice.get("playlists/", {"kind": "weekly-jams"}).body["count"] == 0
    assert alice.delete(address).status == 204
    assert alice.get(address).status == 404


def test_songs_are_added_moved_and_taken_out(alice, playlist):
    address = f"playlists/{playlist['id']}/items/"
    assert alice.post(address, {"song": "song_2"}).status == 201
    assert alice.post(address, {"song": "song_2"}).status == 200
    items = alice.get(f"playlists/{playlist['id']}/").body["items"]
    moved = alice.patch(f"{address}{items[2]['id']}/", {"position": 1})
    assert order(moved) == ["song_2", "song_0", "song_1"]
    assert alice.delete(f"{address}{items[0]['id']}/").status == 204
    assert order(alice.get(f"playlists/{playlist['id']}/")) == ["song_2", "song_1"]
    assert alice.delete(f"{address}{items[0]['id']}/").status == 404
    assert alice.post(address, {"song": "nothing"}).status == 400


@pytest.mark.parametrize(
    "wrong",
    [
        {"title": ""},
        {"title": " "},
        {"title": "x" * 201},
        {"songs": ["nothing"]},
        {"songs": "song_0"},
    ],
    ids=str,
)
def test_a_playlist_that_can_not_be_is_refused(alice, songs, wrong):
    assert alice.post("playlists/", {"title": "Rainy"} | wrong).status == 400
    assert Playlist.objects.count() == 0


def test_a_playlist_goes_with_its_listener_as_a_file(alice, playlist):
    def export(kind):
        return alice.get(f"playlists/{playlist['id']}/export/", {"as": kind})

    tracks = json.loads(export("jspf").body)["playlist"]["track"]
    assert [(track["title"], track["duration"]) for track in tracks] == [
        ("Título 0", 200_000),
        ("Título 1", 200_000),
    ]
    Song.objects.filter(key="song_0").update(audio_url="https://media.example.org/0.mp3")
    assert export("m3u8").body.splitlines() == [
        "#EXTM3U",
        "#PLAYLIST:Rainy",
        "#EXTINF:200,Artist 0 - Título 0",
        "https://media.example.org/0.mp3",
        "# Without audio here: Artist 0 - Título 1",
    ]
    assert "song_1" in export("csv").body
    assert export("exe").status == 400
    assert export("csv").headers["Content-Disposition"] == 'attachment; filename="rainy.csv"'


@pytest.mark.parametrize("kind", ["jspf", "m3u8", "csv"])
def test_the_page_and_the_feed_hand_out_the_same_file_as_the_api(alice, playlist, kind):
    exported = alice.get(f"playlists/{playlist['id']}/export/", {"as": kind})
    browser = Client()
    browser.force_login(alice.user)
    addresses = [f"/playlists/{playlist['id']}/export.{kind}"]
    addresses += [f"/playlist/{playlist['id']}.{kind}"] if kind != "csv" else []
    for address in addresses:
        downloaded = browser.get(address)
        assert downloaded.content.decode() == exported.body
        assert downloaded.headers["Content-Type"] == exported.headers["Content-Type"]
    saved = browser.get(addresses[0]).headers["Content-Disposition"]
    assert saved == exported.headers["Content-Disposition"]


@pytest.mark.parametrize("title", ["=1+1", "+49", "-1", "@you", "\t=1", "'=1", "plain", "'quoted'"])
def test_a_spreadsheet_runs_no_title_and_the_title_comes_back(alice, songs, title):
    """T49."""
    Song.objects.filter(key="song_0").update(title=title)
    playlist_id = alice.post("playlists/", {"title": "Sums", "songs": ["song_0"]}).body["id"]
    text = alice.get(f"playlists/{playlist_id}/export/", {"as": "csv"}).body
    cell = next(csv.DictReader(io.StringIO(text)))["title"]
    assert not cell.startswith(("=", "+", "-", "@", "\t"))
    assert spreadsheets.restore_cell(cell) == title
