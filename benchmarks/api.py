"""How fast the API answers: throughput beside an empty view, and a list made anew after each like.

    python -m benchmarks.api [--songs 13500] [--listeners 2000] [--seconds 5] [--likes 200]

Makes a world of its own in a temporary folder, trains the classic preset, serves with gunicorn (1 process, 4 threads)
and asks over HTTP from another process. Prints what was measured beside its limit; ends with exit code 1 when one is
passed.
"""

import argparse
import http.client
import os
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

from benchmarks.speed import Row, print_rows

ROOT = Path(__file__).resolve().parent.parent
LEAST_SHARE = 0.5
"""Of an empty view's throughput that a warm listener's recommendations have."""
LIVE_MS = 20.0


def main() -> None:
    options = _options()
    with tempfile.TemporaryDirectory() as folder:
        _environment(Path(folder))
        import django

        django.setup()
        listener_token = _world(options)
        rows = [*_throughput(options, listener_token), *_after_each_like(options)]
    print(f"{options.songs:,} songs, {options.listeners:,} listeners, {os.cpu_count()} processors")
    if print_rows(rows):
        raise SystemExit(1)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--songs", type=int, default=13_500)
    parser.add_argument("--listeners", type=int, default=2000)
    parser.add_argument("--seconds", type=float, default=5)
    parser.add_argument("--likes", type=int, default=200)
    return parser.parse_args()


def _environment(folder: Path) -> None:
    os.environ.update(
        DJANGO_SETTINGS_MODULE="benchmarks.api_settings",
        SECRET_KEY="benchmark",
        DATA_DIR=str(folder / "data"),
        DATABASE_URL=f"sqlite:///{folder / 'musicrec.sqlite3'}",
        MUSICREC_ENV_FILE=str(folder / "no.env"),
        LOG_LEVEL="ERROR",
        **{f"API_RATE_{scope}": "1000000000" for scope in ("ANONYMOUS", "READ", "WRITE", "LISTEN")},
    )


# --- The world --------------------------------------------------------------------------------------------------------


def _world(options: argparse.Namespace) -> str:
    """Fill the database, train, compute lists ahead; return the token of a warm listener."""
    from django.core.management import call_command

    from accounts import tokens
    from accounts.models import User
    from recommendations.services.training import pipeline, training_requests

    call_command("migrate", verbosity=0, skip_checks=True)
    _rows(options)
    run = training_requests.request_training(preset="classic", trigger="command")
    run = pipeline.run_training(run.pk, "benchmark")
    if run.status != "succeeded":
        raise SystemExit(f"The training ended as {run.status}: {run.error}")
    warm = User.objects.get(username="listener_0")
    return tokens.create_token(warm, "benchmark", ["read"]).secret


def _rows(options: argparse.Namespace) -> None:
    """Write songs with features, and listeners of eight tastes with 40 likes each."""
    import numpy as np
    from django.utils import timezone

    from accounts.models import User
    from catalog.models import AUDIO_FEATURES, Artist, Interaction, Song

    rng = np.random.default_rng(0)
    artists = Artist.objects.bulk_create(
        Artist(name=f"Artist {n}", search_text=f"artist {n}") for n in range(options.songs // 10)
    )
    features = rng.random((options.songs, len(AUDIO_FEATURES)))
    songs = []
    for n in range(options.songs):
        values = dict(zip(AUDIO_FEATURES, features[n], strict=True)) | {
            "tempo": 60 + 120 * features[n, 7]
        }
        song = Song(
            key=f"song_{n:05d}", title=f"Song {n}", artist=artists[n % len(artists)], **values
        )
        song.update_derived()
        songs.append(song)
    songs = Song.objects.bulk_create(songs, batch_size=1000)
    users = User.objects.bulk_create(
        User(username=f"listener_{n}", password="!") for n in range(options.listeners)
    )
    of_taste = [[song for n, song in enumerate(songs) if n % 8 == taste] for taste in range(8)]
    rows = [
        Interaction(
            listener=user,
            song=of_taste[n % 8][index],
            kind=Interaction.Kind.LIKE,
            source="benchmark",
            occurred_at=timezone.now(),
        )
        for n, user in enumerate(users)
        for index in rng.choice(options.songs // 8, size=min(40, options.songs // 8), replace=False)
    ]
    Interaction.objects.bulk_create(rows, batch_size=2000)


# --- Throughput -------------------------------------------------------------------------------------------------------


def _throughput(options: argparse.Namespace, secret: str) -> list[Row]:
    """Ask the empty view and the recommendations in turn, on the same server in the same run."""
    port = find_free_port()
    worker = "-k musicrec_site.server.web_worker.WebWorker --threads 4"
    gunicorn = f"gunicorn -b 127.0.0.1:{port} {worker} --log-level error"
    command = [sys.executable, "-m", *gunicorn.split(), "benchmarks.api_server:application"]
    server = subprocess.Popen(command, cwd=ROOT)
    try:
        wait_for_port(port)
        empty, full = [], []
        for _round in range(3):
            empty.append(_requests_a_second(port, "/empty/", secret, options.seconds))
            full.append(
                _requests_a_second(port, "/api/v1/recommendations/", secret, options.seconds)
            )
    finally:
        server.terminate()
        server.wait(10)
    rates = statistics.median(empty), statistics.median(full)
    return [
        Row("an empty view", rates[0], "/s"),
        Row("recommendations of a warm listener", rates[1], "/s"),
        Row("an empty view's throughput in theirs", rates[0] / rates[1], "x", 1 / LEAST_SHARE),
    ]


def _requests_a_second(
    port: int, path: str, secret: str, seconds: float, n_clients: int = 4
) -> float:
    until = time.monotonic() + seconds
    counts = [0] * n_clients

    def ask(client: int) -> None:
        connection = http.client.HTTPConnection("127.0.0.1", port)
        while time.monotonic() < until:
            connection.request("GET", path, headers={"Authorization": f"Token {secret}"})
            response = connection.getresponse()
            response.read()
            if response.status != 200:
                raise SystemExit(f"{path} answered {response.status}.")
            counts[client] += 1

    threads = [threading.Thread(target=ask, args=(client,)) for client in range(n_clients)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return round(sum(counts) / seconds, 1)


def find_free_port() -> int:
    """Return a port of this machine at which nothing listens."""
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        return int(listening.getsockname()[1])


def wait_for_port(port: int) -> None:
    """Return when something listens at the port; end the program after twenty seconds."""
    for _attempt in range(100):
        try:
            socket.create_connection(("127.0.0.1", port), timeout=0.2).close()
            return
        except OSError:
            time.sleep(0.2)
    raise SystemExit("The server did not start.")


# --- Live recomputation -----------------------------------------------------------------------------------------------


def _after_each_like(options: argparse.Namespace) -> list[Row]:
    """Like a song, then take the next list: how long the list takes, in this process, from call to songs."""
    from accounts.models import User
    from catalog.listening import interactions
    from catalog.models import Song
    from recommendations.services.serving import recommend

    listener = User.objects.get(username="listener_1")
    unheard = Song.objects.exclude(interactions__listener=listener).order_by("pk")
    songs = unheard[:: max(1, options.songs // options.likes)]
    times, cpu = [], []
    for song in songs:
        interactions.like_song(listener, song, source="benchmark")
        started, cpu_started = time.perf_counter(), time.process_time()
        served = recommend.recommend_songs(listener, 20)
        times.append(1000 * (time.perf_counter() - started))
        cpu.append(1000 * (time.process_time() - cpu_started))
        if served.step != "live":
            raise SystemExit(f"A list after a like was {served.step}, not live.")
    times.sort()
    return [
        Row("list after a like, median", statistics.median(times), "ms", LIVE_MS),
        Row("the same, of 100 the 95th", times[int(0.95 * len(times))], "ms"),
        Row("the same, processor time, median", statistics.median(cpu), "ms"),
    ]


if __name__ == "__main__":
    main()
