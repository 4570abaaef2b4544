"""Listeners who read lists, like and scrobble at the same time, on PostgreSQL and Redis: errors, losses and waiting.

    python -m benchmarks.load [--clients 200] [--seconds 300] [--listeners 5000] [--songs 5000]
                              [--database postgres://postgres@127.0.0.1] [--redis redis://127.0.0.1:6379]

Makes a database of its own on the server and the synthetic world in it, trains, and serves it as compose.yaml does: one
process of gunicorn with its threads for each processor, and a worker for the queue. Each client is a listener who does
something every `--think` seconds: reads a list (40 %), opens home (15 %), looks at statistics (5 %), searches (10 %),
likes (10 %) or scrobbles (20 %). Afterwards every like and listen that was acknowledged is looked for in the database.
Then clients without a pause, twice as many in each step, show where the next limit is. Ends with exit code 1 when
anything answered 5xx or was lost.
"""

import argparse
import http.client
import itertools
import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import psycopg

from benchmarks.api import ROOT, find_free_port, wait_for_port

SHARES = {"list": 40, "home": 15, "statistics": 5, "search": 10, "like": 10, "scrobble": 20}
STEP_SECONDS, FIRST_STEP, LAST_STEP = 15.0, 4, 64
FIRST_LISTEN = 1_600_000_000
TIMEOUT_SECONDS = 60.0


@dataclass(frozen=True)
class Client:
    """A listener of the site with what opens it: a token for programs and a session for pages."""

    listener_id: int
    token: str
    session: str


@dataclass
class Tally:
    """What clients saw: seconds by action, statuses, and what was acknowledged."""

    seconds: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))
    statuses: Counter[int] = field(default_factory=Counter)
    liked: set[tuple[int, str]] = field(default_factory=set)
    scrobbled: set[tuple[int, int]] = field(default_factory=set)
    refused: Counter[str] = field(default_factory=Counter)
    lock: threading.Lock = field(default_factory=threading.Lock)


def main() -> None:
    options = _read_options()
    with tempfile.TemporaryDirectory() as folder, own_database(options.database) as database:
        _set_environment(Path(folder), database, options.redis)
        clients, keys = make_world(options)
        with serve(options.processes) as port:
            warm_up(port, clients[:20], keys)
            busy = run_clients(port, clients, keys, options.seconds, options.think)
            lost = count_lost(busy)
            print_table(options, busy, lost)
            steps = list(find_limit(port, clients, keys))
    for line in steps:
        print(line)
    n_errors = sum(n for status, n in busy.statuses.items() if status >= 500 or status == 0)
    if n_errors or any(lost):
        raise SystemExit(1)


def _read_options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--clients", type=int, default=200)
    parser.add_argument("--seconds", type=float, default=300)
    parser.add_argument("--think", type=float, default=3.0)
    parser.add_argument("--listeners", type=int, default=5000)
    parser.add_argument("--songs", type=int, default=5000)
    parser.add_argument("--processes", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--database", default="postgres://postgres@127.0.0.1")
    parser.add_argument("--redis", default="redis://127.0.0.1:6379")
    return parser.parse_args()


# --- The site ---------------------------------------------------------------------------------------------------------


@contextmanager
def own_database(server: str) -> Iterator[str]:
    """Make a database on the server, yield its address, and drop it."""
    name = f"musicrec_load_{os.getpid()}"
    with psycopg.connect(f"{server}/postgres", autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}")
        try:
            yield f"{server}/{name}"
        finally:
            connection.execute(f"DROP DATABASE {name} WITH (FORCE)")


def _set_environment(folder: Path, database: str, redis: str) -> None:
    os.environ.update(
        DJANGO_SETTINGS_MODULE="musicrec_site.settings",
        SECRET_KEY="only-for-the-benchmark",
        DATA_DIR=str(folder / "data"),
        DATABASE_URL=database,
        CACHE_URL=f"{redis}/11",
        CELERY_BROKER_URL=f"{redis}/12",
        MUSICREC_ENV_FILE=str(folder / "none"),
        LOG_LEVEL="ERROR",
        # all requests come from one machine: they are not to be held back as those of one address
        **{f"API_RATE_{scope}": "1000000000" for scope in ("ANONYMOUS", "READ", "WRITE", "LISTEN")},
    )


def make_world(options: argparse.Namespace) -> tuple[list[Client], list[str]]:
    """Fill the database and train; return the clients and the songs' keys."""
    import django

    django.setup()
    from django.conf import settings
    from django.core.cache import cache
    from django.core.management import call_command
    from django.test import Client as Browser

    from accounts import tokens
    from accounts.models import User
    from catalog.models import Song
    from recommendations.engine import World
    from recommendations.services.data import demo_world
    from recommendations.services.training import pipeline, training_requests

    cache.clear()
    call_command("migrate", verbosity=0, skip_checks=True)
    world = World(n_listeners=options.listeners, n_songs=options.songs, seed=7)
    demo_world.seed_database(world)
    run = training_requests.request_training(trigger="command")
    run = pipeline.run_training(run.pk, "benchmark")
    if run.status != "succeeded":
        raise SystemExit(f"The training ended as {run.status}: {run.error}")
    clients = []
    for user in User.objects.order_by("pk")[: options.clients]:
        browser = Browser()
        browser.force_login(user)
        session = browser.cookies[settings.SESSION_COOKIE_NAME].value
        secret = tokens.create_token(user, "load", ["read", "write"]).secret
        listen = tokens.create_token(user, "player", ["listen"]).secret
        clients.append(Client(user.pk, f"{secret} {listen}", session))
    return clients, list(Song.objects.values_list("key", flat=True))


@contextmanager
def serve(n_processes: int) -> Iterator[int]:
    """Serve the site with processes of gunicorn and a worker for the queue; yield the port."""
    port = find_free_port()
    web = [
        sys.executable, "-m", "gunicorn", "--bind", f"127.0.0.1:{port}", "--worker-class",
        "musicrec_site.server.web_worker.WebWorker", "--workers", str(n_processes), "--threads", "4",
        "--log-level", "error", "musicrec_site.wsgi",
    ]  # fmt: skip
    celery = "celery --app musicrec_site --quiet worker --concurrency 1"
    worker = [sys.executable, "-m", *celery.split()]
    processes = [subprocess.Popen(command, cwd=ROOT) for command in (web, worker)]
    try:
        wait_for_port(port)
        yield port
    finally:
        for process in processes:
            process.send_signal(signal.SIGTERM)
        for process in processes:
            try:
                process.wait(30)
            except subprocess.TimeoutExpired:
                process.kill()


# --- The clients ------------------------------------------------------------------------------------------------------


def run_clients(
    port: int, clients: Sequence[Client], keys: Sequence[str], seconds: float, think: float
) -> Tally:
    """Let each client act until the time is over; return what they saw."""
    tally, until = Tally(), time.monotonic() + seconds
    actors = [Actor(port, client, keys, tally, number) for number, client in enumerate(clients)]
    threads = [threading.Thread(target=actor.act_until, args=(until, think)) for actor in actors]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return tally


def warm_up(port: int, clients: Sequence[Client], keys: Sequence[str]) -> None:
    """Let every process load the model."""
    run_clients(port, clients, keys, 10.0, 0.0)


class Actor:
    """One client: it keeps its connection, and asks one thing after another."""

    def __init__(
        self, port: int, client: Client, keys: Sequence[str], tally: Tally, number: int
    ) -> None:
        self._connection = http.client.HTTPConnection("127.0.0.1", port, timeout=TIMEOUT_SECONDS)
        self._client, self._keys, self._tally = client, keys, tally
        self._random = random.Random(number)
        first = random.SystemRandom().randrange(
            10**5
        )  # a later run of this client says other moments
        self._moment = itertools.count(FIRST_LISTEN + 400 * first, 400)
        self._token, self._listen_token = client.token.split()
        self._actions: dict[str, Callable[[], tuple[int, bytes]]] = {
            "list": lambda: self._ask("GET", "/api/v1/recommendations/"),
            "home": lambda: self._open("/"),
            "statistics": lambda: self._open("/library/listening/"),
            "search": lambda: self._ask("GET", f"/api/v1/songs/?search={self._word()}"),
            "like": self._like,
            "scrobble": self._scrobble,
        }

    def act_until(self, until: float, think: float) -> None:
        if think:  # they do not all begin at once
            time.sleep(self._random.random() * think)
        while time.monotonic() < until:
            (name,) = self._random.choices(list(SHARES), list(SHARES.values()))
            started = time.perf_counter()
            try:
                status, body = self._actions[name]()
            except (OSError, http.client.HTTPException) as error:
                self._connection.close()
                status, body = 0, str(error).encode()
            spent = time.perf_counter() - started
            with self._tally.lock:
                self._tally.seconds[name].append(spent)
                self._tally.statuses[status] += 1
                if not 200 <= status < 400:
                    self._tally.refused[
                        f"{name}: {status} {body[:120].decode(errors='replace')}"
                    ] += 1
            if think:
                time.sleep(self._random.expovariate(1 / think))
        self._connection.close()

    def _word(self) -> str:
        return self._random.choice("abcdefghijklmnoprst") + self._random.choice("aeiou")

    def _like(self) -> tuple[int, bytes]:
        key = self._random.choice(self._keys)
        status, body = self._ask("PUT", f"/api/v1/songs/{key}/like/")
        if status < 300:
            with self._tally.lock:
                self._tally.liked.add((self._client.listener_id, key))
        return status, body

    def _scrobble(self) -> tuple[int, bytes]:
        moment, number = next(self._moment), self._random.randrange(len(self._keys))
        names = {"artist_name": f"Band {number % 97}", "track_name": f"Heard piece {number}"}
        payload = {"listened_at": moment, "track_metadata": names}
        status, body = self._ask(
            "POST",
            "/1/submit-listens",
            json.dumps({"listen_type": "single", "payload": [payload]}).encode(),
            self._listen_token,
        )
        if status < 300:
            with self._tally.lock:
                self._tally.scrobbled.add((self._client.listener_id, moment))
        return status, body

    def _open(self, path: str) -> tuple[int, bytes]:
        return self._request("GET", path, None, {"Cookie": f"sessionid={self._client.session}"})

    def _ask(
        self, method: str, path: str, body: bytes | None = None, token: str = ""
    ) -> tuple[int, bytes]:
        headers = {
            "Authorization": f"Token {token or self._token}",
            "Content-Type": "application/json",
        }
        return self._request(method, path, body, headers)

    def _request(
        self, method: str, path: str, body: bytes | None, headers: dict[str, str]
    ) -> tuple[int, bytes]:
        try:
            self._connection.request(method, path, body, headers)
            response = self._connection.getresponse()
        except (BrokenPipeError, ConnectionResetError, http.client.RemoteDisconnected):
            # the server ends connections that were idle; all that is asked here may be asked twice
            self._connection.close()
            self._connection.request(method, path, body, headers)
            response = self._connection.getresponse()
        return response.status, response.read()


# --- What came of it --------------------------------------------------------------------------------------------------


def count_lost(tally: Tally) -> tuple[int, int]:
    """Return how many acknowledged likes and listens are not in the database."""
    from catalog.models import Interaction

    rows = Interaction.objects.filter(kind=Interaction.Kind.LIKE)
    liked = set(rows.values_list("listener_id", "song__key"))
    plays = Interaction.objects.filter(
        kind=Interaction.Kind.PLAY, occurred_at__isnull=False
    ).values_list("listener_id", "occurred_at")
    heard = {(pk, int(at.timestamp())) for pk, at in plays if at is not None}
    return len(tally.liked - liked), len(tally.scrobbled - heard)


def print_table(options: argparse.Namespace, tally: Tally, lost: tuple[int, int]) -> None:
    n_requests = sum(tally.statuses.values())
    print(
        f"{options.clients} clients for {options.seconds:.0f} s, {options.processes} processes of gunicorn, "
        f"{options.listeners:,} listeners, {options.songs:,} songs: {n_requests:,} requests, "
        f"{n_requests / options.seconds:.0f} a second"
    )
    print(f"{'':12}{'requests':>9}{'median':>9}{'95 %':>9}{'99 %':>9}   (milliseconds)")
    for name in SHARES:
        if tally.seconds[name]:
            quantiles = (find_quantile(tally.seconds[name], q) * 1e3 for q in (0.5, 0.95, 0.99))
            print(
                f"{name:12}{len(tally.seconds[name]):9,}"
                + "".join(f"{ms:9.0f}" for ms in quantiles)
            )
    print(f"answers: {dict(sorted(tally.statuses.items()))}")
    print(
        f"acknowledged and not there: {lost[0]} of {len(tally.liked):,} likes, "
        f"{lost[1]} of {len(tally.scrobbled):,} listens"
    )
    for answer, n in tally.refused.most_common(5):
        print(f"  {n} x {answer}")


def find_quantile(seconds: Sequence[float], share: float) -> float:
    """Return the value that `share` of them are not above."""
    ordered = sorted(seconds)
    return ordered[min(int(len(ordered) * share), len(ordered) - 1)]


def find_limit(port: int, clients: Sequence[Client], keys: Sequence[str]) -> Iterator[str]:
    """Yield a line for each number of clients that ask without a pause."""
    yield f"{'no pause':>12}{'a second':>9}{'median':>9}{'95 %':>9}   (milliseconds, all actions)"
    n_clients = FIRST_STEP
    while n_clients <= min(LAST_STEP, len(clients)):
        tally = run_clients(port, clients[:n_clients], keys, STEP_SECONDS, 0.0)
        seconds = [value for values in tally.seconds.values() for value in values]
        rate = len(seconds) / STEP_SECONDS
        quantiles = (find_quantile(seconds, share) * 1e3 for share in (0.5, 0.95))
        yield f"{n_clients:12}{rate:9.0f}" + "".join(f"{ms:9.0f}" for ms in quantiles)
        n_clients *= 2


if __name__ == "__main__":
    main()
