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
from jsonschema import Draft202012Validator
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi import checks

from accounts.models import User
from catalog.models import Artist, Genre, ImportRun, Interaction, Playlist, Song
from musicrec_site.wsgi import application
from recommendations.models import Impression, TrainingRun
from tests.api.caller import Caller
from tests.api.test_access import addresses
from tests.templates import get_run_folder, make_once

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
def api_file(tmp_path_factory, worker_id):
    """The description as it is now, written once a run."""

    def write(file: Path) -> None:
        options = ("--file", str(file), "--validate", "--fail-on-warn", "--skip-checks")
        # The committed description is SQLite's: the ranges of numbers differ between databases.
        database = {"DATABASE_URL": f"sqlite:///{file}.sqlite3", "SECRET_KEY": "of-a-test"}
        subprocess.run(
            [sys.executable, "manage.py", "spectacular", *options],
            env=os.environ | database,
            check=True,
            cwd=ROOT,
        )

    return make_once(
        get_run_folder(tmp_path_factory, worker_id) / "openapi.yaml", write
    ).read_text()


def operations(text):
    for path, methods in yaml.safe_load(text)["paths"].items():
        for method, operation in methods.items():
            yield f"{method} {path}", operation


def test_the_committed_description_is_the_present_one(api_file):
    hint = "It differs; run `python manage.py spectacular --file docs/openapi.yaml` and look at the difference."
    assert api_file == COMMITTED.read_text(), hint


def test_every_address_is_described(api_file):
    not_described = {
        "schema/",
        "docs/",
        "reference/",
        "me/made-playlists/",
    }  # the last as 0.5 called it
    wanted = {
        "/api/v1/" + re.sub(r"<[^>]+>", "{}", one)
        for one in addresses()
        if one not in not_described
    }
    assert {re.sub(r"{[^}]+}", "{}", path) for path in yaml.safe_load(api_file)["paths"]} == wanted


def bodies(operation):
    """Yield (media type, content) of what an operation takes and of what it answers when all went well."""
    described = [operation.get("requestBody", {})]
    described += [answer for code, answer in operation["responses"].items() if code.startswith("2")]
    for body in described:
        yield from body.get("content", {}).items()


def test_every_operation_says_what_it_does_and_shows_an_example(api_file):
    for name, operation in operations(api_file):
        assert operation.get("description"), name
        in_address = [one for one in operation.get("parameters", []) if one["in"] == "path"]
        assert all("example" in parameter for parameter in in_address), name
        shown = list(bodies(operation))
        assert all(content.get("examples") for _, content in shown), name
        has_confirmation = any("examples" in one for one in operation.get("parameters", []))
        assert shown or in_address or has_confirmation, name


def test_every_example_is_what_its_schema_says(api_file):
    document = yaml.safe_load(api_file)
    for name, operation in operations(api_file):
        for _media_type, content in bodies(operation):
            for example in content["examples"].values():
                validator = Draft202012Validator(document | content["schema"])
                errors = [
                    (error.message, error.json_path)
                    for error in validator.iter_errors(example["value"])
                ]
                assert errors == [], name


def test_it_is_openapi_3_1_in_words_too(api_file):
    """3.0's words mean nothing in 3.1: a reader would take `nullable: true` for never null."""
    document = yaml.safe_load(api_file)
    assert document["openapi"].startswith("3.1.")
    assert (
        re.search(
            r"^ *(nullable|exclusiveMaximum: (true|false)|exclusiveMinimum: (true|false))\b",
            api_file,
            re.M,
        )
        is None
    )
    for schema in document["components"]["schemas"].values():
        Draft202012Validator.check_schema(schema)
    assert "api.example.org" not in api_file


def test_generators_find_what_they_need(api_file):
    """Where to ask, how to say who one is, where nobody has to, and of what type everything is."""
    document = yaml.safe_load(api_file)
    assert document["servers"][0]["url"] == "/"
    schemes = document["components"]["securitySchemes"]
    assert (schemes["bearer"]["type"], schemes["bearer"]["scheme"]) == ("http", "bearer")
    open_to_all = {name for name, operation in operations(api_file) if {} in operation["security"]}
    assert open_to_all == {
        "get /api/v1/artists/",
        "get /api/v1/artists/{id}/",
        "get /api/v1/genres/",
        "get /api/v1/genres/{id}/",
        "get /api/v1/recommendations/",
        "get /api/v1/songs/",
        "get /api/v1/songs/{key}/",
        "get /api/v1/songs/{key}/path/",
        "get /api/v1/songs/{key}/similar/",
    }
    schemas = document["components"]["schemas"]
    batch = schemas["BatchInRequest"]["properties"]["interactions"]
    assert batch["items"] == {"$ref": "#/components/schemas/InteractionInRequest"}
    assert schemas["PositionInRequest"]["required"] == ["position"]
    export = document["paths"]["/api/v1/playlists/{id}/export/"]["get"]["responses"]["200"][
        "content"
    ]
    assert [export[kind]["schema"]["type"] for kind in ("text/csv", "audio/mpegurl")] == [
        "string"
    ] * 2
    assert next(iter(export)).startswith("text/")


# --- Schemathesis -----------------------------------------------------------------------------------------------------


CHECKED = [
    not_a_server_error,
    checks.status_code_conformance,
    checks.content_type_conformance,
    checks.response_schema_conformance,
    checks.response_headers_conformance,
]


API = schemathesis.openapi.from_wsgi("/api/v1/schema/?format=json", application)
OPERATIONS = [operation.ok() for operation in API.get_all_operations()]
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
    def check_case(case, is_here):
        if is_here and here and case.path_parameters:
            case.path_parameters.update(
                {name: here[name] for name in case.path_parameters if name in here}
            )
        case.call_and_validate(headers=headers, checks=CHECKED)

    check_case()


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
    file = {"content": "listens", "format": "lastfm", "file_name": "x.csv", "status": "succeeded"}
    ids = {
        "imports": ImportRun.objects.create(**file, listener=operator.user).pk,
        "impressions": str(
            Impression.objects.create(
                listener=operator.user, surface="x", step="live", song_ids=[item.song_id]
            ).pk
        ),
        "artists": Artist.objects.first().pk,
        "genres": Genre.objects.first().pk,
        "playlists": str(playlist.pk),
        "training-runs": run.pk,
        "history": Interaction.objects.create(
            listener=operator.user, song=item.song, kind=0, source="x"
        ).pk,
    }
    by_path = next((pk for segment, pk in ids.items() if f"/{segment}/" in path), None)
    ids_by_name = {"key": "song_0", "item": item.pk}
    return ids_by_name if by_path is None else ids_by_name | {"id": by_path}


@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda operation: operation.label)
def test_whatever_is_asked_signed_in_the_description_holds(operation, operator):
    """T55."""
    headers = {"Authorization": f"Token {operator.secret}"}
    ask(operation, EXAMPLES, headers, what_is_here(operator, operation.path))


@pytest.mark.slow
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
    ask(operation, 40, headers, what_is_here(operator, operation.path))
