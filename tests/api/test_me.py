"""My account, taste and data."""

import hashlib
import zlib
from contextlib import suppress

import pytest
from django.apps import apps
from django.contrib.auth.hashers import make_password
from django.db import DatabaseError, connection
from django.db.models import CASCADE
from django.test import Client
from django.utils import timezone

from accounts.models import User
from catalog.models import ImportRun, Interaction, MusicServer, ServerAccount, SharedReview, Song
from recommendations.models import (
    Experiment,
    ForgettingReceipt,
    Impression,
    InterleavedDraft,
    ModelVersion,
    RecommendationList,
    ServedRecord,
)
from recommendations.services.serving import recorder
from recommendations.services.surfaces import blends
from recommendations.services.training import pipeline, training_requests
from recommendations.services.versions import deletion_receipts
from tests.api.caller import Caller
from tests.api.listens import playing
from tests.eager import eager_tasks
from tests.failing_writes import fail_after

WORDS = "alices-own-words-1"


def with_password(user: User) -> None:
    """Store a password without what setting one ends."""
    User.objects.filter(pk=user.pk).update(password=make_password(WORDS))


@pytest.mark.parametrize("scopes", [["write"], ["read", "write", "listen"]])
def test_no_token_changes_the_address_or_deletes_the_account_without_the_password(alice, scopes):
    """T68: with the address came the password, the operator's too."""
    with_password(alice.user)
    User.objects.update(email="alice@example.org")
    caller = Caller(alice.user, scopes=scopes)
    for password in ({}, {"password": ""}, {"password": "guessed"}, {"password": None}):
        assert (
            caller.patch("me/", {"email": "evil@example.org", "theme": "dark"} | password).status
            == 400
        )
        refused = caller.delete("me/?confirm=alice", password)
        assert (refused.status, list(refused.body["error"]["fields"])) == (400, ["password"])
    user = User.objects.get()
    assert (user.email, user.theme) == ("alice@example.org", "system")
    assert caller.patch("me/", {"email": "alice@example.org", "theme": "dark"}).status == 200


def test_a_session_alone_deletes_nothing_by_the_api(alice):
    """T68: nor with the header that a page of the site would send."""
    with_password(alice.user)
    browser = Client()
    browser.force_login(User.objects.get())
    assert browser.delete("/api/v1/me/?confirm=alice").status_code == 400
    assert (
        browser.patch("/api/v1/me/", {"email": "e@example.org"}, "application/json").status_code
        == 400
    )
    assert User.objects.get().email == ""


def test_another_address_is_stored_with_the_password_and_the_old_one_gets_a_mail(alice, mailoutbox):
    """T68"""
    with_password(alice.user)
    User.objects.update(email="old@example.org")
    wanted = {"email": "new@example.org", "password": WORDS}
    with eager_tasks():
        changed = alice.patch("me/", wanted)
    assert (changed.status, changed.body["email"]) == (200, "new@example.org")
    assert "password" not in changed.body
    (sent,) = mailoutbox
    assert sent.to == ["old@example.org"]
    assert "new@example.org" not in sent.body


def test_guesses_of_the_password_count_as_failed_sign_ins(alice):
    """T42: a token is no way around the limit."""
    with_password(alice.user)
    for n in range(12):
        alice.delete("me/?confirm=alice", {"password": f"guess-{n}"})
    refused = alice.delete("me/?confirm=alice", {"password": WORDS})
    assert "Too many" in refused.body["error"]["fields"]["password"][0]
    assert User.objects.exists()


def test_settings_are_read_and_changed(alice):
    assert alice.get("me/").body["personalised"] is True
    changed = alice.patch(
        "me/", {"personalised": False, "theme": "dark", "language": "de", "shares_playlists": True}
    )
    assert changed.status == 200
    user = User.objects.get()
    assert (user.personalised, user.theme, user.language, user.shares_playlists) == (
        False,
        "dark",
        "de",
        True,
    )


@pytest.mark.parametrize("n_writes", range(6))
def test_a_change_that_breaks_off_leaves_all_or_nothing(world, n_writes):
    """Whichever write of it fails: no mood without the rule, no theme without the choice that came with it."""
    cluster_id = world.alice.get("me/taste/").body["parts"][0]["id"]
    changes = {
        "me/": {"theme": "dark", "language": "de", "personalised": False},
        "me/taste/": {"discovery": 0.9, "moods": [{"part": cluster_id, "mood": "mute"}]},
    }
    for path, change in changes.items():
        before = world.alice.get(path).body
        with connection.execute_wrapper(fail_after(n_writes)), suppress(DatabaseError):
            assert world.alice.patch(path, change).status in (200, 503)
        after = world.alice.get(path).body
        if path == "me/":
            n_changed = sum(after[name] != before[name] for name in change)
            assert n_changed in (0, len(change))
        else:
            moods = [one["mood"] for one in after["parts"]]
            assert (after["discovery"] == 0.9) is ("mute" in moods)


def test_nobody_promotes_themselves(alice):
    """T38."""
    extra = {
        "is_staff": True,
        "is_superuser": True,
        "username": "root",
        "id": 1,
        "password": "x",
        "is_active": False,
    }
    assert alice.patch("me/", extra).status == 200
    user = User.objects.get()
    assert (user.username, user.is_staff, user.is_superuser, user.is_active) == (
        "alice",
        False,
        False,
        True,
    )


@pytest.mark.parametrize(
    "wrong", [{"theme": "pink"}, {"language": "xx"}, {"email": "x"}, {"personalised": "?"}], ids=str
)
def test_a_wrong_setting_is_named(alice, wrong):
    answer = alice.patch("me/", wrong)
    assert (answer.status, list(answer.body["error"]["fields"])) == (400, list(wrong))


def test_personalisation_off_means_popular_music(world):
    world.alice.patch("me/", {"personalised": False})
    answer = world.alice.get("recommendations/", {"k": 3})
    assert answer.body["step"] == "popular"
    assert answer.body["note"]


def test_my_data_is_complete_and_my_account_goes_with_it(alice, songs):
    """T63."""
    alice.put("songs/song_0/like/")
    alice.post("playlists/", {"title": "Hers", "songs": ["song_1"]})
    data = alice.get("me/export/").body
    assert data["account"]["name"] == "alice"
    assert len(data["history"]) == 1
    assert data["playlists"][0]["title"] == "Hers"
    assert alice.secret not in str(data)
    with_password(alice.user)
    assert alice.delete("me/?confirm=bob", {"password": WORDS}).status == 400
    assert alice.delete("me/?confirm=alice", {"password": WORDS}).status == 204
    assert User.objects.count() == 0
    assert Interaction.objects.count() == 0
    assert alice.get("me/").status == 401


# A table with rows of a listener's own -> under which name the export tells them.
EXPORTED = {
    "accounts.ApiToken": "access_tokens",
    "catalog.ImportRun": "imports",
    "catalog.Interaction": "history",
    "catalog.LatestImport": "latest_imports",
    "catalog.NowPlaying": "now_playing",
    "catalog.Playlist": "playlists",
    "catalog.ServerAccount": "server_accounts",
    "catalog.SharedReview": "shared_years",
    "catalog.Song": "own_songs",
    "catalog.Submission": "recent_submissions",
    "recommendations.BlendMember": "blends",
    "recommendations.ForgettingReceipt": "receipts_of_deletions",
    "recommendations.Impression": "shown_lists",
    "recommendations.InterleavedDraft": "interleaved_drafts",
    "recommendations.RecommendationList": "recommendation_lists",
    "recommendations.ServedRecord": "served_lists",
    "recommendations.Taste": "taste",
    "recommendations.ListenerControl": "controls",
}
NOT_ABOUT_LISTENING = {
    "recommendations.ListenerState",
    "admin.LogEntry",
    "accounts.Session",  # keys of browsers that are signed in
    # counted from the history, and what of it is to be counted
    "catalog.SongTotal",
    "catalog.SongMonth",
    "catalog.DayTotal",
    "catalog.EntityTotal",
    "catalog.SourceMonth",
    "catalog.OutdatedMonth",
    "catalog.ListeningSums",
}  # a counter; what operators did


def test_every_table_with_rows_of_a_listener_is_in_their_export(alice, songs):
    """T63: a new table fails here until the export tells it."""
    own = {
        model._meta.label
        for model in apps.get_models()
        for field in model._meta.concrete_fields
        if field.related_model is User and field.remote_field.on_delete is CASCADE
    }
    assert own == EXPORTED.keys() | NOT_ABOUT_LISTENING
    alice.put("songs/song_1/like/")
    alice.put("songs/song_2/hidden/")
    alice.patch("me/taste/", {"discovery": 0.7})
    alice.post("playlists/", {"title": "Hers", "songs": ["song_1"]})
    alice.post(
        "interactions/", {"song": "song_3", "kind": "play"}, headers={"Idempotency-Key": "once"}
    )
    shown = Impression.objects.create(
        listener=alice.user, surface="x", step="live", song_ids=[songs[0].pk]
    )
    shown.outcomes.create(song=songs[0], kind="click", position=1)
    compared = Experiment.objects.create(name="E", kind="interleaving")
    InterleavedDraft.objects.create(
        experiment=compared,
        listener=alice.user,
        day=timezone.localdate(),
        shown_at=timezone.now(),
        teams={songs[0].pk: 1},
    )
    file = {"content": "listens", "format": "lastfm", "file_name": "x.csv"}
    ImportRun.objects.create(**file, listener=alice.user)
    version = ModelVersion.objects.create(
        artifact="none", size_bytes=0, n_listeners=0, n_songs=0, n_interactions=0, fit_seconds=0
    )
    RecommendationList.objects.create(
        listener=alice.user, version=version, items={}, generation=0, computed_at=timezone.now()
    )
    body = recorder.encode({"format": recorder.FORMAT, "made": []})
    ServedRecord.objects.create(
        listener=alice.user,
        version=version,
        step="live",
        n_songs=1,
        sha256=hashlib.sha256(body).hexdigest(),
        data=zlib.compress(body),
    )
    Song.objects.create(key="own", title="Own", artist=songs[0].artist, brought_by=alice.user)
    server = MusicServer.objects.create(name="attic", address="http://127.0.0.1:1")
    ServerAccount.objects.create(
        server=server, user=alice.user, account_name="al", secret="very secret"
    )
    SharedReview.objects.create(listener=alice.user, year=2026)
    blends.create_blend(alice.user, "Ours")
    deletion_receipts.issue_receipt(ForgettingReceipt.Kind.LISTENS, 1, alice.user.pk)
    alice.prefix = "/1/"
    alice.post("submit-listens", {"listen_type": "playing_now", "payload": [playing()]})
    alice.post("latest-import", {"ts": 1_700_000_000})
    alice.prefix = "/api/v1/"
    data = alice.get("me/export/").body
    assert [name for name in EXPORTED.values() if not data[name]] == []
    assert "very secret" not in str(data)
    assert data["interleaved_drafts"][0]["teams"] == {"song_0": 1}
    (seen,) = data["shown_lists"]
    assert (seen["songs"], seen["outcomes"][0]["kind"]) == (["song_0"], "click")


def test_taste_shows_the_parts_of_a_history_and_takes_moods(world):
    taste = world.alice.get("me/taste/").body
    assert taste["discovery"] == 0.5
    assert sum(cluster["percent"] for cluster in taste["parts"]) == pytest.approx(
        100, abs=len(taste["parts"])
    )
    cluster_id = taste["parts"][0]["id"]
    changed = world.alice.patch(
        "me/taste/", {"discovery": 0.9, "moods": [{"part": cluster_id, "mood": "mute"}]}
    ).body
    assert changed["discovery"] == 0.9
    assert changed["parts"][0]["mood"] == "mute"
    assert world.alice.patch("me/taste/", {"discovery": 2}).status == 400
    assert (
        world.alice.patch("me/taste/", {"moods": [{"part": "nothing", "mood": "mute"}]}).status
        == 400
    )


def test_who_went_is_learned_from_no_more(world):
    """T63: no list of theirs is left, their token is dead, and the next model has one listener less."""
    n_before, owner = world.version.n_listeners, world.alice.user.pk
    with_password(world.alice.user)
    assert world.alice.delete("me/?confirm=alice", {"password": WORDS}).status == 204
    assert world.alice.get("recommendations/").status == 401
    assert not RecommendationList.objects.filter(listener=owner).exists()
    run = pipeline.run_training(
        training_requests.request_training(preset="classic", trigger="command").pk, "test"
    )
    assert run.version.n_listeners == n_before - 1


def test_whoever_wants_no_personalisation_is_not_learned_from(world):
    """T63: the switch does for the next model what leaving does."""
    n_before = world.version.n_listeners
    world.alice.patch("me/", {"personalised": False})
    run = pipeline.run_training(
        training_requests.request_training(preset="classic", trigger="command").pk, "test"
    )
    assert run.version.n_listeners == n_before - 1
