"""A standalone cluster on this machine: a master and two workers as processes of their own."""

import os
import shutil
import socket
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import psutil
import pytest

from tests.recommendations.conftest import own_artifacts, world  # noqa: F401  (fixtures)
from tests.waiting import wait_for

ROOT = Path(__file__).resolve().parents[2]
SPARK = Path(os.environ.get("SPARK_VENV", ROOT / ".venv-spark"))
OPTIONS = (
    "spark.driver.host=127.0.0.1 spark.driver.bindAddress=127.0.0.1 spark.driver.memory=600m "
    "spark.executor.memory=500m spark.sql.shuffle.partitions=2 spark.default.parallelism=2 "
    # short programs: compiling them well takes longer than they run
    "spark.driver.extraJavaOptions=-XX:TieredStopAtLevel=1 "
    "spark.executor.extraJavaOptions=-XX:TieredStopAtLevel=1"
)


@dataclass
class Cluster:
    """A master and its workers; what is killed is started again by the test's end."""

    folder: Path
    port: int
    workers: list[subprocess.Popen] = field(default_factory=list)
    master: subprocess.Popen | None = None

    @property
    def address(self) -> str:
        return f"spark://127.0.0.1:{self.port}"

    def start_master(self) -> None:
        self.master = self._start(
            "org.apache.spark.deploy.master.Master", "--port", str(self.port), "--webui-port", "0"
        )
        wait_for(self._answers)

    def fill_up(self) -> None:
        """Start workers until two are there."""
        self.workers = [worker for worker in self.workers if worker.poll() is None]
        while len(self.workers) < 2:
            number = len(list(self.folder.glob("work-*")))
            work = self.folder / f"work-{number}"
            work.mkdir()
            self.workers.append(
                self._start(
                    "org.apache.spark.deploy.worker.Worker",
                    *("--cores", "1", "--memory", "600m", "--webui-port", "0"),
                    *("--work-dir", str(work), self.address),
                )
            )

    def stop(self) -> None:
        for process in [*self.workers, self.master]:
            if process is not None:
                process.kill()
                process.wait()

    def _answers(self) -> bool:
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", self.port)) == 0

    def _start(self, program: str, *arguments: str) -> subprocess.Popen:
        home = next(SPARK.glob("lib/python3*/site-packages/pyspark"))
        environment = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
        environment |= {
            "SPARK_HOME": str(home),
            "SPARK_LOCAL_IP": "127.0.0.1",
            "SPARK_DAEMON_MEMORY": "200m",
            "SPARK_DAEMON_JAVA_OPTS": "-XX:TieredStopAtLevel=1",
            "PYSPARK_PYTHON": str(SPARK / "bin" / "python"),
        }
        command = [str(home / "bin" / "spark-class"), program, "--host", "127.0.0.1", *arguments]
        with (self.folder / f"{program.rpartition('.')[2]}.log").open("ab") as log:
            return subprocess.Popen(command, env=environment, stdout=log, stderr=subprocess.STDOUT)


@pytest.fixture(scope="session")
def running_cluster(tmp_path_factory) -> Iterator[Cluster]:
    if shutil.which("java") is None:
        pytest.skip("Java is missing: sudo apt-get install openjdk-17-jre-headless")
    if not (SPARK / "bin" / "spark-submit").exists():
        pytest.skip("pyspark is missing: `make test-spark` installs it.")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    cluster = Cluster(tmp_path_factory.mktemp("cluster"), port)
    try:
        cluster.start_master()
        yield cluster
    finally:
        cluster.stop()


@pytest.fixture
def cluster(running_cluster, settings, tmp_path) -> Cluster:
    """The cluster with both its workers, set as this site's."""
    running_cluster.fill_up()
    settings.SPARK_MASTER = running_cluster.address
    settings.SPARK_PYTHON = str(SPARK / "bin" / "python")
    settings.SPARK_OPTIONS = OPTIONS
    settings.CLUSTER_DIR = tmp_path / "cluster"
    return running_cluster


def find_processes(word: str) -> list[psutil.Process]:
    """Return the running processes that have a word in their command and were started by this test's process."""
    return [
        process
        for process in psutil.Process().children(recursive=True)
        if word in " ".join(_read_command(process))
    ]


def _read_command(process: psutil.Process) -> list[str]:
    try:
        return process.cmdline()
    except psutil.Error:
        return []
