"""A wall clock that jumps under running processes, as the site sees it in every one of them."""

import signal
from collections.abc import Callable

import psutil
import pytest

from tests.journeys.conftest import (  # noqa: F401  (fixtures)
    find_ended_run,
    long_training,
    request_training,
    run_row,
    seeded_postgresql,
    seeded_sqlite,
    site,
    start_worker,
)
from tests.waiting import wait_for

pytestmark = pytest.mark.reliability

# Python reads this file at the start of every process, also of those that a worker's pool starts. The clock that only
# runs on (time.monotonic) stays as it is: setting a machine's clock does not move it either.
SHIFTED = """
import datetime, os, time
from django.utils import timezone

real_time = time.time

def shifted():
    with open(os.environ["CLOCK_FILE"]) as clock:
        return real_time() + float(clock.read() or 0)

time.time = shifted
timezone.now = lambda: datetime.datetime.fromtimestamp(shifted(), datetime.UTC)
"""


@pytest.fixture
def set_clock(site, tmp_path) -> Callable[[int], None]:  # noqa: F811
    """Return a function that sets the wall clock of this site's processes on by some seconds, whenever they began."""
    (tmp_path / "start").mkdir()
    (tmp_path / "start/sitecustomize.py").write_text(SHIFTED)
    clock = tmp_path / "clock"
    clock.write_text("0")
    site.settings |= {"PYTHONPATH": str(tmp_path / "start"), "CLOCK_FILE": str(clock)}

    def write_clock(seconds: int) -> None:
        new = clock.with_suffix(".new")
        new.write_text(str(seconds))
        new.rename(clock)  # nobody reads half of it

    return write_clock


def read_clock(site) -> float:  # noqa: F811
    return float(site.shell("import time; print(time.time())"))


def test_a_training_outlives_a_clock_that_jumps_and_its_worker_is_followed_all_the_same(
    site,  # noqa: F811
    start_worker,  # noqa: F811
    set_clock,
):
    """T28: an hour on and an hour back while it trains; then kill -9, with a lease that ends far in the future."""
    site.settings |= {"JOB_LEASE_SECONDS": "18", "SWEEP_PATIENCE_SECONDS": "8"}
    worker = start_worker(site)
    run = request_training(site, **long_training())
    begun = wait_for(lambda: "fit als" in run_row(site, run)["stage"] and run_row(site, run))
    before = read_clock(site)

    for clock in (3600, 0, -3600):
        set_clock(clock)
        # What the schedule does every 15 s; it waits until it can judge a lease.
        site.shell("from recommendations import tasks; tasks.sweep_and_wake(wait=True)")
        row = run_row(site, run)
        assert (row["status"], row["owner"], row["attempt"]) == ("running", begun["owner"], 1), (
            clock
        )
    assert read_clock(site) < before - 3000, "the clock was really set back"

    set_clock(-7200)
    kill_with_children(worker)
    start_worker(site)
    wait_for(lambda: taken_up(site, run))


def taken_up(site, run: int) -> bool:  # noqa: F811
    site.shell("from recommendations import tasks; tasks.sweep_and_wake(wait=True)")
    return run_row(site, run)["attempt"] == 2


def kill_with_children(worker) -> None:
    for process in [
        *psutil.Process(worker.pid).children(recursive=True),
        psutil.Process(worker.pid),
    ]:
        process.send_signal(signal.SIGKILL)
    worker.wait()
