"""Seed packs of strangers: whatever is in one, a page answers, and the pack before it stays (T06).

Each has right checksums: who writes a pack writes these, too.
"""

import hashlib
import json
import os
import shutil
import signal
import subprocess
import sys
import tokenize
import uuid
from pathlib import Path

import numpy as np
import pytest
from django.core.management import CommandError, call_command
from scipy.sparse import csr_matrix

from catalog.models import Artist, Song
from recommendations.engine import Labels, Prior, SeedPack, save_pack
from recommendations.engine.artifacts import store
from recommendations.services.seeds import beyond_index, seed_packs

pytestmark = pytest.mark.django_db
ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(autouse=True)
def own_data(settings, tmp_path):
    settings.DATA_DIR = tmp_path / "data"
    settings.DATA_DIR.mkdir()


def make_pack(keys, source="a test"):
    together = csr_matrix(np.array([[0, 40], [40, 0]], dtype=np.float32))
    labels = Labels(["One", "Two"], ["Ann", "Bob"], ["../../x", "javascript:1"])
    return SeedPack(
        Prior(np.array(keys), np.array([50, 60]), together), {}, {"source": source}, labels
    )


@pytest.fixture
def folder(tmp_path):
    """A sound pack."""
    save_pack(tmp_path / "pack", make_pack(["a", "b"]))
    return tmp_path / "pack"


@pytest.fixture
def install_pack_before(tmp_path):
    """The pack that a site has already."""
    save_pack(tmp_path / "before", make_pack(["x", "y"], "the pack before"))
    seed_packs.install_pack(tmp_path / "before")


def seal(folder: Path, change=lambda values: None) -> None:
    """Write the manifest anew, as the maker of the files would."""
    values = json.loads((folder / "manifest.json").read_text())
    for name, entry in values["arrays"].items():
        path = folder / f"{name}.npy"
        content = path.read_bytes()
        entry |= {"n_bytes": len(content), "sha256": hashlib.sha256(content).hexdigest()}
        try:
            array = np.load(path, allow_pickle=False)
        except (ValueError, OverflowError, SyntaxError, tokenize.TokenError):
            continue
        entry |= {"dtype": array.dtype.str, "shape": list(array.shape), "finite": False}
    change(values)
    values.pop("digest")
    text = json.dumps(values, indent=1, sort_keys=True)
    values["digest"] = hashlib.sha256(text.encode()).hexdigest()
    (folder / "manifest.json").write_text(json.dumps(values, indent=1, sort_keys=True))


def refuse(folder: Path) -> str:
    """Return the one sentence with which a pack is refused."""
    with pytest.raises(CommandError) as refused:
        call_command("load_seed", str(folder))
    assert "\n" not in str(refused.value)
    assert seed_packs.find_pack().about["source"] == "the pack before"
    parent = seed_packs.get_pack_folder().parent
    assert sorted(path.name for path in parent.iterdir()) == ["pack"]
    return str(refused.value)


@pytest.mark.parametrize("array", [
    np.array([np.nan, 40.0]), np.array([np.inf, 40.0]), np.array([40.5, 40.5]), np.array([-1, 40]), np.array([0, 40]),
    np.array([2**40, 40]), np.array([40 + 1j, 40]), np.array([[40, 40]]), np.array(["40", "40"]),
    np.array([True, True]),
], ids=str)  # fmt: skip
def test_counts_that_are_none_are_refused(install_pack_before, folder, array):
    np.save(folder / "counts.npy", array, allow_pickle=False)
    seal(folder)
    assert "does not hold a whole" in refuse(folder)


@pytest.mark.parametrize("array", [np.array([np.nan, 1.0]), np.array([-5, 1])], ids=str)
def test_numbers_of_listeners_that_are_none_are_refused(install_pack_before, folder, array):
    np.save(folder / "n_listeners.npy", array, allow_pickle=False)
    seal(folder)
    assert "n_listeners" in refuse(folder)


def test_neighbours_outside_of_the_pack_are_refused(install_pack_before, folder):
    np.save(folder / "neighbours.npy", np.array([1, 2**31 - 1], dtype=np.int32))
    seal(folder)
    assert "does not hold a whole" in refuse(folder)


def test_one_long_key_does_not_make_all_of_them_long(install_pack_before, folder):
    """A file of two megabytes asked for 40 GB: 100,000 keys, each as wide as the longest."""
    n = 100_000
    keys = [f"k{number}" for number in range(n - 1)] + ["k" * 100_000]
    encoded = [key.encode() for key in keys]
    np.save(folder / "keys_bytes.npy", np.frombuffer(b"".join(encoded), dtype=np.uint8))
    np.save(folder / "keys_ends.npy", np.cumsum([len(key) for key in encoded]))
    np.save(folder / "n_listeners.npy", np.full(n, 50, dtype=np.int32))
    np.save(folder / "starts.npy", np.concatenate([[0, 1], np.full(n - 1, 2)]))
    seal(folder)
    assert "its keys would take 38146 MB of memory" in refuse(folder)


def test_a_key_with_a_character_that_no_text_has_is_refused(install_pack_before, folder):
    np.save(folder / "keys_bytes.npy", np.frombuffer(b"a\0b", dtype=np.uint8))
    np.save(folder / "keys_ends.npy", np.array([2, 3]))
    seal(folder)
    assert "no text has" in refuse(folder)


def test_pickles_run_nothing(install_pack_before, folder, tmp_path):
    class Trap:
        def __reduce__(self):
            return (Path.touch, (tmp_path / "ran",))

    np.save(folder / "counts.npy", np.array([Trap(), 1], dtype=object), allow_pickle=True)
    seal(folder)
    assert "is not a plain array" in refuse(folder)
    assert not (tmp_path / "ran").exists()


HEADS = [
    b"{'descr': '<i4', 'fortran_order': False, 'shape': (10**30,), }",
    b"{'descr': '<i4', 'fortran_order': False, 'shape': (%d,), }" % 10**30,
    b"{'descr': '<i4', 'fortran_order': False, 'shape': (-4,), }",
    b"{'descr': '|O', 'fortran_order': False, 'shape': (2,), }",
    b"{'descr': [('a', '<i4'), ('b', '|O')], 'fortran_order': False, 'shape': (1,), }",
    b"(" * 5000,
    b"{'descr': '<i4', 'fortran_order': False, 'shape': ('''",
    b"\xff\xfe\0",
]


@pytest.mark.parametrize("head", HEADS)
@pytest.mark.parametrize("version", [b"\x01\x00", b"\x02\x00", b"\x03\x00", b"\x09\x09"])
def test_heads_of_arrays_that_are_none_are_refused(install_pack_before, folder, head, version):
    size = len(head).to_bytes(2 if version == b"\x01\x00" else 4, "little")
    (folder / "counts.npy").write_bytes(b"\x93NUMPY" + version + size + head + b"\0" * 8)
    seal(folder)
    refuse(folder)


def drop(name):
    return lambda values: values["arrays"]["counts"].pop(name)


def put(**fields):
    return lambda values: values["arrays"]["counts"].update(fields)


CHANGES = [
    *map(drop, ("file", "dtype", "shape", "n_bytes", "sha256", "finite")),
    put(file="../counts.npy"), put(file="/etc/passwd"), put(file="manifest.json"), put(file=None), put(n_bytes="8"),
    put(shape=None), put(sha256=None), put(dtype=[1]),
    lambda values: values.update(about=[]), lambda values: values.update(about=None),
    lambda values: values.update(arrays=[]), lambda values: values.update(arrays={"counts": 1}),
    lambda values: values.update(format_version=None), lambda values: values["about"].update(pack_version=[2]),
    lambda values: values["arrays"].pop("counts") and None,
]  # fmt: skip


@pytest.mark.parametrize("number", range(len(CHANGES)))
def test_manifests_that_are_none_are_refused(install_pack_before, folder, number):
    seal(folder, CHANGES[number])
    refuse(folder)


@pytest.mark.parametrize(
    "text", ["[" * 100_000, '{"a":' * 100_000, "\ufeff{}", "null", "1e999", "9" * 5000, "\0"]
)
def test_what_is_no_manifest_at_all_is_refused(install_pack_before, folder, text):
    (folder / "manifest.json").write_text(text)
    refuse(folder)


def test_a_manifest_without_an_end_is_not_read(install_pack_before, folder):
    os.truncate(folder / "manifest.json", store.MOST_MANIFEST_BYTES + 1)
    assert "too large" in refuse(folder)


def test_files_that_lead_elsewhere_are_refused(install_pack_before, folder, tmp_path):
    (folder / "counts.npy").rename(tmp_path / "elsewhere.npy")
    (folder / "counts.npy").symlink_to(tmp_path / "elsewhere.npy")
    assert "counts.npy is missing" in refuse(folder)


def test_keys_of_any_kind_are_no_error_on_a_page(folder):
    """A key that is neither an id nor a name was asked of the column of ids, and the page answered 500."""
    mbid = uuid.uuid4()
    artist = Artist.objects.create(name="Ann")
    here = Song.objects.create(key="s1", title="One", artist=artist, mbid=mbid)
    save_pack(folder.parent / "odd", make_pack([str(mbid), "' OR 1=1 --"]))
    seed_packs.install_pack(folder.parent / "odd")
    assert seed_packs.find_neighbours(here, 5) == []
    beyond_index.rebuild_index()
    assert beyond_index.load_index().songs.labels == [["", "Two", "Bob", ""]]


def test_a_pack_from_a_disk_that_nobody_may_write_can_be_replaced(folder, tmp_path):
    for path in folder.iterdir():
        path.chmod(0o400)
    folder.chmod(0o500)
    seed_packs.install_pack(folder)
    modes = {path.stat().st_mode & 0o300 for path in seed_packs.get_pack_folder().glob("*")}
    assert seed_packs.get_pack_folder().stat().st_mode & 0o300 == 0o300
    assert modes <= {0o200, 0o300}
    folder.chmod(0o700)


@pytest.mark.parametrize("damage", [b"", b"PK\x03\x04", b"\x93NUMPY", b"no zip at all" * 100])
def test_a_damaged_index_beyond_the_library_is_none(folder, damage):
    """It answered 500 on the pages that name what to look for."""
    seed_packs.install_pack(folder)
    beyond_index.rebuild_index()
    path = beyond_index.get_index_path()
    path.write_bytes(damage)
    assert beyond_index.load_index() is None
    path.write_bytes(b"")
    assert beyond_index.load_index() is None
    assert beyond_index.rebuild_index() is not None


def test_an_index_cut_at_any_byte_is_none_or_whole(folder):
    seed_packs.install_pack(folder)
    beyond_index.rebuild_index()
    path = beyond_index.get_index_path()
    whole = path.read_bytes()
    for n in range(0, len(whole), max(1, len(whole) // 40)):
        path.write_bytes(whole[:n])
        assert beyond_index.load_index() is None


# --- Killed in the middle ---------------------------------------------------------------------------------------------

KILLED = """
import os, signal, sys
from pathlib import Path
import django
django.setup()
from recommendations.services.seeds import seed_packs
left = int(sys.argv[2])
def count(frame, event, argument):
    global left
    if frame.f_code.co_filename.endswith(("seed_packs.py", "shutil.py", "pathlib.py", "tempfile.py")):
        left -= 1
        if left <= 0:
            os.kill(os.getpid(), signal.SIGKILL)
    return count
sys.settrace(count)
seed_packs.install_pack(Path(sys.argv[1]))
sys.settrace(None)
print("lines", int(sys.argv[2]) - left)
"""


@pytest.mark.slow
def test_killed_at_any_moment_one_of_both_packs_is_there(
    install_pack_before, folder, settings, tmp_path
):
    """Between two renames there was none until somebody loaded it anew, and its copies stayed for good."""
    environment = os.environ | {
        "DJANGO_SETTINGS_MODULE": "musicrec_site.settings",
        "DATA_DIR": str(settings.DATA_DIR),
        "SECRET_KEY": "of-a-test",
        "MUSICREC_ENV_FILE": str(tmp_path / "no.env"),
        "DATABASE_URL": f"sqlite:///{tmp_path}/none.sqlite3",
    }

    def install(left: int) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-c", KILLED, str(folder), str(left)]
        return subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True)

    saved = shutil.copytree(seed_packs.get_pack_folder().parent, tmp_path / "saved")
    whole = install(10**9)
    n_lines = int(whole.stdout.split()[-1])
    for n in range(8):
        shutil.rmtree(seed_packs.get_pack_folder().parent)
        shutil.copytree(saved, seed_packs.get_pack_folder().parent)
        # the renames come last
        killed = install(n_lines - 6 * n - 1 if n < 6 else n_lines * (n - 5) // 4)
        assert killed.returncode == -signal.SIGKILL, killed.stderr
        assert seed_packs.find_pack().about["source"] in ("the pack before", "a test")
        seed_packs.install_pack(folder)
        parent = seed_packs.get_pack_folder().parent
        assert [path.name for path in parent.iterdir()] == ["pack"]


def test_a_pack_that_was_moved_away_comes_back(install_pack_before):
    folder = seed_packs.get_pack_folder()
    folder.rename(folder.parent / ".outgoing-1234abcd")
    (folder.parent / ".incoming-5678").mkdir()
    assert seed_packs.read_state().about["source"] == "the pack before"
    assert [path.name for path in folder.parent.iterdir()] == ["pack"]
