"""The benchmark of large sites, at small size: it runs whole, and a killed one goes on."""

import json
from pathlib import Path

import numpy as np

from benchmarks.scale import NIGHT, Night, make_world, print_summary
from benchmarks.scale_world import exchange_songs
from recommendations.services.data.column_store import ColumnStore


def run_night(folder: Path) -> dict:
    night = Night(folder, make_world(300, 200))
    night.run()
    return night.steps


def test_a_night_is_measured_whole_and_a_second_run_does_nothing_again(tmp_path, capsys):
    steps = run_night(tmp_path)
    assert set(NIGHT) <= set(steps)
    assert steps["lists"]["n_lists"] == 300 / 10
    assert steps["evaluate"]["ndcg_10"] > 0
    assert all(entry["seconds"] >= 0 and entry["peak_mb"] > 50 for entry in steps.values())
    lines = (tmp_path / "steps.jsonl").read_text()
    assert run_night(tmp_path) == steps
    assert (tmp_path / "steps.jsonl").read_text() == lines
    print_summary({300: steps, 600: steps})
    assert "growth exponent from 300: 0.00" in capsys.readouterr().out


def test_lists_go_on_behind_the_last_shard_after_a_kill(tmp_path, monkeypatch):
    monkeypatch.setattr("benchmarks.scale.LISTS_TOGETHER", 7)
    run_night(tmp_path)
    shards = sorted((tmp_path / "lists").iterdir())
    assert len(shards) == 5 >= 30 / 7
    before = {path.name: path.stat().st_mtime_ns for path in shards}
    shards[-1].unlink()
    log = tmp_path / "steps.jsonl"
    entries = [json.loads(line) for line in log.read_text().splitlines()]
    log.write_text("".join(json.dumps(one) + "\n" for one in entries if one["step"] != "lists"))
    run_night(tmp_path)
    after = {path.name: path.stat().st_mtime_ns for path in sorted((tmp_path / "lists").iterdir())}
    assert set(after) == set(before)
    assert [name for name in before if after[name] != before[name]] == [shards[-1].name]


def test_the_next_night_has_one_percent_more(tmp_path):
    steps = run_night(tmp_path)
    manifest = ColumnStore(tmp_path / "interactions").read_manifest()
    assert manifest.n_rows == steps["world"]["n_rows"] + int(0.01 * steps["world"]["n_rows"])


def test_variations_exchange_songs_of_one_artist_with_one_another():
    world = make_world(300, 500)
    exchanged = exchange_songs(world, 1)
    assert (np.sort(exchanged) == np.arange(500)).all()
    assert (world.songs.artist[exchanged] == world.songs.artist).all()
    assert (exchanged != np.arange(500)).any()
    assert (exchange_songs(world, 0) == np.arange(500)).all()
