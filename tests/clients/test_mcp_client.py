"""The official SDK of the Model Context Protocol against the running site, in both eras (make test-clients)."""

import json
from pathlib import Path

import pytest

from accounts import tokens
from catalog.models import Playlist
from tests.api.conftest import world  # noqa: F401

PROGRAM = Path(__file__).parent / "mcp_client.py"

pytestmark = [pytest.mark.clients, pytest.mark.django_db(transaction=True)]
READING = ["search", "recommend", "why", "why_not", "similar", "path", "statistics"]


@pytest.mark.parametrize(("mode", "version"), [("auto", "2026-07-28"), ("legacy", "2025-11-25")])
def test_every_tool_with_the_official_client(world, live_server, run, mode, version):  # noqa: F811
    secret = tokens.create_token(world.alice.user, "assistant", ["read", "playlists"]).secret
    read = json.loads(run("python", PROGRAM, live_server.url, secret, mode))
    assert read["version"] == version
    assert read["tools"] == [*READING, "make_playlist"] and read["says_untrusted"]
    assert read["found"] == "Song 02"
    assert len(read["recommended"]) == 5 and all(song["why"] for song in read["recommended"])
    assert sum(reason["percent"] for reason in read["why"]["reasons"]) == 100
    assert read["listed"] == "listed" and read["why_not"]["sentence"]
    assert len(read["similar"]) == 3
    assert [song["title"] for song in (read["path"][0], read["path"][-1])] == ["Song 02", "Song 33"]
    assert read["statistics"]["entries"] == []  # Alice liked songs and played none
    assert "count is from 1 to 50" in read["wrong"]["error"]
    playlist = Playlist.objects.get(owner=world.alice.user, title="From a program")
    assert [item.song.key for item in playlist.items.order_by("position")] == [
        song["id"] for song in read["recommended"]
    ]


def test_a_token_that_only_reads_makes_no_playlist(world, live_server, run):  # noqa: F811
    secret = tokens.create_token(world.alice.user, "assistant", ["read"]).secret
    read = json.loads(run("python", PROGRAM, live_server.url, secret, "auto"))
    assert read["tools"] == READING
    assert "needs the scope “playlists”" in read["playlist"]["error"]
    assert not Playlist.objects.exists()
