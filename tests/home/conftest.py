"""supysonic, a real music server, with a folder of made music: started for the tests from an environment of its own."""

import os
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest
from django.utils.crypto import get_random_string

from catalog.models import MusicServer
from catalog.servers.clients import ServerError, sign_in
from catalog.servers.clients.subsonic import SubsonicClient
from catalog.servers.credentials import encrypt_secret
from tests.catalog.audio_files import make_flac, make_mp3

ROOT = Path(__file__).resolve().parents[2]
PROGRAMS = ROOT / ".venv-supysonic" / "bin"
PICTURE = bytes.fromhex(
    "89504e470d0a1a0a0000000d4948445200000001000000010802000000907753de0000000c49444154789c63f8cf"
    "c00000030101007835d6430000000049454e44ae426082"
)
N_ALBUMS, N_SONGS = 3, 8
"""Albums, and songs on each of them."""


class Supysonic(NamedTuple):
    """A running server, its folder of music, and the passwords of its accounts."""

    address: str
    music: Path
    passwords: dict[str, str]
    environment: dict[str, str]

    def run(self, *arguments: str) -> None:
        """Run one of supysonic's own commands."""
        command = [str(PROGRAMS / "supysonic-cli"), *arguments]
        subprocess.run(command, env=self.environment, check=True, capture_output=True, timeout=60)

    def scan(self) -> None:
        self.run("folder", "scan", "--foreground", "made")


@pytest.fixture(scope="session")
def supysonic(tmp_path_factory) -> Iterator[Supysonic]:
    if not (PROGRAMS / "supysonic-server").exists():
        pytest.skip("supysonic is not installed: run make test-home")
    folder = tmp_path_factory.mktemp("supysonic")
    music = folder / "music"
    write_music(music)
    environment = {name: os.environ[name] for name in ("PATH", "LANG") if name in os.environ}
    environment |= {"HOME": str(folder), "TMPDIR": str(folder)}
    (folder / ".supysonic").write_text(
        f"[base]\ndatabase_uri = sqlite:///{folder}/music.db\n"
        f"[webapp]\ncache_dir = {folder}/cache\nmount_webui = off\n"
        f"[daemon]\nsocket = {folder}/daemon.sock\n"
    )
    passwords = {name: get_random_string(12) for name in ("olga", "lena", "mira")}
    port = find_free_port()
    one = Supysonic(f"http://127.0.0.1:{port}", music, passwords, environment)
    for name, password in passwords.items():
        one.run("user", "add", name, "--password", password)
    one.run("user", "setroles", "--admin", "olga")
    one.run("folder", "add", "made", str(music))
    one.scan()
    command = [
        str(PROGRAMS / "supysonic-server"),
        "-S",
        "waitress",
        "-h",
        "127.0.0.1",
        "-p",
        str(port),
    ]
    server = subprocess.Popen(
        command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        wait_for(one)
        yield one
    finally:
        server.terminate()
        server.wait(10)


def write_music(folder: Path) -> None:
    """Write a few albums of one-second songs, FLAC and MP3 in turn, with tags and a cover."""
    for album in range(N_ALBUMS):
        album_folder = folder / f"Band {album}" / f"Record {album}"
        album_folder.mkdir(parents=True)
        (album_folder / "cover.png").write_bytes(PICTURE)
        for number in range(1, N_SONGS + 1):
            title, year = f"Piece {album}.{number}", 1990 + album
            if number % 2:
                tags = {
                    "title": title, "artist": f"Band {album}", "album": f"Record {album}",
                    "tracknumber": str(number), "date": str(year), "genre": "Fado",
                }  # fmt: skip
                (album_folder / f"{number:02d}.flac").write_bytes(make_flac(tags, seconds=2.0))
            else:
                frames = {
                    "TIT2": title, "TPE1": f"Band {album}", "TALB": f"Record {album}",
                    "TRCK": str(number), "TDRC": str(year), "TCON": "Fado",
                }  # fmt: skip
                (album_folder / f"{number:02d}.mp3").write_bytes(make_mp3(frames, seconds=2.0))


def find_free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]


def wait_for(supysonic: Supysonic) -> None:
    """Wait until the server accepts its operator."""
    server = MusicServer(address=supysonic.address, account_name="olga")
    for _attempt in range(150):
        try:
            sign_in(server, "olga", supysonic.passwords["olga"])
            return
        except ServerError:
            time.sleep(0.2)
    raise AssertionError("supysonic did not start within 30 seconds")


@pytest.fixture(autouse=True)
def _own_key(settings, tmp_path):
    settings.DATA_DIR = tmp_path


@pytest.fixture
def server(supysonic, transactional_db) -> MusicServer:
    """The server, connected as an operator does it."""
    return MusicServer.objects.create(
        name="Attic",
        address=supysonic.address,
        account_name="olga",
        secret=encrypt_secret(supysonic.passwords["olga"]),
    )


@pytest.fixture(autouse=True)
def _leave_no_playlist(request) -> Iterator[None]:
    """Delete the listeners' playlists there after each test.

    supysonic answers its lists of playlists with an error as long as one of them holds a song whose file is gone.
    """
    yield
    if "supysonic" not in request.fixturenames:
        return
    supysonic = request.getfixturevalue("supysonic")
    for name in ("lena", "mira"):
        client = SubsonicClient(supysonic.address, name, supysonic.passwords[name])
        for one in client.list_playlists():
            client.delete_playlist(one.playlist_id)
