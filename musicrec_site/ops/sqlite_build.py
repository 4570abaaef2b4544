"""Use the SQLite that the package pysqlite3 brings where it is newer than Python's own.

Python's `sqlite3` speaks to the SQLite of the system, and Debian's has a bug in its write-ahead log
(`musicrec_site.ops.checks`). pysqlite3 is the same module with a SQLite of its own; the container image has it. Only
one of the two may open a database in one process, so it takes the name `sqlite3` before anything else asks for it.
"""

import sqlite3
import sys
from importlib import import_module
from importlib.util import find_spec


def use_newer_sqlite() -> None:
    """Let `import sqlite3` mean pysqlite3 from here on, where that is installed and newer."""
    if find_spec("pysqlite3") is None:
        return
    other = import_module("pysqlite3")
    if other.sqlite_version_info > sqlite3.sqlite_version_info:
        sys.modules["sqlite3"] = other
        sys.modules["sqlite3.dbapi2"] = import_module("pysqlite3.dbapi2")
