"""Audio features are found by a program that the operator installed: here a small real one in its place."""

import sys
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

from catalog.analysis import analysis_jobs
from catalog.files import scan_jobs
from catalog.models import AnalysisRun, Song, SongAnalysis
from catalog.records import SongRecord
from catalog.songs.resolver import find_or_add_song
from tests.catalog.audio_files import make_flac, make_wav, write
from tests.playback.stand_in_server import connect

pytestmark = pytest.mark.django_db
PROGRAM = Path(__file__).with_name("stand_in_analyser.py")
LOUDNESS = 8000 * 2 / 3.14159265 / 32768
"""Of the made tone: the mean of a sine's absolute value is 2/pi of its height."""


@pytest.fixture(autouse=True)
def _analyser(settings, tmp_path):
    program = tmp_path / "stand-in"
    program.write_text(f'#!/bin/sh\nexec "{sys.executable}" "{PROGRAM}" "$@"\n')
    program.chmod(0o755)
    settings.ANALYSER_COMMAND = f"{program} --format json"
    settings.INCOMING_DIR = tmp_path


@pytest.fixture
def folder(tmp_path):
    folder = tmp_path / "music"
    for name in ("one", "two", "three", "four", "five"):
        write(folder / "Anna Bell" / "Tides" / f"{name}.wav", make_wav(0.5))
    return folder


def scan(folder) -> None:
    scan_jobs.scan_now(scan_jobs.add_folder(str(folder)))


def test_features_are_found_and_carry_their_source(folder):
    scan(folder)
    asked = analysis_jobs.request_analysis()
    run = analysis_jobs.run_analysis(asked.pk)
    assert (run.status, run.n_songs, run.n_done, run.n_failed) == ("succeeded", 5, 5, 0)
    assert run.songs_an_hour > 0 and run.seconds_left == 0
    song = Song.objects.get(title="one")
    assert song.energy == pytest.approx(LOUDNESS, rel=0.01)
    assert (song.valence, song.tempo) == (0.25, 93.5)
    assert (song.liveness, song.danceability) == (None, None)  # what is no share is left out
    assert (song.features_source, song.get_source("energy")) == ("stand-in", "stand-in")


def test_known_values_stay_with_their_source(folder):
    scan(folder)
    song = Song.objects.get(title="one")
    song.learn_features({"energy": 0.9}, "spotify")
    song.save()
    analysis_jobs.run_analysis(analysis_jobs.request_analysis().pk)
    song.refresh_from_db()
    assert (song.energy, song.get_source("energy")) == (0.9, "spotify")
    assert (song.valence, song.get_source("valence")) == (0.25, "stand-in")


@pytest.mark.slow
def test_a_song_it_can_t_read_costs_only_itself(folder, settings):
    settings.ANALYSER_SECONDS = 10
    write(folder / "bad.flac", make_flac({"title": "Unread", "artist": "A"}))
    write(folder / "crash.flac", make_flac({"title": "Crash", "artist": "A"}))
    write(folder / "hang.flac", make_flac({"title": "Hang", "artist": "A"}))
    scan(folder)
    run = analysis_jobs.run_analysis(analysis_jobs.request_analysis().pk)
    assert (run.status, run.n_done, run.n_failed) == ("succeeded", 5, 3)
    problems = dict(SongAnalysis.objects.exclude(problem="").values_list("song__title", "problem"))
    assert problems == {
        "Unread": "it found nothing in the file",
        "Crash": "it ended with code 3",
        "Hang": "it took too long",
    }
    # nor is it asked again until somebody wants that
    assert analysis_jobs.run_analysis(analysis_jobs.request_analysis().pk).n_failed == 0
    assert analysis_jobs.forget_failures() == 3


def test_a_run_works_in_turns_pauses_and_goes_on(folder, monkeypatch):
    monkeypatch.setattr(analysis_jobs, "TOGETHER", 2)
    scan(folder)
    asked = analysis_jobs.request_analysis()
    first = analysis_jobs.run_next_analysis()
    assert first.n_done >= 2
    analysis_jobs.cancel_analysis(first)
    SongAnalysis.objects.all().delete()
    Song.objects.update(energy=None)
    asked = analysis_jobs.request_analysis()
    turn = analysis_jobs.run_analysis(asked.pk, max_seconds=0)
    assert (turn.status, turn.n_done) == (AnalysisRun.Status.QUEUED, 2)
    assert analysis_jobs.set_paused(turn, True)
    assert analysis_jobs.run_next_analysis() is None
    assert analysis_jobs.sweep_analyses().waiting == []
    analysis_jobs.set_paused(turn, False)
    last = analysis_jobs.run_analysis(asked.pk)
    assert (last.status, last.n_done, last.n_songs) == ("succeeded", 5, 5)


def test_a_pause_takes_hold_after_the_songs_at_hand(folder, monkeypatch):
    monkeypatch.setattr(analysis_jobs, "TOGETHER", 1)
    scan(folder)
    asked = analysis_jobs.request_analysis()

    def pause(run):
        analysis_jobs.set_paused(run, True)

    run = analysis_jobs.run_analysis(asked.pk, on_progress=pause)
    assert (run.status, run.is_paused) == (AnalysisRun.Status.QUEUED, True)
    assert run.n_done <= 2


def test_songs_of_a_server_are_copied_and_deleted(stand_in, tmp_path):
    song, _new = find_or_add_song(SongRecord(0, "Lantern", "Ben Moss"))
    stand_in.song = make_wav(0.5)
    item = connect(stand_in, song)
    item.suffix = "wav"
    item.save()
    before = set(tmp_path.iterdir())
    run = analysis_jobs.run_analysis(analysis_jobs.request_analysis().pk)
    song.refresh_from_db()
    assert run.n_done == 1 and song.energy == pytest.approx(LOUDNESS, rel=0.01)
    assert set(tmp_path.iterdir()) == before


def test_there_is_one_analysis_at_a_time(folder):
    scan(folder)
    assert analysis_jobs.request_analysis() == analysis_jobs.request_analysis()


def test_the_command_says_what_it_did_and_what_is_missing(folder, settings, capsys):
    scan(folder)
    call_command("analyse_music")
    assert "5 songs analysed, 0 failed" in capsys.readouterr().out
    for command, reason in (
        ("", "No analyser is set"),
        ("no-such-program -x", "is not installed"),
        ("'", "can't be read"),
    ):
        settings.ANALYSER_COMMAND = command
        with pytest.raises(CommandError, match=reason):
            call_command("analyse_music")


def test_what_is_no_json_is_a_failure_with_its_reason(folder, settings):
    scan(folder)
    settings.ANALYSER_COMMAND = "echo"
    run = analysis_jobs.run_analysis(analysis_jobs.request_analysis().pk)
    assert run.n_failed == 5
    assert set(SongAnalysis.objects.values_list("problem", flat=True)) == {
        "what it wrote is no JSON"
    }


def test_an_operator_starts_pauses_and_stops_it_on_the_dashboard(folder, admin_client):
    scan(folder)
    admin_client.post("/admin/catalog/analysisrun/start/")
    run = AnalysisRun.objects.get()
    page = "/admin/catalog/analysisrun/"
    admin_client.post(page, {"action": "pause", "_selected_action": run.pk})
    run.refresh_from_db()
    assert run.is_paused and "paused" in admin_client.get(page).content.decode()
    admin_client.post(page, {"action": "resume", "_selected_action": run.pk})
    admin_client.post(page, {"action": "stop", "_selected_action": run.pk})
    run.refresh_from_db()
    assert (run.is_paused, run.status) == (False, AnalysisRun.Status.CANCELLED)


def test_another_analyser_is_given_what_the_first_one_left(folder, tmp_path, settings):
    """As one that finds the tempo alone beside one that does not."""
    scan(folder)
    run = analysis_jobs.run_analysis(analysis_jobs.request_analysis().pk)
    assert run.n_done == 5
    # the stand-in finds no danceability: once asked, it is not asked again
    assert analysis_jobs.list_waiting_songs().count() == 0
    Song.objects.filter(title="two").update(
        **dict.fromkeys(("danceability", "acousticness", "liveness"), 0.5),
        **dict.fromkeys(("instrumentalness", "speechiness"), 0.5),
    )
    other = tmp_path / "dancer"
    other.write_text(
        f"#!{sys.executable}\nimport json, sys\n"
        'print(json.dumps([{"path": one, "danceability": 0.75, "tempo": 200} for one in sys.argv[1:]]))\n'
    )
    other.chmod(0o755)
    settings.ANALYSER_COMMAND = str(other)
    assert analysis_jobs.list_waiting_songs().count() == 4  # "two" lacks nothing
    run = analysis_jobs.run_analysis(analysis_jobs.request_analysis().pk)
    assert (run.status, run.n_done) == ("succeeded", 4)
    song = Song.objects.get(title="one")
    assert (song.danceability, song.get_source("danceability")) == (0.75, "dancer")
    assert (song.tempo, song.get_source("tempo")) == (93.5, "stand-in")  # known values stay
    assert SongAnalysis.objects.filter(analyser="dancer").count() == 4
    assert analysis_jobs.list_waiting_songs().count() == 0
