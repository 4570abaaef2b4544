"""Clients made from docs/openapi.yaml by public generators work against the running server (make test-clients)."""

import json
import shutil
from pathlib import Path

import pytest

from accounts import tokens
from accounts.models import User
from catalog.models import Artist, Interaction, Playlist, Song

HERE = Path(__file__).parent
DESCRIPTION = HERE.parents[1] / "docs" / "openapi.yaml"
TYPESCRIPT = HERE / "typescript"

pytestmark = pytest.mark.clients


@pytest.fixture
def arguments(live_server, transactional_db):
    """What a client is started with: an address, a token, a song and a playlist of Alice's."""
    alice = User.objects.create_user("alice")
    song = Song.objects.create(
        key="song_1", title="Creep", artist=Artist.objects.create(name="Radiohead")
    )
    playlist = Playlist.objects.create(owner=alice, title="Rainy Sunday")
    playlist.items.create(song=song, position=1)
    secret = tokens.create_token(alice, "client", ["read", "write", "listen"]).secret
    return [live_server.url, secret, song.key, str(playlist.pk)]


def check(read: dict) -> None:
    assert read["added"] == 1 + 1
    assert read["rejected"] == [2]
    assert read["m3u8"].startswith("#EXTM3U")
    assert "Radiohead - Creep" in read["m3u8"]
    assert read["csv"].splitlines()[1].startswith("1,song_1,Creep,Radiohead")
    assert read["title"] == "Renamed"
    assert read["strangers_list"] <= 1
    assert read["codes"] == ["not_authenticated", "not_found"]
    assert Interaction.objects.count() == 2


def test_a_generated_python_client_logs_exports_and_reads_errors(arguments, run, tmp_path):
    package = tmp_path / "client"
    options = ("--path", DESCRIPTION, "--output-path", package, "--fail-on-warning")
    assert "Warning" not in run("openapi-python-client", "generate", *options)
    read = json.loads(run("python", HERE / "python_client.py", *arguments, PYTHONPATH=str(package)))
    check(read)
    assert json.loads(read["jspf"])["playlist"]["track"][0]["title"] == "Creep"


def test_generated_typescript_types_check_and_run(arguments, run, tmp_path):
    for name in ("client.ts", "package.json", "tsconfig.json"):
        shutil.copy(TYPESCRIPT / name, tmp_path)
    (tmp_path / "node_modules").symlink_to(TYPESCRIPT / "node_modules")
    tools = TYPESCRIPT / "node_modules" / ".bin"
    run(tools / "openapi-typescript", DESCRIPTION, "-o", "schema.d.ts")
    run(tools / "tsc")
    check(json.loads(run("node", "built/client.js", *arguments)))
