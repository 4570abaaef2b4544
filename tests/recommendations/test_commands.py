"""The commands as an operator types them."""

import json
import logging
import os
import re
import subprocess
import sys
from dataclasses import replace

import pytest
from django.core.management import CommandError, call_command

from common.commands.progress_bars import show_progress_bar
from common.commands.sentences import PlainCommand, ResumableCommand
from recommendations.engine import PRESETS
from recommendations.management.output import SentenceCommand
from recommendations.services.versions import registry
from tests.recommendations.conftest import N_SONGS, train


def run_command(capsys, *command: str) -> str:
    call_command(*command)
    return capsys.readouterr().out


def test_train_model_says_what_it_did(world, capsys):
    text = run_command(capsys, "train_model", "--no-precompute")
    assert text.strip().endswith(f"{registry.require_active().name} is trained.")


@pytest.mark.parametrize(
    ("kind", "sentence"),
    [
        (PlainCommand, "Stopped."),
        (SentenceCommand, "Stopped."),
        (ResumableCommand, "Stopped; the same command goes on from here."),
    ],
)
def test_a_command_that_is_stopped_says_so_and_ends_as_ctrl_c_does(kind, sentence):
    class Endless(kind):
        def handle(self, *args, **options):
            raise KeyboardInterrupt

    with pytest.raises(CommandError) as stopped:
        call_command(Endless())
    assert (str(stopped.value), stopped.value.returncode) == (sentence, 130)


def test_recommend_prints_songs_with_their_reasons(version, capsys):
    text = run_command(capsys, "recommend", "--listener", "user_00001", "--top-k", "3")
    assert [line[:4] for line in text.splitlines()[::2]] == ["  1.", "  2.", "  3."]
    assert all("%)" in line for line in text.splitlines()[1::2])


def test_recommend_json_has_shares_that_make_one(version, capsys):
    printed = json.loads(run_command(capsys, "recommend", "--listener", "user_00001", "--json"))
    assert printed["version"] == version.name
    assert len(printed["songs"]) == 10
    for song in printed["songs"]:
        assert sum(song["explanation"]["shares"].values()) == pytest.approx(1)


def test_recommend_from_likes_needs_no_account(version, capsys):
    text = run_command(capsys, "recommend", "--likes", "song_00001, song_00002", "--top-k", "2")
    assert len(text.splitlines()) == 2 * 2


@pytest.mark.parametrize(
    "command", [("recommend", "--listener", "user_00001"), ("similar_songs", "song_00001")], ids=str
)
def test_a_million_songs_are_the_honest_shorter_list(version, capsys, command):
    text = run_command(capsys, *command, "--top-k", "1000000")
    n = int(text.splitlines()[-1].split()[0])
    assert n < N_SONGS
    assert (
        text.splitlines()[-1]
        == f"{n} of 1000000 songs: there are no more to recommend in one list."
    )


@pytest.mark.parametrize(
    ("command", "sentence"),
    [
        (("recommend", "--listener", "nobody"), "There is no listener 'nobody'."),
        (("recommend", "--likes", "song_99999"), "There is no song with the id 'song_99999'."),
        (("recommend", "--likes", " , "), "Give at least one song id"),
        (
            ("recommend", "--listener", "user_00001", "--top-k", "0"),
            "A list has at least 1 song; 0 were asked for.",
        ),
        (("similar_songs", "nothing"), "There is no song with the id 'nothing'."),
        (("similar_songs", "song_00001"), "This site hasn't learned anything yet"),
        (("activate_model", "v7"), "There is no model version 'v7'. The newest are: none yet."),
        (("rollback_model",), "No model version is active yet."),
        (("precompute_recommendations",), "No model version is active yet."),
        (("prune_model_versions", "--keep", "0"), "At least 1 version must stay; 0 was asked for."),
        (("train_model", "--preset", "best"), "There is no preset 'best'"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else None,
)
def test_what_cannot_be_done_is_one_sentence(world, command, sentence):
    with pytest.raises(CommandError) as refused:
        call_command(*command)
    assert sentence in str(refused.value)
    assert "\n" not in str(refused.value)
    assert refused.value.returncode == 1


def test_evaluate_model_has_a_line_for_each_component(version, capsys):
    text = run_command(capsys, "evaluate_model", "--split", "temporal")
    systems = [line.split()[0] for line in text.splitlines()[2:]]
    assert {"recommender", "als", "content", "popularity"} <= set(systems)


@pytest.mark.parametrize("split", ["random", "listener"])
def test_evaluate_model_speaks_json(version, capsys, split):
    report = json.loads(run_command(capsys, "evaluate_model", "--split", split, "--json"))
    assert report["split"] == split
    assert 0 <= report["systems"]["recommender"]["overall"]["ndcg@10"]["mean"] <= 1


def test_another_preset_is_measured_beside_the_active_version(version, capsys, monkeypatch):
    """Paired by listener, on the same split."""
    monkeypatch.setitem(PRESETS, "plain", replace(PRESETS["classic"], name="plain", relevance=1.0))
    printed = json.loads(run_command(capsys, "evaluate_model", "--preset", "plain", "--json"))
    ours, active = (
        each["systems"]["recommender"]["overall"]["map@10"]["mean"]
        for each in (printed, printed["active"])
    )
    difference = printed["active"]["differences"]["map@10"]
    assert difference["mean"] == pytest.approx(ours - active)
    assert difference["low"] <= difference["mean"] <= difference["high"]
    text = run_command(capsys, "evaluate_model", "--preset", "plain")
    assert "The active version's configuration on the same split" in text
    assert "The active version" not in run_command(capsys, "evaluate_model")


def test_roll_back_activate_and_prune(version, capsys):
    train()
    newest = registry.require_active()
    assert run_command(capsys, "rollback_model").strip() == f"{version.name} is active again."
    assert run_command(capsys, "activate_model", newest.name).strip() == f"{newest.name} is active."
    assert run_command(capsys, "prune_model_versions", "--keep", "5").strip() == "Pruned: nothing."


def test_precompute_says_how_many_lists(version, capsys):
    assert (
        run_command(capsys, "precompute_recommendations").strip()
        == f"Computed 40 lists with {version.name}."
    )


def test_evaluate_model_tells_how_the_versions_settings_were_found(version, capsys):
    tuning = {
        "n_judges": 1500,
        "n_hidden": 14_847,
        "chosen": "ranker",
        "trials": [
            {
                "component": "ease",
                "options": {"regularization": 250.0},
                "ndcg@10": 0.18,
                "round": "quick",
            },
            {"component": "als", "options": {"n_factors": 64}, "ndcg@10": 0.15},
            {"component": "ease", "options": {"regularization": 100.0}, "ndcg@10": 0.17},
        ],
        "ndcg@10": {"ease": 0.17, "als": 0.15, "ranker": 0.187},
        "gain_over": {"als": 1.2467, "ease": 1.1},
    }
    version.metadata["tuning"] = tuning
    version.save()
    lines = run_command(capsys, "evaluate_model").splitlines()
    assert lines[-5:] == [
        "Its settings were searched on 14,847 songs hidden from 1,500 listeners; chosen: ranker.",
        "  als        0.1500  n_factors 64",
        "  ease       0.1700  regularization 100.0",
        "  ease       0.1800  regularization 250.0  (quick trial)",
        "The ranker has 0.1870: 1.100 x ease, 1.247 x als.",
    ]
    assert json.loads(run_command(capsys, "evaluate_model", "--json"))["search"] == tuning


def in_a_database_of_its_own(tmp_path, path, *command: str) -> tuple[int, str]:
    """Run a command in a process of its own on a database that nobody has set up; return exit code and stderr."""
    environment = os.environ | {
        "SECRET_KEY": "x",
        "DATABASE_URL": f"sqlite:///{path}",
        "DATA_DIR": str(tmp_path),
    }
    program = [sys.executable, "manage.py", *command]
    done = subprocess.run(program, env=environment, capture_output=True, text=True, check=False)
    return done.returncode, done.stderr


def test_a_database_that_is_not_set_up_is_one_sentence_with_its_cure(tmp_path):
    code, text = in_a_database_of_its_own(
        tmp_path, tmp_path / "empty.sqlite3", "recommend", "--listener", "alice"
    )
    assert code == 1
    assert re.fullmatch(
        r"CommandError: The database is behind this version \(\d+ to go\); run `manage.py migrate` first.\n",
        text,
    )


def test_a_database_that_cannot_be_opened_is_one_sentence(tmp_path):
    code, text = in_a_database_of_its_own(
        tmp_path, tmp_path / "no" / "folder.sqlite3", "train_model"
    )
    assert code == 1
    assert text == (
        "CommandError: The database can't be used (unable to open database file); "
        "`manage.py doctor` says what to do.\n"
    )


def test_a_reader_who_has_seen_enough_is_no_error(installation):
    """`recommend … | head -1` ends without a traceback."""
    installation.manage("seed_demo_data", "--listeners=60", "--songs=80", "--seed=3")
    reading, writing = os.pipe()
    os.close(reading)
    program = [sys.executable, "manage.py", "recommend", "--listener", "user_00001"]
    with os.fdopen(writing) as pipe:
        done = subprocess.run(
            program,
            env=installation.environment,
            stdout=pipe,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
        )
    assert (done.returncode, done.stderr) == (141, "")


def test_log_lines_do_not_tear_the_bar_but_warnings_are_told(caplog):
    log = logging.getLogger("recommendations")
    with caplog.at_level("INFO"):
        with show_progress_bar():
            log.info("v1 is active")
            log.warning("the disk is nearly full")
        log.info("afterwards")
    assert caplog.messages == ["the disk is nearly full", "afterwards"]
