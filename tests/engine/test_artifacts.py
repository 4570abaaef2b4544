"""Saved recommenders: all or nothing when written, trusted with nothing when read."""

import json
import os
import pickle
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from recommendations.engine import (
    ArtifactError,
    CorruptArtifact,
    MissingArtifact,
    Recommender,
    UnsupportedArtifact,
)
from recommendations.engine.artifacts import store
from tests.engine.worlds import taste_world

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def recommender() -> Recommender:
    return Recommender().fit(*taste_world())


@pytest.fixture
def artifact(recommender, tmp_path) -> Path:
    recommender.save(tmp_path / "version")
    return tmp_path / "version"


def test_a_saved_recommender_gives_the_same_lists(recommender, artifact):
    again = Recommender.load(artifact)
    histories = recommender.histories(taste_world()[0])
    assert list(again.recommend_batch(histories, 5)) == list(
        recommender.recommend_batch(histories, 5)
    )
    assert again.similar(3) == recommender.similar(3)
    assert again.metadata == json.loads(json.dumps(recommender.metadata))
    assert again.config == recommender.config


def test_string_ids_survive(tmp_path):
    interactions, features = taste_world()
    named = type(interactions).from_ids(
        interactions.listener_rows,
        [f"song_{row:05}" for row in interactions.item_rows],
        all_item_ids=[f"song_{row:05}" for row in range(120)],
    )
    Recommender().fit(named, features).save(tmp_path / "version")
    again = Recommender.load(tmp_path / "version")
    assert again.recommend(again.history(["song_00004"]), 1).items[0].item_id.startswith("song_")


def test_the_arrays_are_mapped_not_read(artifact):
    """Several processes share one copy."""
    factors = Recommender.load(artifact).algorithms["als"].item_factors_
    assert isinstance(factors, np.memmap)
    with pytest.raises(ValueError, match="read-only"):
        factors[0, 0] = 1


def test_the_listeners_factors_are_not_kept(artifact):
    assert not list(artifact.glob("*user*")) + list(artifact.glob("*listener_*"))


def test_an_existing_folder_is_never_overwritten(recommender, artifact):
    with pytest.raises(ArtifactError, match="exists already"):
        recommender.save(artifact)


def test_nothing_is_left_when_saving_fails(recommender, tmp_path, monkeypatch):
    """T04: the disk is full."""

    def full(handle):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space left"):
        recommender.save(tmp_path / "version")
    assert list(tmp_path.iterdir()) == []


def test_no_folder_is_said_plainly(tmp_path):
    with pytest.raises(MissingArtifact, match="There is no saved recommender"):
        Recommender.load(tmp_path / "nowhere")


def rewrite(folder: Path, name: str, array: np.ndarray, *, honest: bool = True) -> None:
    """Replace an array; `honest` writes a manifest that fits it, as a careful attacker would."""
    path = folder / f"{name}.npy"
    with path.open("wb") as file:
        np.lib.format.write_array(file, array, allow_pickle=True)
    if not honest:
        return
    manifest = json.loads((folder / "manifest.json").read_text())
    entry = manifest["arrays"][name]
    entry.update(n_bytes=path.stat().st_size, sha256=store._compute_sha256(path))
    entry.update(dtype=array.dtype.str, shape=list(array.shape))
    sign(folder, manifest)


def sign(folder: Path, manifest: dict) -> None:
    unsigned = store._parse_manifest(manifest)
    (folder / "manifest.json").write_bytes(store._encode_manifest(unsigned, with_digest=True))


def truncate(folder: Path) -> None:
    path = folder / "als.factor_columns.npy"
    path.write_bytes(path.read_bytes()[:-100])


def flip_a_bit(folder: Path) -> None:
    path = folder / "als.factor_columns.npy"
    content = bytearray(path.read_bytes())
    content[-5] ^= 1
    path.write_bytes(content)


def put_nan(folder: Path) -> None:
    factors = np.load(folder / "als.factor_columns.npy")
    factors[3, 3] = np.nan
    rewrite(folder, "als.factor_columns", factors)


def cut_the_shape(folder: Path) -> None:
    rewrite(folder, "als.factor_columns", np.load(folder / "als.factor_columns.npy")[:50])


def swap_the_shape(folder: Path) -> None:
    rewrite(
        folder,
        "als.factor_columns",
        np.load(folder / "als.factor_columns.npy").T.copy(),
        honest=False,
    )


def take_an_array_away(folder: Path) -> None:
    (folder / "items.npy").unlink()


def take_an_array_out_of_the_manifest(folder: Path) -> None:
    manifest = json.loads((folder / "manifest.json").read_text())
    del manifest["arrays"]["popularity.trend"]
    (folder / "popularity.trend.npy").unlink()
    sign(folder, manifest)


def change_the_version(folder: Path) -> None:
    manifest = json.loads((folder / "manifest.json").read_text())
    (folder / "manifest.json").write_text(json.dumps(manifest | {"format_version": 99}))


def change_the_config(folder: Path) -> None:
    text = (folder / "manifest.json").read_text()
    (folder / "manifest.json").write_text(text.replace('"relevance": 0.7', '"relevance": 0.1'))


def name_an_unknown_algorithm(folder: Path) -> None:
    manifest = json.loads((folder / "manifest.json").read_text())
    manifest["about"]["config"]["components"]["sonar"] = {}
    sign(folder, manifest)


def garble_the_manifest(folder: Path) -> None:
    (folder / "manifest.json").write_text("{not json")


def make_the_manifest_a_list(folder: Path) -> None:
    (folder / "manifest.json").write_text("[]")


def empty_the_manifest(folder: Path) -> None:
    (folder / "manifest.json").write_text("")


def put_a_pickle(folder: Path) -> None:
    (folder / "model.pkl").write_bytes(pickle.dumps(Bomb(folder.parent / "exploded")))


def put_a_pickle_in_an_arrays_place(folder: Path) -> None:
    path = folder / "popularity.trend.npy"
    path.write_bytes(pickle.dumps(Bomb(folder.parent / "exploded")))
    manifest = json.loads((folder / "manifest.json").read_text())
    manifest["arrays"]["popularity.trend"].update(
        n_bytes=path.stat().st_size, sha256=store._compute_sha256(path)
    )
    sign(folder, manifest)


def put_an_object_array(folder: Path) -> None:
    array = np.array([Bomb(folder.parent / "exploded")] * 120, dtype=object)
    rewrite(folder, "popularity.trend", array)


def put_a_link(folder: Path) -> None:
    target = folder.parent / "elsewhere.npy"
    shutil.move(folder / "items.npy", target)
    (folder / "items.npy").symlink_to(target)


def point_outside(folder: Path) -> None:
    manifest = json.loads((folder / "manifest.json").read_text())
    manifest["arrays"]["items"]["file"] = "../items.npy"
    sign(folder, manifest)


class Bomb:
    """Unpickling it leaves a mark."""

    def __init__(self, mark: Path) -> None:
        self.mark = mark

    def __reduce__(self):
        return (Path.touch, (self.mark,))


@pytest.mark.parametrize(
    ("damage", "error", "sentence"),
    [
        (truncate, CorruptArtifact, "bytes, .* were saved"),
        (flip_a_bit, CorruptArtifact, "checksum differs"),
        (put_nan, CorruptArtifact, "NaN or infinite"),
        (cut_the_shape, CorruptArtifact, "does not hold a whole recommender"),
        (swap_the_shape, CorruptArtifact, "checksum differs|another type or shape"),
        (take_an_array_away, CorruptArtifact, "is missing"),
        (take_an_array_out_of_the_manifest, CorruptArtifact, "does not hold a whole recommender"),
        (change_the_version, UnsupportedArtifact, "format version 99, this program reads 1"),
        (change_the_config, CorruptArtifact, "changed after it was saved"),
        (name_an_unknown_algorithm, CorruptArtifact, "Unknown algorithm 'sonar'"),
        (garble_the_manifest, CorruptArtifact, "not a manifest"),
        (make_the_manifest_a_list, CorruptArtifact, "not a manifest"),
        (empty_the_manifest, CorruptArtifact, "not a manifest"),
        (put_a_pickle, UnsupportedArtifact, "model.pkl, which its manifest does not name"),
        (put_a_pickle_in_an_arrays_place, UnsupportedArtifact, "not a plain array"),
        (put_an_object_array, UnsupportedArtifact, "not a plain array"),
        (put_a_link, CorruptArtifact, "is missing"),
        (point_outside, UnsupportedArtifact, "not a .npy file of its folder"),
    ],
)
def test_a_damaged_folder_is_refused_in_one_sentence_and_nothing_in_it_runs(
    artifact, damage: Callable[[Path], None], error, sentence
):
    """T05, T06."""
    damage(artifact)
    with pytest.raises(error, match=sentence) as refused:
        Recommender.load(artifact)
    assert "\n" not in str(refused.value)
    assert not (artifact.parent / "exploded").exists()


@pytest.mark.parametrize(
    "damage", [truncate, swap_the_shape, put_an_object_array, put_a_pickle, cut_the_shape]
)
def test_without_checksums_sizes_types_and_strangers_are_still_refused(artifact, damage):
    damage(artifact)
    with pytest.raises(ArtifactError):
        Recommender.load(artifact, verify=False)
    assert not (artifact.parent / "exploded").exists()


def test_objects_are_never_saved(tmp_path):
    with pytest.raises(ArtifactError, match="holds Python objects"):
        store.save(tmp_path / "version", {"things": np.array([{}], dtype=object)}, {})


def test_the_manifest_has_size_and_digest(recommender, tmp_path):
    manifest = recommender.save(tmp_path / "version")
    assert manifest == store.verify(tmp_path / "version")
    assert manifest.n_bytes == sum(
        path.stat().st_size for path in (tmp_path / "version").glob("*.npy")
    )
    assert len(manifest.digest) == 64


# Each folder that is read starts a process that saves: a fork of this one, which has imported everything.
SAVE_FOR_EVER = """
import os, sys
from pathlib import Path
import numpy as np
from recommendations.engine.artifacts import store

arrays = {f"part{n}": np.arange(20_000.0) for n in range(8)}
for line in iter(sys.stdin.readline, ""):
    if process := os.fork():
        print(process, flush=True)
        os.waitpid(process, 0)
        print("over", flush=True)
        continue
    for number in range(100_000):
        store.save(Path(line.strip()) / f"version-{number}", arrays, {})
"""


@pytest.mark.reliability
def test_killed_at_any_moment_every_finished_version_is_whole(tmp_path):
    """T03: kill -9 at 30 instants of saving; what is there under a name of its own is whole."""
    rng = np.random.default_rng(0)
    n_versions = 0
    saver = subprocess.Popen(
        [sys.executable, "-c", SAVE_FOR_EVER],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    for attempt in range(30):
        folder = tmp_path / str(attempt)
        saver.stdin.write(f"{folder}\n")
        saver.stdin.flush()
        process = int(saver.stdout.readline())
        time.sleep(float(rng.uniform(0, 0.15)))
        os.kill(process, signal.SIGKILL)
        assert saver.stdout.readline() == "over\n"
        if folder.exists():
            versions = [
                path for path in folder.iterdir() if not path.name.startswith(store.UNFINISHED)
            ]
            n_versions += len(versions)
            for version in versions:
                store.verify(version)
    saver.communicate()
    assert n_versions > 0
