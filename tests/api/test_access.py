"""Who may do what: the table of all addresses, tokens and their scopes, and what others never see."""

import re
import uuid
from datetime import timedelta

import pytest
from django.test import Client
from django.urls import get_resolver
from django.utils import timezone

from accounts import tokens
from accounts.models import ApiToken, User
from catalog.models import Interaction
from recommendations.models import Arm, Experiment, ModelVersion, TrainingRun
from tests.api.caller import Caller

OPEN = {
    "songs/",
    "songs/<path:key>/",
    "songs/<path:key>/similar/",
    "songs/<path:key>/path/",
    "artists/",
    "artists/<int:pk>/",
    "genres/",
    "genres/<int:pk>/",
    "recommendations/",
    "schema/",
    "docs/",
    "reference/",
}
METHODS = ("get", "post", "put", "patch", "delete")


def addresses():
    """Return every address of the API as it is written in urls.py."""
    paths = []

    def walk(patterns, prefix):
        for pattern in patterns:
            route = str(pattern.pattern)
            if hasattr(pattern, "url_patterns"):
                walk(pattern.url_patterns, prefix + route)
            elif "<" in route or route.endswith("/"):
                paths.append(prefix + route)

    api = next(p for p in get_resolver().url_patterns if str(p.pattern) == "api/v1/")
    walk(api.url_patterns, "")
    return paths


def fill_address(address, pk="1"):
    address = address.replace("<slug:entity>", "artists")
    address = re.sub(r"<uuid:\w+>", str(uuid.UUID(int=1)), address)
    return re.sub(r"<int:\w+>", pk, re.sub(r"<path:\w+>", "song_0", address))


PRIVATE = [address for address in addresses() if address not in OPEN]
STAFF = [
    address
    for address in PRIVATE
    if address.startswith(("training-runs", "model-versions", "experiments"))
]


def test_the_table_is_about_the_whole_api():
    assert set(addresses()) >= OPEN
    assert len(PRIVATE) > 25
    assert len(STAFF) == 12


@pytest.mark.parametrize("address", PRIVATE)
def test_strangers_are_asked_who_they_are(stranger, songs, address):
    for method in METHODS:
        answer = stranger.call(method, fill_address(address))
        assert answer.status == 401, (method, answer.body)
        assert answer.body["error"]["code"] == "not_authenticated"
        assert answer.headers["WWW-Authenticate"] == "Token"


@pytest.mark.parametrize("address", STAFF)
def test_listeners_are_kept_from_the_operators_dashboard(alice, address):
    """T37."""
    for method in METHODS:
        assert alice.call(method, fill_address(address)).status == 403
    assert TrainingRun.objects.count() == 0


def test_staff_without_the_permission_may_look_and_not_touch(alice):
    """T37."""
    alice.user.is_staff = True
    alice.user.save()
    assert alice.get("training-runs/").status == 200
    assert alice.post("training-runs/", {}).status == 403
    assert alice.post("model-versions/roll-back/").status == 403
    assert TrainingRun.objects.count() == 0


# --- Tokens and sessions ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("scope", "may", "may_not"),
    [
        (
            "read",
            [("get", "me/"), ("get", "playlists/")],
            [("put", "songs/song_0/like/"), ("delete", "me/")],
        ),
        ("write", [("put", "songs/song_0/like/"), ("post", "playlists/")], [("get", "me/")]),
        (
            "listen",
            [("put", "songs/song_0/like/"), ("post", "interactions/")],
            [("get", "me/"), ("post", "playlists/")],
        ),
    ],
)
def test_a_token_may_do_what_its_scope_says(alice, songs, scope, may, may_not):
    caller = Caller(alice.user, scopes=[scope])
    for method, address in may:
        assert caller.call(method, address, {}).status not in (401, 403), address
    for method, address in may_not:
        answer = caller.call(method, address, {})
        assert (answer.status, answer.body["error"]["code"]) == (403, "permission_denied"), address


def test_a_token_is_stored_as_a_hash_and_ends(alice):
    """T45."""
    stored = ApiToken.objects.get()
    assert alice.secret not in (stored.digest, stored.token_key)
    assert stored.last_used_on is None
    assert alice.get("me/").status == 200
    stored.refresh_from_db()
    assert stored.last_used_on == timezone.localdate()
    ApiToken.objects.update(expiry=timezone.now() - timedelta(seconds=1))
    expired = alice.get("me/")
    assert (expired.status, expired.body["error"]["code"]) == (401, "expired_token")
    tokens.revoke_all_tokens(alice.user)
    assert alice.get("me/").body["error"]["code"] == "invalid_token"


def test_a_closed_account_has_no_tokens_that_work(alice):
    """T40."""
    alice.user.is_active = False
    alice.user.save()
    assert alice.get("me/").status == 401


def test_a_token_in_an_address_is_refused(alice):
    """T45."""
    answer = Client().get("/api/v1/me/", {"token": alice.secret})
    assert (answer.status_code, answer.json()["error"]["code"]) == (400, "token_in_address")


@pytest.mark.parametrize(
    "header", ["Token", "Token ", "Token a b", "Token \u00fc", "Basic YTpi", "Token " + "x" * 9999]
)
def test_a_broken_header_is_no_way_in(db, header):
    assert Client().get("/api/v1/me/", headers={"Authorization": header}).status_code == 401


def test_bearer_is_as_good_as_token(alice):
    assert (
        Client().get("/api/v1/me/", headers={"Authorization": f"Bearer {alice.secret}"}).status_code
        == 200
    )


def test_a_session_needs_the_csrf_token_to_change_anything(alice, songs):
    """T39."""
    browser = Client(enforce_csrf_checks=True)
    browser.force_login(alice.user)
    assert browser.get("/api/v1/me/").status_code == 200
    refused = browser.put("/api/v1/songs/song_0/like/")
    assert (refused.status_code, refused.json()["error"]["code"]) == (403, "permission_denied")
    assert Interaction.objects.count() == 0


def test_a_user_has_so_many_tokens_and_no_more(alice, monkeypatch):
    monkeypatch.setattr(tokens, "MAX_PER_USER", 1)
    with pytest.raises(tokens.TooManyTokens, match="Delete one"):
        tokens.create_token(alice.user, "one more", ["read"])
    with pytest.raises(ValueError, match="at least one scope"):
        tokens.revoke_all_tokens(alice.user) and tokens.create_token(alice.user, "nothing", [])


# --- The operators ----------------------------------------------------------------------------------------------------


def test_an_operator_starts_watches_and_cancels_a_training(olga):
    olga.commits = False  # no worker is to be woken up
    started = olga.post("training-runs/", {"preset": "classic"})
    assert (started.status, started.body["status"], started.body["requested_by"]) == (
        202,
        "queued",
        "olga",
    )
    second = olga.post("training-runs/", {})
    assert (second.status, second.body["error"]["code"]) == (409, "conflict")
    assert olga.get(f"training-runs/{started.body['id']}/").body["log"] is not None
    assert olga.post(f"training-runs/{started.body['id']}/cancel/").body["status"] == "cancelled"
    assert olga.get("training-runs/").body["count"] == 1
    assert olga.post("training-runs/", {"preset": "nonsense"}).status == 400


def test_an_operator_activates_and_rolls_back(world, olga):
    assert olga.get("model-versions/").body["results"][0]["is_active"] is True
    assert olga.get(f"model-versions/{world.version.pk}/").body["metadata"]["n_items"] == len(
        world.songs
    )
    assert (
        olga.post(f"model-versions/{world.version.pk}/activate/").body["name"] == world.version.name
    )
    nothing_before = olga.post("model-versions/roll-back/")
    assert (nothing_before.status, nothing_before.body["error"]["code"]) == (409, "conflict")
    assert ModelVersion.objects.get().is_active


def test_an_operator_reads_stops_and_promotes_an_experiment(world, olga):
    running = Experiment.objects.create(
        name="E", kind="interleaving", state="running", started_at=timezone.now()
    )
    first, second = (
        Arm.objects.create(experiment=running, name=name, version=world.version) for name in "ab"
    )
    assert olga.get("experiments/").body["results"][0]["kind"] == "interleaving"
    results = olga.get(f"experiments/{running.pk}/").body
    assert [arm["version"] for arm in results["arms"]] == [world.version.name] * 2
    assert (results["standing"]["e_value"], results["standing"]["winner"]) == (1.0, None)

    assert olga.post(f"experiments/{running.pk}/stop/").body["state"] == "stopped"
    assert olga.post(f"experiments/{running.pk}/stop/").status == 409
    assert olga.post(f"experiments/{running.pk}/promote/", {"arm": 10**6}).status == 400
    promoted = olga.post(f"experiments/{running.pk}/promote/", {"arm": second.pk}).body
    assert [(arm["id"], arm["is_winner"]) for arm in promoted["arms"]] == [
        (first.pk, False),
        (second.pk, True),
    ]


def test_an_operator_sets_up_starts_and_reads_an_experiment(world, olga):
    answer = {
        "name": "More variety",
        "arms": [{"name": "now"}, {"name": "varied", "discovery": 0.9}],
    }
    experiment = olga.post("experiments/", answer)
    assert (experiment.status, experiment.body["state"], experiment.body["kind"]) == (
        201,
        "draft",
        "split",
    )
    assert [arm["name"] for arm in experiment.body["arms"]] == ["now", "varied"]
    address = f"experiments/{experiment.body['id']}/"
    assert olga.get(address).body["result"] is None
    assert olga.post(f"{address}start/").body["state"] == "running"
    assert olga.post(f"{address}start/").status == 409
    result = olga.get(address).body["result"]
    assert [arm["n_listeners"] for arm in result["arms"]] == [0, 0]
    assert result["arms"][0]["rates"]["click"] == {"value": None, "low": None, "high": None}
    assert Experiment.objects.get().created_by == olga.user


@pytest.mark.parametrize(
    ("arms", "sentence"),
    [
        ([{"name": "a"}], "2 to 10 arms, not 1"),
        ([{"name": "a"}, {"name": "a"}], "the same name"),
        ([{"name": "a"}, {"name": "b", "discovery": 1, "relevance": 1}], "both say how varied"),
        ([{"name": "a"}, {"name": "b", "version": 10**6}], "object does not exist"),
        ([{"name": "a"}, {"name": "b", "share": 2}], "less than or equal to 1"),
    ],
)
def test_an_experiment_that_can_not_be_is_refused(world, olga, arms, sentence):
    answer = olga.post("experiments/", {"name": "E", "arms": arms})
    assert answer.status == 400 and sentence in str(answer.body)
    assert not Experiment.objects.exists()


def test_two_equal_arms_are_refused_at_the_start(world, olga):
    experiment = olga.post(
        "experiments/", {"name": "E", "arms": [{"name": "a"}, {"name": "b"}]}
    ).body
    refused = olga.post(f"experiments/{experiment['id']}/start/")
    assert refused.status == 409 and "Two arms are the same" in refused.body["error"]["message"]


def test_staff_without_the_permission_sets_up_and_starts_nothing(world, olga):
    clerk = Caller(User.objects.create_user("clerk", is_staff=True))
    arms = [{"name": "a"}, {"name": "b", "discovery": 1}]
    experiment = olga.post("experiments/", {"name": "E", "arms": arms}).body
    assert clerk.post("experiments/", {"name": "F", "arms": arms}).status == 403
    assert clerk.post(f"experiments/{experiment['id']}/start/").status == 403
    assert Experiment.objects.get().state == "draft"
