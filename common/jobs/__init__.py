"""One framework for every long work: the row is the job, and claim, lease, heartbeat, progress and sweep are here.

Every long work uses it and none has rules of its own: trainings, imports, scans of folders, syncs with servers,
analyses, lists, generated playlists and trends. A kind says in a `JobKind` what is special about it.
"""

from common.jobs.conf import job_conf
from common.jobs.heartbeat import Heartbeat
from common.jobs.kinds import count_waiting, describe_queues, list_job_models
from common.jobs.leases import Lease, LostLease, claim_job, get_owner_name, is_owner_dead
from common.jobs.models import JobFailed
from common.jobs.reporter import Cancelled, JobReporter
from common.jobs.requests import (
    NotRequested,
    cancel_job,
    cancel_jobs,
    delete_old_jobs,
    request_job,
    request_unless_gone,
)
from common.jobs.sweeping import Swept, find_silent_jobs, release_jobs_of_worker, sweep_jobs
from common.jobs.turns import JobKind, Turn, Verdict, describe_error, run_job, run_next

__all__ = [
    "Cancelled",
    "Heartbeat",
    "JobFailed",
    "JobKind",
    "JobReporter",
    "Lease",
    "LostLease",
    "NotRequested",
    "Swept",
    "Turn",
    "Verdict",
    "cancel_job",
    "cancel_jobs",
    "claim_job",
    "count_waiting",
    "delete_old_jobs",
    "describe_error",
    "describe_queues",
    "find_silent_jobs",
    "get_owner_name",
    "is_owner_dead",
    "job_conf",
    "list_job_models",
    "release_jobs_of_worker",
    "request_job",
    "request_unless_gone",
    "run_job",
    "run_next",
    "sweep_jobs",
]
