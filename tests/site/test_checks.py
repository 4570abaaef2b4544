"""What the program says about its own installation."""

import sqlite3

import pytest

from musicrec_site.ops import checks, doctor


@pytest.mark.parametrize(
    ("version", "warned"),
    [
        ((3, 6, 23), False),
        ((3, 7, 0), True),
        ((3, 40, 1), True),
        ((3, 51, 2), True),
        ((3, 51, 3), False),
    ],
)
def test_sqlite_versions_with_the_wal_bug_are_named_with_the_cure(
    monkeypatch, settings, version, warned
):
    """T27"""
    monkeypatch.setattr(sqlite3, "sqlite_version_info", version)
    monkeypatch.setattr(checks.connection, "vendor", "sqlite")

    messages = checks.check_sqlite_version(None)

    assert [message.id for message in messages] == (["musicrec.W001"] if warned else [])
    assert not warned or ("move_database" in messages[0].hint and "3.51.3" in messages[0].hint)


def test_a_data_folder_open_to_others_is_told(settings, tmp_path):
    settings.DATA_DIR = tmp_path
    tmp_path.chmod(0o755)
    assert checks.check_data_folder_is_private(None)[0].hint == f"chmod 700 {tmp_path}"

    tmp_path.chmod(0o700)
    assert checks.check_data_folder_is_private(None) == []


def test_a_folder_that_cannot_be_written_to_is_an_error(settings, tmp_path):
    settings.DATA_DIR = settings.ARTIFACTS_DIR = tmp_path / "gone"

    assert {message.id for message in checks.check_folders_are_writable(None)} == {"musicrec.E001"}


def test_a_data_folder_that_cannot_be_made_is_one_sentence(installation):
    (installation.folder / "file").touch()
    installation.settings["DATA_DIR"] = str(installation.folder / "file" / "data")

    output = installation.manage("recommend", "--listener=alice", ok=False)

    assert "can't be made (Not a directory). Give this user the right to write" in output
    assert "Traceback" not in output


def test_a_test_run_writes_nothing_where_the_site_would_find_it(settings):
    """A wake-up left by `make test` would be taken up by the workers of `make run`."""
    assert settings.DATA_DIR == settings.BASE_DIR / "test-artifacts" / "data"
    assert settings.BROKER_DIR.is_relative_to(settings.DATA_DIR)


def test_the_doctor_names_each_fault_with_its_cure(installation):
    installation.settings["CELERY_BROKER_URL"] = "redis://127.0.0.1:1/0"

    output = installation.manage("doctor", ok=False)

    assert "[FAILED] message queue" in output
    assert "[ warn ] catalog: no songs yet\n         → python manage.py seed_demo_data" in output
    assert "[ warn ] worker: none is at work" in output
    assert "1 of these must be repaired" in output


def test_the_doctor_says_that_the_database_is_away(installation):
    installation.sqlite_file.unlink()

    assert "[FAILED] database:" in installation.manage("doctor", ok=False)
    assert not installation.sqlite_file.exists()


@pytest.mark.django_db
def test_a_healthy_broker_is_fine():
    assert [finding.status for finding in doctor._check_broker()] == ["ok"]
