"""A stand-in for a Subsonic server: small, real HTTP, and able to lie in every way that the tests need.

The real one of the tests is supysonic (tests/home); what no real server can be made to do is done here.
"""

import hashlib
import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

ACCOUNT, PASSWORD = "olga", "quite secret ü"


@dataclass
class Request:
    """What the server was asked."""

    method: str
    endpoint: str
    values: dict[str, list[str]]
    headers: dict[str, str]

    def get(self, name: str, default: str = "") -> str:
        return self.values.get(name, [default])[0]


class Raw:
    """An answer below the protocol: a status, headers and bytes as they are."""

    def __init__(
        self, body: bytes = b"", status: int = 200, headers: dict[str, str] | None = None
    ) -> None:
        self.body, self.status, self.headers = body, status, headers or {}


def make_song(number: int, **fields: Any) -> dict[str, Any]:
    """Return a song as Navidrome writes it."""
    return {
        "id": f"s{number}",
        "title": f"Song {number}",
        "artist": f"Artist {number % 7}",
        "album": f"Album {number % 5}",
        "albumId": f"al{number % 5}",
        "artistId": f"ar{number % 7}",
        "coverArt": f"al-{number % 5}",
        "duration": 180 + number % 60,
        "track": number % 12 + 1,
        "discNumber": 1,
        "year": 1990 + number % 30,
        "genre": "Rock",
        "suffix": "flac",
        "contentType": "audio/flac",
        "size": 1_000_000 + number,
        "path": f"Artist {number % 7}/Album {number % 5}/Song {number}.flac",
        "isDir": False,
    } | fields


@dataclass
class StandIn:
    """What the server holds and how it behaves. `answers` replaces single endpoints: a function of the request."""

    songs: list[dict[str, Any]] = field(default_factory=list)
    answers: dict[str, Callable[[Request], Any]] = field(default_factory=dict)
    asked: list[Request] = field(default_factory=list)
    starred: dict[str, dict[str, str]] = field(default_factory=dict)
    playlists: dict[str, dict[str, Any]] = field(default_factory=dict)
    passwords: dict[str, str] = field(default_factory=lambda: {ACCOUNT: PASSWORD})
    software: str = "navidrome"
    address: str = ""
    sound: bytes = b"ID3" + bytes(range(256)) * 40

    def count(self, endpoint: str) -> int:
        return sum(request.endpoint == endpoint for request in self.asked)

    # --- Endpoints ---

    def answer(self, request: Request) -> Any:
        self.asked.append(request)
        if request.endpoint in self.answers:
            return self.answers[request.endpoint](request)
        refusal = self._refuse_account(request)
        if refusal is not None:
            return refusal
        method = getattr(self, f"_answer_{request.endpoint}", None)
        return method(request) if method else make_failure(0, "no such endpoint")

    def _refuse_account(self, request: Request) -> Any:
        password = self.passwords.get(request.get("u"))
        if password is None:
            return make_failure(40, "Wrong username or password")
        expected = hashlib.md5(f"{password}{request.get('s')}".encode()).hexdigest()
        return (
            None if request.get("t") == expected else make_failure(40, "Wrong username or password")
        )

    def _answer_ping(self, request: Request) -> dict[str, Any]:
        return {}

    def _answer_search3(self, request: Request) -> dict[str, Any]:
        first, number = int(request.get("songOffset", "0")), int(request.get("songCount", "20"))
        return {
            "searchResult3": {
                "song": self._describe_songs(request, self.songs[first : first + number])
            }
        }

    def _describe_songs(
        self, request: Request, songs: list[dict[str, Any]]
    ) -> list[dict[str, Any]]:
        stars = self.starred.get(request.get("u"), {})
        return [
            song | {"starred": stars[song["id"]]}
            if isinstance(song, dict) and song.get("id") in stars
            else song
            for song in songs
        ]

    def _answer_getAlbumList2(self, request: Request) -> dict[str, Any]:
        ids = sorted({song["albumId"] for song in self.songs})
        first, number = int(request.get("offset", "0")), int(request.get("size", "10"))
        return {"albumList2": {"album": [{"id": one} for one in ids[first : first + number]]}}

    def _answer_getAlbum(self, request: Request) -> dict[str, Any]:
        songs = [song for song in self.songs if song["albumId"] == request.get("id")]
        return {"album": {"id": request.get("id"), "song": self._describe_songs(request, songs)}}

    def _answer_getSong(self, request: Request) -> dict[str, Any]:
        song = next((one for one in self.songs if one.get("id") == request.get("id")), None)
        return (
            {"song": self._describe_songs(request, [song])[0]}
            if song
            else make_failure(70, "no such song")
        )

    def _answer_getStarred2(self, request: Request) -> dict[str, Any]:
        stars = self.starred.get(request.get("u"), {})
        return {
            "starred2": {
                "song": self._describe_songs(request, [s for s in self.songs if s["id"] in stars])
            }
        }

    def _answer_star(self, request: Request) -> dict[str, Any]:
        stars = self.starred.setdefault(request.get("u"), {})
        stars.update(dict.fromkeys(request.values.get("id", []), "2026-05-01T10:00:00.123456789Z"))
        return {}

    def _answer_unstar(self, request: Request) -> dict[str, Any]:
        for item_id in request.values.get("id", []):
            self.starred.get(request.get("u"), {}).pop(item_id, None)
        return {}

    def _answer_scrobble(self, request: Request) -> dict[str, Any]:
        return {}

    def _answer_stream(self, request: Request) -> Raw:
        start = request.headers.get("range", "bytes=0-").removeprefix("bytes=").split("-")[0]
        body = self.sound[int(start) :]
        headers = {
            "Content-Type": "audio/mpeg",
            "Accept-Ranges": "bytes",
            "Set-Cookie": "session=secret",
        }
        if "range" not in request.headers:
            return Raw(body, 200, headers)
        size = len(self.sound)
        return Raw(body, 206, headers | {"Content-Range": f"bytes {start}-{size - 1}/{size}"})

    def _answer_getCoverArt(self, request: Request) -> Raw:
        return Raw(
            b"\xff\xd8\xff" + request.get("size", "0").encode(), 200, {"Content-Type": "image/jpeg"}
        )

    def _answer_getPlaylists(self, request: Request) -> dict[str, Any]:
        shown = [
            {key: value for key, value in one.items() if key != "songs"}
            for one in self.playlists.values()
        ]
        return {"playlists": {"playlist": shown}}

    def _answer_createPlaylist(self, request: Request) -> dict[str, Any]:
        playlist_id = request.get("playlistId") or f"p{len(self.playlists) + 1}"
        playlist = self.playlists.setdefault(
            playlist_id, {"id": playlist_id, "owner": request.get("u"), "comment": ""}
        )
        playlist |= {"name": request.get("name"), "songs": request.values.get("songId", [])}
        return {"playlist": {"id": playlist_id, "name": playlist["name"]}}

    def _answer_updatePlaylist(self, request: Request) -> dict[str, Any]:
        playlist = self.playlists[request.get("playlistId")]
        for name in ("name", "comment"):
            if name in request.values:
                playlist[name] = request.get(name)
        playlist["songs"] = playlist["songs"] + request.values.get("songIdToAdd", [])
        return {}

    def _answer_deletePlaylist(self, request: Request) -> dict[str, Any]:
        return (
            {}
            if self.playlists.pop(request.get("id"), None)
            else make_failure(70, "no such playlist")
        )


def make_failure(code: int, message: str) -> dict[str, Any]:
    """Return what a Subsonic server says with HTTP 200 when it fails."""
    return {"status": "failed", "error": {"code": code, "message": message}}


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    stand_in: StandIn

    def do_GET(self) -> None:
        self._answer(b"")

    def do_POST(self) -> None:
        self._answer(self.rfile.read(int(self.headers.get("Content-Length") or 0)))

    def do_DELETE(self) -> None:
        self._answer(b"")

    def _answer(self, body: bytes) -> None:
        split = urlsplit(self.path)
        is_form = "urlencoded" in self.headers.get("Content-Type", "")
        text = f"{split.query}&{body.decode()}" if is_form else split.query
        values = parse_qs(text, keep_blank_values=True)
        endpoint = split.path.removeprefix("/rest/").removesuffix(".view")
        headers = {name.lower(): value for name, value in self.headers.items()}
        headers["body"] = "" if is_form else body.decode()
        answer = self.stand_in.answer(Request(self.command, endpoint, values, headers))
        if not isinstance(answer, Raw):
            about = {"status": "ok", "version": "1.16.1", "type": self.stand_in.software}
            content = json.dumps({"subsonic-response": about | answer}).encode()
            answer = Raw(content, 200, {"Content-Type": "application/json"})
        self._send(answer)

    def _send(self, answer: Raw) -> None:
        self.send_response(answer.status)
        for name, value in ({"Content-Length": str(len(answer.body))} | answer.headers).items():
            self.send_header(name, value)
        self.end_headers()
        try:
            self.wfile.write(answer.body)
            if "X-Hang" in answer.headers:
                time.sleep(float(answer.headers["X-Hang"]))
        except OSError:
            pass
        if "X-Break" in answer.headers:
            self.close_connection = True
            self.connection.close()

    def log_message(self, *arguments: Any) -> None:
        """Say nothing."""


@contextmanager
def serve_stand_in(stand_in: Any) -> Iterator[Any]:
    """Serve on a port of 127.0.0.1 for as long as the block lasts."""
    handler = type("Handler", (_Handler,), {"stand_in": stand_in})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    server.daemon_threads = True
    stand_in.address = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(
        target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True
    )
    thread.start()
    try:
        yield stand_in
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
