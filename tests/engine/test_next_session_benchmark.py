"""The benchmark of the next session reads an export with times and says what it can measure, or why it can't."""

import json

import numpy as np
import pandas as pd
import pytest

from benchmarks import next_session
from recommendations.engine.evaluation.next_session import SYSTEMS, measure_next_sessions
from recommendations.engine.ranking.repeats import Repeats
from tests.engine.worlds import DAY, NOW

N_DAYS, N_A_DAY = 60, 8


def write_export(path, songs):
    """A ListenBrainz export: eight songs each evening, four minutes apart; days later nobody remembers them."""
    lines = [
        {
            "listened_at": NOW + day * DAY + 240 * number,
            "track_metadata": {"artist_name": "Ann", "track_name": f"Song {song}"},
        }
        for day, evening in enumerate(songs)
        for number, song in enumerate(evening)
    ]
    path.write_text("\n".join(json.dumps(line) for line in lines) + "\n", encoding="utf-8")
    return path


def draw_evenings(seed):
    """Each evening out of twelve songs of which one is new."""
    rng = np.random.default_rng(seed)
    return [rng.choice(np.arange(day, day + 12), N_A_DAY, replace=False) for day in range(N_DAYS)]


def run(monkeypatch, capsys, *files):
    arguments = ["next_session", *(str(file) for file in files), "--format", "listenbrainz"]
    monkeypatch.setattr("sys.argv", arguments)
    code = next_session.main()
    return code, capsys.readouterr()


def test_it_measures_every_system_on_the_histories_of_the_files(tmp_path, monkeypatch, capsys):
    evenings = [draw_evenings(seed) for seed in (1, 2)]
    files = [
        write_export(tmp_path / f"{number}.jsonl", songs) for number, songs in enumerate(evenings)
    ]
    code, printed = run(monkeypatch, capsys, *files)
    assert code == 0
    lines = printed.out.splitlines()
    n_plays = 2 * N_DAYS * N_A_DAY
    n_repeats = n_plays - sum(len(np.unique(songs)) for songs in evenings)
    assert lines[0] == (
        f"2 histories, {n_plays:,} plays with a time, {n_repeats / n_plays:.0%} of them repeats."
    )
    moments = np.add.outer(NOW + DAY * np.arange(N_DAYS), 240 * np.arange(N_A_DAY)).ravel()
    expected = measure_next_sessions(
        # songs are numbered as they come, which decides between equal scores
        Repeats.build(pd.factorize(np.concatenate(songs))[0], moments)
        for songs in evenings
    )
    shown = {line[:28].strip(): float(line[28:].split()[0]) for line in lines[2:]}
    assert set(shown) == set(SYSTEMS)
    for name, values in expected.items():
        assert shown[name] == pytest.approx(values.mean(), abs=5e-5)
    assert list(shown.values()) == sorted(shown.values(), reverse=True)


def test_a_history_without_a_repeat_is_not_measured(tmp_path, monkeypatch, capsys):
    songs = np.arange(N_DAYS * N_A_DAY).reshape(N_DAYS, N_A_DAY)
    _, printed = run(monkeypatch, capsys, write_export(tmp_path / "new.jsonl", songs))
    n_plays = N_DAYS * N_A_DAY
    assert printed.out == (
        f"{n_plays:,} plays with a time and no repeat among them: nothing can be measured.\n"
    )


def test_a_short_history_is_not_measured(tmp_path, monkeypatch, capsys):
    _, printed = run(
        monkeypatch, capsys, write_export(tmp_path / "short.jsonl", [[1, 2, 1, 3]] * 5)
    )
    assert "No listener has 100 plays before every session" in printed.out


def test_a_file_of_another_format_is_refused_in_a_sentence(tmp_path, monkeypatch, capsys):
    file = tmp_path / "picture.jsonl"
    file.write_bytes(b"\x89PNG\r\n\x1a\n\x00")
    code, printed = run(monkeypatch, capsys, file)
    assert code == 1
    assert printed.err.startswith("next_session: picture.jsonl is not a ListenBrainz export")
