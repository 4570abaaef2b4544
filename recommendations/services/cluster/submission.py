"""A job of the cluster from this side: spark-submit as a process, how far it is, its end.

A driver that is killed is started again, up to DRIVERS times, and goes on behind the last stage it finished. Lost
workers and executors are Spark's own matter.
"""

import logging
import os
import shlex
import shutil
import signal
import subprocess
import time
import uuid
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from django.conf import settings

from recommendations.services.cluster.job_folder import JobFolder, Progress

log = logging.getLogger(__name__)

OnClusterProgress = Callable[[Progress], None]

DRIVERS = 3
LOOK_EVERY = 0.5
"""Seconds; a cancellation is seen after so many."""
GRACE = 10.0
"""Seconds that a driver has to end by itself when it is asked to."""
LINES_TOLD = 3
PROGRAMS = (
    "recommendations/__init__.py",
    "recommendations/engine",
    "recommendations/services/__init__.py",
    "recommendations/services/data/__init__.py",
    "recommendations/services/data/column_store.py",
    "recommendations/services/data/stored_events.py",
    "recommendations/services/cluster",
    "recommendations/services/lists/__init__.py",
    "recommendations/services/lists/batch_lists.py",
)
"""What the machines of the cluster are sent of this program. Only what asks for jobs needs the web framework: this
module, `fit_jobs` and `list_jobs`."""


class ClusterUnavailable(Exception):
    """Nothing can be sent to a cluster from here; the message says what is missing."""


class ClusterFailed(Exception):
    """The cluster gave no result; the message has the last lines of the driver's log."""


def require_cluster() -> None:
    """Raise ClusterUnavailable where no cluster is set, or the program or Java to reach it is missing."""
    if not settings.SPARK_MASTER:
        raise ClusterUnavailable(
            "No cluster is set: SPARK_MASTER is empty. Set it to the address of the master (docs/operations.md)."
        )
    if not _find_spark_submit().exists():
        raise ClusterUnavailable(
            f"There is no spark-submit beside SPARK_PYTHON ({settings.SPARK_PYTHON}): "
            "install requirements-spark.lock there."
        )
    if shutil.which("java") is None and "JAVA_HOME" not in os.environ:
        raise ClusterUnavailable("Java is missing: Spark needs Java 17 on every machine.")


def run_job(folder: JobFolder, on_progress: OnClusterProgress) -> dict[str, Any]:
    """Have a job done and return its result; `on_progress` is called every half second and may raise to end it.

    Raises
    ------
    ClusterFailed
        Every driver ended without a result.
    """
    code = None
    for attempt in range(DRIVERS):
        result = folder.read_result()
        if result is not None:
            return result
        if attempt:
            log.warning("The driver of %s ended with %s; it is started again.", folder.path, code)
        code = _run_driver(folder, on_progress)
    result = folder.read_result()
    if result is None:
        raise ClusterFailed(
            f"The cluster gave no result: the driver ended {DRIVERS} times, the last time with {code}. "
            f"Its log ends with: {_read_end(folder.log)}"
        )
    return result


def _run_driver(folder: JobFolder, on_progress: OnClusterProgress) -> int:
    token = uuid.uuid4().hex
    folder.touch(token)
    command = _make_command(folder, token)
    with folder.log.open("ab") as output:
        process = subprocess.Popen(
            command,
            stdout=output,
            stderr=subprocess.STDOUT,
            stdin=subprocess.DEVNULL,
            cwd=folder.path,
            start_new_session=True,
            env=_make_environment(),
        )
    try:
        while process.poll() is None:
            folder.touch(token)
            on_progress(folder.read_progress() or Progress("", "waiting for the cluster", 0, 1))
            time.sleep(LOOK_EVERY)
    finally:
        _end(process)
    return process.returncode


def _end(process: subprocess.Popen[bytes]) -> None:
    """End a driver with all that it started, gently at first."""
    if process.poll() is None:
        os.killpg(process.pid, signal.SIGTERM)
        try:
            process.wait(GRACE)
        except subprocess.TimeoutExpired:
            log.warning("The driver did not end within %.0f s and is killed.", GRACE)
    try:
        os.killpg(process.pid, signal.SIGKILL)
    except ProcessLookupError:
        return
    process.wait()


def _make_command(folder: JobFolder, token: str) -> list[str]:
    options = {
        "spark.ui.enabled": "false",
        "spark.sql.execution.arrow.maxRecordsPerBatch": "32",
        "spark.driver.maxResultSize": "0",
        **_read_options(),
    }
    settings_ = [word for name, value in options.items() for word in ("--conf", f"{name}={value}")]
    return [
        str(_find_spark_submit()),
        "--master",
        settings.SPARK_MASTER,
        "--name",
        f"musicrec {folder.path.name}",
        *settings_,
        "--py-files",
        str(pack_programs(folder)),
        str(Path(__file__).with_name("driver.py")),
        str(folder.path),
        token,
    ]


def _read_options() -> dict[str, str]:
    """Return what SPARK_OPTIONS sets: name=value, separated by blanks."""
    options = {}
    for word in shlex.split(settings.SPARK_OPTIONS):
        name, is_pair, value = word.partition("=")
        if not is_pair or not name.startswith("spark."):
            raise ClusterUnavailable(
                f"SPARK_OPTIONS holds {word!r}; write spark.name=value, separated by blanks."
            )
        options[name] = value
    return options


def _make_environment() -> dict[str, str]:
    """Return the environment of a driver: nothing of this site's settings, its own Python."""
    kept = ("PATH", "HOME", "LANG", "TMPDIR", "JAVA_HOME")
    python = settings.SPARK_PYTHON
    environment = {name: os.environ[name] for name in kept if name in os.environ}
    return environment | {
        "PYSPARK_PYTHON": python,
        "PYSPARK_DRIVER_PYTHON": python,
        # the folder of pyspark beside this Python, not of another Spark on this machine
        "SPARK_HOME": str(_find_home()),
        "OPENBLAS_NUM_THREADS": "1",
    }


def _find_spark_submit() -> Path:
    return Path(settings.SPARK_PYTHON).parent / "spark-submit"


def _find_home() -> Path:
    """Return pyspark's folder of the Python that is set."""
    libraries = Path(settings.SPARK_PYTHON).parent.parent / "lib"
    homes = sorted(libraries.glob("python3*/site-packages/pyspark"))
    if not homes:
        raise ClusterUnavailable(
            f"There is no pyspark in {libraries}: set SPARK_PYTHON to the python of an environment with it."
        )
    return homes[-1]


def pack_programs(folder: JobFolder) -> Path:
    """Write what the machines need of this program into the job's folder."""
    path = folder.path / "programs.zip"
    root = Path(settings.BASE_DIR)
    with zipfile.ZipFile(path, "w") as archive:
        for name in PROGRAMS:
            source = root / name
            for file in [source] if source.is_file() else sorted(source.rglob("*.py")):
                archive.write(file, file.relative_to(root))
    return path


def _read_end(path: Path) -> str:
    lines = [line.strip() for line in path.read_text(errors="replace").splitlines()]
    telling = [line for line in lines if line and " INFO " not in line]
    return " / ".join(telling[-LINES_TOLD:])[-600:] or "nothing"
