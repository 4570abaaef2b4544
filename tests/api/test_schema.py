"""The API's description is committed, complete and true."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
import schemathesis
import yaml
from django.core.signals import request_finished, request_started
from django.db import close_old_connections
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from schemathesis.checks import CHECKS

from accounts.models import User
from catalog.models import Artist, Genre, Interaction, Playlist, Song
from musicrec_site.wsgi import application
from recommendations.models import TrainingRun
from tests.api.caller import Caller
from tests.api.test_access import addresses

ROOT = Path(__file__).resolve().parents[2]
COMMITTED = ROOT / "docs" / "openapi.yaml"


@pytest.fixture(autouse=True)
def one_connection():
    """The requests here go through WSGI itself, whose end would close the connection of the test's transaction."""
    for signal in (request_started, request_finished):
        signal.disconnect(close_old_connections)
    yield
    for signal in (request_started, request_finished):
        signal.connect(close_old_connections)


@pytest.fixture(scope="module")
def described(tmp_path_factory):
    folder = tmp_path_factory.mktemp("schema")
    file = folder / "openapi.yaml"
    options = ("--file", str(file), "--validate", "--fail-on-warn", "--skip-checks")
    # The committed description is SQLite's: the ranges of numbers differ between databases.
    database = {"DATABASE_URL": f"sqlite:///{folder / 'no.sqlite3'}", "SECRET_KEY": "of-a-test"}
    subprocess.run(
        [sys.executable, "manage.py", "spectacular", *options],
        env=os.environ | database,
        check=True,
        cwd=ROOT,
    )
    return file.read_text()


def operations(text):
    for path, methods in yaml.safe_load(text)["paths"].items():
        for method, operation in methods.items():
            yield f"{method} {path}", operation


def test_the_committed_description_is_the_present_one(described):
    hint = (
        "It differs; run `python manage.py spectacular --file docs/openapi.yaml` and look at the difference."
    )
    assert described == COMMITTED.read_text(), hint


def test_every_address_is_described(described):
    not_described = {"schema/", "docs/", "reference/"}
    wanted = {"/api/v1/" + re.sub(r"<[^>]+>", "{}", one) for one in addresses() if one not in not_described}
    assert {re.sub(r"{[^}]+}", "{}", path) for path in yaml.safe_load(described)["paths"]} == wanted


def test_every_operation_says_what_it_does_and_shows_an_example(described):
    for name, operation in operations(described):
        assert operation.get("description"), name
        bodies = [operation.get("requestBody", {})]
        bodies += [answer for code, answer in operation["responses"].items() if code.startswith("2")]
        for body in bodies:
            for media_type, content in body.get("content", {}).items():
                assert media_type != "application/json" or content.get("examples"), name


# --- Schemathesis -----------------------------------------------------------------------------------------------------


CHECKED = [
    check
    for check in CHECKS.get_all()
    if check.__name__
    in (
        "not_a_server_error",
        "status_code_conformance",
        "content_type_conformance",
        "response_schema_conformance",
        "response_headers_conformance",
    )
]


API = schemathesis.openapi.from_wsgi("/api/v1/schema/?format=json", application)
OPERATIONS = [found.ok() for found in API.get_all_operations()]
EXAMPLES = int(os.environ.get("SCHEMATHESIS_EXAMPLES", "6"))


def ask(operation, n_examples, headers=None, here=None):
    """Send generated requests to an operation and check every answer against the description.

    `here` are values of the address that exist; half of the requests have them.
    """

    @settings(
        max_examples=n_examples,
        deadline=None,
        derandomize=True,
        database=None,
        phases=[Phase.explicit, Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(case=operation.as_strategy(), is_here=st.booleans())
    def asked(case, is_here):
        if is_here and here and case.path_parameters:
            case.path_parameters.update({name: here[name] for name in case.path_parameters if name in here})
        case.call_and_validate(headers=headers, checks=CHECKED)

    asked()


@pytest.fixture
def operator(songs, settings):
    settings.API_RATES = dict.fromkeys(settings.API_RATES, 10**9)
    return Caller(User.objects.create_superuser("olga"))


def what_is_here(operator, path):
    """Make what an address names, so that some requests find it."""
    playlist = Playlist.objects.create(owner=operator.user, title="Here")
    item = playlist.items.create(song=Song.objects.get(key="song_0"), position=1)
    run = TrainingRun.objects.create(
        preset="classic", trigger="api", status="failed", requested_by=operator.user
    )
    ids = {
        "artists": Artist.objects.first().pk,
        "genres": Genre.objects.first().pk,
        "playlists": str(playlist.pk),
        "training-runs": run.pk,
        "history": Interaction.objects.create(listener=operator.user, song=item.song, kind=0, source="x").pk,
    }
    by_path = next((pk for part, pk in ids.items() if f"/{part}/" in path), None)
    found = {"key": "song_0", "item": item.pk}
    return found if by_path is None else found | {"id": by_path}


@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda operation: operation.label)
def test_whatever_is_asked_signed_in_the_description_holds(operation, operator):
    """T55."""
    headers = {"Authorization": f"Token {operator.secret}"}
    ask(operation, EXAMPLES, headers, what_is_here(operator, operation.path))


@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda operation: operation.label)
def test_whatever_strangers_ask_the_description_holds(operation, songs, settings):
    """T55."""
    settings.API_RATES = dict.fromkeys(settings.API_RATES, 10**9)
    ask(operation, max(2, EXAMPLES // 3), here={"key": "song_1"})


@pytest.mark.reliability
@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda operation: operation.label)
def test_the_description_holds_at_length(operation, operator):
    """T55, with many more requests."""
    headers = {"Authorization": f"Token {operator.secret}"}
    ask(operation, 100, headers, what_is_here(operator, operation.path))
