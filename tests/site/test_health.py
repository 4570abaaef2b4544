"""The probes: /healthz for the process, /readyz for what serving needs."""

import threading
from datetime import timedelta
from pathlib import Path

import pytest
from django.db import connection
from django.db.migrations.recorder import MigrationRecorder
from django.utils import timezone

from musicrec_site.ops import health
from recommendations.models import Activation, ModelVersion, WorkerHeartbeat
from recommendations.services.operations import health_checks


@pytest.fixture
def make_version(settings, tmp_path):
    """Return a function that registers a version with a manifest on disk."""
    settings.ARTIFACTS_DIR = tmp_path

    def make(name="one", *, active=True):
        (tmp_path / name).mkdir()
        (tmp_path / name / "manifest.json").write_text("{}")
        sha256 = "44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a"  # of "{}"
        return ModelVersion.objects.create(
            preset="classic",
            artifact=name,
            manifest_sha256=sha256,
            is_active=active,
            size_bytes=2,
            n_listeners=1,
            n_songs=1,
            n_interactions=1,
            fit_seconds=0.1,
        )

    return make


def pulse(seen_at, *queues):
    queues = list(queues or health_checks.QUEUES)
    WorkerHeartbeat.objects.create(
        worker=str(queues), queues=queues, started_at=seen_at, seen_at=seen_at
    )


def test_it_says_that_the_process_runs_without_asking_the_database(client):
    answer = client.get("/healthz", HTTP_HOST="10.0.0.7:8000")  # a probe calls by address

    assert (answer.status_code, answer.json()) == (200, {"status": "ok"})


@pytest.mark.django_db(transaction=True)
def test_a_new_site_is_ready_but_says_that_nobody_works(client):
    answer = client.get("/readyz")

    assert answer.status_code == 200
    assert answer.json()["status"] == "degraded"
    assert answer.json()["checks"]["model"]["status"] == "ok"
    assert answer.json()["checks"]["worker"] == {"status": "degraded", "detail": "none is at work"}


@pytest.mark.django_db(transaction=True)
def test_a_site_with_a_worker_and_a_model_is_ready(client, make_version):
    make_version()
    pulse(timezone.now())

    answer = client.get("/readyz")

    assert (answer.status_code, answer.json()["status"]) == (200, "ok")


@pytest.mark.django_db(transaction=True)
def test_a_missing_migration_is_not_ready(client):
    MigrationRecorder(connection).record_unapplied("catalog", "0001_initial")
    try:
        answer = client.get("/readyz")
    finally:
        MigrationRecorder(connection).record_applied("catalog", "0001_initial")

    assert answer.status_code == 503
    assert answer.json()["checks"]["migrations"]["detail"] == "1 not applied"


def test_a_database_that_hangs_is_told_while_it_hangs(client, monkeypatch):
    """T61: while the first probe still waits, the next are answered at once."""
    is_back = threading.Event()
    monkeypatch.setattr(health, "check_database", is_back.wait)
    probe = health.Probe()

    first, second = probe.list_findings(), probe.list_findings()

    is_back.set()
    assert health_checks.find_worst(first) == health_checks.find_worst(second) == "failed"


@pytest.mark.django_db
class TestTheModel:
    def test_damaged_files_of_the_active_version_are_told(self, make_version, settings):
        """T05"""
        version = make_version()
        (Path(settings.ARTIFACTS_DIR) / version.artifact / "manifest.json").write_text('{"a": 1}')

        assert health_checks.check_model().status == "degraded"
        assert version.name in health_checks.check_model().detail

    def test_a_roll_back_after_a_broken_version_is_told(self, make_version):
        """T05"""
        version = make_version()
        Activation.objects.create(version=version, reason=Activation.Reason.BROKEN)

        assert "a later one was broken" in health_checks.check_model().detail

    def test_no_active_version_where_there_was_one_is_told(self, make_version):
        Activation.objects.create(
            version=make_version(active=False), reason=Activation.Reason.BY_HAND
        )

        assert health_checks.check_model().status == "degraded"


@pytest.mark.django_db
def test_a_worker_that_fell_silent_is_told_with_its_age():
    seen_at = timezone.now() - timedelta(seconds=300)
    pulse(seen_at)

    assert health_checks.check_worker().detail == "last heard of 300 s ago"
    assert "celery" in health_checks.check_worker().cure


@pytest.mark.django_db
def test_a_queue_that_nobody_works_on_is_told_by_name():
    """The worker for trainings is gone, the other one lives: trainings would wait without a word."""
    pulse(timezone.now(), "default", "imports", "lists", "mail")
    pulse(timezone.now() - timedelta(seconds=300), "training")

    finding = health_checks.check_worker()
    assert (finding.status, finding.detail) == ("degraded", "nobody works on the queue training")
    assert "-Q training" in finding.cure
    WorkerHeartbeat.objects.filter(queues=["training"]).update(seen_at=timezone.now())
    assert health_checks.check_worker().status == "ok"
