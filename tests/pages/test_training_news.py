"""A training that starts by itself after an import, as its listener reads about it."""

import json
from datetime import date, timedelta

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.utils import timezone
from django.utils.formats import date_format

from accounts.models import User
from catalog.imports import import_jobs
from catalog.models import ImportRun, Interaction
from recommendations import tasks
from recommendations.models import TrainingRun
from recommendations.services.training import news, pipeline
from tests.pages.conftest import signed_in

SAID = "A training has started by itself to learn from what is new in your history."


@pytest.fixture(autouse=True)
def _own_folder(settings, tmp_path):
    settings.UPLOADS_DIR = tmp_path


def bring(browser, n_plays: int) -> ImportRun:
    """Import the plays of one history file as a worker does."""
    plays = [
        {
            "ts": f"2024-05-{1 + n % 28:02d}T{n % 24:02d}:03:00Z",
            "ms_played": 180_000,
            "master_metadata_track_name": f"Song {n % 30}",
            "master_metadata_album_artist_name": f"Band {n % 6 + 1}",
            "reason_end": "trackdone",
        }
        for n in range(n_plays)
    ]
    content = SimpleUploadedFile("Streaming_History_Audio_1.json", json.dumps(plays).encode())
    assert browser.post("/library/imports/", {"file": content}).status_code == 302
    run = ImportRun.objects.latest("pk")
    import_jobs.run_import(run.pk)
    return run


@pytest.fixture
def wake_ups(monkeypatch):
    """Collect the wake-ups of `retrain_when_due` that would go to a worker."""
    sent = []
    monkeypatch.setattr(tasks.retrain_when_due, "apply_async", lambda **_: sent.append(1))
    return sent


def start_progress(run: TrainingRun, progress: float, seconds: int) -> None:
    TrainingRun.objects.filter(pk=run.pk).update(
        status="running", progress=progress, started_at=timezone.now() - timedelta(seconds=seconds)
    )


def test_an_import_has_a_worker_look_whether_a_training_is_due(
    alice, world, wake_ups, django_capture_on_commit_callbacks
):
    with django_capture_on_commit_callbacks(execute=True):
        bring(alice, 100)
    assert len(wake_ups) == 1
    with django_capture_on_commit_callbacks(execute=True):
        bring(alice, 100)  # the same file: nothing is new
    assert len(wake_ups) == 1


def test_a_site_without_a_model_trains_from_twenty_plays_on(alice, world):
    n_before = Interaction.objects.count()
    assert n_before < tasks.FIRST_INTERACTIONS
    assert tasks.retrain_when_due() == f"{n_before} new"
    bring(alice, tasks.FIRST_INTERACTIONS)
    tasks.retrain_when_due()
    run = TrainingRun.objects.active().get()
    assert run.trigger == TrainingRun.Trigger.NEW_LISTENS


def test_home_and_the_import_say_that_a_training_runs_and_how_long_it_takes(alice, world, bob):
    brought = bring(alice, 100)
    tasks.retrain_when_due()
    run = TrainingRun.objects.active().get()
    pages = ("/", f"/library/imports/{brought.pk}/")
    for path in pages:
        html = alice.get(path).content.decode()
        assert SAID in html
        assert "left" not in html.split('id="training"')[1].split("</div>")[0]
    start_progress(run, 0.25, 20 * 60)
    for path in pages:
        html = alice.get(path).content.decode()
        # a quarter took 20 minutes, so three quarters take 60
        assert "25 % · about 60 minutes left" in html
    # Bob brought nothing
    assert SAID not in bob.get("/").content.decode()


def test_the_dashboard_says_who_started_it_and_the_time_left(alice, world):
    bring(alice, 100)
    tasks.retrain_when_due()
    start_progress(TrainingRun.objects.active().get(), 0.5, 30 * 60)
    html = signed_in(User.objects.create_superuser("olga")).get("/admin/").content.decode()
    assert "Started by: enough new listens." in html
    assert "Time left: 30 min" in " ".join(html.split())


def test_when_it_is_done_the_page_leads_to_the_new_lists(alice, world, settings, tmp_path):
    settings.ARTIFACTS_DIR = tmp_path / "artifacts"
    settings.ARTIFACTS_DIR.mkdir()
    bring(alice, 100)
    tasks.retrain_when_due()
    run = TrainingRun.objects.active().get()
    ask = {"path": f"/training/{run.pk}/", "headers": {"HX-Request": "true"}}
    assert SAID in alice.get(**ask).content.decode()
    TrainingRun.objects.filter(pk=run.pk).update(options={"precompute": False, "evaluate": False})
    assert pipeline.run_training(run.pk).status == "succeeded"
    html = alice.get(**ask).content.decode()
    assert "The training is done: your lists have learned from what is new." in html
    assert 'href="/"' in html
    assert "every 3s" not in html
    assert SAID not in alice.get("/").content.decode()
    assert alice.get(f"/training/{run.pk}/")["Location"] == "/"


def test_a_training_that_failed_is_no_news(alice, world):
    bring(alice, 100)
    tasks.retrain_when_due()
    run = TrainingRun.objects.active().get()
    TrainingRun.objects.filter(pk=run.pk).update(status="failed")
    html = alice.get(f"/training/{run.pk}/", headers={"HX-Request": "true"}).content.decode()
    assert html.strip() == ""


@pytest.mark.parametrize(
    ("seconds", "expected"),
    [(None, ""), (1, "about 5 seconds left"), (58, "about 60 seconds left"), (150, "about 2 minutes left")],
)  # fmt: skip
def test_the_time_left_is_rounded_as_people_say_it(seconds, expected):
    assert news.describe_time_left(seconds) == expected


def test_the_import_says_what_came_in(alice, world):
    """100 plays of 30 songs by 6 bands, the bands in turn: Band 1 to 4 were played 17 times, 5 and 6 16 times."""
    run = bring(alice, 100)
    html = " ".join(alice.get(f"/library/imports/{run.pk}/").content.decode().split())
    assert "100 plays" in html
    assert "30 songs" in html
    assert f"since {date_format(date(2024, 5, 1), 'DATE_FORMAT')}" in html
    assert "Band 1, Band 2, Band 3, Band 4, Band 5" in html
    assert '<a class="button primary" href="/">Your new lists</a>' in html
