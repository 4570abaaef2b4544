"""Nothing grows for ever: what is over is deleted, and everything that is stored has a bound that is shown."""

import os
import time
from datetime import timedelta

import pytest
from django.apps import apps
from django.contrib.admin.models import CHANGE, LogEntry
from django.contrib.contenttypes.models import ContentType
from django.core.cache import cache
from django.core.management import call_command
from django.db import connection
from django.test import Client
from django.utils import timezone

from accounts import tokens
from accounts.models import ApiToken, AttemptCount, Session, User
from catalog.models import Artist, ImportRun, Interaction, Playlist, RejectedImportRow, Song
from common import retention as steps
from musicrec_site.ops import retention
from recommendations.models import (
    BackgroundJob,
    Experiment,
    Impression,
    ModelVersion,
    RecommendationList,
    TrainingRun,
    WorkerHeartbeat,
)
from recommendations.services.operations import storage

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def folders(settings, tmp_path):
    settings.UPLOADS_DIR, settings.INCOMING_DIR = tmp_path / "uploads", tmp_path / "incoming"
    settings.DATA_DIR = tmp_path
    settings.BROKER_DIR, settings.ARTIFACTS_DIR = tmp_path / "broker", tmp_path / "artifacts"
    settings.CELERY_BROKER_URL = "filesystem://localhost//"
    for folder in (settings.UPLOADS_DIR, settings.INCOMING_DIR, settings.BROKER_DIR / "messages"):
        folder.mkdir(parents=True)
    settings.ARTIFACTS_DIR.mkdir()
    return tmp_path


@pytest.fixture
def alice():
    return User.objects.create_user("alice")


def days_ago(n: float):
    return timezone.now() - timedelta(days=n)


def set_moments(model, row, **moments):
    model.objects.filter(pk=row.pk).update(**moments)
    return row


def file(path, *, days: float):
    path.write_text("x")
    then = time.time() - days * 86_400
    os.utime(path, (then, then))
    return path


def version(**fields) -> ModelVersion:
    return ModelVersion.objects.create(
        preset="classic", artifact=f"a{ModelVersion.objects.count()}", manifest_sha256="0" * 64, size_bytes=1,
        n_listeners=1, n_songs=1, n_interactions=1, fit_seconds=0.1, **fields,
    )  # fmt: skip


def test_sessions_tokens_and_attempts_go_when_they_ran_out(alice, settings):
    """T79"""
    for expires in (days_ago(1), days_ago(-1)):
        Session.objects.create(session_key=str(expires)[:40], session_data="x", expire_date=expires)
    for days in (settings.__dict__.get("EXPIRED_TOKENS_DAYS", 30) + 1, 1, -1):
        token = tokens.create_token(alice, f"{days}", ["read"]).token
        ApiToken.objects.filter(pk=token.pk).update(expiry=days_ago(days))
    AttemptCount.objects.create(key="old", n=3, until=days_ago(0.01))
    AttemptCount.objects.create(key="new", n=3, until=days_ago(-0.01))
    kind = ContentType.objects.get_for_model(User)
    for days in (400, 10):
        entry = LogEntry.objects.create(
            user=alice, content_type=kind, object_id="1", object_repr=f"{days}", action_flag=CHANGE
        )
        set_moments(LogEntry, entry, action_time=days_ago(days))
    deleted = retention.delete_expired()
    assert {name: deleted[name] for name in ("sessions", "access tokens", "attempts", "admin log")} == {
        "sessions": 1, "access tokens": 1, "attempts": 1, "admin log": 1,
    }  # fmt: skip
    assert Session.objects.count() == 1
    assert set(ApiToken.objects.values_list("name", flat=True)) == {"1", "-1"}
    assert AttemptCount.objects.get().key == "new"
    assert LogEntry.objects.get().object_repr == "10"


def test_rejected_rows_and_imports_without_effect_go_and_others_stay(alice):
    """T79: what can be undone stays as long as what it added."""

    def create_ended_run(days: int, **fields) -> ImportRun:
        run = ImportRun.objects.create(
            content="listens", format="csv", file_name=f"{days}", listener=alice,
            finished_at=days_ago(days), **({"status": ImportRun.Status.SUCCEEDED} | fields),
        )  # fmt: skip
        RejectedImportRow.objects.create(import_run=run, line=1, reason="x")
        return run

    useful, useless, recent = (
        create_ended_run(200),
        create_ended_run(200, status=ImportRun.Status.FAILED),
        create_ended_run(10),
    )
    running = create_ended_run(200, status=ImportRun.Status.RUNNING)
    artist = Artist.objects.create(name="A")
    song = Song.objects.create(key="s", title="T", artist=artist)
    Interaction.objects.create(
        listener=alice, song=song, source="x", kind=Interaction.Kind.PLAY, import_run=useful
    )
    deleted = retention.delete_expired()
    assert (deleted["rejected rows"], deleted["imports"]) == (2, 1)
    assert set(ImportRun.objects.all()) == {useful, recent, running}
    assert useless not in ImportRun.objects.all()
    assert set(RejectedImportRow.objects.values_list("import_run", flat=True)) == {
        recent.pk,
        running.pk,
    }


def test_stray_files_go_and_those_of_waiting_imports_stay(alice, settings):
    """T75, T79"""
    waiting = file(settings.UPLOADS_DIR / "waiting.upload", days=9)
    ImportRun.objects.create(
        content="listens", file_name="f", listener=alice, stored_path=str(waiting)
    )
    stray, new = (
        file(settings.UPLOADS_DIR / "stray", days=3),
        file(settings.UPLOADS_DIR / "new", days=0),
    )
    half = file(settings.INCOMING_DIR / "half", days=3)
    messages = settings.BROKER_DIR / "messages"
    old, kept = file(messages / "1.lists.msg", days=4), file(messages / "2.mail.msg", days=1)
    deleted = retention.delete_expired()
    assert (deleted["uploads"], deleted["incoming files"], deleted["messages"]) == (1, 1, 1)
    assert [path.exists() for path in (waiting, new, kept)] == [True] * 3
    assert [path.exists() for path in (stray, half, old)] == [False] * 3


def test_events_go_and_those_of_an_experiment_stay_until_it_is_over(alice):
    """T79"""
    shown = {}
    for name, days, arm in (("old", 181, None), ("new", 10, None), ("arm", 181, "x")):
        impression = Impression.objects.create(listener=alice, surface=name, step="live", arm=arm)
        shown[name] = set_moments(Impression, impression, shown_at=days_ago(days))
    experiment = Experiment.objects.create(
        name="E", state=Experiment.State.RUNNING, started_at=days_ago(190)
    )
    assert retention.delete_expired()["events"] == 1
    assert set(Impression.objects.values_list("surface", flat=True)) == {"new", "arm"}
    Experiment.objects.filter(pk=experiment.pk).update(state=Experiment.State.PROMOTED)
    assert retention.delete_expired()["events"] == 1


def test_training_logs_old_trainings_jobs_lists_playlists_and_workers_go(alice):
    """T79"""
    over = {"status": "succeeded", "trigger": "command", "preset": "classic", "log": "much"}
    with_version = TrainingRun.objects.create(**over, finished_at=days_ago(400))
    TrainingRun.objects.create(**over, finished_at=days_ago(400))
    TrainingRun.objects.create(**over, finished_at=days_ago(5))
    current = version(training_run=with_version)
    pruned = version(state=ModelVersion.State.PRUNED)
    for one, days in ((current, 5), (pruned, 5)):
        RecommendationList.objects.create(
            listener=alice, version=one, items={}, computed_at=days_ago(days)
        )
    away = User.objects.create_user("away")
    RecommendationList.objects.create(
        listener=away, version=current, items={}, computed_at=days_ago(70)
    )
    for days in (100, 5):
        BackgroundJob.objects.create(kind="trends", status="succeeded", finished_at=days_ago(days))
    for kind, days in (("daily-mix", 8), ("daily-mix", 1), ("", 900)):
        kinds = Playlist.Kind
        chosen = kinds.DAILY_MIX if kind else Playlist._meta.get_field("kind").default
        playlist = Playlist.objects.create(
            owner=away, title=f"{days}", kind=chosen, period=f"{days}"
        )
        set_moments(Playlist, playlist, created_at=days_ago(days))
    WorkerHeartbeat.objects.create(worker="gone", started_at=days_ago(9), seen_at=days_ago(2))
    deleted = retention.delete_expired()
    names = (
        "training logs",
        "trainings",
        "background jobs",
        "lists",
        "generated playlists",
        "workers",
    )
    assert [deleted[name] for name in names] == [2, 1, 1, 2, 1, 1]
    assert TrainingRun.objects.get(pk=with_version.pk).log == ""
    assert RecommendationList.objects.get().listener == alice
    assert set(Playlist.objects.values_list("title", flat=True)) == {"1", "900"}


def test_much_is_deleted_in_steps(alice, monkeypatch):
    monkeypatch.setattr(steps, "DELETED_TOGETHER", 3)
    for number in range(10):
        Session.objects.create(session_key=f"{number}", session_data="x", expire_date=days_ago(1))
    assert steps.delete_in_steps(Session.objects.all()) == 10
    assert not Session.objects.exists()


def test_what_is_kept_meanwhile_stays(alice):
    """What was over when it was read was deleted, though the listener had kept it since."""
    sessions = [
        Session.objects.create(session_key=str(n), session_data="", expire_date=timezone.now())
        for n in range(3)
    ]
    over = Session.objects.filter(expire_date__lte=timezone.now())

    def keep_one(execute, sql, params, many, context):
        answer = execute(sql, params, many, context)
        if "LIMIT" in sql:
            later = timezone.now() + timedelta(days=1)
            Session.objects.filter(pk=sessions[0].pk).update(expire_date=later)
        return answer

    with connection.execute_wrapper(keep_one):
        assert steps.delete_in_steps(over) == 2
    assert Session.objects.get() == sessions[0]


def test_the_command_says_what_it_deleted(alice, capsys):
    Session.objects.create(session_key="x", session_data="x", expire_date=days_ago(1))
    call_command("delete_expired")
    assert "1 sessions" in capsys.readouterr().out


def test_it_runs_every_night():
    from django_celery_beat.models import PeriodicTask

    assert PeriodicTask.objects.get(task="musicrec_site.tasks.delete_expired").enabled


def test_every_table_has_a_bound_that_is_shown():
    """T79: a new table must say what limits it."""
    without = [
        model._meta.db_table
        for model in apps.get_models(include_auto_created=True)
        if not any(group.holds(model._meta.db_table) for group in storage.GROUPS)
    ]
    assert without == []


def test_the_dashboard_shows_how_large_everything_is_and_what_bounds_it(alice):
    """T79"""
    cache.clear()
    boss = User.objects.create_superuser("boss", password="x")
    browser = Client()
    browser.force_login(boss)
    page = browser.get("/admin/dashboard/settings/").content.decode()
    for size in storage.list_sizes():
        assert size.name in page
        assert size.bound
    assert "180 days" in page
    assert all(size.n_bytes is not None for size in storage.list_sizes()[: len(storage.GROUPS)])
    accounts = next(size for size in storage.list_sizes() if size.name == "Accounts")
    assert accounts.n_bytes > 0


def test_what_a_killed_backup_restore_or_analysis_left_goes(folders):
    """T79: a copy of the whole database, with accounts that were deleted since, stayed for good each time."""
    left = {
        "backups/.backup-old/contents/database.sqlite3": 2,
        "backups/.backup-new/contents/database.sqlite3": 0.5,
        "backups/musicrec-20200101-000000.tar": 400,
        ".restore-old/backup.json": 2,
        "incoming/tmpold/song.flac": 3,
        "incoming/tmpnew/song.flac": 1,
    }
    for name, days in left.items():
        path = folders / name
        path.parent.mkdir(parents=True, exist_ok=True)
        file(path, days=days)
        for parent in path.parents:
            if parent == folders:
                break
            os.utime(parent, (time.time() - days * 86_400,) * 2)
    (folders / "backups" / ".backup-link").symlink_to(folders / "artifacts")
    deleted = retention.delete_expired()
    assert (deleted["unfinished backups"], deleted["incoming folders"]) == (2, 1)
    assert [name for name in left if (folders / name).exists()] == [
        "backups/.backup-new/contents/database.sqlite3",
        "backups/musicrec-20200101-000000.tar",
        "incoming/tmpnew/song.flac",
    ]
