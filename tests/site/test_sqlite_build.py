"""Which SQLite the site uses: the one of pysqlite3 where that is installed and newer."""

import os
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
ASKS_DJANGO = """
import musicrec_site
from django.db.backends.sqlite3 import base
import sqlite3
print(base.Database.__name__, sqlite3.__name__, base.Database.sqlite_version_info >= (3, 51, 3))
"""


def ask_django(**environment: str) -> str:
    """Return the module that Django's backend speaks through, in a process of its own."""
    settings = {"SECRET_KEY": "x", "DJANGO_SETTINGS_MODULE": "musicrec_site.settings"}
    done = subprocess.run(
        [sys.executable, "-c", ASKS_DJANGO],
        cwd=ROOT,
        env=os.environ | settings | environment,
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout.strip()


def make_package(folder: Path, version: tuple[int, ...]) -> None:
    """Make a pysqlite3 of another version: Python's own module under that name."""
    package = folder / "pysqlite3"
    package.mkdir()
    (package / "dbapi2.py").write_text(
        f"from sqlite3.dbapi2 import *\nsqlite_version_info = {version}\n"
    )
    (package / "__init__.py").write_text("from pysqlite3.dbapi2 import *\n")


@pytest.mark.parametrize(
    ("version", "used"),
    [((99, 0, 0), "pysqlite3.dbapi2 pysqlite3 True"), ((3, 0, 0), "sqlite3.dbapi2 sqlite3")],
    ids=["newer", "older"],
)
def test_the_newer_of_the_two_is_used(tmp_path, version, used):
    make_package(tmp_path, version)
    output = ask_django(DATA_DIR=str(tmp_path / "data"), PYTHONPATH=str(tmp_path))
    assert output.startswith(used)


@pytest.mark.skipif(
    find_spec("pysqlite3") is None, reason="pysqlite3 is in the container image only."
)
def test_the_package_of_the_image_has_no_wal_bug(tmp_path):
    assert ask_django(DATA_DIR=str(tmp_path)) == "pysqlite3.dbapi2 pysqlite3 True"
