"""Count what three everyday paths touch of our own code: `python -m benchmarks.paths`.

Files, functions and queries of a listen, a training, the home page and a list of the API, on a small demo world. They
are counts, the same on every machine; docs/architecture.md tells them.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import CodeType, FrameType
from typing import TYPE_CHECKING, Any

from benchmarks.speed import own_site

if TYPE_CHECKING:
    from django.test import Client

ROOT = Path(__file__).resolve().parents[1]
ROOMS = ("accounts", "catalog", "common", "musicrec_site", "recommendations")
N_LISTENERS = 300
N_SONGS = 400


@dataclass
class FollowedPath:
    """What ran between the begin and the end of a path."""

    codes: set[CodeType] = field(default_factory=set)
    n_queries: int = 0

    @property
    def functions(self) -> list[str]:
        return sorted(f"{file}:{code.co_qualname}" for code in self.codes if (file := _ours(code)))

    @property
    def files(self) -> set[str]:
        return {name.split(":")[0] for name in self.functions}


def _ours(code: CodeType) -> str | None:
    """Return the file of a function of ours, of a module's body or a comprehension none."""
    if code.co_name.startswith("<") or not code.co_filename.startswith(str(ROOT)):
        return None
    file = str(Path(code.co_filename).relative_to(ROOT))
    return file if file.split("/")[0] in ROOMS else None


@contextmanager
def follow_path() -> Iterator[FollowedPath]:
    from django.db import connection
    from django.test.utils import CaptureQueriesContext

    path = FollowedPath()

    def note(frame: FrameType, event: str, _: Any) -> None:
        if event == "call":
            path.codes.add(frame.f_code)

    with CaptureQueriesContext(connection) as queries:
        sys.setprofile(note)
        try:
            yield path
        finally:
            sys.setprofile(None)
    path.n_queries = len(queries)


def main() -> int:
    with own_site():
        import django

        django.setup()
        rows = measure()
    print(f"{'':42}{'files':>8}{'functions':>12}{'queries':>10}")
    for name, path in rows.items():
        print(f"{name:42}{len(path.files):8}{len(path.functions):12}{path.n_queries:10}")
    return 0


def measure() -> dict[str, FollowedPath]:
    from django.core.cache import cache
    from django.core.management import call_command
    from django.test import Client

    from accounts.models import User

    call_command("migrate", verbosity=0, skip_checks=True)
    call_command("seed_demo_data", listeners=N_LISTENERS, songs=N_SONGS, seed=7)
    rows: dict[str, FollowedPath] = {}
    for preset in ("classic", "standard"):
        with follow_path() as path:
            call_command("train_model", preset=preset)
        rows[f"a training run, {preset}"] = path
    browser = Client(headers={"host": "localhost"})
    browser.force_login(User.objects.get(username="user_00001"))

    def get(address: str) -> Callable[[], None]:
        def ask() -> None:
            assert browser.get(address).status_code == 200

        return ask

    home, api = get("/"), get("/api/v1/recommendations/")
    home()
    cache.clear()
    for name, ask in (
        ("home page, cold", home),
        ("home page, warm", home),
        ("a list by the API, cold", api),
        ("a list by the API, warm", api),
    ):
        with follow_path() as rows[name]:
            ask()
    listen = a_player(browser)
    listen(0)
    with follow_path() as rows["a listen, until lists are outdated"]:
        listen(1)
    return rows


def a_player(browser: Client) -> Callable[[int], None]:
    """Return what submits the play of the n-th song as ListenBrainz players do."""
    from accounts.models import User
    from accounts.tokens import create_token
    from catalog.models import Song

    user = User.objects.get(username="user_00001")
    token = create_token(user, "benchmark", ["listen"]).secret
    songs = list(Song.objects.order_by("pk").select_related("artist")[:2])

    def listen(n: int) -> None:
        names = {"artist_name": songs[n].artist.name, "track_name": songs[n].title}
        payload = [{"listened_at": int(time.time()) - 400, "track_metadata": names}]
        answer = browser.post(
            "/1/submit-listens",
            {"listen_type": "single", "payload": payload},
            content_type="application/json",
            headers={"authorization": f"Token {token}"},
        )
        assert answer.status_code == 200, answer.content

    return listen


if __name__ == "__main__":
    sys.exit(main())
