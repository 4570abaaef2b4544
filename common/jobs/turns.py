"""A turn at a job: claim it, work on it under its lease, write how that ended. Each kind of job is a `JobKind`."""

import logging
import time
from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, ClassVar, Generic, NamedTuple, TypeVar, cast

from django.db import DatabaseError
from django.utils import timezone
from structlog.contextvars import bound_contextvars

from common.jobs.conf import job_conf
from common.jobs.heartbeat import Heartbeat
from common.jobs.leases import Lease, LostLease, claim_job
from common.jobs.models import JobFailed, JobQuerySet, JobRow
from common.jobs.reporter import Cancelled, JobReporter

log = logging.getLogger(__name__)

Status = JobRow.Status
Job = TypeVar("Job", bound=JobRow)


class Verdict(NamedTuple):
    """What an error means for the job that met it.

    `sentence` becomes the row's error. An error that may pass is tried again, up to `job_attempts`; one that is
    foreseen is not raised after it was written.
    """

    sentence: str
    may_pass: bool = False
    is_foreseen: bool = False


@dataclass
class Turn(Generic[Job]):
    """One claim of a job while a worker works on it; over after `max_seconds`, so that others have their turn."""

    job: Job
    lease: Lease
    reporter: JobReporter
    max_seconds: float | None = None
    on_progress: Callable[[Job], None] = lambda job: None
    started: float = field(default_factory=time.monotonic)
    was_ended: bool = False

    def is_over(self) -> bool:
        """Return whether the turn's time is up; who asks then stops, and the job is queued again."""
        self.was_ended = (
            self.max_seconds is not None and time.monotonic() - self.started >= self.max_seconds
        )
        return self.was_ended


class JobKind(ABC, Generic[Job]):
    """What is special about one kind of job; what all have in common is in `run_job`."""

    model: type[Job]
    log_name: ClassVar[str]
    """Under which name the job's number is in log lines."""
    related: ClassVar[tuple[str, ...]] = ()
    """Foreign keys to read with the row."""
    final_errors: ClassVar[tuple[type[Exception], ...]] = ()
    """Errors that end the job, besides JobFailed; their text is its error, and they are not raised."""
    passing_errors: ClassVar[tuple[type[Exception], ...]] = (DatabaseError,)
    """Errors after which it is tried again, up to `job_attempts`, each attempt being counted."""

    caught: ClassVar[type[BaseException]] = Exception
    """What ends a turn with an entry in the row; beyond it the sweep finds a job without a worker."""
    claim_fields: ClassVar[dict[str, Any]] = {}
    """Further fields that are written with the claim."""

    @abstractmethod
    def work(self, turn: Turn[Job]) -> bool:
        """Do the job, or as much of it as the turn is long; return whether all of it is done."""

    def list_waiting(self) -> JobQuerySet:
        """Return the jobs that a worker may take up, the next one first.

        Next is what was never tried or failed least often, then what has waited longest for a turn: a new job is
        not delayed by a long one, and one that kills its worker comes last.
        """
        jobs: JobQuerySet = self.model._default_manager.all()
        return jobs.in_turn()

    def judge(self, error: BaseException) -> Verdict:
        """Return what an error means for the job."""
        if isinstance(error, (JobFailed, *self.final_errors)):
            return Verdict(str(error), is_foreseen=True)
        return Verdict(describe_error(error), may_pass=isinstance(error, self.passing_errors))

    def name_job(self, job: Job) -> str:
        """Return how the log calls the job."""
        return job.job_name

    def make_reporter(self, lease: Lease, job: Job) -> JobReporter:
        """Return what writes the job's progress."""
        return JobReporter(lease)

    def collect_final_fields(self, status: str, error: str) -> dict[str, Any]:
        """Return further fields that are written when the job ends."""
        return {}

    def clean_up(self, job: Job) -> None:
        """Do what every end of the job needs, after it was written."""

    def keep_place(self, turn: Turn[Job]) -> None:
        """Keep what the next turn in this process can use."""


def run_next(kind: JobKind[Job], owner: str = "") -> Job | None:
    """Give one waiting job a turn of `job_slice_seconds` and return it; None when none waits."""
    for job_id in kind.list_waiting().values_list("pk", flat=True):
        job = run_job(kind, job_id, owner, max_seconds=job_conf.job_slice_seconds)
        if job is not None:
            return job
    return None


def run_job(
    kind: JobKind[Job],
    job_id: int,
    owner: str = "",
    *,
    max_seconds: float | None = None,
    on_progress: Callable[[Job], None] = lambda job: None,
    take_over: bool = False,
) -> Job | None:
    """Claim a job, give it a turn and return its row as it is then.

    Returns None when somebody else has the job, or it is over or deleted. With `max_seconds` it is queued again
    when it takes longer. What goes wrong is written to the row; what nobody foresaw is raised after that.
    """
    lease = claim_turn(kind, job_id, owner, take_over=take_over)
    if lease is None:
        return None
    try:
        take_turn(kind, lease, max_seconds=max_seconds, on_progress=on_progress)
    except LostLease as error:
        log.warning("%s", error)
    return _read_job(kind, job_id)


def claim_turn(
    kind: JobKind[Job], job_id: int, owner: str = "", *, take_over: bool = False
) -> Lease | None:
    """Claim a job for a turn; None when somebody else has it."""
    fields = {"error": "", **kind.claim_fields}
    if kind.model.takes_turns():
        fields["turn_at"] = timezone.now()
    return claim_job(kind.model, job_id, owner, take_over=take_over, **fields)


def take_turn(
    kind: JobKind[Job],
    lease: Lease,
    *,
    max_seconds: float | None = None,
    on_progress: Callable[[Job], None] = lambda job: None,
) -> None:
    """Work on a claimed job, and write how that ended. Raises LostLease, and errors that nobody foresaw."""
    job = _read_job(kind, lease.job_id)
    if job is None:
        raise lease.make_lost_error()
    reporter = kind.make_reporter(lease, job)
    turn = Turn(job, lease, reporter, max_seconds, on_progress)
    with bound_contextvars(**{kind.log_name: lease.job_id}), Heartbeat(lease) as heartbeat:
        reporter.heartbeat = heartbeat
        try:
            try:
                is_done = kind.work(turn)
            finally:
                heartbeat.stop()  # no renewal follows the last write
        except LostLease:
            raise
        except Cancelled:
            _end(kind, turn, Status.CANCELLED)
        except kind.caught as error:
            _record_error(kind, turn, error)
        else:
            if is_done:
                _end(kind, turn, Status.SUCCEEDED)
            else:
                lease.release(attempt=0)  # a healthy turn forgives earlier attempts
                kind.keep_place(turn)


def _read_job(kind: JobKind[Job], job_id: int) -> Job | None:
    rows = kind.model._default_manager.select_related(*kind.related)
    return cast("Job | None", rows.filter(pk=job_id).first())


def describe_error(error: BaseException) -> str:
    """Return an error that nobody foresaw as the text of a row."""
    return f"{type(error).__name__}: {error}".rstrip(": ")


def _record_error(kind: JobKind[Job], turn: Turn[Job], error: BaseException) -> None:
    """End the job or queue it again, and raise the error unless it was foreseen."""
    verdict = kind.judge(error)
    lease = turn.lease
    try:
        if verdict.may_pass and lease.attempt < job_conf.job_attempts:
            lease.release(attempt=lease.attempt, error=verdict.sentence)
        else:
            _end(kind, turn, Status.FAILED, error=verdict.sentence)
    except LostLease:
        if isinstance(error, Exception):  # it came of the loss
            raise
    if not verdict.is_foreseen:
        raise error


def _end(kind: JobKind[Job], turn: Turn[Job], status: str, error: str = "") -> None:
    """Write how the job ended, say so in the log, and clean up."""
    fields: dict[str, Any] = {"error": error, **kind.collect_final_fields(status, error)}
    if status == Status.SUCCEEDED:
        fields["progress"] = 1.0
    turn.lease.finish(status, **fields)
    turn.job.refresh_from_db()
    level = logging.WARNING if status == Status.FAILED else logging.INFO
    log.log(level, "%s %s%s", kind.name_job(turn.job), status, f": {error}" if error else "")
    kind.clean_up(turn.job)
