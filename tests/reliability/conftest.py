"""A web server of its own, in front of a small site, that tests may kill."""

import json
import signal
import socket
import subprocess
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import pytest

from tests.conftest import Installation
from tests.journeys.conftest import free_port, kill_group, seeded_sqlite, site  # noqa: F401  (fixtures)
from tests.waiting import wait_for

LISTENERS = 12

TOKENS = f"""
from accounts import tokens
from accounts.models import User
for user in User.objects.filter(username__startswith="user_").order_by("pk")[:{LISTENERS}]:
    print(tokens.create_token(user, "test", ["read", "write", "listen"]).secret)
"""


@dataclass
class Web:
    """A running web server; `call` answers (status, body)."""

    url: str
    process: subprocess.Popen
    tokens: list[str] = field(default_factory=list)

    def call(
        self,
        path: str,
        *,
        token: str = "",
        method: str = "GET",
        body: object = None,
        timeout: float = 30,
    ) -> tuple[int, str]:
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        data = None if body is None else json.dumps(body).encode()
        if data is not None:
            headers["Content-Type"] = "application/json"
        request = urllib.request.Request(self.url + path, data, headers, method=method)
        try:
            with urllib.request.urlopen(request, timeout=timeout) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as error:
            return error.code, error.read().decode()

    def answers(self) -> bool:
        try:
            return self.call("/healthz", timeout=2)[0] == 200
        except OSError:
            return False

    def stop(self) -> int:
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(timeout=120)


@pytest.fixture
def serve(tmp_path) -> Iterator[Callable[..., Web]]:
    """Return a function that serves an installation with gunicorn; all servers are killed at the end."""
    started: list[subprocess.Popen] = []

    def start(installation: Installation, *options: str) -> Web:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        url = f"http://127.0.0.1:{port}"
        installation.settings |= {
            "SITE_URL": url,
            "API_RATE_READ": "1000000",
            "API_RATE_WRITE": "1000000",
            "API_RATE_LISTEN": "1000000",
            "API_RATE_STAFF": "1000000",
        }
        command = [
            "-m",
            "gunicorn",
            "--bind",
            f"127.0.0.1:{port}",
            "--worker-class",
            "musicrec_site.server.web_worker.WebWorker",
            "--threads",
            "4",
        ]
        with (tmp_path / f"web{len(started)}.log").open("w") as log:
            process = installation.start(
                *command,
                *options,
                "musicrec_site.wsgi",
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        started.append(process)
        web = Web(url, process)
        wait_for(web.answers)
        return web

    yield start
    for process in started:
        kill_group(process)


@pytest.fixture
def tokens(site) -> list[str]:  # noqa: F811
    return site.shell(TOKENS).split()
