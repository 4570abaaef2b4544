"""What tests of all layers share."""

import gc
import os
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from django.conf import settings as django_settings
from django.core.cache import caches
from django.db import connections
from django.db.backends.sqlite3.base import Database
from django.test import TransactionTestCase
from django.utils import translation

from tests.templates import choose_kept_file, get_run_folder, hold_lock, make_once

ROOT = Path(__file__).resolve().parent.parent
POSTGRESQL = "postgres://postgres@127.0.0.1"
# where `make test-servers` runs the tests: on PostgreSQL and Redis
ON_SERVERS = os.environ.get("DATABASE_URL", "").startswith("postgres")

# Tests that only need some model train the one that takes least; the default preset has tests of its own.
os.environ.setdefault("PRESET", "classic")

# What a skip may say where .ci/run has installed and started everything else.
ALLOWED_SKIPS = (
    "../shared/data",
    "can't mount a small disk",
    "on PostgreSQL already",
    "in the container image only",
    # test-servers runs these
    "on PostgreSQL only",
    # music servers of one's own, which no registry has
    "MUSIC_SERVER names no server",
    "navidrome is not installed",
)


# Time limits only end what hangs; a busy machine takes several times as long as a free one.
SLOW_TIMEOUT = 1800


ASKS_SERVERS = {"db", "transactional_db", "installation", "site"}
"""Fixtures through which a test reaches a database, a cache or a queue; without them pytest-django allows none."""


SUITES = ("reliability", "slow", "clients", "home", "spark")


def pytest_collection_modifyitems(config, items):
    for item in items:
        for suite in SUITES:
            # the Makefile looks for the modules of a suite by these words
            if item.get_closest_marker(suite) and f"mark.{suite}" not in item.path.read_text():
                raise pytest.UsageError(f"{item.path} must say pytest.mark.{suite} itself.")
        if item.get_closest_marker("slow") or item.get_closest_marker("reliability"):
            item.add_marker(pytest.mark.timeout(SLOW_TIMEOUT))
    if ON_SERVERS:
        same = [item for item in items if not asks_servers(item)]
        config.hook.pytest_deselected(items=same)
        items[:] = [item for item in items if asks_servers(item)]


def asks_servers(item) -> bool:
    """Tell whether a test can come out otherwise on PostgreSQL and Redis than on SQLite and in memory."""
    return bool(item.get_closest_marker("django_db") or ASKS_SERVERS & set(item.fixturenames))


def pytest_collection_finish():
    """What is imported and collected stays until the end: the collector of garbage need not look through it."""
    gc.freeze()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item, call):
    """Count a skip of something that CI should have had as a failure."""
    report = yield
    is_skip = report.skipped and not hasattr(report, "wasxfail")
    if is_skip and os.environ.get("MUSICREC_CI"):
        reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else str(report.longrepr)
        if not any(allowed in reason for allowed in ALLOWED_SKIPS):
            report.outcome = "failed"
            report.longrepr = f"Skipped, but CI should have what it needs: {reason}"
    return report


KEPT_TABLES = {"django_content_type", "auth_permission", "django_migrations"}
"""What `migrate` writes, the same for every test."""


def empty_tables(case: TransactionTestCase) -> None:
    """Delete the rows that a test committed, where there are any.

    Django's own `flush` empties every table and lets `migrate` write content types and permissions again, .4 s a test.
    """
    connection = connections["default"]
    tables = sorted(set(connection.introspection.django_table_names(True, False)) - KEPT_TABLES)
    counts = " UNION ALL ".join(
        f"SELECT '{table}' WHERE EXISTS (SELECT 1 FROM {table})" for table in tables
    )
    with connection.cursor() as cursor, connection.constraint_checks_disabled():
        if connection.vendor == "postgresql":
            cursor.execute(
                "SET session_replication_role = replica"
            )  # neither constraints nor triggers
        # on SQLite triggers note deleted rows in other tables
        for _ in range(2):
            cursor.execute(counts)
            for (table,) in cursor.fetchall():
                cursor.execute(f"DELETE FROM {table}")
        if connection.vendor == "postgresql":
            cursor.execute("SET session_replication_role = origin")


TransactionTestCase._fixture_teardown = empty_tables


@pytest.fixture(autouse=True)
def _english_at_first():
    """A page asked for in German leaves its language behind in the thread, and the next test would read it."""
    translation.deactivate()


@pytest.fixture(autouse=True)
def _nothing_counted_yet():
    """Requests of one test use up no allowance of the next."""
    caches["limits"].clear()


@pytest.fixture(autouse=True)
def _a_world_comes_first(request, _each_process_has_a_columnar_copy_of_its_own):
    """It is laid back with the ids it was built with, so nothing else may be there yet but the folder of its copy."""
    for name in ("world", "trained", "version"):
        if name in request.fixturenames:
            request.getfixturevalue(name)


@pytest.fixture(scope="session")
def snapshots_folder(tmp_path_factory):
    """Where this process keeps the artifacts of worlds that are built once."""
    return tmp_path_factory.mktemp("snapshots")


@pytest.fixture(scope="session")
def interactions_folder(tmp_path_factory):
    return tmp_path_factory.mktemp("interactions")


@pytest.fixture(autouse=True)
def _each_process_has_a_columnar_copy_of_its_own(settings, interactions_folder):
    """Each has a database of its own, too, and the copy follows one database."""
    settings.INTERACTIONS_DIR = interactions_folder


@pytest.fixture(scope="session", autouse=True)
def _each_process_counts_in_a_redis_database_of_its_own(worker_id):
    """Two test processes on one Redis would empty each other's cache."""
    if worker_id == "master":
        return
    for alias, cache in django_settings.CACHES.items():
        if str(cache.get("LOCATION")).startswith("redis"):
            server, number = cache["LOCATION"].rsplit("/", 1)
            cache["LOCATION"] = f"{server}/{int(number) - int(worker_id.removeprefix('gw'))}"
            caches[alias].close()
            del caches[alias]


@pytest.fixture
def become_new_process(settings) -> Callable[[], None]:
    """Return a function after which this process has loaded no model: the folder of artifacts moves.

    What is loaded is held by its folder, and so are what was counted for it and what may not be recommended from it.
    """

    def move() -> None:
        folder = settings.ARTIFACTS_DIR
        settings.ARTIFACTS_DIR = folder.rename(folder.with_name(f"{folder.name}-moved"))

    return move


@dataclass
class Installation:
    """A Musicrec of its own, with its own database and data folder, driven only by its commands."""

    folder: Path
    database_url: str
    settings: dict[str, str] = field(default_factory=dict)

    @property
    def environment(self) -> dict[str, str]:
        # the last one lets `make coverage` see what its processes run
        kept = ("PATH", "HOME", "LANG", "COVERAGE_PROCESS_CONFIG")
        path = {name: os.environ[name] for name in kept if name in os.environ}
        own = {
            "MUSICREC_ENV_FILE": str(self.folder / "no.env"),
            "SECRET_KEY": "of-a-test-installation-0123456789-abcdefghijklmnopqrstuv",
            "DATA_DIR": str(self.folder / "data"),
            "DATABASE_URL": self.database_url,
            "PRESET": "classic",
        }
        return path | own | self.settings

    def python(self, *arguments: str, **options) -> subprocess.CompletedProcess[str]:
        """Run Python in this installation; the caller looks at the return code."""
        command = [sys.executable, *arguments]
        return subprocess.run(
            command,
            cwd=ROOT,
            env=self.environment,
            capture_output=True,
            text=True,
            **{"timeout": 500} | options,
        )

    def start(self, *arguments: str, **options) -> subprocess.Popen:
        """Start Python in this installation and leave it running."""
        return subprocess.Popen(
            [sys.executable, *arguments], cwd=ROOT, env=self.environment, text=True, **options
        )

    def manage(self, *arguments: str, ok: bool = True) -> str:
        """Run a command of manage.py and return what it said; with `ok` it must succeed, without it must fail."""
        done = self.python("manage.py", *arguments)
        output = done.stdout + done.stderr
        assert (done.returncode == 0) is ok, output
        return output

    def shell(self, code: str) -> str:
        """Run code with all models imported and return what it printed."""
        done = self.python("manage.py", "shell", "--verbosity=0", "-c", code)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout.strip()

    @property
    def sqlite_file(self) -> Path:
        return Path(self.database_url.removeprefix("sqlite:///"))

    def query(self, sql: str) -> list[tuple]:
        """Read from the database without the program."""
        if self.database_url.startswith("postgres"):
            import psycopg

            with psycopg.connect(self.database_url, autocommit=True) as server:
                return server.execute(sql).fetchall()
        with closing(sqlite3.connect(self.sqlite_file, timeout=20)) as database:
            return database.execute(sql).fetchall()


@pytest.fixture(scope="session")
def migrated_sqlite(pytestconfig) -> Path:
    """An empty database with all tables, made once for each state of the code and copied where one is needed."""

    def migrate(path: Path) -> None:
        Installation(path.parent, f"sqlite:///{path}").manage(
            "migrate", "--verbosity=0", "--skip-checks"
        )
        with closing(sqlite3.connect(path)) as database:
            database.execute("PRAGMA journal_mode=DELETE")

    return make_once(choose_kept_file(pytestconfig.cache.mkdir("migrated")), migrate)


if not ON_SERVERS:

    @pytest.fixture(scope="session")
    def django_db_setup(
        django_test_environment, django_db_blocker, migrated_sqlite
    ) -> Iterator[None]:
        """The database of this process: in memory, filled from the migrated file instead of by migrations."""
        connection = connections["default"]
        own_name = connection.settings_dict["NAME"]
        with django_db_blocker.unblock():
            connection.close()
            connection.settings_dict["NAME"] = connection.creation._get_test_db_name()
            connection.ensure_connection()
            with closing(Database.connect(migrated_sqlite)) as template:
                template.backup(connection.connection)
        yield
        with django_db_blocker.unblock():
            connection.creation.destroy_test_db(own_name, verbosity=0)


@pytest.fixture
def installation(tmp_path, migrated_sqlite) -> Installation:
    """A fresh installation on SQLite."""
    (tmp_path / "data").mkdir(mode=0o700)
    shutil.copy(migrated_sqlite, tmp_path / "musicrec.sqlite3")
    return Installation(tmp_path, f"sqlite:///{tmp_path / 'musicrec.sqlite3'}")


@pytest.fixture
def postgresql(tmp_path) -> Iterator[Callable[[], str]]:
    """Return a function that makes an empty PostgreSQL database and returns its address; skip without a server."""
    with postgresql_databases(tmp_path.name) as make:
        yield make


@pytest.fixture
def migrated_postgresql(tmp_path, tmp_path_factory, worker_id) -> Iterator[Callable[[], str]]:
    """Return a function that makes a PostgreSQL database with all tables, as a copy of one made once a run."""
    folder = get_run_folder(tmp_path_factory, worker_id)
    template = _name_template(folder)

    def migrate(note: Path) -> None:
        with _connect_to_postgresql() as server:
            server.execute(f'CREATE DATABASE "{template}"')
        Installation(folder, f"{POSTGRESQL}/{template}").manage(
            "migrate", "--verbosity=0", "--skip-checks"
        )
        note.touch()

    def copy() -> str:
        make_once(folder / TEMPLATE_MADE, migrate)
        with hold_lock(folder / "copying.lock"):
            return make(template=template)

    with postgresql_databases(tmp_path.name) as make:
        yield copy


TEMPLATE_MADE = "postgresql.migrated"


def _name_template(folder: Path) -> str:
    """Return the name of the run's migrated database: all of its processes copy the same one."""
    return f"template_{folder.name}_{folder.stat().st_ino}"


def pytest_sessionfinish(session):
    """Drop the run's migrated database when all of its processes are done."""
    if hasattr(session.config, "workerinput"):
        return
    folder = session.config._tmp_path_factory.getbasetemp()
    if (folder / TEMPLATE_MADE).exists():
        with _connect_to_postgresql() as server:
            server.execute(f'DROP DATABASE IF EXISTS "{_name_template(folder)}" WITH (FORCE)')


def _connect_to_postgresql():
    import psycopg

    return psycopg.connect(f"{POSTGRESQL}/postgres", autocommit=True, connect_timeout=2)


@contextmanager
def postgresql_databases(name: str) -> Iterator[Callable[..., str]]:
    """Give a function that makes a database, empty or as a copy of another; all are dropped at the end."""
    psycopg = pytest.importorskip("psycopg")
    try:
        server = _connect_to_postgresql()
    except psycopg.OperationalError:
        pytest.skip("No PostgreSQL server answers at 127.0.0.1.")
    names: list[str] = []

    def make(template: str = "") -> str:
        names.append(f"test_{os.getpid()}_{len(names)}_{name}".lower()[:60])
        server.execute(f'DROP DATABASE IF EXISTS "{names[-1]}" WITH (FORCE)')
        of = f' TEMPLATE "{template.rsplit("/", 1)[-1]}"' if template else ""
        server.execute(f'CREATE DATABASE "{names[-1]}"{of}')
        return f"{POSTGRESQL}/{names[-1]}"

    try:
        yield make
    finally:
        for database in names:
            server.execute(f'DROP DATABASE IF EXISTS "{database}" WITH (FORCE)')
        server.close()


def redis_settings(broker: int, cache: int) -> dict[str, str]:
    """Return settings for a site on Redis, its two databases emptied; other sites at work need others."""
    redis = pytest.importorskip("redis")
    urls = [f"redis://127.0.0.1:6379/{number}" for number in (broker, cache)]
    for url in urls:
        redis.Redis.from_url(url).flushdb()
    return dict(zip(("CELERY_BROKER_URL", "CACHE_URL"), urls, strict=True))
