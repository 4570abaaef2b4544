"""Backup, restore and the move to another database lose nothing (T24)."""

import json
import tarfile

import pytest

SOME_LIKES = """
from accounts.models import User
from catalog.models import *
artist = Artist.objects.create(name="Björk")
songs = [Song.objects.create(key=f"s{i}", title=f"Song {i} – ½", artist=artist, energy=i / 7) for i in range(5)]
for u in range(3):
    lena = User.objects.create_user(f"listener-{u}")
    for song in songs:
        Interaction.objects.create(listener=lena, song=song, kind=1, source="test")
"""
A_VERSION = """
import hashlib
from django.conf import settings
from recommendations.models import ModelVersion
folder = settings.ARTIFACTS_DIR / "run-1"
folder.mkdir()
(folder / "manifest.json").write_text("{}")
(folder / "als.npy").write_bytes(b"factors")
ModelVersion.objects.create(preset="classic", artifact="run-1", size_bytes=9, n_listeners=3, n_songs=5,
    n_interactions=15,
    manifest_sha256=hashlib.sha256(b"{}").hexdigest(), fit_seconds=1, config={"b": 1, "a": [1.5, None]}, is_active=True)
"""
LIKES = "SELECT COUNT(*) FROM catalog_interaction"
# each starts the program several times
pytestmark = pytest.mark.slow


@pytest.fixture
def site(installation):
    installation.shell(SOME_LIKES + A_VERSION)
    return installation


def test_what_was_lost_comes_back(site, tmp_path):
    output = site.manage("backup", f"--to={tmp_path}/b.tar")
    assert "integrity and counts verified" in output and "1 models" in output
    site.shell("from catalog.models import *; Song.objects.all().delete()")
    (site.folder / "data/artifacts/run-1/als.npy").unlink()

    site.manage("restore", f"{tmp_path}/b.tar", "--yes")

    assert site.query(LIKES) == [(3 * 5,)]
    assert (site.folder / "data/artifacts/run-1/als.npy").read_bytes() == b"factors"
    assert site.query("PRAGMA journal_mode") == [("wal",)]


def test_a_damaged_backup_changes_nothing(site, tmp_path):
    backup = tmp_path / "b.tar"
    site.manage("backup", f"--to={backup}")
    content = bytearray(backup.read_bytes())
    with tarfile.open(backup) as archive:
        start = archive.getmember("database.sqlite3").offset_data
    content[start + 5000] ^= 0xFF
    backup.write_bytes(content)

    output = site.manage("restore", str(backup), "--yes", ok=False)

    assert "database.sqlite3 is not what was written" in output
    assert site.query(LIKES) == [(15,)]


def test_what_is_no_backup_is_one_sentence(site, tmp_path):
    (tmp_path / "letter.tar").write_text("Dear Olga")
    wrong = {
        ("restore", "/no/such.tar"): "There is no file /no/such.tar.",
        (
            "restore",
            f"{tmp_path}/letter.tar",
            "--yes",
        ): "it is no tar file, or one that is cut off.",
        (
            "restore",
            f"{tmp_path}/letter.tar",
        ): "Nothing was changed; where nobody can answer, say --yes.",
        (
            "move_database",
            "--to=mysql://here/x",
        ): "The address must begin like postgres:// or sqlite:///.",
    }
    for command, sentence in wrong.items():
        output = site.manage(*command, ok=False)
        assert output.rstrip().endswith(sentence)
        assert "Traceback" not in output
        assert "Warning" not in output


@pytest.mark.parametrize("member", ["../outside", "/etc/passwd-of-a-test"])
def test_a_backup_cannot_write_outside_of_itself(site, tmp_path, member):
    """T51"""
    with tarfile.open(tmp_path / "evil.tar", "w") as archive:
        (tmp_path / "payload").write_text(json.dumps({}))
        archive.add(tmp_path / "payload", member)

    assert "is not a usable backup" in site.manage(
        "restore", f"{tmp_path}/evil.tar", "--yes", ok=False
    )
    assert not (tmp_path.parent / "outside").exists()


def test_a_backup_is_never_overwritten_and_can_be_only_checked(site, tmp_path):
    site.manage("backup", f"--to={tmp_path}/b.tar")

    assert "never overwritten" in site.manage("backup", f"--to={tmp_path}/b.tar", ok=False)
    assert "is sound" in site.manage("restore", f"{tmp_path}/b.tar", "--check")
    assert (tmp_path / "b.tar").stat().st_mode & 0o077 == 0


def test_moving_to_postgresql_loses_nothing(site, postgresql, tmp_path):
    url = postgresql()
    before = site.query("SELECT id, username, date_joined FROM accounts_user ORDER BY id")

    output = site.manage("move_database", f"--to={url}")
    assert "catalog_interaction: 15" in output and "copied and compared" in output

    site.database_url = url
    assert site.shell("from catalog.models import *; print(Interaction.objects.count())") == "15"
    output_of_shell = site.shell(
        "from accounts.models import User\n"
        "for u in User.objects.order_by('id'): print(u.id, u.username, u.date_joined.timestamp())"
    )
    assert [line.split()[:2] for line in output_of_shell.splitlines()] == [
        [str(i), name] for i, name, _ in before
    ]
    # New rows are numbered after the moved ones, and what was moved can be backed up and put back here.
    site.shell("from accounts.models import User; User.objects.create_user('late')")
    site.manage("backup", f"--to={tmp_path}/pg.tar")
    site.shell("from catalog.models import *; Song.objects.all().delete()")
    site.manage("restore", f"{tmp_path}/pg.tar", "--yes")
    assert site.shell("from catalog.models import *; print(Interaction.objects.count())") == "15"


def test_moving_refuses_a_database_in_use(site, postgresql):
    url = postgresql()
    site.manage("move_database", f"--to={url}")

    assert "already has users" in site.manage("move_database", f"--to={url}", ok=False)


def test_rebuilding_lists_without_a_model_says_what_to_do(installation):
    assert "train_model" in installation.manage("rebuild_lists", ok=False)
