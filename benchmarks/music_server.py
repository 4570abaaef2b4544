"""How long a library of a music server takes to come in, and how much memory that needs.

    python -m benchmarks.music_server [--songs 100000]

The server is a stand-in of our own that speaks Subsonic on this machine and makes its songs up: what is measured is our
side of it, not Navidrome's or anybody's. A first sync brings everything in, a second one finds nothing changed. Ends
with exit code 1 when a limit is passed.
"""

import argparse
import json
import resource
import subprocess
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

from benchmarks.speed import Row, own_site, print_rows

SYNC_SECONDS = 300.0
PEAK_MB = 300.0
SONGS_AN_ALBUM, ALBUMS_AN_ARTIST = 11, 4


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--songs", type=int, default=100_000)
    parser.add_argument("--address", help="used by this program itself")
    options = parser.parse_args()
    if options.address:
        sync_twice(options.address)
        return
    server = ThreadingHTTPServer(("127.0.0.1", 0), make_handler(options.songs))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    with own_site():
        command = [sys.executable, "manage.py", "migrate", "--verbosity", "0", "--skip-checks"]
        subprocess.run(command, check=True)
        address = f"http://127.0.0.1:{server.server_address[1]}"
        command = [sys.executable, "-m", "benchmarks.music_server", "--address", address]
        measured = json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout)
    server.shutdown()
    assert measured["n_songs"] == options.songs, measured
    rows = [
        Row(f"first sync of {options.songs:,} songs", measured["first"], "s", SYNC_SECONDS),
        Row("the same again, nothing changed", measured["second"], "s", SYNC_SECONDS),
        Row("peak memory of the process that syncs", measured["peak_mb"], "MB", PEAK_MB),
    ]
    if print_rows(rows):
        raise SystemExit(1)


def sync_twice(address: str) -> None:
    """Connect the stand-in, sync twice, and print what was measured as JSON."""
    import django

    django.setup()
    from catalog.models import MusicServer, ServerSong
    from catalog.servers import syncs
    from catalog.servers.credentials import encrypt_secret

    server = MusicServer.objects.create(
        name="stand-in", address=address, account_name="bench", secret=encrypt_secret("bench")
    )
    seconds = []
    for _time in range(2):
        started = time.perf_counter()
        sync = syncs.run_sync(syncs.request_library_sync(server, is_forced=True).pk)
        assert sync is not None and sync.status == "succeeded", sync and sync.error
        seconds.append(time.perf_counter() - started)
    peak_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    n_songs = ServerSong.objects.present().count()
    print(
        json.dumps(
            {"first": seconds[0], "second": seconds[1], "peak_mb": peak_mb, "n_songs": n_songs}
        )
    )


def make_song(number: int) -> dict[str, object]:
    """Return a song as Navidrome writes it; artists have a few albums, albums a dozen songs."""
    album = number // SONGS_AN_ALBUM
    artist = album // ALBUMS_AN_ARTIST
    return {
        "id": f"{number:032x}",
        "parent": f"{album:032x}",
        "isDir": False,
        "title": f"Title {number * 7919 % 1_000_003} of the {number % 97}th night",
        "album": f"Album {album}",
        "artist": f"Artist {artist}",
        "displayAlbumArtist": f"Artist {artist}",
        "track": number % SONGS_AN_ALBUM + 1,
        "discNumber": 1,
        "year": 1960 + album % 60,
        "genre": f"Genre {artist % 40}",
        "genres": [{"name": f"Genre {artist % 40}"}],
        "coverArt": f"mf-{number:032x}_0",
        "size": 30_000_000 + number,
        "contentType": "audio/flac",
        "suffix": "flac",
        "duration": 150 + number % 200,
        "bitRate": 900,
        "path": f"Artist {artist}/Album {album}/{number % SONGS_AN_ALBUM + 1:02d} Title {number}.flac",
        "created": "2024-01-01T00:00:00Z",
        "albumId": f"{album:032x}",
        "artistId": f"{artist:032x}",
        "type": "music",
        "musicBrainzId": f"{number:08x}-0000-4000-8000-{number:012x}",
        "isrc": [f"GBAAA{number % 10_000_000:07d}"],
        "bpm": 80 + number % 80,
        "playCount": number % 13,
    }


def make_handler(n_songs: int) -> type[BaseHTTPRequestHandler]:
    """Return a handler that answers ping and search3."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            split = urlsplit(self.path)
            query = parse_qs(split.query)
            about: dict[str, object] = {"status": "ok", "version": "1.16.1", "type": "stand-in"}
            if split.path == "/rest/search3.view":
                first = int(query["songOffset"][0])
                last = min(n_songs, first + int(query["songCount"][0]))
                about["searchResult3"] = {"song": [make_song(i) for i in range(first, last)]}
            elif split.path != "/rest/ping.view":
                about |= {"status": "failed", "error": {"code": 0, "message": "not offered"}}
            body = json.dumps({"subsonic-response": about}).encode()
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *arguments: object) -> None:
            """Say nothing."""

    return Handler


if __name__ == "__main__":
    main()
