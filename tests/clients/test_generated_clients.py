"""Clients made from docs/openapi.yaml by public generators work against the running server (make test-clients)."""

import json
import os
import shutil
import subprocess
from pathlib import Path

import pytest

from accounts import tokens
from accounts.models import User
from catalog.models import Artist, Interaction, Playlist, Song

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
DESCRIPTION = ROOT / "docs" / "openapi.yaml"
CLIENTS = Path(os.environ.get("CLIENTS_VENV", ROOT / ".venv-clients")) / "bin"
TYPESCRIPT = HERE / "typescript"

pytestmark = pytest.mark.clients


@pytest.fixture
def arguments(live_server, transactional_db):
    """What a client is started with: an address, a token, a song and a playlist of Alice's."""
    alice = User.objects.create_user("alice")
    song = Song.objects.create(key="song_1", title="Creep", artist=Artist.objects.create(name="Radiohead"))
    playlist = Playlist.objects.create(owner=alice, title="Rainy Sunday")
    playlist.items.create(song=song, position=1)
    secret = tokens.create_token(alice, "client", ["read", "write", "listen"]).secret
    return [live_server.url, secret, song.key, str(playlist.pk)]


def run(*command, cwd, **settings: str) -> str:
    """Run a program of the clients' environment; return what it wrote."""
    path = f"{CLIENTS}{os.pathsep}{os.environ['PATH']}"
    done = subprocess.run(
        [str(part) for part in command],
        cwd=cwd,
        env=os.environ | {"PATH": path} | settings,
        capture_output=True,
        text=True,
        timeout=240,
    )
    assert done.returncode == 0, f"{command}:\n{done.stdout}\n{done.stderr}"
    return done.stdout


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


def test_a_generated_python_client_logs_exports_and_reads_errors(arguments, tmp_path):
    generator = CLIENTS / "openapi-python-client"
    made = tmp_path / "client"
    said = run(
        generator, "generate", "--path", DESCRIPTION, "--output-path", made, "--fail-on-warning", cwd=tmp_path
    )
    assert "Warning" not in said
    program = HERE / "python_client.py"
    said = run(CLIENTS / "python", program, *arguments, cwd=tmp_path, PYTHONPATH=str(made))
    read = json.loads(said)
    check(read)
    assert json.loads(read["jspf"])["playlist"]["track"][0]["title"] == "Creep"


def test_generated_typescript_types_check_and_run(arguments, tmp_path):
    for name in ("client.ts", "package.json", "tsconfig.json"):
        shutil.copy(TYPESCRIPT / name, tmp_path)
    (tmp_path / "node_modules").symlink_to(TYPESCRIPT / "node_modules")
    tools = TYPESCRIPT / "node_modules" / ".bin"
    run(tools / "openapi-typescript", DESCRIPTION, "-o", "schema.d.ts", cwd=tmp_path)
    run(tools / "tsc", cwd=tmp_path)
    check(json.loads(run("node", "built/client.js", *arguments, cwd=tmp_path)))
