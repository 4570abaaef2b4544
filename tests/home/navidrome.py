"""A real Navidrome with made music, where its program is installed: on the path, or named by NAVIDROME."""

import json
import os
import shutil
import subprocess
import time
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any, NamedTuple

from tests.home.conftest import find_free_port

BASE_PATH = "/music"
PASSWORDS = {"olga": "of olga", "lena": "of lena, ü", "mira": "of mira"}


def find_program() -> str:
    return os.environ.get("NAVIDROME") or shutil.which("navidrome") or ""


class Navidrome(NamedTuple):
    """A running server below a path of its own, and its folders."""

    address: str
    music: Path
    data: Path
    process: subprocess.Popen

    def ask(self, method: str, path: str, body: Any = None, token: str = "") -> Any:
        """Ask an address of Navidrome's own API; return the decoded answer."""
        request = urllib.request.Request(
            self.address + path,
            data=None if body is None else json.dumps(body).encode(),
            headers={"Content-Type": "application/json", "X-ND-Authorization": f"Bearer {token}"},
            method=method,
        )
        with urllib.request.urlopen(request, timeout=30) as answer:
            return json.loads(answer.read() or b"null")

    def sign_in(self, name: str) -> str:
        signed_in = self.ask("POST", "/auth/login", {"username": name, "password": PASSWORDS[name]})
        return signed_in["token"]


def start_navidrome(program: str, folder: Path, music: Path) -> Navidrome:
    """Start the program on this machine alone: no scheduled work, no question to anybody's service."""
    port = find_free_port()
    data = folder / "data"
    (data / "plugins").mkdir(parents=True)
    settings = {
        "ADDRESS": "127.0.0.1", "PORT": port, "BASEURL": BASE_PATH, "MUSICFOLDER": music,
        "DATAFOLDER": data, "AGENTS": "musicrec", "LASTFM_ENABLED": False, "DEEZER_ENABLED": False,
        "LISTENBRAINZ_ENABLED": False, "ENABLEINSIGHTSCOLLECTOR": False, "ENABLEGRAVATAR": False,
        "ENABLEM3UEXTERNALALBUMART": False, "PLUGINS_ENABLED": True, "SCANNER_WATCHERWAIT": "200ms",
        "SUBSONIC_DEFAULTREPORTREALPATH": True, "LOGLEVEL": "debug",
    }  # fmt: skip
    environment = {
        name: os.environ[name] for name in ("PATH", "LANG", "LD_LIBRARY_PATH") if name in os.environ
    }
    environment |= {"HOME": str(folder)}
    environment |= {f"ND_{name}": str(value).replace("True", "true").replace("False", "false")
                    for name, value in settings.items()}  # fmt: skip
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen([program], env=environment, cwd=folder, stdout=log, stderr=log)
    one = Navidrome(f"http://127.0.0.1:{port}{BASE_PATH}", music, data, process)
    operator = {"username": "olga", "password": PASSWORDS["olga"]}
    wait_until(lambda: one.ask("POST", "/auth/createAdmin", operator), errors=(OSError,))
    token = one.sign_in("olga")
    for name in ("lena", "mira"):
        user = {"userName": name, "name": name, "password": PASSWORDS[name], "isAdmin": False}
        one.ask("POST", "/api/user", user, token)
    return one


def wait_until(is_so, *, errors=(), tries: int = 300) -> None:
    """Try again until a condition holds, for a minute at most."""
    for _number in range(tries):
        try:
            if is_so():
                return
        except errors:
            pass
        time.sleep(0.2)
    raise AssertionError("it did not happen within a minute")
