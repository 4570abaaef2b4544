"""T36: nobody reads or changes what is another one's, at any address of the API, of ListenBrainz' or of the site."""

import json
import re
import uuid
from pathlib import Path

import pytest
import yaml
from django.apps import apps
from django.core.files.uploadedfile import SimpleUploadedFile
from django.core.signals import request_finished
from django.db import close_old_connections
from django.test import Client
from django.urls import get_resolver
from django.utils import timezone

from accounts.models import User
from catalog.models import (
    ImportRun,
    Interaction,
    MusicServer,
    PlaylistItem,
    RecordingMsid,
    ServerAccount,
)
from musicrec_site.urls import listenbrainz_patterns
from recommendations.models import (
    Experiment,
    ForgettingReceipt,
    Impression,
    ModelVersion,
    Outcome,
    TrainingRun,
)
from recommendations.services.preferences import controls
from recommendations.services.surfaces import blends
from recommendations.services.versions import deletion_receipts
from tests.api.caller import Caller

METHODS = ("get", "post", "put", "patch", "delete")
DESCRIPTION = Path(__file__).resolve().parents[2] / "docs" / "openapi.yaml"

PUBLIC = "the same for everybody"
MINE = "about whoever asks"
NAMED = "names something of one listener's"
STAFF = "for operators"

OPERATIONS = {
    "get artists/": PUBLIC,
    "get artists/{id}/": PUBLIC,
    "put artists/{id}/hidden/": MINE,
    "delete artists/{id}/hidden/": MINE,
    "get experiments/": STAFF,
    "post experiments/": STAFF,
    "get experiments/{id}/": STAFF,
    "post experiments/{id}/promote/": STAFF,
    "post experiments/{id}/start/": STAFF,
    "post experiments/{id}/stop/": STAFF,
    "get genres/": PUBLIC,
    "get genres/{id}/": PUBLIC,
    "post impressions/": MINE,
    "post impressions/{id}/outcomes/": NAMED,
    "post interactions/": MINE,
    "post interactions/batch/": MINE,
    "get me/": MINE,
    "patch me/": MINE,
    "delete me/": MINE,
    "get me/beyond-library/": MINE,
    "get me/blends/": MINE,
    "post me/blends/": MINE,
    "get me/blends/{id}/": NAMED,
    "delete me/blends/{id}/": NAMED,
    "post me/blends/{id}/invitations/": NAMED,
    "post me/blends/{id}/join/": NAMED,
    "get me/export/": MINE,
    "get me/hidden/": MINE,
    "get me/history/": MINE,
    "delete me/history/": MINE,
    "delete me/history/{id}/": NAMED,
    "get me/imports/": MINE,
    "post me/imports/": MINE,
    "get me/imports/{id}/": NAMED,
    "delete me/imports/{id}/": NAMED,
    "post me/generated-playlists/": MINE,
    "get me/next-up/": MINE,
    "get me/opinions/": MINE,
    "get me/rediscover/": MINE,
    "get me/statistics/": MINE,
    "get me/statistics/{entity}/": MINE,
    "get me/taste/": MINE,
    "patch me/taste/": MINE,
    "get model-versions/": STAFF,
    "get model-versions/{id}/": STAFF,
    "post model-versions/{id}/activate/": STAFF,
    "post model-versions/roll-back/": STAFF,
    "get playlists/": MINE,
    "post playlists/": MINE,
    "get playlists/{id}/": NAMED,
    "patch playlists/{id}/": NAMED,
    "delete playlists/{id}/": NAMED,
    "get playlists/{id}/continue/": NAMED,
    "get playlists/{id}/export/": NAMED,
    "post playlists/{id}/items/": NAMED,
    "patch playlists/{id}/items/{item}/": NAMED,
    "delete playlists/{id}/items/{item}/": NAMED,
    "get recommendations/": MINE,
    "get songs/": PUBLIC,
    "get songs/{key}/": PUBLIC,
    "put songs/{key}/dislike/": MINE,
    "delete songs/{key}/dislike/": MINE,
    "get songs/{key}/explanation/": MINE,
    "get songs/{key}/why-not/": MINE,
    "put songs/{key}/hidden/": MINE,
    "delete songs/{key}/hidden/": MINE,
    "put songs/{key}/ignored/": MINE,
    "delete songs/{key}/ignored/": MINE,
    "put songs/{key}/like/": MINE,
    "delete songs/{key}/like/": MINE,
    "get songs/{key}/path/": MINE,
    "get songs/{key}/similar/": PUBLIC,
    "get training-runs/": STAFF,
    "post training-runs/": STAFF,
    "get training-runs/{id}/": STAFF,
    "post training-runs/{id}/cancel/": STAFF,
}
# What a caller may have to say so that the operation does its work; everything else is answered without a body.
BODIES = {
    "post impressions/": {"receipt": "forged", "songs": ["song_0"]},
    "post impressions/{id}/outcomes/": {"song": "song_0", "kind": "click"},
    "post interactions/": {"song": "song_0", "kind": "dislike"},
    "post interactions/batch/": {"interactions": [{"song": "song_0", "kind": "dislike"}]},
    "post me/blends/": {"title": "Bob's"},
    "post me/blends/{id}/invitations/": {"username": "bob"},
    "patch me/": {"language": "de", "personalised": False},
    "post me/generated-playlists/": {"kind": "weekly-jams"},
    "patch me/taste/": {"discovery": 0.9},
    "post playlists/": {"title": "Bob's", "songs": ["song_0"]},
    "patch playlists/{id}/": {"title": "Taken over"},
    "post playlists/{id}/items/": {"song": "song_1"},
    "patch playlists/{id}/items/{item}/": {"position": 1},
    "post training-runs/": {"preset": "classic"},
}
QUERIES = {"delete me/": "?confirm=bob", "delete me/history/": "?confirm=everything"}

# Method and address of ListenBrainz' server -> what Bob is answered who asks it for what is Alice's.
PLAYERS = {
    "get validate_token": 200,
    "post submit_listens": 200,
    "post delete_listen": 200,
    "post feedback": 200,
    "get user_feedback": 404,
    "get feedback_for_recordings": 404,
    "post feedback_for_recordings": 404,
    "get latest_import": 404,
    "post latest_import": 200,
    "get search_users": 200,
    "get metadata_lookup": 200,
    "post metadata_lookup": 200,
    "get stats": 404,
    "get listens": 404,
    "get similar_users": 404,
    "get listening_activity": 404,
    "get following": 404,
    "get followers": 404,
    "get own_playlists": 404,
    "get playing_now": 404,
    "get listen_count": 404,
    "get created_for": 404,
    "get shared_playlists": 404,
    "get playlist": 404,
    "get recommended_recordings": 404,
}
PLAYER_QUERIES = {
    "latest_import": "?user_name=alice",
    "search_users": "?search_term=bob",
    "metadata_lookup": "?artist_name=Artist+0&recording_name=T%C3%ADtulo+0",
}


def list_described() -> set[str]:
    paths = yaml.safe_load(DESCRIPTION.read_text())["paths"]
    return {
        f"{method} {path.removeprefix('/api/v1/')}"
        for path, methods in paths.items()
        for method in methods
    }


# A page -> how it is asked, and what it is about.
PAGES = {
    "metrics": ("get", PUBLIC),
    "favicon.ico": ("get", PUBLIC),
    "login/": ("get", PUBLIC),
    "logout/": ("post", MINE),
    "admin/login/": ("get", PUBLIC),
    "signup/": ("get", PUBLIC),
    "password/change/": ("post", MINE),
    "password/reset/": ("post", PUBLIC),
    "password/reset/<uidb64>/<token>/": ("get", PUBLIC),
    "settings/": ("post", MINE),
    "settings/tokens/": ("post", MINE),
    "settings/tokens/revoke/": ("post", NAMED),
    "settings/delete/": ("post", MINE),
    "settings/my-data.json": ("get", MINE),
    "settings/personalisation/": ("post", MINE),
    "settings/deletions/": ("get", MINE),
    "settings/servers/": ("get", MINE),
    "settings/servers/<int:server_id>/choices/": ("post", MINE),
    "settings/servers/<int:server_id>/join/": ("post", MINE),
    "settings/servers/<int:server_id>/leave/": ("post", MINE),
    "settings/servers/<int:server_id>/read/": ("post", MINE),
    "covers/<slug:code>.svg": ("get", PUBLIC),
    "covers/<slug:tag>/<int:size>.webp": ("get", PUBLIC),
    "forgotten/<uuid:receipt_id>/": ("get", PUBLIC),
    "reviews/<uuid:review_id>.<review_form:form>": ("get", PUBLIC),
    "search/suggestions/": ("get", MINE),
    "albums/<int:album_id>/": ("get", MINE),
    "blends/": ("get", MINE),
    "blends/new/": ("post", MINE),
    "blends/<uuid:blend_id>/": ("get", NAMED),
    "blends/<uuid:blend_id>/answer/": ("post", NAMED),
    "blends/<uuid:blend_id>/invite/": ("post", NAMED),
    "blends/<uuid:blend_id>/keep/": ("post", NAMED),
    "home/<slug:section>/": ("get", MINE),
    "home/<slug:section>/keep/": ("post", MINE),
    "library/beyond/": ("get", MINE),
    "training/<int:run_id>/": ("get", MINE),
    "library/listening/": ("get", MINE),
    "library/listening/<int:year>/": ("get", MINE),
    "library/listening/<int:year>/link/": ("post", MINE),
    "library/listening/<int:year>/picture.<review_form:form>": ("get", MINE),
    "playlists/<uuid:playlist_id>/servers/<int:server_id>/paths.m3u8": ("get", NAMED),
    "playlists/<uuid:playlist_id>/servers/<int:server_id>/send/": ("post", NAMED),
    "songs/<int:song_id>/audio/": ("get", PUBLIC),
    "try/why/<int:song_id>/": ("get", PUBLIC),
    "browse/": ("get", PUBLIC),
    "songs/<int:song_id>/opinion/": ("post", MINE),
    "songs/<int:song_id>/heard/": ("post", MINE),
    "songs/<int:song_id>/add/": ("post", NAMED),
    "songs/<int:song_id>/": ("get", MINE),
    "songs/<int:song_id>/why/": ("get", MINE),
    "songs/<int:song_id>/control/": ("post", MINE),
    "artists/<int:artist_id>/": ("get", MINE),
    "artists/<int:artist_id>/control/": ("post", MINE),
    "library/": ("get", MINE),
    "library/dislikes/": ("get", MINE),
    "library/hidden/": ("get", MINE),
    "library/history/": ("get", MINE),
    "library/history/<int:interaction_id>/forget/": ("post", NAMED),
    "library/history/forget-day/": ("post", MINE),
    "library/history/undo/": ("post", MINE),
    "library/imports/": ("get", MINE),
    "library/imports/<int:run_id>/": ("get", NAMED),
    "library/imports/<int:run_id>/cancel/": ("post", NAMED),
    "library/imports/<int:run_id>/undo/": ("post", NAMED),
    "playlists/": ("get", MINE),
    "playlists/<uuid:playlist_id>/": ("get", NAMED),
    "playlists/<uuid:playlist_id>/change/": ("post", NAMED),
    "playlists/<uuid:playlist_id>/move/": ("post", NAMED),
    "playlists/<uuid:playlist_id>/continue/": ("get", NAMED),
    "playlists/<uuid:playlist_id>/export.<slug:form>": ("get", NAMED),
    "": ("get", MINE),
    "try/": ("get", PUBLIC),
    "path/": ("get", MINE),
    "path/keep/": ("post", MINE),
    "connect/": ("get", MINE),
    "connect/<slug:player>/": ("get", MINE),
    "connect/<slug:player>/arrived/": ("get", MINE),
    "try/keep/": ("post", MINE),
    "welcome/": ("get", MINE),
    "mixes/<int:number>/": ("get", MINE),
    "mixes/<int:number>/keep/": ("post", MINE),
    "next-up/": ("get", MINE),
    "next-up/keep/": ("post", MINE),
    "rediscover/": ("get", MINE),
    "rediscover/keep/": ("post", MINE),
    "taste/": ("get", MINE),
    "taste/preview/": ("post", MINE),
    "taste/rules/": ("post", MINE),
    "taste/save/": ("post", MINE),
    "taste/undo/": ("post", MINE),
    "feeds/<str:username>.atom": ("get", NAMED),
    r"^playlist/(?P<playlist_id>[0-9a-f-]{36})\.(?P<file_format>jspf|m3u8)$": ("get", NAMED),
}
# The operator's dashboard, the API and the players have tables of their own.
ELSEWHERE = {"admin/", "api/v1/", "1/", "apis/listenbrainz/1/", "^apis(/|$)"}


def pages(patterns=None, prefix="") -> set[str]:
    """Return every address of the site as urls.py has it."""
    paths = set()
    for pattern in get_resolver().url_patterns if patterns is None else patterns:
        address = prefix + str(pattern.pattern)
        if address in ELSEWHERE or address == "style/":  # only while developing
            continue
        if getattr(pattern, "app_name", "") == "players":
            continue
        is_folder = hasattr(pattern, "url_patterns")
        paths |= pages(pattern.url_patterns, address) if is_folder else {address}
    return paths


def list_methods(pattern) -> set[str]:
    """Return the methods that the view of an address answers, whatever the description says of it."""
    return {method for method in METHODS if hasattr(pattern.callback.view_class, method)}


def test_the_tables_are_about_every_operation():
    assert set(OPERATIONS) == list_described()
    not_in_table = {
        "schema/",
        "docs/",
        "reference/",
        "me/made-playlists/",
    }  # the last as 0.5 called it
    api = next(one for one in get_resolver().url_patterns if str(one.pattern) == "api/v1/")
    nested = [getattr(one, "url_patterns", [one]) for one in api.url_patterns]
    views = [one for some in nested for one in some if hasattr(one.callback, "view_class")]
    answered = {
        f"{method} {re.sub('<[^>]+>', '{}', str(one.pattern))}"
        for one in views
        if str(one.pattern) not in not_in_table
        for method in list_methods(one)
    }
    assert answered == {re.sub("{[^}]+}", "{}", operation) for operation in OPERATIONS}


def test_the_tables_are_about_every_address_of_players_and_pages():
    answered = {
        f"{method} {one.name}" for one in listenbrainz_patterns for method in list_methods(one)
    }
    assert answered == set(PLAYERS)
    assert pages() == set(PAGES)


@pytest.fixture
def hers(alice, songs):
    """Everything a listener can have, each with a mark that no answer to somebody else may show."""
    User.objects.filter(pk=alice.user.pk).update(email="mark@alice.example")
    playlist = alice.post(
        "playlists/", {"title": "mark of alice", "songs": ["song_0", "song_1"]}
    ).body
    alice.put("songs/song_0/like/")
    alice.put("songs/song_2/dislike/")
    alice.post(
        "interactions/", {"song": "song_0", "kind": "play", "occurred_at": "2026-01-02T03:04:05Z"}
    )
    alice.patch("me/taste/", {"discovery": 0.25})
    controls.ignore_song(alice.user, songs[3])
    controls.hide_artist(alice.user, songs[4].artist)
    RecordingMsid.objects.create(msid=uuid.UUID(int=7), song=songs[0])
    shown = Impression.objects.create(
        listener=alice.user, surface="mark of alice", step="live", song_ids=[songs[0].pk]
    )
    Outcome.objects.create(impression=shown, song=songs[0], kind="click", position=1)
    file = ImportRun.objects.create(
        content="listens",
        format="lastfm",
        file_name="mark of alice.csv",
        listener=alice.user,
        status="succeeded",
    )
    version = ModelVersion.objects.create(
        artifact="none", size_bytes=0, n_listeners=0, n_songs=0, n_interactions=0, fit_seconds=0
    )
    run = TrainingRun.objects.create(
        preset="classic",
        trigger="api",
        status="succeeded",
        requested_by=alice.user,
        log="mark of alice",
    )
    server = MusicServer.objects.create(name="attic", address="http://127.0.0.1:1")
    ServerAccount.objects.create(
        server=server, user=alice.user, account_name="mark of alice", secret="x"
    )
    receipt = deletion_receipts.issue_receipt(ForgettingReceipt.Kind.LISTENS, 1, alice.user.pk)
    return {
        "blends": blends.create_blend(alice.user, "mark of alice").pk,
        "receipts": receipt.pk,
        "servers": server.pk,
        "playlists": playlist["id"],
        "item": PlaylistItem.objects.filter(playlist=playlist["id"]).first().pk,
        "history": Interaction.objects.for_listener(alice.user).plays_and_skips().get().pk,
        "imports": file.pk,
        "impressions": str(shown.pk),
        "artists": songs[4].artist_id,
        "genres": songs[0].genres.first().pk,
        "model-versions": version.pk,
        "experiments": Experiment.objects.create(name="mark of alice", created_by=alice.user).pk,
        "training-runs": run.pk,
    }


def dump_rows(user: User) -> str:
    """Return every row of any table that belongs to a listener, directly or by what is theirs."""
    rows = [list(User.objects.filter(pk=user.pk).values())]
    for model, name in _references_to_users():
        rows_of_user = model._base_manager.filter(**{name: user}).values()
        rows.append(sorted(map(str, rows_of_user)))
    rows.append(list(PlaylistItem.objects.filter(playlist__owner=user).order_by("pk").values()))
    rows.append(list(Outcome.objects.filter(impression__listener=user).order_by("pk").values()))
    return str(rows)


def _references_to_users():
    fields = [
        (model, field) for model in apps.get_models() for field in model._meta.concrete_fields
    ]
    return [(model, field.name) for model, field in fields if field.related_model is User]


def fill_address(operation: str, ids: dict) -> str:
    path = operation.split(" ", 1)[1]
    collection = re.search(r"([\w-]+)/\{id\}", path)
    named = {
        "key": "song_0",
        "entity": "artists",
        "item": ids["item"],
        "id": ids[collection[1]] if collection else "",
    }
    return path.format(**named) + QUERIES.get(operation, "")


@pytest.fixture
def bob_and_hers(bob, hers, alice):
    User.objects.filter(pk=bob.user.pk).update(last_login=timezone.now())
    bob.commits = False  # no worker is to be woken up
    return bob, hers, alice.user


@pytest.mark.parametrize("operation", OPERATIONS)
def test_nobody_reads_or_changes_what_is_another_ones(
    operation, bob_and_hers, caplog, settings, tmp_path
):
    """T36, T37; T38: saying in the body that one is somebody else does not help."""
    bob, hers, alice = bob_and_hers
    settings.UPLOADS_DIR = tmp_path
    before = dump_rows(alice)
    claims = {
        "user": alice.pk,
        "listener": alice.pk,
        "owner": alice.pk,
        "username": "alice",
        "is_staff": True,
    }
    if operation == "post me/imports/":
        file = SimpleUploadedFile("x.csv", b"artist,album,track,date\nA,B,C,23 Nov 2009 14:07\n")
        response = bob.client.post("/api/v1/me/imports/", {"file": file, **claims})
        answer = bob._parse_body(response)
    else:
        method = operation.split(" ", 1)[0]
        body = None if method == "get" else BODIES.get(operation, {}) | claims
        answer = bob.call(method, fill_address(operation, hers), body)
    content = json.dumps(answer.body, default=str)
    assert "mark" not in content
    assert "alice" not in content
    assert dump_rows(alice) == before
    if OPERATIONS[operation] == NAMED:
        assert answer.status == 404
        assert "api_access_refused" in caplog.text
    elif OPERATIONS[operation] == STAFF:
        assert answer.status == 403
    else:
        assert answer.status in (200, 201, 202, 204, 400)


@pytest.mark.parametrize("operation", PLAYERS)
def test_a_player_with_anothers_token_reads_and_changes_nothing(operation, bob_and_hers, songs):
    """T36."""
    bob, hers, alice = bob_and_hers
    before = dump_rows(alice)
    played_at = int(Interaction.objects.get(pk=hers["history"]).occurred_at.timestamp())
    bodies = {
        "submit_listens": {
            "listen_type": "single",
            "user_name": "alice",
            "payload": [
                {
                    "listened_at": played_at,
                    "track_metadata": {"artist_name": "Artist 0", "track_name": "Título 0"},
                }
            ],
        },
        "delete_listen": {"listened_at": played_at, "recording_msid": str(uuid.UUID(int=7))},
        "feedback": {"recording_mbid": str(songs[0].mbid), "score": -1},
        "feedback_for_recordings": {"recording_mbids": [str(songs[0].mbid)]},
        "latest_import": {"ts": played_at, "user_name": "alice"},
        "metadata_lookup": {
            "recordings": [{"artist_name": "Artist 0", "recording_name": "Título 0"}]
        },
    }
    method, name = operation.split()
    pattern = next(one for one in listenbrainz_patterns if one.name == name)
    address = str(pattern.pattern).strip("^$").removesuffix("/?")
    address = re.sub(r"\(\?P<username>[^)]*\)", "alice", address)
    address = re.sub(r"\(\?P<playlist_id>[^)]*\)", hers["playlists"], address)
    address = re.sub(r"\(\?P<entity>[^)]*\)", "artists", address) + PLAYER_QUERIES.get(name, "")
    body = None if method == "get" else bodies.get(name)
    answer = Caller(bob.user, scopes=["listen"], prefix="/1/").call(method, address, body)
    assert answer.status == PLAYERS[operation]
    assert "mark" not in json.dumps(answer.body)
    assert dump_rows(alice) == before


@pytest.mark.parametrize("address", PAGES)
def test_somebody_signed_in_reaches_nothing_of_anothers_on_any_page(address, bob_and_hers, songs):
    """T36; T38: the form says that it is Alice's."""
    bob, hers, alice = bob_and_hers
    browser = Client()
    browser.force_login(bob.user)
    token = alice.auth_token_set.get().pk
    before = dump_rows(alice)
    form = {
        "user": alice.pk,
        "listener": alice.pk,
        "owner": alice.pk,
        "username": "alice",
        "playlist": hers["playlists"],
        "item": hers["item"],
        "token": token,
        "do": "delete",
        "remove": "1",
        "opinion": "dislike",
        "control": "hide-song",
        "day": "2026-01-02",
        "discovery": "90",
        "name": "x",
        "scopes": "read",
        "days": "30",
        "email": "bob@bob.example",
        "theme": "dark",
        "played_ms": "1",
    }
    values = {
        "song_id": songs[0].pk,
        "artist_id": songs[0].artist_id,
        "interaction_id": hers["history"],
        "run_id": hers["imports"],
        "playlist_id": hers["playlists"],
        "number": 1,
        "player": "pano",
        "album_id": songs[0].album_id,
        "blend_id": hers["blends"],
        "receipt_id": hers["receipts"],
        "review_id": uuid.UUID(int=9),
        "server_id": hers["servers"],
        "section": "new",
        "size": 300,
        "tag": "0" * 16,
        "year": 2026,
        "username": "alice",
        "uidb64": "x",
        "token": "x",
        "code": "0",
        "form": "csv",
        "file_format": "jspf",
    }
    path = re.sub(r"\(\?P<(\w+)>[^)]*\)", r"<str:\1>", address).strip("^$").replace("\\.", ".")
    path = re.sub(r"<(?:\w+:)?(\w+)>", lambda match: str(values[match[1]]), path)
    method, about = PAGES[address]
    answer = getattr(browser, method)(f"/{path}", form if method == "post" else {})
    html = answer.getvalue().decode()
    # closing tells Django that the request is over, which would close the connection of the test's transaction
    request_finished.disconnect(close_old_connections)
    answer.close()
    request_finished.connect(close_old_connections)
    assert "mark of alice" not in html
    assert "mark@alice" not in html
    assert dump_rows(alice) == before
    if about == NAMED:
        assert answer.status_code == 404
    else:
        assert answer.status_code in (200, 204, 302, 400, 403, 404)
