"""A history file on the web: uploaded, watched, looked over, undone."""

import json

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from accounts.models import User
from catalog.conf import catalog_conf
from catalog.imports import import_jobs
from catalog.models import ImportRun, Interaction, Song

INDEX = "/library/imports/"


def play(day, **changed):
    return {
        "ts": f"2024-05-{day:02d}T10:03:00Z",
        "ms_played": 180_000,
        "master_metadata_track_name": f"Song of day {day}",
        "master_metadata_album_artist_name": "Somebody",
        "reason_end": "trackdone",
    } | changed


@pytest.fixture(autouse=True)
def _own_folder(settings, tmp_path):
    settings.UPLOADS_DIR = tmp_path


def upload(browser, plays, name="Streaming_History_Audio_2024_1.json"):
    content = json.dumps(plays).encode() if isinstance(plays, list) else plays
    return browser.post(INDEX, {"file": SimpleUploadedFile(name, content)})


def import_plays(browser, plays) -> ImportRun:
    assert upload(browser, plays).status_code == 302
    run = ImportRun.objects.get()
    import_jobs.run_import(run.pk)
    run.refresh_from_db()
    return run


def find_history(name):
    return Interaction.objects.filter(listener__username=name, source="spotify-extended")


def test_a_file_is_taken_in_and_shown_until_it_is_through(alice, world):
    answer = upload(alice, [play(1), play(2)])
    run = ImportRun.objects.get()
    assert answer["Location"] == f"{INDEX}{run.pk}/"
    waiting = alice.get(answer["Location"]).content.decode()
    assert 'hx-trigger="every 2s"' in waiting  # asks again by itself
    assert 'http-equiv="refresh"' in waiting  # and without JavaScript
    assert "Stop the import" in waiting
    fragment = alice.get(answer["Location"], headers={"HX-Request": "true"})
    assert "<html" not in fragment.content.decode()
    import_jobs.run_import(run.pk)
    assert alice.get(answer["Location"], headers={"HX-Request": "true"})["HX-Refresh"] == "true"
    over = alice.get(answer["Location"]).content.decode()
    assert "2 rows read: 2 added, 0 known already, 0 rejected." in over
    assert 'hx-trigger="every' not in over
    assert "Undo" in over
    assert "Streaming_History_Audio_2024_1.json" in alice.get(INDEX).content.decode()


def test_every_rejected_row_is_listed_with_its_reason(alice, world):
    broken = [play(1, ts=None)] * 150
    run = import_plays(alice, [play(1), *broken])
    first = alice.get(f"{INDEX}{run.pk}/").content.decode()
    second = alice.get(f"{INDEX}{run.pk}/?page=2").content.decode()
    assert first.count("the time is missing") == 100
    assert second.count("the time is missing") == 50
    assert "<td>151</td>" in second


def test_an_import_is_undone_with_the_songs_it_brought(alice, world):
    n_songs = Song.objects.count()
    run = import_plays(alice, [play(1), play(2)])
    assert Song.objects.count() == n_songs + 2
    alice.post(f"{INDEX}{run.pk}/undo/")
    assert find_history("alice").count() == 0
    assert Song.objects.count() == n_songs
    assert ImportRun.objects.get().status == ImportRun.Status.UNDONE


def test_an_import_is_stopped(alice, world):
    upload(alice, [play(1)])
    run = ImportRun.objects.get()
    alice.post(f"{INDEX}{run.pk}/undo/")
    assert ImportRun.objects.get().status == ImportRun.Status.QUEUED  # stop it first
    alice.post(f"{INDEX}{run.pk}/cancel/")
    assert ImportRun.objects.get().status == ImportRun.Status.CANCELLED
    assert import_jobs.run_import(run.pk) is None


@pytest.mark.parametrize("content", [b"hello", b"\x00" * 100, b"[]", b'{"a": 1}'])
def test_what_is_no_history_ends_with_a_sentence(alice, world, content):
    """T50."""
    assert upload(alice, content, "../../<b>hello</b>.txt").status_code == 302
    run = ImportRun.objects.get()
    import_jobs.run_import(run.pk)
    page = alice.get(f"{INDEX}{run.pk}/").content.decode()
    assert 'class="note error"' in page
    assert "<b>hello" not in page


def test_an_empty_file_is_refused_with_a_sentence(alice, world):
    """T50."""
    assert 'class="errorlist"' in upload(alice, b"").content.decode()
    assert ImportRun.objects.count() == 0


def test_a_listener_fills_no_disk(alice, world):
    for day in range(1, catalog_conf.import_waiting + 2):
        upload(alice, [play(day)])
    assert ImportRun.objects.count() == catalog_conf.import_waiting


def test_nobody_sees_stops_or_undoes_what_another_one_imported(alice, bob):
    """T36."""
    run = import_plays(alice, [play(1)])
    assert bob.get(f"{INDEX}{run.pk}/").status_code == 404
    for what in ("cancel", "undo"):
        assert bob.post(f"{INDEX}{run.pk}/{what}/").status_code == 404
    assert "Streaming_History" not in bob.get(INDEX).content.decode()
    assert find_history("alice").count() == 1


def test_it_takes_an_account_and_the_csrf_token(world):
    """T39."""
    assert Client().get(INDEX)["Location"].startswith("/login/")
    browser = Client(enforce_csrf_checks=True)
    browser.force_login(User.objects.get(username="alice"))
    assert upload(browser, [play(1)]).status_code == 403
    assert ImportRun.objects.count() == 0
