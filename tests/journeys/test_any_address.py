"""Whatever anybody writes into an address, a form or JSON: never an answer of 5xx.

Addresses come from the URL patterns, the names of parameters from what the views look up while they answer, and the
bodies of the API from the examples in its description, so that nothing new is left out.
"""

import copy
import itertools
import json
import os
import random
import re
import uuid
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from urllib.parse import quote

import pytest
import yaml
from django.core.cache import cache
from django.db import transaction
from django.http import QueryDict
from django.test import Client
from django.urls import URLPattern, get_resolver
from django.utils import timezone

from accounts import tokens
from accounts.models import User
from catalog.models import Album, Artist, Genre, ImportRun, Interaction, Song
from catalog.playlists import edit as playlists

pytestmark = pytest.mark.slow

ROOT = Path(__file__).resolve().parents[2]
SEED = 20_260_826
# A number of 300 digits keeps within the length of an address; texts are checked by their length elsewhere.
BEYOND = str(2**63)
TEXTS = [
    "", "0", "-1", BEYOND, f"-{2**63 + 1}", str(2**31), "9" * 300, "9" * 5000, "1e308", "-1e308", "1e999",
    "nan", "-inf",
    "٣", "²", "1_000", "0x10", "0" * 36, "00000000-0000-0000-0000-000000000000", "-" * 36,
    "0001-01-01", "9999-12-31", "0000-00-00", "0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00",
    "9999-12-31T23:59:59.999999Z", "\0", "a\0b", "\x01\x08\x1b", "\ud800", "ﷺ" * 70, "ﷺ" * 600, "İ" * 300, "x" * 10_000,
    "{{7*7}}%s%n", "' OR 1=1 --", "../../etc/passwd", "\u202eRTL\u200d", "[]", "a,b", "%", "_", "\\",
]  # fmt: skip
NESTED: Any = "x"
for _ in range(60):
    NESTED = [NESTED]
# What JSON can say beyond texts; RAW are written into the body as they stand.
VALUES = [None, True, False, 0, -1, 2**31, 2**63, -(2**63) - 1, 10**300, 1e308, -1e308, 0.5, [], {}, [None], [[]],
          {"a": {}}, NESTED]  # fmt: skip
RAW = [
    "1e999",
    "-1e999",
    "9" * 5000,
    "NaN",
    '"\\ud800"',
    '"\\u0000"',
    "[" * 3000 + "]" * 3000,
    '{"a":' * 900 + "1" + "}" * 900,
]
METHODS = ("get", "post", "put", "patch", "delete")


@dataclass
class Address:
    """A URL pattern as the texts between its parts and the names of those."""

    route: str
    texts: list[str]
    names: list[str] = field(default_factory=list)

    def fill(self, values: dict[str, str], **changed: str) -> str:
        """Return a path; text that is none in an address is percent-encoded."""
        given = [encode((values | changed).get(name, "1")) for name in self.names]
        return "/" + "".join(map("".join, zip(self.texts, [*given, ""], strict=True)))


def encode(text: str) -> str:
    return quote(text.encode("utf-8", "surrogatepass"), safe="")


PART = re.compile(r"<(?:\w+:)?(\w+)>|\(\?P<(\w+)>(?:\[[^\]]*\]|[^()])*\)(?:\{\d+\})?")


def addresses(patterns: Any = None, before: str = "") -> Iterator[Address]:
    for pattern in patterns or get_resolver().url_patterns:
        route = before + str(pattern.pattern).removeprefix("^")
        if not isinstance(pattern, URLPattern):
            yield from addresses(pattern.url_patterns, route)
            continue
        route = re.sub(r"/\?\$$|\$$|\\Z$", "", route).replace("\\.", ".")
        if ".*" in route:  # the API's own 404, admin's catch-all
            route = route.split(".*")[0].split("(")[0] + "nowhere"
        variables = list(PART.finditer(route))
        ends = [0, *(variable.end() for variable in variables)]
        starts = [*(variable.start() for variable in variables), len(route)]
        texts = [route[end:start] for end, start in zip(ends, starts, strict=True)]
        yield Address(route, texts, [variable[1] or variable[2] for variable in variables])


@pytest.fixture
def world(db, settings):
    """One row of every kind that an address can name, all of one superuser."""
    settings.API_RATES = dict.fromkeys(settings.API_RATES, 10**9)
    settings.LOGGING_CONFIG = None
    olga = User.objects.create_superuser("olga", password="a long one here")
    artist = Artist.objects.create(name="Band")
    songs = [
        Song.objects.create(
            key=f"song_{n}", title=f"Song {n}", artist=artist, duration_ms=200_000, energy=0.5, year=2000,
            album=Album.objects.create(title=f"Album {n}", artist=artist), mbid=uuid.uuid4(),
        )
        for n in range(3)
    ]  # fmt: skip
    genre = Genre.objects.create(name="Rock")
    songs[0].genres.add(genre)
    plays = [
        Interaction.objects.create(
            listener=olga, song=song, kind=kind, source="test", occurred_at=timezone.now()
        )
        for song, kind in zip(
            songs,
            (Interaction.Kind.PLAY, Interaction.Kind.LIKE, Interaction.Kind.DISLIKE),
            strict=True,
        )
    ]
    playlist = playlists.create_playlist(olga, "Mine", songs=songs[:2])
    run = ImportRun.objects.create(
        content="listens",
        format="csv",
        file_name="a.csv",
        file_sha256="0" * 64,
        listener=olga,
        status="succeeded",
    )
    values = {
        "album_id": 1, "song_id": songs[0].pk, "artist_id": artist.pk,
        "interaction_id": plays[0].pk, "run_id": run.pk, "number": 1, "player": "pano",
        "playlist_id": playlist.pk, "receipt_id": uuid.UUID(int=7),
        "key": songs[0].key, "pk": 1, "username": "olga", "code": "abc", "form": "m3u8",
        "tag": "0" * 16, "size": 300,
        "file_format": "jspf", "uidb64": "MQ", "token": "abc", "object_id": 1, "app_label": "catalog",
        "content_type_id": 1, "user_id": olga.pk, "id": olga.pk, "url": "nowhere", "item_id": 1, "version_id": 1,
        "experiment_id": 1, "position": 0, "step": "artists", "entity": "songs", "year": 2026,
        "review_id": playlist.pk,
        "blend_id": playlist.pk,
    }  # fmt: skip
    cache.clear()
    yield SimpleNamespace(
        olga=olga, songs=songs, playlist=playlist, values={k: str(v) for k, v in values.items()}
    )
    cache.clear()


class Asker:
    """Sends requests, each undone afterwards, and keeps those that were answered with 5xx."""

    def __init__(self, user: User) -> None:
        self.browser = Client(raise_request_exception=False)
        self.browser.force_login(user)
        secret = tokens.create_token(user, "all", ["read", "write", "listen"]).secret
        self.program = Client(
            raise_request_exception=False, headers={"Authorization": f"Token {secret}"}
        )
        self.stranger = Client(raise_request_exception=False)
        self.failures: list[str] = []
        self.n_asked = 0

    def ask(
        self, method: str, path: str, *arguments: Any, client: Client | None = None, **options: Any
    ) -> int:
        is_program = path.startswith(("/api/", "/1/", "/apis/"))
        client = client or (self.program if is_program else self.browser)
        self.n_asked += 1
        with transaction.atomic():
            answer = client.generic(method.upper(), path, *arguments, **options)
            if answer.streaming:
                b"".join(answer.streaming_content)
            transaction.set_rollback(True)
        if answer.status_code >= 500:
            what = " ".join(str(argument)[:200] for argument in (*arguments, options or ""))
            self.failures.append(f"{answer.status_code} {method} {path[:200]} {what}")
        return answer.status_code


@pytest.fixture
def asker(world, caplog):
    caplog.set_level("CRITICAL")
    return Asker(world.olga)


@pytest.fixture
def looked_up(monkeypatch) -> set[str]:
    """Return the names of parameters that views look up, as they do."""
    names: set[str] = set()
    for method in ("__getitem__", "get", "getlist", "__contains__"):
        original = getattr(QueryDict, method)

        def record_key(self, key, *rest, original=original):
            if isinstance(key, str) and key.isidentifier():
                names.add(key)
            return original(self, key, *rest)

        monkeypatch.setattr(QueryDict, method, record_key)
    return names


ADDRESSES = list(addresses())


def test_all_addresses_are_found():
    routes = {address.route for address in ADDRESSES}
    assert {
        "songs/<int:song_id>/",
        "1/submit-listens",
        "admin/catalog/song/<path:object_id>/change/",
    } <= routes
    assert len(routes) > 150


def choose(population: list, n: int, *seed: Any) -> list:
    """Return at most n of them, others for each address but the same in every run."""
    if len(population) <= n:
        return population
    return random.Random(f"{SEED}{seed}").sample(population, n)


def per_address(most: int) -> int:
    """Return how many values an address is given; FUZZ_ALL tries all of them."""
    return 10**9 if os.environ.get("FUZZ_ALL") else most


def test_no_part_of_a_path_breaks_a_page(world, asker):
    """T77."""
    for address in ADDRESSES:
        asker.ask("get", address.fill(world.values))
        for name in address.names:
            for text in choose(TEXTS, per_address(5), address.route, name):
                for method in choose(["get", "post"], per_address(1), address.route, name, text):
                    asker.ask(method, address.fill(world.values, **{name: text}))
    assert not asker.failures, "\n".join(asker.failures)


def test_no_query_breaks_a_page(world, asker, looked_up):
    """T77."""
    for address in ADDRESSES:
        looked_up.clear()
        path = address.fill(world.values)
        asker.ask("get", path, query_string="q=a&page=1")
        done: set[str] = set()
        while names := sorted(looked_up - done):
            done |= set(names)
            for name in names:
                for text in choose(TEXTS, per_address(2), address.route, name):
                    asker.ask("get", path, query_string=f"{name}={encode(text)}")
    assert not asker.failures, "\n".join(asker.failures)


def test_no_form_breaks_a_page(world, asker, looked_up):
    """T77: each field in turn, the others as they might be."""
    usual = {
        "title": "Mine", "song": world.songs[0].key, "playlist": str(world.playlist.pk), "day": "2024-01-01",
        "username": "new", "password": "a long one here", "opinion": "like", "position": "0", "item": "1",
        "do": "rename",
    }  # fmt: skip
    for address in ADDRESSES:
        path = address.fill(world.values)
        if path.startswith(("/api/", "/1/", "/apis/")):
            continue
        looked_up.clear()
        send_form(asker, path, usual)
        done: set[str] = {"csrfmiddlewaretoken"}
        while names := sorted(looked_up - done):
            done |= set(names)
            for name in names:
                for text in choose(TEXTS, per_address(3), "form", address.route, name):
                    send_form(
                        asker, path, {key: usual.get(key, "1") for key in done} | {name: text}
                    )
    assert not asker.failures, "\n".join(asker.failures)


def send_form(asker: Asker, path: str, fields: dict[str, str]) -> None:
    body = "&".join(f"{name}={encode(text)}" for name, text in fields.items())
    asker.ask("post", path, body, "application/x-www-form-urlencoded")


def described_bodies() -> Iterator[tuple[str, str, Any]]:
    """Yield (method, path, example) of everything that the API's description says may be sent."""
    for path, methods in yaml.safe_load((ROOT / "docs/openapi.yaml").read_text())["paths"].items():
        for method, operation in methods.items():
            content = (
                operation.get("requestBody", {}).get("content", {}).get("application/json", {})
            )
            for example in content.get("examples", {}).values():
                yield method, path, example["value"]


LISTENS = [
    ("post", path, body)
    for path, body in {
        "/1/submit-listens": {
            "listen_type": "single",
            "payload": [{"listened_at": 1_700_000_000, "track_metadata": {
                "artist_name": "A", "track_name": "B", "release_name": "C",
                "additional_info": {"duration_ms": 1000, "isrc": "GBUM71029604", "tags": ["x"], "tracknumber": 1,
                                    "recording_mbid": str(uuid.UUID(int=5)), "artist_mbids": [str(uuid.UUID(int=6))]},
            }}],
        },
        "/1/delete-listen": {"listened_at": 1_700_000_000, "recording_msid": str(uuid.UUID(int=5))},
        "/1/feedback/recording-feedback": {"recording_msid": str(uuid.UUID(int=5)), "score": 1},
    }.items()
]  # fmt: skip


def leaves(value: Any, path: tuple = ()) -> Iterator[tuple]:
    """Yield the place of every part of a JSON value, the whole included."""
    yield path
    children = (
        value.items()
        if isinstance(value, dict)
        else enumerate(value)
        if isinstance(value, list)
        else ()
    )
    for key, child in children:
        yield from leaves(child, (*path, key))


def with_text(value: Any, path: tuple, text: str) -> str:
    """Return the JSON of a value with something else written at a place."""
    marked = copy.deepcopy(value)
    if not path:
        return text
    holder = marked
    for key in path[:-1]:
        holder = holder[key]
    holder[path[-1]] = "HERE"
    return json.dumps(marked).replace('"HERE"', text)


def test_no_json_breaks_the_api(world, asker):
    """T77, T54, T55."""
    written = [*map(json.dumps, [*TEXTS, *VALUES]), *RAW]
    for method, path, example in itertools.chain(described_bodies(), LISTENS):
        path = re.sub(r"{(\w+)}", lambda match: world.values.get(match[1], "1"), path)
        asker.ask(method, path, json.dumps(example), "application/json")
        for leaf in leaves(example):
            for text in choose(written, per_address(4), method, path, leaf):
                asker.ask(method, path, with_text(example, leaf, text), "application/json")
    assert not asker.failures, "\n".join(asker.failures)


@pytest.mark.parametrize("zone", ["Pacific/Kiritimati", "Etc/GMT+12", "UTC"])
def test_the_first_and_last_days_there_are(world, asker, looked_up, zone, settings):
    """T77: where a day begins before year 1 or ends after 9999 in the listener's own time."""
    settings.TIME_ZONE = zone
    days = [
        "0001-01-01",
        "0001-01-02",
        "9999-12-30",
        "9999-12-31",
        "9999-12-31T23:59:59",
        "0001-01-01T00:00:00",
    ]
    with timezone.override(zone):
        for path in (
            "/library/history/",
            "/library/history/forget-day/",
            "/api/v1/me/interactions/",
            "/1/user/olga/listens",
        ):
            for day in days:
                send_form(asker, path, {"day": day})
                for name in (
                    "day",
                    "since",
                    "until",
                    "before",
                    "after",
                    "min_ts",
                    "max_ts",
                    "from",
                    "to",
                ):
                    asker.ask("get", path, query_string=f"{name}={day}")
    assert not asker.failures, "\n".join(asker.failures)
