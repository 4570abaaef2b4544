"""Deleting an account: what of its listener is gone, by each way to ask for it, whatever happens meanwhile."""

import uuid
from datetime import timedelta
from pathlib import Path

import pytest
from django.apps import apps
from django.contrib.admin.models import CHANGE, LogEntry
from django.contrib.auth.models import Group, Permission
from django.contrib.contenttypes.models import ContentType
from django.core.cache import cache
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.db.models import ForeignKey
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts import services
from accounts.models import Session, User
from accounts.tokens import create_token
from catalog.imports import import_jobs, import_requests, ingest
from catalog.listening import interactions
from catalog.listening.models import LatestImport, NowPlaying
from catalog.models import (
    Artist,
    EntityTotal,
    ImportRun,
    Interaction,
    MusicServer,
    Playlist,
    ServerAccount,
    Song,
    Submission,
)
from catalog.statistics import sums, year_reviews
from recommendations.models import (
    Activation,
    Experiment,
    ForgettingReceipt,
    Impression,
    InterleavedDraft,
    ListenerControl,
    ListenerState,
    ModelVersion,
    RecommendationList,
    ServedRecord,
    TrainingRun,
)
from recommendations.services.preferences import controls, personalisation, taste, taste_clusters
from recommendations.services.serving import list_cache
from recommendations.services.surfaces import blends, generated_playlists
from recommendations.services.versions import deletion_receipts

pytestmark = pytest.mark.django_db(transaction=True)
NAME, WORDS = "zaphod-of-this-test", "quite-some-words-9"
HISTORY = "artist,album,track,date\nOnly His,,Only Song,01 Jan 2024 12:00\n"


@pytest.fixture
def zaphod() -> User:
    return User.objects.create_user(NAME, f"{NAME}@example.org", WORDS)


@pytest.fixture
def song() -> Song:
    return Song.objects.create(
        key="s1", title="Tide", artist=Artist.objects.create(name="Lola Berg")
    )


def fields_with_a_user():
    """Every foreign key to a user in any table, those of many-to-many relations included."""
    return [
        (model, field)
        for model in apps.get_models(include_auto_created=True)
        for field in model._meta.concrete_fields
        if isinstance(field, ForeignKey) and field.related_model is User and model._meta.managed
    ]


def fill_every_table(user: User, song: Song) -> None:
    """Give the account a row in every table that can hold one. A new table needs one here."""
    create_token(user, "player", ["listen"])
    Song.objects.create(key="own", title="Own", artist=song.artist, brought_by=user)
    group = Group.objects.create(name="operators")
    user.groups.add(group)
    user.user_permissions.add(Permission.objects.first())
    about = ContentType.objects.get_for_model(User)
    LogEntry.objects.create(
        user=user, action_flag=CHANGE, content_type=about, object_id=str(user.pk), object_repr=NAME
    )
    run = ImportRun.objects.create(
        content="listens", format="lastfm", file_name="x.csv", listener=user, requested_by=user
    )
    run.rejected_rows.create(line=1, reason=f"{NAME} is no date")
    Interaction.objects.create(listener=user, song=song, kind=Interaction.Kind.LIKE, source="x")
    Playlist.objects.create(owner=user, title=NAME).items.create(song=song, position=1)
    Submission.objects.create(listener=user, key="once", body_sha256="0" * 64, answer={})
    LatestImport.objects.create(listener=user, service="lastfm", listened_at=timezone.now())
    interactions.record_play(user, song, occurred_at=timezone.now(), source=NAME)
    sums.refresh_sums(user)
    EntityTotal.objects.create(
        listener=user, year=2026, entity=EntityTotal.Entity.SONG, entity_id=song.pk, n_plays=1
    )
    year_reviews.share_review(user, 2026)
    interactions.record_play(user, song, occurred_at=timezone.now() - timedelta(days=1), source="x")
    NowPlaying.objects.create(
        listener=user, msid=uuid.uuid4(), song={"title": NAME}, player="x", ends_at=timezone.now()
    )
    shown = Impression.objects.create(listener=user, surface="x", step="live", song_ids=[song.pk])
    shown.outcomes.create(song=song, kind="click", position=1)
    server = MusicServer.objects.create(name="attic", address="http://127.0.0.1:1")
    ServerAccount.objects.create(server=server, user=user, account_name=NAME, secret="x")
    version = ModelVersion.objects.create(
        artifact="none", size_bytes=0, n_listeners=0, n_songs=0, n_interactions=0, fit_seconds=0
    )
    RecommendationList.objects.create(
        listener=user, version=version, items={}, computed_at=timezone.now()
    )
    ServedRecord.objects.create(
        listener=user, version=version, step="live", n_songs=1, sha256="0" * 64, data=b"damaged"
    )
    Activation.objects.create(version=version, reason=Activation.Reason.BY_HAND, by=user)
    TrainingRun.objects.create(preset="classic", trigger="api", status="failed", requested_by=user)
    compared = Experiment.objects.create(name="x", kind="interleaving", created_by=user)
    InterleavedDraft.objects.create(
        experiment=compared,
        listener=user,
        day=timezone.localdate(),
        shown_at=timezone.now(),
        teams={song.pk: 1},
    )
    deletion_receipts.issue_receipt(ForgettingReceipt.Kind.LISTENS, 1, user.pk)
    blends.create_blend(user, NAME)
    controls.hide_song(user, song)
    controls.hide_artist(user, song.artist)
    taste.set_mood(user, [song.pk], ListenerControl.Kind.MUTE_SONG)
    taste.set_discovery(user, 0.9)
    taste.set_picks(user, artists=[song.artist])
    list_cache.put(list_cache.make_key(user.pk, 1, {}), {"songs": [song.pk]})
    list_cache.keep("musicrec:of-several", [song.pk], 60, [user.pk, user.pk + 1])


def rows_that_name(pk: int) -> list[str]:
    """Return the tables that still point to the account, or hold its name in any column."""
    rows = [
        model._meta.label
        for model, field in fields_with_a_user()
        if model._base_manager.filter(**{field.attname: pk}).exists()
    ]
    rows += [
        f"{model._meta.label} (its name)"
        for model in apps.get_models(include_auto_created=True)
        if model._meta.managed and any(NAME in str(row) for row in model._base_manager.values())
    ]
    sessions = [one.get_decoded() for one in Session.objects.all()]
    return rows + ["a session" for one in sessions if one.get("_auth_user_id") == str(pk)]


def delete_on_the_page(user: User) -> None:
    browser = Client()
    browser.force_login(user)
    answer = browser.post("/settings/delete/", {"password": WORDS})
    assert (answer.status_code, answer["Location"]) == (302, "/")


def delete_by_api(user: User) -> None:
    secret = create_token(user, "test", ["write"]).secret
    client = Client(headers={"Authorization": f"Token {secret}"})
    answer = client.delete(
        f"/api/v1/me/?confirm={NAME}", {"password": WORDS}, content_type="application/json"
    )
    assert answer.status_code == 204, answer.content
    assert client.get("/api/v1/me/").status_code == 401


def delete_in_the_admin(user: User) -> None:
    browser = Client()
    browser.force_login(User.objects.create_superuser("olga"))
    answer = browser.post(f"/admin/accounts/user/{user.pk}/delete/", {"post": "yes"})
    assert answer.status_code == 302, answer.content


def delete_several_in_the_admin(user: User) -> None:
    browser = Client()
    browser.force_login(User.objects.create_superuser("olga"))
    chosen = {"action": "delete_selected", "_selected_action": [user.pk], "post": "yes"}
    assert browser.post("/admin/accounts/user/", chosen).status_code == 302


@pytest.mark.parametrize(
    "delete", [delete_on_the_page, delete_by_api, delete_in_the_admin, delete_several_in_the_admin]
)
def test_an_account_with_rows_in_every_table_goes_without_a_trace(delete, zaphod, song):
    """T63: a delete signal that wrote the listener's state anew answered this with 500, and the account stayed."""
    cache.clear()
    elsewhere = Client()
    elsewhere.force_login(zaphod)
    elsewhere.get("/settings/")
    fill_every_table(zaphod, song)
    empty = [
        f"{model._meta.label}.{field.name}"
        for model, field in fields_with_a_user()
        if not model._base_manager.filter(**{field.name: zaphod}).exists()
    ]
    assert empty == [], "Give the account a row of these in fill_every_table."
    pk = zaphod.pk
    delete(zaphod)
    left = rows_that_name(pk)
    if delete in (delete_in_the_admin, delete_several_in_the_admin):
        left.remove("admin.LogEntry (its name)")  # that an operator deleted it
    assert left == []
    assert cache.get(list_cache.make_key(pk, 1, {})) is None
    assert cache.get("musicrec:of-several") is None
    # a request that was under way when the account went keeps nothing either
    list_cache.put(list_cache.make_key(pk, 2, {}), {"songs": [song.pk]})
    assert cache.get(list_cache.make_key(pk, 2, {})) is None
    assert Song.objects.filter(pk=song.pk).exists()
    assert elsewhere.get("/settings/").status_code == 302


def test_lists_of_an_account_that_is_gone_are_invalidated_by_nothing(zaphod):
    """A late signal writes no state for nobody: its foreign key would end in an error."""
    pk = zaphod.pk
    services.delete_account(zaphod)
    list_cache.invalidate_lists([pk])
    assert not ListenerState.objects.exists()


def upload(user: User) -> ImportRun:
    text = HISTORY + "".join(f"Band {n},,Song {n},02 Jan 2024 12:{n:02}\n" for n in range(20))
    return import_requests.request_import(user, SimpleUploadedFile("lastfm.csv", text.encode()))


def test_an_import_that_waits_goes_with_its_file(zaphod, settings, tmp_path):
    """T75"""
    settings.UPLOADS_DIR = tmp_path
    run = upload(zaphod)
    assert Path(run.stored_path).exists()
    services.delete_account(zaphod)
    assert list(tmp_path.iterdir()) == []
    assert import_jobs.run_import(run.pk) is None
    swept = import_jobs.sweep_imports()
    assert (swept.requeued, swept.failed, swept.waiting) == ([], [], [])


def test_an_import_that_runs_stops_and_leaves_no_song_behind(
    zaphod, song, settings, tmp_path, monkeypatch
):
    """T75: deleted between two chunks; the worker writes nothing more, and nothing of the file stays."""
    settings.UPLOADS_DIR = tmp_path
    monkeypatch.setattr(ingest, "CHUNK", 5)
    run = upload(zaphod)
    n_songs = []

    def delete_after_first_chunk(_run) -> None:
        n_songs.append(Song.objects.count())
        services.delete_account(zaphod)

    assert import_jobs.run_import(run.pk, on_progress=delete_after_first_chunk) is None
    assert n_songs == [1 + 5]
    assert list(Song.objects.values_list("pk", flat=True)) == [song.pk]
    assert list(Artist.objects.values_list("name", flat=True)) == ["Lola Berg"]
    assert list(tmp_path.iterdir()) == []
    assert not ImportRun.objects.exists() and not Interaction.objects.exists()


def test_songs_that_others_heard_stay(zaphod, settings, tmp_path):
    """T75: only what nobody else has goes along."""
    settings.UPLOADS_DIR = tmp_path
    import_jobs.run_import(upload(zaphod).pk)
    other = User.objects.create_user("trillian")
    heard = Song.objects.get(title="Song 7")
    Interaction.objects.create(listener=other, song=heard, kind=Interaction.Kind.PLAY, source="x")
    services.delete_account(zaphod)
    assert list(Song.objects.values_list("title", flat=True)) == ["Song 7"]


def test_playlists_in_the_making_stop_without_an_error(zaphod, song):
    """T75: the account is gone when its playlist is stored; the others still get theirs."""
    draft = generated_playlists.Draft("Jams", "", [generated_playlists.Entry(song)])

    def make_slowly() -> generated_playlists.Draft:
        services.delete_account(User.objects.get(username=NAME))
        return draft

    kind = Playlist.Kind.WEEKLY_JAMS
    assert generated_playlists._get_or_make(zaphod, kind, "2026-W01", make_slowly) is None
    assert not Playlist.objects.exists()


def test_a_write_during_the_deletion_does_not_keep_the_account(zaphod, song, monkeypatch):
    """T78: a like that comes between two of the deleted tables is deleted with the rest at the next try."""
    from accounts.signals import account_closing

    def fail_once(sender, user, **_):
        account_closing.disconnect(fail_once)
        # What the database says at the commit when a row came after its table was emptied.
        raise services.IntegrityError("a row came meanwhile")

    account_closing.connect(fail_once)
    services.delete_account(zaphod)
    assert not User.objects.exists()


# --- One owner of "the lists are outdated" ------------------------------------------------------------


def statements_about_state(queries) -> list[str]:
    table = ListenerState._meta.db_table
    return [
        one["sql"]
        for one in queries
        if one["sql"].startswith("INSERT INTO") and table in one["sql"]
    ]


def test_every_change_of_taste_invalidates_once(zaphod, song, django_assert_max_num_queries):
    """Hiding invalidated the lists by the service and by a signal."""
    changes = [
        lambda: controls.hide_song(zaphod, song),
        lambda: controls.unhide_song(zaphod, song),
        lambda: controls.hide_artist(zaphod, song.artist),
        lambda: taste.set_discovery(zaphod, 0.8),
        lambda: taste.set_picks(zaphod, artists=[song.artist]),
        lambda: personalisation.set_personalised(zaphod, False),
    ]
    for change in changes:
        before = list_cache.read_generation(zaphod.pk)
        with django_assert_max_num_queries(14) as asked:
            change()
        assert list_cache.read_generation(zaphod.pk) == before + 1
        assert len(statements_about_state(asked.captured_queries)) == 1


def test_a_part_of_300_songs_costs_as_few_queries_as_one_of_three(zaphod, song):
    """Resetting it took 607: a signal for every deleted row."""
    songs = Song.objects.bulk_create(
        Song(key=f"many_{n}", title=f"Many {n}", artist=song.artist) for n in range(300)
    )
    costs = []
    for n in (3, 300):
        ids = [one.pk for one in songs[:n]]
        for mood in (ListenerControl.Kind.MUTE_SONG, taste_clusters.NORMAL):
            with CaptureQueriesContext(connection) as asked:
                taste.set_mood(zaphod, ids, mood)
            costs.append(len(asked))
    # SQLite takes 999 values a statement: 300 rows go in with two
    assert max(costs) <= min(costs) + 2 <= 7, costs
