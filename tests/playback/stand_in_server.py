"""A stand-in for a music server: real HTTP on 127.0.0.1 that sends one song and one cover as Subsonic servers do.

Tests can make it misbehave. The tests of the clients use a real server.
"""

import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from catalog.models import MusicServer, ServerSong, Song
from catalog.servers.credentials import encrypt_secret
from catalog.songs.sources import refresh_sources


class StandInServer(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.song = b""
        self.cover = b""
        self.cover_type = "image/png"
        self.cover_status = 200
        self.knows_ranges = True
        self.breaks_after: int | None = None
        self.requests: list[tuple[str, str]] = []
        self.n_sent = 0
        self.broke_off = threading.Event()

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"


class _Handler(BaseHTTPRequestHandler):
    server: StandInServer
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        self.server.requests.append((self.path, self.headers.get("Range", "")))
        if "/rest/getCoverArt" in self.path:
            headers = {"Content-Type": self.server.cover_type}
            self._send(self.server.cover_status, self.server.cover, headers)
        elif "/rest/stream" in self.path:
            self._send_song()
        else:
            self._send(404, b"", {})

    def _send_song(self) -> None:
        song = self.server.song
        headers = {"Content-Type": "audio/wav"}
        match = re.match(r"bytes=(\d+)-(\d*)$", self.headers.get("Range", ""))
        if match is None or not self.server.knows_ranges:
            self._send(200, song, headers)
            return
        start, end = int(match[1]), min(int(match[2] or len(song)), len(song) - 1)
        if start >= len(song):
            self._send(416, b"", {"Content-Range": f"bytes */{len(song)}"})
            return
        headers |= {"Content-Range": f"bytes {start}-{end}/{len(song)}", "Accept-Ranges": "bytes"}
        self._send(206, song[start : end + 1], headers)

    def _send(self, status: int, body: bytes, headers: dict[str, str]) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        try:
            for start in range(0, len(body), 16 * 1024):
                if self.server.breaks_after is not None and start >= self.server.breaks_after:
                    self.close_connection = True
                    return
                self.wfile.write(body[start : start + 16 * 1024])
                self.server.n_sent += 1
        except OSError:
            self.server.broke_off.set()

    def log_message(self, *_arguments) -> None:
        """Say nothing."""


@contextmanager
def run_stand_in() -> Iterator[StandInServer]:
    server = StandInServer()
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def connect(
    server: StandInServer, song: Song, cover_id: str = "", item_id: str = "tr-1"
) -> ServerSong:
    """Note that the server has the song, as a sync of its library does."""
    row, _new = MusicServer.objects.get_or_create(
        name="stand-in",
        address=server.address,
        account_name="anna",
        defaults={"secret": encrypt_secret("a secret of the server")},
    )
    item = ServerSong.objects.create(
        server=row,
        song=song,
        item_id=item_id,
        cover_id=cover_id,
        content_type="audio/wav",
        fingerprint="1",
    )
    refresh_sources([song.pk])
    return item
