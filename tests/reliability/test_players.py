"""Real players: mopidy plays and scrobbles, mpd with mpdscribble, which is refused, loses nothing, beets tags files."""

import json
import os
import signal
import subprocess
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from tests.catalog.audio_files import make_mp3
from tests.reliability.players import (
    find_free_port,
    find_program,
    serve_https,
    write_certificate,
)
from tests.waiting import wait_for

pytestmark = [pytest.mark.reliability, pytest.mark.xdist_group("players")]
SECONDS = 32.0
"""Players scrobble nothing shorter than half a minute."""


@pytest.fixture
def music(tmp_path) -> Path:
    folder = tmp_path / "music"
    folder.mkdir()
    for number in range(2):
        tags = {"TIT2": f"Made piece {number}", "TPE1": "Made Band", "TALB": "Made Record"}
        (folder / f"{number}.mp3").write_bytes(make_mp3(tags, seconds=SECONDS))
    return folder


@pytest.fixture
def start(tmp_path) -> Iterator[Callable[..., subprocess.Popen]]:
    """Return a function that starts a player with a home of its own; all are ended at the end."""
    started: list[subprocess.Popen] = []
    environment = {name: os.environ[name] for name in ("PATH", "LANG") if name in os.environ}
    environment |= {"HOME": str(tmp_path), "XDG_RUNTIME_DIR": str(tmp_path)}

    def run(*command: str, **more: str) -> subprocess.Popen:
        with (tmp_path / f"player{len(started)}.log").open("wb") as log:
            started.append(
                subprocess.Popen(
                    command,
                    env=environment | more,
                    stdout=log,
                    stderr=log,
                    stdin=subprocess.DEVNULL,
                )
            )
        return started[-1]

    yield run
    for process in reversed(started):
        if process.poll() is None:
            process.send_signal(signal.SIGTERM)
            try:
                process.wait(20)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def count_plays(site, title: str) -> int:
    rows = site.query(
        "SELECT COUNT(*) FROM catalog_interaction i JOIN catalog_song s ON s.id = i.song_id "
        f"WHERE s.title = '{title}' AND i.kind = 0"
    )
    return rows[0][0]


def test_mopidy_says_what_plays_and_scrobbles_it_once(site, serve, tokens, music, start, tmp_path):
    find_program("mopidy")
    python = find_program(
        "python", only_own=True
    )  # Debian's own command does not see the extension
    web = serve(site)
    certificate = write_certificate(tmp_path)
    control = find_free_port()
    with serve_https(urlsplit(web.url).port, certificate) as port:
        settings = tmp_path / "mopidy.conf"
        settings.write_text(
            f"[core]\ncache_dir = {tmp_path}/cache\nconfig_dir = {tmp_path}/config\n"
            f"data_dir = {tmp_path}/data-of-mopidy\n[audio]\noutput = fakesink sync=true\n"
            f"[file]\nmedia_dirs = {music}\n[http]\nhostname = 127.0.0.1\nport = {control}\n"
            f"[listenbrainz]\nenabled = true\ntoken = {tokens[0]}\nurl = 127.0.0.1:{port}\n"
        )
        start(
            python, "-m", "mopidy", "--config", str(settings), REQUESTS_CA_BUNDLE=str(certificate)
        )

        def ask(method: str, **params):
            body = {"jsonrpc": "2.0", "id": 1, "method": method, "params": params}
            request = urllib.request.Request(
                f"http://127.0.0.1:{control}/mopidy/rpc",
                json.dumps(body).encode(),
                {"Content-Type": "application/json"},
            )
            try:
                with urllib.request.urlopen(request, timeout=10) as answer:
                    return json.load(answer).get("result", True)
            except OSError:
                return None

        wait_for(lambda: ask("core.get_version"))
        name = json.loads(web.call("/1/validate-token", token=tokens[0])[1])["user_name"]
        ask("core.tracklist.add", uris=[(music / "0.mp3").as_uri()])
        ask("core.playback.play")

        def read_playing() -> str:
            answer = json.loads(web.call(f"/1/user/{name}/playing-now", token=tokens[0])[1])
            listens = answer["payload"]["listens"]
            return listens[0]["track_metadata"]["track_name"] if listens else ""

        assert wait_for(read_playing) == "Made piece 0"
        # heard to its end: mopidy reports none while it jumps, and can hang when it is stopped in a short file
        assert wait_for(lambda: count_plays(site, "Made piece 0")) == 1
    assert count_plays(site, "Made piece 1") == 0


def test_mpdscribble_speaks_what_is_not_spoken_here_and_keeps_its_plays(
    site, serve, tokens, music, start, tmp_path
):
    """It speaks Audioscrobbler 1.2 alone: the site refuses its greeting, and nothing is lost or half taken."""
    mpd, mpdscribble, mpc = (find_program(name) for name in ("mpd", "mpdscribble", "mpc"))
    web = serve(site)
    port = str(find_free_port())
    (tmp_path / "mpd.conf").write_text(
        f'music_directory "{music}"\ndb_file "{tmp_path}/mpd.db"\nbind_to_address "127.0.0.1"\n'
        f'port "{port}"\naudio_output {{\n type "null"\n name "nothing"\n}}\n'
    )
    (tmp_path / "scribble.conf").write_text(
        f"host = 127.0.0.1\nport = {port}\nlog = {tmp_path}/scribble.log\nverbose = 2\n"
        f"[musicrec]\nurl = {web.url}/\nusername = user_00001\npassword = {tokens[0]}\n"
        f"journal = {tmp_path}/scribble.journal\n"
    )
    start(mpd, "--no-daemon", str(tmp_path / "mpd.conf"))

    def control(*words: str) -> bool:
        command = [mpc, "--host", "127.0.0.1", "--port", port, *words]
        return subprocess.run(command, capture_output=True, check=False, timeout=60).returncode == 0

    wait_for(lambda: control("update", "--wait"))
    scribbler = start(mpdscribble, "--no-daemon", "--conf", str(tmp_path / "scribble.conf"))
    log = tmp_path / "scribble.log"
    wait_for(lambda: log.exists() and "connected to mpd" in log.read_text())
    assert control("add", "0.mp3") and control("add", "1.mp3") and control("play")
    wait_for(lambda: "songchange: Made Band - Made piece 0" in log.read_text())
    scribbler.send_signal(signal.SIGTERM)
    scribbler.wait(30)
    # the play is still the player's own: nothing was lost, nothing was taken as if it were understood
    assert "Made piece 0" in (tmp_path / "scribble.journal").read_text()
    assert count_plays(site, "Made piece 0") == 0
    assert web.answers()
    assert tokens[0] not in log.read_text()


def test_what_beets_writes_into_files_is_what_a_scan_reads(site, music, tmp_path, start):
    beet = find_program("beet")
    (tmp_path / "beets.yaml").write_text(
        f"directory: {music}\nlibrary: {tmp_path}/beets.db\n"
        "import:\n  copy: no\n  write: yes\n  autotag: no\n  quiet: yes\nplugins: []\n"
    )

    def tag(*words: str) -> None:
        process = start(beet, "--config", str(tmp_path / "beets.yaml"), *words)
        assert process.wait(120) == 0, (tmp_path / "player0.log").read_text()

    tag("import", "--noautotag", "--quiet", str(music))
    tag(
        "modify", "--yes", "title:Made piece 0", "title=Brand new", "year=1987", "track=4",
        "genres=Fado", "mb_trackid=8f3471b5-7e6a-48da-86a9-c1c07a0f47ae",
    )  # fmt: skip
    site.manage("scan_music", str(music))
    rows = site.query(
        "SELECT s.title, a.name, s.year, s.track_number, s.mbid, g.name FROM catalog_song s "
        "JOIN catalog_artist a ON a.id = s.artist_id JOIN catalog_song_genres sg ON sg.song_id = s.id "
        "JOIN catalog_genre g ON g.id = sg.genre_id WHERE s.title = 'Brand new'"
    )
    assert [(*row[:4], str(row[4]).replace("-", ""), row[5]) for row in rows] == [
        ("Brand new", "Made Band", 1987, 4, "8f3471b57e6a48da86a9c1c07a0f47ae", "Fado")
    ]
    assert site.query("SELECT COUNT(*) FROM catalog_song WHERE has_audio")[0][0] == 2
    tag("modify", "--yes", "title:Brand new", "title=Newer still")
    site.manage("scan_music", str(music))
    heard = site.query("SELECT title FROM catalog_song WHERE has_audio ORDER BY title")
    assert [title for (title,) in heard] == ["Made piece 1", "Newer still"]
