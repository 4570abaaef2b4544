"""Every address of the API keeps to its number of queries, however long its answer is."""

import re
from collections import Counter

import pytest
from django.contrib.auth.hashers import make_password
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.test.utils import CaptureQueriesContext

from accounts.models import User
from catalog.api.serializers import SongSerializer
from catalog.models import Genre, ImportRun, PlaylistItem
from recommendations.models import Arm, Experiment, ModelVersion, TrainingRun
from recommendations.services.surfaces import blends
from tests.api.caller import Caller
from tests.api.test_others import OPERATIONS
from tests.query_budgets import (
    API_BUDGETS,
    API_CHANGE_BUDGETS,
    API_FRESH_LIST_BUDGET,
    API_LIKE_BUDGET,
)


def spent(caller, method, address):
    with CaptureQueriesContext(connection) as queries:
        assert caller.call(method, address).status in (200, 204)
    return len(queries)


def test_every_address_keeps_to_its_budget(world):
    keys = [song.key for song in world.songs]
    playlist = world.alice.post("playlists/", {"title": "Long", "songs": keys}).body["id"]
    here = {
        "song": keys[3],
        "artist": world.songs[3].artist_id,
        "playlist": playlist,
        "entity": "artists",
    }
    counts = {}
    for address in API_BUDGETS:
        world.alice.get(address.format(**here))  # what is cached is cached now
        counts[address] = spent(world.alice, "get", address.format(**here))
    assert {address: n for address, n in counts.items() if n > API_BUDGETS[address]} == {}


def test_a_like_and_the_next_list_keep_to_theirs(world):
    world.alice.get("recommendations/")
    assert spent(world.alice, "put", "songs/song_21/like/") <= API_LIKE_BUDGET
    assert spent(world.alice, "get", "recommendations/") <= API_FRESH_LIST_BUDGET


LISTS = ["recommendations/?k={n}", "me/next-up/?k={n}", "songs/?page_size={n}"]


@pytest.mark.parametrize("address", LISTS)
def test_a_list_makes_the_fields_of_its_songs_once(world, address, monkeypatch):
    """A serializer a song cost 60 ms of 20 songs: its fields are made anew in each."""
    n_made = Counter()
    make_fields = SongSerializer.get_fields

    def count_and_make(serializer):
        n_made[address] += 1
        return make_fields(serializer)

    monkeypatch.setattr(SongSerializer, "get_fields", count_and_make)
    counts = []
    for n in (2, 12):
        n_made.clear()
        answer = world.alice.get(address.format(n=n))
        assert len(answer.body.get("items", answer.body.get("results"))) == n
        counts.append(n_made[address])
    assert counts[0] == counts[1] == 1


def plain(operation):
    """Return an operation without its query and with the names of what it is about left out."""
    return re.sub(r"{[^}]+}", "{}", operation.split("?")[0])


def test_every_operation_has_a_budget():
    with_budget = {f"get {address}" for address in API_BUDGETS} | API_CHANGE_BUDGETS.keys()
    assert {plain(one) for one in with_budget} == {plain(one) for one in OPERATIONS}


@pytest.fixture
def here(request, world, settings, tmp_path):
    """What the operations are about, by the names in their budgets."""
    settings.UPLOADS_DIR = tmp_path
    alice = world.alice
    playlist = alice.post(
        "playlists/", {"title": "Here", "songs": [s.key for s in world.songs[:20]]}
    ).body["id"]
    receipt = alice.get("recommendations/", {"k": 3}).body["receipt"]
    shown = alice.post("impressions/", {"receipt": receipt, "songs": ["song_01"]}).body["id"]
    alice.post("interactions/", {"song": "song_05", "kind": "play"})
    arm = Arm.objects.create(
        name="a", experiment=Experiment.objects.create(name="E", state="running")
    )
    if "{draft}" in request.node.name:
        Experiment.objects.update(state="stopped")
    file = {"content": "listens", "format": "lastfm", "file_name": "x.csv", "status": "succeeded"}
    return {
        "song": "song_21",
        "artist": world.songs[3].artist_id,
        "genre": Genre.objects.create(name="Rock").pk,
        "playlist": playlist,
        "item": PlaylistItem.objects.filter(playlist=playlist).first().pk,
        "impression": shown,
        "receipt": receipt,
        "entry": alice.get("me/history/").body["results"][0]["id"],
        "import": ImportRun.objects.create(**file, listener=alice.user).pk,
        "blend": blends.create_blend(alice.user, "Here").pk,
        "draft": _draft_experiment().pk,
        "run": TrainingRun.objects.create(preset="classic", trigger="api", status="failed").pk,
        "version": ModelVersion.objects.get(is_active=True).pk,
        "experiment": arm.experiment_id,
        "arm": arm.pk,
    }


def _draft_experiment():
    draft = Experiment.objects.create(name="D")
    Arm.objects.create(name="a", experiment=draft)
    Arm.objects.create(name="b", experiment=draft, discovery=1)
    return draft


def bodies(here):
    return {
        "post impressions/": {"receipt": here["receipt"], "songs": ["song_01"]},
        "post impressions/{impression}/outcomes/": {"song": "song_01", "kind": "click"},
        "post interactions/": {"song": "song_21", "kind": "play"},
        "post interactions/batch/": {
            "interactions": [{"song": f"song_{n:02d}", "kind": "like"} for n in range(40)]
        },
        "patch me/": {"theme": "dark"},
        "delete me/?confirm=alice": {"password": "alices-own-words-1"},
        "post me/generated-playlists/": {"kind": "weekly-jams"},
        "patch me/taste/": {"discovery": 0.9},
        "post playlists/": {"title": "Long", "songs": [f"song_{n:02d}" for n in range(40)]},
        "patch playlists/{playlist}/": {"title": "Other"},
        "post playlists/{playlist}/items/": {"song": "song_39"},
        "patch playlists/{playlist}/items/{item}/": {"position": 9},
        "post me/blends/": {"title": "Other"},
        "post me/blends/{blend}/invitations/": {"username": "olga"},
        "post experiments/": {
            "name": "New",
            "arms": [{"name": "a"}, {"name": "b", "discovery": 1}],
        },
        "post training-runs/": {"preset": "classic"},
        "post experiments/{experiment}/promote/": {"arm": here["arm"]},
    }


@pytest.mark.parametrize("operation", API_CHANGE_BUDGETS)
def test_every_change_keeps_to_its_budget(operation, world, here):
    olga = Caller(User.objects.create_superuser("olga"))
    User.objects.filter(username="alice").update(password=make_password("alices-own-words-1"))
    olga.commits = world.alice.commits = False  # no worker is to be woken up
    is_staffs = any(
        name in operation for name in ("training-runs", "model-versions", "experiments")
    )
    caller = olga if is_staffs else world.alice
    method, address = operation.format(**here).split(" ", 1)
    with CaptureQueriesContext(connection) as queries:
        if operation == "post me/imports/":
            file = SimpleUploadedFile(
                "x.csv", b"artist,album,track,date\nA,B,C,23 Nov 2009 14:07\n"
            )
            status = caller.client.post("/api/v1/me/imports/", {"file": file}).status_code
        else:
            status = caller.call(method, address, bodies(here).get(operation)).status
    assert status < 300 or (operation == "post model-versions/roll-back/" and status == 409)
    assert len(queries) <= API_CHANGE_BUDGETS[operation], f"{len(queries)} queries"
